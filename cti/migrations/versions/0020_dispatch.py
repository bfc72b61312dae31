"""samples of automatic dispatches, units that are no more, and extensions that wait for a ruling

Revision: 0020, after: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"


def upgrade() -> None:
    op.add_column("orders", sa.Column("extension_asked_at", sa.Double(), nullable=True))
    op.create_index(op.f("ix_orders_extension_asked_at"), "orders", ["extension_asked_at"])
    op.create_table(
        "dispatch_samples",
        sa.Column("event_id", sa.String(length=120), nullable=False),
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("should", sa.String(length=100), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("judged_by", sa.String(length=64), nullable=False),
        sa.Column("judged_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_dispatch_samples")),
    )
    op.create_index(op.f("ix_dispatch_samples_verdict_at"), "dispatch_samples", ["verdict", "at"])
    op.create_index(op.f("ix_dispatch_samples_order_id"), "dispatch_samples", ["order_id"])
    op.create_table(
        "gone_units",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("gone_at", sa.Double(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_gone_units")),
    )


def downgrade() -> None:
    op.drop_table("gone_units")
    op.drop_table("dispatch_samples")
    op.drop_index(op.f("ix_orders_extension_asked_at"), "orders")
    op.drop_column("orders", "extension_asked_at")
