"""The desk's WebSocket against the running application."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from yarl import URL

from cti.database import open_engine
from cti.messages import Caption, Notice, NotReady, Role
from cti.ports import CommandRefused
from tests.support.loopback import LoopbackBlock
from tests.support.until import until
from tests.support.web import PASSWORD, Clock, Site, open_site, read_json

pytestmark = pytest.mark.integration


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def site(
    tmp_path: Path, migrated_sqlite: Path, loopback: LoopbackBlock, clock: Clock
) -> AsyncIterator[Site]:
    engine = open_engine(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'hotline.sqlite')}")
    async with open_site(engine, tmp_path, loopback.address(), clock=clock) as running:
        await running.add("zhang", extension="1001")
        await running.add("li", extension="1002")
        await running.add("banzhang", Role.SUPERVISOR)
        yield running
    await engine.dispose()


async def close_code(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """Read until the server closes; return its code, also when the connection is gone before our answer."""
    async with asyncio.timeout(30):
        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.CLOSE:
                return int(message.data)
            if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                return socket.close_code


async def test_first_message_is_the_snapshot_and_call_control_knew_the_person_before(site: Site) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        first = await read_json(socket)
    assert (first["type"], first["me"]["agent_id"]) == ("snapshot", "zhang")
    assert site.floor.heard[0] == ("opened", "zhang")


async def test_a_message_reaches_the_pages_it_is_for_and_no_others(site: Site) -> None:
    zhang, li = await site.signed_in("zhang"), await site.signed_in("li")
    async with zhang.ws_connect("/api/ws") as a, li.ws_connect("/api/ws") as b:
        await read_json(a)
        await read_json(b)
        site.deps.pages.send(["zhang"], Notice(level="info", text="只给张"))
        site.deps.pages.broadcast(Notice(level="info", text="给大家"))
        to_zhang = [(await read_json(a))["text"] for _ in range(2)]
        to_li = (await read_json(b))["text"]
    assert to_zhang == ["只给张", "给大家"]
    assert to_li == "给大家"


async def test_a_command_reaches_call_control_and_is_answered_with_its_ref(site: Site) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        await read_json(socket)
        await socket.send_str('{"type":"not_ready","ref":"r1","reason":"meal"}')
        reply = await read_json(socket)
    assert reply == {"seq": 2, "type": "reply", "ref": "r1", "ok": True, "error": ""}
    assert site.floor.commands == [NotReady(ref="r1", reason="meal")]


async def test_a_refused_command_is_answered_with_the_reason_in_chinese(site: Site) -> None:
    site.floor.refuse = CommandRefused("通话中不能示闲")
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        await read_json(socket)
        await socket.send_str('{"type":"ready","ref":"r2"}')
        reply = await read_json(socket)
    assert (reply["ok"], reply["error"]) == (False, "通话中不能示闲")


async def test_a_failing_command_does_not_end_the_connection(site: Site) -> None:
    site.floor.refuse = KeyError("boom")
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        await read_json(socket)
        await socket.send_str('{"type":"ready","ref":"r3"}')
        assert (await read_json(socket))["ok"] is False
        await socket.send_str('{"type":"ping","ref":"r4"}')
        assert (await read_json(socket))["ref"] == "r4"


@pytest.mark.parametrize(
    "text", ['{"type":"fly","ref":"x"}', '{"type":"edit_field","ref":"x"}', '{"ref":"x"}'], ids=str
)
async def test_an_unreadable_message_is_answered_as_such(site: Site, text: str) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        await read_json(socket)
        await socket.send_str(text)
        reply = await read_json(socket)
    assert (reply["ref"], reply["ok"], reply["error"]) == ("x", False, "消息格式有误")


async def test_ten_unreadable_messages_close_the_page(site: Site) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        for _ in range(10):
            await socket.send_str("{")
        assert await close_code(socket) == 1008


async def test_a_flood_of_messages_closes_the_page(site: Site) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        for _ in range(200):
            await socket.send_str('{"type":"ping"}')
        assert await close_code(socket) == 4429


async def test_a_message_above_64_kib_closes_the_page(site: Site) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        await socket.send_str('{"type":"ping","ref":"' + "x" * 70_000 + '"}')
        assert await close_code(socket) == 1009


async def test_without_a_session_there_is_no_socket(site: Site) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await site.browser().ws_connect("/api/ws")
    assert refused.value.status == 401


async def test_another_sites_page_gets_no_socket_although_the_cookie_is_sent(site: Site) -> None:
    browser = await site.signed_in("zhang")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.ws_connect("/api/ws", headers={"Origin": "http://evil.example"})
    assert refused.value.status == 403


async def test_a_program_with_a_bearer_token_gets_a_socket_without_origin(site: Site) -> None:
    async with aiohttp.ClientSession(site.url) as program:
        body = {"login": "zhang", "password": PASSWORD, "bearer": True}
        async with program.post("/api/login", json=body) as response:
            token = (await response.json())["token"]
            assert "Set-Cookie" not in response.headers
        async with program.ws_connect("/api/ws", headers={"Authorization": f"Bearer {token}"}) as socket:
            assert (await read_json(socket))["type"] == "snapshot"


async def test_a_slow_page_gets_a_new_snapshot_and_the_others_every_message(site: Site) -> None:
    zhang, li = await site.signed_in("zhang"), await site.signed_in("li")
    async with zhang.ws_connect("/api/ws") as slow, li.ws_connect("/api/ws", max_msg_size=0) as quick:
        await read_json(slow)
        await read_json(quick)
        slow._reader._protocol.pause_reading()
        texts = []
        site.floor.state = "ready"
        for number in range(400):
            site.deps.pages.broadcast(
                Caption(
                    call_id="c",
                    line_id=str(number),
                    speaker="citizen",
                    text="字" * 20_000,
                    start=0.0,
                    end=1.0,
                    final=True,
                )
            )
            texts.append((await read_json(quick))["line_id"])
        assert texts == [str(number) for number in range(400)]
        slow._reader._protocol.resume_reading()
        while (message := await read_json(slow))["type"] != "snapshot":
            continue
        assert message["me"]["state"] == "ready"
    assert b"hotline_page_resyncs_total 0.0" not in site.deps.metrics.text()


async def test_reloading_the_page_does_not_sign_the_agent_out(site: Site) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        await read_json(socket)
    async with browser.ws_connect("/api/ws") as socket:
        await read_json(socket)
        await asyncio.sleep(2 * site.deps.grace_s)
        assert site.floor.heard == [("opened", "zhang")]


async def test_the_last_page_of_several_tells_call_control_after_the_grace_time(site: Site) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as second:
        async with browser.ws_connect("/api/ws") as first:
            await read_json(first)
            await read_json(second)
        await asyncio.sleep(2 * site.deps.grace_s)
        assert ("closed", "zhang") not in site.floor.heard
    await site.floor.until("closed", "zhang")
    assert site.floor.heard == [("opened", "zhang"), ("closed", "zhang")]


async def test_signing_out_closes_the_pages_and_tells_call_control_at_once(site: Site) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        await read_json(socket)
        async with browser.post("/api/logout") as response:
            assert response.status == 204
        assert await close_code(socket) == 4401
    await asyncio.sleep(2 * site.deps.grace_s)
    assert site.floor.heard == [("opened", "zhang"), ("signed_out", "zhang")]


async def test_a_session_left_idle_closes_its_page_with_4401(site: Site, clock: Clock) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        await read_json(socket)
        clock.now += 31 * 60
        assert await close_code(socket) == 4401


async def test_messages_keep_a_session_from_being_idle(site: Site, clock: Clock) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        await read_json(socket)
        for number in range(4):
            clock.now += 25 * 60
            await socket.send_str(msgspec.json.encode({"type": "ping", "ref": str(number)}).decode())
            assert (await read_json(socket))["ref"] == str(number)
    async with browser.get("/api/me") as response:
        assert response.status == 200


async def test_a_deactivated_account_loses_its_open_page(site: Site) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        await read_json(socket)
        await site.deps.accounts.deactivate("zhang", by="system")
        assert await close_code(socket) == 4401


async def test_a_stopping_server_tells_its_pages_to_come_back(site: Site) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        await read_json(socket)
        cleanup = asyncio.create_task(site.runner.cleanup())
        assert await close_code(socket) == 1012
        await cleanup
    assert site.floor.heard == [("opened", "zhang")]


# ---------------------------------------------------------------- coming back


def cut(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Break the connection off as a lost network does, without a close frame."""
    transport = socket._response.connection
    assert transport is not None and transport.transport is not None
    transport.transport.abort()


