"""Merged hotlines: what the number table says, and what citizens who dial such a number hear."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ivr_flows.called import Mode
from ivr_flows.check import check_all
from ivr_flows.engine import FlowRun
from ivr_flows.errors import FlowFileError
from ivr_flows.loader import SHIPPED_FLOWS, Flows, load_flows
from ivr_flows.messages import (
    Action,
    LookedUp,
    LookUp,
    Play,
    Played,
    Route,
    RouteFailed,
    TransferOut,
    TransferOver,
)

ANY_KEY = "0123456789*#"
TABLE = """
default: citizen_line
numbers:
  "12345": {mode: main}
  "12329": {mode: merged, title: 公积金热线, until: 2026-12-31}
  "12333":
    mode: parallel
    title: 人社热线
    queue: social_security
    needs: {social_security: 2}
    greeting: [greeting_short]
    label: 人社
  "12319": {mode: subcentre, title: 城管热线, number: "02552346789"}
  "12350": night
"""


@pytest.fixture
def flows(tmp_path: Path) -> Flows:
    return load(tmp_path, TABLE)


def load(folder: Path, table: str) -> Flows:
    path = folder / "numbers.yaml"
    path.write_text(table, encoding="utf-8")
    return load_flows(SHIPPED_FLOWS, path)


def dialled(flows: Flows, called: str, on: str = "2026-11-20 10:00") -> tuple[FlowRun, Action]:
    """A call to this number on this day, as far as nothing is asked about the caller."""
    now = datetime.fromisoformat(on).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
    around = flows.surroundings(called=called, caller="13800001207", now=lambda: now)
    run = FlowRun(flows.for_number(called), None, around)
    return run, past_lookup(run, run.start())


def past_lookup(run: FlowRun, action: Action) -> Action:
    return run.handle(LookedUp(facts={})) if isinstance(action, LookUp) else action


WELCOME = Play(prompts=("greeting", "keys"), keys=ANY_KEY, wait_s=1.0)


def test_each_mode_has_its_flow_and_a_simple_entry_still_names_one(flows: Flows) -> None:
    names = {called: flows.for_number(called).name for called in (*flows.entries, "10000")}
    assert names == {
        "12345": "citizen_line",
        "12329": "merged",
        "12333": "parallel",
        "12319": "subcentre",
        "12350": "night",
        "10000": "citizen_line",
    }


def test_numbers_that_are_not_in_the_table_are_known_to_be_unknown(flows: Flows) -> None:
    assert flows.known("12345")
    assert not flows.known("10000")
    assert flows.entry("10000") is None


def test_a_merged_number_says_so_until_its_end_date(flows: Flows) -> None:
    run, action = dialled(flows, "12329", "2026-12-31 23:59")
    assert action == Play(prompts=("merged_notice",), keys=ANY_KEY)
    assert past_lookup(run, run.handle(Played())) == WELCOME


def test_a_merged_number_goes_straight_in_afterwards(flows: Flows) -> None:
    _, action = dialled(flows, "12329", "2027-01-01 00:00")
    assert action == WELCOME


def test_a_key_in_the_announcement_of_a_merged_number_is_not_lost(flows: Flows) -> None:
    run, _ = dialled(flows, "12329")
    action = past_lookup(run, run.handle(Played(key="1")))
    assert isinstance(action, Route)
    assert action.queue == "enterprise"


def test_a_parallel_number_has_its_own_greeting_seats_and_label(flows: Flows) -> None:
    run, action = dialled(flows, "12333")
    assert action == Play(prompts=("greeting_short",), keys=ANY_KEY)
    action = run.handle(Played())
    assert isinstance(action, Route)
    assert (action.queue, action.needs) == ("social_security", {"social_security": 2})
    entry = flows.entry("12333")
    assert entry is not None
    assert (entry.mode, entry.title, entry.label) == (Mode.PARALLEL, "人社热线", "人社")


def test_the_general_seats_need_no_skills_of_a_parallel_number(flows: Flows) -> None:
    run, _ = dialled(flows, "12333")
    run.handle(Played())
    action = run.handle(RouteFailed(reason="unknown queue"))
    assert isinstance(action, Route)
    assert (action.queue, action.needs) == ("general", {"general": 1})


def test_a_sub_centre_is_rung_in_office_hours_and_we_answer_when_it_does_not(flows: Flows) -> None:
    run, action = dialled(flows, "12319")
    assert action == TransferOut(number="02552346789", ring_s=20.0, greeting=("transfer",))
    assert past_lookup(run, run.handle(TransferOver(result="no_answer"))) == WELCOME


def test_outside_office_hours_a_sub_centre_is_not_rung(flows: Flows) -> None:
    assert dialled(flows, "12319", "2026-11-21 10:00")[1] == WELCOME


def test_facts_of_a_number_are_few_and_its_date_is_written_as_such(flows: Flows) -> None:
    entry = flows.entry("12329")
    assert entry is not None
    assert entry.until == date(2026, 12, 31)
    assert entry.facts() == {
        "number_mode": "merged",
        "number_title": "公积金热线",
        "number_until": "2026-12-31",
        "number_label": "公积金热线",
    }


@pytest.mark.parametrize(
    ("entry", "key", "value", "remedy"),
    [
        ("{mode: merged}", r"numbers.1.until", "", "three months after the merger"),
        ("{mode: merged, until: soon}", r"numbers.1.until", "soon", "date"),
        ("{mode: subcentre}", "numbers.1.number", "", "telephone number"),
        ("{mode: subcentre, number: x}", "numbers.1.number", "x", "matching"),
        ("{mode: parallel, queue: general}", "numbers.1.needs", "", "say the skills"),
        ("{mode: plain}", "numbers.1.flow", "", "name the flow"),
        ("{flow: nowhere}", "numbers.1.flow", "nowhere", "a call may begin with"),
        ("{flow: rating}", "numbers.1.flow", "rating", "a call may begin with"),
        ("rating", "numbers.1", "rating", "name one of the flows"),
        ("{mode: odd}", "numbers.1.mode", "odd", "Invalid enum value"),
        ("{mod: main}", "numbers.1.mod", "main", "no such key"),
        ("{mode: parallel, greeting: []}", "numbers.1.greeting", "list", "length >= 1"),
        ("7", "numbers.1", 7, "Expected"),
    ],
)
def test_a_wrong_entry_is_refused_with_key_value_and_remedy(
    tmp_path: Path, entry: str, key: str, value: object, remedy: str
) -> None:
    with pytest.raises(FlowFileError) as caught:
        load(tmp_path, f'default: citizen_line\nnumbers:\n  "12345": night\n  "1": {entry}\n')
    error = caught.value
    assert error.file.endswith("numbers.yaml")
    assert error.line in (3, 4)
    assert (error.key, error.value) == (key, value)
    assert remedy in error.remedy


def test_queues_prompts_and_skills_of_the_table_are_checked_too(flows: Flows) -> None:
    queues = {
        "general", "enterprise", "social_security", "dialect", "housing_fund", "emergency", "sign_video",
    }  # fmt: skip
    prompts = {prompt for flow in flows.by_name.values() for step in flow.steps.values()
               for _, prompt in step.prompts_said()}  # fmt: skip
    assert check_all(flows, queues, prompts, skills=queues) == []
    found = check_all(flows, queues - {"social_security"}, prompts - {"greeting_short"}, skills=queues)
    of_numbers = {(one.key, one.value) for one in found if one.file == flows.numbers_file}
    assert of_numbers == {
        ("numbers.12333.queue", "social_security"),
        ("numbers.12333.greeting[0]", "greeting_short"),
    }
    lines = {one.line for one in found if one.file == flows.numbers_file}
    assert lines == {9, 11}
