"""What is known of a number, and which numbers are blocked, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.blocked import BlockedNumbers, BlockKind, NumberRefused
from cti.calls import CallStore
from cti.control.callers import Callers
from cti.database import open_engine
from cti.messages import Entry, EntryKind
from cti.tables import audit
from orders.messages import OrderField
from orders.tables import orders
from tests.support.web import Clock

pytestmark = pytest.mark.integration

NUMBER = "13800000001"


class Past:
    """Calls and orders of before."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock
        self._store = CallStore(engine)
        self._entries = 0

    async def _write(self, call_id: str, kind: EntryKind, at: float, /, **data: Any) -> None:
        self._entries += 1
        entry_id = f"{self._entries:08d}"
        await self._store.write([Entry(entry_id=entry_id, call_id=call_id, at=at, kind=kind, data=data)])

    async def call(
        self,
        call_id: str,
        *,
        caller: str = NUMBER,
        days_ago: float = 1,
        agent: str | None = "li",
        talk_s: float = 60,
        said: tuple[str, ...] = ("agent", "citizen"),
        score: int | None = None,
        language: str = "",
        over: bool = True,
    ) -> None:
        at = self.clock.now - days_ago * 86_400
        state = EntryKind.CALL_STATE
        await self._write(call_id, state, at, state="incoming", caller=caller, called="12345")
        if agent:
            await self._write(call_id, state, at + 5, state="talking", agent_id=agent)
            for number, speaker in enumerate(said):
                line = {"line_id": f"l{number}", "speaker": speaker, "text": "好", "start": 1.0, "end": 2.0}
                await self._write(call_id, EntryKind.TRANSCRIPT, at + 6, **line)
        if score is not None:
            await self._write(call_id, EntryKind.RATING, at + 50, score=score)
        if language:
            note = {"kind": "language", "values": {"language": language}}
            await self._write(call_id, EntryKind.NOTE, at + 1, **note)
        if over:
            outcome = "answered" if agent else "abandoned_waiting"
            await self._write(call_id, state, at + 5 + talk_s, state="ended", outcome=outcome)

    async def order(
        self, order_id: str, *, agent: str, state: str = "accepted", caller: str = NUMBER, phone: str = ""
    ) -> None:
        self.clock.now += 1
        row = {field.value: "" for field in OrderField} | {"phone": phone}
        now = self.clock.now
        async with self.engine.begin() as connection:
            await connection.execute(
                insert(orders).values(
                    id=order_id, call_id=f"call-{order_id}", caller=caller, state=state, agent=agent,
                    created_at=now, updated_at=now, reason="", version=1, fields_json="{}", **row,
                )
            )  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def past(engine: AsyncEngine, clock: Clock) -> Past:
    return Past(engine, clock)


@pytest.fixture
def callers(engine: AsyncEngine, clock: Clock) -> Callers:
    return Callers(engine, clock=clock)


@pytest.fixture
def blocked(engine: AsyncEngine, clock: Clock) -> BlockedNumbers:
    return BlockedNumbers(engine, clock=clock)


async def test_nobody_knows_a_new_caller(callers: Callers) -> None:
    assert await callers.facts(NUMBER, 5) == {
        "known": "no",
        "calls": "0",
        "silent_calls": "0",
        "open_orders": "0",
        "blocked": "no",
        "nuisance": "no",
    }


async def test_a_caller_of_before_is_known_with_agent_case_owner_language_and_satisfaction(
    callers: Callers, past: Past
) -> None:
    await past.call("c1", agent="wang", days_ago=3, score=2)
    await past.call("c2", agent="li", days_ago=2, language="yue")
    await past.call("c3", agent=None, days_ago=1)
    await past.order("o1", agent="wang")
    await past.order("o2", agent="zhao", caller="", phone=NUMBER)
    await past.order("o3", agent="li", state="discarded")
    facts = await callers.facts(NUMBER, 5)
    assert facts == {
        "known": "yes",
        "calls": "3",
        "silent_calls": "0",
        "last_agent": "li",
        "satisfaction": "2",
        "open_orders": "2",
        "case_owner": "zhao",
        "language": "yue",
        "blocked": "no",
        "nuisance": "no",
    }


async def test_a_number_is_the_same_however_the_network_wrote_it(callers: Callers, past: Past) -> None:
    await past.call("c1", caller=f"+86{NUMBER}")
    await past.call("c2", caller=f"0{NUMBER}")
    assert (await callers.facts(NUMBER, 5))["calls"] == "2"


async def test_the_call_that_is_going_on_is_not_an_earlier_one(callers: Callers, past: Past) -> None:
    await past.call("c1", agent=None, over=False)
    assert (await callers.facts(NUMBER, 5))["known"] == "no"


async def test_an_agent_of_long_ago_is_not_remembered(callers: Callers, past: Past) -> None:
    await past.call("c1", days_ago=31)
    facts = await callers.facts(NUMBER, 5)
    assert facts["calls"] == "1"
    assert "last_agent" not in facts


async def test_an_anonymous_caller_is_nobody(callers: Callers, past: Past) -> None:
    await past.call("c1", caller="")
    assert (await callers.facts("anonymous", 5))["known"] == "no"


