"""The wall says what a person would count: scripted callers, a real Asterisk, a real browser."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from acd.policy import SHIPPED, load_policy
from asterisk_conf.provide import AsteriskInstall
from cti.control.wallboard_past import midnight_of
from cti.database import open_engine
from cti.figures import engine as figures_of
from cti.figures.facts import Rules, Span
from cti.figures.load import FactLog
from cti.messages import CallState, FinishWrapUp, NotReady
from tests.browser.conftest import Office
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.chromium import chromium, new_context, program
from tests.support.hotline import LIMIT_S, Citizen, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

NO_CALLBACKS = "\n[callbacks]\nautomatic = false\n"
SHOTS = os.environ.get("HOTLINE_SCREENSHOTS", "")
"""A folder: pages are photographed into it."""
LATE_S = 16.0
"""Longer than the rule's 15 seconds."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    asterisk_install: AsteriskInstall, built_desk: Path, module_loopback: LoopbackBlock
) -> AsyncIterator[Office]:
    """Everything that runs, without recognition; abandoned calls are not called back."""
    program()
    async with (
        running_hotline(module_loopback, agents=2, announce_every_s=0, more=NO_CALLBACKS) as hotline,
        chromium() as browser,
    ):
        yield Office(hotline, browser)


async def photograph(page: DeskPage, name: str) -> None:
    if SHOTS:
        await page.page.screenshot(path=Path(SHOTS) / f"{name}.png")


async def hangs_up(hotline: Hotline, citizen: Citizen) -> None:
    citizen.hang_up()
    await citizen.gone.wait()
    await hotline.record(citizen, "ended")


async def away(hotline: Hotline) -> None:
    """Agent 1 has written up and takes a break."""
    desk = await hotline.desk(1)
    async with asyncio.timeout(LIMIT_S):
        while desk.state != "not_ready":
            if desk.state == "wrap_up":
                await desk.send(FinishWrapUp())
            elif desk.state == "ready":
                await desk.send(NotReady(reason="rest"))
            await asyncio.sleep(0.1)


async def four_callers(hotline: Hotline, wall: DeskPage) -> None:
    """One is answered at once; one late, one hangs up early, one late, with nobody ready meanwhile."""
    quick, late, early, patient = (hotline.citizen(f"1380000097{n}") for n in range(4))
    await hotline.ready(1)
    await hotline.dial(quick)
    await quick.hears_agent()
    await hangs_up(hotline, quick)
    await away(hotline)

    await hotline.dial(late, early, patient)
    calls = [await hotline.is_in(citizen, CallState.WAITING) for citizen in (late, patient, early)]
    began = time.time()
    await expect(wall.at("figure-live.waiting")).to_have_attribute("data-value", "3", timeout=LIMIT_MS)
    await expect(wall.at("agents-not_ready").locator("b")).to_have_text("1")
    await hangs_up(hotline, early)
    assert time.time() - (calls[-1].queued or began) < 5, "this machine is too busy to hang up early"
    await asyncio.sleep(max(0.0, began + 7 - time.time()))
    await hangs_up(hotline, patient)
    await asyncio.sleep(max(0.0, began + LATE_S - time.time()))
    await hotline.ready(1)
    await late.hears_agent()
    await hangs_up(hotline, late)
    await away(hotline)


async def test_every_figure_of_the_wall_is_what_a_hand_counts_and_what_the_report_says(
    office: Office,
) -> None:
    hotline = office.hotline
    context = await new_context(office.browser)
    wall = DeskPage(await context.new_page(), hotline.stack.web)
    await wall.open(hotline.admin.account)
    await wall.at("group-班长").click()
    await wall.at("nav-wallboard").click()
    await expect(wall.at("figure-live.waiting")).to_have_attribute("data-value", "0", timeout=LIMIT_MS)

    await four_callers(hotline, wall)

    by_hand = {
        "today.calls_in": 4, "today.answered": 2, "today.abandoned": 2,
        "rolling.connection_rate": 0.5, "today.service_level": 0.25, "live.waiting": 0,
        "live.longest_wait_s": 0, "live.urgent_open": 0, "live.bursts": 0,
    }  # fmt: skip
    for figure, value in by_hand.items():
        tile = wall.at(f"figure-{figure}")
        await expect(tile).to_have_attribute("data-value", str(value), timeout=LIMIT_MS)
    await expect(wall.at("breaks-total")).to_have_text("3")
    await expect(wall.at("break")).to_have_count(3)
    await expect(wall.at("cause-gave_up_early")).to_contain_text("1")
    await expect(wall.at("cause-all_away")).to_contain_text("2")
    await expect(wall.at("figure-today.calls_in")).to_contain_text("请求人工 4")
    await expect(wall.at("figure-today.abandoned")).to_contain_text("其中短时 1")
    await expect(wall.at("figure-today.service_level")).to_contain_text("15 秒内接听 1")

    report = await reported(hotline)
    for figure in ("calls_in", "answered", "abandoned", "service_level", "speed_of_answer"):
        shown = await wall.at(f"figure-today.{figure}").get_attribute("data-value")
        assert float(shown or "nan") == pytest.approx(report[figure], abs=1e-9), figure

    await all_skills_of_the_shipped_policy(hotline, wall)
    await photograph(wall, "wallboard-1366")
    await wall.page.emulate_media(color_scheme="dark")
    await photograph(wall, "wallboard-1366-dark")
    found: dict[str, object] = {}
    await violations(wall, "wallboard", found)
    await wall.zoom()
    assert await wall.too_wide() == []
    for part in ("figure-today.speed_of_answer", "agents-ready", "break", "board-callbacks"):
        await wall.at(part).first.scroll_into_view_if_needed()
        await expect(wall.at(part).first).to_be_in_viewport()
    await photograph(wall, "wallboard-150")
    await wall.unzoom()
    for size in ((1920, 1080), (3840, 2160)):
        await wall.page.set_viewport_size({"width": size[0], "height": size[1]})
        await wall.visit("/wall")
        await expect(wall.at("figure-today.calls_in")).to_have_attribute("data-value", "4", timeout=LIMIT_MS)
        await asyncio.sleep(0.5)
        await photograph(wall, f"wall-{size[0]}")
    await violations(wall, "wall", found)
    assert found == {}
    assert wall.faults == []
    await wall.sign_out()
    await context.close()


