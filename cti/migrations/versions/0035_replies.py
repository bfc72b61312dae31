"""what citizens answer to messages and a person reads; since when citizens are told

Revision: 0035, after: 0034
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0035"
down_revision: str | None = "0034"


def upgrade() -> None:
    op.add_column(
        "notice_place", sa.Column("begun_at", sa.Double(), nullable=False, server_default=sa.text("0"))
    )
    op.create_table(
        "notice_replies",
        sa.Column("reply_key", sa.String(64), nullable=False),
        sa.Column("order_id", sa.String(80), nullable=False),
        sa.Column("other", sa.String(80), nullable=False),
        sa.Column("why", sa.String(12), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("done_at", sa.Double(), nullable=True),
        sa.Column("done_by", sa.String(64), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("reply_key", name=op.f("pk_notice_replies")),
    )
    op.create_index("ix_notice_replies_done_at_at", "notice_replies", ["done_at", "at"])
    op.create_index("ix_notice_replies_order_id", "notice_replies", ["order_id"])


def downgrade() -> None:
    op.drop_table("notice_replies")
    op.drop_column("notice_place", "begun_at")
