"""The database: one engine for SQLite (embedded) or PostgreSQL (production), and its schema.

On SQLite a transaction that reads first and writes later can fail half-way, because somebody else wrote in
between. Such transactions say at the start that they will write, and wait for their turn there:

    async with engine.connect() as connection: ...      # reads; a single write statement is fine, too
    async with writing(engine) as connection: ...       # reads, then writes; commits at the end
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, Table, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

import orders.advice_tables
import orders.assessment_tables
import orders.course_tables
import orders.dispatch_tables
import orders.knowledge_proposals
import orders.link_tables
import orders.retention_tables
import orders.seal_tables
import orders.search_tables
import orders.tables
import orders.themes
from cti import board_tables, change_triggers, system_tables
from cti.casework import access_tables, citizen_tables, clock_tables
from cti.errors import HotlineError
from cti.figures import tables as figure_tables
from cti.quality import tables as quality_tables

__all__ = [
    "PATIENT_LIMIT_S",
    "DatabaseError",
    "DatabaseUrlInvalid",
    "SchemaUnknown",
    "async_url",
    "current_revision",
    "head_revision",
    "insert_for",
    "migrate",
    "open_engine",
    "target_metadata",
    "upsert",
    "writing",
]

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK_WAIT_S = 10.0
"""How long a SQLite transaction waits for another one's lock."""
COMMAND_LIMIT_S = 30.0
"""How long PostgreSQL may take for one statement before it counts as down."""
CONNECT_LIMIT_S = 5.0
MIGRATION_LIMIT_S = 600.0
"""How long a migration may take, and how long a second server waits for the first one's."""
PATIENT_LIMIT_S = 86_400.0
"""The same for `hotline migrate`, whose database has millions of orders and no server that waits."""
_MIGRATION_LOCK = 123_450_001
"""Key of the PostgreSQL advisory lock that lets one server at a time migrate."""
_WRITING = "hotline_writing"


class DatabaseError(HotlineError):
    """Base of what this module raises."""


class DatabaseUrlInvalid(DatabaseError):
    """The database URL cannot be used; the text names it without its password and says what fits."""


class SchemaUnknown(DatabaseError):
    """The database was migrated by a newer version of this program."""


def async_url(url: str) -> URL:
    """Return the URL with the asynchronous driver that this project uses.

    `sqlite:///file` and `postgresql://user@host/name` (also `postgres://`) are accepted as people write them.

    Raises:
        DatabaseUrlInvalid: for another database, a SQLite database in memory, or text that is no URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUrlInvalid(
            "HOTLINE_DATABASE_URL is not a URL; use sqlite:///path/to/file or postgresql://user@host/name"
        ) from None
    family = parsed.drivername.partition("+")[0]
    if family == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise DatabaseUrlInvalid(
                "HOTLINE_DATABASE_URL: a SQLite database needs a file that survives a restart; "
                "use sqlite:///path/to/file"
            )
        return parsed.set(drivername="sqlite+aiosqlite")
    if family in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+asyncpg")
    raise DatabaseUrlInvalid(
        f"HOTLINE_DATABASE_URL: {parsed.render_as_string(hide_password=True)} names {family}; "
        "use sqlite:///path/to/file or postgresql://user@host/name"
    )


def _prepare_sqlite_file(url: URL) -> None:
    """Create folder and file before SQLite does, readable by their owner only: they hold citizens' data.

    A file that exists is never opened here: closing it again would end the locks that this process's SQLite
    holds on it (POSIX locks belong to the process), and the next foreign program that closes the database
    would take away the log under the running server (sqlite.org/howtocorrupt.html, 2.2).
    """
    path = Path(str(url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    fault = errno.EISDIR if path.is_dir() else 0 if os.access(path, os.R_OK | os.W_OK) else errno.EACCES
    if fault:
        raise OSError(fault, os.strerror(fault), str(path))


def _is_locked(error: Exception) -> bool:
    return "locked" in str(error) or "busy" in str(error)


def _on_sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins no transactions of its own; `_on_begin` does
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout={int(LOCK_WAIT_S * 1000)}")
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            # The change to WAL does not wait for busy_timeout while another process makes it.
            try:
                cursor.execute("PRAGMA journal_mode=WAL")
                break
            except Exception as error:
                if not _is_locked(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute("PRAGMA journal_size_limit=67108864")
    finally:
        cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def open_engine(url: str, *, command_limit_s: float = COMMAND_LIMIT_S) -> AsyncEngine:
    """Return an engine for `sqlite:///file` or `postgresql://…`; no connection is made yet.

    SQLite: write-ahead log, foreign keys, 10 s patience with another writer, file readable by its owner only.
    PostgreSQL: connections are checked before use, so a restarted server costs no failed request.

    Raises:
        DatabaseUrlInvalid: when the URL cannot be used.
        OSError: when the folder of a SQLite file cannot be made or written.
    """
    parsed = async_url(url)
    if parsed.get_backend_name() == "sqlite":
        _prepare_sqlite_file(parsed)
        engine = create_async_engine(parsed, pool_size=5, max_overflow=5, pool_timeout=LOCK_WAIT_S)
        event.listen(engine.sync_engine, "connect", _on_sqlite_connect)
        event.listen(engine.sync_engine, "begin", _on_sqlite_begin)
        return engine
    return create_async_engine(
        parsed,
        pool_size=10,
        max_overflow=10,
        pool_timeout=CONNECT_LIMIT_S,
        pool_pre_ping=True,
        connect_args={
            "timeout": CONNECT_LIMIT_S,
            "command_timeout": command_limit_s,
            # what is asked here is over before a plan is compiled, and plans look dearer than they are
            "server_settings": {"jit": "off"},
        },
    )


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a connection in a transaction that holds the write lock (SQLite) and commits at the end.

    On SQLite writers of one engine wait for one another before they take a connection: those who waited in
    the database would keep every connection from readers, and could not be cancelled for ten seconds.

    Raises:
        sqlalchemy.exc.TimeoutError: on SQLite, when its turn does not come within `LOCK_WAIT_S`.
    """
    async with _turn(engine), engine.connect() as connection:
        await connection.execution_options(**{_WRITING: True})
        async with connection.begin():
            yield connection


