"""Everything about a call in one view, and nothing that was typed is ever lost."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import expect

from cti.demo.people import DemoAccount, ensure_accounts
from cti.messages import CallState, Role
from tests.browser.conftest import Office
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_desk_call import rung, waits
from tests.support.chromium import new_context
from tests.support.hotline import LIMIT_S, Hotline
from tests.support.until import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CALLER = "13800000971"
LEADER = DemoAccount(
    login="leader", name="周班长", role=Role.SUPERVISOR, extension="", skills={}, password="only-for-tests-2"
)


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(office: Office) -> Hotline:
    """The running hotline."""
    return office.hotline


async def written_up(desk: DeskPage, title: str, place: str) -> str:
    """Write the order of the call in hand, submit it and finish; return its id."""
    await desk.at("field-type-投诉").click()
    await desk.at("field-category").fill("城乡建设/市政设施")
    await desk.at("field-title").fill(title)
    await desk.at("field-place").fill(place)
    await desk.at("field-contact").fill("王女士")
    await desk.at("field-summary").fill(f"{place}{title}")
    await desk.saved()
    order_id = await desk.submit()
    await desk.at("finish-wrap-up").click()
    await desk.is_in("ready")
    return order_id


async def links_are(hotline: Hotline, order_id: str, expected: list[tuple[str, str]]) -> None:
    """Wait until the database has these relations of an order (kind, caller). Raises TimeoutError."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            order = await hotline.fetch(f"/api/orders/{order_id}")
            if [(link["kind"], link["caller"]) for link in order["links"]] == expected:
                return
            await asyncio.sleep(0.1)


async def crashed(desk: DeskPage) -> None:
    """The page's process dies without a word; another page of the same browser takes its place."""
    context, old = desk.page.context, desk.page
    session = await context.new_cdp_session(old)
    gone = asyncio.Event()
    old.on("crash", lambda _page: gone.set())
    crash = asyncio.create_task(session.send("Page.crash"))
    async with asyncio.timeout(LIMIT_S):
        await gone.wait()
    crash.cancel()
    desk.page = await context.new_page()
    desk.page.set_default_timeout(LIMIT_MS)
    await old.close()


async def test_the_caller_is_known_while_it_rings_and_nothing_moves_when_answered(
    hotline: Hotline, desk: DeskPage
) -> None:
    first = await rung(hotline, desk, CALLER)
    await expect(desk.at("pop-times")).to_have_text("首次来电", timeout=LIMIT_MS)
    await desk.answer()
    await desk.hang_up()
    order_id = await written_up(desk, "路灯不亮", "和平路十二号")
    first.hang_up()
    await hotline.quiet()

    await waits(hotline, CALLER)
    await desk.rings()
    await expect(desk.at("pop-name")).to_have_text("王女士", timeout=LIMIT_MS)
    await expect(desk.at("pop-times")).to_contain_text("第 2 次", timeout=LIMIT_MS)
    await expect(desk.at(f"matter-{order_id}")).to_contain_text("路灯不亮", timeout=LIMIT_MS)
    before = await desk.at("pop").bounding_box()
    await desk.answer()
    assert await desk.at("pop").bounding_box() == before

    await desk.at("order-matter").click()
    await desk.at(f"merge-{order_id}").click()
    await expect(desk.at("order")).to_have_attribute("data-state", "merged", timeout=LIMIT_MS)
    # the page is told when it is safe on disk; the database follows
    await links_are(hotline, order_id, [("joined", CALLER)])
    await desk.at("order-matter").click()
    await desk.at("merge-undo").click()
    await expect(desk.at("order")).to_have_attribute("data-state", "draft", timeout=LIMIT_MS)
    await links_are(hotline, order_id, [])
    await desk.page.keyboard.press("Escape")
    await desk.hang_up()


async def test_typing_outlives_a_killed_server_and_a_crashed_page(hotline: Hotline, desk: DeskPage) -> None:
    await rung(hotline, desk, "13800000972")
    await desk.answer()
    await desk.at("field-title").fill("路灯")
    await desk.saved()
    order = await desk.at("order").get_attribute("data-order")

    await hotline.take_server_away()
    await expect(desk.at("link-banner")).to_be_visible(timeout=LIMIT_MS)
    await desk.at("field-title").press_sequentially("不亮三天")
    await desk.at("field-summary").press_sequentially("和平路十二号的路灯")  # the page dies in this very word
    await crashed(desk)
    await hotline.bring_server_back()
    await desk.visit()
    await expect(desk.at("order")).to_have_attribute("data-order", order or "", timeout=LIMIT_MS)
    await desk.shows("title", "路灯不亮三天")
    await desk.shows("summary", "和平路十二号的路灯")
    await desk.saved()
    kept = (await hotline.fetch(f"/api/orders/{order}"))["fields"]
    assert kept["title"]["value"] == "路灯不亮三天"
    assert kept["summary"]["value"] == "和平路十二号的路灯"


