import { describe, expect, it } from 'vitest'

import type { Clock, Course, CourseWords, WholeCase } from '@/api/cases'
import { begun, fieldsToSend, formOf, groupsOf, missing, partsFor, sorted, titleOf } from '@/cases/forms'
import { changesOf, isLocked, missing as lacking, moves, shownIn, toSend, type } from '@/cases/corrections'
import { drop, keep, keptMoves, keptOf } from '@/cases/kept'
import { inOrder, pressure, remaining, span } from '@/cases/times'
import { matching } from '@/cases/words'

const WORDS: CourseWords = {
  states: {}, joint_states: {}, clocks: { sign: '签收', resolve: '办理' }, supervision: { none: '未督办', yellow: '黄牌' }, outcomes: { done: '已解决' },
  moves: { dispatch: { title: '派单', fields: [] }, review: { title: '审核反馈', fields: [] } },
  causes: { recorded: '记录有误' }, correctable: ['type', 'category', 'urgency', 'title', 'summary', 'phone', 'secrecy'],
  checklist: [{ item: '已联系市民', hint: '' }, { item: '答复针对诉求', hint: '' }],
}
const COURSE: Course = {
  state: 'dispatched', since: 0, touched_at: 0, round: 1, lead: '区城管局', joint: [{ unit: '区住建局', state: 'dispatched', since: 0, answer: '' }], joint_rule: 'free',
  returns: [], dispute: null, extension: null, clocks: [], supervision: 'none', feedback: null, review: null, rating: null, bad_ratings: 0, appeal: null, closed_at: null, merged_into: '',
}
function order(course: Partial<Course> = {}, more: Partial<WholeCase> = {}): WholeCase {
  return {
    order_id: 'o1', call_id: '', number: '20261122000001', version: 3, channel: 'phone', caller: '', created_at: 0, closed_at: 0, fields: {}, links: [],
    course: { ...COURSE, ...course }, moves: [], acts_for: ['区城管局', '区住建局'], history: [], ...more,
  }
}
function clock(kind: string, due: number, more: Partial<Clock> = {}): Clock {
  return { kind, started: 0, due, near_at: due - 10, unit: '', paused_at: null, stopped: null, ...more }
}

describe('a time limit', () => {
  it('is said in days, hours or minutes', () => {
    expect([span(90_000), span(172_800), span(5400), span(3600), span(125), span(20)]).toEqual(['1 天 1 小时', '2 天', '1 小时 30 分', '1 小时', '2 分', '不到 1 分'])
  })
  it('is fine, near or late', () => {
    expect([pressure(100, 80, 10), pressure(100, 80, 80), pressure(100, 80, 101), pressure(null, null, 1)]).toEqual(['fine', 'near', 'late', 'fine'])
    expect(remaining(0, 7200)).toBe('超期 2 小时')
    expect(remaining(7200, 0)).toBe('剩 2 小时')
  })
  it('that counts stands before one that waits and one that is done', () => {
    const clocks = [clock('close', 5, { stopped: 4 }), clock('track', 3, { paused_at: 1 }), clock('resolve', 9), clock('sign', 7)]
    expect(inOrder(clocks).map((one) => one.kind)).toEqual(['sign', 'resolve', 'track', 'close'])
  })
})

