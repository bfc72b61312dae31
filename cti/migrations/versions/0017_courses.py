"""the course of accepted orders: where they are, their next time limit, and the inboxes of units

Revision: 0017, after: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"


def _added() -> tuple[sa.Column[object], ...]:
    empty = sa.text("''")
    return (
        sa.Column("course_state", sa.String(length=16), nullable=False, server_default=empty),
        sa.Column("course_round", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("lead_unit", sa.String(length=100), nullable=False, server_default=empty),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("near_at", sa.Double(), nullable=True),
        sa.Column("due_kind", sa.String(length=12), nullable=False, server_default=empty),
        sa.Column("supervision", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("course_json", sa.Text(), nullable=False, server_default=empty),
    )


INDEXES = (
    ["due_at"],
    ["course_state", "due_at"],
    ["lead_unit", "course_state", "created_at"],
    ["supervision", "created_at"],
)


def upgrade() -> None:
    for column in _added():
        op.add_column("orders", column)
    op.execute("UPDATE orders SET course_state = 'accepted', course_round = 1 WHERE state = 'accepted'")
    for columns in INDEXES:
        op.create_index(op.f(f"ix_orders_{'_'.join(columns)}"), "orders", columns)
    op.create_table(
        "order_units",
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("due", sa.Double(), nullable=True),
        sa.Column("near_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("order_id", "unit", name=op.f("pk_order_units")),
    )
    op.create_index(
        op.f("ix_order_units_unit_open_due_order_id"), "order_units", ["unit", "open", "due", "order_id"]
    )
    op.create_index(op.f("ix_order_units_unit_since_order_id"), "order_units", ["unit", "since", "order_id"])


def downgrade() -> None:
    op.drop_table("order_units")
    for columns in reversed(INDEXES):
        op.drop_index(op.f(f"ix_orders_{'_'.join(columns)}"), "orders")
    for column in reversed(_added()):
        op.drop_column("orders", column.name)
