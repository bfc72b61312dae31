"""Asterisk as a child process: started, asked, stopped, and what is told when it cannot run."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from asterisk_conf import render
from asterisk_conf.config import AsteriskConfig
from asterisk_conf.errors import ProcessError
from asterisk_conf.process import AsteriskProcess
from asterisk_conf.provide import OLDEST, AsteriskInstall
from tests.support.agi_stub import AgiCall, agi_stub
from tests.support.asterisk import AGI_PORT, SECRET, Pair, citizen_calls, running_pair
from tests.support.loopback import LoopbackBlock

pytestmark = [pytest.mark.integration]


@pytest.fixture
async def process(
    asterisk_install: AsteriskInstall, loopback: LoopbackBlock, tmp_path: Path
) -> AsyncIterator[AsteriskProcess]:
    """A plain node, not yet started."""
    config = AsteriskConfig(
        system_name="plain",
        bind_address=loopback.address(),
        module_dir=asterisk_install.module_dir,
        data_dir=asterisk_install.data_dir,
        sounds_dir=tmp_path / "sounds",
        recordings_dir=tmp_path / "recordings",
        manager_user="cti",
        manager_secret=SECRET,
    )
    render.render(config, tmp_path / "node")
    process = AsteriskProcess(
        asterisk_install, tmp_path / "node", launcher=("setpriv", "--pdeathsig", "KILL")
    )
    yield process
    await process.stop()


def test_the_install_is_recent_enough(asterisk_install: AsteriskInstall) -> None:
    assert asterisk_install.version >= OLDEST


async def test_it_boots_answers_and_stops(process: AsteriskProcess) -> None:
    await process.start()
    await process.wait_booted()
    assert process.pid is not None
    assert "System uptime" in await process.cli("core show uptime")
    await process.stop()
    assert process.pid is None
    assert process.returncode == 0


async def test_it_can_be_started_again_in_the_same_folder(process: AsteriskProcess) -> None:
    for _ in range(2):
        await process.start()
        await process.wait_booted()
        process.kill(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL


async def test_it_is_not_started_twice(process: AsteriskProcess) -> None:
    await process.start()
    with pytest.raises(ProcessError, match="runs already with pid"):
        await process.start()


async def test_a_console_command_to_a_stopped_asterisk_is_refused(process: AsteriskProcess) -> None:
    with pytest.raises(ProcessError, match="refused 'core show uptime'"):
        await process.cli("core show uptime")


async def test_an_asterisk_that_cannot_boot_says_why(process: AsteriskProcess, tmp_path: Path) -> None:
    modules = tmp_path / "node" / "etc" / "modules.conf"
    modules.write_text("[modules]\nautoload = no\nrequire = res_no_such_thing.so\n", encoding="utf-8")
    await process.start()
    with pytest.raises(ProcessError, match="res_no_such_thing"):
        await process.wait_booted()


async def test_an_asterisk_that_ignores_being_told_to_stop_is_killed(process: AsteriskProcess) -> None:
    await process.start()
    await process.wait_booted()
    process.kill(signal.SIGSTOP)
    await process.stop()
    assert process.returncode == -signal.SIGKILL


async def test_a_graceful_stop_lets_a_call_end(
    asterisk_install: AsteriskInstall, loopback: LoopbackBlock
) -> None:
    begun, finished = asyncio.Event(), asyncio.Event()

    async def talk(agi: AgiCall) -> None:
        await agi.command("ANSWER")
        begun.set()
        await agi.command("WAIT FOR DIGIT 2000")
        await agi.command("SET VARIABLE HL_DONE 1")
        finished.set()

    def pair_without_hotline_process(pair: Pair) -> AsteriskProcess:
        pair.hotline.stop()
        return AsteriskProcess(
            asterisk_install, pair.hotline.folder, launcher=("setpriv", "--pdeathsig", "KILL")
        )

    with running_pair(asterisk_install, loopback) as pair:
        process = pair_without_hotline_process(pair)
        await process.start()
        await process.wait_booted()
        async with agi_stub(pair.server, AGI_PORT, talk), pair.phones.ami() as network:
            await citizen_calls(network)
            async with asyncio.timeout(10):
                await begun.wait()
            await process.stop(grace=15)
            assert finished.is_set()
            assert process.returncode == 0
