/** Written words at this desk: conversations side by side, and lines beside a video call. No clock, no socket. */

import type { AdviceView, CallView, DraftView, ServerMessage, TextLine } from './protocol'

export interface Conversation {
  call: CallView
  drafts: DraftView[] // the main one first
  advice: Record<string, AdviceView>
  unread: number // lines of the citizen since it was last in front
}

export interface Texts {
  order: string[] // call ids, oldest first
  open: Record<string, Conversation>
  lines: Record<string, TextLine[]> // by call, also of spoken calls
  typing: Record<string, string> // what the citizen is writing
  front: string // the conversation in front, '' for the spoken call
}

export function noTexts(): Texts {
  return { order: [], open: {}, lines: {}, typing: {}, front: '' }
}

/** The texts after `message`; `me` is this desk's login. Returns `texts` itself when nothing changes. */
export function applyTexts(texts: Texts, message: ServerMessage, me: string): Texts {
  switch (message.type) {
    case 'snapshot': {
      let fresh = noTexts()
      for (const call of message.text_calls ?? []) fresh = withConversation(fresh, call, me)
      for (const line of message.texts ?? []) fresh = withText(fresh, line)
      for (const draft of message.text_drafts ?? []) fresh = withTextDraft(fresh, draft)
      for (const advice of message.text_advice ?? []) fresh = withTextAdvice(fresh, advice)
      for (const one of Object.values(fresh.open)) one.unread = texts.open[one.call.call_id]?.unread ?? 0
      return { ...fresh, front: texts.front in fresh.open ? texts.front : '' }
    }
    case 'call_view':
      return message.media === 'text' ? withConversation(texts, message, me) : texts
    case 'text_line':
      return withText(texts, message)
    case 'text_typing':
      return message.by === 'citizen' ? { ...texts, typing: { ...texts.typing, [message.call_id]: message.text } } : texts
    case 'draft_view':
      return withTextDraft(texts, message)
    case 'advice_view':
      return withTextAdvice(texts, message)
    default:
      return texts
  }
}

/** `texts` with another conversation in front, or with '' the spoken call. */
export function inFront(texts: Texts, call_id: string): Texts {
  const one = texts.open[call_id]
  if (one === undefined) return { ...texts, front: '' }
  return { ...texts, front: call_id, open: { ...texts.open, [call_id]: { ...one, unread: 0 } } }
}

function withConversation(texts: Texts, call: CallView, me: string): Texts {
  const mine = call.agent_id === me || call.parties.some((one) => one.agent_id === me)
  if (!mine || call.state === 'ended') return without(texts, call.call_id)
  const before = texts.open[call.call_id]
  const one: Conversation = before ? { ...before, call } : { call, drafts: [], advice: {}, unread: 0 }
  const order = before ? texts.order : [...texts.order, call.call_id]
  return { ...texts, order, open: { ...texts.open, [call.call_id]: one } }
}

function without(texts: Texts, call_id: string): Texts {
  if (!(call_id in texts.open)) return texts
  const drop = <T>(all: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(all).filter(([key]) => key !== call_id))
  return {
    order: texts.order.filter((one) => one !== call_id),
    open: drop(texts.open),
    lines: drop(texts.lines),
    typing: drop(texts.typing),
    front: texts.front === call_id ? '' : texts.front,
  }
}

function withText(texts: Texts, line: TextLine): Texts {
  const known = texts.lines[line.call_id] ?? []
  const at = known.findIndex((one) => one.line_id === line.line_id)
  const lines = at >= 0 ? known.map((one, place) => (place === at ? line : one)) : [...known, line].sort((a, b) => a.at - b.at)
  const typing = line.by === 'citizen' ? { ...texts.typing, [line.call_id]: '' } : texts.typing
  const one = texts.open[line.call_id]
  const news = one !== undefined && at < 0 && line.by === 'citizen' && texts.front !== line.call_id
  const open = news ? { ...texts.open, [line.call_id]: { ...one, unread: one.unread + 1 } } : texts.open
  return { ...texts, open, typing, lines: { ...texts.lines, [line.call_id]: lines } }
}

function withTextDraft(texts: Texts, draft: DraftView): Texts {
  const one = texts.open[draft.call_id]
  if (one === undefined) return texts
  const at = one.drafts.findIndex((known) => known.order_id === draft.order_id)
  if (at >= 0 && draft.version < (one.drafts[at]?.version ?? 0)) return texts
  const drafts = at >= 0 ? one.drafts.map((known, place) => (place === at ? draft : known)) : [...one.drafts, draft]
  return { ...texts, open: { ...texts.open, [draft.call_id]: { ...one, drafts } } }
}

function withTextAdvice(texts: Texts, advice: AdviceView): Texts {
  const one = Object.values(texts.open).find((each) => each.drafts.some((draft) => draft.order_id === advice.order_id))
  if (one === undefined) return texts
  const fresh = { ...one, advice: { ...one.advice, [advice.order_id]: advice } }
  return { ...texts, open: { ...texts.open, [one.call.call_id]: fresh } }
}
