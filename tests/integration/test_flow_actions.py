"""What flows ask of the telephone, with a real Asterisk, telephones, speech and words."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from acd.messages import AgentState
from asterisk_conf.provide import AsteriskInstall
from cti.messages import CallState, FinishWrapUp
from tests.support.hotline import LIMIT_S, Citizen, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock
from tests.support.speech import found_model
from tests.support.until import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

HERE = Path(__file__).parent / "flow_actions"
TYPED, SPOKEN, MESSAGE, AWAY = "20001", "20002", "20003", "20004"
"""Called numbers, each with a flow of its own."""

ANSWERED, BUSY, NEVER = "02555550001", "02555550002", "02555550003"
"""Numbers outside the hotline."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock) -> AsyncIterator[Hotline]:
    found_model()
    async with running_hotline(
        module_loopback, captions=True, flows=HERE / "flows", numbers=HERE / "numbers.yaml"
    ) as hotline:
        network = hotline.network._asterisk
        assert network is not None
        await network.cli(f"dialplan add extension {BUSY},1,Hangup,17 into from-hotline")
        await network.cli(f"dialplan add extension {NEVER},1,Ringing, into from-hotline")
        await network.cli(f"dialplan add extension {NEVER},2,Wait,3600 into from-hotline")
        await hotline.health_says(captions=True)
        yield hotline


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(shared: Hotline) -> AsyncIterator[Hotline]:
    yield shared
    await shared.quiet()


async def entries(hotline: Hotline, citizen: Citizen, kind: str, least: int = 1) -> list[dict[str, Any]]:
    """Wait for so many journal entries of this kind in the database, of the citizen's newest call."""
    file = hotline.settings.database.removeprefix("sqlite:///")
    question = (
        "select data from call_events where kind = ? and call_id = "
        "(select call_id from calls where caller = ? order by started desc limit 1) order by entry_id"
    )

    def look() -> list[dict[str, Any]]:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            return [json.loads(row[0]) for row in database.execute(question, (kind, citizen.number))]

    found: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(LIMIT_S):
            while len(found) < least:
                found = await asyncio.to_thread(look)
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{citizen.number}: {least} {kind} entries wanted, there are {found}") from None
    return found


