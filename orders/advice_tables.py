"""Tables of what is offered beside an order: units with their rules, articles, verdicts on them, templates.

Lists stand as JSON text. An article's row is its newest version; every version is in `knowledge_versions`.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, Index, Integer, String, Table, Text, false

from orders.tables import metadata

__all__ = [
    "knowledge",
    "knowledge_misses",
    "knowledge_verdicts",
    "knowledge_versions",
    "order_templates",
    "template_versions",
    "unit_rules",
    "units",
]

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
    Column("withdrawn", Boolean, nullable=False, server_default=false()),  # told to nobody any more
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

knowledge_verdicts = Table(
    "knowledge_verdicts",
    metadata,
    Column("article_id", String(80), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),  # the one that was judged
    Column("who", String(64), primary_key=True),  # login; a newer verdict of theirs replaces the older
    Column("verdict", String(16), nullable=False),  # orders.knowledge_feedback.Verdict
    Column("note", String(200), nullable=False),
    Column("call_id", String(80), nullable=False),  # in which it was read, "" for none
    Column("at", Double, nullable=False),
    Index(None, "at"),
)

knowledge_misses = Table(
    "knowledge_misses",
    metadata,
    Column("text", String(200), primary_key=True),  # what was looked for, spaces and case made one
    Column("count", Integer, nullable=False),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("who", String(64), nullable=False),  # login of who looked last
    Index(None, "last_at"),
)

order_templates = Table(
    "order_templates",
    metadata,
    Column("template_id", String(40), primary_key=True),
    Column("category", String(100), nullable=False),  # first part of a category's path, "" for all
    Column("title", String(50), nullable=False),
    Column("data", Text, nullable=False),  # orders.templates.Template as JSON
    Column("version", Integer, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("changed_by", String(64), nullable=False),  # login
)

template_versions = Table(
    "order_template_versions",
    metadata,
    Column("template_id", String(40), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),  # from 1
    Column("data", Text, nullable=False),  # orders.templates.Template as JSON
    Column("reason", String(200), nullable=False),  # why it was made
    Column("changed_at", Double, nullable=False),
    Column("changed_by", String(64), nullable=False),  # login
)
