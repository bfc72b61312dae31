"""What policy says to what happens to an order: clocks, supervision, ratings. Pure.

The store asks in the very transaction in which something happens, whichever way it came (a page, the journal,
a robot, an import), and keeps the answers as events. Replaying events never asks again, so an order is the
same for ever, whatever the rules are by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from orders import clock_corrections
from orders.answer_policy import AnswerPolicy
from orders.clock_rules import Facts
from orders.clocks import Timekeeper
from orders.course_clocks import found as found_clock
from orders.course_events import (
    AppealRuled,
    ClockPaused,
    ClockResumed,
    CourseEvent,
    ExtensionRuled,
    FeedbackReviewed,
    FieldChange,
    JoinedRated,
    OrderClosed,
    OrderCorrected,
    OrderDispatched,
    OrderRated,
    OrderReturned,
    OrderWithdrawn,
    SupervisionSet,
)
from orders.course_messages import SYSTEM, Clock, Course, CourseState, Supervision
from orders.course_table import ENDED
from orders.errors import CourseRefused, ValueRefused
from orders.fields import known as known_field
from orders.joined_policy import check_alone, check_joined, shared
from orders.lifecycle import value_of
from orders.messages import LinkKind, OrderEvent, OrderField, OrderLinked, OrderSubmitted, VisitRecorded
from orders.records import Order
from orders.supervision_rules import BadlyRated, Repeated, Returned, Said, Signal, SupervisionRules

__all__ = ["CoursePolicy", "NoPolicy", "OrderPolicy", "Rules", "facts_of"]

_RATED_BY_VISIT = frozenset(
    {CourseState.ANSWERED, CourseState.REVIEWED, CourseState.VISITING, CourseState.RATED, CourseState.CLOSED}
)
"""Where what a citizen says on a return visit is the order's rating."""


class OrderPolicy(Protocol):
    """What the store asks."""

    def stamped(self, order: Order, event: OrderEvent, at: float) -> OrderEvent:
        """Return the event with what the rules put into it; `order` is before it. Raises OrderError."""
        ...

    def following(
        self, before: Order | None, after: Order, event: OrderEvent, at: float
    ) -> Sequence[OrderEvent]:
        """Return what the system does at once because of it."""
        ...


class NoPolicy:
    """Nothing follows from anything."""

    def stamped(self, order: Order, event: OrderEvent, at: float) -> OrderEvent:
        """Return the event as it is."""
        return event

    def following(
        self, before: Order | None, after: Order, event: OrderEvent, at: float
    ) -> Sequence[OrderEvent]:
        """Return nothing."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything that policy is made of; replaced whole when a part of it changes."""

    keeper: Timekeeper  # time limits and the working calendar
    supervision: SupervisionRules  # when an order is watched
    answers: AnswerPolicy  # checklist, what counts as a bad rating, what is redone and closed by itself


def facts_of(order: Order) -> Facts:
    """Return what time limits and supervision look at."""
    draft = order.draft
    return Facts(
        type=value_of(draft, OrderField.TYPE),
        category=value_of(draft, OrderField.CATEGORY),
        urgency=value_of(draft, OrderField.URGENCY),
        unit="" if draft.course is None else draft.course.lead,
        channel=draft.channel.value,
        redo=draft.course is not None and draft.course.round > 1,
        received_at=order.created_at,
        accepted_at=order.closed_at,
    )


