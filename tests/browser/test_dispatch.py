"""The clerk's dispatch desk by keyboard: a suggestion and away, many at once, and a clerk who was faster."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.parts import Casework
from cti.control.orderfront import OrderFront
from cti.database import migrate, open_engine
from cti.messages import Role
from cti.web.pages import PageHub
from orders import course_events as happened
from orders.course_events import OrderDispatched, OrderReturned
from orders.course_messages import Checked, Outcome, Solved
from orders.dispatch_queues import ClerkQueue
from orders.messages import Draft, DraftOpened, FieldEdited, OrderEvent, OrderSubmitted, UnitAdvice
from orders.tables import orders
from orders.units import UnitAdvisor
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.casework import loop_over
from tests.support.chromium import chromium, new_context
from tests.support.control import World as Floor
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PICTURES = os.environ.get("HOTLINE_PICTURES", "")

UNITS = """单位名称,级别,上级单位,职责,区域
市城管局,市级,,市容；垃圾；占道,
东城区城管局,区县,市城管局,,东城区
西城区城管局,区县,市城管局,,西城区
市水务局,市级,,供水；停水,
东城区水务所,街道乡镇,市水务局,,东城区
市住建局,市级,,物业；电梯,
"""
RULES = "category,district,street,unit,since,until\n市容环卫,东城区,,东城区城管局,,\n供水,,,市水务局,,\n"
MATTERS = (
    ("o1", "小区门口垃圾三天没清运", "城市管理/市容环卫", "东城区", "一般"),
    ("o2", "整栋楼停水，有透析病人", "公共服务/供水", "东城区", "特急"),
    ("o3", "夜市占道经营堵住消防通道", "城市管理/市容环卫", "东城区", "紧急"),
    ("o4", "电梯困人后一直停用", "城乡建设/物业管理", "西城区", "一般"),
    ("o5", "垃圾桶满了没人收", "城市管理/市容环卫", "西城区", "一般"),
    ("o6", "自来水发黄有异味", "公共服务/供水", "西城区", "一般"),
)


@dataclass(frozen=True, slots=True)
class Office:
    """A web server with the closed loop, and a browser."""

    site: Site
    casework: Casework
    browser: Browser
    engine: AsyncEngine

    async def accepted(self, order_id: str, title: str, category: str, district: str, urgency: str) -> None:
        values = {
            "type": "投诉", "category": category, "title": title, "summary": f"{title}，请尽快处理。",
            "district": district, "urgency": urgency, "contact": "吴先生", "phone": "13800138000",
        }  # fmt: skip
        events: list[OrderEvent] = [
            DraftOpened(order_id=order_id, call_id="", caller="13800138000"),
            *(FieldEdited(field=name, value=value, agent="chen") for name, value in values.items()),
            OrderSubmitted(agent="chen"),
        ]
        await self.casework.store.create(events, order_id=order_id, event_id=f"{order_id}-e")

    async def lead(self, order_id: str) -> str:
        course = (await self.casework.store.get(order_id)).draft.course
        return "" if course is None else course.lead


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    built_desk: Path, module_loopback: LoopbackBlock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """The server without telephones, on the present time: pages count clocks down."""
    folder = tmp_path_factory.mktemp("dispatch")
    url = f"sqlite:///{folder / 'hotline.sqlite'}"
    await migrate(url)
    engine = open_engine(url)
    hub = PageHub()

    async def advise(draft: Draft) -> Sequence[UnitAdvice]:
        said = {name: field.value for name, field in draft.fields.items()}
        advisor = UnitAdvisor(await casework.units.units(), rules=await casework.units.rules())
        today = datetime.datetime.now(datetime.UTC).date()
        return advisor.advise(said["category"], said["district"], "", said["title"], today=today)

    clock = Clock(time.time())
    loop = loop_over(engine, folder, clock=time.time, hub=hub, advise=advise)
    casework = loop.casework
    for kind, text in (("units", UNITS), ("rules", RULES)):
        take = casework.dispatch.book.import_units if kind == "units" else casework.dispatch.book.import_rules
        await take(text, by="chen", reason="初次导入", dry_run=False)
    async with (
        open_site(
            engine, folder, module_loopback.address(), casework=casework, orders=loop.store, pages=hub,
            static=built_desk, clock=clock,
        ) as site,
        chromium() as browser,
    ):  # fmt: skip
        await site.add("wang", Role.CLERK)
        await site.add("zhou", Role.SUPERVISOR)
        casework.feed.start()
        yield Office(site, casework, browser, engine)
        await casework.feed.stop()
    await engine.dispose()


async def signed_in(office: Office, login: str) -> DeskPage:
    context = await new_context(office.browser)
    desk = DeskPage(await context.new_page(), office.site.url)
    await desk.visit()
    await desk.sign_in(login, PASSWORD)
    await expect(desk.at("link-state")).to_have_text("服务器已连接", timeout=LIMIT_MS)
    return desk


async def picture(desk: DeskPage, name: str) -> None:
    """Keep what the page looks like in light and in dark, where pictures are wanted."""
    if PICTURES:
        for theme in ("light", "dark"):
            await desk.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            await desk.page.wait_for_timeout(600)
            await desk.page.screenshot(path=Path(PICTURES) / f"{name}_{theme}.png")


async def test_a_clerk_dispatches_by_keyboard_one_many_and_behind_another(office: Office) -> None:
    for matter in MATTERS:
        await office.accepted(*matter)
    desk, found = await signed_in(office, "wang"), dict[str, Any]()
    keys = desk.page.keyboard
    await desk.visit("/dispatch")
    await expect(desk.at("count-to_dispatch")).to_have_text("6", timeout=LIMIT_MS)
    await expect(desk.at("row-o2")).to_have_attribute("aria-current", "true")  # urgent first
    await expect(desk.at("suggestion-1")).to_contain_text("市水务局")
    await picture(desk, "dispatch")
    await violations(desk, "dispatch desk", found)

    await keys.press("2")
    await expect(desk.at("suggestion-2")).to_have_attribute("aria-checked", "true")
    await keys.press("1")
    await keys.press("Enter")
    await expect(desk.at("row-o2")).to_have_count(0, timeout=LIMIT_MS)
    assert await office.lead("o2") == "市水务局"
    await expect(desk.at("row-o3")).to_have_attribute("aria-current", "true")  # the next one is there

    await expect(desk.at("dispatch-send")).to_have_text("派给 东城区城管局", timeout=LIMIT_MS)
    await office.casework.feed.stop()  # the news of the other clerk's act has not come yet
    taken = OrderDispatched(lead="市城管局", source="clerk", by="zhao")
    await office.casework.store.apply("o3", taken)
    await keys.press("Enter")
    await expect(desk.at("dispatch-notice")).to_contain_text("zhao", timeout=LIMIT_MS)

    for count, order_id in enumerate(("o1", "o4", "o5"), 1):
        await expect(desk.at(f"row-{order_id}")).to_have_attribute("aria-current", "true", timeout=LIMIT_MS)
        await keys.press("b")
        await expect(desk.at("batch-open")).to_have_text(f"批量派单（{count}）")
        await keys.press("j")
    await keys.press("Shift+Enter")
    await expect(desk.at("batch-line")).to_have_count(3, timeout=LIMIT_MS)
    await expect(desk.at("batch-send")).to_have_text("派出 3 张", timeout=LIMIT_MS)
    await picture(desk, "dispatch_batch")
    await violations(desk, "batch preview", found)
    marked = [one.draft.order_id for one in (await _waiting(office))[:3]]
    await office.casework.store.apply(marked[1], taken)
    await desk.at("batch-send").click()
    await expect(desk.at("batch-sum")).to_contain_text("已派出 2 张，未派出 1 张", timeout=LIMIT_MS)
    await expect(desk.page.get_by_text("zhao").first).to_be_visible()
    assert await office.lead(marked[1]) == "市城管局"
    await desk.at("batch-close").click()
    await expect(desk.at("count-to_dispatch")).to_have_text("1", timeout=LIMIT_MS)

    returned = OrderReturned(unit="市水务局", reason="属区级职责，建议派东城区水务所", by="li")
    await office.casework.store.apply("o2", returned)
    await keys.press("r")
    await keys.press("]")
    await expect(desk.at("row-o2")).to_have_attribute("aria-current", "true", timeout=LIMIT_MS)
    await expect(desk.at("case-state")).to_have_text("退单待裁", timeout=LIMIT_MS)
    await picture(desk, "dispatch_returned")
    await violations(desk, "returned", found)
    await keys.press("?")
    await expect(desk.page.get_by_text("派单台键盘")).to_be_visible()
    await keys.press("Escape")
    await desk.visit("/dispatch/figures")
    await expect(desk.at("figures-dispatched")).to_have_text("5", timeout=LIMIT_MS)
    await picture(desk, "dispatch_figures")
    await violations(desk, "figures", found)
    assert found == {}
    assert desk.faults == []


async def _waiting(office: Office) -> Sequence[Any]:
    person = (await office.site.deps.accounts.get("wang")).person()
    page = await office.casework.dispatch.desk.page(ClerkQueue.TO_DISPATCH, person, page=1, size=20)
    return page.orders


async def answered(office: Office, order_id: str, *after: happened.CourseEvent) -> None:
    """A unit handles the order and its answer passes review; then these happen."""
    items = office.casework.policy.rules.answers.checklist
    lined = tuple(Checked(item=one.item, ok=True) for one in items)
    for event in (
        OrderDispatched(lead="市城管局", source="clerk", by="wang"),
        happened.OrderSigned(unit="市城管局", by="li"),
        happened.FedBack(unit="市城管局", text="已清理", outcome=Outcome.DONE, by="li"),
        happened.FeedbackReviewed(passed=True, checklist=lined, by="wang"),
        *after,
    ):
        await office.casework.store.apply(order_id, event)


async def test_what_the_robot_cannot_ask_and_what_waits_for_a_ruling_is_found_and_done(
    office: Office,
) -> None:
    bad = happened.OrderRated(result=1, service=None, solved=Solved.NO, bad=True, by="system")
    redo = happened.RedoOrdered(reason="差评", clocks=(), by="system")
    for order_id in ("w1", "w2", "w3"):
        await office.accepted(order_id, "路灯不亮", "城市管理/路灯", "东城区", "一般")
    for event in (happened.AnsweredDirectly(text="请稍候", by="wang"), bad, redo):
        await office.casework.store.apply("w1", event)
    appeal = happened.AppealRaised(unit="市城管局", reason="诉求超出政策", by="li")
    await answered(office, "w2", bad, appeal)
    await answered(office, "w3", happened.VisitPlanned(visit_id="no_number-1-w3", by="system"))
    desk, found = await signed_in(office, "zhou"), dict[str, Any]()
    await desk.visit("/dispatch")
    await expect(desk.at("row-w1").get_by_text("重办")).to_be_visible(timeout=LIMIT_MS)
    await desk.at("queue-appealed").click()
    await expect(desk.at("case-state")).to_have_text("申诉中", timeout=LIMIT_MS)
    await desk.visit("/work")
    await desk.at("work-visits").click()
    await expect(desk.at("waits-work")).to_contain_text("1", timeout=LIMIT_MS)
    await picture(desk, "work_visits")
    await violations(desk, "visits by hand", found)
    await desk.at("visit-w3").click()
    await desk.page.get_by_text("已解决", exact=True).click()
    await desk.at("visit-save").click()
    await expect(desk.at("visit-w3")).to_have_count(0, timeout=LIMIT_MS)
    course = (await office.casework.store.get("w3")).draft.course
    assert course is not None and course.rating is not None
    assert (course.rating.solved, course.rating.by) == (Solved.YES, "zhou")
    assert found == {}


async def test_what_a_joined_citizen_says_by_telephone_is_written_down_in_the_page(office: Office) -> None:
    for order_id in ("j1", "j2"):
        await office.accepted(order_id, "路灯不亮", "城市管理/路灯", "东城区", "一般")
    await OrderFront(office.casework.store, Floor().orders, clock=time.time).merge("j2", "j1", agent="li")
    await answered(office, "j1")
    desk, found = await signed_in(office, "wang"), dict[str, Any]()
    await desk.visit("/cases/j1")
    await desk.at("do-rate_joined").click()
    await desk.at("move-result-1").check()
    await desk.at("move-solved-no").check()
    await desk.at("move-words").fill("还是不亮")
    await picture(desk, "rate_joined")
    await violations(desk, "a joined citizen's rating", found)
    await desk.at("move-send").click()
    await expect(desk.at("case-state")).to_have_text("已评价", timeout=LIMIT_MS)
    course = (await office.casework.store.get("j1")).draft.course
    assert course is not None
    (rating,) = course.joined_ratings
    assert (rating.other, rating.bad) == ("j2", True)
    assert found == {}
    assert desk.faults == []


async def test_a_list_says_how_many_damaged_orders_it_leaves_out(office: Office) -> None:
    for order_id in ("d1", "d2"):
        await office.accepted(order_id, "井盖松动", "城市管理/道路", "东城区", "一般")
    async with office.engine.begin() as connection:
        await connection.execute(update(orders).where(orders.c.id == "d1").values(course_json="{"))
    desk, found = await signed_in(office, "zhou"), dict[str, Any]()
    for path in ("/orders", "/dispatch"):
        await desk.visit(path)
        await expect(desk.at("left-out")).to_contain_text("本页另有 1 张工单", timeout=LIMIT_MS)
        await picture(desk, f"left_out_{path[1:]}")
        await violations(desk, path, found)
    await expect(desk.at("row-d2")).to_be_visible()
    await expect(desk.at("row-d1")).to_have_count(0)
    assert found == {}
    assert desk.faults == []


async def test_units_are_imported_and_rules_changed_in_the_page(office: Office, tmp_path: Path) -> None:
    desk, found = await signed_in(office, "zhou"), dict[str, Any]()
    await desk.visit("/units")
    await expect(desk.at("unit-line").first).to_be_visible(timeout=LIMIT_MS)
    await picture(desk, "units")
    await violations(desk, "units", found)
    await desk.at("units-import").click()
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("单位名称,级别,上级单位\n市局,市级,\n省厅,省级,市局\n", "gb18030")
    await desk.at("import-file").set_input_files(wrong)
    await expect(
        desk.page.get_by_text("第 3 行：单位“省厅”（省级）的级别高于上级“市局”（市级）")
    ).to_be_visible(timeout=LIMIT_MS)
    await picture(desk, "units_import")
    good = tmp_path / "good.csv"
    good.write_text(UNITS + "市教育局,市级,,学校,\n", "gb18030")
    await desk.at("import-file").set_input_files(good)
    await expect(desk.at("import-plan")).to_contain_text("试运行（GBK/GB18030）：共 7", timeout=LIMIT_MS)
    await desk.at("import-reason").fill("新增教育局")
    await desk.at("import-do").click()
    await expect(desk.page.get_by_text("单位（7）")).to_be_visible(timeout=LIMIT_MS)
    assert len(await office.casework.units.units()) == 7

    await desk.page.get_by_text("派单规则（2）").click()
    await desk.page.get_by_role("button", name="修改规则 供水").click()
    await desk.at("rule-district").fill("东城区")
    await desk.at("rule-reason").fill("缩小范围")
    await violations(desk, "a rule", found)
    await desk.at("rule-save").click()
    changed = desk.at("rule-line").filter(has_text="供水").filter(has_text="东城区")
    await expect(changed).to_be_visible(timeout=LIMIT_MS)
    assert {rule.district for rule in await office.casework.units.rules()} == {"东城区"}
    assert found == {}
    assert desk.faults == []
