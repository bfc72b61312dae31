"""What a city publishes about assessment, messages, personal data and deletion holds from then on."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.retention import Keeper
from cti.casework.retention_nights import RetentionNights
from cti.database import open_engine
from cti.message_base import Role
from cti.settings import NoticeSettings
from orders.retention import DAY_S
from orders.store import OrderStore
from orders.unit_table import Unit
from tests.integration.test_answer_rounds import NOON, World
from tests.support.casework import Loop, loop_over, publish
from tests.support.courses import ANSWERED, LEAD, closed, rated
from tests.support.lived_orders import accept, in_turn
from tests.support.loopback import LoopbackBlock
from tests.support.receiver import receiver
from tests.support.web import Clock, open_site

pytestmark = pytest.mark.integration

PHONE = "13900001234"


@pytest_asyncio.fixture
async def engine(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    path = shutil.copy(migrated_sqlite, tmp_path / "hotline.sqlite")
    engine = open_engine(f"sqlite:///{path}")
    yield engine
    await engine.dispose()


async def lived(engine: AsyncEngine, loop: Loop, clock: Clock, **fields: str) -> None:
    """One order that was answered, rated and closed just now."""
    await loop.casework.units.replace_units([Unit(name=LEAD)])
    course = in_turn(*ANSWERED, rated(bad=False), closed(), at=clock())
    await accept(OrderStore(engine), "o1", *course, at=clock(), **fields)


async def test_new_weights_count_in_the_next_table_of_a_month_that_is_not_frozen(
    engine: AsyncEngine, tmp_path: Path, loopback: LoopbackBlock
) -> None:
    clock = Clock()
    loop = loop_over(engine, tmp_path, clock=clock)
    await lived(engine, loop, clock)
    async with open_site(engine, tmp_path, loopback.address(), clock=clock, casework=loop.casework) as site:
        await site.add("sun", Role.LEADER)
        leader = await site.signed_in("sun")
        async with leader.get("/api/assessment") as answer:
            assert (await answer.json())["policy"]["weights"]["solved_rate"] == 30
        await publish(loop, tmp_path, "assessment", "solved_rate: 30", "solved_rate: 50")
        async with leader.get("/api/assessment") as answer:
            assert (await answer.json())["policy"]["weights"]["solved_rate"] == 50


async def test_a_role_that_may_see_less_from_now_on_is_shown_less_at_its_next_look(
    engine: AsyncEngine, tmp_path: Path, loopback: LoopbackBlock
) -> None:
    clock = Clock()
    loop = loop_over(engine, tmp_path, clock=clock)
    await lived(engine, loop, clock, phone=PHONE)
    async with open_site(
        engine, tmp_path, loopback.address(), clock=clock, casework=loop.casework, orders=loop.store
    ) as site:
        await site.add("ban", Role.SUPERVISOR)
        page = await site.signed_in("ban")
        async with page.get("/api/orders/o1") as answer:
            assert PHONE in await answer.text()
        old = "  supervisor:\n    public: {}"
        await publish(
            loop, tmp_path, "privacy", old, "  supervisor:\n    public: {masked: [phone], unmask: reason}"
        )
        async with page.get("/api/orders/o1") as answer:
            body = await answer.text()
    assert PHONE not in body and "139****1234" in body


async def test_the_next_message_to_a_citizen_has_the_new_words(
    engine: AsyncEngine, tmp_path: Path, loopback: LoopbackBlock
) -> None:
    clock = Clock(NOON)
    async with receiver(loopback.address()) as gateway:
        loop = loop_over(engine, tmp_path, clock=clock, notices=NoticeSettings(url=gateway.url))
        world = World(loop, clock, engine)
        await loop.citizens.notices.look()
        await publish(loop, tmp_path, "notices", "您反映的事项已受理", "您的诉求我们已经收到")
        await world.accepted("o1")
        await loop.citizens.notices.look()
        assert [str(one.told["text"])[:17] for one in gateway.posted] == ["【12345】您的诉求我们已经收到"]
        await loop.citizens.notices.stop()


async def test_the_next_night_deletes_by_the_new_periods(engine: AsyncEngine, tmp_path: Path) -> None:
    clock = Clock()
    loop = loop_over(engine, tmp_path, clock=clock)
    await lived(engine, loop, clock, phone=PHONE)
    shelf = loop.casework.shelf
    clock.now += 400 * DAY_S
    clock.now -= clock.now % DAY_S - 19 * 3600  # three o'clock at night in China

    def keeper() -> Keeper:
        return Keeper(
            engine, shelf.rules.retention, recordings=tmp_path, attachments=tmp_path / "files", clock=clock
        )

    nights = RetentionNights(keeper, leads=lambda: True, clock=clock)
    await nights.look()
    assert PHONE in repr((await OrderStore(engine).get("o1")).draft)
    await publish(loop, tmp_path, "retention", "person: 1095", "person: 365")
    clock.now += DAY_S
    await nights.look()
    assert PHONE not in repr((await OrderStore(engine).get("o1")).draft)
