"""What `hotline check` says about flows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml

from ivr_flows.check import check, check_all
from ivr_flows.loader import SHIPPED_FLOWS, load_flows, parse_flow
from ivr_flows.schema import Flow
from tests.unit.ivr_flows.flow_of import flow_of

TEXT = (SHIPPED_FLOWS / "citizen_line.yaml").read_text(encoding="utf-8")
QUEUES = {"general", "enterprise", "social_security", "dialect", "sign_video"}
MANIFEST = yaml.safe_load((SHIPPED_FLOWS.parent / "prompts" / "manifest.yaml").read_text(encoding="utf-8"))
PROMPTS = set(MANIFEST["prompts"])


def problems(
    text: str, queues: set[str] | None = None, prompts: set[str] | None = None
) -> list[tuple[str, str]]:
    """Key and value of what is found."""
    flow = parse_flow(text.encode(), name="flow.yaml")
    return [(one.key, one.value) for one in check(flow, queues or QUEUES, prompts or PROMPTS)]


def test_the_shipped_flow_has_no_problem_with_the_shipped_prompts() -> None:
    assert problems(TEXT) == []


def test_a_missing_prompt_is_named_with_its_line() -> None:
    flow = parse_flow(TEXT.encode(), name="flow.yaml")
    (found,) = check(flow, QUEUES, PROMPTS - {"keys"})
    assert str(found) == (
        f"flow.yaml:{TEXT[: TEXT.index('prompts: [greeting, keys]')].count(chr(10)) + 1}: "
        "steps.welcome.prompts[1] = 'keys': "
        "add it to the prompt manifest and build its audio, or correct its spelling"
    )


def test_missing_greetings_and_retries_are_found_too() -> None:
    assert problems(TEXT, prompts=PROMPTS - {"connecting_dialect", "survey_invalid"}) == [
        ("steps.dialect.greeting[0]", "connecting_dialect"),
        ("steps.survey.retry[0]", "survey_invalid"),
    ]


def test_a_queue_that_the_policy_does_not_have_is_named() -> None:
    assert problems(TEXT, queues=QUEUES - {"dialect"}) == [
        ("steps.dialect.queue", "dialect"),
        ("steps.dialect_callback.queue", "dialect"),
    ]


def test_a_step_that_nobody_reaches_is_named() -> None:
    text = TEXT.replace('      "3": dialect\n', "")
    assert problems(text) == [
        ("steps.dialect", "dialect"),
        ("steps.dialect_callback", "dialect_callback"),
    ]


def test_a_caller_who_presses_nothing_must_not_go_round_in_circles() -> None:
    text = TEXT.replace("no_key: general", "no_key: wrong_key").replace(
        "    next: general\n    error: general", "    next: welcome\n    error: general", 1
    )
    ((key, value),) = problems(text)
    assert (key, value) == ("steps.wrong_key.next", "welcome")


def test_a_key_that_leads_back_is_no_circle() -> None:
    text = TEXT.replace('"3": dialect', '"3": dialect\n      "9": welcome')
    assert problems(text) == []


def test_a_part_without_person_or_end_is_named() -> None:
    text = TEXT.replace('"3": dialect', '"3": dialect\n      "4": trap') + (
        "\n  trap: {kind: announce, prompts: [keys], next: trap2, error: trap2}"
        "\n  trap2: {kind: announce, prompts: [keys], next: trap, error: trap}\n"
    )
    found = problems(text)
    assert ("steps.trap", "trap") in found
    assert ("steps.trap2", "trap2") in found


def test_problems_come_in_the_order_of_their_lines() -> None:
    flow = parse_flow(TEXT.encode(), name="flow.yaml")
    lines = [one.line for one in check(flow, set(), set())]
    assert lines == sorted(lines)
    assert len(lines) > 10


# ---------------------------------------------------------------- the other kinds of steps


def found(
    flow: Flow, *, skills: set[str] | None = None, requests: set[str] | None = None
) -> list[tuple[str, str]]:
    """Key and value of what is found in a small flow."""
    return [(one.key, one.value) for one in check(flow, QUEUES, PROMPTS, skills=skills, requests=requests)]


def test_further_queues_call_backs_and_skills_must_exist() -> None:
    flow = flow_of(
        """
