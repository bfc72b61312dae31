"""The agent's state machine, state by state."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.agents import Agent
from acd.errors import IllegalAgentMove
from acd.messages import AgentRecord, AgentState, NotReadyReason
from acd.moves import MOVES, Move

MEAL = NotReadyReason.MEAL


def state(agent: Agent) -> AgentState:
    return agent.state


def ready_agent() -> Agent:
    agent = Agent("li", {"general": 3})
    agent.sign_in(10.0, auto_ready=True)
    return agent


def ringing_agent() -> Agent:
    agent = ready_agent()
    agent.ring("c1", "general", 35.0, 20.0)
    return agent


def talking_agent() -> Agent:
    agent = ringing_agent()
    agent.answer(25.0)
    return agent


def wrapping_agent() -> Agent:
    agent = talking_agent()
    agent.end(60.0, 100.0)
    return agent


def test_who_signs_in_takes_no_calls_before_asking() -> None:
    agent = Agent("li", {})
    agent.sign_in(10.0, auto_ready=False)
    assert (agent.state, agent.reason) == (AgentState.NOT_READY, NotReadyReason.SIGNED_IN)


def test_a_meal_asked_for_while_talking_begins_after_the_wrap_up() -> None:
    agent = talking_agent()
    agent.not_ready(MEAL, 30.0)
    assert state(agent) is AgentState.TALKING
    agent.end(60.0, 100.0)
    assert agent.state is AgentState.WRAP_UP
    agent.finish(160.0)
    assert (agent.state, agent.reason) == (AgentState.NOT_READY, MEAL)


def test_a_meal_asked_for_while_ringing_begins_at_once_when_the_caller_leaves() -> None:
    agent = ringing_agent()
    agent.not_ready(MEAL, 21.0)
    agent.withdraw(22.0)
    assert (agent.state, agent.reason) == (AgentState.NOT_READY, MEAL)


def test_asking_for_calls_again_takes_the_meal_back() -> None:
    agent = talking_agent()
    agent.not_ready(MEAL, 30.0)
    agent.ready(31.0)
    agent.end(60.0, 100.0)
    agent.finish(160.0)
    assert agent.state is AgentState.READY


def test_without_wrap_up_time_the_agent_is_ready_at_once() -> None:
    agent = talking_agent()
    agent.end(0.0, 100.0)
    assert (agent.state, agent.idle_since) == (AgentState.READY, 100.0)


def test_pressing_ready_ends_the_wrap_up() -> None:
    agent = wrapping_agent()
    agent.ready(110.0)
    assert agent.state is AgentState.READY


def test_a_caller_who_leaves_costs_no_idle_time() -> None:
    agent = ringing_agent()
    agent.withdraw(30.0)
    assert (agent.state, agent.idle_since) == (AgentState.READY, 10.0)


def test_a_missed_ring_makes_not_ready_with_its_reason() -> None:
    agent = ringing_agent()
    agent.miss(NotReadyReason.REFUSED, 30.0)
    assert (agent.state, agent.reason, agent.call_id) == (
        AgentState.NOT_READY,
        NotReadyReason.REFUSED,
        None,
    )


def test_who_signs_out_while_talking_is_gone_after_the_talk_without_wrap_up() -> None:
    agent = talking_agent()
    agent.sign_out(30.0)
    assert state(agent) is AgentState.TALKING
    agent.end(60.0, 100.0)
    assert agent.state is AgentState.OFFLINE


def test_who_signed_out_while_talking_may_come_back_before_the_end() -> None:
    agent = talking_agent()
    agent.sign_out(30.0)
    agent.sign_in(40.0, auto_ready=True)
    agent.end(0.0, 100.0)
    assert agent.state is AgentState.READY


def test_who_was_lost_may_sign_in_again_and_who_was_not_may_not() -> None:
    agent = ready_agent()
    agent.not_ready(NotReadyReason.LOST, 20.0)
    agent.sign_in(30.0, auto_ready=False)
    assert agent.reason is NotReadyReason.SIGNED_IN
    with pytest.raises(IllegalAgentMove, match="agent li: sign in is not legal in state 'not_ready'"):
        agent.sign_in(31.0, auto_ready=False)


def test_an_extended_wrap_up_ends_later_but_not_after_the_limit() -> None:
    agent = wrapping_agent()
    agent.extend(30.0, latest=200.0)
    assert agent.until == 190.0
    agent.extend(30.0, latest=200.0)
    assert agent.until == 200.0


def test_a_talk_found_after_a_restart_keeps_the_break_that_was_on() -> None:
    agent = ready_agent()
    agent.not_ready(MEAL, 20.0)
    agent.restore("c9", "general", 30.0)
    agent.end(0.0, 40.0)
    assert (agent.state, agent.reason) == (AgentState.NOT_READY, MEAL)


def test_a_talk_of_somebody_not_signed_in_ends_offline() -> None:
    agent = Agent("li", {})
    agent.restore("c9", "general", 30.0)
    agent.end(60.0, 40.0)
    assert agent.state is AgentState.OFFLINE


CALLS = {
    Move.SIGN_OUT: lambda agent: agent.sign_out(500.0),
    Move.READY: lambda agent: agent.ready(500.0),
    Move.NOT_READY: lambda agent: agent.not_ready(MEAL, 500.0),
    Move.RING: lambda agent: agent.ring("c2", "general", 520.0, 500.0),
    Move.ANSWER: lambda agent: agent.answer(500.0),
    Move.MISS: lambda agent: agent.miss(NotReadyReason.MISSED_RING, 500.0),
    Move.WITHDRAW: lambda agent: agent.withdraw(500.0),
    Move.END: lambda agent: agent.end(60.0, 500.0),
    Move.FINISH: lambda agent: agent.finish(500.0),
    Move.EXTEND: lambda agent: agent.extend(10.0, 900.0),
    Move.RESTORE: lambda agent: agent.restore("c3", "general", 500.0),
}


@settings(deadline=None)
@given(
    state=st.sampled_from(AgentState),
    moves=st.lists(st.sampled_from(list(CALLS)), max_size=20),
    after=st.sampled_from([AgentState.READY, AgentState.NOT_READY]),
)
def test_every_move_does_what_the_table_says_and_nothing_else(
    state: AgentState, moves: list[Move], after: AgentState
) -> None:
    agent = Agent.of(
        AgentRecord(
            agent_id="li",
            state=state,
            since=1.0,
            call_id="c1" if state in ("ringing", "talking", "wrap_up") else None,
            queue="general" if state in ("ringing", "talking", "wrap_up") else None,
            after=after,
            after_reason=MEAL if after is AgentState.NOT_READY else None,
        )
    )
    for move in moves:
        before = agent.record()
        allowed = MOVES[before.state].get(move, frozenset())
        if allowed:
            CALLS[move](agent)
            assert agent.state in allowed
        else:
            with pytest.raises(IllegalAgentMove, match=f"{move} is not legal in state '{before.state}'"):
                CALLS[move](agent)
            assert agent.record() == before
        busy = agent.state in (AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP)
        assert (agent.call_id is not None) == busy
        assert (agent.reason is not None) <= (agent.state is AgentState.NOT_READY)
        assert Agent.of(agent.record()).record() == agent.record()
