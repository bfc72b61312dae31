"""Waves of calls over HTTP, for supervisors and administrators."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from cti.burst_store import KeptBurst
from cti.control.bursts import concerns
from cti.web.answers import ApiError, answer, read_body
from cti.web.guard import DEPS, person_of
from cti.web.orders import sight_of
from cti.web.ports import OrderDesk
from cti.web.veils import veil_of
from orders.errors import OrderError, UnknownOrder
from orders.lifecycle import value_of
from orders.messages import OrderField, OrderState
from orders.order_links import link_to, merged_into
from orders.records import Order

__all__ = ["burst_named", "link_orders", "list_bursts", "move_burst", "one_burst"]

log = logging.getLogger(__name__)

SHOWN_MOST = 100
"""Orders of one wave that are given out, the newest."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class LinkBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    orders: Annotated[tuple[Id, ...], msgspec.Meta(min_length=2, max_length=500)]


class MoveBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    state: Literal["open", "dismissed"]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class BurstOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order of a wave: what tells whether it belongs there, and nothing about the caller."""

    order_id: str
    number: str  # 工单编号, "" for a draft
    state: str  # orders.messages.OrderState
    created_at: float
    category: str
    district: str
    street: str
    place: str
    title: str
    summary: str
    linked: bool  # people have linked it with this wave
    merged_into: str  # the order that it was merged into, "" when it was not


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of orders that were linked as one wave."""

    linked: int  # were not marked as this wave's before
    main: str  # 工单编号 of the order that the others are related to now, "" for a draft or without one
    related: int  # orders that were not related to it before
    refused: int  # orders that could not be related to it


async def list_bursts(request: web.Request) -> web.StreamResponse:
    """GET /api/bursts: those that are not over, or ended within six hours, newest first."""
    boards = request.app[DEPS].boards
    found = await _open(request, await boards.bursts.recent())
    return answer({"bursts": found, "policy": boards.burst_policy()})


async def one_burst(request: web.Request) -> web.StreamResponse:
    """GET /api/bursts/{burst_id}: with its orders."""
    deps = request.app[DEPS]
    burst = await burst_named(request)
    linked = set(await deps.boards.bursts.marked(burst.burst_id))
    found = []
    for order_id in list(burst.orders)[-SHOWN_MOST:]:
        try:
            found.append(_shown(await deps.orders.get(order_id), order_id in linked))
        except UnknownOrder:
            continue  # its journal has not come yet
    return answer({"burst": burst, "orders": found})


async def burst_named(request: web.Request) -> KeptBurst:
    """The wave that the address names, as far as it is open. Raises ApiError 404."""
    burst = await request.app[DEPS].boards.bursts.find(request.match_info["burst_id"][:64])
    found = [] if burst is None else await _open(request, [burst])
    if not found:
        raise ApiError(404, "not_found", "没有这条集中诉求")
    return found[0]


async def _open(request: web.Request, bursts: Iterable[KeptBurst]) -> list[KeptBurst]:
    """The waves of the person's districts, with those of their orders that are open to them."""
    given, person = list(bursts), person_of(request)
    casework, sight = request.app[DEPS].casework, await sight_of(request)
    if casework is None or sight is None or not sight.cuts:
        return given
    theirs = [one for one in given if concerns(person, one.district)]
    known = await casework.open_orders.among([order for one in theirs for order in one.orders], sight)
    return [
        msgspec.structs.replace(one, orders=[order for order in one.orders if order in known])
        for one in theirs
    ]


def _shown(order: Order, linked: bool) -> BurstOrder:
    veil = veil_of(order)

    def value(field: OrderField) -> str:
        return veil.text(value_of(order.draft, field))

    return BurstOrder(
        order_id=order.draft.order_id, number=order.number, state=order.draft.state.value,
        created_at=order.created_at, category=value(OrderField.CATEGORY), district=value(OrderField.DISTRICT),
        street=value(OrderField.STREET), place=value(OrderField.PLACE), title=value(OrderField.TITLE),
        summary=value(OrderField.SUMMARY)[:200], linked=linked, merged_into=merged_into(order.draft),
    )  # fmt: skip


async def link_orders(request: web.Request) -> web.StreamResponse:
    """POST /api/bursts/{burst_id}/link: these orders are one wave, and related to one of them."""
    body = await read_body(request, LinkBody)
    deps, login = request.app[DEPS], person_of(request).login
    boards = deps.boards
    burst = await burst_named(request)
    if not set(body.orders) <= set(burst.orders):
        raise ApiError(400, "invalid", "其中有工单不属于这条集中诉求", field="orders")
    count = await boards.linking.link(burst.burst_id, body.orders, by=login)
    related = await _relate(deps.orders, dict.fromkeys(body.orders), by=login)
    return answer(Linked(linked=count, main=related[0], related=related[1], refused=related[2]))


async def _relate(desk: OrderDesk, order_ids: Iterable[str], *, by: str) -> tuple[str, int, int]:
    """Relate orders to the first accepted one of them, without any to the first draft.

    Returns that order's number, how many were related now, and how many the orders' rules refused. Orders
    that are closed, or have to do with it already, are left as they are.
    """
    found = []
    for order_id in order_ids:
        try:
            found.append(await desk.get(order_id))
        except UnknownOrder:
            continue  # its journal has not come yet
    going_on = [one for one in found if one.draft.state in (OrderState.ACCEPTED, OrderState.DRAFT)]
    if len(going_on) < 2:
        return "", 0, 0
    going_on.sort(key=lambda one: (one.draft.state is not OrderState.ACCEPTED, one.created_at))
    main, *others = going_on
    related = refused = 0
    for other in others:
        if link_to(main.draft, other.draft.order_id) is not None:
            continue
        try:
            await desk.link(other.draft.order_id, main.draft.order_id, agent=by)
            related += 1
        except OrderError as error:
            log.info("an order of a wave was not related", extra={"reason": type(error).__name__})
            refused += 1
    return main.number, related, refused


async def move_burst(request: web.Request) -> web.StreamResponse:
    """POST /api/bursts/{burst_id}/state: dismiss a wave, or take that back."""
    body = await read_body(request, MoveBody)
    boards = request.app[DEPS].boards
    burst = await burst_named(request)
    moved = await boards.bursts.move(
        burst.burst_id,
        body.state,
        by=person_of(request).login,
        detail={"reason": body.reason.strip()},
    )
    if moved is None:
        raise ApiError(404, "not_found", "没有这条集中诉求")
    await boards.renewed()
    return answer((await _open(request, [moved]))[0])
