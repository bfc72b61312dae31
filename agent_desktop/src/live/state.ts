/**
 * What the desk knows, and how each message of the server changes it. No clock, no socket.
 *
 * All that a snapshot tells is kept here: parts of the page that come later than the snapshot find it.
 */

import type {
  AdviceView,
  AgentView,
  BulletinView,
  CallState,
  CallView,
  Caption,
  DraftView,
  HealthView,
  QueueView,
  ServerMessage,
  StaffMessage,
  SupervisionView,
} from './protocol'
import { applyTexts, noTexts, type Texts } from './texts'
import { withWords } from './words'

export const MAX_LINES = 3000

export interface LiveState {
  me: AgentView | null
  others: Record<string, AgentView> // agents that a supervisor is told about, by login
  health: HealthView | null
  queues: QueueView[]
  queuesAt: number // our epoch seconds when the queues were told
  call: CallView | null // the call on the desk: rings, talks, is wrapped up, or was the last one
  lines: Caption[] // of that call, by time
  drafts: DraftView[] // of that call, one for each matter, in the order they came up
  advice: Record<string, AdviceView> // beside those drafts, by order
  words: StaffMessage[] // of supervisors, not read yet
  supervision: SupervisionView | null // who is in this person's call, as far as they may know
  bulletins: BulletinView[] // notices in force
  texts: Texts // written conversations, and lines beside a video call
}

export function emptyState(): LiveState {
  return {
    me: null, others: {}, health: null, queues: [], queuesAt: 0, call: null, lines: [], drafts: [], advice: {}, words: [], supervision: null,
    bulletins: [], texts: noTexts(),
  }
}

/** The state after `message`, told at `now` (our epoch seconds). Returns `state` itself when nothing changes. */
export function apply(state: LiveState, message: ServerMessage, now: number): LiveState {
  const next = applied(state, message, now)
  const texts = applyTexts(state.texts, message, next.me?.agent_id ?? '')
  return texts === next.texts ? next : { ...next, texts }
}

function applied(state: LiveState, message: ServerMessage, now: number): LiveState {
  switch (message.type) {
    case 'snapshot': {
      const fresh: LiveState = {
        ...emptyState(),
        me: message.me,
        health: message.health,
        queues: message.queues.queues,
        queuesAt: now,
        words: message.messages ?? [],
        supervision: message.supervision ?? null,
        bulletins: message.bulletins,
      }
      if (message.call) {
        return {
          ...fresh,
          call: message.call,
          lines: message.captions.reduce(withLine, [] as Caption[]),
          drafts: [...(message.draft ? [message.draft] : []), ...(message.more_drafts ?? [])],
          advice: Object.fromEntries((message.advice ?? []).map((one) => [one.order_id, one])),
        }
      }
      // Nothing is going on: a call whose order still needs the agent stays in view until the next one.
      return state.call && state.drafts.some((draft) => draft.state === 'draft')
        ? { ...fresh, call: state.call, lines: state.lines, drafts: state.drafts, advice: state.advice }
        : fresh
    }
    case 'agent_view':
      if (state.me === null || message.agent_id === state.me.agent_id) return { ...state, me: message }
      return { ...state, others: { ...state.others, [message.agent_id]: message } }
    case 'call_view':
      return message.media === 'text' ? state : withCall(state, message) // conversations: live/texts.ts
    case 'caption':
      if (message.call_id !== state.call?.call_id) return state
      return { ...state, lines: withLine(state.lines, message) }
    case 'draft_view':
      return withDraft(state, message)
    case 'advice_view':
      if (!state.drafts.some((draft) => draft.order_id === message.order_id)) return state
      return { ...state, advice: { ...state.advice, [message.order_id]: message } }
    case 'queues_view':
      return { ...state, queues: message.queues, queuesAt: now }
    case 'health_view':
      return { ...state, health: message }
    case 'bulletins_view':
      return { ...state, bulletins: message.bulletins }
    case 'supervision_view':
      if (message.agent_id !== state.me?.agent_id) return state
      return { ...state, supervision: message.active ? message : null }
    case 'staff_message':
      return { ...state, words: withWords(state.words, message, state.me?.agent_id ?? '') }
    case 'callback_view':
    case 'targets_view':
    case 'colleagues_view':
    case 'notice':
    case 'reply':
    case 'resumed':
    case 'floor_view':
    case 'floor_change':
    case 'wallboard_view':
    case 'alert_view':
    case 'burst_view':
    case 'order_moved':
    case 'clock_crossed':
    case 'inbox_changed':
    case 'text_line':
    case 'text_typing':
      return state // conversations are live/texts.ts's; the others are shown and answered where they arrive
  }
}

const ELSEWHERE: readonly CallState[] = ['waiting', 'ringing', 'talking', 'held', 'consulting']

function withCall(state: LiveState, call: CallView): LiveState {
  const mine = concerns(call, state.me?.agent_id ?? '')
  if (call.call_id === state.call?.call_id) {
    const left = !mine && ELSEWHERE.includes(call.state)
    // The ring or the talk went to somebody else: it is no longer this desk's call.
    return left ? { ...state, call: null, lines: [], drafts: [], advice: {} } : { ...state, call }
  }
  if (!mine) return state
  return { ...state, call, lines: [], drafts: [], advice: {} }
}

/** One matter's draft put in, or its place taken by a newer version; a further matter of the call comes last. */
function withDraft(state: LiveState, draft: DraftView): LiveState {
  const at = state.drafts.findIndex((known) => known.order_id === draft.order_id)
  if (at < 0) return draft.call_id === state.call?.call_id ? { ...state, drafts: [...state.drafts, draft] } : state
  if (draft.version < (state.drafts[at]?.version ?? 0)) return state
  const drafts = state.drafts.slice()
  drafts[at] = draft
  return { ...state, drafts }
}

/** Whether somebody has the call, was asked into it, or still writes it up. */
export function concerns(call: CallView, login: string): boolean {
  // who has left a talk that others go on with is still named as its agent, but not among those in it
  const has = call.agent_id === login && (call.parties.length === 0 || call.parties.some((one) => one.party_id === 'agent'))
  return has || call.writers.includes(login) || call.parties.some((party) => party.agent_id === login)
}

/** `lines` with this one put in, replaced or kept, ordered by start. */
export function withLine(lines: Caption[], line: Caption): Caption[] {
  const at = lines.findIndex((known) => known.line_id === line.line_id)
  if (line.text === '' && !line.gap) return at < 0 ? lines : lines.filter((_, place) => place !== at) // a cough after all
  if (at >= 0) {
    if (lines[at]?.final && !line.final) return lines // a late partial says less than the sentence
    const copy = lines.slice()
    copy[at] = line
    return copy
  }
  let place = lines.length
  while (place > 0 && (lines[place - 1]?.start ?? 0) > line.start) place -= 1
  const copy = lines.slice()
  copy.splice(place, 0, line)
  return copy.length > MAX_LINES ? copy.slice(copy.length - MAX_LINES) : copy
}
