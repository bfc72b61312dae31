"""call-backs, blocked numbers; team, place and texts of accounts

Revision: 0002, after: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    # plain ALTER TABLE on SQLite, too: a table made anew would take the sessions that refer to it along
    op.add_column(
        "accounts", sa.Column("team", sa.String(length=40), nullable=False, server_default=sa.text("''"))
    )
    op.add_column(
        "accounts", sa.Column("place", sa.String(length=40), nullable=False, server_default=sa.text("''"))
    )
    op.add_column("accounts", sa.Column("texts", sa.Integer(), nullable=False, server_default="0"))

    op.create_table(
        "callbacks",
        sa.Column("callback_id", sa.String(length=80), nullable=False),
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("diallable", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_since", sa.Double(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("queue", sa.String(length=64), nullable=False),
        sa.Column("needs", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=True),
        sa.Column("wishes", sa.Integer(), nullable=False),
        sa.Column("calls", sa.JSON(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.Double(), nullable=True),
        sa.Column("last_result", sa.String(length=16), nullable=True),
        sa.Column("agent_id", sa.String(length=32), nullable=True),
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("callback_id", name=op.f("pk_callbacks")),
    )
    op.create_index("ix_callbacks_state_last_at", "callbacks", ["state", "last_at"], unique=False)
    op.create_index("ix_callbacks_number_last_at", "callbacks", ["number", "last_at"], unique=False)
    op.create_index("ix_callbacks_last_at", "callbacks", ["last_at"], unique=False)

    op.create_table(
        "blocked_numbers",
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=True),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_blocked_numbers")),
    )


def downgrade() -> None:
    op.drop_table("blocked_numbers")
    op.drop_index("ix_callbacks_last_at", table_name="callbacks")
    op.drop_index("ix_callbacks_number_last_at", table_name="callbacks")
    op.drop_index("ix_callbacks_state_last_at", table_name="callbacks")
    op.drop_table("callbacks")
    op.drop_column("accounts", "texts")
    op.drop_column("accounts", "place")
    op.drop_column("accounts", "team")
