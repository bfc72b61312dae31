"""Work orders over HTTP: lists, one order, edits after the call, submitting."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import msgspec
from aiohttp import web

from cti.messages import Role
from cti.roles import STAFF
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of
from cti.web.opened import note_opened
from cti.web.veils import veil_of, viewer
from orders.course_messages import CourseState, Supervision
from orders.errors import (
    ChainBroken,
    Contention,
    CourseConflict,
    FieldTooLong,
    IllegalTransition,
    KeyReused,
    MissingFields,
    OrderError,
    StaleVersion,
    UnknownField,
    UnknownOrder,
    ValueRefused,
)
from orders.fields import CONFIDENTIAL
from orders.lifecycle import value_of
from orders.messages import Channel, OrderField, OrderState, Solved
from orders.privacy import Datum, Secrecy, secrecy_of
from orders.records import Order, OrderFilter, Sight
from orders.sight import sees
from orders.veils import PERSONAL

__all__ = [
    "check_covered",
    "check_may_change",
    "discard_order",
    "edit_fields",
    "list_orders",
    "one_order",
    "order_body",
    "order_named",
    "order_open",
    "refusals",
    "seen",
    "sight_of",
    "submit_order",
]

Text = Annotated[str, msgspec.Meta(max_length=100)]
Value = Annotated[str, msgspec.Meta(max_length=4000)]
KEY_MAX = 100

log = logging.getLogger(__name__)


class OrdersQuery(msgspec.Struct):
    state: OrderState | None = None
    text: Text = ""
    since: float | None = None
    until: float | None = None
    agent: Text = ""
    visited: bool | None = None
    solved: Solved | None = None
    course: CourseState | None = None
    lead: Text = ""
    late: bool = False
    near: bool = False
    in_time: bool = False  # with `near`: near and not over
    supervised: Supervision | None = None
    channel: Channel | None = None
    category: Text = ""
    district: Text = ""
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    after: Annotated[str, msgspec.Meta(max_length=120)] = ""  # `next` of the page before
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class FieldsBody(msgspec.Struct, forbid_unknown_fields=True):
    version: Annotated[int, msgspec.Meta(ge=0)]  # the version the person was looking at
    fields: Annotated[dict[Text, Value], msgspec.Meta(min_length=1, max_length=20)]


class DiscardBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


def order_body(order: Order) -> dict[str, object]:
    """Return what a page is told of an order: one flat object, fields with their provenance inside.

    What is not for who looks (`cti.web.veils`) is covered; `masked` names it.
    """
    draft, veil = order.draft, veil_of(order)
    return {
        "order_id": draft.order_id,
        "call_id": draft.call_id,
        "version": draft.version,
        "state": draft.state.value,
        "channel": draft.channel.value,
        "number": order.number,
        "caller": veil.value(Datum.CALLER, order.caller),
        "agent": order.agent,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "closed_at": order.closed_at,
        "reason": veil.text(order.reason),
        "fields": veil.fields(msgspec.to_builtins(dict(draft.fields))),
        "visit": veil.tree(msgspec.to_builtins(draft.visit)),
        "links": [veil.link(msgspec.to_builtins(link)) for link in draft.links],
        "masked": veil.masked,
        "may_unmask": veil.may_unmask,
    }


@contextmanager
def refusals(order: Order | None = None) -> Iterator[None]:
    """Answer what the order's rules refuse; with a conflict comes the order as it stands."""
    more: dict[str, object] = {} if order is None else {"order": order_body(order)}
    try:
        yield
    except UnknownOrder as error:
        raise ApiError(404, "not_found", error.shown) from None
    except StaleVersion as error:
        raise ApiError(409, "conflict", error.shown, field=error.field, more=more) from None
    except CourseConflict as error:
        raise ApiError(409, "conflict", error.shown, more=more) from None
    except IllegalTransition as error:
        raise ApiError(409, "closed", error.shown, more=more) from None
    except MissingFields as error:
        raise ApiError(
            422,
            "incomplete",
            error.shown,
            field=error.fields[0],
            more={"missing": list(error.fields), **more},
        ) from None
    except (FieldTooLong, UnknownField) as error:
        raise ApiError(400, "invalid", error.shown, field=error.field[:40], more=more) from None
    except ValueRefused as error:
        raise ApiError(400, "invalid", error.shown, more=more) from None
    except KeyReused as error:
        raise ApiError(409, "key_reused", error.shown) from None
    except Contention as error:
        raise ApiError(503, "busy", error.shown) from None
    except ChainBroken as error:
        log.error("an order does not fit its chain", extra={"order_id": error.order_id, "seq": error.seq})
        raise ApiError(500, "order_damaged", error.shown) from None
    except OrderError as error:
        raise ApiError(409, "refused", error.shown, more=more) from None


async def sight_of(request: web.Request) -> Sight | None:
    """Return what is open to whoever asks, None for every order."""
    casework = request.app[DEPS].casework
    return None if casework is None else await casework.sights.of(person_of(request))


async def order_named(request: web.Request) -> Order:
    """Return the order that the address names. Raises ApiError 404, also when it is not theirs to see."""
    return await order_open(request, request.match_info["order_id"][:80])


async def order_open(request: web.Request, order_id: str) -> Order:
    """Return an order. Raises ApiError 404, also when it is not theirs to see."""
    sight = await sight_of(request)
    with refusals():
        order = await request.app[DEPS].orders.get(order_id)
        if sight is not None and not sees(sight, order):
            raise UnknownOrder(order.draft.order_id)
        return order


