/**
 * The softphone as a pure state machine: where the line to Asterisk is, and where the one call is.
 *
 * Legal moves are the two tables; anything else raises, naming state and event.
 */

export type LineState =
  | 'off' // no extension, or signed out
  | 'elsewhere' // another window of this browser holds the phone
  | 'connecting' // no WebSocket to Asterisk yet, tried again by itself
  | 'registering' // connected, Asterisk has not accepted us yet
  | 'registered' // can be rung
  | 'unregistered' // connected, but Asterisk refused us

export type CallStep = 'idle' | 'ringing' | 'answering' | 'talking' | 'ending'

export interface Phone {
  line: LineState
  lineReason: string // Chinese, why the line is not registered
  call: CallStep
  caller: string // who rings or talks, as Asterisk shows it
  held: boolean // we hold
  heldByOther: boolean // Asterisk's side holds us
  muted: boolean
  since: number | null // our epoch milliseconds at which the present step began
  ended: string // Chinese, why the last call was over, "" when normal
}

export type LineEvent =
  | { kind: 'start' }
  | { kind: 'stop' }
  | { kind: 'taken' } // another window holds the phone
  | { kind: 'connected' }
  | { kind: 'disconnected'; reason: string }
  | { kind: 'registered' }
  | { kind: 'refused'; reason: string }

export type CallEvent =
  | { kind: 'incoming'; caller: string; at: number }
  | { kind: 'answer'; at: number }
  | { kind: 'answer_failed'; at: number } // no microphone: it still rings
  | { kind: 'talking'; at: number }
  | { kind: 'hang_up'; at: number }
  | { kind: 'gone'; reason: string; at: number }
  | { kind: 'held'; by: 'us' | 'other' }
  | { kind: 'unheld'; by: 'us' | 'other' }
  | { kind: 'muted'; on: boolean }

export type PhoneEvent = LineEvent | CallEvent

export class IllegalPhoneEvent extends Error {
  constructor(state: string, event: string) {
    super(`phone event ${event} is not legal in state ${state}`)
  }
}

const LINE: Record<LineEvent['kind'], Partial<Record<LineState, LineState>>> = {
  start: { off: 'connecting', elsewhere: 'connecting' },
  stop: {
    off: 'off',
    elsewhere: 'off',
    connecting: 'off',
    registering: 'off',
    registered: 'off',
    unregistered: 'off',
  },
  taken: {
    off: 'elsewhere',
    elsewhere: 'elsewhere',
    connecting: 'elsewhere',
    registering: 'elsewhere',
    registered: 'elsewhere',
    unregistered: 'elsewhere',
  },
  connected: { connecting: 'registering' },
  disconnected: {
    connecting: 'connecting',
    registering: 'connecting',
    registered: 'connecting',
    unregistered: 'connecting',
  },
  registered: { registering: 'registered', registered: 'registered', unregistered: 'registered' },
  refused: { registering: 'unregistered', registered: 'unregistered', unregistered: 'unregistered' },
}

const CALL: Record<CallEvent['kind'], Partial<Record<CallStep, CallStep>>> = {
  incoming: { idle: 'ringing' },
  answer: { ringing: 'answering' },
  answer_failed: { answering: 'ringing' },
  talking: { answering: 'talking', ending: 'ending' },
  hang_up: { ringing: 'ending', answering: 'ending', talking: 'ending' },
  gone: { ringing: 'idle', answering: 'idle', talking: 'idle', ending: 'idle' },
  held: { talking: 'talking', ending: 'ending' },
  unheld: { talking: 'talking', ending: 'ending' },
  muted: { talking: 'talking', ending: 'ending' },
}

export function silentPhone(): Phone {
  return {
    line: 'off',
    lineReason: '',
    call: 'idle',
    caller: '',
    held: false,
    heldByOther: false,
    muted: false,
    since: null,
    ended: '',
  }
}

/** The phone after `event`. Throws IllegalPhoneEvent where the tables know no move. */
export function step(phone: Phone, event: PhoneEvent): Phone {
  if (isLine(event)) {
    const line = LINE[event.kind][phone.line]
    if (line === undefined) throw new IllegalPhoneEvent(phone.line, event.kind)
    const lineReason = event.kind === 'disconnected' || event.kind === 'refused' ? event.reason : ''
    return { ...phone, line, lineReason }
  }
  const call = CALL[event.kind][phone.call]
  if (call === undefined) throw new IllegalPhoneEvent(phone.call, event.kind)
  switch (event.kind) {
    case 'incoming':
      return { ...phone, ...quiet, call, caller: event.caller, since: event.at }
    case 'answer':
    case 'answer_failed':
    case 'talking':
    case 'hang_up':
      return { ...phone, call, since: event.at }
    case 'gone':
      return { ...phone, ...quiet, call, ended: event.reason }
    case 'held':
    case 'unheld': {
      const on = event.kind === 'held'
      return event.by === 'us' ? { ...phone, held: on } : { ...phone, heldByOther: on }
    }
    case 'muted':
      return { ...phone, muted: event.on }
  }
}

const quiet = { caller: '', held: false, heldByOther: false, muted: false, since: null, ended: '' }

function isLine(event: PhoneEvent): event is LineEvent {
  return event.kind in LINE
}
