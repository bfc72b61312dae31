"""Every address that tells of orders, asked by people whose orders are those of one district.

Whoever adds an address says here whether it tells of orders. One that does gets a line in `ORDERS` with what
is asked; one that does not is named in `OTHERS`, and is asked all the same where that needs nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import insert

from cti.control.orderdesk import OrderDesk
from cti.control.orderfront import OrderFront
from cti.database import open_engine
from cti.message_base import Role
from cti.messages import Entry, EntryKind
from cti.web.routes import ROUTES
from orders.bursts import Burst, Scale
from orders.course_events import (
    FedBack,
    FollowedUp,
    OrderDispatched,
    OrderSigned,
    SupervisionSet,
    WorkNoted,
)
from orders.course_messages import Outcome, Supervision
from orders.dispatch_tables import dispatch_samples
from orders.intake import Matter
from orders.messages import Channel, DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.notices import Due, Template
from orders.unit_table import Unit
from orders.visits import Answers
from tests.support.casework import Loop, loop_over
from tests.support.desk_parts import NobodyLive
from tests.support.loopback import LoopbackBlock
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = pytest.mark.integration

HERE, THERE = "东城区", "西城区"
UNIT, OTHER = "市水务局", "市住建局"
CATEGORY = "城乡建设/供水"
PHONE, CALLER, SECRET, NAME = "13900001234", "13800000001", "13700007777", "王建国"
"""SECRET is who reported something in confidence; NAME is everybody's."""
MARK = "there"
"""Begins every id of the other district's."""
WORD = "西苑"
"""Stands in all that its orders say."""
TRAIL = {"GET /api/audit", "GET /api/admin/changes", "GET /api/admin/changes/export"}
"""What people did, with the id of what they did it to, for those who check them."""
LIMITED = {
    Role.AGENT: "agent", Role.SUPERVISOR: "boss", Role.ADMIN: "admin", Role.CLERK: "clerk",
    Role.LEADER: "leader", Role.AUDITOR: "auditor",
}  # fmt: skip
"""People of one district by role; a unit's orders are those that it has a part in."""
ASKING = (Role.SUPERVISOR, Role.ADMIN, Role.CLERK, Role.LEADER, Role.AUDITOR, Role.AGENT)
"""Who asks first, where several may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How an address is asked for what is not theirs."""

    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None  # JSON
    form: bool = False  # a form with a file instead
    raw: bytes = b""  # the body as it is
    seen: bool = True  # whether who sees everything is told `MARK` by it


ORDER = {
    "reply_key": "there-reply",
    "order_id": "there-work", "attachment_id": "", "kind": "dispatch", "n": "1", "visit_id": "",
    "other": "here-work",
    "burst_id": "there-wave", "notice_id": "there-notice", "event_id": "there-sent", "call_id": "call-1",
    "number": CALLER, "system": "portal", "external_id": "there-1", "theme_id": "", "transfer_id": "none",
}  # fmt: skip
"""What stands in addresses; what is "" is made by the world."""
MOVE = {"move": "follow_up", "version": 999, "fields": {"reason": "催办"}}
UNITS = f"name,level,parent,duties,areas\n{OTHER},市级,,住房,\n".encode()

