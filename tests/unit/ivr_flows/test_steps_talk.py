"""Steps that speak with the caller, one by one: what is asked, and where each answer leads."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ivr_flows.engine import Surroundings
from ivr_flows.messages import (
    Collect,
    Collected,
    Done,
    Failed,
    Heard,
    Listen,
    LookedUp,
    Play,
    Played,
    Rated,
    Route,
)
from tests.unit.ivr_flows.flow_of import ANY_KEY, flow_of, last, walk

NOON = datetime(2026, 10, 1, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
FAILED = Play(prompts=("fallback",), keys=ANY_KEY)
BYE = Play(prompts=("goodbye",), keys=ANY_KEY)

TWO_PROMPTS = flow_of(
    """
start: {kind: announce, prompts: [greeting], next: second, error: failed}
second: {kind: announce, prompts: [all_busy], next: ask, error: failed}
ask:
  kind: menu
  prompts: [keys]
  keys: {"1": bye}
  no_key: person
  wrong_key: failed
  error: failed
  tries: 2
  retry: [invalid_key]
"""
)


# ---------------------------------------------------------------- keys pressed ahead


def test_a_key_in_an_announcement_answers_the_next_question() -> None:
    assert last(TWO_PROMPTS, Played(key="1"), Played()) == BYE


def test_a_wrong_key_ahead_is_told_like_any_other_and_the_next_key_ahead_answers() -> None:
    assert last(TWO_PROMPTS, Played(key="9"), Played()) == Play(
        prompts=("invalid_key", "keys"), keys=ANY_KEY, wait_s=3.0
    )
    assert last(TWO_PROMPTS, Played(key="9"), Played(key="1")) == BYE


def test_a_question_that_flushes_is_not_answered_by_keys_of_before() -> None:
    text = """
start: {kind: announce, prompts: [greeting], next: ask, error: failed}
ask:
  {kind: menu, prompts: [keys], keys: {"1": bye}, no_key: bye, wrong_key: bye, error: bye, flush: true}
"""
    assert last(flow_of(text), Played(key="1")) == Play(
        prompts=("keys",), keys=ANY_KEY, wait_s=3.0, flush=True
    )


def test_keys_of_before_do_not_leave_the_line_that_the_caller_then_joins() -> None:
    text = """
start: {kind: announce, prompts: [greeting], next: line, error: failed}
line: {kind: route, queue: general, keys: {"1": ask}, next: bye, error: give_up}
ask: {kind: menu, prompts: [keys], keys: {"1": bye}, no_key: line, wrong_key: line, error: line}
"""
    run, action = walk(flow_of(text), Played(key="1"))
    assert isinstance(action, Route)
    assert run.state.pending == ""


def test_a_legal_notice_is_not_cut_short() -> None:
    text = "start: {kind: announce, prompts: [greeting], interrupt: false, next: person, error: person}"
    assert last(flow_of(text)) == Play(prompts=("greeting",))


# ---------------------------------------------------------------- collect

COLLECT = flow_of(
    """
start: {kind: announce, prompts: [greeting], next: gather, error: failed}
gather:
  kind: collect
  prompts: [callback_enter]
  into: order
  most: 6
  lengths: [4, 6]
  next: got
  none: person
  wrong: bye
  error: failed
  retry: [callback_invalid]
got: {kind: say, value: var.order, as: digits, next: bye, error: failed}
"""
)
ASKED = Collect(prompts=("callback_enter",), most=6)


def said(digits: str) -> Play:
    """The digits read back."""
    keys = {"1": "digit_1"}
    return Play(prompts=tuple(keys.get(digit, f"number_{digit}") for digit in digits), keys=ANY_KEY)


def test_digits_are_gathered_and_read_back() -> None:
    assert last(COLLECT, Played()) == ASKED
    assert last(COLLECT, Played(), Collected(digits="1207", ended=True)) == said("1207")


def test_digits_typed_ahead_are_the_beginning_and_silence_the_question() -> None:
    assert last(COLLECT, Played(key="1")) == Collect(prompts=(), most=5)
    assert last(COLLECT, Played(key="1"), Collected(digits="207", ended=True)) == said("1207")


def test_digits_beyond_the_limit_are_cut_and_others_than_digits_dropped() -> None:
    assert last(COLLECT, Played(), Collected(digits="12 34x567890")) == said("123456")


def test_wrong_digits_are_asked_for_again_and_then_take_their_exit() -> None:
    again = last(COLLECT, Played(), Collected(digits="123", ended=True))
    assert again == Collect(prompts=("callback_invalid", "callback_enter"), most=6)
    assert last(COLLECT, Played(), *[Collected(digits="123", ended=True)] * 2) == BYE


def test_who_types_nothing_twice_goes_to_a_person() -> None:
    assert isinstance(last(COLLECT, Played(), Collected(), Collected()), Route)


def test_digits_must_fit_their_pattern() -> None:
    text = COLLECT_YEAR
    assert last(flow_of(text), Collected(digits="2026")) == said("2026")
    assert isinstance(last(flow_of(text), Collected(digits="1999")), Route)


COLLECT_YEAR = """
start: {kind: collect, prompts: [keys], into: year, most: 4, pattern: "20..", tries: 1, next: got,
  none: bye, wrong: person, error: failed}
