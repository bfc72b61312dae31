"""Schema migrations (Alembic), run by `cti.database.migrate`."""
