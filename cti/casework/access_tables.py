"""The table of who looked at which order, and what was taken out of the house."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Double, Index, Integer, String, Table

from cti.tables import metadata

__all__ = ["order_accesses"]

order_accesses = Table(
    "order_accesses",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),  # grows
    Column("at", Double, nullable=False),
    Column("who", String(64), nullable=False),  # login
    Column("name", String(64), nullable=False),  # 姓名 at that time
    Column("role", String(16), nullable=False),  # cti.messages.Role at that time
    Column("act", String(12), nullable=False),  # cti.casework.accesses.Act
    Column("order_id", String(80), nullable=False),  # "" for what takes many orders out at once
    Column("number", String(30), nullable=False),  # 工单编号, "" for a draft and for many
    Column("fields", JSON, nullable=False),  # names of what was unmasked; never a value
    Column("reason", String(200), nullable=False),  # why it was unmasked
    Column("serial", String(24), nullable=False),  # of the watermark on what was taken out
    Column("detail", JSON, nullable=False),  # what was exported: its kind, filter, and how many orders
    Index("ix_order_accesses_order_id_id", "order_id", "id"),
    Index("ix_order_accesses_who_at", "who", "at"),
    Index("ix_order_accesses_act_at", "act", "at"),
    Index("ix_order_accesses_at", "at"),
    Index("ix_order_accesses_serial", "serial"),
)
