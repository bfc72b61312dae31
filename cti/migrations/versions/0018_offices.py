"""people of units, what is open to them, and by which way and how secretly a matter came

Revision: 0018, after: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"


def upgrade() -> None:
    for column in (
        sa.Column("unit", sa.String(length=100), nullable=False, server_default=sa.text("''")),
        sa.Column("districts", sa.Text(), nullable=False, server_default=sa.text("'[]'")),
        sa.Column("confidential", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("accounts", column)
    for added in (
        sa.Column("channel", sa.String(length=16), nullable=False, server_default=sa.text("'phone'")),
        sa.Column("secrecy", sa.String(length=10), nullable=False, server_default=sa.text("''")),
    ):
        op.add_column("orders", added)


def downgrade() -> None:
    for name in ("secrecy", "channel"):
        op.drop_column("orders", name)
    for name in ("confidential", "districts", "unit"):
        op.drop_column("accounts", name)
