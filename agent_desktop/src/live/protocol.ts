/**
 * What the server and this page say to each other on /api/ws: one JSON object per message, `type` in snake case.
 * The same classes and fields as `cti/messages.py`; tests/unit/cti/test_desk_types.py keeps the two alike.
 * Times are epoch seconds of the server's clock unless a field says otherwise.
 */

export type Role = 'agent' | 'supervisor' | 'admin'

export type CallState =
  | 'incoming'
  | 'in_flow'
  | 'waiting'
  | 'ringing'
  | 'talking'
  | 'held'
  | 'consulting'
  | 'wrap_up'
  | 'survey'
  | 'ended'

export type Outcome = 'answered' | 'served' | 'abandoned_in_flow' | 'abandoned_waiting' | 'failed'

export type AgentState = 'offline' | 'not_ready' | 'ready' | 'ringing' | 'talking' | 'wrap_up' | 'reserved'

export type NotReadyReason =
  | 'signed_in'
  | 'rest'
  | 'meal'
  | 'training'
  | 'meeting'
  | 'other'
  | 'missed_ring'
  | 'refused'
  | 'phone_lost'
  | 'lost'

export type OrderState = 'draft' | 'accepted' | 'discarded'

export type OrderField =
  | 'type'
  | 'category'
  | 'district'
  | 'street'
  | 'place'
  | 'detail'
  | 'point'
  | 'subject'
  | 'phone'
  | 'contact'
  | 'time'
  | 'time_iso'
  | 'urgency'
  | 'mood'
  | 'unit'
  | 'title'
  | 'summary'

export type TargetKind = 'agent' | 'queue' | 'unit' | 'service' | 'external'

export type PartyState = 'ringing' | 'consulting' | 'talking' | 'held'

// ---------------------------------------------------------------- server -> page

export interface AgentView {
  type: 'agent_view'
  agent_id: string
  name: string
  role: Role
  extension: string
  state: AgentState
  reason?: NotReadyReason | null
  since: number
  until?: number | null
  skills: Record<string, number>
  phone_registered: boolean
  call_id?: string | null
}

export interface PartyView {
  party_id: string
  kind: 'citizen' | 'agent' | 'queue' | 'unit' | 'service' | 'external'
  title: string
  state: PartyState
  since: number
  agent_id?: string | null
}

export interface CallView {
  type: 'call_view'
  call_id: string
  caller: string
  called: string
  state: CallState
  queue: string
  queue_title: string
  started: number
  queued?: number | null
  answered?: number | null
  ended?: number | null
  waited_s?: number | null
  agent_id?: string | null
  recording_started?: number | null
  outcome?: Outcome | null
  satisfaction?: number | null
  visit_id?: string
  about_order?: string
  parties: PartyView[]
  writers: string[]
}

export interface CallbackView {
  type: 'callback_view'
  callback_id: string
  number: string
  state: string
  origin: string
  queue: string
  queue_title: string
  since: number
  last_at: number
  wishes: number
  tries: number
  last_result: string
  agent_id?: string | null
  call_id: string
  note: string
}

export interface RepairView {
  start: number
  end: number
  heard: string
  source: string
  confidence: number
}

export interface Caption {
  type: 'caption'
  call_id: string
  line_id: string
  speaker: 'citizen' | 'agent' | 'third'
  text: string
  start: number
  end: number
  final: boolean
  confidence?: number | null
  verbatim?: string
  repairs?: RepairView[]
  gap?: string
}

export interface FieldView {
  value: string
  filler: 'machine' | 'agent'
  source: string
  confidence: number
  audio_from?: number | null
  audio_to?: number | null
  quote?: string
  at?: number
  suggestion?: string | null
}

export interface DraftView {
  type: 'draft_view'
  order_id: string
  call_id: string
  version: number
  state: OrderState
  fields: Partial<Record<OrderField, FieldView>>
}

export interface UnitAdviceView {
  unit: string
  reason: string
  source: string
  confidence: number
}

export interface SimilarOrderView {
  order_id: string
  number: string
  title: string
  at: number
  score: number
  reason: string
}

export interface AnswerView {
  article_id: string
  title: string
  answer: string
  basis?: string
  score?: number
}

