"""Pages are told what happens to orders, whoever writes it: who is told, what, and how much is to be done."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.order_feed import OrderFeed
from cti.casework.parts import shipped_policy
from cti.casework.sights import Sights
from cti.database import open_engine
from cti.message_base import Role
from cti.messages_cases import InboxChanged, OrderMoved
from cti.ports import CommandRefused, Person
from orders import course_events as happened
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.store import OrderStore
from orders.unit_store import UnitStore
from orders.unit_table import Unit
from tests.support.watchers import FakeHub

pytestmark = pytest.mark.integration

NOW = 1_795_000_000.0
CLERK = Person(login="wang", name="王", role=Role.CLERK)
WATER = Person(login="li", name="李", role=Role.UNIT, unit="市水务局")
PLANT = Person(login="sun", name="孙", role=Role.UNIT, unit="第一水厂")


class World:
    """An order store as another server has it, and this server's feed."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.hub = FakeHub()
        self.store = OrderStore(engine, clock=lambda: NOW, policy=shipped_policy())
        self.feed = OrderFeed(engine, hub=self.hub, sights=Sights(UnitStore(engine)), clock=lambda: NOW)

    async def accepted(self, order_id: str = "o1", district: str = "滨江区") -> None:
        values = {"type": "求助", "category": "城乡建设/供水", "summary": "停水", "district": district}
        edits = [FieldEdited(field=name, value=value, agent="chen") for name, value in values.items()]
        opened = DraftOpened(order_id=order_id, call_id="", caller="13800000001")
        events: list[OrderEvent] = [opened, *edits, OrderSubmitted(agent="chen")]
        await self.store.create(events, order_id=order_id, event_id=f"new:{order_id}")

    async def sent(self, lead: str, reason: str = "") -> None:
        sent = happened.OrderDispatched(lead=lead, source="clerk", by="wang", reason=reason)
        await self.store.apply("o1", sent)


@pytest_asyncio.fixture
async def world(migrated_url: str) -> AsyncIterator[World]:
    engine = open_engine(migrated_url)
    made = World(engine)
    bureau = Unit(name="市水务局", categories=("供水",))
    plant = Unit(name="第一水厂", parent="市水务局", level="company", categories=("供水",))
    await UnitStore(engine).replace_units([bureau, plant])
    await made.feed.look()
    yield made
    await engine.dispose()


async def test_a_move_is_told_with_what_followed_from_it(world: World) -> None:
    world.hub.watch(CLERK, "orders")
    await world.feed.look()
    await world.accepted()
    await world.feed.look()
    (moved,) = world.hub.heard("wang", OrderMoved)
    assert (moved.state, moved.due_kind) == ("accepted", "accept")
    assert [move.kind for move in moved.moves][-2:] == ["order_submitted", "clocks_set"]
    await world.sent("市水务局")
    await world.feed.look()
    moved = world.hub.heard("wang", OrderMoved)[-1]
    assert [move.title for move in moved.moves] == ["派单"] and moved.lead == "市水务局"


async def test_who_begins_to_look_is_told_counts_but_nothing_of_before(world: World) -> None:
    await world.accepted()
    world.hub.watch(CLERK, "orders")
    await world.feed.look()
    assert world.hub.heard("wang", OrderMoved) == []
    (counts,) = world.hub.heard("wang", InboxChanged)
    assert (counts.unit, counts.open, counts.late) == ("", 1, 0)


async def test_a_unit_is_told_of_its_orders_and_of_those_of_units_below_it(world: World) -> None:
    for person in (WATER, PLANT):
        world.hub.watch(person, f"unit:{person.unit}")
    await world.feed.look()
    await world.accepted()
    await world.feed.look()
    assert world.hub.heard("li", OrderMoved) == []
    await world.sent("第一水厂")
    await world.feed.look()
    assert [one.lead for one in world.hub.heard("li", OrderMoved)] == ["第一水厂"]
    assert [one.open for one in world.hub.heard("sun", InboxChanged)] == [0, 1]


async def test_a_unit_that_loses_an_order_learns_that_its_inbox_changed_and_no_more(world: World) -> None:
    await world.accepted()
    await world.sent("第一水厂")
    world.hub.watch(PLANT, "unit:第一水厂")
    await world.feed.look()
    await world.sent("市水务局", reason="应由市局办理")
    await world.feed.look()
    assert world.hub.heard("sun", OrderMoved) == []
    assert [one.open for one in world.hub.heard("sun", InboxChanged)] == [1, 0]


async def test_nobody_is_told_of_orders_of_another_district(world: World) -> None:
    local = Person(login="zhao", name="赵", role=Role.LEADER, districts=("城关区",))
    world.hub.watch(local, "orders")
    await world.feed.look()
    await world.accepted("o1", "滨江区")
    await world.accepted("o2", "城关区")
    await world.feed.look()
    assert [one.order_id for one in world.hub.heard("zhao", OrderMoved)] == ["o2"]


@pytest.mark.parametrize("topic", ["orders", "unit:市水务局"])
async def test_everybody_is_told_how_much_there_is_in_their_districts(world: World, topic: str) -> None:
    local = Person(login="zhao", name="赵", role=Role.CLERK, districts=("城关区",))
    for order_id, district in (("o1", "滨江区"), ("o2", "城关区"), ("o3", "滨江区")):
        await world.accepted(order_id, district)
        await world.store.apply(
            order_id, happened.OrderDispatched(lead="市水务局", source="clerk", by="wang")
        )
    for person in (CLERK, local):
        world.hub.watch(person, topic)
    await world.feed.look()
    assert [one.open for one in world.hub.heard("wang", InboxChanged)] == [3]
    assert [one.open for one in world.hub.heard("zhao", InboxChanged)] == [1]


@pytest.mark.parametrize(
    ("person", "topic"),
    [
        (PLANT, "unit:市水务局"),
        (PLANT, "orders"),
        (Person(login="agent", name="坐席", role=Role.AGENT), "unit:市水务局"),
        (Person(login="agent", name="坐席", role=Role.AGENT), "orders"),
    ],
)
async def test_who_may_not_see_the_orders_may_not_watch_them(
    world: World, person: Person, topic: str
) -> None:
    with pytest.raises(CommandRefused):
        world.hub.watch(person, topic)
