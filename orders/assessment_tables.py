"""The tables of the assessment: marks as the events make them, corrections of them, and frozen months."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, String, Table, Text, text

from orders.course_rules import MAX_BY, MAX_REASON, MAX_UNIT
from orders.fields import LIMITS
from orders.lifecycle import MAX_ID
from orders.messages import OrderField
from orders.tables import metadata

__all__ = ["assessment_days", "assessment_months", "mark_changes", "order_marks"]

MAX_KEY = 140

order_marks = Table(
    "order_marks",
    metadata,
    Column("order_id", String(MAX_ID), primary_key=True),
    Column("key", String(MAX_KEY), primary_key=True),  # orders.assessment_marks.Mark.key
    Column("kind", String(16), nullable=False),
    Column("unit", String(MAX_UNIT), nullable=False),
    Column("at", Double, nullable=True),  # decided, or to be decided then; None: a clock stands still
    Column("day", Integer, nullable=True),  # YYYYMMDD of `at`
    Column("score", Integer, nullable=True),
    Column("since", Double, nullable=True),
    Column("until", Double, nullable=True),
    Column("void", String(16), nullable=False),
    Column("category", String(LIMITS[OrderField.CATEGORY]), nullable=False),  # of the order
    Column("district", String(LIMITS[OrderField.DISTRICT]), nullable=False),
    Column("channel", String(16), nullable=False),
    Index(None, "day", "kind", "unit"),
    Index(None, "unit", "day"),
)
"""A projection of `order_events`: what orders are counted by (`hotline assessment rebuild` makes it anew)."""

assessment_days = Table(
    "assessment_days",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),  # YYYYMMDD
    Column("version", Integer, nullable=False),
)
"""How often a day's marks were changed after it was over; days without a row never were."""

mark_changes = Table(
    "mark_changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("order_id", String(MAX_ID), nullable=False),
    Column("key", String(MAX_KEY), nullable=False),
    Column("event", String(40), nullable=False),  # class of the event that changed it
    Column("by", String(MAX_BY), nullable=False),  # login or "system"
    Column("reason", String(MAX_REASON), nullable=False),
    Column("at", Double, nullable=False),  # when that happened
    Column("written", Double, nullable=False),  # when it was stored
    Column("month_old", Integer, nullable=True),  # YYYYMM in which it was counted
    Column("month_new", Integer, nullable=True),  # YYYYMM in which it is counted now
    Column("old", Text, nullable=False, server_default=text("''")),  # Mark as JSON, "" when it was not there
    Column("new", Text, nullable=False, server_default=text("''")),  # Mark as JSON, "" when it is gone
    Index(None, "month_old", "written"),
    Index(None, "month_new", "written"),
)
"""Corrections: a mark that was decided already became another one."""

assessment_months = Table(
    "assessment_months",
    metadata,
    Column("month", Integer, primary_key=True, autoincrement=False),  # YYYYMM
    Column("version", Integer, primary_key=True, autoincrement=False),  # 1 for the first
    Column("made_at", Double, nullable=False),  # what was stored later is a correction
    Column("made_by", String(MAX_BY), nullable=False),  # login or "system"
    Column("reason", String(MAX_REASON), nullable=False),  # why another version was made
    Column("data", Text, nullable=False),  # the figures as JSON; never changed
    Column("digest", String(64), nullable=False),  # SHA-256 of data, hexadecimal
)
"""Frozen months, all versions of them."""
