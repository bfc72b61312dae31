/** Which skills stand where on a wall that has not room for all of them. Pure. */

import type { QueueBoardView } from '@/live/protocol'

/** So many seconds everything stays at its place, unless a skill in need would not be seen. */
export const HOLD_S = 10
/** Skills without a waiting citizen for which there is no room take turns, so many seconds each. */
export const TURN_S = 15

export interface Ranking {
  order: readonly string[] // names, first those with citizens waiting
  head: number // so many of them stand first because somebody waits there, or did when they were put there
  at: number // ranked anew, epoch seconds
}

export interface Fitted {
  shown: QueueBoardView[]
  more: number // skills that are not shown
  waiting: number // citizens who wait for one of those
}

/** Where each skill stands now: who waits longest first; places change rarely, and at once for who begins to wait. */
export function ranked(before: Ranking | null, lines: readonly QueueBoardView[], room: number, now: number): Ranking {
  const anew = fresh(lines, now)
  if (before === null || now < before.at || now - before.at >= HOLD_S || !sameNames(before.order, lines)) return anew
  const waiting = new Map(lines.map((line) => [line.queue, line.waiting]))
  const head = before.order.slice(0, before.head)
  const tail = before.order.slice(before.head)
  const begun = tail.filter((name) => (waiting.get(name) ?? 0) > 0)
  const kept = { order: [...head, ...begun, ...tail.filter((name) => !begun.includes(name))], head: head.length + begun.length, at: before.at }
  const unseen = kept.order.slice(room, kept.head).some((name) => (waiting.get(name) ?? 0) > 0)
  return unseen ? anew : kept
}

/** What is shown of them in so many rows, and what the others amount to. `now` turns those in which nobody waits. */
export function fitted({ order, head }: Ranking, lines: readonly QueueBoardView[], room: number, now: number): Fitted {
  const known = new Map(lines.map((line) => [line.queue, line]))
  const all = order.map((name) => known.get(name)).filter((line) => line !== undefined)
  if (all.length <= room) return { shown: all, more: 0, waiting: 0 }
  const first = all.slice(0, Math.min(head, room))
  const others = all.slice(head)
  const free = Math.max(0, room - first.length)
  const pages = free === 0 ? 1 : Math.ceil(others.length / free)
  const page = Math.floor(now / TURN_S) % Math.max(1, pages)
  const begin = Math.max(0, Math.min(page * free, others.length - free))
  const shown = [...first, ...others.slice(begin, begin + free)]
  const hidden = all.filter((line) => !shown.includes(line))
  return { shown, more: hidden.length, waiting: hidden.reduce((sum, line) => sum + line.waiting, 0) }
}

function fresh(lines: readonly QueueBoardView[], now: number): Ranking {
  const inNeed = lines.filter((line) => line.waiting > 0).sort((one, two) => two.longest_wait_s - one.longest_wait_s)
  const others = lines.filter((line) => line.waiting === 0)
  return { order: [...inNeed, ...others].map((line) => line.queue), head: inNeed.length, at: now }
}

function sameNames(order: readonly string[], lines: readonly QueueBoardView[]): boolean {
  return order.length === lines.length && lines.every((line) => order.includes(line.queue))
}
