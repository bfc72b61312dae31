"""Journal entries in the database: read back, and the newest one of each object kept as its row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import msgspec
from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from cti.database import insert_for
from cti.messages import Entry, EntryKind
from cti.tables import call_events

__all__ = ["entries_of", "newest_wins"]


async def entries_of(
    connection: AsyncConnection,
    ids: Sequence[str],
    kinds: Sequence[EntryKind] | None = None,
    most: int | None = None,
) -> tuple[Entry, ...]:
    """Return what was written about these calls, call-backs or visits, in order; the first `most` only."""
    query = select(call_events).where(call_events.c.call_id.in_(ids))
    if kinds is not None:
        query = query.where(call_events.c.kind.in_([kind.value for kind in kinds]))
    rows = await connection.execute(query.order_by(call_events.c.entry_id).limit(most))
    return tuple(
        msgspec.convert({name: row[name] for name in Entry.__struct_fields__}, Entry)
        for row in rows.mappings()
    )


@cache
def newest_wins(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """The statement that stores rows with an `entry_id`, each unless one of a later entry is there.

    Made once for each table: making it takes longer than running it.
    """
    statement = insert_for(dialect, table)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={column.name: new[column.name] for column in table.c if not column.primary_key},
        where=table.c.entry_id < new.entry_id,
    )
