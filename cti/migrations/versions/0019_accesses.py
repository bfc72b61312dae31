"""who looked at which order, and what was taken out of the house

Revision: 0019, after: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"


def upgrade() -> None:
    op.create_table(
        "order_accesses",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("act", sa.String(length=12), nullable=False),
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("serial", sa.String(length=24), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_accesses")),
    )
    for name, columns in INDEXES.items():
        op.create_index(name, "order_accesses", columns, unique=False)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, table_name="order_accesses")
    op.drop_table("order_accesses")


INDEXES = {
    "ix_order_accesses_order_id_id": ["order_id", "id"],
    "ix_order_accesses_who_at": ["who", "at"],
    "ix_order_accesses_act_at": ["act", "at"],
    "ix_order_accesses_at": ["at"],
    "ix_order_accesses_serial": ["serial"],
}
