"""Call records in a real database, SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.call_records import CallFilter
from cti.calls import CallStore, EntryRefused
from cti.database import migrate, open_engine
from cti.messages import CallState, Entry, EntryKind, Outcome
from cti.tables import call_events, calls, transcript_lines
from orders.errors import Contention, UnknownOrder

pytestmark = pytest.mark.integration

T0 = 1_800_000_000.0


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def store(engine: AsyncEngine) -> CallStore:
    return CallStore(engine, clock=lambda: 1_800_001_000.0)


def entry(number: int, kind: EntryKind, call_id: str = "c1", /, **data: object) -> Entry:
    return Entry(entry_id=f"{call_id}-{number:04d}", call_id=call_id, at=T0 + number, kind=kind, data=data)


def state(number: int, name: str, call_id: str = "c1", /, **data: object) -> Entry:
    return entry(number, EntryKind.CALL_STATE, call_id, state=name, **data)


def line(
    number: int, words: str, call_id: str = "c1", /, line_id: str = "", speaker: str = "citizen"
) -> Entry:
    return entry(
        number,
        EntryKind.TRANSCRIPT,
        call_id,
        line_id=line_id or f"l{number}",
        speaker=speaker,
        text=words,
        verbatim=words,
        start=float(number),
        end=number + 0.5,
        confidence=0.8,
        words=[{"text": words, "start": float(number), "end": number + 0.5, "confidence": 0.8}],
    )


def whole_call(call_id: str, at: int, caller: str = "13800138000", agent: str = "zhang") -> list[Entry]:
    return [
        state(at, "incoming", call_id, caller=caller, called="12345"),
        state(at + 1, "waiting", call_id, queue="general"),
        state(at + 3, "talking", call_id, agent_id=agent),
        line(at + 4, "小区的路灯坏了", call_id),
        state(at + 60, "ended", call_id, outcome="answered"),
    ]


async def rows(engine: AsyncEngine) -> list[object]:
    """Everything stored, in an order of its own."""
    found: list[object] = []
    async with engine.connect() as connection:
        for table in (call_events, calls, transcript_lines):
            result = await connection.execute(select(table).order_by(*table.primary_key.columns))
            found += [tuple(row) for row in result]
    return found


async def test_a_written_call_is_found_with_everything_that_was_told(store: CallStore) -> None:
    await store.write(whole_call("c1", 0))
    call = await store.call("c1")
    assert call is not None
    assert (call.caller, call.agent_id, call.state, call.outcome) == (
        "13800138000",
        "zhang",
        CallState.ENDED,
        Outcome.ANSWERED,
    )
    assert (call.queued, call.answered, call.waited_s) == (T0 + 1, T0 + 3, 2.0)
    assert await store.call("c2") is None


async def test_entries_come_back_as_they_were_written(store: CallStore) -> None:
    written = whole_call("c1", 0)
    await store.write(written)
    assert await store.entries("c1") == tuple(written)
    assert await store.last_entry("c1") == written[-1]
    assert await store.last_entry("c1", EntryKind.TRANSCRIPT) == written[3]
    assert await store.last_entry("c9") is None


async def test_writing_the_same_entries_again_changes_nothing(store: CallStore, engine: AsyncEngine) -> None:
    written = whole_call("c1", 0)
    await store.write(written)
    once = await rows(engine)
    await store.write(written)
    await store.write(written[2:])
    assert await rows(engine) == once


async def test_whatever_the_order_and_however_often_the_outcome_is_the_same(
    store: CallStore, engine: AsyncEngine
) -> None:
    written = whole_call("c1", 0)
    written += [line(5, "好的", line_id="l4"), state(50, "wrap_up", agent_id="zhang")]
    await store.write(written)
    straight = await rows(engine)
    async with engine.begin() as connection:
        for table in (call_events, calls, transcript_lines):
            await connection.execute(table.delete())
    shuffled = written * 2
    random.Random(7).shuffle(shuffled)
    for first in range(0, len(shuffled), 3):
        await store.write(shuffled[first : first + 3])
    assert await rows(engine) == straight


async def test_two_servers_may_write_the_same_entries_at_the_same_time(
    store: CallStore, engine: AsyncEngine
) -> None:
    written = [one for n in range(10) for one in whole_call(f"c{n}", n * 100)]
    await asyncio.gather(*(store.write(written) for _ in range(4)))
    async with engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(call_events)) == len(written)
        assert await connection.scalar(select(func.count()).select_from(calls)) == 10


async def test_a_later_version_of_a_sentence_replaces_it_an_earlier_one_does_not(
    store: CallStore,
) -> None:
    await store.write([line(2, "路灯坏了", line_id="l"), line(3, "路灯坏了三天", line_id="l")])
    await store.write([line(1, "路", line_id="l")])
    (said,) = await store.transcript("c1")
    assert said.text == "路灯坏了三天"


async def test_a_transcript_is_given_by_time(store: CallStore) -> None:
    await store.write([line(9, "第二句"), line(2, "第一句", speaker="agent")])
    assert [(said.speaker, said.text) for said in await store.transcript("c1")] == [
        ("agent", "第一句"),
        ("citizen", "第二句"),
    ]


async def test_calls_are_filtered_and_given_page_by_page_newest_first(store: CallStore) -> None:
    for number in range(7):
        agent = "zhang" if number % 2 else "li"
        await store.write(whole_call(f"c{number}", number * 100, caller=f"1380013800{number}", agent=agent))
    page = await store.calls(CallFilter(page=2, size=3))
    assert (page.total, [call.call_id for call in page.calls]) == (7, ["c3", "c2", "c1"])
    found = await store.calls(CallFilter(agent="zhang", since=T0 + 100, until=T0 + 500))
    assert [call.call_id for call in found.calls] == ["c3", "c1"]
    assert (await store.calls(CallFilter(caller="13800138004"))).total == 1
    assert (await store.calls(CallFilter(outcome=Outcome.FAILED))).total == 0
    assert (await store.calls(CallFilter(called="12345", queue="general"))).total == 7


async def test_calls_are_found_by_what_was_said_and_signs_mean_themselves(store: CallStore) -> None:
    await store.write([*whole_call("c1", 0), line(7, "涨了100%"), line(8, "a_b", "c1", speaker="agent")])
    await store.write([state(0, "incoming", "c2"), line(1, "涨了100倍 axb", "c2")])
    for words, expected in (("100%", ["c1"]), ("a_b", ["c1"]), ("涨了", ["c2", "c1"]), ("没说过", [])):
        found = await store.calls(CallFilter(text=words))
        assert sorted(call.call_id for call in found.calls) == sorted(expected)


async def test_the_newest_calls_of_a_number_come_first(store: CallStore) -> None:
    for number in range(4):
        await store.write(whole_call(f"c{number}", number * 100))
    await store.write(whole_call("other", 900, caller="02166668888"))
    assert [call.call_id for call in await store.last_for_caller("13800138000", 2)] == ["c3", "c2"]


async def test_an_entry_that_is_not_acceptable_is_named_and_nothing_of_the_batch_is_written(
    store: CallStore, engine: AsyncEngine
) -> None:
    bad = entry(2, EntryKind.RATING, score=9)
    with pytest.raises(EntryRefused, match="c1-0002") as refused:
        await store.write([state(1, "incoming"), bad])
    assert refused.value.entry_id == bad.entry_id
    assert await rows(engine) == []


async def test_a_reason_for_refusing_never_quotes_the_value(store: CallStore) -> None:
    with pytest.raises(EntryRefused) as refused:
        await store.write([state(1, "13800138000")])
    assert "13800138000" not in str(refused.value)


async def test_order_entries_go_to_the_orders_room_every_time(engine: AsyncEngine) -> None:
    taken: list[str] = []

    async def orders(one: Entry) -> None:
        taken.append(one.entry_id)

    store = CallStore(engine, on_order=orders)
    order = entry(1, EntryKind.ORDER, order_id="o1", kind="draft_opened")
    await store.write([order, state(2, "incoming")])
    await store.write([order])
    assert taken == ["c1-0001", "c1-0001"]
    assert await store.entries("c1") == (order, state(2, "incoming"))


async def test_an_event_that_the_orders_room_refuses_is_refused_but_contention_is_tried_again(
    engine: AsyncEngine,
) -> None:
    answers: list[Exception] = [UnknownOrder("o1"), Contention("o1", 12)]

    async def orders(_one: Entry) -> None:
        raise answers.pop(0)

    store = CallStore(engine, on_order=orders)
    order = entry(1, EntryKind.ORDER, order_id="o1", kind="order_submitted")
    with pytest.raises(EntryRefused, match="UnknownOrder"):
        await store.write([order])
    with pytest.raises(Contention):
        await store.write([order])


async def test_lists_use_indexes_for_agent_caller_and_time(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hotline.sqlite'}"  # SQLite plans without statistics
    await migrate(url)
    engine = open_engine(url)
    async with engine.connect() as connection:
        for column in ("caller", "agent_id"):
            plan = await connection.execute(
                text(f"EXPLAIN QUERY PLAN SELECT * FROM calls WHERE {column} = 'x' ORDER BY started DESC")  # noqa: S608
            )
            assert f"ix_calls_{column}_started" in str(plan.all())
    await engine.dispose()
