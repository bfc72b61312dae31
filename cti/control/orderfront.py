"""Work orders as the web side sees them: those of live calls at the order desk, all others in the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from cti.control.orderdesk import OrderDesk
from cti.ports import CommandRefused
from orders.errors import OrderError, UnknownOrder
from orders.messages import OrderState
from orders.records import Order, OrderFilter, OrderPage
from orders.store import OrderStore


class DeskRefused(OrderError):
    """The order desk refused an edit of a live draft; `shown` is its reason."""


class OrderFront:
    """Reads from the store and lays the newest live draft over what is read; edits go where the order is."""

    def __init__(self, store: OrderStore, desk: OrderDesk, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock

    async def get(self, order_id: str) -> Order:
        """Return one order. Raises UnknownOrder."""
        try:
            return self._fresh(await self._store.get(order_id))
        except UnknownOrder:
            live = self._desk.find(order_id)  # opened this moment: the journal has not delivered it yet
            if live is None:
                raise
            return Order(draft=live, caller="", agent="", created_at=self._clock(), updated_at=self._clock())

    async def list(self, which: OrderFilter) -> OrderPage:
        """Return one page of orders."""
        page = await self._store.list(which)
        return replace(page, orders=tuple(map(self._fresh, page.orders)))

    async def by_call(self, call_id: str) -> tuple[Order, ...]:
        """Return the orders of a call."""
        return tuple(map(self._fresh, await self._store.by_call(call_id)))

    async def by_phone(self, phone: str, *, limit: int = 50) -> tuple[Order, ...]:
        """Return the newest orders of a number."""
        return tuple(map(self._fresh, await self._store.by_phone(phone, limit=limit)))

    async def edit(
        self, order_id: str, field: str, value: str, *, agent: str, seen: int | None = None
    ) -> Order:
        """Put an agent's value into a field. Raises OrderError."""
        if self._desk.find(order_id) is None:
            return await self._store.edit(order_id, field, value, agent=agent, seen=seen)
        try:
            self._desk.edit(order_id, field, value, agent)
        except CommandRefused as error:
            raise DeskRefused(str(error), shown=str(error)) from error
        return await self.get(order_id)

    async def submit(self, order_id: str, agent: str, idempotency_key: str) -> Order:
        """Accept the order. Raises OrderError."""
        live = self._desk.find(order_id)
        if live is None:
            return await self._store.submit(order_id, agent, idempotency_key)
        if live.state is not OrderState.ACCEPTED:
            try:
                await self._desk.submit(order_id, agent)
            except CommandRefused as error:
                raise DeskRefused(str(error), shown=str(error)) from error
        return await self.get(order_id)

    async def discard(self, order_id: str, agent: str, reason: str) -> Order:
        """Give the draft up. Raises OrderError."""
        if self._desk.find(order_id) is None:
            return await self._store.discard(order_id, agent, reason)
        try:
            await self._desk.discard(order_id, agent, reason)
        except CommandRefused as error:
            raise DeskRefused(str(error), shown=str(error)) from error
        return await self.get(order_id)

    def _fresh(self, order: Order) -> Order:
        live = self._desk.find(order.draft.order_id)
        if live is None or live.version <= order.draft.version:
            return order
        return replace(order, draft=live)
