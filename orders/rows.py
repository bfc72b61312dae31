"""Between database rows and what the room works with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    String,
    and_,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from orders import chain, lifecycle
from orders.chain_check import Stored, erased_rows, faults
from orders.course import begun
from orders.course_answer import LEVELS
from orders.course_clocks import next_clock
from orders.course_messages import Course, Solved
from orders.course_table import WITH_UNIT
from orders.course_tables import order_units
from orders.errors import ChainBroken, OrderUnreadable, ValueRefused
from orders.fields import check_storable
from orders.messages import Channel, Draft, FieldValue, OrderField, OrderState, OrderVisit
from orders.records import Order, OrderFilter, RecordedEvent, Sight
from orders.search_tables import searched_text
from orders.search_text import words_of
from orders.tables import orders

MAX_TEXT = 100
MAX_PAGE = 10_000
MAX_SIZE = 100
_LONG_NUMBER = 7

_FIELDS = msgspec.json.Decoder(dict[str, FieldValue])
_VISIT = msgspec.json.Decoder(OrderVisit)
_COURSE = msgspec.json.Decoder(Course)


def order_of(row: Row[Any]) -> Order:
    """Return the order that a row of `orders` holds, without its links. Raises OrderUnreadable."""
    try:
        return order_of_values(row._mapping)
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise OrderUnreadable(str(row._mapping["id"])) from error


def order_of_values(values: Mapping[Any, Any]) -> Order:
    """The same of a row's columns by name. Raises msgspec.DecodeError, ValueError: it holds no order."""
    draft = Draft(
        order_id=values["id"],
        call_id=values["call_id"],
        version=values["version"],
        state=OrderState(values["state"]),
        fields=_FIELDS.decode(values["fields_json"]),
        visit=_VISIT.decode(values["visit_json"]) if values["visit_json"] else None,
        course=_course_of(values),
        channel=Channel(values["channel"]),
    )
    return Order(
        draft=draft,
        caller=values["caller"],
        agent=values["agent"],
        created_at=values["created_at"],
        updated_at=values["updated_at"],
        number=values["number"] or "",
        closed_at=values["closed_at"],
        reason=values["reason"],
    )


def _course_of(values: Mapping[Any, Any]) -> Course | None:
    if values["course_json"]:
        return _COURSE.decode(values["course_json"])
    if values["state"] != OrderState.ACCEPTED:
        return None
    return begun(values["closed_at"])  # accepted before there were courses: what its events make


def columns_of(order: Order) -> dict[str, object]:
    """Return the columns of `orders` that change with the order."""
    draft = order.draft
    solved, satisfaction = _thought(draft)
    return {
        "number": order.number or None,
        "state": draft.state.value,
        "agent": order.agent,
        "updated_at": order.updated_at,
        "closed_at": order.closed_at,
        "reason": order.reason,
        "version": draft.version,
        "fields_json": msgspec.json.encode(draft.fields).decode(),
        "visit_json": "" if draft.visit is None else msgspec.json.encode(draft.visit).decode(),
        "solved": "" if solved is None else solved.value,
        "satisfaction": satisfaction,
        **_course_columns(draft.course),
        **{field.value: lifecycle.value_of(draft, field) for field in OrderField},
    }


def _thought(draft: Draft) -> tuple[Solved | None, int | None]:
    """Whether it is solved, and how satisfied they are: by the newest rating, if it counts, else by a visit.

    A rating comes by visit, page, message or clerk; against one that does not count an appeal was upheld.
    """
    rating = None if draft.course is None else draft.course.rating
    if rating is not None:
        return (rating.solved, rating.result) if rating.counts else (None, None)
    return (None, None) if draft.visit is None else (draft.visit.solved, draft.visit.satisfaction)