async def left(site: Site) -> None:
    """Return when the server has noticed that the page's connection is gone."""
    await until(lambda: site.deps.pages.away == 1)


def say(site: Site, *texts: str) -> None:
    for text in texts:
        site.deps.pages.broadcast(Notice(level="info", text=text))


async def test_a_page_gets_over_a_new_connection_what_it_missed_numbered_on(site: Site) -> None:
    browser = await site.signed_in("zhang")
    first = await browser.ws_connect("/api/ws")
    snapshot = await read_json(first)
    say(site, "1")
    assert (await read_json(first))["seq"] == 2
    cut(first)
    await left(site)
    say(site, "2", "3")
    async with browser.ws_connect(f"/api/ws?page={snapshot['page']}&seq=2") as again:
        told = [await read_json(again) for _ in range(3)]
        assert [(one["seq"], one.get("text", one["type"])) for one in told] == [
            (3, "2"),
            (4, "3"),
            (5, "resumed"),
        ]
        say(site, "4")
        assert (await read_json(again))["seq"] == 6


async def test_a_page_that_comes_back_before_its_old_connection_is_known_dead_takes_its_place(
    site: Site,
) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as first:
        snapshot = await read_json(first)
        async with browser.ws_connect(f"/api/ws?page={snapshot['page']}&seq=1") as again:
            assert (await read_json(again))["type"] == "resumed"
            assert await close_code(first) == 4409
            say(site, "1")
            assert (await read_json(again))["text"] == "1"
            assert len(site.deps.pages) == 1


