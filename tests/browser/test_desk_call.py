"""A citizen's call in a real browser: rung, answered, read along, written up, found again."""

from __future__ import annotations

import asyncio
import io
import math
import re
import time
import wave
from itertools import pairwise

import numpy
import pytest
import pytest_asyncio
from playwright.async_api import expect

from cti.demo.script import CITIZENS, Scenario, load_scenarios
from cti.messages import CallState
from tests.browser.conftest import AGENT, Office
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.support.hotline import LIMIT_S, Citizen, Hotline
from tests.support.speech import error_rate
from tests.support.until import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SCENARIOS = {scenario.id: scenario for scenario in load_scenarios(CITIZENS)}
PLAYED = re.compile(r"^(0\.[5-9]|[1-9])")
"""More than half a second of a recording."""

MISHEARD = 0.35
"""Share of the signs that may be wrong in captions of telephone speech."""


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(office: Office) -> Hotline:
    """The running hotline."""
    return office.hotline


def grouped(number: str) -> str:
    """A mobile number as the desk writes it."""
    return f"{number[:3]} {number[3:7]} {number[7:]}"


async def waits(hotline: Hotline, number: str) -> Citizen:
    """A citizen dials and, before the greeting is over, presses the key for enterprises."""
    citizen = hotline.citizen(number)
    citizen.press("1")
    await hotline.dial(citizen)
    return citizen


async def rung(hotline: Hotline, desk: DeskPage, number: str) -> Citizen:
    """The agent takes calls, and a citizen's rings in the page."""
    await desk.ready()
    citizen = await waits(hotline, number)
    await desk.rings()
    return citizen


async def speaks(citizen: Citizen, scenario: Scenario) -> None:
    """The citizen says their lines, and waits a moment after each, as for an answer."""
    for turn in scenario.turns:
        if turn.speaker == "citizen":
            citizen.says(turn.audio)
            await until(lambda: citizen.silent, LIMIT_S)
            await asyncio.sleep(1.0)


async def understood(desk: DeskPage, speaker: str, text: str) -> None:
    """Wait until the captions of one side are what was said once, but for a few signs.

    The agent's microphone says its sentence again and again.
    """
    heard = ""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        heard = await desk.heard(speaker)
        begins = [found.start() for found in re.finditer(text[:2], heard)]
        pieces = [heard[at:end] for at, end in pairwise([*begins, len(heard)])]
        if min(error_rate(text, piece) for piece in (heard[: len(text) + 8], *pieces)) <= MISHEARD:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"captions of {speaker}: {heard!r}, said was {text!r}")


async def reaches(desk: DeskPage, citizen: Citizen) -> None:
    """A key that the agent presses on the page's keypad sounds in the citizen's ear."""
    hears = asyncio.create_task(citizen.hears_agent())
    await asyncio.sleep(0)  # from now on it listens
    await desk.at("phone-keypad").click()
    await desk.at("phone-key-7").click()
    await hears


def loudness(samples: numpy.ndarray) -> float:
    """Root mean square."""
    return math.sqrt(float(numpy.mean(samples.astype(numpy.float64) ** 2)))


async def test_a_wrong_password_is_refused(blank: DeskPage) -> None:
    await blank.visit()
    await blank.sign_in(AGENT.login, "not this one")
    await expect(blank.at("login-error")).to_contain_text("密码", timeout=LIMIT_MS)
    await expect(blank.at("agent-state")).to_have_count(0)


