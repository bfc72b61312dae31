"""Intake without a call over HTTP: other systems and clerks bring matters, clerks accept what waits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated

import msgspec
from aiohttp import web

from cti.casework.attachment_rows import AttachmentRefused
from cti.casework.intake import Intake, Receipt
from cti.casework.outside import outside_view
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.cases import casework_of
from cti.web.guard import DEPS, TOKEN, person_of
from cti.web.orders import order_body, refusals, sight_of
from cti.web.veils import veil_of
from orders.errors import UnknownOrder
from orders.intake import AlreadyTaken, Matter
from orders.messages import Channel
from orders.records import Order, OrderFilter
from orders.sight import sees

__all__ = [
    "accept", "bring", "by_external", "discard", "intake_of", "needed_key", "receipt_body", "taken_in",
    "waiting",
]  # fmt: skip

KEY_MAX = 100
Short = Annotated[str, msgspec.Meta(max_length=100)]
Value = Annotated[str, msgspec.Meta(max_length=120_000)]  # fields have limits of their own, with better words
FileId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
Fields = Annotated[dict[Short, Value], msgspec.Meta(max_length=30)]


class MatterBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A matter that is brought."""

    channel: Channel
    fields: Fields
    system: Annotated[str, msgspec.Meta(max_length=40)] = ""  # of people only: where it was transferred from
    external_id: Short = ""
    submit: bool = False  # accepted at once
    attachments: Annotated[tuple[FileId, ...], msgspec.Meta(max_length=100)] = ()  # sent before


class WaitingQuery(msgspec.Struct):
    channel: Channel | None = None
    text: Short = ""
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class AcceptBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    version: Annotated[int, msgspec.Meta(ge=0)]  # what the clerk was looking at
    fields: Fields = {}  # what they changed


class DiscardBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


def intake_of(request: web.Request) -> Intake:
    """Return what takes matters in. Raises ApiError 404 on a server without it."""
    citizens = casework_of(request).citizens
    if citizens is None:
        raise ApiError(404, "not_found", "本服务器未启用非电话渠道受理")
    return citizens.intake


def needed_key(request: web.Request) -> str:
    """Return the request's `Idempotency-Key`. Raises ApiError 400 without one."""
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= KEY_MAX or not key.isprintable():
        raise ApiError(
            400,
            "invalid",
            f"请求缺少 Idempotency-Key，或超过 {KEY_MAX} 个字符",
            field="Idempotency-Key",
        )
    return key


def receipt_body(receipt: Receipt) -> dict[str, object]:
    """Return what whoever brought a matter is told."""
    return {
        **outside_view(receipt.order, receipt.taken),
        "query_code": receipt.code,
        "created": receipt.fresh,
    }


async def bring(request: web.Request) -> web.StreamResponse:
    """POST /api/orders: a matter without a call, taken in once however often it is sent."""
    intake, person = intake_of(request), person_of(request)
    key = needed_key(request)
    body = await read_body(request, MatterBody)
    token = request.get(TOKEN)
    if token is not None and body.system not in ("", token.name):
        raise ApiError(403, "forbidden", "system 只能是本令牌的名称", field="system")
    system = token.name if token is not None else body.system.strip()
    if body.external_id and not system:
        raise ApiError(400, "invalid", "填写外部编号时须写明来源系统", field="system")
    matter = Matter(
        channel=body.channel,
        fields=body.fields,
        system=system,
        external_id=body.external_id.strip(),
        submit=body.submit,
        attachments=body.attachments,
    )
    receipt = await taken_in(intake, matter, who=person.login, key=key)
    return answer(receipt_body(receipt), status=201 if receipt.fresh else 200)


async def taken_in(intake: Intake, matter: Matter, *, who: str, key: str) -> Receipt:
    """Take a matter in. Raises ApiError for what is refused, naming the field that is wrong."""
    try:
        with refusals():
            try:
                return await intake.take(matter, who=who, key=key)
            except AlreadyTaken as error:
                more = {"order_id": error.order_id}
                raise ApiError(409, "known", error.shown, field="external_id", more=more) from None
            except AttachmentRefused as error:
                raise ApiError(409, "refused", error.shown, field="attachments") from None
    except ApiError as error:
        if error.code == "invalid" and error.field in matter.fields:
            error.field = f"fields.{error.field}"
        raise


async def by_external(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/by-external/{system}/{external_id}: how far a matter is that a system brought."""
    intake = intake_of(request)
    system, external = request.match_info["system"], request.match_info["external_id"]
    token = request.get(TOKEN)
    if token is not None and system != token.name:
        raise ApiError(404, "not_found", "找不到这张工单")
    with refusals():
        taken = await intake.store.by_external(system[:40], external[:100])
        if taken is None:
            raise UnknownOrder(external)
        order = await _open(request, taken.order_id)
    told = outside_view(order, taken, await intake.serving(order))
    if token is None:  # the system that brought it knows what it says; people are shown what is theirs to see
        veil = veil_of(order)
        told |= {name: veil.tree(told[name]) for name in ("title", "reason", "answer")}
    return answer({**told, "query_code": intake.code(order.draft.order_id)})


async def waiting(request: web.Request) -> web.StreamResponse:
    """GET /api/intake: what waits to be accepted (待受理), first what came first."""
    query = read_query(request, WaitingQuery)
    which = OrderFilter(
        text=query.text.strip(),
        channel=query.channel,
        sight=await sight_of(request),
        page=query.page,
        size=query.size,
    )
    with refusals():
        page = await intake_of(request).waiting(which)
    return answer(
        {
            "total": page.total,
            "page": page.page,
            "size": page.size,
            "unreadable": page.unreadable,
            "orders": [order_body(order) for order in page.orders],
        }
    )


async def accept(request: web.Request) -> web.StreamResponse:
    """POST /api/intake/{order_id}/accept: it becomes an order with a number."""
    intake, person = intake_of(request), person_of(request)
    key = needed_key(request)
    body = await read_body(request, AcceptBody)
    with refusals():
        order = await _open(request, request.match_info["order_id"][:80])
    stored = hashlib.sha256(f"{person.login}\n{key}".encode()).hexdigest()
    with refusals(order):
        order = await intake.accept(
            order, body.fields, by=person.login, seen=body.version, event_id=f"accept:{stored}"
        )
    await _note(request, "intake_accepted", order, {})
    return answer(order_body(order))


async def discard(request: web.Request) -> web.StreamResponse:
    """POST /api/intake/{order_id}/discard: it is no matter for the hotline, with a reason."""
    person = person_of(request)
    body = await read_body(request, DiscardBody)
    with refusals():
        order = await _open(request, request.match_info["order_id"][:80])
    with refusals(order):
        order = await intake_of(request).discard(order, body.reason.strip(), by=person.login)
    await _note(request, "intake_discarded", order, {"reason": body.reason.strip()})
    return answer(order_body(order))


async def _open(request: web.Request, order_id: str) -> Order:
    """Return an order that is open to whoever asks. Raises UnknownOrder."""
    order = await casework_of(request).store.get(order_id)
    sight = await sight_of(request)
    if sight is not None and not sees(sight, order):
        raise UnknownOrder(order_id)
    return order


async def _note(request: web.Request, what: str, order: Order, detail: Mapping[str, object]) -> None:
    target = order.draft.order_id
    await request.app[DEPS].accounts.note(person_of(request).login, what, target, detail)
