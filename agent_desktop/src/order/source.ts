/** Where a value came from, in words for the agent. */

import type { FieldView } from '@/live/protocol'
import { nameOf } from '@/stores/names'

const KINDS: Record<string, string> = {
  agent: '坐席',
  caller_history: '来电记录',
  caller_id: '来电号码',
  citizen: '市民原话',
  duty: '职责',
  gazetteer: '地名库',
  history: '来电记录',
  learned: '以往工单',
  list: '名单',
  model: '模型',
  rule: '规则',
  summary: '摘要',
  usual: '常用承办',
}
const DETAILS: Record<string, string> = {
  'caller_id+said': '来电号码 · 与口述相符',
  'gazetteer/exact': '地名库',
  'gazetteer/implied': '由地名推出',
  'gazetteer/near': '地名库 · 近音',
  'gazetteer/sound': '地名库 · 同音',
  'rule:contact': '称呼规则',
  'rule:mood': '情绪规则',
  'rule:phone': '号码规则',
  'rule:time': '时间规则',
  'rule:urgency/none': '未见紧急',
}

/**
 * "rule:urgency/停水" becomes "规则 · 停水", "gazetteer/sound" "地名库 · 同音", "agent:li" "坐席 li", or "本人填写"
 * where li is `login`. What is not known here is shown by its kind.
 */
export function sourceText(source: string, login = ''): string {
  const [kind, detail] = split(source)
  if (kind === 'agent') return detail !== '' && detail === login ? '本人填写' : `坐席 ${nameOf(detail)}`.trim()
  const known = DETAILS[source] ?? DETAILS[source.split('/')[0] ?? '']
  if (known !== undefined) return known
  const word = KINDS[kind] ?? kind
  const chinese = detail.split('/').filter((part) => /[\u4e00-\u9fff]/.test(part))
  return chinese.length === 0 ? word : `${word} · ${chinese.join('/')}`
}

function split(source: string): [string, string] {
  const at = source.search(/[:/]/)
  return at < 0 ? [source, ''] : [source.slice(0, at), source.slice(at + 1)]
}

export function percent(confidence: number): string {
  return `${Math.round(Math.min(1, Math.max(0, confidence)) * 100)}%`
}

/** Below this the machine's value is marked for checking. */
export const UNSURE = 0.6

/** The machine filled it and is not sure. */
export function isUnsure(field: FieldView): boolean {
  return field.filler === 'machine' && field.confidence < UNSURE
}
