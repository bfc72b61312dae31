"""An order as its page gets it: moves that may be made, the trail in words, its documents on paper."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from cti.casework.accesses import AccessFilter, Act
from cti.casework.parts import Casework
from cti.database import migrate, open_engine
from cti.figures.facts import Rules
from cti.messages import Role
from cti.report_parts import ReportDesk
from cti.reports.archive import ReportArchive
from cti.reports.room import ReportRoom
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from tests.support.asterisk import CACHE
from tests.support.casework import loop_over
from tests.support.courses import LEAD, OTHER
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = pytest.mark.integration

FIELDS = {
    "type": "投诉", "category": "市政设施", "title": "路灯不亮", "summary": "东门路灯三天不亮",
    "contact": "吴先生", "phone": "13800138000",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class House:
    site: Site
    casework: Casework

    async def accepted(self, order_id: str) -> int:
        """Accept an order, and return its version."""
        events: list[OrderEvent] = [
            DraftOpened(order_id=order_id, call_id="", caller="13800138000"),
            *(FieldEdited(field=name, value=value, agent="chen") for name, value in FIELDS.items()),
            OrderSubmitted(agent="chen"),
        ]
        order = await self.casework.store.create(events, order_id=order_id, event_id=f"{order_id}-e")
        return order.draft.version


@pytest_asyncio.fixture
async def house(loopback: LoopbackBlock, tmp_path: Path) -> AsyncIterator[House]:
    url = f"sqlite:///{tmp_path / 'hotline.sqlite'}"
    await migrate(url)
    engine = open_engine(url)
    clock = Clock()
    casework = loop_over(engine, tmp_path, clock=clock).casework
    room = ReportRoom(url, Rules(), cache=CACHE)
    async with open_site(
        engine, tmp_path, loopback.address(), clock=clock, casework=casework, orders=casework.store,
        reports=ReportDesk(room=room, archive=ReportArchive(engine)),
    ) as site:  # fmt: skip
        await site.add("wang", Role.CLERK)
        for login, unit in (("li", LEAD), ("zhao", OTHER)):
            await site.deps.accounts.create(
                by="system", login=login, name="承办人", role=Role.UNIT, password=PASSWORD, unit=unit
            )
        yield House(site, casework)
    room.close()
    await engine.dispose()


async def ask(browser: aiohttp.ClientSession, method: str, path: str, **more: Any) -> tuple[int, Any]:
    async with browser.request(method, path, **more) as response:
        return response.status, await response.json()


async def move(
    browser: aiohttp.ClientSession, order: str, version: int, name: str, **fields: Any
) -> tuple[int, Any]:
    body = {"move": name, "version": version, "fields": fields}
    return await ask(browser, "POST", f"/api/orders/{order}/moves", json=body)


async def test_moves_are_offered_by_what_the_order_needs_and_the_trail_is_in_words(house: House) -> None:
    wang, li = await house.site.signed_in("wang"), await house.site.signed_in("li")
    version = await house.accepted("o1")
    status, case = await move(wang, "o1", version, "dispatch", lead=LEAD, joint=[OTHER])
    assert status == 200, case
    assert case["acts_for"] == [LEAD, OTHER]
    assert {"follow", "dispatch", "sign"} <= set(case["moves"])
    status, mine = await ask(li, "GET", "/api/orders/o1/course")
    assert mine["acts_for"] == [LEAD]
    assert {"sign", "return", "dispute"} == set(mine["moves"])
    sent = next(one for one in mine["history"] if one["event"] == "OrderDispatched")
    assert sent["text"].startswith(f"主办 {LEAD}；协办 {OTHER}")
    assert "13800138000" not in "".join(one["text"] for one in mine["history"])
    _, seen = await ask(wang, "GET", "/api/orders/o1/course")
    who = [
        next(one["who"] for one in told["history"] if one["event"] == "OrderDispatched")
        for told in (seen, mine)
    ]
    assert who == ["测试员（wang）", "12345中心 工号 wang"]  # a unit traces the centre's people by number
    assert sent["actor"] == "wang"  # the event itself keeps the login
    await house.site.deps.accounts.change("wang", by="system", name="王敏")
    _, told = await ask(wang, "GET", "/api/names?logins=wang,zhao,system,gone")
    assert told["names"] == {
        "wang": "王敏（wang）",
        "zhao": "承办人（zhao）",
        "system": "系统",
        "gone": "gone",
    }
    status, refused = await move(wang, "o1", version, "dispatch", lead=OTHER, reason="改派")
    assert (status, "王敏（wang）" in refused["error"]["message"]) == (409, True)
    _, papers = await ask(wang, "GET", "/api/orders/o1/documents")
    assert papers["documents"][0]["by"] == "王敏（wang）"


async def test_documents_come_with_the_order_and_only_to_who_may_see_it(house: House) -> None:
    wang, zhao = await house.site.signed_in("wang"), await house.site.signed_in("zhao")
    version = await house.accepted("o2")
    status, case = await move(wang, "o2", version, "dispatch", lead=LEAD)
    assert status == 200, case
    status, case = await move(wang, "o2", case["version"], "follow", reason="请今日联系市民")
    assert status == 200, case
    status, told = await ask(wang, "GET", "/api/orders/o2/documents")
    assert [(one["title"], one["n"], one["to"]) for one in told["documents"]] == [
        ("交办单", 1, LEAD), ("跟进单", 1, LEAD),
    ]  # fmt: skip
    status, whole = await ask(wang, "GET", "/api/orders/o2/documents/follow/1")
    assert whole["serial"] == f"跟进〔{case['number'][:4]}〕{case['number'][4:]}号"
    lines = {line["title"]: line["text"] for part in whole["sections"] for line in part["lines"]}
    assert lines["跟进要求"] == "请今日联系市民"
    for path in ("close/1", "follow/2", "follow/x", "nothing/1"):
        status, _ = await ask(wang, "GET", f"/api/orders/o2/documents/{path}")
        assert status == 404, path
    status, _ = await ask(zhao, "GET", "/api/orders/o2/documents")
    assert status == 404  # another unit's order


async def test_a_document_on_paper_is_noted_with_its_watermark_before_it_leaves(house: House) -> None:
    wang = await house.site.signed_in("wang")
    version = await house.accepted("o3")
    await move(wang, "o3", version, "dispatch", lead=LEAD)
    async with wang.get("/api/orders/o3/documents/dispatch/1.pdf") as response:
        if response.status == 503:
            pytest.skip("no Chinese font on this machine")
        assert response.status == 200
        assert response.content_type == "application/pdf"
        assert (await response.read()).startswith(b"%PDF")
    (line,) = await house.casework.accesses.list(AccessFilter(order_id="o3", acts=(Act.DOWNLOADED,)))
    assert line.who == "wang"
    assert line.serial
    assert str(line.detail["document"]).startswith("交办〔")


async def test_two_people_at_one_order_are_told_of_each_other_in_a_sentence(house: House) -> None:
    wang, li = await house.site.signed_in("wang"), await house.site.signed_in("li")
    version = await house.accepted("o4")
    _, case = await move(wang, "o4", version, "dispatch", lead=LEAD)
    status, _ = await move(li, "o4", case["version"], "sign")
    assert status == 200
    status, told = await move(wang, "o4", case["version"], "follow", reason="请签收")
    assert (status, told["error"]["code"]) == (409, "conflict")
    assert "签收" in told["error"]["message"]


async def test_an_inbox_says_what_lies_where_and_shows_each_part(house: House) -> None:
    wang, li = await house.site.signed_in("wang"), await house.site.signed_in("li")
    for name in ("o5", "o6", "o7"):
        version = await house.accepted(name)
        units = {"lead": OTHER, "joint": [LEAD]} if name == "o7" else {"lead": LEAD}
        await move(wang, name, version, "dispatch", **units)
    _, case = await ask(li, "GET", "/api/orders/o5/course")
    await move(li, "o5", case["version"], "sign")
    _, counts = await ask(li, "GET", "/api/inbox/counts")
    assert counts["unit"] == LEAD
    assert [counts[name] for name in ("open", "to_sign", "working", "joint", "done_month")] == [3, 2, 1, 1, 0]
    for query, expected in (
        ("stage=to_sign", {"o6", "o7"}),
        ("stage=working", {"o5"}),
        ("role=joint", {"o7"}),
        ("late=true", set()),
        ("all=true", {"o5", "o6", "o7"}),
    ):
        _, page = await ask(li, "GET", f"/api/inbox?{query}")
        assert {one["order_id"] for one in page["orders"]} == expected, query
    status, _ = await ask(wang, "GET", "/api/inbox/counts")
    assert status == 400  # the centre says whose
