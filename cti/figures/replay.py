"""Facts made again from the journal: every entry of every call is folded anew, and no other table is read.

What an order says is folded from its own chained history (`order_events`), which is the orders' journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cti.call_records import RECORD_KINDS, fold
from cti.callback_records import row_of
from cti.entries import entries_of
from cti.figures.assemble import COLUMNS, Matter, first_matters
from cti.figures.facts import CallKind, Span
from cti.figures.fold import HANDLING_KINDS, AgentNoted, agent_noted, handling
from cti.figures.load import SUBMITTED
from cti.figures.source import FactSource, Rows
from cti.messages import Entry, EntryKind
from cti.tables import call_events
from orders import chain
from orders.lifecycle import replay, value_of
from orders.messages import DraftOpened, OrderField
from orders.tables import order_events

__all__ = ["JournalFacts"]

LATE_S = 6 * 3600.0
"""The first entry about a call or a call-back comes at most so long after its beginning."""
ORDER_LATE_S = 31 * 86400.0
"""And an order of a call is opened so long after it at the latest."""
CHUNK = 500
KINDS = tuple(dict.fromkeys((*RECORD_KINDS, *HANDLING_KINDS)))
_OPENED = "draft_opened"


class JournalFacts(FactSource):
    """Facts from the journal."""

    async def _calls(self, connection: AsyncConnection, piece: Span) -> Rows:
        rows: list[Sequence[Any]] = []
        for ids in _chunks(await _ids(connection, piece, (EntryKind.CALL_STATE,))):
            entries = await entries_of(connection, ids, KINDS)
            ordered = sorted(entries, key=attrgetter("call_id", "entry_id"))
            for call_id, of_call in groupby(ordered, key=attrgetter("call_id")):
                row = _row(call_id, list(of_call))
                if row is not None and piece.holds(row[1]):
                    rows.append(row)
        rows.sort(key=lambda row: (row[1], row[0]))
        return Rows(calls=rows, matters=await _matters(connection, piece, {row[0] for row in rows}))

    async def _talks(self, connection: AsyncConnection, piece: Span) -> Iterable[tuple[str, str, float]]:
        rows = await self._calls(connection, piece)
        kind, caller, answered = COLUMNS.index("kind"), COLUMNS.index("caller"), COLUMNS.index("answered")
        return [
            (row[caller], rows.matters[row[0]].category, row[1])
            for row in rows.calls
            if row[0] in rows.matters and row[answered] is not None and row[kind] == CallKind.INBOUND.value
        ]

    async def _noted(self, connection: AsyncConnection, around: Span) -> Sequence[AgentNoted]:
        found = await connection.execute(
            select(call_events).where(
                call_events.c.kind == EntryKind.AGENT_STATE.value, _at(around.since, around.until)
            )
        )
        noted = (agent_noted(_entry(row)) for row in found.mappings())
        return [one for one in noted if one is not None]

    async def _callbacks(self, connection: AsyncConnection, piece: Span) -> Sequence[Mapping[Any, Any]]:
        newest: dict[str, Entry] = {}
        for ids in _chunks(await _ids(connection, piece, (EntryKind.CALLBACK,))):
            for entry in await entries_of(connection, ids, (EntryKind.CALLBACK,)):
                newest[entry.call_id] = entry
        rows = [row_of(entry) for entry in newest.values()]
        return sorted(
            (row for row in rows if piece.holds(row["first_at"])),
            key=lambda row: (row["first_at"], row["callback_id"]),
        )


def _row(call_id: str, entries: Sequence[Entry]) -> Sequence[Any] | None:
    """What the table would hold of a call, in the order of COLUMNS."""
    record = fold(call_id, [entry for entry in entries if entry.kind in RECORD_KINDS])
    if record is None:
        return None
    told = msgspec.to_builtins(record) | msgspec.to_builtins(handling(entries))
    return [told[name] for name in COLUMNS]


async def _ids(connection: AsyncConnection, piece: Span, kinds: Sequence[EntryKind]) -> list[str]:
    """Ids of everything that something was written about in a piece, or soon after it."""
    found = await connection.scalars(
        select(call_events.c.call_id)
        .where(
            call_events.c.kind.in_([kind.value for kind in kinds]),
            call_events.c.call_id != "",
            _at(piece.since, piece.until + LATE_S),
        )
        .distinct()
    )
    return sorted(found.all())


async def _matters(connection: AsyncConnection, piece: Span, call_ids: set[str]) -> dict[str, Matter]:
    opened = await connection.execute(
        select(order_events.c.order_id, order_events.c.data).where(
            order_events.c.kind == _OPENED,
            order_events.c.at >= piece.since,
            order_events.c.at < piece.until + ORDER_LATE_S,
        )
    )
    of_order: dict[str, str] = {}
    for order_id, data in opened:
        event = chain.decode(_OPENED, data)
        if isinstance(event, DraftOpened) and event.call_id in call_ids:
            of_order[order_id] = event.call_id
    rows: list[tuple[str, float, str, str, str]] = []
    for ids in _chunks(sorted(of_order)):
        events = await connection.execute(
            select(order_events.c.order_id, order_events.c.at, order_events.c.kind, order_events.c.data)
            .where(order_events.c.order_id.in_(ids))
            .order_by(order_events.c.order_id, order_events.c.seq)
        )
        for order_id, of_this in groupby(events.all(), key=lambda row: row[0]):
            history = [(chain.decode(kind, data), at) for _, at, kind, data in of_this]
            draft = replay(history)
            if draft is not None and draft.state in SUBMITTED:
                category = value_of(draft, OrderField.CATEGORY)
                district = value_of(draft, OrderField.DISTRICT)
                rows.append((of_order[order_id], history[0][1], order_id, category, district))
    return first_matters(rows)


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[first : first + CHUNK] for first in range(0, len(ids), CHUNK))


def _at(since: float, until: float) -> ColumnElement[bool]:
    return and_(call_events.c.at >= since, call_events.c.at < until)


def _entry(row: Mapping[Any, Any]) -> Entry:
    return msgspec.convert({name: row[name] for name in Entry.__struct_fields__}, Entry)
