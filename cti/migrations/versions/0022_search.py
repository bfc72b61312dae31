"""orders found by words, by district and category, and by who may see them, however many there are

Revision: 0022, after: 0021
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from orders.search_tables import SQLITE_DDL, Grams
from orders.search_text import SEARCHED, grams_of, joined

revision: str = "0022"
down_revision: str | None = "0021"

BATCH = 1000
DUE = ("due_at", "near_at")


def _some(column: str) -> dict[str, Any]:
    condition = sa.text(f"{column} IS NOT NULL")
    return {"postgresql_where": condition, "sqlite_where": condition}


def upgrade() -> None:
    for column in ("caller", "phone", "created_at", "due_at"):
        op.drop_index(f"ix_orders_{column}", "orders")
    for columns in (["caller", "created_at"], ["phone", "created_at"], ["created_at", "id"]):
        op.create_index(f"ix_orders_{'_'.join(columns)}", "orders", columns)
    op.create_index("ix_orders_district_created_at", "orders", ["district", "created_at"])
    op.create_index(
        "ix_orders_category_created_at",
        "orders",
        ["category", "created_at"],
        postgresql_ops={"category": "text_pattern_ops"},
    )
    for column in DUE:
        op.create_index(f"ix_orders_{column}", "orders", [column], **_some(column))
    op.add_column(
        "order_units", sa.Column("created_at", sa.Double(), nullable=False, server_default=sa.text("0"))
    )
    op.execute(
        "UPDATE order_units SET created_at = "
        "(SELECT orders.created_at FROM orders WHERE orders.id = order_units.order_id)"
    )
    op.create_index(
        "ix_order_units_unit_created_at_order_id", "order_units", ["unit", "created_at", "order_id"]
    )
    make_search()


def make_search() -> None:
    """Make the table by which orders are found by words, and fill it."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    table = op.create_table(
        "order_search",
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("grams", ARRAY(sa.Integer()) if postgresql else sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_order_search")),
        sa.UniqueConstraint("order_id", name=op.f("uq_order_search_order_id")),
    )
    if not postgresql:
        for statement in SQLITE_DDL:
            op.execute(statement)
    _fill(sa.table("order_search", sa.column("order_id"), sa.column("text"), sa.column("grams", Grams())))
    if postgresql:
        op.create_index("ix_order_search_grams", table.name, ["grams"], postgresql_using="gin")


def _fill(search: sa.TableClause) -> None:
    """Write what every order is found by, oldest first."""
    names = ["id", "number", "caller", *(field.value for field in SEARCHED), "created_at"]
    orders = sa.table("orders", *map(sa.column, names))
    connection, last = op.get_bind(), (-1e18, "")
    while True:
        behind = sa.tuple_(orders.c.created_at, orders.c.id) > sa.tuple_(*map(sa.literal, last))
        query = sa.select(orders).where(orders.c.created_at >= last[0], behind)
        rows = connection.execute(query.order_by(orders.c.created_at, orders.c.id).limit(BATCH)).all()
        if not rows:
            return
        found = [{"order_id": row.id, "text": joined(row.number or "", *map(str, row[2:-1]))} for row in rows]
        connection.execute(sa.insert(search), [{**one, "grams": grams_of(one["text"])} for one in found])
        last = (rows[-1].created_at, rows[-1].id)


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        op.execute("DROP TABLE order_grams")
    op.drop_table("order_search")
    op.drop_index("ix_order_units_unit_created_at_order_id", "order_units")
    op.drop_column("order_units", "created_at")
    for columns in ("near_at", "due_at", "category_created_at", "district_created_at", "created_at_id",
                    "phone_created_at", "caller_created_at"):  # fmt: skip
        op.drop_index(f"ix_orders_{columns}", "orders")
    for column in ("caller", "phone", "created_at", "due_at"):
        op.create_index(f"ix_orders_{column}", "orders", [column])
