"""orders of one matter in one district

Revision: 0033, after: 0032
"""

from __future__ import annotations

from alembic import op

revision: str = "0033"
down_revision: str | None = "0032"

NAME = "ix_orders_district_category_created_at"


def upgrade() -> None:
    columns = ["district", "category", "created_at"]
    op.create_index(NAME, "orders", columns, postgresql_ops={"category": "text_pattern_ops"})


def downgrade() -> None:
    op.drop_index(NAME, "orders")
