"""The course of accepted orders in a real database: events, what is searched, inboxes, two people at once."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.database import open_engine
from orders import course_events as happened
from orders.course import begun
from orders.course_clocks import next_clock
from orders.course_events import CourseEvent
from orders.course_messages import ClockKind, Course, CourseState, Supervision
from orders.course_tables import order_units
from orders.course_units import UnitRole, tasks
from orders.errors import ChainBroken, CourseConflict, CourseRefused, IllegalTransition
from orders.lifecycle import replay
from orders.messages import (
    DraftOpened,
    FieldEdited,
    LinkKind,
    MergeUndone,
    OrderLinked,
    OrderState,
    OrderSubmitted,
)
from orders.order_links import merged_into
from orders.records import Order, OrderFilter
from orders.store import OrderStore
from orders.tables import metadata, order_events, orders
from orders.unit_inbox import InboxFilter, UnitInbox
from tests.support.courses import (
    ANSWERED,
    CHIEF,
    CLERK,
    DAY,
    LEAD,
    OTHER,
    clock,
    closed,
    dispatched,
    fed_back,
    joint_answered,
    lives,
    noted,
    rated,
    redo,
    signed,
)

pytestmark = pytest.mark.integration

NOON = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
MERGED = happened.CourseMerged(into="o9", reason="同一诉求", by=CLERK, number="20261121000009")


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
    return OrderStore(engine, clock=lambda: NOON)


async def accept(store: OrderStore, order_id: str = "o1", *, at: float = NOON) -> Order:
    await store.apply(order_id, DraftOpened(order_id=order_id, call_id="c1", caller=""), at=at)
    for field, value in (("type", "投诉"), ("category", "城市管理/占道"), ("summary", "摊贩占道")):
        await store.apply(order_id, FieldEdited(field=field, value=value, agent="chen"), at=at)
    return await store.apply(order_id, OrderSubmitted(agent="chen"), at=at)


async def go(store: OrderStore, *events: CourseEvent, order_id: str = "o1") -> Order:
    for event in events:
        await store.apply(order_id, event, at=NOON + 60)
    return await store.get(order_id)


def course_of(order: Order) -> Course:
    assert order.draft.course is not None
    return order.draft.course


async def test_an_order_goes_its_whole_course_and_its_events_make_it_again(store: OrderStore) -> None:
    await accept(store)
    order = await go(
        store,
        *ANSWERED,
        rated(bad=True),
        redo(),
        signed(),
        fed_back(),
        *ANSWERED[3:],
        rated(bad=False),
        closed(),
    )
    assert (course_of(order).state, course_of(order).round, order.draft.state) == (
        CourseState.CLOSED, 2, OrderState.ACCEPTED,
    )  # fmt: skip
    recorded = await store.events("o1")
    assert replay((entry.event, entry.at) for entry in recorded) == order.draft
    assert [entry.actor for entry in recorded][-2:] == ["system", CLERK]


async def test_who_accepted_an_order_and_when_stays_as_it_was(store: OrderStore) -> None:
    before = await accept(store)
    after = await go(store, dispatched(), MERGED)
    after = await store.apply("o1", MergeUndone(agent=CLERK), at=NOON + 120)
    assert (after.agent, after.closed_at, after.number) == (before.agent, NOON, before.number)


async def test_an_accepted_order_is_merged_and_parted_again(store: OrderStore) -> None:
    await accept(store)
    merged = await go(store, dispatched(), MERGED)
    assert (merged.draft.state, merged_into(merged.draft)) == (OrderState.MERGED, "o9")
    parted = await store.apply("o1", MergeUndone(agent=CLERK), at=NOON + 120)
    assert (parted.draft.state, parted.draft.links) == (OrderState.ACCEPTED, ())
    assert course_of(parted).state is CourseState.DISPATCHED
    assert (await store.get("o1")).draft == parted.draft


async def test_no_citizen_joins_an_order_that_is_ended(store: OrderStore) -> None:
    await accept(store)
    await go(store, happened.OrderWithdrawn(reason="市民撤诉", by=CLERK))
    joined = OrderLinked(other="o2", kind=LinkKind.JOINED, agent="chen")
    with pytest.raises(CourseRefused) as caught:
        await store.apply("o1", joined)
    assert caught.value.shown == "这张工单已结束，不能并入，请另立工单"


async def test_nothing_of_the_course_happens_to_a_draft(store: OrderStore) -> None:
    await store.open_draft("c1", "", order_id="o1")
    with pytest.raises(IllegalTransition) as caught:
        await store.apply("o1", dispatched())
    assert caught.value.shown == "工单现为“草稿”，不能派单"


async def test_the_list_finds_orders_by_course_unit_limit_and_supervision(store: OrderStore) -> None:
    for order_id in ("o1", "o2", "o3"):
        await accept(store, order_id)
    limit = clock(ClockKind.RESOLVE, NOON + DAY, started=NOON)
    watched = happened.SupervisionSet(level=Supervision.RED, reason="超期", by=CHIEF)
    await go(store, dispatched(clocks=(limit,)), signed(), order_id="o1")
    await go(store, dispatched(OTHER), watched, order_id="o2")
    for which, found in (
        (OrderFilter(), {"o1", "o2", "o3"}),
        (OrderFilter(course=(CourseState.ACCEPTED,)), {"o3"}),
        (OrderFilter(course=(CourseState.SIGNED, CourseState.DISPATCHED)), {"o1", "o2"}),
        (OrderFilter(lead=LEAD), {"o1"}),
        (OrderFilter(due_before=NOON + DAY), set()),
        (OrderFilter(due_before=NOON + DAY + 1), {"o1"}),
        (OrderFilter(near_before=NOON + 0.9 * DAY), {"o1"}),
        (OrderFilter(supervised=Supervision.YELLOW), {"o2"}),
        (OrderFilter(supervised=Supervision.LEADER), set()),
    ):
        assert {order.draft.order_id for order in (await store.list(which)).orders} == found, which


async def test_an_order_accepted_before_there_were_courses_is_to_be_dispatched(
    store: OrderStore, engine: AsyncEngine
) -> None:
    await accept(store)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE orders SET course_json = ''"))
    order = await store.get("o1")
    assert order.draft.course == begun(NOON)
    assert replay((entry.event, entry.at) for entry in await store.events("o1")) == order.draft


async def test_the_inbox_of_a_unit_comes_with_what_is_over_first(
    store: OrderStore, engine: AsyncEngine
) -> None:
    for order_id in ("o1", "o2", "o3", "o4"):
        await accept(store, order_id)
    soon, late = (clock(ClockKind.RESOLVE, NOON + hours, started=NOON) for hours in (DAY, 2 * DAY))
    await go(store, dispatched(clocks=(late,)), order_id="o1")
    await go(store, dispatched(), order_id="o2")
    await go(store, dispatched(OTHER, LEAD, clocks=(soon,)), signed(LEAD), order_id="o3")
    await go(store, dispatched(), signed(), fed_back(), order_id="o4")
    inbox = UnitInbox(engine)
    page = await inbox.page(InboxFilter(unit=LEAD))
    assert [(one.order.draft.order_id, one.role, one.state) for one in page.entries] == [
        ("o3", UnitRole.JOINT, "signed"),
        ("o1", UnitRole.LEAD, "dispatched"),
        ("o2", UnitRole.LEAD, "dispatched"),
    ]
    assert await inbox.counts(LEAD, NOON + DAY + 1) == (3, 1, 1)
    done = await inbox.page(InboxFilter(unit=LEAD, open=False))
    assert [one.state for one in done.entries] == ["fed_back"]
    second = await inbox.page(InboxFilter(unit=LEAD, size=1, page=2))
    assert (second.total, second.entries[0].order.draft.order_id) == (3, "o1")


# ---------------------------------------------------------------- two people on one order


async def test_a_move_from_an_old_page_is_refused_and_says_what_happened_and_by_whom(
    store: OrderStore,
) -> None:
    seen = (await accept(store)).draft.version
    await go(store, dispatched(), signed())
    with pytest.raises(CourseConflict) as caught:
        await store.apply("o1", dispatched(OTHER, reason="改派"), seen=seen)
    assert caught.value.shown == (
        f"您打开后，工单已被wang、“{LEAD}”的li操作（派单、签收，最后于11月21日 12:01），"
        "现为“已签收”。请查看最新情况后再操作"
    )
    assert course_of(await store.get("o1")).lead == LEAD


async def test_a_note_of_somebody_else_makes_no_move_stale(store: OrderStore) -> None:
    await accept(store)
    seen = (await go(store, dispatched(), signed())).draft.version
    await go(store, noted())
    order = await store.apply("o1", fed_back(), seen=seen)
    assert course_of(order).state is CourseState.FED_BACK


async def test_a_note_is_taken_from_an_old_page(store: OrderStore) -> None:
    await accept(store)
    seen = (await go(store, dispatched(LEAD, OTHER), signed(), signed(OTHER))).draft.version
    await go(store, joint_answered())
    assert (await store.apply("o1", noted(), seen=seen)).draft.version == seen + 2


async def test_of_two_clerks_who_dispatch_at_once_one_wins(store: OrderStore, engine: AsyncEngine) -> None:
    seen = (await accept(store)).draft.version
    other = OrderStore(engine, clock=lambda: NOON)
    answers = await asyncio.gather(
        store.apply("o1", dispatched(LEAD, reason="按职责"), seen=seen),
        other.apply("o1", dispatched(OTHER, reason="按职责"), seen=seen),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["CourseConflict", "Order"]
    assert len(await store.events("o1")) == seen + 1


async def test_a_move_that_is_sent_twice_happens_once(store: OrderStore) -> None:
    seen = (await accept(store)).draft.version
    first = await store.apply("o1", dispatched(), event_id="k1", seen=seen)
    assert await store.apply("o1", dispatched(), event_id="k1", seen=seen) == first


# ---------------------------------------------------------------- random lives


@given(
    life=lives(), place=st.integers(0, 1000), column=st.sampled_from(("data", "actor", "at", "kind", "seq"))
)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_random_life_is_kept_whole_and_a_tampered_row_is_found(
    tmp_path_factory: pytest.TempPathFactory,
    life: tuple[tuple[CourseEvent, float], ...],
    place: int,
    column: str,
) -> None:
    asyncio.run(_live(tmp_path_factory.mktemp("life") / "orders.db", life, place, column))


async def _live(path: Path, life: tuple[tuple[CourseEvent, float], ...], place: int, column: str) -> None:
    engine = open_engine(f"sqlite:///{path}")
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        store = OrderStore(engine)
        order = await accept(store, at=1000.0)
        for event, at in life:
            order = await store.apply("o1", event, at=at)
            await _fits(engine, order)
        recorded = await store.events("o1")
        assert len(recorded) == order.draft.version == 5 + len(life)
        assert (
            replay((entry.event, entry.at) for entry in recorded)
            == order.draft
            == (await store.get("o1")).draft
        )
        seq = place % len(recorded) + 1
        value = {"data": "{}", "actor": "nobody", "at": 7.5, "kind": "order_rewritten", "seq": 9999}[column]
        async with engine.begin() as connection:
            row = order_events.c.seq == seq
            await connection.execute(update(order_events).where(row).values({column: value}))
        with pytest.raises(ChainBroken):
            await store.events("o1")
    finally:
        await engine.dispose()


async def _fits(engine: AsyncEngine, order: Order) -> None:
    course = course_of(order)
    async with engine.connect() as connection:
        row = (await connection.execute(select(orders))).one()
        units = (await connection.execute(select(order_units).order_by(order_units.c.unit))).all()
    first = next_clock(course)
    assert (row.course_state, row.lead_unit, row.course_round) == (course.state, course.lead, course.round)
    assert row.due_at == (None if first is None else first.due)
    assert row.finished_at == course.closed_at
    assert {(unit.unit, unit.role, unit.state, unit.open, unit.due) for unit in units} == {
        (task.unit, task.role, task.state, task.open, task.due) for task in tasks(course)
    }
