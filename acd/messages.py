"""What the router hears and what it decides.

Events go in with a time, decisions come out; both are plain data. Times are seconds on one clock
(the wall clock as `float` epoch seconds, so that they mean the same after a restart).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class AgentState(StrEnum):
    """What an agent is doing, as the router sees it."""

    OFFLINE = "offline"
    NOT_READY = "not_ready"
    READY = "ready"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    RESERVED = "reserved"  # kept free for a call-back: the citizen is being dialled

    __hash__ = str.__hash__  # many times a decision, and Enum's own is slow


class Media(StrEnum):
    """How citizen and agent meet: one voice or video call at a time, or several texts."""

    VOICE = "voice"
    VIDEO = "video"
    TEXT = "text"

    __hash__ = str.__hash__  # many times a decision, and Enum's own is slow


class NotReadyReason(StrEnum):
    """Why a signed-in agent takes no calls; the desk shows it in Chinese."""

    SIGNED_IN = "signed_in"  # just signed in, has not asked for calls yet
    REST = "rest"  # 小休
    MEAL = "meal"  # 用餐
    TRAINING = "training"  # 培训
    MEETING = "meeting"  # 会议
    OTHER = "other"  # 其他
    MISSED_RING = "missed_ring"  # RONA: the phone rang and nobody answered
    REFUSED = "refused"  # the agent rejected the ring
    PHONE_LOST = "phone_lost"  # the softphone or desk phone is not registered
    LOST = "lost"  # the desk's connection vanished


# ---------------------------------------------------------------- events


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSignedIn:
    agent_id: str  # who
    skills: Mapping[str, int]  # skill name -> level, 1 (beginner) to 5 (expert); languages are skills, too
    team: str = ""  # 班组, "" when none
    place: str = ""  # centre where the agent sits, "" for the only one
    texts: int = 0  # how many text conversations at once, beside no voice call
    auto_ready: bool = False  # take calls at once instead of waiting for 示闲


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSignedOut:
    agent_id: str  # who; a ringing call goes back to its place, a talking one goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentBecameReady:
    agent_id: str  # who pressed 示闲


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentBecameNotReady:
    agent_id: str  # who
    reason: NotReadyReason  # why; while talking it takes effect after wrap-up


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSkillsChanged:
    agent_id: str  # who
    skills: Mapping[str, int]  # the whole new set; counts from the next decision on
    team: str | None = None  # new team; None: as before
    place: str | None = None  # new place; None: as before
    texts: int | None = None  # new number of texts at once; None: as before


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpFinished:
    agent_id: str  # who submitted or closed the order before the wrap-up limit


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpExtended:
    agent_id: str  # who
    seconds: float  # how much longer than the present limit


@dataclass(frozen=True, slots=True, kw_only=True)
class CallQueued:
    call_id: str  # which call
    queue: str  # the skill queue's name, as in the policy
    needs: Mapping[str, int]  # skill -> minimum level
    also: tuple[str, ...] = ()  # further queues whose agents may take it, at the same place
    media: Media = Media.VOICE  # what the agent needs for it
    priority: int = 0  # each point counts as so many seconds of waiting (the policy's `ageing_s`)
    urgent: bool = False  # goes before everybody who is not
    since: float  # when the citizen began to wait; kept across crash, missed ring, transfer and call-back
    avoid: frozenset[str] = frozenset()  # agents not to offer first (they just missed this call)
    prefer: tuple[str, ...] = ()  # last agent, case owner: first choice until the policy's `prefer_s` is over
    callback: bool = False  # nobody is on the line: the citizen is dialled when an agent is reserved
    reason: str = ""  # why it is queued again: "transfer", "returned"; kept with the call


@dataclass(frozen=True, slots=True, kw_only=True)
class CallChanged:
    """What the call needs became clearer while it waits (speech, keys); the place in line stays."""

    call_id: str  # which waiting call; one that rings keeps its agent
    queue: str | None = None  # None: as before
    needs: Mapping[str, int] | None = None  # None: as before
    priority: int | None = None  # None: as before
    urgent: bool | None = None  # None: as before
    also: tuple[str, ...] | None = None  # all further queues; None: as before. The call stays in `queue`, too


@dataclass(frozen=True, slots=True, kw_only=True)
class BecameCallback:
    call_id: str  # the waiting citizen hangs up and will be called back; the place stays


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackReached:
    """The dialled citizen answered: the reserved agent's phone is rung for the new call."""

    call_id: str  # the call-back
    agent_id: str  # who is reserved for it
    new_call_id: str  # the citizen's new channel


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackFailed:
    """The citizen was not reached; the agent is free again, with the time spent idle counting."""

    call_id: str  # the call-back
    agent_id: str  # who was reserved for it
    again_at: float | None  # epoch seconds from which it may be tried again at its place; None: given up


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLeft:
    call_id: str  # hung up or left the queue by the flow before anybody answered


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferAnswered:
    call_id: str  # which call
    agent_id: str  # who answered


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferMissed:
    call_id: str  # which call
    agent_id: str  # whose phone rang out
    reason: NotReadyReason = NotReadyReason.MISSED_RING  # MISSED_RING, REFUSED or PHONE_LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    call_id: str  # which call
    agent_id: str  # who talked; goes to wrap-up


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkRestored:
    call_id: str  # a call found already bridged after a restart, or answered through the native queue
    agent_id: str  # with whom


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultRequested:
    """An agent asks a colleague in; the colleague rings outside every line."""

    call_id: str  # the call that is talked about
    agent_id: str  # the colleague, who must be ready


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultAnswered:
    call_id: str  # which call
    agent_id: str  # the colleague answered: talking, but the call stays with its agent


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultEnded:
    """The consultation is over, or nobody answered; no wrap-up follows."""

    call_id: str  # which call
    agent_id: str  # the colleague
    missed: bool = False  # the phone rang out or was refused: not ready, as after any missed ring


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkMoved:
    """An attended transfer is complete: the first agent wraps up, the colleague has the call."""

    call_id: str  # which call
    agent_id: str  # who has it now (was consulted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time passed: wrap-up limits, ring limits and ageing are looked at."""


