"""A call's states: what is not in the table raises, and what is known of a call is never lost by a move."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti import call as calls_of
from cti.call import LEGAL, Call
from cti.errors import IllegalCallMove
from cti.messages import CallState, Outcome

Move = Callable[[Call, float], Call]

MOVES: Mapping[str, tuple[CallState, Move]] = {
    "entered_flow": (CallState.IN_FLOW, calls_of.entered_flow),
    "queued": (CallState.WAITING, lambda call, now: calls_of.queued(call, "general", {"general": 1}, 0, now)),
    "ringing": (CallState.RINGING, lambda call, now: calls_of.ringing(call, "li", now)),
    "ring_failed": (CallState.WAITING, calls_of.ring_failed),
    "answered": (CallState.TALKING, lambda call, now: calls_of.answered(call, "li", "PJSIP/8001-1", now)),
    "held": (CallState.HELD, calls_of.held),
    "resumed": (CallState.TALKING, calls_of.resumed),
    "agent_left": (CallState.SURVEY, calls_of.agent_left),
    "wrapped_up": (CallState.ENDED, calls_of.wrapped_up),
}
"""Name of the move as errors give it -> where it leads, and the move."""


def a_call(state: CallState = CallState.INCOMING, *, answered: float | None = None) -> Call:
    return Call(
        call_id="hl1-1800000000.1",
        node="hl1",
        channel="PJSIP/city-00000001",
        caller="13800000001",
        called="12345",
        state=state,
        started=1000.0,
        recording_started=1000.0,
        state_since=1000.0,
        answered=answered,
    )


@pytest.mark.parametrize("state", CallState)
@pytest.mark.parametrize("event", MOVES)
def test_a_move_that_the_table_does_not_have_raises_naming_state_and_event(
    state: CallState, event: str
) -> None:
    to, move = MOVES[event]
    if to in LEGAL[state]:
        after = move(a_call(state), 1010.0)
        assert (after.state, after.state_since) == (to, 1010.0)
    else:
        with pytest.raises(
            IllegalCallMove, match=f"'{event}' is not legal in state '{state.value}'"
        ) as raised:
            move(a_call(state), 1010.0)
        assert (raised.value.state, raised.value.event) == (state.value, event)


@pytest.mark.parametrize("state", CallState)
def test_a_citizen_may_leave_at_any_time_but_only_once(state: CallState) -> None:
    if state in (CallState.WRAP_UP, CallState.ENDED):
        with pytest.raises(IllegalCallMove, match="'citizen_left'"):
            calls_of.citizen_left(a_call(state), 1010.0, writing=False)
    else:
        left = calls_of.citizen_left(a_call(state), 1010.0, writing=False)
        assert (left.state, left.ended) == (CallState.ENDED, 1010.0)


@pytest.mark.parametrize("state", CallState)
def test_a_rating_counts_in_the_survey_only(state: CallState) -> None:
    if state is CallState.SURVEY:
        assert calls_of.rated(a_call(state), 4).satisfaction == 4
    else:
        with pytest.raises(IllegalCallMove, match=f"'rated' is not legal in state '{state.value}'"):
            calls_of.rated(a_call(state), 4)


def test_the_outcome_is_what_the_citizen_got() -> None:
    call = a_call(CallState.IN_FLOW)
    assert calls_of.citizen_left(call, 1010.0, writing=False).outcome is Outcome.ABANDONED_IN_FLOW
    waiting = calls_of.queued(call, "general", {}, 0, 1005.0)
    assert calls_of.citizen_left(waiting, 1010.0, writing=False).outcome is Outcome.ABANDONED_WAITING
    assert calls_of.citizen_left(waiting, 1010.0, writing=False, failed=True).outcome is Outcome.FAILED
    talking = calls_of.answered(waiting, "li", "PJSIP/8001-1", 1008.0)
    assert calls_of.citizen_left(talking, 1010.0, writing=False).outcome is Outcome.ANSWERED


def test_an_agent_who_still_writes_keeps_the_call_open() -> None:
    talking = calls_of.answered(a_call(CallState.RINGING), "li", "PJSIP/8001-1", 1008.0)
    left = calls_of.citizen_left(talking, 1010.0, writing=True)
    assert (left.state, left.ended, left.agent_id) == (CallState.WRAP_UP, 1010.0, "li")
    assert calls_of.wrapped_up(left, 1070.0).ended == 1010.0


@given(st.lists(st.sampled_from(sorted(MOVES)), max_size=30))
def test_who_has_waited_or_talked_never_loses_that_time(events: list[str]) -> None:
    call = a_call()
    now = 1000.0
    for event in events:
        to, move = MOVES[event]
        if to not in LEGAL[call.state]:
            continue
        now += 1
        before, call = call, move(call, now)
        assert call.started == before.started
        assert before.queued is None or call.queued == before.queued
        assert before.answered is None or call.answered == before.answered
        assert call.waited_s is None or call.waited_s >= 0
        assert call.with_person == (call.state in calls_of.WITH_PERSON)
    if call.state is CallState.ENDED:
        assert LEGAL[call.state] == frozenset()
