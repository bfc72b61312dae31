"""Figures from the tables, and the very same from the journal, SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.calls import CallStore
from cti.database import open_engine
from cti.figures import engine as compute
from cti.figures.facts import Facts, Rules, Span
from cti.figures.load import FactLog
from cti.figures.replay import JournalFacts
from cti.figures.tables import agent_states
from cti.figures.tally import Tally
from cti.tables import calls
from orders.store import OrderStore
from tests.support.figure_days import DAY, MadeDay, made_day, put_orders

pytestmark = pytest.mark.integration

TODAY = Span(since=DAY, until=DAY + 86400.0)


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


async def write(engine: AsyncEngine, made: MadeDay, luck: random.Random) -> None:
    """As two servers' journals would bring it: in no order, some of it twice."""
    shuffled = made.entries + luck.sample(made.entries, len(made.entries) // 5)
    luck.shuffle(shuffled)
    store = CallStore(engine)
    for first in range(0, len(shuffled), 50):
        await store.write(shuffled[first : first + 50])
    clock = [DAY]
    await put_orders(OrderStore(engine, clock=lambda: clock[0]), made, clock)


async def both(engine: AsyncEngine, span: Span) -> tuple[Facts, Facts]:
    return await FactLog(engine).facts(span), await JournalFacts(engine).facts(span)


async def test_the_journal_tells_the_very_same_facts_as_the_tables(engine: AsyncEngine) -> None:
    await write(engine, made_day(7, 120, days=2), random.Random(7))
    span = Span(since=DAY + 3600.0, until=DAY + 2 * 86400.0)
    tables, journal = await both(engine, span)
    assert len(tables.calls) > 100 and len(tables.agents) > 100
    assert any(call.repeat for call in tables.calls) and any(call.wrap_s for call in tables.calls)
    assert tables == journal
    assert compute.figures(tables, span=span) == compute.figures(journal, span=span)


@given(seed=st.integers(0, 10**6), number=st.integers(0, 25))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happened_both_ways_agree(
    migrated_sqlite: Path, tmp_path: Path, seed: int, number: int
) -> None:
    path = shutil.copy(migrated_sqlite, tmp_path / "day.sqlite")

    async def told() -> tuple[Facts, Facts]:
        engine = open_engine(f"sqlite:///{path}")
        try:
            await write(engine, made_day(seed, number), random.Random(seed))
            return await both(engine, TODAY)
        finally:
            await engine.dispose()

    tables, journal = asyncio.run(told())
    assert tables == journal
    assert compute.agents(tables, span=TODAY) == compute.agents(journal, span=TODAY)


async def test_days_read_one_by_one_add_up_to_the_span(engine: AsyncEngine) -> None:
    await write(engine, made_day(3, 60, days=3), random.Random(3))
    span = Span(since=DAY, until=DAY + 3 * 86400.0)
    whole = compute.tally(await FactLog(engine).facts(span), span=span)
    added = Tally()
    async for piece, facts in FactLog(engine).pieces(span):
        added.add(compute.tally(facts, span=piece))
    assert whole.figures() == added.figures()


async def test_an_agents_own_day_is_that_of_the_report(engine: AsyncEngine) -> None:
    await write(engine, made_day(5, 80), random.Random(5))
    log = FactLog(engine)
    everybody = compute.agents(await log.facts(TODAY), span=TODAY)
    for login in ("an", "bo"):
        own = compute.agents(await log.of_agent(login, TODAY), span=TODAY)[login]
        same = ("handled", "average_talk", "average_wrap_up", "missed_rings", "rated", "orders", "ready_s")
        assert {key: own[key] for key in same} == {key: everybody[login][key] for key in same}


async def test_rows_of_before_are_made_again_from_the_journal(engine: AsyncEngine) -> None:
    await write(engine, made_day(9, 30), random.Random(9))
    before = await FactLog(engine).facts(TODAY)
    async with engine.begin() as connection:
        await connection.execute(update(calls).values(talk_s=None, parts=None, kind="inbound", missed=0))
        await connection.execute(agent_states.delete())
    assert await FactLog(engine).facts(TODAY) != before
    assert await CallStore(engine).refold(DAY - 86400.0, DAY + 2 * 86400.0) == 30
    assert await FactLog(engine).facts(TODAY) == before


async def test_the_rules_say_how_long_ago_a_call_is_a_repeated_one(engine: AsyncEngine) -> None:
    await write(engine, made_day(7, 120, days=3), random.Random(7))
    last = Span(since=DAY + 2 * 86400.0, until=DAY + 3 * 86400.0)
    week = await FactLog(engine).facts(last)
    short = await FactLog(engine, rules=Rules(repeat_days=1)).facts(last)
    assert sum(bool(call.repeat) for call in week.calls) > sum(bool(call.repeat) for call in short.calls)
