"""Return visits (回访): the life of one, from plan to answer. Pure: values and a time in, the next value out.

A visit belongs to one accepted order. When its time has come, and the load allows it, the citizen is called
and asked whether the matter was solved and how satisfied they are. What is answered is kept at once, so that
whoever hangs up in the middle has still answered; who was not reached is tried again by policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from orders.errors import OrderError, ValueRefused
from orders.messages import Solved
from orders.visit_policy import Result, VisitPolicy

__all__ = [
    "LEGAL",
    "OPEN",
    "Answers",
    "IllegalVisitMove",
    "Result",
    "Visit",
    "VisitState",
    "came_due",
    "cancelled",
    "dialled",
    "expired",
    "noted",
    "over",
    "picked_up",
    "planned",
    "put_off",
    "released",
    "settled",
    "unreached",
    "visit_id_of",
]

CALLS_KEPT = 20
"""Ids of calls that one visit remembers."""
WORDS_MAX = 1000
REASON_MAX = 200


class IllegalVisitMove(OrderError):
    """An event reached a visit in a state in which it cannot happen."""

    def __init__(self, visit_id: str, state: str, event: str) -> None:
        super().__init__(
            f"visit {visit_id}: {event!r} is not legal in state {state!r}", shown="这次回访现在不能这样操作"
        )
        self.state = state
        self.event = event


class VisitState(StrEnum):
    """Where a visit is."""

    PLANNED = "planned"  # 已计划: not before `due_at`, the first time or again
    DUE = "due"  # 待拨打: its time has come; waits for a free robot line
    DIALLING = "dialling"  # 正在呼叫: the citizen's telephone is being called
    TALKING = "talking"  # 通话中: the citizen answered
    ANSWERED = "answered"  # 已答复: the citizen was asked and answered, by robot or to a person
    GIVEN_UP = "given_up"  # 未访到: `reason` says why
    CANCELLED = "cancelled"  # 已取消: by a person, before anything was answered


S = VisitState

LEGAL: Mapping[str, frozenset[VisitState]] = {
    "came_due": frozenset({S.PLANNED}),
    "put_off": frozenset({S.PLANNED, S.DUE}),
    "dialled": frozenset({S.DUE}),
    # planned, due: the citizen answers a call of which a restarted server did not know
    "picked_up": frozenset({S.PLANNED, S.DUE, S.DIALLING}),
    "unreached": frozenset({S.DIALLING}),
    "released": frozenset({S.DIALLING}),
    "noted": frozenset({S.TALKING}),
    "over": frozenset({S.TALKING}),
    "settled": frozenset({S.PLANNED, S.DUE, S.GIVEN_UP, S.ANSWERED}),
    "cancelled": frozenset({S.PLANNED, S.DUE}),
    "expired": frozenset({S.PLANNED, S.DUE}),
}
"""Event -> states in which it may happen; everything else raises."""

OPEN = frozenset({S.PLANNED, S.DUE, S.DIALLING, S.TALKING})
"""States in which there is still something to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a citizen has answered so far.

    Raises:
        ValueRefused: a value is out of bounds.
    """

    solved: Solved | None = None  # None: not answered
    satisfaction: int | None = None  # with the result, 5 … 1, None: not answered
    service: int | None = None  # with how they were treated, 5 … 1, None: not answered
    words: str = ""  # as they were understood
    audio_from: float | None = None  # where in the recording, seconds
    audio_to: float | None = None  # seconds
    wants_person: bool = False  # asked for a person

    def __post_init__(self) -> None:
        """Check the bounds."""
        for name, mark in (("satisfaction", self.satisfaction), ("service", self.service)):
            if mark is not None and mark not in range(1, 6):
                raise ValueRefused(f"{name} is {mark}, expected 1 to 5", shown="满意度只能是 1 到 5")
        if len(self.words) > WORDS_MAX:
            raise ValueRefused(
                f"words have {len(self.words)} characters, at most {WORDS_MAX}", shown="内容过长，请缩短"
            )

    @property
    def any(self) -> bool:
        """Whether a question was answered, or a person asked for."""
        return self.rates or self.wants_person

    @property
    def rates(self) -> bool:
        """Whether a question was answered."""
        return any(one is not None for one in (self.solved, self.satisfaction, self.service))

    def then(self, newer: Answers) -> Answers:
        """These with everything newer that was answered."""
        return Answers(
            solved=newer.solved if newer.solved is not None else self.solved,
            satisfaction=newer.satisfaction if newer.satisfaction is not None else self.satisfaction,
            service=newer.service if newer.service is not None else self.service,
            words=newer.words or self.words,
            audio_from=newer.audio_from if newer.words else self.audio_from,
            audio_to=newer.audio_to if newer.words else self.audio_to,
            wants_person=self.wants_person or newer.wants_person,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One return visit. Times are epoch seconds."""

    visit_id: str  # which
    order_id: str  # of which order
    order_number: str  # 工单编号
    number: str  # whom to call, normalised
    state: VisitState  # where it is
    state_since: float  # when that began
    planned_at: float  # when it was planned
    due_at: float  # not before
    by: str  # login of who planned it
    tries: int = 0  # times that the citizen's telephone was called
    failures: int = 0  # of those, failures of the network or ours
    last_result: Result | None = None  # of the last try
    call_id: str = ""  # the call that dials or talks, or did last
    calls: tuple[str, ...] = ()  # all of them, oldest first
    answers: Answers = field(default_factory=Answers)  # so far
    silent: bool = False  # in this call nobody, or a machine, spoke
    recorded_by: str = ""  # with answers: "robot" or "agent:<login>"
    reason: str = ""  # why it was given up or cancelled

    @property
    def open(self) -> bool:
        """Whether there is still something to do."""
        return self.state in OPEN


