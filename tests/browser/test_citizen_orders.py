"""A citizen writes a matter on the page, a clerk accepts it, the citizen reads the answer and rates it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Page, expect

from cti.database import migrate, open_engine
from cti.messages import Role
from orders.course_events import AnsweredDirectly
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.casework import Loop, loop_over
from tests.support.chromium import chromium, new_context
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PICTURES = os.environ.get("HOTLINE_PICTURES", "")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


@dataclass(frozen=True, slots=True)
class Office:
    site: Site
    loop: Loop
    browser: Browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    built_desk: Path, module_loopback: LoopbackBlock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """The server without telephones: the page offers what needs no call."""
    folder = tmp_path_factory.mktemp("citizen_orders")
    url = f"sqlite:///{folder / 'hotline.sqlite'}"
    await migrate(url)
    engine = open_engine(url)
    loop = loop_over(engine, folder, clock=time.time)
    async with (
        open_site(
            engine, folder, module_loopback.address(), casework=loop.casework, orders=loop.store,
            static=built_desk, clock=Clock(time.time()),
        ) as site,
        chromium() as browser,
    ):  # fmt: skip
        await site.add("wang", Role.CLERK)
        yield Office(site, loop, browser)
    await engine.dispose()


async def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, where pictures are wanted."""
    if PICTURES:
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            await page.wait_for_timeout(600)
            await page.screenshot(path=Path(PICTURES) / f"{name}_{theme}.png", full_page=True)


async def test_a_matter_goes_from_the_citizens_page_to_a_clerk_and_its_answer_back(office: Office) -> None:
    citizen = DeskPage(await (await new_context(office.browser)).new_page(), office.site.url)
    page, at, found = citizen.page, citizen.at, dict[str, Any]()
    await citizen.visit("/citizen")
    await at("citizen-part-write").click()
    await at("form-send").click()
    await expect(at("form-problem")).to_contain_text("请写下", timeout=LIMIT_MS)
    await expect(at("form-summary")).to_be_focused()
    await at("form-summary").fill("𠮷祥路 8 号门口路灯不亮😀，已经三天。")
    await at("form-secrecy-匿名").check()
    await at("form-phone").fill("13800006001")
    await at("form-files").set_input_files({"name": "现场.png", "mimeType": "image/png", "buffer": PNG})
    await at("form-agree").check()
    await picture(page, "citizen_form")
    await violations(citizen, "form", found)
    await at("form-send").click()
    number = await at("form-number").inner_text(timeout=LIMIT_MS)
    code = await at("form-code").inner_text()
    assert re.fullmatch(r"W\d{14}", number)
    assert re.fullmatch(r"[2-9A-Z]{8}", code)

    desk = DeskPage(await (await new_context(office.browser)).new_page(), office.site.url)
    await desk.visit()
    await desk.sign_in("wang", PASSWORD)
    await expect(desk.at("login-submit")).to_be_hidden(timeout=LIMIT_MS)
    await desk.visit("/intake")
    await expect(desk.at("intake-summary")).to_contain_text("𠮷祥路", timeout=LIMIT_MS)
    await expect(desk.at("intake-accept")).to_be_disabled()
    sent = desk.at("case-files").get_by_role("button", name="现场.png", exact=True)
    await expect(sent).to_have_count(0)  # of somebody who would rather not be known
    await desk.at("files-see").click()
    await desk.page.locator(".el-message-box__input input").fill("受理前核对现场照片")
    await desk.page.get_by_role("dialog").get_by_role("button", name="查看").click()
    async with desk.page.expect_download() as download:
        await sent.click()
    assert (await (await download.value).path()).read_bytes() == PNG
    later: FilePayload = {"name": "现场核查.png", "mimeType": "image/png", "buffer": PNG}
    await desk.at("file-input").set_input_files(later)
    await expect(desk.at("case-files").get_by_text("现场核查.png")).to_be_visible(timeout=LIMIT_MS)
    await desk.at("intake-category").fill("城市管理")
    await picture(desk.page, "intake")
    await violations(desk, "intake", found)
    await desk.at("intake-accept").click()
    await expect(desk.page.get_by_text("没有待受理的诉求")).to_be_visible(timeout=LIMIT_MS)

    order_id = await office.loop.citizens.intake.store.order_numbered(number)
    assert order_id is not None
    answer = AnsweredDirectly(text="路灯已于今日修复。", by="wang")
    await office.loop.store.apply(order_id, answer)
    await at("form-ask").click()
    await expect(at("query-answer")).to_have_text("路灯已于今日修复。", timeout=LIMIT_MS)
    await expect(page.get_by_text("现场.png")).to_be_visible()
    assert "13800006001" not in await page.content()
    await at("rate-solved-no").check()
    await at("rate-result-2").check()
    await picture(page, "citizen_query")
    await violations(citizen, "query", found)
    await at("rate-send").click()
    await expect(at("query-stage")).to_have_text("已评价", timeout=LIMIT_MS)
    course = (await office.loop.store.get(order_id)).draft.course
    assert course is not None
    assert course.rating is not None
    assert course.rating.bad
    assert found == {}
    assert citizen.faults == desk.faults == []
