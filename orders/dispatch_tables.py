"""Tables of dispatching: automatic dispatches that a clerk looks at, and units that are no more."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, String, Table, Text

from orders.tables import metadata

__all__ = ["dispatch_samples", "gone_units"]

dispatch_samples = Table(
    "dispatch_samples",
    metadata,
    Column("event_id", String(120), primary_key=True),  # of the dispatch; written before it, so none is lost
    Column("order_id", String(80), nullable=False),
    Column("unit", String(100), nullable=False),  # to whom it was dispatched
    Column("source", String(100), nullable=False),  # "rule:<id>" or "learned"
    Column("reason", Text, nullable=False),  # why, in Chinese
    Column("confidence", Double, nullable=False),  # 0 to 1
    Column("at", Double, nullable=False),  # epoch seconds
    Column("verdict", String(8), nullable=False),  # "" nobody looked, "right", "wrong"
    Column("should", String(100), nullable=False),  # wrong: whose it is
    Column("note", String(200), nullable=False),
    Column("judged_by", String(64), nullable=False),  # login
    Column("judged_at", Double, nullable=True),
    Index(None, "verdict", "at"),
    Index(None, "order_id"),
)

gone_units = Table(
    "gone_units",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("gone_at", Double, nullable=False),  # when the table without it was taken in
    Column("by", String(64), nullable=False),  # login or "system"
)
