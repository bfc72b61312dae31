"""Matters that come without a call: taken in once, refused in words, told to whoever brought them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.intake import Intake, Receipt, UnknownCategory
from cti.casework.intake_reading import NoReading
from cti.casework.parts import Casework
from cti.database import open_engine
from cti.messages import Role
from cti.tokens import Scope
from orders.course_messages import ClockKind
from orders.errors import KeyReused, MissingFields
from orders.intake import AlreadyTaken, Matter, key_hash, order_id_of
from orders.messages import Channel, FieldSuggested, Filler, OrderState
from orders.tables import order_events, orders
from tests.support.casework import loop_over
from tests.support.loopback import LoopbackBlock
from tests.support.web import Clock, Site, open_site

pytestmark = pytest.mark.integration

NOON = 1_795_320_000.0  # 2026-11-22 12:00 in China
WHOLE = {"type": "投诉", "category": "城市管理", "summary": "𠮷祥路 8 号门口积水三天了😀，请派人处理。"}


@dataclass(frozen=True, slots=True)
class Office:
    site: Site
    casework: Casework
    clock: Clock

    @property
    def intake(self) -> Intake:
        assert self.casework.citizens is not None
        return self.casework.citizens.intake

    async def system(self, name: str, *scopes: Scope) -> aiohttp.ClientSession:
        """Another system with a token of its own."""
        systems = self.site.deps.systems
        assert systems is not None
        token, _ = await systems.tokens.create(name, scopes, by="guanli", per_minute=6000)
        browser = self.site.browser(origin="")
        browser.headers.pop("Origin")
        browser.headers["Authorization"] = f"Bearer {token}"
        return browser


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def office(engine: AsyncEngine, loopback: LoopbackBlock, tmp_path: Path) -> AsyncIterator[Office]:
    clock = Clock(NOON)
    casework = loop_over(engine, tmp_path, clock=clock).casework
    async with open_site(
        engine, tmp_path, loopback.address(), clock=clock, casework=casework, orders=casework.store
    ) as site:
        await site.add("wang", Role.CLERK)
        yield Office(site, casework, clock)


async def ask(browser: aiohttp.ClientSession, method: str, path: str, **more: Any) -> tuple[int, Any]:
    async with browser.request(method, path, **more) as response:
        return response.status, await response.json()


def bringing(key: str = "k1", **more: Any) -> dict[str, Any]:
    return {
        "json": {"channel": "portal", "fields": WHOLE, **more},
        "headers": {"Idempotency-Key": key},
    }


async def count(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return await connection.scalar(select(func.count()).select_from(orders)) or 0


async def test_a_system_brings_a_matter_that_is_accepted_at_once_and_asks_how_far_it_is(
    office: Office,
) -> None:
    portal = await office.system("门户", Scope.ORDERS_WRITE)
    status, made = await ask(portal, "POST", "/api/orders", **bringing(external_id="A/7", submit=True))
    assert status == 201, made
    assert (made["state"], made["course"], made["stage"], made["created"]) == (
        "accepted", "accepted", "已受理", True,
    )  # fmt: skip
    assert (made["receipt"], made["number"]) == ("W20261122000001", "20261122000001")
    status, told = await ask(portal, "GET", "/api/orders/by-external/%E9%97%A8%E6%88%B7/A%2F7")
    assert (status, told["order_id"], told["query_code"]) == (200, made["order_id"], made["query_code"])
    status, _ = await ask(portal, "GET", "/api/orders")
    assert status == 403  # reading orders takes another scope
    stranger = await office.system("别处", Scope.ORDERS_WRITE)
    status, _ = await ask(stranger, "GET", "/api/orders/by-external/%E9%97%A8%E6%88%B7/A%2F7")
    assert status == 404
    order = await office.casework.store.get(made["order_id"])
    assert order.draft.channel is Channel.PORTAL
    assert order.draft.fields["summary"].value == WHOLE["summary"]


async def test_a_request_that_is_sent_again_makes_no_second_order(
    office: Office, engine: AsyncEngine
) -> None:
    portal = await office.system("门户", Scope.ORDERS_WRITE)
    first, *others = await asyncio.gather(
        *(ask(portal, "POST", "/api/orders", **bringing(external_id="A7", submit=True)) for _ in range(6))
    )
    assert {status for status, _ in (first, *others)} <= {200, 201}
    assert {made["number"] for _, made in (first, *others)} == {first[1]["number"]}
    assert await count(engine) == 1
    status, refused = await ask(portal, "POST", "/api/orders", **bringing(submit=False))
    assert (status, refused["error"]["code"]) == (409, "key_reused")
    status, refused = await ask(portal, "POST", "/api/orders", **bringing("k2", external_id="A7"))
    assert (status, refused["error"]["code"]) == (409, "known")
    assert refused["order_id"] == first[1]["order_id"]
    assert await count(engine) == 1


async def test_a_matter_waits_for_a_clerk_whose_clock_runs_from_its_receipt(office: Office) -> None:
    portal = await office.system("门户", Scope.ORDERS_WRITE)
    fields = {"summary": "小区停水两天", "secrecy": "保密"}
    _, made = await ask(portal, "POST", "/api/orders", **bringing(fields=fields))
    assert (made["stage"], made["number"]) == ("待受理", "")
    clerk = await office.site.signed_in("wang")
    _, listed = await ask(clerk, "GET", "/api/intake?channel=portal")
    assert [order["order_id"] for order in listed["orders"]] == [made["order_id"]]
    office.clock.now += 600.0
    accepting = f"/api/intake/{made['order_id']}/accept"
    headers = {"Idempotency-Key": "a"}
    body: dict[str, Any] = {"version": listed["orders"][0]["version"], "fields": {"type": "求助"}}
    status, refused = await ask(clerk, "POST", accepting, json=body, headers=headers)
    assert (status, refused["error"]["field"]) == (422, "category")
    body["fields"]["category"] = "公用事业"
    status, order = await ask(clerk, "POST", accepting, json=body, headers=headers)
    assert (status, order["state"]) == (200, "accepted"), order
    status, again = await ask(clerk, "POST", accepting, json=body, headers=headers)
    assert (status, again["version"]) == (200, order["version"])
    _, listed = await ask(clerk, "GET", "/api/intake")
    assert listed["total"] == 0
    course = (await office.casework.store.get(made["order_id"])).draft.course
    assert course is not None
    started = {clock.kind: clock.started for clock in course.clocks}
    assert started[ClockKind.ACCEPT] == NOON


async def test_a_clerk_discards_what_is_no_matter_with_a_reason_that_is_told(office: Office) -> None:
    portal = await office.system("门户", Scope.ORDERS_WRITE)
    _, made = await ask(portal, "POST", "/api/orders", **bringing(external_id="A8"))
    clerk = await office.site.signed_in("wang")
    path = f"/api/intake/{made['order_id']}/discard"
    status, _ = await ask(clerk, "POST", path, json={"reason": "测试数据"})
    assert status == 200
    _, told = await ask(portal, "GET", "/api/orders/by-external/%E9%97%A8%E6%88%B7/A8")
    assert (told["stage"], told["reason"]) == ("不予受理", "测试数据")


async def test_what_cannot_stand_on_an_order_is_refused_in_words_and_leaves_nothing(
    office: Office, engine: AsyncEngine
) -> None:
    portal = await office.system("门户", Scope.ORDERS_WRITE)
    for key, fields, field in (
        ("a", {**WHOLE, "summary": "长" * 34_000}, "fields.summary"),
        ("b", {**WHOLE, "urgency": "马上"}, ""),
        ("c", {**WHOLE, "nothing": "x"}, "fields.nothing"),
        ("d", {"type": "投诉", "summary": "  "}, ""),
        ("e", {**WHOLE, "summary": "a\x00b"}, ""),
    ):
        status, told = await ask(portal, "POST", "/api/orders", **bringing(key, fields=fields))
        assert (status, told["error"].get("field", "")) == (400, field), told
        assert told["error"]["message"]
    wrong = {"Idempotency-Key": "f", "Content-Type": "application/json"}
    body = '{"channel": "portal", "fields": {"summary": "积水"}}'.encode("gbk")
    status, told = await ask(portal, "POST", "/api/orders", data=body, headers=wrong)
    assert (status, told["error"]["code"]) == (400, "invalid")
    assert "UTF-8" in told["error"]["message"]
    status, told = await ask(portal, "POST", "/api/orders", json={"channel": "portal", "fields": WHOLE})
    assert (status, told["error"]["field"]) == (400, "Idempotency-Key")
    assert await count(engine) == 0


async def test_a_category_that_does_not_exist_is_refused(office: Office) -> None:
    class Knowing(NoReading):
        def knows(self, category: str) -> bool:
            return category == "城市管理"

    office.intake.reading = Knowing()
    with pytest.raises(UnknownCategory):
        await take(office, "k", category="不存在的分类")
    receipt = await take(office, "k")
    assert receipt.fresh


async def test_what_the_machine_reads_does_not_stand_before_what_was_written(office: Office) -> None:
    class Sure(NoReading):
        async def read(self, text: str, *, order_id: str, phone: str, at: float) -> list[Any]:
            return [
                FieldSuggested(field=name, value=value, source="model:1", confidence=0.9)
                for name, value in (("type", "咨询"), ("urgency", "紧急"), ("contact", "王女士"))
            ]

    office.intake.reading = Sure()
    receipt = await take(office, "k", secrecy="匿名")
    fields = receipt.order.draft.fields
    assert (fields["type"].value, fields["type"].filler) == ("投诉", Filler.AGENT)
    assert (fields["urgency"].value, fields["urgency"].filler) == ("紧急", Filler.MACHINE)
    assert "contact" not in fields  # who wants to stay unknown is not made known by the machine


async def test_a_refused_acceptance_gives_the_external_id_back(office: Office) -> None:
    with pytest.raises(MissingFields):
        await take(office, "k1", submit=True, category="")
    assert (await take(office, "k2", submit=True)).fresh
    with pytest.raises(AlreadyTaken):
        await take(office, "k3", submit=True)
    with pytest.raises(KeyReused):
        await take(office, "k2", submit=True, type="求助")


async def test_a_request_whose_server_died_is_finished_by_the_next_one(office: Office) -> None:
    """The request was kept, and the server died before the order was made."""
    order_id = order_id_of(key_hash("api:门户", "k"))
    await office.intake.store.reserve(order_id, matter(submit=True), who="api:门户")
    receipt = await take(office, "k", submit=True)
    assert (receipt.fresh, receipt.order.draft.state) == (True, OrderState.ACCEPTED)
    assert receipt.taken.receipt == "W20261122000001"


async def test_every_event_of_an_intake_is_kept_once(office: Office, engine: AsyncEngine) -> None:
    receipt = await take(office, "k", submit=True)
    await take(office, "k", submit=True)
    async with engine.connect() as connection:
        kinds = (await connection.scalars(select(order_events.c.kind).order_by(order_events.c.seq))).all()
    assert kinds.count("draft_opened") == kinds.count("order_submitted") == 1
    assert len(await office.casework.store.events(receipt.order.draft.order_id)) == len(kinds)


def matter(*, submit: bool = False, **fields: str) -> Matter:
    given = {name: value for name, value in {**WHOLE, **fields}.items() if value}
    return Matter(channel=Channel.PORTAL, fields=given, system="门户", external_id="A7", submit=submit)


async def take(office: Office, key: str, *, submit: bool = False, **fields: str) -> Receipt:
    return await office.intake.take(matter(submit=submit, **fields), who="api:门户", key=key)
