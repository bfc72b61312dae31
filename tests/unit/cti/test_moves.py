"""The table of moves: who makes which, in whose name, with what."""

from __future__ import annotations

import pytest

from cti.casework.moves import MOVES, MoveForbidden, event_of, moves_for
from cti.messages import Role
from cti.ports import Person
from orders import course_events as happened
from orders.course import advance, begun
from orders.course_messages import Course, JointRule
from orders.errors import ValueRefused
from tests.support.courses import LEAD, OTHER, THIRD, dispatched

CLERK = Person(login="wang", name="派单员", role=Role.CLERK)
OFFICER = Person(login="li", name="承办人", role=Role.UNIT, unit=LEAD)
AUDITOR = Person(login="shen", name="审计员", role=Role.AUDITOR)
MINE = frozenset({LEAD})


def with_lead(*joint: str) -> Course:
    return advance(begun(0.0), dispatched(LEAD, *joint), 1.0)


def test_a_clerks_dispatch_names_who_did_it_and_that_a_person_chose() -> None:
    event = event_of(
        "dispatch", {"lead": LEAD, "joint": [OTHER], "joint_rule": "all"}, CLERK, begun(0.0), frozenset()
    )
    assert event == happened.OrderDispatched(
        lead=LEAD, joint=(OTHER,), joint_rule=JointRule.ALL, source="clerk", by="wang"
    )


def test_a_unit_signs_in_its_own_name_without_saying_so() -> None:
    event = event_of("sign", {}, OFFICER, with_lead(), MINE)
    assert event == happened.OrderSigned(unit=LEAD, by="li")


def test_a_unit_acts_in_the_part_that_it_has_in_this_order() -> None:
    below = frozenset({LEAD, THIRD})
    course = with_lead(THIRD)
    joint_only = Person(login="zhao", name="承办人", role=Role.UNIT, unit=THIRD)
    assert event_of("sign", {}, joint_only, course, frozenset({THIRD})) == happened.OrderSigned(
        unit=THIRD, by="zhao"
    )
    assert event_of("sign", {"unit": THIRD}, OFFICER, course, below) == happened.OrderSigned(
        unit=THIRD, by="li"
    )


def test_a_unit_does_not_act_for_another_one() -> None:
    with pytest.raises(MoveForbidden, match="another unit"):
        event_of("sign", {"unit": OTHER}, OFFICER, with_lead(OTHER), MINE)


def test_the_centre_acts_for_a_unit_and_the_trail_shows_who_it_was() -> None:
    assert event_of("sign", {}, CLERK, with_lead(), frozenset()) == happened.OrderSigned(unit=LEAD, by="wang")


@pytest.mark.parametrize("name", sorted(MOVES))
def test_an_auditor_changes_nothing(name: str) -> None:
    with pytest.raises(MoveForbidden):
        event_of(name, {}, AUDITOR, with_lead(), frozenset())


@pytest.mark.parametrize("stamp", ["by", "clocks", "clock", "bad", "at"])
@pytest.mark.parametrize("name", ["dispatch", "rate", "return", "redo"])
def test_nobody_fills_in_what_the_rules_say(name: str, stamp: str) -> None:
    with pytest.raises(ValueRefused, match=stamp):
        event_of(name, {stamp: 1}, CLERK, with_lead(), frozenset())


def test_what_does_not_fit_is_refused_in_words_that_name_the_move() -> None:
    with pytest.raises(ValueRefused) as caught:
        event_of("ask_extension", {"days": "many", "reason": "开挖"}, OFFICER, with_lead(), MINE)
    assert "申请延期" in caught.value.shown


def test_only_moves_of_the_state_and_the_role_are_offered() -> None:
    course = with_lead()
    assert "sign" in moves_for(OFFICER, course)
    assert "dispatch" not in moves_for(OFFICER, course)
    assert {"dispatch", "sign", "withdraw"} <= set(moves_for(CLERK, course))
    assert "feed_back" not in moves_for(OFFICER, course)  # not signed for yet
    assert moves_for(AUDITOR, course) == ()
