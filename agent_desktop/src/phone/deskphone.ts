/** The telephone on the desk, as the server tells of it: it speaks no SIP with this page. Pure. */

import type { AgentView, CallView } from '@/live/protocol'

import { silentPhone, type Phone } from './machine'

export type PhoneKind = 'browser' | 'desk'

const STEPS: Partial<Record<CallView['state'], Phone['call']>> = {
  ringing: 'ringing',
  talking: 'talking',
  held: 'talking',
  consulting: 'talking',
}

/** What the panel shows of a desk phone: its line, and the call that this agent is rung for or has. */
export function deskPhone(me: AgentView | null, call: CallView | null): Phone {
  const phone = silentPhone()
  if (me === null) return phone
  const line = me.phone_registered ? 'registered' : 'unregistered'
  const lineReason = me.phone_registered ? '' : '桌面话机没有注册到电话服务器，请检查话机的网线和电源'
  const step = call === null || call.agent_id !== me.agent_id ? undefined : STEPS[call.state]
  const left = call !== null && call.parties.length > 0 && !call.parties.some((one) => one.party_id === 'agent')
  if (call === null || step === undefined || left) return { ...phone, line, lineReason }
  return {
    ...phone,
    line,
    lineReason,
    call: step,
    caller: call.caller,
    held: call.state === 'held',
    since: 1000 * (step === 'ringing' ? me.since : (call.answered ?? me.since)),
  }
}