def visit_id_of(order_id: str, count: int) -> str:
    """Id of an order's visit number `count` (from 1): who plans it twice at once plans one."""
    return f"v{count}-{order_id}"[:80]


def _move(visit: Visit, event: str, now: float, to: VisitState, **changes: Any) -> Visit:
    if visit.state not in LEGAL[event]:
        raise IllegalVisitMove(visit.visit_id, visit.state.value, event)
    if to is not visit.state:
        changes |= {"state": to, "state_since": now}
    return replace(visit, **changes)


def planned(
    visit_id: str,
    *,
    order_id: str,
    order_number: str,
    number: str,
    due_at: float,
    by: str,
    now: float,
) -> Visit:
    """A new visit."""
    return Visit(
        visit_id=visit_id,
        order_id=order_id,
        order_number=order_number,
        number=number,
        state=S.PLANNED,
        state_since=now,
        planned_at=now,
        due_at=due_at,
        by=by,
    )


def came_due(visit: Visit, now: float) -> Visit:
    """Its time has come; it waits until the load allows a call."""
    return _move(visit, "came_due", now, S.DUE)


def put_off(visit: Visit, due_at: float, now: float) -> Visit:
    """Not now: outside the calling hours, or the number cannot be looked at."""
    return _move(visit, "put_off", now, S.PLANNED, due_at=due_at)


def dialled(visit: Visit, call_id: str, now: float) -> Visit:
    """The citizen's telephone is called; `call_id` is the id of that channel."""
    return _move(
        visit, "dialled", now, S.DIALLING, call_id=call_id, tries=visit.tries + 1, silent=False,
        calls=(*visit.calls, call_id)[-CALLS_KEPT:],
    )  # fmt: skip


def picked_up(visit: Visit, call_id: str, now: float) -> Visit:
    """The citizen, or their answering machine, answered."""
    calls = visit.calls if call_id in visit.calls else (*visit.calls, call_id)[-CALLS_KEPT:]
    return _move(visit, "picked_up", now, S.TALKING, call_id=call_id, calls=calls, silent=False)


def unreached(visit: Visit, result: Result, policy: VisitPolicy, now: float) -> Visit:
    """Nobody answered: again after a while, or given up by policy."""
    return _again(visit, "unreached", result, policy, now)


def released(visit: Visit, now: float) -> Visit:
    """Nobody knows what became of the dialling: it is done again, and costs no try."""
    return _move(visit, "released", now, S.DUE, call_id="", tries=max(0, visit.tries - 1))


def noted(visit: Visit, answers: Answers, now: float, *, silent: bool = False, by: str = "robot") -> Visit:
    """The citizen has answered something; `silent`: nobody spoke, or a machine did.

    `by` is "robot" or "agent:<login>"; what a person recorded, the robot only adds to.
    """
    person = visit.recorded_by.startswith("agent:")
    both = answers.then(visit.answers) if person and by == "robot" else visit.answers.then(answers)
    recorded_by = visit.recorded_by if person or not answers.any else by
    return _move(
        visit,
        "noted",
        now,
        S.TALKING,
        answers=both,
        silent=silent and not answers.any,
        recorded_by=recorded_by,
    )


def over(visit: Visit, policy: VisitPolicy, now: float, *, person: str = "") -> Visit:
    """The call is over; `person` is the login of who talked with the citizen, if anybody did."""
    if visit.answers.any or person:
        by = visit.recorded_by or (f"agent:{person}" if person else "robot")
        return _move(visit, "over", now, S.ANSWERED, last_result=Result.ANSWERED, recorded_by=by)
    if visit.silent:
        return _again(visit, "over", Result.NO_ANSWER, policy, now)
    result = Result.UNCLEAR if visit.answers.words else Result.REFUSED
    return _again(visit, "over", result, policy, now)


def settled(visit: Visit, answers: Answers, by: str, now: float) -> Visit:
    """A person asked the citizen, or puts right what the robot understood; `by` is their login."""
    return _move(
        visit, "settled", now, S.ANSWERED, answers=visit.answers.then(answers), recorded_by=f"agent:{by}",
        reason="",
    )  # fmt: skip


def cancelled(visit: Visit, reason: str, by: str, now: float) -> Visit:
    """A person does not want it any more, or policy forbids it (`by` is "system" then)."""
    return _move(visit, "cancelled", now, S.CANCELLED, reason=reason[:REASON_MAX], recorded_by=by)


def expired(visit: Visit, now: float) -> Visit:
    """Planned so long ago that nobody would know what is asked about."""
    return _move(visit, "expired", now, S.GIVEN_UP, reason="expired")


def _again(visit: Visit, event: str, result: Result, policy: VisitPolicy, now: float) -> Visit:
    failures = visit.failures + (result is Result.FAILED)
    heard = {"last_result": result, "failures": failures, "silent": False}
    if result is Result.UNREACHABLE:
        return _move(visit, event, now, S.GIVEN_UP, reason=result.value, **heard)
    if visit.tries - failures >= policy.tries or failures >= policy.failures:
        return _move(visit, event, now, S.GIVEN_UP, reason="tries", **heard)
    return _move(visit, event, now, S.PLANNED, due_at=policy.again_at(result, now), **heard)
