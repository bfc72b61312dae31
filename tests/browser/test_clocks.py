"""A day of the working calendar is switched and limits move; late orders are supervised, live, by hand."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cti.casework.parts import Casework
from cti.database import migrate, open_engine
from cti.messages import Role
from cti.web.pages import PageHub
from orders import course_events as happened
from orders.course_clocks import found
from orders.course_messages import ClockKind, Supervision
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.workdays import DAY
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.casework import loop_over
from tests.support.chromium import chromium, new_context
from tests.support.editions import ConfigServer, own_files
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PICTURES = os.environ.get("HOTLINE_PICTURES", "")
HOUR = 3600.0
MATTERS = (
    ("o1", "整栋楼停水，有透析病人", "公共服务/供水", "紧急"),
    ("o2", "小区门口垃圾三天没清运", "城市管理/市容环卫", "一般"),
    ("o3", "电梯困人后一直停用", "城乡建设/物业管理", "一般"),
)


@dataclass(frozen=True, slots=True)
class Office:
    """A web server with the closed loop, and a browser."""

    site: Site
    casework: Casework
    browser: Browser

    async def sent(self, order_id: str, title: str, category: str, urgency: str, *, ago: float = 0.0) -> None:
        values = {"type": "求助", "category": category, "title": title, "summary": title, "urgency": urgency}
        events: list[OrderEvent] = [
            DraftOpened(order_id=order_id, call_id="", caller="13800138000"),
            *(FieldEdited(field=name, value=value, agent="chen") for name, value in values.items()),
            OrderSubmitted(agent="chen"),
        ]
        at = time.time() - ago
        await self.casework.store.create(events, order_id=order_id, event_id=f"{order_id}-e", at=at)
        sent = happened.OrderDispatched(lead="市水务局", source="clerk", by="wang")
        await self.casework.store.apply(order_id, sent, at=at)

    async def due(self, order_id: str, kind: ClockKind) -> float:
        course = (await self.casework.store.get(order_id)).draft.course
        clock = None if course is None else found(course, kind)
        return 0.0 if clock is None else clock.due


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    built_desk: Path, module_loopback: LoopbackBlock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """The server without telephones, on the present time: pages count clocks down."""
    folder = tmp_path_factory.mktemp("clocks")
    url = f"sqlite:///{folder / 'hotline.sqlite'}"
    await migrate(url)
    engine = open_engine(url)
    hub = PageHub()
    loop = loop_over(engine, folder, clock=time.time, hub=hub)
    config = ConfigServer(engine, own_files(folder / "files"), folder / "one")
    config.cases.on_rules.append(lambda rules: setattr(loop.policy, "rules", rules.course))
    async with (
        open_site(
            engine, folder, module_loopback.address(), casework=loop.casework, orders=loop.store, pages=hub,
            static=built_desk, clock=Clock(time.time()), editions=config.keeper,
        ) as site,
        chromium() as browser,
    ):  # fmt: skip
        await site.add("zhou", Role.SUPERVISOR)
        loop.casework.feed.start()
        yield Office(site, loop.casework, browser)
        await loop.casework.feed.stop()
    await engine.dispose()


async def signed_in(office: Office, path: str) -> DeskPage:
    context = await new_context(office.browser)
    desk = DeskPage(await context.new_page(), office.site.url)
    await desk.visit()
    await desk.sign_in("zhou", PASSWORD)
    await expect(desk.at("link-state")).to_have_text("服务器已连接", timeout=LIMIT_MS)
    await desk.visit(path)
    return desk


async def judged(desk: DeskPage, name: str) -> None:
    """See that axe has nothing to say, and keep what the page looks like where pictures are wanted."""
    problems: dict[str, Any] = {}
    await violations(desk, name, problems)
    assert problems == {}
    if PICTURES:
        await picture(desk, "light", name)
        await picture(desk, "dark", name)


async def picture(desk: DeskPage, theme: Literal["light", "dark"], name: str) -> None:
    """Keep what the page looks like."""
    await desk.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    await desk.page.wait_for_timeout(600)
    await desk.page.screenshot(path=Path(PICTURES) / f"{name}_{theme}.png")


async def test_a_day_that_is_switched_moves_the_limits_of_new_orders(office: Office) -> None:
    days = office.casework.policy.rules.keeper.days
    await office.sent("before", *MATTERS[2][1:])
    first = days.date(await office.due("before", ClockKind.SIGN))
    desk = await signed_in(office, "/clocks")
    await expect(desk.at("clock-rules")).to_contain_text("规则“一般诉求”：适用于所有工单", timeout=LIMIT_MS)
    await expect(desk.at("try-limits")).to_contain_text("首次联系")
    await judged(desk, "clocks")
    await desk.at("clocks-calendar").click()
    await judged(desk, "calendar")
    await desk.at(f"day-{first.isoformat()}").click()
    await desk.at("calendar-publish").click()
    await desk.at("publish-reason").fill("台风停工一天")
    await desk.at("publish-go").click()
    await expect(desk.at("clocks-edition")).to_have_text("现行第 2 版", timeout=LIMIT_MS)
    await office.sent("after", *MATTERS[2][1:])
    after = days.date(await office.due("after", ClockKind.SIGN))
    assert after >= first + DAY
    await desk.page.context.close()


async def test_late_orders_are_supervised_by_hand_and_the_page_follows_alone(office: Office) -> None:
    for matter in MATTERS:
        await office.sent(*matter, ago=30 * 24 * HOUR)
    desk = await signed_in(office, "/supervision")
    await expect(desk.at("watch-row-o1")).to_be_visible(timeout=LIMIT_MS)
    await judged(desk, "supervision")
    await desk.at("watch-pick-o1").check()
    await desk.at("watch-pick-o2").check()
    await desk.at("watch-act").click()
    await desk.at("act-red").click()
    await desk.at("watch-reason").fill("民生事项逾期，请今日内办结")
    await judged(desk, "supervision-act")
    await desk.at("watch-go").click()
    await desk.at("watch-red").click()
    await expect(desk.at("watch-list").locator("tbody tr")).to_have_count(2, timeout=LIMIT_MS)
    raised = happened.SupervisionSet(level=Supervision.RED, reason="督查通报", by="gao")
    await office.casework.store.apply("o3", raised)  # somebody else, anywhere
    await expect(desk.at("watch-list").locator("tbody tr")).to_have_count(3, timeout=LIMIT_MS)
    await desk.page.context.close()
