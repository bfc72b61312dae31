"""Differences, calendars, words and plays of editions; whatever is published, the newest is in force."""

from __future__ import annotations

import asyncio
import datetime
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acd.policy import load_policy
from cti.database import open_engine
from cti.edition_calendar import YearDays, with_years, years_of
from cti.edition_difference import counted, difference
from cti.edition_play import names_of, picture, play
from cti.edition_set import check_set, kind_is_known, place_of
from cti.edition_words import told
from cti.editions import Change, EditionConflict, EditionStore, Origin
from ivr_flows.loader import SHIPPED_CALENDAR, load_flows
from ivr_flows.speech import load_manifest
from tests.support.editions import own_files

LINES = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12).map("\n".join)
TODAY = datetime.date(2026, 6, 1)


def rebuilt(old: str, new: str) -> tuple[list[str], list[str]]:
    """Both texts' lines, as far as a difference without cuts tells them."""
    lines = difference(old, new)
    return (
        [line.text for line in lines if line.sign in ("same", "gone")],
        [line.text for line in lines if line.sign in ("same", "added")],
    )


@given(LINES, LINES)
def test_a_difference_holds_every_changed_line_and_nothing_that_is_not_there(old: str, new: str) -> None:
    lines = difference(old, new)
    before, after = old.splitlines(), new.splitlines()
    assert bool(lines) == (before != after)
    for line in lines:
        if line.old:
            assert before[line.old - 1] == line.text
        if line.new:
            assert after[line.new - 1] == line.text
    hidden = sum(int(line.text) for line in lines if line.sign == "cut")
    if lines:
        assert len([line for line in lines if line.old]) + hidden == len(before)
        assert len([line for line in lines if line.new]) + hidden == len(after)
    added, gone = counted(old, new)
    assert added - gone == len(after) - len(before)


def test_unchanged_lines_far_from_a_change_are_left_out() -> None:
    old = "\n".join(map(str, range(40)))
    lines = difference(old, old.replace("20", "zwanzig"))
    assert [line.sign for line in lines].count("cut") == 2
    assert rebuilt(old, old.replace("20", "zwanzig"))[1] == ["17", "18", "19", "zwanzig", "21", "22", "23"]


def test_changing_a_day_keeps_every_other_line_of_the_calendar() -> None:
    text = SHIPPED_CALENDAR.read_text(encoding="utf-8")
    years = years_of(text)
    assert with_years(text, years) == text
    days = years["2027"]
    years["2027"] = YearDays(
        holidays={**days.holidays, "2027-10-08": "国庆节"}, workdays=days.workdays, provisional=False
    )
    after = with_years(text, years)
    assert years_of(after) == years
    head = text.split('  "2027"')[0]
    assert after.startswith(head)


SMALL = "timezone: Asia/Shanghai\ncalendars: {}\nyears:\n  '2027':\n    holidays: {'2027-01-01': 元旦}\n"
DATES = st.dates(datetime.date(2028, 1, 1), datetime.date(2028, 12, 31))


@settings(max_examples=25)
@given(days=st.dictionaries(DATES, st.just("假"), max_size=9))
def test_a_year_is_read_back_as_it_was_written(days: dict[datetime.date, str]) -> None:
    years = years_of(SMALL)
    years["2028"] = YearDays(holidays={day.isoformat(): name for day, name in days.items()}, workdays={})
    assert years_of(with_years(SMALL, years)) == years


def test_problems_of_several_documents_are_all_told_with_file_and_line(tmp_path: Path) -> None:
    documents = own_files(tmp_path).read()
    documents["flow:night"] = documents["flow:night"].replace("start: ", "start: x", 1)
    documents["directory"] = documents["directory"].replace("one_key: true", "one_key: perhaps", 1)
    found = check_set(documents, requests=frozenset(), today=TODAY)
    where = {(one.file, one.key) for one in found.fatal}
    assert {("flows/night.yaml", "start"), ("directory.yaml", "entries[0].one_key")} <= where
    assert all(one.line > 1 for one in found.fatal)


