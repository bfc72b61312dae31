"""An empty database with the newest schema for each test on either engine, without migrating each time.

A test that changes the schema itself takes `database_url` and migrates it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from cti.database import migrate, target_metadata
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema; copy it, do not open it."""
    path = tmp_path_factory.mktemp("migrated") / "hotline.sqlite"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> str:
    """The URL of a PostgreSQL database with the newest schema, emptied before each test."""
    url = postgres_server.create_database()
    asyncio.run(migrate(url))
    return url


async def _empty(address: str) -> None:
    url = make_url(address)
    tables = ", ".join(table for metadata in target_metadata() for table in metadata.tables)
    connection = await asyncpg.connect(host=str(url.query["host"]), user=url.username, database=url.database)
    try:
        await connection.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database with its schema in place: the test runs once on each engine."""
    if request.param == "sqlite":
        path = shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "hotline.sqlite")
        yield f"sqlite:///{path}"
        return
    url: str = request.getfixturevalue("migrated_postgres")
    asyncio.run(_empty(url))
    yield url