def _course_columns(course: Course | None) -> dict[str, object]:
    if course is None:
        return {}
    clock = next_clock(course)
    return {
        "course_state": course.state.value,
        "course_since": course.since,
        "course_round": course.round,
        "lead_unit": course.lead,
        "due_at": None if clock is None else clock.due,
        "near_at": None if clock is None else clock.near_at,
        "due_kind": "" if clock is None else clock.kind.value,
        "supervision": LEVELS.index(course.supervision),
        "finished_at": course.closed_at,
        "extension_asked_at": _asked_at(course),
        "course_json": msgspec.json.encode(course).decode(),
    }


def _asked_at(course: Course) -> float | None:
    """Since when an extension waits for its ruling."""
    asked = course.extension
    waits = asked is not None and asked.granted is None and course.state in WITH_UNIT
    return asked.at if asked is not None and waits else None


def events_of(order_id: str, rows: Sequence[Row[Any]]) -> tuple[RecordedEvent, ...]:
    """Return an order's events from its rows, first to last.

    Raises:
        ChainBroken: naming the first row that does not fit the chain.
    """
    stored = tuple(map(stored_of, rows))
    wrong = faults(stored)
    if wrong:
        raise ChainBroken(order_id, wrong[0].seq)
    erased = erased_rows(stored)
    return tuple(
        RecordedEvent(
            order_id=order_id,
            seq=one.link.seq,
            event_id=one.link.event_id,
            at=one.link.at,
            event=chain.decode(one.link.kind, one.link.data),
            actor=one.link.actor,
            hash=one.hash,
            erased=one.link.seq in erased,
        )
        for one in stored
    )


def stored_of(row: Row[Any]) -> Stored:
    """Return a row of `order_events` as the chain is checked."""
    values = row._mapping
    link = chain.Link(**{name: values[name] for name in chain.Link.__dataclass_fields__})
    return Stored(link=link, hash=values["hash"])


def matching(which: OrderFilter, *, dialect: str = "", leaf: bool = False) -> Select[Any]:
    """Return the query for the orders that match, in no order yet; `orders.order_list` does it faster.

    With the `dialect`'s name, conditions are put in the way that its indices serve; `leaf`: no order's
    category is below the one that is asked for.

    Raises:
        ValueRefused: page, size or text out of bounds.
    """
    check_filter(which)
    query = select(orders)
    if which.state is not None:
        query = query.where(orders.c.state == which.state.value)
    if which.since is not None:
        query = query.where(orders.c.created_at >= which.since)
    if which.until is not None:
        query = query.where(orders.c.created_at < which.until)
    if which.agent:
        query = query.where(orders.c.agent == which.agent)
    if which.visited is not None:
        query = query.where((orders.c.visit_json != "") if which.visited else (orders.c.visit_json == ""))
    if which.solved is not None:
        query = query.where(orders.c.solved == which.solved.value)
    if which.course:
        query = query.where(orders.c.course_state.in_([state.value for state in which.course]))
    if which.lead:
        query = query.where(orders.c.lead_unit == which.lead)
    if which.due_before is not None:
        query = query.where(orders.c.due_at < which.due_before)
    if which.due_after is not None:
        query = query.where(orders.c.due_at >= which.due_after)
    if which.near_before is not None:
        query = query.where(orders.c.near_at < which.near_before)
    if which.supervised is not None and LEVELS.index(which.supervised) > 0:
        least: ColumnElement[bool] = orders.c.supervision >= LEVELS.index(which.supervised)
        if dialect == "sqlite":  # has no statistics: it is told that these are few
            least = func.likelihood(least, literal_column("0.001"))
        query = query.where(text("orders.supervision > 0"), least)  # as the index says
    if which.channel is not None:
        query = query.where(orders.c.channel == which.channel.value)
    if which.category:
        one = orders.c.category == which.category
        query = query.where(one if leaf else _within(which.category, dialect))
    if which.district:
        query = query.where(orders.c.district == which.district)
    if which.sight is not None:
        query = open_to(which.sight, query)
    for word in words_of(which.text):
        query = query.where(searched_text().contains(word, autoescape=True))
    hidden = unveiled(which)
    return query if hidden is None else query.where(hidden)


