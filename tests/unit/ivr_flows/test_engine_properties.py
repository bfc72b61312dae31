"""Whatever citizens press and whatever breaks, every flow ends, and soon."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ivr_flows.engine import LEGAL, FlowRun, FlowState, Stage
from ivr_flows.loader import SHIPPED_FLOWS, load_flow
from ivr_flows.messages import (
    Action,
    Done,
    Event,
    Failed,
    HangUp,
    HungUp,
    Play,
    Played,
    Rated,
    Route,
    RouteFailed,
    TalkOver,
)
from ivr_flows.schema import ALL_KEYS, ENDS, Announce, Flow, Menu, Step, Survey, ToPerson

SHIPPED = load_flow(SHIPPED_FLOWS / "citizen_line.yaml")
KEYS = st.sampled_from(ALL_KEYS)
NAMES = ("a", "b", "c", "d", "e")
TARGETS = st.sampled_from([*NAMES, *sorted(ENDS)])
PROMPTS = st.tuples(st.sampled_from(["greeting", "keys"]))


def steps() -> st.SearchStrategy[Step]:
    """Any step, leading anywhere, to itself included."""
    tries = st.integers(1, 5)
    return st.one_of(
        st.builds(Announce, prompts=PROMPTS, next=TARGETS, error=TARGETS),
        st.builds(
            Menu,
            prompts=PROMPTS,
            keys=st.dictionaries(KEYS, TARGETS, min_size=1),
            no_key=TARGETS,
            wrong_key=TARGETS,
            error=TARGETS,
            tries=tries,
        ),
        st.builds(
            Survey,
            prompts=PROMPTS,
            scores=st.dictionaries(KEYS, st.integers(1, 5), min_size=1),
            next=TARGETS,
            no_key=TARGETS,
            wrong_key=TARGETS,
            error=TARGETS,
            tries=tries,
        ),
        st.builds(
            ToPerson, queue=st.just("general"), needs=st.just({"general": 1}), next=TARGETS, error=TARGETS
        ),
    )


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Any flow at all, the shipped one among them."""
    if draw(st.booleans()):
        return SHIPPED
    person = draw(
        st.builds(
            ToPerson, queue=st.just("general"), needs=st.just({"general": 1}), next=TARGETS, error=TARGETS
        )
    )
    return Flow(
        name="any",
        title="任意",
        version="1",
        start=draw(st.sampled_from(NAMES)),
        resume="e",
        after_talk=draw(st.sampled_from(NAMES)),
        max_steps=draw(st.integers(2, 30)),
        steps={**{name: draw(steps()) for name in NAMES}, "e": person},
    )


EVENTS: dict[type[Event], st.SearchStrategy[Event]] = {
    Played: st.builds(Played, key=st.none() | KEYS),
    TalkOver: st.just(TalkOver()),
    RouteFailed: st.just(RouteFailed(reason="any")),
    Done: st.just(Done()),
    Failed: st.just(Failed(reason="any")),
    HungUp: st.just(HungUp()),
}


def next_event(data: st.DataObject, stage: Stage, *, patient: bool) -> Event:
    kinds = sorted(LEGAL[stage], key=lambda kind: kind.__name__)
    if patient:
        kinds.remove(HungUp)
    return data.draw(EVENTS[data.draw(st.sampled_from(kinds))])


@settings(deadline=None)
@given(flow=flows(), data=st.data())
def test_every_call_ends_after_a_bounded_number_of_actions(flow: Flow, data: st.DataObject) -> None:
    """Even for a citizen who never hangs up: at most five tries and one note at each of the steps."""
    run = FlowRun(flow)
    action = run.start()
    actions = 1
    while not isinstance(action, HangUp):
        action = run.handle(next_event(data, run.state.stage, patient=True))
        actions += 1
        assert actions <= 6 * flow.max_steps + 1
    assert run.over


@settings(deadline=None)
@given(flow=flows(), data=st.data(), after=st.integers(0, 20))
def test_hanging_up_ends_the_flow_wherever_it_is(flow: Flow, data: st.DataObject, after: int) -> None:
    run = FlowRun(flow)
    run.start()
    for _ in range(after):
        before = run.saved()
        run.handle(next_event(data, run.state.stage, patient=True))
        if run.over:
            run = FlowRun.resume(flow, FlowState.load(before))
            break
    assert run.handle(HungUp()) == HangUp(reason="caller_gone")
    assert run.over


@settings(deadline=None)
@given(flow=flows(), data=st.data(), after=st.integers(0, 20))
def test_a_server_that_takes_over_goes_on_as_the_one_before_would(
    flow: Flow, data: st.DataObject, after: int
) -> None:
    run = FlowRun(flow)
    run.start()
    for _ in range(after):
        if run.over:
            return
        twin = FlowRun.resume(flow, FlowState.load(run.saved()))
        event = next_event(data, run.state.stage, patient=True)
        assert twin.handle(event) == run.handle(event)


@settings(deadline=None)
@given(flow=flows(), data=st.data(), after=st.integers(0, 20))
def test_a_caller_whose_server_died_is_in_line_again_unless_they_had_talked(
    flow: Flow, data: st.DataObject, after: int
) -> None:
    run = FlowRun(flow)
    run.start()
    saved = run.saved()
    for _ in range(after):
        run.handle(next_event(data, run.state.stage, patient=True))
        if run.over or run.state.talked or run.state.steps >= flow.max_steps:
            break
        saved = run.saved()
    action = FlowRun.resume(flow, FlowState.load(saved)).back_in_line()
    assert isinstance(action, Route)
    assert action.greeting == ()


@settings(deadline=None)
@given(flow=flows(), data=st.data())
def test_the_action_always_fits_the_stage(flow: Flow, data: st.DataObject) -> None:
    fitting: dict[Stage, type[Action]] = {
        Stage.PLAYING: Play,
        Stage.IN_LINE: Route,
        Stage.NOTING: Rated,
        Stage.OVER: HangUp,
    }
    run = FlowRun(flow)
    action = run.start()
    while not run.over:
        assert isinstance(action, fitting[run.state.stage])
        action = run.handle(next_event(data, run.state.stage, patient=False))
    assert isinstance(action, HangUp)
