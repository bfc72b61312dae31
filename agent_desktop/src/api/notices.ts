/** Messages to citizens (告知), what became of them, and what citizens wrote back. */

import type { Counts, Page } from './calls'
import { ask, type Query } from './http'

export type NoticeState = 'waiting' | 'sent' | 'dead' | 'dropped' | 'closed'

export interface CitizenNotice {
  notice_id: string
  order_id: string
  order_number: string
  other: string // the joined order whose citizen is told, '' for the order's own
  template: 'accepted' | 'dispatched' | 'answered' | 'rate' | 'merged'
  state: NoticeState
  phone: string // masked
  tries: number
  next_at: number
  status: string // what the gateway answered last
  at: number
  told_at: number | null
}

export interface NoticeHealth {
  waiting: number
  waiting_since: number | null
  failing: number
  dead: number
  sent_day: number
  last_sent: number | null
  refusal: string
  refused_at: number | null
  skipped: number
  replies: number
}

export interface NoticePage extends Page<CitizenNotice> {
  on: boolean
  health: NoticeHealth
}

export interface CitizenReply {
  reply_key: string
  order_id: string
  order_number: string
  words: string // what they wrote, as far as the reader may see it
  other: string
  why: 'unclear' | 'contrary' | 'too_late'
  at: number
  done_at: number | null
  done_by: string
  note: string
}

export async function findNotices(query: Query): Promise<NoticePage> {
  const { notices, ...rest } = await ask<Counts & { notices: CitizenNotice[]; on: boolean; health: NoticeHealth }>('GET', '/api/notices', { query })
  return { ...rest, items: notices }
}

export async function findReplies(query: Query): Promise<Page<CitizenReply>> {
  const { replies, ...rest } = await ask<Counts & { replies: CitizenReply[] }>('GET', '/api/notices/replies', { query })
  return { ...rest, items: replies }
}

/** Send once more what was given up. */
export function sendAgain(notice_id: string, reason: string): Promise<unknown> {
  return ask('POST', `/api/notices/${encodeURIComponent(notice_id)}/again`, { body: { reason } })
}

/** Send it no more. */
export function closeNotice(notice_id: string, reason: string): Promise<unknown> {
  return ask('POST', `/api/notices/${encodeURIComponent(notice_id)}/close`, { body: { reason } })
}

/** Somebody read the reply and did this about it. */
export function readReply(reply_key: string, reason: string): Promise<unknown> {
  return ask('POST', `/api/notices/replies/${encodeURIComponent(reply_key)}/read`, { body: { reason } })
}
