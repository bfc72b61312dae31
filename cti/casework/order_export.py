"""Takes orders out into a file, row by row: covered like on the pages unless personal data is asked for.

Rows are read a few hundred at a time, so memory does not grow with their number. An order that changes
meanwhile is written as it was when its rows were read.
"""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.casework.order_history import history_of
from cti.casework.table_files import HISTORY, Writer, writer_for
from orders.course_clocks import next_clock
from orders.course_titles import STATES, SUPERVISION
from orders.fields import TITLES
from orders.import_rows import ACCEPTED, ANSWER, CALLER, CHANNEL, CHANNELS, CLOSED, EXTERNAL, LEAD
from orders.link_tables import with_links
from orders.messages import Channel, OrderField, OrderState
from orders.privacy import Datum, PrivacyPolicy, Viewer
from orders.records import Order, OrderFilter
from orders.rows import matching, order_of, stored_of
from orders.tables import order_events
from orders.tables import orders as table
from orders.veils import Veil, veil_for

__all__ = ["EXPORTED", "Export", "ExportProgress", "export_orders"]

BATCH = 300
CHINA = ZoneInfo("Asia/Shanghai")
_CHANNELS: Mapping[Channel, str] = {channel: title for title, channel in CHANNELS.items()}
_STATES: Mapping[OrderState, str] = {
    OrderState.DRAFT: "草稿", OrderState.ACCEPTED: "已受理", OrderState.DISCARDED: "已作废",
    OrderState.MERGED: "已并单",
}  # fmt: skip
EXPORTED: tuple[str, ...] = (
    EXTERNAL, "工单编号", CHANNEL, CALLER, ACCEPTED, "状态", *TITLES.values(), LEAD, "协办单位", "督办",
    "到期时间", ANSWER, "满意度", CLOSED,
)  # fmt: skip
"""Headings, in their order; those that an import takes mean the same there."""


class ExportProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How many orders are written."""

    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is taken out, and how."""

    file: Path  # where to
    form: str  # csv, jsonl, xlsx
    which: OrderFilter  # page and size do not matter
    viewer: Viewer  # whose eyes it is written for
    mark: str  # the watermark's line
    history: bool = False  # jsonl: whole histories instead of rows, which cannot be covered


async def export_orders(
    engine: AsyncEngine, privacy: PrivacyPolicy, export: Export
) -> AsyncIterator[ExportProgress]:
    """Write the file, oldest order first; it appears under its name when it is whole.

    Raises ValueRefused: the filter is out of bounds; OSError; SQLAlchemy's errors pass through.
    """
    part = export.file.with_name(f".{export.file.name}.part")
    writer = writer_for(part, export.form, EXPORTED, export.mark)
    done, last = 0, (float("-inf"), "")
    try:
        while True:
            async with engine.connect() as connection:
                found = await _next(connection, export.which, last)
                if export.history:
                    await _histories(connection, found, writer)
            if not export.history:
                for order in found:
                    writer.row(_row(order, veil_for(privacy, export.viewer, order)))
            done += len(found)
            yield ExportProgress(done=done)
            if len(found) < BATCH:
                break
            last = (found[-1].created_at, found[-1].draft.order_id)
        writer.close()
        part.chmod(0o600)
        part.replace(export.file)
    finally:
        part.unlink(missing_ok=True)


async def _next(
    connection: AsyncConnection, which: OrderFilter, last: tuple[float, str]
) -> tuple[Order, ...]:
    query = matching(which, dialect=connection.dialect.name)
    if last[1]:
        query = query.where(tuple_(table.c.created_at, table.c.id) > last)
    query = query.order_by(table.c.created_at, table.c.id).limit(BATCH)
    return await with_links(connection, map(order_of, await connection.execute(query)))


async def _histories(connection: AsyncConnection, found: Sequence[Order], writer: Writer) -> None:
    of: dict[str, list[Any]] = {order.draft.order_id: [] for order in found}
    if not of:
        return
    query = select(order_events).where(order_events.c.order_id.in_(list(of)))
    for row in await connection.execute(query.order_by(order_events.c.order_id, order_events.c.seq)):
        of[row.order_id].append(stored_of(row))
    for order in found:
        told: dict[str, Any] = {
            "工单编号": order.number,
            HISTORY: history_of(of[order.draft.order_id]),
        }
        writer.row(told)


def _row(order: Order, veil: Veil) -> dict[str, str]:
    draft, course = order.draft, order.draft.course
    standing = {name: msgspec.to_builtins(value) for name, value in draft.fields.items()}
    shown = veil.fields(standing)
    told = {TITLES[OrderField(name)]: str(value["value"]) for name, value in shown.items()}
    told |= {
        EXTERNAL: order.number or draft.order_id,
        "工单编号": order.number,
        CHANNEL: _CHANNELS[draft.channel],
        CALLER: veil.value(Datum.CALLER, order.caller),
        ACCEPTED: _moment(order.closed_at if course is not None else order.created_at),
        "状态": _STATES[draft.state] if course is None else STATES[course.state],
    }
    if course is not None:
        clock = next_clock(course)
        result = None if course.rating is None else course.rating.result
        told |= {
            LEAD: course.lead,
            "协办单位": "、".join(unit.unit for unit in course.joint),
            "督办": SUPERVISION[course.supervision],
            "到期时间": _moment(None if clock is None else clock.due),
            ANSWER: "" if course.feedback is None else veil.text(course.feedback.text),
            "满意度": "" if result is None else str(result),
            CLOSED: _moment(course.closed_at),
        }
    return told


def _moment(at: float | None) -> str:
    return "" if at is None else f"{datetime.datetime.fromtimestamp(at, CHINA):%Y-%m-%d %H:%M:%S}"
