"""What the rules put into what happens to an order, and what follows from it at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orders import course_events as happened
from orders.answer_policy import load_answer_policy
from orders.clock_file import load_clock_rules
from orders.clocks import Timekeeper
from orders.course_messages import Course, CourseState
from orders.course_policy import CoursePolicy, Rules
from orders.dispatch_figures import Happened, facts_of
from orders.errors import CourseRefused
from orders.lifecycle import apply
from orders.messages import Draft, OrderEvent, OrderState
from orders.records import Order
from orders.supervision_file import load_supervision_rules
from orders.workdays_file import load_workdays
from tests.support.courses import (
    ANSWERED,
    CHIEF,
    DAY,
    LEAD,
    OFFICER,
    OTHER,
    dispatched,
    fed_back,
    life,
    rated,
    redo,
    return_ruled,
    returned,
    signed,
)

S = CourseState
APPEAL = happened.AppealRaised(unit=LEAD, reason="诉求超出政策", by=OFFICER)


class Lived:
    """An order to which things happen by the shipped rules, as in the store but without a database."""

    def __init__(self, *before: happened.CourseEvent) -> None:
        rules = Rules(
            keeper=Timekeeper(load_clock_rules(), load_workdays()),
            supervision=load_supervision_rules(),
            answers=load_answer_policy(),
        )
        self.policy = CoursePolicy(rules)
        course = life(*before)
        self.now = course.touched_at
        draft = Draft(order_id="o1", call_id="", version=1, state=OrderState.ACCEPTED, course=course)
        self.order = Order(
            draft=draft, caller="", agent="", created_at=0.0, updated_at=0.0, number="1", closed_at=0.0,
            reason="",
        )  # fmt: skip
        self.events: list[OrderEvent] = []

    @property
    def course(self) -> Course:
        assert self.order.draft.course is not None
        return self.order.draft.course

    def happens(self, *events: OrderEvent) -> Course:
        for one in events:
            self.now += 60.0
            waiting = [one]
            while waiting:
                before = self.order
                event = self.policy.stamped(before, waiting.pop(0), self.now)
                self.order = replace(before, draft=apply(before.draft, event, self.now))
                self.events.append(event)
                waiting += self.policy.following(before, self.order, event, self.now)
        return self.course


def test_giving_a_returned_order_to_another_unit_accepts_the_return_and_that_unit_may_return_it_too() -> None:
    lived = Lived(dispatched(), signed(), returned())
    course = lived.happens(dispatched(OTHER))
    assert [(one.unit, one.accepted) for one in course.returns] == [(LEAD, True)]
    course = lived.happens(signed(OTHER), replace(returned(OTHER), clock=None))
    assert course.state is S.RETURNED
    assert [(one.unit, one.accepted) for one in course.returns] == [(LEAD, True), (OTHER, None)]


def test_giving_it_back_to_the_unit_that_returned_it_refuses_the_return() -> None:
    lived = Lived(dispatched(), signed(), returned())
    course = lived.happens(dispatched(reason="按职责清单属你单位"))
    assert [(one.accepted, one.ruling) for one in course.returns] == [(False, "按职责清单属你单位")]
    with pytest.raises(CourseRefused) as caught:
        lived.happens(replace(returned(), clock=None))
    assert "不能再退单" in caught.value.shown


def test_a_ruling_that_was_made_is_not_made_again_by_the_next_dispatch() -> None:
    lived = Lived(dispatched(), signed(), returned(), return_ruled(True))
    course = lived.happens(dispatched(LEAD))
    assert [(one.accepted, one.ruling) for one in course.returns] == [(True, "按职责清单")]


def test_a_dispatch_of_before_replays_as_it_was() -> None:
    course = life(dispatched(), signed(), returned(), dispatched(OTHER))
    assert course.returns[0].accepted is None


def test_an_upheld_appeal_during_the_redo_ends_the_redo() -> None:
    lived = Lived(*ANSWERED, rated(bad=True), redo())
    lived.happens(APPEAL)
    course = lived.happens(happened.AppealRuled(upheld=True, reason="误评", by=CHIEF))
    assert (course.state, course.bad_ratings) == (S.CLOSED, 0)
    assert all(clock.stopped is not None for clock in course.clocks)
    closed = lived.events[-1]
    assert isinstance(closed, happened.OrderClosed) and closed.by == "system" and "申诉成立" in closed.reason


def test_a_refused_appeal_lets_the_redo_go_on() -> None:
    lived = Lived(*ANSWERED, rated(bad=True), redo())
    lived.happens(APPEAL)
    course = lived.happens(happened.AppealRuled(upheld=False, reason="评价属实", by=CHIEF))
    assert course.state is S.REDO
    assert lived.happens(signed(), fed_back()).state is S.FED_BACK


def test_an_upheld_appeal_after_the_order_was_closed_leaves_it_closed() -> None:
    lived = Lived(*ANSWERED, happened.OrderClosed(by="wang", reason="未接通"), rated(bad=True))
    lived.happens(APPEAL)
    assert lived.happens(happened.AppealRuled(upheld=True, reason="误评", by=CHIEF)).state is S.RATED


def test_the_figures_count_a_return_that_a_dispatch_ruled_on() -> None:
    lived = Lived()
    lived.happens(dispatched(), signed(), replace(returned(), clock=None), dispatched(OTHER))
    told = [Happened(event=one, event_id=str(place), at=DAY) for place, one in enumerate(lived.events)]
    first, second = facts_of(told, category="市容")
    assert (first.unit, first.returned, first.wrong, first.waiting) == (LEAD, True, True, False)
    assert (second.unit, second.wrong) == (OTHER, False)
