import { describe, expect, it } from 'vitest'

import { FIELDS, missing, named } from '@/order/fields'
import { isUnsure, percent, sourceText } from '@/order/source'
import { grouped, length } from '@/text/time'

import { aField } from './samples'

describe('a source', () => {
  it.each([
    ['rule:urgency/停水', '规则 · 停水'],
    ['rule:type/投诉/噪音', '规则 · 投诉/噪音'],
    ['rule:time/date', '时间规则'],
    ['gazetteer/exact', '地名库'],
    ['gazetteer/sound', '地名库 · 同音'],
    ['caller_id', '来电号码'],
    ['caller_id+said', '来电号码 · 与口述相符'],
    ['model:category-v1', '模型'],
    ['agent:li', '坐席 li'],
    ['something-new', 'something-new'],
  ])('%s reads %s', (source, text) => {
    expect(sourceText(source)).toBe(text)
  })

  it('that is oneself says so', () => {
    expect(sourceText('agent:li', 'li')).toBe('本人填写')
  })

  it('counts as unsure only where a machine filled the field', () => {
    const field = aField({ value: 'x', source: 's', confidence: 0.3 })
    expect([isUnsure({ ...field, filler: 'machine' }), isUnsure({ ...field, filler: 'agent' })]).toEqual([true, false])
  })

  it('shows confidence in whole percents within bounds', () => {
    expect([percent(0.916), percent(1.2), percent(-1)]).toEqual(['92%', '100%', '0%'])
  })
})

describe('the form', () => {
  it('names the required fields that are empty, in the order of the form', () => {
    expect(missing((name) => (name === 'category' ? '城乡建设' : ' ')).map((field) => field.title)).toEqual(['诉求类型', '诉求内容'])
  })

  it('finds the fields that a refusal speaks of', () => {
    expect(named('提交前请填写：诉求类型、事项分类')).toEqual(['type', 'category'])
  })

  it('has every field once', () => {
    expect(new Set(FIELDS.map((field) => field.name)).size).toBe(FIELDS.length)
  })
})

describe('times and numbers', () => {
  it.each([[0, '0:00'], [75.9, '1:15'], [3675, '1:01:15'], [-3, '0:00']])('%d seconds are %s', (seconds, text) => {
    expect(length(seconds)).toBe(text)
  })

  it('groups mobile numbers only', () => {
    expect([grouped('13800007146'), grouped('05912345678')]).toEqual(['138 0000 7146', '05912345678'])
  })
})
