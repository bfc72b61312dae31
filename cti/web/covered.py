"""Texts of many orders as whoever asks is shown them: what tells of orders by id gets its words here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from aiohttp import web

from cti.web.cases import casework_of
from cti.web.veils import veil_of
from orders.lifecycle import value_of
from orders.messages import OrderField
from orders.privacy import HIDDEN

__all__ = ["covers_of", "hidden", "titles_of"]


async def titles_of(request: web.Request, order_ids: Collection[str]) -> Mapping[str, str]:
    """Return order id -> title, of those that are known; which are open whoever asks has seen to."""
    found = await casework_of(request).open_orders.read(order_ids)
    return {
        order_id: veil_of(order).text(value_of(order.draft, OrderField.TITLE))
        for order_id, order in found.items()
    }


async def covers_of(request: web.Request, order_ids: Collection[str]) -> Mapping[str, Callable[[str], str]]:
    """Return order id -> what covers a text that was written about it; `hidden` for one that is not known."""
    found = await casework_of(request).open_orders.read(order_ids)
    return {order_id: veil_of(order).text for order_id, order in found.items()}


def hidden(text: str) -> str:
    """Nothing of a text, for an order of which nobody can say how secret it is."""
    return HIDDEN if text else ""
