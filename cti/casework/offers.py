"""Which moves are worth offering now: those that the order's rules would not refuse whatever is filled in.

`cti.casework.moves` says who makes which move and `orders.course_table` in which state; here the order itself
is looked at: whose part is still to be signed for, whether an extension waits, whether a return was ruled on.
The rules decide in the end (`orders.course`); an offer only spares people forms that can come to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from cti.casework.moves import MOVES, moves_for
from cti.messages import Role
from cti.ports import Person
from orders.course_clocks import found
from orders.course_messages import ClockKind, Course, CourseState, JointState

__all__ = ["offered", "parts_of"]

S = CourseState
_TO_SIGN = frozenset({S.DISPATCHED, S.REDO})
_LEADS = frozenset({"contact", "ask_extension", "return", "feed_back", "appeal"})
"""Moves of the lead unit alone."""


def parts_of(person: Person, course: Course, units: frozenset[str]) -> tuple[str, ...]:
    """Return the units of the order in whose name the person may act, the lead first.

    `units` are the person's own and those below it; the centre acts for each of them.
    """
    parts = (course.lead, *(joint.unit for joint in course.joint)) if course.lead else ()
    if person.role is Role.UNIT:
        return tuple(one for one in parts if one in units)
    return parts if person.role in MOVES["sign"].roles else ()


def offered(person: Person, course: Course, units: frozenset[str], now: float) -> tuple[str, ...]:
    """Return the names of the moves that make sense for the person at `now`, in the order of the table."""
    mine = frozenset(parts_of(person, course, units))
    return tuple(
        name
        for name in moves_for(person, course)
        if (name not in _LEADS or course.lead in mine) and _CHECKS.get(name, _always)(course, mine, now)
    )


def _always(course: Course, mine: frozenset[str], now: float) -> bool:
    return True


def _to_sign(course: Course, mine: frozenset[str], now: float) -> bool:
    waiting = any(one.state is JointState.DISPATCHED and one.unit in mine for one in course.joint)
    return waiting or (course.state in _TO_SIGN and course.lead in mine)


def _to_note(course: Course, mine: frozenset[str], now: float) -> bool:
    return (course.lead in mine and course.state not in _TO_SIGN) or _has_signed(course, mine, now)


def _has_signed(course: Course, mine: frozenset[str], now: float) -> bool:
    return any(one.state is not JointState.DISPATCHED and one.unit in mine for one in course.joint)


def _to_extend(course: Course, mine: frozenset[str], now: float) -> bool:
    clock = found(course, ClockKind.RESOLVE)
    return clock is not None and clock.stopped is None and not _extension_waits(course, mine, now)


def _extension_waits(course: Course, mine: frozenset[str], now: float) -> bool:
    return course.extension is not None and course.extension.granted is None


def _to_return(course: Course, mine: frozenset[str], now: float) -> bool:
    waits = any(one.accepted is None for one in course.returns)
    refused = any(one.unit == course.lead and one.accepted is False for one in course.returns)
    limit = found(course, ClockKind.RETURN)
    over = limit is not None and limit.running and now > limit.due
    return not waits and not refused and not over and _not_ruled(course)


def _to_dispute(course: Course, mine: frozenset[str], now: float) -> bool:
    if not course.lead:
        return True  # nobody has it: the centre asks who has to do it
    return course.lead in mine and _not_ruled(course)


def _not_ruled(course: Course) -> bool:
    return course.dispute is None or course.dispute.lead != course.lead


def _bad_rating(course: Course, mine: frozenset[str], now: float) -> bool:
    rating = course.rating
    return course.appeal is None and rating is not None and rating.bad and rating.counts


def _nobody_leads(course: Course, mine: frozenset[str], now: float) -> bool:
    return not course.lead


def _clock_runs(course: Course, mine: frozenset[str], now: float) -> bool:
    return any(clock.running for clock in course.clocks)


def _clock_stands(course: Course, mine: frozenset[str], now: float) -> bool:
    return any(clock.paused_at is not None for clock in course.clocks)


def _may_close(course: Course, mine: frozenset[str], now: float) -> bool:
    bad = course.rating is not None and course.rating.bad and course.rating.counts
    return not (bad and (course.state is S.REDO or (course.state is S.RATED and course.round == 1)))


_CHECKS: Mapping[str, Callable[[Course, frozenset[str], float], bool]] = MappingProxyType(
    {
        "answer": _nobody_leads,
        "sign": _to_sign,
        "note": _to_note,
        "joint_answer": _has_signed,
        "ask_extension": _to_extend,
        "rule_extension": _extension_waits,
        "return": _to_return,
        "dispute": _to_dispute,
        "appeal": _bad_rating,
        "pause": _clock_runs,
        "resume": _clock_stands,
        "close": _may_close,
    }
)
"""Move -> whether the order as it stands lets it through at all."""
