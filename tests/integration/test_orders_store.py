"""Orders in a real database, SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.database import open_engine
from orders.errors import (
    ChainBroken,
    IllegalTransition,
    KeyReused,
    MissingFields,
    StaleVersion,
    UnknownOrder,
    ValueRefused,
)
from orders.lifecycle import replay
from orders.messages import FieldEdited, FieldSuggested, Filler, OrderState
from orders.records import Order, OrderFilter
from orders.store import OrderStore
from orders.tables import metadata, order_events, orders

pytestmark = pytest.mark.integration

NOON = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The server's own engine on an empty database with the tables of orders."""
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(engine: AsyncEngine, clock: Clock) -> OrderStore:
    return OrderStore(engine, clock=clock)


def said(field: str, value: str) -> FieldSuggested:
    return FieldSuggested(
        field=field,
        value=value,
        source="rule:test",
        confidence=0.8,
        audio_from=1.5,
        audio_to=2.5,
        quote=value,
    )


WATER = (
    said("type", "求助"),
    said("category", "城乡建设/供水"),
    said("summary", "小区停水，到现在没有来水"),
    said("title", "关于阳光花园小区停水的求助"),
)


async def accepted(store: OrderStore, call_id: str = "c1", caller: str = "13800005267") -> Order:
    order_id = (await store.open_draft(call_id, caller)).draft.order_id
    await store.suggest(order_id, WATER)
    return await store.submit(order_id, "1001", f"submit-{order_id}")


async def test_an_opened_draft_is_found_by_its_id(store: OrderStore) -> None:
    order = await store.open_draft("c1", "13800005267")
    assert await store.get(order.draft.order_id) == order


async def test_opening_the_same_draft_twice_opens_one(store: OrderStore) -> None:
    first = await store.open_draft("c1", "13800005267", order_id="o1")
    assert await store.open_draft("c1", "13800005267", order_id="o1") == first
    with pytest.raises(KeyReused):
        await store.open_draft("c2", "13800005267", order_id="o1")


async def test_provenance_survives_the_database(store: OrderStore) -> None:
    order = await store.open_draft("c1", "")
    filled = await store.suggest(order.draft.order_id, WATER)
    stored = (await store.get(order.draft.order_id)).draft.fields["summary"]
    assert stored == filled.draft.fields["summary"]
    assert (stored.source, stored.audio_from, stored.audio_to) == ("rule:test", 1.5, 2.5)


async def test_an_agents_value_is_kept_when_the_machine_disagrees(store: OrderStore) -> None:
    order_id = (await store.open_draft("c1", "")).draft.order_id
    await store.edit(order_id, "place", "3栋", agent="1001")
    place = (await store.suggest(order_id, [said("place", "5栋")])).draft.fields["place"]
    assert (place.value, place.filler, place.suggestion) == ("3栋", Filler.AGENT, "5栋")


async def test_whole_suggestions_withdraw_what_the_machine_no_longer_says(
    store: OrderStore,
) -> None:
    order_id = (await store.open_draft("c1", "13800005267")).draft.order_id
    await store.suggest(order_id, [said("place", "5栋"), said("time", "昨天")], whole=True)
    draft = (await store.suggest(order_id, [said("time", "前天")], whole=True)).draft
    assert set(draft.fields) == {"phone", "time"}


async def test_submitting_gives_a_number_with_the_local_date(store: OrderStore, clock: Clock) -> None:
    assert (await accepted(store, "c1")).number == "20261121000001"
    assert (await accepted(store, "c2")).number == "20261121000002"
    clock.now = NOON + 12 * 3600 + 1  # just after midnight in China, still the 21st in UTC
    assert (await accepted(store, "c3")).number == "20261122000001"


async def test_submitting_twice_with_one_key_submits_once(store: OrderStore) -> None:
    order = await accepted(store)
    again = await store.submit(order.draft.order_id, "1001", f"submit-{order.draft.order_id}")
    assert again == order


async def test_submitting_twice_with_two_keys_is_refused(store: OrderStore) -> None:
    order = await accepted(store)
    with pytest.raises(IllegalTransition, match="OrderSubmitted is not legal for an order in state accepted"):
        await store.submit(order.draft.order_id, "1001", "another key")


async def test_a_key_of_one_order_is_refused_for_another(store: OrderStore) -> None:
    used = f"submit-{(await accepted(store)).draft.order_id}"
    order_id = (await store.open_draft("c2", "")).draft.order_id
    await store.suggest(order_id, WATER)
    with pytest.raises(KeyReused):
        await store.submit(order_id, "1001", used)


