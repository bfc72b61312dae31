"""Lists and searches in a real database: what is found, in which order, page after page, and by whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import pytest_asyncio
from alembic.migration import MigrationContext
from alembic.operations import Operations
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.database import open_engine
from orders import order_counts, order_list, order_ways, search_tables
from orders.errors import ValueRefused
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderState, OrderSubmitted
from orders.records import Order, OrderFilter, Sight
from orders.search_tables import order_search
from orders.search_text import text_of
from orders.sight import sees
from orders.store import OrderStore
from orders.tables import metadata
from orders.unit_inbox import InboxFilter, UnitInbox
from tests.support.courses import LEAD, OTHER, THIRD, dispatched

pytestmark = pytest.mark.integration

AT = 1_795_233_600.0


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The server's own engine on an empty database with the tables of orders."""
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
def store(engine: AsyncEngine) -> OrderStore:
    return OrderStore(engine, clock=lambda: AT)


@pytest.fixture(params=["index", "walk"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Words are looked up in the index, or, where too many orders have them, met on the walk."""
    if request.param == "walk":
        monkeypatch.setattr(search_tables, "FEW_SQLITE", -1)
        monkeypatch.setattr(search_tables, "FEW", -2)  # fewer than any table is said to have
    return str(request.param)


def events_of(order_id: str, caller: str = "", **fields: str) -> list[OrderEvent]:
    values = {"type": "投诉", "category": "城市管理/占道", "summary": "摊贩占道", **fields}
    opened = DraftOpened(order_id=order_id, call_id=f"c-{order_id}", caller=caller)
    return [opened, *(FieldEdited(field=name, value=value, agent="chen") for name, value in values.items())]


async def bring(store: OrderStore, order_id: str, at: float = AT, *more: OrderEvent, **fields: str) -> Order:
    made = [*events_of(order_id, **fields), OrderSubmitted(agent="chen"), *more]
    return await store.create(made, order_id=order_id, event_id=f"made:{order_id}", at=at)


async def found(store: OrderStore, which: OrderFilter) -> list[str]:
    return [order.draft.order_id for order in (await store.list(which)).orders]


# ---------------------------------------------------------------- words


ASKED: tuple[tuple[str, set[str]], ...] = (
    ("停水", {"o1"}),
    ("水停", set()),
    ("水", {"o1", "o2"}),
    ("𠮷", {"o2"}),
    ("傅𠮷", {"o2"}),
    ("𠮶", set()),  # another character, whose low half is not the other's
    ("😀", {"o3"}),
    ("👨‍👩‍👧", {"o3"}),
    ("100%", {"o3"}),
    ("%", {"o3"}),
    ("_", {"o3"}),
    ("a_b", {"o3"}),
    ("/", {"o3"}),
    ("ktv", {"o3"}),
    ("KTV", {"o3"}),
    ("Ktv 噪声", {"o3"}),
    ("噪声 停水", set()),
    ("8888", {"o1"}),
    ("138", {"o1"}),
    ("13812348888", {"o1"}),
    ("1", {"o1", "o2", "o3"}),  # in every number
    ("3栋2单元", {"o2"}),
    ("栋2", {"o2"}),
    ("花园路", set()),  # the title ends with one, the summary begins with the other
    ("停水 阳光花园", {"o1"}),
    ("ＫＴＶ", set()),  # other characters, as before
)
"""Words, and the orders that have them all."""


async def test_all_words_must_occur_somewhere(store: OrderStore, way: str) -> None:
    await bring(store, "o1", caller="13812348888", title="阳光花园", summary="路边停水三天", contact="王伟")
    await bring(store, "o2", summary="水压不足", place="𠮷祥里3栋2单元", contact="傅𠮷")
    await bring(store, "o3", summary="KTV噪声😀👨‍👩‍👧 100%扰民 a_b 与/或", district="东城区")
    for words, expected in ASKED:
        assert set(await found(store, OrderFilter(text=words))) == expected, words


async def test_an_order_is_found_by_what_it_says_now_and_no_longer_by_what_it_said(
    store: OrderStore, way: str
) -> None:
    for event in events_of("o1", summary="小区停水"):
        await store.apply("o1", event)
    assert await found(store, OrderFilter(text="停水")) == ["o1"]
    await store.edit("o1", "summary", "小区停电", agent="chen")
    assert await found(store, OrderFilter(text="停水")) == []
    assert await found(store, OrderFilter(text="停电")) == ["o1"]
    order = await store.submit("o1", "chen", "k1")
    assert await found(store, OrderFilter(text=order.number[-6:])) == ["o1"]


async def test_words_are_found_together_with_every_other_filter(store: OrderStore, way: str) -> None:
    await bring(store, "o1", AT, district="东城区", summary="夜间噪声")
    await bring(store, "o2", AT + 1, district="西城区", summary="夜间噪声")
    await bring(store, "o3", AT + 2, dispatched(LEAD), district="东城区", summary="夜间噪声")
    noise = OrderFilter(text="噪声", district="东城区")
    assert await found(store, noise) == ["o3", "o1"]
    assert await found(store, replace(noise, sight=Sight(units=frozenset({LEAD})))) == ["o3"]
    assert await found(store, replace(noise, until=AT + 2)) == ["o1"]
    assert await found(store, replace(noise, state=OrderState.DRAFT)) == []


async def test_a_deleted_row_is_found_no_more(store: OrderStore, engine: AsyncEngine) -> None:
    await bring(store, "o1", summary="夜间噪声")
    async with engine.begin() as connection:
        await connection.execute(delete(order_search).where(order_search.c.order_id == "o1"))
    assert await found(store, OrderFilter(text="噪声")) == []


@given(
    texts=st.lists(st.text("水电停噪声𠮷a1 2%", min_size=1, max_size=12), min_size=1, max_size=4),
    asked=st.lists(st.text("水电停噪声𠮷a1 2%", min_size=1, max_size=4), min_size=1, max_size=12),
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_index_finds_what_reading_everything_finds(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], asked: list[str]
) -> None:
    async def compare(path: Path) -> None:
        engine = open_engine(f"sqlite:///{path}")
        try:
            async with engine.begin() as connection:
                await connection.run_sync(metadata.create_all)
            store = OrderStore(engine, clock=lambda: AT)
            made = [
                await store.apply(f"o{place}", event)
                for place, said in enumerate(texts)
                for event in (
                    DraftOpened(order_id=f"o{place}", call_id="", caller=""),
                    FieldEdited(field="summary", value=said, agent="chen"),
                )
            ]
            last = {order.draft.order_id: text_of(order) for order in made}
            for words in asked:
                plain = {
                    order_id
                    for order_id, text in last.items()
                    if all(word.casefold() in text for word in words.split())
                }
                assert set(await found(store, OrderFilter(text=words))) == plain
        finally:
            await engine.dispose()

    asyncio.run(compare(tmp_path_factory.mktemp("search") / "orders.db"))


async def test_postgresql_looks_words_up_in_its_index(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
            query = select(order_search.c.order_id).where(order_search.c.grams.op("@>")((1, 2)))
            said = str(query.compile(connection.sync_connection, compile_kwargs={"render_postcompile": True}))
            plan = await connection.exec_driver_sql(f"EXPLAIN {said}", ([1, 2],))
            assert "ix_order_search_grams" in "\n".join(str(row[0]) for row in plan)
    finally:
        await engine.dispose()


# ---------------------------------------------------------------- pages and places


async def test_pages_by_place_give_every_order_once_newest_first(store: OrderStore) -> None:
    for n in range(7):
        await bring(store, f"o{n}", AT + n // 2)  # two of the same moment
    seen: list[str] = []
    which = OrderFilter(size=2)
    while True:
        page = await store.list(which)
        assert (page.total, page.exact) == (7, True)
        seen += [order.draft.order_id for order in page.orders]
        if not page.next:
            break
        which = replace(which, after=page.next)
    assert seen == ["o6", "o5", "o4", "o3", "o2", "o1", "o0"]


async def test_orders_that_come_meanwhile_shift_no_page_by_place(store: OrderStore) -> None:
    for n in range(4):
        await bring(store, f"o{n}", AT + n)
    first = await store.list(OrderFilter(size=2))
    await bring(store, "o9", AT + 9)
    assert await found(store, OrderFilter(size=2, after=first.next)) == ["o1", "o0"]
    assert await found(store, OrderFilter(size=2, page=2)) == ["o2", "o1"]  # by number, one comes twice


async def test_a_place_that_was_not_given_out_is_refused(store: OrderStore) -> None:
    for after in ("x", "1.5", "nonsense~o1", "~o1", f"1.0~{'o' * 81}", "1.0~\x00"):
        with pytest.raises(ValueRefused):
            await store.list(OrderFilter(after=after))


async def test_a_place_and_a_number_of_a_page_do_not_go_together(store: OrderStore) -> None:
    with pytest.raises(ValueRefused) as caught:
        await store.list(OrderFilter(after="1.0~o1", page=2))
    assert caught.value.shown == "页码与翻页位置不能同时指定"


async def test_beyond_what_is_counted_it_is_said_that_there_are_more(
    store: OrderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_counts, "COUNT_MOST", 3)
    monkeypatch.setattr(order_list, "COUNT_MOST", 3)
    for n in range(5):
        await bring(store, f"o{n}", AT + n)
    page = await store.list(OrderFilter(size=2))
    assert (page.total, page.exact) == (3, False)
    deep = await store.list(OrderFilter(size=2, page=3))
    assert (deep.total, deep.exact) == (5, True)  # the last page: now it is known


async def test_counting_that_takes_too_long_is_given_up_and_the_page_is_there(
    store: OrderStore, monkeypatch: pytest.MonkeyPatch, engine: AsyncEngine
) -> None:
    for n in range(5):
        await bring(store, f"o{n}", AT + n)
    monkeypatch.setattr(order_counts, "SMALL", -2)
    monkeypatch.setattr(order_counts, "COUNT_S", 0.001)
    endless = text(f"SELECT count(*) FROM {', '.join(f'orders a{place}' for place in range(12))}")  # noqa: S608
    monkeypatch.setattr(order_counts, "counting", lambda _: endless)
    page = await store.list(OrderFilter(size=2))
    assert (len(page.orders), page.total, page.exact) == (2, 3, False)
    assert len(await found(store, OrderFilter())) == 5  # the connection is as good as before


# ---------------------------------------------------------------- by whom


@pytest.mark.parametrize("most", [500, 0])
async def test_only_what_is_open_to_somebody_is_listed_each_order_once(
    store: OrderStore, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(order_ways, "UNITS_WALKED", {"postgresql": most, "sqlite": most})
    await bring(store, "o1", AT + 1, dispatched(LEAD, OTHER), district="东城区")
    await bring(store, "o2", AT + 2, dispatched(OTHER), district="西城区")
    await bring(store, "o3", AT + 3, dispatched(THIRD), district="东城区")
    await bring(store, "o4", AT + 4, district="东城区")
    all_orders = (await store.list(OrderFilter())).orders
    for units in ((LEAD,), (OTHER,), (LEAD, OTHER), (LEAD, OTHER, THIRD), ("别的单位",), ()):
        for districts in (None, frozenset({"东城区"})):
            sight = Sight(units=frozenset(units), districts=districts)
            mine = [order.draft.order_id for order in all_orders if sees(sight, order)]
            page = await store.list(OrderFilter(sight=sight))
            assert [order.draft.order_id for order in page.orders] == mine, sight
            assert page.total == len(mine)
            if len(mine) > 1:
                first = await store.list(OrderFilter(sight=sight, size=1))
                rest = await store.list(OrderFilter(sight=sight, after=first.next))
                assert [one.draft.order_id for one in (*first.orders, *rest.orders)] == mine
                assert first.total == len(mine)


async def test_an_order_made_whole_lies_in_its_units_inbox(store: OrderStore, engine: AsyncEngine) -> None:
    await bring(store, "o1", AT, dispatched(LEAD))
    page = await UnitInbox(engine).page(InboxFilter(unit=LEAD))
    assert [entry.order.draft.order_id for entry in page.entries] == ["o1"]


async def test_a_category_is_found_with_what_is_below_it(store: OrderStore) -> None:
    for order_id, value in (("o1", "城乡建设/供水"), ("o2", "城乡建设"), ("o3", "城乡建设0/供水")):
        await bring(store, order_id, category=value)
    for category, expected in (
        ("城乡建设", {"o1", "o2"}),
        ("城乡建设/供水", {"o1"}),
        ("城乡建设/供", set()),
        ("城乡", set()),
        ("城乡建设%", set()),
        ("城乡建设0", {"o3"}),
    ):
        assert set(await found(store, OrderFilter(category=category))) == expected, category


# ---------------------------------------------------------------- orders from before


async def test_orders_from_before_are_found_by_words_after_the_migration(
    store: OrderStore, engine: AsyncEngine
) -> None:
    for n in range(3):
        await bring(store, f"o{n}", AT + n, summary=f"夜间噪声{n}")
    async with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            await connection.execute(text("DROP TABLE order_grams"))
        await connection.execute(text("DROP TABLE order_search"))
        await connection.run_sync(_migrate)
    assert await found(store, OrderFilter(text="噪声 夜间")) == ["o2", "o1", "o0"]
    await bring(store, "o9", AT + 9, summary="清晨噪声")
    assert await found(store, OrderFilter(text="噪声")) == ["o9", "o2", "o1", "o0"]


def _migrate(connection: Connection) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        import_module("cti.migrations.versions.0022_search").make_search()
        import_module("cti.migrations.versions.0032_search_by_time").upgrade()
