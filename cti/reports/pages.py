"""What a report holds: figures, tables, calls that broke the rule, and the definitions it was made under.

A page is complete in itself: files are written from it, and it is kept as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from cti.figures.definitions import Definition
from cti.reports.specs import Spec

__all__ = ["BreakRow", "CauseRow", "Change", "Page", "Row", "Table", "changes", "digest_of", "encode"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a table."""

    key: str  # of what it tells: a login, a queue's name, an epoch second …
    title: str  # in Chinese
    values: tuple[float | None, ...]  # in the order of the table's figures


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Figures by something."""

    by: str  # cti.reports.specs.Grouping
    title: str  # in Chinese
    figures: tuple[str, ...]  # keys of cti.figures.definitions: the columns
    rows: tuple[Row, ...]
    more: int = 0  # further rows that are left out
    note: str = ""  # what else must be known


class CauseRow(msgspec.Struct, frozen=True, kw_only=True):
    """How often something was the cause."""

    key: str  # cti.figures.causes.Cause
    title: str  # in Chinese
    rule: str  # exactly when it is the cause
    count: int  # calls


class BreakRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call that broke the rule."""

    call_id: str  # which
    started: float  # began
    queue: str  # Chinese name of the queue
    waited_s: float | None  # in line
    answered: bool  # late, but answered
    cause: str  # key


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A report."""

    spec: Spec  # what was asked
    made_at: float  # when
    until: float  # facts up to here: the end of the span, or `made_at` when it is not over
    source: str  # "tables" or "journal"
    behind_s: float  # how far the journal was ahead of the database then
    figures: Mapping[str, float | None]  # of everything
    lowest: float | None  # lowest connection rate of any 24 hours within that end on a half hour
    lowest_at: float | None  # when those 24 hours ended
    tables: tuple[Table, ...]
    causes: tuple[CauseRow, ...]  # all of them
    breaks: tuple[BreakRow, ...]  # newest first
    breaks_more: int  # further calls that are left out
    definitions: tuple[Definition, ...]  # as they were in force

    @property
    def complete(self) -> bool:
        """Whether the span was over."""
        return self.until >= self.spec.until


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that is another one now."""

    table: str  # cti.reports.specs.Grouping, "" for the figures of everything, "cause" for a cause's calls
    row: str  # key of the row
    title: str  # of the row
    figure: str  # key
    before: float | None
    after: float | None


def encode(page: Page) -> bytes:
    """Return the page as JSON: the same page gives the same bytes."""
    return msgspec.json.encode(page, order="sorted")


def digest_of(data: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def changes(before: Page, after: Page) -> list[Change]:
    """Return the figures that are others in a report that was made again."""
    found = [
        Change(table="", row="", title="", figure=key, before=value, after=after.figures.get(key))
        for key, value in before.figures.items()
        if value != after.figures.get(key)
    ]
    if before.lowest != after.lowest:
        found.append(
            Change(
                table="", row="lowest", title="任意 24 小时最低接通率", figure="connection_rate",
                before=before.lowest, after=after.lowest,
            )
        )  # fmt: skip
    old, new = _cells(before), _cells(after)
    for place in sorted({*old, *new}, key=lambda each: (each[0], each[1], each[2])):
        was, now = old.get(place), new.get(place)
        value, again = (None if was is None else was[1]), (None if now is None else now[1])
        if (was is None or now is None) and not (value or again):
            continue  # a row that is new, or gone, and counts nothing here
        if value != again:
            title = (was or now or ("", None))[0]
            found.append(
                Change(table=place[0], row=place[1], title=title, figure=place[2], before=value, after=again)
            )
    return found


def _cells(page: Page) -> dict[tuple[str, str, str], tuple[str, float | None]]:
    cells: dict[tuple[str, str, str], tuple[str, float | None]] = {
        (table.by, row.key, figure): (row.title, value)
        for table in page.tables
        for row in table.rows
        for figure, value in zip(table.figures, row.values, strict=True)
    }
    for why in page.causes:
        cells["cause", why.key, "rule_breaks"] = (why.title, why.count)
    return cells
