import { describe, expect, it } from 'vitest'

import { gapText, repairText, segments, weakStretch } from '@/live/captions'
import type { Caption, RepairView } from '@/live/protocol'
import { withLine } from '@/live/state'
import { beside } from '@/order/beside'

import { aField, aLine } from './samples'

let count = 0
function said(confidence: number | null, more: Partial<Caption> = {}): Caption {
  count += 1
  return aLine({ line_id: `l${count}`, start: count * 10, end: count * 10 + 3, confidence, ...more })
}
function repair(start: number, end: number, more: Partial<RepairView> = {}): RepairView {
  return { start, end, heard: '留意', source: 'gazetteer', confidence: 0.9, ...more }
}

describe('a long stretch that is hardly understood', () => {
  it('is four sentences of the citizen in a row', () => {
    const lines = [said(0.9), said(0.3), said(0.4), said(0.5), said(0.2)]
    expect(weakStretch(lines.slice(0, 4), 0.6)).toBeNull()
    expect(weakStretch(lines, 0.6)).toMatchObject({ lines: 4, last: lines[4]?.line_id })
  })

  it('or twenty seconds of their speech', () => {
    const long = (): Caption => said(0.4, { start: 0, end: 11 })
    expect(weakStretch([long()], 0.6)).toBeNull()
    expect(weakStretch([long(), long()], 0.6)).toMatchObject({ lines: 2, seconds: 22 })
  })

  it('ends with a sentence that was understood', () => {
    expect(weakStretch([said(0.3), said(0.3), said(0.3), said(0.3), said(0.8)], 0.6)).toBeNull()
  })

  it('is not ended by the agent, by a gap, by an unfinished sentence or by a grunt', () => {
    const between = [said(0.9, { speaker: 'agent' }), said(null, { gap: 'behind', text: '' }), said(null, { final: false }), said(0.9, { start: 5, end: 5.4 })]
    expect(weakStretch([said(0.3), ...between, said(0.3), said(0.3), said(0.3)], 0.6)?.lines).toBe(4)
  })

  it('is offered again only for what is said after the agent has decided', () => {
    const lines = [said(0.3), said(0.3), said(0.3), said(0.3)]
    const decided = lines[3]?.line_id ?? ''
    expect(weakStretch(lines, 0.6, decided)).toBeNull()
    expect(weakStretch([...lines, said(0.3), said(0.3), said(0.3), said(0.3)], 0.6, decided)?.lines).toBe(4)
  })
})

describe('repaired stretches', () => {
  it('stand apart from what was heard as it is written', () => {
    expect(segments('在五一路口', [repair(1, 4)])).toEqual([
      { text: '在', repair: null },
      { text: '五一路', repair: repair(1, 4) },
      { text: '口', repair: null },
    ])
  })

  it('are counted in characters, also rare ones', () => {
    expect(segments('𠮷家五一路', [repair(2, 5)]).map((part) => part.text)).toEqual(['𠮷家', '五一路'])
  })

  it.each([[[repair(9, 12)]], [[repair(3, 2)]], [null]])('that do not fit leave the text whole: %j', (repairs) => {
    expect(segments('五一路', repairs).map((part) => part.text).join('')).toBe('五一路')
  })

  it('never show a character twice', () => {
    expect(segments('五一路口', [repair(0, 3), repair(2, 4)]).map((part) => part.text).join('')).toBe('五一路口')
  })

  it('say what was heard and why it was changed', () => {
    expect(repairText(repair(0, 2))).toBe('原听“留意”，按地名库改写，把握 90%')
    expect(repairText(repair(0, 2, { source: 'digits' }))).toContain('按号码重听')
  })
})

describe('a gap', () => {
  it('says how long and why', () => {
    expect(gapText('worker_lost', 2.6)).toBe('此处约 3 秒未转写：转写进程中断')
    expect(gapText('behind', 0.1)).toBe('此处约 1 秒未转写：转写来不及，跳过')
  })

  it('stands among the lines at its time', () => {
    const gap = said(null, { gap: 'worker_lost', text: '', start: 15 })
    const lines = [said(0.9, { start: 10 }), said(0.9, { start: 20 })]
    expect(withLine(lines, gap)[1]).toBe(gap)
  })
})

it('a sentence that turned out to be nothing leaves no empty line', () => {
  const partial = said(null, { final: false })
  expect(withLine([partial], { ...partial, text: '', final: true })).toEqual([])
})

describe('beside a field', () => {
  const machine = aField({ filler: 'machine', source: 'gazetteer/exact', confidence: 0.9 })
  it('stands the exact moment, short', () => {
    const told = beside('time', { time_iso: { ...machine, source: 'rule:time', value: '2026-11-21T08:05:00+08:00' } })
    expect(told).toMatchObject({ name: 'time_iso', text: '11-21 08:05', doubtful: false })
  })

  it('stands that a place has a point, and where', () => {
    expect(beside('place', { point: { ...machine, value: '113.1,28.2' } })).toMatchObject({ text: '有坐标', title: '坐标 113.1,28.2（地名库，把握 90%）' })
  })

  it('is doubtful once the agent has changed the field it was made of', () => {
    const place = aField({ value: '江南路' })
    expect(beside('place', { place, point: { ...machine, value: '113.1,28.2' } })?.doubtful).toBe(true)
  })

  it('stands nothing where there is nothing', () => {
    expect([beside('place', {}), beside('title', {}), beside('time', { time_iso: { ...machine, value: '' } })]).toEqual([null, null, null])
  })
})