async def test_a_refused_submission_writes_nothing(store: OrderStore) -> None:
    order = await store.open_draft("c1", "13800005267")
    with pytest.raises(MissingFields):
        await store.submit(order.draft.order_id, "1001", "k")
    assert await store.get(order.draft.order_id) == order
    assert len(await store.events(order.draft.order_id)) == 1


async def test_a_discarded_draft_keeps_its_reason_and_gets_no_number(store: OrderStore) -> None:
    order_id = (await store.open_draft("c1", "")).draft.order_id
    order = await store.discard(order_id, "1001", "拨错号码")
    assert (order.draft.state, order.reason, order.number) == (OrderState.DISCARDED, "拨错号码", "")
    assert order.closed_at == NOON


async def test_an_unknown_order_is_named(store: OrderStore) -> None:
    with pytest.raises(UnknownOrder, match="nobody"):
        await store.get("nobody")
    with pytest.raises(UnknownOrder, match="nobody"):
        await store.edit("nobody", "place", "x", agent="1001")
    with pytest.raises(UnknownOrder, match="nobody"):
        await store.events("nobody")


async def test_replaying_a_journal_twice_applies_each_event_once(store: OrderStore) -> None:
    order_id = (await store.open_draft("c1", "", order_id="o1")).draft.order_id
    edit = FieldEdited(field="place", value="3栋", agent="1001")
    later = FieldEdited(field="place", value="5栋", agent="1001")
    for _ in range(2):
        await store.apply(order_id, edit, at=NOON + 1, event_id="j1")
        await store.apply(order_id, later, at=NOON + 2, event_id="j2")
    order = await store.get(order_id)
    assert (order.draft.fields["place"].value, order.draft.version) == ("5栋", 3)
    assert order.draft.fields["place"].at == NOON + 2


async def test_two_agents_editing_different_fields_from_one_version_both_win(store: OrderStore) -> None:
    order = await store.open_draft("c1", "")
    order_id, seen = order.draft.order_id, order.draft.version
    await store.edit(order_id, "place", "3栋", agent="1001", seen=seen)
    draft = (await store.edit(order_id, "contact", "王女士", agent="1002", seen=seen)).draft
    assert (draft.fields["place"].value, draft.fields["contact"].value) == ("3栋", "王女士")


async def test_two_agents_editing_one_field_from_one_version_do_not_overwrite(store: OrderStore) -> None:
    order = await store.open_draft("c1", "")
    order_id, seen = order.draft.order_id, order.draft.version
    await store.edit(order_id, "place", "3栋", agent="1001", seen=seen)
    with pytest.raises(StaleVersion):
        await store.edit(order_id, "place", "5栋", agent="1002", seen=seen)
    assert (await store.get(order_id)).draft.fields["place"].value == "3栋"


async def test_many_writers_at_once_lose_nothing(store: OrderStore, engine: AsyncEngine) -> None:
    order_id = (await store.open_draft("c1", "")).draft.order_id
    other = OrderStore(engine, clock=lambda: NOON)
    fields = ("district", "street", "place", "contact", "time", "title", "summary", "category")
    await asyncio.gather(
        *(
            (store if n % 2 else other).edit(order_id, field, f"值{n}", agent=f"10{n}")
            for n, field in enumerate(fields)
        ),
        *(store.suggest(order_id, [said("urgency", level)]) for level in ("一般", "紧急", "特急")),
    )
    draft = (await store.get(order_id)).draft
    assert {draft.fields[field].value for field in fields} == {f"值{n}" for n in range(len(fields))}
    assert draft.version == len(await store.events(order_id))


async def test_orders_submitted_at_once_get_different_numbers_without_gaps(store: OrderStore) -> None:
    done = await asyncio.gather(*(accepted(store, f"c{n}") for n in range(10)))
    assert sorted(order.number for order in done) == [f"20261121{n:06d}" for n in range(1, 11)]


async def test_one_key_submitted_at_once_from_two_sides_submits_once(store: OrderStore) -> None:
    order_id = (await store.open_draft("c1", "")).draft.order_id
    await store.suggest(order_id, WATER)
    first, second = await asyncio.gather(*(store.submit(order_id, "1001", "k") for _ in range(2)))
    assert first == second
    assert first.number == "20261121000001"


async def test_the_events_make_the_stored_draft_again(store: OrderStore) -> None:
    order = await accepted(store)
    recorded = await store.events(order.draft.order_id)
    assert replay((entry.event, entry.at) for entry in recorded) == order.draft


