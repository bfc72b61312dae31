/** Words of supervisors that the person at this page has not read. Pure. */

import type { StaffMessage } from './protocol'

export const KEPT = 100

/** `words` with this one put in or its newer version in its place; urgent ones first, then oldest first. */
export function withWords(words: StaffMessage[], one: StaffMessage, me: string): StaffMessage[] {
  if (one.by === me) return words // of our own we hear who has read them
  const others = words.filter((known) => known.message_id !== one.message_id)
  return [...others, one].sort((a, b) => Number(b.urgent) - Number(a.urgent) || a.at - b.at).slice(-KEPT)
}

export function withoutWords(words: StaffMessage[], message_id: string): StaffMessage[] {
  return words.filter((one) => one.message_id !== message_id)
}
