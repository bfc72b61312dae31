"""matters that come without a call: each request once

Revision: 0021, after: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"


def upgrade() -> None:
    op.create_table(
        "intake",
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("receipt", sa.String(length=24), nullable=False),
        sa.Column("system", sa.String(length=40), nullable=False),
        sa.Column("external_id", sa.String(length=100), nullable=True),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_intake")),
        sa.UniqueConstraint("receipt", name=op.f("uq_intake_receipt")),
        sa.UniqueConstraint("system", "external_id", name=op.f("uq_intake_system_external_id")),
    )
    op.create_index("ix_intake_at", "intake", ["at"], unique=False)
    op.create_table(
        "intake_days",
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_intake_days")),
    )


def downgrade() -> None:
    op.drop_table("intake_days")
    op.drop_index("ix_intake_at", table_name="intake")
    op.drop_table("intake")
