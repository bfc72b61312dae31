"""A citizen's way through the first flow, step by step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr_flows.engine import FlowRun, FlowState
from ivr_flows.errors import FlowError, IllegalFlowEvent
from ivr_flows.loader import load_flows, parse_flow
from ivr_flows.messages import (
    Action,
    Done,
    Event,
    Failed,
    HangUp,
    Heard,
    HungUp,
    Listen,
    LookedUp,
    LookUp,
    Play,
    Played,
    Rated,
    Route,
    RouteFailed,
    TalkOver,
)
from ivr_flows.schema import Flow

ANY_KEY = "0123456789*#"
ASKED = Listen(prompts=("survey", "survey_speak"), keys=ANY_KEY, wait_s=6.0, most_s=12.0, flush=True)


def seat(queue: str, greeting: str) -> Route:
    """In line at a queue of the citizens' flow."""
    return Route(
        queue=queue,
        needs={queue: 1},
        greeting=(greeting,),
        listen=True,
        listen_invite=("speak_while_waiting",),
        keys=("1",),
        keys_hint=("callback_offer",),
    )


GENERAL = seat("general", "connecting")
SILENTLY = replace(GENERAL, greeting=(), listen_invite=())


@pytest.fixture(scope="module")
def flow() -> Flow:
    return load_flows().by_name["citizen_line"]


def walk(run: FlowRun, *events: Event) -> Action:
    """Start as an unknown caller and answer with these events; the last action."""
    action = run.start()
    if isinstance(action, LookUp):
        action = run.handle(LookedUp(facts={}))
    for event in events:
        action = run.handle(event)
    return action


def test_a_call_begins_with_greeting_and_keys_that_any_key_interrupts(flow: Flow) -> None:
    assert walk(FlowRun(flow)) == Play(prompts=("greeting", "keys"), keys=ANY_KEY, wait_s=1.0)


def test_who_presses_nothing_is_in_line_for_a_general_seat_at_once(flow: Flow) -> None:
    assert walk(FlowRun(flow), Played()) == GENERAL


@pytest.mark.parametrize(("key", "queue"), [("1", "enterprise"), ("2", "social_security"), ("3", "dialect")])
def test_a_key_leads_to_its_skill_queue(flow: Flow, key: str, queue: str) -> None:
    action = walk(FlowRun(flow), Played(key=key))
    assert action == seat(queue, f"connecting_{queue}")


def test_a_wrong_key_is_said_once_and_leads_to_a_general_seat(flow: Flow) -> None:
    assert walk(FlowRun(flow), Played(key="9")) == Play(prompts=("invalid_key",), keys=ANY_KEY)
    assert walk(FlowRun(flow), Played(key="9"), Played()) == GENERAL


def test_prompts_that_cannot_be_played_keep_nobody_from_a_person(flow: Flow) -> None:
    assert walk(FlowRun(flow), Failed(reason="no file")) == GENERAL


def test_a_special_queue_that_cannot_take_the_call_leads_to_a_general_seat(flow: Flow) -> None:
    assert walk(FlowRun(flow), Played(key="3"), RouteFailed(reason="unknown queue")) == GENERAL


def test_a_router_that_takes_nobody_hands_the_caller_to_the_dialplan(flow: Flow) -> None:
    assert walk(FlowRun(flow), Played(), RouteFailed(reason="stopping")) == HangUp(reason="error")


def test_after_the_talk_the_citizen_rates_it_and_is_thanked(flow: Flow) -> None:
    run = FlowRun(flow)
    assert walk(run, Played(), TalkOver()) == ASKED
    assert run.handle(Heard(key="4")) == Rated(score=4)
    assert run.handle(Done()) == Play(prompts=("survey_thanks",), keys=ANY_KEY)
    assert run.handle(Played()) == HangUp(reason="finished")
    assert run.over


def test_a_wrong_rating_may_be_corrected_once(flow: Flow) -> None:
    run = FlowRun(flow)
    again = walk(run, Played(), TalkOver(), Heard(key="8"))
    assert again == replace(ASKED, prompts=("survey_invalid", *ASKED.prompts), flush=False)
    assert run.handle(Heard(key="5")) == Rated(score=5)


def test_a_second_wrong_rating_ends_the_call_kindly(flow: Flow) -> None:
    run = FlowRun(flow)
    assert walk(run, Played(), TalkOver(), Heard(key="8"), Heard(key="#")) == Play(
        prompts=("goodbye",), keys=ANY_KEY
    )
    assert run.handle(Played()) == HangUp(reason="finished")


def test_who_rates_nothing_is_said_goodbye(flow: Flow) -> None:
    assert walk(FlowRun(flow), Played(), TalkOver(), Heard()) == Play(prompts=("goodbye",), keys=ANY_KEY)


def test_a_rating_that_cannot_be_noted_ends_the_call_kindly(flow: Flow) -> None:
    action = walk(FlowRun(flow), Played(), TalkOver(), Heard(key="5"), Failed(reason="store"))
    assert action == Play(prompts=("goodbye",), keys=ANY_KEY)


def test_a_citizen_who_hangs_up_ends_the_flow(flow: Flow) -> None:
    run = FlowRun(flow)
    assert walk(run, Played(), HungUp()) == HangUp(reason="caller_gone")
    assert run.over


# ---------------------------------------------------------------- restarts


