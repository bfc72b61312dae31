"""Work orders as the web side sees them: those of live calls at the order desk, all others in the store."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from cti.control.orderdesk import EditMeetsAnother, OrderDesk
from cti.ports import CommandRefused
from orders import lifecycle
from orders.course_events import CourseMerged
from orders.errors import Contention, OrderError, UnknownOrder
from orders.joined import above_of, carried_on, taken_out
from orders.lifecycle import value_of
from orders.messages import (
    LinkKind,
    MergeUndone,
    OrderEvent,
    OrderField,
    OrderLinked,
    OrderMerged,
    OrderState,
    OrderUnlinked,
)
from orders.order_links import MAX_TEXT, link_to
from orders.records import Order, OrderFilter, OrderPage
from orders.store import OrderStore

log = logging.getLogger(__name__)

SAME_MATTER = "同一诉求，并单办理"
OVERTAKEN_MOST = 3
DELIVERED_S = 2.0
"""So long an answer about linked orders waits for the database; the act itself is safe on disk before."""


async def _at_once() -> None:
    """Nothing lies between journal and database."""


class DeskRefused(OrderError):
    """The order desk refused an edit of a live draft; `shown` is its reason."""


class OrderFront:
    """Reads from the store and lays the newest live draft over what is read; edits go where the order is."""

    def __init__(
        self,
        store: OrderStore,
        desk: OrderDesk,
        clock: Callable[[], float] = time.time,
        delivered: Callable[[], Awaitable[None]] = _at_once,
    ) -> None:
        """`delivered` returns when the database has what the journal holds (cti.journal)."""
        self._store = store
        self._delivered = delivered
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
            self._desk.edit(order_id, field, value, agent, seen=seen)
        except EditMeetsAnother as error:
            raise error.stale from error
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

    async def link(self, order_id: str, other: str, *, agent: str) -> Order:
        """Relate two orders; each is told of the other. Raises OrderError, and then neither is changed."""
        one, two = await self.get(order_id), await self.get(other)
        await self._both(
            (one, OrderLinked(other=other, kind=LinkKind.RELATED, agent=agent, number=two.number)),
            (two, OrderLinked(other=order_id, kind=LinkKind.RELATED, agent=agent, number=one.number)),
        )
        return await self.get(order_id)

    async def unlink(self, order_id: str, other: str, *, agent: str) -> Order:
        """Part two related orders. Raises OrderError; a merger is not undone so."""
        one, two = await self.get(order_id), await self.get(other)
        link = link_to(one.draft, other)
        if link is not None and link.kind is not LinkKind.RELATED:
            raise DeskRefused(
                "a merger is undone from the order that was merged", shown="请在被并入的工单上撤销并单"
            )
        await self._both(
            (one, OrderUnlinked(other=other, agent=agent)),
            (two, OrderUnlinked(other=order_id, agent=agent)),
        )
        return await self.get(order_id)

    async def merge(self, order_id: str, into: str, *, agent: str) -> Order:
        """Close an order as another one's matter; its citizen is added there. Raises OrderError.

        A draft is closed by it; an accepted order waits until the other is answered, for both. Citizens who
        joined it before go with it: one answer to all.
        """
        await self._retried(lambda: self._merge(order_id, into, agent))
        return await self.get(order_id)

    async def _merge(self, order_id: str, into: str, agent: str) -> None:
        one, two = await self.get(order_id), await self.get(into)
        if two.draft.state is not OrderState.ACCEPTED:
            raise DeskRefused(
                f"order {into} is {two.draft.state}, only an accepted one takes others up",
                shown="只能并入已受理的工单",
            )
        draft = one.draft
        joined = OrderLinked(
            other=order_id,
            kind=LinkKind.JOINED,
            agent=agent,
            number=one.number,
            caller=one.caller,
            contact=value_of(draft, OrderField.CONTACT)[:MAX_TEXT],
            phone=value_of(draft, OrderField.PHONE)[:MAX_TEXT],
            secrecy=value_of(draft, OrderField.SECRECY),
        )
        closed: OrderEvent = OrderMerged(into=into, agent=agent, number=two.number)
        if draft.course is not None:
            closed = CourseMerged(into=into, reason=SAME_MATTER, by=agent, number=two.number)
        carried = [(two, event) for event in carried_on(draft, agent)]
        await self._both((two, joined), *carried, (one, closed))

    async def undo_merge(self, order_id: str, *, agent: str) -> Order:
        """Take an order out of the one that it was merged into, with its citizens. Raises OrderError.

        Where that one was merged further, they are taken out there, too.
        """
        await self._retried(lambda: self._undo_merge(order_id, agent))
        return await self.get(order_id)

    async def _undo_merge(self, order_id: str, agent: str) -> None:
        one = await self.get(order_id)
        undone: list[tuple[Order, OrderEvent]] = [(one, MergeUndone(agent=agent))]
        for above in await above_of(one, self.get):
            undone += [(above, event) for event in taken_out(one.draft, above.draft, agent)]
        await self._both(*undone)

    async def _retried(self, act: Callable[[], Awaitable[None]]) -> None:
        """Do it again from what stands by then, when somebody changed one of the orders meanwhile."""
        for _ in range(OVERTAKEN_MOST):
            with contextlib.suppress(Contention):
                await act()
                return
        await act()

    async def _both(self, *changes: tuple[Order, OrderEvent]) -> None:
        """Carry all out as one, after each was found legal: a crash leaves all orders told, or none."""
        after = {order.draft.order_id: order.draft for order, _ in changes}
        for order, event in changes:
            order_id = order.draft.order_id
            after[order_id] = lifecycle.apply(after[order_id], event, self._clock())
        told = [(order.draft.order_id, event) for order, event in changes]
        if all(self._desk.find(order_id) is None for order_id, _ in told):
            standing = {order.draft.order_id: order.draft.version for order, _ in changes}
            await self._store.apply_all(told, standing=standing)
            return
        try:
            await self._desk.take(*told)
        except CommandRefused as error:
            raise DeskRefused(str(error), shown=str(error)) from error
        try:
            async with asyncio.timeout(DELIVERED_S):
                await self._delivered()
        except TimeoutError:
            log.warning("orders linked on disk, but not yet in the database")

    def _fresh(self, order: Order) -> Order:
        live = self._desk.find(order.draft.order_id)
        if live is None or live.version <= order.draft.version:
            return order
        return replace(order, draft=live)
