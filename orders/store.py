"""Work orders in the database: every change is one event, written with its projection in one transaction.

Two writers may work on one order at the same time, on one server or several: the row is locked where the
engine can, (order_id, seq) is unique where it cannot, and the loser reads again and retries.
"""

from __future__ import annotations

import asyncio
import datetime
import random
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orders import chain, lifecycle
from orders.errors import ChainBroken, Contention, KeyReused, UnknownOrder, ValueRefused
from orders.fields import check_storable
from orders.messages import (
    DraftOpened,
    FieldEdited,
    FieldSuggested,
    Filler,
    OrderDiscarded,
    OrderEvent,
    OrderState,
    OrderSubmitted,
    VisitRecorded,
)
from orders.records import Order, OrderFilter, OrderPage, RecordedEvent
from orders.rows import columns_of, events_of, is_contention, matching, order_of
from orders.tables import order_events, order_numbers, orders

ATTEMPTS = 12
MAX_EVENT_ID = 120
MAX_EARLIER = 50


class OrderStore:
    """Opens, fills, submits and finds work orders. Each method is one transaction.

    All methods raise `orders.errors.OrderError` for what the order's rules refuse (nothing is written then)
    and SQLAlchemy's errors when the database cannot be reached.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        clock: Callable[[], float] = time.time,
        zone: datetime.tzinfo | None = None,
    ) -> None:
        """Use `engine` (SQLite or PostgreSQL); a 工单编号's date is that of `zone`, by default China's."""
        self._engine = engine
        self._clock = clock
        self._zone = zone or ZoneInfo("Asia/Shanghai")

    # ------------------------------------------------------------ changes

    async def open_draft(self, call_id: str, caller: str, *, order_id: str | None = None) -> Order:
        """Open a draft for a call; with an `order_id` that is already this call's draft, return that one."""
        order_id = order_id or uuid.uuid4().hex
        event = DraftOpened(order_id=order_id, call_id=call_id, caller=caller)
        return await self.apply(order_id, event, event_id=f"open:{order_id}")

    async def suggest(
        self, order_id: str, suggestions: Sequence[FieldSuggested], *, whole: bool = False
    ) -> Order:
        """Put the machine's values where no agent wrote.

        With `whole`, the suggestions are all that the machine has to say: other values of the machine are
        withdrawn, except the caller's number.
        """
        return await self._change(order_id, lambda order: _suggestions(order, suggestions, whole=whole))

    async def edit(
        self,
        order_id: str,
        field: str,
        value: str,
        *,
        agent: str,
        seen: int | None = None,
        event_id: str = "",
    ) -> Order:
        """Put an agent's value into a field ("" clears it); `seen` is the version the agent was looking at.

        Raises:
            StaleVersion: another agent changed this field after `seen`.
        """
        event = FieldEdited(field=field, value=value, agent=agent)
        return await self.apply(order_id, event, event_id=event_id, seen=seen)

    async def submit(self, order_id: str, agent: str, idempotency_key: str) -> Order:
        """Accept the order and give it its number; the same key again returns the accepted order.

        Raises:
            MissingFields: with the titles of the fields that are empty.
            KeyReused: the key was used for something else.
        """
        return await self.apply(order_id, OrderSubmitted(agent=agent), event_id=idempotency_key)

    async def discard(self, order_id: str, agent: str, reason: str, *, event_id: str = "") -> Order:
        """Give the draft up, for a reason of 1 to 200 characters."""
        return await self.apply(order_id, OrderDiscarded(agent=agent, reason=reason), event_id=event_id)

    async def apply(
        self,
        order_id: str,
        event: OrderEvent,
        *,
        at: float | None = None,
        event_id: str = "",
        seen: int | None = None,
    ) -> Order:
        """Apply one event, which happened at `at` (now by default); the journal is replayed through this.

        An event whose `event_id` is stored already is not applied again: the order is returned as it stands.

        Raises:
            KeyReused: `event_id` belongs to another order or another kind of event.
        """
        if len(event_id) > MAX_EVENT_ID:
            raise ValueRefused(
                f"event id has {len(event_id)} characters, at most {MAX_EVENT_ID}", shown="请求编号过长"
            )
        if isinstance(event, DraftOpened) and event.order_id != order_id:
            raise ValueRefused(
                "DraftOpened names another order than the one it opens", shown="工单编号不一致"
            )
        return await self._change(order_id, lambda _: [event], at=at, event_id=event_id, seen=seen)

    # ------------------------------------------------------------ questions

    async def get(self, order_id: str) -> Order:
        """Return one order.

        Raises:
            UnknownOrder: there is none with this id.
        """
        check_storable("order_id", order_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(orders).where(orders.c.id == order_id))).one_or_none()
        if row is None:
            raise UnknownOrder(order_id)
        return order_of(row)

    async def by_call(self, call_id: str) -> tuple[Order, ...]:
        """Return the orders of a call, in the order they were opened."""
        check_storable("call_id", call_id)
        return await self._orders(
            select(orders).where(orders.c.call_id == call_id).order_by(orders.c.created_at, orders.c.id)
        )

    async def by_phone(self, phone: str, *, limit: int = MAX_EARLIER) -> tuple[Order, ...]:
        """Return the newest orders whose caller or contact number this is (at most `limit`, up to 50)."""
        if not phone:
            return ()
        check_storable("phone", phone)
        return await self._orders(
            select(orders)
            .where(or_(orders.c.caller == phone, orders.c.phone == phone))
            .order_by(orders.c.created_at.desc(), orders.c.id)
            .limit(min(max(limit, 1), MAX_EARLIER))
        )

    async def list(self, which: OrderFilter) -> OrderPage:
        """Return one page of the orders that match, newest first.

        Raises:
            ValueRefused: page, size or text out of bounds.
        """
        chosen = matching(which)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(chosen.subquery()))
            rows = await connection.execute(
                chosen.order_by(orders.c.created_at.desc(), orders.c.id)
                .limit(which.size)
                .offset((which.page - 1) * which.size)
            )
            found = tuple(order_of(row) for row in rows)
        return OrderPage(total=total or 0, page=which.page, size=which.size, orders=found)

    async def events(self, order_id: str) -> tuple[RecordedEvent, ...]:
        """Return everything that happened to an order, checked against its chain of hashes.

        Raises:
            UnknownOrder: there is none with this id.
            ChainBroken: an event was changed, removed or inserted after it was written.
        """
        check_storable("order_id", order_id)
        async with self._engine.connect() as connection:
            version = await connection.scalar(select(orders.c.version).where(orders.c.id == order_id))
            rows = await connection.execute(
                select(order_events).where(order_events.c.order_id == order_id).order_by(order_events.c.seq)
            )
            stored = rows.all()
        if version is None and not stored:
            raise UnknownOrder(order_id)
        recorded = events_of(order_id, stored)
        if version != len(recorded):
            raise ChainBroken(order_id, len(recorded) + 1)
        return recorded

    # ------------------------------------------------------------ inside

    async def _orders(self, query: Select[Any]) -> tuple[Order, ...]:
        async with self._engine.connect() as connection:
            return tuple(order_of(row) for row in await connection.execute(query))

    async def _change(
        self,
        order_id: str,
        decide: Callable[[Order | None], Iterable[OrderEvent]],
        *,
        at: float | None = None,
        event_id: str = "",
        seen: int | None = None,
    ) -> Order:
        check_storable("order_id", order_id)
        check_storable("event_id", event_id)
        for attempt in range(ATTEMPTS):
            try:
                async with self._engine.begin() as connection:
                    return await self._write(
                        connection, order_id, decide, at=at, event_id=event_id, seen=seen
                    )
            except DBAPIError as error:
                if not is_contention(error):
                    raise
            await asyncio.sleep(random.uniform(0.0, 0.005 * 2 ** min(attempt, 6)))  # noqa: S311 - only spreads retries
        raise Contention(order_id, ATTEMPTS)

    async def _write(
        self,
        connection: AsyncConnection,
        order_id: str,
        decide: Callable[[Order | None], Iterable[OrderEvent]],
        *,
        at: float | None,
        event_id: str,
        seen: int | None,
    ) -> Order:
        before = await _locked(connection, order_id)
        moment = self._clock() if at is None else at
        events = list(decide(before))
        if event_id and await _stored_before(connection, order_id, event_id, events):
            if before is None:
                raise UnknownOrder(order_id)
            _check_same_call(before, events)
            return before
        if before is None and not any(isinstance(event, DraftOpened) for event in events):
            raise UnknownOrder(order_id)
        order = before
        for event in events:
            if seen is not None and order is not None and isinstance(event, FieldEdited):
                later = await _later(connection, order_id, seen)
                lifecycle.check_seen(event, seen=seen, current=order.draft.version, later=later)
            order = await self._append(connection, order, event, moment, event_id or uuid.uuid4().hex)
        if order is None:
            raise UnknownOrder(order_id)
        if order is not before:
            await _project(connection, order, new=before is None)
        return order

    async def _append(
        self, connection: AsyncConnection, order: Order | None, event: OrderEvent, at: float, event_id: str
    ) -> Order:
        draft = lifecycle.apply(None if order is None else order.draft, event, at)
        if order is not None and draft is order.draft:
            return order
        number = await self._number(connection, at) if isinstance(event, OrderSubmitted) else ""
        data = chain.encode(event, number=number) if number else chain.encode(event)
        row = chain.Link(
            order_id=draft.order_id,
            seq=draft.version,
            event_id=event_id,
            at=float(at),
            kind=chain.kind_of(event),
            data=data,
            actor=chain.actor_of(event),
            prev_hash=await _head(connection, draft.order_id),
        )
        await connection.execute(insert(order_events).values(**asdict(row), hash=chain.digest(row)))
        if order is None:
            caller = event.caller if isinstance(event, DraftOpened) else ""
            return Order(draft=draft, caller=caller, agent="", created_at=at, updated_at=at)
        if isinstance(event, VisitRecorded):  # whose order it is, and when it was submitted, stays
            return replace(order, draft=draft, updated_at=at)
        closed = draft.state is not OrderState.DRAFT
        return replace(
            order,
            draft=draft,
            updated_at=at,
            agent=order.agent if isinstance(event, FieldSuggested | DraftOpened) else event.agent,
            number=number or order.number,
            closed_at=at if closed else None,
            reason=event.reason if isinstance(event, OrderDiscarded) else order.reason,
        )

    async def _number(self, connection: AsyncConnection, at: float) -> str:
        """Return the next 工单编号 of the local day; the row stays locked until the transaction ends."""
        day = datetime.datetime.fromtimestamp(at, self._zone).strftime("%Y%m%d")
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(order_numbers).values(day=day, last=1)
        last = await connection.scalar(
            statement.on_conflict_do_update(
                index_elements=[order_numbers.c.day], set_={"last": order_numbers.c.last + 1}
            ).returning(order_numbers.c.last)
        )
        return f"{day}{last:06d}"


