"""words of orders with their moments: of a word that many have, the newest are met first

Revision: 0032, after: 0031
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0032"
down_revision: str | None = "0031"


def upgrade() -> None:
    column: sa.Column[float] = sa.Column(
        "created_at", sa.Double(), nullable=False, server_default=sa.text("0")
    )
    op.add_column("order_search", column)
    if op.get_bind().dialect.name == "postgresql":
        # how often the commoner grams occur is what decides how words are looked for
        op.execute("ALTER TABLE order_search ALTER COLUMN grams SET STATISTICS 500")
        op.drop_index("ix_order_search_grams", "order_search")  # every row is written anew
        op.execute(
            "UPDATE order_search SET created_at = orders.created_at FROM orders "
            "WHERE orders.id = order_search.order_id"
        )
        op.create_index("ix_order_search_grams", "order_search", ["grams"], postgresql_using="gin")
    else:
        op.execute("DROP TRIGGER order_grams_update")
        op.execute(
            "UPDATE order_search SET created_at = "
            "(SELECT orders.created_at FROM orders WHERE orders.id = order_search.order_id)"
        )
        op.execute(
            "CREATE TRIGGER order_grams_update AFTER UPDATE OF grams ON order_search BEGIN "
            "INSERT INTO order_grams (order_grams, rowid, grams) VALUES ('delete', OLD.place, OLD.grams); "
            "INSERT INTO order_grams (rowid, grams) VALUES (NEW.place, NEW.grams); END"
        )
    op.create_index("ix_order_search_created_at_order_id", "order_search", ["created_at", "order_id"])


def downgrade() -> None:
    op.drop_index("ix_order_search_created_at_order_id", "order_search")
    op.drop_column("order_search", "created_at")
