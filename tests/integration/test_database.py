"""The schema and the engine, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.database import (
    DatabaseUrlInvalid,
    SchemaUnknown,
    async_url,
    current_revision,
    head_revision,
    migrate,
    open_engine,
    target_metadata,
    writing,
)
from cti.tasks import end
from orders.search_tables import FTS

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database_url)
    yield engine
    await engine.dispose()


async def test_migrations_amount_to_the_tables_of_every_room(engine: AsyncEngine, database_url: str) -> None:
    await migrate(database_url)

    # SQLite's own tables of its index of grams, which is in PostgreSQL an index like others
    elsewhere = (FTS, "ix_order_search_grams") if engine.dialect.name == "sqlite" else (FTS,)

    def differences(connection: Connection) -> list[object]:
        options = {
            "compare_type": True,
            "compare_server_default": True,
            "include_object": lambda _object, name, *_: not str(name).startswith(elsewhere),
        }
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, list(target_metadata())))  # type: ignore[arg-type]

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_constraints_have_the_names_that_later_migrations_will_look_for(
    engine: AsyncEngine, database_url: str
) -> None:
    await migrate(database_url)

    def names(connection: Connection) -> set[str | None]:
        inspector = inspect(connection)
        return {inspector.get_pk_constraint(table)["name"] for table in inspector.get_table_names()}

    async with engine.connect() as connection:
        expected = {
            f"pk_{table.name}" for metadata in target_metadata() for table in metadata.tables.values()
        }
        assert expected <= await connection.run_sync(names)


async def test_an_empty_database_has_no_revision_and_a_migrated_one_the_newest(
    engine: AsyncEngine, database_url: str
) -> None:
    assert await current_revision(engine) is None
    await migrate(database_url)
    assert await current_revision(engine) == head_revision()


async def test_servers_that_start_at_once_migrate_once(engine: AsyncEngine, database_url: str) -> None:
    program = "import asyncio, sys; from cti.database import migrate; asyncio.run(migrate(sys.argv[1]))"
    servers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, database_url, stderr=subprocess.PIPE, cwd=Path.cwd()
        )
        for _ in range(3)
    ]
    errors = [(await server.communicate())[1] for server in servers]
    assert [server.returncode for server in servers] == [0, 0, 0], errors
    assert await current_revision(engine) == head_revision()


async def test_a_migration_that_fails_leaves_the_database_as_it_was(
    engine: AsyncEngine, database_url: str
) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE transcript_lines (x INTEGER)"))
    with pytest.raises(Exception, match="transcript_lines"):
        await migrate(database_url)
    async with engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    assert tables == {"transcript_lines"}


async def test_a_database_of_a_newer_version_is_left_alone(engine: AsyncEngine, database_url: str) -> None:
    await migrate(database_url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaUnknown, match="9999"):
        await migrate(database_url)
    assert await current_revision(engine) == "9999"


async def test_what_was_not_committed_is_not_there(engine: AsyncEngine, database_url: str) -> None:
    await migrate(database_url)
    statement = text("INSERT INTO order_numbers (day, last) VALUES ('20261121', 1)")
    with pytest.raises(RuntimeError, match="half-way"):
        async with writing(engine) as connection:
            await connection.execute(statement)
            raise RuntimeError("half-way")
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM order_numbers")) == 0


async def test_transactions_that_read_and_then_write_do_not_fail_one_another(
    engine: AsyncEngine, database_url: str
) -> None:
    await migrate(database_url)
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO order_numbers (day, last) VALUES ('20261121', 0)"))
    lock = "" if engine.dialect.name == "sqlite" else " FOR UPDATE"

    async def count_one() -> None:
        async with writing(engine) as connection:
            last = await connection.scalar(text(f"SELECT last FROM order_numbers{lock}"))  # noqa: S608
            await connection.execute(
                text("UPDATE order_numbers SET last = :new"), {"new": int(last or 0) + 1}
            )

    await asyncio.gather(*(count_one() for _ in range(25)))
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT last FROM order_numbers")) == 25


async def test_sqlite_is_set_for_a_server(tmp_path: Path) -> None:
    path = tmp_path / "data" / "hotline.sqlite"
    engine = open_engine(f"sqlite:///{path}")
    async with engine.connect() as connection:
        settings = {
            name: await connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    await engine.dispose()
    assert settings == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 10_000, "synchronous": 1}
    assert stat.S_IMODE((await asyncio.to_thread(path.stat)).st_mode) == 0o600


async def test_on_sqlite_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hotline.sqlite'}"
    await migrate(url)
    engine = open_engine(url)
    async with writing(engine) as writer:
        await writer.execute(text("INSERT INTO order_numbers (day, last) VALUES ('20261121', 1)"))
        async with engine.connect() as reader, asyncio.timeout(5):
            assert await reader.scalar(text("SELECT count(*) FROM order_numbers")) == 0
    await engine.dispose()


async def test_on_sqlite_a_second_engine_does_not_cost_the_first_one_its_log(
    migrated_sqlite: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(migrated_sqlite, tmp_path / "shared.sqlite"))
    engine = open_engine(f"sqlite:///{path}")
    async with engine.connect() as connection:
        await connection.scalar(text("SELECT count(*) FROM order_numbers"))
    beside = open_engine(f"sqlite:///{path}")  # as the wall's thread does, in the same process
    await beside.dispose()
    seen = "SELECT count(*) FROM order_numbers"
    assert await _another_program(path, seen) == 0  # its close would take a log away that nobody holds

    async with writing(engine) as connection:
        await connection.execute(text("INSERT INTO order_numbers (day, last) VALUES ('20261121', 1)"))

    assert await _another_program(path, seen) == 1
    async with engine.connect() as first, engine.connect() as second:
        assert [await one.scalar(text(seen)) for one in (first, second)] == [1, 1]
    await engine.dispose()


async def _another_program(path: Path, question: str) -> int:
    """Open the database in a process of its own, ask, close."""
    program = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1])\n"
        "print(*connection.execute(sys.argv[2]).fetchone())\n"
        "connection.close()\n"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(path), question, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    return int(said)


async def test_a_folder_in_the_place_of_a_sqlite_file_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "not-a-file.sqlite"
    folder.mkdir()
    with pytest.raises(OSError, match=r"not-a-file\.sqlite"):
        open_engine(f"sqlite:///{folder}")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("sqlite:///var/h.db", "sqlite+aiosqlite:///var/h.db"),
        ("sqlite:////var/h.db", "sqlite+aiosqlite:////var/h.db"),
        ("postgres://u@h/n", "postgresql+asyncpg://u@h/n"),
        ("postgresql://u@h:5433/n", "postgresql+asyncpg://u@h:5433/n"),
        ("postgresql+psycopg2://u@h/n", "postgresql+asyncpg://u@h/n"),
    ],
)
def test_urls_are_taken_as_people_write_them(given: str, used: str) -> None:
    assert async_url(given).render_as_string(hide_password=False) == used


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("", "is not a URL"),
        ("hotline.db", "is not a URL"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("mysql://u:secret@h/n", "names mysql; use sqlite:///"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_a_remedy_and_without_its_password(
    url: str, remedy: str
) -> None:
    with pytest.raises(DatabaseUrlInvalid, match=remedy) as refused:
        async_url(url)
    assert "secret" not in str(refused.value)


async def test_writers_that_wait_leave_readers_a_connection_and_can_be_cancelled_at_once(
    migrated_sqlite: Path, tmp_path: Path
) -> None:
    path = shutil.copy(migrated_sqlite, tmp_path / "busy.sqlite")
    engine = open_engine(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write() -> None:
        async with writing(engine) as connection:
            await connection.execute(text("DELETE FROM sessions"))

    writers = [asyncio.create_task(write()) for _ in range(15)]
    try:
        async with asyncio.timeout(5):  # ten connections would wait ten seconds in the database
            await asyncio.sleep(0.2)
            async with engine.connect() as connection:
                assert await connection.scalar(text("SELECT count(*) FROM sessions")) == 0
            await end(*writers[1:])
    finally:
        other.execute("ROLLBACK")
        other.close()
    await writers[0]
    await engine.dispose()