def test_a_flow_must_be_called_as_its_document(tmp_path: Path) -> None:
    documents = own_files(tmp_path).read()
    documents["flow:storm"] = documents["flow:rating"].replace("flow: rating", "flow: gale", 1)
    found = check_set(documents, requests=frozenset(), today=TODAY)
    assert [one.file for one in found.fatal] == ["flows/storm.yaml"]


@pytest.mark.parametrize("kind", ["policies", "flow:", "flow:../x", "flow:A", "prompt:a b", ""])
def test_kinds_that_are_no_document_are_not_known(kind: str) -> None:
    assert not kind_is_known(kind)


def test_places_stay_within_the_folder() -> None:
    assert [place_of(kind) for kind in ("policy", "flow:night")] == ["policy.yaml", "flows/night.yaml"]


def test_remedies_are_told_in_chinese_and_unknown_ones_as_they_are() -> None:
    assert told("name a queue of the routing policy: a, b") == "策略中没有这个队列，现有：a, b"
    assert told("Expected `float` <= 120.0") == "数值应 <= 120.0"
    assert told("something new") == "something new"


def test_a_play_goes_one_step_further_with_each_answer() -> None:
    flows, manifest = load_flows(), load_manifest()
    night = flows.by_name["night"]
    at = datetime.datetime(2026, 3, 2, 23, 30, tzinfo=flows.calendars.zone).timestamp()

    def walked(*lines: str) -> tuple[str, bool]:
        played = play(night, flows, manifest, called="12345", caller="138", at=at, lines=lines)
        return played.step, played.over

    assert walked() == ("choose", False)
    assert walked("1") == ("urgent", False)
    assert walked("1", "h")[1]


def test_every_shipped_flow_is_drawn_and_told() -> None:
    flows, manifest = load_flows(), load_manifest()
    names = names_of(flows, load_policy(), manifest)
    for flow in flows.by_name.values():
        drawn = picture(flow, names)
        assert drawn.svg.startswith("<svg")
        assert [step.name for step in drawn.steps] == list(flow.steps)
        assert all(step.exits or step.kind for step in drawn.steps)


STEP = st.tuples(st.sampled_from("pb"), st.sampled_from(["policy", "flow:night"]), st.integers(0, 9))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=10))
def test_whatever_is_published_or_taken_back_the_newest_counts_and_every_edition_stays(
    migrated_sqlite: Path, steps: list[tuple[str, str, int]]
) -> None:
    asyncio.run(_publish_all(migrated_sqlite, steps))


async def _publish_all(empty: Path, steps: list[tuple[str, str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{shutil.copy(empty, Path(folder) / 'x.sqlite')}")
        try:
            await _follow(EditionStore(engine), steps)
        finally:
            await engine.dispose()


async def _follow(store: EditionStore, steps: list[tuple[str, str, int]]) -> None:
    model: dict[str, list[str]] = {}
    for what, kind, number in steps:
        texts = model.setdefault(kind, [])
        text = texts[number % len(texts)] if what == "b" and texts else f"{kind} {number}"
        change = Change(kind=kind, text=text, base=len(texts))
        origin = Origin.BACK if what == "b" else Origin.PAGE
        await store.publish([change], author="wang", reason="模型", origin=origin)
        texts.append(text)
        if len(texts) > 1:
            stale = Change(kind=kind, text="überholt", base=len(texts) - 1)
            with pytest.raises(EditionConflict):
                await store.publish([stale], author="li", reason="模型", origin=Origin.PAGE)
    newest = await store.newest()
    assert {kind: one.text for kind, one in newest.items()} == {
        kind: texts[-1] for kind, texts in model.items()
    }
    for kind, texts in model.items():
        kept = [(await store.one(kind, number + 1)).text for number in range(len(texts))]
        assert kept == texts
    assert await store.head() == sum(map(len, model.values()))
