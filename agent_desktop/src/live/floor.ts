/** The live list of a supervisor, and how each message of the server changes it. No clock, no socket. */

import type { AgentState, AgentView, CallState, CallView, ServerMessage, SupervisionView } from './protocol'

export interface FloorState {
  told: boolean // the whole list has come
  agents: Record<string, AgentView> // by login
  calls: Record<string, CallView> // by id
  supervisions: SupervisionView[] // who is in which call
}

export function emptyFloor(): FloorState {
  return { told: false, agents: {}, calls: {}, supervisions: [] }
}

/** The list after `message`. Returns `floor` itself when nothing changes. */
export function applyFloor(floor: FloorState, message: ServerMessage): FloorState {
  switch (message.type) {
    case 'floor_view':
      return {
        told: true,
        agents: Object.fromEntries(message.agents.map((one) => [one.agent_id, one])),
        calls: Object.fromEntries(message.calls.map((one) => [one.call_id, one])),
        supervisions: message.supervisions.filter((one) => one.active),
      }
    case 'floor_change': {
      const agents = { ...floor.agents }
      for (const one of message.agents) {
        if (one.state === 'offline') delete agents[one.agent_id]
        else agents[one.agent_id] = one
      }
      const calls = { ...floor.calls }
      for (const one of message.calls) {
        if (one.state === 'ended') delete calls[one.call_id]
        else calls[one.call_id] = one
      }
      return { ...floor, agents, calls, supervisions: message.supervisions.reduce(withSupervision, floor.supervisions) }
    }
    case 'supervision_view':
      return { ...floor, supervisions: withSupervision(floor.supervisions, message) }
    default:
      return floor
  }
}

function withSupervision(known: SupervisionView[], one: SupervisionView): SupervisionView[] {
  const others = known.filter((other) => other.call_id !== one.call_id || other.by !== one.by)
  return one.active ? [...others, one] : others
}

/** What this person does in whose call now, null when nothing. */
export function ownSupervision(floor: FloorState, login: string): SupervisionView | null {
  return floor.supervisions.find((one) => one.by === login) ?? null
}

// ---------------------------------------------------------------- what is shown

export interface Filter {
  text: string // part of a name, an extension or a number
  queue: string // '' all
  state: string // '' all
  team: string // '' all
}

export const NO_FILTER: Filter = { text: '', queue: '', state: '', team: '' }

/** States in which somebody can hear the call. */
export const TALKS: readonly CallState[] = ['talking', 'held', 'consulting']
/** States in which a call is in line. */
export const WAITS: readonly CallState[] = ['waiting', 'ringing']

const CALL_ORDER: readonly CallState[] = ['waiting', 'ringing', 'talking', 'held', 'consulting', 'in_flow', 'incoming', 'survey', 'wrap_up', 'ended']
const AGENT_ORDER: readonly AgentState[] = ['talking', 'ringing', 'wrap_up', 'ready', 'reserved', 'not_ready', 'offline']

/** Since when a call is as it is for who looks at it: waiting since it was queued, talking since it was answered. */
export function since(call: CallView): number {
  if (WAITS.includes(call.state)) return call.queued ?? call.started
  return call.answered ?? call.started
}

export function shownCalls(floor: FloorState, filter: Filter): CallView[] {
  const text = filter.text.trim().toLowerCase()
  return Object.values(floor.calls).filter((call) => {
    const agent = call.agent_id ? floor.agents[call.agent_id] : undefined
    return (
      (filter.queue === '' || call.queue === filter.queue)
      && (filter.state === '' || filter.state === call.state || (filter.state === 'talks' && TALKS.includes(call.state)) || (filter.state === 'waits' && WAITS.includes(call.state)))
      && (filter.team === '' || agent?.team === filter.team)
      && (text === '' || [call.caller, call.district, call.queue_title, agent?.name ?? '', agent?.extension ?? ''].some((word) => word.toLowerCase().includes(text)))
    )
  })
}

export function shownAgents(floor: FloorState, filter: Filter): AgentView[] {
  const text = filter.text.trim().toLowerCase()
  return Object.values(floor.agents).filter(
    (agent) =>
      (filter.queue === '' || filter.queue in agent.skills)
      && (filter.state === '' || agent.state === filter.state)
      && (filter.team === '' || agent.team === filter.team)
      && (text === '' || [agent.name, agent.agent_id, agent.extension].some((word) => word.toLowerCase().includes(text))),
  )
}

export type Sort = 'state' | 'longest'

export function callOrder(sort: Sort): (a: CallView, b: CallView) => number {
  return (a, b) => {
    const state = sort === 'state' ? CALL_ORDER.indexOf(a.state) - CALL_ORDER.indexOf(b.state) : 0
    return state || since(a) - since(b) || a.call_id.localeCompare(b.call_id)
  }
}

export function agentOrder(sort: Sort): (a: AgentView, b: AgentView) => number {
  return (a, b) => {
    const state = sort === 'state' ? AGENT_ORDER.indexOf(a.state) - AGENT_ORDER.indexOf(b.state) : 0
    return state || a.since - b.since || a.agent_id.localeCompare(b.agent_id)
  }
}

export interface Row<T> {
  key: string
  item: T
  gone: boolean // it is over, and only kept so that nothing jumps
}

/**
 * The rows in order. While somebody works with the list (`held`) every row keeps its place: new ones come last, those
 * that are over stay where they were until the list is let go.
 */
export function arranged<T>(before: readonly Row<T>[], items: readonly T[], key: (item: T) => string, order: (a: T, b: T) => number, held: boolean): Row<T>[] {
  if (!held) return items.slice().sort(order).map((item) => ({ key: key(item), item, gone: false }))
  const now = new Map(items.map((item) => [key(item), item]))
  const rows = before.map((row) => {
    const item = now.get(row.key)
    now.delete(row.key)
    return item === undefined ? { ...row, gone: true } : { key: row.key, item, gone: false }
  })
  const added = [...now.values()].sort(order).map((item) => ({ key: key(item), item, gone: false }))
  return [...rows, ...added]
}

/** The teams that anybody is in, by name. */
export function teams(floor: FloorState): string[] {
  return [...new Set(Object.values(floor.agents).map((agent) => agent.team).filter((team) => team !== ''))].sort()
}

/** Every skill that somebody here has. */
export function skillNames(floor: FloorState): string[] {
  return [...new Set(Object.values(floor.agents).flatMap((agent) => Object.keys(agent.skills)))].sort()
}

/** How many are in each state. */
export function counted(agents: readonly AgentView[]): Map<AgentState, number> {
  const counts = new Map<AgentState, number>()
  for (const agent of agents) counts.set(agent.state as AgentState, (counts.get(agent.state as AgentState) ?? 0) + 1)
  return counts
}
