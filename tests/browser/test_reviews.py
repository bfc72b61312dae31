"""Talks under review in a real browser: scored by a supervisor, appealed against, ruled by another; axe too.

The server is the real application on a real database; there is no telephone, because nobody calls.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cti.calls import CallStore
from cti.database import migrate, open_engine
from cti.messages import Entry, EntryKind, Role
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.chromium import chromium, new_context
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Site, open_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

T0 = 1_799_999_000.0
CALL = "hl1-1799999000.1"


@dataclass(frozen=True, slots=True)
class House:
    """A server without telephones, and a browser."""

    site: Site
    browser: Browser

    async def page_of(self, login: str, path: str) -> DeskPage:
        """A window in which this person is signed in and has opened this page."""
        context = await new_context(self.browser)
        desk = DeskPage(await context.new_page(), self.site.url)
        await desk.visit()
        await desk.sign_in(login, PASSWORD)
        await expect(desk.at("link-state")).to_have_text("服务器已连接", timeout=LIMIT_MS)
        await desk.visit(path)
        return desk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    built_desk: Path, module_loopback: LoopbackBlock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """Li talked with a citizen; Zhao and Qian are supervisors."""
    folder = tmp_path_factory.mktemp("house")
    url = f"sqlite:///{folder / 'hotline.sqlite'}"
    await migrate(url)
    engine = open_engine(url)
    async with (
        open_site(engine, folder, module_loopback.address(), static=built_desk) as site,
        chromium() as browser,
    ):
        await site.add("li")
        await site.add("zhao", Role.SUPERVISOR)
        await site.add("qian", Role.SUPERVISOR)
        await CallStore(engine).write(talk())
        yield House(site, browser)
    await engine.dispose()


def talk() -> list[Entry]:
    said = (
        ("agent", 0.5, 3.0, "您好，这里是12345，请讲。"),
        ("citizen", 3.5, 9.0, "我们小区的路灯坏了三天了，晚上很不安全。"),
        ("agent", 45.0, 48.0, "这个不归我们管。"),
        ("citizen", 47.0, 55.0, "那你说归谁管？"),
    )
    states: tuple[tuple[float, dict[str, Any]], ...] = (
        (-5, {"state": "waiting", "caller": "13800138000", "started": T0 - 5, "recording_started": T0}),
        (0, {"state": "talking", "agent_id": "li"}),
        (60, {"state": "wrap_up", "agent_id": "li"}),
        (80, {"state": "ended", "outcome": "answered"}),
    )
    told = [(at, EntryKind.CALL_STATE, data) for at, data in states]
    for number, (speaker, start, end, text) in enumerate(said):
        line = {"line_id": f"l{number}", "speaker": speaker, "start": start, "end": end, "text": text}
        told.append((end, EntryKind.TRANSCRIPT, line))
    told.append((81, EntryKind.RATING, {"score": 1}))
    return [
        Entry(entry_id=f"{number:08}", call_id=CALL, at=T0 + at, kind=kind, data=data)
        for number, (at, kind, data) in enumerate(told)
    ]


async def test_a_talk_is_picked_scored_appealed_against_and_ruled(house: House) -> None:
    found = dict[str, Any]()
    assert await house.site.deps.quality.talks.look() == 1

    zhao = await house.page_of("zhao", "/reviews")
    await zhao.at("review-row").click()
    await expect(zhao.at("review-reason").first).to_contain_text("坐席说了“不归我们管”")
    await expect(zhao.at("transcript-line")).to_have_count(4)
    await zhao.at("review-take").click()
    await expect(zhao.at("full-politeness")).to_be_visible()
    for button in await zhao.page.get_by_test_id("sheet").get_by_text("满分", exact=True).all():
        await button.click()
    await zhao.at("mark-politeness").locator("input").fill("0")
    await zhao.page.keyboard.press("Tab")
    await expect(zhao.at("review-total")).to_contain_text("90.0")
    await violations(zhao, "a review that is scored", found)
    await zhao.at("review-score").click()
    await expect(zhao.at("review-row")).to_have_count(0)

    li = await house.page_of("li", "/my-reviews")
    await li.at("mine-row").click()
    await expect(li.at("sheet")).to_contain_text("0 / 10")
    await violations(li, "one's own review", found)
    await li.at("mine-appeal").click()
    await li.at("appeal-words").fill("我已说明由路灯所负责")
    await li.at("appeal-do").click()
    await expect(li.page.get_by_text("我的申诉")).to_be_visible()

    qian = await house.page_of("qian", "/reviews")
    await qian.at("reviews-view").click()
    await qian.page.get_by_role("option", name="申诉").click()
    await qian.at("review-row").click()
    await qian.at("review-change").click()
    await qian.at("mark-politeness").locator("input").fill("6")
    await qian.page.keyboard.press("Tab")
    await qian.at("review-rule").click()
    await qian.at("review-words").fill("部分采纳")
    await qian.at("review-said").click()
    await expect(qian.at("review-row")).to_have_count(0)

    await li.at("mine-refresh").click()
    await li.at("mine-row").click()
    await expect(li.page.get_by_text("原 90.0 分")).to_be_visible()
    await expect(li.at("mine-row")).to_contain_text("96.0 分")
    assert found == {}
    assert zhao.faults + li.faults + qian.faults == []


async def test_a_sheet_is_changed_with_a_reason_and_refused_where_it_is_wrong(house: House) -> None:
    found = dict[str, Any]()
    zhao = await house.page_of("zhao", "/reviews")
    await zhao.page.get_by_text("评分表与规则").click()
    text = zhao.at("document-text")
    await expect(text).to_have_value(re.compile("passing: 80"))
    shipped = await text.input_value()
    await text.fill(shipped.replace("passing: 80", "passing: 800"))
    await zhao.at("document-reason").fill("提高合格线")
    await zhao.at("document-publish").click()
    await expect(zhao.at("document-error")).to_contain_text("passing")
    await text.fill(shipped.replace("passing: 80", "passing: 85"))
    await expect(zhao.at("document-diff")).to_contain_text("+ passing: 85")
    await expect(zhao.at("document-publish")).to_be_enabled()
    await violations(zhao, "sheet and rules", found)
    await zhao.at("document-publish").click()
    await expect(zhao.page.get_by_text("第 1 版", exact=True)).to_be_visible()
    version, sheet = await house.site.deps.quality.documents.sheet()
    assert (version, sheet.passing) == (1, 85)
    await zhao.page.get_by_text("成绩", exact=True).click()
    await violations(zhao, "scores", found)
    assert found == {}
