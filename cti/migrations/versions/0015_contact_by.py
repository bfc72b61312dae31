"""how a citizen may be contacted: 联系方式 of an order

Revision: 0015, after: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"


def upgrade() -> None:
    column = sa.Column("contact_by", sa.String(length=10), nullable=False, server_default=sa.text("''"))
    op.add_column("orders", column)


def downgrade() -> None:
    op.drop_column("orders", "contact_by")
