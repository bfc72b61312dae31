"""since when an order is where it is, for rounds that look for what is due

Revision: 0025, after: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"


def upgrade() -> None:
    op.add_column("orders", sa.Column("course_since", sa.Double(), nullable=True))
    sqlite = op.get_bind().dialect.name == "sqlite"
    since = (
        "json_extract(course_json, '$.since')"
        if sqlite
        else "(course_json::json->>'since')::double precision"
    )
    op.execute(sa.text(f"UPDATE orders SET course_since = {since} WHERE course_json <> ''"))  # noqa: S608 - our own words
    op.create_index(
        "ix_orders_course_state_course_since_id",
        "orders",
        ["course_state", "course_since", "id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_orders_course_state_course_since_id", table_name="orders")
    op.drop_column("orders", "course_since")
