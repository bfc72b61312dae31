"""Where orders are moved: a person's move becomes an event, policy adds what follows, the store keeps all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cti.casework.correction import checked
from cti.casework.moves import event_of
from cti.casework.sights import Sights
from cti.ports import Person
from orders.course_events import JoinedRated, OrderCorrected
from orders.errors import IllegalTransition, UnknownOrder
from orders.joined_policy import numbered
from orders.records import Order
from orders.sight import sees
from orders.store import OrderStore

__all__ = ["CourseDesk"]


async def _at_once() -> None:
    """Nothing lies between journal and database."""


class CourseDesk:
    """Moves accepted orders. Raises `orders.errors.OrderError` for what is refused, without writing it."""

    def __init__(
        self,
        store: OrderStore,
        sights: Sights,
        *,
        delivered: Callable[[], Awaitable[None]] = _at_once,
    ) -> None:
        """`delivered` returns when the database has what the journal holds (cti.journal)."""
        self._store = store
        self._sights = sights
        self._delivered = delivered

    async def get(self, order_id: str, person: Person) -> Order:
        """Return an order that is open to the person.

        Raises:
            UnknownOrder: there is none, or it is not theirs to see; they are not told which.
        """
        try:
            order = await self._store.get(order_id)
        except UnknownOrder:
            await self._delivered()  # accepted this moment: the journal has not delivered it yet
            order = await self._store.get(order_id)
        sight = await self._sights.of(person)
        if sight is not None and not sees(sight, order):
            raise UnknownOrder(order_id)
        return order

    async def move(
        self,
        order_id: str,
        name: str,
        given: Mapping[str, Any],
        person: Person,
        *,
        seen: int | None = None,
        event_id: str = "",
    ) -> Order:
        """Make a person's move; `seen` is the version they were looking at.

        Raises:
            MoveForbidden: their role does not make it, or it is another unit's.
            CourseConflict: somebody else moved the order on after `seen`.
            OrderError: another rule forbids it.
        """
        order = await self.get(order_id, person)
        course = order.draft.course
        if course is None:
            raise IllegalTransition(order.draft.state, name)
        event = event_of(name, given, person, course, await self._sights.units_of(person))
        if isinstance(event, OrderCorrected):
            event = checked(order, event, person)
        elif isinstance(event, JoinedRated):
            event = numbered(order, event)
        (await self._sights.names()).check(event, course)
        return await self._store.apply(order_id, event, seen=seen, event_id=event_id)
