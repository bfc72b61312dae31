"""The citizens' page without a call: bring a matter, ask for one's own order, rate it, add files.

Open to everybody, so everything is bounded, counted by address, and about one order only: whoever knows its
number and its code. Wrong codes are counted for each number, too, so that nobody tries them all.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec
from aiohttp import web

from cti.casework.intake import CITIZEN, Intake
from cti.casework.outside import outside_view
from cti.web.answers import ApiError, answer, read_body
from cti.web.attachments import files_of, read_upload, refused_files
from cti.web.cases import casework_of
from cti.web.guard import check_origin, client_address
from cti.web.intake import intake_of, needed_key, receipt_body, taken_in
from cti.web.orders import refusals
from orders.course_events import JoinedRated, OrderRated
from orders.course_messages import SYSTEM, Solved
from orders.errors import IllegalTransition
from orders.intake import Matter
from orders.messages import Channel, OrderField
from orders.records import Order

__all__ = ["add_file", "ask", "bring", "rate"]

F = OrderField
FILLED_IN = frozenset(
    {
        F.TYPE, F.TITLE, F.SUMMARY, F.DISTRICT, F.STREET, F.PLACE, F.DETAIL, F.SUBJECT, F.TIME, F.PHONE,
        F.CONTACT, F.CONTACT_BY, F.SECRECY,
    }
)  # fmt: skip
"""What citizens fill in; category, urgency and unit are the hotline's."""
Value = Annotated[str, msgspec.Meta(max_length=120_000)]  # fields have limits of their own, with better words
Mark = Annotated[int, msgspec.Meta(ge=1, le=5)]
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=30)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]


class CitizenMatter(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    fields: Annotated[dict[Annotated[str, msgspec.Meta(max_length=40)], Value], msgspec.Meta(max_length=20)]
    consent: bool = False  # agreed to what is kept of it


class WhichOrder(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    number: Number  # 工单编号 or 登记号
    code: Code  # 查询码


class CitizenRating(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    number: Number
    code: Code
    solved: Solved | None = None
    result: Mark | None = None  # satisfied with what came of it, 5 … 1
    service: Mark | None = None  # with how they were treated
    words: Annotated[str, msgspec.Meta(max_length=1000)] = ""


def _open(request: web.Request) -> Intake:
    """Return who takes matters in, unless this page is closed or the address asks too often."""
    citizens = casework_of(request).citizens
    if citizens is None or not citizens.form:
        raise ApiError(404, "not_open", "网上登记暂未开放，请拨打 12345")
    check_origin(request, needed=True)
    if not citizens.asked.take(client_address(request)):
        raise ApiError(429, "too_many", "请求过于频繁，请稍后再试，或拨打 12345")
    return intake_of(request)


async def bring(request: web.Request) -> web.StreamResponse:
    """POST /api/citizen/orders: a matter in writing; it waits for a clerk."""
    intake = _open(request)
    key = needed_key(request)
    body = await read_body(request, CitizenMatter)
    if not body.consent:
        raise ApiError(400, "consent_missing", "请先阅读并同意服务须知", field="consent")
    unknown = sorted(set(body.fields) - FILLED_IN)
    if unknown:
        raise ApiError(400, "invalid", "有不能填写的内容", field=f"fields.{unknown[0][:40]}")
    matter = Matter(channel=Channel.WEB, fields=body.fields)
    receipt = await taken_in(intake, matter, who=CITIZEN, key=key)
    return answer(_without_id(receipt_body(receipt)), status=201 if receipt.fresh else 200)


async def ask(request: web.Request) -> web.StreamResponse:
    """POST /api/citizen/orders/query: where one's own order is, and the answer; no personal data."""
    intake = _open(request)
    body = await read_body(request, WhichOrder)
    order = await _own(request, intake, body.number, body.code)
    return await _told(request, intake, order)


async def rate(request: web.Request) -> web.StreamResponse:
    """POST /api/citizen/orders/rate: what the citizen thinks of the answer; the newest rating counts."""
    intake = _open(request)
    key = needed_key(request)
    body = await read_body(request, CitizenRating)
    order = await _own(request, intake, body.number, body.code)
    order_id = order.draft.order_id
    event_id = "rate:" + hashlib.sha256(f"{order_id}\n{key}".encode()).hexdigest()
    store = casework_of(request).store
    try:
        with refusals():
            serving = await intake.serving(order)
            answering = order if serving is None else serving
            if answering.draft.course is None:
                raise IllegalTransition(answering.draft.state, "OrderRated")
            event = _rating(body, order, joined=serving is not None)
            rated = await store.apply(answering.draft.order_id, event, event_id=event_id)
            order = rated if serving is None else order
    except ApiError as error:
        if error.code == "closed":
            raise ApiError(409, "closed", "工单尚未答复，暂不能评价") from None
        raise
    return await _told(request, intake, order)


def _rating(body: CitizenRating, order: Order, *, joined: bool) -> OrderRated | JoinedRated:
    """What they think of their own order's answer, or, `joined`, of the answer to all who joined another."""
    words = body.words.strip()
    if not joined:
        return OrderRated(
            result=body.result,
            service=body.service,
            solved=body.solved,
            bad=False,  # the rules say
            by=SYSTEM,
            words=words,
        )
    return JoinedRated(
        other=order.draft.order_id,
        number=order.number,
        result=body.result,
        service=body.service,
        solved=body.solved,
        bad=False,
        by=SYSTEM,
        words=words,
    )


async def add_file(request: web.Request) -> web.StreamResponse:
    """POST /api/citizen/orders/attachments: a form with number, code and file."""
    intake = _open(request)
    given, name, pieces = await read_upload(request, frozenset({"number", "code"}))
    order = await _own(request, intake, given.get("number", ""), given.get("code", ""))
    with refused_files():
        kept = await files_of(request).put(order.draft.order_id, name, pieces, who=CITIZEN)
    return answer({"name": kept.name, "size": kept.size, "state": kept.state.value}, status=201)


async def _own(request: web.Request, intake: Intake, number: str, code: str) -> Order:
    citizens = casework_of(request).citizens
    number = number.strip().upper()
    if citizens is None or not citizens.wrong.has(number):
        raise ApiError(429, "too_many", "查询码多次有误，请一小时后再试，或拨打 12345")
    try:
        with refusals():
            return await intake.by_code(number, code)
    except ApiError as error:
        if error.code != "not_found":
            raise
        citizens.wrong.take(number)
        raise ApiError(404, "not_found", "编号或查询码不正确，请核对", field="code") from None


async def _told(request: web.Request, intake: Intake, order: Order) -> web.StreamResponse:
    order_id = order.draft.order_id
    taken = await intake.store.of_order(order_id)
    own = [one for one in await files_of(request).of_order(order_id) if one.who == CITIZEN]
    files = [{"name": one.name, "size": one.size, "state": one.state.value} for one in own]
    told = outside_view(order, taken, await intake.serving(order))
    return answer({**_without_id(told), "attachments": files})


def _without_id(told: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in told.items() if name not in ("order_id", "external_id")}
