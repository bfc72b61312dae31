/** Time limits and the working calendar, and the orders that somebody looks after. */

import type { Counts } from './calls'
import type { CaseOrder, Done } from './cases'
import { ask, type Query } from './http'

export type WatchView = 'supervised' | 'late' | 'near'
export type Level = 'yellow' | 'red' | 'raised' | 'leader'

export interface RuleSaid {
  id: string
  title: string
  in_force: boolean
  text: string
}
export interface Clocks {
  clocks: RuleSaid[]
  supervision: RuleSaid[]
  workdays: string // the calendar's document
  editions: Record<string, number> // kind -> newest edition, 0: the server's file
  editable: string[]
  notes: string[]
  refused: string
}
export interface Limit {
  limit: string
  title: string
  rule: string
  rule_title: string
  since: string
  span: string
  started: number
  near_at: number
  due: number
}
export interface Watched extends Counts {
  orders: CaseOrder[]
  counts: { levels: Record<Level, number>; late: number; near: number }
  at: number
}
export interface LimitsAsked {
  type: string
  category: string
  urgency: string
  channel: string
  redo: boolean
  at: number | null
}

export function getClocks(): Promise<Clocks> {
  return ask('GET', '/api/clocks')
}

/** Which limits such an order would have, by which rule, and until when. */
export function explainClocks(asked: LimitsAsked): Promise<{ at: number; limits: Limit[]; notes: string[] }> {
  return ask('POST', '/api/clocks/explain', { body: asked })
}

export function findWatched(query: Query): Promise<Watched> {
  return ask('GET', '/api/supervision', { query })
}

/** The same move for many orders; `key` names this wish. */
export function superviseMany(move: 'supervise' | 'follow', orders: Array<{ order_id: string; version: number }>, fields: Record<string, string>, key: string): Promise<{ results: Done[]; done: number }> {
  return ask('POST', '/api/orders/moves', { body: { move, orders, fields }, key })
}
