import type { Caption, CallState, Outcome } from '@/live/protocol'

import { ask, fetchFile, type Query } from './http'
import type { OrderRecord } from './orders'

export interface Counts {
  total: number
  page: number
  size: number
  unreadable?: number // orders of this page that are left out, because what is stored of them cannot be read
  exact?: boolean // false: there are more than `total`, which were not counted
}

export interface Page<T> extends Counts {
  items: T[]
}

/** One call as kept in the database. */
export interface CallRecord {
  call_id: string
  caller: string
  called: string
  state: CallState
  queue: string
  queue_title: string
  agent_id: string | null
  started: number
  queued: number | null
  answered: number | null
  ended: number | null
  waited_s: number | null
  outcome: Outcome | null
  satisfaction: number | null
  recording_url: string | null
  recording_s: number | null
}

/** What a person wrote in place of a line. */
export interface Correction {
  version: number
  text: string
  who: string
  at: number
}

export type Line = Pick<Caption, 'line_id' | 'speaker' | 'text' | 'start' | 'end' | 'confidence' | 'verbatim' | 'repairs' | 'gap' | 'marked'> & {
  correction: Correction | null
}

export type KeptLine = Omit<Line, 'start' | 'end'> & { start_s: number; end_s: number }

export interface History {
  calls: CallRecord[]
  orders: OrderRecord[]
}

export async function findCalls(query: Query): Promise<Page<CallRecord>> {
  const { calls, ...rest } = await ask<Counts & { calls: CallRecord[] }>('GET', '/api/calls', { query })
  return { ...rest, items: calls }
}

interface Sound {
  loss: number // share of packets lost, 0 to 1
  jitter_ms: number
  rtt_ms: number
  mos: number // 1 to 4.5
}

/** How a call sounded at the agent's side, as the browser measured it. */
export interface CallQuality {
  reports: number // intervals of about ten seconds
  mean: Sound
  worst: Sound
  bad: number // intervals with a MOS below 3.1
}

export function getCall(call_id: string): Promise<CallRecord & { orders: OrderRecord[]; quality: CallQuality | null }> {
  return ask('GET', `/api/calls/${encodeURIComponent(call_id)}`)
}

export async function getTranscript(call_id: string): Promise<Line[]> {
  const path = `/api/calls/${encodeURIComponent(call_id)}/transcript`
  const { lines } = await ask<{ lines: KeptLine[] }>('GET', path)
  return lines.map(lineOf)
}

export function lineOf({ start_s, end_s, ...line }: KeptLine): Line {
  return { ...line, start: start_s, end: end_s }
}

/** A few seconds of the recording, also while the call goes on. */
export function getRecordingPart(call_id: string, start: number, end: number): Promise<Blob> {
  return fetchFile(`/api/calls/${encodeURIComponent(call_id)}/recording/part`, { start: start.toFixed(2), end: end.toFixed(2) })
}

/** Earlier calls from a number and orders that name it, without those of the call that is going on. */
export function getHistory(number: string, before_call: string): Promise<History> {
  return ask('GET', `/api/callers/${encodeURIComponent(number)}/history`, { query: { before_call, limit: 20 } })
}
