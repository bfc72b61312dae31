"""An order whose row somebody spoiled by hand."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from orders.tables import orders


async def damage(engine: AsyncEngine, order_id: str) -> None:
    """Cut the course in the order's row off, as a torn write does."""
    async with engine.begin() as connection:
        done = await connection.execute(
            update(orders).where(orders.c.id == order_id).values(course_json='{"state":"acce')
        )
        assert done.rowcount == 1
