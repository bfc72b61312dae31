import { describe, expect, it } from 'vitest'

import type { AgentView, CallView, Caption, DraftView, HealthView, ServerMessage, Snapshot } from '@/live/protocol'
import { apply, emptyState, MAX_LINES, withLine, type LiveState } from '@/live/state'

import { aCall, aLine, aSnapshot } from './samples'

const me: AgentView = {
  type: 'agent_view', agent_id: 'li', name: '李', role: 'agent', extension: '8001', state: 'ready', since: 1, skills: {}, phone_registered: true, team: '',
}
const health: HealthView = { type: 'health_view', redis: true, database: true, asterisk: {}, captions: true, captions_reason: '', refused: [] }

function call(call_id: string, more: Partial<CallView> = {}): CallView {
  return aCall({ call_id, ...more })
}
function line(line_id: string, start: number, final = true, call_id = 'c1', text = '你好'): Caption {
  return aLine({ call_id, line_id, text, start, end: start + 1, final })
}
function draft(version: number, more: Partial<DraftView> = {}): DraftView {
  return { type: 'draft_view', order_id: 'o1', call_id: 'c1', version, state: 'draft', fields: {}, links: [], ...more }
}
function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  return aSnapshot({ me, health, ...more })
}
function after(...messages: ServerMessage[]): LiveState {
  return messages.reduce((state, message) => apply(state, message, 10), emptyState())
}

describe('a snapshot', () => {
  it('replaces what was known', () => {
    const state = after(snapshot({ call: call('c1'), captions: [line('a', 0)], draft: draft(3) }), snapshot({ call: call('c2') }))
    expect(state.call?.call_id).toBe('c2')
    expect(state.lines).toEqual([])
    expect(state.drafts).toEqual([])
  })

  it('without a call keeps an unfinished order in view', () => {
    const state = after(snapshot({ call: call('c1'), draft: draft(3) }), snapshot())
    expect(state.drafts[0]?.order_id).toBe('o1')
  })

  it('without a call clears a finished order away', () => {
    const state = after(snapshot({ call: call('c1'), draft: draft(3, { state: 'accepted' }) }), snapshot())
    expect(state.call).toBeNull()
  })
})

describe('a call', () => {
  it('of somebody else is not shown', () => {
    expect(after(snapshot(), call('c9', { agent_id: 'wang' })).call).toBeNull()
  })

  it('that rings here clears away the one before', () => {
    const state = after(snapshot({ call: call('c1'), captions: [line('a', 0)], draft: draft(1) }), call('c2', { state: 'ringing' }))
    expect(state.call?.call_id).toBe('c2')
    expect(state.lines).toEqual([])
    expect(state.drafts).toEqual([])
  })

  it('whose ring went back to the line leaves the desk', () => {
    expect(after(snapshot(), call('c1', { state: 'ringing' }), call('c1', { state: 'waiting', agent_id: null })).call).toBeNull()
  })

  it('stays in view when it is over', () => {
    expect(after(snapshot(), call('c1'), call('c1', { state: 'ended', agent_id: null })).call?.state).toBe('ended')
  })
})

describe('captions', () => {
  it('of another call are not mixed in', () => {
    expect(after(snapshot({ call: call('c1') }), line('a', 0, true, 'c0')).lines).toEqual([])
  })

  it('are ordered by when they were said', () => {
    expect(after(snapshot({ call: call('c1') }), line('b', 5), line('a', 2), line('c', 9)).lines.map((l) => l.line_id)).toEqual(['a', 'b', 'c'])
  })

  it('with the same id replace one another, but never a sentence by a part of it', () => {
    const partial = { ...line('a', 0, false), text: '你' }
    const whole = line('a', 0)
    expect(withLine([partial], whole)).toEqual([whole])
    expect(withLine([whole], partial)).toEqual([whole])
  })

  it('are bounded in number', () => {
    let lines: Caption[] = []
    for (let at = 0; at < MAX_LINES + 5; at += 1) lines = withLine(lines, line(`l${at}`, at))
    expect(lines).toHaveLength(MAX_LINES)
    expect(lines.at(-1)?.line_id).toBe(`l${MAX_LINES + 4}`)
  })
})

describe('a draft', () => {
  it('never goes back to an earlier version', () => {
    expect(after(snapshot({ call: call('c1') }), draft(5), draft(4)).drafts[0]?.version).toBe(5)
  })

  it('of another call is not shown', () => {
    expect(after(snapshot({ call: call('c1') }), draft(1, { order_id: 'o9', call_id: 'c9' })).drafts).toEqual([])
  })
})

describe('agents', () => {
  it('are told apart from oneself', () => {
    const state = after(snapshot(), { ...me, agent_id: 'wang', state: 'talking' }, { ...me, state: 'not_ready', reason: 'meal' })
    expect(state.me?.reason).toBe('meal')
    expect(state.others.wang?.state).toBe('talking')
  })
})

describe('two matters in one call', () => {
  const second = draft(1, { order_id: 'o2' })
  it('have drafts of their own, in the order they came up', () => {
    const state = after(snapshot({ call: call('c1'), draft: draft(3) }), second, draft(4))
    expect(state.drafts.map((one) => [one.order_id, one.version])).toEqual([['o1', 4], ['o2', 1]])
  })

  it('are both there after a reload', () => {
    expect(after(snapshot({ call: call('c1'), draft: draft(3), more_drafts: [second] })).drafts).toHaveLength(2)
  })

  it('stay in view without a call while one of them is a draft', () => {
    const before = [snapshot({ call: call('c1'), draft: draft(3, { state: 'accepted' }), more_drafts: [second] }), snapshot()]
    expect(after(...before).drafts).toHaveLength(2)
    expect(after(...before, { ...second, version: 2, state: 'discarded' }, snapshot()).drafts).toEqual([])
  })
})

describe('advice', () => {
  const advice = { type: 'advice_view' as const, order_id: 'o1', units: [], similar: [], answers: [] }
  const unit = { unit: '市城管局', reason: '占道', source: 'rule:x', confidence: 0.9 }
  it('stands beside its own draft, the newest in place of the older', () => {
    const state = after(snapshot({ call: call('c1'), draft: draft(1), advice: [advice] }), { ...advice, units: [unit] })
    expect(state.advice.o1?.units).toEqual([unit])
  })

  it('of an unknown order is passed over', () => {
    expect(after(snapshot({ call: call('c1') }), advice).advice).toEqual({})
  })

  it('goes with its call', () => {
    expect(after(snapshot({ call: call('c1'), draft: draft(1), advice: [advice] }), call('c2', { state: 'ringing' })).advice).toEqual({})
  })
})
