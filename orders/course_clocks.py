"""What happens to an order's clocks (时限). Pure; the calendar that says when a clock ends is not here.

A clock is known by its kind and the joint unit it belongs to. It stands still while it is paused, and it
stops when what it waited for has happened; only an answer that does not pass review makes it go on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from orders.course_events import (
    AnsweredDirectly,
    AppealRuled,
    ContactMade,
    CourseEvent,
    DisputeRuled,
    FedBack,
    OrderDispatched,
    OrderRated,
    OrderReturned,
    ReturnRuled,
)
from orders.course_messages import Clock, ClockKind, Course, CourseState
from orders.course_table import ENDED
from orders.course_titles import CLOCKS
from orders.errors import CourseRefused, ValueRefused
from orders.fields import check_text

__all__ = [
    "STOPS",
    "check_new",
    "corrected",
    "found",
    "next_clock",
    "next_of_unit",
    "paused",
    "put",
    "reopened",
    "resumed",
    "stopped",
    "stopped_of_units",
    "thawed",
]

K = ClockKind

MAX_CLOCKS = 80
MAX_RULE = 100

STOPS: Mapping[type[CourseEvent], frozenset[ClockKind]] = MappingProxyType(
    {
        AnsweredDirectly: frozenset({K.ACCEPT, K.DISPATCH, K.SIGN, K.CONTACT, K.RESOLVE, K.RETURN}),
        OrderDispatched: frozenset({K.ACCEPT, K.DISPATCH, K.SIGN, K.CONTACT, K.RETURN}),
        DisputeRuled: frozenset({K.ACCEPT, K.DISPATCH, K.SIGN, K.CONTACT, K.RETURN}),
        ContactMade: frozenset({K.CONTACT}),
        OrderReturned: frozenset({K.SIGN}),
        ReturnRuled: frozenset({K.RETURN}),
        FedBack: frozenset({K.SIGN, K.CONTACT, K.RESOLVE, K.RETURN}),
        OrderRated: frozenset({K.TRACK}),
        AppealRuled: frozenset({K.APPEAL}),
    }
)
"""Event -> the order's own clocks for which nobody has to wait after it."""

_RULING = frozenset({CourseState.RETURNED, CourseState.DISPUTED})


def check_new(clocks: Iterable[Clock], units: frozenset[str], *, name: str = "clocks") -> None:
    """Check clocks that an event brings; `units` are the joint units that may have one.

    Raises:
        ValueRefused: too many, twice the same, begun already, without an order of times, or of another unit.
    """
    seen: set[tuple[ClockKind, str]] = set()
    for clock in clocks:
        times = (clock.started, clock.near_at, clock.due)
        if not all(map(math.isfinite, times)) or list(times) != sorted(times):
            raise ValueRefused(
                f"{name}: a {clock.kind} clock must have started <= near_at <= due in epoch seconds",
                shown=f"“{CLOCKS[clock.kind]}”时限的起止时间无效",
            )
        if clock.paused_at is not None or clock.paused_s != 0 or clock.stopped is not None:
            raise ValueRefused(
                f"{name}: a new {clock.kind} clock is neither paused nor stopped",
                shown=f"“{CLOCKS[clock.kind]}”时限应从未开始",
            )
        check_text(f"{name}.rule", clock.rule, 0, MAX_RULE)
        if clock.unit and clock.unit not in units:
            raise ValueRefused(
                f"{name}: a {clock.kind} clock belongs to a unit that is no joint unit of the order",
                shown="时限所属单位不是协办单位",
            )
        seen.add((clock.kind, clock.unit))
        if len(seen) > MAX_CLOCKS:
            raise ValueRefused(f"{name}: at most {MAX_CLOCKS} clocks", shown=f"时限最多 {MAX_CLOCKS} 个")
    if len(seen) != len(tuple(clocks)):
        raise ValueRefused(f"{name}: two clocks of one kind and unit", shown="同一时限不能设定两次")


def found(course: Course, kind: ClockKind, unit: str = "") -> Clock | None:
    """Return the clock of this kind and unit, None when there is none."""
    return next((clock for clock in course.clocks if clock.kind is kind and clock.unit == unit), None)


def put(clocks: tuple[Clock, ...], newer: Iterable[Clock]) -> tuple[Clock, ...]:
    """Return the clocks with `newer` in the place of those of the same kind and unit."""
    by_key = {(clock.kind, clock.unit): clock for clock in clocks}
    by_key.update({(clock.kind, clock.unit): clock for clock in newer})
    return tuple(by_key.values())


def _stop(clock: Clock, at: float) -> Clock:
    if clock.stopped is not None:
        return clock
    end = max(at, clock.started)
    stood = 0.0 if clock.paused_at is None else max(0.0, end - clock.paused_at)
    return replace(clock, stopped=end, paused_at=None, paused_s=clock.paused_s + stood)


def stopped(
    clocks: tuple[Clock, ...], at: float, kinds: Iterable[ClockKind] = tuple(ClockKind), unit: str = ""
) -> tuple[Clock, ...]:
    """Return the clocks with those of `kinds` and `unit` stopped at `at`."""
    chosen = frozenset(kinds)
    return tuple(
        _stop(clock, at) if clock.kind in chosen and clock.unit == unit else clock for clock in clocks
    )


