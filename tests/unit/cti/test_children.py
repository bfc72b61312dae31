"""Children of `hotline up`: kept running, not kept running when their settings are wrong, ended in order."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from cti import children
from cti.children import Child
from tests.support.until import until

USAGE = ["no-such-command"]
"""The program ends at once with status 2: something went wrong, and may go well the next time."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "FIRST_WAIT_S", 0.01)


def child(tmp_path: Path, *arguments: str) -> Child:
    return Child("one", list(arguments), log_file=tmp_path / "log" / "one.log")


async def test_a_child_that_ends_is_started_again_and_again(tmp_path: Path) -> None:
    one = child(tmp_path, *USAGE)
    await one.start()
    try:
        await until(lambda: one.restarts >= 2, 60)
        assert not one.failed.is_set()
    finally:
        await one.stop(10)
    assert "no-such-command" in (tmp_path / "log" / "one.log").read_text()


async def test_a_child_whose_settings_are_wrong_is_given_up(tmp_path: Path) -> None:
    settings = tmp_path / "hotline.toml"
    settings.write_text("[web]\nport = 'eighty'\n")
    one = child(tmp_path, "serve", "--config", str(settings))
    await one.start()
    async with asyncio.timeout(60):
        await one.failed.wait()
    assert one.restarts == 0
    assert one.pid is None
    await one.stop(10)


async def test_a_child_that_is_stopped_is_not_started_again(tmp_path: Path) -> None:
    one = child(tmp_path, *USAGE)
    one._command = ["sleep", "60"]
    await one.start()
    pid = one.pid
    assert pid is not None
    await one.stop(10)
    assert one.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    one = child(tmp_path, *USAGE)
    one._command = ["sleep", "60"]
    await one.start()
    pid = one.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # deaf to SIGTERM
    await one.stop(0.1)
    assert one.pid is None
