import { describe, expect, it } from 'vitest'

import { between, countsOf, grade, hint, mosOf, rating, type Counts } from '@/phone/quality'

const QUIET: Counts = { at: 0, received: 0, lost: 0, jitter_s: 0, rtt_s: 0.02, remoteLoss: 0 }

describe('the E-model', () => {
  it('gives a clean short way the best score of G.711', () => {
    expect(mosOf(rating(0, 0))).toBeCloseTo(4.41, 2) // R = 93.2, G.107 annex B
  })

  it('knows the scores that G.107 names for ratings', () => {
    expect(mosOf(80)).toBeCloseTo(4.02, 1)
    expect(mosOf(60)).toBeCloseTo(3.1, 1)
    expect([mosOf(-5), mosOf(120)]).toEqual([1, 4.5])
  })

  it('halves what packets are worth at a quarter of them lost', () => {
    expect(rating(0, 0) - rating(0, 0.251)).toBeCloseTo(47.5, 1)
  })

  it('minds delay little below 177 ms and much beyond', () => {
    expect(rating(0, 0) - rating(150, 0)).toBeLessThan(4)
    expect(rating(150, 0) - rating(300, 0)).toBeGreaterThan(15)
  })
})

describe('an interval', () => {
  it('counts only what came since the last look', () => {
    const heard = between({ ...QUIET, received: 1000, lost: 500 }, { ...QUIET, received: 1098, lost: 502 })
    expect(heard?.loss).toBeCloseTo(0.02)
  })

  it('without a packet says nothing', () => {
    expect(between(QUIET, QUIET)).toBeNull()
  })

  it('counts the worse of both directions', () => {
    expect(between(QUIET, { ...QUIET, received: 100, remoteLoss: 0.1 })?.loss).toBeCloseTo(0.1)
  })

  it('is good, fair or bad in a word', () => {
    expect([4.3, 3.5, 2.0].map(grade)).toEqual(['good', 'fair', 'bad'])
  })

  it('tells the agent what to do about what is wrong', () => {
    const lossy = between(QUIET, { ...QUIET, received: 90, lost: 10 })
    expect(lossy && hint(lossy)).toContain('丢包')
    const clean = between(QUIET, { ...QUIET, received: 100 })
    expect(clean && hint(clean)).toBe('')
    const late = between(QUIET, { ...QUIET, received: 100, rtt_s: 0.7 })
    expect(late && hint(late)).toContain('时延')
  })
})

describe('what the browser says', () => {
  it('is read from its reports', () => {
    const counts = countsOf(
      [
        { type: 'inbound-rtp', kind: 'audio', packetsReceived: 50, packetsLost: 1, jitter: 0.004 },
        { type: 'inbound-rtp', kind: 'video', packetsReceived: 999 },
        { type: 'remote-inbound-rtp', kind: 'audio', roundTripTime: 0.03, fractionLost: 0.25 },
      ],
      7,
    )
    expect(counts).toEqual({ at: 7, received: 50, lost: 1, jitter_s: 0.004, rtt_s: 0.03, remoteLoss: 0.25 })
  })

  it('is nothing before sound comes in', () => {
    expect(countsOf([{ type: 'transport' }], 0)).toBeNull()
  })
})
