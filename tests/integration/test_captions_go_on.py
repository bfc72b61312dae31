"""A worker dies in the middle of a talk: another one listens on, and the transcript says what is missing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from asr import bus
from asterisk_conf.provide import AsteriskInstall
from cti.call import Tapped
from cti.demo.desk import DeskCall
from cti.messages import CallState
from tests.support.hotline import LIMIT_S, Citizen, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock
from tests.support.speech import found_model
from tests.support.until import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock) -> AsyncIterator[Hotline]:
    found_model()
    async with running_hotline(module_loopback, captions=True, asr_processes=2) as hotline:
        await hotline.health_says(captions=True)
        yield hotline


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(shared: Hotline) -> AsyncIterator[Hotline]:
    yield shared
    await shared.quiet()


async def talk(hotline: Hotline, number: str) -> tuple[Citizen, DeskCall, dict[str, Tapped]]:
    """A citizen and an agent talk, both heard; return also the taps by whose they are."""
    desk = await hotline.desk(1)
    citizen = hotline.citizen(number)
    await hotline.ready(1)
    await hotline.dial(citizen)
    call = await hotline.is_in(citizen, CallState.TALKING)
    await until(lambda: desk.call(number) is not None, LIMIT_S)
    seen = desk.call(number)
    assert seen is not None
    tapped = call.tapped
    while len(tapped) < 2:
        tapped = (await hotline.is_in(citizen, CallState.TALKING)).tapped
    return citizen, seen, {each.speaker: each for each in tapped}


async def worker_pids(hotline: Hotline, busy: bool) -> list[int]:
    """Processes of the workers that have legs now, or have none."""
    states = await bus.workers(hotline._redis, prefix=hotline.settings.prefix)
    return [int(state.worker_id.rpartition(":")[2]) for state in states if bool(state.taps) == busy]


def words(seen: DeskCall) -> str:
    return "".join(line.text for line in seen.captions.values() if line.speaker == "citizen")


async def test_a_call_is_heard_on_after_the_workers_that_heard_it_are_killed(hotline: Hotline) -> None:
    citizen, seen, _ = await talk(hotline, "13800000861")
    citizen.says("water_outage_1.wav")
    await until(lambda: citizen.silent, LIMIT_S)
    await until(lambda: "水" in words(seen), LIMIT_S)
    await until_busy(hotline)
    killed = time.time()
    for pid in await worker_pids(hotline, busy=True):
        os.kill(pid, signal.SIGKILL)
    await until(lambda: len([line for line in seen.captions.values() if line.gap]) == 2, LIMIT_S)
    gaps = [line for line in seen.captions.values() if line.gap]
    assert {(gap.speaker, gap.gap, gap.text) for gap in gaps} == {
        ("citizen", "worker_lost", ""), ("agent", "worker_lost", ""),
    }  # fmt: skip
    before = words(seen)
    citizen.says("manhole_missing_1.wav")  # 井盖
    await until(lambda: "井盖" in words(seen).removeprefix(before), LIMIT_S)
    call = await hotline.is_in(citizen, CallState.TALKING)
    assert all(call.recording_started + gap.end >= killed - 1 for gap in gaps)
    citizen.hang_up()
    await hotline.record(citizen, "ended")
    kept = (await hotline.fetch(f"/api/calls/{call.call_id}/transcript"))["lines"]
    assert sorted(line["gap"] for line in kept if line["gap"]) == ["worker_lost", "worker_lost"]


async def test_a_worker_that_hangs_loses_its_calls_to_another(hotline: Hotline) -> None:
    citizen, seen, _ = await talk(hotline, "13800000862")
    await until_busy(hotline)
    stopped = await worker_pids(hotline, busy=True)
    free = await worker_pids(hotline, busy=False)
    if not free:  # both hear a leg: stop one of them
        stopped = stopped[:1]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        await until(lambda: any(line.gap for line in seen.captions.values()), LIMIT_S)
        citizen.says("manhole_missing_1.wav")
        await until(lambda: "井盖" in words(seen), LIMIT_S)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    citizen.hang_up()


async def until_busy(hotline: Hotline) -> None:
    """Wait until the workers' signs of life tell that they hear the call."""
    while not await worker_pids(hotline, busy=True):
        await until(lambda: True)
