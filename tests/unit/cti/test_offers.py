"""Only moves that can come to something are offered, and none that would is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.casework.moves import MOVES
from cti.casework.offers import offered, parts_of
from cti.messages import Role
from cti.ports import Person
from orders.course import advance, begun
from orders.course_events import CourseEvent
from orders.course_messages import ClockKind, Course
from orders.errors import OrderError
from tests.support.courses import (
    ANSWERED,
    EVENTS,
    LEAD,
    OTHER,
    THIRD,
    clock,
    dispatched,
    life,
    lives,
    rated,
    return_ruled,
    returned,
    signed,
)

CLERK = Person(login="wang", name="派单员", role=Role.CLERK)
CHIEF = Person(login="zhou", name="班长", role=Role.SUPERVISOR)
OFFICER = Person(login="li", name="承办人", role=Role.UNIT, unit=LEAD)
HELPER = Person(login="zhao", name="协办人", role=Role.UNIT, unit=OTHER)
LEADER = Person(login="ma", name="领导", role=Role.LEADER)
MINE, OTHERS = frozenset({LEAD}), frozenset({OTHER})


def of(person: Person, course: Course, now: float = 2000.0) -> set[str]:
    units = {LEAD: MINE, OTHER: OTHERS}.get(person.unit, frozenset())
    return set(offered(person, course, units, now))


def test_a_lead_signs_first_and_a_joint_unit_answers_after_it_signed() -> None:
    sent = life(dispatched(LEAD, OTHER))
    assert "sign" in of(OFFICER, sent)
    assert not {"note", "feed_back", "joint_answer"} & of(OFFICER, sent)
    assert "sign" in of(HELPER, sent)
    both = life(dispatched(LEAD, OTHER), signed(), signed(OTHER))
    assert {"feed_back", "note"} <= of(OFFICER, both)
    assert "joint_answer" not in of(OFFICER, both)
    assert {"joint_answer", "note"} <= of(HELPER, both)
    assert not {"sign", "feed_back", "return"} & of(HELPER, both)


def test_the_centre_acts_for_every_unit_of_the_order_and_a_leader_for_none() -> None:
    sent = life(dispatched(LEAD, OTHER))
    assert parts_of(CLERK, sent, frozenset()) == (LEAD, OTHER)
    assert parts_of(HELPER, sent, OTHERS) == (OTHER,)
    assert parts_of(LEADER, sent, frozenset()) == ()
    assert of(LEADER, sent) == {"follow", "supervise"}


def test_an_extension_is_asked_for_once_and_then_ruled() -> None:
    limit = clock(ClockKind.RESOLVE, 99_000.0)
    work = life(dispatched(clocks=(limit,)), signed())
    assert "ask_extension" in of(OFFICER, work)
    assert "rule_extension" not in of(CLERK, work)
    ask = MOVES["ask_extension"].event(unit=LEAD, days=2, reason="开挖", by="li")  # type: ignore[call-arg]
    asked = advance(work, ask, 2000.0)
    assert "ask_extension" not in of(OFFICER, asked)
    assert "rule_extension" in of(CLERK, asked)


def test_who_was_told_to_do_it_does_not_return_it_again() -> None:
    first = life(dispatched(), signed())
    assert "return" in of(OFFICER, first)
    limit = clock(ClockKind.RETURN, 5000.0)
    late = life(dispatched(clocks=(limit,)), signed())
    assert ("return" in of(OFFICER, late, 4000.0), "return" in of(OFFICER, late, 6000.0)) == (True, False)
    told = life(dispatched(), signed(), returned(), return_ruled(accepted=False))
    assert "return" not in of(OFFICER, told)


def test_a_badly_rated_order_is_not_closed_but_appealed_against_once() -> None:
    bad = life(*ANSWERED, rated(bad=True))
    assert "close" not in of(CLERK, bad)
    assert {"redo", "follow"} <= of(CLERK, bad)
    assert "appeal" in of(OFFICER, bad)
    good = life(*ANSWERED, rated(bad=False))
    assert "close" in of(CLERK, good)
    assert "appeal" not in of(OFFICER, good)


def test_a_clock_is_paused_only_while_one_runs() -> None:
    assert "pause" not in of(CLERK, life(dispatched()))
    assert "pause" in of(CLERK, life(dispatched(clocks=(clock(ClockKind.SIGN, 9e4),))))


@pytest.mark.parametrize("person", [CLERK, CHIEF, OFFICER])
@given(data=st.data())
def test_what_the_rules_let_through_is_offered(person: Person, data: st.DataObject) -> None:
    """Whatever event a person's role could make and the rules accept, its move is offered."""
    course = begun(0.0)
    for before, at in data.draw(lives()):
        course = advance(course, before, at)
    names = [name for name, move in MOVES.items() if person.role in move.roles]
    name = data.draw(st.sampled_from(names))
    event: CourseEvent = data.draw(EVENTS[MOVES[name].event])
    unit = getattr(event, "unit", "")
    mine = frozenset({LEAD})
    may = parts_of(person, course, mine)
    if MOVES[name].of_unit and unit not in may and not (name == "dispute" and not course.lead):
        return  # in another unit's name
    try:
        advance(course, replace(event, by=person.login), course.touched_at + 1.0)
    except OrderError:
        return
    assert name in offered(person, course, mine, course.touched_at + 1.0)
    assert THIRD not in parts_of(OFFICER, course, mine)
