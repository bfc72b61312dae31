"""The citizens' page and the desk, both in real browsers: written conversations, sign language over video."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import AGENT, Office
from tests.browser.desk import LIMIT_MS, RECEIVED, DeskPage
from tests.browser.test_accessibility import AXE, RUN, SETTLE_S, TAGS
from tests.browser.test_transfers import shown
from tests.support.chromium import new_context
from tests.support.hotline import LIMIT_S

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

MEDIA_LOST_S = 10.0
"""A leg from which nothing comes for so long is taken for lost."""

LATE_S = 1.0
"""On a slow line the desk's own page comes so long after what the server says first."""

PICTURES = os.environ.get("HOTLINE_PICTURES", "")
"""A folder: pages are photographed into it."""
PHONE = {"width": 390, "height": 844}
NO_CAMERA = """() => {
  const media = navigator.mediaDevices;
  const all = media.enumerateDevices.bind(media), open = media.getUserMedia.bind(media);
  media.enumerateDevices = async () => (await all()).filter(one => one.kind !== 'videoinput');
  media.getUserMedia = async wanted => {
    if (wanted?.video) throw new DOMException('no camera', 'NotFoundError');
    return open(wanted);
  };
}"""
FRAMES = """async () => {
  let frames = 0;
  for (const connection of window.__connections)
    for (const report of (await connection.getStats()).values())
      if (report.type === 'inbound-rtp' && report.kind === 'video') frames += report.framesDecoded ?? 0;
  return frames;
}"""


@pytest_asyncio.fixture(loop_scope="module")
async def writer(office: Office, blank: DeskPage) -> AsyncIterator[DeskPage]:
    """The desk of an agent who may have two conversations, ready, with a camera."""
    hotline = office.hotline
    await hotline.admin.open()
    seats = {"texts": 2, "reason": "conversations beside calls"}
    async with (
        aiohttp.ClientSession(headers=hotline.admin._http.headers) as http,
        http.patch(f"{hotline.stack.web}/api/accounts/{AGENT.login}", json=seats) as answer,
    ):
        assert answer.status == 200, await answer.text()
    await blank.page.context.grant_permissions(["microphone", "camera"])
    await blank.open(AGENT)
    await blank.ready()
    await blank.is_in("ready")
    yield blank
    async with asyncio.timeout(
        LIMIT_S
    ):  # what a test that failed has left open would keep the next one waiting
        while await blank.at("chat-tabs").count():
            if await blank.at("chat-tab").count():
                await blank.at("chat-tab").first.click()
            if await blank.at("chat-end").count():
                await blank.at("chat-end").click()
            await asyncio.sleep(0.1)


@pytest_asyncio.fixture(loop_scope="module")
async def citizen(office: Office) -> AsyncIterator[Page]:
    """The citizens' page on a telephone."""
    context = await new_context(office.browser)
    await context.grant_permissions(["microphone", "camera"])
    page = await context.new_page()
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.set_default_timeout(LIMIT_MS)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(f"{office.hotline.stack.web}/citizen")
    yield page
    if await page.get_by_test_id("citizen-leave").count():
        await page.get_by_test_id("citizen-leave").click()
        await page.get_by_test_id("citizen-leave-yes").click()
        await citizen_is(page, "ended")
    await context.close()
    assert faults == []


async def begins(page: Page, way: str) -> None:
    """Agree, and choose a way."""
    await page.get_by_test_id("citizen-agree").check()
    await page.get_by_test_id(f"citizen-{way}").click()


async def citizen_is(page: Page, state: str) -> None:
    """Wait until the citizen's call stands so."""
    await expect(page.get_by_test_id("citizen-talk")).to_have_attribute("data-state", state, timeout=LIMIT_MS)


async def late(route: Route) -> None:
    """Let a part of the page come late."""
    await asyncio.sleep(LATE_S)
    await route.continue_()


