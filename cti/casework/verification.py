"""Verification (校验) of orders: chains of events, what the tables say of them, files, frozen months, seals.

Only reads.

    async for one in verify(engine):
        match one:
            case Finding(): ...   # something does not fit
            case Progress(): ...  # after each hundred orders
            case Totals(): ...    # last

A page of orders is read in one transaction that sees one moment, so a running server does no harm. Memory
does not grow with the number of orders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.casework.assessment_seals import month_findings
from cti.casework.attachment_rows import NO_ORDER
from cti.casework.citizen_tables import attachments
from cti.casework.file_check import Added, Contents, compare_files, files_of_chain
from cti.casework.findings import Finding, FindingKind, Progress, Totals
from cti.casework.seal_check import SealCount, seal_findings
from orders.assessment_tables import mark_changes, order_marks
from orders.chain_check import Stored, erased_rows, faults
from orders.course_tables import order_units
from orders.link_tables import order_links
from orders.rebuilt import NotReplayed, Tables, differences, replayed
from orders.rows import stored_of
from orders.seal_tables import sealed_orders
from orders.search_tables import order_search
from orders.tables import order_events, orders

__all__ = ["PARTS", "verify"]

PAGE = 100
PARTS: Mapping[str, tuple[Table, tuple[str, ...]]] = {
    "order_units": (order_units, tuple(order_units.c.keys())),
    "order_links": (order_links, tuple(order_links.c.keys())),
    "order_search": (order_search, ("order_id", "text")),
    "order_marks": (order_marks, tuple(order_marks.c.keys())),
    "mark_changes": (mark_changes, tuple(one.name for one in mark_changes.c if one.name != "reason")),
    "attachments": (attachments, tuple(attachments.c.keys())),
}
"""What belongs to orders beside `orders`, and the columns that are compared."""


@dataclass(slots=True)
class _Count:
    orders: int = 0
    events: int = 0
    erased: int = 0
    findings: int = 0
    files: int = 0
    read: int = 0
    sealed: SealCount = field(default_factory=SealCount)


@dataclass(slots=True)
class _Page:
    rows: dict[str, Mapping[str, Any]]
    events: dict[str, list[Stored]]
    parts: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)

    def files(self) -> Iterator[Added]:
        """Files that belong to these orders by their events."""
        for order_id, rows in self.events.items():
            row = self.rows.get(order_id)
            yield from files_of_chain(order_id, "" if row is None else row["number"] or "", rows)


async def verify(
    engine: AsyncEngine,
    *,
    order_id: str = "",
    since: float | None = None,
    anchor: str = "",
    files: Path | None = None,
) -> AsyncIterator[Finding | Progress | Totals]:
    """Verify all orders and seals; or one order, or those that changed at or after `since` (epoch seconds).

    `anchor` is the hash of a seal that was noted outside: it must still be there. Seals and frozen months are
    left out where only one order is asked for. `files` is the folder of files' contents, which are read and
    compared; without it only the table is. SQLAlchemy's errors pass through.
    """
    count, contents = _Count(), Contents(files)
    which = _which(order_id, since)
    async with engine.connect() as connection:
        total = await connection.scalar(select(func.count()).select_from(orders).where(*which)) or 0
    last: str | None = ""
    while last is not None:
        page, last = await _read(engine, which, last)
        for one in _judge(page, count):
            count.findings += 1
            yield one
        for kept in page.files():
            found = await contents.compare(kept)
            count.read = contents.read
            if found is not None:
                count.findings += 1
                yield found
            if contents.due():
                yield _progress(count, total)
        yield _progress(count, total)
    if order_id and not count.orders and not count.findings:
        count.findings += 1
        yield Finding(kind=FindingKind.NO_ORDER, order_id=order_id, table="orders")
    if not order_id:
        async for found in month_findings(engine):
            count.findings += 1
            yield found
        async for found in seal_findings(engine, count.sealed, anchor):
            count.findings += 1
            yield found
    yield Totals(
        orders=count.orders,
        events=count.events,
        erased=count.erased,
        seals=count.sealed.seals,
        heads=count.sealed.heads,
        unsealed=await _unsealed(engine, which),
        findings=count.findings,
        files=count.files,
        read=count.read,
        seal_hash=count.sealed.hash,
    )


def _progress(count: _Count, total: int) -> Progress:
    return Progress(
        done=count.orders, total=max(total, count.orders), findings=count.findings, files=count.read
    )


def _which(order_id: str, since: float | None) -> tuple[ColumnElement[bool], ...]:
    if order_id:
        return (orders.c.id == order_id,)
    return () if since is None else (orders.c.updated_at >= since,)


@asynccontextmanager
async def _moment(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a connection on which all statements see the same moment."""
    async with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


