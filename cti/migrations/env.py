"""Alembic's entry: runs migrations on the connection that `cti.database.migrate` holds.

There is no other way in: migrations run when a server starts, and never against a URL of their own.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from cti.database import target_metadata


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=list(target_metadata()),
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()


_run(context.config.attributes["connection"])
