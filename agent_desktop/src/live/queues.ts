/** Which queues concern a person, and what of them is told in one line. Pure. */

import type { AgentView, QueueView } from './protocol'

/** An agent sees the queues that they serve; who leads the floor, or serves none, sees all. */
export function queuesOf(queues: readonly QueueView[], me: AgentView | null): QueueView[] {
  if (me === null || me.role !== 'agent') return [...queues]
  const serves = (queue: QueueView): boolean => Object.entries(queue.needs).every(([skill, level]) => (me.skills[skill] ?? 0) >= level)
  return queues.filter((queue) => Object.keys(queue.needs).length > 0 && serves(queue))
}

/** Seconds for which a queue's first citizen has waited, `drift` seconds after the server said so; 0 for an empty one. */
export function longestWait(queue: QueueView, drift: number): number {
  return queue.waiting > 0 ? queue.longest_wait_s + drift : 0
}