async def test_a_call_becomes_an_order_with_its_recording(hotline: Hotline, desk: DeskPage) -> None:
    scenario = SCENARIOS["rubbish_short"]
    await desk.ready()
    citizen = hotline.citizen(scenario.caller)
    await hotline.dial(citizen)
    await desk.rings()
    await expect(desk.at("phone-caller")).to_have_text(grouped(scenario.caller))
    await expect(desk.at("caller-number")).to_have_text(grouped(scenario.caller), timeout=LIMIT_MS)
    await desk.answer()
    await desk.at("field-place").fill("人民路东口")
    await desk.filled_by("place", "agent")
    await speaks(citizen, scenario)

    await understood(desk, "citizen", scenario.said_by("citizen"))
    await understood(desk, "agent", "您好，12345热线，请问有什么可以帮您？")
    await desk.shows("category", re.compile("^城乡建设/环境卫生"))
    await desk.filled_by("category", "machine")
    await expect(desk.at("source-category")).to_have_text(re.compile(r"^机器 \d+%"))
    await expect(desk.at("audio-category")).to_have_text(re.compile(r"^▸\d+:\d\d$"))
    await desk.shows("phone", scenario.caller)
    await desk.shows("place", "人民路东口")
    await desk.filled_by("place", "agent")

    call = await hotline.is_in(citizen, CallState.TALKING)
    await desk.hang_up()
    await desk.at("field-type-投诉").click()
    await desk.at("field-title").fill("人民路垃圾无人清理")
    if await desk.at("field-summary").input_value() == "":
        await desk.at("field-summary").fill("垃圾无人清理")
    await desk.saved()
    order_id = await desk.submit()
    await desk.at("finish-wrap-up").click()
    await desk.is_in("ready")

    citizen.hang_up()
    await hotline.record(citizen, "recording_url", "ended")
    await desk.at("nav-orders").click()
    await desk.at("orders-search").fill("人民路东口")
    row = desk.at(f"order-{order_id}")
    await expect(row).to_have_text(re.compile(r"^\d{14,}$"), timeout=LIMIT_MS)
    await row.click()
    await expect(desk.at("order-drawer").get_by_test_id("field-place")).to_have_value(
        "人民路东口", timeout=LIMIT_MS
    )
    audio = desk.at("player").locator("audio")
    await expect(audio).to_have_count(1, timeout=LIMIT_MS)
    await desk.at("player-toggle").click()
    await expect(desk.at("player")).to_have_attribute("data-at", PLAYED, timeout=LIMIT_MS)
    assert await audio.evaluate("audio => audio.duration") > 5
    source = await audio.evaluate("audio => audio.src")
    with wave.open(io.BytesIO(await (await desk.page.context.request.get(source)).body())) as sound:
        assert sound.getnchannels() == 2
        both = numpy.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").reshape(-1, 2)
    assert loudness(both[:, 0]) > 100
    assert loudness(both[:, 1]) > 100

    await desk.page.keyboard.press("Escape")
    await desk.at("nav-calls").click()
    await desk.at("calls-search").fill(scenario.caller)
    await expect(desk.at(f"call-{call.call_id}")).to_be_visible(timeout=LIMIT_MS)


async def test_a_whole_conversation_fills_the_order(hotline: Hotline, desk: DeskPage) -> None:
    scenario = SCENARIOS["manhole_missing"]
    expected = scenario.expect
    citizen = await rung(hotline, desk, scenario.caller)
    await desk.answer()
    await speaks(citizen, scenario)

    await understood(desk, "citizen", scenario.said_by("citizen"))
    await desk.shows("type", expected.type)
    await desk.shows("category", re.compile("^" + "/".join(expected.category)))
    await desk.shows("district", expected.district or "")
    await desk.shows("street", expected.street or "")
    await desk.shows("urgency", expected.urgency)
    await desk.shows("phone", expected.phone)
    await desk.shows("summary", re.compile("井盖"))
    for name in ("type", "category", "district", "street", "urgency", "phone", "summary"):
        await desk.filled_by(name, "machine")
    await desk.hang_up()
    await desk.submit()


async def test_a_rejected_caller_stays_in_line(hotline: Hotline, desk: DeskPage) -> None:
    citizen = await rung(hotline, desk, "13800000921")
    await desk.at("phone-hang-up").click()
    await desk.is_in("not_ready")
    await expect(desk.at("agent-state")).to_contain_text("示忙")
    await hotline.is_in(citizen, CallState.WAITING)
    assert not citizen.gone.is_set()

    await desk.ready()
    await desk.answer()
    await expect(desk.at("phone-caller")).to_have_text(grouped(citizen.number))


