"""words of supervisors to agents, and who has read them

Revision: 0012, after: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"


def upgrade() -> None:
    op.create_table(
        "staff_messages",
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("by_name", sa.String(length=64), nullable=False),
        sa.Column("to_all", sa.Boolean(), nullable=False),
        sa.Column("recipients", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_staff_messages")),
    )
    op.create_index(op.f("ix_staff_messages_at"), "staff_messages", ["at"], unique=False)
    op.create_table(
        "staff_message_reads",
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("login", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "login", name=op.f("pk_staff_message_reads")),
    )


def downgrade() -> None:
    op.drop_table("staff_message_reads")
    op.drop_index(op.f("ix_staff_messages_at"), table_name="staff_messages")
    op.drop_table("staff_messages")