Event = (
    AgentSignedIn
    | AgentSignedOut
    | AgentBecameReady
    | AgentBecameNotReady
    | AgentSkillsChanged
    | WrapUpFinished
    | WrapUpExtended
    | CallQueued
    | CallChanged
    | BecameCallback
    | CallbackReached
    | CallbackFailed
    | ConsultRequested
    | ConsultAnswered
    | ConsultEnded
    | TalkMoved
    | CallLeft
    | OfferAnswered
    | OfferMissed
    | CallEnded
    | TalkRestored
    | Tick
)

# ---------------------------------------------------------------- decisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    call_id: str  # ring for this call
    agent_id: str  # this agent's phone
    ring_until: float  # epoch seconds at which the ring (or the dialling of the citizen) counts as missed
    callback: bool = False  # dial the citizen first; the agent is reserved
    step: int = 0  # relaxation steps taken before somebody was found


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferWithdrawn:
    call_id: str  # stop ringing for this call
    agent_id: str  # at this agent
    reason: str  # "caller_gone", "ring_limit", "agent_left"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChanged:
    agent_id: str  # who
    state: AgentState  # the new state
    reason: NotReadyReason | None = None  # with NOT_READY
    call_id: str | None = None  # with RINGING, TALKING, WRAP_UP
    since: float  # when it began
    until: float | None = None  # with WRAP_UP and RINGING: when it ends by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceChanged:
    call_id: str  # which waiting call
    place: int  # 1 is next in line in its queue
    expected_wait_s: float | None = None  # None where no honest estimate exists yet
    low_s: float | None = None  # 80 % of such waits were measured between these two
    high_s: float | None = None
    helps: bool = False  # the estimate is good enough to be announced


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAway:
    """The last relaxation step: another centre takes the call; it has left the line."""

    call_id: str  # which call
    number: str  # the other centre's number


Decision = SentAway | Offer | OfferWithdrawn | AgentChanged | PlaceChanged

# ---------------------------------------------------------------- state kept outside (Redis)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRecord:
    """One agent's live state, as stored and as restored."""

    agent_id: str  # who
    state: AgentState  # what they do
    since: float  # since when
    skills: Mapping[str, int] = field(default_factory=dict)  # skill -> level
    reason: NotReadyReason | None = None  # with NOT_READY
    team: str = ""  # 班组
    place: str = ""  # centre
    texts: int = 0  # text conversations at once
    texting: tuple[str, ...] = ()  # text conversations now
    consulting: bool = False  # with RINGING, TALKING: as a consulted colleague
    call_id: str | None = None  # with RESERVED, RINGING, TALKING, WRAP_UP
    queue: str | None = None  # with RINGING, TALKING, WRAP_UP: the queue that call came through
    until: float | None = None  # with RINGING, WRAP_UP
    idle_since: float | None = None  # with READY, RINGING, RESERVED: waits for a call since then
    shift_since: float | None = None  # signed in since
    busy_s: float = 0.0  # seconds of talk and wrap-up since then
    after: AgentState = (
        AgentState.READY
    )  # state to enter when wrap-up ends (NOT_READY if asked for while talking)
    after_reason: NotReadyReason | None = None  # with after == NOT_READY


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRecord:
    """One waiting (or offered) call, as stored and as restored."""

    call_id: str  # which call
    queue: str  # in which queue
    needs: Mapping[str, int]  # skill -> minimum level
    priority: int  # higher first
    since: float  # began to wait
    avoid: frozenset[str] = frozenset()  # agents who missed it
    also: tuple[str, ...] = ()  # further queues
    media: Media = Media.VOICE  # what the agent needs for it
    urgent: bool = False  # before everybody who is not
    prefer: tuple[str, ...] = ()  # last agent, case owner
    callback: bool = False  # the citizen is to be called back
    not_before: float | None = None  # with callback: next try
    reason: str = ""  # why it was queued again
    offered_to: str | None = None  # who is ringing for it now
    ring_until: float | None = None  # with offered_to, for texts: when the offer counts as missed
    queued_at: float | None = None  # joined this line; steps and preference count from then. None: `since`
    step: int = 0  # relaxation steps taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What became different since the changes were last taken; stored in one transaction."""

    agents: tuple[AgentRecord, ...] = ()  # new or changed
    gone_agents: tuple[str, ...] = ()  # signed out: their records are deleted
    waiting: tuple[WaitingRecord, ...] = ()  # new or changed
    gone_calls: tuple[str, ...] = ()  # answered or left: their records are deleted

    def __bool__(self) -> bool:
        """True when there is anything to store."""
        return bool(self.agents or self.gone_agents or self.waiting or self.gone_calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staffed:
    """How many agents with some skills are signed in at one moment."""

    ready: int  # take a call at once
    busy: int  # ring, talk, write up, or are reserved for a call-back
    away: int  # are not ready


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """One queue as the wallboard shows it."""

    queue: str  # name
    waiting: int  # calls in line, those that ring included
    oldest_since: float | None  # when the longest waiting of those began to wait
    agents_ready: int  # ready now with the queue's usual skills
    agents_busy: int  # ringing, talking or in wrap-up with those skills