async def test_whoever_rang_unheard_is_first_in_line(hotline: Hotline, desk: DeskPage) -> None:
    first = await rung(hotline, desk, "13800000931")
    second = await waits(hotline, "13800000932")
    await hotline.is_in(second, CallState.WAITING)
    await desk.is_in("not_ready")
    await expect(desk.at("agent-state")).to_contain_text("漏接来电")
    await desk.phone_is("idle")
    await hotline.is_in(first, CallState.WAITING)

    await desk.ready()
    await desk.answer()
    await expect(desk.at("phone-caller")).to_have_text(grouped(first.number))
    await hotline.is_in(second, CallState.WAITING)


async def test_a_caller_silences_the_recording_that_plays(hotline: Hotline, desk: DeskPage) -> None:
    earlier = await rung(hotline, desk, "13800000935")
    await desk.answer()
    call = await hotline.is_in(earlier, CallState.TALKING)
    earlier.says("manhole_missing_1.wav")
    await until(lambda: earlier.silent, LIMIT_S)
    await desk.hang_up()
    earlier.hang_up()
    await hotline.record(earlier, "recording_url", "ended")
    await desk.at("finish-wrap-up").click()
    await desk.at("unfinished-later").click()
    await desk.is_in("ready")

    await desk.at("nav-calls").click()
    await desk.at("calls-search").fill(earlier.number)
    await desk.at(f"call-{call.call_id}").click()
    await desk.at("player-toggle").click()
    await expect(desk.at("player")).to_have_attribute("data-playing", "true", timeout=LIMIT_MS)
    caller = await waits(hotline, "13800000936")
    await desk.rings()
    await expect(desk.at("player")).to_have_attribute("data-playing", "false", timeout=LIMIT_MS)
    await desk.page.keyboard.press("F2")
    await desk.is_in("talking")
    await expect(desk.at("phone-caller")).to_have_text(grouped(caller.number))


async def test_a_call_is_held_and_taken_back(hotline: Hotline, desk: DeskPage) -> None:
    citizen = await rung(hotline, desk, "13800000941")
    await desk.answer()
    await desk.at("phone-hold").click()
    await hotline.is_in(citizen, CallState.HELD)
    await expect(desk.at("phone-state")).to_have_text("保持中", timeout=LIMIT_MS)

    await desk.at("phone-hold").click()
    await hotline.is_in(citizen, CallState.TALKING)
    await expect(desk.at("phone-state")).to_have_text("通话中", timeout=LIMIT_MS)
    await reaches(desk, citizen)


async def test_talk_and_order_outlive_the_server(hotline: Hotline, desk: DeskPage) -> None:
    citizen = await rung(hotline, desk, "13800000951")
    await desk.answer()
    await desk.at("field-title").fill("路灯不亮")
    await desk.saved()

    await hotline.take_server_away()
    await expect(desk.at("link-banner")).to_be_visible(timeout=LIMIT_MS)
    await desk.at("field-place").fill("和平路十二号")
    before = await desk.received()
    await reaches(desk, citizen)
    await desk.receives(before + 50)  # another second of speech
    await desk.phone_is("talking")

    await hotline.bring_server_back()
    await expect(desk.at("link-state")).to_have_text("服务器已连接", timeout=LIMIT_MS)
    await desk.saved()
    await desk.shows("title", "路灯不亮")
    await desk.shows("place", "和平路十二号")
    await desk.filled_by("place", "agent")
    await desk.phone_is("talking")
    await desk.hang_up()
    await desk.at("field-type-求助").click()
    await desk.at("field-category").fill("城乡建设/市政设施")
    await desk.at("field-summary").fill("和平路十二号路灯不亮")
    await desk.saved()
    order_id = await desk.submit()
    order = await hotline.fetch(f"/api/orders/{order_id}")
    assert order["fields"]["place"]["value"] == "和平路十二号"
    assert order["fields"]["title"]["value"] == "路灯不亮"
