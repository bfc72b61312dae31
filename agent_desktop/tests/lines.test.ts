import { describe, expect, it } from 'vitest'

import { changes } from '@/text/lines'

function shown(before: string, after: string): string[] {
  return changes(before, after).map((line) => `${line.sign}${line.text}`)
}

describe('the difference of two texts', () => {
  it('is nothing between equal ones', () => {
    expect(shown('a\nb', 'a\nb')).toEqual([' a', ' b'])
  })
  it('is what was taken away and what came', () => {
    expect(shown('a\nb\nc', 'a\nx\nc')).toEqual([' a', '-b', '+x', ' c'])
  })
  it('keeps the lines that only moved down', () => {
    expect(shown('a\nb', 'new\na\nb')).toEqual(['+new', ' a', ' b'])
  })
  it('gives back both texts', () => {
    const lines = changes('a\nb\nc\nd\nb', 'b\nd\ne\nb\nb')
    expect(lines.filter((line) => line.sign !== '+').map((line) => line.text)).toEqual(['a', 'b', 'c', 'd', 'b'])
    expect(lines.filter((line) => line.sign !== '-').map((line) => line.text)).toEqual(['b', 'd', 'e', 'b', 'b'])
  })
  it('shows very long texts as replaced instead of taking minutes', () => {
    const many = (word: string): string => Array.from({ length: 3000 }, (_, n) => `${word}${n}`).join('\n')
    expect(changes(many('a'), many('b'))).toHaveLength(6000)
  })
})
