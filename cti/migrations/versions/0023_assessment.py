"""the assessment of units: what orders are counted by, corrections of it, and frozen months

Revision: 0023, after: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"


def upgrade() -> None:
    empty = sa.text("''")
    op.create_table(
        "order_marks",
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=140), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=False),
        sa.Column("at", sa.Double(), nullable=True),
        sa.Column("day", sa.Integer(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("since", sa.Double(), nullable=True),
        sa.Column("until", sa.Double(), nullable=True),
        sa.Column("void", sa.String(length=16), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("district", sa.String(length=50), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "key", name=op.f("pk_order_marks")),
    )
    op.create_index(op.f("ix_order_marks_day_kind_unit"), "order_marks", ["day", "kind", "unit"])
    op.create_index(op.f("ix_order_marks_unit_day"), "order_marks", ["unit", "day"])
    op.create_table(
        "assessment_days",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_assessment_days")),
    )
    op.create_table(
        "mark_changes",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=140), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("written", sa.Double(), nullable=False),
        sa.Column("month_old", sa.Integer(), nullable=True),
        sa.Column("month_new", sa.Integer(), nullable=True),
        sa.Column("old", sa.Text(), nullable=False, server_default=empty),
        sa.Column("new", sa.Text(), nullable=False, server_default=empty),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mark_changes")),
    )
    for month in ("month_old", "month_new"):
        op.create_index(op.f(f"ix_mark_changes_{month}_written"), "mark_changes", [month, "written"])
    op.create_table(
        "assessment_months",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("month", "version", name=op.f("pk_assessment_months")),
    )


def downgrade() -> None:
    for table in ("assessment_months", "mark_changes", "assessment_days", "order_marks"):
        op.drop_table(table)