ORDERS: dict[str, Asked] = {
    "GET /api/calls/{call_id}": Asked(),
    "GET /api/callers/{number}/history": Asked(),
    "GET /api/orders": Asked(),
    "GET /api/orders/by-external/{system}/{external_id}": Asked(),
    "GET /api/intake": Asked(),
    "POST /api/intake/{order_id}/accept": Asked(body={"version": 999}, seen=False),
    "POST /api/intake/{order_id}/discard": Asked(body={"reason": "重复"}, seen=False),
    "GET /api/orders/{order_id}/attachments": Asked(),
    "POST /api/orders/{order_id}/attachments": Asked(form=True, seen=False),
    "GET /api/orders/{order_id}/attachments/{attachment_id}": Asked(),
    "DELETE /api/orders/{order_id}/attachments/{attachment_id}": Asked(body={"reason": "传错"}, seen=False),
    "GET /api/notices": Asked(),
    "POST /api/notices/{notice_id}/again": Asked(body={"reason": "再试"}, seen=False),
    "POST /api/notices/{notice_id}/close": Asked(body={"reason": "不发"}, seen=False),
    "GET /api/notices/replies": Asked(seen=False),
    "POST /api/notices/replies/{reply_key}/read": Asked(body={"reason": "已回电"}, seen=False),
    "POST /api/orders/moves": Asked(
        body={"move": "follow_up", "orders": [{"order_id": "there-work", "version": 999}]}, seen=False
    ),
    "POST /api/orders/transfers/export": Asked(body={"form": "csv"}, seen=False),
    "GET /api/orders/{order_id}": Asked(),
    "GET /api/orders/{order_id}/course": Asked(),
    "POST /api/orders/{order_id}/moves": Asked(body=MOVE, seen=False),
    "POST /api/orders/{order_id}/unmask": Asked(body={"fields": ["phone"], "reason": "核实"}, seen=False),
    "GET /api/orders/{order_id}/accesses": Asked(),
    "GET /api/orders/{order_id}/chain": Asked(),
    "GET /api/orders/{order_id}/documents": Asked(),
    "GET /api/orders/{order_id}/documents/{kind}/{n}.pdf": Asked(seen=False),
    "GET /api/orders/{order_id}/documents/{kind}/{n}": Asked(),
    "GET /api/orders/{order_id}/earlier": Asked(),
    "GET /api/topics": Asked(query={"weeks": 2}, seen=False),
    "GET /api/topics/months": Asked(query={"category": CATEGORY, "district": THERE}, seen=False),
    "GET /api/themes": Asked(),
    "GET /api/themes/{theme_id}": Asked(),
    "POST /api/themes/{theme_id}/close": Asked(body={"result": "已解决"}, seen=False),
    "GET /api/inbox": Asked(query={"unit": UNIT, "all": "true"}),
    "GET /api/inbox/counts": Asked(query={"unit": UNIT}, seen=False),
    "GET /api/supervision": Asked(),
    "GET /api/assessment": Asked(seen=False),
    "GET /api/assessment/orders": Asked(query={"figure": "sent", "whole": "true"}),
    "GET /api/assessment/trend": Asked(seen=False),
    "GET /api/assessment/mine": Asked(seen=False),
    "GET /api/assessment/corrections": Asked(seen=False),
    "GET /api/assessment/file": Asked(query={"format": "csv"}, seen=False),
    "GET /api/leader": Asked(),
    "POST /api/units/import": Asked(query={"dry_run": "true"}, raw=UNITS),
    "GET /api/orders/{order_id}/units": Asked(seen=False),
    "GET /api/dispatch/counts": Asked(seen=False),
    "GET /api/dispatch/queue": Asked(),
    "POST /api/dispatch/suggest": Asked(body={"orders": ["there-work"]}, seen=False),
    "POST /api/dispatch/batch": Asked(
        body={"orders": [{"order_id": "there-new", "version": 999, "lead": OTHER}]}, seen=False
    ),
    "GET /api/dispatch/samples": Asked(),
    "POST /api/dispatch/samples/{event_id}/verdict": Asked(body={"verdict": "right"}, seen=False),
    "GET /api/dispatch/figures": Asked(seen=False),
    "PATCH /api/orders/{order_id}/fields": Asked(
        body={"version": 999, "fields": {"place": "某处"}}, seen=False
    ),
    "POST /api/orders/{order_id}/submit": Asked(body={}, seen=False),
    "POST /api/orders/{order_id}/discard": Asked(body={"reason": "重复"}, seen=False),
    "POST /api/orders/{order_id}/links": Asked(body={"other": "here-work"}, seen=False),
    "DELETE /api/orders/{order_id}/links/{other}": Asked(seen=False),
    "POST /api/orders/{order_id}/merge": Asked(body={"into": "here-work"}, seen=False),
    "POST /api/orders/{order_id}/merge/undo": Asked(body={}, seen=False),
    "GET /api/visits": Asked(),
    "POST /api/visits": Asked(body={"orders": ["there-new"]}, seen=False),
    "POST /api/visits/matching": Asked(body={"text": "there"}, seen=False),
    "GET /api/visits/campaign": Asked(seen=False),
    "GET /api/visits/by-hand": Asked(seen=False),
    "GET /api/work/counts": Asked(seen=False),
    "GET /api/visits/{visit_id}": Asked(),
    "GET /api/visits/{visit_id}/history": Asked(),
    "POST /api/visits/{visit_id}/cancel": Asked(body={"reason": "不必"}, seen=False),
    "POST /api/visits/{visit_id}/result": Asked(body={"satisfaction": 5}, seen=False),
    "GET /api/bursts": Asked(),
    "GET /api/bursts/{burst_id}": Asked(),
    "POST /api/bursts/{burst_id}/link": Asked(body={"orders": ["there-new", "there-work"]}, seen=False),
    "POST /api/bursts/{burst_id}/merge": Asked(
        body={"into": "here-work", "orders": ["there-new"], "reason": "同一件事"}, seen=False
    ),
    "POST /api/bursts/{burst_id}/merge/undo": Asked(
        body={"orders": ["there-new"], "reason": "不是一件事"}, seen=False
    ),
    "POST /api/bursts/{burst_id}/state": Asked(body={"state": "dismissed", "reason": "不是"}, seen=False),
    "GET /api/accesses": Asked(),
    "GET /api/accesses/export": Asked(),
    "GET /api/changes": Asked(query={"kinds": "order"}),
}  # fmt: skip
"""Addresses that tell of orders, or do something with them, and how they are asked for another district's."""