async def test_a_page_of_another_person_is_not_given_out(site: Site) -> None:
    zhang, li = await site.signed_in("zhang"), await site.signed_in("li")
    first = await zhang.ws_connect("/api/ws")
    page = (await read_json(first))["page"]
    cut(first)
    await left(site)
    site.deps.pages.send(["zhang"], Notice(level="info", text="只给张"))
    async with li.ws_connect(f"/api/ws?page={page}&seq=1") as stranger:
        told = await read_json(stranger)
        assert (told["type"], told["seq"], told["me"]["agent_id"]) == ("snapshot", 1, "li")
        assert told["page"] != page
    async with zhang.ws_connect(f"/api/ws?page={page}&seq=1") as own:
        assert (await read_json(own))["text"] == "只给张"


async def test_a_page_of_another_session_of_the_same_person_is_not_given_out(site: Site) -> None:
    first_browser, second_browser = await site.signed_in("zhang"), await site.signed_in("zhang")
    async with first_browser.ws_connect("/api/ws") as first:
        page = (await read_json(first))["page"]
        async with second_browser.ws_connect(f"/api/ws?page={page}&seq=1") as second:
            assert (await read_json(second))["type"] == "snapshot"
        say(site, "still connected")
        assert (await read_json(first))["text"] == "still connected"


async def test_after_a_restart_of_the_server_a_page_begins_with_a_snapshot(
    tmp_path: Path, migrated_sqlite: Path, loopback: LoopbackBlock
) -> None:
    engine = open_engine(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'hotline.sqlite')}")
    async with open_site(engine, tmp_path, loopback.address()) as before:
        await before.add("zhang", extension="1001")
        browser = await before.signed_in("zhang")
        async with browser.ws_connect("/api/ws") as socket:
            page = (await read_json(socket))["page"]
            cookies = browser.cookie_jar.filter_cookies(URL(before.url))
    async with open_site(engine, tmp_path, loopback.address()) as after:
        headers = {"Cookie": "; ".join(f"{name}={one.value}" for name, one in cookies.items())}
        async with after.browser().ws_connect(f"/api/ws?page={page}&seq=1", headers=headers) as socket:
            told = await read_json(socket)
            assert (told["type"], told["seq"]) == ("snapshot", 1)
            assert told["page"] != page
    await engine.dispose()


async def test_a_page_that_notices_a_hole_asks_for_a_snapshot(site: Site) -> None:
    browser = await site.signed_in("zhang")
    async with browser.ws_connect("/api/ws") as socket:
        page = (await read_json(socket))["page"]
        await socket.send_str('{"type":"resync","ref":"r"}')
        again = await read_json(socket)
        assert (again["type"], again["seq"], again["page"]) == ("snapshot", 2, page)


@pytest.mark.parametrize("query", ["page=" + "x" * 65, "seq=-1", "page=a&seq=b", "other=1"])
async def test_a_nonsensical_way_to_come_back_is_refused(site: Site, query: str) -> None:
    browser = await site.signed_in("zhang")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.ws_connect(f"/api/ws?{query}")
    assert refused.value.status == 400
