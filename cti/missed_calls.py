"""Calls of citizens whom nobody spoke with and nobody calls back (漏接来电): read from calls and call-backs.

Where missed calls become call-backs by themselves (callbacks.automatic), few are left here; where they do
not, this is the list of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, String, cast, exists, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.figures.facts import CallKind
from cti.message_base import Outcome
from cti.tables import callbacks, calls

__all__ = ["DAYS", "MISSED", "MissedCall", "MissedCalls", "MissedPage"]

DAYS = 3.0
"""So long a call stays in the list, as long as a call-back may be wished for."""
LASTED_S = 5.0
"""Who hung up sooner did not wait for anybody."""
MISSED = frozenset({Outcome.ABANDONED_WAITING, Outcome.FAILED})
"""How such a call ended."""


class MissedCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call. Times are epoch seconds."""

    call_id: str
    caller: str  # calling number
    queue: str  # in which the citizen waited
    queue_title: str  # its Chinese name
    started: float
    ended: float
    outcome: Outcome


class MissedPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page, newest first."""

    total: int
    page: int
    size: int
    calls: Sequence[MissedCall]


class MissedCalls:
    """Reads them. SQLAlchemy's errors pass through when the database cannot be reached."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def page(self, now: float, *, page: int, size: int) -> MissedPage:
        """Return one page of the missed calls of the last three days."""
        query = _missed(now)
        newest = query.order_by(calls.c.started.desc(), calls.c.call_id)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(query.subquery()))
            rows = await connection.execute(newest.limit(size).offset((page - 1) * size))
            found = tuple(_call(row) for row in rows.mappings())
        return MissedPage(total=total or 0, page=page, size=size, calls=found)

    async def count(self, now: float) -> int:
        """Return how many there are."""
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(_missed(now).subquery()))
        return total or 0


def _missed(now: float) -> Select[Any]:
    """Calls that nobody took, of numbers that nobody spoke with since and that nobody is to call back."""
    later = calls.alias()
    spoken = exists().where(
        later.c.caller == calls.c.caller,
        later.c.started >= calls.c.started,
        later.c.outcome == Outcome.ANSWERED.value,
    )
    own = cast(callbacks.c.calls, String).contains(calls.c.call_id)
    wished = exists().where(
        callbacks.c.last_at >= calls.c.started, (callbacks.c.number == calls.c.caller) | own
    )
    return select(calls).where(
        calls.c.started >= now - DAYS * 86_400.0,
        calls.c.outcome.in_(sorted(MISSED)),
        calls.c.kind == CallKind.INBOUND.value,
        calls.c.media != "text",
        calls.c.caller != "",
        calls.c.ended - func.coalesce(calls.c.queued, calls.c.started) >= LASTED_S,
        ~spoken,
        ~wished,
    )


def _call(row: Mapping[Any, Any]) -> MissedCall:
    return msgspec.convert({name: row[name] for name in MissedCall.__struct_fields__}, MissedCall)
