"""One citizen's call from end to end, on both databases: heard, answered, written down, submitted, found."""

from __future__ import annotations

import array
import asyncio
import math
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from asterisk_conf.provide import AsteriskInstall
from cti.demo.desk import DeskCall
from cti.messages import CallState, EditField, FinishWrapUp, SubmitOrder
from tests.support.hotline import LIMIT_S, Citizen, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock
from tests.support.redis import redis_binary, running_server
from tests.support.speech import found_model
from tests.support.tones import RATE, read_stereo
from tests.support.until import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["valkey-sqlite", "redis-postgresql"])
async def shared(
    request: pytest.FixtureRequest, asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock
) -> AsyncIterator[Hotline]:
    """A hotline with captions: once all embedded, once with Redis and PostgreSQL given by URL."""
    found_model()
    if request.param == "valkey-sqlite":
        async with running_hotline(module_loopback, captions=True) as hotline:
            yield hotline
        return
    database: str = request.getfixturevalue("postgres_server").create_database()
    with running_server(redis_binary()) as redis:
        async with running_hotline(
            module_loopback, captions=True, database_url=database, redis_url=redis.url
        ) as hotline:
            yield hotline


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(shared: Hotline) -> AsyncIterator[Hotline]:
    """The running hotline without a call."""
    yield shared
    await shared.quiet()


async def talk(citizen: Citizen) -> None:
    """Citizen and agent take turns: rubbish lies in 人民路."""
    citizen.mute = True
    for who, audio in (("agent", "agent_hello"), ("citizen", "rubbish_short_1"), ("agent", "agent_rubbish")):
        (citizen.says if who == "citizen" else citizen.agent_says)(f"{audio}.wav")
        await until(lambda: citizen.silent, LIMIT_S)
        await asyncio.sleep(0.6)  # as people leave it


def heard(call: DeskCall, speaker: str) -> str:
    """All that this speaker has said, as the desk shows it."""
    lines = sorted(call.captions.values(), key=lambda caption: caption.start)
    return "".join(caption.text for caption in lines if caption.speaker == speaker)


def energy(samples: array.array[int], begin_s: float, end_s: float) -> float:
    """Root mean square of a stretch."""
    part = samples[int(begin_s * RATE) : int(end_s * RATE)]
    return math.sqrt(sum(sample * sample for sample in part) / max(1, len(part)))


