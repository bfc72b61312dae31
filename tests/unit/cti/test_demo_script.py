"""The demo's citizens speak of one city, and their files say what they must before anybody is called."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from cti.demo.script import (
    CITIZENS,
    CITIZENS_AUDIO,
    Scenario,
    ScriptError,
    load_city,
    load_scenarios,
    spoken_lines,
    voice_lines,
)
from ivr_flows.synthesis import check_lines

SCENARIOS = load_scenarios()


def seconds(scenario: Scenario, speaker: str) -> float:
    total = 0.0
    for turn in scenario.turns:
        if turn.speaker == speaker:
            with wave.open(str(CITIZENS_AUDIO / turn.audio)) as file:
                total += file.getnframes() / file.getframerate()
    return total


def test_every_turn_has_audio_that_says_its_text() -> None:
    assert check_lines(voice_lines(SCENARIOS), CITIZENS_AUDIO) == ()


def test_all_kinds_of_orders_and_all_ways_through_the_menu_are_there() -> None:
    assert {scenario.expect.type for scenario in SCENARIOS} == {
        "咨询",
        "求助",
        "投诉",
        "举报",
        "建议",
        "表扬",
    }
    assert {scenario.key for scenario in SCENARIOS} >= {None, "1", "2", "9"}
    assert None in {scenario.satisfaction for scenario in SCENARIOS}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_citizen_talks_long_enough_to_measure_and_short_enough_to_test(scenario: Scenario) -> None:
    if scenario.id.endswith("_short"):
        assert 2 <= seconds(scenario, "citizen") <= 6
    else:
        assert 10 <= seconds(scenario, "citizen") <= 30


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_citizen_and_agent_do_not_share_a_voice(scenario: Scenario) -> None:
    assert scenario.voices.citizen != scenario.voices.agent


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_the_expected_order_lies_in_the_city_and_in_the_words_of_the_call(scenario: Scenario) -> None:
    city, expect, said = load_city(), scenario.expect, scenario.said_by("citizen")
    streets = {street.name: street.district for street in city.streets}
    assert expect.district in {district.name for district in city.districts}
    assert expect.unit in {body.name for body in city.organisations} | streets.keys()
    if expect.street:
        assert streets[expect.street] == expect.district
    for words in (expect.district, expect.street, expect.occurred, expect.surname, *expect.keywords):
        assert words is None or words in said


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_number_counts_as_spoken_only_when_it_is(scenario: Scenario) -> None:
    said = scenario.said_by("citizen").replace("，", "")
    spoken = "".join("幺二三四五六七八九"[int(d) - 1] if d != "0" else "零" for d in scenario.expect.phone)
    assert (spoken in said) == scenario.expect.phone_spoken


def test_every_caller_is_fictitious_and_calls_once() -> None:
    callers = [scenario.caller for scenario in SCENARIOS]
    assert len(set(callers)) == len(callers)
    assert all(caller.startswith("1380000") for caller in callers)


def copy(tmp_path: Path, name: str, *changes: tuple[str, str]) -> Path:
    text = (CITIZENS / "rubbish_short.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("id: rubbish_short", "id: other"), "must be the file's name"),
        (("type: 投诉", "type: 抱怨"), "抱怨"),
        (('satisfaction: "5"', 'satisfaction: "7"'), "satisfaction"),
        (("caller:", "telephone:"), "caller"),
        (("speaker: agent", "speaker: citizen"), "the agent greets first"),
        (("audio: agent_hello.wav", "audio: ../../hello.wav"), "audio"),
    ],
)
def test_a_scenario_that_does_not_fit_is_refused_by_key(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    with pytest.raises(ScriptError, match=complaint):
        load_scenarios(copy(tmp_path, "rubbish_short.yaml", change))


def test_one_recording_cannot_say_two_things(tmp_path: Path) -> None:
    copy(tmp_path, "rubbish_short.yaml")
    copy(tmp_path, "second.yaml", ("id: rubbish_short", "id: second"), ("好的，马上安排。", "好的。"))
    with pytest.raises(ScriptError, match=r"agent_rubbish\.wav"):
        load_scenarios(tmp_path)


def test_shared_lines_are_rendered_once() -> None:
    assert len(spoken_lines(SCENARIOS)) < sum(len(scenario.turns) for scenario in SCENARIOS)


def test_a_folder_without_scenarios_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="0 scenario files"):
        load_scenarios(tmp_path)


CITY = """name: 云州市
districts: [{name: 城东区}]
streets: [{name: 新华街道, district: 城东区}]
places: [{name: 阳光花园, kind: 小区, street: 新华街道}]
roads: [{name: 人民路, districts: [城东区]}]
organisations: [{name: 云州市水务局, kind: 部门}]
"""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("district: 城东区}", "district: 城南区}", "新华街道: district is '城南区'"),
        ("street: 新华街道", "street: 新街道", "阳光花园: street is '新街道'"),
        ("districts: [城东区]", "districts: [城南区]", "人民路: districts is '城南区'"),
        ("[{name: 城东区}]", "[{name: 城东区}, {name: 城东区}]", "'城东区' is there twice"),
        ("kind: 小区, ", "", "kind"),
    ],
)
def test_a_city_with_loose_ends_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in CITY
    path = tmp_path / "city.yaml"
    path.write_text(CITY.replace(old, new), encoding="utf-8")
    with pytest.raises(ScriptError, match=complaint):
        load_city(path)