def taken_over(run: FlowRun, flow: Flow) -> FlowRun:
    """The same call on another server."""
    return FlowRun.resume(flow, FlowState.load(run.saved()))


def test_a_caller_in_line_is_in_line_again_without_a_greeting(flow: Flow) -> None:
    run = FlowRun(flow)
    walk(run, Played(key="3"))
    action = taken_over(run, flow).back_in_line()
    assert action == replace(seat("dialect", ""), greeting=(), listen_invite=())


def test_a_caller_who_had_not_chosen_yet_is_in_line_for_a_general_seat(flow: Flow) -> None:
    run = FlowRun(flow)
    walk(run)
    assert taken_over(run, flow).back_in_line() == SILENTLY


def test_a_caller_of_whom_nothing_is_known_is_in_line_for_a_general_seat(flow: Flow) -> None:
    assert FlowRun(flow).back_in_line() == SILENTLY


def test_a_talk_that_outlived_the_server_is_followed_by_the_survey(flow: Flow) -> None:
    run = FlowRun(flow)
    walk(run, Played(key="1"))
    successor = taken_over(run, flow)
    assert successor.after_talk() == ASKED
    assert successor.handle(Heard(key="5")) == Rated(score=5)


def test_a_talk_of_which_nothing_is_known_is_followed_by_the_survey(flow: Flow) -> None:
    assert FlowRun(flow).after_talk() == ASKED


def test_a_server_that_dies_in_the_survey_brings_nobody_back_in_line(flow: Flow) -> None:
    run = FlowRun(flow)
    walk(run, Played(), TalkOver(), Heard())
    assert taken_over(run, flow).back_in_line() == Play(prompts=("goodbye",), keys=ANY_KEY)


def test_a_step_that_the_new_version_does_not_have_leads_to_a_general_seat(flow: Flow) -> None:
    state = FlowState(flow="citizen_line", version="old", step="abolished", steps=3)
    run = FlowRun.resume(flow, state)
    assert run.state.version == flow.version
    assert run.back_in_line() == SILENTLY


def test_a_state_of_another_flow_is_refused(flow: Flow) -> None:
    with pytest.raises(FlowError, match="state of flow 'night' cannot go on in flow 'citizen_line'"):
        FlowRun.resume(flow, FlowState(flow="night", version="1"))


def test_a_damaged_state_is_refused() -> None:
    with pytest.raises(FlowError, match="Invalid enum value 'dancing'"):
        FlowState.load({"flow": "citizen_line", "version": "1", "stage": "dancing"})


# ---------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("before", "event", "stage"),
    [
        ((), TalkOver(), "playing"),
        ((), Done(), "playing"),
        ((), RouteFailed(reason="x"), "playing"),
        ((Played(),), Played(), "in_line"),
        ((Played(),), Done(), "in_line"),
        ((Played(), TalkOver(), Heard(key="5")), Played(), "noting"),
        ((HungUp(),), Played(), "over"),
        ((HungUp(),), HungUp(), "over"),
    ],
)
def test_an_event_that_cannot_happen_is_named_with_the_stage(
    flow: Flow, before: tuple[Event, ...], event: Event, stage: str
) -> None:
    run = FlowRun(flow)
    walk(run, *before)
    state = run.state
    with pytest.raises(IllegalFlowEvent, match=f"{type(event).__name__} is not legal in stage '{stage}'"):
        run.handle(event)
    assert run.state == state


def test_nothing_can_be_played_before_the_start(flow: Flow) -> None:
    with pytest.raises(IllegalFlowEvent, match="Played is not legal in stage 'new'"):
        FlowRun(flow).handle(Played())


def test_a_flow_begins_once(flow: Flow) -> None:
    run = FlowRun(flow)
    run.start()
    with pytest.raises(IllegalFlowEvent, match="start is not legal in stage 'looking_up'"):
        run.start()


def test_a_flow_that_is_over_does_not_begin_again(flow: Flow) -> None:
    run = FlowRun(flow)
    walk(run, HungUp())
    with pytest.raises(IllegalFlowEvent, match="back_in_line is not legal in stage 'over'"):
        run.back_in_line()
    with pytest.raises(IllegalFlowEvent, match="after_talk is not legal in stage 'over'"):
        run.after_talk()


CIRCLE = b"""
flow: circle
title: \xe8\xbd\xac\xe5\x9c\x88
start: ask
resume: person
after_talk: bye
max_steps: 5
steps:
  ask:
    kind: menu
    prompts: [keys]
    keys: {"1": person}
    no_key: ask
    wrong_key: ask
    error: ask
  person: {kind: route, queue: general, needs: {general: 1}, next: bye, error: person}
  bye: {kind: announce, prompts: [goodbye], next: bye, error: bye}
"""


def test_a_flow_that_goes_in_circles_hands_the_caller_to_the_dialplan() -> None:
    run = FlowRun(parse_flow(CIRCLE))
    action = walk(run, Played(), Played(), Played(), Played(), Played())
    assert action == HangUp(reason="error")


def test_a_flow_that_goes_in_circles_after_the_talk_hangs_up() -> None:
    run = FlowRun(parse_flow(CIRCLE))
    walk(run, Played(key="1"), TalkOver(), Played(), Played())
    assert run.handle(Played()) == HangUp(reason="finished")
