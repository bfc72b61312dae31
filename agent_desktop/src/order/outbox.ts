/**
 * Edits on their way to the server: typed → sent → confirmed, or refused. Pure; the store keeps them in the browser
 * so that nothing typed is lost by a crash, a reload or a lost line.
 *
 * A newer edit of a field replaces the older one, so a reply counts only for the edit whose `ref` it names.
 */

import type { DraftView, OrderField } from '@/live/protocol'

export type EditStatus =
  | 'typed' // not yet sent, or must be sent again
  | 'sent' // waiting for the reply
  | 'confirmed' // the server has it, its new draft has not been seen yet
  | 'refused' // the server said no; the text is kept until the agent decides

export interface Edit {
  order_id: string
  field: OrderField
  value: string
  status: EditStatus
  ref: string // of the command that carries it, "" before it is sent
  error: string // with refused: the server's sentence
  at: number // typed, our epoch milliseconds
  seen: number | null // version of the draft that was looked at when this run of typing began
}

export type Outbox = Readonly<Record<string, Edit>>

export const STALE_MS = 12 * 3600 * 1000

export function key(order_id: string, field: OrderField): string {
  return `${order_id}/${field}`
}

/** `seen` is the draft's version now; an edit that is still under way keeps the one with which it began. */
export function typed(box: Outbox, order_id: string, field: OrderField, value: string, at: number, seen: number | null = null): Outbox {
  const before = box[key(order_id, field)]
  const began = before !== undefined && (before.status === 'typed' || before.status === 'sent') ? before.seen : seen
  return { ...box, [key(order_id, field)]: { order_id, field, value, status: 'typed', ref: '', error: '', at, seen: began } }
}

export function sent(box: Outbox, which: string, ref: string): Outbox {
  const edit = box[which]
  return edit === undefined ? box : { ...box, [which]: { ...edit, status: 'sent', ref } }
}

/** The server has the edit named `ref`; it stays in view until a draft shows it. */
export function confirmed(box: Outbox, ref: string, draft: DraftView | null): Outbox {
  const which = carrying(box, ref)
  const edit = which === null ? undefined : box[which]
  if (which === null || edit === undefined) return box
  const shown = draft?.order_id === edit.order_id && (draft.fields[edit.field]?.value ?? '') === edit.value
  if (shown || draft?.order_id !== edit.order_id) return without(box, which)
  return { ...box, [which]: { ...edit, status: 'confirmed' } }
}

export function refused(box: Outbox, ref: string, error: string): Outbox {
  const which = carrying(box, ref)
  const edit = which === null ? undefined : box[which]
  if (which === null || edit === undefined) return box
  return { ...box, [which]: { ...edit, status: 'refused', error } }
}

/** The line broke, or nobody answered: what was sent is sent again. */
export function unanswered(box: Outbox, ref?: string): Outbox {
  return map(box, (edit) =>
    edit.status === 'sent' && (ref === undefined || edit.ref === ref) ? { ...edit, status: 'typed', ref: '' } : edit,
  )
}

/** A new draft holds every confirmed edit of its order. */
export function drafted(box: Outbox, draft: DraftView): Outbox {
  const kept = Object.entries(box).filter(
    ([, edit]) => !(edit.order_id === draft.order_id && edit.status === 'confirmed'),
  )
  return kept.length === Object.keys(box).length ? box : Object.fromEntries(kept)
}

export function without(box: Outbox, which: string): Outbox {
  return Object.fromEntries(Object.entries(box).filter(([name]) => name !== which))
}

export function waiting(box: Outbox): Array<[string, Edit]> {
  return Object.entries(box).filter(([, edit]) => edit.status === 'typed')
}

/** What was kept in the browser, fit to go on with; edits that are too old are shown instead of sent. */
export function restored(text: string | null, now: number): Outbox {
  if (text === null) return {}
  let kept: unknown
  try {
    kept = JSON.parse(text)
  } catch {
    return {} // half written when the browser died
  }
  if (typeof kept !== 'object' || kept === null) return {}
  const box: Record<string, Edit> = {}
  for (const [which, edit] of Object.entries(kept as Record<string, Edit>)) {
    if (edit.status === 'confirmed') continue
    if (edit.status === 'refused') box[which] = edit
    else if (now - edit.at > STALE_MS) {
      box[which] = { ...edit, status: 'refused', ref: '', error: '这处修改停留时间太久，请核对后再保存' }
    } else box[which] = { ...edit, status: 'typed', ref: '' }
  }
  return box
}

function carrying(box: Outbox, ref: string): string | null {
  return Object.entries(box).find(([, edit]) => edit.ref === ref && edit.status === 'sent')?.[0] ?? null
}

function map(box: Outbox, change: (edit: Edit) => Edit): Outbox {
  return Object.fromEntries(Object.entries(box).map(([which, edit]) => [which, change(edit)]))
}
