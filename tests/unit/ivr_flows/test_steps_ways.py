"""Steps that decide, remember, ask other systems and enter other flows."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ivr_flows.calendar import load_calendars
from ivr_flows.engine import MAX_DEPTH, FlowRun, FlowState, Surroundings
from ivr_flows.messages import (
    Done,
    Failed,
    HangUp,
    Note,
    Play,
    Played,
    Route,
    TalkOver,
    WebAnswered,
    WebRequest,
)
from tests.unit.ivr_flows.flow_of import ANY_KEY, flow_of, last, walk

CHINA = ZoneInfo("Asia/Shanghai")
CALENDARS = load_calendars()
FAILED = Play(prompts=("fallback",), keys=ANY_KEY)
BYE = Play(prompts=("goodbye",), keys=ANY_KEY)
BUSY = Play(prompts=("all_busy",), keys=ANY_KEY)


def at(text: str) -> Surroundings:
    """It is this time."""
    moment = datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()
    return Surroundings(now=lambda: moment, calendars=CALENDARS)


# ---------------------------------------------------------------- hours

HOURS = flow_of(
    """
start: {kind: hours, calendar: office, open: person, closed: bye, holiday: busy, error: failed}
busy: {kind: announce, prompts: [all_busy], next: bye, error: bye}
"""
)


def test_the_calendar_decides_between_open_closed_and_holiday() -> None:
    assert isinstance(last(HOURS, around=at("2026-11-20 10:00")), Route)
    assert last(HOURS, around=at("2026-11-20 12:30")) == BYE
    assert last(HOURS, around=at("2026-10-01 10:00")) == BUSY


def test_nobody_knows_the_time_or_the_calendar() -> None:
    assert last(HOURS, around=Surroundings()) == FAILED
    assert last(HOURS, around=Surroundings(now=lambda: 0.0)) == FAILED


# ---------------------------------------------------------------- branch


def branch(case: str) -> str:
    return f"""
start:
  kind: branch
  cases:
    - {{{case}, then: bye}}
  otherwise: person
"""


@pytest.mark.parametrize(
    ("case", "facts", "true"),
    [
        ("if: fact.x, is: abc", {"x": "abc"}, True),
        ("if: fact.x, is: abc", {"x": "ab"}, False),
        ("if: fact.x, is: abc", {}, False),
        ("if: fact.x, is: 3", {"x": "3.0"}, True),
        ("if: fact.x, in: [a, b]", {"x": "b"}, True),
        ("if: fact.x, in: [a, b]", {"x": "c"}, False),
        ("if: fact.x, exists: true", {"x": "0"}, True),
        ("if: fact.x, exists: true", {}, False),
        ("if: fact.x, exists: false", {}, True),
        ("if: fact.x, holds: true", {"x": "yes"}, True),
        ("if: fact.x, holds: true", {"x": "no"}, False),
        ("if: fact.x, holds: false", {}, True),
        ("if: fact.x, at_least: 2", {"x": "2"}, True),
        ("if: fact.x, at_least: 2", {"x": "1"}, False),
        ("if: fact.x, at_least: 2", {"x": "many"}, False),
        ("if: fact.x, at_most: 2", {}, False),
        ("if: fact.x, at_most: 2", {"x": "-1"}, True),
        ("if: fact.x, at_most: 2", {"x": "nan"}, False),
        ("if: fact.x, passed: false", {"x": "2026-11-20"}, True),
        ("if: fact.x, passed: false", {"x": "2026-11-19"}, False),
        ("if: fact.x, passed: true", {"x": "2026-11-19"}, True),
        ("if: fact.x, passed: true", {"x": "some day"}, False),
        ("all: [{if: fact.x, exists: true}, {if: fact.y, is: b}]", {"x": "a", "y": "b"}, True),
        ("all: [{if: fact.x, exists: true}, {if: fact.y, is: b}]", {"x": "a"}, False),
        ("any: [{if: fact.x, is: a}, {if: fact.y, is: b}]", {"y": "b"}, True),
        ("any: [{if: fact.x, is: a}, {if: fact.y, is: b}]", {}, False),
    ],
)
def test_a_comparison_is_true_or_not(case: str, facts: dict[str, str], true: bool) -> None:
    here = at("2026-11-20 10:00")
    around = Surroundings(now=here.now, calendars=CALENDARS, facts=facts)
    assert (last(flow_of(branch(case)), around=around) == BYE) is true


def test_the_first_true_case_wins() -> None:
    flow = flow_of(
        """
start:
  kind: branch
  cases:
    - {if: call.caller, exists: false, then: failed}
    - {if: call.called, is: "12345", then: bye}
    - {if: call.caller, exists: true, then: person}
  otherwise: person
"""
    )
    assert last(flow) == BYE


# ---------------------------------------------------------------- set, web, note


def test_what_is_set_joins_what_the_route_needs() -> None:
    flow = flow_of(
        """
start: {kind: set, needs: {general: 3, care: 1}, priority: 5, urgent: true, language: english, next: line}
line: {kind: route, queue: general, needs: {general: 1}, priority: 98, next: bye, error: give_up}
"""
    )
    action = last(flow)
    assert isinstance(action, Route)
    assert (action.needs, action.priority, action.urgent) == ({"general": 3, "care": 1}, 100, True)


def test_needs_may_be_forgotten() -> None:
    flow = flow_of("start: {kind: set, forget_needs: true, next: person}")
    action = last(flow, around=Surroundings(needs={"social_security": 2}))
    assert isinstance(action, Route)
    assert action.needs == {"general": 1}


def test_variables_are_texts_with_references_of_before_the_step() -> None:
    flow = flow_of(
        """