async def test_a_call_becomes_a_correct_order(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    await hotline.health_says(captions=True)
    await hotline.ready(1)
    citizen = hotline.citizen("13800000912")
    await hotline.dial(citizen)
    began = time.time()
    await hotline.is_in(citizen, CallState.TALKING)
    draft = await desk.drafted(citizen.number)
    await desk.send(EditField(order_id=draft.order_id, field="place", value="人民路东口"))
    await talk(citizen)

    call = desk.call(citizen.number)
    assert call is not None
    await until(lambda: "马上安排" in heard(call, "agent"), LIMIT_S)
    assert "垃圾" in heard(call, "citizen")  # both while they talk
    assert call.view.state is CallState.TALKING
    await until(lambda: call.draft is not None and "category" in call.draft.fields, LIMIT_S)
    assert call.draft is not None
    fields = call.draft.fields
    assert fields["category"].value.startswith("城乡建设/环境卫生")
    assert fields["phone"].value == citizen.number
    category = fields["category"]
    assert category.filler == "machine"
    assert category.source
    assert 0 < category.confidence <= 1
    assert category.quote in heard(call, "citizen")
    assert category.audio_from is not None
    assert category.audio_to is not None
    _, spoke_from, spoke_to = next(said for said in citizen.said if said[0] == "citizen")
    zero = call.view.started
    assert spoke_from - zero - 1 < category.audio_from < category.audio_to < spoke_to - zero + 1
    assert (fields["place"].value, fields["place"].filler) == ("人民路东口", "agent")

    citizen.agent_hangs_up()
    await hotline.is_in(citizen, CallState.SURVEY)
    citizen.press("5")
    await until(citizen.gone.is_set, LIMIT_S)
    if "type" not in fields:
        await desk.send(EditField(order_id=draft.order_id, field="type", value="投诉"))
    if "summary" not in fields:
        await desk.send(EditField(order_id=draft.order_id, field="summary", value="垃圾无人清理"))
    await desk.send(SubmitOrder(order_id=draft.order_id))
    await desk.send(FinishWrapUp())

    stored, order = await desk.stored(call.view.call_id, draft.order_id)
    assert order["state"] == "accepted"
    assert len(order["number"]) >= 14
    assert order["fields"]["place"]["value"] == "人民路东口"
    assert order["fields"]["category"]["value"].startswith("城乡建设/环境卫生")
    assert (stored["caller"], stored["called"], stored["queue"]) == (citizen.number, "12345", "general")
    assert (stored["agent_id"], stored["outcome"], stored["satisfaction"]) == ("agent1", "answered", 5)
    assert stored["rings"] == 1
    assert stored["started"] <= began + 1
    assert 0 <= stored["waited_s"] < 5
    assert stored["queued"] < stored["answered"] < stored["ended"]

    lines = (await desk.fetch(f"/api/calls/{call.view.call_id}/transcript"))["lines"]
    assert "垃圾" in "".join(line["text"] for line in lines if line["speaker"] == "citizen")
    (file,) = hotline.settings.recordings.rglob(f"{call.view.call_id}.wav")
    left, right = read_stereo(file)
    for who, at, to in citizen.said:
        here, there = (left, right) if who == "citizen" else (right, left)
        begin, end = at - stored["recording_started"], to - stored["recording_started"]
        assert energy(here, begin + 0.3, end - 0.3) > 20 * max(1.0, energy(there, begin + 0.3, end - 0.3))


async def test_a_callers_history_is_found_by_number(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    await hotline.ready(1)
    calls, orders = [], []
    for number in ("13800000777", "13800000778", "13800000777"):
        citizen = hotline.citizen(number)
        await hotline.dial(citizen)
        citizen.press("1")
        await citizen.hears_agent()
        draft = await desk.drafted(number)
        for field, value in (("type", "咨询"), ("category", "社会保障/社会保险"), ("summary", "问材料")):
            await desk.send(EditField(order_id=draft.order_id, field=field, value=value))
        await desk.send(SubmitOrder(order_id=draft.order_id))
        citizen.hang_up()
        await until(lambda: desk.state == "wrap_up", LIMIT_S)
        await desk.send(FinishWrapUp())
        await desk.stored(draft.call_id, draft.order_id)
        if number == "13800000777":
            calls.append(draft.call_id)
            orders.append(draft.order_id)
    history = await desk.fetch("/api/callers/13800000777/history")
    assert [call["call_id"] for call in history["calls"]] == calls[::-1]
    assert [order["order_id"] for order in history["orders"]] == orders[::-1]
    earlier = await desk.fetch(f"/api/callers/13800000777/history?before_call={calls[1]}")
    assert [call["call_id"] for call in earlier["calls"]] == calls[:1]


async def test_captions_and_draft_go_on_when_the_server_dies_in_the_middle_of_a_sentence(
    hotline: Hotline,
) -> None:
    desk = await hotline.desk(1)
    await hotline.health_says(captions=True)
    await hotline.ready(1)
    citizen = hotline.citizen("13800000913")
    citizen.mute = True
    await hotline.dial(citizen)
    citizen.press("1")
    call = await hotline.is_in(citizen, CallState.TALKING)
    async with asyncio.timeout(LIMIT_S):
        while len(call.tapped) < 2:
            call = await hotline.is_in(citizen, CallState.TALKING)
    citizen.says("rubbish_short_1.wav")
    await asyncio.sleep(1.0)  # in the middle of it
    hotline.kill_server()
    await until(lambda: citizen.silent, LIMIT_S)
    await hotline.server_is_back()
    citizen.agent_says("agent_rubbish.wav")
    seen = desk.call(citizen.number)
    assert seen is not None
    await until(lambda: "安排" in heard(seen, "agent"), LIMIT_S)
    await until(lambda: "垃圾" in heard(seen, "citizen"), LIMIT_S)
    await until(lambda: seen.draft is not None and "category" in seen.draft.fields, LIMIT_S)
    citizen.hang_up()
    await hotline.record(citizen, "ended")
    lines = (await desk.fetch(f"/api/calls/{call.call_id}/transcript"))["lines"]
    assert len({line["line_id"] for line in lines}) == len(lines) == len(seen.captions)


@pytest.mark.parametrize(
    ("key", "queue", "title"),
    [("1", "enterprise", "企业服务专席"), ("2", "social_security", "社保"), ("7", "general", "综合")],
)
async def test_a_key_in_the_greeting_chooses_the_queue_and_a_wrong_one_does_no_harm(
    hotline: Hotline, key: str, queue: str, title: str
) -> None:
    desk = await hotline.desk(1)
    await hotline.ready(1)
    citizen = hotline.citizen(f"1380000700{key}")
    await hotline.dial(citizen)
    citizen.press(key)
    await citizen.hears_agent()
    call = desk.call(citizen.number)
    assert call is not None
    assert call.view.queued is not None
    assert call.view.queued - call.view.started < 9  # the greeting alone lasts as long: it was interrupted
    assert call.view.queue == queue
    assert call.view.queue_title == title
