"""The supervisor's page: from listening to taking over by keys; who hears whom is measured in the sound."""

from __future__ import annotations

import array
import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from acd.messages import AgentState
from asterisk_conf.provide import AsteriskInstall
from cti.demo.people import DemoAccount, ensure_accounts
from cti.messages import CallState, Role, SupervisionKind
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.chromium import MICROPHONE_RATE, chromium, new_context, program
from tests.support.hotline import LIMIT_S, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock
from tests.support.tones import tone, write_wav
from tests.support.until import until
from tests.support.voices import AGENTS, CITIZEN, Voice

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

BOSS = DemoAccount(
    login="zhou", name="周敏", role=Role.SUPERVISOR, extension="8003", skills={}, password="only-for-tests-2"
)
AGENT, VOICE = AGENTS["8001"], AGENTS["8003"]

LOUDEST = """async ({hertz, seconds}) => {
  const context = window.__ears ??= new AudioContext();
  await context.resume();
  const listening = window.__connections.filter(one => one.connectionState === 'connected')
    .flatMap(one => one.getReceivers())
    .filter(one => one.track?.kind === 'audio' && one.track.readyState === 'live')
    .map(receiver => {
      const analyser = new AnalyserNode(context, {fftSize: 8192, smoothingTimeConstant: 0});
      context.createMediaStreamSource(new MediaStream([receiver.track])).connect(analyser);
      return analyser;
    });
  const found = hertz.map(() => -200);
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    await new Promise(next => setTimeout(next, 100));
    for (const analyser of listening) {
      const levels = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(levels);
      hertz.forEach((one, place) => {
        const bin = Math.round(one * analyser.fftSize / context.sampleRate);
        found[place] = Math.max(found[place], ...levels.slice(bin - 2, bin + 3));
      });
    }
  }
  return found;
}"""
HEARD_DB, SILENT_DB = -45.0, -60.0
"""Level above which the page's telephone plays a tone, and below which it does not."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(
    asterisk_install: AsteriskInstall,
    built_desk: Path,
    module_loopback: LoopbackBlock,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Hotline, Browser]]:
    """A hotline with one agent at a desk phone, and a browser whose microphone hears beeps."""
    program()
    beeps = tone(VOICE, 0.6, 0.6, MICROPHONE_RATE) + array.array("h", bytes(MICROPHONE_RATE))
    microphone = write_wav(tmp_path_factory.mktemp("sound") / "boss.wav", beeps, MICROPHONE_RATE)
    async with running_hotline(module_loopback, agents=1) as hotline, chromium(microphone) as browser:
        await ensure_accounts(hotline.settings, (BOSS,))
        yield hotline, browser


@pytest_asyncio.fixture(loop_scope="module")
async def page(hall: tuple[Hotline, Browser]) -> AsyncIterator[DeskPage]:
    """The supervisor's page with a telephone."""
    hotline, browser = hall
    context = await new_context(browser)
    desk = DeskPage(await context.new_page(), hotline.stack.web)
    await desk.open(BOSS)
    yield desk
    await desk.sign_out()
    await context.close()
    assert desk.faults == []


async def hears(page: DeskPage, *tones: float) -> None:
    """Wait until the page's telephone plays all of these."""
    async with asyncio.timeout(LIMIT_S):
        while min(await _levels(page, *tones)) < HEARD_DB:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _levels(page: DeskPage, *tones: float) -> list[float]:
    levels: list[float] = await page.page.evaluate(LOUDEST, {"hertz": list(tones), "seconds": 1.0})
    return levels


async def shown(page: DeskPage, name: str) -> None:
    """Keep a picture of the page where somebody asks for it (HOTLINE_SCREENSHOTS)."""
    if folder := os.environ.get("HOTLINE_SCREENSHOTS"):
        for theme in ("dark", "light"):
            await page.page.emulate_media(color_scheme=theme)
            await page.page.wait_for_timeout(300)
            await page.page.screenshot(path=Path(folder) / f"{name}-{theme}.png")


