"""The one table of what may happen to an accepted order in which state, and where it is then.

Most moves lead to one state. `Either` leads to one of two: by what was decided (accepted, passed), or by
whether the lead or a joint unit did it. `BACK` is where the order was before it was held up
(`Course.held_from`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from orders.course_events import (
    AnsweredDirectly,
    AppealRaised,
    AppealRuled,
    CitizenReplied,
    ClockPaused,
    ClockResumed,
    ClocksSet,
    ContactMade,
    CourseEvent,
    CourseMerged,
    DisputeRaised,
    DisputeRuled,
    ExtensionAsked,
    ExtensionRuled,
    FedBack,
    FeedbackReviewed,
    FollowedUp,
    JoinedRated,
    JointAnswered,
    JointSet,
    OrderArchived,
    OrderClosed,
    OrderCorrected,
    OrderDispatched,
    OrderRated,
    OrderReturned,
    OrderSigned,
    OrderWithdrawn,
    RedoOrdered,
    ReturnRuled,
    SupervisionSet,
    VisitPlanned,
    WorkNoted,
)
from orders.course_messages import CourseState

__all__ = ["BACK", "ENDED", "TABLE", "UNDER_WAY", "WITH_UNIT", "Either", "as_text", "legal"]

S = CourseState


class _Back(Enum):
    BACK = "back"


BACK = _Back.BACK
"""Where it was before it was held up."""


@dataclass(frozen=True, slots=True)
class Either:
    """Where it is when the answer is yes, and when it is no."""

    yes: CourseState | _Back  # accepted, passed; or the lead did it
    no: CourseState | _Back  # not so; or a joint unit did it


Target = CourseState | Either | _Back

ENDED = frozenset({S.CLOSED, S.ARCHIVED, S.MERGED, S.WITHDRAWN})
"""Nobody has anything to do; no clock counts."""
UNDER_WAY = frozenset(S) - ENDED
"""Somebody has something to do."""
WITH_UNIT = frozenset({S.DISPATCHED, S.SIGNED, S.HANDLING, S.REDO})
"""The units have something to do."""

_ANY_TIME: tuple[type[CourseEvent], ...] = (
    FollowedUp,
    SupervisionSet,
    ClocksSet,
    ClockPaused,
    ClockResumed,
    OrderCorrected,
)
_WORK: Mapping[type[CourseEvent], Target] = {
    OrderDispatched: S.DISPATCHED,
    OrderReturned: S.RETURNED,
    DisputeRaised: S.DISPUTED,
    FedBack: S.FED_BACK,
    ContactMade: S.HANDLING,
    OrderWithdrawn: S.WITHDRAWN,
    CourseMerged: S.MERGED,
}
"""What is the same in signed and handling."""

_MOVES: Mapping[CourseState, Mapping[type[CourseEvent], Target]] = {
    S.ACCEPTED: {
        AnsweredDirectly: S.ANSWERED,
        OrderDispatched: S.DISPATCHED,
        DisputeRaised: S.DISPUTED,
        OrderWithdrawn: S.WITHDRAWN,
        CourseMerged: S.MERGED,
    },
    S.ANSWERED: {
        VisitPlanned: S.VISITING,
        OrderRated: S.RATED,
        JoinedRated: S.ANSWERED,
        OrderClosed: S.CLOSED,
        OrderWithdrawn: S.WITHDRAWN,
    },
    S.DISPATCHED: {
        OrderDispatched: S.DISPATCHED,
        JointSet: S.DISPATCHED,
        OrderSigned: Either(S.SIGNED, S.DISPATCHED),
        WorkNoted: S.DISPATCHED,
        JointAnswered: S.DISPATCHED,
        OrderReturned: S.RETURNED,
        DisputeRaised: S.DISPUTED,
        OrderWithdrawn: S.WITHDRAWN,
        CourseMerged: S.MERGED,
    },
    S.SIGNED: {
        **_WORK,
        JointSet: S.SIGNED,
        OrderSigned: S.SIGNED,
        WorkNoted: Either(S.HANDLING, S.SIGNED),
        JointAnswered: S.SIGNED,
        ExtensionAsked: S.SIGNED,
        ExtensionRuled: S.SIGNED,
    },
    S.HANDLING: {
        **_WORK,
        JointSet: S.HANDLING,
        OrderSigned: S.HANDLING,
        WorkNoted: S.HANDLING,
        JointAnswered: S.HANDLING,
        ExtensionAsked: S.HANDLING,
        ExtensionRuled: S.HANDLING,
    },
    S.RETURNED: {
        ReturnRuled: Either(S.ACCEPTED, BACK),
        OrderDispatched: S.DISPATCHED,
        DisputeRaised: S.DISPUTED,
        OrderWithdrawn: S.WITHDRAWN,
    },
    S.DISPUTED: {DisputeRuled: S.DISPATCHED, OrderWithdrawn: S.WITHDRAWN},
    S.FED_BACK: {FeedbackReviewed: Either(S.REVIEWED, S.HANDLING), OrderWithdrawn: S.WITHDRAWN},
    S.REVIEWED: {
        VisitPlanned: S.VISITING,
        OrderRated: S.RATED,
        JoinedRated: S.REVIEWED,
        OrderClosed: S.CLOSED,
        OrderWithdrawn: S.WITHDRAWN,
    },
    S.VISITING: {
        VisitPlanned: S.VISITING,
        OrderRated: S.RATED,
        JoinedRated: S.VISITING,
        OrderClosed: S.CLOSED,
        OrderWithdrawn: S.WITHDRAWN,
    },
    S.RATED: {
        OrderRated: S.RATED,
        JoinedRated: S.RATED,
        RedoOrdered: S.REDO,
        AppealRaised: S.APPEALED,
        OrderClosed: S.CLOSED,
    },
    S.REDO: {
        AnsweredDirectly: S.ANSWERED,
        OrderDispatched: S.DISPATCHED,
        JointSet: S.REDO,
        OrderSigned: Either(S.SIGNED, S.REDO),
        WorkNoted: S.REDO,
        JointAnswered: S.REDO,
        AppealRaised: S.APPEALED,
        OrderClosed: S.CLOSED,
        OrderWithdrawn: S.WITHDRAWN,
    },
    S.APPEALED: {AppealRuled: BACK},
    S.CLOSED: {
        OrderRated: S.RATED,
        JoinedRated: S.CLOSED,
        RedoOrdered: S.REDO,
        AppealRaised: S.APPEALED,
        OrderArchived: S.ARCHIVED,
        OrderCorrected: S.CLOSED,
    },
    S.WITHDRAWN: {OrderArchived: S.ARCHIVED},
    S.MERGED: {},  # orders.messages.MergeUndone takes it back
    S.ARCHIVED: {},
}


def _rows() -> Iterator[tuple[tuple[CourseState, type[CourseEvent]], Target]]:
    for state, moves in _MOVES.items():
        for event, target in moves.items():
            yield (state, event), target
        if state in UNDER_WAY:
            for event in _ANY_TIME:
                yield (state, event), state
        yield (state, CitizenReplied), state  # citizens write when they like


TABLE: Mapping[tuple[CourseState, type[CourseEvent]], Target] = MappingProxyType(dict(_rows()))
"""(state, event) -> where it is then; what is not here is illegal."""


def legal(state: CourseState) -> tuple[type[CourseEvent], ...]:
    """Return the events that may happen in `state`."""
    return tuple(event for at, event in TABLE if at is state)


def _words(target: Target) -> str:
    if isinstance(target, Either):
        return f"{_words(target.yes)} or {_words(target.no)}"
    return target.value


def as_text(rows: Iterable[tuple[tuple[CourseState, type[CourseEvent]], Target]] | None = None) -> str:
    """Return the table as lines `state + event -> state`, for people."""
    chosen = TABLE.items() if rows is None else rows
    return "\n".join(f"{state.value} + {event.__name__} -> {_words(to)}" for (state, event), to in chosen)
