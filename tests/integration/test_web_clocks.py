"""Time limits, calendar and supervision over HTTP: said, tried, changed, acted upon."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import pytest_asyncio

from cti.casework.parts import Casework
from cti.database import open_engine
from cti.messages import Role
from orders import course_events as happened
from orders.course_clocks import found
from orders.course_messages import ClockKind
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from tests.support.casework import loop_over
from tests.support.editions import ConfigServer, own_files
from tests.support.loopback import LoopbackBlock
from tests.support.web import Clock, Site, open_site

pytestmark = pytest.mark.integration

MONDAY = datetime.datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
HOUR = 3600.0


class Office:
    """A running site with two orders, one of them late."""

    def __init__(self, site: Site, casework: Casework, clock: Clock) -> None:
        self.site = site
        self.casework = casework
        self.clock = clock

    async def sent(self, order_id: str) -> None:
        values = {"type": "求助", "category": "城乡建设/供水", "summary": "停水", "title": f"停水 {order_id}"}
        edits = [FieldEdited(field=name, value=value, agent="chen") for name, value in values.items()]
        opened = DraftOpened(order_id=order_id, call_id="", caller="13800000001")
        events: list[OrderEvent] = [opened, *edits, OrderSubmitted(agent="chen")]
        await self.casework.store.create(events, order_id=order_id, event_id=f"new:{order_id}")
        sent = happened.OrderDispatched(lead="市水务局", source="clerk", by="wang")
        await self.casework.store.apply(order_id, sent)


@pytest.fixture
def database(migrated_sqlite: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'hotline.sqlite')}"


@pytest_asyncio.fixture
async def office(database: str, tmp_path: Path, loopback: LoopbackBlock) -> AsyncIterator[Office]:
    engine, clock = open_engine(database), Clock(MONDAY)
    loop = loop_over(engine, tmp_path, clock=clock)
    config = ConfigServer(engine, own_files(tmp_path / "files"), tmp_path / "one")
    config.cases.on_rules.append(lambda rules: setattr(loop.policy, "rules", rules.course))
    async with open_site(
        engine,
        tmp_path,
        loopback.address(),
        clock=clock,
        casework=loop.casework,
        orders=loop.store,
        editions=config.keeper,
    ) as site:
        await site.add("banzhang", Role.SUPERVISOR)
        await site.add("wang", Role.CLERK)
        await site.add("lingdao", Role.LEADER)
        yield Office(site, loop.casework, clock)
    await engine.dispose()


async def ask(browser: aiohttp.ClientSession, method: str, path: str, **more: Any) -> tuple[int, Any]:
    async with browser.request(method, path, **more) as response:
        return response.status, await response.json()


async def test_clerks_read_the_rules_in_sentences_and_try_them(office: Office) -> None:
    async with await office.site.signed_in("wang") as browser:
        status, told = await ask(browser, "GET", "/api/clocks")
        assert status == 200 and told["clocks"][0]["text"].startswith("规则“一般诉求”：适用于所有工单")
        assert told["editable"] == [] and "weekly:" in told["workdays"]
        tried = {"type": "咨询", "urgency": "紧急", "at": MONDAY}
        status, told = await ask(browser, "POST", "/api/clocks/explain", json=tried)
    rules = {one["limit"]: one["rule"] for one in told["limits"]}
    assert (rules["sign"], rules["resolve"], rules["track"]) == ("urgent", "urgent", "general")
    due = {one["limit"]: one["due"] for one in told["limits"]}
    assert due["sign"] == MONDAY + 15 * 60


async def test_a_day_that_is_made_a_holiday_moves_the_due_of_new_orders_only(office: Office) -> None:
    await office.sent("o1")
    async with await office.site.signed_in("banzhang") as browser:
        _, told = await ask(browser, "GET", "/api/clocks")
        _, days = await ask(browser, "POST", "/api/admin/calendar/days", json={"text": told["workdays"]})
        years = days["years"]
        years["2026"]["holidays"]["2026-11-24"] = "全市停课停工"
        body = {"text": told["workdays"], "years": years}
        _, changed = await ask(browser, "POST", "/api/admin/calendar/text", json=body)
        change = {"kind": "workdays", "text": changed["text"], "base": told["editions"]["workdays"]}
        publish = {"changes": [change], "reason": "台风停工"}
        status, _ = await ask(browser, "POST", "/api/admin/publish", json=publish)
        assert status == 200
        _, after = await ask(browser, "GET", "/api/clocks")
    assert after["editions"]["workdays"] == 2
    await office.sent("o2")
    dues = []
    for order_id in ("o1", "o2"):
        course = (await office.casework.store.get(order_id)).draft.course
        clock = found(course, ClockKind.SIGN) if course else None
        dues.append(clock.due if clock else 0.0)
    assert dues[1] - dues[0] == 24 * HOUR


async def test_late_orders_are_supervised_in_batch_and_counted_by_level(office: Office) -> None:
    for order_id in ("o1", "o2"):
        await office.sent(order_id)
    office.clock.now = MONDAY + 40 * HOUR
    async with await office.site.signed_in("lingdao") as browser:
        _, told = await ask(browser, "GET", "/api/supervision", params={"view": "late"})
        assert (told["total"], told["counts"]["late"], told["counts"]["levels"]["red"]) == (2, 2, 0)
        batch = {
            "move": "supervise",
            "orders": [{"order_id": one["order_id"], "version": one["version"]} for one in told["orders"]],
            "fields": {"level": "red", "reason": "民生事项逾期"},
        }
        status, done = await ask(
            browser, "POST", "/api/orders/moves", json=batch, headers={"Idempotency-Key": "red-1"}
        )
        assert (status, done["done"]) == (200, 2)
        red = {"view": "supervised", "level": "red"}
        _, told = await ask(browser, "GET", "/api/supervision", params=red)
    assert (told["total"], told["counts"]["levels"]) == (2, {"yellow": 0, "red": 2, "raised": 0, "leader": 0})


async def test_a_supervisor_sets_the_end_of_a_limit_by_hand_and_a_clerk_does_not(office: Office) -> None:
    await office.sent("o1")
    order = await office.casework.store.get("o1")
    due = MONDAY + 50 * HOUR
    body = {
        "move": "set_clock",
        "version": order.draft.version,
        "fields": {"kind": "sign", "due": due, "reason": "台风期间顺延"},
    }
    async with await office.site.signed_in("wang") as browser:
        assert (await ask(browser, "POST", "/api/orders/o1/moves", json=body))[0] == 403
    async with await office.site.signed_in("banzhang") as browser:
        wrong = {**body, "fields": {**body["fields"], "due": MONDAY - 1}}  # type: ignore[dict-item]
        status, refused = await ask(browser, "POST", "/api/orders/o1/moves", json=wrong)
        assert status == 400 and "到期时间" in refused["error"]["message"]
        status, told = await ask(browser, "POST", "/api/orders/o1/moves", json=body)
    assert status == 200
    (clock,) = (one for one in told["course"]["clocks"] if one["kind"] == "sign")
    assert (clock["due"], clock["rule"]) == (due, "")


async def test_clerks_and_units_do_not_see_the_page_of_supervision(office: Office) -> None:
    async with await office.site.signed_in("wang") as browser:
        assert (await ask(browser, "GET", "/api/supervision"))[0] == 403
