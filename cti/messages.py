"""What the server and the pages say to each other, and what goes into the call journal.

Every message is one JSON object on the desk's WebSocket with a `type` naming the class in snake case.
Times are epoch seconds (float) unless a field says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from cti.message_base import CallState, Command, Outcome, PartyState, Role, TargetKind, View
from cti.messages_board import AlertView, BurstView, WallboardView
from cti.messages_cases import ClockCrossed, InboxChanged, OrderMoved
from cti.messages_floor import (
    Barge,
    ChangeSkills,
    EndCall,
    ForceState,
    Listen,
    MoveCall,
    ReadMessage,
    SendMessage,
    StaffMessage,
    StopListening,
    SupervisionKind,
    SupervisionView,
    TakeOver,
    Watch,
    Whisper,
)
from cti.messages_text import (
    AnswerText,
    AskInterpreter,
    EndText,
    FindColleagues,
    InviteText,
    LeaveText,
    MoveText,
    RefuseText,
    SayText,
    SetTextOnly,
    TextCommand,
    TextLine,
    TextMessage,
    TextTyping,
)

__all__ = [
    "AddOrder",
    "AddParty",
    "AdviceView",
    "AgentView",
    "AlertView",
    "AnswerPhone",
    "AnswerText",
    "AnswerView",
    "AskInterpreter",
    "Barge",
    "BlindTransfer",
    "BulletinView",
    "BulletinsView",
    "BurstView",
    "CallCommand",
    "CallState",
    "CallView",
    "CallbackView",
    "CancelConsult",
    "Caption",
    "ChangeSkills",
    "ClockCrossed",
    "ColleaguesView",
    "Command",
    "CompleteTransfer",
    "Conference",
    "Consult",
    "CorrectionView",
    "DiscardOrder",
    "DraftView",
    "DropParty",
    "EditField",
    "EmergencyTransfer",
    "EndCall",
    "EndText",
    "Entry",
    "EntryKind",
    "ExtendWrapUp",
    "FieldView",
    "FindColleagues",
    "FindTargets",
    "FinishWrapUp",
    "FloorChange",
    "FloorView",
    "ForceState",
    "HangUpPhone",
    "HealthView",
    "HoldPhone",
    "InboxChanged",
    "InviteText",
    "LanguageView",
    "LeaveConference",
    "LeaveText",
    "Listen",
    "MoveCall",
    "MoveText",
    "NotReady",
    "Notice",
    "OrderLinkView",
    "OrderMoved",
    "Outcome",
    "PageMessage",
    "PartyState",
    "PartyView",
    "PhoneCommand",
    "Ping",
    "QueueView",
    "QueuesView",
    "ReadMessage",
    "Ready",
    "RefuseText",
    "Rejoin",
    "RepairView",
    "Reply",
    "ReportQuality",
    "Resumed",
    "Resync",
    "ReturnToQueue",
    "Role",
    "SayText",
    "SendMessage",
    "ServerMessage",
    "SetTextOnly",
    "SimilarOrderView",
    "Snapshot",
    "StaffMessage",
    "StopListening",
    "SubmitOrder",
    "SupervisionKind",
    "SupervisionView",
    "SupervisorMessage",
    "TakeOver",
    "TargetCommand",
    "TargetKind",
    "TargetView",
    "TargetsView",
    "TextCommand",
    "TextLine",
    "TextMessage",
    "TextTyping",
    "TransferMessage",
    "UnitAdviceView",
    "View",
    "WallboardView",
    "Watch",
    "Whisper",
]


# ---------------------------------------------------------------- server -> page


class AgentView(View, frozen=True):
    """One agent's state, as the state bar shows it."""

    agent_id: str  # login
    name: str  # 姓名
    role: Role  # what they may do
    extension: str  # telephone extension, "" for people without a phone
    state: str  # acd.messages.AgentState
    reason: str | None = None  # acd.messages.NotReadyReason with not_ready
    since: float = 0.0  # when the state began
    until: float | None = None  # when it ends by itself (ringing, wrap_up)
    skills: Mapping[str, int] = {}  # skill -> level
    phone_registered: bool = False  # Asterisk can reach the softphone or desk phone
    call_id: str | None = None  # with ringing, talking, wrap_up
    team: str = ""  # 班组


class PartyView(msgspec.Struct, frozen=True, kw_only=True):
    """One person in a call."""

    party_id: str  # "citizen", "agent", or the name by which DropParty knows them
    kind: str  # "citizen" or a TargetKind
    title: str  # name, or the number where there is no name
    state: PartyState  # what they do
    since: float = 0.0  # when that began
    agent_id: str | None = None  # with agents: login


