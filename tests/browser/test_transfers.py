"""Consulting, conferring and calling 110 from the desk, by keys and by buttons."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import expect

from cti.messages import CallState
from tests.browser.conftest import AGENT, Office
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.hotline import LIMIT_S, Citizen, Hotline
from tests.support.until import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(office: Office) -> Hotline:
    """The running hotline."""
    return office.hotline


async def in_talk(hotline: Hotline, desk: DeskPage, number: str) -> Citizen:
    """The agent at the page talks with a citizen."""
    await desk.ready()
    citizen = hotline.citizen(number)
    citizen.press("1")
    await hotline.dial(citizen)
    await desk.answer()
    await hotline.is_in(citizen, CallState.TALKING)
    return citizen


async def citizen_is_at(hotline: Hotline, citizen: Citizen, application: str) -> None:
    """Wait until the citizen's channel runs this application of the dialplan."""
    asterisk = hotline.stack.asterisk
    assert asterisk is not None
    call_id = (await hotline.live())[citizen.number].call_id
    async with asyncio.timeout(LIMIT_S):
        while True:
            lines = (await asterisk.cli("core show channels concise")).splitlines()
            if any(line.endswith(f"!{call_id}") and line.split("!")[5] == application for line in lines):
                return


async def shown(desk: DeskPage, name: str) -> None:
    """Keep a picture of the page where somebody asks for it (HOTLINE_SCREENSHOTS)."""
    if folder := os.environ.get("HOTLINE_SCREENSHOTS"):
        await desk.page.screenshot(path=Path(folder) / f"{name}.png")


async def test_a_unit_is_consulted_by_keys_and_joins_the_talk(hotline: Hotline, desk: DeskPage) -> None:
    citizen = await in_talk(hotline, desk, "13800004001")
    unit = hotline.citizen("88880101")
    await desk.page.keyboard.press("F6")
    await desk.page.keyboard.type("城市管理")
    await expect(desk.at("target-unit-city_management")).to_have_attribute(
        "aria-selected", "true", timeout=LIMIT_MS
    )
    await desk.page.keyboard.press("Enter")
    await hotline.is_in(citizen, CallState.CONSULTING)
    await expect(desk.at("party-citizen")).to_have_attribute("data-state", "held", timeout=LIMIT_MS)
    await expect(desk.at("complete-transfer")).to_be_enabled(timeout=LIMIT_MS)
    await shown(desk, "consulting")
    await desk.at("conference").click()
    await hotline.is_in(citizen, CallState.TALKING)
    await expect(desk.at("leave-conference")).to_be_enabled(timeout=LIMIT_MS)
    await expect(desk.at("sharing")).to_have_attribute("data-parties", "1")
    told = {speaker: len(await desk.heard(speaker)) for speaker in ("citizen", "agent")}
    citizen.says("rubbish_short_1.wav")
    found = dict[str, Any]()
    await violations(desk, "conference", found)
    assert found == {}
    async with asyncio.timeout(LIMIT_S):  # captions follow both into the room
        for speaker, before in told.items():
            while len(await desk.heard(speaker)) <= before:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    await shown(desk, "conference")

    await desk.at("leave-conference").click()
    await desk.is_in("wrap_up")
    await desk.phone_is("idle")
    await desk.at("field-title").fill("路面垃圾")  # the order is still at this desk
    await desk.saved()
    assert not citizen.gone.is_set()
    unit.hang_up()
    await hotline.is_in(citizen, CallState.SURVEY)


async def test_an_interpreter_is_found_by_language_and_takes_the_call_over(
    hotline: Hotline, desk: DeskPage
) -> None:
    interpreter = hotline.account(1).login
    await hotline.admin.open()
    async with (
        aiohttp.ClientSession(headers=hotline.admin._http.headers) as http,
        http.patch(
            f"{hotline.stack.web}/api/accounts/{interpreter}",
            json={"skills": {"dialect": 4}, "reason": "speaks the dialect"},
        ) as answer,
    ):
        assert answer.status == 200, await answer.text()
    await hotline.ready(1)
    hotline.citizen(AGENT.extension)  # a colleague's telephone shows who asks, and answers them
    citizen = await in_talk(hotline, desk, "13800004005")
    await desk.page.keyboard.press("F6")
    await desk.page.keyboard.type("方言")
    await expect(desk.at(f"target-agent-{interpreter}")).to_contain_text("方言", timeout=LIMIT_MS)
    await desk.page.keyboard.press("Escape")
    await desk.page.keyboard.press("Alt+i")
    await expect(desk.at(f"colleague-dialect-{interpreter}")).to_have_attribute(
        "aria-selected", "true", timeout=LIMIT_MS
    )
    await expect(desk.at("colleague-search")).to_be_focused()
    await shown(desk, "interpreter")
    found = dict[str, Any]()
    await violations(desk, "interpreter", found)
    assert found == {}
    await desk.page.keyboard.press("Enter")
    await hotline.is_in(citizen, CallState.CONSULTING)
    await expect(desk.at("colleagues-dialog")).to_be_hidden(timeout=LIMIT_MS)
    await expect(desk.at("complete-transfer")).to_be_enabled(timeout=LIMIT_MS)
    await desk.at("complete-transfer").click()
    await desk.is_in("wrap_up")
    await desk.phone_is("idle")
    call = await hotline.is_in(citizen, CallState.TALKING)
    assert (call.agent_id, call.writers) == (interpreter, (AGENT.login,))


