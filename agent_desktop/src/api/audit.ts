import { ask, fetchFile } from './http'

/** Who looked at which order, what was taken out, and whether trails are whole; for auditors. */

export type Act = 'opened' | 'unmasked' | 'listened' | 'exported' | 'downloaded'

export interface Access {
  id: number
  at: number
  who: string
  name: string
  role: string
  act: Act
  order_id: string
  number: string
  fields: string[]
  reason: string
  serial: string
  detail: Record<string, unknown>
}
export interface AccessAsked {
  who: string
  number: string
  act: string
  serial: string
  since: number | null
  until: number | null
}
export interface TrailRow {
  id: number
  at: number
  who: string
  what: string
  title: string // the act, in Chinese
  target: string
  detail: Record<string, unknown>
}
export interface Chain {
  order_id: string
  whole: boolean
  events?: number
  hash?: string
  seq?: number // of the first line that does not fit
}

const PAGE = 100

export async function listAccesses(asked: AccessAsked, before?: number): Promise<Access[]> {
  return (await ask<{ accesses: Access[] }>('GET', '/api/accesses', { query: { ...used(asked), before, limit: PAGE } })).accesses
}

export function exportAccesses(asked: AccessAsked): Promise<Blob> {
  return fetchFile('/api/accesses/export', used(asked))
}

export function listTrail(group: string, before?: number): Promise<{ audit: TrailRow[]; groups: string[] }> {
  return ask('GET', '/api/audit', { query: { before, limit: PAGE, group: group || undefined } })
}

export function checkChain(orderId: string): Promise<Chain> {
  return ask('GET', `/api/orders/${encodeURIComponent(orderId)}/chain`)
}

function used(asked: AccessAsked): Record<string, string | number | null> {
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== '' && value !== null))
}
