"""Who sees who it was, over HTTP: masked bodies, unmasking with a reason, the access log, the auditor."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.database import open_engine
from cti.message_base import Role
from cti.messages import Entry, EntryKind
from cti.ports import Person
from cti.tokens import Scope
from orders.course_events import FedBack, FieldChange, OrderCorrected, OrderDispatched, OrderSigned
from orders.course_messages import CorrectionCause, Outcome
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.records import OrderFilter, Sight
from orders.sight import sees
from orders.store import OrderStore
from tests.support.casework import loop_over
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site, read_json

pytestmark = pytest.mark.integration

UNIT, OTHER = "市住建局", "市水务局"
PHONE, CALLER, NAME = "13900001234", "13800000001", "王建国"
OPEN, SECRET, ANON = "o-open", "o-secret", "o-anon"
SECRETS = (PHONE, CALLER, NAME, "603室")


def filled(order_id: str, secrecy: str, *, call_id: str = "") -> list[OrderEvent]:
    fields = {
        "type": "投诉", "category": "住房/漏水", "district": "东城区", "phone": PHONE, "contact": NAME,
        "detail": "8栋2单元603室", "title": "楼上漏水", "summary": f"我是{NAME}，电话{PHONE}，楼上漏水",
        "secrecy": secrecy,
    }  # fmt: skip
    edits = [FieldEdited(field=name, value=value, agent="zhang") for name, value in fields.items() if value]
    return [
        DraftOpened(order_id=order_id, call_id=call_id, caller=CALLER),
        *edits,
        OrderSubmitted(agent="zhang"),
        OrderDispatched(lead=UNIT, source="clerk", by="wang"),
        OrderSigned(unit=UNIT, by="lisi"),
        FedBack(unit=UNIT, text=f"已电话联系{NAME}（{PHONE}）", outcome=Outcome.DONE, by="lisi"),
    ]


@pytest_asyncio.fixture
async def engine(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    path = shutil.copy(migrated_sqlite, tmp_path / "hotline.sqlite")
    engine = open_engine(f"sqlite:///{path}")
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def site(engine: AsyncEngine, tmp_path: Path, loopback: LoopbackBlock) -> AsyncIterator[Site]:
    clock = Clock()
    casework = loop_over(engine, tmp_path, clock=clock).casework
    for order_id, secrecy, call_id in ((OPEN, "", "c1"), (SECRET, "保密", "c2"), (ANON, "匿名", "")):
        await casework.store.create(
            filled(order_id, secrecy, call_id=call_id), order_id=order_id, event_id=order_id
        )
    async with open_site(
        engine, tmp_path, loopback.address(), clock=clock, casework=casework, orders=casework.store
    ) as running:
        for login, role, more in (
            ("zhang", Role.AGENT, {}),
            ("banzhang", Role.SUPERVISOR, {}),
            ("zheng", Role.SUPERVISOR, {"confidential": True}),
            ("lisi", Role.UNIT, {"unit": UNIT}),
            ("other", Role.UNIT, {"unit": OTHER}),
            ("shen", Role.AUDITOR, {}),
        ):
            await running.deps.accounts.create(
                by="system", login=login, name="测试员", role=role, password=PASSWORD, **more
            )
        await running.deps.calls.write(
            [
                Entry(
                    entry_id=f"e-{call_id}",
                    call_id=call_id,
                    at=clock() - 100,
                    kind=EntryKind.CALL_STATE,
                    data={"state": "incoming", "caller": CALLER, "called": "12345"},
                )
                for call_id in ("c1", "c2")
            ]
        )
        yield running


async def ask(browser: aiohttp.ClientSession, method: str, path: str, **more: Any) -> tuple[int, str, Any]:
    """Status, the whole body as text, and as JSON."""
    async with browser.request(method, path, **more) as response:
        body = await response.text()
        return response.status, body, await response.json() if "json" in response.content_type else None


def nothing_of_who(body: str) -> bool:
    return all(secret not in body for secret in SECRETS)


@pytest.mark.parametrize("path", ["/api/orders/{}", "/api/orders/{}/course"])
async def test_a_unit_is_told_the_matter_of_a_secret_order_and_nothing_of_who_it_was(
    site: Site, path: str
) -> None:
    unit = await site.signed_in("lisi")
    for order_id in (SECRET, ANON):
        status, body, told = await ask(unit, "GET", path.format(order_id))
        assert status == 200
        assert nothing_of_who(body)
        assert "楼上漏水" in body
        assert told["may_unmask"] is False
        assert set(told["masked"]) >= {"phone", "contact", "caller", "words"}


@pytest.mark.parametrize("path", ["/api/orders", "/api/inbox?open=false"])
async def test_lists_are_covered_like_the_orders_in_them(site: Site, path: str) -> None:
    unit = await site.signed_in("lisi")
    status, body, told = await ask(unit, "GET", path)
    assert (status, told["total"]) == (200, 3)
    assert not any(secret in body for secret in (PHONE, CALLER, NAME))
    assert "139****1234" in body  # of the open one


async def test_another_unit_is_told_of_no_order_at_all(site: Site) -> None:
    other = await site.signed_in("other")
    assert (await ask(other, "GET", "/api/orders"))[2]["total"] == 0
    for path in ("", "/course", "/documents"):
        assert (await ask(other, "GET", f"/api/orders/{OPEN}{path}"))[0] == 404
    asked = {"fields": ["phone"], "reason": "想知道"}
    assert (await ask(other, "POST", f"/api/orders/{OPEN}/unmask", json=asked))[0] == 404
    move = {"move": "sign", "version": 1, "fields": {}}
    assert (await ask(other, "POST", f"/api/orders/{OPEN}/moves", json=move))[0] == 404


async def test_a_unit_unmasks_an_open_order_for_a_reason_and_the_auditor_sees_it(site: Site) -> None:
    unit = await site.signed_in("lisi")
    path = f"/api/orders/{OPEN}/unmask"
    status, _, told = await ask(
        unit, "POST", path, json={"fields": ["phone", "contact"], "reason": "上门前联系"}
    )
    assert (status, told["fields"]) == (200, {"phone": PHONE, "contact": NAME})
    assert (await ask(unit, "POST", path, json={"fields": ["phone"], "reason": " "}))[0] == 400
    auditor = await site.signed_in("shen")
    status, body, log = await ask(auditor, "GET", f"/api/orders/{OPEN}/accesses")
    line = next(one for one in log["accesses"] if one["act"] == "unmasked")
    assert (line["who"], sorted(line["fields"])) == ("lisi", ["contact", "phone"])
    assert line["reason"] == "上门前联系"
    assert nothing_of_who(body)
    _, trail, _ = await ask(auditor, "GET", "/api/audit")
    assert '"what":"unmasked"' in trail.replace(" ", "")
    assert nothing_of_who(trail)


async def test_a_confidential_order_is_unmasked_only_by_who_has_the_right(site: Site) -> None:
    asked = {"fields": ["phone"], "reason": "核实举报"}
    for login in ("zhang", "banzhang", "lisi", "shen"):
        browser = await site.signed_in(login)
        assert (await ask(browser, "POST", f"/api/orders/{SECRET}/unmask", json=asked))[0] == 403
        assert nothing_of_who((await ask(browser, "GET", f"/api/orders/{SECRET}/course"))[1])
    entitled = await site.signed_in("zheng")
    assert nothing_of_who((await ask(entitled, "GET", f"/api/orders/{SECRET}"))[1])
    assert (await ask(entitled, "POST", f"/api/orders/{SECRET}/unmask", json=asked))[2] == {
        "fields": {"phone": PHONE}
    }


async def test_nobody_finds_a_secret_order_by_the_number_of_who_it_was(site: Site) -> None:
    async def found(login: str, word: str) -> set[str]:
        browser = await site.signed_in(login)
        _, _, told = await ask(browser, "GET", "/api/orders", params={"text": word})
        return {one["order_id"] for one in told["orders"]}

    for word in (PHONE, CALLER, NAME[:2]):
        assert await found("banzhang", word) >= {OPEN, ANON} - ({OPEN, ANON} if word == NAME[:2] else set())
        assert SECRET not in await found("zheng", PHONE)
        assert await found("lisi", PHONE) == set()
    assert await found("lisi", "漏水") == {OPEN, SECRET, ANON}
    browser = await site.signed_in("banzhang")
    _, body, _ = await ask(browser, "GET", f"/api/callers/{CALLER}/history")
    assert SECRET not in body
    _, body, told = await ask(browser, "GET", "/api/calls", params={"caller": CALLER})
    assert {one["call_id"] for one in told["calls"]} == {"c1"}
    _, body, told = await ask(browser, "GET", "/api/calls/c2")
    assert told["caller"] == "138****0001"
    assert nothing_of_who(body)


async def test_the_call_of_a_confidential_order_is_heard_and_read_only_after_a_reason(site: Site) -> None:
    browser = await site.signed_in("zheng")
    for path in ("transcript", "transcript/export?format=txt", "recording", "messages/1"):
        assert (await ask(browser, "GET", f"/api/calls/c2/{path}"))[0] == 403
    asked = {"fields": ["recording"], "reason": "复核举报"}
    assert (await ask(browser, "POST", f"/api/orders/{SECRET}/unmask", json=asked))[0] == 200
    assert (await ask(browser, "GET", "/api/calls/c2/transcript"))[0] == 200
    assert (await ask(await site.signed_in("banzhang"), "GET", "/api/calls/c2/transcript"))[0] == 403
    assert (await ask(await site.signed_in("banzhang"), "GET", "/api/calls/c1/transcript"))[0] == 200


async def test_somebody_unmasks_only_so_much_within_an_hour(site: Site) -> None:
    unit, clock = await site.signed_in("lisi"), site.deps.clock
    casework = site.deps.casework
    assert casework is not None
    asked = {"fields": ["phone"], "reason": "上门前联系"}
    answers = [
        (await ask(unit, "POST", f"/api/orders/{OPEN}/unmask", json=asked))[0]
        for _ in range(casework.privacy.per_hour + 1)
    ]
    assert answers[-2:] == [200, 429]
    assert isinstance(clock, Clock)
    clock.now += 3601
    unit = await site.signed_in("lisi")
    assert (await ask(unit, "POST", f"/api/orders/{OPEN}/unmask", json=asked))[0] == 200


async def test_opening_an_order_is_kept_unless_it_is_ones_own(site: Site) -> None:
    for login in ("zhang", "lisi", "banzhang", "banzhang"):
        await ask(await site.signed_in(login), "GET", f"/api/orders/{OPEN}")
    auditor = await site.signed_in("shen")
    _, _, log = await ask(auditor, "GET", "/api/accesses", params={"act": "opened"})
    assert [(one["who"], one["order_id"]) for one in log["accesses"]] == [("banzhang", OPEN)]


@pytest.mark.parametrize("page", ["course", "documents", "attachments", "earlier"])
async def test_every_page_that_shows_an_order_is_kept_as_opening_it(site: Site, page: str) -> None:
    assert (await ask(await site.signed_in("banzhang"), "GET", f"/api/orders/{OPEN}/{page}"))[0] == 200
    _, _, log = await ask(await site.signed_in("shen"), "GET", "/api/accesses", params={"act": "opened"})
    assert [(one["who"], one["order_id"]) for one in log["accesses"]] == [("banzhang", OPEN)]


async def test_words_that_are_covered_outside_of_the_matter_are_unmasked_with_a_reason(site: Site) -> None:
    casework = site.deps.casework
    assert casework is not None
    await casework.store.apply(ANON, corrected("summary", "楼上漏水"))
    await site.deps.accounts.create(
        by="system", login="pai", name="测试员", role=Role.CLERK, password=PASSWORD
    )
    clerk = await site.signed_in("pai")
    _, body, told = await ask(clerk, "GET", f"/api/orders/{ANON}/course")
    assert PHONE not in body and "words" in told["masked"] and told["may_unmask"] is True
    asked = {"fields": ["words"], "reason": "审核反馈"}
    status, _, told = await ask(clerk, "POST", f"/api/orders/{ANON}/unmask", json=asked)
    assert status == 200
    texts = [line["text"] for line in told["fields"]["words"]["lines"] if line["title"] == "反馈"]
    assert texts and all(f"已电话联系{NAME}（{PHONE}）" in one for one in texts)


async def test_files_of_citizens_are_opened_with_a_reason_and_never_by_units_of_secret_orders(
    site: Site,
) -> None:
    casework = site.deps.casework
    assert casework is not None and casework.citizens is not None
    paths: dict[tuple[str, str], str] = {}
    for order_id in (OPEN, ANON, SECRET):
        for who in ("citizen", "zhang", "lisi"):
            kept = await casework.citizens.attachments.put(order_id, f"{NAME}.png", png(), who=who)
            paths[order_id, who] = f"/api/orders/{order_id}/attachments/{kept.attachment_id}"
    unit = await site.signed_in("lisi")

    async def seen(order_id: str) -> list[int]:
        return [await status_of(unit, paths[order_id, who]) for who in ("citizen", "zhang", "lisi")]

    _, body, told = await ask(unit, "GET", f"/api/orders/{OPEN}/attachments")
    assert {one["who"]: one["open"] for one in told["attachments"]} == {
        "citizen": False, "zhang": False, "lisi": True,
    }  # fmt: skip
    assert told["may_unmask"] is True and NAME not in body
    asked = {"fields": ["files"], "reason": "上门核实"}
    for order_id in (OPEN, ANON, SECRET):
        assert await seen(order_id) == [403, 403, 200]
        status, _, _ = await ask(unit, "POST", f"/api/orders/{order_id}/unmask", json=asked)
        assert status == (200 if order_id == OPEN else 403)
    assert await seen(OPEN) == [200, 200, 200]
    assert await seen(SECRET) == [403, 403, 200]
    clock = site.deps.clock
    assert isinstance(clock, Clock)
    clock.now += casework.privacy.open_s + 1
    unit = await site.signed_in("lisi")
    assert await seen(OPEN) == [403, 403, 200]
    boss = await site.signed_in("banzhang")
    assert await status_of(boss, paths[ANON, "citizen"]) == 200
    assert await status_of(boss, paths[SECRET, "citizen"]) == 403


async def status_of(browser: aiohttp.ClientSession, path: str) -> int:
    async with browser.get(path) as response:
        return response.status


async def png() -> AsyncIterator[bytes]:
    yield b"\x89PNG\r\n\x1a\n" + bytes(20)


def corrected(field: str, value: str) -> OrderCorrected:
    change = FieldChange(field=field, was="", value=value)
    return OrderCorrected(changes=(change,), cause=CorrectionCause.RECORDED, reason="记录有误", by="banzhang")


async def test_the_log_is_taken_out_with_a_mark_that_finds_who_took_it(site: Site) -> None:
    await ask(await site.signed_in("banzhang"), "GET", f"/api/orders/{OPEN}")
    auditor = await site.signed_in("shen")
    status, body, _ = await ask(auditor, "GET", "/api/accesses/export")
    rows = list(csv.reader(io.StringIO(body.removeprefix("\ufeff"))))
    assert status == 200
    assert rows[2][1] == "banzhang"
    serial = rows[0][0].split("水印编号：")[1].split()[0]
    _, _, log = await ask(auditor, "GET", "/api/accesses", params={"serial": serial})
    assert [(one["who"], one["act"]) for one in log["accesses"]] == [("shen", "exported")]


async def test_the_auditor_finds_the_trail_of_an_order_whole_or_broken(
    site: Site, engine: AsyncEngine
) -> None:
    auditor = await site.signed_in("shen")
    _, _, told = await ask(auditor, "GET", f"/api/orders/{OPEN}/chain")
    assert told["whole"] is True
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE order_events SET actor = 'nobody' WHERE order_id = :one AND seq = 4"), {"one": OPEN}
        )
    _, _, told = await ask(auditor, "GET", f"/api/orders/{OPEN}/chain")
    assert (told["whole"], told["seq"]) == (False, 4)


async def test_another_system_is_told_names_and_numbers_only_with_a_scope_of_its_own(site: Site) -> None:
    systems = site.deps.systems
    assert systems is not None
    for scopes, plain in (([Scope.ORDERS_READ], False), ([Scope.ORDERS_READ, Scope.PERSONS_READ], True)):
        token, _ = await systems.tokens.create("portal", scopes, by="guanli")
        browser = site.browser()
        headers = {"Authorization": f"Bearer {token}"}
        _, body, _ = await ask(browser, "GET", f"/api/orders/{OPEN}", headers=headers)
        assert (PHONE in body) is plain
        _, body, _ = await ask(browser, "GET", f"/api/orders/{SECRET}", headers=headers)
        assert nothing_of_who(body)
        _, body, _ = await ask(browser, "GET", "/api/changes", headers=headers)
        assert (PHONE in body) is plain


async def test_another_system_finds_nobody_by_a_number_without_the_scope(site: Site) -> None:
    systems = site.deps.systems
    assert systems is not None
    read = [Scope.ORDERS_READ, Scope.CALLS_READ, Scope.TRANSCRIPTS_READ]
    for scopes, finds in ((read, False), ([*read, Scope.PERSONS_READ], True)):
        token, _ = await systems.tokens.create("portal", scopes, by="guanli")
        headers = {"Authorization": f"Bearer {token}"}
        for word in (PHONE, CALLER):
            _, _, told = await ask(
                site.browser(), "GET", "/api/orders", params={"text": word}, headers=headers
            )
            assert {one["order_id"] for one in told["orders"]} == ({OPEN} if finds else set()), word
        for path, params in (
            ("/api/calls", {"caller": CALLER}),
            ("/api/calls", {"text": CALLER}),
            ("/api/transcripts", {"caller": CALLER}),
        ):
            status, _, _ = await ask(site.browser(), "GET", path, params=params, headers=headers)
            assert status == (200 if finds else 403), path
        status, _, _ = await ask(
            site.browser(), "GET", "/api/calls", params={"text": "停水2026"}, headers=headers
        )
        assert status == 200


async def test_what_is_masked_is_not_written_back_and_secrecy_not_taken_off_by_the_way(site: Site) -> None:
    casework = site.deps.casework
    assert casework is not None
    draft: list[OrderEvent] = [
        DraftOpened(order_id="o-draft", call_id="", caller=CALLER),
        FieldEdited(field="phone", value=PHONE, agent="li"),
        FieldEdited(field="secrecy", value="保密", agent="li"),
    ]
    await casework.store.create(draft, order_id="o-draft", event_id="o-draft")
    boss = await site.signed_in("banzhang")

    async def edit(**fields: str) -> int:
        body = {"version": 3, "fields": fields}
        return (await ask(boss, "PATCH", "/api/orders/o-draft/fields", json=body))[0]

    assert await edit(phone="139****1234") == 400
    assert await edit(secrecy="公开") == 403
    assert await edit(place="幸福小区") == 200


async def test_a_unit_hears_nothing_of_the_floor_over_its_page(site: Site) -> None:
    unit = await site.signed_in("lisi")
    async with unit.ws_connect("/api/ws") as socket:
        assert (await read_json(socket))["type"] == "snapshot"
        for topic in ("floor", "floor:masked", "call:c1", "alerts", "wallboard"):
            await socket.send_json({"type": "watch", "ref": topic, "topics": [topic]})
            assert (await read_json(socket))["ok"] is False


# ---------------------------------------------------------------- the row-level gate, and the database's own

DISTRICTS = ("东城区", "西城区", "")
UNITS = (UNIT, OTHER, "东城区住建局")
MATTERS = st.tuples(st.sampled_from(DISTRICTS), st.lists(st.sampled_from(UNITS), max_size=3, unique=True))
SIGHTS = st.builds(
    Sight,
    units=st.none() | st.frozensets(st.sampled_from((*UNITS, ""))),
    districts=st.none() | st.frozensets(st.sampled_from(DISTRICTS)),
    own=st.sampled_from(("", "li", "zhao")),
)


@pytest.fixture
def prepared(migrated_sqlite: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'sights.sqlite')}"


async def test_the_database_lists_exactly_what_may_be_seen(prepared: str) -> None:
    engine = open_engine(prepared)
    store = OrderStore(engine, clock=Clock())
    for number, (district, units) in enumerate((d, u) for d in DISTRICTS for u in _parts()):
        await store.create(_matter(number, district, units), order_id=f"m{number}", event_id=f"m{number}")
    everything = (await store.list(OrderFilter(size=100))).orders

    @settings(max_examples=60)
    @given(SIGHTS)
    def check(sight: Sight) -> None:
        wanted.append((sight, {one.draft.order_id for one in everything if sees(sight, one)}))

    wanted: list[tuple[Sight, set[str]]] = []
    check()
    for sight, open_ones in wanted:
        listed = (await store.list(OrderFilter(sight=sight, size=100))).orders
        assert {one.draft.order_id for one in listed} == open_ones, sight
    await engine.dispose()


def _parts() -> list[tuple[str, ...]]:
    return [(), (UNIT,), (OTHER, UNIT), (UNITS[2], OTHER, UNIT)]


def _matter(number: int, district: str, units: tuple[str, ...]) -> list[OrderEvent]:
    order_id = f"m{number}"
    fields = {"type": "投诉", "category": "住房", "summary": "漏水", "district": district}
    events: list[OrderEvent] = [DraftOpened(order_id=order_id, call_id="", caller="")]
    agent = ("li", "zhao")[number % 2]
    events += [FieldEdited(field=name, value=value, agent=agent) for name, value in fields.items() if value]
    if units:
        events.append(OrderSubmitted(agent=agent))
        events.append(OrderDispatched(lead=units[0], joint=units[1:], source="clerk", by="wang"))
    return events


async def test_an_agent_of_one_district_sees_what_they_take_down_for_another_until_somebody_else_has_it(
    site: Site,
) -> None:
    await site.deps.accounts.create(
        by="system", login="qu", name="测试员", role=Role.AGENT, password=PASSWORD, districts=("西城区",)
    )
    page = await site.signed_in("qu")
    draft: list[OrderEvent] = [
        DraftOpened(order_id="o-own", call_id="", caller=CALLER),
        FieldEdited(field="district", value="东城区", agent="qu"),
    ]
    casework = site.deps.casework
    assert casework is not None
    await casework.store.create(draft, order_id="o-own", event_id="o-own")
    assert (await ask(page, "GET", "/api/orders/o-own"))[0] == 200
    assert (await ask(page, "GET", f"/api/orders/{OPEN}"))[0] == 404
    assert [one["order_id"] for one in (await ask(page, "GET", "/api/orders"))[2]["orders"]] == ["o-own"]
    await casework.store.apply("o-own", FieldEdited(field="summary", value="楼上漏水", agent="zhang"))
    assert (await ask(page, "GET", "/api/orders/o-own"))[0] == 404


async def test_a_person_of_a_unit_without_a_unit_sees_nothing(engine: AsyncEngine, tmp_path: Path) -> None:
    sights = loop_over(engine, tmp_path, clock=Clock()).casework.sights
    nobody = Person(login="x", name="甲", role=Role.UNIT)
    sight = await sights.of(nobody)
    assert sight is not None
    assert sight.units == frozenset()
