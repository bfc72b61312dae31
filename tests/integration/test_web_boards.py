"""Alerts, waves, notices and announcements over HTTP: who may, and who is refused."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from cti.burst_store import BurstStore
from cti.control.orderdesk import OrderDesk
from cti.control.orderfront import OrderFront
from cti.database import open_engine
from cti.figures.causes import Break, Cause
from cti.figures.facts import CallFact
from cti.message_base import Role
from cti.messages import Entry
from cti.web.routes import ROUTES
from orders.bursts import Burst, Scale
from orders.messages import OrderState
from orders.order_links import merged_into
from orders.store import OrderStore
from tests.support.control import World
from tests.support.loopback import LoopbackBlock
from tests.support.web import Clock, Site, boards_for, open_site

pytestmark = pytest.mark.integration

PARTS = ("wall/breaks", "alerts", "alert-rules", "bursts", "bulletins", "announcements")
BOARD_ROUTES = [
    (route.method, route.path)
    for route in ROUTES
    if route.path.removeprefix("/api/").split("/{")[0].startswith(PARTS)
]
FIELDS = {
    "type": "投诉", "category": "城乡建设/供水", "summary": "翠湖小区停水", "contact": "王女士",
    "title": "尽快恢复供水", "district": "城东区", "place": "翠湖小区",
}  # fmt: skip
LATE = [
    Break(
        call=CallFact(
            call_id=f"c{n}", started=9_000.0 - n, queue="general", queue_title="=综合", queued=9_000.0 - n,
            answered=9_020.5 - n if n % 3 else None, ended=9_040.0 - n, waited_s=20.5 if n % 3 else None,
        ),
        cause=Cause.ALL_BUSY if n % 3 else Cause.MISSED_RING,
    )
    for n in range(120)
]  # fmt: skip
"""Late calls, newest first."""


@pytest_asyncio.fixture
async def site(migrated_url: str, tmp_path: Path, loopback: LoopbackBlock) -> AsyncIterator[Site]:
    engine, clock = open_engine(migrated_url), Clock()

    async def breaks() -> tuple[float, Sequence[Break]]:
        return clock(), LATE

    boards = replace(boards_for(engine, clock), breaks=breaks)
    async with open_site(engine, tmp_path, loopback.address(), clock=clock, boards=boards) as running:
        await running.add("zhang", extension="1001")
        await running.add("lingdao", Role.LISTENER)
        await running.add("banzhang", Role.SUPERVISOR)
        yield running
    await engine.dispose()


async def ask(browser: aiohttp.ClientSession, method: str, path: str) -> int:
    named = path.replace("{", "").replace("}", "")
    body: dict[str, str] | None = None if method == "GET" else {}
    async with browser.request(method, named, json=body) as response:
        return response.status


async def test_only_people_in_charge_reach_alerts_waves_notices_and_announcements(site: Site) -> None:
    stranger, charge = site.browser(), await site.signed_in("banzhang")
    refused = [await site.signed_in(login) for login in ("zhang", "lingdao")]
    assert len(BOARD_ROUTES) >= 18
    for method, path in BOARD_ROUTES:
        assert await ask(stranger, method, path) == 401, (method, path)
        for person in refused:
            assert await ask(person, method, path) == 403, (method, path)
        status = await ask(charge, method, path)
        assert status == 200 if method == "GET" and "{" not in path else status in (400, 404, 415), path


async def test_every_late_call_is_reached_by_turning_pages_and_the_file_has_as_many_as_the_wall_counts(
    site: Site,
) -> None:
    charge = await site.signed_in("banzhang")
    found, told = list[str](), dict[str, Any]()
    for page in (1, 2, 3):
        async with charge.get(f"/api/wall/breaks?page={page}&size=50") as response:
            told = await response.json()
        found += [one["call_id"] for one in told["breaks"]]
    assert found == [one.call.call_id for one in LATE]
    assert (told["all"], told["total"], told["causes"]) == (120, 120, {"all_busy": 80, "missed_ring": 40})
    async with charge.get("/api/wall/breaks/file") as response:
        assert response.status == 200
        head, *rows = csv.reader(io.StringIO((await response.text()).removeprefix("\ufeff")))
    assert len(rows) == 120
    assert dict(zip(head, rows[1], strict=True)) | {"开始时间": ""} == {
        "开始时间": "", "技能队列": "'=综合", "是否接通": "是", "等待（秒）": "20.5", "原因": "坐席全忙",
        "判定": "开始排队时，能接此来电的坐席都在通话、振铃或整理", "来电标识": "c1",
    }  # fmt: skip
    trail = await site.deps.accounts.trail(who="banzhang")
    assert ("breaks_exported", 120) in [(one.what, one.detail.get("calls")) for one in trail]


async def test_late_calls_are_narrowed_by_cause_while_their_number_stays_that_of_the_wall(site: Site) -> None:
    charge = await site.signed_in("banzhang")
    async with charge.get("/api/wall/breaks?cause=missed_ring&size=100") as response:
        told = await response.json()
    assert (told["all"], told["total"], len(told["breaks"])) == (120, 40, 40)
    assert {one["cause_title"] for one in told["breaks"]} == {"坐席漏接"}
    async with charge.get("/api/wall/breaks?cause=whim") as response:
        assert response.status == 400


async def test_orders_of_a_wave_are_merged_into_one_at_once_and_each_says_what_became_of_it(
    migrated_url: str, tmp_path: Path, loopback: LoopbackBlock
) -> None:
    engine, clock = open_engine(migrated_url), Clock(1_800_000_000.0)
    store = OrderStore(engine, clock=clock)
    for name in ("main", "second", "draft", "gone", "elsewhere"):
        await store.open_draft(f"call-{name}", "13800000001", order_id=name)
        for field, value in FIELDS.items():
            await store.edit(name, field, value, agent="li")
    for name in ("main", "second"):
        await store.submit(name, "li", f"key-{name}")
    await store.discard("gone", "li", "拨错号码")
    wave = Burst(
        burst_id="b1", scale=Scale.PLACE, category="城乡建设/供水", district="城东区", place="翠湖小区",
        orders=("main", "second", "draft", "gone"), callers=4, since=clock(), last=clock(),
    )  # fmt: skip
    await BurstStore(engine, clock).keep([wave])
    front = OrderFront(store, OrderDesk(World().calls, on_disk, lambda _draft: None))
    async with open_site(engine, tmp_path, loopback.address(), clock=clock, orders=front) as site:
        await site.add("banzhang", Role.SUPERVISOR)
        charge = await site.signed_in("banzhang")

        async def do(what: str, **body: object) -> dict[str, Any]:
            async with charge.post(f"/api/bursts/b1/{what}", json=body) as response:
                found: dict[str, Any] = await response.json()
                return {"status": response.status} | found

        told = await do("merge", into="main", orders=["second", "draft", "gone"], reason="同一处停水")
        assert (told["done"], [one["done"] for one in told["results"]]) == (2, [True, True, False])
        assert told["results"][2]["why"] != ""
        merged = [merged_into((await store.get(one)).draft) for one in ("second", "draft", "gone")]
        assert merged == ["main", "main", ""]
        again = await do("merge", into="main", orders=["second"], reason="再来一次")
        assert [one["why"] for one in again["results"]] == ["已经并入该工单"]

        undone = await do("merge/undo", orders=["second", "draft"], reason="不是一回事")
        assert undone["done"] == 2
        states = [(await store.get(one)).draft.state for one in ("second", "draft")]
        assert states == [OrderState.ACCEPTED, OrderState.DRAFT]
        assert (await store.get("main")).draft.links == ()

        assert (await do("merge", into="draft", orders=["second"], reason="主单是草稿"))["status"] == 409
        assert (await do("merge", into="main", orders=["elsewhere"], reason="不在其中"))["status"] == 400
        assert (await do("merge", into="main", orders=["second"], reason=" "))["status"] == 400
        trail = {one.what: one.detail for one in await site.deps.accounts.trail(who="banzhang")}
        assert trail["burst_mergers_undone"]["reason"] == "不是一回事"
        assert trail["burst_orders_merged"]["into"] == "main"
    await engine.dispose()


async def on_disk(_entry: Entry) -> None:
    """Nothing is ever written: no draft is live."""
