"""Time limits that became near or late, each once, for ever; and how far repeats were looked for."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from cti.tables import metadata

__all__ = ["clock_crossings", "repeat_place"]

clock_crossings = Table(
    "clock_crossings",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),  # grows
    Column("crossing_id", String(300), nullable=False),  # orders.clock_watch.crossing_id
    Column("order_id", String(80), nullable=False),
    Column("kind", String(12), nullable=False),  # orders.course_messages.ClockKind
    Column("unit", String(100), nullable=False),  # the joint unit whose clock it is, "" for the order's own
    Column("level", SmallInteger, nullable=False),  # orders.clock_watch.Level
    Column("overtaken", Boolean, nullable=False),  # a higher level was found at the same time
    Column("due", Double, nullable=False),  # end of the clock, epoch seconds
    Column("at", Double, nullable=False),  # when it was crossed
    Column("told_at", Double, nullable=False),  # when it was found
    UniqueConstraint("crossing_id"),
    Index("ix_clock_crossings_order_id_id", "order_id", "id"),
    Index("ix_clock_crossings_told_at", "told_at"),
)

repeat_place = Table(
    "repeat_place",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # one row, 1
    Column("tx", BigInteger, nullable=False),  # cti.changes.Cursor up to which orders were looked at
    Column("change_id", BigInteger, nullable=False),
    Column("begun_at", Double, nullable=False),  # first look: what was accepted long before it is not raised
)
