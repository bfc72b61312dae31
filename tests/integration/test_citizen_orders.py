"""The citizens' page without a call: bring, ask, rate; bounded, and about one's own order only."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from cti.casework.notice_store import NoticeState
from cti.changes import Cursor
from cti.control.orderfront import OrderFront
from cti.database import open_engine
from cti.messages import Role
from orders.course_events import OrderWithdrawn
from orders.course_messages import CourseState
from orders.errors import CourseRefused
from orders.messages import Channel
from orders.notices import occasions
from orders.records import OrderFilter
from tests.integration.test_answer_rounds import HOUR, NOON, NUMBER, World
from tests.support.casework import loop_over
from tests.support.control import World as Floor
from tests.support.loopback import LoopbackBlock
from tests.support.web import Clock, Site, open_site

pytestmark = pytest.mark.integration

MATTER = {"summary": "𠮷祥路路灯不亮😀", "phone": "13800006001", "contact": "王女士", "secrecy": "匿名"}


@dataclass(frozen=True, slots=True)
class Page:
    site: Site
    world: World

    async def post(self, path: str, body: dict[str, Any], **more: Any) -> tuple[int, Any]:
        browser = self.site.browser()
        return await post(browser, path, body, **more)


async def post(
    browser: aiohttp.ClientSession, path: str, body: dict[str, Any], key: str = "k"
) -> tuple[int, Any]:
    async with browser.post(f"/api/citizen/{path}", json=body, headers={"Idempotency-Key": key}) as response:
        return response.status, await response.json()


@pytest_asyncio.fixture
async def page(migrated_sqlite: Path, loopback: LoopbackBlock, tmp_path: Path) -> AsyncIterator[Page]:
    database = shutil.copy(migrated_sqlite, tmp_path / "hotline.sqlite")
    engine = open_engine(f"sqlite:///{database}")
    clock = Clock(NOON)
    loop = loop_over(engine, tmp_path, clock=clock)
    async with open_site(
        engine, tmp_path, loopback.address(), clock=clock, casework=loop.casework, orders=loop.store
    ) as site:
        yield Page(site, World(loop, clock, engine))
    await engine.dispose()


async def test_a_citizen_brings_a_matter_and_asks_for_it_by_its_code(page: Page) -> None:
    status, made = await page.post("orders", {"fields": MATTER, "consent": True})
    assert status == 201, made
    assert made["stage"] == "待受理"
    status, again = await page.post("orders", {"fields": MATTER, "consent": True})
    assert (status, again["receipt"]) == (200, made["receipt"])
    which = {"number": made["receipt"].lower(), "code": f" {made['query_code'].lower()} "}
    status, told = await page.post("orders/query", which)
    assert (status, told["stage"], told["answer"]) == (200, "待受理", None)
    assert "order_id" not in told
    assert not any(MATTER[name] in str(told) for name in ("phone", "contact", "summary"))
    listed = await page.world.loop.citizens.intake.waiting(OrderFilter())
    (order,) = listed.orders
    assert (order.draft.channel, order.agent) == (Channel.WEB, "citizen")


async def test_the_answer_is_read_once_it_passed_review_and_can_be_rated(page: Page) -> None:
    await page.world.accepted("o1")
    order = await page.world.loop.store.get("o1")
    which = {"number": order.number, "code": page.world.loop.citizens.intake.code("o1")}
    _, told = await page.post("orders/query", which)
    assert (told["stage"], told["answer"], told["rateable"]) == ("办理中", None, False)
    status, refused = await page.post("orders/rate", {**which, "result": 5})
    assert (status, refused["error"]["code"]) == (409, "closed")
    await page.world.answered_again("o1")
    _, told = await page.post("orders/query", which)
    assert told["stage"] == "已答复"
    assert told["answer"]["text"] == "已清理并回复市民"
    rating = {**which, "result": 2, "service": 5, "solved": "no", "words": "还没好"}
    status, told = await page.post("orders/rate", rating, key="r1")
    assert (status, told["rating"]["result"]) == (200, 2)
    course = await page.world.course()
    assert course.rating is not None
    assert (course.state, course.rating.bad, course.rating.service) == (CourseState.RATED, True, 5)
    await page.post("orders/rate", rating, key="r1")
    assert await page.world.course() == course
    status, _ = await page.post("orders/rate", which)
    assert status == 400  # without any answer


async def test_wrong_codes_are_told_apart_from_nothing_and_counted_by_number(page: Page) -> None:
    await page.world.accepted("o1")
    order = await page.world.loop.store.get("o1")
    answers = [
        await page.post("orders/query", {"number": number, "code": "WRONGONE"})
        for number in (order.number, "20260101000001", "W20260101000001")
    ]
    assert len({str(told) for _, told in answers}) == 1
    assert answers[0][0] == 404
    citizens = page.world.loop.citizens
    for _ in range(9):
        citizens.wrong.take(order.number)
    right = {"number": order.number, "code": citizens.intake.code("o1")}
    status, told = await page.post("orders/query", right)
    assert (status, told["error"]["code"]) == (429, "too_many")


async def test_what_is_too_long_not_agreed_to_or_not_theirs_to_fill_in_is_refused(page: Page) -> None:
    for fields, consent, field in (
        ({**MATTER, "summary": "长" * 34_000}, True, "fields.summary"),
        (MATTER, False, "consent"),
        ({**MATTER, "unit": "区城管局"}, True, "fields.unit"),
    ):
        status, told = await page.post("orders", {"fields": fields, "consent": consent})
        assert (status, told["error"]["field"]) == (400, field)
        assert told["error"]["message"]
    stranger = page.site.browser(origin="https://elsewhere.example")
    status, _ = await post(stranger, "orders", {"fields": MATTER, "consent": True})
    assert status == 403


async def test_an_address_that_asks_too_often_is_told_to_wait(page: Page) -> None:
    statuses = [(await page.post("orders/query", {"number": "1", "code": "1"}))[0] for _ in range(14)]
    assert statuses[-1] == 429
    assert statuses[0] == 404


async def test_who_was_merged_reads_the_one_answer_with_their_own_code_and_a_bad_rating_redoes_it(
    page: Page,
) -> None:
    world, store = page.world, page.world.loop.store
    for name in ("o1", "o2"):
        await world.accepted(name)
    front = OrderFront(store, Floor().orders, clock=world.now)
    await front.merge("o2", "o1", agent="li")
    first, second = [await store.get(name) for name in ("o1", "o2")]
    code = world.loop.citizens.intake.code("o2")
    which = {"number": second.number, "code": code}
    _, told = await page.post("orders/query", which)
    assert (told["stage"], told["answer"], told["rateable"]) == ("已并入同类工单，办理中", None, False)
    await world.answered_again("o1")
    for number in (second.number, first.number):  # the message named the other one's number
        _, told = await page.post("orders/query", {"number": number, "code": code})
        assert (told["number"], told["served_by"]) == (second.number, first.number)
        assert (told["answer"]["text"], told["rateable"], told["rating"]) == ("已清理并回复市民", True, None)
    _, told = await page.post("orders/rate", {**which, "result": 5}, key="r1")
    assert told["rating"]["result"] == 5
    assert await world.state() is not CourseState.RATED  # the order's own citizen has not been asked yet
    _, told = await page.post("orders/rate", {**which, "result": 1, "words": "又坏了"}, key="r2")
    course = await world.course()
    assert course.rating is not None
    assert (told["rating"]["result"], course.state) == (1, CourseState.RATED)
    assert (course.rating.bad, course.rating.words, course.bad_ratings) == (True, "并单市民：又坏了", 1)
    await world.rate(result=5)  # the order's own citizen is content: the other one is not
    await world.later(HOUR)
    assert await world.state() is CourseState.REDO
    _, told = await page.post("orders/query", which)
    assert told["stage"] == "已并入同类工单，重新办理中"


async def test_what_a_joined_citizen_says_by_telephone_is_written_down_by_a_clerk(page: Page) -> None:
    world, store = page.world, page.world.loop.store
    for name in ("o1", "o2"):
        await world.accepted(name)
    await page.site.add("qian", Role.CLERK)
    clerk = await page.site.signed_in("qian")

    async def offered() -> list[str]:
        async with clerk.get("/api/orders/o1/course") as answer:
            moves: list[str] = (await answer.json())["moves"]
            return moves

    assert "rate_joined" not in await offered()  # nobody has joined
    await OrderFront(store, Floor().orders, clock=world.now).merge("o2", "o1", agent="li")
    await world.answered_again("o1")
    assert "rate_joined" in await offered()
    assert "withdraw" not in await offered()

    async def told(other: str, key: str) -> tuple[int, dict[str, Any]]:
        said = {"other": other, "result": 1, "service": None, "solved": "no", "words": "还是没水"}
        body = {"move": "rate_joined", "version": (await store.get("o1")).draft.version, "fields": said}
        headers = {"Idempotency-Key": key}
        async with clerk.post("/api/orders/o1/moves", json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    status, refused = await told("o9", "k1")
    assert (status, refused["error"]["message"]) == (409, "这位市民的诉求没有并入本工单")
    assert (await told("o2", "k2"))[0] == 200
    course = await world.course()
    (rating,) = course.joined_ratings
    assert (rating.other, rating.number, rating.bad) == ("o2", (await store.get("o2")).number, True)
    assert (course.state, course.rating and course.rating.words) == (CourseState.RATED, "并单市民：还是没水")


async def test_an_order_that_others_joined_is_not_withdrawn_over_their_heads(page: Page) -> None:
    world, store = page.world, page.world.loop.store
    for name in ("o1", "o2"):
        await world.accepted(name)
    front = OrderFront(store, Floor().orders, clock=world.now)
    await front.merge("o2", "o1", agent="li")
    withdrawn = OrderWithdrawn(reason="市民撤诉", by="li")
    with pytest.raises(CourseRefused, match="1 other citizens") as caught:
        await store.apply("o1", withdrawn)
    assert caught.value.shown.startswith("另有 1 位市民的诉求并入本工单，不能撤单")
    await front.undo_merge("o2", agent="li")
    await store.apply("o1", withdrawn)
    assert await world.state("o2") is CourseState.DISPATCHED


async def test_a_clerk_sees_why_a_message_failed_sends_it_again_and_reads_what_citizens_wrote(
    page: Page,
) -> None:
    world = page.world
    await world.reviewed("o1")
    order = await world.loop.store.get("o1")
    store = world.loop.citizens.notices.store
    await store.add([("o1", due) for due in occasions(order)], Cursor(0, 1), now=NOON)
    await store.told(
        "accepted:1:o1", NoticeState.DEAD, status="answered 422", tries=1, next_at=0.0, at=NOON,
        number_hash=world.loop.citizens.notices.hashed(NUMBER),
    )  # fmt: skip
    await page.site.add("qian", Role.CLERK)
    clerk = await page.site.signed_in("qian")

    async def asked(method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with clerk.request(method, path, **more) as response:
            return response.status, await response.json()

    _, told = await asked("GET", f"/api/notices?state=dead&order_id={order.number}")
    (line,) = told["notices"]
    assert (line["order_number"], line["phone"]) == (order.number, f"{NUMBER[:3]}****{NUMBER[-4:]}")
    assert (line["status"], told["health"]["dead"], told["health"]["refusal"]) == (
        "answered 422",
        1,
        "answered 422",
    )
    assert (await asked("POST", "/api/notices/accepted:1:o1/again", json={"reason": " "}))[0] == 400
    again = await asked("POST", "/api/notices/accepted:1:o1/again", json={"reason": "网关已恢复"})
    assert again == (200, {"notice_id": "accepted:1:o1", "state": "waiting"})
    assert (await asked("POST", "/api/notices/accepted:1:o1/close", json={"reason": "已致电"}))[0] == 200
    assert (await asked("POST", "/api/notices/accepted:1:o1/close", json={"reason": "已致电"}))[0] == 404
    await store.told(
        "answered:1:o1", NoticeState.SENT, status="answered 200", tries=1, next_at=0.0, at=NOON,
        number_hash=world.loop.citizens.notices.hashed(NUMBER),
    )  # fmt: skip
    await world.loop.citizens.replies.take("r1", NUMBER, "5天了没人来")
    _, told = await asked("GET", "/api/notices/replies")
    (reply,) = told["replies"]
    assert (reply["order_number"], reply["why"], reply["words"]) == (order.number, "unclear", "5天了没人来")
    key = reply["reply_key"]
    assert (await asked("POST", f"/api/notices/replies/{key}/read", json={"reason": "已回电"}))[0] == 200
    assert (await asked("GET", "/api/notices/replies"))[1]["total"] == 0
