"""A unit sees a masked number, gives a reason to see it whole, and the auditor finds that out."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from cti.database import migrate, open_engine
from cti.messages import Role
from cti.web import PageHub
from orders.course_events import OrderDispatched
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.unit_table import Unit
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.casework import loop_over
from tests.support.chromium import chromium, new_context
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, open_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

UNIT, PHONE = "市住建局", "13900001234"
PICTURES = os.environ.get("HOTLINE_PICTURES", "")


async def picture(desk: DeskPage, name: str) -> None:
    """Keep what the page looks like, where pictures are wanted."""
    if PICTURES:
        await desk.page.screenshot(path=Path(PICTURES) / f"privacy_{name}.png")


async def test_a_unit_unmasks_a_number_for_a_reason_and_the_auditor_finds_it(
    built_desk: Path, module_loopback: LoopbackBlock, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'hotline.sqlite'}"
    await migrate(url)
    engine = open_engine(url)
    clock, hub = Clock(time.time()), PageHub()
    casework = loop_over(engine, tmp_path, clock=clock, hub=hub).casework
    events: list[OrderEvent] = [
        DraftOpened(order_id="o1", call_id="", caller="13800000001"),
        *(
            FieldEdited(field=field, value=value, agent="chen")
            for field, value in {
                "type": "投诉", "category": "住房", "title": "楼上漏水", "summary": f"电话{PHONE}",
                "phone": PHONE, "contact": "王建国",
            }.items()
        ),
        OrderSubmitted(agent="chen"),
        OrderDispatched(lead=UNIT, source="clerk", by="wang"),
    ]  # fmt: skip
    order = await casework.store.create(events, order_id="o1", event_id="o1-e")
    found: dict[str, Any] = {}
    async with (
        open_site(
            engine, tmp_path, module_loopback.address(), clock=clock, static=built_desk, pages=hub,
            casework=casework, orders=casework.store,
        ) as site,
        chromium() as browser,
    ):  # fmt: skip
        await casework.units.replace_units((Unit(name=UNIT),))
        for login, role, unit in (("li", Role.UNIT, UNIT), ("shen", Role.AUDITOR, "")):
            await site.deps.accounts.create(
                by="system", login=login, name="李强", role=role, password=PASSWORD, unit=unit
            )

        async def page_of(login: str) -> DeskPage:
            desk = DeskPage(await (await new_context(browser)).new_page(), site.url)
            await desk.visit()
            await desk.sign_in(login, PASSWORD)
            await expect(desk.at("link-state")).to_have_text("服务器已连接", timeout=LIMIT_MS)
            return desk

        unit_page = await page_of("li")
        await expect(unit_page.at("nav-desk")).to_have_count(0)  # units have no 工作台
        await unit_page.visit("/cases/o1")
        main = unit_page.page.locator("main")
        await expect(main).to_contain_text("139****1234", timeout=LIMIT_MS)
        await expect(main).not_to_contain_text("0001234")
        await expect(unit_page.at("page-mark")).to_be_attached()
        await picture(unit_page, "unit")
        await unit_page.at("unmask-open").click()
        await expect(unit_page.at("unmask-do")).to_be_disabled()
        await unit_page.at("unmask-reason").fill("上门前电话联系")
        await unit_page.at("unmask-do").click()
        await expect(unit_page.at("unmask")).to_contain_text("王建国", timeout=LIMIT_MS)
        await picture(unit_page, "unmasked")

        auditor = await page_of("shen")
        await auditor.visit("/audit")
        await expect(auditor.at("audit-table")).to_contain_text("上门前电话联系", timeout=LIMIT_MS)
        await expect(auditor.at("audit-table")).to_contain_text(order.number)
        await expect(auditor.page.locator("main")).not_to_contain_text("王建国")
        await violations(auditor, "audit", found)
        await picture(auditor, "audit")
        await auditor.at("audit-chain").click()
        await auditor.at("chain-number").fill(order.number)
        await auditor.at("chain-check").click()
        await expect(auditor.at("chain-result")).to_contain_text("留痕完整", timeout=LIMIT_MS)
        await violations(auditor, "chain", found)
        await auditor.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        await picture(auditor, "chain_dark")
        assert unit_page.faults + auditor.faults == []
    await engine.dispose()
    assert found == {}
