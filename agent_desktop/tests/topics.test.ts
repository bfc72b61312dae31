import { describe, expect, it } from 'vitest'

import type { Topic } from '@/api/topics'
import { csv } from '@/text/csv'
import { chanceText, ranked, ratioText, reportRows, share, windowOf } from '@/topics/topics'

const TOPIC: Topic = { category: '城乡建设/供水', district: '', orders: 9, usual: 3, chance: 0.003, trend: [1, 2], level: 'usual', ratio: 3 }

describe('topics', () => {
  it('stand with early warnings first, each level the surest first', () => {
    const levels = (['usual', 'high', 'rising', 'high'] as const).map((level, orders) => ({ ...TOPIC, level, orders }))
    expect(ranked(levels).map((one) => one.orders)).toEqual([1, 3, 2, 0])
  })

  it.each([
    [0.0005, '几乎不可能是偶然'],
    [0.003, '很不可能是偶然'],
    [0.03, '不太可能是偶然'],
    [0.05, '可能是偶然'],
  ])('that come by chance in %f of all cases: %s', (chance, words) => {
    expect(chanceText(chance)).toBe(words)
  })

  it('that hardly ever came before are not said to be so many times the usual', () => {
    expect(ratioText(TOPIC)).toBe('3.0 倍')
    expect(ratioText({ ...TOPIC, usual: 0 })).toBe('平常极少')
  })

  it('are of whole days in China', () => {
    const { since, until } = windowOf('2026-11-22', 7)
    expect(new Date(since * 1000).toISOString()).toBe('2026-11-15T16:00:00.000Z')
    expect(until - since).toBe(7 * 86_400)
  })
})

describe('a theme on paper', () => {
  it('has every month with its shares', () => {
    const month = { month: '2026-11', orders: 8, callers: 7, finished: 4, asked: 3, solved: 2, rated: 0, satisfied: 0, redone: 1, supervised: 0 }
    const theme = { theme_id: 't', month: '2026-11', title: '停水', category: '供水', district: '', lead: '水务局', goal: '', result: '', by: 'wang', at: 1, closed_at: null }
    const rows = reportRows(theme, [month])
    expect(rows.at(-1)).toEqual(['2026-11', 8, 7, 4, '66.7%', '—', 1, 0])
    expect(rows).toContainEqual(['区县', '全市'])
  })

  it('shows no share of nothing', () => {
    expect(share(0, 0)).toBe('—')
  })

  it('goes into CSV without a cell that a spreadsheet would reckon', () => {
    expect(csv([['=1+1', 'a"b', 3], ['x,y', '', -2]])).toBe('\ufeff\'=1+1,"a""b",3\r\n"x,y",,-2\r\n')
  })
})
