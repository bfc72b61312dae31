"""alerts, waves of calls, notices to agents, announcements to callers

Revision: 0007, after: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"


def upgrade() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_alert_rules")),
    )
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("figure", sa.String(length=80), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=True),
        sa.Column("sound", sa.Boolean(), nullable=False),
        sa.Column("acknowledged_by", sa.String(length=32), nullable=False),
        sa.Column("acknowledged_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_since"), "alerts", ["since"], unique=False)
    op.create_index(op.f("ix_alerts_until"), "alerts", ["until"], unique=False)
    op.create_table(
        "announcements",
        sa.Column("announcement_id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("district", sa.String(length=80), nullable=False),
        sa.Column("called", sa.String(length=40), nullable=False),
        sa.Column("prompts", sa.JSON(), nullable=False),
        sa.Column("audio", sa.LargeBinary(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("by_name", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("approved_by", sa.String(length=32), nullable=False),
        sa.Column("approved_at", sa.Double(), nullable=True),
        sa.Column("withdrawn_at", sa.Double(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("burst_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("announcement_id", name=op.f("pk_announcements")),
    )
    op.create_index(op.f("ix_announcements_created_at"), "announcements", ["created_at"], unique=False)
    op.create_index("ix_announcements_until", "announcements", ["until"], unique=False)
    op.create_table(
        "bulletins",
        sa.Column("bulletin_id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=True),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("by_name", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("withdrawn_at", sa.Double(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("burst_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("bulletin_id", name=op.f("pk_bulletins")),
    )
    op.create_index(op.f("ix_bulletins_created_at"), "bulletins", ["created_at"], unique=False)
    op.create_table(
        "burst_orders",
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("burst_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_burst_orders")),
    )
    op.create_index(op.f("ix_burst_orders_burst_id"), "burst_orders", ["burst_id"], unique=False)
    op.create_table(
        "bursts",
        sa.Column("burst_id", sa.String(length=64), nullable=False),
        sa.Column("scale", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("category", sa.String(length=200), nullable=False),
        sa.Column("district", sa.String(length=80), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("orders", sa.JSON(), nullable=False),
        sa.Column("callers", sa.Integer(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("last", sa.Double(), nullable=False),
        sa.Column("over_at", sa.Double(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("burst_id", name=op.f("pk_bursts")),
    )
    op.create_index(op.f("ix_bursts_last"), "bursts", ["last"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_bursts_last"), table_name="bursts")
    op.drop_table("bursts")
    op.drop_index(op.f("ix_burst_orders_burst_id"), table_name="burst_orders")
    op.drop_table("burst_orders")
    op.drop_index(op.f("ix_bulletins_created_at"), table_name="bulletins")
    op.drop_table("bulletins")
    op.drop_index("ix_announcements_until", table_name="announcements")
    op.drop_index(op.f("ix_announcements_created_at"), table_name="announcements")
    op.drop_table("announcements")
    op.drop_index(op.f("ix_alerts_until"), table_name="alerts")
    op.drop_index(op.f("ix_alerts_since"), table_name="alerts")
    op.drop_table("alerts")
    op.drop_table("alert_rules")