OTHERS = """
POST /api/login, POST /api/logout, GET /api/me, GET /api/me/figures, GET /api/me/phone
POST /api/me/password, GET /api/reports, POST /api/reports, GET /api/reports/page, GET /api/reports/file
GET /api/reports/{report_id}, GET /api/reports/{report_id}/file, GET /api/reports/{report_id}/difference
GET /api/figures/definitions, GET /api/ws, GET /api/calls, GET /api/calls/{call_id}/pop
GET /api/calls/{call_id}/transcript, PUT /api/calls/{call_id}/transcript/{line_id}/mark
GET /api/calls/{call_id}/transcript/export, PATCH /api/calls/{call_id}/transcript/{line_id}
GET /api/calls/{call_id}/transcript/{line_id}/corrections, GET /api/calls/{call_id}/recording
GET /api/calls/{call_id}/recording/part, GET /api/calls/{call_id}/messages
GET /api/calls/{call_id}/messages/{number}, GET /api/messages, GET /api/transcripts
GET /api/transcripts/export, GET /api/quality/fields, GET /api/reviews, POST /api/reviews
GET /api/reviews/{review_id}, POST /api/reviews/{review_id}/moves, GET /api/me/reviews
GET /api/me/reviews/{review_id}, POST /api/me/reviews/{review_id}/moves, GET /api/quality/scores
GET /api/quality/biases, GET /api/quality/documents/{kind}, POST /api/quality/documents/{kind}
GET /api/calibrations, POST /api/calibrations, GET /api/calibrations/{calibration_id}
POST /api/calibrations/{calibration_id}/marks, POST /api/calibrations/{calibration_id}/close
GET /api/callbacks, POST /api/callbacks, GET /api/callbacks/{callback_id}
GET /api/callbacks/{callback_id}/history, POST /api/callbacks/{callback_id}/take
POST /api/callbacks/{callback_id}/give-up, POST /api/callbacks/{callback_id}/settle, GET /api/blocked
POST /api/blocked, DELETE /api/blocked/{number}, GET /api/blocked/suspects, POST /api/orders
POST /api/notices/replies, POST /api/orders/transfers/import, GET /api/orders/transfers/{transfer_id}
GET /api/orders/transfers/{transfer_id}/file, POST /api/audit/verifications, GET /api/audit/verifications
GET /api/audit/verifications/{run_id}, GET /api/audit/seals, POST /api/audit/seals, POST /api/themes
GET /api/clocks, POST /api/clocks/explain, POST /api/assessment/freeze, GET /api/units, GET /api/units/book
GET /api/units/file, POST /api/units/rules, DELETE /api/units/rules/{rule_id}, GET /api/dispatch/policy
GET /api/course/words, GET /api/templates, PUT /api/templates/{template_id}, GET /api/places
GET /api/desk/words, GET /api/knowledge, GET /api/knowledge/verdicts
PUT /api/knowledge/{article_id}/verdict, GET /api/knowledge/misses, POST /api/knowledge/misses
GET /api/knowledge/articles, GET /api/knowledge/articles/{article_id}
PUT /api/knowledge/articles/{article_id}, GET /api/knowledge/proposals
POST /api/knowledge/proposals/{proposal_id}/rule, GET /api/knowledge/cares, POST /api/knowledge/import
GET /api/public/knowledge, GET /api/public/knowledge/{article_id}, POST /api/visits/campaign/pause
POST /api/visits/campaign/resume, GET /api/alerts, POST /api/alerts/{alert_id}/acknowledge
GET /api/alert-rules, PUT /api/alert-rules/{key}, DELETE /api/alert-rules/{key}, GET /api/bulletins
POST /api/bulletins, POST /api/bulletins/{bulletin_id}/withdraw, GET /api/announcements
GET /api/announcements/pieces, POST /api/announcements, PUT /api/announcements/{announcement_id}/audio
GET /api/announcements/{announcement_id}/audio, POST /api/announcements/{announcement_id}/approve
POST /api/announcements/{announcement_id}/withdraw, GET /api/calls/missed
GET /api/templates/{template_id}/versions, GET /api/wall/breaks, GET /api/wall/breaks/file
POST /api/attachments, GET /api/wall/definitions, GET /api/wall/map, GET /api/staff-messages
GET /api/accounts, POST /api/accounts, PATCH /api/accounts/{login}, GET /api/audit, GET /api/tokens
POST /api/tokens, POST /api/tokens/{token_id}/revoke, GET /api/webhooks, POST /api/webhooks
PATCH /api/webhooks/{webhook_id}, DELETE /api/webhooks/{webhook_id}, POST /api/webhooks/{webhook_id}/test
GET /api/webhooks/{webhook_id}/deliveries, POST /api/webhooks/{webhook_id}/deliveries/{event_id}/again
GET /api/citizen, POST /api/citizen/session, POST /api/citizen/orders, POST /api/citizen/orders/query
POST /api/citizen/orders/rate, POST /api/citizen/orders/attachments, GET /api/citizen/ws, GET /healthz
GET /readyz, GET /metrics, GET /{path:.*}, GET /api/names
"""
"""Addresses that tell of calls, people, rules, figures or of what one has just brought oneself.

The screen pop tells of orders, too, and needs a call that rings: tests/integration/test_desk_stores.py asks
it. Addresses of the administration (/api/admin) are of rules, people and settings.
"""


