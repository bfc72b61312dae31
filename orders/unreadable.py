"""Orders whose row cannot be read: rounds pass over them, and those who look after the platform are told.

A server has one list of them (`OrderStore.unreadable`). An order that can be read again leaves it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Row

from orders.course_messages import Course
from orders.errors import OrderUnreadable
from orders.records import Order
from orders.rows import order_of

__all__ = ["Unreadable"]

log = logging.getLogger(__name__)

KEPT = 10_000
_COURSE = msgspec.json.Decoder(Course)


class Unreadable:
    """The list of them; each is logged once."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of orders that could not be read when they were read last, the first found first."""
        return tuple(self._ids)

    def note(self, order_id: str) -> None:
        """Put one on the list."""
        if order_id not in self._ids and len(self._ids) < KEPT:
            self._ids[order_id] = None
            log.error("an order cannot be read and is passed over", extra={"order_id": order_id})

    def read(self, order_id: str) -> None:
        """Take one off: it could be read."""
        self._ids.pop(order_id, None)

    def orders(self, rows: Iterable[Row[Any]]) -> list[Order]:
        """Return the orders of these rows of `orders`, without their links, but for those that are none."""
        found: list[Order] = []
        for row in rows:
            try:
                found.append(order_of(row))
            except OrderUnreadable as error:
                self.note(error.order_id)
            else:
                self.read(row.id)
        return found

    def course(self, order_id: str, course_json: str) -> Course | None:
        """Return a course as its row holds it; None when there is none, or it cannot be read."""
        if not course_json:
            return None
        try:
            course = _COURSE.decode(course_json)
        except (msgspec.DecodeError, ValueError, TypeError):
            self.note(order_id)
            return None
        self.read(order_id)
        return course
