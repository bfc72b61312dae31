"""Time limits that are crossed bring about what the rules say, once: over restarts, kills and two leaders."""

from __future__ import annotations

import asyncio
import datetime
import sys
from collections.abc import AsyncIterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.clock_rounds import ClockRounds
from cti.casework.clock_tables import clock_crossings
from cti.casework.order_feed import OrderFeed
from cti.casework.parts import shipped_policy
from cti.casework.sights import Sights
from cti.database import open_engine
from cti.message_base import Role
from cti.messages_cases import ClockCrossed, InboxChanged
from cti.metrics import Metrics
from cti.ports import Person
from cti.tables import audit
from orders import course_events as happened
from orders.assessment_fold import marks_of
from orders.assessment_marks import Kind
from orders.assessment_store import mark_of
from orders.assessment_tables import order_marks
from orders.course_clocks import found
from orders.course_messages import Clock, ClockKind, Course, Supervision
from orders.errors import Contention
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.records import Order
from orders.store import OrderStore
from orders.unit_store import UnitStore
from tests.support.damaged import damage
from tests.support.watchers import FakeHub
from tests.support.web import Clock as SetClock

pytestmark = pytest.mark.integration

MONDAY = datetime.datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
HOUR = 3600.0


class City:
    """A database with orders, its clock, and servers that watch it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.clock = SetClock(MONDAY)
        self.policy = shipped_policy()
        self.metrics = Metrics()
        self.store = OrderStore(engine, clock=self.clock, policy=self.policy)

    def server(self, *, leads: bool = True) -> ClockRounds:
        return ClockRounds(
            self.engine,
            self.store,
            self.policy,
            leads=lambda: leads,
            metrics=self.metrics,
            clock=self.clock,
        )

    async def sent(self, order_id: str = "o1", **fields: str) -> Course:
        values = {"type": "求助", "category": "城乡建设/供水", "summary": "停水", **fields}
        edits = [FieldEdited(field=name, value=value, agent="chen") for name, value in values.items()]
        opened = DraftOpened(order_id=order_id, call_id="", caller="13800000001")
        events: list[OrderEvent] = [opened, *edits, OrderSubmitted(agent="chen")]
        await self.store.create(events, order_id=order_id, event_id=f"new:{order_id}")
        sent = happened.OrderDispatched(lead="市水务局", source="clerk", by="wang")
        return _course((await self.store.apply(order_id, sent)).draft.course)

    async def course(self, order_id: str = "o1") -> Course:
        return _course((await self.store.get(order_id)).draft.course)

    async def happened(self, order_id: str = "o1") -> list[str]:
        """What the system did to an order beside clocks."""
        return [
            type(one.event).__name__
            for one in await self.store.events(order_id)
            if isinstance(one.event, happened.FollowedUp | happened.SupervisionSet)
        ]

    async def crossings(self) -> list[tuple[str, int]]:
        query = select(clock_crossings.c.kind, clock_crossings.c.level).order_by(clock_crossings.c.id)
        async with self.engine.connect() as connection:
            return [(row.kind, row.level) for row in await connection.execute(query)]

    async def hooks(self, kind: str) -> int:
        query = text("SELECT count(*) FROM hook_events WHERE kind = :kind")
        async with self.engine.connect() as connection:
            return int(await connection.scalar(query, {"kind": kind}) or 0)


def _course(course: Course | None) -> Course:
    assert course is not None
    return course


def _clock(course: Course, kind: ClockKind) -> Clock:
    clock = found(course, kind)
    assert clock is not None
    return clock


@pytest_asyncio.fixture
async def city(migrated_url: str) -> AsyncIterator[City]:
    engine = open_engine(migrated_url)
    yield City(engine)
    await engine.dispose()


async def test_a_limit_that_is_over_is_supervised_as_the_rules_say(city: City) -> None:
    course = await city.sent()
    await city.store.apply("o1", happened.OrderSigned(unit="市水务局", by="li"))
    await city.store.apply("o1", happened.ContactMade(unit="市水务局", by="li"))
    server = city.server()
    await server.look()
    assert (server.watched, await city.crossings()) == (1, [])
    city.clock.now = _clock(course, ClockKind.RESOLVE).near_at
    await server.look()
    assert (await city.happened(), await city.hooks("order.near")) == (["FollowedUp"], 1)
    city.clock.now = _clock(course, ClockKind.RESOLVE).due
    await server.look()
    assert (await city.course()).supervision is Supervision.YELLOW
    assert (await city.happened(), await city.hooks("order.late")) == (["FollowedUp", "SupervisionSet"], 1)


async def test_a_card_that_a_clock_gives_is_counted_in_the_assessment(city: City) -> None:
    course = await city.sent(urgency="紧急")
    city.clock.now = _clock(course, ClockKind.SIGN).due
    await city.server().look()
    assert (await city.course()).supervision is Supervision.YELLOW
    recorded = await city.store.events("o1")
    expected = marks_of((one.event, one.at) for one in recorded)
    async with city.engine.connect() as connection:
        kept = {row.key: mark_of(row) for row in await connection.execute(select(order_marks))}
    assert kept == expected
    assert [(mark.kind, mark.unit, mark.score) for mark in kept.values() if mark.kind is Kind.CARD] == [
        (Kind.CARD, "市水务局", 1)
    ]


async def test_an_order_that_cannot_be_read_keeps_no_other_from_being_watched(city: City) -> None:
    course = await city.sent("o1")
    await city.sent("o0")
    await city.sent("o2")
    await damage(city.engine, "o0")
    server = city.server()
    await server.look()
    assert (server.watched, city.store.unreadable.ids) == (2, ("o0",))
    assert city.metrics.text().decode().count("hotline_orders_unreadable 1.0") == 1
    await damage(city.engine, "o2")  # while it is watched
    city.clock.now = _clock(course, ClockKind.SIGN).due
    await server.look()
    assert await city.happened("o1") == ["FollowedUp"]
    assert city.store.unreadable.ids == ("o0", "o2")
    async with city.engine.connect() as connection:
        lines = (await connection.execute(select(audit.c.who, audit.c.what, audit.c.target))).all()
    assert [tuple(line) for line in lines] == [("system", "order_unreadable", "o0")]
    await city.server().look()  # whoever leads next writes down only what is new
    async with city.engine.connect() as connection:
        query = select(audit.c.target).where(audit.c.what == "order_unreadable").order_by(audit.c.id)
        assert list(await connection.scalars(query)) == ["o0", "o2"]


async def test_a_crossing_that_other_writers_kept_from_being_told_is_told_by_the_next_round(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = await city.sent(urgency="紧急")
    server = city.server()
    await server.look()
    city.clock.now = _clock(course, ClockKind.SIGN).due
    react, tries = city.store.react, 0

    async def busy(order_id: str, decide: Any, *, at: float | None = None) -> Order:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Contention(order_id, 12)
        return await react(order_id, decide, at=at)

    monkeypatch.setattr(city.store, "react", busy)
    await server.look()
    assert await city.crossings() == []
    await server.look()
    assert ("sign", 2) in await city.crossings()
    assert (await city.course()).supervision is Supervision.YELLOW
    told = tries
    await server.look()
    assert tries == told


async def test_a_restart_tells_nothing_twice(city: City) -> None:
    course = await city.sent()
    city.clock.now = _clock(course, ClockKind.SIGN).due
    await city.server().look()
    told, done = await city.crossings(), await city.happened()
    assert ("sign", 2) in told
    await city.server().look()
    assert (await city.crossings(), await city.happened()) == (told, done)


async def test_two_that_lead_for_a_moment_tell_each_crossing_once(city: City) -> None:
    course = await city.sent()
    servers = [city.server(), city.server()]
    for server in servers:
        await server.look()
    city.clock.now = _clock(course, ClockKind.SIGN).due
    await asyncio.gather(*(server.look() for server in servers))
    told = await city.crossings()
    assert len(told) == len(set(told)) and ("sign", 2) in told
    assert await city.happened() == ["FollowedUp"]


async def test_who_does_not_lead_watches_nothing(city: City) -> None:
    course = await city.sent()
    city.clock.now = _clock(course, ClockKind.SIGN).due
    server = city.server(leads=False)
    await server.look()
    assert (server.watched, await city.crossings()) == (0, [])


async def test_a_move_that_came_in_time_keeps_its_limit_from_being_told(city: City) -> None:
    course = await city.sent()
    server = city.server()
    await server.look()
    city.clock.now = _clock(course, ClockKind.SIGN).near_at - 1
    await city.store.apply("o1", happened.OrderSigned(unit="市水务局", by="li"))
    city.clock.now = _clock(course, ClockKind.SIGN).due
    await server.look()
    assert "sign" not in [kind for kind, _ in await city.crossings()]


async def test_what_is_late_when_it_is_found_is_not_said_to_be_near(city: City) -> None:
    course = await city.sent()
    city.clock.now = _clock(course, ClockKind.SIGN).due
    await city.server().look()
    assert ("sign", 1) in await city.crossings()
    near = [one for one in await city.crossings() if one[1] == 1 and one[0] not in ("sign", "contact")]
    assert await city.hooks("order.near") == len(near)


async def test_an_extension_lets_the_new_end_be_told_anew(city: City) -> None:
    course = await city.sent()
    await city.store.apply("o1", happened.OrderSigned(unit="市水务局", by="li"))
    server = city.server()
    city.clock.now = _clock(course, ClockKind.RESOLVE).near_at
    await server.look()
    await city.store.apply("o1", happened.ExtensionAsked(unit="市水务局", days=2, reason="开挖", by="li"))
    ruled = happened.ExtensionRuled(granted=True, reason="同意", by="wang")
    extended = _course((await city.store.apply("o1", ruled)).draft.course)
    city.clock.now = _clock(extended, ClockKind.RESOLVE).near_at
    await server.look()
    assert (await city.crossings()).count(("resolve", 1)) == 2


async def test_a_clerk_who_looks_at_an_order_that_becomes_late_may_still_move_it(city: City) -> None:
    course = await city.sent(urgency="紧急")
    seen = (await city.store.get("o1")).draft.version
    city.clock.now = _clock(course, ClockKind.SIGN).due
    await city.server().look()
    assert (await city.course()).supervision is Supervision.YELLOW
    signed = happened.OrderSigned(unit="市水务局", by="li")
    assert (await city.store.apply("o1", signed, seen=seen)).draft.version > seen


async def test_pages_of_every_server_are_told_of_a_crossed_limit(city: City) -> None:
    hub = FakeHub()
    feed = OrderFeed(city.engine, hub=hub, sights=Sights(UnitStore(city.engine)), clock=city.clock)
    hub.watch(Person(login="li", name="李", role=Role.UNIT, unit="市水务局"), "unit:市水务局")
    course = await city.sent()
    await feed.look()
    city.clock.now = _clock(course, ClockKind.SIGN).due + 1
    await city.server().look()
    await feed.look()
    await feed.look()
    told = [(one.kind, one.level) for one in hub.heard("li", ClockCrossed)]
    assert ("sign", "late") in told and ("sign", "near") not in told and len(told) == len(set(told))
    assert hub.heard("li", InboxChanged)[-1].late == 1


KILLED = """
import asyncio, os, sys
from cti.casework import clock_rounds
from cti.casework.parts import shipped_policy
from cti.database import open_engine
from cti.metrics import Metrics
from orders.store import OrderStore

async def main(url, now):
    engine = open_engine(url)
    policy = shipped_policy()
    store = OrderStore(engine, clock=lambda: now, policy=policy)
    keep = clock_rounds._keep
    async def killed(*args):
        await keep(*args)
        os.kill(os.getpid(), 9)
    clock_rounds._keep = killed
    rounds = clock_rounds.ClockRounds(
        engine, store, policy, leads=lambda: True, metrics=Metrics(), clock=lambda: now
    )
    await rounds.look()

asyncio.run(main(sys.argv[1], float(sys.argv[2])))
"""


async def test_killed_between_finding_and_telling_the_next_one_tells_it_once(
    city: City, migrated_url: str
) -> None:
    course = await city.sent()
    city.clock.now = _clock(course, ClockKind.SIGN).due
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, migrated_url, repr(city.clock.now)
    )
    assert await process.wait() == -9
    assert (await city.crossings(), await city.happened()) == ([], [])
    await city.server().look()
    assert await city.happened() == ["FollowedUp"]
    assert await city.hooks("order.late") == 2
