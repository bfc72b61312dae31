"""Call records in the database: the journal's entries, and what they amount to.

`call_events` holds every entry once. `calls` and `transcript_lines` are read from them: a call's row is the
fold of all its entries in the order of their ids, so replays, and entries of two servers that arrive out of
order, end in the same row.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.call_finding import matching
from cti.call_records import (
    RECORD_KINDS,
    CallFilter,
    CallPage,
    CallRecord,
    TranscriptLine,
    check_entry,
    fold,
    line_of,
)
from cti.callback_store import put_callback
from cti.database import insert_for, writing
from cti.entries import entries_of, newest_wins
from cti.errors import HotlineError
from cti.faults import fault_site
from cti.figures import fold as figure_fold
from cti.figures.fold import HANDLING_KINDS, Handling, agent_noted, handling
from cti.figures.tables import agent_states
from cti.messages import Entry, EntryKind
from cti.supervision_records import check_supervision, put_supervision
from cti.tables import call_events, calls, transcript_lines
from cti.visit_store import put_visit
from orders.errors import Contention, OrderError

__all__ = ["CallStore", "EntryRefused", "OrderSink"]

OrderSink = Callable[[Entry], Awaitable[None]]
"""Takes an order entry into the orders room; called at least once for each, so it must be idempotent."""

CALL_KINDS = tuple(dict.fromkeys((*RECORD_KINDS, *HANDLING_KINDS)))
"""Kinds that a call's row is made of."""
REFOLD_CHUNK = 500
"""Calls that are made again in one transaction."""
HISTORY_MAX = 50
TRANSCRIPT_MAX = 5_000
"""Lines of one call that are given out: ten hours of talk."""


class EntryRefused(HotlineError):
    """An entry that the database will never take; `entry_id` names it, `reason` holds none of its words."""

    def __init__(self, entry_id: str, reason: str) -> None:
        super().__init__(f"entry {entry_id}: {reason}")
        self.entry_id = entry_id
        self.reason = reason


