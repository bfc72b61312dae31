import { ask, fetchFile, type Query } from './http'

/** How a value is read: a number of things, 0 to 1, seconds, or 1 to 5. */
export type Unit = 'count' | 'share' | 'seconds' | 'score'

export interface Definition {
  key: string
  title: string
  group: 'calls' | 'rates' | 'waits' | 'handling' | 'satisfaction' | 'agents' | 'callbacks'
  unit: Unit
  formula: string
  note: string
  source: string
  better: -1 | 0 | 1
}

export interface ReportRow {
  key: string
  title: string
  values: Array<number | null>
}

export type Grouping = 'interval' | 'day' | 'queue' | 'agent' | 'called' | 'category' | 'district' | 'satisfaction'

export interface ReportTable {
  by: Grouping
  title: string
  figures: string[]
  rows: ReportRow[]
  more: number
  note: string
}

export interface BreakRow {
  call_id: string
  started: number
  queue: string
  waited_s: number | null
  answered: boolean
  cause: string
}

export type ReportKind = 'daily' | 'monthly' | 'special'

export interface ReportSpec {
  kind: ReportKind
  title: string
  since: number
  until: number
  by: Grouping[]
  interval: number
  which: Record<'queue' | 'called' | 'category' | 'district' | 'agent' | 'media', string>
}

export interface ReportPage {
  spec: ReportSpec
  made_at: number
  until: number
  source: 'tables' | 'journal'
  behind_s: number
  figures: Record<string, number | null>
  lowest: number | null
  lowest_at: number | null
  tables: ReportTable[]
  causes: Array<{ key: string; title: string; rule: string; count: number }>
  breaks: BreakRow[]
  breaks_more: number
  definitions: Definition[]
}

export interface KeptReport {
  report_id: string
  kind: ReportKind
  title: string
  since: number
  until: number
  made_at: number
  made_by: string
  digest: string
}

export interface Change {
  table: string
  row: string
  title: string
  figure: string
  before: number | null
  after: number | null
}

/** What a new computation says of a kept report. */
export interface Difference {
  made_at: number
  total: number
  changes: Change[]
  other_rules: boolean // the settings of figures are others than they were
}

export type FileForm = 'xlsx' | 'pdf' | 'csv'

export const KINDS: Record<ReportKind, string> = { daily: '日报', monthly: '月报', special: '专报' }

export const GROUPINGS: Record<Grouping, string> = {
  interval: '时段', day: '日期', queue: '技能队列', agent: '坐席', called: '被叫号码', category: '事项分类', district: '区县', satisfaction: '满意度',
}

export const GROUPS: Record<Definition['group'], string> = {
  calls: '来电量', rates: '接通与服务水平', waits: '等待', handling: '处理', satisfaction: '满意度与一次解决', agents: '坐席工时', callbacks: '回拨',
}

export function makeReport(query: Query): Promise<ReportPage> {
  return ask('GET', '/api/reports/page', { query })
}

export function fileOf(query: Query, form: FileForm): Promise<Blob> {
  return fetchFile('/api/reports/file', { ...query, format: form })
}

export function listReports(page: number, size: number): Promise<{ total: number; reports: KeptReport[] }> {
  return ask('GET', '/api/reports', { query: { page, size } })
}

export function keepReport(query: Query): Promise<KeptReport> {
  return ask('POST', '/api/reports', { body: Object.fromEntries(Object.entries(query).filter(([, value]) => value != null)) })
}

export function getReport(id: string): Promise<{ kept: KeptReport; page: ReportPage }> {
  return ask('GET', `/api/reports/${encodeURIComponent(id)}`)
}

export function keptFile(id: string, form: FileForm): Promise<Blob> {
  return fetchFile(`/api/reports/${encodeURIComponent(id)}/file`, { format: form })
}

export function compareReport(id: string): Promise<Difference> {
  return ask('GET', `/api/reports/${encodeURIComponent(id)}/difference`)
}

/** A value as people read it; "—" where there is nothing to count. */
export function told(unit: Unit, value: number | null | undefined): string {
  if (value == null) return '—'
  if (unit === 'share') return `${(value * 100).toFixed(2)}%`
  if (unit === 'score') return value.toFixed(2)
  if (unit === 'seconds') return value.toLocaleString('zh-CN', { minimumFractionDigits: 1, maximumFractionDigits: 1 })
  return value.toLocaleString('zh-CN', { maximumFractionDigits: 0 })
}

/** Hand a file to the browser. */
export function save(content: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
