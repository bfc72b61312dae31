"""`hotline asr` takes up another model while a citizen speaks, and nobody's captions end for it."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from asr import bus
from asr.messages import WorkerState
from tests.support.asr_server import AsrServer, announce, connect, running_asr, samples, speak
from tests.support.loopback import LoopbackBlock
from tests.support.speech import CITIZENS, error_rate, found_model

pytestmark = [pytest.mark.integration]

SAID = "喂，你好，我们小区从昨天晚上十点开始停水，到现在一滴水都没有，家里还有老人和孩子，请你们赶快处理。"
SPEECH = CITIZENS / "water_outage_1.wav"
QUIET = bytes(16_000)


def linked(folder: Path, name: str) -> Path:
    """Another folder with the model."""
    model = folder / name
    model.mkdir()
    for part in found_model().path.resolve().iterdir():
        (model / part.name).symlink_to(part)
    return model


def use(active: Path, model: Path) -> None:
    new = active.with_suffix(".new")
    new.symlink_to(model)
    new.replace(active)


async def newcomer(server: AsrServer, before: WorkerState) -> WorkerState:
    """Wait until a worker is registered that was not there before."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for state in await bus.workers(server.redis):
            if state.worker_id != before.worker_id:
                return state
        await asyncio.sleep(0.05)
    raise AssertionError("no new worker")


async def test_new_workers_get_the_model_and_those_of_before_stay_until_their_legs_hang_up(
    valkey_url: str, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    active = tmp_path / "active"
    use(active, linked(tmp_path, "one"))
    async with running_asr(
        valkey_url, tmp_path, host=loopback.address(), model_path=active, processes=1
    ) as server:
        (before,) = await server.workers(1)
        tap_id = await announce(server.redis)
        _, writer = await connect(before.host, before.port, tap_id)
        pcm = samples(SPEECH)
        await speak(writer, pcm[:16_000])
        use(active, linked(tmp_path, "two"))
        after = await newcomer(server, before)
        picked = bus.pick_worker(await bus.workers(server.redis))
        assert picked is not None
        assert picked.worker_id == after.worker_id
        await speak(writer, pcm[16_000:] + QUIET)
        writer.close()
        await server.told(lambda _: server.end_of(tap_id) is not None)
        await server.workers_without(before.worker_id, 1)
        finals = server.finals(tap_id)
    assert error_rate(SAID, "".join(final.verbatim for final in finals)) < 0.35


async def test_on_a_port_of_its_own_a_worker_is_replaced_where_it_listens(
    valkey_url: str, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    active = tmp_path / "active"
    use(active, linked(tmp_path, "one"))
    async with running_asr(
        valkey_url, tmp_path, host=loopback.address(), model_path=active, processes=1, port=9092
    ) as server:
        (before,) = await server.workers(1)
        use(active, linked(tmp_path, "two"))
        after = await newcomer(server, before)
        assert after.port == before.port
        await server.workers_without(before.worker_id, 1)


async def test_a_model_that_cannot_be_loaded_changes_nothing(
    valkey_url: str, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    active = tmp_path / "active"
    use(active, linked(tmp_path, "one"))
    async with running_asr(
        valkey_url, tmp_path, host=loopback.address(), model_path=active, processes=1
    ) as server:
        (before,) = await server.workers(1)
        torn = linked(tmp_path, "torn")
        (torn / "am").unlink()
        (torn / "am").mkdir()
        (torn / "am" / "final.mdl").write_bytes(os.urandom(1000))
        use(active, torn)
        await server.told(lambda _: "is not used" in server.log.read_text())
        assert [state.worker_id for state in await bus.workers(server.redis)] == [before.worker_id]
