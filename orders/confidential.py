"""Which calls and orders belong to confidential matters (举报保密), asked for many at once."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from orders.fields import CONFIDENTIAL
from orders.messages import OrderState
from orders.tables import orders

__all__ = ["Confidential"]


class Confidential:
    """Reads the orders. SQLAlchemy's errors pass through when the database cannot be reached."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def calls(self, call_ids: Collection[str], *, but_for: str = "") -> frozenset[str]:
        """Return those of the calls that have a confidential order.

        Drafts that `but_for` (a login) is still filling in do not count, nor those that nobody has
        touched yet.
        """
        query = select(orders.c.call_id, orders.c.state, orders.c.agent).where(
            orders.c.call_id.in_([one for one in call_ids if one]), orders.c.secrecy == CONFIDENTIAL
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return frozenset(
            row.call_id
            for row in rows
            if row.state != OrderState.DRAFT.value or row.agent not in ("", but_for)
        )

    async def orders(self, order_ids: Collection[str]) -> frozenset[str]:
        """Return those of the orders that are confidential."""
        query = select(orders.c.id).where(orders.c.id.in_(list(order_ids)), orders.c.secrecy == CONFIDENTIAL)
        async with self._engine.connect() as connection:
            return frozenset(await connection.scalars(query))
