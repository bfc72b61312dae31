import { ask, fetchFile } from './http'

/** Orders out into files and in from files; one at a time, asked for until it is over. */

export type Form = 'csv' | 'xlsx' | 'jsonl'

export interface WrongRow {
  row: number
  column: string
  value: string
  remedy: string
}
export interface Transfer {
  id: string
  kind: 'export' | 'import'
  by: string
  begun: number
  form: Form
  file: string
  personal: boolean
  dry_run: boolean
  state: 'running' | 'done' | 'failed'
  ended: number | null
  done: number // orders written to the file, or rows looked at
  writing: boolean // an import: its rows are right and are written
  totals: { rows: number; brought: number; unchanged: number; errors: number; encoding: string; written: boolean } | null
  wrong: WrongRow[]
  serial: string
  error: string
}
export interface ExportAsked {
  form: Form
  state: string | null
  course: string[]
  channel: string | null
  lead: string
  category: string
  district: string
  text: string
  since: number | null
  until: number | null
  personal: boolean
  reason: string
}

export function beginExport(asked: ExportAsked): Promise<Transfer> {
  return ask('POST', '/api/orders/transfers/export', { body: asked })
}

export function beginImport(file: File, dryRun: boolean): Promise<Transfer> {
  const query = { name: file.name, dry_run: dryRun ? 'true' : 'false' }
  return ask('POST', '/api/orders/transfers/import', { query, file: new Blob([file], { type: 'application/octet-stream' }) })
}

export function getTransfer(id: string): Promise<Transfer> {
  return ask('GET', `/api/orders/transfers/${encodeURIComponent(id)}`)
}

export function transferFile(id: string): Promise<Blob> {
  return fetchFile(`/api/orders/transfers/${encodeURIComponent(id)}/file`)
}
