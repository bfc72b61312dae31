"""The tables of work orders.

`order_events` is the truth and only grows; `orders` is what the events amount to, for searching, and can be
made again from them. Times are epoch seconds (double precision), as everywhere between the rooms, so that
SQLite and PostgreSQL hold the very same value and no time zone is in play; only the date inside a 工单编号 is
a local one. `data` is canonical JSON kept as text: its bytes go into the hash.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from orders.course_rules import MAX_UNIT
from orders.fields import LIMITS
from orders.lifecycle import MAX_CALLER, MAX_ID, MAX_LOGIN, MAX_REASON
from orders.messages import OrderField

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Include this in the migrations' target metadata."""

_ADDED_LATER = frozenset(
    OrderField(name)
    for name in ("detail", "point", "subject", "time_iso", "mood", "unit", "contact_by", "secrecy")
)
"""Fields that older rows got when their column was added."""


def _where(condition: str) -> dict[str, Any]:
    """Index only rows of which this is true."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


order_events = Table(
    "order_events",
    metadata,
    Column("order_id", String(MAX_ID), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("event_id", String(120), nullable=False),
    Column("at", Double, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("data", Text, nullable=False),
    Column("actor", String(MAX_LOGIN), nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("salt", String(32), nullable=False, server_default=text("''")),  # orders.chain
    Column("data_hash", String(64), nullable=False, server_default=text("''")),  # "" in old events
    UniqueConstraint("event_id"),
    CheckConstraint("seq >= 1", name="seq_from_one"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", String(MAX_ID), primary_key=True),
    Column("number", String(30), nullable=True),
    Column("call_id", String(MAX_ID), nullable=False),
    Column("caller", String(MAX_CALLER), nullable=False),
    Column("state", String(20), nullable=False),
    Column("agent", String(MAX_LOGIN), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("closed_at", Double, nullable=True),
    Column("reason", String(MAX_REASON), nullable=False),
    Column("version", Integer, nullable=False),
    *(
        Column(
            field.value,
            String(LIMITS[field]),
            nullable=False,
            server_default=text("''") if field in _ADDED_LATER else None,
        )
        for field in OrderField
    ),
    Column("fields_json", Text, nullable=False),
    Column("channel", String(16), nullable=False, server_default=text("'phone'")),  # orders.messages.Channel
    Column("solved", String(8), nullable=False, server_default=text("''")),  # orders.messages.Solved
    Column("satisfaction", Integer, nullable=True),  # 1 to 5; both of the newest rating, if it counts
    Column("visit_json", Text, nullable=False, server_default=text("''")),  # OrderVisit, "" without one
    Column("course_state", String(16), nullable=False, server_default=text("''")),  # CourseState, "" before
    Column("course_since", Double, nullable=True),  # when that began
    Column("course_round", Integer, nullable=False, server_default=text("0")),  # 1 and on, 0 before
    Column("lead_unit", String(MAX_UNIT), nullable=False, server_default=text("''")),  # 主办单位
    Column("due_at", Double, nullable=True),  # when the next running clock is over
    Column("near_at", Double, nullable=True),  # from when that is near
    Column("due_kind", String(12), nullable=False, server_default=text("''")),  # ClockKind of that clock
    Column("supervision", Integer, nullable=False, server_default=text("0")),  # place in Supervision
    Column("finished_at", Double, nullable=True),  # 办结
    Column("extension_asked_at", Double, nullable=True),  # an extension waits for its ruling since then
    Column("course_json", Text, nullable=False, server_default=text("''")),  # Course, "" before
    UniqueConstraint("number"),
    Index(None, "call_id"),
    Index(None, "caller", "created_at"),
    Index(None, "phone", "created_at"),
    Index(None, "created_at", "id"),
    Index(None, "district", "created_at"),
    # a category and what is below it are found by how they begin, whatever the database's locale
    Index(None, "category", "created_at", postgresql_ops={"category": "text_pattern_ops"}),
    Index(None, "district", "category", "created_at", "id", postgresql_ops={"category": "text_pattern_ops"}),
    Index(None, "updated_at"),
    Index(None, "state", "created_at"),
    Index(None, "urgency", "state"),
    Index(None, "agent", "created_at"),
    Index(None, "due_at", **_where("due_at IS NOT NULL")),  # most orders are closed and have no clock
    Index(None, "near_at", **_where("near_at IS NOT NULL")),
    Index(None, "course_state", "due_at"),
    Index(None, "course_state", "course_since", "id"),
    Index(None, "lead_unit", "course_state", "created_at"),
    Index(None, "supervision", "created_at", **_where("supervision > 0")),
    Index(None, "extension_asked_at"),
)

order_numbers = Table(
    "order_numbers",
    metadata,
    Column("day", String(8), primary_key=True),
    Column("last", Integer, nullable=False),
)
"""The last number given out on each local day (YYYYMMDD)."""
