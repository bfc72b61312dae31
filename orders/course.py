"""The course of an accepted order as a pure function: a course and an event in, the next course out.

Rules that hold for every sequence of events:

- What is not in `orders.course_table` raises, naming state and event.
- Every event that is let through is kept: none is passed over because it would change nothing.
- A return is not followed by another one before somebody has ruled on it; a unit that was told to do it does
  not return it again; a ruling on a dispute ends both.
- The lead gives the one answer; whether it waits for the joint units stands in the dispatch.
- What the citizen rated badly is redone before it is closed; from the second bad rating on, it is supervised.
- Nothing happens before what happened already: an event with an older time counts from then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from orders import course_answer, course_clocks, course_units
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
from orders.course_messages import Course, CourseState
from orders.course_rules import check_carried, is_lead
from orders.course_table import BACK, TABLE, Either
from orders.errors import IllegalTransition, ValueRefused

__all__ = ["advance", "begun", "unmerged"]

S = CourseState
Step = Callable[[Course, Any, float], Course]

_HELD = frozenset({S.RETURNED, S.APPEALED, S.MERGED})
"""States from which an order goes back to where it was."""
_MAY_WAIT = frozenset({S.SIGNED, S.HANDLING, S.MERGED})
"""States in which an extension may wait for its ruling."""


def begun(at: float) -> Course:
    """Return the course of an order that was accepted at `at` (epoch seconds)."""
    return Course(state=S.ACCEPTED, since=at, touched_at=at)


def advance(course: Course, event: CourseEvent, at: float) -> Course:
    """Return the course after `event`, which happened at `at` (epoch seconds).

    Raises:
        IllegalTransition: the event is not legal in the course's state.
        CourseRefused: a rule forbids it, or it is another unit's move.
        ValueRefused: what the event carries is out of bounds, or a reason is missing.
    """
    target = TABLE.get((course.state, type(event)))
    if target is None:
        raise IllegalTransition(course.state, type(event).__name__)
    if not math.isfinite(at):
        raise ValueRefused(
            f"time of {type(event).__name__} is {at}, expected epoch seconds", shown="时间无效"
        )
    check_carried(course, event)
    at = max(at, course.touched_at)
    kinds = course_clocks.STOPS.get(type(event), frozenset())
    stopped = replace(course, clocks=course_clocks.stopped(course.clocks, at, kinds))
    after = _STEPS[type(event)](stopped, event, at)
    if isinstance(target, Either):
        target = target.yes if _answer(course, event) else target.no
    state = (course.held_from or course.state) if target is BACK else target
    return _placed(course, replace(after, touched_at=at), state, event, at)


def unmerged(course: Course, at: float) -> Course:
    """Return a merged course as it was before, its clocks as much later as they stood.

    Raises:
        IllegalTransition: the course is not merged.
    """
    if course.state is not S.MERGED or course.held_from is None:
        raise IllegalTransition(course.state, "MergeUndone")
    at = max(at, course.touched_at)
    return replace(
        course,
        state=course.held_from,
        since=at,
        touched_at=at,
        held_from=None,
        merged_into="",
        clocks=course_clocks.thawed(course.clocks, course.since, at),
    )


def _placed(before: Course, after: Course, state: CourseState, event: CourseEvent, at: float) -> Course:
    if after.extension is not None and after.extension.granted is None and state not in _MAY_WAIT:
        after = replace(after, extension=None)
    if state is before.state:
        return replace(after, since=at) if isinstance(event, OrderDispatched) else after
    held_from = None
    if state in _HELD:  # who returns an order has it in hand, signed for or not
        held_from = S.SIGNED if (before.state, state) == (S.DISPATCHED, S.RETURNED) else before.state
    return replace(after, state=state, since=at, held_from=held_from)


def _answer(course: Course, event: CourseEvent) -> bool:
    """Return which of `Either` it is."""
    if isinstance(event, ReturnRuled):
        return event.accepted
    if isinstance(event, FeedbackReviewed):
        return event.passed
    return is_lead(course, getattr(event, "unit", ""))


def _told(course: Course, event: FollowedUp | CitizenReplied, at: float) -> Course:
    return course


def _supervised(course: Course, event: SupervisionSet, at: float) -> Course:
    return replace(course, supervision=event.level)


def _clocks_set(course: Course, event: ClocksSet, at: float) -> Course:
    if not event.clocks:
        raise ValueRefused("no clocks to set", shown="请至少设定一个时限")
    return replace(course, clocks=course_clocks.put(course.clocks, event.clocks))


def _paused(course: Course, event: ClockPaused, at: float) -> Course:
    return replace(course, clocks=course_clocks.paused(course, event.kind, event.unit, at))


def _resumed(course: Course, event: ClockResumed, at: float) -> Course:
    clocks = course_clocks.resumed(course, event.kind, event.unit, at, due=event.due, near_at=event.near_at)
    return replace(course, clocks=clocks)


def _corrected(course: Course, event: OrderCorrected, at: float) -> Course:
    return replace(course, clocks=course_clocks.corrected(course, event.clocks, at))


def _archived(course: Course, event: OrderArchived, at: float) -> Course:
    return course


_STEPS: Mapping[type[CourseEvent], Step] = MappingProxyType(
    {
        AnsweredDirectly: course_answer.answered,
        OrderDispatched: course_units.dispatched,
        JointSet: course_units.joint_set,
        OrderSigned: course_units.signed,
        ContactMade: course_units.contacted,
        WorkNoted: course_units.noted,
        ExtensionAsked: course_units.extension_asked,
        ExtensionRuled: course_units.extension_ruled,
        OrderReturned: course_units.returned,
        ReturnRuled: course_units.return_ruled,
        DisputeRaised: course_units.dispute_raised,
        DisputeRuled: course_units.dispute_ruled,
        JointAnswered: course_units.joint_answered,
        FedBack: course_answer.fed_back,
        FeedbackReviewed: course_answer.reviewed,
        VisitPlanned: course_answer.visit_planned,
        OrderRated: course_answer.rated,
        JoinedRated: course_answer.joined_rated,
        RedoOrdered: course_answer.redone,
        AppealRaised: course_answer.appealed,
        AppealRuled: course_answer.appeal_ruled,
        FollowedUp: _told,
        CitizenReplied: _told,
        SupervisionSet: _supervised,
        ClocksSet: _clocks_set,
        ClockPaused: _paused,
        ClockResumed: _resumed,
        OrderClosed: course_answer.closed,
        OrderArchived: _archived,
        OrderWithdrawn: course_answer.withdrawn,
        CourseMerged: course_answer.merged,
        OrderCorrected: _corrected,
    }
)
