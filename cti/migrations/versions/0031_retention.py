"""orders that are held, and what of citizens' data went

Revision: 0031, after: 0030
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0031"
down_revision: str | None = "0030"


def upgrade() -> None:
    op.create_table(
        "order_holds",
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_holds")),
    )
    op.create_table(
        "order_erasures",
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("what", sa.String(length=8), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "what", name=op.f("pk_order_erasures")),
    )


def downgrade() -> None:
    op.drop_table("order_erasures")
    op.drop_table("order_holds")
