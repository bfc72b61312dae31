"""What pages ask of the database all day, each beside the plain way to ask it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.bench.orders_made import CATEGORIES, DISTRICTS, City
from orders.course_messages import CourseState, Supervision
from orders.course_tables import order_units
from orders.dispatch_queues import ClerkQueue, ClerkQueues, People
from orders.messages import OrderState
from orders.records import OrderFilter, Sight
from orders.store import OrderStore
from orders.tables import orders
from orders.unit_inbox import InboxFilter, UnitInbox

__all__ = ["Question", "Samples", "questions"]

Ask = Callable[[random.Random], Awaitable[object]]
NAIVE_FIELDS = ("number", "caller", "phone", "contact", "title", "summary", "place", "street", "district")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing that is asked."""

    name: str  # short
    about: str  # for a person
    ask: Ask  # with random values
    naive: Ask | None = None  # the plain way: skip by OFFSET, search without index, count everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What stands in the database, to ask for."""

    ids: Sequence[str]  # orders
    numbers: Sequence[str]  # 工单编号
    phones: Sequence[str]  # callers
    often: Sequence[str]  # who called many times
    places: Sequence[str]  # names of places
    after: Sequence[str]  # places in the list, at any depth
    now: float  # when the newest order was made

    @classmethod
    async def read(cls, engine: AsyncEngine, total: int, now: float) -> Samples:
        """Take some of everything out of a database of `total` orders."""
        rng = random.Random(7)  # noqa: S311 - chooses what to ask for
        span = select(func.min(orders.c.created_at), func.max(orders.c.created_at))
        columns = (orders.c.id, orders.c.number, orders.c.caller, orders.c.place, orders.c.created_at)
        rows: list[Any] = []
        async with engine.connect() as connection:
            first, last = (await connection.execute(span)).one()
            for _ in range(200):
                at = rng.uniform(first, last)
                found = select(*columns).where(orders.c.created_at >= at).order_by(orders.c.created_at)
                rows.extend((await connection.execute(found.limit(1))).all())
            often = select(orders.c.caller).where(orders.c.caller.like("1390000%"))
            callers = (await connection.execute(often.distinct().limit(50))).scalars().all()
        return cls(
            ids=[row.id for row in rows],
            numbers=[row.number for row in rows if row.number],
            phones=[row.caller for row in rows],
            often=list(callers),
            places=[row.place[:4] for row in rows],
            after=[f"{row.created_at!r}~{row.id}" for row in rows],
            now=now,
        )


