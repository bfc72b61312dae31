"""The ways by which a list of orders is found; each gives ids and moments, and can be walked newest first.

A database cannot guess how many orders have a Chinese word or how filters fall together, and where it guesses
few it reads and sorts everything. So what decides is put where the database does not guess: a condition that
is looked up row by row on the way leaves the way as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    func,
    literal,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from orders.course_tables import order_units
from orders.records import OrderFilter
from orders.rows import in_districts, matching, unveiled
from orders.search_tables import may_have, order_search
from orders.search_text import grams_of, words_of
from orders.tables import orders

__all__ = ["Place", "Way", "newest_of_each", "way_to"]

UNITS_WALKED = {"postgresql": 500, "sqlite": 200}
"""Units whose own lists are read; orders of more of them are soon met on the walk through all orders."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a list a page begins: after this order."""

    created_at: float
    order_id: str


@dataclass(frozen=True, slots=True)
class Way:
    """A query for ids and moments of orders, in no order yet."""

    found: Select[Any]
    created_at: ColumnElement[Any]
    order_id: ColumnElement[Any]
    units: frozenset[str] | None = None  # only their own lists, with nothing else asked
    few: bool = False  # all of it is read anyway, so it can be counted on the way
    many: bool = False  # so many that in a big table counting would not come to an end
    sorted: bool = False  # comes newest first already, and must not be sorted: then all of it would be read

    def newest(self, after: Place | None) -> Select[Any]:
        """Return it newest first, from a place on."""
        query = self.found
        if after is not None:
            behind = tuple_(self.created_at, self.order_id) < (after.created_at, after.order_id)
            query = query.where(self.created_at <= after.created_at, behind)
        return query if self.sorted else query.order_by(self.created_at.desc(), self.order_id.desc())


def way_to(which: OrderFilter, *, few: bool, leaf: bool, dialect: str) -> Way:
    """Return the way to the orders that match.

    `few`: the index of grams finds few that have the words; `leaf`: no order's category is below the one
    that is asked for.

    Raises:
        ValueRefused: page, size or text out of bounds.
    """
    words, sight = words_of(which.text), which.sight
    plain = matching(replace(which, text="", sight=None), dialect=dialect, leaf=leaf)
    asked = [plain.whereclause, unveiled(which), None if sight is None else in_districts(sight)]
    conditions = [one for one in asked if one is not None]
    units = None if sight is None else sight.units
    if words and few:
        return _by_grams(words, conditions, units, dialect)
    if units is not None and len(units) <= UNITS_WALKED[dialect]:
        return _by_units(words, conditions, units, dialect)
    if words and not conditions:
        return _by_text(words, units)
    query = select(orders.c.id, orders.c.created_at).where(*conditions)
    for word in words:
        query = query.where(_text(orders.c.id).contains(word, autoescape=True))
    if units is not None:
        query = query.where(_open_to(units, orders.c.id))
    return Way(query, orders.c.created_at, orders.c.id)


def newest_of_each(units: Sequence[str], after: Place | None, most: int) -> Select[Any]:
    """Return the newest of several units' orders, from the newest `most` of each (PostgreSQL)."""
    one = func.unnest(literal(list(units), ARRAY(String))).table_valued("unit", name="one").render_derived()
    at, order_id = order_units.c.created_at, order_units.c.order_id
    mine = select(order_id.label("id"), at.label("created_at")).where(order_units.c.unit == one.c.unit)
    newest = Way(mine, at, order_id).newest(after).limit(most).lateral("mine")
    query = select(newest.c.id, newest.c.created_at).distinct().select_from(one.join(newest, true()))
    return query.order_by(newest.c.created_at.desc(), newest.c.id.desc())


def _by_grams(
    words: Sequence[str],
    conditions: Sequence[ColumnElement[bool]],
    units: frozenset[str] | None,
    dialect: str,
) -> Way:
    """Few have these words: all of them are read."""
    at, order_id = order_search.c.created_at, order_search.c.order_id
    grams = sorted({gram for word in words for gram in grams_of(word, singles=len(word) == 1)})
    query = select(order_id.label("id"), at.label("created_at")).where(may_have(grams, dialect))
    for word in words:
        query = query.where(order_search.c.text.contains(word, autoescape=True))
    if conditions:
        query = query.join(orders, orders.c.id == order_id).where(*conditions)
    if units is not None:
        query = query.where(_open_to(units, order_id))
    return Way(query, at, order_id, few=True)


def _by_units(
    words: Sequence[str],
    conditions: Sequence[ColumnElement[bool]],
    units: frozenset[str],
    dialect: str,
) -> Way:
    """The units' own lists, put in order; the rest is asked of one after the other until it is enough."""
    at, order_id = order_units.c.created_at, order_units.c.order_id
    mine = select(order_id.label("id"), at.label("created_at")).distinct()
    mine = mine.where(order_units.c.unit.in_(sorted(units)))
    if not words and not conditions:
        theirs = mine.subquery()
        return Way(select(theirs.c.id, theirs.c.created_at), theirs.c.created_at, theirs.c.id, units)
    newest = mine.order_by(at.desc(), order_id.desc()).offset(0).subquery()  # is read in this order
    query = select(newest.c.id, newest.c.created_at)
    if conditions:
        right = select(and_(*conditions)).where(orders.c.id == newest.c.id)
        query = query.where(right.correlate(newest).scalar_subquery())
    for word in words:
        query = query.where(_text(newest.c.id).contains(word, autoescape=True))
    # PostgreSQL knows that this is in order; SQLite hands the rows on one by one (a subquery with a limit is
    # never merged into the query around it), but would sort what is left of all of them again
    ready = dialect == "sqlite"
    return Way(query, newest.c.created_at, newest.c.id, many=bool(words), sorted=ready)


def _by_text(words: Sequence[str], units: frozenset[str] | None) -> Way:
    """Many have these words: some are soon met among the newest."""
    at, order_id = order_search.c.created_at, order_search.c.order_id
    query = select(order_id.label("id"), at.label("created_at"))
    for word in words:
        # of an expression the database does not guess how often it has a word
        query = query.where(order_search.c.text.concat("").contains(word, autoescape=True))
    if units is not None:
        query = query.where(_open_to(units, order_id))
    return Way(query, at, order_id, many=True)


def _text(order_id: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the text of one order, looked up row by row."""
    mine = order_search.alias("its")
    query = select(mine.c.text).where(mine.c.order_id == order_id)
    return query.correlate_except(mine).scalar_subquery()


def _open_to(units: frozenset[str], order_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that one of these units has a part in the order."""
    # an order has few units: they are compared, and not each of these looked up in the primary key
    unit = order_units.c.unit.concat("")
    part: Select[Any] = select(literal_column("1")).where(
        order_units.c.order_id == order_id, unit.in_(sorted(units))
    )
    return part.correlate_except(order_units).exists()
