import { describe, expect, it } from 'vitest'

import { Unsent, type Kept } from '@/citizen/unsent'
import { standing } from '@/citizen/words'
import type { CitizenView } from '@/live/protocol'

function shelf(): Kept & { values: Map<string, string> } {
  const values = new Map<string, string>()
  return {
    values,
    get: (key) => values.get(key) ?? null,
    set: (key, value) => void values.set(key, value),
    drop: (key) => void values.delete(key),
  }
}

const view = (more: Partial<CitizenView>): CitizenView => ({
  type: 'citizen_view', call_id: 'text-1.1', media: 'text', state: 'waiting', place: null, expected_wait_s: null, agent: '',
  satisfaction: null, text_only: false, reason: '', ...more,
})

describe('lines that are not known to be safe', () => {
  it('are there again after the page was loaded anew', () => {
    const kept = shelf()
    new Unsent(kept).add('a', '路灯不亮')
    expect(new Unsent(kept).all).toEqual([['a', '路灯不亮']])
  })

  it('are forgotten when the hotline has them', () => {
    const kept = shelf()
    const unsent = new Unsent(kept)
    unsent.add('a', '一')
    unsent.add('b', '二')
    unsent.taken('a')
    expect(new Unsent(kept).all).toEqual([['b', '二']])
  })

  it('begin empty where something else is kept under their name', () => {
    const kept = shelf()
    kept.set('hotline.citizen.unsent', '{"not": "lines"}')
    expect(new Unsent(kept).all).toEqual([])
    kept.set('hotline.citizen.unsent', 'no json')
    expect(new Unsent(kept).all).toEqual([])
  })
})

describe('how a call stands', () => {
  it('tells the place, and the wait only where there is an honest estimate', () => {
    expect(standing(view({ place: 4 }), true)).toBe('您前面还有 3 位。')
    expect(standing(view({ place: 1, expected_wait_s: 20 }), true)).toBe('您排在第一位。大约还要等 不到 1 分钟。')
    expect(standing(view({ place: 3, expected_wait_s: 121 }), true)).toBe('您前面还有 2 位。大约还要等 3 分钟。')
  })

  it('says that nothing is lost while the network is away', () => {
    expect(standing(view({ state: 'talking' }), false)).toContain('不会丢失')
  })

  it('names who serves, by number', () => {
    expect(standing(view({ state: 'talking', agent: '8003号话务员' }), true)).toBe('8003号话务员正在为您服务。')
  })

  it('says why it ended when it was for silence', () => {
    expect(standing(view({ state: 'ended', reason: 'silence' }), true)).toContain('很久没有收到')
  })
})
