"""Frozen months of the assessment, and what was corrected after them; nothing here changes a frozen one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import ColumnElement, cast, func, or_, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import audit
from cti.casework.assessment_seals import FROZEN
from cti.database import insert_for, writing
from cti.errors import HotlineError
from orders.assessment_marks import Mark
from orders.assessment_sheet import MonthSheet, digest_of
from orders.assessment_tables import assessment_months, mark_changes
from orders.tables import orders

__all__ = ["AssessmentMonths", "Correction", "FrozenMonth", "MonthDamaged", "Stood", "since_frozen"]

VERSIONS_MOST = 99
CHANGED_MOST = 20_000
_MARK = msgspec.json.Decoder(Mark)


class MonthDamaged(HotlineError):
    """A frozen month is not what was frozen: its digest is another one."""


class FrozenMonth(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a frozen month."""

    month: int  # YYYYMM
    version: int  # 1 for the first
    made_at: float  # epoch seconds
    made_by: str  # login or "system"
    reason: str  # why another version was made
    digest: str  # SHA-256 of the figures' JSON


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """A mark that became another one after its month was frozen."""

    id: int  # grows
    order_id: str
    number: str  # 工单编号
    key: str  # which mark of the order
    event: str  # class of the event
    by: str  # login or "system"
    reason: str  # as they wrote it
    at: float  # when it happened
    old: Mark | None  # None: it was not counted
    new: Mark | None  # None: it is not counted any more


_LISTED = tuple(assessment_months.c[name] for name in FrozenMonth.__struct_fields__)


def since_frozen(frozen: FrozenMonth) -> ColumnElement[bool]:
    """The condition on `mark_changes` for what was corrected after a month was frozen."""
    month = or_(mark_changes.c.month_old == frozen.month, mark_changes.c.month_new == frozen.month)
    return month & (mark_changes.c.written > frozen.made_at)


class Stood(msgspec.Struct, frozen=True, kw_only=True):
    """A mark as it stood when its month was frozen."""

    mark: Mark | None  # None: it was not counted
    place: dict[str, str]  # the order's category and district then, where they were corrected since


class AssessmentMonths:
    """The table of frozen months. SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def keep(self, sheet: MonthSheet, *, by: str, reason: str, version: int) -> FrozenMonth | None:
        """Keep a month under this version; None when another one was quicker."""
        data = msgspec.json.encode(sheet, order="sorted")
        frozen = FrozenMonth(
            month=sheet.month, version=version, made_at=sheet.made_at, made_by=by, reason=reason,
            digest=digest_of(data),
        )  # fmt: skip
        async with writing(self._engine) as connection:
            done = await connection.execute(
                insert_for(connection.dialect.name, assessment_months).on_conflict_do_nothing(),
                {**msgspec.structs.asdict(frozen), "data": data.decode()},
            )
            if not done.rowcount:
                return None
            await audit.note(
                connection,
                at=sheet.made_at,
                who=by,
                what=FROZEN,
                target=f"{sheet.month}-{version}",
                detail={"digest": frozen.digest, "reason": reason},
            )
        return frozen

    async def versions(self, month: int) -> Sequence[FrozenMonth]:
        """Return all versions of a month, the newest first."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(*_LISTED)
                .where(assessment_months.c.month == month)
                .order_by(assessment_months.c.version.desc())
                .limit(VERSIONS_MOST)
            )
            return [FrozenMonth(**row._mapping) for row in rows]

    async def newest(self, months: Sequence[int]) -> Mapping[int, MonthSheet]:
        """Return the newest version of each of these months that is frozen. Raises MonthDamaged."""
        newest = (
            select(assessment_months.c.month, func.max(assessment_months.c.version).label("version"))
            .where(assessment_months.c.month.in_(months))
            .group_by(assessment_months.c.month)
            .subquery()
        )
        both = (assessment_months.c.month == newest.c.month) & (
            assessment_months.c.version == newest.c.version
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(assessment_months.c.month, assessment_months.c.data, assessment_months.c.digest).join(
                    newest, both
                )
            )
            return {row.month: _sheet(row.month, row.data, row.digest) for row in rows}

    async def get(self, month: int, version: int) -> MonthSheet | None:
        """Return a version of a month, None when there is none. Raises MonthDamaged."""
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(
                    select(assessment_months.c.data, assessment_months.c.digest).where(
                        assessment_months.c.month == month, assessment_months.c.version == version
                    )
                )
            ).one_or_none()
        return None if row is None else _sheet(month, row.data, row.digest)

    async def corrections(
        self, frozen: FrozenMonth, *, page: int, size: int, units: frozenset[str] | None = None
    ) -> tuple[int, Sequence[Correction]]:
        """Return how many corrections there are since, and one page of them, the newest first."""
        which = [since_frozen(frozen)]
        if units is not None:
            names, dialect = sorted(units), self._engine.dialect.name
            both = (mark_changes.c.old, mark_changes.c.new)
            which.append(or_(*(_unit_of(one, dialect).in_(names) for one in both)))
        query = select(mark_changes, orders.c.number).join(orders, orders.c.id == mark_changes.c.order_id)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(mark_changes).where(*which))
            rows = await connection.execute(
                query.where(*which).order_by(mark_changes.c.id.desc()).limit(size).offset((page - 1) * size)
            )
            return total or 0, [
                Correction(
                    id=row.id, order_id=row.order_id, number=row.number or "", key=row.key, event=row.event,
                    by=row.by, reason=row.reason, at=row.at, old=_mark(row.old), new=_mark(row.new),
                )
                for row in rows
            ]  # fmt: skip

    async def as_frozen(self, frozen: FrozenMonth) -> Mapping[tuple[str, str], Stood]:
        """Return (order, key) -> what stood there when the month was frozen, of what changed since."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(mark_changes.c.order_id, mark_changes.c.key, mark_changes.c.old)
                .where(since_frozen(frozen))
                .order_by(mark_changes.c.id)
                .limit(CHANGED_MOST)
            )
            found: dict[tuple[str, str], Stood] = {}
            for row in rows:
                stood = found.setdefault((row.order_id, row.key), Stood(mark=_mark(row.old), place={}))
                for name, value in _placed(row.old).items():
                    stood.place.setdefault(name, value)
            return found


def _unit_of(mark: ColumnElement[str], dialect: str) -> ColumnElement[str]:
    """Whose mark it is that a column of `mark_changes` holds as JSON; NULL where it holds none."""
    text = func.nullif(mark, "")
    if dialect == "postgresql":
        unit: ColumnElement[str] = cast(text, postgresql.JSON)["unit"].astext
    else:
        unit = func.json_extract(text, "$.unit")
    return unit


def _placed(text: str) -> Mapping[str, str]:
    """Category and district that a correction took an order away from (`orders.assessment_store`)."""
    told = msgspec.json.decode(text, type=dict[str, object]) if text else {}
    return {name: str(told[name]) for name in ("category", "district") if name in told}


def _mark(text: str) -> Mark | None:
    return _MARK.decode(text) if text else None


def _sheet(month: int, data: str, digest: str) -> MonthSheet:
    if digest_of(data.encode()) != digest:
        raise MonthDamaged(f"the frozen month {month} is not what was frozen")
    return msgspec.json.decode(data, type=MonthSheet)