def _suggestions(
    order: Order | None, suggestions: Sequence[FieldSuggested], *, whole: bool
) -> Iterable[OrderEvent]:
    yield from suggestions
    if not whole or order is None:
        return
    said = {suggestion.field for suggestion in suggestions}
    for name, standing in order.draft.fields.items():
        if name in said or standing.source == lifecycle.CALLER_ID:
            continue
        if standing.filler is Filler.MACHINE or standing.suggestion is not None:
            yield FieldSuggested(field=name, value="", source="withdrawn", confidence=0.0)


def _check_same_call(order: Order, events: Sequence[OrderEvent]) -> None:
    for event in events:
        if isinstance(event, DraftOpened) and event.call_id != order.draft.call_id:
            raise KeyReused(f"open:{event.order_id}")


async def _locked(connection: AsyncConnection, order_id: str) -> Order | None:
    """Read the order's row so that nobody else changes it before this transaction ends."""
    query = select(orders).where(orders.c.id == order_id)
    if connection.dialect.name == "sqlite":  # has no FOR UPDATE: a write takes the lock before the first read
        await connection.execute(
            update(orders).where(orders.c.id == order_id).values(version=orders.c.version)
        )
    else:
        query = query.with_for_update()
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else order_of(row)


async def _stored_before(
    connection: AsyncConnection, order_id: str, event_id: str, events: Sequence[OrderEvent]
) -> bool:
    row = (
        await connection.execute(
            select(order_events.c.order_id, order_events.c.kind).where(order_events.c.event_id == event_id)
        )
    ).one_or_none()
    if row is None:
        return False
    if row.order_id != order_id or row.kind not in {chain.kind_of(event) for event in events}:
        raise KeyReused(event_id)
    return True


async def _later(connection: AsyncConnection, order_id: str, seen: int) -> list[OrderEvent]:
    rows = await connection.execute(
        select(order_events.c.kind, order_events.c.data).where(
            order_events.c.order_id == order_id, order_events.c.seq > seen
        )
    )
    return [chain.decode(row.kind, row.data) for row in rows]


async def _head(connection: AsyncConnection, order_id: str) -> str:
    head = await connection.scalar(
        select(order_events.c.hash)
        .where(order_events.c.order_id == order_id)
        .order_by(order_events.c.seq.desc())
        .limit(1)
    )
    return chain.FIRST if head is None else str(head)


async def _project(connection: AsyncConnection, order: Order, *, new: bool) -> None:
    draft = order.draft
    if new:
        opened = {"id": draft.order_id, "call_id": draft.call_id, "caller": order.caller}
        await connection.execute(
            insert(orders).values(**opened, created_at=order.created_at, **columns_of(order))
        )
    else:
        await connection.execute(
            update(orders).where(orders.c.id == draft.order_id).values(**columns_of(order))
        )
