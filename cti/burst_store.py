"""Waves of calls in the database: what the leading server found, and what people did about them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import RowMapping, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.audit import note
from cti.board_tables import burst_orders, bursts
from cti.database import upsert, writing
from cti.messages import BurstView
from orders.bursts import Burst, Mention, Scale
from orders.messages import OrderState
from orders.tables import orders

__all__ = ["OPEN", "BurstStore", "KeptBurst", "Marked"]

OPEN = "open"
SHOWN_S = 6 * 3600.0
"""Waves that ended so recently are still shown."""
READ_MOST = 5_000


class KeptBurst(msgspec.Struct, frozen=True, kw_only=True):
    """One wave, and what was done about it."""

    burst_id: str
    scale: Scale
    title: str
    category: str
    district: str
    place: str
    orders: Sequence[str]
    callers: int
    since: float
    last: float
    over_at: float | None
    state: str  # open, noticed, announced, dismissed
    who: str  # login of who did it, "" nobody
    changed_at: float

    def view(self) -> BurstView:
        """What pages are shown."""
        return BurstView(
            burst_id=self.burst_id, title=self.title, category=self.category, district=self.district,
            place=self.place, orders=tuple(self.orders), callers=self.callers, since=self.since,
            last=self.last, state="over" if self.over_at is not None else self.state,
        )  # fmt: skip

    def burst(self) -> Burst:
        """As the engine knows it."""
        return Burst(
            burst_id=self.burst_id, scale=self.scale, category=self.category, district=self.district,
            place=self.place, orders=tuple(self.orders), callers=self.callers, since=self.since,
            last=self.last,
        )  # fmt: skip


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """An order that people have linked with a wave."""

    order_id: str
    call_id: str


class BurstStore:
    """Keeps waves; SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    async def recent(self) -> tuple[KeptBurst, ...]:
        """Waves that are not over, or have been for less than six hours, newest first."""
        now = self._clock()
        recent = or_(bursts.c.over_at.is_(None), bursts.c.over_at > now - SHOWN_S)
        query = select(bursts).where(recent).order_by(bursts.c.last.desc(), bursts.c.burst_id).limit(200)
        async with self._engine.connect() as connection:
            return tuple(_read(row) for row in (await connection.execute(query)).mappings())

    async def find(self, burst_id: str) -> KeptBurst | None:
        """One wave, or None."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(bursts).where(bursts.c.burst_id == burst_id))
            row = rows.mappings().first()
        return None if row is None else _read(row)

    async def keep(self, found: Iterable[Burst]) -> None:
        """Write waves as they are now; what people did about them stands."""
        now = self._clock()
        async with writing(self._engine) as connection:
            for burst in found:
                row = {
                    "scale": burst.scale.value, "title": burst.title[:200], "category": burst.category[:200],
                    "district": burst.district[:80], "place": burst.place[:200], "orders": list(burst.orders),
                    "callers": burst.callers, "since": burst.since, "last": burst.last,
                    "over_at": now if burst.over else None,
                }  # fmt: skip
                await connection.execute(
                    upsert(connection, bursts)
                    .values(burst_id=burst.burst_id, state=OPEN, who="", changed_at=now, **row)
                    .on_conflict_do_update(index_elements=[bursts.c.burst_id], set_=row)
                )

    async def move(
        self, burst_id: str, state: str, *, by: str, detail: Mapping[str, object]
    ) -> KeptBurst | None:
        """Somebody did something about it; None when there is no such wave."""
        now = self._clock()
        async with writing(self._engine) as connection:
            moved = await connection.execute(
                update(bursts)
                .where(bursts.c.burst_id == burst_id)
                .values(state=state, who=by, changed_at=now)
            )
            if not moved.rowcount:
                return None
            await note(
                connection, at=now, who=by, what=f"burst_{state}", target=burst_id, detail=dict(detail)
            )
            rows = await connection.execute(select(bursts).where(bursts.c.burst_id == burst_id))
            return _read(rows.mappings().one())

    async def mark(self, burst_id: str, order_ids: Sequence[str], *, by: str) -> tuple[Marked, ...]:
        """Link these orders with a wave; returns those that were not linked with it before."""
        now = self._clock()
        async with writing(self._engine) as connection:
            known = await connection.scalars(
                select(burst_orders.c.order_id).where(
                    burst_orders.c.burst_id == burst_id, burst_orders.c.order_id.in_(order_ids)
                )
            )
            done = set(known)
            rows = await connection.execute(
                select(orders.c.id, orders.c.call_id).where(orders.c.id.in_(order_ids))
            )
            fresh = [Marked(order_id=row.id, call_id=row.call_id) for row in rows if row.id not in done]
            for one in fresh:
                row = {"burst_id": burst_id, "call_id": one.call_id, "who": by, "at": now}
                await connection.execute(
                    upsert(connection, burst_orders)
                    .values(order_id=one.order_id, **row)
                    .on_conflict_do_update(index_elements=[burst_orders.c.order_id], set_=row)
                )
            if fresh:
                await note(
                    connection, at=now, who=by, what="burst_orders_linked", target=burst_id,
                    detail={"orders": [one.order_id for one in fresh]},
                )  # fmt: skip
        return tuple(fresh)

    async def marked(self, burst_id: str) -> tuple[str, ...]:
        """Orders that people have linked with this wave."""
        query = select(burst_orders.c.order_id).where(burst_orders.c.burst_id == burst_id)
        async with self._engine.connect() as connection:
            return tuple(await connection.scalars(query.order_by(burst_orders.c.at, burst_orders.c.order_id)))

    async def mentions(
        self, *, changed_since: float, begun_since: float, also: Sequence[str] = ()
    ) -> tuple[tuple[Mention, ...], tuple[str, ...]]:
        """What orders say that were changed since, of calls since then; and ids of those given up.

        `also`: orders that are read whatever their times are.
        """
        columns = (
            orders.c.id, orders.c.created_at, orders.c.caller, orders.c.category, orders.c.district,
            orders.c.street, orders.c.place, orders.c.subject, orders.c.state,
        )  # fmt: skip
        wanted = (orders.c.updated_at >= changed_since) & (orders.c.created_at >= begun_since)
        if also:
            wanted |= orders.c.id.in_(also)
        query = select(*columns).where(wanted).order_by(orders.c.updated_at.desc()).limit(READ_MOST)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        discarded = OrderState.DISCARDED.value
        said = tuple(
            Mention(
                order_id=row.id, at=row.created_at, caller=row.caller, category=row.category,
                district=row.district, street=row.street, place=row.place, subject=row.subject,
            )
            for row in rows
            if row.state != discarded
        )  # fmt: skip
        return said, tuple(row.id for row in rows if row.state == discarded)


def _read(row: RowMapping) -> KeptBurst:
    return msgspec.convert({name: row[name] for name in KeptBurst.__struct_fields__}, KeptBurst)
