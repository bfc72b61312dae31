"""The orders behind a number of the assessment: exactly the marks that stand above, or below, its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.casework.assessment_months import FrozenMonth, Stood, since_frozen
from orders.assessment import Selection
from orders.assessment_load import Days, Grouping, Scope, key_column
from orders.assessment_marks import Kind, Mark
from orders.assessment_store import mark_of
from orders.assessment_tables import mark_changes, order_marks
from orders.assessment_words import KINDS, said
from orders.tables import orders

__all__ = ["Asked", "CountedOrder", "listed"]

CHUNK = 500
_ORDER: tuple[Any, ...] = (
    orders.c.id, orders.c.number, orders.c.category, orders.c.district, orders.c.channel,
    orders.c.course_state,
)  # fmt: skip
_MARK: tuple[Any, ...] = tuple(
    order_marks.c[name] for name in ("key", "kind", "unit", "at", "score", "since", "until", "void")
)


class CountedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list: an order, and what of it is counted; its title `cti.web.covered` tells."""

    order_id: str
    number: str  # 工单编号
    category: str
    district: str
    state: str  # orders.course_messages.CourseState, as it is now
    unit: str  # whose mark it is
    kind: str  # what of it is counted, in Chinese
    said: str  # how, in Chinese
    at: float  # when it was decided
    since: float | None  # of a limit, or of a time: from


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which number."""

    which: Selection  # what it counts
    days: Days  # in which days
    now: float  # as it was known then
    scope: Scope  # of whose orders
    by: Grouping  # of which sheet
    key: str | None  # of which row; None: the total
    units: frozenset[str] | None = None  # of a row of units with those below: all of them

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same for a statement on `order_marks`."""
        marks = order_marks.c
        found = [
            marks.day.between(self.days.first, self.days.last),
            marks.kind.in_([kind.value for kind in self.which.kinds]),
            marks.at <= self.now,
            *self.scope.conditions(),
        ]
        if self.which.scores is not None:
            found.append(marks.score.in_(sorted(self.which.scores)))
        if self.which.scored:
            found.append(marks.score.is_not(None))
        if self.which.excluded:
            found.append(marks.void.not_in(sorted(void.value for void in self.which.excluded)))
        if self.units is not None:
            found.append(marks.unit.in_(sorted(self.units)))
        elif self.key is not None and self.by is Grouping.CATEGORY:
            below = marks.category.startswith(f"{self.key}/", autoescape=True)
            found.append(or_(marks.category == self.key, below))
        elif self.key is not None:
            found.append(key_column(self.by) == (int(self.key) if self.by is Grouping.DAY else self.key))
        return found

    def takes(self, mark: Mark, day: int, values: Mapping[str, Any]) -> bool:
        """Whether a mark that stood there once was counted; `values` are its order's columns then."""
        group = {
            Grouping.UNIT: mark.unit,
            Grouping.CATEGORY: values["category"].partition("/")[0],
            Grouping.DISTRICT: values["district"],
            Grouping.CHANNEL: values["channel"],
            Grouping.DAY: str(day),
        }[self.by]
        return (
            self.which.takes(mark)
            and self.days.first <= day <= self.days.last
            and mark.decided(self.now)
            and (self.scope.units is None or mark.unit in self.scope.units)
            and (self.scope.districts is None or values["district"] in self.scope.districts)
            and (mark.unit in self.units if self.units is not None else self.key in (None, group))
        )


async def listed(
    engine: AsyncEngine,
    asked: Asked,
    *,
    page: int,
    size: int,
    frozen: FrozenMonth | None = None,
    before: Mapping[tuple[str, str], tuple[Stood, int]] | None = None,
) -> tuple[int, Sequence[CountedOrder]]:
    """Return how many there are, and one page of them, the newest first.

    Of a frozen month, `before` is what stood there where something changed since: (mark, its day).
    """
    async with engine.connect() as connection:
        once = await _once(connection, asked, before or {})
        which = asked.conditions()
        if frozen is not None:
            changed = exists().where(
                mark_changes.c.order_id == order_marks.c.order_id,
                mark_changes.c.key == order_marks.c.key,
                since_frozen(frozen),
            )
            which.append(~changed)
        total = await connection.scalar(select(func.count()).select_from(order_marks).where(*which))
        begin = (page - 1) * size
        found = once[begin : begin + size]
        if len(found) < size:
            rows = await connection.execute(
                select(*_MARK, *_ORDER)
                .join(orders, orders.c.id == order_marks.c.order_id)
                .where(*which)
                .order_by(order_marks.c.at.desc(), order_marks.c.order_id, order_marks.c.key)
                .limit(size - len(found))
                .offset(max(0, begin - len(once)))
            )
            found += [_line(mark_of(row), row) for row in rows.all()]
    return len(once) + (total or 0), found


async def _once(
    connection: AsyncConnection, asked: Asked, before: Mapping[tuple[str, str], tuple[Stood, int]]
) -> list[CountedOrder]:
    ids = sorted({order_id for order_id, _ in before})
    rows: dict[str, Row[Any]] = {}
    for place in range(0, len(ids), CHUNK):
        chosen = select(*_ORDER).where(orders.c.id.in_(ids[place : place + CHUNK]))
        rows.update({row.id: row for row in await connection.execute(chosen)})
    found = [
        _line(stood.mark, rows[order_id])
        for (order_id, _), (stood, day) in before.items()
        if stood.mark is not None
        and order_id in rows
        and asked.takes(stood.mark, day, {**rows[order_id]._mapping, **stood.place})
    ]
    return sorted(found, key=lambda one: (-one.at, one.order_id, one.kind))


def _line(mark: Mark, row: Row[Any]) -> CountedOrder:
    values = row._mapping
    return CountedOrder(
        order_id=values["id"],
        number=values["number"] or "",
        category=values["category"],
        district=values["district"],
        state=values["course_state"],
        unit=mark.unit,
        kind=KINDS[Kind(mark.kind)],
        said=said(mark),
        at=mark.at or 0.0,
        since=mark.since,
    )