def others() -> set[str]:
    named = OTHERS.strip().replace("\n", ", ").split(", ")
    return {*named, *(f"{route.method} {route.path}" for route in ROUTES if "/api/admin/" in route.path)}


def test_every_address_says_whether_it_tells_of_orders() -> None:
    known = {f"{route.method} {route.path}" for route in ROUTES}
    assert known == set(ORDERS) | others()
    assert not set(ORDERS) & others()


@pytest_asyncio.fixture
async def world(
    migrated_sqlite: Path, tmp_path: Path, loopback: LoopbackBlock
) -> AsyncIterator[tuple[Site, Loop, dict[str, str]]]:
    engine = open_engine(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'hotline.sqlite')}")
    clock = Clock()
    loop = loop_over(engine, tmp_path, clock=clock)
    await loop.casework.units.replace_units([Unit(name=UNIT), Unit(name=OTHER)])
    for begin, district in (("here", HERE), (MARK, THERE)):
        await lived(loop, clock, begin, district)
    async with open_site(
        engine, tmp_path, loopback.address(), clock=clock, casework=loop.casework,
        orders=OrderFront(loop.store, cast(OrderDesk, NobodyLive()), clock),
        visits=loop.visits.desk, visit_store=loop.visits.store,
    ) as site:  # fmt: skip
        for role, login in LIMITED.items():
            for name, districts in ((login, (HERE,)), (f"all-{login}", ())):
                await site.deps.accounts.create(
                    by="system", login=name, name="测试员", role=role, password=PASSWORD, districts=districts
                )
        await site.deps.accounts.create(
            by="system", login="lisi", name="测试员", role=Role.UNIT, password=PASSWORD, unit=UNIT
        )
        made = await beside(site, loop)
        async with engine.begin() as connection:
            await connection.execute(insert(dispatch_samples).values(
                event_id=made["event_id"], order_id="there-work", unit=UNIT, source="learned", reason="像",
                confidence=0.9, at=clock() - 10, verdict="", should="", note="", judged_by="",
            ))  # fmt: skip
        yield site, loop, {**ORDER, **made}
    await engine.dispose()