describe('the form of a move', () => {
  it('asks for a reason when a unit has the order already', () => {
    const again = formOf('dispatch', order(), WORDS)
    expect(missing(again, { ...begun(again, order()), lead: '区水务局' })?.name).toBe('reason')
    const first = formOf('dispatch', order({ state: 'accepted', lead: '', joint: [] }), WORDS)
    expect(missing(first, { ...begun(first, order()), lead: '区水务局' })).toBeNull()
  })
  it('does not take the lead as joint unit', () => {
    const form = formOf('dispatch', order({ state: 'accepted' }), WORDS)
    expect(missing(form, { ...begun(form, order()), lead: '区水务局', joint: ['区水务局'] })?.name).toBe('joint')
  })
  it('sends where the choice of a unit came from', () => {
    const one = order({ state: 'accepted', lead: '', joint: [] })
    const form = formOf('dispatch', one, WORDS)
    expect(fieldsToSend(form, { ...begun(form, one), lead: '区水务局' }, one, 'rule:r1')).toEqual({ lead: '区水务局', joint: [], joint_rule: 'free', source: 'rule:r1' })
  })
  it('of a review goes through every line and needs words where one is wrong', () => {
    const one = order({ state: 'fed_back' })
    const form = formOf('review', one, WORDS)
    expect(missing(form, { checklist: [true, null], reason: '' })?.text).toBe('请逐项填写审核清单')
    expect(missing(form, { checklist: [true, false], reason: ' ' })?.name).toBe('reason')
    expect(fieldsToSend(form, { checklist: [true, false], reason: '补照片' }, one)).toEqual({
      checklist: [{ item: '已联系市民', ok: true }, { item: '答复针对诉求', ok: false }], passed: false, reason: '补照片',
    })
    expect(fieldsToSend(form, { checklist: [true, true], reason: '' }, one).passed).toBe(true)
  })
  it('of a rating wants at least one answer', () => {
    const form = formOf('rate', order({ state: 'visiting' }), WORDS)
    const empty = begun(form, order())
    expect(missing(form, empty)?.name).toBe('result')
    expect(missing(form, { ...empty, solved: 'no' })).toBeNull()
  })
  it('of a joined citizen asks whose rating it is', () => {
    const link = { other: 'o2', kind: 'joined' as const, agent: '', at: 0, number: '20261122000002', caller: '13800000002', contact: '王女士', phone: '', secrecy: '' }
    const one = { ...order({ state: 'visiting' }), links: [link, { ...link, other: 'o3', kind: 'related' as const }] }
    const form = formOf('rate_joined', one, WORDS)
    expect(form.fields[0]?.options).toEqual([{ value: 'o2', label: '20261122000002 王女士 138 0000 0002' }])
    const begin = begun(form, one)
    expect(missing(form, begin)?.name).toBe('result')
    expect(fieldsToSend(form, { ...begin, solved: 'no' }, one)).toMatchObject({ other: 'o2', solved: 'no' })
  })
  it('of a clock says which, and whose', () => {
    const one = order({ clocks: [clock('resolve', 9), clock('sign', 9, { unit: '区住建局' }), clock('track', 9, { stopped: 1 })] })
    const form = formOf('pause', one, WORDS)
    expect(form.fields[0]?.options?.map((option) => option.label)).toEqual(['办理', '签收（区住建局）'])
    expect(fieldsToSend(form, { clock: 'sign|区住建局', reason: '停电' }, one)).toEqual({ kind: 'sign', unit: '区住建局', reason: '停电' })
  })
  it('asks in whose name only where there is a choice', () => {
    const both = order({ joint: [{ unit: '区住建局', state: 'dispatched', since: 0, answer: '' }] })
    expect(partsFor('sign', both, both.course!)).toEqual(['区城管局', '区住建局'])
    expect(formOf('sign', both, WORDS).fields.map((field) => field.name)).toEqual(['unit'])
    const one = order({ state: 'handling' })
    expect(partsFor('note', one, one.course!)).toEqual(['区城管局'])
    expect(fieldsToSend(formOf('note', one, WORDS), { text: '已到场' }, one)).toEqual({ text: '已到场', unit: '区城管局' })
  })
})

describe('moves', () => {
  it('stand in the order in which an order goes on, unknown ones last', () => {
    expect(sorted(['withdraw', 'follow', 'new_one', 'sign', 'dispatch'])).toEqual(['sign', 'dispatch', 'follow', 'withdraw', 'new_one'])
  })
})

