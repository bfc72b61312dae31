import { describe, expect, it } from 'vitest'

import type { Template } from '@/api/desk'
import type { OrderRecord } from '@/api/orders'
import type { OrderField } from '@/live/protocol'
import { conflicts, resolved } from '@/order/conflict'
import { filled, ordered } from '@/order/templates'

import { aField } from './samples'

const POWER: Template = {
  template_id: 'power', category: '城乡建设/供电', title: '停电', questions: ['整栋楼吗？'], fields: { type: '求助', summary: '市民反映停电。' }, active: true, version: 0,
}

function order(fields: OrderRecord['fields']): OrderRecord {
  return {
    order_id: 'o1', number: '', call_id: 'c1', caller: '', agent: 'li', state: 'draft', version: 3, created_at: 1, updated_at: 2, closed_at: null, reason: '', fields, links: [],
  }
}

describe('a template', () => {
  const values: Partial<Record<OrderField, string>> = { type: '投诉', summary: '停电两小时' }
  const shown = (field: OrderField): string => values[field] ?? ''

  it('leaves what a person typed', () => {
    expect(filled(POWER, shown, () => aField({ filler: 'agent' }))).toEqual([])
  })

  it('takes the place of a choice of the machine, and stands before its text', () => {
    expect(filled(POWER, shown, () => aField({ filler: 'machine' }))).toEqual([
      { field: 'type', value: '求助' },
      { field: 'summary', value: '市民反映停电。\n停电两小时' },
    ])
  })

  it('is put in once', () => {
    expect(filled(POWER, () => '求助 市民反映停电。', () => aField({ filler: 'machine' }))).toEqual([])
  })

  it('comes first when it fits the category', () => {
    const other = { ...POWER, template_id: 'noise', category: '生态环境/噪声' }
    expect(ordered([other, POWER], '城乡建设/供电/停电').map((one) => one.template_id)).toEqual(['power', 'noise'])
  })
})

describe('two people at one order', () => {
  const before = order({ title: aField({ value: '路灯' }), place: aField({ value: '人民路' }) })

  it('meet only where both changed a field to different values', () => {
    const now = order({ title: aField({ value: '路灯不亮', source: 'agent:wang', at: 9 }), place: aField({ value: '人民路' }) })
    expect(conflicts(before, now, { title: '路灯坏了', place: '人民路东口' })).toEqual([
      { field: 'title', title: '标题', mine: '路灯坏了', theirs: '路灯不亮', who: 'agent:wang', at: 9 },
    ])
    expect(conflicts(before, now, { title: '路灯不亮' })).toEqual([])
  })

  it('save what was not given up', () => {
    expect(resolved({ title: 'a', place: 'b' }, new Set(['title' as const]))).toEqual({ place: 'b' })
  })
})
