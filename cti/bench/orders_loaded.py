"""Puts made-up orders into a database as fast as it takes them: COPY, or many rows a statement."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import Column, Connection, Double, Integer, Table, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti import change_triggers
from cti.bench.orders_made import City, Made, made
from orders.chain import Link
from orders.course_tables import order_units
from orders.course_units import tasks
from orders.rows import columns_of
from orders.search_tables import order_search
from orders.search_text import grams_of, text_of
from orders.tables import order_events, orders

__all__ = ["TABLES", "Load", "load"]

BATCH = 2000
TABLES: Mapping[str, Table] = {
    "order_events": order_events, "orders": orders, "order_units": order_units, "order_search": order_search,
}  # fmt: skip
_LINK = tuple(field.name for field in fields(Link))
_ORDER = tuple(orders.c.keys())
_UNIT = ("order_id", "unit", "role", "state", "since", "open", "due", "near_at", "created_at")
COLUMNS: Mapping[str, Sequence[str]] = {
    "order_events": (*_LINK, "hash"), "orders": _ORDER, "order_units": _UNIT,
    "order_search": ("order_id", "text", "grams", "created_at"),
}  # fmt: skip
Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is made."""

    total: int  # orders
    now: float  # the newest is of this moment, epoch seconds
    years: float  # over which they are spread


def _rows_of(one: tuple[Load, int]) -> Rows:
    """Make one batch; runs in a process of its own."""
    what, first = one
    rows: Rows = {name: [] for name in TABLES}
    places = range(first, min(first + BATCH, what.total))
    for each in made(City(), places, total=what.total, now=what.now, years=what.years):
        _add(rows, each)
    return rows


def _add(rows: Rows, each: Made) -> None:
    order, draft = each.order, each.order.draft
    for link, digest in zip(each.events, each.hashes, strict=True):
        rows["order_events"].append((*(getattr(link, name) for name in _LINK), digest))
    values = {
        **_EMPTY, **columns_of(order),
        "id": draft.order_id, "call_id": draft.call_id, "caller": order.caller,
        "channel": draft.channel.value, "created_at": order.created_at,
    }  # fmt: skip
    rows["orders"].append(tuple(values[name] for name in _ORDER))
    for task in () if draft.course is None else tasks(draft.course):
        of = asdict(task) | {"order_id": draft.order_id, "created_at": order.created_at}
        rows["order_units"].append(tuple(of[name] for name in _UNIT))
    found = text_of(order)
    rows["order_search"].append((draft.order_id, found, list(grams_of(found)), order.created_at))


def _blank(column: Column[Any]) -> Any:
    """Return what the database puts into a column that is not given."""
    if column.nullable:
        return None
    return 0 if isinstance(column.type, Integer | Double) else ""


_EMPTY: Mapping[str, Any] = {column.name: _blank(column) for column in orders.c}
"""An order that was not accepted has no course."""


async def load(engine: AsyncEngine, what: Load, *, processes: int, step: Callable[[str], object]) -> None:
    """Fill empty tables; triggers and indices are away meanwhile; PostgreSQL has new statistics then."""
    postgresql = engine.dialect.name == "postgresql"
    async with engine.begin() as connection:
        taken = [] if not postgresql else await _without_indices(connection)
        await connection.run_sync(_without_triggers)
    firsts = [(what, first) for first in range(0, what.total, BATCH)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done, rows in enumerate(pool.imap(_rows_of, firsts), start=1):
            async with engine.begin() as connection:
                await (_copy if postgresql else _insert)(connection, rows)
            if done % 25 == 0 or done == len(firsts):
                step(f"{min(done * BATCH, what.total)} orders")
    step("indices")
    async with engine.begin() as connection:
        for definition in taken:
            await connection.execute(text(definition))
        await connection.run_sync(change_triggers.install)
    if not postgresql:  # nobody analyses a SQLite file in operation either
        return
    step("statistics")
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        for name in TABLES:
            await connection.execute(text(f"VACUUM ANALYZE {name}"))


async def _without_indices(connection: AsyncConnection) -> list[str]:
    """Drop the indices that are no constraints; return how to make them again."""
    listed = text(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indrelid::regclass::text = ANY(:tables) AND NOT indisunique"
    )
    rows = (await connection.execute(listed, {"tables": list(TABLES)})).all()
    for name, _ in rows:
        await connection.execute(text(f"DROP INDEX {name}"))
    return [str(definition) for _, definition in rows]


def _without_triggers(connection: Connection) -> None:
    """Drop the triggers that tell other programs of changes; SQLite's index of grams keeps its own."""
    if connection.dialect.name == "postgresql":
        listed = "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
    else:
        listed = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
    known = set(inspect(connection).get_table_names())
    for name, table in connection.execute(text(listed)).all():
        if table in TABLES and table in known and name.startswith(("note_", "tell_")):
            on = f" ON {table}" if connection.dialect.name == "postgresql" else ""
            connection.execute(text(f"DROP TRIGGER {name}{on}"))


async def _copy(connection: AsyncConnection, rows: Rows) -> None:
    raw: Any = (await connection.get_raw_connection()).driver_connection
    for name, some in rows.items():
        await raw.copy_records_to_table(name, records=some, columns=COLUMNS[name])


async def _insert(connection: AsyncConnection, rows: Rows) -> None:
    for name, some in rows.items():
        columns = COLUMNS[name]
        await connection.execute(
            TABLES[name].insert(), [dict(zip(columns, row, strict=True)) for row in some]
        )
