import type { Query } from './http'
import { ask } from './http'

export type ReviewState = 'picked' | 'taken' | 'scored' | 'appealed' | 'accepted' | 'ruled' | 'dropped'
export type MoveKind = 'take' | 'release' | 'score' | 'accept' | 'appeal' | 'rule' | 'drop'
export type DocumentKind = 'sheet' | 'rules'

export interface Marks {
  points: Record<string, number | null> // null: does not apply
  fatal: string[]
  remarks: Record<string, string>
  comment: string
}
export interface Why {
  rule: string
  text: string
  at: number | null // second of the recording
}
export interface Review {
  review_id: string
  call_id: string
  agent_id: string
  state: ReviewState
  since: number
  picked_at: number
  reasons: Why[]
  version: number
  sheet: number
  reviewer: string
  marks: Marks | null
  total: number | null
  scored_at: number | null
  first_marks: Marks | null
  first_total: number | null
  appeal: string
  ruling: string
  ruled_by: string
  dropped_because: string
}
export interface SheetItem {
  key: string
  title: string
  points: number
  group: string
  guide: string
}
export interface Sheet {
  version: number
  title: string
  passing: number
  items: SheetItem[]
  fatal: Array<{ key: string; title: string; guide: string }>
}
export interface Traits {
  talk_s: number
  heard_s: number
  silence_s: number
  silence_longest_s: number
  silence_at: number | null
  overlap_s: number
  overlap_at: number | null
  agent_s: number
  citizen_s: number
  hold_s: number
  hold_longest_s: number
}
export interface WholeReview {
  review: Review
  sheet: Sheet
  talk: { talk_s: number; satisfaction: number | null; mos: number | null; traits: Traits | null } | null
  history: Array<{ kind: MoveKind; by: string; at: number; words: string }>
}
export interface Reviews {
  total: number
  page: number
  size: number
  reviews: Review[]
}
export interface AgentScore {
  agent_id: string
  reviews: number
  mean: number
  failed: number
  appeals: number
}
export interface QualityDocument {
  kind: DocumentKind
  version: number
  text: string
  who: string
  reason: string
  at: number
}
export interface Calibration {
  calibration_id: string
  call_id: string
  agent_id: string
  sheet: number
  who: string
  at: number
  reviewers: string[]
  closed_at: number | null
  scored: string[]
  marks: Record<string, Marks>
  agreement: {
    totals: Record<string, number>
    mean: number
    spread: number
    fatal_divided: string[]
    items: Array<{ key: string; title: string; least: number | null; most: number | null; agreed: number | null; divided: boolean }>
  } | null
}
export interface Move {
  kind: MoveKind
  seen: number // version of the review that was looked at
  marks?: Marks | null
  words?: string
}

export const findReviews = (query: Query): Promise<Reviews> => ask('GET', '/api/reviews', { query })
export const pickCall = (call_id: string, agent: string, reason: string): Promise<Review> =>
  ask('POST', '/api/reviews', { body: { call_id, agent, reason } })
export const getReview = (id: string): Promise<WholeReview> => ask('GET', `/api/reviews/${encodeURIComponent(id)}`)
export const moveReview = (id: string, move: Move): Promise<Review> =>
  ask('POST', `/api/reviews/${encodeURIComponent(id)}/moves`, { body: move })
export const myReviews = (query: Query): Promise<Reviews> => ask('GET', '/api/me/reviews', { query })
export const getMine = (id: string): Promise<WholeReview> => ask('GET', `/api/me/reviews/${encodeURIComponent(id)}`)
export const moveMine = (id: string, move: Move): Promise<Review> =>
  ask('POST', `/api/me/reviews/${encodeURIComponent(id)}/moves`, { body: move })
export const getScores = (query: Query): Promise<{ since: number; until: number; agents: AgentScore[] }> =>
  ask('GET', '/api/quality/scores', { query })
export const getBiases = (): Promise<{ reviewers: Array<{ reviewer: string; talks: number; bias: number; distance: number }> }> =>
  ask('GET', '/api/quality/biases')
export const getDocuments = (kind: DocumentKind): Promise<{ versions: QualityDocument[] }> =>
  ask('GET', `/api/quality/documents/${kind}`)
export const publishDocument = (kind: DocumentKind, text: string, reason: string, base: number): Promise<QualityDocument> =>
  ask('POST', `/api/quality/documents/${kind}`, { body: { text, reason, base } })
export const getCalibrations = (): Promise<{ calibrations: Calibration[] }> => ask('GET', '/api/calibrations')
export const getCalibration = (id: string): Promise<{ calibration: Calibration; sheet: Sheet }> =>
  ask('GET', `/api/calibrations/${encodeURIComponent(id)}`)
export const startCalibration = (call_id: string, agent: string, reviewers: string[]): Promise<Calibration> =>
  ask('POST', '/api/calibrations', { body: { call_id, agent, reviewers } })
export const scoreCalibration = (id: string, marks: Marks): Promise<Calibration> =>
  ask('POST', `/api/calibrations/${encodeURIComponent(id)}/marks`, { body: marks })
export const closeCalibration = (id: string): Promise<Calibration> => ask('POST', `/api/calibrations/${encodeURIComponent(id)}/close`)
