"""An order made again from its stored events, and where the tables say something else. Pure.

The tables are projections: whatever stands in them, the events say what is true. A difference means that
somebody changed a table by hand, or that a projection is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from orders import chain, lifecycle
from orders.assessment_fold import after
from orders.assessment_marks import Mark
from orders.assessment_store import REBUILT, actor_of, columns_of_mark, day_of
from orders.assessment_tables import order_marks
from orders.chain_check import Stored
from orders.course import begun
from orders.course_units import tasks
from orders.errors import OrderError
from orders.link_tables import order_links
from orders.messages import OrderSubmitted
from orders.records import Order
from orders.rows import columns_of, order_of_values
from orders.search_text import text_of
from orders.store_steps import happened_to

__all__ = ["Difference", "NotReplayed", "Replayed", "Tables", "differences", "rebuilt", "replayed"]

CHINA = ZoneInfo("Asia/Shanghai")

_MARK = msgspec.json.Decoder(Mark)
_JSON = frozenset({"fields_json", "visit_json", "course_json"})
_COURSE = frozenset(
    {
        "course_state", "course_since", "course_round", "lead_unit", "due_at", "near_at", "due_kind",
        "supervision", "finished_at", "extension_asked_at", "course_json",
    }
)  # fmt: skip


class NotReplayed(Exception):
    """An event is no event, or cannot have happened to this order."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(f"event {seq} cannot be replayed: {why}")
        self.seq = seq
        self.why = why  # English, without anything of the citizen


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What the tables hold of one order."""

    row: Mapping[str, Any]  # of `orders`
    units: Sequence[Mapping[str, Any]]  # of `order_units`
    links: Sequence[Mapping[str, Any]]  # of `order_links`
    text: str | None  # of `order_search`, None without a row
    marks: Sequence[Mapping[str, Any]]  # of `order_marks`
    changes: Sequence[Mapping[str, Any]]  # of `mark_changes`


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What the events of one order make."""

    order: Order  # the order
    marks: Mapping[str, Mark]  # what is counted of it, by key
    moves: frozenset[tuple[str, str, float]]  # class, who, time of what happened in its course


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that a table says otherwise than the events."""

    table: str  # which
    column: str  # which, "" when a whole row is missing or too many


def rebuilt(rows: Sequence[Stored]) -> Order:
    """Return the order that these events make (at least one). Raises NotReplayed."""
    return replayed(rows).order


def replayed(rows: Sequence[Stored]) -> Replayed:
    """Return the order that these events make (at least one), and what counts of it. Raises NotReplayed."""
    order: Order | None = None
    marks: Mapping[str, Mark] = {}
    moves: set[tuple[str, str, float]] = set()
    for row in rows:
        link = row.link
        former = None if order is None else order.draft.course
        try:
            event = chain.decode(link.kind, link.data)
            draft = lifecycle.again(None if order is None else order.draft, event, link.at)
            if draft.course is not None:
                marks = after(marks, former, event, draft.course)
                moves.add((type(event).__name__, actor_of(event), draft.course.touched_at))
        except msgspec.DecodeError:
            raise NotReplayed(link.seq, f"its data is no {link.kind}") from None
        except OrderError as error:
            raise NotReplayed(link.seq, str(error)) from None
        number = _number(link.data) if isinstance(event, OrderSubmitted) else ""
        order = happened_to(order, draft, event, link.at, number)
    if order is None:
        raise NotReplayed(1, "there is none")
    return Replayed(order=order, marks=marks, moves=frozenset(moves))


def _number(data: str) -> str:
    return msgspec.json.decode(data, type=_Submitted).number


class _Submitted(msgspec.Struct):
    number: str = ""


def differences(made: Replayed, tables: Tables) -> Iterator[Difference]:
    """Yield where the tables say something else than what an order's events made."""
    order = made.order
    yield from _row(order, tables.row)
    if {_values(one) for one in tables.units} != _units(order):
        yield Difference(table="order_units", column="")
    if {_values(one) for one in tables.links} != _links(order):
        yield Difference(table="order_links", column="")
    if tables.text != text_of(order):
        yield Difference(table="order_search", column="text")
    if tables.marks or not _before_courses(order, tables.row):
        yield from _marks(made, tables.marks)
    if not all(_founded(one, made.moves) for one in tables.changes):
        yield Difference(table="mark_changes", column="")


def _before_courses(order: Order, row: Mapping[str, Any]) -> bool:
    """Whether it was accepted before there were courses; its rows follow at its next event."""
    course = order.draft.course
    return not row["course_json"] and course is not None and course == begun(order.closed_at or 0.0)


def _marks(made: Replayed, rows: Sequence[Mapping[str, Any]]) -> Iterator[Difference]:
    stand = {row["key"]: row for row in rows}
    if stand.keys() != made.marks.keys():
        yield Difference(table="order_marks", column="")
    wrong = {
        name
        for key, mark in made.marks.items()
        if key in stand
        for name, value in columns_of_mark(made.order.draft, mark, CHINA).items()
        if stand[key][name] != value
    }
    yield from (
        Difference(table="order_marks", column=one.name) for one in order_marks.c if one.name in wrong
    )


def _founded(row: Mapping[str, Any], moves: frozenset[tuple[str, str, float]]) -> bool:
    """Whether a correction tells of something that happened, and of marks of the months that it names."""
    try:
        told = [_MARK.decode(row[name]) if row[name] else None for name in ("old", "new")]
    except (msgspec.DecodeError, ValueError):
        return False
    months = [None if one is None or one.at is None else day_of(one.at, CHINA) // 100 for one in told]
    if months != [row["month_old"], row["month_new"]]:
        return False
    if any(one is not None and one.key != row["key"] for one in told):
        return False
    return row["event"] == REBUILT or (row["event"], row["by"], row["at"]) in moves


def _row(order: Order, row: Mapping[str, Any]) -> Iterator[Difference]:
    draft = order.draft
    opened = {
        "id": draft.order_id, "call_id": draft.call_id, "caller": order.caller,
        "channel": draft.channel.value, "created_at": order.created_at,
    }  # fmt: skip
    try:
        stands = columns_of(order_of_values(row))
    except (msgspec.DecodeError, ValueError):
        yield Difference(table="orders", column="fields_json, visit_json, course_json")
        return
    old = _before_courses(order, row)
    for name, value in {**opened, **columns_of(order)}.items():
        if old and name in _COURSE:
            continue  # accepted before there were courses; its row follows at its next event
        held = stands[name] if name in _JSON else row[name]
        if held != value:
            yield Difference(table="orders", column=name)


def _values(row: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((name, value) for name, value in row.items()))


def _units(order: Order) -> set[tuple[tuple[str, Any], ...]]:
    more = {"order_id": order.draft.order_id, "created_at": order.created_at}
    course = order.draft.course
    return set() if course is None else {_values({**asdict(task), **more}) for task in tasks(course)}


def _links(order: Order) -> set[tuple[tuple[str, Any], ...]]:
    more = {"order_id": order.draft.order_id}
    return {
        _values({name: value for name, value in {**asdict(link), **more}.items() if name in order_links.c})
        for link in order.draft.links
    }
