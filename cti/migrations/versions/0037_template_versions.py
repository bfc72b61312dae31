"""versions of templates with their reasons; more kinds of events for webhooks

Revision: 0037, after: 0036
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0037"
down_revision: str | None = "0036"


def upgrade() -> None:
    versions = op.create_table(
        "order_template_versions",
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("template_id", "version", name=op.f("pk_order_template_versions")),
    )
    names = ("template_id", "version", "data", "changed_at", "changed_by")
    standing = sa.table("order_templates", *(sa.column(name) for name in names))
    copied = sa.select(*(standing.c[name] for name in names), sa.literal("").label("reason"))
    op.execute(versions.insert().from_select([*names, "reason"], copied))
    _forget_triggers()


def downgrade() -> None:
    _forget_triggers()
    op.drop_table("order_template_versions")


def _forget_triggers() -> None:
    """Those that tell webhooks are made anew at the end of every migration (cti.change_triggers)."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        listed = (
            "SELECT name, tbl_name FROM sqlite_master "
            "WHERE type = 'trigger' AND name LIKE 'tell!_%' ESCAPE '!'"
        )
    else:
        listed = (
            "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE tgname LIKE 'tell!_%' ESCAPE '!' AND NOT tgisinternal"
        )
    for name, table in connection.execute(sa.text(listed)).all():
        if connection.dialect.name == "sqlite":
            op.execute(f"DROP TRIGGER {name}")
        else:
            op.execute(f"DROP TRIGGER {name} ON {table}")
