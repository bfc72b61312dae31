"""What figures are made of: facts about calls, agents' time and call-backs. Pure data.

Times are epoch seconds. None means "not known", never zero: records of before may not have it, and what has
not happened yet has no value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from acd.messages import AgentState
from cti.message_base import Outcome
from cti.settings import FigureSettings

__all__ = ["AgentFact", "CallFact", "CallKind", "CallbackFact", "Facts", "Part", "Rules", "Span"]


class CallKind(StrEnum):
    """Who wanted the call."""

    INBOUND = "inbound"  # a citizen called us
    CALLBACK = "callback"  # we called a citizen back
    VISIT = "visit"  # the robot called a citizen (回访)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one agent did for one call."""

    agent_id: str  # login
    talk_s: float = 0.0  # with the citizen, hold and consultation included
    hold_s: float = 0.0  # of talk_s, on hold
    consult_s: float = 0.0  # of talk_s, while the agent spoke with somebody else alone
    wrap_s: float = 0.0  # wrote it up
    rings: int = 0  # of their telephone, answered ones included
    missed: int = 0  # of those, not answered in time (RONA), refused, or the telephone was not reached


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFact:
    """One call. It belongs to the interval and the day in which it began (`started`)."""

    call_id: str  # which
    started: float  # reached us
    caller: str = ""  # calling number, "" when withheld
    called: str = ""  # number that was dialled
    kind: CallKind = CallKind.INBOUND  # who wanted it
    media: str = "voice"  # acd.messages.Media
    queue: str = ""  # skill queue, the last one; "" when it never came to one
    queue_title: str = ""  # its Chinese name
    queued: float | None = None  # first began to wait for a person; None: never asked for one
    answered: float | None = None  # a person answered first; None: nobody (yet)
    ended: float | None = None  # the citizen was gone; None: still there
    outcome: Outcome | None = None  # with ended
    agent_id: str | None = None  # who talked with the citizen last
    waited_s: float | None = None  # from queued to answered; None: nobody answered
    talk_s: float | None = None  # connected with a person, hold and consultation included; None: not known
    hold_s: float | None = None  # of talk_s, on hold
    consult_s: float | None = None  # of talk_s, while the agent spoke with somebody else alone
    wrap_s: float | None = None  # all agents' wrap-up for it; None: not known, or nobody wrote it up
    ring_s: float | None = None  # the ring that was answered; None: none was
    rings: int = 0  # rings of agents' telephones that came to an end, answered ones included
    missed: int = 0  # of those, not answered though the citizen was there (RONA, refused, phone lost)
    transfers: int = 0  # transfers, conferences and hand-overs that came about
    satisfaction: int | None = None  # 1 to 5; None: not rated
    category: str = ""  # 事项分类 of its first submitted order
    district: str = ""  # 区县 of that order
    orders: int = 0  # submitted orders

    native: bool = False  # answered through Asterisk's own queue, while no server had the call
    failures: int = 0  # times that a server lost it and it was taken up again
    opening: str = ""  # what the calendar said: "open", "closed", "holiday"; "" when nobody asked it
    staff_ready: int | None = None  # agents who could take it and were free, when it began to wait
    staff_busy: int | None = None  # who could, and talked, rang or wrote up
    staff_away: int | None = None  # who could, and were signed in but not ready
    repeat: bool | None = None  # same number and category talked with us within `Rules.repeat_days` before
    parts: tuple[Part, ...] = ()  # what each agent did for it, in the order of their logins

    @property
    def offered(self) -> bool:
        """Whether a citizen asked for a person: waited, was answered, or could not because we failed."""
        return self.kind is CallKind.INBOUND and (
            self.queued is not None or self.answered is not None or self.outcome is Outcome.FAILED
        )

    @property
    def decided(self) -> bool:
        """Whether it is known by now if a person answered."""
        return self.answered is not None or self.ended is not None

    @property
    def wait_s(self) -> float | None:
        """Seconds in line until a person answered or the wait was over; None while it waits, or never did."""
        if self.waited_s is not None:
            return self.waited_s
        over = self.answered if self.answered is not None else self.ended
        if over is None or (self.queued is None and self.answered is None):
            return None
        return max(0.0, over - (self.started if self.queued is None else self.queued))


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFact:
    """One stretch of an agent's time in one state."""

    agent_id: str  # login
    state: AgentState  # what they did
    since: float  # began
    until: float | None = None  # ended; None: lasts
    reason: str = ""  # with not_ready: acd.messages.NotReadyReason
    call_id: str = ""  # with ringing, talking, wrap_up, reserved: for which call


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackFact:
    """One call-back, as it stands; it belongs to the time of its first wish."""

    callback_id: str  # which
    first_at: float  # wished first
    origin: str  # acd.callbacks.Origin
    state: str  # acd.callbacks.CallbackState
    queue: str = ""  # skill queue
    tries: int = 0  # times dialled
    state_since: float = 0.0  # since when it is so


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that figures are computed from."""

    calls: Sequence[CallFact] = ()
    agents: Sequence[AgentFact] = ()  # empty where time cannot be told apart, as for one category
    callbacks: Sequence[CallbackFact] = ()

    @classmethod
    def of(cls, calls: Iterable[CallFact]) -> Facts:
        """Facts about calls alone."""
        return cls(calls=tuple(calls))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From a time on and before another one."""

    since: float
    until: float

    def __post_init__(self) -> None:
        if not self.since <= self.until:
            raise ValueError(f"a span ends at {self.until}, before it begins at {self.since}")

    @property
    def seconds(self) -> float:
        """How long."""
        return self.until - self.since

    def holds(self, at: float) -> bool:
        """Whether a time is within."""
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Where the lines are drawn."""

    answer_s: float = 15.0  # answered within so many seconds is in time (GB/T 33358)
    connected: float = 0.95  # share of calls to be answered in any 24 hours (GB/T 33358)
    short_s: float = 5.0  # who hangs up earlier gave nobody a chance: a short abandon
    repeat_days: int = 7  # same number and category again within so many days: not solved the first time
    satisfied_from: int = 4  # ratings from here on count as satisfied

    @classmethod
    def of(cls, settings: FigureSettings) -> Rules:
        """The rules that the settings say."""
        return cls(
            answer_s=settings.answer_s,
            connected=settings.connected,
            short_s=settings.short_s,
            repeat_days=settings.repeat_days,
            satisfied_from=settings.satisfied_from,
        )
