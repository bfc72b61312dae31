"""A unit's change of an article goes by way of the centre to citizens; a wave of orders is a warning."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cti.casework.parts import Casework
from cti.control.orderfront import OrderFront
from cti.database import migrate, open_engine
from cti.messages import Role
from cti.web import PageHub
from orders.knowledge import Article, KnowledgeIndex
from orders.knowledge_store import KnowledgeStore
from orders.messages import DraftOpened, FieldEdited, KnowledgeAnswer, OrderEvent, OrderSubmitted
from orders.unit_table import Unit
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.casework import loop_over
from tests.support.chromium import chromium, new_context
from tests.support.control import World
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

DAY = 86_400.0
UNIT = "市公安局"
ARTICLES = (
    Article(
        article_id="q1", question="居住证怎么办理", answer="带身份证到居住地派出所办理。", unit=UNIT,
        basis="《居住证暂行条例》", variants=("暂住证怎么办",), public=True, review_on="2026-01-01",
    ),
    Article(article_id="q2", question="社保卡丢了怎么补", answer="到社保网点补办。", unit="市人社局"),
)  # fmt: skip
PICTURES = os.environ.get("HOTLINE_PICTURES", "")


@dataclass(frozen=True, slots=True)
class Office:
    """A web server with the closed loop, and a browser."""

    site: Site
    casework: Casework
    browser: Browser
    clock: Clock

    async def page(self, login: str = "") -> DeskPage:
        """A page of its own, signed in where somebody is named."""
        desk = DeskPage(await (await new_context(self.browser)).new_page(), self.site.url)
        if login:
            await desk.visit()
            await desk.sign_in(login, PASSWORD)
            await expect(desk.at("link-state")).to_have_text("服务器已连接", timeout=LIMIT_MS)
        return desk

    async def reported(self, order_id: str, ago: float, category: str, district: str) -> None:
        """An order came so long ago."""
        now, self.clock.now = self.clock.now, self.clock.now - ago
        values = {
            "type": "投诉", "category": category, "district": district, "place": "阳光花园", "title": "停水",
            "summary": "停水一天了",
        }  # fmt: skip
        events: list[OrderEvent] = [
            DraftOpened(order_id=order_id, call_id="", caller=f"1380000{order_id[-4:]:0>4}"),
            *(FieldEdited(field=name, value=value, agent="chen") for name, value in values.items()),
            OrderSubmitted(agent="chen"),
        ]
        await self.casework.store.create(events, order_id=order_id, event_id=f"{order_id}-e")
        self.clock.now = now


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    built_desk: Path, module_loopback: LoopbackBlock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """The server without telephones."""
    folder = tmp_path_factory.mktemp("knowledge")
    url = f"sqlite:///{folder / 'hotline.sqlite'}"
    await migrate(url)
    engine, clock, hub = open_engine(url), Clock(time.time()), PageHub()
    casework = loop_over(engine, folder, clock=clock, hub=hub).casework
    store = KnowledgeStore(engine, clock=clock)
    await store.put(ARTICLES, by="system")
    await casework.units.replace_units((Unit(name=UNIT), Unit(name="市人社局")))

    async def find(text: str, area: str, limit: int) -> tuple[KnowledgeAnswer, ...]:
        index = KnowledgeIndex(await store.all())
        return index.find(text, today=casework.knowledge.today, area=area, limit=limit)

    async with (
        open_site(
            engine, folder, module_loopback.address(), clock=clock, static=built_desk, pages=hub,
            casework=casework,
            orders=OrderFront(casework.store, World().orders, clock=clock), knowledge=find,
        ) as site,
        chromium() as browser,
    ):  # fmt: skip
        for login, role, unit in (
            ("li", Role.UNIT, UNIT), ("wang", Role.CLERK, ""), ("zhou", Role.SUPERVISOR, ""),
        ):  # fmt: skip
            await site.deps.accounts.create(
                by="system", login=login, name="测试员", role=role, password=PASSWORD, unit=unit
            )
        yield Office(site, casework, browser, clock)
    await engine.dispose()


async def picture(desk: DeskPage, name: str) -> None:
    """Keep what the page looks like in light and in dark, where pictures are wanted."""
    if PICTURES:
        for theme in ("light", "dark"):
            await desk.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            await desk.page.wait_for_timeout(500)
            await desk.page.screenshot(path=Path(PICTURES) / f"{name}_{theme}.png")


async def test_what_a_unit_proposes_is_approved_and_found_by_citizens(office: Office) -> None:
    found: dict[str, Any] = {}
    unit = await office.page("li")
    await unit.visit("/knowledge")
    await expect(unit.at("article-q2")).to_have_count(0)  # another unit's
    await unit.at("article-q1").click()
    await unit.at("article-answer").fill("带身份证到居住地派出所，或在网上申请办理。")
    await unit.at("article-reason").fill("开通了网上办理")
    await picture(unit, "knowledge_editor")
    await violations(unit, "an article", found)
    await unit.at("article-send").click()
    await expect(unit.page.get_by_text("已提交审核")).to_be_visible(timeout=LIMIT_MS)

    clerk = await office.page("wang")
    await clerk.visit("/knowledge")
    await expect(clerk.at("article-q2")).to_be_visible(timeout=LIMIT_MS)
    await picture(clerk, "knowledge")
    await clerk.page.get_by_role("tab", name="待审核（1）").click()
    await clerk.at("proposal-q1").click()
    await expect(clerk.at("article-diff")).to_contain_text("或在网上申请办理", timeout=LIMIT_MS)
    await picture(clerk, "knowledge_proposal")
    await violations(clerk, "a proposal", found)
    await clerk.at("proposal-approve").click()
    await expect(clerk.page.get_by_text("已发布第 2 版")).to_be_visible(timeout=LIMIT_MS)

    citizen = await office.page()
    await citizen.page.set_viewport_size({"width": 390, "height": 844})
    await citizen.visit("/ask")
    await picture(citizen, "ask_empty")
    await citizen.at("ask-text").fill("juzhuzheng")
    await citizen.at("ask-go").click()
    await expect(citizen.at("ask-answer")).to_have_count(1, timeout=LIMIT_MS)
    await expect(citizen.at("ask-answer")).to_contain_text("或在网上申请办理")
    await expect(citizen.at("ask-answer")).to_contain_text("《居住证暂行条例》")
    await picture(citizen, "ask")
    await violations(citizen, "ask", found)
    assert await citizen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await citizen.at("ask-text").fill("社保卡丢了怎么补")  # is not public
    await citizen.page.keyboard.press("Enter")
    await expect(citizen.at("ask-found")).to_contain_text("没有查到", timeout=LIMIT_MS)
    assert found == {}
    assert unit.faults + clerk.faults + citizen.faults == []


async def test_more_orders_than_usual_are_a_warning_and_become_a_theme(office: Office) -> None:
    found: dict[str, Any] = {}
    for week in range(1, 9):  # one a week is usual, eight today are not
        await office.reported(f"o{week}", week * 7 * DAY + 3600, "城乡建设/供水", "东城区")
    for count in range(8):
        await office.reported(f"n{count}", 60.0 * (8 - count), "城乡建设/供水", "东城区")
    desk = await office.page("zhou")
    await desk.visit("/topics")
    row = desk.at("topics-table").locator("tr").filter(has_text="东城区")
    await expect(row).to_contain_text("预警", timeout=LIMIT_MS)
    await expect(row).to_contain_text("8.0 倍")
    await expect(row).to_contain_text("几乎不可能是偶然")
    await picture(desk, "topics")
    await violations(desk, "topics", found)
    await row.get_by_role("button", name="8 件").click()
    await expect(desk.at("topic-orders").locator("tbody tr")).to_have_count(8, timeout=LIMIT_MS)
    await picture(desk, "topics_orders")
    await desk.page.keyboard.press("Escape")
    await expect(desk.at("months")).to_be_visible(timeout=LIMIT_MS)
    await desk.at("matter-choose").click()
    await desk.at("theme-title").fill("老旧小区频繁停水")
    await desk.at("theme-goal").fill("停水提前一天告知")
    await picture(desk, "topics_theme")
    await desk.at("theme-begin").click()
    await desk.page.get_by_role("tab", name="每月一题").click()
    await desk.page.get_by_role("link", name="老旧小区频繁停水").click()
    await desk.at("theme-close").click()
    await desk.at("theme-done").fill("已改造十二处泵房")
    await desk.at("theme-close-go").click()
    await expect(desk.at("theme-result")).to_have_text("已改造十二处泵房", timeout=LIMIT_MS)
    await picture(desk, "theme")
    await violations(desk, "theme", found)

    await desk.visit("/cases/n7")
    await expect(desk.at("earlier")).to_have_count(4, timeout=LIMIT_MS)
    await desk.at("merge-into").first.click()
    await expect(desk.at("merge-do")).to_be_enabled(timeout=LIMIT_MS)
    await picture(desk, "merge")
    await violations(desk, "merge", found)
    await desk.at("merge-do").click()
    await expect(desk.at("case-state")).to_have_text("已并单", timeout=LIMIT_MS)
    await desk.at("merge-undo").click()
    await expect(desk.at("case-state")).to_have_text("已受理", timeout=LIMIT_MS)
    await picture(desk, "case")
    await desk.visit("/leader")
    await expect(desk.at("leader-warnings")).to_contain_text("供水", timeout=LIMIT_MS)
    await picture(desk, "leader")
    assert found == {}
    assert desk.faults == []
