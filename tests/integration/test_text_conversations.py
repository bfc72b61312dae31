"""Citizens who write, through a whole running hotline: routed, answered, drafted, and kept across kill -9."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
import pytest_asyncio

from asterisk_conf.provide import AsteriskInstall
from cti.messages import AnswerText, CallView, EndText, NotReady, SayText
from cti.messages_citizen import GiveRating, Leave, WriteText
from tests.support.citizen import CitizenPage
from tests.support.hotline import LIMIT_S, Desk, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

MORE = """
[citizen]
guests = 12
per_minute = 30
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hotline(
    asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock
) -> AsyncIterator[Hotline]:
    """One server, two agents; the first may have two conversations at once."""
    async with running_hotline(module_loopback, agents=2, more=MORE) as running:
        await running.admin.open()
        login = running.account(1).login
        base = running.stack.web
        seats = {"texts": 2, "reason": "two conversations at once"}
        async with (
            aiohttp.ClientSession(headers=running.admin._http.headers) as http,
            http.patch(f"{base}/api/accounts/{login}", json=seats) as answer,
        ):
            assert answer.status == 200, await answer.text()
        await running.ready(1)
        yield running


async def shown(desk: Desk, condition: Callable[[], bool]) -> None:
    """Wait until the agent's page shows something."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def offered(desk: Desk, citizen: CitizenPage) -> CallView:
    """Wait until this citizen's conversation is offered at the desk."""
    view = await citizen.sees(lambda one: one.state == "ringing")
    await shown(desk, lambda: view.call_id in desk.texts and desk.texts[view.call_id].state == "ringing")
    return desk.texts[view.call_id]


async def test_a_citizen_writes_and_an_agent_answers_drafts_and_is_rated(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    async with CitizenPage(hotline.stack.web) as citizen:
        await citizen.begin(contact="13800001234")
        await citizen.writes("我要投诉，朝阳小区3号楼半夜施工噪音很大")
        call = await offered(desk, citizen)
        await desk.send(AnswerText(call_id=call.call_id))
        await citizen.sees(lambda one: one.state == "talking" and "号话务员" in one.agent)
        await shown(desk, lambda: any("施工噪音" in line.text for line in desk.lines.values()))
        await desk.send(SayText(call_id=call.call_id, text="请稍", final=False))
        await citizen.until_typing("请稍")
        await desk.send(SayText(call_id=call.call_id, text="请稍等，我为您登记", line_id="one"))
        await desk.send(SayText(call_id=call.call_id, text="请稍等，我为您登记", line_id="one"))
        await citizen.reads("请稍等，我为您登记")
        assert sum("请稍等" in line.text for line in citizen.lines.values()) == 1
        draft = desk.calls[call.call_id]
        await shown(desk, lambda: draft.draft is not None and "phone" in draft.draft.fields)
        await desk.send(EndText(call_id=call.call_id))
        await citizen.sees(lambda one: one.state == "survey")
        await citizen.say(GiveRating(score=5))
        await citizen.sees(lambda one: one.state == "ended" and one.satisfaction == 5)
        await desk.send(EndText(call_id=call.call_id))
        await shown(desk, lambda: desk.texts[call.call_id].state == "ended")
        async with asyncio.timeout(LIMIT_S):
            while not (await hotline.fetch(f"/api/calls/{call.call_id}")).get("satisfaction"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        told = await hotline.fetch(f"/api/calls/{call.call_id}/transcript")
    assert any("施工噪音" in line["text"] for line in told["lines"])


async def test_kill_9_in_the_middle_loses_no_line_and_no_place(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    base = hotline.stack.web
    async with CitizenPage(base) as first, CitizenPage(base) as second, CitizenPage(base) as third:
        for citizen in (first, second, third):
            await citizen.begin()
        call, other = await offered(desk, first), await offered(desk, second)
        await desk.send(AnswerText(call_id=call.call_id))
        await desk.send(AnswerText(call_id=other.call_id))
        await first.writes("一")
        waiting = await third.sees(lambda one: one.state == "waiting")
        hotline.kill_server()
        writing = asyncio.create_task(first.writes("在服务器重启时写的"))
        await hotline.server_is_back()
        await writing
        await first.sees(lambda one: one.state == "talking" and one.call_id == call.call_id)
        await shown(desk, lambda: any(line.text == "在服务器重启时写的" for line in desk.lines.values()))
        assert any(line.text == "一" for line in desk.lines.values())
        await desk.send(SayText(call_id=call.call_id, text="还在"))
        await first.reads("还在")
        assert (await third.sees(lambda one: one.state == "waiting")).call_id == waiting.call_id
        for one in (call, other):
            await desk.send(EndText(call_id=one.call_id))
            await desk.send(EndText(call_id=one.call_id))
        offer = await offered(desk, third)  # the place freed goes to who waited
        assert offer.call_id == waiting.call_id
        await third.say(Leave())
        await third.sees(lambda one: one.state == "ended")


async def test_a_citizen_who_reloads_the_page_finds_everything_again(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    await desk.send(NotReady(reason="rest"))
    async with CitizenPage(hotline.stack.web) as citizen:
        await citizen.begin()
        await citizen.writes("写在重新打开之前")
        await citizen.close_page()
        citizen.lines.clear()
        citizen.view = None
        await citizen.connect()
        await citizen.reads("写在重新打开之前")
        await citizen.say(Leave())
        await citizen.sees(lambda one: one.state == "ended")


async def test_guests_reach_nothing_without_a_token_of_their_own(hotline: Hotline) -> None:
    async with CitizenPage(hotline.stack.web) as citizen:
        citizen.token = "x" * 43
        citizen._reading = asyncio.create_task(citizen._stay())
        await citizen._until(lambda: citizen.close_code == 4401, "refused")


async def test_a_line_without_end_and_a_flood_are_refused(hotline: Hotline) -> None:
    async with CitizenPage(hotline.stack.web) as citizen:
        await citizen.begin()
        await citizen.say(WriteText(text="长" * 2001, line_id="long"))
        await citizen._until(lambda: bool(citizen.refused), "refused")
        for number in range(40):
            await citizen.say(WriteText(text="洪", line_id=f"f{number}"))
        await citizen._until(lambda: citizen.close_code == 4429, "closed")
        await citizen.sees(lambda one: one.call_id != "")
        await citizen.close_page()


async def test_consent_origin_and_numbers_of_guests_are_checked(hotline: Hotline) -> None:
    base = hotline.stack.web
    async with CitizenPage(base) as citizen:
        status, told = await citizen.ask(consent=False)
        assert (status, told["error"]["code"]) == (400, "consent_missing")
        citizen._http.headers["Origin"] = "https://elsewhere.example"
        assert (await citizen.ask())[0] == 403
        citizen._http.headers["Origin"] = base
        statuses = [(await citizen.ask())[0] for _ in range(35)]
    assert 429 in statuses
