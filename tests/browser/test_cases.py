"""An order's course in a browser: dispatched, signed for, answered, reviewed; two people at once; on paper.

The server is the real application on a real database; there is no telephone, because nobody calls.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from cti.casework.parts import Casework
from cti.database import migrate, open_engine
from cti.messages import Role
from cti.web import PageHub
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.unit_table import Unit
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.casework import loop_over
from tests.support.chromium import chromium, new_context
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CITY, LEAD, OTHER = "云州市人民政府", "市城市管理局", "东城区人民政府"
UNITS = (
    Unit(name=CITY),
    Unit(name=LEAD, parent=CITY, words=("路灯",), categories=("市政设施",)),
    Unit(name=OTHER, level="county", parent=CITY, areas=("东城区",)),
)
FIELDS = {
    "type": "投诉", "category": "城市管理/市政设施", "title": "阳光小区东门路灯不亮", "urgency": "一般",
    "summary": "市民来电反映阳光小区东门至菜市场的路灯已经三天不亮，晚上老人和孩子出行不安全，希望尽快维修。",
    "district": "东城区", "street": "阳光街道", "place": "阳光小区东门", "contact": "吴先生",
    "phone": "13800138000",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class House:
    """A server without telephones, and a browser."""

    site: Site
    casework: Casework
    browser: Browser

    async def accepted(self, order_id: str, **fields: str) -> str:
        """Accept an order, and return its number."""
        events: list[OrderEvent] = [
            DraftOpened(order_id=order_id, call_id="", caller="13800138000"),
            *(
                FieldEdited(field=name, value=value, agent="chen")
                for name, value in {**FIELDS, **fields}.items()
            ),
            OrderSubmitted(agent="chen"),
        ]
        order = await self.casework.store.create(events, order_id=order_id, event_id=f"{order_id}-e")
        return order.number

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
    """Wang dispatches, Zhou is in charge, Li works for the lead unit, Qian for the joint one."""
    folder = tmp_path_factory.mktemp("house")
    url = f"sqlite:///{folder / 'hotline.sqlite'}"
    await migrate(url)
    engine = open_engine(url)
    clock, hub = Clock(time.time()), PageHub()
    loop = loop_over(engine, folder, clock=clock, hub=hub)
    casework = loop.casework
    async with (
        open_site(
            engine, folder, module_loopback.address(), clock=clock, static=built_desk, pages=hub,
            casework=casework, orders=casework.store,
        ) as site,
        chromium() as browser,
    ):  # fmt: skip
        await casework.units.replace_units(UNITS)
        await site.add("wang", Role.CLERK)
        await site.add("zhou", Role.SUPERVISOR)
        for login, unit in (("li", LEAD), ("qian", OTHER)):
            await site.deps.accounts.create(
                by="system", login=login, name="承办人", role=Role.UNIT, password=PASSWORD, unit=unit
            )
        casework.feed.start()
        yield House(site, casework, browser)
        await casework.feed.stop()
    await engine.dispose()


async def choose_unit(desk: DeskPage, field: str, part: str, name: str) -> None:
    """Find a unit by a part of its name and take it."""
    await desk.at(f"move-{field}").locator("input").first.fill(part)
    await desk.page.get_by_role("option", name=re.compile(name)).click()


async def test_an_order_goes_from_the_clerk_to_the_unit_and_back(house: House) -> None:
    found = dict[str, Any]()
    number = await house.accepted("o1")
    wang = await house.page_of("wang", "/cases/o1")
    await expect(wang.at("case-state")).to_have_text("已受理")
    await expect(wang.at("clock-dispatch")).to_have_attribute("data-pressure", "fine")
    await violations(wang, "an accepted order", found)

    await wang.at("do-dispatch").click()
    await choose_unit(wang, "lead", "城市管理", LEAD)
    await choose_unit(wang, "joint", "东城", OTHER)
    await wang.page.keyboard.press("Escape")
    await violations(wang, "the form of a dispatch", found)
    await wang.at("move-reason").fill("请尽快维修")
    await wang.page.keyboard.press("Control+Enter")
    await expect(wang.at("case-state")).to_have_text("已派单")
    await expect(wang.at("case-lead")).to_have_text(LEAD)
    await expect(wang.at("trail-line").first).to_contain_text(f"主办 {LEAD}；协办 {OTHER}")

    li = await house.page_of("li", "/inbox")
    await expect(li.at("tab-to_sign")).to_contain_text("1")
    await expect(li.at("pick-o1")).to_be_visible()
    await li.page.keyboard.press("j")
    await li.page.keyboard.press("Enter")
    await expect(li.at("case").get_by_role("heading", name=number)).to_be_visible()
    await violations(li, "a unit's inbox", found)
    await li.page.keyboard.press("1")  # 签收 is the first of the moves
    await expect(li.at("case-state")).to_have_text("已签收")
    await expect(wang.at("case-state")).to_have_text("已签收")  # told, not asked
    await li.at("do-feed_back").click()
    await li.at("move-outcome-done").check()
    await li.at("move-text").fill("已更换三盏路灯并复核亮度，已电话告知市民。")
    await li.page.keyboard.press("Control+Enter")
    await expect(li.at("case-state")).to_have_text("已反馈")
    await expect(li.at("tab-to_sign")).not_to_contain_text("1")

    await wang.at("do-review").click()
    await expect(wang.at("checklist-line").first).to_be_visible()
    await violations(wang, "a review", found)
    await wang.at("checklist-all").click()
    await wang.at("move-send").click()
    await expect(wang.at("case-state")).to_have_text("审核通过")

    await wang.at("document-dispatch-1").click()
    await expect(wang.at("document-serial")).to_have_text(f"交办〔{number[:4]}〕{number[4:]}号")
    await expect(wang.at("document")).to_contain_text("请尽快维修")
    await violations(wang, "a document", found)
    assert found == {}
    assert wang.faults + li.faults == []


async def test_what_was_typed_outlives_what_somebody_else_did(house: House) -> None:
    await house.accepted("o2", title="井盖缺失")
    wang, zhou = await house.page_of("wang", "/cases/o2"), await house.page_of("zhou", "/cases/o2")
    await wang.at("do-dispatch").click()
    await choose_unit(wang, "lead", "城市管理", LEAD)
    await wang.at("move-reason").fill("先围挡后修复")
    refused = asyncio.Event()  # until then no news reaches Wang's page
    wang.page.on("response", lambda response: refused.set() if response.status == 409 else None)

    async def late(route: Route) -> None:
        await (route.continue_() if refused.is_set() else route.abort())

    await wang.page.route("**/api/orders/o2/course", late)
    await zhou.at("do-supervise").click()
    await zhou.at("move-level-yellow").check()
    await zhou.at("move-reason").fill("请两小时内派单")
    await zhou.at("move-send").click()
    await expect(zhou.at("case-supervision")).to_have_text("黄牌")
    await expect(zhou.at("document-supervise-1")).to_be_visible()

    await wang.at("move-send").click()
    await expect(wang.at("move-problem")).to_contain_text("（zhou）操作（督办")
    await expect(wang.at("move-problem")).to_contain_text("您填写的内容都在")
    await expect(wang.at("move-reason")).to_have_value("先围挡后修复")
    await wang.at("move-send").click()
    await expect(wang.at("case-state")).to_have_text("已派单")
    assert wang.faults + zhou.faults == []


async def test_many_are_signed_for_at_once_and_who_is_refused_is_told_why(house: House) -> None:
    for name in ("o3", "o4"):
        await house.accepted(name, title=f"积水点 {name}")
    wang = await house.site.signed_in("wang")
    for name in ("o3", "o4"):
        version = (await house.casework.store.get(name)).draft.version
        body = {"move": "dispatch", "version": version, "fields": {"lead": OTHER}}
        async with wang.post(f"/api/orders/{name}/moves", json=body) as response:
            assert response.status == 200, await response.text()
    qian = await house.page_of("qian", "/inbox")
    await expect(qian.at("pick-o3")).to_be_visible()
    await qian.at("pick-all").check()
    await qian.page.keyboard.press("s")
    await expect(qian.at("pick-o3")).to_have_count(0)
    await qian.at("tab-working").click()
    await expect(qian.at("open-o4")).to_contain_text("已签收")
    assert qian.faults == []


async def test_what_was_taken_down_wrongly_is_corrected_by_keyboard_and_the_list_leads_to_it(
    house: House,
) -> None:
    await house.accepted("c1", title="楼下有异味", street="幸福街道")
    zhou = await house.page_of("zhou", "/orders?district=%E4%B8%9C%E5%9F%8E%E5%8C%BA&course=accepted")
    await expect(zhou.at("order-c1")).to_be_visible(timeout=LIMIT_MS)
    await zhou.at("orders-category").fill("城乡建设")
    await zhou.at("orders-category").press("Enter")
    await expect(zhou.at("order-c1")).to_have_count(0, timeout=LIMIT_MS)
    await zhou.page.go_back()
    await expect(zhou.at("order-c1")).to_be_visible(timeout=LIMIT_MS)
    await zhou.visit("/cases/c1")
    key = await zhou.at("do-correct").locator("kbd").inner_text(timeout=LIMIT_MS)
    await zhou.page.keyboard.press(key.lower())
    await zhou.at("correct-urgency-特急").check(timeout=LIMIT_MS)
    await zhou.at("correct-category").fill("城乡建设/燃气")
    changes = zhou.at("correct-changes")
    await expect(changes).to_contain_text("一般 → 特急")
    await expect(changes).to_contain_text("城市管理/市政设施 → 城乡建设/燃气")
    found = dict[str, Any]()
    await violations(zhou, "the form of a correction", found)
    await zhou.at("correct-cause-changed").check()
    await zhou.at("correct-reason").fill("维修人员到场，确认为燃气泄漏")
    await zhou.page.keyboard.press("Control+Enter")
    await expect(zhou.at("correct-form")).to_have_count(0, timeout=LIMIT_MS)
    trail = zhou.page.get_by_text("紧急程度 一般 → 特急").first
    await expect(trail).to_be_visible(timeout=LIMIT_MS)
    await zhou.page.context.close()
    assert found == {}
