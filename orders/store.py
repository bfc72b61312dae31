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
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Select, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orders import chain, course_seen, lifecycle
from orders.course_events import CourseEvent
from orders.course_policy import NoPolicy, OrderPolicy
from orders.errors import ChainBroken, Contention, KeyReused, PolicyRuns, UnknownOrder, ValueRefused
from orders.fields import check_storable
from orders.link_tables import with_links
from orders.messages import (
    Channel,
    Draft,
    DraftOpened,
    FieldEdited,
    FieldSuggested,
    Filler,
    OrderDiscarded,
    OrderEvent,
    OrderSubmitted,
)
from orders.order_list import list_page
from orders.records import Order, OrderFilter, OrderPage, RecordedEvent
from orders.rows import events_of, is_contention, order_of
from orders.store_steps import events_since, happened_to, head, locked, project, stored_before
from orders.tables import order_events, order_numbers, orders
from orders.unreadable import Unreadable

ATTEMPTS = 12
MAX_EVENT_ID = 120
MAX_EARLIER = 50
FOLLOWING_MOST = 40
"""Events that one event may bring about, itself included."""
Written = TypeVar("Written")


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
        policy: OrderPolicy | None = None,
    ) -> None:
        """Use `engine` (SQLite or PostgreSQL); a 工单编号's date is that of `zone`, by default China's.

        `policy` says what follows from what happens; without one, nothing does.
        """
        self._engine = engine
        self._clock = clock
        self._zone = zone or ZoneInfo("Asia/Shanghai")
        self._policy = policy or NoPolicy()
        self.unreadable = Unreadable()  # orders that rounds passed over

    # ------------------------------------------------------------ changes

    async def open_draft(
        self, call_id: str, caller: str, *, order_id: str | None = None, channel: Channel = Channel.PHONE
    ) -> Order:
        """Open a draft for a call; with an `order_id` that is already this call's draft, return that one."""
        order_id = order_id or uuid.uuid4().hex
        event = DraftOpened(order_id=order_id, call_id=call_id, caller=caller, channel=channel)
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
        `seen` is the version that the person was looking at.

        Raises:
            StaleVersion: another agent changed the same field after `seen`.
            CourseConflict: the accepted order was moved on after `seen`.
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
        return await self._change(order_id, _only(event), at=at, event_id=event_id, seen=seen)

    async def create(
        self,
        events: Sequence[OrderEvent],
        *,
        order_id: str,
        event_id: str,
        at: float | None = None,
        beside: Callable[[AsyncConnection], Awaitable[None]] | None = None,
    ) -> Order:
        """Make an order of these events in one transaction: `DraftOpened`, its fields, `OrderSubmitted` …

        `beside` writes in the same transaction what belongs to the new order. The same `event_id` again
        returns the order as it stands. Raises as `apply` does.
        """

        async def write(connection: AsyncConnection) -> Order:
            return await self._write(
                connection, order_id, lambda _: events, at=at, event_id=event_id, seen=None, beside=beside
            )

        check_storable("order_id", order_id)
        check_storable("event_id", event_id)
        return await self._transacted(order_id, write)

    async def react(
        self,
        order_id: str,
        decide: Callable[[AsyncConnection, Order], Awaitable[Sequence[OrderEvent]]],
        *,
        at: float | None = None,
    ) -> Order:
        """Let `decide` say what happens to an order, and keep in the same transaction why.

        It is given the order as it is, locked, and may be asked again where other writers are in the way.
        Raises UnknownOrder, and what `apply` does.
        """

        async def write(connection: AsyncConnection) -> Order:
            before = await locked(connection, order_id)
            if before is None:
                raise UnknownOrder(order_id)
            order, moment = before, self._clock() if at is None else at
            for event in await decide(connection, before):
                order = await self._carry_out(connection, order, event, moment, "")
            if order is not before:
                await project(connection, before, order, now=self._clock(), zone=self._zone)
            return order

        check_storable("order_id", order_id)
        return await self._transacted(order_id, write)

    async def apply_all(
        self,
        changes: Sequence[tuple[str, OrderEvent]],
        *,
        at: float | None = None,
        event_id: str = "",
        standing: Mapping[str, int] = MappingProxyType({}),
    ) -> tuple[Order, ...]:
        """Apply events to several orders, all in one transaction: a merger is whole or not at all.

        The first event is stored under `event_id`, the others under it with their place; each once only.
        `standing` are versions (by order id) on which the changes were based. Raises as `apply` does, and
        then no order is changed; Contention: one of them has another version by now.
        """
        if len(event_id) > MAX_EVENT_ID - 3:
            raise ValueRefused(
                f"event id has {len(event_id)} characters, at most {MAX_EVENT_ID - 3}", shown="请求编号过长"
            )
        ids = [
            event_id if not event_id or not place else f"{event_id}+{place}" for place in range(len(changes))
        ]
        in_turn = sorted(zip(changes, ids, strict=True), key=lambda one: one[0][0])  # rows lock in one order

        async def write(connection: AsyncConnection) -> dict[str, Order]:
            for order_id, version in sorted(standing.items()):
                before = await locked(connection, order_id)
                if before is None or before.draft.version != version:
                    raise Contention(order_id, 1)
            return {
                order_id: await self._write(
                    connection, order_id, _only(event), at=at, event_id=one_id, seen=None
                )
                for (order_id, event), one_id in in_turn
            }

        for order_id, _ in changes:
            check_storable("order_id", order_id)
        check_storable("event_id", event_id)
        written = await self._transacted(changes[0][0] if changes else "", write)
        return tuple(written[order_id] for order_id, _ in changes)

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
            return (await with_links(connection, [order_of(row)]))[0]

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
            ValueRefused: page, size, text or place out of bounds.
        """
        async with self._engine.connect() as connection:
            return await list_page(connection, which, self.unreadable)

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
            return await with_links(connection, map(order_of, await connection.execute(query)))

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
        return await self._transacted(
            order_id,
            lambda connection: self._write(connection, order_id, decide, at=at, event_id=event_id, seen=seen),
        )

    async def _transacted(
        self, order_id: str, write: Callable[[AsyncConnection], Awaitable[Written]]
    ) -> Written:
        """Carry `write` out in one transaction, again while other writers are in the way."""
        for attempt in range(ATTEMPTS):
            try:
                async with self._engine.begin() as connection:
                    return await write(connection)
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
        beside: Callable[[AsyncConnection], Awaitable[None]] | None = None,
    ) -> Order:
        before = await locked(connection, order_id)
        moment = self._clock() if at is None else at
        events = list(decide(before))
        if event_id and await stored_before(connection, order_id, event_id, events):
            if before is None:
                raise UnknownOrder(order_id)
            _check_same_call(before, events)
            return before
        if before is None and not any(isinstance(event, DraftOpened) for event in events):
            raise UnknownOrder(order_id)
        order = before
        for place, event in enumerate(events):
            if seen is not None and order is not None:
                await self._check_seen(connection, order.draft, event, seen)
            one_id = f"{event_id}+{place}" if event_id and place else event_id
            order = await self._carry_out(connection, order, event, moment, one_id)
        if order is None:
            raise UnknownOrder(order_id)
        if order is not before:
            await project(connection, before, order, now=self._clock(), zone=self._zone)
            if beside is not None:
                await beside(connection)
        return order

    async def _carry_out(
        self, connection: AsyncConnection, order: Order | None, event: OrderEvent, at: float, event_id: str
    ) -> Order:
        """Append an event and all that policy says follows from it, at the same moment."""
        waiting = deque([event])
        for _ in range(FOLLOWING_MOST):
            one, before = waiting.popleft(), order
            if before is not None:
                one = self._policy.stamped(before, one, at)
            order = await self._append(connection, before, one, at, event_id or uuid.uuid4().hex)
            event_id = ""
            if order is not before:
                waiting.extend(self._policy.following(before, order, one, at))
            if not waiting:
                return order
        raise PolicyRuns(type(event).__name__, FOLLOWING_MOST)

    async def _check_seen(
        self, connection: AsyncConnection, draft: Draft, event: OrderEvent, seen: int
    ) -> None:
        current = draft.version
        if isinstance(event, FieldEdited):
            later = [one.event for one in await events_since(connection, draft.order_id, seen)]
            lifecycle.check_seen(event, seen=seen, current=current, later=later)
        elif isinstance(event, CourseEvent):
            since = await events_since(connection, draft.order_id, seen)
            course_seen.check_seen(
                event, seen=seen, current=current, course=draft.course, since=since, zone=self._zone
            )

    async def _append(
        self, connection: AsyncConnection, order: Order | None, event: OrderEvent, at: float, event_id: str
    ) -> Order:
        draft = lifecycle.apply(None if order is None else order.draft, event, at)
        if order is not None and draft is order.draft:
            return order
        number = await self._number(connection, at) if isinstance(event, OrderSubmitted) else ""
        data = chain.encode(event, number=number) if number else chain.encode(event)
        link = chain.Link(
            order_id=draft.order_id,
            seq=draft.version,
            event_id=event_id,
            at=float(at),
            kind=chain.kind_of(event),
            data=data,
            actor=chain.actor_of(event),
            prev_hash=await head(connection, draft.order_id),
        )
        row = chain.salted(link)
        await connection.execute(insert(order_events).values(**asdict(row), hash=chain.digest(row)))
        return happened_to(order, draft, event, at, number)

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


def _only(event: OrderEvent) -> Callable[[Order | None], Iterable[OrderEvent]]:
    return lambda _: [event]


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