start: {kind: set, vars: {x: "a", y: "-"}, next: second}
second: {kind: set, vars: {x: "{var.y}", y: "{var.x}{fact.none} from {call.caller}"}, next: person}
"""
    )
    run, _ = walk(flow)
    assert run.state.vars == {"x": "-", "y": "a from 13800001207"}


WEB = flow_of(
    """
start: {kind: web, request: order_state, values: {caller: "{call.caller}"}, prefix: order, within_s: 1.5,
        next: tell, error: failed}
tell: {kind: branch, cases: [{if: fact.order_state, is: done, then: bye}], otherwise: person}
"""
)


def test_another_system_is_asked_and_its_answer_becomes_facts() -> None:
    assert last(WEB) == WebRequest(name="order_state", values={"caller": "13800001207"}, within_s=1.5)
    assert last(WEB, WebAnswered(facts={"state": "done", "Strange Key": "x"})) == BYE


def test_another_system_that_does_not_answer_in_time_keeps_nobody() -> None:
    assert last(WEB, Failed(reason="timeout")) == FAILED


def test_a_note_holds_what_is_known_and_leaves_out_what_is_not() -> None:
    flow = flow_of(
        'start: {kind: note, note: visit, values: {who: "{call.caller}", words: "{var.words}"},'
        " next: bye, error: person}"
    )
    assert last(flow) == Note(kind="visit", values={"who": "13800001207"})
    assert last(flow, Done()) == BYE
    assert isinstance(last(flow, Failed(reason="journal")), Route)


# ---------------------------------------------------------------- sub-flows

INNER = flow_of(
    """
hello: {kind: announce, prompts: [all_busy], next: return, error: give_up}
""",
    start="hello",
    name="inner",
    sub=True,
)
OUTER = flow_of("start: {kind: flow, flow: inner, next: bye, error: failed}", INNER)


def test_a_sub_flow_returns_to_where_it_came_from() -> None:
    assert last(OUTER) == BUSY
    assert last(OUTER, Played()) == BYE


def test_a_sub_flow_that_gives_up_takes_the_exit_error() -> None:
    assert last(OUTER, Failed(reason="no file")) == FAILED


def test_a_sub_flow_that_is_not_there_takes_the_exit_error() -> None:
    assert last(flow_of("start: {kind: flow, flow: absent, next: bye, error: failed}")) == FAILED


def test_keys_pressed_in_a_sub_flow_answer_the_question_outside() -> None:
    flow = flow_of(
        """
start: {kind: flow, flow: inner, next: ask, error: failed}
ask: {kind: menu, prompts: [keys], keys: {"1": bye}, no_key: person, wrong_key: person, error: person}
""",
        INNER,
    )
    assert last(flow, Played(key="1")) == BYE


def test_flows_that_enter_one_another_stop_somewhere() -> None:
    inner = flow_of("hello: {kind: flow, flow: inner, next: return, error: stop}\n"
                    "stop: {kind: announce, prompts: [all_busy], next: return, error: return}",
                    start="hello", name="inner", sub=True)  # fmt: skip
    run, action = walk(flow_of("start: {kind: flow, flow: inner, next: bye, error: failed}", inner))
    assert action == BUSY
    assert len(run.state.stack) == MAX_DEPTH
    assert run.handle(Played()) == BYE


LINE = flow_of(
    """
line: {kind: route, queue: general, greeting: [connecting], next: thanks, error: give_up}
thanks: {kind: announce, prompts: [survey_thanks], next: return, error: return}
""",
    start="line",
    name="inner",
    sub=True,
)
AROUND_LINE = flow_of("start: {kind: flow, flow: inner, next: bye, error: failed}", LINE)


def test_a_caller_in_line_in_a_sub_flow_is_there_again_after_a_restart_and_returns_later() -> None:
    run, _ = walk(AROUND_LINE)
    successor = FlowRun.resume(AROUND_LINE, FlowState.load(run.saved()))
    assert successor.back_in_line() == Route(queue="general", needs={})
    assert successor.handle(TalkOver()) == Play(prompts=("survey_thanks",), keys=ANY_KEY)
    assert successor.handle(Played()) == BYE


def test_a_sub_flow_that_is_gone_after_a_restart_is_forgotten_with_all_around_it() -> None:
    run, _ = walk(AROUND_LINE)
    changed = flow_of("start: {kind: announce, prompts: [keys], next: person, error: person}")
    successor = FlowRun.resume(changed, FlowState.load(run.saved()))
    assert (successor.state.step, successor.state.inside, successor.state.stack) == ("", "", ())
    assert successor.back_in_line() == Route(queue="general", needs={"general": 1})


def test_return_where_nothing_waits_gives_a_caller_who_has_not_talked_to_the_dialplan() -> None:
    assert last(LINE, Failed(reason="stopping")) == HangUp(reason="error")
    assert last(INNER, Played()) == HangUp(reason="error")
    assert last(LINE, TalkOver(), Played()) == HangUp(reason="finished")
