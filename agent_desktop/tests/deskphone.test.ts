import { describe, expect, it } from 'vitest'

import type { AgentView } from '@/live/protocol'
import { deskPhone } from '@/phone/deskphone'

import { aCall } from './samples'

const ME = { type: 'agent_view', agent_id: 'li', name: '李', role: 'agent', extension: '8001', state: 'ringing', since: 7, skills: {}, phone_registered: true } as unknown as AgentView

describe('a desk phone', () => {
  it('rings, talks and is held as the server says', () => {
    expect(deskPhone(ME, aCall({ state: 'ringing' }))).toMatchObject({ line: 'registered', call: 'ringing', caller: '13800000000', since: 7000 })
    expect(deskPhone(ME, aCall({ answered: 9 }))).toMatchObject({ call: 'talking', held: false, since: 9000 })
    expect(deskPhone(ME, aCall({ state: 'held' }))).toMatchObject({ call: 'talking', held: true })
  })

  it('is idle when the call is over, another one has it, or others go on without this agent', () => {
    const party = { party_id: 'citizen', kind: 'citizen' as const, title: '', state: 'talking' as const, since: 0 }
    for (const call of [null, aCall({ state: 'wrap_up' }), aCall({ agent_id: 'wang' }), aCall({ parties: [party] })]) {
      expect(deskPhone(ME, call).call).toBe('idle')
    }
  })

  it('that is not registered says what to look at', () => {
    expect(deskPhone({ ...ME, phone_registered: false }, null)).toMatchObject({ line: 'unregistered', lineReason: expect.stringContaining('网线') })
  })
})
