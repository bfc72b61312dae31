"""orders of one matter in one district in the order of lists, so that a page is found without sorting all

Revision: 0039, after: 0038
"""

from __future__ import annotations

from alembic import op

revision: str = "0039"
down_revision: str | None = "0038"

OLD = "ix_orders_district_category_created_at"
NEW = f"{OLD}_id"
COLUMNS = ["district", "category", "created_at"]
OPERATORS = {"category": "text_pattern_ops"}


def upgrade() -> None:
    op.create_index(NEW, "orders", [*COLUMNS, "id"], postgresql_ops=OPERATORS)
    op.drop_index(OLD, "orders")


def downgrade() -> None:
    op.create_index(OLD, "orders", COLUMNS, postgresql_ops=OPERATORS)
    op.drop_index(NEW, "orders")
