"""changes of articles that units propose, and articles that are told to nobody any more

Revision: 0027, after: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"


def upgrade() -> None:
    column: sa.Column[bool] = sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("knowledge", column)
    op.create_table(
        "knowledge_proposals",
        sa.Column("proposal_id", sa.String(length=40), nullable=False),
        sa.Column("article_id", sa.String(length=80), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("ruled_by", sa.String(length=64), nullable=False),
        sa.Column("ruled_at", sa.Double(), nullable=True),
        sa.Column("ruling", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_knowledge_proposals")),
    )
    for columns in (["state", "at"], ["article_id", "at"]):
        name = op.f(f"ix_knowledge_proposals_{'_'.join(columns)}")
        op.create_index(name, "knowledge_proposals", columns, unique=False)


def downgrade() -> None:
    op.drop_table("knowledge_proposals")
    op.drop_column("knowledge", "withdrawn")
