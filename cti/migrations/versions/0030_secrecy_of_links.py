"""how secret the other order is, beside each link

Revision: 0030, after: 0029
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0029"


def upgrade() -> None:
    op.add_column(
        "order_links",
        sa.Column("secrecy", sa.String(length=10), nullable=False, server_default=sa.text("''")),
    )


def downgrade() -> None:
    op.drop_column("order_links", "secrecy")
