import { describe, expect, it } from 'vitest'

import type { QueueBoardView } from '@/live/protocol'
import { fitted, HOLD_S, ranked, TURN_S, type Ranking } from '@/wall/queues'

const NAMES = Array.from({ length: 18 }, (_, n) => `q${n}`)

/** Eighteen skills; `waits` says for how long somebody has been waiting where. */
function lines(waits: Record<string, number>): QueueBoardView[] {
  return NAMES.map((queue) => ({ queue, title: queue, waiting: queue in waits ? 10 : 0, longest_wait_s: waits[queue] ?? 0, agents: {}, figures: {} }))
}

function names(ranking: Ranking, now: ReturnType<typeof lines>, room: number, at = 0): string[] {
  return fitted(ranking, now, room, at).shown.map((line) => line.queue)
}

describe('skills on the wall', () => {
  it('stand first where a citizen waits, the longest wait before all, the others as the policy has them', () => {
    const now = lines({ q17: 20, q9: 70 })
    expect(names(ranked(null, now, 6, 0), now, 6)).toEqual(['q9', 'q17', 'q0', 'q1', 'q2', 'q3'])
  })

  it('keep their places for a while, also where the last citizen has been taken', () => {
    const before = ranked(null, lines({ q9: 70, q17: 20 }), 6, 0)
    const now = lines({ q17: 75 })
    expect(ranked(before, now, 6, HOLD_S - 1).order.slice(0, 2)).toEqual(['q9', 'q17'])
    expect(ranked(before, now, 6, HOLD_S).order.slice(0, 2)).toEqual(['q17', 'q0'])
  })

  it('come up at once where somebody begins to wait, without moving those that waited before', () => {
    const before = ranked(null, lines({ q9: 70, q17: 20 }), 6, 0)
    const now = lines({ q9: 71, q17: 21, q12: 1 })
    expect(names(ranked(before, now, 6, 1), now, 6).slice(0, 3)).toEqual(['q9', 'q17', 'q12'])
  })

  it('are ranked anew at once when somebody in need would stand behind one where nobody waits any more', () => {
    const before = ranked(null, lines({ q9: 70, q17: 20 }), 2, 0)
    const now = lines({ q17: 21, q12: 1 })
    expect(names(ranked(before, now, 2, 1), now, 2)).toEqual(['q17', 'q12'])
  })

  it('never hide a waiting citizen: shown and told together are all, however little room there is', () => {
    const waits = Object.fromEntries(NAMES.map((name, n) => [name, n + 1]))
    for (const room of [0, 1, 5, 17, 18, 30]) {
      const now = lines(waits)
      const found = fitted(ranked(null, now, room, 0), now, room, 0)
      expect(found.shown.length + found.more).toBe(18)
      expect(found.shown.reduce((sum, line) => sum + line.waiting, 0) + found.waiting).toBe(180)
    }
  })

  it('take turns where nobody waits and there is no room, so that each is seen', () => {
    const now = lines({ q3: 5 })
    const ranking = ranked(null, now, 6, 0)
    const seen = new Set([0, 1, 2, 3].flatMap((turn) => names(ranking, now, 6, turn * TURN_S)))
    expect(seen).toEqual(new Set(NAMES))
    expect(names(ranking, now, 6, 2 * TURN_S)[0]).toBe('q3')
  })

  it('follow another policy at once', () => {
    const before = ranked(null, lines({}), 6, 0)
    const fewer = lines({ q9: 3 }).slice(5)
    expect(ranked(before, fewer, 6, 1).order).toHaveLength(13)
  })
})
