"""What the softphone survives: a reload, a crash, a network that comes and goes, and the server's death."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import numpy
import pytest
import pytest_asyncio
from playwright.async_api import expect

from cti.call import Call
from cti.demo.people import DemoAccount, ensure_accounts
from cti.messages import CallState, Role
from tests.browser.conftest import Office
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.hotline import LIMIT_S, Citizen, Hotline

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

AUTO = DemoAccount(
    login="auto",
    name="自动应答",
    role=Role.AGENT,
    extension="8004",
    skills={"enterprise": 3},
    password="only-for-tests-1",
)
"""An agent for whom policy answers (see tests.support.hotline)."""

HEARD_ENERGY = """async () => {
  let energy = 0;
  for (const connection of window.__connections)
    for (const report of (await connection.getStats()).values())
      if (report.type === 'inbound-rtp' && report.kind === 'audio') energy += report.totalAudioEnergy;
  return energy;
}"""
NOTE_OUTPUTS = """() => {
  const chosen = AudioContext.prototype.setSinkId, tone = OscillatorNode.prototype.start;
  const at = new WeakMap();
  window.__outputs = [];
  AudioContext.prototype.setSinkId = function (device) {
    at.set(this, device);
    return chosen.call(this, device);
  };
  OscillatorNode.prototype.start = function (...when) {
    window.__outputs.push([at.get(this.context) ?? '', this.context.state]);
    return tone.apply(this, when);
  };
}"""
"""Notes at which output device each tone of the ring begins."""
SPOKEN = 200.0
"""Root mean square of eighths of a second in which somebody speaks; silence is below 20."""


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(office: Office) -> Hotline:
    """The running hotline."""
    return office.hotline


async def in_talk(hotline: Hotline, desk: DeskPage, number: str) -> tuple[Citizen, Call]:
    """The agent at the page talks with a citizen, and has begun to write."""
    await desk.ready()
    citizen = hotline.citizen(number)
    citizen.press("1")
    await hotline.dial(citizen)
    await desk.answer()
    call = await hotline.is_in(citizen, CallState.TALKING)
    await desk.at("field-title").fill("路灯不亮")
    await desk.saved()
    return citizen, call


def heard_by(hotline: Hotline, call: Call) -> Path:
    """What the citizen hears, as Asterisk records it."""
    return hotline.settings.recordings / f"{call.call_id}-heard.sln"


async def citizen_hears_speech(hotline: Hotline, call: Call) -> None:
    """Wait until the agent's microphone is heard at the citizen's ear."""
    file = heard_by(hotline, call)
    begin = file.stat().st_size
    async with asyncio.timeout(LIMIT_S):
        while True:
            await asyncio.sleep(0.1)
            sound = numpy.frombuffer(file.read_bytes()[begin:], dtype=numpy.uint8)
            whole = sound[: len(sound) // 2000 * 2000].tobytes()
            eighths = numpy.frombuffer(whole, dtype="<i2").reshape(-1, 1000).astype(float)
            if (numpy.sqrt((eighths**2).mean(axis=1)) > SPOKEN).sum() >= 4:
                return


async def agent_hears_speech(desk: DeskPage, citizen: Citizen) -> None:
    """The citizen speaks, and the page plays it."""
    before = await desk.page.evaluate(HEARD_ENERGY)
    citizen.says("rubbish_short_1.wav")
    async with asyncio.timeout(LIMIT_S):
        while await desk.page.evaluate(HEARD_ENERGY) < before + 0.001:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def both_hear(hotline: Hotline, desk: DeskPage, citizen: Citizen, call: Call) -> None:
    """Citizen and agent hear one another, in the same call, with the same order."""
    await desk.phone_is("talking")
    await asyncio.gather(citizen_hears_speech(hotline, call), agent_hears_speech(desk, citizen))
    now = await hotline.is_in(citizen, CallState.TALKING)
    assert (now.call_id, now.agent_id, now.order_id) == (call.call_id, call.agent_id, call.order_id)
    assert not citizen.gone.is_set()
    await desk.shows("title", "路灯不亮")


async def shown(desk: DeskPage, name: str) -> None:
    """Keep a picture of the page where somebody asks for it (HOTLINE_SCREENSHOTS)."""
    if folder := os.environ.get("HOTLINE_SCREENSHOTS"):
        await desk.page.screenshot(path=Path(folder) / f"{name}.png")


async def test_a_reload_in_the_middle_of_a_talk(hotline: Hotline, desk: DeskPage) -> None:
    citizen, call = await in_talk(hotline, desk, "13800005001")
    await both_hear(hotline, desk, citizen, call)
    await desk.page.reload()
    await both_hear(hotline, desk, citizen, call)
    await desk.at("field-place").fill("和平路")
    await desk.saved()
    await desk.hang_up()
    await hotline.is_in(citizen, CallState.SURVEY)


async def test_a_reload_with_the_server_killed_at_the_same_time(hotline: Hotline, desk: DeskPage) -> None:
    citizen, call = await in_talk(hotline, desk, "13800005002")
    await hotline.take_server_away()
    await hotline.bring_server_back()
    await desk.page.reload()
    await both_hear(hotline, desk, citizen, call)


async def test_a_browser_that_crashed_is_opened_again(hotline: Hotline, desk: DeskPage) -> None:
    citizen, call = await in_talk(hotline, desk, "13800005003")
    context = desk.page.context
    await desk.page.close(run_before_unload=False)
    kept = await hotline.is_in(citizen, CallState.HELD)
    assert kept.kept_until is not None
    desk.page = await context.new_page()
    await desk.visit()
    await both_hear(hotline, desk, citizen, call)


async def test_the_network_is_away_for_three_seconds(hotline: Hotline, desk: DeskPage) -> None:
    citizen, call = await in_talk(hotline, desk, "13800005004")
    await desk.page.context.set_offline(True)
    await asyncio.sleep(3)
    await desk.page.context.set_offline(False)
    await expect(desk.at("phone")).to_have_attribute("data-line", "registered", timeout=LIMIT_MS)
    await both_hear(hotline, desk, citizen, call)


async def test_a_leg_that_falls_silent_is_rung_anew(hotline: Hotline, desk: DeskPage) -> None:
    citizen, call = await in_talk(hotline, desk, "13800005005")
    await desk.page.evaluate("window.__connections.at(-1).close()")  # as if its packets went nowhere
    kept = await hotline.is_in(citizen, CallState.HELD)
    assert kept.kept_until is not None
    await both_hear(hotline, desk, citizen, call)


async def test_who_waits_for_a_browser_that_never_comes_is_in_line_again(
    hotline: Hotline, desk: DeskPage
) -> None:
    citizen, call = await in_talk(hotline, desk, "13800005006")
    context = desk.page.context
    await desk.page.close(run_before_unload=False)
    await hotline.is_in(citizen, CallState.HELD)
    waiting = await hotline.is_in(citizen, CallState.WAITING)
    assert (waiting.call_id, waiting.queued) == (call.call_id, call.queued)  # at the place of before
    assert not citizen.gone.is_set()
    desk.page = await context.new_page()
    await desk.visit()
    await expect(desk.at("link-state")).to_have_text("服务器已连接", timeout=LIMIT_MS)


async def test_a_consultation_survives_a_reload_as_a_talk_of_three(hotline: Hotline, desk: DeskPage) -> None:
    citizen, call = await in_talk(hotline, desk, "13800005007")
    unit = hotline.citizen("88880101")
    await desk.page.keyboard.press("F6")
    await desk.page.keyboard.type("城市管理")
    await expect(desk.at("target-unit-city_management")).to_have_attribute(
        "aria-selected", "true", timeout=LIMIT_MS
    )
    await desk.page.keyboard.press("Enter")
    await expect(desk.at("complete-transfer")).to_be_enabled(timeout=LIMIT_MS)
    await desk.page.reload()
    await both_hear(hotline, desk, citizen, call)
    now = await hotline.is_in(citizen, CallState.TALKING)
    assert [party.title for party in now.parties] == ["市城市管理局"]
    unit.hang_up()


async def test_policy_answers_by_itself_where_the_microphone_is_allowed(
    hotline: Hotline, blank: DeskPage
) -> None:
    await ensure_accounts(hotline.settings, (AUTO,))
    await blank.open(AUTO)
    await blank.ready()
    citizen = hotline.citizen("13800005008")
    citizen.press("1")
    await hotline.dial(citizen)
    await blank.phone_is("talking")  # nobody has clicked
    await blank.is_in("talking")


FAILS = """name => {
  navigator.permissions.query = async () => ({ state: name === 'NotAllowedError' ? 'denied' : 'granted' });
  window.__works ??= navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', name); };
}"""
WORKS = "() => { navigator.mediaDevices.getUserMedia = window.__works; }"


@pytest.mark.parametrize(
    ("error", "title"),
    [
        ("NotAllowedError", "没有允许使用麦克风"),
        ("NotFoundError", "没有找到麦克风"),
        ("NotReadableError", "占用"),
    ],
)
async def test_a_microphone_that_fails_is_explained_and_the_call_still_answered(
    hotline: Hotline, desk: DeskPage, error: str, title: str
) -> None:
    await desk.ready()
    await desk.page.evaluate(FAILS, error)
    citizen = hotline.citizen("13800005011")
    citizen.press("1")
    await hotline.dial(citizen)
    await desk.rings()
    await desk.page.keyboard.press("F2")
    await expect(desk.at("phone-help")).to_contain_text(title, timeout=LIMIT_MS)
    await desk.phone_is("ringing")
    await shown(desk, f"microphone-{error}")
    if error == "NotAllowedError":
        await desk.page.wait_for_timeout(400)
        found = dict[str, Any]()
        await violations(desk, "microphone", found)
        assert found == {}
    await desk.page.evaluate(WORKS)
    await desk.at("phone-help-retry").click()
    await desk.phone_is("talking")
    await expect(desk.at("phone-help")).to_be_hidden(timeout=LIMIT_MS)


async def test_devices_are_chosen_tried_and_remembered(desk: DeskPage) -> None:
    await desk.page.evaluate(NOTE_OUTPUTS)
    await desk.at("phone-gear").click()
    microphone = desk.at("device-microphone")
    await expect(microphone.locator("option")).not_to_have_count(1, timeout=LIMIT_MS)
    names = await microphone.locator("option").all_text_contents()
    await microphone.select_option(label=names[-1])
    await expect(desk.at("device-level")).not_to_have_attribute("data-level", "0", timeout=LIMIT_MS)
    await desk.at("device-second").select_option(index=1)
    await desk.at("device-try").click()
    await expect(desk.at("device-heard")).to_be_visible(timeout=LIMIT_MS)
    await desk.page.get_by_role("button", name="试响铃").click()
    second = await desk.at("device-second").input_value()
    async with asyncio.timeout(LIMIT_S):  # it rings at the second device, too
        while [second, "running"] not in await desk.page.evaluate("window.__outputs"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    found = dict[str, Any]()
    await violations(desk, "sound settings", found)
    assert found == {}
    await shown(desk, "sound-settings")
    chosen = await microphone.input_value()
    await desk.page.reload()
    await desk.at("phone-gear").click()
    await expect(microphone).to_have_value(chosen, timeout=LIMIT_MS)


async def test_levels_and_quality_are_shown_and_recorded(hotline: Hotline, desk: DeskPage) -> None:
    citizen, call = await in_talk(hotline, desk, "13800005021")
    citizen.says("rubbish_short_1.wav")
    for meter in ("level-remote", "level-local"):
        await expect(desk.at(meter)).not_to_have_attribute("data-level", "0", timeout=LIMIT_MS)
    await expect(desk.at("phone-quality")).to_have_attribute("data-grade", "good", timeout=LIMIT_MS)
    await desk.at("phone-quality").click()
    await expect(desk.at("phone-quality-figures")).to_contain_text(re.compile(r"4\.\d / 4\.5"))
    await shown(desk, "talk")
    await desk.page.wait_for_timeout(4000)  # two looks: the end of the call tells what was not told yet
    await desk.hang_up()
    citizen.hang_up()

    async def kept() -> Any:
        return (await hotline.fetch(f"/api/calls/{call.call_id}"))["quality"]

    async with asyncio.timeout(LIMIT_S):
        while (told := await kept()) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    assert told["worst"]["mos"] > 4.0
    assert told["bad"] == 0