async def check(page: Page, where: str, found: dict[str, Any]) -> None:
    """Add what axe says of the page, in light and in dark."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme="light" if theme == "light" else "dark")
        await asyncio.sleep(SETTLE_S)
        if broken := await page.evaluate(RUN, TAGS):
            found[f"{where}, {theme}"] = broken


async def test_a_citizen_writes_and_both_pages_may_be_loaded_anew(
    office: Office, writer: DeskPage, citizen: Page
) -> None:
    found = dict[str, Any]()
    await check(citizen, "citizens' page", found)
    await citizen.get_by_test_id("citizen-text").click()
    await expect(citizen.get_by_role("alert")).to_contain_text("请先勾选", timeout=LIMIT_MS)
    await writer.at("nav-orders").click()  # who writes rings on every page
    await begins(citizen, "text")
    await citizen.get_by_test_id("citizen-say").fill("朝阳小区3号楼半夜施工噪音很大")
    await citizen.get_by_test_id("citizen-send").click()
    await expect(writer.at("chat-ring-floating")).to_contain_text("施工噪音", timeout=LIMIT_MS)
    await expect(writer.at("announcement")).to_contain_text("文字来访")
    await expect(writer.page).to_have_title(re.compile("【文字来访】"), timeout=LIMIT_MS)
    await shown(writer, "writer-rings")
    await writer.page.keyboard.press("F2")
    await citizen_is(citizen, "talking")
    lines = writer.at("chat-line")
    await expect(lines.filter(has_text="施工噪音")).to_have_count(1, timeout=LIMIT_MS)
    await writer.at("chat-say").fill("请问您怎么称呼")
    await expect(citizen.get_by_test_id("citizen-typing")).to_contain_text("请问您怎么称呼", timeout=LIMIT_MS)
    await writer.at("chat-send").click()
    await expect(citizen.get_by_test_id("citizen-line").last).to_contain_text(
        "请问您怎么称呼", timeout=LIMIT_MS
    )
    await expect(writer.at("order")).to_have_attribute("data-order", re.compile("."), timeout=LIMIT_MS)
    await check(citizen, "citizen in a conversation", found)
    await writer.page.keyboard.press("Alt+y")
    await writer.at(f"colleague--{office.hotline.admin.account.login}").click()
    await shown(writer, "colleague")
    await writer.at("colleague-join").click()
    await expect(lines.last).to_contain_text("已加入会话", timeout=LIMIT_MS)
    await check(writer.page, "desk with a conversation", found)
    await shown(writer, "conversation")

    await citizen.reload()
    await citizen_is(citizen, "talking")
    await expect(citizen.get_by_test_id("citizen-line").filter(has_text="施工噪音")).to_have_count(
        1, timeout=LIMIT_MS
    )
    await writer.at("chat-say").fill("我查一下")
    await writer.page.route("**/assets/DeskPage-*.js", late)
    await writer.page.reload()
    await writer.at("chat-tab").click()
    await expect(writer.at("chat-say")).to_have_value("我查一下")
    await writer.page.unroute("**/assets/DeskPage-*.js")
    await expect(writer.at("chat-line").filter(has_text="请问您怎么称呼")).to_have_count(1, timeout=LIMIT_MS)
    await citizen.get_by_test_id("citizen-say").fill("我姓王")
    await expect(writer.at("chat-typing")).to_contain_text("我姓王", timeout=LIMIT_MS)
    await citizen.get_by_test_id("citizen-send").click()
    await expect(writer.at("chat-line").filter(has_text="我姓王")).to_have_count(1, timeout=LIMIT_MS)

    await writer.at("chat-end").click()
    await citizen_is(citizen, "survey")
    await check(citizen, "citizen rates", found)
    await citizen.get_by_test_id("citizen-rate-5").click()
    await citizen_is(citizen, "ended")
    await writer.at("chat-end").click()
    await expect(writer.at("chat-tabs")).to_have_count(0, timeout=LIMIT_MS)
    assert found == {}


async def decodes(page: Page, more: int = 10) -> None:
    """Wait until the page has decoded further frames of the other side's picture."""
    before: int = await page.evaluate(FRAMES)
    async with asyncio.timeout(LIMIT_S):
        while await page.evaluate(FRAMES) < before + more:  # noqa: ASYNC110 - the page tells nobody
            await asyncio.sleep(0.1)