async def lived(loop: Loop, clock: Clock, begin: str, district: str) -> None:
    """An order that a unit has and that is watched, an older one, and one that waits for its dispatch."""

    said = WORD if begin == MARK else "本区"

    def opened(order_id: str, call_id: str = "", number: str = PHONE) -> list[OrderEvent]:
        fields = {
            "type": "投诉", "category": CATEGORY, "district": district, "phone": number, "contact": NAME,
            "title": f"{said} 停水，{NAME} {number}", "summary": f"{said} 家里停水，打 {number}",
        }  # fmt: skip
        return [
            DraftOpened(order_id=order_id, call_id=call_id, caller=CALLER if number == PHONE else SECRET),
            *(FieldEdited(field=name, value=value, agent="li") for name, value in fields.items()),
        ]

    def work(order_id: str, begun: list[OrderEvent], number: str) -> tuple[str, list[OrderEvent]]:
        events: list[OrderEvent] = [
            *begun,
            OrderSubmitted(agent="li"),
            OrderDispatched(lead=UNIT, source="clerk", by="wang"),
            SupervisionSet(level=Supervision.RED, reason=f"{said} 请督办，来电 {number}", by="wang"),
            FollowedUp(reason=f"{said} 请尽快回电 {number}", by="wang"),
            OrderSigned(unit=UNIT, by="lisi"),
            WorkNoted(unit=UNIT, text=f"已联系 {number}", by="lisi"),
        ]
        if number == SECRET:
            events.append(FedBack(unit=UNIT, text=f"已答复 {number}", outcome=Outcome.DONE, by="lisi"))
        return order_id, events

    secret: list[OrderEvent] = [
        *opened(f"{begin}-secret", f"call-{2 + (begin == MARK)}", SECRET),
        FieldEdited(field="secrecy", value="保密", agent="li"),
    ]
    for order_id, events in (
        (f"{begin}-older", [*opened(f"{begin}-older"), OrderSubmitted(agent="li")]),
        work(f"{begin}-work", opened(f"{begin}-work", f"call-{begin == MARK:d}"), PHONE),
        work(f"{begin}-secret", secret, SECRET),
        (f"{begin}-new", [*opened(f"{begin}-new"), OrderSubmitted(agent="li")]),
    ):
        clock.now += 60
        await loop.store.create(events, order_id=order_id, event_id=order_id)


async def beside(site: Site, loop: Loop) -> dict[str, str]:
    """What stands beside the other district's orders; returns what their addresses need."""
    clock, casework = site.deps.clock, loop.casework
    planned = await loop.visits.desk.plan(["there-work", "there-secret"], after=None, by="wang")
    said = Answers(satisfaction=2, words=f"还是不行，打 {SECRET} 找{NAME}")
    await loop.visits.desk.settle(planned.visits[1].visit_id, said, "wang")
    await loop.visits.delivered()
    place = await site.deps.systems.changes.newest() if site.deps.systems is not None else None
    assert place is not None
    due = Due(notice_id="there-notice", template=Template.RATE, at=clock())
    await loop.citizens.notices.store.add([("there-work", due)], place, now=clock())
    fields = {
        "summary": f"{WORD} 停水",
        "title": WORD,
        "district": THERE,
        "phone": PHONE,
        "category": CATEGORY,
    }
    brought = Matter(channel=Channel.PORTAL, fields=fields, system="portal", external_id="there-1")
    await loop.citizens.intake.take(brought, who="api:portal", key="there")
    kept = await loop.citizens.attachments.put("there-work", "there.png", picture(), who="wang")
    burst = Burst(
        burst_id="there-wave", scale=Scale.PLACE, category=CATEGORY, district=THERE, place="",
        orders=("there-work", "there-new", "there-secret"), callers=3, since=clock() - 60, last=clock(),
    )  # fmt: skip
    await site.deps.boards.bursts.keep([burst])
    theme = await casework.topics.themes.begin(
        month="2027-01", title=WORD, category=CATEGORY, district=THERE, lead=UNIT, goal="", by="wang"
    )
    person = (await site.deps.accounts.list())[0]
    sent = next(
        one for one in await loop.store.events("there-work") if isinstance(one.event, OrderDispatched)
    )
    number = (await loop.store.get("there-work")).number
    await casework.accesses.opened(person.person(), "there-work", number)
    await site.deps.calls.write([
        Entry(
            entry_id=f"e-{call_id}", call_id=call_id, at=clock() - 100, kind=EntryKind.CALL_STATE,
            data={"state": "incoming", "caller": caller, "called": "12345"},
        )
        for call_id, caller in (("call-1", CALLER), ("call-3", SECRET))
    ])  # fmt: skip
    return {
        "attachment_id": kept.attachment_id, "visit_id": planned.visits[0].visit_id,
        "theme_id": theme.theme_id, "event_id": sent.event_id,
    }  # fmt: skip


async def picture() -> AsyncIterator[bytes]:
    yield b"\x89PNG\r\n\x1a\n" + b"there"


def path_of(address: str, values: dict[str, str]) -> str:
    path = address.partition(" ")[2]
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    return path


