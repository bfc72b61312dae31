"""更正 over HTTP: who corrects an accepted order, what follows from it, and that nobody sees more by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.findings import Finding
from cti.casework.parts import Casework
from cti.casework.verification import verify
from cti.database import migrate, open_engine
from cti.messages import Role
from orders.assessment_tables import mark_changes, order_marks
from orders.course_events import CourseEvent, OrderDispatched, OrderSigned
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.records import OrderFilter
from tests.support.casework import loop_over
from tests.support.courses import HOUR, LEAD
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = pytest.mark.integration

FIELDS = {
    "type": "投诉", "category": "城市管理/占道", "district": "新城区", "urgency": "一般", "title": "有异味",
    "summary": "楼下有异味", "contact": "吴先生", "phone": "13800138000",
    "place": "人民路", "point": "116.1,39.9",
}  # fmt: skip
WHY = {"cause": "changed", "reason": "经核实为燃气泄漏"}


@dataclass(frozen=True, slots=True)
class House:
    site: Site
    casework: Casework
    engine: AsyncEngine
    clock: Clock

    async def accepted(self, *course: CourseEvent, **fields: str) -> int:
        """Accept order o1 as agent chen took it down, go on with its course, and return its version."""
        events: list[OrderEvent] = [
            DraftOpened(order_id="o1", call_id="", caller="13800138000"),
            *(FieldEdited(field=k, value=v, agent="chen") for k, v in {**FIELDS, **fields}.items()),
            OrderSubmitted(agent="chen"),
        ]
        order = await self.casework.store.create(events, order_id="o1", event_id="e")
        for event in course:
            self.clock.now += HOUR
            order = await self.casework.store.apply("o1", event)
        return order.draft.version

    async def correct(self, login: str, version: int, changes: dict[str, str], **more: str) -> Any:
        """Correct it as this person; return the answer with its status in it."""
        body = {"move": "correct", "version": version, "fields": {**WHY, **more, "changes": changes}}
        browser = await self.site.signed_in(login)
        async with browser.post("/api/orders/o1/moves", json=body) as response:
            told = await response.json()
            return {**told.get("error", told), "status": response.status}


@pytest_asyncio.fixture
async def house(loopback: LoopbackBlock, tmp_path: Path) -> AsyncIterator[House]:
    url = f"sqlite:///{tmp_path / 'hotline.sqlite'}"
    await migrate(url)
    engine, clock = open_engine(url), Clock(1_795_312_800.0)  # a Monday, 10 o'clock
    casework = loop_over(engine, tmp_path, clock=clock).casework
    async with open_site(
        engine, tmp_path, loopback.address(), clock=clock, casework=casework, orders=casework.store
    ) as site:
        roles = {"wang": Role.CLERK, "zhang": Role.SUPERVISOR, "chen": Role.AGENT, "feng": Role.AGENT}
        for login, role in roles.items():
            await site.add(login, role)
        await site.deps.accounts.create(
            by="system", login="li", name="承办人", role=Role.UNIT, password=PASSWORD, unit=LEAD
        )
        yield House(site, casework, engine, clock)
    await engine.dispose()


def resolve(case: Any) -> Any:
    return next(one for one in case["course"]["clocks"] if one["kind"] == "resolve")


DISPATCHED = OrderDispatched(lead=LEAD, source="clerk", by="wang")


async def test_what_was_taken_down_wrongly_is_corrected_with_all_that_follows(house: House) -> None:
    version = await house.accepted(DISPATCHED, OrderSigned(unit=LEAD, by="li"))
    house.clock.now += HOUR
    changes = {"urgency": "特急", "category": "城乡建设/燃气", "district": "高新区", "place": "解放路"}
    case = await house.correct("wang", version, changes)
    assert case["status"] == 200, case
    values = {name: one["value"] for name, one in case["fields"].items()}
    assert (values["urgency"], values["category"], values["place"]) == ("特急", "城乡建设/燃气", "解放路")
    assert values["point"] == "", "where the old place was"
    assert resolve(case)["rule"] == "urgent"
    store = house.casework.store
    assert (await store.list(OrderFilter(category="城乡建设", district="高新区"))).total == 1
    assert (await store.list(OrderFilter(text="解放路"))).total == 1
    async with house.engine.connect() as connection:
        placed = await connection.execute(select(order_marks.c.category, order_marks.c.district).distinct())
        assert placed.all() == [("城乡建设/燃气", "高新区")]
        told = (await connection.execute(select(mark_changes.c.event, mark_changes.c.reason))).all()
    assert told and all(one.event == "OrderCorrected" and "城市管理/占道 → " in one.reason for one in told)
    assert not [one async for one in verify(house.engine) if isinstance(one, Finding)]


async def test_whom_a_district_limits_sees_the_order_where_it_is_now(house: House) -> None:
    version = await house.accepted()
    await house.site.deps.accounts.create(
        by="system", login="sun", name="区派单员", role=Role.CLERK, password=PASSWORD, districts=("高新区",)
    )
    assert (await house.correct("sun", version, {"urgency": "紧急"}))["status"] == 404
    assert (await house.correct("wang", version, {"district": "高新区"}))["status"] == 200
    sun = await house.site.signed_in("sun")
    async with sun.get("/api/orders/o1/course") as response:
        assert response.status == 200


async def test_an_agent_corrects_what_they_took_down_until_somebody_has_it(house: House) -> None:
    version = await house.accepted()
    other = await house.correct("feng", version, {"urgency": "紧急"})
    assert (other["status"], other["message"][:12]) == (403, "这张工单由其他坐席受理，")
    own = await house.correct("chen", version, {"urgency": "紧急"})
    assert own["status"] == 200 and "correct" in own["moves"]
    sent = await house.casework.store.apply("o1", DISPATCHED)
    late = await house.correct("chen", sent.draft.version, {"urgency": "特急"})
    assert late["status"] == 403
    chen = await house.site.signed_in("chen")
    async with chen.get("/api/orders/o1/course") as response:
        assert "correct" not in (await response.json())["moves"]


async def test_a_unit_does_not_correct_but_says_what_it_found(house: House) -> None:
    version = await house.accepted(DISPATCHED, OrderSigned(unit=LEAD, by="li"))
    assert (await house.correct("li", version, {"urgency": "紧急"}))["status"] == 403
    li = await house.site.signed_in("li")
    async with li.get("/api/orders/o1/course") as response:
        moves = (await response.json())["moves"]
    assert "note" in moves and "correct" not in moves


async def test_two_who_correct_at_once_are_told_of_one_another(house: House) -> None:
    version = await house.accepted()
    assert (await house.correct("wang", version, {"urgency": "紧急"}))["status"] == 200
    second = await house.correct("zhang", version, {"urgency": "特急"})
    assert (second["status"], second["code"]) == (409, "conflict")
    assert "wang" in second["message"] and "更正" in second["message"]


async def test_what_is_shown_in_place_of_a_number_is_not_written_into_the_order(house: House) -> None:
    version = await house.accepted()
    wang = await house.site.signed_in("wang")
    async with wang.get("/api/orders/o1/course") as response:
        masked = (await response.json())["fields"]["phone"]["value"]
    assert "*" in masked
    assert (await house.correct("wang", version, {"phone": masked}))["status"] == 400
    case = await house.correct("wang", version, {"phone": "13900001111"})
    assert case["status"] == 200
    async with wang.get("/api/orders/o1/course") as response:
        told = await response.text()
    assert "13900001111" not in told and "13800138000" not in told


async def test_secrecy_is_raised_by_anybody_and_lowered_by_right_alone(house: House) -> None:
    version = await house.accepted()
    raised = await house.correct("wang", version, {"secrecy": "匿名"})
    assert raised["status"] == 200
    lowered = await house.correct("wang", raised["version"], {"secrecy": "公开"})
    assert (lowered["status"], lowered["message"]) == (403, "您没有降低保密要求的权限")


async def test_a_correction_needs_something_to_correct_a_cause_and_words(house: House) -> None:
    version = await house.accepted()
    refusals = ({"urgency": "一般"}, "说明"), ({"unit": LEAD}, "说明"), ({"urgency": "紧急"}, "")
    for changes, reason in refusals:
        refused = await house.correct("wang", version, changes, reason=reason)
        assert refused["status"] == 400, refused
    browser = await house.site.signed_in("wang")
    body = {"move": "correct", "orders": [{"order_id": "o1", "version": version}], "fields": {}}
    async with browser.post("/api/orders/moves", json=body) as response:
        assert response.status == 400
