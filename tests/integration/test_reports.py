"""Reports on a database: kept for good, made by themselves, the same from the journal, down to the calls."""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from pypdf import PdfReader
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import cli, reportadmin
from cti.call_records import CallFilter
from cti.calls import CallStore
from cti.database import open_engine
from cti.figures.facts import CallKind, Rules
from cti.figures.tables import reports
from cti.reports.archive import ReportArchive, ReportDamaged, ReportUnknown
from cti.reports.files import write_bytes
from cti.reports.pages import Page, Table, changes, encode
from cti.reports.pdf import find_font
from cti.reports.room import ReportRoom, make_page
from cti.reports.schedule import Plan, ReportSchedule
from cti.reports.specs import Filter, Grouping, ReportRefused, Spec, daily, special
from cti.settings import ReportSettings, Settings
from cti.tables import calls
from orders.store import OrderStore
from tests.support.asterisk import CACHE
from tests.support.figure_days import DAY, made_day, put_orders
from tests.support.report_days import column, table_of

pytestmark = pytest.mark.integration

TODAY = daily(date(2026, 11, 22))
NOW = DAY + 3 * 86400.0
SPECIAL = special(DAY, DAY + 2 * 86400.0, by=tuple(Grouping), interval=60)


async def write(engine: AsyncEngine, *, number: int = 120, days: int = 2) -> None:
    made, clock = made_day(7, number, days=days), [DAY]
    luck = random.Random(7)
    luck.shuffle(made.entries)
    await CallStore(engine).write(made.entries)
    await put_orders(OrderStore(engine, clock=lambda: clock[0]), made, clock)


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
def chinese_font() -> Path:
    """The font that reports are written with, from the cache or fetched."""
    try:
        return find_font(None, CACHE)
    except ReportRefused as error:
        if os.environ.get("CI", "") == "true":
            pytest.fail(error.shown)
        pytest.skip(error.shown)


async def made(engine: AsyncEngine, spec: Spec) -> Page:
    return await make_page(engine, spec, Rules(), now=NOW)


# ------------------------------------------------------------ down to the calls


async def test_behind_every_row_stands_a_list_of_as_many_calls_as_it_counts(engine: AsyncEngine) -> None:
    await write(engine)
    page, store = await made(engine, SPECIAL), CallStore(engine)
    asked = 0
    for table in page.tables:
        agents = table.by == Grouping.AGENT
        for row, count in zip(table.rows, column(table, "handled" if agents else "calls_in"), strict=True):
            which = narrowed(table, row.key)
            if which is not None:
                found = await store.calls(which)
                assert found.total == count, (table.by, row.title)
                asked += 1
    assert asked > 60


def narrowed(table: Table, key: str) -> CallFilter | None:
    """What the page asks for when a row is clicked (ReportTable.vue)."""
    span: dict[str, Any] = {"since": SPECIAL.since, "until": SPECIAL.until, "kind": CallKind.INBOUND}
    match Grouping(table.by):
        case Grouping.INTERVAL:
            return CallFilter(**{**span, "since": float(key), "until": float(key) + 3600.0})
        case Grouping.DAY:
            return CallFilter(**{**span, "since": float(key), "until": float(key) + 86400.0})
        case Grouping.AGENT:
            return CallFilter(**{**span, "kind": None, "handled": key})
        case _ if not key:
            return None
        case Grouping.SATISFACTION:
            return CallFilter(**span, satisfaction=int(key))
        case by:
            return CallFilter(**{**span, by.value: key})


async def test_a_category_of_a_list_may_hold_what_is_below_it_as_a_reports_filter_does(
    engine: AsyncEngine,
) -> None:
    await write(engine, number=60)
    which = Filter(category="城市管理")
    page = await made(engine, special(SPECIAL.since, SPECIAL.until, which=which))
    span = {"since": SPECIAL.since, "until": SPECIAL.until, "kind": CallKind.INBOUND}
    store = CallStore(engine)
    below = await store.calls(CallFilter(**span, category="城市管理/"))  # type: ignore[arg-type]
    assert below.total == page.figures["calls_in"] != 0
    assert (await store.calls(CallFilter(**span, category="城市管理"))).total == 0  # type: ignore[arg-type]


# ------------------------------------------------------------ kept for good


async def test_a_kept_report_is_never_written_over_and_a_second_one_gets_a_number(
    engine: AsyncEngine,
) -> None:
    await write(engine, number=30)
    archive = ReportArchive(engine)
    first = encode(await made(engine, TODAY))
    kept = await archive.keep(first, by="zhao")
    await CallStore(engine).write(made_day(8, 10).entries)
    later = encode(await made(engine, TODAY))
    again = await archive.keep(later, by="zhao")
    assert kept is not None
    assert again is not None
    assert (kept.report_id, again.report_id) == ("daily-20261122", "daily-20261122-2")
    assert (await archive.get("daily-20261122"))[1] == first
    assert (await archive.get("daily-20261122-2"))[1] == later != first
    assert await archive.keep(later, by="system", again=False) is None
    total, listed = await archive.listed()
    assert (total, {one.report_id for one in listed}) == (2, {kept.report_id, again.report_id})
    with pytest.raises(ReportUnknown):
        await archive.get("daily-20261123")


