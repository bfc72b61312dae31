"""The administration pages in a real browser: what is wrong is refused with its line, what is right counts.

The web server, the stores and the configuration's keeper are the real ones; no telephone is needed, because
the flow that the next call would take is asked for where calls ask for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cti.database import migrate, open_engine
from cti.messages import Role
from cti.settings import Settings
from cti.settings_view import settings_view
from ivr_flows.engine import FlowRun
from ivr_flows.messages import Play
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.chromium import chromium, new_context, program
from tests.support.editions import NOW, ConfigServer, own_files
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

FLOW = "classic_menu"
PICTURES = os.environ.get("HOTLINE_PICTURES", "")
"""A folder: pages are photographed into it."""


@dataclass(frozen=True, slots=True)
class Room:
    """What the tests of this module share."""

    site: Site
    config: ConfigServer
    browser: Browser

    def next_call(self) -> tuple[str, ...]:
        """What the next caller of this flow would hear first."""
        flows = self.config.reload.flows.flows
        flow = flows.named(FLOW)
        assert flow is not None
        run = FlowRun(flow, around=flows.surroundings(called="12345", caller="138", now=lambda: NOW))
        action = run.start()
        return action.prompts if isinstance(action, Play) else ()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(
    built_desk: Path, module_loopback: LoopbackBlock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Room]:
    program()
    folder = tmp_path_factory.mktemp("administration")
    url = f"sqlite:///{folder / 'hotline.sqlite'}"
    await migrate(url)
    engine = open_engine(url)
    config = ConfigServer(engine, own_files(folder / "files"), folder / "one")
    settings = Settings(home=folder / "one", cache=folder / "cache")
    async with (
        open_site(
            engine,
            folder,
            module_loopback.address(),
            clock=Clock(NOW),
            editions=config.keeper,
            settings=lambda: settings_view(settings),
            static=built_desk,
        ) as site,
        chromium() as browser,
    ):
        await site.add("guanli", Role.ADMIN)
        await site.add("li", Role.AGENT, "8001", {"general": 3})
        yield Room(site, config, browser)
    await engine.dispose()


@pytest_asyncio.fixture(loop_scope="module")
async def admin(room: Room) -> AsyncIterator[DeskPage]:
    context = await new_context(room.browser)
    desk = DeskPage(await context.new_page(), room.site.url)
    await desk.visit()
    await desk.sign_in("guanli", PASSWORD)
    await expect(desk.at("group-管理")).to_be_visible(timeout=LIMIT_MS)
    yield desk
    await context.close()
    assert desk.faults == []


async def picture(admin: DeskPage, name: str) -> None:
    if PICTURES:
        await admin.page.screenshot(path=Path(PICTURES) / f"{name}.png")


async def test_a_wrong_flow_is_refused_with_its_line_a_right_one_is_drawn_tried_published_and_taken_back(
    room: Room, admin: DeskPage
) -> None:
    before = room.next_call()
    await admin.visit(f"/config/flow:{FLOW}")
    text = admin.at("document-text")
    await expect(text).to_have_value(room.config.text(f"flow:{FLOW}"), timeout=LIMIT_MS)
    good = await text.input_value()
    first = f"[{', '.join(before)}]"

    await text.fill(good.replace(first, "[no_such_prompt]", 1))
    line = good[: good.index(first)].count("\n") + 1
    await expect(admin.at("problem").first).to_contain_text(f"第 {line} 行", timeout=LIMIT_MS)
    await expect(admin.at("problem").first).to_contain_text("no_such_prompt")
    await admin.at("document-publish").click()
    await expect(admin.at("publish-refused")).to_be_visible(timeout=LIMIT_MS)
    await expect(admin.at("publish-go")).to_be_disabled()
    await admin.page.keyboard.press("Escape")
    await expect(admin.at("publish-refused")).to_be_hidden(timeout=LIMIT_MS)
    assert room.next_call() == before

    await text.fill(good.replace(first, "[greeting_short, emergency]", 1))
    await expect(admin.page.locator("[data-testid=problem][data-fatal=true]")).to_have_count(
        0, timeout=LIMIT_MS
    )
    await expect(admin.at("picture")).to_be_visible(timeout=LIMIT_MS)
    await admin.at("side-play").click()
    await admin.at("play-begin").click()
    await expect(admin.at("play-told")).to_contain_text("greeting_short", timeout=LIMIT_MS)
    await admin.at("document-publish").click()
    await expect(admin.at("difference")).to_contain_text("greeting_short, emergency", timeout=LIMIT_MS)
    await expect(admin.at("publish-go")).to_be_disabled()  # no reason yet
    await admin.at("publish-reason").fill("汛期提示")
    await admin.at("publish-go").click()
    await expect(admin.at("document-number")).to_have_text("现行第 2 版", timeout=LIMIT_MS)
    assert room.next_call() == ("greeting_short", "emergency")

    await admin.at("side-history").click()
    await admin.at("back-1").click()
    await admin.at("reason").fill("汛期已过")
    await admin.at("reason-go").click()
    await expect(admin.at("document-number")).to_have_text("现行第 3 版", timeout=LIMIT_MS)
    assert room.next_call() == before

    await admin.visit("/changes")
    await expect(admin.at("changes-table")).to_contain_text("汛期已过", timeout=LIMIT_MS)


async def test_what_somebody_was_writing_is_there_again_after_a_reload(room: Room, admin: DeskPage) -> None:
    await admin.visit("/config/numbers")
    text = admin.at("document-text")
    await expect(text).to_have_value(room.config.text("numbers"), timeout=LIMIT_MS)
    mine = "# 明天接着改\n" + await text.input_value()
    await text.fill(mine)
    await expect(admin.at("draft-state")).to_contain_text("草稿已保存", timeout=LIMIT_MS)
    await admin.page.reload()
    await expect(text).to_have_value(mine, timeout=LIMIT_MS)


async def test_a_day_of_the_calendar_is_set_and_published(room: Room, admin: DeskPage) -> None:
    await admin.visit("/config/calendar")
    day = admin.at("day-2026-12-24")
    await day.click()
    await expect(admin.at("document-text")).to_have_value(re.compile("2026-12-24"), timeout=LIMIT_MS)
    await admin.at("document-publish").click()
    await admin.at("publish-reason").fill("市里放假")
    await admin.at("publish-go").click()
    await expect(admin.at("document-number")).to_have_text("现行第 2 版", timeout=LIMIT_MS)
    holidays = room.config.reload.flows.flows.calendars.years[2026].holidays
    assert "2026-12-24" in {one.isoformat() for one in holidays}


async def test_a_wrong_weight_of_the_assessment_is_refused_a_right_one_published_and_taken_back(
    room: Room, admin: DeskPage
) -> None:
    await admin.visit("/config/assessment")
    text = admin.at("document-text")
    await expect(text).to_have_value(re.compile("solved_rate: 30"), timeout=LIMIT_MS)
    good = await text.input_value()
    await text.fill(good.replace("solved_rate: 30", "solved_rate: 300"))
    await expect(admin.at("problem")).to_contain_text("第 22 行", timeout=LIMIT_MS)
    await picture(admin, "page_config_wrong")
    await admin.at("document-publish").click()
    await expect(admin.at("publish-refused")).to_be_visible(timeout=LIMIT_MS)
    await expect(admin.at("publish-go")).to_be_disabled()
    await admin.page.keyboard.press("Escape")
    await expect(admin.at("publish-refused")).to_be_hidden(timeout=LIMIT_MS)
    await text.fill(good.replace("solved_rate: 30", "solved_rate: 40"))
    await expect(admin.at("problem")).to_have_count(0, timeout=LIMIT_MS)
    await picture(admin, "page_config_assessment")
    await admin.at("document-publish").click()
    await admin.at("publish-reason").fill("市政府办公会决定")
    await admin.at("publish-go").click()
    await expect(admin.at("document-number")).to_have_text("现行第 2 版", timeout=LIMIT_MS)
    assert room.config.cases.rules.assessment.weights["solved_rate"] == 40
    await room.config.keeper.back("assessment", 1, author="guanli", reason="改回")
    assert room.config.cases.rules.assessment.weights["solved_rate"] == 30


async def test_the_settings_are_told_in_chinese(admin: DeskPage) -> None:
    await admin.visit("/settings")
    await expect(admin.at("settings-table").first).to_be_visible(timeout=LIMIT_MS)
    await expect(admin.page.get_by_text("市民可视频呼叫手语坐席")).to_have_count(1)
    await picture(admin, "page_settings")


async def test_an_account_is_changed_with_a_reason_and_changed_back_from_the_trail(
    room: Room, admin: DeskPage
) -> None:
    await admin.visit("/accounts")
    await admin.at("account-li").click()
    await admin.at("account-team").fill("二班")
    await expect(admin.at("account-save")).to_be_disabled()
    await admin.at("account-reason").fill("调班")
    await admin.at("account-save").click()
    await expect(admin.at("accounts-table")).to_contain_text("二班", timeout=LIMIT_MS)
    row = next(one for one in await room.site.deps.accounts.trail() if one.what == "account_changed")
    assert (row.who, row.detail["reason"], row.detail["before"]) == ("guanli", "调班", {"team": ""})
    await admin.visit("/changes")
    await admin.at(f"change-{row.id}").click()
    await admin.at("change-back").click()
    await admin.at("reason").fill("不调了")
    await admin.at("reason-go").click()
    await expect(admin.at("changes-table")).to_contain_text("不调了", timeout=LIMIT_MS)
    assert (await room.site.deps.accounts.get("li")).team == ""


async def test_the_pages_pass_axe(room: Room, admin: DeskPage) -> None:
    found: dict[str, Any] = {}
    for path, mark in (
        ("/config/flow:night", "picture"),
        ("/config/calendar", "day-2026-01-01"),
        ("/config/policy", "policy-try"),
        ("/prompts", "hear-greeting"),
        ("/accounts", "account-li"),
        ("/settings", "settings-table"),
        ("/changes", "changes-table"),
    ):
        await admin.visit(path)
        await expect(admin.at(mark).first).to_be_visible(timeout=LIMIT_MS)
        if path == "/prompts":
            await admin.at("prompts-find").fill("greeting")  # two hundred rows of a kind take axe their time
        await violations(admin, path, found)
    await admin.visit("/accounts")
    await admin.at("account-li").click()
    await expect(admin.at("account-save")).to_be_visible(timeout=LIMIT_MS)
    await violations(admin, "/accounts, one opened", found)
    assert found == {}
