"""only supervised orders in the index of supervision: they are few

Revision: 0034, after: 0033
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision: str = "0034"
down_revision: str | None = "0033"

NAME = "ix_orders_supervision_created_at"


def upgrade() -> None:
    op.drop_index(NAME, "orders")
    watched = text("supervision > 0")
    op.create_index(
        NAME, "orders", ["supervision", "created_at"], postgresql_where=watched, sqlite_where=watched
    )


def downgrade() -> None:
    op.drop_index(NAME, "orders")
    op.create_index(NAME, "orders", ["supervision", "created_at"])
