"""Repeated matters and topics over HTTP: who is told of what."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from cti.database import open_engine
from cti.messages import Role
from orders.course_events import OrderDispatched
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.store import OrderStore
from tests.support.casework import loop_over
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = pytest.mark.integration

UNIT, OTHER = "市水务局", "市住建局"
PHONE = "13900001234"


async def reported(
    store: OrderStore, order_id: str, lead: str, *, secrecy: str = "", place: str = ""
) -> None:
    fields = {
        "type": "投诉", "category": "城乡建设/供水", "district": "东城区", "place": place, "phone": PHONE,
        "contact": "王建国", "title": f"停水{order_id}，电话{PHONE}", "summary": "停水", "secrecy": secrecy,
    }  # fmt: skip
    events: list[OrderEvent] = [
        DraftOpened(order_id=order_id, call_id="", caller=PHONE),
        *(FieldEdited(field=name, value=value, agent="zhang") for name, value in fields.items() if value),
        OrderSubmitted(agent="zhang"),
        OrderDispatched(lead=lead, source="clerk", by="wang"),
    ]
    await store.create(events, order_id=order_id, event_id=order_id)


@pytest_asyncio.fixture
async def site(migrated_sqlite: Path, tmp_path: Path, loopback: LoopbackBlock) -> AsyncIterator[Site]:
    engine = open_engine(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'hotline.sqlite')}")
    clock = Clock()
    casework = loop_over(engine, tmp_path, clock=clock).casework
    async with open_site(
        engine, tmp_path, loopback.address(), clock=clock, casework=casework, orders=casework.store
    ) as running:
        for login, role, unit in (
            ("wang", Role.CLERK, ""), ("lisi", Role.UNIT, UNIT), ("gao", Role.LEADER, ""),
        ):  # fmt: skip
            await running.deps.accounts.create(
                by="system", login=login, name="测试员", role=role, password=PASSWORD, unit=unit
            )
        for order_id, lead, more in (
            ("o-theirs", OTHER, {}),
            ("o-secret", UNIT, {"secrecy": "保密"}),
            ("o-secret-here", UNIT, {"secrecy": "保密", "place": "阳光花园"}),
            ("o-own", UNIT, {}),
            ("o-new", UNIT, {"place": "阳光花园"}),
            ("o-new-secret", UNIT, {"secrecy": "匿名"}),
        ):
            clock.now += 60
            await reported(casework.store, order_id, lead, **more)
        yield running
    await engine.dispose()


async def earlier(site: Site, login: str, order_id: str) -> dict[str, dict[str, Any]]:
    browser = await site.signed_in(login)
    async with browser.get(f"/api/orders/{order_id}/earlier") as response:
        assert response.status == 200
        return {one["order_id"]: one for one in (await response.json())["earlier"]}


async def test_a_unit_is_told_of_no_earlier_order_of_another_unit(site: Site) -> None:
    found = await earlier(site, "lisi", "o-new")
    assert "o-own" in found
    assert "o-theirs" not in found
    assert {"o-own", "o-theirs"} <= set(await earlier(site, "wang", "o-new"))


async def test_titles_of_earlier_orders_are_covered_for_units(site: Site) -> None:
    told = (await earlier(site, "lisi", "o-new"))["o-own"]
    assert PHONE not in told["title"] and "139****1234" in told["title"]
    assert told["same_citizen"] is True


async def test_nobody_learns_by_a_number_who_made_a_secret_report(site: Site) -> None:
    found = await earlier(site, "lisi", "o-new")
    assert "o-secret" not in found  # only its number is the same
    assert (found["o-secret-here"]["same_place"], found["o-secret-here"]["same_citizen"]) == (True, False)
    assert await earlier(site, "lisi", "o-new-secret") == {}


async def test_leaders_see_topics_and_themes_and_only_the_centre_chooses_them(site: Site) -> None:
    body = {"month": "2027-01", "title": "老旧小区停水", "category": "城乡建设/供水", "lead": UNIT}
    leader, unit, clerk = [await site.signed_in(login) for login in ("gao", "lisi", "wang")]
    for browser, look, choose in ((unit, 403, 403), (leader, 200, 403), (clerk, 200, 201)):
        async with browser.get("/api/topics") as response:
            assert response.status == look
        async with browser.post("/api/themes", json=body) as response:
            assert response.status == choose
    async with leader.get("/api/themes") as response:
        (theme,) = (await response.json())["themes"]
    async with clerk.post(f"/api/themes/{theme['theme_id']}/close", json={"result": "已改造"}) as response:
        assert (await response.json())["result"] == "已改造"
    async with clerk.post("/api/themes", json={**body, "title": "字" * 61}) as response:
        assert response.status == 400


async def test_who_has_districts_is_told_of_the_months_of_these_alone(site: Site) -> None:
    await site.deps.accounts.create(
        by="system", login="qu", name="测试员", role=Role.SUPERVISOR, password=PASSWORD, districts=("东城区",)
    )
    browser = await site.signed_in("qu")
    for district, status in (("东城区", 200), ("西城区", 403), ("", 403)):
        query = {"category": "城乡建设/供水", "district": district}
        async with browser.get("/api/topics/months", params=query) as response:
            assert response.status == status
