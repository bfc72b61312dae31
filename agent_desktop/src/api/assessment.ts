import { ask, fetchFile, type Query } from './http'

export type Grouping = 'unit' | 'category' | 'district' | 'channel' | 'day'
export type Pair = [top: number, bottom: number | null]

/** One figure: what it is called, how it is read, and exactly what is counted. */
export interface Definition {
  key: string
  title: string
  group: 'three' | 'time' | 'quality' | 'load'
  unit: 'count' | 'share' | 'work_hours' | 'hours'
  formula: string
  top: string
  bottom: string
  note: string
  better: -1 | 0 | 1
}

export interface Row {
  key: string
  title: string
  level: string
  parent: string
  figures: Record<string, Pair>
  score: number | null
  deducted: number
  place: number | null
  ranked: number
  few: boolean
}

export interface Policy {
  weights: Record<string, number>
  satisfied_from: number
  partly_counts: boolean
  exclude: string[]
  minimum: number
  rank_among: 'level' | 'all'
  close_workday: number
  deductions: Record<'yellow' | 'red' | 'raised' | 'leader' | 'most', number>
}

export interface FrozenMonth {
  month: number
  version: number
  made_at: number
  made_by: string
  reason: string
  digest: string
}

export interface Sheet {
  month: string
  by: Grouping
  below: boolean
  made_at: number
  over: boolean
  closes_at: number | null
  may_freeze: boolean
  frozen: FrozenMonth | null
  versions: FrozenMonth[]
  corrections: number
  unit: string // whose figures these are, '' for the city's
  policy: Policy
  three: string[]
  groups: Record<Definition['group'], string>
  definitions: Definition[]
  total: Row
  rows: Row[]
}

export interface CountedOrder {
  order_id: string
  number: string
  title: string
  category: string
  district: string
  state: string
  unit: string
  kind: string
  said: string
  at: number
  since: number | null
}

export interface Correction {
  order_id: string
  number: string
  unit: string
  kind: string
  event: string
  by: string
  reason: string
  at: number
  old: string
  new: string
  old_day: number | null
  new_day: number | null
}

export interface Corrections {
  frozen: FrozenMonth
  differences: Array<{ key: string; title: string; figure: string; before: Pair; after: Pair }>
  total: number
  corrections: Correction[]
}

export interface Asked {
  month: string
  by: Grouping
  below: boolean
  version: number | null // 0: as known now, null: frozen where it is
}

export const GROUPINGS: Record<Grouping, string> = { unit: '承办单位', category: '事项分类', district: '区县', channel: '渠道', day: '日期' }
export const LEVELS: Record<string, string> = { province: '省级', city: '市级', county: '区县', township: '街道乡镇', village: '村社', company: '企业' }

const query = (asked: Asked): Query => ({ month: asked.month, by: asked.by, below: String(asked.below), version: asked.version })

export function getSheet(asked: Asked): Promise<Sheet> {
  return ask('GET', '/api/assessment', { query: query(asked) })
}

/** `key` names the row, null is the total. */
export function getCounted(asked: Asked, figure: string, part: 'top' | 'bottom', key: string | null, page: number): Promise<{ total: number; orders: CountedOrder[] }> {
  return ask('GET', '/api/assessment/orders', { query: { ...query(asked), figure, part, page, size: 20, key, whole: key === null ? 'true' : null } })
}

export function getTrend(month: string, key: string | null): Promise<{ months: Array<{ month: string; row: Row }> }> {
  return ask('GET', '/api/assessment/trend', { query: { month, months: 12, key } })
}

export function getCorrections(month: string, version: number | null, page: number): Promise<Corrections> {
  return ask('GET', '/api/assessment/corrections', { query: { month, version, page, size: 20 } })
}

export function freezeMonth(month: string, reason: string): Promise<FrozenMonth> {
  return ask('POST', '/api/assessment/freeze', { body: { month, reason } })
}

export function assessmentFile(asked: Asked, format: 'xlsx' | 'csv' | 'pdf'): Promise<Blob> {
  return fetchFile('/api/assessment/file', { ...query(asked), format })
}

/** A figure's value; null where there is nothing to divide by. */
export function valueOf(pair: Pair | undefined): number | null {
  if (pair === undefined) return null
  const [top, bottom] = pair
  if (bottom === null) return top
  return bottom === 0 ? null : top / bottom
}

/** A figure as people read it. */
export function told(unit: Definition['unit'], pair: Pair | undefined): string {
  const value = valueOf(pair)
  if (value === null) return '—'
  if (unit === 'share') return `${(value * 100).toFixed(2)}%`
  if (unit === 'count') return value.toLocaleString('zh-CN', { maximumFractionDigits: 0 })
  return value.toLocaleString('zh-CN', { minimumFractionDigits: 1, maximumFractionDigits: 1 })
}

/** What stands above and below the line, in numbers: 12 ÷ 13. */
export function parts(pair: Pair | undefined): string {
  if (pair === undefined || pair[1] === null) return ''
  const top = pair[0].toLocaleString('zh-CN', { maximumFractionDigits: 1 })
  return `${top} ÷ ${pair[1].toLocaleString('zh-CN')}`
}

// ---------------------------------------------------------------- the leader's page

export interface Intake {
  accepted: number
  finished: number
}

export interface Watched {
  order_id: string
  number: string
  title: string
  unit: string
  state: string
  level: 'yellow' | 'red' | 'raised' | 'leader'
  district: string
  accepted_at: number
  due_at: number | null
}

export interface LeaderView {
  at: number
  today: Intake
  yesterday: Intake
  month: Intake
  open: number
  near: number
  late: number
  levels: Record<Watched['level'], number>
  total: Row
  units: Row[]
  watched: Watched[]
  matters: Array<{ category: string; count: number; before: number }>
  days: Record<string, Intake>
}

export const CARDS: Record<Watched['level'], string> = { leader: '领导包案', raised: '提级办理', red: '红牌', yellow: '黄牌' }

export function getLeader(): Promise<{ view: LeaderView; three: string[]; policy: Policy }> {
  return ask('GET', '/api/leader')
}
