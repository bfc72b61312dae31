"""Figures that are kept up to date are those that are computed from the beginning, whatever came when."""

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
from sqlalchemy import event, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.demand import INTERVAL_S
from cti.calls import CallStore
from cti.control.wallboard_past import Past
from cti.database import open_engine
from cti.figures import engine as compute
from cti.figures.causes import breaks
from cti.figures.facts import CallFact, Facts, Rules, Span
from cti.figures.live import LiveFigures, Now
from cti.figures.load import FactLog
from cti.messages import Entry, EntryKind
from cti.tables import calls
from orders.store import OrderStore
from orders.tables import orders
from tests.support.figure_days import CATEGORIES, DAY, MadeDay, made_day, put_orders

pytestmark = pytest.mark.integration

RULES = Rules(answer_s=12.0, repeat_days=2)
NEVER = 1e9


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


async def from_the_beginning(engine: AsyncEngine, now: float) -> Now:
    facts = await FactLog(engine, rules=RULES).facts(Span(since=now - 86400.0, until=now))
    today = Span(since=now - (now - DAY) % 86400.0, until=now)
    halves = compute.intervals(Facts(calls=facts.calls), INTERVAL_S, span=today, rules=RULES)
    return Now(
        today=compute.figures(facts, span=today, rules=RULES),
        rolling=compute.rolling(facts, now, rules=RULES),
        queues=compute.by(facts, lambda call: call.queue, span=today, rules=RULES),
        intervals=[
            (one.span.since, int(one.figures["offered"] or 0), int(one.figures["answered"] or 0))
            for one in halves
        ],
        breaks=list(breaks(facts, span=Span(since=now - 86400.0, until=now), rules=RULES)),
    )


class Days:
    """Some days of calls that reach the database bit by bit, a little late and in no order."""

    def __init__(self, engine: AsyncEngine, seed: int, number: int) -> None:
        self.engine = engine
        self.luck = random.Random(seed)
        made = made_day(seed, number, days=3)
        self.left = [
            (entry.at + self.luck.choice((-30.0, 0.0, 5.0, 3000.0)), entry) for entry in made.entries
        ]
        self.orders = list(made.orders)
        self.clock = [DAY]
        self.store = CallStore(engine, clock=lambda: self.clock[0])
        self.book = OrderStore(engine, clock=lambda: self.clock[0])

    async def come(self, now: float) -> None:
        """Write what the database knows by now."""
        self.clock[0] = now
        due = [entry for at, entry in self.left if at <= now]
        self.left = [(at, entry) for at, entry in self.left if at > now]
        self.luck.shuffle(due)
        for first in range(0, len(due), 50):
            await self.store.write(due[first : first + 50])
        ready = [one for one in self.orders if one[2] <= now]
        self.orders = [one for one in self.orders if one[2] > now]
        await put_orders(self.book, MadeDay(orders=ready), self.clock)
        self.clock[0] = now

    async def correct(self) -> None:
        """Somebody gives an order of any day another category."""
        async with self.engine.begin() as connection:
            found = (await connection.scalars(select(orders.c.id).order_by(orders.c.id))).all()
            if found:
                which = self.luck.choice(found)
                what = self.luck.choice(CATEGORIES[:2])
                await connection.execute(update(orders).where(orders.c.id == which).values(category=what))


async def agree(engine: AsyncEngine, seed: int, number: int, step_s: float) -> None:
    days, live = Days(engine, seed, number), LiveFigures(RULES, anew_s=NEVER)
    now = DAY + 6 * 3600.0
    while now < DAY + 3.2 * 86400.0:
        await days.come(now)
        await days.correct()
        assert await live.look(engine, now) == await from_the_beginning(engine, now)
        now += days.luck.uniform(0.2, 1.8) * step_s


async def test_what_is_kept_up_to_date_equals_what_is_computed_from_the_beginning(
    engine: AsyncEngine,
) -> None:
    await agree(engine, 11, 100, step_s=5 * 3600.0)


@given(seed=st.integers(0, 10**6), number=st.integers(0, 40))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_when_both_agree(
    migrated_sqlite: Path, tmp_path: Path, seed: int, number: int
) -> None:
    path = shutil.copy(migrated_sqlite, tmp_path / "days.sqlite")

    async def run() -> None:
        engine = open_engine(f"sqlite:///{path}")
        try:
            await agree(engine, seed, number, step_s=9 * 3600.0)
        finally:
            await engine.dispose()

    asyncio.run(run())


async def test_a_look_reads_no_call_that_has_nothing_to_do_with_what_changed(engine: AsyncEngine) -> None:
    days, live = Days(engine, 5, 60), LiveFigures(RULES)
    now = DAY + 86400.0
    await days.come(now)
    await live.look(engine, now)
    at = now + 1.0
    data = {"state": "incoming", "caller": "13900000001", "called": "12345", "started": at}
    new = Entry(entry_id="new", call_id="new", at=at, kind=EntryKind.CALL_STATE, data=data)
    await days.store.write([new])
    read: list[str] = []
    original = live._calls.put

    def put(call: CallFact) -> None:
        read.append(call.call_id)
        original(call)

    live._calls.put = put  # type: ignore[method-assign]
    found = await live.look(engine, now + 3.0)
    assert read == ["new"]
    assert found == await from_the_beginning(engine, now + 3.0)


async def test_after_a_failure_everything_is_read_anew(engine: AsyncEngine) -> None:
    days, live = Days(engine, 5, 60), LiveFigures(RULES)
    now = DAY + 40000.0
    await days.come(now)
    await live.look(engine, now)
    broken = open_engine(str(engine.url.render_as_string(hide_password=False)))
    event.listen(broken.sync_engine, "before_cursor_execute", _refuse)
    await days.come(now + 7200.0)
    with pytest.raises(OSError, match="away"):
        await live.look(broken, now + 7200.0)
    await broken.dispose()
    assert live.heavy(now + 7201.0)
    assert await live.look(engine, now + 7201.0) == await from_the_beginning(engine, now + 7201.0)


def _refuse(*_: object) -> None:
    raise OSError("the database is away")


async def test_the_forecast_counts_a_past_day_as_the_figures_do(engine: AsyncEngine) -> None:
    days = Days(engine, 3, 200)
    await days.come(DAY + 4 * 86400.0)
    past = Past(engine, str(engine.url.render_as_string(hide_password=False)), rules=RULES)
    span = Span(since=DAY, until=DAY + 86400.0)
    facts = await FactLog(engine, rules=RULES).facts(span)
    halves = compute.intervals(Facts(calls=facts.calls), INTERVAL_S, span=span, rules=RULES)
    counted = await past._offered(DAY)
    assert counted == [int(one.figures["offered"] or 0) for one in halves]
    async with engine.connect() as connection:
        assert 0 < sum(counted) < (await connection.scalar(select(func.count()).select_from(calls)) or 0)
