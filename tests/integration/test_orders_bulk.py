"""Orders out into files and in again: all or nothing, known again, covered, whole with their chains."""

from __future__ import annotations

import asyncio
import csv
import datetime
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from openpyxl import load_workbook
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.findings import Finding
from cti.casework.notice_store import NoticeStore
from cti.casework.order_export import Export, export_orders
from cti.casework.order_import import CHINA, Importer, ImportTotals
from cti.casework.parts import shipped_policy
from cti.casework.table_files import TableUnreadable
from cti.casework.verification import verify
from cti.changes import Cursor
from cti.database import open_engine
from cti.system_tables import hook_events
from orders.import_rows import COLUMNS, RowError
from orders.notices import occasions
from orders.privacy import Viewer
from orders.privacy_file import shipped_privacy
from orders.records import OrderFilter
from orders.store import OrderStore
from orders.tables import order_events, orders
from orders.unit_store import UnitStore
from orders.unit_table import Unit
from tests.support.courses import ANSWERED, LEAD, closed
from tests.support.lived_orders import accept, in_turn

pytestmark = pytest.mark.integration

AT = 1_795_000_000.0
ROW = {
    "外部编号": "A-1", "来电号码": "13812345678", "受理时间": "2026-01-05 09:30", "诉求类型": "投诉",
    "事项分类": "市容环境/垃圾清运", "联系人": "𠮷田", "诉求内容": "垃圾三天没有清运😡", "渠道": "市长信箱",
}  # fmt: skip


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def other(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """Another city's empty database."""
    engine = open_engine(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'other.sqlite')}")
    yield engine
    await engine.dispose()


def table(file: Path, *rows: dict[str, str], encoding: str = "utf-8") -> Path:
    with file.open("w", encoding=encoding, newline="") as target:
        lines = csv.DictWriter(target, COLUMNS)
        lines.writeheader()
        lines.writerows(rows)
    return file


async def brought(
    engine: AsyncEngine, file: Path, form: str = "csv", *, dry_run: bool = False
) -> tuple[list[RowError], ImportTotals]:
    policy = shipped_policy()
    lines = [one.item for one in policy.rules.answers.checklist]
    importer = Importer(engine, policy=policy, checklist=lines, clock=lambda: AT)
    seen = [one async for one in importer.run(file, form, by="zhou", dry_run=dry_run)]
    last = seen[-1]
    assert isinstance(last, ImportTotals)
    return [one for one in seen if isinstance(one, RowError)], last


