"""relations between orders, verdicts on articles, what was not found, templates of orders, marked sentences

Revision: 0009, after: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"


def upgrade() -> None:
    op.create_table(
        "order_links",
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("other", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("caller", sa.String(length=40), nullable=False),
        sa.Column("contact", sa.String(length=50), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "other", name=op.f("pk_order_links")),
    )
    op.create_index("ix_order_links_other", "order_links", ["other"], unique=False)
    op.create_table(
        "knowledge_verdicts",
        sa.Column("article_id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "version", "who", name=op.f("pk_knowledge_verdicts")),
    )
    op.create_index("ix_knowledge_verdicts_at", "knowledge_verdicts", ["at"], unique=False)
    op.create_table(
        "knowledge_misses",
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("text", name=op.f("pk_knowledge_misses")),
    )
    op.create_index("ix_knowledge_misses_last_at", "knowledge_misses", ["last_at"], unique=False)
    op.create_table(
        "order_templates",
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("title", sa.String(length=50), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("template_id", name=op.f("pk_order_templates")),
    )
    op.create_table(
        "transcript_marks",
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("line_id", sa.String(length=80), nullable=False),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "line_id", name=op.f("pk_transcript_marks")),
    )


def downgrade() -> None:
    op.drop_table("transcript_marks")
    op.drop_table("order_templates")
    op.drop_index("ix_knowledge_misses_last_at", table_name="knowledge_misses")
    op.drop_table("knowledge_misses")
    op.drop_index("ix_knowledge_verdicts_at", table_name="knowledge_verdicts")
    op.drop_table("knowledge_verdicts")
    op.drop_index("ix_order_links_other", table_name="order_links")
    op.drop_table("order_links")
