import { describe, expect, it } from 'vitest'

import type { WatchGroup } from '@/api/desk'
import { drawn, flagsOf, matching, rise, standing } from '@/live/flags'

import { aLine } from './samples'

const GROUPS: WatchGroup[] = [
  { name: 'media', who: 'citizen', level: 'warning', title: '曝光', hint: '如实告知', words: ['找记者', '曝光'] },
  { name: 'life', who: 'citizen', level: 'danger', title: '危及生命', hint: '稳住', words: ['不想活了'] },
  { name: 'refusal', who: 'agent', level: 'warning', title: '服务禁语', hint: '换个说法', words: ['不归我管'] },
]

describe('a sentence', () => {
  it('is flagged by the most dangerous words first, each group once', () => {
    const flags = flagsOf(aLine({ text: '我找记者曝光，我不想活了' }), GROUPS)
    expect(flags.map((one) => [one.title, one.word])).toEqual([
      ['危及生命', '不想活了'],
      ['曝光', '找记者'],
    ])
  })

  it('is flagged only for who says it, and only when it is finished', () => {
    expect(flagsOf(aLine({ text: '这事不归我管' }), GROUPS)).toEqual([])
    expect(flagsOf(aLine({ text: '这事不归我管', speaker: 'agent' }), GROUPS)).toHaveLength(1)
    expect(flagsOf(aLine({ text: '不想活了', final: false }), GROUPS)).toEqual([])
  })

  it('stands as it was corrected, even to nothing', () => {
    expect(standing(aLine({ text: '人民鹿', correction: { version: 1, text: '人民路', who: 'li', at: 1 } }))).toBe('人民路')
    expect(standing(aLine({ text: '咳', correction: { version: 1, text: '', who: 'li', at: 1 } }))).toBe('')
  })
})

describe('a mood', () => {
  it('rises from what it was, or from calm', () => {
    expect(rise('不满', '愤怒')).toEqual({ from: '不满', to: '愤怒' })
    expect(rise('', '愤怒')).toEqual({ from: '平静', to: '愤怒' })
  })

  it('is no rise when it stays, falls, or is unknown', () => {
    expect([rise('愤怒', '愤怒'), rise('愤怒', '平静'), rise('不满', ''), rise('', '平静')]).toEqual([null, null, null, null])
  })
})

describe('a long conversation', () => {
  const lines = Array.from({ length: 500 }, (_, at) => aLine({ line_id: `l${at}`, text: at % 100 === 0 ? `路灯 ${at} 号` : '嗯' }))

  it('is found by all words of a search, corrections included', () => {
    expect(matching(lines, '路灯 号')).toEqual([0, 100, 200, 300, 400])
    expect(matching([aLine({ text: '鹿灯', correction: { version: 1, text: '路灯', who: 'li', at: 1 } })], '路灯')).toEqual([0])
    expect(matching(lines, ' ')).toEqual([])
  })

  it('is drawn by its newest lines while it is followed, and whole when somebody reads back', () => {
    expect(drawn(lines, 120, false)).toHaveLength(120)
    expect(drawn(lines, 120, false).at(-1)).toBe(lines.at(-1))
    expect(drawn(lines, 120, true)).toHaveLength(500)
  })
})