class CoursePolicy:
    """Implements `OrderPolicy` by rules that may be replaced while serving."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    def stamped(self, order: Order, event: OrderEvent, at: float) -> OrderEvent:
        """Return the event with its clocks, and with what counts by the rules of today.

        Raises:
            OrderError: the rules forbid it.
        """
        course = order.draft.course
        if course is None or not isinstance(event, CourseEvent):
            return event
        keeper, facts = self.rules.keeper, facts_of(order)
        if isinstance(event, OrderReturned) and event.clock is None:
            return replace(event, clock=keeper.ruling(course, facts, at))
        if isinstance(event, ExtensionRuled) and event.granted and event.due is None and course.extension:
            due, near_at = keeper.extended(course, course.extension.days, facts, at)
            return replace(event, due=due, near_at=near_at)
        if isinstance(event, OrderCorrected):
            return self._corrected(order, event, course, at)
        if isinstance(event, ClockPaused) and event.by != SYSTEM:
            self._check_pause(event, course, facts, at)
        if isinstance(event, ClockResumed) and event.by != SYSTEM:
            clock = found_clock(course, event.kind, event.unit)
            if clock is not None:
                due, near_at = keeper.resumed(clock, at)
                return replace(event, due=due, near_at=near_at)
        if isinstance(event, OrderWithdrawn):
            check_alone(order)
        if isinstance(event, JoinedRated):
            check_joined(order, event)
        if isinstance(event, OrderRated | JoinedRated):
            return replace(event, bad=self.rules.answers.is_bad(event))
        if isinstance(event, FeedbackReviewed):
            self.rules.answers.check_review(event)
            return event
        if isinstance(event, OrderDispatched) and any(one.accepted is None for one in course.returns):
            event = replace(event, rules_return=True)  # in the event, so that old ones replay as they were
        return keeper.stamped(event, course, facts, at)

    def following(
        self, before: Order | None, after: Order, event: OrderEvent, at: float
    ) -> Sequence[OrderEvent]:
        """Return clocks that begin, stand or go on, supervision, a visit's rating, a needless redo's end."""
        course = after.draft.course
        if course is None:
            return ()
        facts = facts_of(after)
        found: list[OrderEvent] = []
        if isinstance(event, OrderSubmitted):
            clocks = self.rules.keeper.accepted(facts, at)
            found += [clocks] if clocks else []
        elif isinstance(event, CourseEvent) and before is not None and before.draft.course is not None:
            found += self.rules.keeper.following(event, before.draft.course, course, facts)
            found += shared(event, course)
            if isinstance(event, AppealRuled) and event.upheld and course.state is CourseState.REDO:
                found.append(OrderClosed(reason="申诉成立，差评不计，不再重办", by=SYSTEM))
        elif isinstance(event, VisitRecorded) and course.state in _RATED_BY_VISIT:
            rating = _rating(event)
            if rating is not None and _counts(before, course, event) and not _stands(course, rating):
                found.append(rating)
        found += self._raised(before, after, event, course, at)
        return found

    def _corrected(self, order: Order, event: OrderCorrected, course: Course, at: float) -> OrderCorrected:
        """The event with what stood there before, and the limits of the order as it is now."""
        changes = tuple(one for one in (_was(order, one) for one in event.changes) if one.was != one.value)
        if not changes:
            raise ValueRefused("the correction changes nothing", shown="内容与原来一样，没有需要更正的")
        values = {one.field: one.value for one in changes}
        was = facts_of(order)
        now = replace(
            was,
            type=values.get(OrderField.TYPE, was.type),
            category=values.get(OrderField.CATEGORY, was.category),
            urgency=values.get(OrderField.URGENCY, was.urgency),
        )
        clocks: tuple[Clock, ...] = ()
        if now != was:
            clocks = clock_corrections.corrected(self.rules.keeper, course, was, now, at)
        return replace(event, changes=changes, clocks=clocks)

    def _check_pause(self, event: ClockPaused, course: Course, facts: Facts, at: float) -> None:
        clock = found_clock(course, event.kind, event.unit)
        if clock is not None and not self.rules.keeper.may_pause(clock, course, facts, at):
            raise CourseRefused(
                f"rule {clock.rule!r} does not let people pause the {event.kind} clock",
                shown="按时限规则，这个时限不能人工中止",
            )

    def _raised(
        self, before: Order | None, order: Order, event: OrderEvent, course: Course, at: float
    ) -> Iterator[SupervisionSet]:
        signal = _signal(order, event, course)
        if signal is None:
            return
        rules, facts, day = self.rules.supervision, facts_of(order), self.rules.keeper.days.date(at)
        if isinstance(event, OrderCorrected) and before is not None:
            known = rules.raised(_words(before), Supervision.NONE, facts_of(before), day)
            if known == rules.raised(signal, Supervision.NONE, facts, day):
                return  # it was so before the correction: what people made of it since stands
        raised = rules.raised(signal, course.supervision, facts, day)
        set_to = None if raised is None else raised.event()
        if set_to is not None:
            yield set_to


def _signal(order: Order, event: OrderEvent, course: Course) -> Signal | None:
    if isinstance(event, OrderSubmitted):
        return _words(order)
    if isinstance(event, OrderCorrected) and course.state not in ENDED:
        return _words(order)
    if isinstance(event, OrderLinked) and event.kind is LinkKind.JOINED:
        joined = sum(1 for link in order.draft.links if link.kind is LinkKind.JOINED)
        return Repeated(times=1 + joined)
    if isinstance(event, OrderReturned):
        return Returned(times=len(course.returns))
    if isinstance(event, OrderRated) and event.bad:
        return BadlyRated(times=course.bad_ratings)
    return None


def _words(order: Order) -> Said:
    title, summary = (value_of(order.draft, field) for field in (OrderField.TITLE, OrderField.SUMMARY))
    return Said(text=f"{title}\n{summary}")


def _was(order: Order, change: FieldChange) -> FieldChange:
    return replace(change, was=value_of(order.draft, known_field(change.field)))


def _rating(event: VisitRecorded) -> OrderRated | None:
    if event.solved is None and event.satisfaction is None and event.service is None:
        return None
    return OrderRated(
        result=event.satisfaction,
        service=event.service,
        solved=event.solved,
        bad=False,  # the rules say
        words=event.words,
        by=event.by.removeprefix("agent:") if event.by.startswith("agent:") else SYSTEM,
    )


def _counts(before: Order | None, course: Course, event: VisitRecorded) -> bool:
    """Whether what was said on this visit is about the answer of this round.

    A visit whose answers were there before the answer of now was given was about an earlier one.
    """
    standing = None if before is None else before.draft.visit
    if standing is None or standing.visit_id != event.visit_id or course.feedback is None:
        return True
    return standing.at >= course.feedback.at


def _stands(course: Course, rating: OrderRated) -> bool:
    """Whether this round has the same rating already, or a person's that the robot does not change."""
    known = course.rating
    if known is None or known.round != course.round:
        return False
    if rating.by == SYSTEM and known.by not in ("", SYSTEM):
        return True
    return (known.result, known.service, known.solved, known.words) == (
        rating.result, rating.service, rating.solved, rating.words,
    )  # fmt: skip