async def count(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return await connection.scalar(select(func.count()).select_from(orders)) or 0


async def fits(engine: AsyncEngine) -> bool:
    return not [one async for one in verify(engine) if isinstance(one, Finding)]


async def taken_out(engine: AsyncEngine, file: Path, form: str, role: str = "leader", **more: bool) -> Path:
    export = Export(
        file=file,
        form=form,
        which=OrderFilter(),
        viewer=Viewer(role=role),
        mark="导出人：周 水印编号：X",
        **more,
    )
    async for _ in export_orders(engine, shipped_privacy(), export):
        pass
    return file


async def test_a_second_import_of_the_same_file_changes_nothing_and_says_so(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    await _unit(engine)
    dealt = {**ROW, "外部编号": "A-2", "主办单位": LEAD, "答复内容": "已清运", "办结时间": "2026-01-06 10:00"}
    direct = {**ROW, "外部编号": "A-3", "答复内容": "已告知", "办结时间": "2026-01-05 09:40"}
    file = table(tmp_path / "orders.csv", ROW, dealt, direct)
    assert (await brought(engine, file, dry_run=True))[1].written is False
    assert await count(engine) == 0

    errors, totals = await brought(engine, file)
    assert errors == []
    assert (totals.rows, totals.brought, totals.unchanged, totals.written) == (3, 3, 0, True)
    assert await fits(engine)
    page = await OrderStore(engine).list(OrderFilter())
    found = {order.draft.course.state.value for order in page.orders if order.draft.course is not None}
    assert found == {"accepted", "closed"}
    assert sorted(order.number for order in page.orders) == [f"20260105{n:06d}" for n in (1, 2, 3)]
    assert {order.draft.channel.value for order in page.orders} == {"mailbox"}

    _, again = await brought(engine, file)
    assert (again.brought, again.unchanged, again.written) == (0, 3, False)
    assert await count(engine) == 3
    changed, totals = await brought(engine, table(file, {**ROW, "诉求内容": "别的"}))
    assert [(one.row, one.column) for one in changed] == [(2, "外部编号")]
    assert totals.written is False


async def test_neither_citizens_nor_webhooks_are_told_of_what_was_brought_in(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    await accept(OrderStore(engine), "here", at=AT)
    yesterday = datetime.datetime.fromtimestamp(AT - 3600.0, CHINA).strftime("%Y-%m-%d %H:%M")
    recent = {**ROW, "受理时间": yesterday, "答复内容": "已告知", "办结时间": yesterday}
    async with engine.connect() as connection:
        told_of = set(await connection.scalars(select(hook_events.c.ref)))
    await brought(engine, table(tmp_path / "orders.csv", recent))
    async with engine.connect() as connection:
        assert set(await connection.scalars(select(hook_events.c.ref))) == told_of == {"here"}
    found = (await OrderStore(engine).list(OrderFilter())).orders
    order = next(one for one in found if one.draft.order_id != "here")
    store = NoticeStore(engine)
    assert await store.due(AT + 3600.0, 10) == ()
    again = [(order.draft.order_id, due) for due in occasions(order)]
    assert await store.add(again, Cursor(0, 1), now=AT) == 0  # stand as settled: nothing is new of them


async def _unit(engine: AsyncEngine) -> None:
    await UnitStore(engine).replace_units([Unit(name=LEAD)])


@pytest.mark.parametrize(
    "encoding,title", [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8（带标记）"), ("gb18030", "GB18030")]
)
async def test_the_encoding_is_found_and_named(
    other: AsyncEngine, tmp_path: Path, encoding: str, title: str
) -> None:
    _, totals = await brought(other, table(tmp_path / "t.csv", ROW, encoding=encoding))
    assert totals.encoding == title
    (order,) = (await OrderStore(other).list(OrderFilter())).orders
    assert order.draft.fields["contact"].value == "𠮷田"
    assert order.draft.fields["summary"].value == "垃圾三天没有清运😡"


@pytest.mark.parametrize(
    "column,value,remedy",
    [
        ("诉求内容", "长" * 34_000, "最多 4000 个字"),
        ("诉求类型", "吐槽", "只能是"),
        ("受理时间", "昨天", "请写成"),
        ("受理时间", "2099-01-01 00:00", "将来"),
        ("办结时间", "2025-01-01", "早于"),
        ("主办单位", "没有这个局", "没有这个承办单位"),
        ("渠道", "飞鸽", "渠道只能是"),
        ("外部编号", "", "外部编号"),
        ("事项分类", "", "不能为空"),
        ("联系人", "王\x00五", "无法保存"),
    ],
)
async def test_a_wrong_row_is_named_with_its_column_and_a_remedy_and_nothing_is_written(
    other: AsyncEngine, tmp_path: Path, column: str, value: str, remedy: str
) -> None:
    await _unit(other)
    file = table(tmp_path / "t.csv", {**ROW, "外部编号": "ok"}, {**ROW, column: value})
    errors, totals = await brought(other, file)
    assert any(one.row >= 3 and one.column == column and remedy in one.remedy for one in errors)
    assert all(len(one.value) <= 40 for one in errors)
    assert (totals.errors, totals.written, await count(other)) == (1, False, 0)


async def test_what_is_no_table_is_refused_with_what_to_do(other: AsyncEngine, tmp_path: Path) -> None:
    for name, content, words in (
        ("a.csv", b"\xff\xfeA\x00", "UTF-16"),
        ("b.csv", b"PK\x03\x04....", "Excel"),
        ("c.csv", b"\xff\xff\xff", "编码"),
        ("d.csv", b"", "空的"),
        ("e.jsonl", b"[1]\n", "JSON"),
        ("f.xlsx", b"no workbook", "Excel"),
    ):
        file = tmp_path / name
        file.write_bytes(content)
        with pytest.raises(TableUnreadable, match=words):
            await brought(other, file, file.suffix[1:])


@pytest.mark.parametrize("form", ["csv", "xlsx", "jsonl"])
async def test_what_was_taken_out_is_covered_marked_harmless_and_can_be_brought_in(
    other: AsyncEngine, migrated_sqlite: Path, tmp_path: Path, form: str
) -> None:
    store = OrderStore(other)
    await accept(store, "o1", at=AT - 100, title="=HYPERLINK(1)", contact="王小明")
    file = await taken_out(other, tmp_path / f"out.{form}", form)
    text = _text_of(file)
    assert "水印编号：X" in text
    assert "13812345678" not in text
    assert "138****5678" in text
    if form != "jsonl":
        assert "'=HYPERLINK(1)" in text
    third = open_engine(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'third.sqlite')}")
    errors, totals = await brought(third, file, form)
    (order,) = (await OrderStore(third).list(OrderFilter())).orders
    await third.dispose()
    assert (errors, totals.brought) == ([], 1)
    assert order.draft.fields["title"].value == "=HYPERLINK(1)"


def _text_of(file: Path) -> str:
    if file.suffix != ".xlsx":
        return file.read_text("utf-8-sig")
    rows = load_workbook(file, read_only=True).worksheets[0].iter_rows(values_only=True)
    return "\n".join(str(cell) for row in rows for cell in row)


async def test_whole_histories_are_brought_in_with_chains_that_hold(
    engine: AsyncEngine, other: AsyncEngine, tmp_path: Path
) -> None:
    store = OrderStore(engine)
    course = in_turn(*ANSWERED, closed("办完"), at=AT)
    order = await accept(store, "o1", *course, at=AT)
    file = await taken_out(engine, tmp_path / "out.jsonl", "jsonl", history=True)
    _, totals = await brought(other, file, "jsonl")
    assert (totals.brought, totals.written) == (1, True)
    assert await fits(other)
    assert await OrderStore(other).get("o1") == order
    assert (await brought(other, file, "jsonl"))[1].unchanged == 1

    file.write_text(file.read_text().replace("垃圾没有清运", "垃圾已经清运"))
    errors, totals = await brought(other, file, "jsonl")
    assert ["被改动过" in one.remedy for one in errors] == [True]


def test_an_import_that_is_killed_leaves_nothing_and_can_be_made_again(
    migrated_sqlite: Path, tmp_path: Path
) -> None:
    path = shutil.copy(migrated_sqlite, tmp_path / "hotline.db")
    file = table(tmp_path / "many.csv", *({**ROW, "外部编号": f"K-{place}"} for place in range(4000)))
    environment = {**os.environ, "HOTLINE_HOME": str(tmp_path), "HOTLINE_DATABASE_URL": f"sqlite:///{path}"}
    command = [sys.executable, "-m", "cti", "orders", "import", str(file)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert any("已写入" in line for line in process.stderr)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    asyncio.run(_begins_anew(f"sqlite:///{path}", table(file, ROW)))


async def _begins_anew(url: str, file: Path) -> None:
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            assert await connection.scalar(select(func.count()).select_from(order_events)) == 0
        assert (await brought(engine, file))[1].written
    finally:
        await engine.dispose()
