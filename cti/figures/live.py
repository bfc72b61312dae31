"""Figures of now: what the last day's facts amount to, kept in memory and brought up to date at each look.

`cti.figures.load.FactLog` reads a span from its beginning, and a week before it for repeated calls. A wall
that looks every few seconds cannot pay that. Here a look reads what changed since the one before: calls and
orders that the database's own change notes name (`cti.changes`), agents' states written since, and the other
calls of those callers, because whether those are repeated ones may have changed with them. The figures are
exactly those of the engine over all facts; a test compares them.

Memory is that of one day's calls and states. Every hour everything is read anew: what no change note tells,
such as rows that a person removed by hand, does not stay longer than that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from acd.demand import INTERVAL_S
from cti.changes import BEGINNING, ChangeKind, ChangeLog, Cursor
from cti.figures.assemble import Matter, Repeats, call_fact, callback_fact
from cti.figures.causes import Break
from cti.figures.facts import CallbackFact, Rules, Span
from cti.figures.fold import agent_of_row
from cti.figures.live_calls import LiveCalls
from cti.figures.live_time import KEPT_S, LiveTime
from cti.figures.load import CALL_COLUMNS, NOTED_COLUMNS, FactLog, matters_of_calls
from cti.figures.source import AFTER_S, BEFORE_S, with_repeat
from cti.figures.tables import agent_states
from cti.figures.tally import Tally
from cti.planning_days import CHINA, midnight
from cti.tables import callbacks, calls
from orders.tables import orders

__all__ = ["ANEW_S", "LiveFigures", "Now"]

ANEW_S = 3600.0
"""Everything is read again after so long."""
OVERLAP_S = 60.0
"""Agents' states written so long before the last look are read again: servers' clocks and commits differ."""
SHORT_S = 60.0
"""What came together in this time is read quickly."""
AHEAD_S = 60.0
"""A call may begin so far in the future, by another server's clock."""
CALLBACK_COLUMNS = ("callback_id", "first_at", "origin", "state", "queue", "tries", "state_since")
CHUNK = 400
CHANGES = 2000

Figures = Mapping[str, float | None]
NO_MATTER = Matter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """What one look amounts to."""

    today: Figures  # since midnight
    rolling: Figures  # last 24 hours
    queues: Mapping[str, Figures]  # of today, by queue
    intervals: Sequence[tuple[float, int, int]]  # of today: half hour, offered, answered
    breaks: Sequence[Break] = field(default_factory=tuple)  # of the last 24 hours, newest first


