/**
 * What the server and this page say to each other on /api/ws, one JSON object per message.
 * `type` names the message in snake case.
 * Made by `python -m cti.desktypes` from cti/messages.py; change that file, not this one.
 * Times are epoch seconds of the server's clock unless a field says otherwise.
 */

export type AgentState =
  | 'offline'
  | 'not_ready'
  | 'ready'
  | 'ringing'
  | 'talking'
  | 'wrap_up'
  | 'reserved'

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
  | 'contact_by'
  | 'secrecy'
  | 'time'
  | 'time_iso'
  | 'urgency'
  | 'mood'
  | 'unit'
  | 'title'
  | 'summary'

export type OrderState =
  | 'draft'
  | 'accepted'
  | 'discarded'
  | 'merged'

export type Outcome =
  | 'answered'
  | 'served'
  | 'abandoned_in_flow'
  | 'abandoned_waiting'
  | 'failed'

export type PartyState =
  | 'ringing'
  | 'consulting'
  | 'talking'
  | 'held'

export type Role =
  | 'agent'
  | 'supervisor'
  | 'admin'
  | 'listener'
  | 'clerk'
  | 'unit'
  | 'leader'
  | 'auditor'

export type SupervisionKind =
  | 'listen'
  | 'whisper'
  | 'barge'
  | 'takeover'

export type TargetKind =
  | 'agent'
  | 'queue'
  | 'unit'
  | 'service'
  | 'external'

export interface Snapshot {
  type: 'snapshot'
  me: AgentView
  health: HealthView
  queues: QueuesView
  call?: CallView | null
  captions: Caption[]
  draft?: DraftView | null
  more_drafts: DraftView[]
  advice: AdviceView[]
  callback?: CallbackView | null
  server_time: number
  bulletins: BulletinView[]
  messages: StaffMessage[]
  supervision?: SupervisionView | null
  text_calls: CallView[]
  texts: TextLine[]
  text_drafts: DraftView[]
  text_advice: AdviceView[]
  page: string
}

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
  team: string
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

export interface QueuesView {
  type: 'queues_view'
  queues: QueueView[]
}

export interface QueueView {
  queue: string
  title: string
  waiting: number
  longest_wait_s: number
  agents_ready: number
  agents_busy: number
  needs: Record<string, number>
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
  visit_id: string
  about_order: string
  parties: PartyView[]
  writers: string[]
  kept_until?: number | null
  media: 'voice' | 'video' | 'text'
  text_only: boolean
  district: string
  urgency: string
  mood: string
}

export interface PartyView {
  party_id: string
  kind: 'citizen' | 'agent' | 'queue' | 'unit' | 'service' | 'external'
  title: string
  state: PartyState
  since: number
  agent_id?: string | null
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
  verbatim: string
  repairs: RepairView[]
  gap: string
  correction?: CorrectionView | null
  marked: boolean
}

export interface RepairView {
  start: number
  end: number
  heard: string
  source: string
  confidence: number
}

export interface CorrectionView {
  version: number
  text: string
  who: string
  at: number
}

export interface DraftView {
  type: 'draft_view'
  order_id: string
  call_id: string
  version: number
  state: OrderState
  fields: Partial<Record<OrderField, FieldView>>
  links: OrderLinkView[]
}

export interface FieldView {
  value: string
  filler: 'machine' | 'agent'
  source: string
  confidence: number
  audio_from?: number | null
  audio_to?: number | null
  quote: string
  at: number
  suggestion?: string | null
}

export interface OrderLinkView {
  other: string
  kind: 'related' | 'merged_into' | 'joined'
  agent: string
  at: number
  number: string
  caller: string
  contact: string
  phone: string
  secrecy: string
}

export interface AdviceView {
  type: 'advice_view'
  order_id: string
  units: UnitAdviceView[]
  similar: SimilarOrderView[]
  answers: AnswerView[]
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
  district: string
}

