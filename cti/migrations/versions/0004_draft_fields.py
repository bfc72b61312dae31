"""further fields of a draft: detail, point, subject, exact time, mood, proposed unit

Revision: 0004, after: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"

_COLUMNS = (("detail", 200), ("point", 40), ("subject", 100), ("time_iso", 40), ("mood", 10), ("unit", 100))


def upgrade() -> None:
    for name, length in _COLUMNS:
        column = sa.Column(name, sa.String(length=length), nullable=False, server_default=sa.text("''"))
        op.add_column("orders", column)


def downgrade() -> None:
    for name, _ in reversed(_COLUMNS):
        op.drop_column("orders", name)
