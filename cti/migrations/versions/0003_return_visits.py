"""return visits, and what they answered on orders

Revision: 0003, after: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    empty = sa.text("''")
    op.add_column("orders", sa.Column("solved", sa.String(length=8), nullable=False, server_default=empty))
    op.add_column("orders", sa.Column("satisfaction", sa.Integer(), nullable=True))
    op.add_column("orders", sa.Column("visit_json", sa.Text(), nullable=False, server_default=empty))

    op.create_table(
        "visits",
        sa.Column("visit_id", sa.String(length=80), nullable=False),
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("order_number", sa.String(length=30), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_since", sa.Double(), nullable=False),
        sa.Column("planned_at", sa.Double(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_result", sa.String(length=16), nullable=True),
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("calls", sa.JSON(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.Column("recorded_by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_visits")),
    )
    op.create_index("ix_visits_state_due_at", "visits", ["state", "due_at"], unique=False)
    op.create_index("ix_visits_order_id", "visits", ["order_id"], unique=False)
    op.create_index("ix_visits_planned_at", "visits", ["planned_at"], unique=False)

    op.create_table(
        "visit_switch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_switch")),
    )


def downgrade() -> None:
    op.drop_table("visit_switch")
    op.drop_index("ix_visits_planned_at", table_name="visits")
    op.drop_index("ix_visits_order_id", table_name="visits")
    op.drop_index("ix_visits_state_due_at", table_name="visits")
    op.drop_table("visits")
    op.drop_column("orders", "visit_json")
    op.drop_column("orders", "satisfaction")
    op.drop_column("orders", "solved")
