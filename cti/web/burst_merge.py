"""Orders of a wave merged into one at once, drafts and accepted ones, and that undone: a result for each.

One merger is whole or not at all, in both orders; of several, each stands for itself, so that one that cannot
be merged keeps no other from it. Each is in its orders' chains; who merged what, and why, is in the trail.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from aiohttp import web

from cti.web.answers import ApiError, answer, read_body
from cti.web.bursts import burst_named
from cti.web.guard import DEPS, person_of
from cti.web.orders import check_may_change, order_open
from orders.errors import OrderError
from orders.order_links import merged_into
from orders.records import Order

__all__ = ["merge_orders", "undo_merges"]

log = logging.getLogger(__name__)

MOST = 100
"""Orders at once; a wave shows no more."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Ids = Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=MOST)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class MergeBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    into: Id  # the accepted order that goes on
    orders: Ids  # which are merged into it
    reason: Reason


class UndoBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    orders: Ids
    reason: Reason


class Merger(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one order."""

    order_id: str
    number: str  # 工单编号, "" for a draft
    done: bool
    why: str = ""  # it could not be done, in Chinese


class Mergers(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all of them, in the order in which they were given."""

    into: str  # 工单编号 of the order that goes on, "" where mergers were undone
    done: int
    results: tuple[Merger, ...]


async def merge_orders(request: web.Request) -> web.StreamResponse:
    """POST /api/bursts/{burst_id}/merge: these orders of the wave go on as one of them."""
    body = await read_body(request, MergeBody)
    desk, by = request.app[DEPS].orders, person_of(request).login
    reason = _reason(body.reason)
    await _check_members(request, (body.into, *body.orders))
    main = await order_open(request, body.into)
    if not main.number:
        raise ApiError(409, "refused", "主单必须是已受理的工单", field="into")

    async def merge(order: Order) -> None:
        if order.draft.order_id == body.into:
            raise ApiError(400, "invalid", "主单不能并入自己")
        if merged_into(order.draft) == body.into:
            raise ApiError(409, "refused", "已经并入该工单")
        await desk.merge(order.draft.order_id, body.into, agent=by)

    results = await _each(request, body.orders, merge)
    return await _told(request, "burst_orders_merged", main.number, results, reason, into=body.into)


async def undo_merges(request: web.Request) -> web.StreamResponse:
    """POST /api/bursts/{burst_id}/merge/undo: these orders are again what they were."""
    body = await read_body(request, UndoBody)
    desk, by = request.app[DEPS].orders, person_of(request).login
    reason = _reason(body.reason)
    await _check_members(request, body.orders)

    async def undo(order: Order) -> None:
        await desk.undo_merge(order.draft.order_id, agent=by)

    results = await _each(request, body.orders, undo)
    return await _told(request, "burst_mergers_undone", "", results, reason)


def _reason(given: str) -> str:
    if not given.strip():
        raise ApiError(400, "invalid", "请填写原因", field="reason")
    return given.strip()


async def _check_members(request: web.Request, order_ids: tuple[str, ...]) -> None:
    burst = await burst_named(request)
    if not set(order_ids) <= set(burst.orders):
        raise ApiError(400, "invalid", "其中有工单不属于这条集中诉求", field="orders")


async def _each(
    request: web.Request, order_ids: tuple[str, ...], act: Callable[[Order], Awaitable[None]]
) -> tuple[Merger, ...]:
    """Do it with one after another; what is refused is told beside what was done."""
    results = []
    for order_id in dict.fromkeys(order_ids):
        number, why = "", ""
        try:
            order = await order_open(request, order_id)
            number = order.number
            await check_may_change(request, order)
            await act(order)
        except ApiError as error:
            why = error.shown
        except OrderError as error:
            log.info("an order of a wave was not merged", extra={"reason": type(error).__name__})
            why = error.shown
        results.append(Merger(order_id=order_id, number=number, done=not why, why=why))
    return tuple(results)


async def _told(
    request: web.Request, what: str, number: str, results: tuple[Merger, ...], reason: str, into: str = ""
) -> web.StreamResponse:
    """Write it into the trail, and answer."""
    deps = request.app[DEPS]
    done = [one.order_id for one in results if one.done]
    refused = [one.order_id for one in results if not one.done]
    await deps.accounts.note(
        person_of(request).login, what, request.match_info["burst_id"][:64],
        {"into": into, "orders": done, "refused": refused, "reason": reason},
    )  # fmt: skip
    return answer(Mergers(into=number, done=len(done), results=results))
