"""Orders and their relations over HTTP: related (关联), merged (并单), and undone."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Protocol

import msgspec
from aiohttp import web

from cti.web.answers import answer, read_body
from cti.web.guard import DEPS, person_of
from cti.web.orders import check_may_change, order_body, order_named, order_open, refusals
from orders.records import Order

__all__ = ["link", "merge", "undo_merge", "unlink"]

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class LinkBody(msgspec.Struct, forbid_unknown_fields=True):
    other: Id  # the order it has to do with


class MergeBody(msgspec.Struct, forbid_unknown_fields=True):
    into: Id  # the accepted order that goes on


class Act(Protocol):
    """What is done with two orders (cti.web.ports.OrderDesk)."""

    def __call__(self, order_id: str, other: str, /, *, agent: str) -> Awaitable[Order]: ...


async def _changed(request: web.Request) -> Order:
    """Return the order that the address names, when the person may change it."""
    order = await order_named(request)
    await check_may_change(request, order)
    return order


async def _carry_out(request: web.Request, other: str, act: Act) -> web.StreamResponse:
    """Let the person do this with the order that the address names and another one that is open to them."""
    order = await _changed(request)
    await order_open(request, other)
    with refusals(order):
        order = await act(order.draft.order_id, other, agent=person_of(request).login)
    return answer(order_body(order))


async def link(request: web.Request) -> web.StreamResponse:
    """POST /api/orders/{order_id}/links: both orders are told of one another."""
    body, orders = await read_body(request, LinkBody), request.app[DEPS].orders
    return await _carry_out(request, body.other, orders.link)


async def unlink(request: web.Request) -> web.StreamResponse:
    """DELETE /api/orders/{order_id}/links/{other}: they have nothing to do with one another after all."""
    other, orders = request.match_info["other"][:80], request.app[DEPS].orders
    return await _carry_out(request, other, orders.unlink)


async def merge(request: web.Request) -> web.StreamResponse:
    """POST /api/orders/{order_id}/merge: the draft is closed, its citizen is added to the other order."""
    body, orders = await read_body(request, MergeBody), request.app[DEPS].orders
    return await _carry_out(request, body.into, orders.merge)


async def undo_merge(request: web.Request) -> web.StreamResponse:
    """POST /api/orders/{order_id}/merge/undo: a draft again; the other order loses the citizen."""
    order = await _changed(request)
    with refusals(order):
        orders = request.app[DEPS].orders
        order = await orders.undo_merge(order.draft.order_id, agent=person_of(request).login)
    return answer(order_body(order))
