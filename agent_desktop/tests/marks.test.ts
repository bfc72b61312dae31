import { describe, expect, it } from 'vitest'

import type { Marks, Sheet } from '@/api/reviews'
import { emptyMarks, groups, missing, total } from '@/quality/marks'

const sheet: Sheet = {
  version: 1, title: '评分', passing: 80,
  items: [
    { key: 'greeting', title: '问候', points: 10, group: '规范', guide: '' },
    { key: 'wording', title: '描述', points: 60, group: '工单', guide: '' },
    { key: 'listening', title: '倾听', points: 30, group: '规范', guide: '' },
  ],
  fatal: [{ key: 'rude', title: '辱骂', guide: '' }],
}
function marks(points: Marks['points'], fatal: string[] = []): Marks {
  return { ...emptyMarks(), points, fatal }
}

describe('a total', () => {
  it('is the share of what could be given', () => {
    expect(total(sheet, marks({ greeting: 10, wording: 30, listening: 30 }))).toBe(70)
  })
  it('leaves out what does not apply', () => {
    expect(total(sheet, marks({ greeting: 0, wording: null, listening: 30 }))).toBe(75)
  })
  it('is nothing with a fatal item', () => {
    expect(total(sheet, marks({ greeting: 10 }, ['rude']))).toBe(0)
  })
  it('is unknown while nothing is marked', () => {
    expect(total(sheet, marks({ wording: null }))).toBeNull()
  })
})

it('what is not marked yet is named', () => {
  expect(missing(sheet, marks({ greeting: 0, wording: null }))).toEqual(['倾听'])
})

it('items stand under their headings in the order of the sheet', () => {
  expect(groups(sheet).map((group) => [group.title, group.items.map((item) => item.key)])).toEqual([
    ['规范', ['greeting', 'listening']],
    ['工单', ['wording']],
  ])
})
