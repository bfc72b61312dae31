"""What citizens hear in the flows that ship, and where each way through them leads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from ivr_flows.check import check_all
from ivr_flows.engine import FlowRun
from ivr_flows.loader import load_flows
from ivr_flows.messages import (
    Action,
    Done,
    Event,
    Failed,
    HangUp,
    Heard,
    LeftLine,
    Listen,
    LookedUp,
    LookUp,
    Note,
    OfferCallback,
    Play,
    Played,
    Record,
    Recorded,
    Route,
    TalkOver,
)
from ivr_flows.schema import CallerLookup
from ivr_flows.speech import MANIFEST, load_manifest

FLOWS = load_flows()
ROOM = Path(__file__).resolve().parents[3]
POLICY = yaml.safe_load((ROOM / "acd" / "policy.yaml").read_text(encoding="utf-8"))
BEGINNINGS = sorted(name for name, flow in FLOWS.by_name.items() if not flow.sub)
DAY = "2026-11-20 10:00"
NIGHT = "2026-11-20 23:30"
NOBODY: Mapping[str, str] = {"known": "no", "blocked": "no", "nuisance": "no", "open_orders": "0"}


def walk(
    name: str, *events: Event, facts: Mapping[str, str] = NOBODY, on: str = DAY
) -> tuple[FlowRun, Action]:
    """Begin a call in a flow; lookups are answered with `facts`, notes are kept, then come the events."""
    now = dt.datetime.fromisoformat(on).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
    around = FLOWS.surroundings(called="12345", caller="13800001207", now=lambda: now)
    run = FlowRun(FLOWS.by_name[name], None, around)
    action = run.start()
    for event in (None, *events):
        action = run.handle(event) if event else action
        while isinstance(action, LookUp | Note):
            action = run.handle(LookedUp(facts=facts) if isinstance(action, LookUp) else Done())
    return run, action


def last(name: str, *events: Event, facts: Mapping[str, str] = NOBODY, on: str = DAY) -> Action:
    return walk(name, *events, facts=facts, on=on)[1]


def prompts(action: Action) -> tuple[str, ...]:
    assert isinstance(action, Play | Listen | Record)
    return action.prompts


def queue(action: Action) -> str:
    assert isinstance(action, Route)
    return action.queue


def test_check_finds_nothing_in_the_shipped_flows_with_the_shipped_policy_and_prompts() -> None:
    queues = {one["name"] for one in POLICY["queues"]}
    skills = {one["name"] for one in POLICY["skills"]}
    today = dt.date(2026, 11, 22)
    found = check_all(FLOWS, queues, load_manifest(MANIFEST).prompts, skills=skills, requests=(), today=today)
    assert [str(one) for one in found if one.fatal] == []


@pytest.mark.parametrize("name", BEGINNINGS)
def test_who_does_nothing_is_with_a_person_after_three_questions_at_most(name: str) -> None:
    """Or, when we called them, is let go."""
    for on in (DAY, NIGHT):
        run, action = walk(name, on=on)
        questions = 0
        while isinstance(action, Play | Listen):
            questions += 1
            action = run.handle(Heard() if isinstance(action, Listen) else Played())
            while isinstance(action, LookUp | Note):
                action = run.handle(LookedUp(facts=NOBODY) if isinstance(action, LookUp) else Done())
        assert isinstance(action, HangUp if name == "return_visit" else Route)
        assert questions <= 3


@pytest.mark.parametrize("name", [name for name in BEGINNINGS if name != "return_visit"])
def test_a_telephone_side_that_can_do_nothing_but_route_still_brings_everybody_to_a_person(name: str) -> None:
    run = FlowRun(FLOWS.by_name[name])
    action = run.start()
    for _ in range(20):
        if isinstance(action, Route):
            break
        action = run.handle(Failed(reason="everything is broken"))
    assert isinstance(action, Route)


def test_no_flow_asks_about_the_caller_for_longer_than_the_promise() -> None:
    steps = [step for flow in FLOWS.by_name.values() for step in flow.steps.values()]
    limits = [step.within_s for step in steps if isinstance(step, CallerLookup)]
    assert limits
    assert max(limits) <= 0.8


# ---------------------------------------------------------------- nuisance

BLOCKED = {"known": "yes", "blocked": "yes"}


def test_a_blocked_number_is_told_so_and_let_go() -> None:
    assert prompts(last("citizen_line", facts=BLOCKED)) == ("blocked_notice",)
    assert last("citizen_line", Played(), facts=BLOCKED) == HangUp(reason="finished")


@pytest.mark.parametrize("key", ["1", "7"])
def test_a_blocked_number_with_an_urgent_need_is_let_in(key: str) -> None:
    run, _ = walk("citizen_line", facts=BLOCKED)
    assert run.handle(Played(key=key)) == Note(kind="blocked_urgent", values={"caller": "13800001207"})
    assert prompts(run.handle(Done())) == ("greeting", "keys")


def test_a_nuisance_waits_behind_the_others_and_hears_the_same_as_they() -> None:
    facts = {"known": "yes", "nuisance": "yes", "silent_calls": "9"}
    run, action = walk("citizen_line", facts=facts)
    assert prompts(action) == ("greeting", "keys")
    action = run.handle(Played())
    assert isinstance(action, Route)
    assert action.priority == -20


# ---------------------------------------------------------------- citizen_line


def test_a_waiting_citizen_may_ask_for_a_call_back_and_keeps_waiting_who_does_not_agree() -> None:
    run, _ = walk("citizen_line", Played(key="3"))
    assert prompts(run.handle(LeftLine(key="1")))[0] == "callback_number_prefix"
    back = run.handle(Played())
    assert isinstance(back, Route)
    assert (back.queue, back.greeting, back.listen_invite) == ("dialect", (), ())
    run.handle(LeftLine(key="1"))
    offer = run.handle(Played(key="1"))
    assert offer == OfferCallback(number="", queue="dialect", needs={"dialect": 1})


def test_who_called_before_is_offered_to_the_agent_they_know() -> None:
    facts = {"known": "yes", "last_agent": "li"}
    action = last("citizen_line", Played(), facts=facts)
    assert isinstance(action, Route)
    assert action.prefer == ("li",)


# ---------------------------------------------------------------- classic_menu


def test_two_levels_lead_to_the_seats() -> None:
    assert queue(last("classic_menu", Played(key="1"), Played(key="2"))) == "housing_fund"
    assert queue(last("classic_menu", Played(key="1"), Played(key="0"))) == "general"
    assert prompts(last("classic_menu", Played(key="1"), Played(key="*"))) == ("greeting", "menu_main")


def test_the_number_of_open_orders_is_said_before_a_person_answers() -> None:
    facts = {"known": "yes", "open_orders": "2", "case_owner": "wang"}
    run, action = walk("classic_menu", Played(key="3"), facts=facts)
    assert prompts(action) == ("open_orders_prefix", "number_pair", "open_orders_suffix")
    action = run.handle(Played())
    assert isinstance(action, Route)
    assert action.prefer == ("wang",)
    assert prompts(last("classic_menu", Played(key="3"))) == ("no_open_orders",)


# ---------------------------------------------------------------- night, flood_season


def test_by_day_the_night_flow_is_the_citizens_line() -> None:
    assert prompts(last("night")) == ("greeting", "keys")


def test_at_night_urgent_matters_go_before_everybody() -> None:
    action = last("night", Played(key="1"), on=NIGHT)
    assert isinstance(action, Route)
    assert (action.queue, action.urgent) == ("emergency", True)


def test_at_night_others_leave_a_message_or_a_number() -> None:
    assert isinstance(last("night", Played(key="2"), on=NIGHT), Record)
    assert prompts(last("night", Played(key="3"), on=NIGHT))[0] == "callback_number_prefix"
    assert last("night", Played(key="2"), Recorded(seconds=9), Played(), on=NIGHT) == HangUp(
        reason="finished"
    )


def test_at_night_who_does_nothing_waits_for_the_duty_seat_and_then_may_leave_a_message() -> None:
    run, action = walk("night", Played(), on=NIGHT)
    assert isinstance(action, Route)
    assert (action.queue, action.max_wait_s) == ("general", 120)
    assert isinstance(run.handle(LeftLine()), Record)
    assert queue(run.handle(Recorded(seconds=0))) == "general"


@pytest.mark.parametrize(
    "answer", [Heard(key="1"), Heard(text="我家 淹了"), Heard(text="有人 落水 了 快 来 救人", confidence=0.4)]
)
def test_in_the_flood_season_danger_goes_before_everybody(answer: Heard) -> None:
    action = last("flood_season", answer)
    assert isinstance(action, Route)
    assert (action.queue, action.urgent, action.greeting) == ("emergency", True, ("emergency",))


@pytest.mark.parametrize("answer", [Heard(key="2"), Heard(text="我要 留言")])
def test_in_the_flood_season_others_leave_a_message_and_are_called_back(answer: Heard) -> None:
    run, action = walk("flood_season", answer)
    assert isinstance(action, Record)
    assert action.purpose == "flood"
    run.handle(Recorded(seconds=20))
    assert prompts(run.handle(Played()))[0] == "callback_number_prefix"


@pytest.mark.parametrize("answer", [Heard(text="没有 危险"), Heard(text="问 一下 社保"), Heard()])
def test_in_the_flood_season_everybody_else_waits_for_a_person(answer: Heard) -> None:
    assert queue(last("flood_season", answer)) == "general"


# ---------------------------------------------------------------- callback_answer, return_visit


def test_a_citizen_whom_we_call_back_hears_a_short_greeting_and_then_the_seat_rings() -> None:
    assert prompts(last("callback_answer")) == ("greeting_short",)
    action = last("callback_answer", Played())
    assert isinstance(action, Route)
    assert action.greeting == ()
    assert prompts(last("callback_answer", Played(), TalkOver())) == ("survey", "survey_speak")


def visit(*events: Event) -> tuple[list[Mapping[str, str]], Action]:
    """A return visit: what is noted, and the last action."""
    run = FlowRun(FLOWS.by_name["return_visit"])
    action = run.start()
    notes: list[Mapping[str, str]] = []
    for event in (Played(), *events):
        action = run.handle(event)
        while isinstance(action, Note):
            assert action.kind == "visit"
            notes.append(action.values)
            action = run.handle(Done())
    return notes, action


def test_a_visit_in_words_notes_each_answer_at_once() -> None:
    notes, action = visit(Heard(text="解决 了"), Heard(text="非常 满意"))
    assert notes == [
        {"result": "answered", "solved": "solved", "words": "解决 了"},
        {"result": "answered", "solved": "solved", "satisfied": "5", "words": "非常 满意"},
    ]
    assert prompts(action) == ("visit_service",)
    notes, action = visit(Heard(text="解决 了"), Heard(text="非常 满意"), Heard(text="不 满意"))
    assert notes[-1] == {"result": "answered", "solved": "solved", "satisfied": "5", "service": "2"}
    assert prompts(action) == ("survey_thanks",)


def test_a_visit_by_keys_notes_the_same() -> None:
    notes, action = visit(Heard(key="1"), Heard(key="4"), Heard(key="3"))
    assert notes[-1] == {"result": "answered", "solved": "solved", "satisfied": "4", "service": "3"}
    assert prompts(action) == ("survey_thanks",)


@pytest.mark.parametrize("text", ["解决 了 一半", "部分 解决 了 吧", "没有 完全 解决"])
def test_a_part_that_is_solved_is_told_from_the_whole(text: str) -> None:
    notes, _ = visit(Heard(text=text))
    assert notes[-1]["solved"] == "partly"


@pytest.mark.parametrize(
    "answers",
    [(Heard(text="没有 解决"), Heard(text="一般")), (Heard(text="解决了"), Heard(text="不 满意"))],
)
def test_who_is_not_content_is_asked_why_and_the_words_are_kept(answers: tuple[Heard, ...]) -> None:
    notes, action = visit(*answers)
    assert prompts(action) == ("visit_reason",)
    notes, action = visit(*answers, Heard(text="还是 天天 漏水"))
    assert notes[-1]["words"] == "还是 天天 漏水"
    assert prompts(action) == ("visit_service",)
    _, action = visit(*answers, Heard(text="还是 天天 漏水"), Heard())
    assert prompts(action) == ("survey_thanks",)  # the last question is asked once


@pytest.mark.parametrize(
    "silence",
    [
        (Heard(), Heard()),
        (Heard(text="您拨打的电话无人接听请在提示音后留言"),),
        (Failed(reason="no recogniser"), Played(), Played()),
    ],
)
def test_silence_and_answering_machines_are_no_answer(silence: tuple[Event, ...]) -> None:
    notes, action = visit(*silence)
    assert notes == [{"result": "no_answer"}]
    assert action == HangUp(reason="finished")


def test_whoever_wants_a_person_gets_one_and_it_is_noted() -> None:
    notes, action = visit(Heard(text="解决 了"), Heard(text="我 要 转 人工"))
    assert notes[-1] == {"result": "wants_person", "solved": "solved"}
    assert queue(action) == "general"


def test_who_is_not_understood_twice_is_thanked_and_it_is_noted() -> None:
    notes, action = visit(Heard(text="喂 你 哪位"), Heard(text="我 在 开车"))
    assert notes == [{"result": "unclear", "words": "我 在 开车"}]
    assert prompts(action) == ("survey_thanks",)
