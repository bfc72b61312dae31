"""time limits of orders that became near, late or gravely late

Revision: 0024, after: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"


def upgrade() -> None:
    op.create_table(
        "clock_crossings",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("crossing_id", sa.String(length=300), nullable=False),
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("overtaken", sa.Boolean(), nullable=False),
        sa.Column("due", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("told_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_crossings")),
        sa.UniqueConstraint("crossing_id", name=op.f("uq_clock_crossings_crossing_id")),
    )
    op.create_index("ix_clock_crossings_order_id_id", "clock_crossings", ["order_id", "id"], unique=False)
    op.create_index("ix_clock_crossings_told_at", "clock_crossings", ["told_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_clock_crossings_told_at", table_name="clock_crossings")
    op.drop_index("ix_clock_crossings_order_id_id", table_name="clock_crossings")
    op.drop_table("clock_crossings")
