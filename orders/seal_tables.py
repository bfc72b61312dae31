"""The tables of seals: what the chains of orders ended with, written down each night (see `orders.seals`)."""

from __future__ import annotations

from sqlalchemy import Column, Double, Integer, LargeBinary, String, Table

from orders.lifecycle import MAX_ID, MAX_LOGIN
from orders.tables import metadata

__all__ = ["order_seals", "sealed_orders"]

order_seals = Table(
    "order_seals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1 for the first, without gaps
    Column("at", Double, nullable=False),
    Column("by", String(MAX_LOGIN), nullable=False),  # login or "system"
    Column("orders", Integer, nullable=False),  # how many orders it seals
    Column("events", Integer, nullable=False),  # how many of their events were not sealed before
    Column("heads", LargeBinary, nullable=False),  # the heads as orders.seals keeps them
    Column("digest", String(64), nullable=False),  # SHA-256 of heads, unpacked
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
"""Only grows."""

sealed_orders = Table(
    "sealed_orders",
    metadata,
    Column("order_id", String(MAX_ID), primary_key=True),
    Column("seq", Integer, nullable=False),  # how far it is sealed
)
"""So that the next seal need not look at what did not change; nothing is believed because of it."""