async def test_words_are_flagged_found_marked_and_mended_as_they_come(
    hotline: Hotline, desk: DeskPage
) -> None:
    citizen = await rung(hotline, desk, "13800000973")
    await desk.answer()
    citizen.says("manhole_missing_1.wav")
    await until(lambda: citizen.silent, LIMIT_S)
    line = desk.page.locator("[data-testid=caption-line][data-speaker=citizen][data-final=true]").first
    await expect(line).to_be_visible(timeout=LIMIT_MS)
    await line.get_by_test_id("caption-mark").click()
    await expect(line.get_by_test_id("caption-mark")).to_have_attribute(
        "aria-pressed", "true", timeout=LIMIT_MS
    )
    await line.hover()
    await line.get_by_test_id("caption-correct").click()
    await desk.at("caption-correct-text").fill("孩子掉进井里了，在解放路")
    await desk.at("caption-correct-save").click()
    await expect(line.get_by_test_id("caption-flag")).to_contain_text("险情", timeout=LIMIT_MS)
    await expect(desk.at("caption-dangers")).to_be_visible()
    await desk.page.keyboard.press("Alt+s")
    await desk.at("caption-search").fill("解放路")
    await expect(desk.at("caption-hits")).to_have_text("1/1")
    call = await hotline.is_in(citizen, CallState.TALKING)
    kept = (await hotline.fetch(f"/api/calls/{call.call_id}/transcript"))["lines"]
    assert [one["correction"]["text"] for one in kept if one["correction"]] == ["孩子掉进井里了，在解放路"]
    assert [one["marked"] for one in kept if one["correction"]] == [True]


async def test_two_people_at_one_field_choose_between_their_words(
    office: Office, hotline: Hotline, desk: DeskPage
) -> None:
    await rung(hotline, desk, "13800000974")
    await desk.answer()
    await desk.at("field-title").fill("路灯")
    await desk.saved()
    order = await desk.at("order").get_attribute("data-order")
    await desk.hang_up()
    await desk.at("finish-wrap-up").click()
    await desk.at("unfinished-later").click()
    await desk.at("nav-work").click()
    await desk.at(f"draft-{order}").click()
    title = desk.at("order-drawer").get_by_test_id("field-title")
    await expect(title).to_have_value("路灯", timeout=LIMIT_MS)
    await title.fill("路灯不亮")
    version = (await hotline.fetch(f"/api/orders/{order}"))["version"]
    await ensure_accounts(hotline.settings, (LEADER,))
    other = await new_context(office.browser)
    base = hotline.stack.web
    await other.request.post(
        f"{base}/api/login",
        data={"login": LEADER.login, "password": LEADER.password},
        headers={"Origin": base},
    )
    changed = await other.request.patch(
        f"{base}/api/orders/{order}/fields",
        data={"version": version, "fields": {"title": "路灯损坏"}},
        headers={"Origin": base},
    )
    assert changed.status == 200
    await other.close()
    await desk.at("drawer-save").click()
    await expect(desk.at("conflict-title")).to_contain_text("路灯损坏", timeout=LIMIT_MS)
    await desk.at("keep-mine-title").check()
    await desk.at("conflict-save").click()
    await expect(desk.at("conflict")).to_have_count(0, timeout=LIMIT_MS)
    assert (await hotline.fetch(f"/api/orders/{order}"))["fields"]["title"]["value"] == "路灯不亮"

    await desk.page.keyboard.press("Escape")
    await desk.page.keyboard.press("Control+k")
    await desk.at("search-all").fill("路灯不亮")
    await expect(desk.at("found-orders").first).to_contain_text("路灯不亮", timeout=LIMIT_MS)
    await desk.page.keyboard.press("Enter")
    await expect(desk.at("order-drawer")).to_be_visible(timeout=LIMIT_MS)
