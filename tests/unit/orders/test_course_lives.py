"""Whatever happens to an order, in whatever order: random lives of orders."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from orders import chain
from orders import course_events as happened
from orders.course_clocks import next_clock
from orders.course_events import CourseEvent
from orders.course_messages import Clock, ClockKind, Course, CourseState, Supervision
from orders.course_table import ENDED, TABLE
from orders.course_units import tasks
from orders.errors import IllegalTransition, OrderError
from orders.lifecycle import apply, replay
from orders.messages import (
    Draft,
    DraftOpened,
    FieldEdited,
    MergeUndone,
    OrderEvent,
    OrderState,
    OrderSubmitted,
)
from tests.support.courses import DAY, HOUR, moves

SETS = (
    happened.ClocksSet,
    happened.OrderDispatched,
    happened.JointSet,
    happened.DisputeRuled,
    happened.DisputeRaised,
    happened.OrderReturned,
    happened.ReturnRuled,
    happened.RedoOrdered,
    happened.AppealRaised,
)
"""Events that put new clocks in the place of old ones."""


def accepted() -> list[tuple[OrderEvent, float]]:
    filled = {"type": "投诉", "category": "城市管理/占道", "summary": "流动摊贩占道"}
    return [
        (DraftOpened(order_id="o1", call_id="c1", caller="13800005267"), 1.0),
        *((FieldEdited(field=name, value=value, agent="chen"), 2.0) for name, value in filled.items()),
        (OrderSubmitted(agent="chen"), 3.0),
    ]


class Life(RuleBasedStateMachine):
    """One order, to which anything may be tried at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.events = accepted()
        self.now = 3.0
        draft = replay(self.events)
        assert draft is not None
        self.draft: Draft = draft

    @property
    def course(self) -> Course:
        assert self.draft.course is not None
        return self.draft.course

    @rule(data=st.data(), later=st.sampled_from((0.0, 60.0, HOUR, DAY, -HOUR)))
    def try_something(self, data: st.DataObject, later: float) -> None:
        before = self.course
        event = data.draw(moves(before))
        self.now = max(0.0, self.now + later)
        try:
            self.draft = apply(self.draft, event, self.now)
        except IllegalTransition:
            may = (before.state, type(event)) in TABLE
            assert not may or isinstance(event, happened.OrderSigned)  # by who has signed
            return
        except OrderError as error:
            assert error.shown
            return
        self.events.append((event, self.now))
        assert (before.state, type(event)) in TABLE
        assert chain.decode(chain.kind_of(event), chain.encode(event)) == event
        self.went_on(before, event)

    @precondition(lambda self: self.draft.state is OrderState.MERGED)
    @rule()
    def undo_the_merger(self) -> None:
        held = self.course.held_from
        event = MergeUndone(agent="chen")
        self.draft = apply(self.draft, event, self.now)
        self.events.append((event, self.now))
        assert self.course.state is held

    def went_on(self, before: Course, event: CourseEvent) -> None:
        after = self.course
        assert after.touched_at >= before.touched_at
        assert after.since >= before.since
        assert after.round == before.round + isinstance(event, happened.RedoOrdered)
        assert all(new.unit == old.unit for new, old in zip(after.returns, before.returns, strict=False))
        assert len(after.returns) >= len(before.returns)
        if isinstance(event, happened.OrderRated) and event.bad and after.bad_ratings > 1:
            assert after.supervision is not Supervision.NONE
        if isinstance(event, happened.OrderReturned):
            assert all(one.accepted is not None for one in before.returns)
        if isinstance(event, SETS):
            return
        now = {(clock.kind, clock.unit): clock for clock in after.clocks}
        known = {(clock.kind, clock.unit) for clock in before.clocks}
        assert set(now) == known or (isinstance(event, happened.OrderCorrected) and set(now) > known)
        for old in before.clocks:
            self.monotonic(old, now[old.kind, old.unit], event, after.touched_at)

    @staticmethod
    def monotonic(old: Clock, new: Clock, event: CourseEvent, at: float) -> None:
        assert new.started == old.started
        assert new.paused_s >= old.paused_s
        if isinstance(event, happened.OrderCorrected):
            over = (at if old.paused_at is None else old.paused_at) > old.due
            assert new.due == old.due if over or old.stopped is not None else new.due >= at or new.paused_at
            assert (new.paused_at, new.paused_s, new.stopped) == (old.paused_at, old.paused_s, old.stopped)
            return
        assert new.due >= old.due
        moved = isinstance(event, happened.ClockResumed | happened.ExtensionRuled)
        assert new.due == old.due or moved
        back = isinstance(event, happened.FeedbackReviewed) and not event.passed
        if old.stopped is not None and not (back and old.kind is ClockKind.RESOLVE):
            assert new.stopped == old.stopped

    @invariant()
    def no_event_is_lost(self) -> None:
        assert self.draft.version == len(self.events)
        assert replay(self.events) == self.draft

    @invariant()
    def clocks_are_whole(self) -> None:
        keys = [(clock.kind, clock.unit) for clock in self.course.clocks]
        assert len(keys) == len(set(keys))
        for clock in self.course.clocks:
            assert clock.started <= clock.near_at <= clock.due
            assert clock.stopped is None or clock.paused_at is None
            assert clock.stopped is None or clock.stopped >= clock.started

    @invariant()
    def nobody_waits_for_an_order_that_is_ended(self) -> None:
        course = self.course
        if course.state in ENDED:
            assert next_clock(course) is None
            assert not any(task.open for task in tasks(course))
        if course.state in (CourseState.CLOSED, CourseState.ARCHIVED, CourseState.WITHDRAWN):
            assert all(clock.stopped is not None for clock in course.clocks)
        assert (course.closed_at is not None) <= (
            course.state in (CourseState.CLOSED, CourseState.ARCHIVED, CourseState.APPEALED)
        )

    @invariant()
    def the_inboxes_are_those_of_the_courses_units(self) -> None:
        course = self.course
        assert [task.unit for task in tasks(course)] == [
            *([course.lead] if course.lead else []),
            *(joint.unit for joint in course.joint),
        ]
        if course.state in (CourseState.DISPATCHED, CourseState.SIGNED, CourseState.HANDLING):
            assert course.lead

    @invariant()
    def bad_ratings_are_counted(self) -> None:
        assert 0 <= self.course.bad_ratings <= self.course.round
        merged = self.draft.state is OrderState.MERGED
        assert merged is (self.course.state is CourseState.MERGED)
        assert merged is bool(self.course.merged_into)


TestLife: Any = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