describe('groups of moves', () => {
  const moves = ['sign', 'dispatch', 'follow', 'feed_back', 'withdraw']
  it('part what the centre does itself from what it does for a unit, and call a second dispatch by its name', () => {
    const one = order({ state: 'signed' }, { moves })
    expect(groupsOf(one, false)).toEqual([{ title: '其他操作', moves: ['dispatch', 'follow', 'withdraw'] }, { title: '代承办单位', moves: ['sign', 'feed_back'] }])
    expect([titleOf('dispatch', one, WORDS), titleOf('dispatch', order({ state: 'accepted' }), WORDS)]).toEqual(['改派', '派单'])
  })
  it('show a unit its own moves first', () => {
    expect(groupsOf(order({ state: 'signed' }, { moves: ['feed_back', 'sign', 'return'] }), true)).toEqual([{ title: '主要操作', moves: ['sign', 'feed_back'] }, { title: '其他操作', moves: ['return'] }])
  })
})

describe('what was typed', () => {
  it('stays until it was taken, for this order and move alone', () => {
    const values = { reason: '半句话' }
    keep('o1', 'return', values)
    values.reason = '改了'
    expect(keptOf('o1', 'return')).toEqual({ reason: '半句话' })
    expect([keptMoves('o1'), keptMoves('o2')]).toEqual([['return'], []])
    drop('o1', 'return')
    expect(keptOf('o1', 'return')).toBeNull()
  })
})

describe('units', () => {
  it('are found by name, area or the unit above, names that begin so first', () => {
    const units = [
      { name: '东城区城管局', level: 'county', parent: '东城区人民政府', areas: ['东城区'] },
      { name: '市城管局', level: 'city', parent: '', areas: [] },
      { name: '阳光街道办', level: 'township', parent: '东城区人民政府', areas: ['阳光街道'] },
    ]
    expect(matching(units, '东城').map((unit) => unit.name)).toEqual(['东城区城管局', '阳光街道办'])
    expect(matching(units, '城管 东城').map((unit) => unit.name)).toEqual(['东城区城管局'])
    expect(matching(units, '没有')).toEqual([])
  })
})

describe('a correction', () => {
  const view = (value: string) => ({ value, filler: 'agent' as const, source: 'agent:1001', confidence: 1, audio_from: null, audio_to: null, quote: '', at: 0, suggestion: null })
  const one = order({}, { fields: { urgency: view('一般'), category: view('城市管理/占道'), phone: view('138****0001'), summary: view('楼下有异味') }, masked: ['phone'] })
  it('is what is other than it stands, whatever was typed on the way', () => {
    const values = type(type(type({}, 'urgency', '特急'), 'category', '供水'), 'category', '城市管理/占道 ')
    expect(changesOf(one, values, WORDS)).toEqual([{ field: 'urgency', title: '紧急程度', was: '一般', value: '特急' }])
    expect(moves(changesOf(one, values, WORDS))).toBe(true)
  })
  it('writes what is covered anew, and never back as it is shown', () => {
    expect(shownIn(one, {}, 'phone')).toBe('')
    expect(changesOf(one, type({}, 'phone', ''), WORDS)).toEqual([])
    expect(changesOf(one, type({}, 'phone', '138****0001'), WORDS)).toEqual([])
    expect(changesOf(one, type({}, 'phone', '13900001111'), WORDS)).toHaveLength(1)
    expect(isLocked({ ...one, masked: ['words'] }, 'summary')).toBe(true)
    expect(changesOf({ ...one, masked: ['words'] }, type({}, 'summary', '改'), WORDS)).toEqual([])
  })
  it('needs something to correct, a cause and words', () => {
    const changes = changesOf(one, type({}, 'urgency', '特急'), WORDS)
    expect(lacking([], {})?.text).toBe('还没有更正任何内容')
    expect(lacking(changes, {})?.name).toBe('cause')
    expect(lacking(changes, { cause: 'recorded', reason: ' ' })?.name).toBe('reason')
    expect(lacking(changesOf(one, type({}, 'category', ''), WORDS), {})?.text).toBe('“事项分类”不能为空')
    expect(toSend(changes, { cause: 'recorded', reason: ' 听错 ' })).toEqual({ changes: { urgency: '特急' }, cause: 'recorded', reason: '听错' })
  })
})
