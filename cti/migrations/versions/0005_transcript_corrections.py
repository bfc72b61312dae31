"""repairs and gaps of transcripts, and what people corrected in them

Revision: 0005, after: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"


def upgrade() -> None:
    op.add_column("transcript_lines", sa.Column("repairs", sa.JSON(), nullable=True))
    op.add_column(
        "transcript_lines",
        sa.Column("gap", sa.String(length=16), nullable=False, server_default=sa.text("''")),
    )
    op.create_table(
        "transcript_corrections",
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("line_id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "line_id", "version", name=op.f("pk_transcript_corrections")),
    )
    op.create_index("ix_transcript_corrections_at", "transcript_corrections", ["at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_transcript_corrections_at", table_name="transcript_corrections")
    op.drop_table("transcript_corrections")
    op.drop_column("transcript_lines", "gap")
    op.drop_column("transcript_lines", "repairs")
