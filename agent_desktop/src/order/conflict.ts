/** Two people at one order: what each of them changed, field by field. Pure. */

import type { OrderRecord } from '@/api/orders'
import type { OrderField } from '@/live/protocol'

import { FIELDS, MOOD } from './fields'

export interface Conflict {
  field: OrderField
  title: string
  mine: string // typed here
  theirs: string // stands now
  who: string // source of what stands now
  at: number
}

/** The fields that were changed here and, since `before`, by somebody else to something different. */
export function conflicts(before: OrderRecord, now: OrderRecord, mine: Partial<Record<OrderField, string>>): Conflict[] {
  return [...FIELDS, MOOD].flatMap(({ name, title }) => {
    const typed = mine[name]
    const was = before.fields[name]
    const is = now.fields[name]
    if (typed === undefined || typed === (is?.value ?? '')) return []
    if ((was?.value ?? '') === (is?.value ?? '') && was?.source === is?.source) return []
    return [{ field: name, title, mine: typed, theirs: is?.value ?? '', who: is?.source ?? '', at: is?.at ?? now.updated_at }]
  })
}

/** What is still to be saved after somebody chose; `theirs` are the fields in which the other's value stays. */
export function resolved(mine: Partial<Record<OrderField, string>>, theirs: ReadonlySet<OrderField>): Partial<Record<OrderField, string>> {
  return Object.fromEntries(Object.entries(mine).filter(([name]) => !theirs.has(name as OrderField)))
}