# ---------------------------------------------------------------- orders


async def _read(
    engine: AsyncEngine, which: Sequence[ColumnElement[bool]], last: str
) -> tuple[_Page, str | None]:
    """Return the next orders after `last` with all that belongs to them, and where the next page begins.

    When everything is asked for, a page is all that stands between two order ids: so what belongs to no order
    is found, too.
    """
    query = select(orders).where(orders.c.id > last, *which).order_by(orders.c.id).limit(PAGE)
    async with _moment(engine) as connection:
        rows: dict[str, Mapping[str, Any]] = {
            row["id"]: dict(row) for row in (await connection.execute(query)).mappings()
        }
        full = len(rows) == PAGE
        upto = list(rows)[-1] if rows else ""  # the last in the database's order of texts

        def belongs(table: Table) -> ColumnElement[bool]:
            column = table.c.order_id
            if which:
                return column.in_(list(rows))
            return (column > last) & (column <= upto) if full else column > last

        page = _Page(rows=rows, events=defaultdict(list))
        found = await connection.execute(
            select(order_events)
            .where(belongs(order_events))
            .order_by(order_events.c.order_id, order_events.c.seq)
        )
        for event in found:
            page.events[event.order_id].append(stored_of(event))
        for name, (table, columns) in PARTS.items():
            of: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for one in (await connection.execute(select(table).where(belongs(table)))).mappings():
                of[one["order_id"]].append({column: one[column] for column in columns})
            page.parts[name] = of
    return page, upto if full else None


def _judge(page: _Page, count: _Count) -> Iterator[Finding]:
    for order_id, row in page.rows.items():
        count.orders += 1
        rows = page.events.get(order_id, [])
        count.events += len(rows)
        number = row["number"] or ""
        if not rows:
            yield Finding(kind=FindingKind.NO_EVENTS, order_id=order_id, number=number)
            continue
        for fault in faults(rows):
            kind = FindingKind(fault.kind.value)
            yield Finding(kind=kind, order_id=order_id, number=number, seq=fault.seq)
        count.erased += len(erased_rows(rows))
        kept = page.parts["attachments"].get(order_id, [])
        count.files += len(kept)
        yield from compare_files(order_id, number, rows, kept)
        yield from _compare(order_id, number, rows, page)
    known = page.rows.keys()
    for order_id in page.events.keys() - known:
        yield Finding(kind=FindingKind.NO_ORDER, order_id=order_id, table="order_events")
    for name, of in page.parts.items():
        for order_id in of.keys() - known - {NO_ORDER}:
            yield Finding(kind=FindingKind.NO_ORDER, order_id=order_id, table=name)


def _compare(order_id: str, number: str, rows: Sequence[Stored], page: _Page) -> Iterator[Finding]:
    try:
        made = replayed(rows)
    except NotReplayed as error:
        yield Finding(kind=FindingKind.UNREADABLE, order_id=order_id, number=number, seq=error.seq)
        return
    searched = page.parts["order_search"].get(order_id, [])
    tables = Tables(
        row=page.rows[order_id],
        units=page.parts["order_units"].get(order_id, []),
        links=page.parts["order_links"].get(order_id, []),
        text=searched[0]["text"] if searched else None,
        marks=page.parts["order_marks"].get(order_id, []),
        changes=page.parts["mark_changes"].get(order_id, []),
    )
    for one in differences(made, tables):
        yield Finding(
            kind=FindingKind.PROJECTION, order_id=order_id, number=number, table=one.table, column=one.column
        )


async def _unsealed(engine: AsyncEngine, which: Sequence[ColumnElement[bool]]) -> int:
    joined = orders.outerjoin(sealed_orders, sealed_orders.c.order_id == orders.c.id)
    newer = orders.c.version > func.coalesce(sealed_orders.c.seq, 0)
    query = select(func.count()).select_from(joined).where(newer, *which)
    async with engine.connect() as connection:
        return await connection.scalar(query) or 0
