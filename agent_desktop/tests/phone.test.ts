import { describe, expect, it } from 'vitest'

import { IllegalPhoneEvent, silentPhone, step, type Phone, type PhoneEvent } from '@/phone/machine'

const RINGING: PhoneEvent[] = [{ kind: 'start' }, { kind: 'connected' }, { kind: 'registered' }, { kind: 'incoming', caller: '13800000000', at: 1 }]

function after(...events: PhoneEvent[]): Phone {
  return events.reduce(step, silentPhone())
}

describe('the line', () => {
  it('is registered after connecting and being accepted', () => {
    expect(after(...RINGING.slice(0, 3)).line).toBe('registered')
  })

  it('says why it is not registered', () => {
    const phone = after(...RINGING.slice(0, 2), { kind: 'refused', reason: '密码不对' })
    expect([phone.line, phone.lineReason]).toEqual(['unregistered', '密码不对'])
  })

  it('forgets the reason once it is well again', () => {
    const phone = after(...RINGING.slice(0, 3), { kind: 'disconnected', reason: '断了' }, { kind: 'connected' }, { kind: 'registered' })
    expect([phone.line, phone.lineReason]).toEqual(['registered', ''])
  })

  it('breaking in the middle of a call does not end the call', () => {
    const phone = after(...RINGING, { kind: 'answer', at: 2 }, { kind: 'talking', at: 3 }, { kind: 'disconnected', reason: '断了' })
    expect([phone.line, phone.call]).toEqual(['connecting', 'talking'])
  })

  it('held by another window comes back when that one closes', () => {
    expect(after({ kind: 'taken' }, { kind: 'start' }).line).toBe('connecting')
  })
})

describe('a call', () => {
  it('rings, is answered, is held and muted, and ends quietly', () => {
    const talking = after(...RINGING, { kind: 'answer', at: 2 }, { kind: 'talking', at: 3 })
    expect([talking.call, talking.caller, talking.since]).toEqual(['talking', '13800000000', 3])
    const held = step(step(talking, { kind: 'held', by: 'us' }), { kind: 'muted', on: true })
    expect([held.held, held.muted, held.heldByOther]).toEqual([true, true, false])
    const over = step(held, { kind: 'gone', reason: '', at: 9 })
    expect([over.call, over.held, over.muted, over.caller]).toEqual(['idle', false, false, ''])
  })

  it('still rings when the microphone is refused', () => {
    expect(after(...RINGING, { kind: 'answer', at: 2 }, { kind: 'answer_failed', at: 3 }).call).toBe('ringing')
  })

  it('cancelled while being answered leaves the phone idle and says why', () => {
    const phone = after(...RINGING, { kind: 'answer', at: 2 }, { kind: 'gone', reason: '市民已挂机', at: 3 })
    expect([phone.call, phone.ended]).toEqual(['idle', '市民已挂机'])
  })

  it('answered and hung up at the same moment ends', () => {
    const phone = after(...RINGING, { kind: 'answer', at: 2 }, { kind: 'hang_up', at: 3 }, { kind: 'talking', at: 3 })
    expect(phone.call).toBe('ending')
  })

  const illegal: Array<[string, PhoneEvent[], PhoneEvent]> = [
    ['a second ring during a call', RINGING, { kind: 'incoming', caller: '1', at: 2 }],
    ['answering silence', [], { kind: 'answer', at: 1 }],
    ['talking without a ring', [], { kind: 'talking', at: 1 }],
    ['holding a ring', RINGING, { kind: 'held', by: 'us' }],
    ['being registered without a connection', [{ kind: 'start' }], { kind: 'registered' }],
  ]
  it.each(illegal)('refuses %s', (_what, before, event) => {
    expect(() => step(after(...before), event)).toThrow(IllegalPhoneEvent)
  })

  it('names state and event when it refuses', () => {
    expect(() => step(silentPhone(), { kind: 'answer', at: 1 })).toThrow(/answer.*idle/)
  })
})
