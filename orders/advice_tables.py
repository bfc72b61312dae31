"""Tables of what advice is made of: units with their rules, and articles of the knowledge base.

Lists stand as JSON text. An article's row is its newest version; every version is in `knowledge_versions`.
"""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, String, Table, Text

from orders.tables import metadata

__all__ = ["knowledge", "knowledge_versions", "unit_rules", "units"]

units = Table(
    "units",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("level", String(16), nullable=False),  # a key of orders.unit_table.LEVELS
    Column("parent", String(100), nullable=False),  # "" for none
    Column("data", Text, nullable=False),  # orders.unit_table.Unit as JSON
    Column("changed_at", Double, nullable=False),
)

unit_rules = Table(
    "unit_rules",
    metadata,
    Column("rule_id", String(16), primary_key=True),
    Column("unit", String(100), nullable=False),
    Column("category", String(100), nullable=False),
    Column("district", String(50), nullable=False),  # "" for all
    Column("street", String(50), nullable=False),  # "" for all
    Column("since", String(10), nullable=False),  # ISO day, "" always was
    Column("until", String(10), nullable=False),  # ISO day, included; "" for ever
    Column("changed_at", Double, nullable=False),
)

knowledge = Table(
    "knowledge",
    metadata,
    Column("article_id", String(80), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("question", String(200), nullable=False),
    Column("unit", String(100), nullable=False),
    Column("area", String(50), nullable=False),
    Column("valid_from", String(10), nullable=False),  # ISO day, "" always was
    Column("valid_until", String(10), nullable=False),  # ISO day, included; "" for ever
    Column("data", Text, nullable=False),  # orders.knowledge.Article as JSON
    Column("changed_at", Double, nullable=False),
    Column("changed_by", String(64), nullable=False),  # login
    Index(None, "changed_at"),
)

knowledge_versions = Table(
    "knowledge_versions",
    metadata,
    Column("article_id", String(80), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("data", Text, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("changed_by", String(64), nullable=False),
)
