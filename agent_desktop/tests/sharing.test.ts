import { describe, expect, it } from 'vitest'

import type { CallView, PartyView } from '@/live/protocol'
import { canShare, inConference, isConsulting, others } from '@/live/sharing'
import { apply, concerns, emptyState } from '@/live/state'

import { aCall } from './samples'

function party(party_id: string, more: Partial<PartyView> = {}): PartyView {
  return { party_id, kind: 'unit', title: '市城市管理局', state: 'talking', since: 1, ...more }
}
const citizen = party('citizen', { kind: 'citizen', title: '13800000000' })
const li = party('agent', { kind: 'agent', title: '李静', agent_id: 'li' })

function call(more: Partial<CallView> = {}): CallView {
  return aCall({ parties: [citizen, li], ...more })
}

describe('who may share a call', () => {
  it('is the agent who has it, while they talk', () => {
    expect(canShare(call(), 'li')).toBe(true)
    expect(canShare(call(), 'wang')).toBe(false)
    expect(canShare(call({ state: 'wrap_up' }), 'li')).toBe(false)
    expect(canShare(call({ parties: [citizen, party('p1')] }), 'li')).toBe(false)
    expect(canShare(null, 'li')).toBe(false)
  })
})

describe('a consultation', () => {
  const state = call({ state: 'consulting', parties: [citizen, li, party('p1', { state: 'consulting' })] })
  it('is no conference', () => {
    expect(isConsulting(state)).toBe(true)
    expect(inConference(state)).toBe(false)
    expect(others(state).map((one) => one.party_id)).toEqual(['p1'])
  })
})

describe('a conference', () => {
  it('is one when somebody else hears the citizen, not while they are rung', () => {
    expect(inConference(call({ parties: [citizen, li, party('p1')] }))).toBe(true)
    expect(inConference(call({ parties: [citizen, li, party('p1', { state: 'ringing' })] }))).toBe(false)
  })
})

describe('a call concerns', () => {
  it('who has it, who was asked in, and who still writes it up', () => {
    const wang = { ...li, agent_id: 'wang' }
    const shared = call({ agent_id: 'wang', writers: ['li'], parties: [citizen, wang, party('p1', { agent_id: 'zhao' })] })
    for (const login of ['wang', 'li', 'zhao']) expect(concerns(shared, login)).toBe(true)
    expect(concerns(shared, 'sun')).toBe(false)
    const gone = call({ agent_id: 'li', parties: [citizen, party('p1')] }) // written up; citizen and unit go on
    expect(concerns(gone, 'li')).toBe(false)
  })
  it('and stays on the desk of the one who transferred it until that is written up', () => {
    const me = { type: 'agent_view' as const, agent_id: 'li', name: '李静', role: 'agent' as const, extension: '8001', state: 'wrap_up' as const, since: 1, skills: {}, phone_registered: true, team: '' }
    const before = { ...emptyState(), me, call: call() }
    const waiting = apply(before, call({ state: 'waiting', agent_id: null, writers: ['li'], parties: [] }), 2)
    expect(waiting.call?.state).toBe('waiting')
    expect(apply(waiting, call({ state: 'waiting', agent_id: null, parties: [] }), 3).call).toBeNull()
    expect(apply(waiting, call({ agent_id: 'wang', parties: [citizen] }), 3).call).toBeNull()
  })
})