async def test_a_cancelled_consultation_brings_the_citizen_back(hotline: Hotline, desk: DeskPage) -> None:
    citizen = await in_talk(hotline, desk, "13800004002")
    await desk.page.keyboard.press("Alt+p")  # the keypad, by keys alone
    await expect(desk.at("phone-key-1")).to_be_focused(timeout=LIMIT_MS)
    await desk.page.keyboard.press("5")
    await expect(desk.page.locator(".pressed")).to_have_text("5")
    await shown(desk, "keypad")
    await desk.page.keyboard.press("Escape")
    await expect(desk.at("phone-key-1")).to_be_hidden(timeout=LIMIT_MS)
    await hotline.network_answers("88880102", "never")
    await desk.at("face-sharing").click()
    await desk.at("target-search").fill("88880102")
    await desk.at("target-unit-housing_bureau").click()
    await desk.at("consult").click()
    await expect(desk.at("cancel-consult")).to_be_enabled(timeout=LIMIT_MS)
    await desk.page.keyboard.press("Alt+q")
    await hotline.is_in(citizen, CallState.TALKING)
    await expect(desk.at("sharing")).to_have_attribute("data-parties", "0", timeout=LIMIT_MS)
    await citizen_is_at(hotline, citizen, "ConfBridge")
    await desk.at("phone-hold").click()  # in the room, too, who is held hears music and comes back
    await hotline.is_in(citizen, CallState.HELD)
    await citizen_is_at(hotline, citizen, "Wait")
    await desk.at("phone-hold").click()
    await hotline.is_in(citizen, CallState.TALKING)
    await citizen_is_at(hotline, citizen, "ConfBridge")


async def test_110_joins_with_one_key_and_a_confirmation(hotline: Hotline, desk: DeskPage) -> None:
    citizen = await in_talk(hotline, desk, "13800004003")
    police = hotline.citizen("110")
    await desk.at("field-place").fill("人民路东口")
    await desk.at("one-key-police").click()
    await expect(desk.at("one-key-dialog")).to_contain_text("人民路东口")
    await desk.page.wait_for_timeout(500)
    found = dict[str, Any]()
    await violations(desk, "one key", found)
    assert found == {}
    await shown(desk, "one-key")
    await desk.at("one-key-confirm").click()
    await until(police.inside.is_set, LIMIT_S)
    await expect(desk.at("sharing")).to_have_attribute("data-parties", "1", timeout=LIMIT_MS)
    call = await hotline.is_in(citizen, CallState.TALKING)
    assert [party.title for party in call.parties] == ["公安报警"]
    citizen.hang_up()
    await desk.is_in("wrap_up")
    await desk.phone_is("talking")  # 110 may still have questions
    await desk.at("phone-hang-up").click()
    await desk.phone_is("idle")


async def test_a_citizen_is_sent_to_another_queue(hotline: Hotline, desk: DeskPage) -> None:
    citizen = await in_talk(hotline, desk, "13800004004")
    await desk.zoom()
    assert await desk.too_wide() == []
    for control in ("phone-hang-up", "phone-hold", "captions", "field-summary", "order-submit"):
        await desk.at(control).scroll_into_view_if_needed()
        await expect(desk.at(control)).to_be_in_viewport()
    await shown(desk, "desk-150")
    await desk.unzoom()
    await desk.at("captions").focus()
    await desk.page.keyboard.press("Control+Enter")  # wherever the cursor stands
    await expect(desk.at("order-message")).to_contain_text("请先填写")
    await desk.page.keyboard.press("F6")
    await desk.page.keyboard.type("社保")
    await expect(desk.at("target-queue-social_security")).to_have_attribute(
        "aria-selected", "true", timeout=LIMIT_MS
    )
    await desk.page.keyboard.press("Enter")
    await desk.is_in("wrap_up")
    call = await hotline.is_in(citizen, CallState.WAITING)
    assert call.queue == "social_security"
    await expect(desk.at("order")).not_to_have_attribute("data-order", "")
