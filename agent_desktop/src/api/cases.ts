import type { FieldView, OrderField, OrderLinkView } from '@/live/protocol'

import type { Counts } from './calls'
import { ask, fetchFile, type Query } from './http'

/** Accepted orders: their course, the moves people make, units' inboxes, the documents that go with them. */

export type CourseState =
  | 'accepted' | 'answered' | 'dispatched' | 'signed' | 'handling' | 'returned' | 'disputed' | 'fed_back' | 'reviewed'
  | 'visiting' | 'rated' | 'redo' | 'appealed' | 'closed' | 'archived' | 'merged' | 'withdrawn'
export type Supervision = 'none' | 'yellow' | 'red' | 'raised' | 'leader'
export type DocumentKind = 'dispatch' | 'follow' | 'supervise' | 'close'

export interface Clock {
  kind: string
  started: number
  due: number
  near_at: number
  unit: string // of a joint unit, '' for the order's own
  paused_at: number | null
  stopped: number | null
}
export interface JointUnit {
  unit: string
  state: 'dispatched' | 'signed' | 'answered'
  since: number
  answer: string
}
export interface Rating {
  result: number | null
  service: number | null
  solved: 'yes' | 'no' | 'partly' | null
  bad: boolean
  at: number
  words: string
  round: number
  counts: boolean
}
export interface Course {
  state: CourseState
  since: number
  touched_at: number
  round: number
  lead: string
  joint: JointUnit[]
  joint_rule: 'free' | 'until_due' | 'all'
  returns: Array<{ unit: string; reason: string; at: number; accepted: boolean | null; ruling: string }>
  dispute: { unit: string; reason: string; lead: string; ruling: string } | null
  extension: { days: number; reason: string; at: number; granted: boolean | null; ruling: string } | null
  clocks: Clock[]
  supervision: Supervision
  feedback: { unit: string; text: string; at: number; outcome: string } | null
  review: { passed: boolean; reason: string; at: number } | null
  rating: Rating | null
  bad_ratings: number
  appeal: { unit: string; reason: string; upheld: boolean | null; ruling: string } | null
  closed_at: number | null
  merged_into: string
}
export interface CaseOrder {
  order_id: string
  call_id: string
  number: string
  version: number
  channel: string
  caller: string
  created_at: number
  closed_at: number | null // when it was accepted
  fields: Partial<Record<OrderField, FieldView>>
  links: OrderLinkView[]
  masked?: string[] // what the server covers
  may_unmask?: boolean
  course: Course | null
}
export interface TrailLine {
  seq: number
  at: number
  actor: string // login, machine, call or system
  who?: string // the same as it is shown: 姓名（工号）
  event: string
  title: string
  text: string
  hash: string
}
export interface Case extends CaseOrder {
  moves: string[]
  acts_for: string[]
}
export interface WholeCase extends Case {
  history: TrailLine[]
}
export interface CourseWords {
  states: Record<string, string>
  joint_states: Record<string, string>
  clocks: Record<string, string>
  supervision: Record<string, string>
  outcomes: Record<string, string>
  moves: Record<string, { title: string; fields: string[] }>
  causes: Record<string, string> // why an order is corrected
  correctable: string[] // fields that are corrected
  checklist: Array<{ item: string; hint: string }>
}
export interface Unit {
  name: string
  level: string
  parent: string
  areas: string[]
}
export interface Part {
  role: 'lead' | 'joint'
  state: string
  since: number
  open: boolean
  due: number | null
  near_at: number | null
}
export interface InboxOrder extends CaseOrder {
  part: Part
}
export interface InboxCounts {
  unit: string
  open: number
  near: number
  late: number
  to_sign: number
  working: number
  joint: number
  appealed: number // wait for the ruling on an appeal
  done_month: number
}
export interface Done {
  order_id: string
  ok: boolean
  message?: string
}
export interface DocumentHead {
  kind: DocumentKind
  n: number
  title: string
  serial: string
  at: number
  by: string
  to: string
}
export interface OrderDocument extends DocumentHead {
  order_id: string
  number: string
  hash: string
  sections: Array<{ title: string; lines: Array<{ title: string; text: string }> }>
  words: string
}
export interface Suggestion {
  unit: string
  reason: string
  source: string
  confidence: number
}

export function getCase(id: string): Promise<WholeCase> {
  return ask('GET', `${path(id)}/course`)
}

/** `version` is the one the person was looking at; 409 when somebody was quicker. `key` names this wish. */
export function moveCase(id: string, move: string, version: number, fields: Record<string, unknown>, key: string): Promise<Case> {
  return ask('POST', `${path(id)}/moves`, { body: { move, version, fields }, key })
}

/** Personal data in plain words, by name; the reason is kept with who looked. */
/** A line of the trail in plain words. */
export interface PlainLine {
  seq: number
  at: number
  title: string
  text: string
}
/** What was covered: by name, title and content among it, and the lines of the trail. */
export interface Unmasked {
  values: Record<string, string>
  lines: PlainLine[]
}

export async function unmask(id: string, fields: string[], reason: string): Promise<Unmasked> {
  const { fields: told } = await ask<{ fields: Record<string, string | ({ lines?: PlainLine[] } & Record<string, unknown>)> }>('POST', `${path(id)}/unmask`, { body: { fields, reason } })
  const seen: Unmasked = { values: {}, lines: [] }
  for (const [name, value] of Object.entries(told)) {
    if (typeof value === 'string') seen.values[name] = value
    else {
      seen.lines = value.lines ?? []
      for (const [part, text] of Object.entries(value)) if (typeof text === 'string') seen.values[part] = text
    }
  }
  return seen
}

export function moveCases(move: string, orders: Array<{ order_id: string; version: number }>, key: string): Promise<{ results: Done[]; done: number }> {
  return ask('POST', '/api/orders/moves', { body: { move, orders, fields: {} }, key })
}

/** At most three units that could handle it, best first. */
export async function getSuggestions(id: string): Promise<Suggestion[]> {
  return (await ask<{ units: Suggestion[] }>('GET', `${path(id)}/units`)).units
}

export function getWords(): Promise<CourseWords> {
  return ask('GET', '/api/course/words')
}

export async function getUnits(): Promise<Unit[]> {
  return (await ask<{ units: Unit[] }>('GET', '/api/units')).units
}

export function findInbox(query: Query): Promise<Counts & { orders: InboxOrder[] }> {
  return ask('GET', '/api/inbox', { query })
}

export function countInbox(unit: string): Promise<InboxCounts> {
  return ask('GET', '/api/inbox/counts', { query: { unit } })
}

export async function getDocuments(id: string): Promise<DocumentHead[]> {
  return (await ask<{ documents: DocumentHead[] }>('GET', `${path(id)}/documents`)).documents
}

export function getDocument(id: string, kind: string, n: number): Promise<OrderDocument> {
  return ask('GET', `${path(id)}/documents/${encodeURIComponent(kind)}/${n}`)
}

export function getDocumentFile(id: string, kind: string, n: number): Promise<Blob> {
  return fetchFile(`${path(id)}/documents/${encodeURIComponent(kind)}/${n}.pdf`)
}

function path(id: string): string {
  return `/api/orders/${encodeURIComponent(id)}`
}
