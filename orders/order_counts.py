"""Counting that has an end: exact up to a number of rows, and in big tables within a time."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from orders.search_tables import rows_about

__all__ = ["COUNT_MOST", "COUNT_S", "SMALL", "counted"]

COUNT_MOST = 10_000
"""Orders that are counted."""
COUNT_S = 0.03
"""How long counting may take."""
SMALL = 20_000
"""In a table of at most so many rows, counting takes what it takes."""
_INTERRUPTED = "57014"


async def counted(connection: AsyncConnection, chosen: Select[Any]) -> int | None:
    """Return how many rows a query has, at most one more than `COUNT_MOST`; None when that takes too long.

    It is the last thing that a transaction in PostgreSQL is asked.
    """
    query = counting(chosen)
    if await rows_about(connection) <= SMALL:
        return int(await connection.scalar(query) or 0)
    if connection.dialect.name == "sqlite":
        return await _within_sqlite(connection, query)
    await connection.execute(text(f"SET LOCAL statement_timeout = {round(COUNT_S * 1000)}"))
    try:
        return int(await connection.scalar(query) or 0)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _INTERRUPTED:
            raise
        return None


def counting(chosen: Select[Any]) -> Select[Any]:
    """Return the query that counts."""
    return select(func.count()).select_from(chosen.limit(COUNT_MOST + 1).subquery())


async def _within_sqlite(connection: AsyncConnection, query: Select[Any]) -> int | None:
    raw: Any = (await connection.get_raw_connection()).driver_connection
    deadline = time.monotonic() + COUNT_S
    await raw.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        return int(await connection.scalar(query) or 0)
    except DBAPIError as error:
        if "interrupted" not in str(error.orig):
            raise
        return None
    finally:
        await raw.set_progress_handler(None, 0)
