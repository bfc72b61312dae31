"""The table by which orders are found by words: one row an order, kept in the transaction that changes it.

PostgreSQL holds the grams (see `orders.search_text`) as an array under a GIN index, which needs no extension
and asks no locale. SQLite holds them as words of an FTS5 table without contents of its own; triggers keep it
like `order_search`, so whoever deletes or changes a row has nothing else to do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    Double,
    Index,
    Integer,
    Select,
    String,
    Table,
    Text,
    TypeDecorator,
    event,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy import Column as Col
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from orders.lifecycle import MAX_ID
from orders.records import Order
from orders.search_text import grams_of, is_number, text_of
from orders.tables import metadata, orders

__all__ = [
    "FTS",
    "SQLITE_DDL",
    "Grams",
    "few_have",
    "may_have",
    "order_search",
    "project_search",
    "rows_about",
    "searched_text",
]

FEW = 8_000
"""Hits of words that are looked up in the index of grams; of more, some are soon met among the newest."""
FEW_SQLITE = 2_000
"""The same in SQLite, whose tables are smaller."""

FTS = "order_grams"
"""SQLite's index of grams."""

SQLITE_DDL = (
    "CREATE VIRTUAL TABLE order_grams USING fts5("
    "grams, content='order_search', content_rowid='place', detail=none, columnsize=0, tokenize='ascii')",
    "CREATE TRIGGER order_grams_insert AFTER INSERT ON order_search BEGIN "
    "INSERT INTO order_grams (rowid, grams) VALUES (NEW.place, NEW.grams); END",
    "CREATE TRIGGER order_grams_update AFTER UPDATE OF grams ON order_search BEGIN "
    "INSERT INTO order_grams (order_grams, rowid, grams) VALUES ('delete', OLD.place, OLD.grams); "
    "INSERT INTO order_grams (rowid, grams) VALUES (NEW.place, NEW.grams); END",
    "CREATE TRIGGER order_grams_delete AFTER DELETE ON order_search BEGIN "
    "INSERT INTO order_grams (order_grams, rowid, grams) VALUES ('delete', OLD.place, OLD.grams); END",
)
"""What SQLite needs beside the table."""


class Grams(TypeDecorator[tuple[int, ...]]):
    """Grams as an array of integers (PostgreSQL) or as words of eight hexadecimal digits (SQLite)."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the dialect's own type."""
        return dialect.type_descriptor(ARRAY(Integer) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Iterable[int] | None, dialect: Dialect) -> Any:
        """Return the grams as the dialect takes them."""
        if value is None:
            return None
        return list(value) if dialect.name == "postgresql" else " ".join(map(_word, value))


def _word(gram: int) -> str:
    return f"{gram & 0xFFFFFFFF:08x}"


order_search = Table(
    "order_search",
    metadata,
    # SQLite's own numbers of rows may change; these do not
    Col("place", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Col("order_id", String(MAX_ID), nullable=False, unique=True),
    Col("text", Text, nullable=False),  # orders.search_text.text_of
    Col("grams", Grams, nullable=False),  # orders.search_text.grams_of
    Col("created_at", Double, nullable=False, server_default=text("0")),  # when the order was opened
    Index(None, "created_at", "order_id"),
)

Index("ix_order_search_grams", order_search.c.grams, postgresql_using="gin").ddl_if(dialect="postgresql")


@event.listens_for(order_search, "after_create")
def _also(_: Table, connection: Connection, **__: object) -> None:
    if connection.dialect.name == "sqlite":
        for statement in SQLITE_DDL:
            connection.execute(text(statement))


async def project_search(connection: AsyncConnection, before: Order | None, order: Order) -> None:
    """Write what the order is found by, if that has changed."""
    now = text_of(order)
    if before is None:
        values = {"order_id": order.draft.order_id, "text": now, "grams": grams_of(now)}
        await connection.execute(insert(order_search).values(**values, created_at=order.created_at))
    elif now != text_of(before):
        mine = order_search.c.order_id == order.draft.order_id
        await connection.execute(update(order_search).where(mine).values(text=now, grams=grams_of(now)))


def may_have(grams: Iterable[int], dialect: str) -> ColumnElement[bool]:
    """Return the condition of `order_search` that all these grams occur (at least one is given)."""
    if dialect == "postgresql":
        return order_search.c.grams.op("@>")(tuple(grams))
    return order_search.c.place.in_(_matching(grams))


def _matching(grams: Iterable[int]) -> Select[Any]:
    found = literal_column(FTS).op("MATCH")(" AND ".join(map(_word, grams)))
    return select(literal_column("rowid")).select_from(text(FTS)).where(found)


def searched_text() -> ColumnElement[str]:
    """Return the text of the order in whose row the query stands, looked up row by row.

    A join would let the database guess how many orders have a word, which no database can of Chinese, and
    read the whole table where twenty rows were asked for.
    """
    mine = select(order_search.c.text).where(order_search.c.order_id == orders.c.id)
    return mine.correlate(orders).scalar_subquery()


async def few_have(connection: AsyncConnection, words: Sequence[str]) -> bool:
    """Tell whether the index of grams finds few orders that may have all these words."""
    by_word = [grams_of(word, singles=len(word) == 1) for word in words]
    grams = sorted({gram for some in by_word for gram in some})
    if not grams:
        return False
    if connection.dialect.name == "sqlite":
        found = _matching(grams).limit(FEW_SQLITE + 1).subquery()
        return (await connection.scalar(select(func.count()).select_from(found)) or 0) <= FEW_SQLITE
    total = await _rows_of(connection, order_search.name)
    if total <= FEW:
        return True
    known = {row.gram: row.share for row in await connection.execute(_SHARES, {"grams": grams})}
    share = 1.0
    for some in by_word:
        shares = [known.get(gram, 0.0) for gram in some]
        # pairs of one word come together; numbers are as good as random
        share *= math.prod(shares) if all(map(is_number, some)) else min(shares, default=1.0)
    return total * share <= FEW


_SHARES = text(
    "SELECT known.gram, known.share FROM pg_stats, "
    "unnest(CAST(CAST(most_common_elems AS text) AS integer[]), most_common_elem_freqs) "
    "AS known (gram, share) "
    "WHERE tablename = 'order_search' AND attname = 'grams' AND schemaname = current_schema() "
    "AND known.gram = ANY(CAST(:grams AS integer[]))"
)
"""Of the commoner grams, the share of orders that have them; the others are in fewer than one in 400."""


async def rows_about(connection: AsyncConnection) -> float:
    """Return about how many orders there are."""
    if connection.dialect.name == "sqlite":
        return await connection.scalar(select(func.max(order_search.c.place))) or 0
    return await _rows_of(connection, orders.name)


async def _rows_of(connection: AsyncConnection, table: str) -> float:
    about = text("SELECT reltuples FROM pg_class WHERE oid = CAST(:name AS regclass)")
    return await connection.scalar(about, {"name": table}) or 0
