"""Screen pop over HTTP: who calls, in one answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from cti.control.pop import WITHIN_S, SameMatter
from cti.web.answers import ApiError, answer
from cti.web.calls import call_body
from cti.web.guard import DEPS
from cti.web.orders import order_body, sight_of
from cti.web.secret_calls import open_calls, secret_calls
from cti.web.veils import veil_of
from orders.errors import UnknownOrder
from orders.privacy import masked_name, masked_number
from orders.sight import sees

__all__ = ["pop"]

log = logging.getLogger(__name__)


async def pop(request: web.Request) -> web.StreamResponse:
    """GET /api/calls/{call_id}/pop: what is known of the caller; asked for while the telephone rings."""
    sight = await sight_of(request)
    found = await request.app[DEPS].desk.pop(request.match_info["call_id"][:80], sight)
    if found is None:
        raise ApiError(404, "not_found", "找不到这通电话")
    view, calls, orders = found
    if await secret_calls(request, [view.call_id]):
        name = masked_name(view.name) if view.name else ""
        view = msgspec.structs.replace(view, caller=masked_number(view.caller), name=name)
    return answer(
        {
            **msgspec.to_builtins(view),
            "same_matter": await _shown(request, view.same_matter),
            "calls": [call_body(one) for one in await open_calls(request, calls)],
            "orders": [order_body(one) for one in orders],
        }
    )


async def _shown(request: web.Request, found: Sequence[SameMatter]) -> list[SameMatter]:
    """Orders of the same matter that are open to whoever asks, their titles as they are shown."""
    orders, sight = request.app[DEPS].orders, await sight_of(request)
    shown: list[SameMatter] = []
    try:
        async with asyncio.timeout(WITHIN_S):
            for one in found:
                try:
                    order = await orders.get(one.order_id)
                except UnknownOrder:
                    continue  # erased since it was taken in
                if sight is None or sees(sight, order):
                    shown.append(msgspec.structs.replace(one, title=veil_of(order).text(one.title)))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("orders of the same matter not all told", extra={"reason": type(error).__name__})
    return shown
