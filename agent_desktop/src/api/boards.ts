import type { AlertView } from '@/live/protocol'

import type { Page } from './calls'
import { ask, fetchFile, type Query } from './http'

export interface Definition {
  key: string
  title: string
  unit: 'count' | 'share' | 'seconds' | 'score'
  formula: string
  note: string
  source: string
}

export interface CauseText {
  key: string
  title: string
  rule: string
}

export interface Definitions {
  figures: Definition[]
  causes: CauseText[]
}

/** A call of the last 24 hours that was not answered in time. */
export interface RuleBreak {
  call_id: string
  started: number
  queue: string
  queue_title: string
  answered: boolean
  waited_s: number | null
  cause: string
  cause_title: string
}

export interface RuleBreaks extends Page<RuleBreak> {
  at: number // the 24 hours end here
  all: number // the wall's figure; `total` are those that were asked for
  causes: Record<string, number>
}

export type Level = AlertView['level']

export interface AlertRule {
  key: string
  title: string
  figure: string
  above: boolean
  raise_at: number
  clear_at: number
  raise_s: number
  clear_s: number
  level: Level
  opens: string
  closes: string
  days: number[]
  sound: boolean
  enabled: boolean
}

export interface KeptRule {
  rule: AlertRule
  who: string
  changed_at: number
}

export interface RuleFigure {
  key: string
  title: string
  unit: Definition['unit']
  formula: string
  by_queue: boolean
  by_district: boolean
}

export interface Rules {
  rules: KeptRule[]
  figures: RuleFigure[]
  queues: Array<{ queue: string; title: string }>
}

export interface KeptBurst {
  burst_id: string
  scale: 'place' | 'subject' | 'street' | 'district'
  title: string
  category: string
  district: string
  place: string
  orders: string[]
  callers: number
  since: number
  last: number
  over_at: number | null
  state: 'open' | 'noticed' | 'announced' | 'dismissed'
  who: string
  changed_at: number
}

/** What became of orders that were linked as one wave; `main` is the number of the one they are related to. */
export interface Linked {
  linked: number
  main: string
  related: number
  refused: number
}

export interface BurstPolicy {
  window_s: number
  place_callers: number
  subject_callers: number
  street_callers: number
  district_callers: number
}

export interface BurstOrder {
  order_id: string
  number: string
  state: string
  created_at: number
  category: string
  district: string
  street: string
  place: string
  title: string
  summary: string
  linked: boolean
  merged_into: string // id of the order that it was merged into, '' when it was not
}

/** What became of orders that were to be merged, or whose mergers were to be undone. */
export interface Mergers {
  into: string // number of the order that goes on, '' where mergers were undone
  done: number
  results: Array<{ order_id: string; number: string; done: boolean; why: string }>
}

export interface Bulletin {
  bulletin_id: string
  title: string
  text: string
  urgent: boolean
  since: number
  until: number | null
  who: string
  by_name: string
  created_at: number
  withdrawn_at: number | null
  withdrawn_by: string
  reason: string
  burst_id: string
}

export interface Announcement {
  announcement_id: string
  title: string
  text: string
  district: string
  called: string
  prompts: string[]
  seconds: number
  since: number
  until: number
  who: string
  by_name: string
  created_at: number
  approved_by: string
  approved_at: number | null
  withdrawn_at: number | null
  withdrawn_by: string
  reason: string
  burst_id: string
}

const part = encodeURIComponent

export const getDefinitions = (): Promise<Definitions> => ask('GET', '/api/wall/definitions')
export const getMap = (): Promise<object> => ask('GET', '/api/wall/map')

export const listAlerts = (query: Query): Promise<{ total: number; alerts: AlertView[] }> => ask('GET', '/api/alerts', { query })
export const acknowledgeAlert = (id: string): Promise<AlertView> => ask('POST', `/api/alerts/${part(id)}/acknowledge`)
export const getRules = (): Promise<Rules> => ask('GET', '/api/alert-rules')
export const putRule = (rule: AlertRule, reason: string): Promise<KeptRule> => ask('PUT', `/api/alert-rules/${part(rule.key)}`, { body: { rule, reason } })
export const removeRule = (key: string, reason: string): Promise<void> => ask('DELETE', `/api/alert-rules/${part(key)}`, { query: { reason } })

export async function findBreaks(query: Query): Promise<RuleBreaks> {
  const { breaks, ...rest } = await ask<Omit<RuleBreaks, 'items'> & { breaks: RuleBreak[] }>('GET', '/api/wall/breaks', { query })
  return { ...rest, items: breaks }
}
export const breaksFile = (query: Query): Promise<Blob> => fetchFile('/api/wall/breaks/file', query)

export const listBursts = (): Promise<{ bursts: KeptBurst[]; policy: BurstPolicy }> => ask('GET', '/api/bursts')
export const getBurst = (id: string): Promise<{ burst: KeptBurst; orders: BurstOrder[] }> => ask('GET', `/api/bursts/${part(id)}`)
export const linkBurst = (id: string, orders: string[]): Promise<Linked> => ask('POST', `/api/bursts/${part(id)}/link`, { body: { orders } })
export const mergeBurst = (id: string, into: string, orders: string[], reason: string): Promise<Mergers> => ask('POST', `/api/bursts/${part(id)}/merge`, { body: { into, orders, reason } })
export const unmergeBurst = (id: string, orders: string[], reason: string): Promise<Mergers> => ask('POST', `/api/bursts/${part(id)}/merge/undo`, { body: { orders, reason } })
export const moveBurst = (id: string, state: 'open' | 'dismissed', reason: string): Promise<KeptBurst> => ask('POST', `/api/bursts/${part(id)}/state`, { body: { state, reason } })

export const listBulletins = (query: Query): Promise<{ total: number; bulletins: Bulletin[] }> => ask('GET', '/api/bulletins', { query })
export const publishBulletin = (body: Pick<Bulletin, 'title' | 'text' | 'urgent' | 'until' | 'burst_id'>): Promise<Bulletin> => ask('POST', '/api/bulletins', { body })
export const withdrawBulletin = (id: string, reason: string): Promise<void> => ask('POST', `/api/bulletins/${part(id)}/withdraw`, { body: { reason } })

export const listAnnouncements = (query: Query): Promise<{ total: number; announcements: Announcement[] }> => ask('GET', '/api/announcements', { query })
export const listPieces = (): Promise<{ pieces: Array<{ key: string; text: string }> }> => ask('GET', '/api/announcements/pieces')
export const proposeAnnouncement = (body: Pick<Announcement, 'title' | 'text' | 'district' | 'called' | 'prompts' | 'until' | 'burst_id'>): Promise<Announcement> => ask('POST', '/api/announcements', { body })
export const approveAnnouncement = (id: string): Promise<Announcement> => ask('POST', `/api/announcements/${part(id)}/approve`)
export const withdrawAnnouncement = (id: string, reason: string): Promise<void> => ask('POST', `/api/announcements/${part(id)}/withdraw`, { body: { reason } })
export const announcementAudio = (id: string): Promise<Blob> => fetchFile(`/api/announcements/${part(id)}/audio`)
export const putAnnouncementAudio = (id: string, file: Blob): Promise<Announcement> => ask('PUT', `/api/announcements/${part(id)}/audio`, { file })
