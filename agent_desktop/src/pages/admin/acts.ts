/** What the details of the trail's lines say, in words; the acts themselves come from the server in words. */

import type { ChangeRow } from '@/api/admin'
import type { Role } from '@/live/protocol'
import { ROLES } from '@/text/words'

const FIELDS: Record<string, string> = {
  login: '工号', name: '姓名', role: '角色', extension: '分机', skills: '技能', team: '班组', place: '地点', unit: '承办单位', districts: '区县', confidential: '可查看保密工单', fields: '内容', texts: '文字会话', active: '启用',
  number: '版本', base: '原版本', origin: '来源', added: '新增行', gone: '删除行', removed: '删除文档', version: '版本', title: '标题', category: '事项分类', district: '区县', street: '街道', since: '起始', until: '截止', kind: '类别', kinds: '事件', questions: '要问的', rule: '规则',
  scopes: '权限', days: '有效天数', per_minute: '每分钟次数', host: '地址', agent_id: '坐席', state: '状态', seconds: '秒数', attachment: '附件编号', size: '字节', digest: '校验值', orders: '工单', order_id: '工单',
  call_id: '通话', seq: '序号', findings: '不符', what: '范围', basis: '依据', other: '并入的工单', key: '编号', figure: '指标', level: '级别', raise_at: '触发值', clear_at: '解除值', hold_s: '持续秒数', queue: '队列',
  sound: '声音', line_id: '句子', lines: '行数', score: '分数', urgent: '紧急', event_id: '事件号', into: '并入', refused: '未办成', form: '格式', before: '原来', after: '现在', target: '目标', problem: '问题', changed: '改动',
}

const ORIGINS: Record<string, string> = { page: '页面', file: '文件', back: '退回' }

/** A value of a detail, as people read it. */
export function valueText(key: string, value: unknown): string {
  if (key === 'role') return ROLES[value as Role] ?? String(value)
  if (key === 'origin') return ORIGINS[String(value)] ?? String(value)
  if (typeof value === 'boolean') return value ? '是' : '否'
  if (value === '' || value === null || value === undefined) return '（空）'
  if (Array.isArray(value)) return value.map((one) => valueText('', one)).join('、') || '（空）'
  if (typeof value === 'object') return Object.entries(value).map(([name, one]) => `${name}:${valueText('', one)}`).join('，') || '（空）'
  return String(value)
}

/** What a line of the trail tells, without its reason; changes as before → after. */
export function detailLines(row: Pick<ChangeRow, 'detail'>): string[] {
  const { before, after } = row.detail as { before?: Record<string, unknown> | null; after?: Record<string, unknown> | null }
  const was = before ?? {}
  const lines: string[] = []
  for (const [key, value] of Object.entries(row.detail)) {
    if (['reason', 'before', 'after', 'changed'].includes(key) || (key === 'removed' && value === false)) continue
    const name = FIELDS[key] ?? key
    if (after === undefined && key in was) lines.push(`${name}：${valueText(key, was[key])} → ${valueText(key, value)}`)
    else lines.push(`${name}：${valueText(key, value)}`)
  }
  if (after !== undefined) lines.push(...differing(was, after ?? {}, before === null, after === null))
  const changed = row.detail.changed
  if (Array.isArray(changed) && changed.includes('password')) lines.push('密码已重设')
  return lines
}

/** What is not the same before and after; all of it where there was nothing, or is nothing any more. */
function differing(before: Record<string, unknown>, after: Record<string, unknown>, fresh: boolean, gone: boolean): string[] {
  const lines: string[] = fresh ? ['新建'] : gone ? ['已删除'] : []
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [valueText(key, before[key]), valueText(key, after[key])]
    if (old === now) continue
    const name = FIELDS[key] ?? key
    lines.push(fresh ? `${name}：${now}` : gone ? `${name}：${old}` : `${name}：${old} → ${now}`)
  }
  return lines
}