async def test_a_database_that_is_away_gives_no_facts_and_no_error(callers: Callers, tmp_path: Any) -> None:
    away = open_engine(f"postgresql://nobody@{tmp_path.name}.invalid:1/none")
    assert await Callers(away).facts(NUMBER, 2) == {}
    await away.dispose()


async def test_a_slow_database_is_not_waited_for(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    entered = asyncio.Event()

    async def stuck(number: str, now: float) -> Any:
        entered.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(callers, "_look", stuck)
    assert await callers.facts(NUMBER, 0.05) == {}
    assert entered.is_set()


async def test_a_second_question_is_answered_from_memory_for_a_moment(
    callers: Callers, past: Past, clock: Clock
) -> None:
    await past.call("c1")
    assert (await callers.facts(NUMBER, 5))["calls"] == "1"
    await past.call("c2")
    assert (await callers.facts(NUMBER, 5))["calls"] == "1"
    clock.now += 6
    assert (await callers.facts(NUMBER, 5))["calls"] == "2"


@pytest.mark.parametrize("kind", list(BlockKind))
async def test_a_blocked_number_is_told_to_flows_until_its_time_is_over(
    callers: Callers, blocked: BlockedNumbers, clock: Clock, kind: BlockKind
) -> None:
    until = clock.now + 100
    entered = await blocked.put("+86 138 0000 0001", kind, reason="辱骂话务员", until=until, by="ban")
    assert (entered.number, entered.who, entered.until) == (NUMBER, "ban", until)
    facts = await callers.facts(NUMBER, 5)
    assert (facts["blocked"], facts["nuisance"]) == (
        ("yes", "no") if kind is BlockKind.BLOCKED else ("no", "yes")
    )
    assert await blocked.blocked(NUMBER) is (kind is BlockKind.BLOCKED)
    clock.now = until
    assert (await callers.facts(NUMBER, 5))[kind.value] == "no"
    assert not await blocked.blocked(NUMBER)


async def test_every_change_of_the_list_is_in_the_trail(blocked: BlockedNumbers, engine: AsyncEngine) -> None:
    await blocked.put(NUMBER, BlockKind.NUISANCE, reason="无声", until=None, by="ban")
    await blocked.put(NUMBER, BlockKind.BLOCKED, reason="辱骂", until=None, by="admin")
    assert (await blocked.list()).total == 1
    assert await blocked.remove(NUMBER, by="ban", reason="误拉黑")
    assert not await blocked.remove(NUMBER, by="ban", reason="误拉黑")
    async with engine.connect() as connection:
        trail = (await connection.execute(audit.select().order_by(audit.c.id))).mappings().all()
    assert [(row["who"], row["what"], row["target"]) for row in trail] == [
        ("ban", "number_blocked", NUMBER),
        ("admin", "number_blocked", NUMBER),
        ("ban", "number_unblocked", NUMBER),
    ]


@pytest.mark.parametrize("number", ["", "anonymous", "sip:x"])
async def test_what_is_no_number_cannot_be_blocked(blocked: BlockedNumbers, number: str) -> None:
    with pytest.raises(NumberRefused) as refused:
        await blocked.put(number, BlockKind.BLOCKED, reason="x", until=None, by="ban")
    assert refused.value.field == "number"


async def test_an_end_in_the_past_is_refused(blocked: BlockedNumbers, clock: Clock) -> None:
    with pytest.raises(NumberRefused) as refused:
        await blocked.put(NUMBER, BlockKind.BLOCKED, reason="x", until=clock.now, by="ban")
    assert refused.value.field == "until"


async def test_numbers_that_call_and_say_nothing_are_suggested_and_never_blocked(
    blocked: BlockedNumbers, callers: Callers, past: Past
) -> None:
    for call in ("c1", "c2"):
        await past.call(call, said=("agent",))
    await past.call("c3", talk_s=3, said=())
    for call in ("d1", "d2", "d3"):  # talked
        await past.call(call, caller="13800000002")
    for call in ("e1", "e2", "e3"):  # without captions nobody knows
        await past.call(call, caller="13800000003", said=())
    (suspect,) = await blocked.suspects()
    assert (suspect.number, suspect.calls) == (NUMBER, 3)
    facts = await callers.facts(NUMBER, 5)
    assert (facts["silent_calls"], facts["blocked"], facts["nuisance"]) == ("3", "no", "no")
    await blocked.put(NUMBER, BlockKind.NUISANCE, reason="无声", until=None, by="ban")
    assert await blocked.suspects() == ()


async def test_the_list_is_found_by_part_of_the_number_and_by_kind(blocked: BlockedNumbers) -> None:
    for last in range(5):
        kind = BlockKind.BLOCKED if last % 2 else BlockKind.NUISANCE
        await blocked.put(f"1380000000{last}", kind, reason="x", until=None, by="ban")
    assert (await blocked.list(text="00003")).numbers[0].number == "13800000003"
    assert (await blocked.list(kind=BlockKind.BLOCKED)).total == 2
    page = await blocked.list(page=2, size=2)
    assert (page.total, len(page.numbers)) == (5, 2)