async def test_two_servers_that_make_the_same_report_keep_one(engine: AsyncEngine) -> None:
    data = encode(await made(engine, TODAY))
    archive = ReportArchive(engine)
    kept = await asyncio.gather(*(archive.keep(data, by="system", again=False) for _ in range(4)))
    assert sum(one is not None for one in kept) == 1


async def test_a_kept_report_that_somebody_changed_is_not_given_out(engine: AsyncEngine) -> None:
    archive = ReportArchive(engine)
    data = encode(await made(engine, TODAY))
    await archive.keep(data, by="zhao")
    async with engine.begin() as connection:
        told = data.decode().replace('"until"', '"until" ')
        await connection.execute(update(reports).values(data=told))
    with pytest.raises(ReportDamaged):
        await archive.get("daily-20261122")


async def test_a_later_computation_tells_what_is_different(engine: AsyncEngine) -> None:
    await write(engine, number=30)
    before = await made(engine, TODAY)
    assert changes(before, await made(engine, TODAY)) == []
    await CallStore(engine).write(made_day(8, 10).entries)
    after = await made(engine, TODAY)
    found = {one.figure: (one.before, one.after) for one in changes(before, after) if not one.table}
    assert found["calls_in"] == (before.figures["calls_in"], after.figures["calls_in"])


# ------------------------------------------------------------ made by themselves


class Here(ReportRoom):
    """Makes reports in a thread of this process: a process of its own takes seconds to begin."""

    async def _ask(self, work: Callable[..., bytes], *given: object) -> bytes:
        return await asyncio.to_thread(work, *given)


class Regular:
    """A schedule whose clock, leadership and journal a test has in its hand."""

    def __init__(
        self, url: str, engine: AsyncEngine, folder: Path, *, forms: Sequence[str] = ("csv",)
    ) -> None:
        self.now = DAY + 86400.0 + 2 * 3600.0  # the 23rd at 02:00
        self.leads = True
        self.behind_s = 0.0
        self.folder = folder
        self.archive = ReportArchive(engine)
        self.schedule = ReportSchedule(
            plan=Plan(folder=folder, forms=tuple(forms)),
            room=Here(url, Rules()),
            archive=self.archive,
            leads=lambda: self.leads,
            behind_s=lambda: self.behind_s,
            first_day=self._first_day,
            clock=lambda: self.now,
        )

    async def _first_day(self) -> date:
        return date(2026, 11, 22)

    async def kept(self) -> list[str]:
        return sorted(one.report_id for one in (await self.archive.listed())[1])


@pytest_asyncio.fixture
async def regular(migrated_url: str, engine: AsyncEngine, tmp_path: Path) -> Regular:
    return Regular(migrated_url, engine, tmp_path / "reports")


async def test_a_regular_report_is_made_once_kept_and_written(regular: Regular, engine: AsyncEngine) -> None:
    await write(engine, number=20, days=1)
    assert await regular.schedule.look() == 1
    assert await regular.schedule.look() == 0
    assert await regular.kept() == ["daily-20261122"]
    kept, data = await regular.archive.get("daily-20261122")
    assert kept.made_by == "system"
    assert [file.name for file in regular.folder.iterdir()] == ["daily-20261122.csv"]
    page = await made(engine, TODAY)
    written = (regular.folder / "daily-20261122.csv").read_bytes()
    assert written == write_bytes(page, "csv")
    assert json.loads(data)["figures"]["calls_in"] == page.figures["calls_in"]


async def test_only_the_leader_makes_reports_and_only_when_the_journal_is_delivered(regular: Regular) -> None:
    regular.leads = False
    assert await regular.schedule.look() == 0
    regular.leads, regular.behind_s = True, 30.0
    assert await regular.schedule.look() == 0
    assert await regular.kept() == []
    regular.behind_s = 0.5
    assert await regular.schedule.look() == 1


async def test_days_that_were_missed_are_made_up(regular: Regular) -> None:
    await regular.schedule.look()
    regular.now += 3 * 86400.0
    assert await regular.schedule.look() == 3
    assert await regular.kept() == [f"daily-202611{day}" for day in (22, 23, 24, 25)]