class CallView(View, frozen=True):
    """One call, as its agent sees it."""

    call_id: str  # which call; also the name of its recording
    caller: str  # calling number
    called: str  # number the citizen dialled
    state: CallState  # where it is
    queue: str = ""  # skill queue
    queue_title: str = ""  # its Chinese name
    started: float = 0.0  # the call reached us
    queued: float | None = None  # began to wait for a person
    answered: float | None = None  # a person answered
    ended: float | None = None  # over
    waited_s: float | None = None  # answered - queued (or - started)
    agent_id: str | None = None  # who rings or talks
    recording_started: float | None = None  # zero of all times that count in seconds of the recording
    outcome: Outcome | None = None  # with ended
    satisfaction: int | None = None  # 1 to 5
    visit_id: str = ""  # of a return visit (回访): the citizen was called by the robot and asks for a person
    about_order: str = ""  # with visit_id: id of the order it is about
    parties: tuple[PartyView, ...] = ()  # who is in the call now, citizen and agent first; () without a talk
    writers: tuple[str, ...] = ()  # agents who have left it and still write it up
    kept_until: float | None = None  # the agent's telephone vanished: the citizen waits for it till then
    media: str = "voice"  # acd.messages.Media: voice, video or text
    text_only: bool = False  # the citizen asks to be contacted by text only
    district: str = ""  # 区县 of the matter, as the draft has it; only in the live list
    urgency: str = ""  # of the matter, as the draft has it; only in the live list
    mood: str = ""  # of the citizen, as the draft has it; only in the live list


class CallbackView(View, frozen=True):
    """One call-back, as the agent sees it who is reserved for it; sent at every move."""

    callback_id: str  # which
    number: str  # who is called
    state: str  # acd.callbacks.CallbackState
    origin: str  # why: acd.callbacks.Origin
    queue: str = ""  # skill queue
    queue_title: str = ""  # its Chinese name
    since: float = 0.0  # the citizen began to wait
    last_at: float = 0.0  # newest wish
    wishes: int = 1  # how often it was wished, or the citizen hung up
    tries: int = 0  # times dialled
    last_result: str = ""  # of the last try: acd.callbacks.Result, "" none yet
    agent_id: str | None = None  # who is reserved
    call_id: str = ""  # the call that dials or reached the citizen
    note: str = ""  # what a person wrote


