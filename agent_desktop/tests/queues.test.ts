import { describe, expect, it } from 'vitest'

import type { AgentView, QueueView } from '@/live/protocol'
import { longestWait, queuesOf } from '@/live/queues'

function queue(name: string, needs: Record<string, number>, waiting = 0): QueueView {
  return { queue: name, title: name, waiting, longest_wait_s: 12, agents_ready: 1, agents_busy: 0, needs }
}
function person(more: Partial<AgentView>): AgentView {
  return { type: 'agent_view', agent_id: 'li', name: '李', role: 'agent', extension: '8001', state: 'ready', since: 1, skills: {}, phone_registered: true, team: '', ...more }
}
const all = [queue('general', { general: 1 }), queue('english', { english: 2 }), queue('sign', { sign_video: 1, general: 2 })]
const names = (me: AgentView | null): string[] => queuesOf(all, me).map((one) => one.queue)

describe('the queues in the bar', () => {
  it('are for an agent those whose every skill they have at that level', () => {
    expect(names(person({ skills: { general: 1, english: 1 } }))).toEqual(['general'])
    expect(names(person({ skills: { general: 2, english: 3, sign_video: 1 } }))).toEqual(['general', 'english', 'sign'])
    expect(names(person({}))).toEqual([])
  })

  it('are all of them for who leads the floor', () => {
    expect(names(person({ role: 'supervisor' }))).toEqual(['general', 'english', 'sign'])
  })

  it('tell a wait that grows while somebody waits, and none in an empty line', () => {
    expect([longestWait(queue('a', {}, 1), 3), longestWait(queue('a', {}, 0), 3)]).toEqual([15, 0])
  })
})
