"""What a line of the trail changed is put back as it was; templates keep all their versions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.database import open_engine
from cti.hook_transcripts import SETTLED_S, note_transcripts
from cti.messages import Role
from cti.system_tables import hook_events
from cti.tables import blocked_numbers, callbacks, calls, transcript_lines
from cti.webhooks import HookKind, WebhookStore
from orders.messages import DraftOpened, OrderDiscarded
from orders.store import OrderStore
from orders.unit_table import shipped_units
from tests.support.casework import loop_over
from tests.support.loopback import LoopbackBlock
from tests.support.web import Clock, Site, open_site

pytestmark = pytest.mark.integration

NUMBER = "13800000009"


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def site(engine: AsyncEngine, loopback: LoopbackBlock, tmp_path: Path) -> AsyncIterator[Site]:
    clock = Clock()
    casework = loop_over(engine, tmp_path, clock=clock).casework
    async with open_site(
        engine, tmp_path, loopback.address(), clock=clock, casework=casework, orders=casework.store
    ) as site:
        await site.add("guanli", Role.ADMIN)
        yield site


async def ask(browser: aiohttp.ClientSession, method: str, path: str, json: Any = None) -> tuple[int, Any]:
    async with browser.request(method, path, json=json) as response:
        text = await response.text()
        return response.status, await response.json() if text else None


async def newest(admin: aiohttp.ClientSession, what: str) -> dict[str, Any]:
    _, told = await ask(admin, "GET", f"/api/admin/changes?what={what}")
    row: dict[str, Any] = told["changes"][0]
    return row


async def back(admin: aiohttp.ClientSession, row: dict[str, Any], reason: str = "改错了") -> int:
    assert row["returnable"], row
    return (await ask(admin, "POST", f"/api/admin/changes/{row['id']}/back", {"reason": reason}))[0]


async def test_a_number_that_was_entered_changed_or_taken_off_is_as_before(site: Site) -> None:
    admin = await site.signed_in("guanli")
    entry = {"number": NUMBER, "kind": "nuisance", "reason": "反复无声"}
    assert (await ask(admin, "POST", "/api/blocked", entry))[0] == 201
    first = await newest(admin, "number_blocked")
    assert (await ask(admin, "POST", "/api/blocked", {**entry, "kind": "blocked", "reason": "辱骂"}))[
        0
    ] == 201
    assert await back(admin, await newest(admin, "number_blocked")) == 200
    (kept,) = (await ask(admin, "GET", "/api/blocked"))[1]["numbers"]
    assert (kept["kind"], kept["reason"]) == ("nuisance", "反复无声")
    row = await newest(admin, "number_blocked")
    assert (row["title"], row["detail"]["reason"]) == ("登记来电名单", "改错了")
    assert (await ask(admin, "DELETE", f"/api/blocked/{NUMBER}?reason=误登记"))[0] == 204
    assert await back(admin, await newest(admin, "number_unblocked")) == 200
    assert (await ask(admin, "GET", "/api/blocked"))[1]["total"] == 1
    assert await back(admin, first) == 200  # before it there was nothing
    assert (await ask(admin, "GET", "/api/blocked"))[1]["total"] == 0
    assert await back(admin, first) == 404  # and there is nothing to be taken off any more


async def test_an_end_that_has_passed_is_not_put_back(site: Site) -> None:
    admin = await site.signed_in("guanli")
    until = site.deps.clock() + 60
    entry = {"number": NUMBER, "kind": "blocked", "reason": "辱骂", "until": until}
    assert (await ask(admin, "POST", "/api/blocked", entry))[0] == 201
    assert (await ask(admin, "DELETE", f"/api/blocked/{NUMBER}?reason=误登记"))[0] == 204
    clock = site.deps.clock
    assert isinstance(clock, Clock)
    clock.now += 120
    row = await newest(admin, "number_unblocked")
    status, told = await ask(admin, "POST", f"/api/admin/changes/{row['id']}/back", {"reason": "还要"})
    assert (status, "截止时间" in told["error"]["message"]) == (409, True)


async def test_a_template_keeps_its_versions_and_goes_back_with_a_reason(site: Site) -> None:
    admin = await site.signed_in("guanli")
    made = {"template_id": "lamp", "category": "", "title": "路灯", "questions": ["灯杆编号？"]}
    path = "/api/templates/lamp"
    assert (await ask(admin, "PUT", path, {"template": made}))[0] == 400  # without a reason
    status, first = await ask(admin, "PUT", path, {"template": made, "reason": "常问"})
    assert (status, first["version"]) == (200, 1)
    changed = {**first, "title": "路灯不亮", "questions": []}
    assert (await ask(admin, "PUT", path, {"template": changed, "reason": "改标题"}))[0] == 200
    row = await newest(admin, "template_changed")
    assert (row["detail"]["before"]["title"], row["detail"]["after"]["title"]) == ("路灯", "路灯不亮")
    assert await back(admin, row) == 200
    _, told = await ask(admin, "GET", f"{path}/versions")
    assert [(one["template"]["title"], one["reason"]) for one in told["versions"]] == [
        ("路灯", "改错了"), ("路灯不亮", "改标题"), ("路灯", "常问"),
    ]  # fmt: skip
    assert told["versions"][0]["template"]["questions"] == ["灯杆编号？"]
    assert (await ask(admin, "GET", "/api/templates/none/versions"))[0] == 404


async def test_an_alert_rule_and_a_rule_of_units_come_back(site: Site) -> None:
    admin = await site.signed_in("guanli")
    _, told = await ask(admin, "GET", "/api/alert-rules")
    rule = told["rules"][0]["rule"]
    path = f"/api/alert-rules/{rule['key']}"
    assert (await ask(admin, "DELETE", f"{path}?reason=太吵"))[0] == 204
    assert await back(admin, await newest(admin, "alert_rule_removed")) == 200
    _, told = await ask(admin, "GET", "/api/alert-rules")
    assert rule in [one["rule"] for one in told["rules"]]
    casework = site.deps.casework
    assert casework is not None
    unit = shipped_units()[0].name
    row = {"category": "市容环境", "district": "新城区", "street": "", "unit": unit, "since": "", "until": ""}
    made = await casework.dispatch.book.put_rule(row, by="guanli", reason="分工")
    await casework.dispatch.book.remove_rule(made.rule_id, by="guanli", reason="撤")
    assert await back(admin, await newest(admin, "unit_rule_removed")) == 200
    assert made in await casework.units.rules()
    assert await back(admin, await newest(admin, "unit_rule_put")) == 200
    assert made not in await casework.units.rules()


async def test_what_cannot_be_put_back_says_so(site: Site) -> None:
    admin = await site.signed_in("guanli")
    row = await newest(admin, "signed_in")
    assert not row["returnable"]
    status, _ = await ask(admin, "POST", f"/api/admin/changes/{row['id']}/back", {"reason": "试试"})
    assert status == 409
    assert (await ask(admin, "POST", "/api/admin/changes/999999/back", {"reason": "试试"}))[0] == 404
    _, told = await ask(admin, "GET", "/api/admin/changes?what=账号")
    assert {one["what"] for one in told["changes"]} == {"account_created"}
    assert "班长操作" in told["groups"]
    status, told = await ask(admin, "GET", "/api/audit?group=登录")
    assert {one["title"] for one in told["audit"]} == {"登录"}
    assert (await ask(admin, "GET", "/api/audit?group=没有"))[0] == 400


async def test_a_number_whose_orders_agents_gave_up_as_nuisance_is_proposed(
    site: Site, engine: AsyncEngine
) -> None:
    store, now = OrderStore(engine, clock=site.deps.clock), site.deps.clock()
    opened = DraftOpened(order_id="o1", call_id="c1", caller=NUMBER)
    gone = OrderDiscarded(agent="zhang", reason="骚扰电话")
    await store.create([opened, gone], order_id="o1", event_id="o1", at=now)
    async with engine.begin() as connection:
        await connection.execute(insert(calls).values(a_call("c1", started=now - 60)))
    admin = await site.signed_in("guanli")
    (told,) = (await ask(admin, "GET", "/api/blocked/suspects"))[1]["suspects"]
    assert (told["number"], told["nuisance"], told["calls"], told["total"]) == (NUMBER, 1, 0, 1)
    entry = {"number": NUMBER, "kind": "nuisance", "reason": "骚扰", "until": now + 60}
    assert (await ask(admin, "POST", "/api/blocked", entry))[0] == 201
    assert (await ask(admin, "GET", "/api/blocked/suspects"))[1]["suspects"] == []
    async with engine.begin() as connection:
        await connection.execute(blocked_numbers.update().values(until=now - 1))
    assert (
        len((await ask(admin, "GET", "/api/blocked/suspects"))[1]["suspects"]) == 1
    )  # it does not count any more


def a_call(call_id: str, *, started: float, **more: object) -> dict[str, object]:
    return {
        "call_id": call_id, "caller": NUMBER, "called": "12345", "state": "queued", "queue": "",
        "queue_title": "", "started": started, "rings": 0, **more,
    }  # fmt: skip


async def test_calls_callbacks_and_transcripts_are_told_once_each(engine: AsyncEngine) -> None:
    now = 1_800_000_000.0
    line = {
        "call_id": "c1", "line_id": "1", "entry_id": "e1", "speaker": "citizen", "text": "你好",
        "verbatim": "你好", "start_s": 0.0, "end_s": 1.0, "words": [],
    }  # fmt: skip
    back = {
        "callback_id": "b1", "entry_id": "e8", "number": NUMBER, "diallable": True, "state": "waiting",
        "state_since": now, "origin": "citizen", "queue": "q", "needs": {}, "priority": 1, "urgent": False,
        "since": now, "first_at": now, "last_at": now, "wishes": 1, "calls": ["c1"], "tries": 1,
        "failures": 0, "call_id": "", "note": "", "by": "", "reason": "", "owner": "a",
    }  # fmt: skip
    store = WebhookStore(engine, key=lambda: "k", clock=lambda: now)
    await store.create(
        "平台", "https://example.org/", [HookKind.TRANSCRIPT_READY], by="guanli", reason="对接"
    )
    async with engine.begin() as connection:
        await connection.execute(insert(calls).values(a_call("c1", started=now)))
        await connection.execute(calls.update().values(answered=now + 5))
        await connection.execute(calls.update().values(ended=now + 9, rings=1))
        await connection.execute(insert(transcript_lines).values(line))
        await connection.execute(insert(callbacks).values(back))
        await connection.execute(callbacks.update().values(state="done", state_since=now + 20))
        await connection.execute(callbacks.update().values(tries=2))
    assert await note_transcripts(engine, now + 10) == 0  # sentences may still come
    assert await note_transcripts(engine, now + 10 + SETTLED_S) == 1
    assert await note_transcripts(engine, now + 20 + SETTLED_S) == 0
    async with engine.connect() as connection:
        rows = (await connection.execute(select(hook_events).order_by(hook_events.c.id))).all()
    assert [(row.kind, row.ref, row.at - now) for row in rows] == [
        ("call.started", "c1", 0.0), ("call.answered", "c1", 5.0), ("callback.created", "b1", 0.0),
        ("callback.done", "b1", 20.0), ("transcript.ready", "c1", 10.0 + SETTLED_S),
    ]  # fmt: skip
