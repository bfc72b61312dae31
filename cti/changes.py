"""What changed since somebody last asked: calls, their words, orders. A cursor names a place in that order.

Each object stands at the place of its newest change only, so a reader that falls behind is given every
object once, as it is now. In PostgreSQL changes are given out up to the oldest transaction that is open:
nothing can appear before a cursor that was given out. SQLite has one writer at a time, and the numbers are
their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Select, String, Table, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.errors import HotlineError
from cti.system_tables import changes

__all__ = ["BEGINNING", "Change", "ChangeKind", "ChangeLog", "Cursor", "CursorUnreadable", "settled_after"]


class ChangeKind(StrEnum):
    """What changed."""

    CALL = "call"
    TRANSCRIPT = "transcript"
    ORDER = "order"


class CursorUnreadable(HotlineError):
    """A cursor that was not given out here."""


class Cursor(msgspec.Struct, frozen=True, order=True):
    """A place in the order of changes: everything before it, and itself, has been seen."""

    tx: int = 0
    id: int = 0

    def __str__(self) -> str:
        return f"{self.tx}.{self.id}"

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Return the cursor that was written so. Raises CursorUnreadable."""
        tx, _, number = text.partition(".")
        if not (tx.isdecimal() and number.isdecimal() and len(text) <= 40):
            raise CursorUnreadable("a cursor is two numbers with a point between")
        return cls(int(tx), int(number))


BEGINNING = Cursor()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One object that changed."""

    at: Cursor  # its place
    kind: ChangeKind
    ref: str  # id of the call or order


def settled_after(table: Table, after: Cursor, *, postgresql: bool) -> Select[Any]:
    """Rows of a table with `tx` and `id` after a cursor, in their order, as far as that is settled."""
    query = select(table)
    if not postgresql:  # one writer at a time: `id` alone is the order, and the primary key
        return query.where(table.c.id > after.id).order_by(table.c.id)
    query = query.where(tuple_(table.c.tx, table.c.id) > (after.tx, after.id))
    query = query.where(table.c.tx < literal_column("txid_snapshot_xmin(txid_current_snapshot())"))
    return query.order_by(table.c.tx, table.c.id)


class ChangeLog:
    """Reads what changed. SQLAlchemy's errors pass through when the database is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._postgresql = engine.dialect.name == "postgresql"

    async def newest(self) -> Cursor:
        """Return the place of the newest settled change: what is read now knows everything up to it."""
        query = settled_after(changes, BEGINNING, postgresql=self._postgresql)
        query = query.order_by(None).order_by(changes.c.tx.desc(), changes.c.id.desc()).limit(1)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        return BEGINNING if row is None else Cursor(row.tx, row.id)

    async def since(self, after: Cursor, kinds: Sequence[ChangeKind], limit: int) -> tuple[Change, ...]:
        """Return the first changes of these kinds after the cursor, at most `limit`."""
        query = settled_after(changes, after, postgresql=self._postgresql)
        # SQLite would look every object of a kind up and sort them; the plus keeps it in the order of changes
        kind = changes.c.kind if self._postgresql else literal_column("+changes.kind", String)
        query = query.where(kind.in_([one.value for one in kinds])).limit(limit)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query)
            return tuple(
                Change(at=Cursor(row.tx, row.id), kind=ChangeKind(row.kind), ref=row.ref) for row in rows
            )
