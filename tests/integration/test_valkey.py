"""The Valkey server that the hotline brings along: started, stopped, killed, taken over."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from cti.errors import StartError
from cti.valkey import EmbeddedValkey
from tests.support.until import until

pytestmark = pytest.mark.integration


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for a socket."""
    path = Path(tempfile.mkdtemp(prefix="hlv"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
async def valkey(folder: Path) -> AsyncIterator[EmbeddedValkey]:
    server = EmbeddedValkey(folder / "live")
    await server.start()
    yield server
    await server.stop()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_it_answers_at_its_address(valkey: EmbeddedValkey) -> None:
    async with Redis.from_url(valkey.url) as client:
        assert await client.ping()


async def test_its_data_are_there_after_a_restart(valkey: EmbeddedValkey) -> None:
    async with Redis.from_url(valkey.url) as client:
        await client.set("place", "7")
    await valkey.stop()
    await valkey.start()
    async with Redis.from_url(valkey.url) as client:
        assert await client.get("place") == b"7"


async def test_stopping_ends_its_process(valkey: EmbeddedValkey) -> None:
    pid = valkey.pid
    await valkey.stop()
    assert pid is not None
    assert not alive(pid)
    assert valkey.pid is None


async def test_stopping_after_it_was_killed_does_no_harm(valkey: EmbeddedValkey) -> None:
    assert valkey.pid is not None
    os.kill(valkey.pid, signal.SIGKILL)
    await valkey.stop()
    assert valkey.pid is None


async def test_a_folder_serves_one_hotline_at_a_time(valkey: EmbeddedValkey) -> None:
    with pytest.raises(StartError, match="another hotline uses"):
        await EmbeddedValkey(valkey.folder).start()


async def test_nobody_but_the_owner_reaches_its_socket(valkey: EmbeddedValkey) -> None:
    assert valkey.socket.stat().st_mode & 0o777 == 0o700


async def test_a_path_that_is_too_long_for_a_socket_is_refused(folder: Path) -> None:
    with pytest.raises(StartError, match="too long"):
        await EmbeddedValkey(folder / ("x" * 120)).start()


async def test_a_damaged_data_file_is_named_with_the_log(folder: Path) -> None:
    data = folder / "live" / "appendonlydir"
    data.mkdir(parents=True)
    (data / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(StartError, match=r"ended with status \d+.*valkey\.log"):
        await EmbeddedValkey(folder / "live").start()


async def test_a_server_that_outlived_its_hotline_is_taken_over_and_stopped(folder: Path) -> None:
    code = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from cti.valkey import EmbeddedValkey\n"
        "server = EmbeddedValkey(Path(sys.argv[1]))\n"
        "asyncio.run(server.start())\n"
        "print(server.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(  # noqa: ASYNC221 - it ends at once
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    pid = int(killed.stdout)
    assert alive(pid)
    successor = EmbeddedValkey(folder)
    await successor.start()
    assert successor.pid == pid
    await successor.stop()
    await until(lambda: not alive(pid))
