import type { CallbackView } from '@/live/protocol'

import type { Counts, Page } from './calls'
import type { Case } from './cases'
import { ask, type Query } from './http'

/** One wish to be called back, as the list tells it. */
export interface Callback {
  callback_id: string
  number: string // masked for who has nothing to do with it
  diallable: boolean
  state: string
  origin: string
  queue: string
  first_at: number
  last_at: number
  wishes: number
  calls: string[]
  tries: number
  not_before: number | null
  last_result: string | null
  agent_id: string | null
  note: string
  by: string
  reason: string
  urgent: boolean
  open: boolean
}

export interface VoiceMessage {
  call_id: string
  caller: string
  number: number
  at: number
  seconds: number
  purpose: string
  url: string
}

/** A call that nobody took and nobody calls back. */
export interface MissedCall {
  call_id: string
  caller: string // masked for agents
  queue: string
  queue_title: string
  started: number
  ended: number
  outcome: string
}

/** An answered order whose citizen a person asks. */
export interface VisitByHand extends Case {
  why: string
  why_title: string // why no robot does
  closes_at: number | null // when it is closed without an answer
}

export interface WorkCounts {
  callbacks: number // whose time has come
  missed: number // that nobody calls back
  visits: number // that a person makes
}

export interface VisitAnswers {
  solved: 'yes' | 'no' | 'partly' | null
  result: number | null // 5 … 1
  service: number | null // with how they were treated
  words: string
}

export async function findCallbacks(query: Query): Promise<Page<Callback>> {
  const { callbacks, ...rest } = await ask<Counts & { callbacks: Callback[] }>('GET', '/api/callbacks', { query })
  return { ...rest, items: callbacks }
}

export function createCallback(number: string, queue: string, note: string, urgent: boolean): Promise<Callback> {
  return ask('POST', '/api/callbacks', { body: { number, queue, note, urgent } })
}

export function takeCallback(callback_id: string): Promise<CallbackView> {
  return ask('POST', `${callbackPath(callback_id)}/take`)
}

export function settleCallback(callback_id: string): Promise<CallbackView> {
  return ask('POST', `${callbackPath(callback_id)}/settle`)
}

export function giveUpCallback(callback_id: string, reason: string): Promise<CallbackView> {
  return ask('POST', `${callbackPath(callback_id)}/give-up`, { body: { reason } })
}

export async function findMessages(query: Query): Promise<Page<VoiceMessage>> {
  const { messages, ...rest } = await ask<Counts & { messages: VoiceMessage[] }>('GET', '/api/messages', { query })
  return { ...rest, items: messages }
}

export async function findVisitsByHand(query: Query): Promise<Page<VisitByHand>> {
  const { orders, ...rest } = await ask<Counts & { orders: VisitByHand[] }>('GET', '/api/visits/by-hand', { query })
  return { ...rest, items: orders }
}

export async function findMissedCalls(query: Query): Promise<Page<MissedCall>> {
  const { calls, ...rest } = await ask<Counts & { calls: MissedCall[] }>('GET', '/api/calls/missed', { query })
  return { ...rest, items: calls }
}

/** Have the citizen of a missed call called back; an open call-back of the number takes it up. */
export function callBack(call_id: string): Promise<Callback> {
  return ask('POST', '/api/callbacks', { body: { call_id } })
}

export function getWorkCounts(): Promise<WorkCounts> {
  return ask('GET', '/api/work/counts')
}

function callbackPath(callback_id: string): string {
  return `/api/callbacks/${encodeURIComponent(callback_id)}`
}
