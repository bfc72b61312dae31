"""The life of a return visit: every legal move, and no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import visits
from orders.errors import ValueRefused
from orders.messages import Solved
from orders.visit_policy import Result, VisitPolicy
from orders.visits import LEGAL, OPEN, Answers, IllegalVisitMove, Visit, VisitState

S = VisitState
NOON = datetime(2026, 11, 23, 10, 0, tzinfo=UTC).timestamp()
"""18:00 in China, a Monday."""
MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC).timestamp()
"""10:00 in China."""
POLICY = VisitPolicy()


def fresh() -> Visit:
    return visits.planned(
        "v1-o1",
        order_id="o1",
        order_number="20261122000001",
        number="13800000001",
        due_at=MORNING,
        by="boss",
        now=MORNING,
    )


def dialling(call_id: str = "hl1-1.1") -> Visit:
    return visits.dialled(visits.came_due(fresh(), MORNING), call_id, MORNING)


def talking() -> Visit:
    return visits.picked_up(dialling(), "hl1-1.1", MORNING)


MOVES: Mapping[str, Callable[[Visit, float], Visit]] = {
    "came_due": visits.came_due,
    "put_off": lambda visit, now: visits.put_off(visit, now + 60, now),
    "dialled": lambda visit, now: visits.dialled(visit, f"hl1-{int(now)}.1", now),
    "picked_up": lambda visit, now: visits.picked_up(visit, f"hl1-{int(now)}.1", now),
    "unreached": lambda visit, now: visits.unreached(visit, Result.BUSY, POLICY, now),
    "released": visits.released,
    "noted": lambda visit, now: visits.noted(visit, Answers(solved=Solved.YES), now),
    "over": lambda visit, now: visits.over(visit, POLICY, now),
    "settled": lambda visit, now: visits.settled(visit, Answers(satisfaction=4), "boss", now),
    "cancelled": lambda visit, now: visits.cancelled(visit, "不需要", "boss", now),
    "expired": visits.expired,
}


def test_every_event_has_a_row_in_the_table() -> None:
    assert MOVES.keys() == LEGAL.keys()


def in_state(state: VisitState) -> Visit:
    """A visit that has come to this state by legal moves."""
    ways: Mapping[VisitState, Callable[[], Visit]] = {
        S.PLANNED: fresh,
        S.DUE: lambda: visits.came_due(fresh(), MORNING),
        S.DIALLING: dialling,
        S.TALKING: talking,
        S.ANSWERED: lambda: visits.settled(fresh(), Answers(satisfaction=4), "boss", MORNING),
        S.GIVEN_UP: lambda: visits.expired(fresh(), MORNING),
        S.CANCELLED: lambda: visits.cancelled(fresh(), "重复", "boss", MORNING),
    }
    return ways[state]()


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("event", LEGAL)
def test_a_move_is_done_where_the_table_says_and_refused_elsewhere(event: str, state: VisitState) -> None:
    visit = in_state(state)
    assert visit.state is state
    if state in LEGAL[event]:
        MOVES[event](visit, MORNING + 1)
        return
    with pytest.raises(IllegalVisitMove, match=rf"'{event}' is not legal in state '{state.value}'"):
        MOVES[event](visit, MORNING + 1)


def test_an_answered_visit_keeps_what_was_answered_and_by_whom() -> None:
    visit = visits.noted(talking(), Answers(solved=Solved.YES, words="解决了"), MORNING + 5)
    visit = visits.noted(visit, Answers(satisfaction=5), MORNING + 9)
    visit = visits.over(visit, POLICY, MORNING + 12)
    assert (visit.state, visit.last_result, visit.recorded_by) == (S.ANSWERED, Result.ANSWERED, "robot")
    assert visit.answers == Answers(solved=Solved.YES, satisfaction=5, words="解决了")


def test_who_hangs_up_after_the_first_question_has_answered_it() -> None:
    visit = visits.over(visits.noted(talking(), Answers(solved=Solved.NO), MORNING), POLICY, MORNING)
    assert (visit.state, visit.answers.solved, visit.answers.satisfaction) == (S.ANSWERED, Solved.NO, None)


def test_who_hangs_up_without_an_answer_is_asked_again_a_day_later() -> None:
    visit = visits.over(talking(), POLICY, MORNING)
    assert (visit.state, visit.last_result, visit.due_at) == (S.PLANNED, Result.REFUSED, MORNING + 86_400)


def test_an_answering_machine_is_no_answer() -> None:
    visit = visits.over(visits.noted(talking(), Answers(), MORNING, silent=True), POLICY, MORNING)
    assert (visit.state, visit.last_result) == (S.PLANNED, Result.NO_ANSWER)


def test_words_that_nobody_understood_are_unclear() -> None:
    visit = visits.over(visits.noted(talking(), Answers(words="那个嘛"), MORNING), POLICY, MORNING)
    assert (visit.state, visit.last_result) == (S.PLANNED, Result.UNCLEAR)


def test_a_citizen_who_talked_with_a_person_was_visited_by_that_person() -> None:
    visit = visits.over(talking(), POLICY, MORNING, person="agent1")
    assert (visit.state, visit.recorded_by) == (S.ANSWERED, "agent:agent1")


def test_a_busy_line_is_tried_again_in_a_quarter_of_an_hour() -> None:
    visit = visits.unreached(dialling(), Result.BUSY, POLICY, MORNING)
    assert (visit.state, visit.tries, visit.due_at) == (S.PLANNED, 1, MORNING + 900)


def test_a_retry_that_would_fall_into_the_noon_break_waits_for_the_afternoon() -> None:
    visit = visits.unreached(dialling(), Result.NO_ANSWER, POLICY, MORNING + 3600)  # 11:00, again at 13:00
    assert visit.due_at == MORNING + 4 * 3600  # 14:00


def test_a_number_that_does_not_exist_is_given_up_at_once() -> None:
    visit = visits.unreached(dialling(), Result.UNREACHABLE, POLICY, MORNING)
    assert (visit.state, visit.reason) == (S.GIVEN_UP, "unreachable")


def test_after_the_last_try_the_visit_is_given_up() -> None:
    visit = fresh()
    for _ in range(POLICY.tries):
        visit = visits.dialled(visits.came_due(visit, MORNING), "hl1-1.1", MORNING)
        visit = visits.unreached(visit, Result.NO_ANSWER, POLICY, MORNING)
    assert (visit.state, visit.tries, visit.reason) == (S.GIVEN_UP, POLICY.tries, "tries")


def test_failures_of_ours_do_not_use_up_the_tries() -> None:
    visit = fresh()
    for _ in range(POLICY.tries + 1):
        visit = visits.dialled(visits.came_due(visit, MORNING), "hl1-1.1", MORNING)
        visit = visits.unreached(visit, Result.FAILED, POLICY, MORNING)
    assert (visit.state, visit.failures) == (S.PLANNED, POLICY.tries + 1)


def test_a_dialling_that_nobody_knows_of_costs_no_try() -> None:
    visit = visits.released(dialling(), MORNING)
    assert (visit.state, visit.tries, visit.call_id) == (S.DUE, 0, "")


def test_what_a_person_records_is_the_persons() -> None:
    visit = visits.settled(fresh(), Answers(solved=Solved.PARTLY), "boss", MORNING)
    assert (visit.state, visit.recorded_by) == (S.ANSWERED, "agent:boss")


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_satisfaction_outside_1_to_5_is_refused(score: int) -> None:
    with pytest.raises(ValueRefused, match="expected 1 to 5"):
        Answers(satisfaction=score)


def test_two_who_plan_an_orders_next_visit_at_once_plan_the_same() -> None:
    assert visits.visit_id_of("o1", 2) == visits.visit_id_of("o1", 2) != visits.visit_id_of("o1", 3)


@given(st.lists(st.sampled_from(sorted(MOVES)), max_size=60))
def test_whatever_happens_tries_are_bounded_and_answers_are_never_lost(events: list[str]) -> None:
    visit, now, answered = fresh(), MORNING, False
    for event in events:
        now += 3600
        try:
            after = MOVES[event](visit, now)
        except IllegalVisitMove as error:
            assert visit.state not in LEGAL[event]
            assert (error.state, error.event) == (visit.state.value, event)
            continue
        assert visit.state in LEGAL[event]
        answered = answered or after.answers.any
        assert after.answers.any == answered
        assert after.tries - after.failures <= POLICY.tries + len(events)
        if event in ("unreached", "over"):
            assert after.state in (S.PLANNED, S.GIVEN_UP, S.ANSWERED)
            if after.state is S.PLANNED:
                assert after.tries - after.failures < POLICY.tries
                assert after.due_at > now
                assert POLICY.open_at(after.due_at)
        assert (after.state in OPEN) is after.open
        visit = after
    if visit.state is S.ANSWERED:
        assert answered or visit.recorded_by.startswith("agent:")