class CallStore:
    """Writes journal entries and answers questions about calls.

    SQLAlchemy's errors pass through when the database cannot be reached.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        on_order: OrderSink | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._on_order = on_order
        self._clock = clock

    # ------------------------------------------------------------ writing

    async def write(self, entries: Sequence[Entry]) -> None:
        """Write entries in one transaction; entries written before are passed over.

        Order entries go to the order sink first, every time: it takes each only once.

        Raises:
            EntryRefused: one entry is not acceptable; none, or only others, were written. Leave it out
                and write the rest again.
        """
        for entry in entries:
            try:
                check_entry(entry)
                if entry.kind is EntryKind.SUPERVISION:
                    check_supervision(entry)
                figure_fold.check(entry)
            except (msgspec.ValidationError, ValueError) as error:
                raise EntryRefused(entry.entry_id, _without_values(error)) from None
        for entry in entries:
            if entry.kind is EntryKind.ORDER:
                await self._give_order(entry)
        try:
            await self._write(entries)
        except (DataError, IntegrityError) as error:
            if len(entries) == 1:
                raise EntryRefused(entries[0].entry_id, type(error).__name__) from None
            for entry in entries:
                await self.write([entry])

    async def _give_order(self, entry: Entry) -> None:
        if self._on_order is None:
            return
        try:
            await self._on_order(entry)
        except Contention:
            raise
        except (OrderError, msgspec.ValidationError) as error:
            raise EntryRefused(entry.entry_id, fault_site(error)) from None

    async def _write(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        rows = {
            entry.entry_id: {
                "entry_id": entry.entry_id,
                "call_id": entry.call_id,
                "at": entry.at,
                "kind": entry.kind.value,
                "data": dict(entry.data),
            }
            for entry in entries
        }
        async with writing(self._engine) as connection:
            found = await connection.scalars(
                select(call_events.c.entry_id).where(call_events.c.entry_id.in_(list(rows)))
            )
            written = set(found.all())
            fresh = {key: row for key, row in rows.items() if key not in written}
            if not fresh:
                return
            # Another server may write the same entry between our look and this statement.
            await connection.execute(_event_insert(connection.dialect.name), list(fresh.values()))
            touched: dict[str, None] = {}
            for entry in entries:
                if entry.entry_id not in fresh:
                    continue
                if entry.kind is EntryKind.TRANSCRIPT:
                    await _put_line(connection, entry)
                elif entry.kind is EntryKind.CALLBACK:
                    await put_callback(connection, entry)
                elif entry.kind is EntryKind.VISIT:
                    await put_visit(connection, entry)
                elif entry.kind is EntryKind.SUPERVISION:
                    await put_supervision(connection, entry)
                elif entry.kind is EntryKind.AGENT_STATE:
                    await _put_agent_states(connection, [entry], self._clock())
                elif entry.kind in CALL_KINDS and entry.call_id:
                    touched[entry.call_id] = None
            await _project(connection, sorted(touched), self._clock())

    async def refold(self, since: float, until: float) -> int:
        """Make the rows of calls that began in a span, and of agents' states in it, again from the journal.

        Rows that were written by an earlier version get what it did not keep. Returns the number of calls.
        """
        chosen = select(calls.c.call_id).where(calls.c.started >= since, calls.c.started < until)
        states = select(call_events).where(
            call_events.c.kind == EntryKind.AGENT_STATE.value,
            call_events.c.at >= since,
            call_events.c.at < until,
        )
        async with self._engine.connect() as connection:
            ids = list((await connection.scalars(chosen.order_by(calls.c.started, calls.c.call_id))).all())
            noted = [_convert(row, Entry) for row in (await connection.execute(states)).mappings()]
        for first in range(0, len(ids), REFOLD_CHUNK):
            async with writing(self._engine) as connection:
                await _project(connection, ids[first : first + REFOLD_CHUNK], self._clock())
        for first in range(0, len(noted), REFOLD_CHUNK):
            async with writing(self._engine) as connection:
                await _put_agent_states(connection, noted[first : first + REFOLD_CHUNK], self._clock())
        return len(ids)

    # ------------------------------------------------------------ questions

    async def call(self, call_id: str) -> CallRecord | None:
        """Return one call, None when there is none of this id."""
        async with self._engine.connect() as connection:
            found = await connection.execute(select(calls).where(calls.c.call_id == call_id))
            row = found.mappings().first()
        return None if row is None else _record(row)

    async def calls(self, which: CallFilter) -> CallPage:
        """Return one page of the calls that match, newest first.

        Raises:
            ValueError: naming the key of the filter that is out of bounds.
        """
        which.check()
        chosen = matching(which)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(chosen.subquery()))
            rows = await connection.execute(
                chosen.order_by(calls.c.started.desc(), calls.c.call_id)
                .limit(which.size)
                .offset((which.page - 1) * which.size)
            )
            found = tuple(_record(row) for row in rows.mappings())
        return CallPage(total=total or 0, page=which.page, size=which.size, calls=found)

    async def transcript(self, call_id: str) -> tuple[TranscriptLine, ...]:
        """Return what was said, by time; empty for an unknown call."""
        query = select(transcript_lines).where(transcript_lines.c.call_id == call_id)
        query = query.order_by(transcript_lines.c.start_s, transcript_lines.c.line_id).limit(TRANSCRIPT_MAX)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query)
            return tuple(_convert(row, TranscriptLine) for row in rows.mappings())

    async def last_for_caller(self, number: str, limit: int = 10) -> tuple[CallRecord, ...]:
        """Return the newest calls from this number, at most 50."""
        query = select(calls).where(calls.c.caller == number).order_by(calls.c.started.desc())
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.limit(min(max(limit, 1), HISTORY_MAX)))
            return tuple(_record(row) for row in rows.mappings())

    async def messages_of(self, call_ids: Sequence[str]) -> Sequence[Entry]:
        """Return the voice messages of these calls, in the order left."""
        query = select(call_events).where(
            call_events.c.call_id.in_(call_ids), call_events.c.kind == EntryKind.MESSAGE.value
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(call_events.c.entry_id))
            return [_convert(row, Entry) for row in rows.mappings()]

    async def messages(self, *, since: float, limit: int, offset: int) -> tuple[int, Sequence[Entry]]:
        """Return how many voice messages were left after `since`, and one page of them, newest first."""
        own = (call_events.c.kind == EntryKind.MESSAGE.value) & (call_events.c.at >= since)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(call_events).where(own))
            rows = await connection.execute(
                select(call_events)
                .where(own)
                .order_by(call_events.c.at.desc(), call_events.c.entry_id)
                .limit(limit)
                .offset(offset)
            )
            return total or 0, [_convert(row, Entry) for row in rows.mappings()]

    async def entries(self, call_id: str) -> tuple[Entry, ...]:
        """Return everything written about a call, in order."""
        async with self._engine.connect() as connection:
            return await entries_of(connection, [call_id])

    async def last_entry(self, call_id: str, kind: EntryKind | None = None) -> Entry | None:
        """Return the newest entry of a call (of one kind), None when there is none."""
        query = select(call_events).where(call_events.c.call_id == call_id)
        if kind is not None:
            query = query.where(call_events.c.kind == kind.value)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(call_events.c.entry_id.desc()).limit(1))
            row = rows.mappings().first()
        return None if row is None else _convert(row, Entry)


def _without_values(error: Exception) -> str:
    """Say what is wrong without quoting the value, which may be a citizen's."""
    if isinstance(error, msgspec.ValidationError):
        _, _, where = str(error).rpartition(" - at ")
        return f"data is not as its kind says, {where or 'at `$`'}"
    return str(error)


