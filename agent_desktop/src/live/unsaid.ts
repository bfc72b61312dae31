/**
 * What an agent has half written in each conversation, and the id under which it was sent.
 *
 * A line that the server has not confirmed is sent again under the same id, so that it never stands there twice. Pure.
 */

export interface Half {
  text: string // as it stands in the box
  line_id: string // of the last try, '' for none
  tried: string // what was sent then
}

/** By call id. */
export type Halves = Readonly<Record<string, Half>>

const CALLS_MAX = 50
const TEXT_MAX = 2000

/** The agent has typed. */
export function written(halves: Halves, call_id: string, text: string): Halves {
  const before = halves[call_id]
  if (text === '' && (before === undefined || before.line_id === '')) return without(halves, call_id)
  return { ...halves, [call_id]: { line_id: '', tried: '', ...before, text } }
}

/** The id under which `said` is to be sent: the one of before where the same words were sent already. */
export function lineId(halves: Halves, call_id: string, said: string, fresh: () => string): string {
  const before = halves[call_id]
  return before !== undefined && before.line_id !== '' && before.tried === said ? before.line_id : fresh()
}

/** It is being sent. */
export function tried(halves: Halves, call_id: string, said: string, line_id: string): Halves {
  return { ...halves, [call_id]: { text: halves[call_id]?.text ?? said, line_id, tried: said } }
}

/** The server has it: what was typed meanwhile stays. */
export function confirmed(halves: Halves, call_id: string, said: string): Halves {
  const text = halves[call_id]?.text ?? ''
  const rest = text.trimStart().startsWith(said) ? text.trimStart().slice(said.length).trimStart() : text
  return rest === '' ? without(halves, call_id) : { ...halves, [call_id]: { text: rest, line_id: '', tried: '' } }
}

/** Only what belongs to calls that are still at this desk. */
export function only(halves: Halves, call_ids: readonly string[]): Halves {
  const stays = Object.entries(halves).filter(([id]) => call_ids.includes(id))
  return stays.length === Object.keys(halves).length ? halves : Object.fromEntries(stays)
}

/** What a browser kept; anything else counts as nothing. */
export function readHalves(kept: string | null): Halves {
  try {
    const found: unknown = JSON.parse(kept ?? '{}')
    if (typeof found !== 'object' || found === null) return {}
    return Object.fromEntries(Object.entries(found).filter(([, one]) => isHalf(one)).slice(0, CALLS_MAX))
  } catch {
    return {}
  }
}

function without(halves: Halves, call_id: string): Halves {
  if (!(call_id in halves)) return halves
  return Object.fromEntries(Object.entries(halves).filter(([id]) => id !== call_id))
}

function isHalf(one: unknown): one is Half {
  if (typeof one !== 'object' || one === null) return false
  const { text, line_id, tried: sent } = one as Record<string, unknown>
  return typeof text === 'string' && text.length <= TEXT_MAX && typeof line_id === 'string' && typeof sent === 'string'
}
