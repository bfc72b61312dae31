import { ask } from './http'

/** Verifications of all orders, and seals; for auditors and administrators. */

export interface Finding {
  kind: string
  order_id: string
  number: string
  seq: number | null
  seal: number | null
  month: number | null // YYYYMM, of a frozen month of the assessment
  words: string // Chinese
}
export interface Verification {
  id: string
  by: string
  begun: number
  since: number | null
  order_id: string
  state: 'running' | 'done' | 'failed'
  ended: number | null
  progress: { done: number; total: number; findings: number; files: number }
  totals: { orders: number; events: number; erased: number; seals: number; heads: number; unsealed: number; findings: number; files: number; read: number; seal_hash: string } | null
  error: string
  findings?: Finding[] // not in lists
}
export interface Seal {
  id: number
  at: number
  by: string
  orders: number
  events: number
  hash: string
}

export function beginVerification(asked: { since: number | null; anchor: string; files: boolean }): Promise<Verification> {
  return ask('POST', '/api/audit/verifications', { body: asked })
}

export async function listVerifications(): Promise<Verification[]> {
  return (await ask<{ verifications: Verification[] }>('GET', '/api/audit/verifications')).verifications
}

export function getVerification(id: string): Promise<Verification> {
  return ask('GET', `/api/audit/verifications/${encodeURIComponent(id)}`)
}

export async function listSeals(): Promise<Seal[]> {
  return (await ask<{ seals: Seal[] }>('GET', '/api/audit/seals')).seals
}

export async function makeSeal(): Promise<Seal[]> {
  return (await ask<{ seals: Seal[] }>('POST', '/api/audit/seals')).seals
}