async def noted(hotline: Hotline, citizen: Citizen, kind: str) -> dict[str, str]:
    """Wait for what the flow has noted of this kind."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            for note in await entries(hotline, citizen, "note"):
                if note["kind"] == kind:
                    values: dict[str, str] = note["values"]
                    return values
            await asyncio.sleep(0.1)


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("times", [(0.0,), (1.0,), (2.4, 3.0), (4.6, 6.0), (0.3, 1.8, 3.3)])
async def test_typed_digits_are_exactly_those_pressed(hotline: Hotline, times: tuple[float, ...]) -> None:
    """Before, during and after the prompt, in one go and in pieces, faster than the commands."""
    number = "13800112233"  # doubled keys, where one lost or heard twice would show
    citizen = hotline.citizen(f"1380000{int(10 * sum(times)):04d}")
    await hotline.dial(citizen, called=TYPED)
    size = -(-len(number) // len(times))
    began = time.monotonic()
    for index, at in enumerate(times):
        await asyncio.sleep(max(0.0, began + at - time.monotonic()))
        citizen.types(number[index * size : (index + 1) * size])
        await until(lambda: citizen.silent, LIMIT_S)
    assert (await noted(hotline, citizen, "typed"))["digits"] == number
    await until(citizen.gone.is_set, LIMIT_S)


@pytest.mark.parametrize(("after", "means"), [("#", "none"), ("#1", "one"), ("1", "one"), ("", "none")])
async def test_an_end_key_after_the_last_digit_is_no_answer_to_the_next_question(
    hotline: Hotline, after: str, means: str
) -> None:
    citizen = hotline.citizen(f"1380000081{len(after)}{means == 'one':d}")
    await hotline.dial(citizen, called=TYPED)
    citizen.types("13800112233" + after)
    assert (await noted(hotline, citizen, "after"))["key"] == means
    await until(citizen.gone.is_set, LIMIT_S)


async def test_a_key_while_waiting_leaves_the_line_and_the_place_is_kept(hotline: Hotline) -> None:
    first, second = hotline.citizen("13800000821"), hotline.citizen("13800000822")
    await hotline.dial(first)
    queued = (await hotline.is_in(first, CallState.WAITING)).queued
    await hotline.dial(second)
    await hotline.is_in(second, CallState.WAITING)
    await asyncio.sleep(6.0)  # greeting and invitation are over: the music plays
    first.types("71")  # the first means nothing
    assert (await noted(hotline, first, "pressed")) == {"key": "1"}
    await asyncio.sleep(0.3)
    assert (await hotline.is_in(first, CallState.WAITING)).queued == queued
    await hotline.ready(1)
    await first.hears_agent()
    assert not second.reached_at


# ---------------------------------------------------------------- words


async def test_what_is_said_in_answer_to_a_question_is_understood(hotline: Hotline) -> None:
    citizen = hotline.citizen("13800000831")
    await hotline.dial(citizen, called=SPOKEN)
    await asyncio.sleep(6.5)  # after the question
    citizen.says("rubbish_short_1.wav")
    assert "垃圾" in (await noted(hotline, citizen, "heard"))["words"]
    await until(citizen.gone.is_set, LIMIT_S)


async def test_speech_interrupts_the_question_and_its_first_words_are_not_lost(hotline: Hotline) -> None:
    citizen = hotline.citizen("13800000832")
    await hotline.dial(citizen, called=SPOKEN)
    citizen.says("social_security_1.wav")  # 你好，我想咨询一下 …
    words = (await noted(hotline, citizen, "heard"))["words"]
    assert "咨询" in words
    assert "材料" in words
    await until(citizen.gone.is_set, LIMIT_S)


async def test_neither_prompts_nor_music_become_words(hotline: Hotline) -> None:
    asked, waiting = hotline.citizen("13800000833"), hotline.citizen("13800000834")
    await hotline.dial(asked, called=SPOKEN)
    await hotline.dial(waiting)
    assert (await noted(hotline, asked, "heard"))["words"] == "-"
    await asyncio.sleep(4.0)
    call = await hotline.is_in(waiting, CallState.WAITING)
    assert len(call.tapped) == 1  # it is heard
    assert call.order_id == ""
    waiting.hang_up()
    await hotline.record(waiting, "ended")
    assert (await hotline.fetch(f"/api/calls/{call.call_id}/transcript"))["lines"] == []


async def test_words_in_line_fill_the_draft_before_anybody_answers_and_danger_goes_first(
    hotline: Hotline,
) -> None:
    desk = await hotline.desk(1)
    first, endangered = hotline.citizen("13800000841"), hotline.citizen("13800000842")
    await hotline.dial(first)
    await hotline.is_in(first, CallState.WAITING)
    await hotline.dial(endangered)
    await hotline.is_in(endangered, CallState.WAITING)
    endangered.mute = True
    endangered.says("manhole_missing_1.wav")  # 井盖没有了
    await until(lambda: endangered.silent, LIMIT_S)
    assert (await noted(hotline, endangered, "needs_heard"))["urgent"] == "true"
    call = await hotline.is_in(endangered, CallState.WAITING)
    assert call.order_id
    await hotline.ready(1)
    await until(lambda: bool(endangered.reached_at), LIMIT_S)
    assert not first.reached_at
    seen = desk.call(endangered.number)
    assert seen is not None
    await until(lambda: "井盖" in "".join(one.text for one in seen.captions.values()), LIMIT_S)
    await until(lambda: seen.draft is not None and "urgency" in seen.draft.fields, LIMIT_S)
    assert seen.draft is not None
    assert seen.draft.order_id == call.order_id
    assert seen.draft.fields["urgency"].value == "特急"
    talking = await hotline.is_in(endangered, CallState.TALKING)
    async with asyncio.timeout(LIMIT_S):
        while len(talking.tapped) < 2:
            talking = await hotline.is_in(endangered, CallState.TALKING)
    assert call.tapped[0] in talking.tapped  # the citizen is heard by the tap of before, and by no second one
    endangered.says("manhole_missing_2.wav")
    await until(lambda: "受伤" in "".join(one.text for one in seen.captions.values()), LIMIT_S)
    said = [one.text for one in seen.captions.values() if "受伤" in one.text]
    assert len(said) == 1
    endangered.hang_up()
    await hotline.record(endangered, "ended")
    orders = (await hotline.fetch(f"/api/calls/{call.call_id}"))["orders"]
    assert [order["order_id"] for order in orders] == [call.order_id]
    await desk.send(FinishWrapUp())


async def test_who_hangs_up_in_line_leaves_a_draft_if_the_matter_was_said(hotline: Hotline) -> None:
    citizen = hotline.citizen("13800000843")
    await hotline.dial(citizen)
    await hotline.is_in(citizen, CallState.WAITING)
    citizen.says("rubbish_short_1.wav")
    await until(lambda: citizen.silent, LIMIT_S)
    async with asyncio.timeout(LIMIT_S):
        while not (call := await hotline.is_in(citizen, CallState.WAITING)).order_id:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await asyncio.sleep(1.0)
    citizen.hang_up()
    await hotline.record(citizen, "ended")
    (order,) = (await hotline.fetch(f"/api/calls/{call.call_id}"))["orders"]
    assert order["state"] == "draft"
    assert order["fields"]["category"]["value"].startswith("城乡建设/环境卫生")


# ---------------------------------------------------------------- messages


async def test_a_voice_message_is_kept_and_can_be_played(hotline: Hotline) -> None:
    citizen = hotline.citizen("13800000851")
    await hotline.dial(citizen, called=MESSAGE)
    await asyncio.sleep(5.5)  # prompt and tone
    citizen.says("heating_cold_2.wav")
    assert (await noted(hotline, citizen, "message"))["result"] == "kept"
    (message,) = await entries(hotline, citizen, "message")
    file = hotline.settings.recordings / message["file"]
    with wave.open(str(file), "rb") as stream:
        seconds = stream.getnframes() / stream.getframerate()
    assert seconds == pytest.approx(message["seconds"], abs=0.1)
    assert 2.0 < seconds < 12.0
    assert not list(hotline.settings.recordings.glob("*-message-*"))
    await until(citizen.gone.is_set, LIMIT_S)
    call = await hotline.record(citizen, "ended")
    (listed,) = (await hotline.fetch(f"/api/calls/{call['call_id']}/messages"))["messages"]
    assert (listed["seconds"], listed["purpose"]) == (message["seconds"], "message")
    assert listed["url"] == f"/api/calls/{call['call_id']}/messages/1"
    http, base = hotline.admin._http, hotline.stack.web
    async with http.get(base + listed["url"]) as answer:
        assert await answer.read() == file.read_bytes()
    async with http.get(f"{base}/api/calls/{call['call_id']}/messages/2") as answer:
        assert answer.status == 404


async def test_who_hangs_up_in_the_middle_of_a_message_has_left_one(hotline: Hotline) -> None:
    citizen = hotline.citizen("13800000852")
    await hotline.dial(citizen, called=MESSAGE)
    await asyncio.sleep(5.5)
    citizen.says("heating_cold_2.wav")
    citizen.hang_up()
    (message,) = await entries(hotline, citizen, "message")
    assert message["seconds"] > 2.0
    assert (hotline.settings.recordings / message["file"]).exists()


async def test_silence_is_no_message(hotline: Hotline) -> None:
    citizen = hotline.citizen("13800000853")
    await hotline.dial(citizen, called=MESSAGE)
    assert (await noted(hotline, citizen, "message"))["result"] == "empty"
    assert not list(hotline.settings.recordings.glob("*-message-*"))
    await until(citizen.gone.is_set, LIMIT_S)


# ---------------------------------------------------------------- numbers outside


async def test_a_citizen_is_connected_with_a_number_outside(hotline: Hotline) -> None:
    citizen, centre = hotline.citizen("13800000861"), hotline.citizen(ANSWERED)
    await hotline.dial(citizen, called=AWAY)
    citizen.types("1")
    await until(centre.inside.is_set, LIMIT_S)
    for _ in range(10):  # the two hear one another
        centre.press("5")
    await citizen.hears_agent()
    centre.hang_up()
    assert (await noted(hotline, citizen, "away"))["result"] == "answered"
    (transfer,) = await entries(hotline, citizen, "transfer")
    assert (transfer["target"], transfer["result"]) == (ANSWERED, "answered")
    await until(citizen.gone.is_set, LIMIT_S)


@pytest.mark.parametrize(("key", "result"), [("2", "busy"), ("3", "no_answer")])
async def test_who_cannot_be_connected_outside_gets_a_person_here(
    hotline: Hotline, key: str, result: str
) -> None:
    citizen = hotline.citizen(f"1380000087{key}")
    await hotline.dial(citizen, called=AWAY)
    citizen.types(key)
    assert (await noted(hotline, citizen, "away"))["result"] == result
    await hotline.ready(1)
    await hotline.agent_is(1, AgentState.TALKING)
    await citizen.hears_agent()
