"""Flows that change while calls are in them: who has begun ends under the version of the beginning."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr_flows.engine import FlowRun, FlowState
from ivr_flows.errors import FlowFileError
from ivr_flows.loader import Flows, load_flows
from ivr_flows.messages import Play, Played

OUTER = """
flow: outer
title: 外
start: hello
resume: person
after_talk: bye
steps:
  hello: {kind: announce, prompts: [greeting], next: inside, error: person}
  inside: {kind: flow, flow: inner, next: bye, error: person}
  person: {kind: route, queue: general, needs: {general: 1}, next: bye, error: give_up}
  bye: {kind: announce, prompts: [goodbye], next: hang_up, error: hang_up}
"""
INNER = """
flow: inner
title: 内
sub: true
start: word
steps:
  word: {kind: announce, prompts: [all_busy], next: return, error: return}
"""


def load(folder: Path, **changed: str) -> Flows:
    texts = {"outer": OUTER, "inner": INNER} | changed
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    numbers = folder / "numbers"
    numbers.write_text("default: outer\nnumbers: {}\n", encoding="utf-8")
    return load_flows(folder, numbers)


def prompts(action: object) -> tuple[str, ...]:
    assert isinstance(action, Play)
    return action.prompts


def test_a_change_of_a_sub_flow_is_a_new_version_of_the_flow_that_enters_it(tmp_path: Path) -> None:
    before = load(tmp_path).by_name["outer"].version
    assert load(tmp_path).by_name["outer"].version == before
    changed = load(tmp_path, inner=INNER.replace("all_busy", "hold"))
    assert changed.by_name["outer"].version != before


def test_a_call_ends_under_the_version_that_it_began_with_sub_flows_too(tmp_path: Path) -> None:
    before = load(tmp_path)
    run = FlowRun(before.for_number("12345"))
    run.start()
    state = FlowState.load(run.saved())
    after = load(tmp_path, inner=INNER.replace("all_busy", "hold")).after(
        before, [(state.flow, state.version)]
    )
    kept = after.version(state.flow, state.version)
    assert kept is not None
    assert prompts(FlowRun.resume(kept, state).handle(Played())) == ("all_busy",)
    fresh = FlowRun(after.for_number("12345"))
    fresh.start()
    assert prompts(fresh.handle(Played())) == ("hold",)


def test_versions_are_kept_as_long_as_they_are_needed_over_several_reloads(tmp_path: Path) -> None:
    first = load(tmp_path)
    wanted = ("outer", first.by_name["outer"].version)
    second = load(tmp_path, inner=INNER.replace("all_busy", "hold")).after(first, [wanted])
    third = load(tmp_path, inner=INNER.replace("all_busy", "comfort_1")).after(second, [wanted])
    assert third.version(*wanted) is not None
    fourth = load(tmp_path).after(third, [])
    assert fourth.version(*wanted) is fourth.by_name["outer"]  # the same content is the same version
    fifth = load(tmp_path, inner=INNER.replace("all_busy", "comfort_2")).after(third, [])
    assert fifth.version(*wanted) is None


def test_a_version_that_never_was_is_none(tmp_path: Path) -> None:
    flows = load(tmp_path)
    assert flows.version("outer", "0") is None
    assert flows.version("nowhere", "0") is None
    assert flows.after(flows, [("outer", "0")]).earlier == {}


ABSENT = OUTER.replace("flow: inner", "flow: absent")
MOON = """
flow: inner
title: 内
sub: true
start: word
steps:
  word: {kind: hours, calendar: moon, open: return, closed: return, holiday: return, error: return}
