import { describe, expect, it } from 'vitest'

import { onTheLine } from '@/text/caller'

describe('who is on the line', () => {
  it('is the number that the server knows, in groups', () => {
    expect(onTheLine('13800000001', 'anonymous')).toBe('138 0000 0001')
  })
  it('is what the telephone was told until the server has spoken', () => {
    expect(onTheLine('', '01012345678')).toBe('01012345678')
  })
  it('is a visitor of the citizens’ page, never the name of an account', () => {
    expect(onTheLine('', 'guest-6b036841-49ab')).toBe('网页来访')
  })
  it('is nobody known when the number is withheld', () => {
    expect(onTheLine('', 'anonymous')).toBe('未显示号码')
    expect(onTheLine('', '')).toBe('未显示号码')
  })
})
