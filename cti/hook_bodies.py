"""What webhooks tell of an event: the object as it is at that moment, without anybody's number or words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import msgspec
from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.board_tables import alerts, announcements, bursts
from cti.tables import callbacks, calls, transcript_lines
from cti.webhooks import HookEvent, HookKind

__all__ = ["describing"]

Find = Callable[[str], Awaitable[object]]
"""An object by its id, as it is told to others; None when there is none."""


_SHOWN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "alert": ("alert_id", "title", "level", "figure", "value", "threshold", "since", "until"),
        "callback": (
            "callback_id", "state", "state_since", "origin", "queue", "urgent", "since", "tries", "failures",
            "call_id",
        ),
        "burst": (
            "burst_id", "scale", "title", "category", "district", "place", "callers", "since", "last",
            "over_at", "state",
        ),
        "announcement": (
            "announcement_id", "title", "text", "district", "called", "since", "until", "approved_at",
            "withdrawn_at", "burst_id",
        ),
    }
)  # fmt: skip
"""First part of a kind -> columns that are told."""


_TABLES: Mapping[str, Table] = MappingProxyType(
    {"alert": alerts, "callback": callbacks, "burst": bursts, "announcement": announcements}
)


def describing(engine: AsyncEngine, call: Find, order: Find) -> Callable[[HookEvent], Awaitable[object]]:
    """Return what tells of an event; `call` and `order` find those objects. None: it is gone."""

    async def describe(event: HookEvent) -> object:
        family = event.kind.value.partition(".")[0]
        if event.kind is HookKind.TOPIC_RAISED:
            family = "alert"
        if family == "call":
            return await call(event.ref)
        if family == "transcript":
            return await _transcript(engine, event.ref)
        if family not in _SHOWN:
            return await order(event.ref)
        async with engine.connect() as connection:
            columns = [_TABLES[family].c[name] for name in _SHOWN[family]]
            row = (
                (await connection.execute(select(*columns).where(columns[0] == event.ref))).mappings().first()
            )
        return None if row is None else msgspec.to_builtins(dict(row))

    return describe


async def _transcript(engine: AsyncEngine, call_id: str) -> object:
    """Where a transcript is to be had; none of its words."""
    lines = select(func.count()).where(transcript_lines.c.call_id == call_id).scalar_subquery()
    query = select(calls.c.ended, lines.label("lines")).where(calls.c.call_id == call_id)
    async with engine.connect() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    address = f"/api/calls/{call_id}/transcript"
    return {"call_id": call_id, "ended": row.ended, "lines": row.lines, "address": address}
