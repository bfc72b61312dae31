"""Whatever is done to stored orders behind the program's back, verification names it; on both databases."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.casework.assessment_months import AssessmentMonths
from cti.casework.findings import Finding, FindingKind, Totals, said
from cti.casework.sealing import Sealer
from cti.casework.verification import PARTS, verify
from cti.database import migrate, open_engine
from cti.planning_days import CHINA
from cti.tables import audit
from orders import chain
from orders.assessment import Tally
from orders.assessment_marks import Kind, Mark
from orders.assessment_policy import load_assessment_policy
from orders.assessment_sheet import MonthSheet, digest_of, row
from orders.assessment_store import columns_of_mark
from orders.assessment_tables import assessment_months, mark_changes, order_marks
from orders.course_events import CourseEvent
from orders.course_tables import order_units
from orders.link_tables import order_links
from orders.rows import order_of, stored_of
from orders.seal_tables import order_seals, sealed_orders
from orders.search_tables import order_search
from orders.store import OrderStore
from orders.tables import order_events, orders
from tests.support.courses import ANSWERED, DAY, LEAD, closed, lives, noted, rated
from tests.support.lived_orders import accept, in_turn

pytestmark = pytest.mark.integration

AT = 1_795_000_000.0
K = FindingKind
EMPTY = row("", "合计", Tally(), load_assessment_policy())
E, mine = order_events.c, order_events.c.order_id == "o1"


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


async def two_orders(engine: AsyncEngine) -> None:
    store = OrderStore(engine)
    await accept(store, "o0", at=AT)
    course = in_turn(*ANSWERED, rated(bad=False), closed(), at=AT)
    await accept(store, "o1", *course, at=AT)


async def found(engine: AsyncEngine, **asked: str) -> tuple[list[Finding], Totals]:
    seen = [one async for one in verify(engine, **asked)]  # type: ignore[arg-type]
    last = seen[-1]
    assert isinstance(last, Totals)
    return [one for one in seen if isinstance(one, Finding)], last


async def moved(connection: AsyncConnection, *pairs: tuple[int, int]) -> None:
    """Give events other places, by way of places far off."""
    for step, back in ((1000, 0), (0, 1000)):
        for one, other in pairs:
            seq, to = (one, other + step) if step else (other + back, other)
            await connection.execute(update(order_events).where(mine, E.seq == seq).values(seq=to))


async def changed(connection: AsyncConnection) -> None:
    row = update(order_events).where(mine, E.seq == 8)
    await connection.execute(row.values(data='{"agent":"chen","field":"title","value":"没有问题"}'))


async def changed_and_hashed(connection: AsyncConnection) -> None:
    row = (await connection.execute(select(order_events).where(mine, E.seq == 8))).one()
    link = chain.salted(stored_of(row).link)
    await connection.execute(
        update(order_events)
        .where(mine, E.seq == 8)
        .values(salt=link.salt, data_hash=link.data_hash, hash=chain.digest(link))
    )


async def another_actor(connection: AsyncConnection) -> None:
    await connection.execute(update(order_events).where(mine, E.seq == 10).values(actor="nobody"))


async def another_time(connection: AsyncConnection) -> None:
    await connection.execute(update(order_events).where(mine, E.seq == 11).values(at=AT - DAY))


async def removed(connection: AsyncConnection) -> None:
    await connection.execute(delete(order_events).where(mine, E.seq == 4))


async def removed_and_renumbered(connection: AsyncConnection) -> None:
    await connection.execute(delete(order_events).where(mine, E.seq == 4))
    last = (await connection.scalar(select(orders.c.version).where(orders.c.id == "o1"))) or 0
    await moved(connection, *((seq, seq - 1) for seq in range(5, last + 1)))


async def reordered(connection: AsyncConnection) -> None:
    await moved(connection, (4, 5), (5, 4))


async def inserted(connection: AsyncConnection) -> None:
    last = (await connection.scalar(select(orders.c.version).where(orders.c.id == "o1"))) or 0
    await moved(connection, *((seq, seq + 1) for seq in range(12, last + 1)))
    before = (await connection.execute(select(order_events).where(mine, E.seq == 11))).one()
    event = noted(LEAD)
    link = chain.salted(
        chain.Link(
            order_id="o1", seq=12, event_id="forged", at=before.at, kind=chain.kind_of(event),
            data=chain.encode(event), actor=event.by, prev_hash=before.hash,
        )
    )  # fmt: skip
    values = {name: getattr(link, name) for name in chain.Link.__dataclass_fields__}
    await connection.execute(insert(order_events).values(**values, hash=chain.digest(link)))


async def emptied(connection: AsyncConnection) -> None:
    await connection.execute(update(order_events).where(mine, E.seq == 6).values(salt=""))


async def row_rewritten(connection: AsyncConnection) -> None:
    await connection.execute(update(orders).where(orders.c.id == "o1").values(phone="13900000000"))


async def course_rewritten(connection: AsyncConnection) -> None:
    await connection.execute(update(orders).where(orders.c.id == "o1").values(supervision=3))


async def inbox_emptied(connection: AsyncConnection) -> None:
    await connection.execute(delete(order_units).where(order_units.c.order_id == "o1"))


async def link_made(connection: AsyncConnection) -> None:
    link = {"order_id": "o1", "other": "o0", "kind": "related", "agent": "x", "at": AT}
    nothing = {c.name: "" for c in order_links.c if c.name not in link}
    await connection.execute(insert(order_links).values({**nothing, **link}))


async def search_rewritten(connection: AsyncConnection) -> None:
    await connection.execute(update(order_search).where(order_search.c.order_id == "o1").values(text="x"))


async def rating_made_worse(connection: AsyncConnection) -> None:
    mark = (order_marks.c.order_id == "o1") & (order_marks.c.kind == "solved")
    done = await connection.execute(update(order_marks).where(mark).values(score=0))
    assert done.rowcount == 1


async def limit_kept_made_up(connection: AsyncConnection) -> None:
    mark = Mark(key="resolve:1.1", kind=Kind.RESOLVE, unit=LEAD, at=AT, score=1, since=AT)
    row = (await connection.execute(select(orders).where(orders.c.id == "o1"))).one()
    await connection.execute(insert(order_marks).values(columns_of_mark(order_of(row).draft, mark, CHINA)))


async def mark_moved_to_another_month(connection: AsyncConnection) -> None:
    mark = (order_marks.c.order_id == "o1") & (order_marks.c.kind == "solved")
    await connection.execute(update(order_marks).where(mark).values(day=20991231))


async def mark_given_to_another_unit(connection: AsyncConnection) -> None:
    mark = (order_marks.c.order_id == "o1") & (order_marks.c.kind == "solved")
    await connection.execute(update(order_marks).where(mark).values(unit="别的单位"))


async def mark_gone(connection: AsyncConnection) -> None:
    mark = (order_marks.c.order_id == "o1") & (order_marks.c.kind == "rated")
    await connection.execute(delete(order_marks).where(mark))


async def correction_made_up(connection: AsyncConnection) -> None:
    old = Mark(key="rated:1", kind=Kind.RATED, unit=LEAD, at=AT, score=1)
    line = {
        "order_id": "o1", "key": old.key, "event": "AppealRuled", "by": "zhao", "reason": "", "at": AT + DAY,
        "written": AT + DAY, "month_old": 202611, "month_new": None,
        "old": msgspec.json.encode(old).decode(), "new": "",
    }  # fmt: skip
    await connection.execute(insert(mark_changes).values(line))


async def correction_of_another_month(connection: AsyncConnection) -> None:
    line = mark_changes.c.order_id == "o1"
    done = await connection.execute(update(mark_changes).where(line).values(month_new=202601))
    assert done.rowcount > 0


async def events_gone(connection: AsyncConnection) -> None:
    await connection.execute(delete(order_events).where(mine))


async def row_gone(connection: AsyncConnection) -> None:
    await connection.execute(delete(orders).where(orders.c.id == "o1"))


TAMPERED: dict[Callable[[AsyncConnection], Awaitable[None]], set[tuple[FindingKind, int | None, str]]] = {
    changed: {(K.CHANGED, 8, "")},
    changed_and_hashed: {(K.CHANGED, 8, "")},
    another_actor: {(K.CHANGED, 10, "")},
    another_time: {(K.CHANGED, 11, "")},
    removed: {(K.REMOVED, 4, "")},
    removed_and_renumbered: {(K.REMOVED, 4, "")},
    reordered: {(K.REORDERED, 4, ""), (K.REORDERED, 5, "")},
    inserted: {(K.INSERTED, 12, "")},
    emptied: {(K.EMPTIED, 6, "")},
    row_rewritten: {(K.PROJECTION, None, "phone")},
    course_rewritten: {(K.PROJECTION, None, "supervision")},
    inbox_emptied: {(K.PROJECTION, None, "")},
    link_made: {(K.PROJECTION, None, "")},
    search_rewritten: {(K.PROJECTION, None, "text")},
    rating_made_worse: {(K.PROJECTION, None, "score")},
    limit_kept_made_up: {(K.PROJECTION, None, "")},
    mark_moved_to_another_month: {(K.PROJECTION, None, "day")},
    mark_given_to_another_unit: {(K.PROJECTION, None, "unit")},
    mark_gone: {(K.PROJECTION, None, "")},
    correction_made_up: {(K.PROJECTION, None, "")},
    correction_of_another_month: {(K.PROJECTION, None, "")},
    events_gone: {(K.NO_EVENTS, None, "")},
    row_gone: {(K.NO_ORDER, None, "")},
}


async def test_every_way_of_tampering_is_found_and_named(engine: AsyncEngine) -> None:
    await two_orders(engine)
    clean, totals = await found(engine)
    assert (clean, totals.orders, totals.findings) == ([], 2, 0)
    kept = await _kept(engine)
    for tamper, expected in TAMPERED.items():
        async with engine.begin() as connection:
            await tamper(connection)
        findings, totals = await found(engine)
        assert {one.order_id for one in findings} == {"o1"}, tamper.__name__
        assert expected <= {(one.kind, one.seq, one.column) for one in findings}, tamper.__name__
        chained = {one.kind for one in findings} - {K.PROJECTION, K.UNREADABLE, K.NO_ORDER}
        assert chained <= {kind for kind, _, _ in expected}, tamper.__name__
        assert totals.findings == len(findings)
        await _put_back(engine, kept)
    assert (await found(engine))[0] == []


_TABLES = (order_events, orders, order_units, order_links, order_search, order_marks, mark_changes)


async def _kept(engine: AsyncEngine) -> dict[str, list[dict[str, object]]]:
    async with engine.connect() as connection:
        return {
            table.name: [dict(row) for row in (await connection.execute(select(table))).mappings()]
            for table in _TABLES
        }


async def _put_back(engine: AsyncEngine, kept: dict[str, list[dict[str, object]]]) -> None:
    async with engine.begin() as connection:
        for table in _TABLES:
            await connection.execute(delete(table))
            rows = kept[table.name]
            for row in rows:
                grams = row.get("grams")
                if isinstance(grams, str):  # SQLite keeps words
                    row = {**row, "grams": [int(word, 16) for word in grams.split()]}
                await connection.execute(insert(table).values(row))


async def test_what_is_taken_off_the_end_or_wholly_gone_is_found_by_its_seal(engine: AsyncEngine) -> None:
    await two_orders(engine)
    (seal,) = await Sealer(engine, clock=lambda: AT).seal("hu")
    assert (seal.orders, seal.id) == (2, 1)
    assert await Sealer(engine).seal("hu") == ()
    await accept(OrderStore(engine), "o2", at=AT + DAY)
    (second,) = await Sealer(engine, clock=lambda: AT + DAY).seal("system")
    assert (second.prev_hash, second.orders) == (seal.hash, 1)
    clean, totals = await found(engine, anchor=seal.hash)
    assert (clean, totals.seals, totals.heads, totals.seal_hash) == ([], 2, 3, second.hash)

    async with engine.begin() as connection:  # as if it had never been
        for table in (order_events, order_search, order_marks, mark_changes):
            await connection.execute(delete(table).where(table.c.order_id == "o2"))
        await connection.execute(delete(orders).where(orders.c.id == "o2"))
    findings, _ = await found(engine)
    (one,) = findings
    assert (one.kind, one.order_id, one.seal) == (K.SEALED_LOST, "o2", 2)
    assert said(one) == f"工单 o2：第 2 次封存时的第 {one.seq} 条记录不见了"

    async with engine.begin() as connection:
        await connection.execute(delete(order_seals).where(order_seals.c.id == 2))
    findings, _ = await found(engine, anchor=second.hash)
    assert {(one.kind, one.seal) for one in findings} == {(K.SEAL_REMOVED, 2), (K.ANCHOR_LOST, None)}


async def freeze(engine: AsyncEngine, month: int, *, at: float) -> None:
    sheet = MonthSheet(
        month=month, made_at=at, policy=load_assessment_policy(), definitions=(), total=EMPTY, tables={}
    )
    kept = await AssessmentMonths(engine).keep(sheet, by="zhao", reason="", version=1)
    assert kept is not None


async def test_a_frozen_month_that_was_changed_with_its_digest_differs_from_trail_and_seal(
    engine: AsyncEngine,
) -> None:
    await freeze(engine, 202610, at=AT)
    await freeze(engine, 202611, at=AT + 1)
    (seal,) = await Sealer(engine).seal("hu")
    assert (seal.orders, (await found(engine))[0]) == (2, [])
    assert await Sealer(engine).seal("hu") == ()
    october = assessment_months.c.month == 202610
    async with engine.begin() as connection:
        data = await connection.scalar(select(assessment_months.c.data).where(october))
        forged = (data or "").replace("202610", "202610 ", 1)
        values = {"data": forged, "digest": digest_of(forged.encode())}
        await connection.execute(update(assessment_months).where(october).values(values))
    findings, _ = await found(engine)
    assert [(one.kind, one.month, one.version) for one in findings] == [
        (K.MONTH_CHANGED, 202610, 1), (K.MONTH_DIFFERS, 202610, 1),
    ]  # fmt: skip
    assert said(findings[1]) == "2026 年 10 月 考核第 1 版封账结果与第 1 次封存时不同"
    async with engine.begin() as connection:  # the trail is made to say the same: the seal does not
        line = audit.c.target == "202610-1"
        await connection.execute(update(audit).where(line).values(detail={"digest": values["digest"]}))
    assert [one.kind for one in (await found(engine))[0]] == [K.MONTH_DIFFERS]
    async with engine.begin() as connection:
        await connection.execute(delete(assessment_months).where(october))
    assert [(one.kind, one.month) for one in (await found(engine))[0]] == [(K.MONTH_LOST, 202610)]


async def test_a_frozen_month_whose_figures_were_changed_is_found_before_it_is_sealed(
    engine: AsyncEngine,
) -> None:
    await freeze(engine, 202610, at=AT)
    async with engine.begin() as connection:
        await connection.execute(update(assessment_months).values(data=assessment_months.c.data + " "))
    assert [one.kind for one in (await found(engine))[0]] == [K.MONTH_CHANGED]


async def test_corrections_that_were_taken_away_or_changed_differ_from_their_seal(
    engine: AsyncEngine,
) -> None:
    await two_orders(engine)
    later = time.time() + 2 * 3600
    await Sealer(engine, clock=lambda: later).seal("hu")
    assert (await found(engine))[0] == []
    async with engine.begin() as connection:
        await connection.execute(delete(mark_changes).where(mark_changes.c.id == 1))
    findings, _ = await found(engine)
    assert [(one.kind, one.seal) for one in findings] == [(K.CORRECTIONS_DIFFER, 1)]


async def test_words_of_a_reason_may_go_and_the_seal_of_corrections_holds(engine: AsyncEngine) -> None:
    await two_orders(engine)
    later = time.time() + 2 * 3600
    await Sealer(engine, clock=lambda: later).seal("hu")
    async with engine.begin() as connection:
        await connection.execute(update(mark_changes).values(reason="〔已删除〕"))
    assert (await found(engine))[0] == []


def test_tables_and_columns_are_said_in_chinese_with_their_names() -> None:
    one = Finding(
        kind=K.PROJECTION, order_id="o1", number="20261122000001", table="order_marks", column="score"
    )
    assert said(one) == "工单 20261122000001：考核计数（order_marks）与记录不一致：计数结果（score）"
    told = {table: said(msgspec.structs.replace(one, table=table, column="")) for table in PARTS}
    assert all(f"（{table}）" in words for table, words in told.items())
    columns = {column.name for table in (orders, order_marks) for column in table.c} - {"id", "order_id"}
    assert all(f"（{name}）" in said(msgspec.structs.replace(one, column=name)) for name in columns)


async def test_a_history_written_anew_as_a_whole_differs_from_its_seal(engine: AsyncEngine) -> None:
    await two_orders(engine)
    await Sealer(engine).seal("hu")
    async with engine.begin() as connection:
        rows = (await connection.execute(select(order_events).where(mine).order_by(E.seq))).all()
        previous = chain.FIRST
        for row in rows:
            link = chain.Link(
                **{
                    **{name: row._mapping[name] for name in chain.Link.__dataclass_fields__},
                    "prev_hash": previous,
                }
            )
            previous = chain.digest(link)
            if row.seq >= 9:
                link = chain.salted(link)
                previous = chain.digest(link)
            values = {"salt": link.salt, "data_hash": link.data_hash, "prev_hash": link.prev_hash}
            await connection.execute(
                update(order_events).where(mine, E.seq == row.seq).values(**values, hash=previous)
            )
    findings, _ = await found(engine)
    (one,) = findings
    assert (one.kind, one.order_id) == (K.SEALED_DIFFERS, "o1")
    assert (await found(engine, order_id="o1"))[0] == []  # by itself it fits


async def test_a_changed_seal_is_found(engine: AsyncEngine) -> None:
    await two_orders(engine)
    await Sealer(engine).seal("hu")
    async with engine.begin() as connection:
        await connection.execute(update(order_seals).values(orders=1))
        await connection.execute(update(sealed_orders).values(seq=1))
    findings, _ = await found(engine)
    assert [(one.kind, one.seal) for one in findings] == [(K.SEAL_CHANGED, 1)]


async def test_an_order_that_nobody_has_ever_had_is_said_to_be_missing(engine: AsyncEngine) -> None:
    findings, _ = await found(engine, order_id="o404")
    assert [(one.kind, one.order_id) for one in findings] == [(K.NO_ORDER, "o404")]


@given(
    life=lives(),
    place=st.integers(0, 1000),
    column=st.sampled_from(
        ("data", "actor", "at", "kind", "event_id", "prev_hash", "hash", "data_hash", "salt")
    ),
)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_in_any_life_any_changed_column_of_any_event_is_named(
    tmp_path_factory: pytest.TempPathFactory,
    migrated_sqlite: Path,
    life: tuple[tuple[CourseEvent, float], ...],
    place: int,
    column: str,
) -> None:
    path = tmp_path_factory.mktemp("life") / "orders.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    asyncio.run(_live(f"sqlite:///{path}", life, place, column))


async def _live(url: str, life: tuple[tuple[CourseEvent, float], ...], place: int, column: str) -> None:
    engine = open_engine(url)
    try:
        order = await accept(OrderStore(engine), "o1", *life, at=1000.0)
        assert (await found(engine))[0] == []
        seq = place % order.draft.version + 1
        value = 7.5 if column == "at" else "a" * 32
        async with engine.begin() as connection:
            await connection.execute(update(order_events).where(mine, E.seq == seq).values({column: value}))
        findings, _ = await found(engine)
        assert (K.CHANGED, seq) in {(one.kind, one.seq) for one in findings}
    finally:
        await engine.dispose()


async def test_the_command_ends_with_1_when_something_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cti.cli import main

    url = f"sqlite:///{tmp_path}/hotline.db"
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", url)
    await migrate(url)
    engine = open_engine(url)
    await two_orders(engine)
    assert await asyncio.to_thread(main, ["audit", "seal"]) == 0
    assert await asyncio.to_thread(main, ["audit", "verify"]) == 0
    async with engine.begin() as connection:
        await changed(connection)
    await engine.dispose()
    capsys.readouterr()
    assert await asyncio.to_thread(main, ["audit", "verify", "--order", "o1"]) == 1
    assert "第 8 条记录被改动" in capsys.readouterr().out
