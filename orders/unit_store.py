"""Units and their rules in the database; an import replaces the whole table."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict

import msgspec
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orders.advice_tables import unit_rules, units
from orders.course_messages import SYSTEM
from orders.dispatch_tables import gone_units
from orders.errors import OrderError
from orders.unit_table import Unit, UnitRule

__all__ = ["UnitStore", "UnitsChanged"]

Noted = Callable[[AsyncConnection], Awaitable[None]]


class UnitsChanged(OrderError):
    """Somebody else changed the rules meanwhile; nothing was written."""


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

    async def gone(self) -> tuple[str, ...]:
        """Return the names of units that are no more and had orders, or were in the table before."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(gone_units.c.name).order_by(gone_units.c.name))
            return tuple(row.name for row in rows)

    async def replace_units(
        self,
        given: Sequence[Unit],
        *,
        by: str = SYSTEM,
        gone: Iterable[str] = (),
        noted: Noted | None = None,
    ) -> None:
        """Make these the units; rules of units that are no more go with them.

        What is not in the table any more is kept as gone, and `gone` beside it (names that orders are with
        though no table ever had them). `noted` writes to the trail in the same transaction.
        """
        at = self._clock()
        names = [unit.name for unit in given]
        async with self._engine.begin() as connection:
            before = {row.name for row in await connection.execute(select(units.c.name))}
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
            for missing in known.difference(names):
                await connection.execute(delete(unit_rules).where(unit_rules.c.unit == missing))
            lost = sorted((before | set(gone)).difference(names) if given else ())
            listed = {row.name for row in await connection.execute(select(gone_units.c.name))}
            for back in listed.intersection(names) if given else listed:
                await connection.execute(delete(gone_units).where(gone_units.c.name == back))
            fresh = [{"name": name, "gone_at": at, "by": by} for name in lost if name not in listed]
            if fresh:
                await connection.execute(insert(gone_units), fresh)
            if noted is not None:
                await noted(connection)

    async def put_rule(self, rule: UnitRule, *, replaces: str = "", noted: Noted | None = None) -> None:
        """Add a rule, or put it in the place of the one with the id `replaces`.

        Raises:
            UnitsChanged: there is no such rule any more, or the same one stands there already.
        """
        async with self._engine.begin() as connection:
            if replaces:
                await _removed(connection, replaces)
            there = select(unit_rules.c.rule_id).where(unit_rules.c.rule_id == rule.rule_id)
            if await connection.scalar(there) is not None:
                raise UnitsChanged(
                    "the rule is there already", shown="已有分类、区域、单位都相同的规则，请修改那一条"
                )
            await connection.execute(insert(unit_rules).values(**asdict(rule), changed_at=self._clock()))
            if noted is not None:
                await noted(connection)

    async def remove_rule(self, rule_id: str, *, noted: Noted | None = None) -> None:
        """Take a rule out. Raises UnitsChanged: there is none."""
        async with self._engine.begin() as connection:
            await _removed(connection, rule_id)
            if noted is not None:
                await noted(connection)

    async def replace_rules(self, given: Sequence[UnitRule], *, noted: Noted | None = None) -> None:
        """Make these the rules."""
        at = self._clock()
        async with self._engine.begin() as connection:
            await connection.execute(delete(unit_rules))
            if given:
                await connection.execute(
                    insert(unit_rules), [{**asdict(rule), "changed_at": at} for rule in given]
                )
            if noted is not None:
                await noted(connection)


async def _removed(connection: AsyncConnection, rule_id: str) -> None:
    gone = await connection.execute(delete(unit_rules).where(unit_rules.c.rule_id == rule_id))
    if not gone.rowcount:
        raise UnitsChanged("no such rule", shown="这条规则已被别人修改或删除，请刷新后再改")
