"""The same matter reported again (重复诉求): earlier orders of one kind at the same place, or by one citizen.

Not the same as merged orders (并单), which somebody has found to be one: here a rule of thumb counts, so that
what comes again and again is looked after more closely (`orders.supervision_rules.Repeated`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from orders.lifecycle import value_of
from orders.link_tables import with_links
from orders.messages import OrderField, OrderState
from orders.privacy import Secrecy, secrecy_named
from orders.records import Order, Sight
from orders.rows import open_to, order_of
from orders.tables import orders
from orders.topics import cut

__all__ = ["Earlier", "Repeats"]

DEPTH = 2
"""Levels of the category that have to be the same."""
DAYS = 90.0
DAY_S = 86_400.0
MOST = 50
"""More earlier orders are not looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier order of the same matter."""

    order: Order  # which
    same_citizen: bool  # by the same number
    same_place: bool  # at the same place


class Repeats:
    """Asks the database. SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def earlier(self, order: Order, *, sight: Sight | None = None) -> tuple[Earlier, ...]:
        """Return earlier orders of the same matter within `DAYS`, newest first, at most `MOST`.

        The matter is the same when the first levels of the category are, and place or number. With a `sight`
        only what is open to it; secret reports whose citizen it does not show are not found by numbers.
        """
        draft = order.draft
        category = cut(value_of(draft, OrderField.CATEGORY), DEPTH)
        place, district = value_of(draft, OrderField.PLACE), value_of(draft, OrderField.DISTRICT)
        covered = frozenset[str]() if sight is None else _secret(sight)
        numbers = [] if value_of(draft, OrderField.SECRECY) in covered else _numbers(order)
        same = _same(place, district, numbers, covered)
        if not category or same is None:
            return ()
        below = orders.c.category.startswith(f"{category}/", autoescape=True)
        query = (
            select(orders)
            .where(
                same,
                or_(orders.c.category == category, below),
                orders.c.created_at < order.created_at,
                orders.c.created_at >= order.created_at - DAYS * DAY_S,
                orders.c.id != draft.order_id,
                orders.c.state.in_([OrderState.ACCEPTED.value, OrderState.MERGED.value]),
            )
            .order_by(orders.c.created_at.desc())
            .limit(MOST)
        )
        if sight is not None:
            query = open_to(sight, query)
        async with self._engine.connect() as connection:
            found = await with_links(connection, map(order_of, await connection.execute(query)))
        return tuple(
            Earlier(
                order=one,
                same_citizen=value_of(one.draft, OrderField.SECRECY) not in covered
                and not set(numbers).isdisjoint(_numbers(one)),
                same_place=bool(place) and value_of(one.draft, OrderField.PLACE) == place,
            )
            for one in found
        )


def _secret(sight: Sight) -> frozenset[str]:
    """Values of 保密要求 of reports that nobody with this sight finds by who it was; open ones may be."""
    return frozenset(value for value in sight.covered if secrecy_named(value) is not Secrecy.PUBLIC)


def _numbers(order: Order) -> list[str]:
    told = {value_of(order.draft, OrderField.PHONE), order.caller}
    return sorted(one for one in told if len(one) >= 7)


def _same(
    place: str, district: str, numbers: Sequence[str], covered: frozenset[str]
) -> ColumnElement[bool] | None:
    found: list[ColumnElement[bool]] = []
    if place:
        found.append(and_(orders.c.place == place, orders.c.district == district))
    if numbers:
        by_number = or_(orders.c.phone.in_(numbers), orders.c.caller.in_(numbers))
        found.append(and_(by_number, orders.c.secrecy.not_in(sorted(covered))) if covered else by_number)
    return or_(*found) if found else None