async def ask(
    browser: aiohttp.ClientSession, address: str, values: dict[str, str], asked: Asked
) -> tuple[int, str]:
    """Return status and body."""
    more: dict[str, Any] = {"params": asked.query}
    headers = {"Idempotency-Key": f"key-{address}".replace(" ", "")[:100]}
    if asked.form:
        form = aiohttp.FormData()
        form.add_field("file", b"\x89PNG\r\n\x1a\n", filename="x.png", content_type="image/png")
        more["data"] = form
    elif asked.raw:
        more["data"] = asked.raw
    elif asked.body is not None:
        more["json"] = asked.body
    method = address.partition(" ")[0]
    async with browser.request(method, path_of(address, values), headers=headers, **more) as response:
        return response.status, (await response.read()).decode(errors="replace")


def open_to(role: Role) -> Sequence[str]:
    return [
        f"{route.method} {route.path}" for route in ROUTES if route.roles is not None and role in route.roles
    ]


async def versions(loop: Loop) -> dict[str, int]:
    """The other district's orders: 工单编号 without its year, as documents write it, and version."""
    orders = [await loop.store.get(f"there-{one}") for one in ("work", "new", "older", "secret")]
    return {order.number[4:]: order.draft.version for order in orders}


def tells(body: str, numbers: Iterable[str], *, ids: bool) -> bool:
    """Whether this tells anything of the other district's orders."""
    return WORD in body or (ids and MARK in body) or any(number in body for number in numbers)


async def test_who_has_one_district_is_told_nothing_of_another_ones_orders(
    world: tuple[Site, Loop, dict[str, str]],
) -> None:
    site, loop, values = world
    before = await versions(loop)
    own = {**values, "order_id": "here-work", "call_id": "call-0"}
    told: list[str] = []
    for role, login in LIMITED.items():
        browser = await site.signed_in(login)
        for address in open_to(role):
            quiet = address not in ORDERS and (not address.startswith("GET ") or "{" in address)
            if quiet or address == "GET /api/ws":
                continue
            asked = ORDERS.get(address, Asked())
            mine = address.startswith("GET ") and not address.endswith(".pdf")  # one PDF takes its time
            for at in (values, own) if mine else (values,):
                status, body = await ask(browser, address, at, asked)
                ids = address.startswith("GET ") and address not in TRAIL  # others name what they were asked
                if status == 500 or tells(body, before, ids=ids):
                    told.append(f"{login}: {address} {status} {body[:300]}")
    assert told == []
    assert await versions(loop) == before
    assert await loop.citizens.attachments.of_order("there-new") == ()


async def test_who_has_all_districts_is_told_of_them_by_the_same_questions(
    world: tuple[Site, Loop, dict[str, str]],
) -> None:
    site, loop, values = world
    numbers = await versions(loop)
    browsers = {role: await site.signed_in(f"all-{login}") for role, login in LIMITED.items()}
    untold: list[str] = []
    for address, asked in ORDERS.items():
        if not asked.seen:
            continue
        role = next(one for one in ASKING if address in open_to(one))
        status, body = await ask(browsers[role], address, values, asked)
        if status >= 300 or not tells(body, numbers, ids=True):
            untold.append(f"{role}: {address} {status} {body[:200]}")
    assert untold == []


async def test_nobody_reads_a_secret_reporter_and_units_and_leaders_nobody_in_any_text(
    world: tuple[Site, Loop, dict[str, str]],
) -> None:
    site, loop, values = world
    visits = await loop.visits.store.of_orders(["there-secret"])
    secret = {
        **values, "order_id": "there-secret", "call_id": "call-3", "number": SECRET,
        "visit_id": visits["there-secret"][0].visit.visit_id,
    }  # fmt: skip
    people = {role: f"all-{login}" for role, login in LIMITED.items()} | {Role.UNIT: "lisi"}
    told: list[str] = []
    for role, login in people.items():
        browser = await site.signed_in(login)
        hidden = (
            (SECRET, PHONE, CALLER, NAME) if role in (Role.UNIT, Role.LEADER, Role.AUDITOR) else (SECRET,)
        )
        for address in open_to(role):
            if address not in ORDERS or not address.startswith("GET ") or address.endswith(".pdf"):
                continue
            for at in (values, secret):
                status, body = await ask(browser, address, at, ORDERS[address])
                if status == 500 or any(one in body for one in hidden):
                    told.append(f"{login}: {address} {status} {[one for one in hidden if one in body]}")
    assert told == []
