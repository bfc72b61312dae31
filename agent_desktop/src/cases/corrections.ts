/** Correcting an accepted order: what can be corrected, what was changed, what is missing. Nothing of the screen is here. */

import type { CourseWords, WholeCase } from '@/api/cases'
import type { OrderField } from '@/live/protocol'
import { FIELDS, type FieldSpec } from '@/order/fields'

import type { Values } from './forms'

const SECRECY: FieldSpec = { name: 'secrecy', title: '保密要求', limit: 10, choices: ['公开', '匿名', '保密'] }
/** Fields at which time limits look. */
const TIMED: readonly OrderField[] = ['type', 'category', 'urgency']
const PREFIX = 'to:'

export interface Change {
  field: OrderField
  title: string
  was: string
  value: string
}

/** The fields in the order of the page: what decides about limits and units first. */
export function correctable(words: CourseWords): FieldSpec[] {
  const known = new Set(words.correctable)
  return [...FIELDS, SECRECY].filter((spec) => known.has(spec.name))
}

/** Whether what stands there is not shown to this person: it is corrected by writing it anew. */
export function isCovered(one: WholeCase, field: OrderField): boolean {
  return one.masked?.includes(field) ?? false
}

/** Texts in which something is covered cannot be written anew without losing it. */
export function isLocked(one: WholeCase, field: OrderField): boolean {
  return (field === 'title' || field === 'summary') && (one.masked?.includes('words') ?? false)
}

export function standing(one: WholeCase, field: OrderField): string {
  return one.fields[field]?.value ?? ''
}

/** What the person sees in a field's box. */
export function shownIn(one: WholeCase, values: Values, field: OrderField): string {
  const typed = values[PREFIX + field]
  if (typeof typed === 'string') return typed
  return isCovered(one, field) ? '' : standing(one, field)
}

export function type(values: Values, field: OrderField, value: string): Values {
  return { ...values, [PREFIX + field]: value }
}

/** What is other than it stands now, in the order of the page. */
export function changesOf(one: WholeCase, values: Values, words: CourseWords): Change[] {
  return correctable(words).flatMap((spec) => {
    const typed = values[PREFIX + spec.name]
    const was = standing(one, spec.name)
    if (typeof typed !== 'string' || typed.trim() === was || isLocked(one, spec.name)) return []
    if (isCovered(one, spec.name) && typed.trim() === '') return []
    return [{ field: spec.name, title: spec.title, was, value: typed.trim() }]
  })
}

/** Whether limits may be other ones after it. */
export function moves(changes: readonly Change[]): boolean {
  return changes.some((one) => TIMED.includes(one.field))
}

/** The first thing that is missing: where, and a sentence; null when it can be sent. */
export function missing(changes: readonly Change[], values: Values): { name: string; text: string } | null {
  const empty = changes.find((one) => one.value === '' && FIELDS.some((spec) => spec.name === one.field && spec.required))
  if (empty !== undefined) return { name: empty.field, text: `“${empty.title}”不能为空` }
  if (changes.length === 0) return { name: 'type', text: '还没有更正任何内容' }
  if (typeof values.cause !== 'string' || values.cause === '') return { name: 'cause', text: '请选择更正原因' }
  if (typeof values.reason !== 'string' || values.reason.trim() === '') return { name: 'reason', text: '请填写更正说明' }
  return null
}

/** What the server is sent. */
export function toSend(changes: readonly Change[], values: Values): Record<string, unknown> {
  return { changes: Object.fromEntries(changes.map((one) => [one.field, one.value])), cause: values.cause, reason: String(values.reason ?? '').trim() }
}
