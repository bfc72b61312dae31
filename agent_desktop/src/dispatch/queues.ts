/** The clerk's queues: their names, what is told of an order in a list, and which key does what. Pure. */

import type { Case, Suggestion } from '@/api/cases'
import type { QueueName, Wish } from '@/api/dispatch'
import { pressure, remaining, type Pressure } from '@/cases/times'

export const QUEUES: ReadonlyArray<{ name: QueueName; title: string; none: string }> = [
  { name: 'to_dispatch', title: '待派单', none: '没有等待派单的工单。' },
  { name: 'returned', title: '退单待裁', none: '没有等待审核的退单。' },
  { name: 'disputed', title: '争议', none: '没有等待裁定的职责争议。' },
  { name: 'to_review', title: '待审核', none: '没有等待审核的反馈。' },
  { name: 'extension', title: '延期待批', none: '没有等待审批的延期。' },
  { name: 'appealed', title: '申诉待裁定', none: '没有等待裁定的申诉。' },
  { name: 'to_visit', title: '待人工回访', none: '没有等待人工回访的工单。' },
  { name: 'to_decide', title: '待人工决定', none: '没有重办后仍不满意、等待决定的工单。' },
  { name: 'sample', title: '抽查', none: '没有等待抽查的自动派单。' },
  { name: 'gone', title: '单位已撤销', none: '没有留在已撤销单位的工单。' },
]
/** Queues in which an order is given to a unit. */
export const TO_UNITS: readonly QueueName[] = ['to_dispatch', 'gone']
const HAVE_IT: readonly string[] = ['dispatched', 'signed', 'handling']

export const SOURCES: Record<string, string> = { rule: '派单规则', learned: '历史派单', duty: '单位职责', usual: '常用', clerk: '人工选择' }

export const KEYS: ReadonlyArray<{ keys: string[]; does: string }> = [
  { keys: ['J', 'K'], does: '下一张、上一张（也可用 ↓ ↑）' },
  { keys: ['1', '2', '3'], does: '选择第几条建议（在退单、审核等队列中为办理操作）' },
  { keys: ['Enter'], does: '派给所选单位' },
  { keys: ['0'], does: '自己选择单位' },
  { keys: ['B'], does: '标记 / 取消标记，用于批量派单' },
  { keys: ['Shift', 'Enter'], does: '打开批量派单预览' },
  { keys: ['[', ']'], does: '上一个、下一个队列' },
  { keys: ['R'], does: '刷新队列' },
  { keys: ['?'], does: '本帮助' },
]

export function value(order: Case, name: 'title' | 'summary' | 'category' | 'district' | 'street' | 'urgency' | 'type' | 'secrecy' | 'unit'): string {
  return order.fields[name]?.value ?? ''
}

/** The clock that is over first, in words; null when none runs. */
export function clockOf(order: Case, now: number): { text: string; how: Pressure } | null {
  const running = (order.course?.clocks ?? []).filter((clock) => clock.stopped === null && clock.paused_at === null && clock.unit === '')
  const first = [...running].sort((one, other) => one.due - other.due)[0]
  return first === undefined ? null : { text: remaining(first.due, now), how: pressure(first.due, first.near_at, now) }
}

/** Whether a unit has it already, so that a reason is needed. */
export function needsReason(order: Case): boolean {
  return HAVE_IT.includes(order.course?.state ?? '')
}

export function wishOf(order: Case, chosen: { unit: string; source: string }, reason = ''): Wish {
  return { order_id: order.order_id, version: order.version, lead: chosen.unit, source: chosen.source, ...(reason === '' ? {} : { reason }) }
}

/** What a suggestion is worth, in words: "派单规则 95%". */
export function worth(one: Suggestion): string {
  return `${SOURCES[one.source.split(':')[0] ?? ''] ?? ''} ${Math.round(one.confidence * 100)}%`
}

/** The queue before or after, going round. */
export function beside(name: QueueName, by: 1 | -1): QueueName {
  const place = QUEUES.findIndex((one) => one.name === name)
  return QUEUES[(place + by + QUEUES.length) % QUEUES.length]!.name
}

export function percent(share: number | null): string {
  return share === null ? '—' : `${(share * 100).toFixed(1)}%`
}