got: {kind: say, value: var.year, as: digits, next: bye, error: failed}
"""

# ---------------------------------------------------------------- say


def say(value: str, way: str) -> str:
    return f"start: {{kind: say, value: {value}, as: {way}, next: bye, error: failed}}"


@pytest.mark.parametrize(
    ("fact", "way", "prompts"),
    [
        ("12", "number", ("number_10", "number_2")),
        ("2", "count", ("number_pair",)),
        ("10", "digits", ("digit_1", "number_0")),
        ("2026-10-01", "date", ("year_2026", "month_10", "day_1")),
        ("14:30", "time", ("part_afternoon", "hour_2", "half")),
    ],
)
def test_a_fact_is_said_in_its_way(fact: str, way: str, prompts: tuple[str, ...]) -> None:
    around = Surroundings(facts={"x": fact})
    action = last(flow_of(say("fact.x", way)), around=around)
    assert isinstance(action, Play)
    assert action.prompts == prompts


@pytest.mark.parametrize(
    ("fact", "way"),
    [("", "number"), ("many", "number"), ("-1", "number"), ("9" * 30, "number"), ("x", "digits"),
     ("2026-13-01", "date"), ("25:00", "time"), ("tomorrow", "date")],
)  # fmt: skip
def test_what_cannot_be_said_takes_its_exit(fact: str, way: str) -> None:
    assert last(flow_of(say("fact.x", way)), around=Surroundings(facts={"x": fact})) == FAILED


def test_today_is_said_by_the_calendars_clock_and_not_at_all_without_one() -> None:
    flow = flow_of(say("now", "date"))
    action = last(flow, around=Surroundings(now=lambda: NOON))
    assert action == Play(prompts=("year_2026", "month_10", "day_1"), keys=ANY_KEY)
    assert last(flow, around=Surroundings()) == FAILED


def test_a_value_chooses_among_prompts() -> None:
    flow = flow_of(
        "start: {kind: say, value: call.language, as: prompts, choices: {dialect: [connecting_dialect]},"
        " next: bye, error: person}"
    )
    assert isinstance(last(flow), Route)


# ---------------------------------------------------------------- language

LANGUAGE = flow_of(
    """
start:
  kind: language
  prompts: [keys]
  choices:
    "1": {language: mandarin}
    "2": {language: sichuan, needs: {dialect_sichuan: 3}}
  next: person
  no_key: person
  wrong_key: failed
  error: failed
"""
)


def test_a_language_becomes_a_need_of_the_call() -> None:
    run, action = walk(LANGUAGE, Played(key="2"))
    assert isinstance(action, Route)
    assert action.needs == {"general": 1, "dialect_sichuan": 3}
    assert run.state.language == "sichuan"


def test_no_language_and_a_wrong_key_have_their_exits() -> None:
    action = last(LANGUAGE, Played())
    assert isinstance(action, Route)
    assert action.needs == {"general": 1}
    assert last(LANGUAGE, Played(key="7")) == FAILED


# ---------------------------------------------------------------- survey by voice

SURVEY = flow_of(
    """
start:
  kind: survey
  prompts: [survey]
  scores: {"5": 5, "1": 1}
  listen: true
  into: score
  retry: [survey_invalid]
  next: person
  no_key: bye
  wrong_key: bye
  error: failed
"""
)


def test_a_rating_may_be_spoken() -> None:
    run, action = walk(SURVEY, Heard(text="嗯 不太 满意", confidence=0.7))
    assert action == Rated(score=2)
    assert run.state.vars == {"score": "2"}
    assert isinstance(run.handle(Done()), Route)


def test_words_without_meaning_are_asked_about_once() -> None:
    again = last(SURVEY, Heard(text="你们几点下班"))
    assert isinstance(again, Listen)
    assert again.prompts == ("survey_invalid", "survey")
    assert last(SURVEY, Heard(text="你们几点下班"), Heard(text="什么")) == BYE


def test_where_nobody_can_listen_the_same_question_is_asked_by_keys() -> None:
    run, action = walk(SURVEY, Failed(reason="no recogniser"))
    assert action == Play(prompts=("survey",), keys=ANY_KEY, wait_s=6.0)
    assert run.handle(Played(key="5")) == Rated(score=5)


def test_prompts_that_cannot_be_played_either_take_the_exit() -> None:
    assert last(SURVEY, Failed(reason="no recogniser"), Failed(reason="no file")) == FAILED


# ---------------------------------------------------------------- robot

ROBOT = flow_of(
    """