def _convert(row: Mapping[Any, Any], kind: type[Any]) -> Any:
    return msgspec.convert({name: row[name] for name in kind.__struct_fields__}, kind)


def _record(row: Mapping[Any, Any]) -> CallRecord:
    record: CallRecord = _convert(row, CallRecord)
    return record


@cache
def _event_insert(dialect: str) -> sqlite.Insert | postgresql.Insert:
    return insert_for(dialect, call_events).on_conflict_do_nothing()


async def _put_line(connection: AsyncConnection, entry: Entry) -> None:
    values = msgspec.to_builtins(line_of(entry))
    await connection.execute(
        newest_wins(connection.dialect.name, transcript_lines),
        [{**values, "call_id": entry.call_id, "entry_id": entry.entry_id}],
    )


async def _put_agent_states(connection: AsyncConnection, entries: Sequence[Entry], now: float) -> None:
    """One row for each entry that can be read; those that are there stay."""
    noted = [one for entry in entries if (one := agent_noted(entry)) is not None]
    if noted:
        insert = _agent_state_insert(connection.dialect.name)
        await connection.execute(insert, [{**msgspec.to_builtins(one), "written": now} for one in noted])


@cache
def _agent_state_insert(dialect: str) -> sqlite.Insert | postgresql.Insert:
    return insert_for(dialect, agent_states).on_conflict_do_nothing()


async def _project(connection: AsyncConnection, call_ids: Sequence[str], now: float) -> None:
    """Fold the entries of these calls again and store what they amount to."""
    if not call_ids:
        return
    grouped: dict[str, list[Entry]] = {}
    for entry in await entries_of(connection, call_ids, CALL_KINDS):
        grouped.setdefault(entry.call_id, []).append(entry)
    rows = []
    for call_id in call_ids:
        entries_of_call = grouped.get(call_id, [])
        record = fold(call_id, entries_of_call)
        if record is not None:
            more = msgspec.to_builtins(handling(entries_of_call))
            rows.append({**msgspec.to_builtins(record), **more, "written": now})
    if rows:
        await connection.execute(_call_upsert(connection.dialect.name), rows)


@cache
def _call_upsert(dialect: str) -> sqlite.Insert | postgresql.Insert:
    """The statement that stores what calls amount to; making it takes longer than running it."""
    statement = insert_for(dialect, calls)
    new = statement.excluded
    names = (*CallRecord.__struct_fields__, *Handling.__struct_fields__, "written")
    return statement.on_conflict_do_update(
        index_elements=[calls.c.call_id],
        set_={name: new[name] for name in names if name != "call_id"},
    )
