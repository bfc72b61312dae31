import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'

import { CommandFailed } from '@/live/link'
import type { OrderField } from '@/live/protocol'
import * as outbox from '@/order/outbox'

import { useLive } from './live'
import { useSession } from './session'

const DEBOUNCE_MS = 300
const UNDO_STEPS = 20

/** What the agent typed into the order of the call: shown at once, kept in the browser, sent until the server has it. */
export const useEdits = defineStore('edits', () => {
  const live = useLive()
  const session = useSession()
  const box = shallowRef<outbox.Outbox>({})
  const earlier = ref<Record<string, string[]>>({}) // values to undo to, newest last
  const typing = new Set<string>() // fields whose present run of typing already has its undo step
  let timer: number | null = null

  const unsaved = computed(() => Object.values(box.value).filter((edit) => edit.status !== 'confirmed'))
  const refusedEdits = computed(() => Object.entries(box.value).filter(([, edit]) => edit.status === 'refused'))

  function load(): void {
    keep(outbox.restored(localStorage.getItem(place()), Date.now()))
    flush()
  }

  live.onMessage((message) => {
    if (message.type === 'draft_view') keep(outbox.drafted(box.value, message))
    if (message.type === 'snapshot') for (const draft of live.drafts) keep(outbox.drafted(box.value, draft))
    if (message.type === 'snapshot' || message.type === 'resumed') window.setTimeout(flush) // after the link counts as open
  })
  live.onLost(() => keep(outbox.unanswered(box.value)))

  function editOf(order_id: string, field: OrderField): outbox.Edit | undefined {
    return box.value[outbox.key(order_id, field)]
  }

  /** What stands in the field as the agent sees it. */
  function shown(order_id: string, field: OrderField): string {
    return editOf(order_id, field)?.value ?? stored(order_id, field)
  }

  function version(order_id: string): number | null {
    return live.draftOf(order_id)?.version ?? null
  }

  function stored(order_id: string, field: OrderField): string {
    return live.draftOf(order_id)?.fields[field]?.value ?? ''
  }

  /** The agent changed the field; sent when they pause. */
  function type(order_id: string, field: OrderField, value: string): void {
    const which = outbox.key(order_id, field)
    if (value === shown(order_id, field)) return
    if (!typing.has(which)) {
      typing.add(which)
      remember(which, shown(order_id, field))
    }
    keep(outbox.typed(box.value, order_id, field, value, Date.now(), version(order_id)))
    if (timer !== null) window.clearTimeout(timer)
    timer = window.setTimeout(flush, DEBOUNCE_MS)
  }

  /** The agent chose, accepted or left the field: one step, sent at once. Also makes a machine's value their own. */
  function set(order_id: string, field: OrderField, value: string): void {
    const which = outbox.key(order_id, field)
    typing.delete(which)
    if (value !== shown(order_id, field)) remember(which, shown(order_id, field))
    keep(outbox.typed(box.value, order_id, field, value, Date.now(), version(order_id)))
    flush()
  }

  /** The cursor left the field: the next change is a new step to undo. */
  function leave(order_id: string, field: OrderField): void {
    typing.delete(outbox.key(order_id, field))
    flush()
  }

  function canUndo(order_id: string, field: OrderField): boolean {
    return (earlier.value[outbox.key(order_id, field)]?.length ?? 0) > 0
  }

  function undo(order_id: string, field: OrderField): void {
    const which = outbox.key(order_id, field)
    const value = earlier.value[which]?.pop()
    typing.delete(which)
    if (value === undefined) return
    keep(outbox.typed(box.value, order_id, field, value, Date.now(), version(order_id)))
    flush()
  }

  /** Send everything that waits; resolves when each has its answer (or the line broke). */
  async function flush(): Promise<void> {
    if (timer !== null) window.clearTimeout(timer)
    timer = null
    if (live.link !== 'open') return
    await Promise.all(outbox.waiting(box.value).map(([which, edit]) => deliver(which, edit)))
  }

  async function deliver(which: string, edit: outbox.Edit): Promise<void> {
    const ref_ = live.nextRef()
    keep(outbox.sent(box.value, which, ref_))
    const { order_id, field, value, seen } = edit
    try {
      await live.send({ type: 'edit_field', order_id, field, value, seen: seen ?? null }, ref_)
      keep(outbox.confirmed(box.value, ref_, live.draftOf(order_id)))
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error
      if (error.reached) keep(outbox.refused(box.value, ref_, error.message))
      else {
        keep(outbox.unanswered(box.value, ref_))
        if (live.link === 'open') timer ??= window.setTimeout(flush, 2000)
      }
    }
  }

  /** Give up what the server refused. */
  function drop(which: string): void {
    keep(outbox.without(box.value, which))
  }

  function retry(which: string): void {
    const edit = box.value[which]
    if (edit === undefined) return
    keep(outbox.typed(box.value, edit.order_id, edit.field, edit.value, Date.now(), version(edit.order_id)))
    void flush()
  }

  /** True when everything typed into this order is at the server. */
  async function settled(order_id: string): Promise<boolean> {
    await flush()
    return !unsaved.value.some((edit) => edit.order_id === order_id)
  }

  function remember(which: string, value: string): void {
    earlier.value[which] = [...(earlier.value[which] ?? []), value].slice(-UNDO_STEPS)
  }

  function keep(next: outbox.Outbox): void {
    if (next === box.value) return
    box.value = next
    if (Object.keys(next).length === 0) localStorage.removeItem(place())
    else localStorage.setItem(place(), JSON.stringify(next))
  }

  function place(): string {
    return `hotline.edits.${session.person?.login ?? ''}`
  }

  function stop(): void {
    if (timer !== null) window.clearTimeout(timer)
    timer = null
    typing.clear()
    earlier.value = {}
    box.value = {} // what is still unsent stays in the browser for the next sign-in
  }

  return {
    box, unsaved, refusedEdits, load, stop, editOf, shown, type, set, leave, canUndo, undo, flush, drop, retry, settled,
  }
})
