import { describe, expect, it } from 'vitest'

import { backoff } from '@/live/backoff'
import { bounds, narrow, offset, type Bounds } from '@/live/clock'

/** A server that is `ahead` of us answers a question sent at `sent` after `trip` seconds, half of them on the way there. */
function answered(ahead: number, sent: number, trip: number): Bounds {
  return bounds(Math.floor(sent + trip / 2 + ahead), sent, sent + trip)
}

describe('the server clock', () => {
  it('is our own while nothing is known', () => {
    expect(offset(null)).toBe(0)
  })

  it('lies within the bounds of every answer', () => {
    for (const ahead of [-300.25, -0.4, 0, 0.7, 42.9]) {
      for (let sent = 100; sent < 103; sent += 0.13) {
        const told = answered(ahead, sent, 0.2)
        expect(told.low).toBeLessThanOrEqual(ahead)
        expect(told.high).toBeGreaterThanOrEqual(ahead)
      }
    }
  })

  it('is known to a fraction of a second after several answers', () => {
    let known: Bounds | null = null
    for (let turn = 0; turn < 12; turn += 1) known = narrow(known, answered(37.6, 1000 + turn * 5.17, 0.04))
    expect(Math.abs(offset(known) - 37.6)).toBeLessThan(0.15)
  })

  it('follows when a clock is set', () => {
    const before = narrow(null, answered(0, 100, 0.1))
    const after = narrow(before, answered(60, 105, 0.1))
    expect(offset(after)).toBeGreaterThan(59)
  })
})

describe('the pause before the next try', () => {
  it('doubles up to its limit', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 30].map((attempt) => backoff(attempt, 1))).toEqual([0.5, 1, 2, 4, 8, 15, 15, 15])
  })

  it('is spread so that a thousand pages do not come back together', () => {
    expect(backoff(6, 0)).toBe(7.5)
  })
})