async def all_skills_of_the_shipped_policy(hotline: Hotline, wall: DeskPage) -> None:
    """All eighteen stand whole on the wall at once, and a panel explains itself by keyboard."""
    shutil.copyfile(SHIPPED, hotline.settings.calls.policy)
    every = len(load_policy().queues)
    for width, height in ((1920, 1080), (1366, 768)):
        await wall.page.set_viewport_size({"width": width, "height": height})
        await wall.visit("/wall")
        await expect(wall.at("queue-line")).to_have_count(every, timeout=LIMIT_MS)
        await expect(wall.at("queues-more")).to_have_count(0)
        last = await wall.at("queue-line").last.bounding_box()
        below = await wall.at("figure-today.service_level_perf").bounding_box()
        assert last is not None and below is not None
        assert last["y"] + last["height"] <= below["y"]
    await wall.at("ask-queues").focus()
    await wall.page.keyboard.press("Enter")
    await expect(wall.at("meaning-queues-service_level_perf2")).to_be_visible()
    await wall.page.keyboard.press("Escape")
    await expect(wall.at("meanings")).to_be_hidden()
    await wall.visit("/wallboard")
    await expect(wall.at("figure-today.calls_in")).to_have_attribute("data-value", "4", timeout=LIMIT_MS)


async def reported(hotline: Hotline) -> dict[str, float | None]:
    """Today's figures as reports have them."""
    engine = open_engine(hotline.settings.database)
    try:
        span = Span(since=midnight_of(time.time()), until=time.time() + 1)
        return dict(figures_of.figures(await FactLog(engine).facts(span), span=span, rules=Rules()))
    finally:
        await engine.dispose()


async def test_a_rule_raises_an_alert_that_a_person_acknowledges_and_a_notice_reaches_the_desks(
    office: Office,
) -> None:
    hotline = office.hotline
    context = await new_context(office.browser)
    page = DeskPage(await context.new_page(), hotline.stack.web)
    await page.open(hotline.admin.account)
    await page.visit("/alerts")
    await page.page.get_by_role("tab", name="告警规则").click()
    await page.at("rule-new").click()
    await page.at("rule-key").fill("seats")
    await page.at("rule-title").fill("有人签入")
    await page.at("rule-figure").click()
    await page.page.get_by_role("option", name="签入坐席", exact=True).click()
    await page.at("rule-raise").locator("input").fill("0")
    await page.at("rule-clear").locator("input").fill("0")
    await page.at("rule-clear").locator("input").press("Tab")
    await page.at("rule-reason").fill("试一试")
    await page.at("rule-save").click()
    await expect(page.at("rule-seats")).to_be_visible(timeout=LIMIT_MS)
    found: dict[str, object] = {}
    await violations(page, "alert rules", found)
    await photograph(page, "alerts-rules")

    await hotline.desk(1)
    await page.page.get_by_role("tab", name="告警（").click()
    await expect(page.at("alert-seats").first).to_be_visible(timeout=LIMIT_MS)
    await page.at("acknowledge-seats").first.click()
    await expect(page.at("acknowledge-seats")).to_have_count(0)
    await violations(page, "alerts", found)

    await page.page.get_by_role("tab", name="坐席公告").click()
    await page.at("bulletin-new").click()
    await page.at("bulletin-title").fill("城东区停水，预计 18 时恢复")
    await page.at("bulletin-publish").click()
    await expect(page.at("bulletins")).to_contain_text("城东区停水", timeout=LIMIT_MS)
    await violations(page, "notices", found)
    await photograph(page, "alerts-bulletins")
    assert found == {}
    assert page.faults == []
    await page.sign_out()
    await context.close()
