"""What time limits become when an order is corrected (更正): its type, category or urgency was another one.

Pure. Each limit that runs is asked for anew, where the rules say something else of the order as it is now
than of what it was. It is counted from where it began: time that has passed counts, and what it stood or was
extended is added. Three things hold whatever the rules are:

- What is over stays over, and what a person set stays as it was set.
- Nobody is late by a correction alone. Where the new limit would be over already, it is counted from now on,
  but ends no later than the old one.
- Until when a unit may return an order, and until when a return, a dispute or an appeal is ruled on, stays:
  it began under the rules of its day.

A limit that the order did not have before, and that counts from before its dispatch, begins as if it had been
there all along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from orders.clock_rules import KINDS, ClockRule, Facts, Limit, LimitRule, Starts
from orders.clock_spans import Span, near_at
from orders.clocks import Timekeeper, of_course
from orders.course_clocks import found
from orders.course_messages import Clock, ClockKind, Course, CourseState
from orders.course_table import ENDED
from orders.workdays import Workdays

__all__ = ["corrected"]

_STAYS = frozenset({ClockKind.RETURN, ClockKind.APPEAL})
_Rule = tuple[ClockRule, LimitRule]
S = CourseState
_WITHOUT_UNIT = frozenset({S.ACCEPTED})
_BEFORE_WORK = _WITHOUT_UNIT | {S.DISPATCHED, S.SIGNED, S.REDO}
_BEFORE_ANSWER = _BEFORE_WORK | {S.HANDLING}
_MISSED: Mapping[Limit, frozenset[CourseState]] = MappingProxyType(
    {
        Limit.ACCEPT: _WITHOUT_UNIT,
        Limit.DISPATCH: _WITHOUT_UNIT,
        Limit.CONTACT: _BEFORE_WORK,
        Limit.RESOLVE: _BEFORE_ANSWER,
        Limit.CLOSE: _BEFORE_ANSWER,
    }
)
"""Limits that may begin because of a correction, and while what they wait for cannot have happened."""


def corrected(keeper: Timekeeper, course: Course, was: Facts, now: Facts, at: float) -> tuple[Clock, ...]:
    """Return the clocks that end otherwise once the order is `now` what it `was` not, corrected at `at`.

    `course` is before it. Of the facts, `unit` and `redo` are taken from the course.
    """
    if course.state in ENDED:
        return ()
    at = max(at, course.touched_at)
    was, now = of_course(was, course), of_course(now, course)
    return (*_moved(keeper, course, was, now, at), *_begun(keeper, course, was, now, at))


def _moved(keeper: Timekeeper, course: Course, was: Facts, now: Facts, at: float) -> Iterator[Clock]:
    for clock in course.clocks:
        if clock.stopped is not None or not clock.span or clock.kind in _STAYS:
            continue
        limit = Limit.JOINT if clock.kind is ClockKind.RESOLVE and clock.unit else Limit(clock.kind.value)
        rules = _rules(keeper, limit, now, at)
        moment = at if clock.paused_at is None else clock.paused_at
        if not rules or rules == _rules(keeper, limit, was, at) or moment > clock.due:
            continue
        yield min((_ending(keeper.days, clock, rule, moment) for rule in rules), key=lambda one: one.due)


def _ending(days: Workdays, clock: Clock, rule: _Rule, moment: float) -> Clock:
    """The clock as this rule ends it; `moment` is until when it has run."""
    span, start = rule[1].span, clock.started
    due = _later(days, span, span.end(start, days), clock)
    if due <= moment:
        start, due = moment, min(clock.due, span.end(moment, days))
    near = near_at(rule[1].near, start, due, span.working, days)
    return replace(
        clock, due=due, near_at=near, rule=rule[0].rule_id, span=str(span), paused_at=None, paused_s=0.0
    )


def _later(days: Workdays, span: Span, end: float, clock: Clock) -> float:
    """The end, as much later as the clock's own was moved by pauses and extensions."""
    own = Span.parse(clock.span)
    first = clock.due if own is None else own.end(clock.started, days)
    if first >= clock.due:
        return end
    return days.add(end, days.between(first, clock.due)) if span.working else end + (clock.due - first)


def _begun(keeper: Timekeeper, course: Course, was: Facts, now: Facts, at: float) -> Iterator[Clock]:
    for limit, states in _MISSED.items():
        kind = KINDS[limit]
        if course.state not in states or found(course, kind) is not None:
            continue
        rules = _rules(keeper, limit, now, at)
        if not rules or rules == _rules(keeper, limit, was, at):
            continue
        starts = rules[0][1].starts
        if starts not in (Starts.RECEIVED, Starts.ACCEPTED):
            continue  # what it counts from begins it
        start = now.began(starts, at)
        fresh = Clock(kind=kind, started=start, due=float("inf"), near_at=start)
        yield min((_ending(keeper.days, fresh, rule, at) for rule in rules), key=lambda one: one.due)


def _rules(keeper: Timekeeper, limit: Limit, facts: Facts, at: float) -> tuple[_Rule, ...]:
    """The rule that sets the limit, and those beyond which it does not go."""
    date = keeper.days.date(at)
    chosen = keeper.rules.chosen(limit, facts, date)
    return () if chosen is None else (chosen, *keeper.rules.ceilings(limit, facts, date))
