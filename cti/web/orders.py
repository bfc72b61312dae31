"""Work orders over HTTP: lists, one order, edits after the call, submitting."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
from aiohttp import web

from cti.messages import Role
from cti.ports import Person
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of
from cti.web.ports import WebDeps
from orders.errors import (
    ChainBroken,
    Contention,
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
from orders.messages import OrderState, Solved
from orders.records import Order, OrderFilter

__all__ = ["discard_order", "edit_fields", "list_orders", "one_order", "order_body", "submit_order"]

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
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class FieldsBody(msgspec.Struct, forbid_unknown_fields=True):
    version: Annotated[int, msgspec.Meta(ge=0)]  # the version the person was looking at
    fields: Annotated[dict[Text, Value], msgspec.Meta(min_length=1, max_length=20)]


class DiscardBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


def order_body(order: Order) -> dict[str, object]:
    """Return what a page is told of an order: one flat object, fields with their provenance inside."""
    draft = order.draft
    return {
        "order_id": draft.order_id,
        "call_id": draft.call_id,
        "version": draft.version,
        "state": draft.state.value,
        "number": order.number,
        "caller": order.caller,
        "agent": order.agent,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "closed_at": order.closed_at,
        "reason": order.reason,
        "fields": msgspec.to_builtins(dict(draft.fields)),
        "visit": msgspec.to_builtins(draft.visit),
    }


@contextmanager
def _refusals(order: Order | None = None) -> Iterator[None]:
    """Answer what the order's rules refuse; with a conflict comes the order as it stands."""
    more: dict[str, object] = {} if order is None else {"order": order_body(order)}
    try:
        yield
    except UnknownOrder as error:
        raise ApiError(404, "not_found", error.shown) from None
    except StaleVersion as error:
        raise ApiError(409, "conflict", error.shown, field=error.field, more=more) from None
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


async def _order(request: web.Request) -> Order:
    with _refusals():
        return await request.app[DEPS].orders.get(request.match_info["order_id"][:80])


async def _check_may_change(deps: WebDeps, order: Order, person: Person) -> None:
    """An agent changes the orders of their own calls; a supervisor any."""
    if person.role is not Role.AGENT or order.agent == person.login:
        return
    call = await deps.calls.call(order.draft.call_id)
    holder = (call.agent_id if call is not None else None) or order.agent
    if holder not in ("", person.login):
        raise ApiError(403, "forbidden", "这张工单由其他坐席受理，如需修改请联系班长")


async def list_orders(request: web.Request) -> web.StreamResponse:
    """GET /api/orders: newest first."""
    query = read_query(request, OrdersQuery)
    which = OrderFilter(
        state=query.state,
        text=query.text.strip(),
        since=query.since,
        until=query.until,
        agent=query.agent,
        visited=query.visited,
        solved=query.solved,
        page=query.page,
        size=query.size,
    )
    with _refusals():
        page = await request.app[DEPS].orders.list(which)
    return answer(
        {
            "total": page.total,
            "page": page.page,
            "size": page.size,
            "orders": [order_body(order) for order in page.orders],
        }
    )


async def one_order(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/{order_id}: the order and, when it is known, whether its call can be listened to."""
    order = await _order(request)
    call = await request.app[DEPS].calls.call(order.draft.call_id)
    has = call is not None and call.recording_file is not None
    url = f"/api/calls/{order.draft.call_id}/recording" if has else None
    return answer({**order_body(order), "recording_url": url})


async def edit_fields(request: web.Request) -> web.StreamResponse:
    """PATCH /api/orders/{order_id}/fields: one after the other; those before a refused one stand."""
    deps = request.app[DEPS]
    body = await read_body(request, FieldsBody)
    order = await _order(request)
    person = person_of(request)
    await _check_may_change(deps, order, person)
    for field, value in body.fields.items():
        with _refusals(order):
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
    order = await _order(request)
    person = person_of(request)
    await _check_may_change(deps, order, person)
    # People choose their keys apart from one another: one person's key is never another one's.
    stored = hashlib.sha256(f"{person.login}\n{key}".encode()).hexdigest()
    with _refusals(order):
        order = await deps.orders.submit(order.draft.order_id, person.login, f"submit:{stored}")
    return answer(order_body(order))


async def discard_order(request: web.Request) -> web.StreamResponse:
    """POST /api/orders/{order_id}/discard: give the draft up, with a reason."""
    deps = request.app[DEPS]
    body = await read_body(request, DiscardBody)
    order = await _order(request)
    person = person_of(request)
    await _check_may_change(deps, order, person)
    with _refusals(order):
        order = await deps.orders.discard(order.draft.order_id, person.login, body.reason)
    return answer(order_body(order))
