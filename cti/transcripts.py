"""Transcripts after the call: found by what was said, and corrected beside the original.

The recogniser's line is never changed. A correction is a row of its own with who and when; the newest one
stands, the earlier ones stay. A search finds a line by the original and by every correction of it.

The search looks for substrings, so it needs no word list and finds two characters as well as ten, alike in
SQLite and PostgreSQL. It reads every line of the time range: keep ranges to about a month of one centre.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.audit import note
from cti.call_records import CallRecord, TranscriptLine
from cti.calls import TRANSCRIPT_MAX
from cti.database import writing
from cti.errors import HotlineError
from cti.tables import calls, transcript_corrections, transcript_lines, transcript_marks

__all__ = [
    "TEXT_MAX",
    "CorrectedLine",
    "Correction",
    "CorrectionStale",
    "LineUnknown",
    "TranscriptFilter",
    "TranscriptHit",
    "TranscriptPage",
    "TranscriptStore",
]

TEXT_MAX = 2_000
"""Characters of a correction."""
COUNTED_MAX = 10_000
"""Calls that match are counted up to here."""
SHOWN = 3
"""Lines of each call that a search shows."""


class LineUnknown(HotlineError):
    """There is no such line in this call, or it is a gap, which holds no words."""

    shown = "找不到这句话，请刷新"


class CorrectionStale(HotlineError):
    """Somebody else corrected the line meanwhile."""

    shown = "其他人刚刚更正了这句话，请核对后再保存"


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wrote in place of a line."""

    version: int  # 1 for the line's first
    text: str  # what was said; "" for nothing at all
    who: str  # login
    at: float  # epoch seconds


class CorrectedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it was recognised, and as it stands now."""

    line: TranscriptLine  # never changed
    correction: Correction | None = None  # the newest
    marked: bool = False  # 重点: somebody will look for it again

    @property
    def text(self) -> str:
        """What stands."""
        return self.line.text if self.correction is None else self.correction.text


class TranscriptFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls to find by their words; everything left out does not matter."""

    text: str = ""  # words parted by spaces, all of them in one line
    caller: str = ""  # calling number, exact
    agent: str = ""  # login of who talked last
    speaker: str = ""  # whose line: citizen, agent or third
    corrected: bool | None = None  # a line with (or without) a correction
    since: float | None = None  # call started at or after, epoch seconds
    until: float | None = None  # call started before, epoch seconds
    page: int = 1  # from 1
    size: int = 20  # calls a page


class TranscriptHit(msgspec.Struct, frozen=True, kw_only=True):
    """A call in which it was said."""

    call: CallRecord
    lines: int  # sentences of the call
    matches: int  # of these, how many match
    shown: Sequence[CorrectedLine]  # the first of them


class TranscriptPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page, newest call first."""

    total: int  # calls that match, counted up to `COUNTED_MAX`
    page: int  # which page this is
    size: int  # calls a page
    hits: Sequence[TranscriptHit]


class TranscriptStore:
    """Questions about transcripts, and corrections. SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._now = clock

    async def lines(self, call_id: str) -> tuple[CorrectedLine, ...]:
        """Return what was said in a call, by time, with what was corrected."""
        async with self._engine.connect() as connection:
            return tuple(await _lines_of(connection, transcript_lines.c.call_id == call_id))

    async def history(self, call_id: str, line_id: str) -> tuple[Correction, ...]:
        """Return every correction of a line, oldest first."""
        query = select(transcript_corrections).where(*_of_line(call_id, line_id))
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(transcript_corrections.c.version))
            return tuple(_correction(row) for row in rows.mappings())

    async def correct(self, call_id: str, line_id: str, text: str, *, who: str, seen: int) -> Correction:
        """Put a correction beside the line, and a line into the trail.

        Args:
            seen: version of the newest correction that the person saw, 0 for none.

        Raises:
            LineUnknown: there is no such line, or it is a gap.
            CorrectionStale: there is a newer correction than the one seen.
        """
        try:
            async with writing(self._engine) as connection:
                line = await _line(connection, call_id, line_id)
                newest = await connection.scalar(
                    select(func.max(transcript_corrections.c.version)).where(*_of_line(call_id, line_id))
                )
                if line is None or line["gap"]:
                    raise LineUnknown(f"no words under line {line_id!r}")
                if (newest or 0) != seen:
                    raise CorrectionStale(f"line {line_id!r} has correction {newest}, seen was {seen}")
                made = Correction(version=seen + 1, text=text, who=who, at=self._now())
                values = {**msgspec.structs.asdict(made), "call_id": call_id, "line_id": line_id}
                await connection.execute(insert(transcript_corrections).values(values))
                detail = {"line_id": line_id, "version": made.version}
                await note(
                    connection,
                    at=made.at,
                    who=who,
                    what="transcript_corrected",
                    target=call_id,
                    detail=detail,
                )
                return made
        except IntegrityError:  # two people within the same moment, on PostgreSQL
            raise CorrectionStale(f"line {line_id!r} was corrected meanwhile") from None

    async def mark(self, call_id: str, line_id: str, *, who: str, on: bool) -> None:
        """Mark a line to find it again, or take the mark off. Raises LineUnknown."""
        own = (transcript_marks.c.call_id == call_id) & (transcript_marks.c.line_id == line_id)
        async with writing(self._engine) as connection:
            if await _line(connection, call_id, line_id) is None:
                raise LineUnknown(f"no line {line_id!r}")
            await connection.execute(delete(transcript_marks).where(own))
            if on:
                await connection.execute(
                    insert(transcript_marks).values(call_id=call_id, line_id=line_id, who=who, at=self._now())
                )

    async def find(self, which: TranscriptFilter) -> TranscriptPage:
        """Return one page of the calls in which it was said, newest first."""
        chosen = _matching(which)
        async with self._engine.connect() as connection:
            counted = chosen.with_only_columns(calls.c.call_id).limit(COUNTED_MAX).subquery()
            total = await connection.scalar(select(func.count()).select_from(counted))
            rows = await connection.execute(
                chosen.order_by(calls.c.started.desc(), calls.c.call_id)
                .limit(which.size)
                .offset((which.page - 1) * which.size)
            )
            found = [_record(row) for row in rows.mappings()]
            hits = await _hits(connection, found, which)
        return TranscriptPage(total=total or 0, page=which.page, size=which.size, hits=hits)


def _matching(which: TranscriptFilter) -> Select[Any]:
    """The calls that match, in no order yet."""
    said = select(transcript_lines.c.call_id).where(
        transcript_lines.c.call_id == calls.c.call_id, *_line_conditions(which)
    )
    query = select(calls).where(said.exists())
    for column, value in ((calls.c.caller, which.caller), (calls.c.agent_id, which.agent)):
        if value:
            query = query.where(column == value)
    if which.since is not None:
        query = query.where(calls.c.started >= which.since)
    if which.until is not None:
        query = query.where(calls.c.started < which.until)
    return query


def _line_conditions(which: TranscriptFilter) -> list[ColumnElement[bool]]:
    """What a line must be for its call to be found."""
    lines, corrections = transcript_lines.c, transcript_corrections.c
    of_this = and_(corrections.call_id == lines.call_id, corrections.line_id == lines.line_id)
    conditions: list[ColumnElement[bool]] = [lines.gap == ""]
    if which.speaker:
        conditions.append(lines.speaker == which.speaker)
    if which.corrected is not None:
        there = select(corrections.version).where(of_this).exists()
        conditions.append(there if which.corrected else ~there)
    for word in which.text.split():
        mended = select(corrections.version).where(of_this, corrections.text.icontains(word, autoescape=True))
        conditions.append(or_(lines.text.icontains(word, autoescape=True), mended.exists()))
    return conditions