async def seen(request: web.Request, found: Iterable[Order]) -> list[Order]:
    """Return those of the orders that are open to whoever asks."""
    sight = await sight_of(request)
    return [order for order in found if sight is None or sees(sight, order)]


async def check_may_change(request: web.Request, order: Order) -> None:
    """An agent changes the orders of their own calls; a supervisor any. Raises ApiError 403."""
    deps, person = request.app[DEPS], person_of(request)
    if person.role is not Role.AGENT or order.agent == person.login:
        return
    call = await deps.calls.call(order.draft.call_id)
    holder = (call.agent_id if call is not None else None) or order.agent
    if holder not in ("", person.login):
        raise ApiError(403, "forbidden", "这张工单由其他坐席受理，如需修改请联系班长")


def check_covered(order: Order, given: Mapping[str, str]) -> None:
    """Let nobody write back what they are shown instead of a value, nor uncover an order by the way.

    Raises ApiError 400, 403.
    """
    veil = veil_of(order)
    for field, value in given.items():
        datum = PERSONAL.get(field)
        if datum is not None and datum.value in veil.masked:
            shown = veil.value(datum, value_of(order.draft, OrderField(field)))
        else:
            shown = ""
        if shown and value == shown:
            raise ApiError(400, "invalid", "这是隐藏后的内容，不能保存；请先查看完整信息", field=field)
        if field in (OrderField.TITLE, OrderField.SUMMARY) and Datum.WORDS.value in veil.masked:
            raise ApiError(
                400, "invalid", "文字中有隐藏的个人信息，不能修改；请联系有权限的人员", field=field
            )
    uncovers = given.get(OrderField.SECRECY, CONFIDENTIAL) != CONFIDENTIAL
    is_confidential = secrecy_of(order.draft) is Secrecy.CONFIDENTIAL and bool(veil.rule.covered)
    if uncovers and is_confidential and not viewer().confidential:
        raise ApiError(403, "forbidden", "您没有解除保密的权限", field=OrderField.SECRECY.value)


async def list_orders(request: web.Request) -> web.StreamResponse:
    """GET /api/orders: newest first."""
    deps = request.app[DEPS]
    query = read_query(request, OrdersQuery)
    which = OrderFilter(
        state=query.state,
        text=query.text.strip(),
        since=query.since,
        until=query.until,
        agent=query.agent,
        visited=query.visited,
        solved=query.solved,
        course=() if query.course is None else (query.course,),
        lead=query.lead,
        due_before=deps.clock() if query.late else None,
        due_after=deps.clock() if query.in_time else None,
        near_before=deps.clock() if query.near else None,
        supervised=query.supervised,
        channel=query.channel,
        category=query.category,
        district=query.district,
        sight=await sight_of(request),
        page=query.page,
        size=query.size,
        after=query.after,
    )
    with refusals():
        page = await deps.orders.list(which)
    return answer(
        {
            "total": page.total,
            "page": page.page,
            "size": page.size,
            "exact": page.exact,
            "unreadable": page.unreadable,
            "next": page.next,
            "orders": [order_body(order) for order in page.orders],
        }
    )


async def one_order(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/{order_id}: the order and, when it is known, whether its call can be listened to."""
    order = await order_named(request)
    await note_opened(request, order)
    call = await request.app[DEPS].calls.call(order.draft.call_id)
    has = call is not None and call.recording_file is not None and veil_of(order).recording
    has = has and person_of(request).role in STAFF  # whom the address is open to
    url = f"/api/calls/{order.draft.call_id}/recording" if has else None
    return answer({**order_body(order), "recording_url": url})


async def edit_fields(request: web.Request) -> web.StreamResponse:
    """PATCH /api/orders/{order_id}/fields: one after the other; those before a refused one stand."""
    deps = request.app[DEPS]
    body = await read_body(request, FieldsBody)
    order = await order_named(request)
    person = person_of(request)
    await check_may_change(request, order)
    check_covered(order, body.fields)
    for field, value in body.fields.items():
        with refusals(order):
            order = await deps.orders.edit(
                order.draft.order_id, field, value, agent=person.login, seen=body.version
            )
    return answer(order_body(order))


async def submit_order(request: web.Request) -> web.StreamResponse:
    """POST /api/orders/{order_id}/submit: with an `Idempotency-Key`, a repeated request changes nothing."""
    deps = request.app[DEPS]
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= KEY_MAX or not key.isprintable():
        raise ApiError(
            400, "invalid", f"请求缺少 Idempotency-Key，或超过 {KEY_MAX} 个字符", field="Idempotency-Key"
        )
    order = await order_named(request)
    person = person_of(request)
    await check_may_change(request, order)
    # People choose their keys apart from one another: one person's key is never another one's.
    stored = hashlib.sha256(f"{person.login}\n{key}".encode()).hexdigest()
    with refusals(order):
        order = await deps.orders.submit(order.draft.order_id, person.login, f"submit:{stored}")
    return answer(order_body(order))


async def discard_order(request: web.Request) -> web.StreamResponse:
    """POST /api/orders/{order_id}/discard: give the draft up, with a reason."""
    deps = request.app[DEPS]
    body = await read_body(request, DiscardBody)
    order = await order_named(request)
    person = person_of(request)
    await check_may_change(request, order)
    with refusals(order):
        order = await deps.orders.discard(order.draft.order_id, person.login, body.reason)
    return answer(order_body(order))
