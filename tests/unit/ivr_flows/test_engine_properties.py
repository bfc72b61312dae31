"""Whatever citizens press and say and whatever breaks, every flow ends, and soon."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr_flows.engine import MAX_DEPTH, FlowRun, FlowState, Surroundings
from ivr_flows.messages import Action, Collected, HangUp, HungUp, Played, Route
from ivr_flows.schema import Flow
from ivr_flows.state import MAX_FACTS, MAX_NEEDS, MAX_PENDING, MAX_VARS
from ivr_flows.surroundings import MAX_VALUE
from ivr_flows.turn import STAGES
from tests.unit.ivr_flows.anything import SURROUNDINGS, flows, next_event

MOST_ACTIONS_A_STEP = 14
"""five tries with question and confirmation each, once more when listening fails, a promise, thanks"""


@settings(deadline=None)
@given(flow=flows(), around=SURROUNDINGS, data=st.data())
def test_every_call_ends_after_a_bounded_number_of_actions(
    flow: Flow, around: Surroundings, data: st.DataObject
) -> None:
    """Even for a citizen who never hangs up."""
    run = FlowRun(flow, around=around)
    action = run.start()
    at_step, step = 0, run.state.steps
    while not isinstance(action, HangUp):
        action = run.handle(next_event(data, run.state.stage, patient=True))
        at_step = at_step + 1 if run.state.steps == step else 0
        step = run.state.steps
        assert at_step <= MOST_ACTIONS_A_STEP
        assert step <= flow.max_steps
    assert run.over


@settings(deadline=None)
@given(flow=flows(), around=SURROUNDINGS, data=st.data(), after=st.integers(0, 20))
def test_hanging_up_ends_the_flow_wherever_it_is(
    flow: Flow, around: Surroundings, data: st.DataObject, after: int
) -> None:
    run = FlowRun(flow, around=around)
    before = run.saved()
    run.start()
    for _ in range(after):
        if run.over:
            break
        before = run.saved()
        run.handle(next_event(data, run.state.stage, patient=True))
    if run.over:
        run = FlowRun(flow, FlowState.load(before), around)
    assert run.handle(HungUp()) == HangUp(reason="caller_gone")
    assert run.over


@settings(deadline=None)
@given(flow=flows(), around=SURROUNDINGS, data=st.data(), after=st.integers(0, 20))
def test_a_server_that_takes_over_goes_on_as_the_one_before_would(
    flow: Flow, around: Surroundings, data: st.DataObject, after: int
) -> None:
    run = FlowRun(flow, around=around)
    run.start()
    for _ in range(after):
        if run.over:
            return
        saved = msgspec.json.decode(msgspec.json.encode(run.saved()))
        twin = FlowRun.resume(flow, FlowState.load(saved), around)
        event = next_event(data, run.state.stage, patient=True)
        assert twin.handle(event) == run.handle(event)
        assert twin.state == run.state


@settings(deadline=None)
@given(flow=flows(), around=SURROUNDINGS, data=st.data(), after=st.integers(0, 20))
def test_a_caller_whose_server_died_is_in_line_again_unless_they_had_talked_or_will_be_called(
    flow: Flow, around: Surroundings, data: st.DataObject, after: int
) -> None:
    if flow.sub:
        return
    run = FlowRun(flow, around=around)
    saved = run.saved()
    run.start()
    for _ in range(after):
        if run.over or run.state.talked or run.state.promised or run.state.steps >= flow.max_steps:
            break
        saved = run.saved()
        run.handle(next_event(data, run.state.stage, patient=True))
    action = FlowRun.resume(flow, FlowState.load(saved), around).back_in_line()
    assert isinstance(action, Route)
    assert action.greeting == action.listen_invite == ()


@settings(deadline=None)
@given(flow=flows(), around=SURROUNDINGS, data=st.data())
def test_the_action_always_fits_the_stage(flow: Flow, around: Surroundings, data: st.DataObject) -> None:
    run = FlowRun(flow, around=around)
    action: Action = run.start()
    while not run.over:
        assert STAGES[type(action)] is run.state.stage
        action = run.handle(next_event(data, run.state.stage, patient=False))
    assert isinstance(action, HangUp)


@settings(deadline=None)
@given(flow=flows(), around=SURROUNDINGS, data=st.data())
def test_what_is_kept_of_a_call_stays_small(flow: Flow, around: Surroundings, data: st.DataObject) -> None:
    run = FlowRun(flow, around=around)
    run.start()
    while not run.over:
        run.handle(next_event(data, run.state.stage, patient=True))
        state = run.state
        assert len(state.pending) <= MAX_PENDING
        assert len(state.facts) <= MAX_FACTS
        assert len(state.vars) <= MAX_VARS
        assert len(state.needs) <= MAX_NEEDS
        assert len(state.stack) <= MAX_DEPTH
        assert all(len(value) <= MAX_VALUE for value in (*state.facts.values(), *state.vars.values()))
        assert len(state.held) <= MAX_VALUE + 50


@settings(deadline=None)
@given(flow=flows(), around=SURROUNDINGS, data=st.data(), flood=st.text("0123456789*#", max_size=300))
def test_a_flood_of_keys_ends_like_any_other_call(
    flow: Flow, around: Surroundings, data: st.DataObject, flood: str
) -> None:
    run = FlowRun(flow, around=around)
    run.start()
    for key in flood:
        if run.over:
            break
        if run.state.stage.value == "playing":
            run.handle(Played(key=key))
        elif run.state.stage.value == "collecting":
            run.handle(Collected(digits=flood))
        else:
            run.handle(next_event(data, run.state.stage, patient=True))
    if not run.over:
        assert run.handle(HungUp()) == HangUp(reason="caller_gone")


@settings(deadline=None)
@given(flow=flows(), around=SURROUNDINGS, data=st.data(), after=st.integers(0, 8))
def test_a_talk_that_nobody_saw_end_is_followed_by_something(
    flow: Flow, around: Surroundings, data: st.DataObject, after: int
) -> None:
    run = FlowRun(flow, around=around)
    run.start()
    for _ in range(after):
        if run.over:
            return
        run.handle(next_event(data, run.state.stage, patient=True))
    if not run.over:
        run = FlowRun.resume(flow, FlowState.load(run.saved()), around)
        run.after_talk()
        assert run.state.talked
