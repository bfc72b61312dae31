"""Units and their rules in the database; an import replaces the whole table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

import msgspec
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from orders.advice_tables import unit_rules, units
from orders.unit_table import Unit, UnitRule

__all__ = ["UnitStore"]


class UnitStore:
    """Reads and writes units. Raises SQLAlchemy's errors when the database cannot be reached."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        """Use `engine` (SQLite or PostgreSQL)."""
        self._engine = engine
        self._clock = clock

    async def units(self) -> tuple[Unit, ...]:
        """Return all units; () while none were imported."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(units.c.data).order_by(units.c.name))
            return tuple(msgspec.json.decode(row.data, type=Unit) for row in rows)

    async def rules(self) -> tuple[UnitRule, ...]:
        """Return all rules."""
        columns = [unit_rules.c[name] for name in UnitRule.__dataclass_fields__]
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(*columns).order_by(unit_rules.c.rule_id))
            return tuple(UnitRule(**row._mapping) for row in rows)

    async def stamp(self) -> tuple[int, float, int, float]:
        """Return how many units and rules there are and when they changed: another value, other units."""
        async with self._engine.connect() as connection:
            found: list[float] = []
            for table in (units, unit_rules):
                query = select(func.count(), func.max(table.c.changed_at)).select_from(table)
                count, newest = (await connection.execute(query)).one()
                found += [count, newest or 0.0]
        return int(found[0]), float(found[1]), int(found[2]), float(found[3])

    async def replace_units(self, given: Sequence[Unit]) -> None:
        """Make these the units; rules of units that are no more go with them."""
        at = self._clock()
        names = [unit.name for unit in given]
        async with self._engine.begin() as connection:
            await connection.execute(delete(units))
            if given:
                await connection.execute(
                    insert(units),
                    [
                        {
                            "name": unit.name, "level": unit.level, "parent": unit.parent,
                            "data": msgspec.json.encode(unit).decode(), "changed_at": at,
                        }
                        for unit in given
                    ],
                )  # fmt: skip
            known = {row.unit for row in await connection.execute(select(unit_rules.c.unit).distinct())}
            for gone in known.difference(names):
                await connection.execute(delete(unit_rules).where(unit_rules.c.unit == gone))

    async def replace_rules(self, given: Sequence[UnitRule]) -> None:
        """Make these the rules."""
        at = self._clock()
        async with self._engine.begin() as connection:
            await connection.execute(delete(unit_rules))
            if given:
                await connection.execute(
                    insert(unit_rules), [{**asdict(rule), "changed_at": at} for rule in given]
                )
