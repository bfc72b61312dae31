"""Call-backs in a real database, SQLite and PostgreSQL alike: told by the journal, exactly once."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from acd import callbacks
from acd.callback_policy import CallbackPolicy
from acd.callbacks import Callback, CallbackState, Origin, Result, Wish
from acd.phone_numbers import read_number
from cti.callback_records import CallbackFilter, data_of
from cti.callback_store import CallbackStore
from cti.calls import CallStore, EntryRefused
from cti.database import open_engine
from cti.messages import Entry, EntryKind

pytestmark = pytest.mark.integration

T0 = 1_800_000_000.0


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def journal(engine: AsyncEngine) -> CallStore:
    return CallStore(engine)


@pytest.fixture
def store(engine: AsyncEngine) -> CallbackStore:
    return CallbackStore(engine)


def entry(number: int, event: str, callback: Callback, owner: str = "server1") -> Entry:
    return Entry(
        entry_id=f"{callback.callback_id}-{number:04d}",
        call_id=callback.callback_id,
        at=T0 + number,
        kind=EntryKind.CALLBACK,
        data=data_of(event, callback, owner),
    )


def new(name: str = "cb1", number: str = "13800000001", at: float = T0, **more: Any) -> Callback:
    wish = Wish(origin=Origin.CITIZEN, number=read_number(number), queue="general", since=at, **more)
    return callbacks.wanted(name, wish, at)


def life() -> list[Entry]:
    """Wanted, busy once, then reached and talked with."""
    wanted = new(needs={"general": 1}, call_id="c1", note="请下午打")
    held = callbacks.reserved(wanted, "li", T0 + 1)
    called = callbacks.dialled(held, "hl1-1.1", T0 + 2)
    busy = callbacks.unreached(called, Result.BUSY, CallbackPolicy(), T0 + 3)
    again = callbacks.dialled(callbacks.reserved(busy, "wang", T0 + 400), "hl1-1.2", T0 + 400)
    here = callbacks.reached(again, "hl1-1.2", T0 + 405)
    over = callbacks.done(here, "wang", T0 + 409)
    moves = [("wanted", wanted), ("reserved", held), ("dialled", called), ("unreached", busy)]
    moves += [("dialled", again), ("reached", here), ("done", over)]
    return [entry(number, event, callback) for number, (event, callback) in enumerate(moves)]


async def test_a_call_back_is_what_its_newest_entry_says(journal: CallStore, store: CallbackStore) -> None:
    entries = life()
    await journal.write(entries[:4])
    kept = await store.get("cb1")
    assert kept is not None
    assert kept.callback.state is CallbackState.WAITING
    assert kept.callback.last_result is Result.BUSY
    assert kept.callback.needs == {"general": 1}
    assert kept.callback.calls == ("c1",)
    assert kept.owner == "server1"
    await journal.write(entries[4:])
    kept = await store.get("cb1")
    assert kept is not None
    assert (kept.callback.state, kept.callback.agent_id) == (CallbackState.DONE, "wang")


async def test_whatever_the_order_and_however_often_the_outcome_is_the_same(
    journal: CallStore, store: CallbackStore
) -> None:
    entries = life()
    mixed = entries + entries[2:5]
    random.Random(7).shuffle(mixed)
    for one in mixed:
        await journal.write([one])
    kept = await store.get("cb1")
    assert kept is not None
    assert kept.callback.state is CallbackState.DONE
    assert [move.event for move in await store.history("cb1")] == [
        "wanted", "reserved", "dialled", "unreached", "dialled", "reached", "done",
    ]  # fmt: skip


async def test_the_history_tells_who_when_and_why(journal: CallStore, store: CallbackStore) -> None:
    await journal.write(life())
    busy = (await store.history("cb1"))[3]
    assert (busy.result, busy.not_before, busy.agent_id) == ("busy", T0 + 303, None)
    assert await store.history("cb9") == ()


async def test_an_entry_that_is_no_call_back_is_refused_and_the_others_are_written(
    journal: CallStore, store: CallbackStore
) -> None:
    good, bad = entry(1, "wanted", new()), entry(2, "wanted", new("cb2"))
    broken = Entry(
        entry_id=bad.entry_id, call_id="cb2", at=T0, kind=EntryKind.CALLBACK, data={"event": "wanted"}
    )
    with pytest.raises(EntryRefused, match="callback"):
        await journal.write([good, broken])
    long = replace(new("cb3"), note="长" * 1001)
    with pytest.raises(EntryRefused, match="note must have at most 1000"):
        await journal.write([entry(3, "wanted", long)])
    await journal.write([good])
    assert await store.get("cb1") is not None


async def test_open_ones_are_found_after_a_restart_longest_waiting_first(
    journal: CallStore, store: CallbackStore
) -> None:
    late, early = new("cb1", at=T0 + 50), new("cb2", number="13800000002", at=T0)
    await journal.write([entry(1, "wanted", late), entry(1, "wanted", early), *life()[:0]])
    given_up = callbacks.given_up(new("cb3", number="13800000003"), "重复", "ban", T0)
    await journal.write([entry(1, "given_up", given_up)])
    assert [kept.callback.callback_id for kept in await store.open_ones()] == ["cb2", "cb1"]


async def test_lists_are_filtered_and_paged_open_ones_first(journal: CallStore, store: CallbackStore) -> None:
    waiting = [new(f"cb{n}", number=f"1380000000{n}", at=T0 + n) for n in range(4)]
    later = replace(new("cb5", number="13900000005", at=T0), not_before=T0 + 500)
    closed = callbacks.given_up(new("cb6", number="13900000006", at=T0 + 99), "号码有误", "ban", T0 + 99)
    for one in (*waiting, later, closed):
        await journal.write([entry(1, "wanted", one)])

    async def found(**which: Any) -> list[str]:
        page = await store.list(CallbackFilter(**which))
        return [kept.callback.callback_id for kept in page.callbacks]

    assert await found() == ["cb0", "cb5", "cb1", "cb2", "cb3", "cb6"]
    assert await found(due_by=T0 + 100) == ["cb0", "cb1", "cb2", "cb3"]
    assert await found(states=(CallbackState.GIVEN_UP,)) == ["cb6"]
    assert await found(number_part="1390") == ["cb5", "cb6"]
    assert await found(numbers=("13800000002",)) == ["cb2"]
    assert await found(since=T0 + 2, until=T0 + 4) == ["cb2", "cb3"]
    assert await found(page=2, size=4) == ["cb3", "cb6"]
    assert (await store.list(CallbackFilter(page=2, size=4))).total == 6