async def test_without_a_font_the_report_is_kept_and_its_other_files_are_written(
    migrated_url: str, engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.reports.pdf.FONT_FILE", "nowhere/none.ttc")
    regular = Regular(migrated_url, engine, tmp_path / "reports", forms=("pdf", "csv"))
    assert await regular.schedule.look() == 1
    assert [file.name for file in regular.folder.iterdir()] == ["daily-20261122.csv"]


async def test_where_files_cannot_be_written_nothing_is_kept_and_the_next_look_tries_again(
    regular: Regular,
) -> None:
    regular.folder.write_text("a file stands where the folder should be", encoding="utf-8")
    with pytest.raises(FileExistsError):
        await regular.schedule.look()
    assert await regular.kept() == []
    regular.folder.unlink()
    assert await regular.schedule.look() == 1


# ------------------------------------------------------------ in the room's process, and on the command line


async def test_the_rooms_process_makes_a_page_and_says_why_it_cannot_make_a_file(
    migrated_sqlite: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{await asyncio.to_thread(_copied, migrated_sqlite, tmp_path)}"
    engine = open_engine(url)
    await write(engine, number=20)
    room = ReportRoom(url, Rules(), font=tmp_path / "none.ttf")
    try:
        data = await room.page(TODAY, now=NOW)
        assert data == encode(await made(engine, TODAY))
        with pytest.raises(ReportRefused, match=r"none\.ttf") as refused:
            await room.file(data, "pdf")
        assert refused.value.key == "reports.font"
        assert (await room.file(data, "csv")).startswith("\ufeff表".encode())
    finally:
        room.close()
        await engine.dispose()


def _copied(database: Path, folder: Path) -> Path:
    copy = folder / "hotline.sqlite"
    copy.write_bytes(database.read_bytes())
    return copy


def test_every_command_of_the_command_line_says_the_same_from_the_journal(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reportadmin, "time", SimpleNamespace(time=lambda: NOW))
    url = f"sqlite:///{_copied(migrated_sqlite, tmp_path)}"

    async def with_engine(work: Callable[[AsyncEngine], Any]) -> None:
        engine = open_engine(url)
        await work(engine)
        await engine.dispose()

    asyncio.run(with_engine(lambda engine: write(engine, number=40)))
    settings = Settings(home=tmp_path, cache=tmp_path / "cache", database_url=url)

    def run(*words: str) -> dict[str, Any]:
        out = tmp_path / "out.json"
        options = cli._parser().parse_args(["report", *words, "--out", str(out)])
        said: list[object] = []
        assert reportadmin.report(settings, options, say=said.append) == 0
        assert len(said) == 1
        found: dict[str, Any] = json.loads(out.read_bytes())
        return {key: value for key, value in found.items() if key not in ("made_at", "source")}

    span = ("--from", "2026-11-22", "--to", "2026-11-23")
    asked = (
        ("daily", "--date", "2026-11-22"),
        ("monthly", "--date", "2026-11-22"),
        ("special", *span, "--by", "district", "--by", "agent", "--queue", "general"),
    )
    whole = {words: run(*words) for words in asked}
    assert whole[asked[1]]["figures"]["calls_in"] > whole[asked[0]]["figures"]["calls_in"] > 0
    assert [table["by"] for table in whole[asked[2]]["tables"]] == ["district", "agent"]
    for words in asked:
        assert run(*words, "--from-journal") == whole[words], words

    async def older(engine: AsyncEngine) -> None:
        """As a version before 0011 of the schema left the rows."""
        async with engine.begin() as connection:
            await connection.execute(update(calls).values(talk_s=None, parts=None, missed=0))

    asyncio.run(with_engine(older))
    assert run(*asked[0]) != whole[asked[0]]
    said: list[object] = []
    options = cli._parser().parse_args(["report", "rebuild", *span])
    assert reportadmin.report(settings, options, say=said.append) == 0
    assert said == ["已由日志重建 40 通来电的记录"]
    for words in asked:
        assert run(*words) == whole[words], words


def test_on_a_terminal_a_report_is_told_in_words(migrated_sqlite: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{_copied(migrated_sqlite, tmp_path)}"
    settings = Settings(home=tmp_path, cache=tmp_path, database_url=url, reports=ReportSettings())
    options = cli._parser().parse_args(["report", "daily", "--date", "2026-11-22"])
    said: list[object] = []
    reportadmin.report(settings, options, say=said.append)
    assert said[0] == "2026年11月22日 话务日报"
    assert "  接通率  —" in said


# ------------------------------------------------------------ on paper


async def test_the_pdf_holds_its_chinese_font_and_its_words_can_be_searched(
    engine: AsyncEngine, chinese_font: Path
) -> None:
    await write(engine, number=60)
    page = await made(engine, TODAY)
    content = await asyncio.to_thread(write_bytes, page, "pdf", font=chinese_font)
    read = PdfReader(io.BytesIO(content))
    words = "".join(sheet.extract_text() for sheet in read.pages).replace("\n", "")
    assert read.metadata is not None
    assert read.metadata.title == TODAY.title
    for told in (TODAY.title, "及时接听率", "未达标来电的原因", "指标口径", "接通量 ÷ 请求人工量"):
        assert told in words
    last = f"第 {len(read.pages)} / {len(read.pages)} 页"
    assert last in words
    assert len(read.pages) >= 4
    assert len(content) < 1_000_000  # only the characters that are used
    sheets: list[Any] = list(read.pages)
    fonts = {name: font for sheet in sheets for name, font in sheet["/Resources"]["/Font"].items()}
    for font in fonts.values():
        inner: Any = font.get_object()["/DescendantFonts"][0].get_object()
        assert "/FontFile2" in inner["/FontDescriptor"]
    assert table_of(page, "queue").rows[0].title in words