export interface AdviceView {
  type: 'advice_view'
  order_id: string
  units: UnitAdviceView[]
  similar: SimilarOrderView[]
  answers: AnswerView[]
}

export interface QueueView {
  queue: string
  title: string
  waiting: number
  longest_wait_s: number
  agents_ready: number
  agents_busy: number
}

export interface QueuesView {
  type: 'queues_view'
  queues: QueueView[]
}

export interface HealthView {
  type: 'health_view'
  redis: boolean
  database: boolean
  asterisk: Record<string, boolean>
  captions: boolean
  captions_reason: string
  refused: string[]
}

export interface TargetView {
  kind: TargetKind
  key: string
  title: string
  note: string
  usable: boolean
  one_key: boolean
}

export interface TargetsView {
  type: 'targets_view'
  text: string
  targets: TargetView[]
}

export interface Notice {
  type: 'notice'
  level: 'success' | 'info' | 'warning' | 'error'
  text: string
}

export interface Snapshot {
  type: 'snapshot'
  me: AgentView
  health: HealthView
  queues: QueuesView
  call?: CallView | null
  captions: Caption[]
  draft?: DraftView | null
  more_drafts?: DraftView[]
  advice?: AdviceView[]
  callback?: CallbackView | null
}

export interface Reply {
  type: 'reply'
  ref: string
  ok: boolean
  error: string
}

export type ServerMessage =
  | Snapshot
  | AgentView
  | CallView
  | CallbackView
  | Caption
  | DraftView
  | AdviceView
  | QueuesView
  | HealthView
  | TargetsView
  | Notice
  | Reply

// ---------------------------------------------------------------- page -> server

export interface Ready {
  type: 'ready'
  ref: string
}

export interface NotReady {
  type: 'not_ready'
  ref: string
  reason: NotReadyReason
}

export interface FinishWrapUp {
  type: 'finish_wrap_up'
  ref: string
}

export interface ExtendWrapUp {
  type: 'extend_wrap_up'
  ref: string
  seconds: number
}

export interface EditField {
  type: 'edit_field'
  ref: string
  order_id: string
  field: OrderField
  value: string
}

export interface SubmitOrder {
  type: 'submit_order'
  ref: string
  order_id: string
}

export interface DiscardOrder {
  type: 'discard_order'
  ref: string
  order_id: string
  reason: string
}

export interface FindTargets {
  type: 'find_targets'
  ref: string
  text: string
}

export interface Consult {
  type: 'consult'
  ref: string
  call_id: string
  kind: TargetKind
  key: string
}

export interface CompleteTransfer {
  type: 'complete_transfer'
  ref: string
  call_id: string
}

export interface CancelConsult {
  type: 'cancel_consult'
  ref: string
  call_id: string
}

export interface Conference {
  type: 'conference'
  ref: string
  call_id: string
}

export interface BlindTransfer {
  type: 'blind_transfer'
  ref: string
  call_id: string
  kind: TargetKind
  key: string
}

export interface AddParty {
  type: 'add_party'
  ref: string
  call_id: string
  kind: TargetKind
  key: string
}

export interface DropParty {
  type: 'drop_party'
  ref: string
  call_id: string
  party_id: string
}

export interface LeaveConference {
  type: 'leave_conference'
  ref: string
  call_id: string
}

export interface ReturnToQueue {
  type: 'return_to_queue'
  ref: string
  call_id: string
}

export interface EmergencyTransfer {
  type: 'emergency_transfer'
  ref: string
  call_id: string
  service: string
}

export interface Ping {
  type: 'ping'
  ref: string
}

export type PageMessage =
  | Ready
  | NotReady
  | FinishWrapUp
  | ExtendWrapUp
  | EditField
  | SubmitOrder
  | DiscardOrder
  | FindTargets
  | Consult
  | CompleteTransfer
  | CancelConsult
  | Conference
  | BlindTransfer
  | AddParty
  | DropParty
  | LeaveConference
  | ReturnToQueue
  | EmergencyTransfer
  | Ping

/** A command before the link gives it its `ref`. */
export type Command = PageMessage extends infer M ? (M extends PageMessage ? Omit<M, 'ref'> : never) : never