async def test_a_changed_event_is_found(store: OrderStore, engine: AsyncEngine) -> None:
    order_id = (await accepted(store)).draft.order_id
    async with engine.begin() as connection:
        data = await connection.scalar(select(order_events.c.data).where(order_events.c.seq == 4))
        assert data is not None
        await connection.execute(
            update(order_events).where(order_events.c.seq == 4).values(data=data.replace("停水", "来水"))
        )
    with pytest.raises(ChainBroken, match="event 4"):
        await store.events(order_id)


async def test_a_removed_last_event_is_found(store: OrderStore, engine: AsyncEngine) -> None:
    order = await accepted(store)
    async with engine.begin() as connection:
        await connection.execute(delete(order_events).where(order_events.c.seq == order.draft.version))
    with pytest.raises(ChainBroken, match=f"event {order.draft.version}"):
        await store.events(order.draft.order_id)


async def test_orders_of_a_call_come_in_the_order_they_were_opened(store: OrderStore, clock: Clock) -> None:
    first = await store.open_draft("c1", "")
    clock.now += 1
    second = await store.open_draft("c1", "")
    assert await store.by_call("c1") == (first, second)
    assert await store.by_call("c9") == ()


async def test_earlier_orders_are_found_by_calling_and_spoken_number(store: OrderStore, clock: Clock) -> None:
    called = await accepted(store, "c1", "13800005267")
    clock.now += 1
    spoken_id = (await store.open_draft("c2", "02588886666")).draft.order_id
    spoken = await store.edit(spoken_id, "phone", "13800005267", agent="1001")
    await accepted(store, "c3", "13900000000")
    assert await store.by_phone("13800005267") == (spoken, called)
    assert await store.by_phone("") == ()


async def test_the_list_filters_by_state_text_date_and_agent(store: OrderStore, clock: Clock) -> None:
    water = await accepted(store, "c1")
    clock.now += 3600
    draft_id = (await store.open_draft("c2", "13900000000")).draft.order_id
    noise = await store.edit(draft_id, "summary", "工地100%噪声", agent="1002")
    everything = await store.list(OrderFilter())
    assert (everything.total, everything.orders) == (2, (noise, water))
    for which, found in (
        (OrderFilter(state=OrderState.ACCEPTED), (water,)),
        (OrderFilter(text="停水"), (water,)),
        (OrderFilter(text="阳光 来水"), (water,)),
        (OrderFilter(text="100%"), (noise,)),
        (OrderFilter(text="0%噪"), (noise,)),
        (OrderFilter(text="%停_水"), ()),
        (OrderFilter(text=water.number), (water,)),
        (OrderFilter(since=NOON + 1), (noise,)),
        (OrderFilter(until=NOON + 1), (water,)),
        (OrderFilter(agent="1002"), (noise,)),
        (OrderFilter(agent="1002", state=OrderState.ACCEPTED), ()),
    ):
        assert (await store.list(which)).orders == found, which


async def test_the_list_comes_in_pages(store: OrderStore, clock: Clock) -> None:
    for n in range(5):
        await store.open_draft(f"c{n}", "")
        clock.now += 1
    calls = []
    for number in (1, 2, 3):
        page = await store.list(OrderFilter(page=number, size=2))
        assert page.total == 5
        calls += [order.draft.call_id for order in page.orders]
    assert calls == ["c4", "c3", "c2", "c1", "c0"]


@pytest.mark.parametrize(
    "which",
    [
        OrderFilter(size=0),
        OrderFilter(size=101),
        OrderFilter(page=0),
        OrderFilter(page=10_001),
        OrderFilter(text="字" * 101),
        OrderFilter(text="\x00"),
    ],
)
async def test_a_list_out_of_bounds_is_refused(store: OrderStore, which: OrderFilter) -> None:
    with pytest.raises(ValueRefused):
        await store.list(which)


async def test_ids_that_no_database_holds_are_refused(store: OrderStore) -> None:
    for question in (
        store.get("\x00"),
        store.by_call("\ud800"),
        store.by_phone("\x00"),
        store.events("\x00"),
    ):
        with pytest.raises(ValueRefused):
            await question


async def test_a_value_that_looks_like_sql_is_kept_as_typed(store: OrderStore, engine: AsyncEngine) -> None:
    order_id = (await store.open_draft("c1", "")).draft.order_id
    typed = "'); DROP TABLE orders; --"
    await store.edit(order_id, "place", typed, agent="1001")
    assert (await store.get(order_id)).draft.fields["place"].value == typed
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM orders")) == 1
        assert await connection.scalar(select(orders.c.place)) == typed
