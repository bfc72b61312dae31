"""Seals all orders that changed, and frozen months (封存): by hand, and each night by the leading server."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti import audit
from cti.casework.assessment_seals import unsealed_beside
from cti.casework.seal_check import seal_columns
from cti.database import upsert, writing
from orders.seal_tables import order_seals, sealed_orders
from orders.seals import HEADS_MOST, Head, Seal, sealed
from orders.tables import order_events, orders

__all__ = ["Sealer"]

log = logging.getLogger(__name__)

ATTEMPTS = 3
_COLUMNS = tuple(column for column in order_seals.c if column.name != "heads")


class Sealer:
    """Writes and lists seals. SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    async def seal(self, by: str) -> tuple[Seal, ...]:
        """Seal all that changed since it was last sealed; return the seals, none when nothing changed.

        `by` is a login or "system". Two who seal at once do not get in one another's way.
        """
        made: list[Seal] = []
        last, attempts = "", 0
        while True:
            try:
                seal, last = await self._write(last, by)
            except IntegrityError:  # somebody else sealed meanwhile
                attempts += 1
                if attempts == ATTEMPTS:
                    raise
                continue
            if seal is None:
                return tuple(made)
            made.append(seal)

    async def newest(self, limit: int = 30) -> tuple[Seal, ...]:
        """Return the newest seals, the newest first."""
        query = select(*_COLUMNS).order_by(order_seals.c.id.desc()).limit(min(max(limit, 1), 200))
        async with self._engine.connect() as connection:
            return tuple(seal_columns(row) for row in await connection.execute(query))

    @staticmethod
    async def _heads(connection: AsyncConnection, last: str) -> tuple[list[Head], dict[str, int]]:
        """Return heads to be sealed, after this order id, and how far each was sealed before."""
        newest = (order_events.c.order_id == orders.c.id) & (order_events.c.seq == orders.c.version)
        before = func.coalesce(sealed_orders.c.seq, 0)
        joined = orders.outerjoin(sealed_orders, sealed_orders.c.order_id == orders.c.id).join(
            order_events, newest
        )
        query = (
            select(orders.c.id, orders.c.version, order_events.c.hash, before.label("before"))
            .select_from(joined)
            .where(orders.c.id > last, orders.c.version > before)
            .order_by(orders.c.id)
            .limit(HEADS_MOST)
        )
        rows = (await connection.execute(query)).all()
        heads = [Head(order_id=row.id, seq=row.version, hash=row.hash) for row in rows]
        return heads, {row.id: row.before for row in rows}

    async def _write(self, last: str, by: str) -> tuple[Seal | None, str]:
        """Write the next seal over orders after this order id; return it, and its last order id."""
        async with writing(self._engine) as connection:
            previous = await self._last(connection)  # first: whoever seals meanwhile takes this one's id
            heads, before = await self._heads(connection, last)
            last = heads[-1].order_id if heads else last
            events = sum(head.seq - before[head.order_id] for head in heads)
            beside, told = await unsealed_beside(connection, self._clock())
            if len(heads) + len(beside) <= HEADS_MOST:  # else they stand in the next one
                heads, events = [*heads, *beside], events + told
            if not heads:
                return None, last
            seal, kept = sealed(previous, heads, events=events, at=self._clock(), by=by)
            values = {column.name: getattr(seal, column.name) for column in _COLUMNS}
            await connection.execute(insert(order_seals).values(**values, heads=kept))
            statement = upsert(connection, sealed_orders)
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[sealed_orders.c.order_id], set_={"seq": statement.excluded.seq}
                ),
                [{"order_id": head.order_id, "seq": head.seq} for head in heads],
            )
            await audit.note(
                connection,
                at=seal.at,
                who=by,
                what="orders_sealed",
                target=str(seal.id),
                detail={"orders": seal.orders, "events": seal.events, "hash": seal.hash},
            )
        # the hash leaves the database here: logs are kept elsewhere
        log.info("orders sealed", extra={"seal": seal.id, "orders": seal.orders, "seal_hash": seal.hash})
        return seal, last

    @staticmethod
    async def _last(connection: AsyncConnection) -> Seal | None:
        query = select(*_COLUMNS).order_by(order_seals.c.id.desc()).limit(1)
        row = (await connection.execute(query)).one_or_none()
        return None if row is None else seal_columns(row)
