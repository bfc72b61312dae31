import { describe, expect, it } from 'vitest'

import { daysOf, momentsOf, read } from '@/lists/address'
import { ORDER_KEYS, orderQuery } from '@/lists/orders'
import { homeOf } from '@/menu'

describe('the address of a list', () => {
  it('says by what it is narrowed and nothing that somebody searched for', () => {
    expect(read(ORDER_KEYS, { state: 'accepted', text: '13800138000', due: ['late'], lead: '', district: 'x'.repeat(101) })).toEqual({ state: 'accepted' })
    expect(ORDER_KEYS).not.toContain('text')
  })
  it('becomes the question to the server', () => {
    expect(orderQuery({ due: 'late', lead: '区城管局' }, 'chen')).toEqual({ late: 'true', lead: '区城管局' })
    expect(orderQuery({ due: 'near', mine: '1' }, 'chen')).toEqual({ near: 'true', in_time: 'true', agent: 'chen' })
  })
  it('holds days as moments of China, the last day whole', () => {
    const { since, until } = momentsOf(['2026-11-22', '2026-11-23'])
    expect(Number(until) - Number(since)).toBe(172_800)
    expect(daysOf(since, until)).toEqual(['2026-11-22', '2026-11-23'])
    expect(momentsOf(null)).toEqual({ since: undefined, until: undefined })
    expect(daysOf('x', until)).toBeNull()
  })
})

describe('where a person begins', () => {
  it('is their own work, not the list of all orders', () => {
    expect([homeOf('agent'), homeOf('clerk'), homeOf('unit'), homeOf('leader'), homeOf('auditor')]).toEqual(['/', '/dispatch', '/inbox', '/leader', '/audit'])
  })
})
