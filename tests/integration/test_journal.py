"""The journal against real files, killed processes and real databases that go away."""

from __future__ import annotations

import asyncio
import datetime
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.calls import CallStore
from cti.control.orderdesk import order_events
from cti.database import migrate, open_engine
from cti.delivery import DeliveryLimits
from cti.journal import Journal
from cti.messages import Entry, EntryKind
from cti.tables import call_events, calls
from orders.messages import OrderState
from orders.records import OrderFilter
from orders.store import OrderStore
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.integration

T0 = 1_800_000_000.0
QUICK = DeliveryLimits(retry_first_s=0.01, retry_most_s=0.05)

WRITER = """
import asyncio, sys
from pathlib import Path
from cti.calls import CallStore
from cti.database import open_engine
from cti.journal import Journal, JournalLimits
from cti.messages import Entry, EntryKind

async def main(folder, url, first):
    store = CallStore(open_engine(url))
    journal = Journal(Path(folder), store.write, limits=JournalLimits(segment_bytes=4000))
    await journal.start()
    number = first
    while True:
        entries = [
            Entry(entry_id=f"e{n:09d}", call_id=f"c{n % 50}", at=1.8e9 + n, kind=EntryKind.CALL_STATE,
                  data={"state": "incoming", "caller": "13800138000"})
            for n in range(number, number + 7)
        ]
        for entry in entries:
            journal.append(entry)
        await journal.durable(entries[-1])
        print(number + 6, flush=True)
        number += 7

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


async def stored(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        found = await connection.scalars(select(call_events.c.entry_id).order_by(call_events.c.entry_id))
        return list(found.all())


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_killing_the_writer_loses_nothing_that_was_durable_and_doubles_nothing(
    tmp_path: Path, migrated_url: str, engine: AsyncEngine, seed: int
) -> None:
    chance = random.Random(seed)
    told = -1
    for _ in range(3):
        writer = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WRITER, str(tmp_path / "journal"), migrated_url, str(told + 1)),
            stdout=subprocess.PIPE,
        )
        assert writer.stdout is not None
        try:
            for _ in range(chance.randint(1, 40)):
                told = int(await writer.stdout.readline())
        finally:
            writer.send_signal(signal.SIGKILL)
            rest = (await writer.communicate())[0].split()
        told = max([told, *map(int, rest)])
        seen = await stored(engine)
        assert len(seen) == len(set(seen))
    async with Journal(tmp_path / "journal", CallStore(engine).write, delivery=QUICK) as journal:
        await journal.delivered()
        assert journal.rejected == 0
    found = await stored(engine)
    # What the killed writer had not been told was durable may be there, too; the next one wrote it again.
    assert found[: told + 1] == [f"e{number:09d}" for number in range(told + 1)]
    async with engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(calls)) == min(50, len(found))


async def test_a_database_that_goes_away_and_comes_back_misses_nothing(tmp_path: Path) -> None:
    with PostgresServer.create() as server:
        url = server.create_database()
        await migrate(url)
        engine = open_engine(url)
        async with engine.begin() as connection:
            name = await connection.scalar(text("SELECT current_database()"))
            # The test server is set to forget its last commits in a crash; here a commit must mean one.
            await connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = on"))
        await engine.dispose()
        async with Journal(tmp_path / "journal", CallStore(engine).write, delivery=QUICK) as journal:
            for number in range(300):
                journal.append(rating(number))
                if number == 100:
                    await journal.delivered()
                    server.stop()
                await journal.durable(rating(number))
            assert journal.pending == 199
            assert journal.healthy
            server.start()
            await journal.delivered()
            assert (journal.pending, journal.rejected) == (0, 0)
        assert len(await stored(engine)) == 300
        await engine.dispose()


def rating(number: int, score: object = 5) -> Entry:
    return Entry(
        entry_id=f"e{number:09d}", call_id="c1", at=T0 + number, kind=EntryKind.RATING, data={"score": score}
    )


async def test_an_entry_the_database_cannot_hold_is_set_aside_and_the_rest_is_written(
    tmp_path: Path, engine: AsyncEngine
) -> None:
    async with Journal(tmp_path / "journal", CallStore(engine).write, delivery=QUICK) as journal:
        for number in range(10):
            journal.append(rating(number, score="x" if number == 4 else 5))
        await journal.delivered()
        assert journal.rejected == 1
    assert await stored(engine) == [f"e{number:09d}" for number in range(10) if number != 4]


async def test_an_orders_story_in_the_journal_becomes_one_order_however_often_it_is_delivered(
    tmp_path: Path, engine: AsyncEngine
) -> None:
    orders = OrderStore(engine, zone=datetime.UTC)

    async def take(entry: Entry) -> None:

        changes = order_events(entry)
        await orders.apply_all(changes, at=entry.at, event_id=entry.entry_id)

    def order(number: int, kind: str, **event: str) -> Entry:
        data = {"order_id": "o1", "kind": kind, "event": event}
        return Entry(entry_id=f"e{number}", call_id="c1", at=T0 + number, kind=EntryKind.ORDER, data=data)

    story = [
        order(1, "draft_opened", order_id="o1", call_id="c1", caller="13800138000"),
        order(2, "field_edited", field="type", value="投诉", agent="zhang"),
        order(3, "field_edited", field="summary", value="路灯不亮", agent="zhang"),
    ]
    store = CallStore(engine, on_order=take)
    for _ in range(2):

        async def sink(entries: Sequence[Entry]) -> None:
            await store.write(entries)
            await store.write(entries)

        async with Journal(tmp_path / "journal", sink, delivery=QUICK) as journal:
            for entry in story:
                journal.append(entry)
            await journal.delivered()
            assert journal.rejected == 0
    page = await orders.list(OrderFilter(state=OrderState.DRAFT))
    assert [one.draft.fields["summary"].value for one in page.orders] == ["路灯不亮"]
    assert len(await orders.events("o1")) == 3
