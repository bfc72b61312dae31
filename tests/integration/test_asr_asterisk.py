"""A real Asterisk's leg, tapped with ChanSpy and AudioSocket, becomes sentences."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.agi_stub import AgiCall, agi_stub
from tests.support.asr_server import announce, running_asr
from tests.support.asterisk import AGI_PORT, Pair, citizen_calls
from tests.support.loopback import LoopbackBlock
from tests.support.raw_ami import RawAmi
from tests.support.speech import CITIZENS, error_rate, found_model

pytestmark = [pytest.mark.integration]

SAID = "喂，你好，我们小区从昨天晚上十点开始停水，到现在一滴水都没有，家里还有老人和孩子，请你们赶快处理。"


@pytest.fixture(autouse=True)
def clean(asterisk_pair: Pair) -> Iterator[None]:
    """Each test begins without calls."""
    yield
    asterisk_pair.hang_up_all()


async def test_a_tapped_leg_is_heard_until_the_caller_hangs_up(
    asterisk_pair: Pair,
    hotline_ami: RawAmi,
    network_ami: RawAmi,
    valkey_url: str,
    loopback: LoopbackBlock,
    tmp_path: Path,
) -> None:
    model = found_model()
    shutil.copy(CITIZENS / "water_outage_1.wav", asterisk_pair.sounds / "citizen.wav")
    answered: asyncio.Queue[str] = asyncio.Queue()
    tapped = asyncio.Event()

    async def hold(agi: AgiCall) -> None:
        answered.put_nowait(agi.env["agi_uniqueid"])
        await tapped.wait()
        await agi.command("ANSWER")  # the citizen begins to speak when answered
        await agi.gone()

    async with (
        running_asr(
            valkey_url, tmp_path, host=loopback.address(), model_path=model.path, processes=1
        ) as server,
        agi_stub(asterisk_pair.server, AGI_PORT, hold),
    ):
        (worker,) = await server.workers(1)
        await citizen_calls(network_ami, "play", variables=(f"SOUND={asterisk_pair.sounds / 'citizen'}",))
        async with asyncio.timeout(20):
            uniqueid = await answered.get()
        tap_id = await announce(server.redis)
        reply = await hotline_ami.action(
            "Originate",
            Channel=f"AudioSocket/{worker.host}:{worker.port}/{tap_id}/c(slin)",
            Application="ChanSpy",
            Data=f"{uniqueid},quoES",
            Async="true",
        )
        assert reply["Response"] == "Success"
        tapped.set()
        await server.told(lambda _: sum(len(final.verbatim) for final in server.finals(tap_id)) > 35)
        await network_ami.action("Hangup", Channel="/^PJSIP/hotline-/")
        await server.told(lambda _: server.end_of(tap_id) is not None)
        finals = server.finals(tap_id)
        end = server.end_of(tap_id)
    assert error_rate(SAID, "".join(final.verbatim for final in finals)) < 0.35
    assert end is not None
    assert 8 < end.heard_s < 120
    assert finals[-1].end <= end.at
