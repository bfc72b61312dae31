/**
 * What a list is narrowed to, kept in the page's address: a link leads to exactly that list, and going back leads to the one before.
 * What somebody searches for (a name, a number) never stands there: addresses are kept in histories and logs.
 */

import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

const LONGEST = 100

export interface Address<Key extends string> {
  filters: ComputedRef<Partial<Record<Key, string>>> // without those that are empty
  set: (changes: Partial<Record<Key, string | undefined>>) => void // '' or undefined: not asked about
  clear: () => void
}

/** `keys` are those that the list understands; others in the address are left alone. */
export function useAddress<Key extends string>(keys: readonly Key[]): Address<Key> {
  const route = useRoute()
  const router = useRouter()
  const filters = computed(() => read(keys, route.query))
  function set(changes: Partial<Record<Key, string | undefined>>): void {
    const query: Record<string, unknown> = { ...route.query, ...changes }
    for (const [key, value] of Object.entries(query)) if (value === '' || value === undefined || value === null) delete query[key]
    void router.push({ query: query as Record<string, string> })
  }
  return { filters, set, clear: () => set(Object.fromEntries(keys.map((key) => [key, undefined])) as Partial<Record<Key, undefined>>) }
}

/** What an address asks for; what is no text, or too long, is passed over. */
export function read<Key extends string>(keys: readonly Key[], query: Readonly<Record<string, unknown>>): Partial<Record<Key, string>> {
  const found: Partial<Record<Key, string>> = {}
  for (const key of keys) {
    const value = query[key]
    if (typeof value === 'string' && value !== '' && value.length <= LONGEST) found[key] = value
  }
  return found
}

/** Days in China as moments: from the first one's beginning until the last one is over, epoch seconds. */
export function momentsOf(days: readonly [string, string] | null): { since: string | undefined; until: string | undefined } {
  if (days === null) return { since: undefined, until: undefined }
  const [first, last] = days.map((day) => Date.parse(`${day}T00:00:00+08:00`) / 1000) as [number, number]
  return { since: String(first), until: String(last + 86_400) }
}

/** The days of these moments (epoch seconds), null without both. */
export function daysOf(since: string | undefined, until: string | undefined): [string, string] | null {
  const [first, last] = [Number(since ?? NaN), Number(until ?? NaN)]
  if (!Number.isFinite(first) || !Number.isFinite(last)) return null
  return [day(first), day(Math.max(first, last - 1))]
}

function day(at: number): string {
  return new Date((at + 8 * 3600) * 1000).toISOString().slice(0, 10)
}
