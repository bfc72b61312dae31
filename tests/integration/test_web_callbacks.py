"""Call-backs and blocked numbers over HTTP, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
import pytest_asyncio

from cti.control.callback_desk import CallbackRefused
from cti.database import open_engine
from cti.messages import Entry, EntryKind, Role
from tests.support.loopback import LoopbackBlock
from tests.support.web import Clock, FakeCallbackDesk, Site, open_site

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def site(migrated_url: str, tmp_path: Path, module_loopback: LoopbackBlock) -> AsyncIterator[Site]:
    engine = open_engine(migrated_url)
    async with open_site(engine, tmp_path, module_loopback.address(), clock=Clock()) as site:
        for login, role in (
            ("li", Role.AGENT),
            ("wang", Role.AGENT),
            ("ban", Role.SUPERVISOR),
            ("admin", Role.ADMIN),
        ):
            await site.add(login, role)
        yield site
    await engine.dispose()


async def ask(
    browser: aiohttp.ClientSession, method: str, path: str, body: dict[str, Any] | None = None
) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    async with browser.request(method, path, json=body) as response:
        return response.status, (await response.json() if response.status != 204 else None)


async def wished(browser: aiohttp.ClientSession, number: str = "13800000001") -> str:
    """Create a call-back; return its id."""
    status, told = await ask(browser, "POST", "/api/callbacks", {"number": number, "queue": "general"})
    assert status == 201
    return str(told["callback_id"])


async def test_a_call_back_is_created_listed_taken_and_closed_and_all_is_in_the_trail(site: Site) -> None:
    li, ban, admin = (
        await site.signed_in("li"),
        await site.signed_in("ban"),
        await site.signed_in("admin"),
    )
    first, second = await wished(li), await wished(ban, "13800000002")
    status, told = await ask(ban, "GET", "/api/callbacks?open=true")
    assert (status, told["total"]) == (200, 2)
    status, told = await ask(li, "POST", f"/api/callbacks/{first}/take")
    assert (status, told["state"], told["agent_id"]) == (200, "reserved", "li")
    status, told = await ask(ban, "POST", f"/api/callbacks/{second}/give-up", {"reason": "市民说不用了"})
    assert (status, told["state"], told["reason"], told["by"]) == (200, "given_up", "市民说不用了", "ban")
    status, told = await ask(ban, "GET", f"/api/callbacks/{second}/history")
    assert [move["event"] for move in told["moves"]] == ["create", "give_up"]
    _, told = await ask(ban, "GET", "/api/callbacks?open=false")
    assert [one["callback_id"] for one in told["callbacks"]] == [second]
    _, told = await ask(admin, "GET", "/api/audit?limit=4")
    assert [(line["what"], line["who"], line["target"]) for line in told["audit"]] == [
        ("callback_given_up", "ban", second),
        ("callback_taken", "li", first),
        ("callback_created", "ban", second),
        ("callback_created", "li", first),
    ]


async def test_an_agent_sees_the_numbers_of_their_own_call_backs_only(site: Site) -> None:
    li, wang, ban = await site.signed_in("li"), await site.signed_in("wang"), await site.signed_in("ban")
    own = await wished(li)
    assert (await ask(li, "GET", f"/api/callbacks/{own}"))[1]["number"] == "13800000001"
    assert (await ask(wang, "GET", f"/api/callbacks/{own}"))[1]["number"] == "138****0001"
    assert (await ask(ban, "GET", f"/api/callbacks/{own}"))[1]["number"] == "13800000001"
    _, told = await ask(wang, "GET", "/api/callbacks")
    assert told["callbacks"][0]["number"] == "138****0001"


async def test_an_agent_finds_a_whole_number_and_a_supervisor_a_part_of_it(site: Site) -> None:
    li, ban = await site.signed_in("li"), await site.signed_in("ban")
    await wished(ban)
    for part, agents, supervisors in (("13800000001", 1, 1), ("+8613800000001", 1, 0), ("0000001", 0, 1)):
        path = f"/api/callbacks?number={part.replace('+', '%2B')}"
        assert (await ask(li, "GET", path))[1]["total"] == agents
        assert (await ask(ban, "GET", path))[1]["total"] == supervisors


async def test_what_call_control_refuses_is_told_in_chinese(site: Site) -> None:
    li = await site.signed_in("li")
    own = await wished(li)
    desk = cast("FakeCallbackDesk", site.deps.callbacks)
    desk.refuse = CallbackRefused("请先示闲，再领取回拨")
    status, told = await ask(li, "POST", f"/api/callbacks/{own}/take")
    assert (status, told["error"]) == (409, {"code": "refused", "message": "请先示闲，再领取回拨"})
    desk.refuse = CallbackRefused("没有这个队列", field="queue")
    status, told = await ask(li, "POST", "/api/callbacks", {"number": "13800000009", "queue": "x"})
    assert (status, told["error"]["field"]) == (400, "queue")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/callbacks/none", None),
        ("GET", "/api/callbacks/none/history", None),
        ("POST", "/api/callbacks/none/take", None),
        ("POST", "/api/callbacks/none/settle", None),
        ("POST", "/api/callbacks/none/give-up", {"reason": "x"}),
    ],
)
async def test_an_unknown_call_back_is_not_found(
    site: Site, method: str, path: str, body: dict[str, Any] | None
) -> None:
    li = await site.signed_in("li")
    assert (await ask(li, method, path, body))[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        {"number": "", "queue": "general"},
        {"number": "1" * 41, "queue": "general"},
        {"number": "13800000001", "queue": "general", "note": "长" * 1001},
        {"number": "13800000001"},
        {"number": "13800000001", "queue": "general", "priority": 9},
    ],
)
async def test_a_wish_out_of_bounds_is_refused(site: Site, body: dict[str, Any]) -> None:
    li = await site.signed_in("li")
    assert (await ask(li, "POST", "/api/callbacks", body))[0] == 400


async def test_numbers_are_blocked_and_taken_off_by_those_in_charge(site: Site) -> None:
    li, ban = await site.signed_in("li"), await site.signed_in("ban")
    entry = {"number": "+8613800000001", "kind": "blocked", "reason": "辱骂话务员"}
    assert (await ask(li, "POST", "/api/blocked", entry))[0] == 403
    assert (await ask(li, "GET", "/api/blocked"))[0] == 403
    status, told = await ask(ban, "POST", "/api/blocked", entry)
    assert (status, told["number"], told["who"], told["until"]) == (201, "13800000001", "ban", None)
    status, told = await ask(ban, "GET", "/api/blocked?kind=blocked&number=0001")
    assert (status, told["total"], told["numbers"][0]["reason"]) == (200, 1, "辱骂话务员")
    assert (await ask(ban, "DELETE", "/api/blocked/13800000001"))[0] == 400
    assert await ask(ban, "DELETE", "/api/blocked/13800000001?reason=误登记") == (204, None)
    assert (await ask(ban, "DELETE", "/api/blocked/13800000001?reason=误登记"))[0] == 404
    assert await ask(ban, "GET", "/api/blocked/suspects") == (200, {"suspects": []})


@pytest.mark.parametrize(
    ("change", "field"),
    [({"number": "anonymous"}, "number"), ({"until": 1.0}, "until"), ({"kind": "friend"}, "kind")],
)
async def test_an_entry_that_makes_no_sense_is_refused_by_name(
    site: Site, change: dict[str, Any], field: str
) -> None:
    ban = await site.signed_in("ban")
    entry = {"number": "13800000001", "kind": "blocked", "reason": "x"} | change
    status, told = await ask(ban, "POST", "/api/blocked", entry)
    assert (status, told["error"]["field"]) == (400, field)


async def called(
    site: Site, call_id: str, caller: str, *, outcome: str = "abandoned_waiting", ago: float
) -> None:
    """A citizen calls, waits for half a minute, and the call ends so."""
    start = site.deps.clock() - ago
    data = {"caller": caller, "called": "12345", "queue": "general", "queue_title": "综合", "started": start}
    states: list[tuple[str, dict[str, object]]] = [
        ("waiting", {**data, "queued": start}),
        ("ended", {"ended": start + 30, "outcome": outcome}),
    ]
    await site.deps.calls.write(
        [
            Entry(
                entry_id=f"{call_id}-{place}", call_id=call_id, at=start, kind=EntryKind.CALL_STATE,
                data={"state": state, **told},
            )
            for place, (state, told) in enumerate(states)
        ]
    )  # fmt: skip


async def test_missed_calls_that_nobody_calls_back_are_listed_and_become_call_backs(site: Site) -> None:
    li, ban = await site.signed_in("li"), await site.signed_in("ban")
    await called(site, "lost", "13900000001", ago=3600)
    await called(site, "broken", "13900000002", outcome="failed", ago=1800)
    await called(site, "again", "13900000003", ago=3600)
    await called(site, "spoken", "13900000003", outcome="answered", ago=600)  # the same citizen, later
    await called(site, "old", "13900000004", ago=5 * 86_400)
    _, told = await ask(ban, "GET", "/api/calls/missed")
    assert [(one["call_id"], one["caller"]) for one in told["calls"]] == [
        ("broken", "13900000002"),
        ("lost", "13900000001"),
    ]
    _, told = await ask(li, "GET", "/api/calls/missed?size=1")
    assert (told["total"], told["calls"][0]["caller"]) == (2, "139****0002")
    _, told = await ask(li, "GET", "/api/work/counts")
    assert (told["missed"], told["callbacks"], told["visits"]) == (2, 0, 0)
    status, told = await ask(li, "POST", "/api/callbacks", {"call_id": "lost"})
    assert (status, told["number"], told["queue"]) == (201, "13900000001", "general")
    status, told = await ask(li, "POST", "/api/callbacks", {"call_id": "spoken"})
    assert status == 403  # whose number it was is nobody's to learn in this way
    assert (await ask(li, "POST", "/api/callbacks", {"call_id": "none"}))[0] == 404
