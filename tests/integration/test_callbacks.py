"""Call-backs from end to end: a place kept, an agent reserved, a citizen dialled, two who hear each other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from acd.messages import AgentState
from asterisk_conf.provide import AsteriskInstall
from cti.messages import CallState, FinishWrapUp, NotReady
from tests.support.hotline import LIMIT_S, Citizen, Desk, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock
from tests.support.until import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


ROUND_THE_CLOCK = """
[callbacks]
opens = "00:00"
closes = "24:00"
ring_s = 8
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock) -> AsyncIterator[Hotline]:
    """A hotline without captions."""
    async with running_hotline(module_loopback, more=ROUND_THE_CLOCK) as hotline:
        yield hotline


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(shared: Hotline) -> AsyncIterator[Hotline]:
    """The running hotline without a call and without an open call-back."""
    yield shared
    await shared.quiet()
    desk = await shared.desk(1)
    for callback in (await shared.fetch("/api/callbacks?open=true&size=100"))["callbacks"]:
        await give_up(desk, callback["callback_id"])


async def post(desk: Desk, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    """POST as this desk's person; the status and the answer."""
    async with desk._http.post(f"{desk._base}{path}", json=body or {}) as response:
        return response.status, await response.json()


async def wish(desk: Desk, number: str, **more: Any) -> dict[str, Any]:
    """Somebody is to be called back, by this person's hand."""
    status, callback = await post(
        desk, "/api/callbacks", {"number": number, "queue": "general", "urgent": True, **more}
    )
    assert status == 201, callback
    return callback


async def give_up(desk: Desk, callback_id: str) -> None:
    """Close a call-back, whenever it may be closed."""
    async with asyncio.timeout(LIMIT_S):
        while (await post(desk, f"/api/callbacks/{callback_id}/give-up", {"reason": "测试结束"}))[0] != 200:
            told = await desk.fetch(f"/api/callbacks/{callback_id}")
            if not told["open"]:
                return
            await asyncio.sleep(0.2)


async def becomes(
    hotline: Hotline, callback_id: str, true: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Wait until this is true of a call-back."""
    told: dict[str, Any] = {}
    try:
        async with asyncio.timeout(LIMIT_S):
            while True:
                told = await hotline.fetch(f"/api/callbacks/{callback_id}")
                if true(told):
                    return told
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"call-back stays {told}") from None


async def of_number(hotline: Hotline, number: str) -> dict[str, Any]:
    """Wait for the open call-back of a number."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            found = (await hotline.fetch(f"/api/callbacks?open=true&number={number}"))["callbacks"]
            if found:
                return dict(found[0])
            await asyncio.sleep(0.1)


def has_wishes(times: int, told: dict[str, Any]) -> bool:
    """Whether a call-back was wished so often."""
    return bool(told["wishes"] == times)


async def events(hotline: Hotline, callback_id: str) -> list[str]:
    """What happened to a call-back, in order, as far as the database knows."""
    moves = (await hotline.fetch(f"/api/callbacks/{callback_id}/history"))["moves"]
    return [move["event"] for move in moves]


async def wrapped_up(desk: Desk, citizen: Citizen) -> None:
    """Citizen hangs up, the agent finishes writing."""
    citizen.hang_up()
    await until(lambda: desk.state == "wrap_up", LIMIT_S)
    await desk.send(NotReady(reason="rest"))
    await desk.send(FinishWrapUp())


async def test_the_agent_is_reserved_the_citizen_answers_and_then_the_agents_telephone_rings(
    hotline: Hotline,
) -> None:
    desk = await hotline.desk(1)
    citizen = hotline.citizen("13800002001")
    await hotline.network_answers(citizen.number, 2)
    callback = await wish(desk, "+86 138 0000 2001", note="想问公积金")
    assert callback["number"] == citizen.number
    await hotline.ready(1)
    reserved = await hotline.agent_is(1, AgentState.RESERVED)
    assert reserved.call_id == callback["callback_id"]
    assert not citizen.inside.is_set()  # the citizen's telephone rings, the agent's does not
    view = desk.callback
    assert view is not None
    assert (view.number, view.note, view.origin) == (citizen.number, "想问公积金", "person")
    await citizen.inside.wait()
    await citizen.hears_agent()
    done = await becomes(hotline, callback["callback_id"], lambda told: told["state"] == "done")
    assert (done["agent_id"], done["tries"], done["open"]) == ("agent1", 1, False)
    call = await hotline.is_in(citizen, CallState.TALKING)
    assert call.caller == citizen.number
    await wrapped_up(desk, citizen)
    record = await hotline.record(citizen, "ended")
    assert (record["outcome"], record["agent_id"], record["queue"]) == ("answered", "agent1", "general")
    async with asyncio.timeout(LIMIT_S):
        while "done" not in await events(hotline, callback["callback_id"]):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert await events(hotline, callback["callback_id"]) == [
        "wanted", "reserved", "dialled", "reached", "done",
    ]  # fmt: skip


async def test_a_citizen_who_presses_the_key_in_line_hangs_up_and_is_called_back_before_those_who_came_later(
    hotline: Hotline,
) -> None:
    desk = await hotline.desk(1)
    waiting, later = hotline.citizen("13800002101"), hotline.citizen("13800002102")
    await hotline.dial(waiting)
    queued = (await hotline.is_in(waiting, CallState.WAITING)).queued
    await hotline.dial(later)
    await hotline.is_in(later, CallState.WAITING)
    waiting.press("1")  # call me back
    await asyncio.sleep(1.0)
    waiting.press("1")  # at this number
    callback = await of_number(hotline, waiting.number)
    assert (callback["origin"], callback["state"], callback["since"]) == ("citizen", "waiting", queued)
    waiting.hang_up()
    await waiting.gone.wait()
    called = hotline.citizen(waiting.number)
    await hotline.ready(1)
    await called.hears_agent()
    assert not later.reached_at
    told = await becomes(hotline, callback["callback_id"], lambda told: not told["open"])
    assert (told["state"], told["wishes"]) == ("done", 1)
    called.hang_up()
    await until(lambda: desk.state == "wrap_up", LIMIT_S)
    await desk.send(FinishWrapUp())
    await later.hears_agent()


async def test_a_call_back_stands_at_its_place_before_and_after_those_on_the_line(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    first, second = hotline.citizen("13800002011"), hotline.citizen("13800002013")
    called = hotline.citizen("13800002012")
    await hotline.dial(first)
    await hotline.is_in(first, CallState.WAITING)
    callback = await wish(desk, called.number, urgent=False, after=None)
    await asyncio.sleep(1.1)
    await hotline.dial(second)
    await hotline.is_in(second, CallState.WAITING)
    await hotline.ready(1)
    served = []
    for citizen in (first, called, second):
        await citizen.hears_agent()
        served.append(citizen.number)
        assert [one.number for one in (first, called, second) if one.reached_at] == served
        citizen.hang_up()
        await until(lambda: desk.state == "wrap_up", LIMIT_S)
        await desk.send(FinishWrapUp())
    assert (await becomes(hotline, callback["callback_id"], lambda told: not told["open"]))["state"] == "done"


@pytest.mark.parametrize(("how", "result"), [("busy", "busy"), ("refuse", "refused"), ("never", "no_answer")])
async def test_who_is_not_reached_is_tried_again_later_and_the_agent_is_free_at_once(
    hotline: Hotline, how: str, result: str
) -> None:
    desk = await hotline.desk(1)
    number = f"1380000202{len(how)}"
    await hotline.network_answers(number, how)
    callback = await wish(desk, number)
    await hotline.ready(1)
    told = await becomes(hotline, callback["callback_id"], lambda told: told["last_result"] is not None)
    assert (told["last_result"], told["state"], told["tries"]) == (result, "waiting", 1)
    assert told["not_before"] - told["state_since"] == pytest.approx(300, abs=1)
    assert told["since"] == callback["since"]
    await hotline.agent_is(1, AgentState.READY)
    fresh = hotline.citizen("13800002029")
    await hotline.dial(fresh)
    await fresh.hears_agent()  # the agent takes other calls meanwhile


async def test_a_number_that_does_not_exist_is_given_up(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    await hotline.network_answers("13800002030", "none")
    callback = await wish(desk, "13800002030")
    await hotline.ready(1)
    told = await becomes(
        hotline, callback["callback_id"], lambda told: told["tries"] > 0 and told["last_result"]
    )
    assert told["last_result"] in ("invalid", "failed")


async def test_a_server_that_dies_while_the_citizens_telephone_rings_loses_nobody(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    citizen = hotline.citizen("13800002041")
    await hotline.network_answers(citizen.number, 6)
    callback = await wish(desk, citizen.number)
    await hotline.ready(1)
    await becomes(hotline, callback["callback_id"], lambda told: told["state"] == "dialling")
    hotline.kill_server()
    await citizen.inside.wait()
    await citizen.hears_agent()
    told = await becomes(hotline, callback["callback_id"], lambda told: not told["open"])
    assert told["state"] in ("done", "withdrawn")


async def test_a_server_that_dies_before_it_dials_calls_back_when_it_is_there_again(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    citizen = hotline.citizen("13800002051")
    callback = await wish(desk, citizen.number)
    await hotline.take_server_away()
    await hotline.bring_server_back()
    told = await hotline.fetch(f"/api/callbacks/{callback['callback_id']}")
    assert (told["state"], told["since"]) == ("waiting", callback["since"])
    await hotline.ready(1)
    await citizen.hears_agent()
    assert (await becomes(hotline, callback["callback_id"], lambda told: not told["open"]))["state"] == "done"


async def test_the_same_number_calling_again_joins_its_own_place(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    citizen, other = hotline.citizen("13800002061"), hotline.citizen("13800002062")
    callback = await wish(desk, citizen.number, urgent=False)
    await asyncio.sleep(1.1)
    await hotline.dial(other)
    await hotline.is_in(other, CallState.WAITING)
    await hotline.dial(citizen)
    await hotline.is_in(citizen, CallState.WAITING)
    assert (await hotline.fetch(f"/api/callbacks/{callback['callback_id']}"))["state"] == "waiting"
    await hotline.ready(1)
    await citizen.hears_agent()
    assert not other.reached_at
    told = await becomes(hotline, callback["callback_id"], lambda told: not told["open"])
    assert (told["state"], told["reason"]) == ("withdrawn", "called_again")


async def test_an_abandoned_call_becomes_one_call_back_and_twice_abandoned_still_one(
    hotline: Hotline,
) -> None:
    number = "13800002071"
    callback: dict[str, Any] = {}
    for times in (1, 2):
        citizen = hotline.citizen(number)
        await hotline.dial(citizen)
        await hotline.is_in(citizen, CallState.WAITING)
        await asyncio.sleep(5.5)
        citizen.hang_up()
        wished = (await of_number(hotline, number))["callback_id"]
        callback = await becomes(hotline, wished, partial(has_wishes, times))
    assert (callback["origin"], callback["queue"], len(callback["calls"])) == ("abandoned", "general", 2)
    assert (await hotline.fetch(f"/api/callbacks?number={number}"))["total"] == 1


async def test_an_agent_who_misses_the_ring_costs_the_reached_citizen_no_place(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    citizen = hotline.citizen("13800002081")
    await hotline.answers(1, "busy")
    callback = await wish(desk, citizen.number)
    await hotline.ready(1)
    await citizen.inside.wait()
    await hotline.agent_is(1, AgentState.NOT_READY)
    await hotline.is_in(citizen, CallState.WAITING)
    assert not citizen.gone.is_set()
    await hotline.ready(2)
    await citizen.hears_agent()
    assert citizen.agent == "8002"
    told = await becomes(hotline, callback["callback_id"], lambda told: not told["open"])
    assert (told["state"], told["agent_id"], told["tries"]) == ("done", "agent2", 1)


async def test_an_agent_takes_a_call_back_by_hand_out_of_its_turn(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    citizen = hotline.citizen("13800002091")
    callback = await wish(desk, citizen.number, after=time.time() + 3600)
    status, told = await post(desk, f"/api/callbacks/{callback['callback_id']}/take")
    assert (status, told["error"]["message"]) == (409, "请先示闲，再领取回拨")
    await hotline.ready(1)
    status, told = await post(desk, f"/api/callbacks/{callback['callback_id']}/take")
    assert status == 200, told
    await citizen.hears_agent()
    assert (await becomes(hotline, callback["callback_id"], lambda told: not told["open"]))[
        "agent_id"
    ] == "agent1"


async def test_a_blocked_number_is_never_dialled(hotline: Hotline) -> None:
    desk = await hotline.desk(1)
    number = "13800002095"
    callback = await wish(desk, number)
    status, _ = await post(
        hotline.admin, "/api/blocked", {"number": number, "kind": "blocked", "reason": "骚扰"}
    )
    assert status == 201
    await hotline.ready(1)
    told = await becomes(hotline, callback["callback_id"], lambda told: not told["open"])
    assert (told["state"], told["reason"], told["tries"]) == ("given_up", "blocked", 0)
    await hotline.agent_is(1, AgentState.READY)
