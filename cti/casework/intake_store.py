"""Requests that make orders without a call: each once, known again by key, receipt, or external id."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import ColumnElement, Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.casework.citizen_tables import intake, intake_days
from cti.database import upsert, writing
from orders.errors import KeyReused
from orders.intake import OUTSIDE, AlreadyTaken, Matter, content_hash, receipt_of
from orders.messages import OrderState
from orders.order_pages import page_of
from orders.records import OrderFilter, OrderPage
from orders.rows import matching
from orders.tables import orders
from orders.unreadable import Unreadable

__all__ = ["IntakeStore", "Taken"]

CHINA = ZoneInfo("Asia/Shanghai")
ABANDONED_S = 60.0
"""A request that made no order within this time gives its external id back."""
_CHANNELS = tuple(channel.value for channel in OUTSIDE)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it is kept."""

    order_id: str  # the order that it makes
    receipt: str  # 登记号
    system: str  # which system it comes from
    external_id: str | None  # its id there
    who: str  # login, "api:<token>" or "citizen"
    at: float  # epoch seconds


class IntakeStore:
    """Keeps requests. SQLAlchemy's errors pass through when the database is away."""

    def __init__(
        self,
        engine: AsyncEngine,
        unreadable: Unreadable | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`unreadable`: the server's list of orders that cannot be read."""
        self._engine = engine
        self._unreadable = unreadable or Unreadable()
        self._clock = clock

    async def reserve(self, order_id: str, matter: Matter, *, who: str) -> Taken:
        """Keep the request, or return it when it was kept before.

        Raises:
            KeyReused: the request's key came with something else.
            AlreadyTaken: the external id belongs to another order.
        """
        content, now = content_hash(matter), self._clock()
        async with writing(self._engine) as connection:
            known = await self._known(connection, order_id, matter, content, now)
            if known is not None:
                return known
            day = f"{datetime.datetime.fromtimestamp(now, CHINA):%Y%m%d}"
            count = upsert(connection, intake_days).values(day=day, last=1)
            place = await connection.scalar(
                count.on_conflict_do_update(
                    index_elements=[intake_days.c.day], set_={"last": intake_days.c.last + 1}
                ).returning(intake_days.c.last)
            )
            # The day's row is locked now: what another server took in meanwhile is committed.
            known = await self._known(connection, order_id, matter, content, now)
            if known is not None:
                return known
            taken = Taken(
                order_id=order_id,
                receipt=receipt_of(now, int(place or 1), CHINA),
                system=matter.system,
                external_id=matter.external_id or None,
                who=who,
                at=now,
            )
            values = msgspec.to_builtins(taken)
            await connection.execute(insert(intake).values(**values, content_hash=content))
        return taken

    async def of_order(self, order_id: str) -> Taken | None:
        """Return the request that made an order, None for orders of calls."""
        return await self._one(intake.c.order_id == order_id)

    async def by_external(self, system: str, external_id: str) -> Taken | None:
        """Return the request of another system by its id there."""
        return await self._one((intake.c.system == system) & (intake.c.external_id == external_id))

    async def order_numbered(self, number: str) -> str | None:
        """Return the order with this 工单编号 or 登记号."""
        async with self._engine.connect() as connection:
            if number[:1] in "Ww":
                query = select(intake.c.order_id).where(intake.c.receipt == number.upper())
            else:
                query = select(orders.c.id).where(orders.c.number == number)
            found = await connection.scalar(query)
        return None if found is None else str(found)

    async def waiting(self, which: OrderFilter) -> OrderPage:
        """Return one page of what waits to be accepted (待受理), first what came first."""
        chosen = matching(replace(which, state=OrderState.DRAFT)).where(orders.c.channel.in_(_CHANNELS))
        place = (orders.c.created_at, orders.c.id)
        async with self._engine.connect() as connection:
            return await page_of(
                connection, chosen, place, self._unreadable, page=which.page, size=which.size
            )

    # ------------------------------------------------------------ inside

    async def _known(
        self, connection: AsyncConnection, order_id: str, matter: Matter, content: str, now: float
    ) -> Taken | None:
        """Return the request of before; let an external id be used again that led to no order."""
        row = await _row(connection, intake.c.order_id == order_id)
        other = None
        if row is None and matter.external_id:
            same = (intake.c.system == matter.system) & (intake.c.external_id == matter.external_id)
            other = await _row(connection, same)
            if other is not None and other.order_id == order_id:  # the same request, kept this moment
                row = other
        if row is not None:
            if row.content_hash != content:
                raise KeyReused(order_id)
            return _taken(row)
        if other is None:
            return None
        made = await connection.scalar(select(orders.c.id).where(orders.c.id == other.order_id))
        if made is not None or now - other.at < ABANDONED_S:
            raise AlreadyTaken(other.order_id)
        await connection.execute(delete(intake).where(intake.c.order_id == other.order_id))
        return None

    async def _one(self, where: ColumnElement[bool]) -> Taken | None:
        async with self._engine.connect() as connection:
            row = await _row(connection, where)
        return None if row is None else _taken(row)


async def _row(connection: AsyncConnection, where: ColumnElement[bool]) -> Row[Any] | None:
    return (await connection.execute(select(intake).where(where))).one_or_none()


def _taken(row: Row[Any]) -> Taken:
    values = row._mapping
    return msgspec.convert({name: values[name] for name in Taken.__struct_fields__}, Taken)
