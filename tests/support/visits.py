"""A real visit desk whose journal goes straight into the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from sqlalchemy.ext.asyncio import AsyncEngine

from acd.phone_numbers import read_number
from cti.call import Call
from cti.calls import CallStore
from cti.control.calls import Calls, EntryIds
from cti.control.orderdesk import order_events
from cti.control.visit_book import VisitBook
from cti.control.visit_desk import VisitDesk
from cti.control.visits import Visits
from cti.messages import Caption, Entry, ServerMessage
from cti.metrics import Metrics
from cti.visit_store import VisitStore
from orders.store import OrderStore
from orders.visit_policy import VisitPolicy

SERVER = "server1"


class Paper:
    """Journal, live state and pages in one: keeps what it is given."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.sent: list[tuple[frozenset[str], ServerMessage]] = []

    def append(self, entry: Entry) -> None:
        self.entries.append(entry)

    def save(self, call: Call) -> None:
        pass

    def forget(self, call_id: str) -> None:
        pass

    def send(self, logins: Iterable[str], message: ServerMessage) -> None:
        self.sent.append((frozenset(logins), message))

    def broadcast(self, message: ServerMessage) -> None:
        pass


class VisitWorld:
    """Visits over a database, without telephones."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        policy: VisitPolicy | None = None,
        clock: Callable[[], float] = time.time,
        orders: OrderStore | None = None,
    ) -> None:
        self.engine = engine
        self.policy = policy or VisitPolicy()
        self.paper = Paper()
        self.orders = orders or OrderStore(engine, clock=clock)
        self.call_store = CallStore(engine, on_order=self._replay)
        self.store = VisitStore(engine)
        self.metrics = Metrics()
        self.captions: tuple[Caption, ...] = ()
        self.beside: list[asyncio.Task[None]] = []
        self.calls = Calls(
            journal=self.paper,
            keeper=self.paper,
            pages=self.paper,
            ids=EntryIds(SERVER, clock),
            metrics=self.metrics,
            queue_titles=str,
            clock=clock,
        )
        self.visits = Visits(
            book=VisitBook(calls=self.calls, server=SERVER),
            calls=self.calls,
            pages=self.paper,
            stored=self.store.get,
            order=self.orders.get,
            captions=lambda _: self.captions,
            policy=lambda: self.policy,
            beside=lambda work, what, call_id: self.beside.append(asyncio.ensure_future(work)),
        )
        self.desk = VisitDesk(
            visits=self.visits,
            calls=self.calls,
            store=self.store,
            orders=self.orders,
            read_number=read_number,
            policy=lambda: self.policy,
            enabled=True,
        )

    async def accepted(self, number: str, name: str = "o1") -> str:
        """An accepted order of this citizen, entered by li; its id."""
        order_id = (await self.orders.open_draft(f"call-{name}", number, order_id=name)).draft.order_id
        for field, value in (("type", "投诉"), ("category", "噪音"), ("summary", "夜间施工")):
            await self.orders.edit(order_id, field, value, agent="li")
        await self.orders.submit(order_id, "li", f"submit:{order_id}")
        return order_id

    async def delivered(self) -> None:
        """What is in the journal is in the database, and nothing is left to do beside."""
        while self.beside:
            await self.beside.pop()
        entries, self.paper.entries = self.paper.entries, []
        await self.call_store.write(entries)

    async def _replay(self, entry: Entry) -> None:
        changes = order_events(entry)
        await self.orders.apply_all(changes, at=entry.at, event_id=entry.entry_id)