export interface AnswerView {
  article_id: string
  title: string
  answer: string
  basis: string
  score: number
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

export interface BulletinView {
  bulletin_id: string
  title: string
  text: string
  by_name: string
  since: number
  until?: number | null
  urgent: boolean
}

export interface StaffMessage {
  type: 'staff_message'
  message_id: string
  by: string
  by_name: string
  to_all: boolean
  text: string
  at: number
  urgent: boolean
  to: string[]
  read_by: string[]
}

export interface SupervisionView {
  type: 'supervision_view'
  call_id: string
  agent_id: string
  by: string
  by_name: string
  kind: SupervisionKind
  since: number
  active: boolean
  there: boolean
}

export interface TextLine {
  type: 'text_line'
  call_id: string
  line_id: string
  by: 'citizen' | 'agent' | 'system'
  name: string
  text: string
  at: number
}

export interface Resumed {
  type: 'resumed'
  page: string
  missed: number
}

export interface TargetsView {
  type: 'targets_view'
  text: string
  targets: TargetView[]
}

export interface TargetView {
  kind: TargetKind
  key: string
  title: string
  note: string
  usable: boolean
  one_key: boolean
}

export interface ColleaguesView {
  type: 'colleagues_view'
  call_id: string
  languages: LanguageView[]
  colleagues: TargetView[]
}

export interface LanguageView {
  skill: string
  title: string
  free: number
  people: TargetView[]
}

export interface Notice {
  type: 'notice'
  level: 'success' | 'info' | 'warning' | 'error'
  text: string
}

export interface FloorView {
  type: 'floor_view'
  agents: AgentView[]
  calls: CallView[]
  supervisions: SupervisionView[]
}

export interface FloorChange {
  type: 'floor_change'
  agents: AgentView[]
  calls: CallView[]
  supervisions: SupervisionView[]
}

export interface BulletinsView {
  type: 'bulletins_view'
  bulletins: BulletinView[]
}

export interface WallboardView {
  type: 'wallboard_view'
  at: number
  figures: Record<string, number | null>
  queues: QueueBoardView[]
  agents: Record<string, number>
  agents_since: Record<string, number>
  reasons: Record<string, number>
  intervals: IntervalView[]
  breaks: RuleBreakView[]
  breaks_total: number
  causes: Record<string, number>
  topics: TopicView[]
  districts: TopicView[]
  urgent_open: number
  callbacks: Record<string, number>
  visits: Record<string, number>
  health: Record<string, boolean>
  behind_s: number
  past_at: number
}

export interface QueueBoardView {
  queue: string
  title: string
  waiting: number
  longest_wait_s: number
  agents: Record<string, number>
  figures: Record<string, number | null>
}

export interface IntervalView {
  start: number
  offered: number
  answered: number
  forecast?: number | null
}

export interface RuleBreakView {
  call_id: string
  started: number
  queue: string
  waited_s: number
  cause: string
  cause_title: string
}

export interface TopicView {
  key: string
  title: string
  count: number
  usual?: number | null
}

export interface AlertView {
  type: 'alert_view'
  alert_id: string
  rule: string
  title: string
  level: 'info' | 'warning' | 'critical'
  figure: string
  value: number
  threshold: number
  since: number
  until?: number | null
  acknowledged_by: string
  sound: boolean
}

export interface BurstView {
  type: 'burst_view'
  burst_id: string
  title: string
  category: string
  district: string
  place: string
  orders: string[]
  callers: number
  since: number
  last: number
  state: 'open' | 'noticed' | 'announced' | 'dismissed' | 'over'
}

export interface OrderMoved {
  type: 'order_moved'
  order_id: string
  number: string
  version: number
  state: string
  round: number
  lead: string
  joint: string[]
  due_at?: number | null
  near_at?: number | null
  due_kind: string
  supervision: string
  moves: MoveView[]
  at: number
}

export interface MoveView {
  kind: string
  title: string
  at: number
}

export interface ClockCrossed {
  type: 'clock_crossed'
  order_id: string
  number: string
  lead: string
  unit: string
  kind: string
  title: string
  level: 'near' | 'late' | 'grave'
  due_at: number
  at: number
}

export interface InboxChanged {
  type: 'inbox_changed'
  unit: string
  open: number
  near: number
  late: number
  at: number
}

export interface TextTyping {
  type: 'text_typing'
  call_id: string
  by: 'citizen' | 'agent'
  text: string
}

export interface Reply {
  type: 'reply'
  ref: string
  ok: boolean
  error: string
}

export interface Ready {
  type: 'ready'
  ref: string
}

export interface NotReady {
  type: 'not_ready'
  reason: NotReadyReason
  ref: string
}

export interface FinishWrapUp {
  type: 'finish_wrap_up'
  ref: string
}

export interface ExtendWrapUp {
  type: 'extend_wrap_up'
  seconds: number
  ref: string
}

export interface EditField {
  type: 'edit_field'
  order_id: string
  field: OrderField
  value: string
  seen?: number | null
  ref: string
}

export interface SubmitOrder {
  type: 'submit_order'
  order_id: string
  ref: string
}

export interface DiscardOrder {
  type: 'discard_order'
  order_id: string
  reason: string
  ref: string
}

export interface AddOrder {
  type: 'add_order'
  call_id: string
  ref: string
}

export interface FindTargets {
  type: 'find_targets'
  text: string
  ref: string
}

export interface Consult {
  type: 'consult'
  call_id: string
  kind: TargetKind
  key: string
  ref: string
}

export interface CompleteTransfer {
  type: 'complete_transfer'
  call_id: string
  ref: string
}

export interface CancelConsult {
  type: 'cancel_consult'
  call_id: string
  ref: string
}

export interface Conference {
  type: 'conference'
  call_id: string
  ref: string
}

export interface BlindTransfer {
  type: 'blind_transfer'
  call_id: string
  kind: TargetKind
  key: string
  ref: string
}

export interface AddParty {
  type: 'add_party'
  call_id: string
  kind: TargetKind
  key: string
  ref: string
}

export interface DropParty {
  type: 'drop_party'
  call_id: string
  party_id: string
  ref: string
}

export interface LeaveConference {
  type: 'leave_conference'
  call_id: string
  ref: string
}

export interface ReturnToQueue {
  type: 'return_to_queue'
  call_id: string
  ref: string
}

export interface EmergencyTransfer {
  type: 'emergency_transfer'
  call_id: string
  service: string
  ref: string
}

export interface Listen {
  type: 'listen'
  call_id: string
  ref: string
}

export interface Whisper {
  type: 'whisper'
  call_id: string
  ref: string
}

export interface Barge {
  type: 'barge'
  call_id: string
  ref: string
}

export interface StopListening {
  type: 'stop_listening'
  call_id: string
  ref: string
}

export interface TakeOver {
  type: 'take_over'
  call_id: string
  reason: string
  ref: string
}

export interface EndCall {
  type: 'end_call'
  call_id: string
  reason: string
  ref: string
}

export interface MoveCall {
  type: 'move_call'
  call_id: string
  kind: TargetKind
  key: string
  reason: string
  ref: string
}

export interface ForceState {
  type: 'force_state'
  agent_id: string
  state: 'ready' | 'not_ready' | 'offline'
  reason: string
  ref: string
}

export interface ChangeSkills {
  type: 'change_skills'
  agent_id: string
  skills: Record<string, number>
  reason: string
  ref: string
}

export interface SendMessage {
  type: 'send_message'
  to: string[]
  text: string
  urgent?: boolean
  ref: string
}

export interface ReadMessage {
  type: 'read_message'
  message_id: string
  ref: string
}

export interface Watch {
  type: 'watch'
  topics?: string[]
  ref: string
}

export interface SayText {
  type: 'say_text'
  call_id: string
  text: string
  final?: boolean
  line_id?: string
  ref: string
}

export interface AnswerText {
  type: 'answer_text'
  call_id: string
  ref: string
}

export interface RefuseText {
  type: 'refuse_text'
  call_id: string
  ref: string
}

export interface EndText {
  type: 'end_text'
  call_id: string
  ref: string
}

export interface InviteText {
  type: 'invite_text'
  call_id: string
  agent_id: string
  ref: string
}

export interface LeaveText {
  type: 'leave_text'
  call_id: string
  ref: string
}

export interface MoveText {
  type: 'move_text'
  call_id: string
  queue: string
  ref: string
}

export interface SetTextOnly {
  type: 'set_text_only'
  call_id: string
  on: boolean
  ref: string
}

export interface FindColleagues {
  type: 'find_colleagues'
  call_id: string
  ref: string
}

export interface AskInterpreter {
  type: 'ask_interpreter'
  call_id: string
  skill: string
  ref: string
}

export interface Rejoin {
  type: 'rejoin'
  call_id: string
  ref: string
}

export interface AnswerPhone {
  type: 'answer_phone'
  call_id: string
  ref: string
}

export interface HangUpPhone {
  type: 'hang_up_phone'
  call_id: string
  ref: string
}

export interface HoldPhone {
  type: 'hold_phone'
  call_id: string
  on: boolean
  ref: string
}

export interface ReportQuality {
  type: 'report_quality'
  call_id: string
  loss: number
  jitter_ms: number
  rtt_ms: number
  mos: number
  ref: string
}

export interface Ping {
  type: 'ping'
  seen?: number
  ref: string
}

export interface Resync {
  type: 'resync'
  ref: string
}

export interface CitizenView {
  type: 'citizen_view'
  call_id: string
  media: 'voice' | 'video' | 'text'
  state: 'connecting' | 'waiting' | 'ringing' | 'talking' | 'held' | 'survey' | 'ended'
  place?: number | null
  expected_wait_s?: number | null
  agent: string
  satisfaction?: number | null
  text_only: boolean
  reason: '' | 'citizen' | 'agent' | 'silence' | 'unreached'
}

export interface LineTaken {
  type: 'line_taken'
  line_id: string
}

export interface Refused {
  type: 'refused'
  text: string
  fatal: boolean
}

export interface Hello {
  type: 'hello'
  token: string
  ref: string
}

export interface WriteText {
  type: 'write_text'
  text: string
  line_id?: string
  final?: boolean
  ref: string
}

export interface GiveRating {
  type: 'give_rating'
  score: number
  ref: string
}

export interface AskTextOnly {
  type: 'ask_text_only'
  on: boolean
  ref: string
}

export interface Leave {
  type: 'leave'
  ref: string
}

export interface GuestPing {
  type: 'guest_ping'
  ref: string
}

export type ServerMessage =
  | Snapshot
  | Resumed
  | AgentView
  | CallView
  | CallbackView
  | Caption
  | DraftView
  | AdviceView
  | QueuesView
  | HealthView
  | TargetsView
  | ColleaguesView
  | Notice
  | FloorView
  | FloorChange
  | SupervisionView
  | StaffMessage
  | BulletinsView
  | WallboardView
  | AlertView
  | BurstView
  | OrderMoved
  | ClockCrossed
  | InboxChanged
  | TextLine
  | TextTyping
  | Reply

export type PageMessage =
  | Ready
  | NotReady
  | FinishWrapUp
  | ExtendWrapUp
  | EditField
  | SubmitOrder
  | DiscardOrder
  | AddOrder
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
  | Listen
  | Whisper
  | Barge
  | StopListening
  | TakeOver
  | EndCall
  | MoveCall
  | ForceState
  | ChangeSkills
  | SendMessage
  | ReadMessage
  | Watch
  | SayText
  | AnswerText
  | RefuseText
  | EndText
  | InviteText
  | LeaveText
  | MoveText
  | SetTextOnly
  | FindColleagues
  | AskInterpreter
  | Rejoin
  | AnswerPhone
  | HangUpPhone
  | HoldPhone
  | ReportQuality
  | Ping
  | Resync

export type CitizenMessage =
  | CitizenView
  | TextLine
  | TextTyping
  | LineTaken
  | Refused

export type GuestMessage =
  | Hello
  | WriteText
  | GiveRating
  | AskTextOnly
  | Leave
  | GuestPing

/** A message as it is sent: numbered, one higher than the one before on this page. */
export type Numbered = ServerMessage & { seq: number }

/** A command before the link gives it its `ref`. */
export type Command = PageMessage extends infer M ? (M extends PageMessage ? Omit<M, 'ref'> : never) : never
