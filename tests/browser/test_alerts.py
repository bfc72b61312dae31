"""A wave of calls in a real browser: told to agents, announced to callers, its orders related; and put aside.

The server is the real application on a real database; there is no telephone, because nobody calls.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from cti.bulletins import in_force
from cti.burst_store import BurstStore
from cti.control.alert_watch import TOPIC
from cti.control.bursts import BurstWatch
from cti.control.orderdesk import OrderDesk
from cti.control.orderfront import OrderFront
from cti.database import migrate, open_engine
from cti.messages import BulletinsView, Entry, Role
from cti.web import PageHub
from orders.bursts import BurstPolicy
from orders.messages import LinkKind, OrderState
from orders.store import OrderStore
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import SETTLE_S, violations
from tests.browser.test_reviews import House
from tests.support.chromium import chromium
from tests.support.control import World
from tests.support.loopback import LoopbackBlock
from tests.support.tones import tone, write_wav
from tests.support.web import Clock, NoJournal, boards_for, open_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SHOTS = os.environ.get("HOTLINE_SCREENSHOTS", "")
"""A folder: pages are photographed into it."""
PLACE, OTHER_PLACE = "翠湖小区", "滨江花园"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    built_desk: Path, module_loopback: LoopbackBlock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """Four citizens without water, one order accepted; three with broken lamps. Zhao is in charge of Li."""
    folder = tmp_path_factory.mktemp("house")
    url = f"sqlite:///{folder / 'hotline.sqlite'}"
    await migrate(url)
    engine = open_engine(url)
    clock, hub = Clock(time.time()), PageHub()
    boards, store = boards_for(engine, clock), OrderStore(engine, clock=clock)
    waves = BurstWatch(
        BurstStore(engine, clock), BurstPolicy(), pages=hub, journal=NoJournal(), leads=lambda: True,
        clock=clock,
    )  # fmt: skip
    hub.openings[TOPIC] = waves.opening

    async def renewed() -> None:
        await waves.look()
        hub.broadcast(BulletinsView(bulletins=in_force(await boards.bulletins.current(), clock())))

    await waves.look()
    for turn in range(4):
        await says(store, f"water{turn}", f"1380000000{turn}", "城乡建设/供水", PLACE)
    await store.submit("water1", "li", "key-water1")
    for turn in range(3):
        await says(store, f"lamp{turn}", f"1390000000{turn}", "城乡建设/路灯", OTHER_PLACE)
    await waves.look()
    async with (
        open_site(
            engine, folder, module_loopback.address(), clock=clock, static=built_desk, pages=hub,
            boards=replace(boards, linking=waves, renewed=renewed),
            orders=OrderFront(store, OrderDesk(World().calls, on_disk, lambda _draft: None)),
        ) as site,
        chromium() as browser,
    ):  # fmt: skip
        await site.add("li")
        await site.add("zhao", Role.SUPERVISOR)
        yield House(site, browser)
    await engine.dispose()


async def on_disk(_entry: Entry) -> None:
    """Nothing is ever written: no draft is live."""


async def because(desk: DeskPage, reason: str) -> None:
    await desk.page.locator(".el-message-box__input input").fill(reason)
    await desk.page.get_by_role("button", name="确定").click()


async def says(store: OrderStore, order_id: str, caller: str, category: str, place: str) -> None:
    await store.open_draft(f"call-{order_id}", caller, order_id=order_id)
    fields = {
        "type": "投诉", "category": category, "summary": f"{place}从昨晚起没有恢复", "contact": "王女士",
        "title": f"{place}请尽快处理", "district": "城东区", "place": place,
    }  # fmt: skip
    for field, value in fields.items():
        await store.edit(order_id, field, value, agent="li")


async def look(desk: DeskPage, where: str, found: dict[str, Any]) -> None:
    """Hear what axe says, in light and dark, and photograph the page where a folder is named."""
    await violations(desk, where, found)
    if SHOTS:
        await desk.page.screenshot(path=Path(SHOTS) / f"alerts-{where.replace(' ', '-')}-dark.png")
    await desk.page.emulate_media(color_scheme="light")
    if SHOTS:
        await asyncio.sleep(SETTLE_S)
        await desk.page.screenshot(path=Path(SHOTS) / f"alerts-{where.replace(' ', '-')}-light.png")


async def test_a_wave_is_told_to_agents_announced_to_callers_and_its_orders_are_related(
    house: House, tmp_path: Path
) -> None:
    found = dict[str, Any]()
    zhao = await house.page_of("zhao", "/alerts")
    li = await house.page_of("li", "/orders")
    water = zhao.page.locator(f'[data-testid=burst][data-title*="{PLACE}"]')
    await expect(water).to_contain_text("4 位市民", timeout=LIMIT_MS)
    await water.click()
    await expect(zhao.at("burst-order")).to_have_count(4)
    await look(zhao, "waves", found)

    # a notice, filled in beforehand; given up, it is offered again
    await zhao.at("burst-notice").click()
    await zhao.page.keyboard.press("Escape")
    await expect(zhao.at("bulletin-title")).to_be_hidden()
    await zhao.page.get_by_role("tab", name="集中诉求").click()
    await zhao.at("burst-notice").click()
    await expect(zhao.at("bulletin-title")).to_have_value(f"集中来电：城东区{PLACE} · 供水")
    await zhao.at("bulletin-publish").click()
    await expect(zhao.at("bulletin-row")).to_contain_text(PLACE)
    await expect(li.at("bulletins")).to_contain_text(f"集中来电：城东区{PLACE} · 供水", timeout=LIMIT_MS)
    await look(zhao, "notices", found)
    if SHOTS:
        await li.page.screenshot(path=Path(SHOTS) / "alerts-agent.png")

    # an announcement to callers of the area: proposed without a sound, recorded, approved
    await zhao.page.get_by_role("tab", name="集中诉求").click()
    await expect(water).to_have_attribute("data-state", "noticed")
    await zhao.at("burst-announce").click()
    await expect(zhao.at("announcement-save")).to_be_visible()
    await expect(zhao.page.get_by_label("地区", exact=True)).to_have_value("城东区")
    await look(zhao, "an announcement", found)
    await zhao.at("announcement-save").click()
    await expect(zhao.at("announcement-approve")).to_be_disabled()
    recording = write_wav(tmp_path / "said.wav", tone(700, 1.0))
    await zhao.at("announcement-sound").set_input_files(recording)
    await expect(zhao.at("announcement-approve")).to_be_enabled(timeout=LIMIT_MS)
    await look(zhao, "announcements", found)
    await zhao.at("announcement-approve").click()
    await zhao.page.get_by_role("button", name="批准", exact=True).last.click()
    await expect(zhao.at("announcement-state")).to_contain_text("播放中（zhao 批准）")
    (said,) = await house.site.deps.boards.announcements.current()
    now = house.site.deps.clock()
    assert (said.district, said.said(now), said.said(said.until)) == ("城东区", True, False)

    # one draft is merged into the accepted order, the others are related to it
    await zhao.page.get_by_role("tab", name="集中诉求").click()
    await expect(water).to_have_attribute("data-state", "announced")
    row = zhao.page.locator("[data-testid=burst-order][data-order=water3]")
    await row.get_by_test_id("burst-merge").click()
    await because(zhao, "同一处停水")
    await expect(row).to_have_attribute("data-state", "merged", timeout=LIMIT_MS)
    await zhao.at("burst-undo").click()
    await because(zhao, "点错了")
    await expect(row).to_have_attribute("data-state", "draft", timeout=LIMIT_MS)
    await row.get_by_test_id("burst-merge").click()
    await because(zhao, "确是同一处")
    await expect(row).to_have_attribute("data-state", "merged", timeout=LIMIT_MS)
    await look(zhao, "orders merged", found)
    await zhao.at("burst-link").click()
    await expect(zhao.page.locator("[data-testid=burst-order][data-linked=true]")).to_have_count(3)
    await look(zhao, "orders related", found)
    orders = house.site.deps.orders
    assert (await orders.get("water3")).draft.state is OrderState.MERGED
    links = {link.other: link.kind for link in (await orders.get("water1")).draft.links}
    assert links == {"water0": LinkKind.RELATED, "water2": LinkKind.RELATED, "water3": LinkKind.JOINED}
    assert [link.other for link in (await orders.get("water0")).draft.links] == ["water1"]
    assert found == {}
    assert zhao.faults + li.faults == []


async def test_a_wave_is_put_aside_with_a_reason_and_taken_up_again(house: House) -> None:
    found = dict[str, Any]()
    zhao = await house.page_of("zhao", "/alerts")
    lamp = zhao.page.locator(f'[data-testid=burst][data-title*="{OTHER_PLACE}"]')
    await lamp.click()
    await zhao.at("burst-dismiss").click()
    await zhao.page.locator(".el-message-box__input input").fill("已知的计划检修")
    await zhao.page.get_by_role("button", name="确定").click()
    await expect(lamp).to_have_attribute("data-state", "dismissed", timeout=LIMIT_MS)
    await zhao.page.get_by_role("button", name="恢复", exact=True).click()
    await zhao.page.locator(".el-message-box__input input").fill("不是检修")
    await zhao.page.get_by_role("button", name="确定").click()
    await expect(lamp).to_have_attribute("data-state", "open", timeout=LIMIT_MS)
    await zhao.page.get_by_role("tab", name="告警规则").click()
    await expect(zhao.at("rule-new")).to_be_visible()
    await look(zhao, "rules", found)
    assert found == {}
    assert zhao.faults == []