start: {kind: set, needs: {juggling: 1}, next: line}
line: {kind: route, queue: general, also: [nowhere], keys: {"1": back}, next: bye, error: failed}
back: {kind: callback, queue: lost, next: hang_up, none: line, wrong: line, error: line}
"""
    )
    assert found(flow, skills={"general"}) == [
        ("steps.start.needs.juggling", "juggling"),
        ("steps.line.also[0]", "nowhere"),
        ("steps.back.queue", "lost"),
    ]
    assert ("steps.start.needs.juggling", "juggling") not in found(flow)


def test_a_web_request_must_be_allowed_by_the_settings() -> None:
    flow = flow_of("start: {kind: web, request: weather, next: person, error: failed}")
    assert found(flow) == []
    assert found(flow, requests={"order_state"}) == [("steps.start.request", "weather")]


def test_prompts_are_found_wherever_a_step_says_them() -> None:
    flow = flow_of(
        """
start: {kind: say, value: call.caller, as: digits, before: [absent_1], next: ask, error: failed}
ask:
  kind: robot
  prompts: [keys]
  intents: {a: {phrases: [啊], confirm: [absent_2], next: bye}}
  person: person
  none: person
  unclear: person
  error: failed
"""
    )
    assert found(flow) == [
        ("steps.start.before[0]", "absent_1"),
        ("steps.ask.intents.a.confirm[0]", "absent_2"),
    ]


def test_a_variable_that_nobody_sets_is_named_where_it_is_read() -> None:
    flow = flow_of(
        """
start: {kind: set, vars: {kind: a}, next: choose}
choose: {kind: branch, cases: [{if: var.kind, is: a, then: bye}, {if: var.knd, is: b, then: failed}],
         otherwise: person}
"""
    )
    assert found(flow) == [("steps.choose.cases[1].if", "var.knd")]


def test_a_sub_flow_may_read_what_the_flow_around_it_sets(tmp_path: Path) -> None:
    inner = (
        "flow: inner\ntitle: 内\nsub: true\nstart: choose\nsteps:\n"
        "  choose: {kind: branch, cases: [{if: var.kind, is: a, then: return}], otherwise: hang_up}\n"
    )
    outer = (
        "flow: outer\ntitle: 外\nstart: set\nresume: person\nafter_talk: person\nsteps:\n"
        "  set: {kind: set, vars: {kind: a}, next: enter}\n"
        "  enter: {kind: flow, flow: inner, next: person, error: person}\n"
        "  person: {kind: route, queue: general, next: hang_up, error: give_up}\n"
    )
    for name, text in (("inner", inner), ("outer", outer)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    numbers = tmp_path / "numbers"
    numbers.write_text("default: outer\nnumbers: {}\n", encoding="utf-8")
    flows = load_flows(tmp_path, numbers)
    assert check_all(flows, QUEUES, PROMPTS) == []
    assert found(flows.by_name["inner"]) == [("steps.choose.cases[0].if", "var.kind")]


def test_flows_that_enter_one_another_in_a_circle_are_named_at_the_step_that_does_it() -> None:
    first = flow_of("start: {kind: flow, flow: second, next: return, error: return}", name="first", sub=True)
    second = flow_of("start: {kind: flow, flow: first, next: return, error: return}", name="second", sub=True)
    first, second = replace(first, linked={"second": second}), replace(second, linked={"first": first})
    assert found(first) == [("steps.start.flow", "second")]


def test_a_flow_that_calls_begin_with_must_not_return() -> None:
    flow = flow_of("start: {kind: announce, prompts: [keys], next: return, error: failed}")
    assert ("steps.start.next", "return") in found(flow)


def test_waiting_in_line_is_no_circle_but_a_branch_that_comes_back_is() -> None:
    waiting = flow_of(
        """
start: {kind: route, queue: general, max_wait_s: 60, max_wait: word, next: bye, error: failed}
word: {kind: announce, prompts: [all_busy], next: start, error: start}
"""
    )
    assert [value for key, value in found(waiting) if "circle" in key or key.startswith("steps.word")] == []
    circle = flow_of(
        """
start: {kind: announce, prompts: [keys], next: again, error: failed}
again: {kind: branch, cases: [{if: fact.known, holds: true, then: start}], otherwise: person}
"""
    )
    assert found(circle) == [("steps.again.cases[0].then", "start")]
