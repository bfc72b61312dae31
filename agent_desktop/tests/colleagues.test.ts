import { describe, expect, it } from 'vitest'

import { choices, grouped, mayAskIn } from '@/live/colleagues'
import type { ColleaguesView, TargetView } from '@/live/protocol'

import { aCall } from './samples'

function person(key: string, usable = true): TargetView {
  return { kind: 'agent', key, title: `坐席${key}`, note: '8001 · 示闲 · 3 级', usable, one_key: false }
}

const view: ColleaguesView = {
  type: 'colleagues_view', call_id: 'c1',
  languages: [
    { skill: 'uyghur', title: '维吾尔语', free: 1, people: [person('a')] },
    { skill: 'english', title: '英语', free: 1, people: [person('b'), person('c', false)] },
  ],
  colleagues: [{ ...person('d'), note: '班长' }],
}

describe('whom an agent may ask in', () => {
  it('is listed by language, with anybody who is free first where several speak it', () => {
    const parts = grouped(choices(view, 'interpreter', ''))
    expect(parts.map((one) => one.group)).toEqual(['维吾尔语 · 空闲 1', '英语 · 空闲 1'])
    expect(parts.map((one) => one.choices.map((choice) => [choice.key, choice.anybody]))).toEqual([
      [['a', false]],
      [['b', true], ['b', false], ['c', false]],
    ])
  })

  it('is found by language, by name and by nothing that does not fit', () => {
    const found = (text: string): string[] => choices(view, 'interpreter', text).map((one) => one.id)
    expect(found('维吾尔')).toEqual(['uyghur-a'])
    expect(found(' ENGLISH ')).toEqual(['english-', 'english-b', 'english-c'])
    expect(found('坐席c')).toEqual(['english-c'])
    expect(found('朝鲜语')).toEqual([])
  })

  it('offers nobody in general of a language whose speakers are all busy', () => {
    const busy = { ...view, languages: [{ skill: 'english', title: '英语', free: 0, people: [person('b', false), person('c', false)] }] }
    expect(choices(busy, 'interpreter', '').map((one) => [one.key, one.usable])).toEqual([['b', false], ['c', false]])
  })

  it('is any colleague for a written conversation that goes on, and for no other call', () => {
    expect(choices(view, 'colleague', '').map((one) => one.key)).toEqual(['d'])
    expect(['talking', 'wrap_up'].map((state) => mayAskIn(aCall({ media: 'text', state: state as 'talking' })))).toEqual([true, false])
    expect(mayAskIn(aCall({ media: 'voice' }))).toBe(false)
  })
})
