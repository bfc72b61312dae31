"""an index of voice messages, so that the newest are found among everything that happened

Revision: 0013, after: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"

MESSAGES = sa.text("kind = 'message'")


def upgrade() -> None:
    op.create_index(
        "ix_call_events_messages",
        "call_events",
        ["at"],
        unique=False,
        sqlite_where=MESSAGES,
        postgresql_where=MESSAGES,
    )


def downgrade() -> None:
    op.drop_index("ix_call_events_messages", table_name="call_events")