_turns: WeakKeyDictionary[Engine, asyncio.Lock] = WeakKeyDictionary()


@asynccontextmanager
async def _turn(engine: AsyncEngine) -> AsyncIterator[None]:
    if engine.dialect.name != "sqlite":
        yield
        return
    turn = _turns.setdefault(engine.sync_engine, asyncio.Lock())
    try:
        async with asyncio.timeout(LOCK_WAIT_S):
            await turn.acquire()
    except TimeoutError:
        raise PoolTimeout("other writers held the database too long") from None
    try:
        yield
    finally:
        turn.release()


def upsert(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ON CONFLICT; both engines spell it the same."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """The same for a dialect's name, for statements that are made once and kept."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def target_metadata() -> tuple[MetaData, ...]:
    """Return the tables of every room; migrations must amount to exactly these."""
    ours = dict.fromkeys(
        tables.metadata
        for tables in (
            board_tables,
            quality_tables,
            figure_tables,
            system_tables,
            access_tables,
            clock_tables,
            citizen_tables,
        )
    )
    return (*ours, orders.tables.metadata)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def head_revision() -> str:
    """Return the revision of the schema that this version of the program needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise DatabaseError(f"no migrations in {MIGRATIONS}; the installation is incomplete")
    return head


async def current_revision(engine: AsyncEngine) -> str | None:
    """Return the revision of the database's schema, None for an empty database."""
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def _upgrade(connection: Connection) -> None:
    config = _config()
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise SchemaUnknown(
            f"the database has schema {current}, which this version does not know; "
            "install the version that migrated it, or a newer one"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    change_triggers.install(connection)


async def migrate(url: str, *, limit_s: float = MIGRATION_LIMIT_S) -> None:
    """Bring the schema to head in one transaction; of several servers starting at once one does it.

    It may take `limit_s`; whoever has millions of orders gives it longer than a starting server waits.

    Raises:
        DatabaseUrlInvalid: when the URL cannot be used.
        SchemaUnknown: when a newer version of this program migrated the database.
        TimeoutError: when it takes longer.
        sqlalchemy.exc.DBAPIError: when the database is not reachable or refuses a statement.
    """
    engine = open_engine(url, command_limit_s=limit_s)
    try:
        async with asyncio.timeout(limit_s), writing(engine) as connection:
            if engine.dialect.name == "postgresql":
                # A second server waits here until the first one has committed.
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()
