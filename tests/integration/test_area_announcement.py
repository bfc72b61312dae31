"""A caller of the area hears what was approved for it, another one does not; found in the recordings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from asterisk_conf.provide import AsteriskInstall
from cti.database import open_engine
from cti.messages import CallState
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.store import OrderStore
from tests.support.hotline import LIMIT_S, Citizen, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock
from tests.support.tones import read_stereo, strength, tone, write_wav

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

HERTZ = 1330.0
HEARD = 0.05
"""Amplitude of the announcement's tone in a recording that has it."""
FAINT = 0.2
"""What prompts and music have of that frequency by themselves, as a share of the tone: less than this."""
OTHERS = "\n[callbacks]\nautomatic = false\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hotline(
    asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock
) -> AsyncIterator[Hotline]:
    async with running_hotline(module_loopback, announce_every_s=0, agents=2, more=OTHERS) as hotline:
        yield hotline


async def lives_in(hotline: Hotline, number: str, district: str) -> None:
    """The citizen has an order of before from this district."""
    engine = open_engine(hotline.settings.database)
    store, order_id, now = OrderStore(engine), f"order-{number}", time.time()
    events: tuple[OrderEvent, ...] = (
        DraftOpened(order_id=order_id, call_id=f"call-{number}", caller=number),
        FieldEdited(field="district", value=district, agent="li"),
        FieldEdited(field="summary", value="停水", agent="li"),
        FieldEdited(field="type", value="投诉", agent="li"),
        FieldEdited(field="category", value="城乡建设/供水", agent="li"),
        OrderSubmitted(agent="li"),
    )
    for turn, event in enumerate(events):
        await store.apply(order_id, event, at=now, event_id=f"{order_id}-{turn}")
    await engine.dispose()


async def ask(hotline: Hotline, method: str, path: str, **given: object) -> dict[str, object]:
    account = hotline.admin.account
    async with aiohttp.ClientSession() as client:
        told = {"login": account.login, "password": account.password, "bearer": True}
        async with client.post(f"{hotline.stack.web}/api/login", json=told) as answer:
            token = (await answer.json())["token"]
        headers = {"Authorization": f"Bearer {token}", **given.pop("headers", {})}  # type: ignore[dict-item]
        async with client.request(
            method,
            f"{hotline.stack.web}{path}",
            headers=headers,
            **given,  # type: ignore[arg-type]
        ) as answer:
            assert answer.status < 300, await answer.text()
            found: dict[str, object] = await answer.json()
            return found


async def recorded(hotline: Hotline, citizen: Citizen) -> Path:
    """The citizen waits as long as the announcement takes, hangs up, and the recording is there."""
    await hotline.is_in(citizen, CallState.WAITING)
    await asyncio.sleep(9)
    citizen.hang_up()
    await citizen.gone.wait()
    call = await hotline.record(citizen, "recording_s")
    (file,) = hotline.settings.recordings.rglob(f"{call['call_id']}.wav")
    return file


async def test_only_callers_of_the_area_hear_it_and_only_until_it_is_withdrawn(
    hotline: Hotline, tmp_path: Path
) -> None:
    await lives_in(hotline, "13800000981", "城东区")
    await lives_in(hotline, "13800000982", "城西区")
    proposed = await ask(
        hotline, "POST", "/api/announcements",
        json={"title": "城东区停水", "text": "城东区停水", "district": "城东区", "until": time.time() + 3600},
    )  # fmt: skip
    path = f"/api/announcements/{proposed['announcement_id']}"
    sound = write_wav(tmp_path / "tone.wav", tone(HERTZ, 2.5)).read_bytes()
    await ask(hotline, "PUT", f"{path}/audio", data=sound, headers={"Content-Type": "audio/wav"})
    await ask(hotline, "POST", f"{path}/approve")
    file = hotline.settings.home / "announcements" / f"{proposed['announcement_id']}.wav"
    async with asyncio.timeout(LIMIT_S):
        while not file.is_file():  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    here, there = hotline.citizen("13800000981"), hotline.citizen("13800000982")
    await hotline.dial(here, there)
    files = await asyncio.gather(recorded(hotline, here), recorded(hotline, there))

    loud, quiet = (max(strength(side, HERTZ) for side in read_stereo(one)) for one in files)
    assert loud > HEARD
    assert quiet < FAINT * loud
