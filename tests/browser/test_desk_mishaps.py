"""What goes wrong in an agent's day, and what stands beside the call: nothing is lost by it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, WebSocketRoute, expect
from sqlalchemy import delete

from asterisk_conf.provide import AsteriskInstall
from cti.database import open_engine
from cti.demo.people import DemoAccount, ensure_accounts
from cti.messages import Role
from cti.tables import sessions
from tests.browser.conftest import AGENT, Office
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.browser.test_desk_call import rung
from tests.support.chromium import chromium, new_context, program, say
from tests.support.hotline import Hotline, running_hotline
from tests.support.loopback import LoopbackBlock

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

LEADER = DemoAccount(
    login="leader", name="周班长", role=Role.SUPERVISOR, extension="", skills={}, password="only-for-tests-2"
)


class Line:
    """One page's WebSocket with the test in the middle: cut, or with the server's drafts held back."""

    def __init__(self) -> None:
        self.cut = False
        self.holds = False
        self._held: list[str | bytes] = []
        self._ends: tuple[WebSocketRoute, WebSocketRoute] | None = None

    async def join(self, page: Page) -> None:
        """Stand between; call this before the page is opened."""
        await page.route_web_socket("**/api/ws", self._joined)

    async def break_off(self) -> None:
        """The line is lost, and every new one as well."""
        self.cut = True
        for end in self._ends or ():
            await end.close(code=4000)

    def let_go(self) -> None:
        """Hold nothing back any more."""
        self.holds = False
        if self._ends is not None:
            for text in self._held:
                self._ends[0].send(text)
        self._held.clear()

    async def _joined(self, page: WebSocketRoute) -> None:
        if self.cut:
            await page.close(code=4000)
            return
        server = page.connect_to_server()
        self._ends = page, server

        def from_server(text: str | bytes) -> None:
            if self.holds and json.loads(text)["type"] == "draft_view":
                self._held.append(text)
            else:
                page.send(text)

        page.on_message(server.send)
        server.on_message(from_server)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    asterisk_install: AsteriskInstall,
    built_desk: object,
    module_loopback: LoopbackBlock,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Office]:
    """A hotline without captions: what is said is not looked at here."""
    program()
    sound = tmp_path_factory.mktemp("sound") / "agent.wav"
    async with (
        running_hotline(module_loopback, agents=1) as hotline,
        chromium(say(sound, (1.5, "agent_hello", 6.0))) as browser,
    ):
        await ensure_accounts(hotline.settings, (AGENT, LEADER))
        yield Office(hotline, browser)


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(office: Office) -> Hotline:
    """The running hotline."""
    return office.hotline


@pytest_asyncio.fixture(loop_scope="module")
async def line(blank: DeskPage) -> Line:
    """What the page hears and says."""
    line = Line()
    await line.join(blank.page)
    return line


@pytest_asyncio.fixture(loop_scope="module")
async def in_call(line: Line, hotline: Hotline, blank: DeskPage) -> DeskPage:
    """The agent talks with a citizen; the order has a title."""
    await blank.open(AGENT)
    await rung(hotline, blank, "13800000981")
    await blank.answer()
    await blank.at("field-title").fill("路灯")
    await blank.saved()
    return blank


async def order_of(desk: DeskPage) -> str:
    return await desk.at("order").get_attribute("data-order") or ""


async def kept(hotline: Hotline, order: str, field: str) -> Any:
    """What the server has in a field."""
    return (await hotline.fetch(f"/api/orders/{order}"))["fields"][field]["value"]


async def test_what_is_typed_without_a_line_is_sent_when_it_is_back(
    hotline: Hotline, line: Line, in_call: DeskPage
) -> None:
    desk, order = in_call, await order_of(in_call)
    await line.break_off()
    await expect(desk.at("link-banner")).to_be_visible(timeout=LIMIT_MS)
    await desk.at("field-title").press_sequentially("不亮三天")
    await expect(desk.at("order-saving")).to_have_text("1 处待保存", timeout=LIMIT_MS)
    await expect(desk.at("order-submit")).to_be_disabled()
    line.cut = False
    await desk.saved()
    await expect(desk.at("link-banner")).to_have_count(0)
    assert await kept(hotline, order, "title") == "路灯不亮三天"
    await desk.phone_is("talking")


async def test_an_expired_session_is_renewed_on_the_spot_and_nothing_is_lost(
    hotline: Hotline, in_call: DeskPage
) -> None:
    desk, order = in_call, await order_of(in_call)
    engine = open_engine(hotline.settings.database)
    try:
        async with engine.begin() as connection:
            await connection.execute(delete(sessions).where(sessions.c.login == AGENT.login))
    finally:
        await engine.dispose()
    password = desk.at("session-password")
    while not await password.is_visible():  # the server looks at sessions every few seconds
        await desk.at("field-summary").press_sequentially("灯", delay=100)
    typed = await desk.at("field-summary").input_value()
    await expect(password).to_be_focused(timeout=LIMIT_MS)
    await password.fill("wrong-password")
    await desk.page.keyboard.press("Enter")
    await expect(desk.page.get_by_role("dialog").get_by_role("alert")).not_to_be_empty(timeout=LIMIT_MS)
    await password.fill(AGENT.password)
    await desk.page.keyboard.press("Enter")
    await expect(password).to_be_hidden(timeout=LIMIT_MS)
    await desk.saved()
    assert len(typed) > 1
    assert await kept(hotline, order, "summary") == typed
    await desk.phone_is("talking")
    await desk.is_in("talking")


async def test_two_at_a_live_order_choose_between_their_words(
    office: Office, hotline: Hotline, line: Line, in_call: DeskPage
) -> None:
    desk, order, base = in_call, await order_of(in_call), hotline.stack.web
    other = await new_context(office.browser)
    body = {"login": LEADER.login, "password": LEADER.password}
    await other.request.post(f"{base}/api/login", data=body, headers={"Origin": base})

    async def meet(theirs: str, mine: str) -> None:
        """The leader writes, and the agent types before they are told so."""
        line.holds = True
        version = (await hotline.fetch(f"/api/orders/{order}"))["version"]
        changed = await other.request.patch(
            f"{base}/api/orders/{order}/fields",
            data={"version": version, "fields": {"title": theirs}},
            headers={"Origin": base},
        )
        assert changed.status == 200
        await desk.at("field-title").fill(mine)
        await expect(desk.at("keep-mine-title")).to_be_visible(timeout=LIMIT_MS)
        line.let_go()
        await expect(desk.at("met-title")).to_contain_text(f"已改为“{theirs}”", timeout=LIMIT_MS)

    await meet("路灯损坏", "路灯不亮")
    await desk.at("keep-theirs-title").click()
    await desk.shows("title", "路灯损坏")
    await desk.saved()
    await meet("路灯倒了", "路灯歪了")
    await desk.at("keep-mine-title").click()
    await desk.saved()
    assert await kept(hotline, order, "title") == "路灯歪了"
    await other.close()


async def test_the_tab_key_goes_from_field_to_field(in_call: DeskPage) -> None:
    await in_call.at("field-category").focus()
    order = []
    for _ in range(4):
        await in_call.page.keyboard.press("Tab")
        order.append(await in_call.page.evaluate("document.activeElement.dataset.testid"))
    assert order == ["field-time", "field-district", "field-street", "field-place"]
    await in_call.at("field-title").fill("路灯不亮")
    await in_call.page.keyboard.press("Alt+z")
    await in_call.shows("title", "路灯")


async def test_a_leader_keeps_a_template_and_an_agent_begins_an_order_with_it(
    office: Office, in_call: DeskPage
) -> None:
    found = dict[str, Any]()
    context = await new_context(office.browser)
    leader = DeskPage(await context.new_page(), office.hotline.stack.web)
    await leader.open(LEADER)
    await leader.visit("/templates")
    await leader.at("template-new").click()
    await leader.at("template-id").fill("lamp")
    await leader.at("template-title").fill("路灯故障")
    await leader.page.get_by_label("要问的").fill("灯杆编号？\n几盏不亮？")
    await leader.page.get_by_label("诉求内容").fill("路灯不亮，编号：")
    await violations(leader, "template", found)
    await leader.at("template-reason").fill("补上要问的")
    await leader.at("template-save").click()
    await expect(leader.at("edit-template-lamp")).to_have_text("路灯故障", timeout=LIMIT_MS)
    await violations(leader, "templates", found)
    await leader.sign_out()
    await context.close()

    await in_call.at("templates").click()
    await in_call.at("template-lamp").click()
    await in_call.shows("summary", "路灯不亮，编号：")
    await expect(in_call.at("template-questions")).to_contain_text("问清 2 项")
    await in_call.saved()
    assert found == {}
    assert leader.faults == []
