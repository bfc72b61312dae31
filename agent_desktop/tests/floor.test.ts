import { describe, expect, it } from 'vitest'

import { applyFloor, arranged, callOrder, emptyFloor, NO_FILTER, ownSupervision, shownAgents, shownCalls, type FloorState } from '@/live/floor'
import type { AgentView, CallView, ServerMessage, StaffMessage, SupervisionView } from '@/live/protocol'
import { withoutWords, withWords } from '@/live/words'

import { aCall } from './samples'

function agent(agent_id: string, more: Partial<AgentView> = {}): AgentView {
  return { type: 'agent_view', agent_id, name: agent_id, role: 'agent', extension: '8001', state: 'ready', since: 1, skills: {}, phone_registered: true, team: '', ...more }
}
function view(agents: AgentView[], calls: CallView[], supervisions: SupervisionView[] = []): ServerMessage {
  return { type: 'floor_view', agents, calls, supervisions }
}
function change(agents: AgentView[], calls: CallView[], supervisions: SupervisionView[] = []): ServerMessage {
  return { type: 'floor_change', agents, calls, supervisions }
}
function listens(by: string, more: Partial<SupervisionView> = {}): SupervisionView {
  return { type: 'supervision_view', call_id: 'c1', agent_id: 'li', by, by_name: by, kind: 'listen', since: 1, active: true, there: true, ...more }
}
function after(...messages: ServerMessage[]): FloorState {
  return messages.reduce(applyFloor, emptyFloor())
}

describe('the live list', () => {
  it('changes what is told, and loses who signed out and what is over', () => {
    const floor = after(
      view([agent('li'), agent('wang')], [aCall({ call_id: 'c1' }), aCall({ call_id: 'c2' })]),
      change([agent('li', { state: 'offline' }), agent('wang', { state: 'talking' })], [aCall({ call_id: 'c1', state: 'ended' })]),
    )
    expect(Object.keys(floor.agents)).toEqual(['wang'])
    expect(floor.agents.wang?.state).toBe('talking')
    expect(Object.keys(floor.calls)).toEqual(['c2'])
  })

  it('is replaced by a whole one', () => {
    expect(Object.keys(after(view([agent('li')], []), view([agent('wang')], [])).agents)).toEqual(['wang'])
  })

  it('has one way of each supervisor in a call, and none when it is over', () => {
    const two = after(view([], []), listens('boss'), listens('boss', { kind: 'whisper' }))
    expect(two.supervisions.map((one) => one.kind)).toEqual(['whisper'])
    expect(ownSupervision(two, 'boss')?.call_id).toBe('c1')
    expect(ownSupervision(applyFloor(two, listens('boss', { active: false })), 'boss')).toBeNull()
  })

  it('is filtered by words, queue, state and team', () => {
    const floor = after(view(
      [agent('li', { team: '一班', skills: { general: 1 } }), agent('wang', { team: '二班', state: 'talking' })],
      [aCall({ call_id: 'c1', agent_id: 'wang', caller: '13900001111' }), aCall({ call_id: 'c2', state: 'waiting', queue: 'general', agent_id: null })],
    ))
    const calls = (more: object): string[] => shownCalls(floor, { ...NO_FILTER, ...more }).map((one) => one.call_id)
    expect(calls({ text: '1390000' })).toEqual(['c1'])
    expect(calls({ team: '二班' })).toEqual(['c1'])
    expect(calls({ state: 'waits' })).toEqual(['c2'])
    expect(calls({ queue: 'general' })).toEqual(['c2'])
    expect(shownAgents(floor, { ...NO_FILTER, queue: 'general' }).map((one) => one.agent_id)).toEqual(['li'])
  })
})

describe('the rows', () => {
  const order = callOrder('longest')
  const key = (call: CallView): string => call.call_id
  const waits = (call_id: string, queued: number): CallView => aCall({ call_id, state: 'waiting', queued })

  it('stand in order while nobody works with them', () => {
    const rows = arranged([], [waits('b', 5), waits('a', 9)], key, order, false)
    expect(rows.map((row) => row.key)).toEqual(['b', 'a'])
  })

  it('keep their places while somebody does: new ones last, those that are over stay', () => {
    const before = arranged([], [waits('b', 5), waits('a', 9)], key, order, false)
    const rows = arranged(before, [waits('a', 9), waits('c', 1)], key, order, true)
    expect(rows.map((row) => [row.key, row.gone])).toEqual([['b', true], ['a', false], ['c', false]])
    expect(arranged(rows, [waits('a', 9), waits('c', 1)], key, order, false).map((row) => row.key)).toEqual(['c', 'a'])
  })
})

describe('words of supervisors', () => {
  const said = (message_id: string, at: number, urgent = false): StaffMessage => ({ type: 'staff_message', message_id, by: 'boss', by_name: '班长', to_all: true, text: '话', at, urgent, to: [], read_by: [] })

  it('stand urgent ones first, then oldest first, each once, without one’s own', () => {
    const words = [said('a', 2), said('b', 1), said('c', 3, true), said('a', 2)].reduce((known, one) => withWords(known, one, 'li'), [] as StaffMessage[])
    expect(words.map((one) => one.message_id)).toEqual(['c', 'b', 'a'])
    expect(withWords([], said('a', 1), 'boss')).toEqual([])
    expect(withoutWords(words, 'c').map((one) => one.message_id)).toEqual(['b', 'a'])
  })
})
