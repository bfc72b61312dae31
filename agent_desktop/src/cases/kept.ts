/** What was typed into a move's form and not sent yet: kept while the page is open, whatever happens around it. */

import type { Values } from './forms'

const kept = new Map<string, Values>()

export function keep(order: string, move: string, values: Values): void {
  kept.set(`${order} ${move}`, structuredClone(values))
}

export function keptOf(order: string, move: string): Values | null {
  return kept.get(`${order} ${move}`) ?? null
}

export function drop(order: string, move: string): void {
  kept.delete(`${order} ${move}`)
}

/** Moves of this order with something typed. */
export function keptMoves(order: string): string[] {
  return [...kept.keys()].filter((key) => key.startsWith(`${order} `)).map((key) => key.slice(order.length + 1))
}
