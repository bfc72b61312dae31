/**
 * The server's clock, seen from this page.
 *
 * An HTTP answer's `Date` says the second in which it was written, and it was written between sending the request
 * and receiving the answer; so each answer bounds the offset from both sides, and several together narrow it to
 * a fraction of a second.
 */

export interface Bounds {
  low: number // the server is at least this many seconds ahead of us
  high: number // and at most this many
}

/** Bounds of the offset from one answer; `sent` and `received` are our epoch seconds, `date` the header's. */
export function bounds(date: number, sent: number, received: number): Bounds {
  return { low: date - received, high: date + 1 - sent }
}

/** What both say; where they contradict each other a clock was set, and the newer one counts. */
export function narrow(known: Bounds | null, next: Bounds): Bounds {
  if (known === null) return next
  const low = Math.max(known.low, next.low)
  const high = Math.min(known.high, next.high)
  return low <= high ? { low, high } : next
}

/** The best single guess, in seconds to add to our clock. */
export function offset(known: Bounds | null): number {
  return known === null ? 0 : (known.low + known.high) / 2
}
