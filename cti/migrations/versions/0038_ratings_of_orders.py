"""what citizens think of orders, whichever way they said it: rated columns follow the rating, not the visit

Revision: 0038, after: 0037
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision: str = "0038"
down_revision: str | None = "0037"

AT_ONCE = 1000
ORDERS = sa.table(
    "orders",
    sa.column("id", sa.String),
    sa.column("course_json", sa.Text),
    sa.column("visit_json", sa.Text),
    sa.column("solved", sa.String),
    sa.column("satisfaction", sa.Integer),
)


def upgrade() -> None:
    _fill(by_rating=True)


def downgrade() -> None:
    _fill(by_rating=False)


def _fill(*, by_rating: bool) -> None:
    connection, last = op.get_bind(), ""
    rated = ORDERS.c.course_json.like('%"rating":{%')
    columns = (ORDERS.c.id, ORDERS.c.course_json, ORDERS.c.visit_json)
    write = (
        ORDERS.update()
        .where(ORDERS.c.id == sa.bindparam("which"))
        .values(solved=sa.bindparam("said"), satisfaction=sa.bindparam("mark"))
    )
    while True:
        query = sa.select(*columns).where(rated, ORDERS.c.id > last).order_by(ORDERS.c.id).limit(AT_ONCE)
        rows = connection.execute(query).all()
        values = [found for row in rows if (found := _values(row, by_rating=by_rating)) is not None]
        if values:
            connection.execute(write, values)
        if len(rows) < AT_ONCE:
            return
        last = rows[-1].id


def _values(row: Any, *, by_rating: bool) -> dict[str, object] | None:
    """The columns of an order, None where its row cannot be read."""
    try:
        rating = (msgspec.json.decode(row.course_json, type=dict[str, Any])).get("rating") or {}
        visit = msgspec.json.decode(row.visit_json or "{}", type=dict[str, Any])
        solved, mark = visit.get("solved"), visit.get("satisfaction")
        if by_rating and rating:
            solved, mark = (
                (rating.get("solved"), rating.get("result")) if rating.get("counts", True) else (None, None)
            )
    except (msgspec.DecodeError, AttributeError):
        return None
    return {"which": row.id, "said": solved or "", "mark": mark}
