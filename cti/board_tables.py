"""Tables of alerts, waves of calls, notices and announcements. Times are epoch seconds."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from cti.tables import metadata

__all__ = ["alert_rules", "alerts", "announcements", "bulletins", "burst_orders", "bursts", "metadata"]

alert_rules = Table(
    "alert_rules",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("data", JSON, nullable=False),  # cti.alerts.AlertRule
    Column("who", String(32), nullable=False),  # login of who changed it last
    Column("changed_at", Double, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", String(64), primary_key=True),
    Column("rule", String(40), nullable=False),  # key of the rule
    Column("title", String(80), nullable=False),
    Column("level", String(16), nullable=False),  # cti.alerts.Level
    Column("figure", String(80), nullable=False),
    Column("value", Double, nullable=False),  # when it was raised
    Column("threshold", Double, nullable=False),
    Column("since", Double, nullable=False, index=True),
    Column("until", Double, nullable=True, index=True),  # NULL: not over
    Column("sound", Boolean, nullable=False),
    Column("acknowledged_by", String(32), nullable=False),  # login, "" nobody
    Column("acknowledged_at", Double, nullable=True),
)

bursts = Table(
    "bursts",
    metadata,
    Column("burst_id", String(64), primary_key=True),
    Column("scale", String(16), nullable=False),  # orders.bursts.Scale
    Column("title", String(200), nullable=False),
    Column("category", String(200), nullable=False),
    Column("district", String(80), nullable=False),
    Column("place", String(200), nullable=False),
    Column("orders", JSON, nullable=False),  # ids, oldest first
    Column("callers", Integer, nullable=False),  # different ones
    Column("since", Double, nullable=False),
    Column("last", Double, nullable=False, index=True),
    Column("over_at", Double, nullable=True),  # nobody called about it any more
    Column("state", String(16), nullable=False),  # what people did: open, noticed, announced, dismissed
    Column("who", String(32), nullable=False),  # login of who did it
    Column("changed_at", Double, nullable=False),
)

burst_orders = Table(
    "burst_orders",
    metadata,
    Column("order_id", String(80), primary_key=True),
    Column("burst_id", String(64), nullable=False, index=True),
    Column("call_id", String(80), nullable=False),
    Column("who", String(32), nullable=False),  # login of who said that it belongs there
    Column("at", Double, nullable=False),
)
"""Which orders people have linked as one wave; also a NOTE entry of each order's call."""

bulletins = Table(
    "bulletins",
    metadata,
    Column("bulletin_id", String(64), primary_key=True),
    Column("title", String(80), nullable=False),
    Column("text", Text, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("since", Double, nullable=False),  # in force from
    Column("until", Double, nullable=True),  # in force before
    Column("who", String(32), nullable=False),  # login of the author
    Column("by_name", String(64), nullable=False),
    Column("created_at", Double, nullable=False, index=True),
    Column("withdrawn_at", Double, nullable=True),
    Column("withdrawn_by", String(32), nullable=False),
    Column("reason", String(200), nullable=False),  # of the withdrawal
    Column("burst_id", String(64), nullable=False),  # the wave it is about, "" none
)

announcements = Table(
    "announcements",
    metadata,
    Column("announcement_id", String(64), primary_key=True),
    Column("title", String(80), nullable=False),
    Column("text", Text, nullable=False),  # what is said
    Column("district", String(80), nullable=False),  # callers from there, "" from anywhere
    Column("called", String(40), nullable=False),  # callers of this number, "" of any
    Column("prompts", JSON, nullable=False),  # keys of the prompt manifest, said where there is no recording
    Column("audio", LargeBinary, nullable=True),  # WAV, 8 kHz mono PCM16
    Column("seconds", Double, nullable=False),  # of the recording
    Column("since", Double, nullable=False),
    Column("until", Double, nullable=False),
    Column("who", String(32), nullable=False),
    Column("by_name", String(64), nullable=False),
    Column("created_at", Double, nullable=False, index=True),
    Column("approved_by", String(32), nullable=False),  # "" not approved
    Column("approved_at", Double, nullable=True),
    Column("withdrawn_at", Double, nullable=True),
    Column("withdrawn_by", String(32), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("burst_id", String(64), nullable=False),
    Index("ix_announcements_until", "until"),
)
