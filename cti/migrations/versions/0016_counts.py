"""indices for what a wall counts every few seconds: urgent orders, call-backs and visits of today

Revision: 0016, after: 0015
"""

from __future__ import annotations

from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"

INDICES = (
    ("ix_orders_urgency_state", "orders", ["urgency", "state"]),
    ("ix_callbacks_state_state_since", "callbacks", ["state", "state_since"]),
    ("ix_visits_state_since", "visits", ["state_since"]),
)


def upgrade() -> None:
    for name, table, columns in INDICES:
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, table, _ in reversed(INDICES):
        op.drop_index(name, table_name=table)
