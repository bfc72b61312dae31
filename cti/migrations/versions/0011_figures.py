"""what figures need of calls, agents' states as rows, and the reports that were made

Rows of before know nothing of talks and rings: `hotline report rebuild` makes them again from the journal.

Revision: 0011, after: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"

CALLS = ("kind", "media", "talk_s", "hold_s", "consult_s", "ring_s", "missed", "transfers", "native",
         "failures", "opening", "staff_ready", "staff_busy", "staff_away", "parts", "written")  # fmt: skip


def upgrade() -> None:
    empty = sa.text("''")

    def add(column: sa.Column[object]) -> None:
        op.add_column("calls", column)

    add(sa.Column("kind", sa.String(length=16), nullable=False, server_default=sa.text("'inbound'")))
    add(sa.Column("media", sa.String(length=8), nullable=False, server_default=sa.text("'voice'")))
    for name in ("talk_s", "hold_s", "consult_s", "ring_s"):
        add(sa.Column(name, sa.Double(), nullable=True))
    for name in ("missed", "transfers", "failures"):
        add(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    add(sa.Column("native", sa.Boolean(), nullable=False, server_default=sa.false()))
    add(sa.Column("opening", sa.String(length=16), nullable=False, server_default=empty))
    for name in ("staff_ready", "staff_busy", "staff_away"):
        add(sa.Column(name, sa.Integer(), nullable=True))
    add(sa.Column("parts", sa.JSON(), nullable=True))
    add(sa.Column("written", sa.Double(), nullable=False, server_default="0"))
    op.create_index("ix_calls_written", "calls", ["written"], unique=False)

    op.create_table(
        "agent_states",
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False, server_default=empty),
        sa.Column("call_id", sa.String(length=80), nullable=False, server_default=empty),
        sa.Column("written", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_agent_states")),
    )
    op.create_index("ix_agent_states_at", "agent_states", ["at"], unique=False)
    op.create_index("ix_agent_states_agent_id_at", "agent_states", ["agent_id", "at"], unique=False)
    op.create_index("ix_agent_states_written", "agent_states", ["written"], unique=False)

    op.create_table(
        "reports",
        sa.Column("report_id", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("made_by", sa.String(length=32), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_reports")),
    )
    op.create_index("ix_reports_since", "reports", ["since"], unique=False)
    op.create_index("ix_reports_made_at", "reports", ["made_at"], unique=False)


def downgrade() -> None:
    op.drop_table("reports")
    op.drop_table("agent_states")
    op.drop_index("ix_calls_written", table_name="calls")
    for name in reversed(CALLS):
        op.drop_column("calls", name)