async def test_a_supervisor_goes_from_listening_to_taking_over_by_keys(
    hall: tuple[Hotline, Browser], page: DeskPage
) -> None:
    hotline, _ = hall
    keys, own, found = page.page.keyboard, page.at("own"), dict[str, Any]()

    async def is_in(kind: SupervisionKind) -> None:
        await expect(own).to_have_attribute("data-kind", kind.value, timeout=LIMIT_MS)
        await expect(own).to_have_attribute("data-there", "true", timeout=LIMIT_MS)

    await hotline.ready(1)
    citizen = Voice("13800006001", hotline)
    citizen.press("7")
    await hotline.dial(citizen)
    call = await hotline.is_in(citizen, CallState.TALKING)
    await until(lambda: "8001" in citizen.agents, LIMIT_S)
    agent = citizen.agents["8001"]

    await page.at("group-班长").click()
    await page.at("nav-floor").click()
    await page.at(f"call-{call.call_id}").click()
    await shown(page, "floor")
    await violations(page, "floor, idle", found)
    await keys.press("l")
    await is_in(SupervisionKind.LISTEN)
    await hears(page, CITIZEN, AGENT)
    await asyncio.gather(citizen.ear.hears_none_of(VOICE), agent.hears_none_of(VOICE))
    await shown(page, "floor-listening")
    await violations(page, "floor, listening", found)

    await page.at(f"call-{call.call_id}").click()
    await keys.press("w")
    await is_in(SupervisionKind.WHISPER)
    await agent.hears(VOICE)
    await citizen.ear.hears_none_of(VOICE)

    await keys.press("b")
    await is_in(SupervisionKind.BARGE)
    await asyncio.gather(
        citizen.ear.hears(VOICE, AGENT), agent.hears(VOICE, CITIZEN), hears(page, CITIZEN, AGENT)
    )

    await keys.press("t")
    await expect(page.at("act-reason")).to_be_focused(timeout=LIMIT_MS)
    await violations(page, "floor, a reason", found)
    await shown(page, "floor-reason")
    await keys.type("市民要求班长处理")
    await page.at("act-go").click()
    await hotline.agent_is(1, AgentState.WRAP_UP)
    await asyncio.gather(citizen.ear.hears(VOICE), hears(page, CITIZEN))
    await citizen.ear.hears_none_of(AGENT)
    assert (await _levels(page, AGENT))[0] < SILENT_DB
    await expect(own).to_have_attribute("data-kind", "", timeout=LIMIT_MS)
    await page.at("nav-desk").click()
    await expect(page.at("order")).to_have_attribute("data-order", call.order_id, timeout=LIMIT_MS)
    await page.at("phone-hang-up").click()
    await hotline.is_in(citizen, CallState.SURVEY)
    assert not found, repr(found)
    await hotline.network.hang_up_all()


async def test_words_reach_an_agent_and_stand_until_they_are_read(
    hall: tuple[Hotline, Browser], page: DeskPage
) -> None:
    hotline, browser = hall
    await page.at("group-班长").click()
    await page.at("nav-floor").click()
    context = await new_context(browser)
    agent = DeskPage(await context.new_page(), hotline.stack.web)
    await agent.visit()
    await agent.sign_in(hotline.account(1).login, hotline.account(1).password)
    await expect(agent.at("link-state")).to_have_text("服务器已连接", timeout=LIMIT_MS)
    await page.at("floor-say").click()
    await page.at("words-text").fill("暴雨红色预警，积水来电一律标记紧急")
    await page.at("words-urgent-on").click()
    await page.at("words-send").click()
    await expect(agent.at("words-urgent")).to_contain_text("积水来电", timeout=LIMIT_MS)
    found = dict[str, Any]()
    await violations(agent, "an urgent message", found)
    await violations(page, "sent messages", found)
    await shown(agent, "floor-words-agent")
    await shown(page, "floor-words")
    await agent.page.get_by_test_id("words-urgent").get_by_role("button").click()
    await expect(agent.at("words-urgent")).to_be_hidden(timeout=LIMIT_MS)
    await expect(page.at("words-sent")).to_contain_text("已读 1", timeout=LIMIT_MS)
    await context.close()
    assert not found, repr(found)