async def kept(page: Page, name: str) -> None:
    """Keep a picture of the page where pictures are asked for."""
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png")


async def test_a_video_call_shows_both_sides_and_carries_what_they_write(
    office: Office, writer: DeskPage, citizen: Page
) -> None:
    found = dict[str, Any]()
    await writer.visit("/orders")  # the desk itself was not looked at yet
    await expect(writer.page.get_by_text("已注册")).to_be_visible(timeout=LIMIT_MS)
    await writer.page.keyboard.press("F9")  # a page that loads slowly makes the agent not ready
    await begins(citizen, "video")
    await writer.answer()
    await citizen_is(citizen, "talking")
    await asyncio.gather(decodes(citizen), decodes(writer.page))
    await expect(writer.at("phone-caller")).to_have_text("网页来访")
    await expect(writer.at("video")).to_have_attribute("data-sends", "true", timeout=LIMIT_MS)
    await citizen.get_by_test_id("citizen-say").fill("我听不见，请打字")
    await expect(writer.at("chat-typing")).to_contain_text("我听不见", timeout=LIMIT_MS)
    await citizen.get_by_test_id("citizen-send").click()
    await expect(writer.at("chat-line").filter(has_text="我听不见")).to_have_count(1, timeout=LIMIT_MS)
    await writer.at("chat-say").fill("好的，请看手语")
    await writer.at("chat-send").click()
    await expect(citizen.get_by_test_id("citizen-line").filter(has_text="请看手语")).to_have_count(
        1, timeout=LIMIT_MS
    )
    await kept(citizen, "citizen-video")
    await kept(writer.page, "desk-video")
    await check(citizen, "citizen in a video call", found)
    await check(writer.page, "desk in a video call", found)
    await asyncio.sleep(MEDIA_LOST_S)  # pictures must not count as lost
    await asyncio.gather(decodes(citizen), decodes(writer.page))
    await writer.at("phone-hold").click()
    await citizen_is(citizen, "held")
    await writer.at("phone-hold").click()
    await citizen_is(citizen, "talking")
    await asyncio.gather(decodes(citizen), decodes(writer.page))
    await citizen.get_by_test_id("citizen-leave").click()
    await citizen.get_by_test_id("citizen-leave-yes").click()
    await citizen_is(citizen, "ended")
    await writer.is_in("wrap_up")
    assert found == {}


async def sounds(page: Page, more: int = 20) -> None:
    """Wait until so many further packets of the other side's voice have come."""
    before: int = await page.evaluate(RECEIVED)
    async with asyncio.timeout(LIMIT_S):
        while await page.evaluate(RECEIVED) < before + more:  # noqa: ASYNC110 - the page tells nobody
            await asyncio.sleep(0.1)


async def test_a_citizen_speaks_over_the_page(writer: DeskPage, citizen: Page) -> None:
    await begins(citizen, "voice")
    await writer.answer()
    await citizen_is(citizen, "talking")
    await asyncio.gather(sounds(citizen), sounds(writer.page))
    await expect(citizen.get_by_test_id("citizen-pictures")).to_have_count(0)
    await writer.hang_up()
    await citizen_is(citizen, "survey")


async def test_without_cameras_both_are_told_so_and_a_video_call_goes_on_by_voice(
    writer: DeskPage, citizen: Page
) -> None:
    for page in (writer.page, citizen):
        await page.evaluate(NO_CAMERA)
    await begins(citizen, "video")
    await writer.answer()
    await citizen_is(citizen, "talking")
    await expect(citizen.get_by_test_id("citizen-unseen")).to_contain_text("没有找到可用的摄像头")
    await expect(writer.at("video")).to_have_attribute("data-sends", "false", timeout=LIMIT_MS)
    await expect(writer.at("video")).to_contain_text("没有可用的摄像头，市民看不到您")
    await asyncio.gather(sounds(citizen), sounds(writer.page))
