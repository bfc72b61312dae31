"""What the server and the pages say to each other, and what goes into the call journal.

Every message is one JSON object on the desk's WebSocket with a `type` naming the class in snake case.
Times are epoch seconds (float) unless a field says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What a signed-in person may do."""

    AGENT = "agent"  # 坐席
    SUPERVISOR = "supervisor"  # 班长
    ADMIN = "admin"  # 管理员


class CallState(StrEnum):
    """Where one call is; legal moves are the table in `cti.call`."""

    INCOMING = "incoming"
    IN_FLOW = "in_flow"
    WAITING = "waiting"
    RINGING = "ringing"
    TALKING = "talking"
    HELD = "held"
    CONSULTING = "consulting"
    WRAP_UP = "wrap_up"
    SURVEY = "survey"
    ENDED = "ended"


class Outcome(StrEnum):
    """How a call ended, seen from the citizen."""

    ANSWERED = "answered"  # talked with a person
    SERVED = "served"  # the flow did what was wanted: another number answered, a message, a call-back
    ABANDONED_IN_FLOW = "abandoned_in_flow"  # hung up before asking for a person
    ABANDONED_WAITING = "abandoned_waiting"  # hung up while waiting or ringing
    FAILED = "failed"  # our fault


class TargetKind(StrEnum):
    """Whom a call is transferred to, or who is asked in."""

    AGENT = "agent"  # a colleague; key: login
    QUEUE = "queue"  # a skill queue; key: its name
    UNIT = "unit"  # 承办单位 or 部门 of the directory; key: its name there
    SERVICE = "service"  # 110, 119, 120, 122, 12348, water, power, gas …; key: its name in the directory
    EXTERNAL = "external"  # any number; key: the digits


class PartyState(StrEnum):
    """What one person in a call is doing."""

    RINGING = "ringing"  # their telephone rings
    CONSULTING = "consulting"  # talks with the agent alone
    TALKING = "talking"  # all hear one another
    HELD = "held"  # hears music


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


class View(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=_snake):
    """Base of everything sent to a page; `type` is the class name in snake case."""


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=_snake):
    """Base of everything a page asks for; `ref` comes back in the `Reply`."""

    ref: str = ""  # chosen by the page, at most 64 characters


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


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    queue: str  # name
    title: str  # Chinese name
    waiting: int  # citizens in line now
    longest_wait_s: float  # of those
    agents_ready: int  # who could take one now
    agents_busy: int  # talking, ringing or in wrap-up


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


class Notice(View, frozen=True):
    """A sentence for the person at the page, in Chinese."""

    level: str  # "success", "info", "warning", "error"
    text: str  # what happened


class Snapshot(View, frozen=True):
    """First message on every connection: the whole truth for this person, then changes follow."""

    me: AgentView
    health: HealthView
    queues: QueuesView
    call: CallView | None = None  # the call they ring for, talk to or wrap up
    captions: tuple[Caption, ...] = ()  # of that call so far
    draft: DraftView | None = None  # of that call
    more_drafts: tuple[DraftView, ...] = ()  # further matters of that call, in the order they came up
    advice: tuple[AdviceView, ...] = ()  # beside those drafts
    callback: CallbackView | None = None  # the call-back they are reserved for


class Reply(View, frozen=True):
    """Answer to a command."""

    ref: str  # the command's
    ok: bool  # done
    error: str = ""  # with ok == False: what is wrong, in Chinese, fit to be shown


ServerMessage = (
    Snapshot
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


class TargetCommand(CallCommand, frozen=True):
    """Base of everything that names whom a call goes to."""

    kind: TargetKind  # what is named
    key: str  # as in TargetView; digits with EXTERNAL


class Consult(TargetCommand, frozen=True):
    """咨询: ring them and talk alone; the citizen hears music. Not for queues."""


class CompleteTransfer(CallCommand, frozen=True):
    """完成转接: citizen and the consulted talk, the agent writes up."""


class CancelConsult(CallCommand, frozen=True):
    """取消咨询: back to the citizen."""


class Conference(CallCommand, frozen=True):
    """三方: citizen, agent and the consulted talk together."""


class BlindTransfer(TargetCommand, frozen=True):
    """直接转: the citizen goes there at once; back to the line when nobody takes the call."""


class AddParty(TargetCommand, frozen=True):
    """加入: ring them and let them into the talk (interpreter, expert). Not for queues."""


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


class Ping(Command, frozen=True):
    """Keeps the session and the connection alive; answered by `Reply`."""


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

PageMessage = (
    Ready
    | NotReady
    | FinishWrapUp
    | ExtendWrapUp
    | EditField
    | SubmitOrder
    | DiscardOrder
    | TransferMessage
    | Ping
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
    AGENT_STATE = "agent_state"  # agent_id, state, reason; call_id is "" when no call is concerned


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the journal: written to the local file first, then to the database, exactly once."""

    entry_id: str  # unique, sortable by time; the database refuses the second of two equal ones
    call_id: str  # which call, "" for none
    at: float  # epoch seconds
    kind: EntryKind  # what happened
    data: Mapping[str, object]  # as said at the kind; JSON types only
