"""Why a person asks the citizen, and the names of visits that people plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti.casework.moves import event_of
from cti.casework.visit_work import why_unasked
from cti.messages import Role
from cti.ports import Person
from orders.answer_policy import AnswerPolicy, CheckItem, CloseRule
from orders.answer_steps import WHY, Unasked, closes_at, closing
from orders.course_events import VisitPlanned
from orders.errors import ValueRefused
from orders.visits import Answers, Visit, VisitState, planned
from tests.support.courses import ANSWERED, DAY, life

CLERK = Person(login="wang", name="王", role=Role.CLERK)
POLICY = AnswerPolicy(checklist=(CheckItem(item="已联系"),))


def visit(state: VisitState, **more: object) -> Visit:
    one = planned(
        "v1", order_id="o1", order_number="1", number="13800000001", now=1.0, due_at=1.0, by="system"
    )
    return replace(one, state=state, **more)  # type: ignore[arg-type]


def plan(**fields: object) -> VisitPlanned:
    event = event_of("plan_visit", fields, CLERK, life(*ANSWERED), frozenset())
    assert isinstance(event, VisitPlanned)
    return event


def test_a_visit_that_a_person_plans_has_an_id_of_its_own_that_says_so() -> None:
    first, second = plan(), plan()
    assert first.visit_id != second.visit_id
    assert {why_unasked(life(*ANSWERED, one), ()) for one in (first, second)} == {Unasked.BY_HAND}


def test_a_visit_that_is_named_keeps_its_name_and_a_name_is_text() -> None:
    assert plan(visit_id="visit-7").visit_id == "visit-7"
    with pytest.raises(ValueRefused):
        plan(visit_id=7)


@pytest.mark.parametrize("why", [Unasked.NO_NUMBER, Unasked.TEXT_ONLY, Unasked.CONFIDENTIAL])
def test_the_name_of_a_visit_that_no_robot_makes_says_why(why: Unasked) -> None:
    course = life(*ANSWERED, VisitPlanned(visit_id=f"{why.value}-1-o1", by="system"))
    assert why_unasked(course, ()) is why


def test_what_became_of_the_robots_visit_says_why_a_person_asks() -> None:
    course = life(*ANSWERED, VisitPlanned(visit_id="v1", by="system"))
    assert why_unasked(course, [visit(VisitState.GIVEN_UP)]) is Unasked.NOT_REACHED
    wants = visit(VisitState.ANSWERED, answers=Answers(wants_person=True))
    assert why_unasked(course, [wants]) is Unasked.WANTS_PERSON
    assert why_unasked(course, []) is Unasked.SILENT


def test_an_order_is_closed_so_many_days_after_its_answer_or_by_people_only() -> None:
    course = life(*ANSWERED)
    assert course.review is not None
    assert closes_at(course, POLICY) == course.review.at + 7 * DAY
    assert closes_at(course, replace(POLICY, close=CloseRule(unrated_days=0))) is None


def test_every_reason_has_words_for_the_list_and_for_the_end() -> None:
    assert set(WHY) == set(Unasked)
    assert all(closing(why, POLICY).reason for why in Unasked)