async def _hits(
    connection: AsyncConnection, found: Sequence[CallRecord], which: TranscriptFilter
) -> list[TranscriptHit]:
    """Add to each call how many lines match, and the first of them."""
    if not found:
        return []
    lines = transcript_lines.c
    ids = [call.call_id for call in found]
    spoken = (
        select(lines.call_id, func.count().label("count"))
        .where(lines.call_id.in_(ids), lines.gap == "")
        .group_by(lines.call_id)
    )
    counted = (await connection.execute(spoken)).mappings()
    totals: dict[str, int] = {row["call_id"]: row["count"] for row in counted}
    place = func.row_number().over(partition_by=lines.call_id, order_by=(lines.start_s, lines.line_id))
    of_all = func.count().over(partition_by=lines.call_id)
    matching = (
        select(lines.call_id, lines.line_id, place.label("place"), of_all.label("matches"))
        .where(lines.call_id.in_(ids), *_line_conditions(which))
        .subquery()
    )
    matches: dict[str, int] = {}
    wanted: set[tuple[str, str]] = set()
    for row in await connection.execute(select(matching).where(matching.c.place <= SHOWN)):
        matches[row.call_id] = row.matches
        wanted.add((row.call_id, row.line_id))
    shown: dict[str, list[CorrectedLine]] = {}
    first = or_(
        *(and_(lines.call_id == call_id, lines.line_id == line_id) for call_id, line_id in sorted(wanted))
    )
    if wanted:
        rows = await connection.execute(_lines_query(first))
        for values in rows.mappings():
            shown.setdefault(values["call_id"], []).append(_corrected(values))
    return [
        TranscriptHit(
            call=call,
            lines=totals.get(call.call_id, 0),
            matches=matches.get(call.call_id, 0),
            shown=shown.get(call.call_id, []),
        )
        for call in found
    ]


def _lines_query(condition: ColumnElement[bool]) -> Select[Any]:
    """Lines by time, each with its newest correction and its mark."""
    marks = transcript_marks
    lines, corrections = transcript_lines.c, transcript_corrections.c
    later = transcript_corrections.alias()
    newest = (
        select(func.max(later.c.version))
        .where(later.c.call_id == lines.call_id, later.c.line_id == lines.line_id)
        .scalar_subquery()
    )
    return (
        select(
            transcript_lines,
            corrections.version,
            corrections.text.label("corrected_text"),
            corrections.who,
            corrections.at,
            marks.c.line_id.is_not(None).label("marked"),
        )
        .join_from(
            transcript_lines,
            transcript_corrections,
            and_(
                corrections.call_id == lines.call_id,
                corrections.line_id == lines.line_id,
                corrections.version == newest,
            ),
            isouter=True,
        )
        .join(
            marks,
            and_(marks.c.call_id == lines.call_id, marks.c.line_id == lines.line_id),
            isouter=True,
        )
        .where(condition)
        .order_by(lines.start_s, lines.line_id)
        .limit(TRANSCRIPT_MAX)
    )


async def _lines_of(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[CorrectedLine]:
    rows = await connection.execute(_lines_query(condition))
    return [_corrected(row) for row in rows.mappings()]


async def _line(connection: AsyncConnection, call_id: str, line_id: str) -> Mapping[Any, Any] | None:
    query = select(transcript_lines).where(
        transcript_lines.c.call_id == call_id, transcript_lines.c.line_id == line_id
    )
    return (await connection.execute(query)).mappings().first()


def _of_line(call_id: str, line_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return transcript_corrections.c.call_id == call_id, transcript_corrections.c.line_id == line_id


def _corrected(row: Mapping[Any, Any]) -> CorrectedLine:
    line: TranscriptLine = _convert(row, TranscriptLine)
    if row["version"] is None:
        return CorrectedLine(line=line, marked=bool(row["marked"]))
    made = Correction(version=row["version"], text=row["corrected_text"], who=row["who"], at=row["at"])
    return CorrectedLine(line=line, correction=made, marked=bool(row["marked"]))


def _correction(row: Mapping[Any, Any]) -> Correction:
    made: Correction = _convert(row, Correction)
    return made


def _record(row: Mapping[Any, Any]) -> CallRecord:
    record: CallRecord = _convert(row, CallRecord)
    return record


def _convert(row: Mapping[Any, Any], kind: type[Any]) -> Any:
    return msgspec.convert({name: row[name] for name in kind.__struct_fields__}, kind)
