/** Numbers that are blocked or marked as nuisance, and those that look as if they might be. */

import { ask } from './http'

export const BLOCK_KINDS = { blocked: '黑名单', nuisance: '骚扰提醒' } as const
export type BlockKind = keyof typeof BLOCK_KINDS

export interface BlockedNumber {
  number: string
  kind: BlockKind
  reason: string
  since: number
  until: number | null // null: until it is taken off
  who: string
  changed_at: number
}

export interface Suspect {
  number: string
  calls: number // answered calls in which nobody said anything
  nuisance: number // orders given up as nuisance calls
  total: number // all calls
  last_at: number
}

export function listBlocked(asked: { number: string; kind: BlockKind | ''; page: number; size: number }): Promise<{ total: number; numbers: BlockedNumber[] }> {
  return ask('GET', '/api/blocked', { query: { ...asked, number: asked.number || undefined, kind: asked.kind || undefined } })
}

export function putBlocked(body: { number: string; kind: BlockKind; reason: string; until: number | null }): Promise<BlockedNumber> {
  return ask('POST', '/api/blocked', { body })
}

export async function removeBlocked(number: string, reason: string): Promise<void> {
  await ask('DELETE', `/api/blocked/${encodeURIComponent(number)}`, { query: { reason } })
}

export async function listSuspects(): Promise<Suspect[]> {
  return (await ask<{ suspects: Suspect[] }>('GET', '/api/blocked/suspects')).suspects
}