class RepairView(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a caption that was written otherwise than it was heard (see asr.messages.Repair)."""

    start: int  # first character
    end: int  # after the last
    heard: str  # what was heard
    source: str  # "gazetteer" or "digits"
    confidence: float  # 0 to 1


class Caption(View, frozen=True):
    """One sentence of the live transcript; a later one with the same `line_id` replaces it."""

    call_id: str  # which call
    line_id: str  # tap and segment
    speaker: str  # "citizen", "agent" or "third"
    text: str  # readable text
    start: float  # seconds into the recording
    end: float  # seconds into the recording
    final: bool  # False: still being spoken
    confidence: float | None = None  # 0 to 1, finals only
    verbatim: str = ""  # as it was heard; finals only
    repairs: tuple[RepairView, ...] = ()  # where the text is not what was heard
    gap: str = ""  # not speech: nobody listened from start to end ("worker_lost", "behind"); text is ""
    correction: CorrectionView | None = None  # what a person wrote in place of it
    marked: bool = False  # 重点: somebody marked it to find it again


class CorrectionView(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wrote in place of a sentence (see cti.transcripts.Correction)."""

    version: int  # 1 for the sentence's first
    text: str  # what was said; "" for nothing at all
    who: str  # login
    at: float


class FieldView(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the order with its provenance (see orders.messages.FieldValue)."""

    value: str
    filler: str  # "machine" or "agent"
    source: str  # rule, list, model or agent:<login>
    confidence: float  # 0 to 1
    audio_from: float | None = None  # seconds into the recording
    audio_to: float | None = None  # seconds into the recording
    quote: str = ""  # the words it was taken from
    at: float = 0.0  # when it was filled
    suggestion: str | None = None  # the machine's second thought beside an agent's value


class DraftView(View, frozen=True):
    """The work order of the call, whole; sent after every change."""

    order_id: str  # stays the same when submitted
    call_id: str  # its call
    version: int  # grows with every change
    state: str  # orders.messages.OrderState
    fields: Mapping[str, FieldView] = {}  # orders.messages.OrderField -> value
    links: tuple[OrderLinkView, ...] = ()  # to other orders, oldest first


class OrderLinkView(msgspec.Struct, frozen=True, kw_only=True):
    """One order's relation to another one (see orders.messages.OrderLink)."""

    other: str  # order id
    kind: str  # orders.messages.LinkKind
    agent: str  # login
    at: float
    number: str = ""  # the other's 工单编号, "" for a draft
    caller: str = ""  # joined: the number that called
    contact: str = ""  # joined: 联系人
    phone: str = ""  # joined: 联系电话
    secrecy: str = ""  # joined: 保密要求 of the closed order


class UnitAdviceView(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that could handle the matter."""

    unit: str  # its name
    reason: str  # why, in Chinese
    source: str  # "rule:<id>", "learned" or "duty"
    confidence: float  # 0 to 1


class SimilarOrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order that may speak of the same matter."""

    order_id: str  # which
    number: str  # 工单编号
    title: str  # its title
    at: float  # opened
    score: float  # 0 to 1
    reason: str  # why, in Chinese
    district: str = ""  # 区县 of its matter


class AnswerView(msgspec.Struct, frozen=True, kw_only=True):
    """What the knowledge base says of what is asked."""

    article_id: str  # which article
    title: str  # the question it answers
    answer: str  # what to say
    basis: str = ""  # 依据
    score: float = 0.0  # 0 to 1


class AdviceView(View, frozen=True):
    """What stands beside a draft; replaces the one before it. Nothing of it is in the order by itself."""

    order_id: str  # whose
    units: tuple[UnitAdviceView, ...] = ()  # best first, at most three
    similar: tuple[SimilarOrderView, ...] = ()  # best first, at most ten
    answers: tuple[AnswerView, ...] = ()  # best first, at most five


class FloorView(View, frozen=True):
    """The live list, whole; to pages that watch "floor"."""

    agents: tuple[AgentView, ...] = ()  # everybody who is signed in
    calls: tuple[CallView, ...] = ()  # every call that is not over
    supervisions: tuple[SupervisionView, ...] = ()  # who listens where


class FloorChange(View, frozen=True):
    """What has changed of the live list; at most twice a second."""

    agents: tuple[AgentView, ...] = ()  # replace those with the same agent_id; OFFLINE ones are gone
    calls: tuple[CallView, ...] = ()  # replace those with the same call_id; ENDED ones are gone
    supervisions: tuple[SupervisionView, ...] = ()  # replace by (call_id, by); not active: over


class BulletinView(msgspec.Struct, frozen=True, kw_only=True):
    """公告: what all agents shall know for a while."""

    bulletin_id: str  # which
    title: str  # one line
    text: str  # the rest
    by_name: str  # who published it
    since: float  # in force from
    until: float | None = None  # in force before
    urgent: bool = False  # shown above everything


class BulletinsView(View, frozen=True):
    """All notices in force; sent when one of them changes."""

    bulletins: tuple[BulletinView, ...] = ()  # urgent first, then newest


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    queue: str  # name
    title: str  # Chinese name
    waiting: int  # citizens in line now
    longest_wait_s: float  # of those
    agents_ready: int  # who could take one now
    agents_busy: int  # talking, ringing or in wrap-up
    needs: Mapping[str, int] = {}  # skill -> level: with these somebody serves it, relaxation included


class QueuesView(View, frozen=True):
    """All queues; sent at most once a second when something changed."""

    queues: tuple[QueueView, ...]


class HealthView(View, frozen=True):
    """What works and what does not; the desk shows anything that is not ok."""

    redis: bool  # live state reachable
    database: bool  # database reachable; False: records are kept in the local journal
    asterisk: Mapping[str, bool] = {}  # node -> AMI link is up
    captions: bool = False  # live transcription available
    captions_reason: str = ""  # why not, and what to do
    refused: tuple[str, ...] = ()  # "flows", "policy": newer files are wrong, what was before stays in force


class TargetView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom a call may be transferred to."""

    kind: TargetKind  # what it is
    key: str  # what commands call it
    title: str  # Chinese name
    note: str = ""  # state of an agent, length of a queue, number of a unit or service
    usable: bool = True  # False: nobody there now
    one_key: bool = False  # a button of its own (110, 119, 120)


class TargetsView(View, frozen=True):
    """Answer to FindTargets."""

    text: str  # what was looked for
    targets: tuple[TargetView, ...] = ()  # best first, at most 40


class LanguageView(msgspec.Struct, frozen=True, kw_only=True):
    """One language (dialect, sign language) of the routing policy, and who interprets it."""

    skill: str  # its name in the policy
    title: str  # Chinese name
    free: int  # colleagues who could come now
    people: tuple[TargetView, ...] = ()  # free ones first, then by level; at most 20


class ColleaguesView(View, frozen=True):
    """Answer to FindColleagues."""

    call_id: str  # for which call
    languages: tuple[LanguageView, ...] = ()  # those that somebody who is signed in speaks
    colleagues: tuple[TargetView, ...] = ()  # whom a written conversation may ask in, whatever they do now


class Notice(View, frozen=True):
    """A sentence for the person at the page, in Chinese."""

    level: str  # "success", "info", "warning", "error"
    text: str  # what happened


class Snapshot(View, frozen=True):
    """First message of every page: the whole truth for this person, then changes follow."""

    me: AgentView
    health: HealthView
    queues: QueuesView
    call: CallView | None = None  # the call they ring for, talk to or wrap up
    captions: tuple[Caption, ...] = ()  # of that call so far
    draft: DraftView | None = None  # of that call
    more_drafts: tuple[DraftView, ...] = ()  # further matters of that call, in the order they came up
    advice: tuple[AdviceView, ...] = ()  # beside those drafts
    callback: CallbackView | None = None  # the call-back they are reserved for
    server_time: float = 0.0  # the server's clock now
    bulletins: tuple[BulletinView, ...] = ()  # notices in force
    messages: tuple[StaffMessage, ...] = ()  # words of supervisors that are not read, oldest first
    supervision: SupervisionView | None = None  # who is in this person's call, where policy lets them know
    text_calls: tuple[CallView, ...] = ()  # text conversations this person has, oldest first
    texts: tuple[TextLine, ...] = ()  # what was written in those and in the call above
    text_drafts: tuple[DraftView, ...] = ()  # of the conversations, the main one of each first
    text_advice: tuple[AdviceView, ...] = ()  # beside those drafts
    page: str = ""  # this page's id: with it and its last number it gets what it missed over a new connection


class Resumed(View, frozen=True):
    """The page is connected again, and everything that it missed came before this message."""

    page: str  # its id, as in the snapshot
    missed: int = 0  # messages sent again


class Reply(View, frozen=True):
    """Answer to a command."""

    ref: str  # the command's
    ok: bool  # done
    error: str = ""  # with ok == False: what is wrong, in Chinese, fit to be shown


ServerMessage = (
    Snapshot
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
)

# ---------------------------------------------------------------- page -> server


class Ready(Command, frozen=True):
    """示闲: take calls."""


class NotReady(Command, frozen=True):
    """示忙 with a reason; while talking it takes effect after wrap-up."""

    reason: str  # acd.messages.NotReadyReason: rest, meal, training, meeting, other


class FinishWrapUp(Command, frozen=True):
    """整理完毕: end the wrap-up time early."""


class ExtendWrapUp(Command, frozen=True):
    seconds: float  # 1 to 600


class EditField(Command, frozen=True):
    """The agent typed (or accepted, or cleared) one field."""

    order_id: str
    field: str  # orders.messages.OrderField
    value: str  # at most 4,000 characters; "" clears it
    seen: int | None = None  # version of the draft that was looked at: a later edit of another's refuses this


class SubmitOrder(Command, frozen=True):
    order_id: str


class DiscardOrder(Command, frozen=True):
    order_id: str
    reason: str  # 1 to 200 characters


class FindTargets(Command, frozen=True):
    """Who could take or join a call; answered by TargetsView."""

    text: str  # part of a name or number, at most 40 characters; "": everybody


class CallCommand(Command, frozen=True):
    """Base of everything that is asked for the call in hand."""

    call_id: str  # refused unless it is the agent's call now


class AddOrder(CallCommand, frozen=True):
    """One more order for the call in hand, by hand; its empty draft comes as a DraftView."""


class TargetCommand(CallCommand, frozen=True):
    """Base of everything that names whom a call goes to."""

    kind: TargetKind  # what is named
    key: str  # as in TargetView; digits with EXTERNAL


class Consult(TargetCommand, frozen=True):
    """咨询: ring them and talk alone; the citizen hears music. Of a queue the best free agent is rung."""


class CompleteTransfer(CallCommand, frozen=True):
    """完成转接: citizen and the consulted talk, the agent writes up."""


class CancelConsult(CallCommand, frozen=True):
    """取消咨询: back to the citizen."""


class Conference(CallCommand, frozen=True):
    """三方: citizen, agent and the consulted talk together."""


class BlindTransfer(TargetCommand, frozen=True):
    """直接转: the citizen goes there at once; back to the line when nobody takes the call."""


class AddParty(TargetCommand, frozen=True):
    """加入: ring them and let them into the talk (interpreter, expert). Of a queue the best free agent."""


class DropParty(CallCommand, frozen=True):
    """请出: end the telephone of one party, ringing or talking."""

    party_id: str  # as in PartyView


class LeaveConference(CallCommand, frozen=True):
    """退出会议: the others go on, the agent writes up."""


class ReturnToQueue(CallCommand, frozen=True):
    """退回队列: the citizen is in line again, at the place of before."""


class EmergencyTransfer(CallCommand, frozen=True):
    """一键 110/119/120: the service joins (or is consulted), and gets place and transcript."""

    service: str  # its name in the directory


class PhoneCommand(CallCommand, frozen=True):
    """Base of everything that is asked for the agent's own telephone."""


class Rejoin(PhoneCommand, frozen=True):
    """接回: this page's softphone is registered and has no leg of the call; ring it for the call again."""


class AnswerPhone(PhoneCommand, frozen=True):
    """接听: ask the desk phone that rings to go off the hook; not every telephone can."""


class HangUpPhone(PhoneCommand, frozen=True):
    """挂断、拒接: put the agent's telephone down, whichever it is."""


class HoldPhone(PhoneCommand, frozen=True):
    """保持、取回: the citizen hears music, whatever telephone the agent has."""

    on: bool  # False: take the citizen back


class ReportQuality(Command, frozen=True):
    """How the agent's side of a call sounded over the last interval, as the browser measured it."""

    call_id: str
    loss: float  # share of packets lost, 0 to 1
    jitter_ms: float  # 0 to 10,000
    rtt_ms: float  # 0 to 60,000
    mos: float  # estimate by the E-model, 1 to 4.5


class Ping(Command, frozen=True):
    """Keeps the session and the connection alive; answered by `Reply`."""

    seen: int = 0  # number of the newest message that the page has; the server need not keep those before


class Resync(Command, frozen=True):
    """Asks for a new snapshot: the page has noticed that a number is missing. Answered by the snapshot."""


TransferMessage = (
    FindTargets
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
)

SupervisorMessage = (
    Listen
    | Whisper
    | Barge
    | StopListening
    | TakeOver
    | EndCall
    | MoveCall
    | ForceState
    | ChangeSkills
    | SendMessage
)

PageMessage = (
    Ready
    | NotReady
    | FinishWrapUp
    | ExtendWrapUp
    | EditField
    | SubmitOrder
    | DiscardOrder
    | AddOrder
    | TransferMessage
    | SupervisorMessage
    | ReadMessage
    | Watch
    | TextMessage
    | Rejoin
    | AnswerPhone
    | HangUpPhone
    | HoldPhone
    | ReportQuality
    | Ping
    | Resync
)

# ---------------------------------------------------------------- the call journal


class EntryKind(StrEnum):
    """Kinds of journal entries; `data` of each is named beside it."""

    CALL_STATE = "call_state"  # state, and what changed with it: caller, called, queue, agent_id, outcome …
    CALL_LEG = (
        "call_leg"  # an agent's ring: agent_id, result (answered, missed, refused, caller_gone), ring_s
    )
    TRANSCRIPT = "transcript"  # line_id, speaker, text, verbatim, start, end, confidence, words
    RATING = "rating"  # score
    RECORDING = "recording"  # file (relative to the recordings folder), seconds, bytes
    ORDER = "order"  # order_id, event (its kind) and the event's fields; replayed into orders.store
    CALLBACK = "callback"  # callback_id, event (wanted, dialled, reached, failed …), number
    TRANSFER = "transfer"  # kind, target, by, result, and for one-key services what was handed over
    MESSAGE = "message"  # a voice message (留言): file, seconds, purpose
    NOTE = "note"  # what a flow noted: kind and its values
    VISIT = "visit"  # a return visit (回访): event, owner, visit; call_id is the visit's id
    QUALITY = "quality"  # how a leg sounded: agent_id, loss, jitter_ms, rtt_ms, mos
    SUPERVISION = "supervision"  # by, agent_id, act (listen, whisper, barge, takeover, end, move …), reason
    TEXT = "text"  # one line written in a call: line_id, by ("citizen" or a login), text
    AGENT_STATE = "agent_state"  # agent_id, state, reason; call_id is "" when no call is concerned


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the journal: written to the local file first, then to the database, exactly once."""

    entry_id: str  # unique, sortable by time; the database refuses the second of two equal ones
    call_id: str  # which call, "" for none
    at: float  # epoch seconds
    kind: EntryKind  # what happened
    data: Mapping[str, object]  # as said at the kind; JSON types only