"""


@pytest.mark.parametrize(
    ("name", "text", "key", "value", "remedy"),
    [
        ("outer", ABSENT, "steps.inside.flow", "absent", "inner, outer"),
        ("inner", MOON, "steps.word.calendar", "moon", "always, day, office"),
        ("inner", INNER.replace("sub: true", "sub: true\nresume: word"), "resume", "word", "sub: true"),
        ("inner", INNER.replace("sub: true\n", ""), "after_talk", "", "name a step of this flow"),
    ],
)
def test_flows_that_do_not_fit_together_are_refused_with_file_key_value_and_remedy(
    tmp_path: Path, name: str, text: str, key: str, value: str, remedy: str
) -> None:
    with pytest.raises(FlowFileError) as caught:
        load(tmp_path, **{name: text})
    assert caught.value.file.endswith(f"{name}.yaml")
    assert (caught.value.key, caught.value.value) == (key, value)
    assert remedy in caught.value.remedy


BRANCH = "{kind: branch, cases: [{%s, then: bye}], otherwise: bye}"
COLLECT = "{kind: collect, prompts: [keys], into: x, %s, next: bye, none: bye, wrong: bye, error: bye}"
ROBOT = "{kind: robot, prompts: [keys], person: bye, none: bye, unclear: bye, error: bye%s}"
ROUTE = "{kind: route, queue: general, %s, next: bye, error: bye}"
LANGUAGE = (
    "{kind: language, prompts: [keys], choices: {%s}, next: bye, no_key: bye, wrong_key: bye, error: bye}"
)


@pytest.mark.parametrize(
    ("step", "key", "remedy"),
    [
        (BRANCH % "if: fact.x", "cases[0]", "exactly one of is"),
        (BRANCH % "if: fact.x, is: a, in: [a]", "cases[0]", "exactly one of is"),
        (BRANCH % "if: x, is: a", "cases[0].if", "matching"),
        (BRANCH % "is: a", "cases[0]", "say with `if`"),
        ("{kind: branch, cases: [{if: fact.x, is: a, then: bye}]}", "", "add the key `otherwise`"),
        ("{kind: branch, cases: [], otherwise: bye}", "cases", "length >= 1"),
        ("{kind: set, vars: {x: '{fact}'}, next: bye}", "", "write references as"),
        (COLLECT % "most: 3, least: 4", "", "correct one of them"),
        (COLLECT % "most: 3, pattern: '('", "", "no pattern"),
        (COLLECT % "most: 3, pattern: '([0-9]+)*'", "", "must not be repeated"),
        (COLLECT % "most: 99", "most", "<= 24"),
        ("{kind: say, value: now, as: number, next: bye, error: bye}", "", "as date or time"),
        ("{kind: say, value: fact.x, as: prompts, next: bye, error: bye}", "", "belong together"),
        (ROUTE % "max_wait_s: 9", "", "belong together"),
        (ROUTE % "keys_hint: [keys]", "", "belongs to keys"),
        (ROUTE % "keys: {'1': nowhere}", "keys.1", "name a step"),
        ("{kind: transfer, next: bye, busy: bye, no_answer: bye, failed: bye}", "", "whom to dial"),
        ("{kind: lookup, within_s: 5, known: bye, unknown: bye, error: bye}", "within_s", "<= 0.8"),
        (ROBOT % "", "", "what an answer is"),
        (ROBOT % ", intents: {x: {next: bye}}", "intents.x", "how a citizen says so"),
        (ROBOT % ", intents: {x: {next: bye, keys: ['0']}}", "", "means something else already"),
        (LANGUAGE % "'1': {language: x, needs: {y: 6}}", "choices.1.needs.y", "<= 5"),
    ],
)
def test_a_wrong_step_of_any_kind_is_refused_with_its_key(
    tmp_path: Path, step: str, key: str, remedy: str
) -> None:
    text = OUTER.replace("  person:", f"  odd: {step}\n  person:")
    with pytest.raises(FlowFileError) as caught:
        load(tmp_path, outer=text)
    assert caught.value.key == f"steps.odd.{key}".rstrip(".")
    assert remedy in caught.value.remedy
    assert caught.value.line == text[: text.index("  odd:")].count("\n") + 1
