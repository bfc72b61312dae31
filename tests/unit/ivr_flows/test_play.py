"""A flow can be walked without a telephone: each action is told in Chinese and answered with a line."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ivr_flows.engine import FlowRun
from ivr_flows.loader import parse_flow
from ivr_flows.messages import (
    Action,
    Collect,
    Collected,
    Event,
    Failed,
    Heard,
    HungUp,
    LeftLine,
    Listen,
    LookedUp,
    LookUp,
    Note,
    OfferCallback,
    Play,
    Played,
    Rated,
    Record,
    Recorded,
    Route,
    RouteFailed,
    TalkOver,
    TransferOut,
    TransferOver,
    WebAnswered,
    WebRequest,
)
from ivr_flows.play import Refused, tell, understand, walk

TEXTS = {"greeting": "您好。", "general": "请稍候。", "survey": "请评价。", "goodbye": "再见。"}

FLOW = parse_flow(
    b"""
flow: small
title: small
start: ask
resume: person
after_talk: rate
steps:
  ask: {kind: menu, prompts: [greeting], keys: {"1": person}, no_key: person, wrong_key: bye, error: give_up}
  person: {kind: route, queue: general, needs: {general: 1}, greeting: [general], next: rate, error: give_up}
  rate:
    {kind: survey, prompts: [survey], scores: {"5": 5}, next: bye, no_key: bye, wrong_key: bye, error: bye}
  bye: {kind: announce, prompts: [goodbye], next: hang_up, error: hang_up}
"""
)


def walked(answers: Iterable[str]) -> tuple[str, list[str]]:
    """The reason of the hang-up, and everything that was told."""
    told: list[str] = []
    lines = iter(answers)
    run = FlowRun(FLOW)
    reason = walk(
        run.start(),
        run.handle,
        texts=TEXTS,
        ask=lambda _: next(lines, None),
        say=told.append,
        where=lambda: run.state.step,
    )
    return reason, told


def test_a_walk_to_the_end_tells_every_step_and_what_is_heard() -> None:
    reason, told = walked(["1", "", "5", ""])
    assert reason == "finished"
    assert [line for line in told if line.startswith("▶")] == ["▶ ask", "▶ person", "▶ rate", "▶ bye"]
    assert "  🔊 您好。  [greeting]" in told
    assert "  ⭐ 评价 5 分" in told


def test_a_script_that_ends_early_counts_as_hanging_up() -> None:
    reason, told = walked(["1"])
    assert reason == "caller_gone"
    assert "  （没有更多回答，视为挂机）" in told


def test_hanging_up_and_failing_are_answers_everywhere() -> None:
    assert walked(["h"])[0] == "caller_gone"
    assert walked(["e"])[0] == "error"


def test_an_answer_without_meaning_is_asked_for_again() -> None:
    reason, told = walked(["xyz", "1", "nobody", "", "5", ""])
    assert reason == "finished"
    assert sum(line.startswith("  ! ") for line in told) == 2


ROUTE = Route(queue="general", needs={"general": 1}, keys=("1",), max_wait_s=60)


@pytest.mark.parametrize(
    ("action", "line", "event"),
    [
        (Play(prompts=("a",)), "anything", Played()),
        (Play(prompts=("a",), keys="12"), "2", Played(key="2")),
        (Play(prompts=("a",), keys="12"), "", Played()),
        (Collect(prompts=(), most=4), "123#", Collected(digits="123", ended=True)),
        (Collect(prompts=(), most=4), "1234", Collected(digits="1234")),
        (Collect(prompts=(), most=4), "", Collected()),
        (Listen(prompts=(), keys="12"), "1", Heard(key="1")),
        (Listen(prompts=(), keys="12"), "解决了", Heard(text="解决了", confidence=1.0)),
        (Listen(prompts=()), "", Heard()),
        (LookUp(), "known=yes language=dialect", LookedUp(facts={"known": "yes", "language": "dialect"})),
        (LookUp(), "", LookedUp(facts={})),
        (Record(prompts=()), "12.5", Recorded(seconds=12.5)),
        (Record(prompts=()), "", Recorded(seconds=0)),
        (ROUTE, "", TalkOver()),
        (ROUTE, "1", LeftLine(key="1")),
        (ROUTE, "t", LeftLine()),
        (ROUTE, "r", RouteFailed(reason="told so by hand")),
        (TransferOut(number="12340000"), "", TransferOver(result="answered")),
        (TransferOut(number="12340000"), "busy", TransferOver(result="busy")),
        (WebRequest(name="meter", values={}), "state=open", WebAnswered(facts={"state": "open"})),
        (WebRequest(name="meter", values={}), "e", Failed(reason="told so by hand")),
        (LookUp(), "挂机", HungUp()),
    ],
)
def test_each_answer_becomes_its_event(action: Action, line: str, event: Event) -> None:
    assert understand(action, line) == event


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (Play(prompts=(), keys="1"), "12"),
        (Collect(prompts=(), most=3), "1234"),
        (Collect(prompts=(), most=3), "12a"),
        (LookUp(), "known"),
        (Record(prompts=()), "long"),
        (Record(prompts=()), "-1"),
        (ROUTE, "7"),
        (Route(queue="general", needs={}), "t"),
        (TransferOut(number="1"), "perhaps"),
    ],
)
def test_an_answer_that_cannot_be_is_refused(action: Action, line: str) -> None:
    with pytest.raises(Refused):
        understand(action, line)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (ROUTE, "等满 60 秒"),
        (Collect(prompts=(), most=11), "最多 11 位"),
        (OfferCallback(number="", queue="general", needs={}), "来电号码"),
        (Note(kind="visit", values={"solved": "yes"}), "visit solved=yes"),
        (Rated(score=3), "3 分"),
        (TransferOut(number="12340000"), "12340000"),
    ],
)
def test_each_action_is_told_with_what_matters(action: Action, words: str) -> None:
    asked = tell(action, TEXTS)
    assert words in "\n".join((*asked.told, asked.question))


def test_a_prompt_without_text_is_told_as_missing() -> None:
    assert "没有这条语音" in tell(Play(prompts=("nowhere",)), TEXTS).told[0]
