"""Random lives through the real store with the shipped rules: whatever is tried, the order stays right.

Legal or not, by whoever and whenever: what is refused leaves nothing behind; what happens is one event more
in an unbroken chain, and the row, the inboxes and the words to search are what the events say.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.parts import shipped_policy
from cti.database import open_engine
from orders.course_events import CourseEvent
from orders.course_messages import SYSTEM, Clock, ClockKind, Course, CourseState
from orders.course_table import TABLE
from orders.course_tables import order_units
from orders.course_units import tasks
from orders.errors import OrderError
from orders.lifecycle import apply, replay
from orders.messages import Draft, DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.records import Order, RecordedEvent
from orders.rows import columns_of
from orders.search_tables import order_search
from orders.search_text import text_of
from orders.store import OrderStore
from orders.tables import metadata, orders
from tests.support.courses import CLERK, DAY, HOUR, moves

pytestmark = pytest.mark.integration

AT = 1_795_233_600.0
STEPS = 14
_ids = itertools.count()


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def store(runner: asyncio.Runner, module_database_url: str) -> Iterator[OrderStore]:
    """A store on an empty database, one for all lives: each is an order of its own."""
    engine = open_engine(module_database_url)
    runner.run(_tables(engine))
    yield OrderStore(engine, clock=lambda: AT, policy=shipped_policy())
    runner.run(engine.dispose())


async def _tables(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)


@given(data=st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_tried_the_order_is_what_its_events_say(
    runner: asyncio.Runner, store: OrderStore, data: st.DataObject
) -> None:
    order_id, now = f"life{next(_ids)}", AT
    order = runner.run(_accepted(store, order_id))
    for _ in range(STEPS):
        event = data.draw(moves(_course(order)))
        by: dict[str, Any] = {"by": CLERK}  # only rules act as the system
        event = replace(event, **by) if getattr(event, "by", "") == SYSTEM else event
        now += data.draw(st.sampled_from((0.0, 60.0, HOUR, DAY)))
        order = runner.run(_tried(store, order, event, now))
    runner.run(_fits(store, order))


async def _accepted(store: OrderStore, order_id: str) -> Order:
    values = {"type": "投诉", "category": "城市管理/占道", "summary": "摊贩占道𠮷"}
    made: list[OrderEvent] = [
        DraftOpened(order_id=order_id, call_id="", caller=""),
        *(FieldEdited(field=field, value=value, agent="chen") for field, value in values.items()),
        OrderSubmitted(agent="chen"),
    ]
    return await store.create(made, order_id=order_id, event_id=f"made:{order_id}", at=AT)


async def _tried(store: OrderStore, before: Order, event: CourseEvent, at: float) -> Order:
    """Try an event; return the order as it is then."""
    order_id = before.draft.order_id
    legal = (_course(before).state, type(event)) in TABLE
    try:
        after = await store.apply(order_id, event, at=at)
    except OrderError:
        assert await store.get(order_id) == before
        assert len(await store.events(order_id)) == before.draft.version
        return before
    assert legal
    recorded = await store.events(order_id)
    assert recorded[before.draft.version].event.__class__ is event.__class__
    _keeps_time(before.draft, recorded[before.draft.version :])
    return after


def _keeps_time(draft: Draft, recorded: tuple[RecordedEvent, ...]) -> None:
    """Rules move no end of a limit forward, and nothing happens before what happened."""
    for one in recorded:
        had = {(clock.kind, clock.unit): clock for clock in _of(draft)}
        touched = draft.course.touched_at if draft.course is not None else 0.0
        draft = apply(draft, one.event, one.at)
        assert draft.course is not None
        assert draft.course.touched_at >= touched
        if getattr(one.event, "by", "") != SYSTEM:
            continue
        for clock in _of(draft):
            earlier = had.get((clock.kind, clock.unit))
            if earlier is not None and earlier.started == clock.started and earlier.stopped is None:
                assert clock.due >= earlier.due, (one.event, earlier, clock)


def _of(draft: Draft) -> tuple[Clock, ...]:
    """The clocks of work to be done; the one of returns is another one when the order was returned."""
    clocks = () if draft.course is None else draft.course.clocks
    return tuple(clock for clock in clocks if clock.kind is not ClockKind.RETURN)


def _course(order: Order) -> Course:
    assert order.draft.course is not None
    return order.draft.course


async def _fits(store: OrderStore, order: Order) -> None:
    """Events, row, inboxes and words are one and the same order."""
    order_id, course = order.draft.order_id, _course(order)
    assert course.state in CourseState
    recorded = await store.events(order_id)  # its chain of hashes fits
    assert [one.seq for one in recorded] == list(range(1, order.draft.version + 1))
    assert replay((one.event, one.at) for one in recorded) == order.draft
    assert await store.get(order_id) == order
    engine: AsyncEngine = store._engine
    async with engine.connect() as connection:
        row = (await connection.execute(select(orders).where(orders.c.id == order_id))).one()
        units = await connection.execute(select(order_units).where(order_units.c.order_id == order_id))
        found = await connection.scalar(
            select(order_search.c.text).where(order_search.c.order_id == order_id)
        )
        lying = {unit.unit: (unit.role, unit.state, unit.open, unit.due, unit.created_at) for unit in units}
    assert {name: row._mapping[name] for name in columns_of(order)} == columns_of(order)
    assert lying == {
        task.unit: (task.role, task.state, task.open, task.due, order.created_at) for task in tasks(course)
    }
    assert found == text_of(order)