class LiveFigures:
    """Keeps the last day's facts. Not for two tasks at once."""

    def __init__(self, rules: Rules, *, anew_s: float = ANEW_S) -> None:
        self.rules = rules
        self._anew_s = anew_s
        self._calls = LiveCalls(rules)
        self._time = LiveTime()
        self._callbacks: Sequence[CallbackFact] = ()
        self._cursor = BEGINNING
        self._at: float | None = None  # last look; None: nothing is known
        self._anew_at = 0.0

    def heavy(self, now: float) -> bool:
        """Whether the next look has much to read: not for a loop that has other things to do."""
        return self._at is None or self._anew(self._at, now) or now > self._at + SHORT_S

    async def look(self, engine: AsyncEngine, now: float) -> Now:
        """Bring everything up to date and count. SQLAlchemy's errors pass through; then all is read anew."""
        before, self._at = self._at, None
        if before is None or self._anew(before, now):
            await self._read_all(engine, now)
        else:
            await self._read_changes(engine, now, before)
        async with engine.connect() as connection:
            self._callbacks = await _callbacks(connection, Span(since=now - KEPT_S, until=now))
        self._calls.forget(now)
        self._time.forget(now)
        self._at = now
        return self._count(now)

    def _anew(self, before: float, now: float) -> bool:
        return now < before or now >= self._anew_at

    # ------------------------------------------------------------ reading

    async def _read_all(self, engine: AsyncEngine, now: float) -> None:
        self._calls, self._time = LiveCalls(self.rules), LiveTime()
        self._cursor = await ChangeLog(engine).newest()
        await self._read_states(engine, agent_states.c.at >= now - KEPT_S - BEFORE_S)
        log = FactLog(engine, rules=self.rules)
        async for _, facts in log.pieces(Span(since=now - KEPT_S, until=now + AHEAD_S)):
            for call in facts.calls:
                self._calls.put(call)
        self._anew_at = now + self._anew_s

    async def _read_changes(self, engine: AsyncEngine, now: float, before: float) -> None:
        cursor, touched = await self._changed(engine)
        touched |= await self._read_states(engine, agent_states.c.written >= before - OVERLAP_S)
        for chunk in _chunks(sorted(touched)):
            async with engine.connect() as connection:
                await self._read_calls(connection, chunk, now)
        self._cursor = cursor

    async def _changed(self, engine: AsyncEngine) -> tuple[Cursor, set[str]]:
        """Calls that changed themselves, or one of whose orders did."""
        log, cursor = ChangeLog(engine), self._cursor
        found: set[str] = set()
        order_ids: set[str] = set()
        more = True
        while more:
            page = await log.since(cursor, (ChangeKind.CALL, ChangeKind.ORDER), CHANGES)
            for one in page:
                (found if one.kind is ChangeKind.CALL else order_ids).add(one.ref)
                cursor = one.at
            more = len(page) == CHANGES
        for chunk in _chunks(sorted(order_ids)):
            async with engine.connect() as connection:
                found |= set(await connection.scalars(select(orders.c.call_id).where(orders.c.id.in_(chunk))))
        return cursor, found

    async def _read_states(self, engine: AsyncEngine, which: ColumnElement[bool]) -> set[str]:
        async with engine.connect() as connection:
            rows = (await connection.execute(select(*NOTED_COLUMNS).where(which))).all()
        return {call_id for row in rows if (call_id := self._time.add(agent_of_row(row)))}

    async def _read_calls(self, connection: AsyncConnection, call_ids: Sequence[str], now: float) -> None:
        """These calls as they are now, and the other calls of their callers."""
        since = now - KEPT_S
        told = await connection.scalars(select(calls.c.caller).where(calls.c.call_id.in_(call_ids)))
        callers = set(told) | {known.caller for one in call_ids if (known := self._calls.get(one))}
        numbers = sorted(callers - {""})
        which = (calls.c.call_id.in_(call_ids) & (calls.c.started >= since)) | (
            calls.c.caller.in_(numbers) & (calls.c.started >= since - self.rules.repeat_days * 86400.0)
        )
        rows = (
            await connection.execute(
                select(*CALL_COLUMNS).where(which).order_by(calls.c.started, calls.c.call_id)
            )
        ).all()
        matters: dict[str, Matter] = {}
        for chunk in _chunks([row[0] for row in rows]):
            matters |= await matters_of_calls(connection, chunk)
        repeats = Repeats(self.rules.repeat_days)
        for row in rows:
            wraps = self._time.wraps(row[0], _day_after(row[1]) + AFTER_S)
            call = with_repeat(call_fact(row, matters.get(row[0], NO_MATTER), wraps), repeats)
            if since <= call.started < now + AHEAD_S:
                self._calls.put(call)

    # ------------------------------------------------------------ counting

    def _count(self, now: float) -> Now:
        today = Span(since=_midnight(now), until=now)
        last_day = Span(since=now - KEPT_S, until=now)
        of_queue: dict[str, Tally] = {}
        of_today: list[Tally] = []
        halves = [[0, 0] for _ in range(int(-(-today.seconds // INTERVAL_S)))]
        for since, counted in self._calls.counted(today):
            halves[int((since - today.since) // INTERVAL_S)] = [counted.whole.offered, counted.whole.answered]
            of_today.append(counted.whole)
            for queue, tally in counted.queues.items():
                of_queue.setdefault(queue, Tally()).add(tally)
        of_day = [counted for _, counted in self._calls.counted(last_day)]
        return Now(
            today=self._whole(of_today, today).figures(),
            rolling=self._whole([one.whole for one in of_day], last_day).figures(),
            queues={queue: _lately(of_queue[queue]).figures() for queue in sorted(of_queue)},
            intervals=[
                (today.since + n * INTERVAL_S, offered, answered)
                for n, (offered, answered) in enumerate(halves)
            ],
            breaks=[one for counted in of_day for one in counted.breaks],
        )

    def _whole(self, parts: Iterable[Tally], span: Span) -> Tally:
        total = Tally()
        for part in parts:
            total.add(part)
        self._time.count(total, span)
        for one in self._callbacks:
            if span.holds(one.first_at):
                total.add_callback(one)
        return _lately(total)


def _lately(total: Tally) -> Tally:
    """Every call of a day or less belongs to the last 24 hours."""
    total.lately_offered, total.lately_answered = total.offered, total.answered
    return total


async def _callbacks(connection: AsyncConnection, span: Span) -> Sequence[CallbackFact]:
    wanted = (callbacks.c[name] for name in CALLBACK_COLUMNS)
    rows = await connection.execute(
        select(*wanted).where(
            callbacks.c.last_at >= span.since,  # never before first_at, and there is an index
            callbacks.c.first_at >= span.since,
            callbacks.c.first_at < span.until,
        )
    )
    return [callback_fact(row) for row in rows.mappings()]


def _midnight(now: float) -> float:
    return midnight(datetime.fromtimestamp(now, CHINA).date())


def _day_after(at: float) -> float:
    return midnight(datetime.fromtimestamp(at, CHINA).date() + timedelta(days=1))


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[first : first + CHUNK] for first in range(0, len(ids), CHUNK))
