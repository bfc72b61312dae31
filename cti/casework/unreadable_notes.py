"""Writes into the trail, for auditors, that an order cannot be read: once for each, whoever leads."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import audit
from cti.database import writing
from cti.tables import audit as trail
from orders.course_messages import SYSTEM

__all__ = ["UNREADABLE", "note_unreadable"]

UNREADABLE = "order_unreadable"
AT_ONCE = 200
AGAIN_S = 30 * 86_400.0
"""What still cannot be read after so long is written down again."""


async def note_unreadable(engine: AsyncEngine, ids: Sequence[str], now: float) -> int:
    """Note those that were not noted lately; return how many were. SQLAlchemy's errors pass through."""
    noted = 0
    for first in range(0, len(ids), AT_ONCE):
        some = [order_id[: audit.TARGET_MAX] for order_id in ids[first : first + AT_ONCE]]
        query = select(trail.c.target).where(
            trail.c.what == UNREADABLE, trail.c.target.in_(some), trail.c.at > now - AGAIN_S
        )
        async with engine.connect() as connection:
            known = set(await connection.scalars(query))
        new = [order_id for order_id in some if order_id not in known]
        if new:
            async with writing(engine) as connection:
                for order_id in new:
                    await audit.note(connection, at=now, who=SYSTEM, what=UNREADABLE, target=order_id)
            noted += len(new)
    return noted