def unveiled(which: OrderFilter) -> ColumnElement[bool] | None:
    """Return the condition that nobody finds orders by names and numbers that they are not shown.

    None when nothing is looked for, or everything is shown to whoever asks.
    """
    words = words_of(which.text)
    if which.sight is None or not which.sight.covered or not words:
        return None
    matter = and_(*(or_(*(orders.c[name].icontains(word, autoescape=True) for name in _matter(word)))
                    for word in words))  # fmt: skip
    return orders.c.secrecy.not_in(sorted(which.sight.covered)) | matter


def _matter(word: str) -> tuple[str, ...]:
    """Columns that say nothing of who it was; a long number is looked for in 工单编号 only."""
    if sum(character.isdigit() for character in word) >= _LONG_NUMBER:
        return ("number",)
    return ("number", "title", "summary", "place", "street", "district", "subject")


def below(category: str, dialect: str) -> ColumnElement[bool]:
    """Return the condition that the category is below this one."""
    if dialect == "sqlite":  # has no index for LIKE, and compares bytes: "/" comes right before "0"
        return (orders.c.category > f"{category}/") & (orders.c.category < f"{category}0")
    return orders.c.category.startswith(f"{category}/", autoescape=True)


def _within(category: str, dialect: str) -> ColumnElement[bool]:
    """Return the condition that it is this category, or one below it.

    What begins so is one range of the index, from which the database picks without looking at orders.
    """
    column: ColumnElement[str] = orders.c.category
    begins: ColumnElement[bool]
    if dialect == "sqlite" and "/" not in category:  # many orders: some are soon met among the newest
        column = literal_column("+orders.category", String)
        return (column == category) | ((column > f"{category}/") & (column < f"{category}0"))
    if dialect == "sqlite":
        begins = (column >= category) & (column < f"{category}0")
    else:
        begins = column.startswith(category, autoescape=True)
    return begins & ((column == category) | below(category, dialect))


def open_to(sight: Sight, query: Select[Any]) -> Select[Any]:
    """Leave only what `orders.sight.sees` lets through."""
    if sight.units is not None:
        part = select(order_units.c.order_id).where(order_units.c.unit.in_(sorted(sight.units)))
        query = query.where(orders.c.id.in_(part))
    where = in_districts(sight)
    return query if where is None else query.where(where)


def in_districts(sight: Sight) -> ColumnElement[bool] | None:
    """Return the condition that an order's district is open to `sight`, None when every one is."""
    if sight.districts is None:
        return None
    inside = orders.c.district.in_(sorted(sight.districts))
    return inside | (orders.c.agent == sight.own) if sight.own else inside


def check_filter(which: OrderFilter) -> None:
    """Refuse what cannot be looked for. Raises ValueRefused."""
    for name, value, most in (("page", which.page, MAX_PAGE), ("size", which.size, MAX_SIZE)):
        if not 1 <= value <= most:
            raise ValueRefused(
                f"{name} is {value}, expected 1 to {most}", shown=f"页码或条数超出范围（1 到 {most}）"
            )
    if len(which.text) > MAX_TEXT:
        raise ValueRefused(
            f"text has {len(which.text)} characters, at most {MAX_TEXT}",
            shown=f"搜索内容最多 {MAX_TEXT} 个字",
        )
    if which.after and which.page != 1:
        raise ValueRefused("after and page are both given", shown="页码与翻页位置不能同时指定")
    check_storable("text", which.text)
    check_storable("after", which.after)
    check_storable("agent", which.agent)
    check_storable("lead", which.lead)
    check_storable("category", which.category)
    check_storable("district", which.district)


def is_contention(error: DBAPIError) -> bool:
    """Tell whether another writer was in the way (then a retry helps) rather than something being wrong."""
    if isinstance(error, IntegrityError):
        return True
    text = str(error.orig).lower()
    if isinstance(error, OperationalError) and ("locked" in text or "busy" in text):
        return True
    state = getattr(error.orig, "sqlstate", None)
    return state in ("40001", "40P01")  # serialization failure, deadlock
