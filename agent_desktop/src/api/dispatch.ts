import type { Counts } from './calls'
import type { Case, Done, Suggestion } from './cases'
import { ask, fetchFile } from './http'
import type { VisitByHand } from './worklist'

/** The clerk's dispatch desk, units and the rules that give matters to them. */

export type QueueName = 'to_dispatch' | 'returned' | 'disputed' | 'to_review' | 'extension' | 'appealed' | 'to_visit' | 'to_decide' | 'sample' | 'gone'

export interface QueueCount {
  total: number
  near: number
  late: number
}
export interface Queue extends Counts {
  orders: Array<Case & Partial<Pick<VisitByHand, 'why_title' | 'closes_at'>>>
  gone: string[] // lead units of these orders that are no more
}
export interface Wish {
  order_id: string
  version: number
  lead: string
  source: string
  joint?: string[]
  joint_rule?: string
  reason?: string
}
export interface Sample {
  event_id: string
  order_id: string
  unit: string
  source: string
  reason: string
  confidence: number
  at: number
  verdict: 'right' | 'wrong' | null
  should: string
  note: string
  judged_by: string
  judged_at: number | null
  order: Case
}
export interface Figures {
  key: string
  auto: number
  dispatched: number
  settled: number
  wrong: number
  returned: number
  sampled: number
  sampled_right: number
  accuracy: number | null
  return_rate: number | null
  sample_accuracy: number | null
}
export type GroupName = 'all' | 'rule' | 'source' | 'category' | 'unit'
export interface DispatchFigures {
  since: number
  until: number
  definitions: Record<string, string>
  rules: Record<string, string>
  groups: Record<GroupName, Figures[]>
}
export interface AutoPolicy {
  policy: { sampling: number; categories: Array<{ category: string; auto: boolean; least: number; by: string[]; sampling: number | null; hours: string; urgent: boolean; secret: boolean }> }
  problem: string
  left: Record<string, number>
}
export interface BookUnit {
  name: string
  level: string
  parent: string
  areas: string[]
  duties: string[]
}
export interface Rule {
  rule_id: string
  category: string
  district: string
  street: string
  unit: string
  since: string
  until: string
}
export interface Book {
  imported: boolean
  levels: Record<string, string>
  units: BookUnit[]
  rules: Rule[]
  gone: string[]
}
export interface Held {
  total: number
  units: Record<string, number>
  first: Array<{ order_id: string; number: string; title: string; unit: string; role: string }>
}
export interface Plan {
  count: number
  added: number
  changed: number
  removed: string[]
  removed_count: number
  rules_lost: number
  held: Held | null
  encoding: string
  dry_run: boolean
}
export type FileKind = 'units' | 'rules'

export async function getCounts(): Promise<Record<QueueName, QueueCount>> {
  return (await ask<{ queues: Record<QueueName, QueueCount> }>('GET', '/api/dispatch/counts')).queues
}

export function getQueue(queue: QueueName, page: number, size: number): Promise<Queue> {
  return ask('GET', '/api/dispatch/queue', { query: { queue, page, size } })
}

/** Suggestions for many orders, at most 50. */
export async function suggestAll(orders: string[]): Promise<Record<string, Suggestion[]>> {
  return (await ask<{ orders: Record<string, Suggestion[]> }>('POST', '/api/dispatch/suggest', { body: { orders } })).orders
}

/** Dispatch each order by itself; `key` names this wish: asked twice, it is done once. */
export function dispatchAll(orders: Wish[], key: string): Promise<{ results: Done[]; done: number }> {
  return ask('POST', '/api/dispatch/batch', { body: { orders }, key })
}

export function getSamples(judged: boolean, page: number, size: number): Promise<{ total: number; samples: Sample[] }> {
  return ask('GET', '/api/dispatch/samples', { query: { judged: String(judged), page, size } })
}

export function judgeSample(event_id: string, verdict: 'right' | 'wrong', should: string, note: string): Promise<Sample> {
  return ask('POST', `/api/dispatch/samples/${encodeURIComponent(event_id)}/verdict`, { body: { verdict, should, note } })
}

export function getFigures(since: number, until: number): Promise<DispatchFigures> {
  return ask('GET', '/api/dispatch/figures', { query: { since, until } })
}

export const getAutoPolicy = (): Promise<AutoPolicy> => ask('GET', '/api/dispatch/policy')
export const getBook = (): Promise<Book> => ask('GET', '/api/units/book')
export const getUnitFile = (kind: FileKind): Promise<Blob> => fetchFile('/api/units/file', { kind })

export function importFile(kind: FileKind, file: Blob, options: { dry_run: boolean; leave_open: boolean; reason: string }): Promise<Plan> {
  const query = { kind, dry_run: String(options.dry_run), leave_open: String(options.leave_open), reason: options.reason }
  return ask('POST', '/api/units/import', { query, file: new Blob([file], { type: 'text/csv' }) })
}

export function putRule(rule: Omit<Rule, 'rule_id'>, replaces: string, reason: string): Promise<Rule> {
  return ask('POST', '/api/units/rules', { body: { ...rule, replaces, reason } })
}

export function removeRule(rule_id: string, reason: string): Promise<object> {
  return ask('DELETE', `/api/units/rules/${encodeURIComponent(rule_id)}`, { body: { reason } })
}