def questions(engine: AsyncEngine, samples: Samples) -> tuple[Question, ...]:
    """Return everything that is measured."""
    store, inbox, queues, city = OrderStore(engine), UnitInbox(engine), ClerkQueues(engine), City()
    people = People(redo_times=1)
    now = samples.now

    def listed(make: Callable[[random.Random], OrderFilter]) -> Ask:
        return lambda rng: store.list(make(rng))

    def plainly(make: Callable[[random.Random], Select[tuple[object, ...]]]) -> Ask:
        async def ask(rng: random.Random) -> object:
            query = make(rng)
            newest = query.order_by(orders.c.created_at.desc(), orders.c.id)
            async with engine.connect() as connection:
                total = await connection.scalar(select(func.count()).select_from(query.subquery()))
                return total, (await connection.execute(newest.limit(20))).all()

        return ask

    def containing(word: str) -> Select[tuple[object, ...]]:
        fields = (orders.c[name].icontains(word, autoescape=True) for name in NAIVE_FIELDS)
        return select(orders).where(or_(*fields))

    def narrow(rng: random.Random) -> OrderFilter:
        return OrderFilter(
            state=OrderState.ACCEPTED, district=rng.choice(DISTRICTS), category=rng.choice(CATEGORIES)
        )

    def of_narrow(rng: random.Random) -> Select[tuple[object, ...]]:
        which = narrow(rng)
        below = orders.c.category.startswith(f"{which.category}/", autoescape=True)
        same = (orders.c.category == which.category) | below
        return select(orders).where(orders.c.state == "accepted", orders.c.district == which.district, same)

    def of_units(units: frozenset[str]) -> Select[tuple[object, ...]]:
        part = select(order_units.c.order_id).where(order_units.c.unit.in_(sorted(units)))
        return select(orders).where(orders.c.id.in_(part))

    async def deep(rng: random.Random) -> object:
        query = select(orders).order_by(orders.c.created_at.desc(), orders.c.id.desc())
        async with engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(orders))
            return (await connection.execute(query.limit(20).offset(rng.randrange(total or 1)))).all()

    async def whole(rng: random.Random) -> object:
        order_id = rng.choice(samples.ids)
        return await store.get(order_id), await store.events(order_id)

    async def next_due(rng: random.Random) -> object:
        query = select(orders.c.id, orders.c.due_at).where(orders.c.due_at >= now - rng.uniform(0, 86_400))
        async with engine.connect() as connection:
            return (await connection.execute(query.order_by(orders.c.due_at).limit(100))).all()

    def text(words: Sequence[str]) -> Ask:
        return listed(lambda rng: OrderFilter(text=rng.choice(words)))

    def subtree(size: int) -> Callable[[random.Random], Sight]:
        return lambda rng: Sight(units=city.unit_tree(rng, size))

    few, wide = subtree(30), subtree(150)
    common, rare = ("噪声", "停车", "物业", "供水", "电动车"), ("𠮷", "傅𠮷", "曾琳", "饕餮", "泰枫𠮷")
    return (
        Question(
            name="newest", about="newest orders, first page", ask=listed(lambda _: OrderFilter()),
            naive=plainly(lambda _: select(orders)),
        ),
        Question(
            name="deep", about="a page anywhere in the list, by its place",
            ask=listed(lambda rng: OrderFilter(after=rng.choice(samples.after))), naive=deep,
        ),
        Question(
            name="page", about="page 1 to 500 by its number",
            ask=listed(lambda rng: OrderFilter(page=rng.randint(1, 500))),
        ),
        Question(
            name="narrow", about="state, district and category", ask=listed(narrow), naive=plainly(of_narrow)
        ),
        Question(
            name="branch", about="a category and all below it",
            ask=listed(lambda rng: OrderFilter(category=rng.choice(CATEGORIES).partition("/")[0])),
        ),
        Question(
            name="leaf", about="one category",
            ask=listed(lambda rng: OrderFilter(category=rng.choice(CATEGORIES))),
        ),
        Question(
            name="number", about="search: a whole number", ask=text(samples.numbers),
            naive=plainly(lambda rng: containing(rng.choice(samples.numbers))),
        ),
        Question(name="phone", about="search: a telephone number", ask=text(samples.phones)),
        Question(
            name="part", about="search: the last four digits",
            ask=text([phone[-4:] for phone in samples.phones]),
        ),
        Question(
            name="common", about="search: two characters that many orders have", ask=text(common),
            naive=plainly(lambda rng: containing(rng.choice(common))),
        ),
        Question(
            name="place", about="search: a place", ask=text(samples.places),
            naive=plainly(lambda rng: containing(rng.choice(samples.places))),
        ),
        Question(
            name="words", about="search: a place and a matter",
            ask=listed(lambda rng: OrderFilter(text=f"{rng.choice(samples.places)} {rng.choice(common)}")),
        ),
        Question(
            name="rare", about="search: a rare character, a name, nothing", ask=text(rare),
            naive=plainly(lambda rng: containing(rng.choice(rare))),
        ),
        Question(
            name="both", about="search: a common word in one district and category",
            ask=listed(lambda rng: replace(narrow(rng), text="请相关")),
        ),
        Question(
            name="sight30", about="newest orders of 30 units",
            ask=listed(lambda rng: OrderFilter(sight=few(rng))),
            naive=plainly(lambda rng: of_units(few(rng).units or frozenset())),
        ),
        Question(
            name="sight150", about="newest orders of 150 units",
            ask=listed(lambda rng: OrderFilter(sight=wide(rng))),
        ),
        Question(
            name="sight_text", about="search: a common word in the orders of 30 units",
            ask=listed(lambda rng: OrderFilter(sight=few(rng), text=rng.choice(common))),
        ),
        Question(
            name="sight_district", about="newest orders of one district",
            ask=listed(lambda rng: OrderFilter(sight=Sight(districts=frozenset({rng.choice(DISTRICTS)})))),
        ),
        Question(
            name="lead", about="orders of one unit under way",
            ask=listed(lambda rng: OrderFilter(lead=city.unit(rng), course=(CourseState.SIGNED,))),
        ),
        Question(
            name="inbox", about="a unit's inbox", ask=lambda rng: inbox.page(InboxFilter(unit=city.unit(rng)))
        ),
        Question(
            name="inbox_late", about="what is late in a unit's inbox",
            ask=lambda rng: inbox.page(InboxFilter(unit=city.unit(rng), due_before=now)),
        ),
        Question(
            name="inbox_near", about="what is near or late in a unit's inbox",
            ask=lambda rng: inbox.page(InboxFilter(unit=city.unit(rng), near_before=now)),
        ),
        Question(
            name="inbox_done", about="what a unit has done",
            ask=lambda rng: inbox.page(InboxFilter(unit=city.unit(rng), open=False)),
        ),
        Question(
            name="inbox_counts", about="the counts on a unit's badge",
            ask=lambda rng: inbox.counts(city.unit(rng), now),
        ),
        Question(
            name="queue", about="a clerk's queue",
            ask=lambda rng: queues.page(rng.choice(list(ClerkQueue)), people, sight=None, page=1, size=20),
        ),
        Question(
            name="queue_counts", about="the counts on a clerk's badges",
            ask=lambda _: queues.counts(now, people, sight=None),
        ),
        Question(name="late", about="late now, newest", ask=listed(lambda _: OrderFilter(due_before=now))),
        Question(
            name="near", about="near or late now, newest",
            ask=listed(lambda _: OrderFilter(near_before=now)),
        ),
        Question(name="next_due", about="the next 100 limits", ask=next_due),
        Question(
            name="supervised", about="supervised orders",
            ask=listed(lambda _: OrderFilter(supervised=Supervision.YELLOW)),
        ),
        Question(name="one", about="one order with everything that happened to it", ask=whole),
        Question(
            name="caller", about="a caller's earlier orders",
            ask=lambda rng: store.by_phone(rng.choice([*samples.often, *samples.phones[:20]])),
        ),
    )  # fmt: skip
