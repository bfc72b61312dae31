"""Orders that are with units which a new table of units does not have any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from orders.course_tables import order_units
from orders.tables import orders
from orders.unit_known import UnitNames

__all__ = ["Held", "HeldOrder", "held_by_missing"]

LISTED_MOST = 50
NAMES_MOST = 400
"""Names in one question to the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOrder:
    """An open order of a unit that is no more."""

    order_id: str  # which
    number: str  # 工单编号
    title: str  # its title
    unit: str  # whose
    role: str  # lead or joint


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What would be left without a unit."""

    total: int  # open parts in orders
    units: Mapping[str, int]  # unit that is no more -> its open orders
    first: Sequence[HeldOrder]  # at most 50 of them


async def held_by_missing(engine: AsyncEngine, names: UnitNames) -> Held:
    """Return the open orders of units that are not among `names`."""
    part = order_units
    counts = select(part.c.unit, func.count().label("open")).where(part.c.open).group_by(part.c.unit)
    async with engine.connect() as connection:
        found = {
            row.unit: int(row.open) for row in await connection.execute(counts) if not names.knows(row.unit)
        }
        listed: list[HeldOrder] = []
        missing = sorted(found)
        for start in range(0, len(missing), NAMES_MOST):
            if len(listed) >= LISTED_MOST:
                break
            query = (
                select(part.c.order_id, part.c.unit, part.c.role, orders.c.number, orders.c.title)
                .join(orders, orders.c.id == part.c.order_id)
                .where(part.c.open, part.c.unit.in_(missing[start : start + NAMES_MOST]))
                .order_by(part.c.unit, part.c.due, part.c.order_id)
                .limit(LISTED_MOST - len(listed))
            )
            listed += [
                HeldOrder(
                    order_id=row.order_id, number=row.number or "", title=row.title, unit=row.unit,
                    role=row.role,
                )
                for row in await connection.execute(query)
            ]  # fmt: skip
    return Held(total=sum(found.values()), units=found, first=tuple(listed))
