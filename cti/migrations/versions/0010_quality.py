"""reviews of talks: what talks were like, scoring sheets, reviews with their moves, calibrations

Revision: 0010, after: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"


def upgrade() -> None:
    op.create_table(
        "quality_documents",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "version", name=op.f("pk_quality_documents")),
    )
    op.create_table(
        "quality_talks",
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("agent_id", sa.String(length=32), nullable=False),
        sa.Column("began", sa.Double(), nullable=False),
        sa.Column("talk_s", sa.Double(), nullable=False),
        sa.Column("satisfaction", sa.Integer(), nullable=True),
        sa.Column("mos", sa.Double(), nullable=True),
        sa.Column("traits", sa.JSON(), nullable=True),
        sa.Column("looked_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "agent_id", name=op.f("pk_quality_talks")),
    )
    op.create_index("ix_quality_talks_began", "quality_talks", ["began"], unique=False)
    op.create_table(
        "quality_reviews",
        sa.Column("review_id", sa.String(length=40), nullable=False),
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("agent_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("picked_at", sa.Double(), nullable=False),
        sa.Column("drawn", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.String(length=32), nullable=False),
        sa.Column("total", sa.Double(), nullable=True),
        sa.Column("scored_at", sa.Double(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_quality_reviews")),
        sa.UniqueConstraint("call_id", "agent_id", name=op.f("uq_quality_reviews_call_id_agent_id")),
    )
    op.create_index(
        "ix_quality_reviews_agent_id_scored_at", "quality_reviews", ["agent_id", "scored_at"], unique=False
    )
    op.create_index("ix_quality_reviews_state_since", "quality_reviews", ["state", "since"], unique=False)
    op.create_table(
        "quality_moves",
        sa.Column("review_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("review_id", "version", name=op.f("pk_quality_moves")),
    )
    op.create_table(
        "quality_calibrations",
        sa.Column("calibration_id", sa.String(length=40), nullable=False),
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("agent_id", sa.String(length=32), nullable=False),
        sa.Column("sheet", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("reviewers", sa.JSON(), nullable=False),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("calibration_id", name=op.f("pk_quality_calibrations")),
    )
    op.create_index("ix_quality_calibrations_at", "quality_calibrations", ["at"], unique=False)
    op.create_table(
        "quality_marks",
        sa.Column("calibration_id", sa.String(length=40), nullable=False),
        sa.Column("reviewer", sa.String(length=32), nullable=False),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("calibration_id", "reviewer", name=op.f("pk_quality_marks")),
    )


def downgrade() -> None:
    op.drop_table("quality_marks")
    op.drop_index("ix_quality_calibrations_at", table_name="quality_calibrations")
    op.drop_table("quality_calibrations")
    op.drop_table("quality_moves")
    op.drop_index("ix_quality_reviews_state_since", table_name="quality_reviews")
    op.drop_index("ix_quality_reviews_agent_id_scored_at", table_name="quality_reviews")
    op.drop_table("quality_reviews")
    op.drop_index("ix_quality_talks_began", table_name="quality_talks")
    op.drop_table("quality_talks")
    op.drop_table("quality_documents")
