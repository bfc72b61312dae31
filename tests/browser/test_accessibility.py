"""Every page of the desk passes axe for WCAG 2.2 AA, also in the middle of a call, in light and in dark."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from cti.messages import CallState, Role
from tests.browser.conftest import AGENT, Office
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.support.hotline import Hotline
from tests.support.until import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

AXE = Path(__file__).parents[2] / "agent_desktop" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """tags => axe.run(document, {runOnly: tags}).then(found => found.violations.map(
  violation => violation.id + ': ' + violation.nodes.map(node => node.html.slice(0, 160)).join(' | ')))"""
IS_DARK = "document.documentElement.classList.contains('dark')"
PAINTED_S = 1.5
SETTLE_S = 0.4
"""Boxes that slide in are measured when they stand still."""


async def violations(desk: DeskPage, where: str, found: dict[str, Any]) -> None:
    """Add what axe says of the page as it stands now, in light and in dark."""
    if not await desk.page.evaluate("'axe' in window"):
        await desk.page.evaluate(AXE.read_text(encoding="utf-8"))
    for theme in ("light", "dark"):
        # without transitions: on a crowded machine colours would be judged half-way between the themes
        await desk.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for _ in range(20):  # the page follows the system's theme when it comes to it; the wall never does
            if await desk.page.evaluate(IS_DARK) is (theme == "dark"):
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE_S)
        broken = await desk.page.evaluate(RUN, TAGS)
        if broken:  # once more when a long page has been painted anew: what is wrong stays wrong
            await asyncio.sleep(PAINTED_S)
            broken = await desk.page.evaluate(RUN, TAGS)
        if broken:
            found[f"{where}, {theme}"] = broken


async def test_the_agents_pages_pass(office: Office, blank: DeskPage) -> None:
    hotline, found = office.hotline, dict[str, Any]()
    await blank.visit()
    await expect(blank.at("login-name")).to_be_visible(timeout=LIMIT_MS)
    await violations(blank, "sign-in", found)
    await blank.open(AGENT)
    await violations(blank, "desk, idle", found)

    await blank.ready()
    caller = await in_talk(hotline, blank)
    await violations(blank, "desk, in a call", found)

    order = await blank.at("order").get_attribute("data-order")
    await blank.at("nav-orders").click()
    await expect(blank.at(f"order-{order}")).to_be_visible(timeout=LIMIT_MS)
    await violations(blank, "orders", found)
    await blank.at(f"order-{order}").click()
    await expect(blank.at("drawer-submit")).to_be_visible(timeout=LIMIT_MS)
    await violations(blank, "orders, one opened", found)
    await blank.page.keyboard.press("Escape")
    await expect(blank.at("order-drawer")).to_be_hidden(timeout=LIMIT_MS)
    await blank.at("nav-calls").click()
    await expect(blank.at(f"call-{caller}")).to_be_visible(timeout=LIMIT_MS)
    await violations(blank, "calls", found)
    assert found == {}


async def in_talk(hotline: Hotline, desk: DeskPage) -> str:
    """Talk with a citizen who has told their concern; return the call's id."""
    citizen = hotline.citizen("13800000961")
    citizen.press("1")
    await hotline.dial(citizen)
    await desk.answer()
    box = desk.at("box-category")
    for _ in range(4):  # on a crowded machine the first words may come before the tap
        citizen.says("rubbish_short_1.wav")
        try:
            await expect(box).to_have_attribute("data-filler", "machine", timeout=LIMIT_MS / 3)
            break
        except AssertionError:
            await until(lambda: citizen.silent)
    await desk.filled_by("category", "machine")
    await desk.at("field-place").fill("人民路东口")
    await desk.saved()
    return (await hotline.is_in(citizen, CallState.TALKING)).call_id


async def test_the_administrators_page_passes(office: Office, blank: DeskPage) -> None:
    admin = office.hotline.admin.account
    assert admin.role is Role.ADMIN
    found = dict[str, Any]()
    await blank.open(admin)
    await blank.at("group-管理").click()
    await blank.at("nav-accounts").click()
    await expect(blank.at(f"account-{AGENT.login}")).to_be_visible(timeout=LIMIT_MS)
    await violations(blank, "accounts", found)
    await blank.at(f"account-{AGENT.login}").click()
    await expect(blank.at("account-save")).to_be_visible(timeout=LIMIT_MS)
    await violations(blank, "accounts, one opened", found)
    await blank.page.keyboard.press("Escape")
    await blank.at("group-管理").click()
    await blank.at("nav-api").click()
    await expect(blank.at("webhooks")).to_be_visible(timeout=LIMIT_MS)
    await violations(blank, "other systems", found)
    await blank.at("token-new").click()
    await expect(blank.at("system-save")).to_be_visible(timeout=LIMIT_MS)
    await violations(blank, "other systems, a new token", found)
    assert found == {}
