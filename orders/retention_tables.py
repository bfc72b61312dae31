"""The tables of retention: orders that are held, and what went of which order."""

from __future__ import annotations

from sqlalchemy import Column, Double, String, Table

from orders.lifecycle import MAX_ID, MAX_LOGIN, MAX_REASON, MAX_RULE
from orders.tables import metadata

__all__ = ["order_erasures", "order_holds"]

order_holds = Table(
    "order_holds",
    metadata,
    Column("order_id", String(MAX_ID), primary_key=True),
    Column("by", String(MAX_LOGIN), nullable=False),  # login or "system"
    Column("at", Double, nullable=False),
    Column("reason", String(MAX_REASON), nullable=False),
)
"""Nothing goes of these (诉讼、检查等保留)."""

order_erasures = Table(
    "order_erasures",
    metadata,
    Column("order_id", String(MAX_ID), primary_key=True),
    Column("what", String(8), primary_key=True),  # orders.erasure.What, or "call"
    Column("rule", String(MAX_RULE), nullable=False),
    Column("by", String(MAX_LOGIN), nullable=False),  # login or "system"
    Column("at", Double, nullable=False),
)
"""What went, so that it is not looked for again; of orders' own data their events are the proof."""
