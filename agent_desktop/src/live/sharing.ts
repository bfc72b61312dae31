/** Who is in a call besides citizen and agent, and what the agent may do about it. Pure. */

import type { CallView, PartyView } from './protocol'

const TALK: readonly string[] = ['talking', 'held', 'consulting']

/** The call's talk is going on and this agent has it. */
export function canShare(call: CallView | null, login: string): boolean {
  if (call === null || !TALK.includes(call.state)) return false
  return call.parties.some((party) => party.party_id === 'agent' && party.agent_id === login)
}

/** Everybody but the citizen and the agent who has the call. */
export function others(call: CallView | null): PartyView[] {
  return call === null ? [] : call.parties.filter((party) => party.party_id !== 'citizen' && party.party_id !== 'agent')
}

export function isConsulting(call: CallView): boolean {
  return call.state === 'consulting'
}

/** Somebody else hears the citizen: the agent may leave. */
export function inConference(call: CallView): boolean {
  return call.state !== 'consulting' && others(call).some((party) => party.state === 'talking')
}