def stopped_of_units(clocks: tuple[Clock, ...], at: float, staying: Iterable[str] = ()) -> tuple[Clock, ...]:
    """Return the clocks with those of all joint units but `staying` stopped at `at`."""
    stay = {"", *staying}
    return tuple(clock if clock.unit in stay else _stop(clock, at) for clock in clocks)


def reopened(clocks: tuple[Clock, ...], kind: ClockKind) -> tuple[Clock, ...]:
    """Return the clocks with the order's own of `kind` going on as if it had not been stopped."""
    return tuple(
        replace(clock, stopped=None) if clock.kind is kind and not clock.unit else clock for clock in clocks
    )


def paused(course: Course, kind: ClockKind, unit: str, at: float) -> tuple[Clock, ...]:
    """Return the clocks with one standing still since `at`.

    Raises:
        CourseRefused: there is no such clock, or it does not run.
    """
    clock = found(course, kind, unit)
    if clock is None or not clock.running:
        raise CourseRefused(
            f"the {kind} clock does not run, so it cannot be paused",
            shown=f"“{CLOCKS[kind]}”时限不在计时，不能中止",
        )
    return put(course.clocks, (replace(clock, paused_at=max(at, clock.started)),))


def resumed(
    course: Course, kind: ClockKind, unit: str, at: float, *, due: float, near_at: float
) -> tuple[Clock, ...]:
    """Return the clocks with a paused one going on, to end at `due`.

    Raises:
        CourseRefused: there is no such clock, or it is not paused.
        ValueRefused: it would end before it ended already, or be nearly over after its end.
    """
    clock = found(course, kind, unit)
    if clock is None or clock.paused_at is None:
        raise CourseRefused(
            f"the {kind} clock is not paused, so it cannot be resumed",
            shown=f"“{CLOCKS[kind]}”时限没有中止，不能恢复",
        )
    if not (math.isfinite(due) and clock.due <= due and clock.started <= near_at <= due):
        raise ValueRefused(
            f"the {kind} clock must end at or after its old end {clock.due}, near_at between start and end",
            shown=f"“{CLOCKS[kind]}”恢复后的到期时间不能早于原到期时间",
        )
    stood = max(0.0, at - clock.paused_at)
    newer = replace(clock, due=due, near_at=near_at, paused_at=None, paused_s=clock.paused_s + stood)
    return put(course.clocks, (newer,))


def corrected(course: Course, newer: Iterable[Clock], at: float) -> tuple[Clock, ...]:
    """Return the clocks as a correction of the order at `at` sets them: ends move, beginnings stay.

    What is over stays over, and nothing is over because of a correction alone.

    Raises:
        CourseRefused: a clock that stopped or is over would end otherwise, or nobody has anything to do.
        ValueRefused: a clock would have begun at another time, or be over already.
    """
    found_ = []
    for clock in newer:
        title, standing = CLOCKS[clock.kind], found(course, clock.kind, clock.unit)
        moment = at if standing is None or standing.paused_at is None else standing.paused_at
        ended = standing is not None and (standing.stopped is not None or moment > standing.due)
        if course.state in ENDED or ended:
            raise CourseRefused(
                f"the {clock.kind} clock stopped or is over, so a correction does not move its end",
                shown=f"“{title}”时限已结束或已超期，不因更正而改变",
            )
        if clock.due < moment or (standing is not None and clock.started != standing.started):
            raise ValueRefused(
                f"the {clock.kind} clock of a correction keeps its beginning and ends at {moment} or later",
                shown=f"“{title}”更正后的时限无效",
            )
        if standing is not None:
            clock = replace(clock, paused_at=standing.paused_at, paused_s=standing.paused_s)
        found_.append(clock)
    return put(course.clocks, found_)


def thawed(clocks: tuple[Clock, ...], since: float, at: float) -> tuple[Clock, ...]:
    """Return the clocks with all that run as much later as they did not count, from `since` to `at`."""
    return tuple(_later(clock, max(0.0, at - max(since, clock.started))) for clock in clocks)


def _later(clock: Clock, stood: float) -> Clock:
    if not clock.running:
        return clock
    return replace(
        clock, due=clock.due + stood, near_at=clock.near_at + stood, paused_s=clock.paused_s + stood
    )


def next_clock(course: Course) -> Clock | None:
    """Return the order's own clock that is over first, None when none runs or the order is ended.

    The return clock counts only while a return or a dispute waits for its ruling: before that it is a unit's
    right, which nobody can be late with.
    """
    if course.state in ENDED:
        return None
    counting = (
        clock
        for clock in course.clocks
        if clock.running and not clock.unit and (clock.kind is not K.RETURN or course.state in _RULING)
    )
    return min(counting, key=lambda clock: (clock.due, clock.kind), default=None)


def next_of_unit(course: Course, unit: str) -> Clock | None:
    """Return the clock that is over first for a joint unit: its own, else the order's resolve clock."""
    if course.state in ENDED:
        return None
    own = [clock for clock in course.clocks if clock.running and clock.unit == unit]
    resolve = found(course, K.RESOLVE)
    if not own and resolve is not None and resolve.running:
        return resolve
    return min(own, key=lambda clock: (clock.due, clock.kind), default=None)