start:
  kind: robot
  prompts: [visit_solved]
  retry: [not_heard]
  intents:
    machine: {means: machine, next: bye}
    solved: {means: solved, keys: ["1"], next: told}
    flooded: {phrases: [进水, 积水], keys: ["2"], confirm: [callback_confirm], next: told}
  into: answer
  words_into: words
  person: person
  none: bye
  unclear: failed
  error: failed
told:
  kind: say
  value: var.answer
  as: prompts
  choices: {solved: [survey_thanks], flooded: [emergency]}
  next: bye
  error: failed
"""
)


def prompts_of(action: object) -> tuple[str, ...]:
    assert isinstance(action, Play | Listen)
    return action.prompts


def test_a_question_is_asked_for_words_and_keys() -> None:
    assert last(ROBOT) == Listen(prompts=("visit_solved",), keys=ANY_KEY, wait_s=5.0, most_s=15.0)


@pytest.mark.parametrize(
    ("answer", "prompt"),
    [
        (Heard(text="已经 解决 了", confidence=0.9), "survey_thanks"),
        (Heard(key="1"), "survey_thanks"),
        (Heard(key="2"), "emergency"),
        (Heard(text="地下室 进水", confidence=0.9), "emergency"),
        (Heard(text="请在提示音后留言", confidence=0.9), "goodbye"),
    ],
)
def test_words_and_keys_lead_the_same_way(answer: Heard, prompt: str) -> None:
    run, action = walk(ROBOT, answer)
    assert prompts_of(action) == (prompt,)
    assert run.state.vars.get("words", "") == answer.text


@pytest.mark.parametrize("answer", [Heard(text="转 人工"), Heard(key="0")])
def test_whoever_wants_a_person_gets_one(answer: Heard) -> None:
    assert isinstance(last(ROBOT, answer), Route)


def test_silence_is_asked_once_more_and_then_takes_its_exit() -> None:
    assert prompts_of(last(ROBOT, Heard())) == ("not_heard", "visit_solved")
    assert last(ROBOT, Heard(), Heard(text=" 嗯 ")) == BYE


def test_what_is_not_understood_takes_another_exit() -> None:
    assert last(ROBOT, Heard(text="今天几号"), Heard(text="今天几号")) == FAILED


def test_unsure_words_are_confirmed_before_they_count() -> None:
    unsure = Heard(text="好像 进水", confidence=0.3)
    assert prompts_of(last(ROBOT, unsure)) == ("callback_confirm",)
    assert prompts_of(last(ROBOT, unsure, Heard(text="是的"))) == ("emergency",)
    assert prompts_of(last(ROBOT, unsure, Heard(key="1"))) == ("emergency",)
    assert prompts_of(last(ROBOT, unsure, Heard(text="不是"))) == ("not_heard", "visit_solved")
    assert prompts_of(last(ROBOT, unsure, Heard(text="进水 了 进水 了"))) == ("emergency",)


def test_without_a_recogniser_the_robot_asks_by_keys_for_the_rest_of_the_call() -> None:
    run, action = walk(ROBOT, Failed(reason="no worker"))
    assert action == Play(prompts=("visit_solved",), keys=ANY_KEY, wait_s=5.0)
    assert prompts_of(run.handle(Played(key="1"))) == ("survey_thanks",)


def test_a_reason_in_any_words_is_kept() -> None:
    flow = flow_of(
        "start: {kind: robot, prompts: [visit_reason], anything: bye, words_into: words, person: person,"
        " none: person, unclear: person, error: person}"
    )
    run, action = walk(flow, Heard(text="路灯" * 300))
    assert action == BYE
    assert run.state.vars["words"] == "路灯" * 100


def test_facts_of_the_lookup_are_there_for_later_steps() -> None:
    flow = flow_of(
        """
start: {kind: lookup, known: tell, unknown: person, error: failed}
tell: {kind: say, value: fact.open_orders, as: count, next: bye, error: failed}
"""
    )
    facts = {"known": "yes", "open_orders": "2"}
    assert last(flow, LookedUp(facts=facts)) == Play(prompts=("number_pair",), keys=ANY_KEY)
    assert isinstance(last(flow, LookedUp(facts={})), Route)
    assert last(flow, Failed(reason="database")) == FAILED
