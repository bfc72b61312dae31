"""The assessment in a real browser: a figure, its formula, the orders behind it; a month frozen, corrected.

The server is the real application over a real database, on the present time; there are no telephones.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cti.database import migrate, open_engine
from cti.messages import Role
from cti.planning_days import CHINA
from orders import course_events as happened
from orders.course_messages import Checked, Solved, Supervision
from orders.messages import Channel, DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.store import OrderStore
from orders.unit_table import Unit
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.casework import loop_over
from tests.support.chromium import chromium, new_context
from tests.support.courses import CLERK, OFFICER, fed_back, signed
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PICTURES = os.environ.get("HOTLINE_PICTURES", "")
NAMES = ("市城管局", "市水务局", "市住建局", "市交通局", "市环保局", "市市场监管局")
TOP = "市政府"
DISTRICTS = ("岳麓区", "芙蓉区", "雨花区")
MATTERS = ("城市管理/占道经营", "公共服务/供水", "城乡建设/物业管理")
BAD = happened.OrderRated(result=1, service=2, solved=Solved.NO, bad=True, by="system")
GOOD = happened.OrderRated(result=5, service=4, solved=Solved.YES, bad=False, by="system")


@dataclass(frozen=True, slots=True)
class Bureau:
    """A server with two months of orders, and a browser."""

    site: Site
    browser: Browser
    store: OrderStore
    clock: Clock
    month: str  # the last one, YYYY-MM


async def write_order(store: OrderStore, number: int, begin: float, *, lead: str) -> None:
    """One order; which of them are late, blamed, returned or watched follows from its number."""
    values = {
        "type": "投诉", "category": MATTERS[number % 3], "district": DISTRICTS[number % 3],
        "title": f"{MATTERS[number % 3].partition('/')[2]}问题", "summary": "请尽快处理",
    }  # fmt: skip
    order_id = f"o{number}"
    opened: list[OrderEvent] = [
        DraftOpened(order_id=order_id, call_id="", caller="", channel=tuple(Channel)[number % 4]),
        *(FieldEdited(field=name, value=value, agent="chen") for name, value in values.items()),
        OrderSubmitted(agent="chen"),
    ]
    await store.create(opened, order_id=order_id, event_id=f"{order_id}-new", at=begin)
    hours = 3.0 + (number * 7) % 60 + (80.0 if number % 5 == 0 else 0.0)
    steps: list[tuple[OrderEvent, float]] = [
        (happened.OrderDispatched(lead=lead, source="clerk", by=CLERK), 0.5),
        (signed(lead), 1.0 + number % 3),
    ]
    if number % 6 == 0:
        level = (Supervision.YELLOW, Supervision.RED, Supervision.RAISED, Supervision.LEADER)[number // 6 % 4]
        steps.append((happened.SupervisionSet(level=level, reason="重点督办", by="zhao"), 2.0))
    if number % 4:
        steps += [
            (happened.ContactMade(unit=lead, by=OFFICER), hours - 1),
            (fed_back(lead), hours),
            (reviewed_all(store), hours + 1),
            (BAD if number % 7 == 0 else GOOD, hours + 30),
        ]
    for event, later in steps:
        await store.apply(order_id, event, at=begin + later * 3600.0)


def reviewed_all(store: OrderStore) -> happened.FeedbackReviewed:
    """A review by the checklist in force."""
    items = LOOP["loop"].policy.rules.answers.checklist
    return happened.FeedbackReviewed(
        passed=True,
        checklist=tuple(Checked(item=one.item, ok=True) for one in items),
        by=CLERK,
    )


LOOP: dict[str, Any] = {}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bureau(
    built_desk: Path, module_loopback: LoopbackBlock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Bureau]:
    """Sixty orders of last month and this one; Zhao is a supervisor, Sun a leader."""
    folder = tmp_path_factory.mktemp("bureau")
    url = f"sqlite:///{folder / 'hotline.sqlite'}"
    await migrate(url)
    engine = open_engine(url)
    now = datetime.datetime.now(CHINA).replace(day=20, hour=11, minute=0)
    last = (now.replace(day=1) - datetime.timedelta(days=1)).replace(day=1, hour=9)
    clock = Clock(now.timestamp())
    loop = loop_over(engine, folder, clock=clock)
    LOOP["loop"] = loop
    await loop.casework.units.replace_units(
        [
            Unit(name="市政府", level="city"),
            *(Unit(name=name, level="city", parent="市政府") for name in NAMES),
        ]
    )
    for number in range(1, 61):
        begin = last + datetime.timedelta(days=(number * 5) % 45, hours=number % 8)
        await write_order(loop.store, number, begin.timestamp(), lead=NAMES[number * number % 6])
    async with (
        open_site(
            engine, folder, module_loopback.address(), clock=clock, static=built_desk, casework=loop.casework
        ) as site,
        chromium() as browser,
    ):
        await site.add("zhao", Role.SUPERVISOR)
        await site.add("sun", Role.LEADER)
        yield Bureau(site, browser, loop.store, clock, f"{last:%Y-%m}")
    LOOP.clear()
    await engine.dispose()


async def opened(bureau: Bureau, login: str, path: str) -> DeskPage:
    context = await new_context(bureau.browser)
    desk = DeskPage(await context.new_page(), bureau.site.url)
    await desk.page.set_viewport_size({"width": 1366, "height": 768})
    await desk.visit()
    await desk.sign_in(login, PASSWORD)
    await expect(desk.at("link-state")).to_have_text("服务器已连接", timeout=LIMIT_MS)
    await desk.visit(path)
    return desk


async def picture(desk: DeskPage, name: str) -> None:
    """Photograph the page in light and dark when pictures are wanted."""
    if not PICTURES:
        return
    for theme in ("light", "dark"):
        await desk.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        await desk.page.wait_for_timeout(600)
        await desk.page.screenshot(path=f"{PICTURES}/{name}_{theme}.png")


async def test_a_number_is_taken_apart_frozen_and_corrected(bureau: Bureau) -> None:
    desk, found = await opened(bureau, "zhao", "/assessment"), dict[str, Any]()
    await expect(desk.at("assessment-about")).to_contain_text("当月未结束", timeout=LIMIT_MS)
    month = desk.page.get_by_role("combobox", name="月份")
    await month.fill(bureau.month)
    await month.press("Enter")
    await expect(desk.at("assessment-about")).to_contain_text(f"{bureau.month}", timeout=LIMIT_MS)
    await expect(desk.at("assessment-freeze")).to_have_text("封账", timeout=LIMIT_MS)
    await picture(desk, "assessment")
    await violations(desk, "assessment", found)

    await desk.at("tile-solved_rate").click()
    formula = desk.at("assessment-formula")
    await expect(formula).to_contain_text("市民答“已解决”的评价数 ÷ 市民回答了是否解决的评价数")
    top, bottom = (await formula.locator(".numbers").inner_text()).split("＝")[1].split("÷")
    await expect(desk.at("assessment-orders-total")).to_have_text(f"共 {int(top)} 条", timeout=LIMIT_MS)
    await desk.page.get_by_text("分母：").click()
    await expect(desk.at("assessment-orders-total")).to_have_text(f"共 {int(bottom)} 条", timeout=LIMIT_MS)
    await picture(desk, "assessment_orders")
    await violations(desk, "orders behind a number", found)
    await desk.page.keyboard.press("Escape")

    await desk.at("assessment-freeze").click()
    await desk.page.get_by_role("dialog").get_by_role("button", name="封账").click()
    await expect(desk.at("assessment-frozen")).to_have_text("已封账 第 1 版", timeout=LIMIT_MS)
    rate = await desk.at("tile-solved_rate").inner_text()
    await appeal(bureau)
    await desk.page.reload()
    await month.fill(bureau.month)
    await month.press("Enter")
    await expect(desk.at("assessment-corrections-open")).to_have_text("更正 4", timeout=LIMIT_MS)
    assert await desk.at("tile-solved_rate").inner_text() == rate
    await desk.at("assessment-corrections-open").click()
    await expect(desk.at("assessment-correction-list")).to_contain_text("申诉成立，不计", timeout=LIMIT_MS)
    await expect(desk.at("assessment-differences")).to_contain_text("解决率")
    await picture(desk, "assessment_corrections")
    await violations(desk, "corrections", found)
    assert found == {} and desk.faults == []


async def appeal(bureau: Bureau) -> None:
    """Uphold an appeal against a bad rating that last month counted."""
    bureau.clock.now += 60.0
    for number in range(7, 61, 7):
        order = await bureau.store.get(f"o{number}")
        course = order.draft.course
        if course is None or course.rating is None:
            continue
        rated_in = datetime.datetime.fromtimestamp(course.rating.at, CHINA)
        if f"{rated_in:%Y-%m}" == bureau.month and course.rating.bad:
            raised = happened.AppealRaised(unit=course.lead, reason="非本单位原因", by=OFFICER)
            await bureau.store.apply(f"o{number}", raised)
            ruled = happened.AppealRuled(upheld=True, reason="核查属实", by=CLERK)
            await bureau.store.apply(f"o{number}", ruled)
            return
    raise AssertionError("no bad rating in the month")


async def test_a_leader_begins_with_what_matters(bureau: Bureau) -> None:
    desk, found = await opened(bureau, "sun", "/leader"), dict[str, Any]()
    await expect(desk.at("leader-at")).to_contain_text("统计至", timeout=LIMIT_MS)
    await expect(desk.at("leader-watched")).to_contain_text("领导包案", timeout=LIMIT_MS)
    await expect(desk.at("leader-response_rate")).to_contain_text("%")
    await picture(desk, "leader")
    await violations(desk, "leader", found)
    assert found == {} and desk.faults == []
