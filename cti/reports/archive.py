"""Reports that were made, as they were made: nothing here ever changes a kept one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.database import insert_for, writing
from cti.errors import HotlineError
from cti.figures.tables import reports
from cti.reports.pages import Page, digest_of
from cti.reports.specs import Kind, Spec, day_of

__all__ = ["KeptReport", "ReportArchive", "ReportDamaged", "ReportUnknown", "name_of"]

VERSIONS_MAX = 999
LIST_MAX = 100


class ReportUnknown(HotlineError):
    """No report of this id is kept."""


class ReportDamaged(HotlineError):
    """A kept report is not what was kept: its digest is another one."""


class KeptReport(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list. Times are epoch seconds."""

    report_id: str
    kind: Kind
    title: str
    since: float
    until: float
    made_at: float
    made_by: str  # login, or "system"
    digest: str  # SHA-256 of the page's JSON


def name_of(spec: Spec) -> str:
    """Return the id of the first report of this kind and these days."""
    first, last = day_of(spec.since), day_of(spec.until - 1)
    match spec.kind:
        case Kind.DAILY:
            return f"daily-{first:%Y%m%d}"
        case Kind.MONTHLY:
            return f"monthly-{first:%Y%m}"
        case Kind.SPECIAL:
            return f"special-{first:%Y%m%d}-{last:%Y%m%d}"


_COLUMNS = tuple(reports.c[name] for name in KeptReport.__struct_fields__)


class ReportArchive:
    """The table of reports. SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def keep(self, data: bytes, *, by: str, again: bool = True) -> KeptReport | None:
        """Keep a page (its JSON); return it as it is listed.

        A second report of the same days gets a number; with `again` False it is not kept: None.
        """
        page = msgspec.json.decode(data, type=Page)
        spec = page.spec
        name = name_of(spec)
        names = [name, *(f"{name}-{number}" for number in range(2, VERSIONS_MAX + 1))] if again else [name]
        row = {
            "kind": spec.kind.value,
            "title": spec.title,
            "since": spec.since,
            "until": spec.until,
            "spec": msgspec.to_builtins(spec),
            "made_at": page.made_at,
            "made_by": by,
            "data": data.decode(),
            "digest": digest_of(data),
        }
        async with writing(self._engine) as connection:
            insert = insert_for(connection.dialect.name, reports).on_conflict_do_nothing()
            taken = set(
                await connection.scalars(
                    select(reports.c.report_id).where(reports.c.report_id.startswith(name, autoescape=True))
                )
            )
            for report_id in names:
                if report_id in taken:
                    continue
                done = await connection.execute(insert, {**row, "report_id": report_id})
                if done.rowcount:
                    return KeptReport(
                        report_id=report_id, kind=spec.kind, title=spec.title, since=spec.since,
                        until=spec.until, made_at=page.made_at, made_by=by, digest=row["digest"],
                    )  # fmt: skip
        return None

    async def listed(
        self, *, kind: Kind | None = None, page: int = 1, size: int = 20
    ) -> tuple[int, Sequence[KeptReport]]:
        """Return how many there are, and one page of them, newest first."""
        chosen = select(*_COLUMNS)
        if kind is not None:
            chosen = chosen.where(reports.c.kind == kind.value)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(chosen.subquery()))
            rows = await connection.execute(
                chosen.order_by(reports.c.made_at.desc(), reports.c.report_id)
                .limit(min(max(size, 1), LIST_MAX))
                .offset((max(page, 1) - 1) * size)
            )
            return total or 0, [_kept(row._mapping) for row in rows]

    async def has(self, spec: Spec) -> bool:
        """Whether a report of this kind and these days is kept."""
        async with self._engine.connect() as connection:
            found = await connection.scalar(
                select(reports.c.report_id).where(reports.c.report_id == name_of(spec))
            )
        return found is not None

    async def get(self, report_id: str) -> tuple[KeptReport, bytes]:
        """Return a report and the JSON of its page.

        Raises:
            ReportUnknown: there is none.
            ReportDamaged: somebody changed it in the database.
        """
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(*_COLUMNS, reports.c.data).where(reports.c.report_id == report_id)
            )
            row = rows.mappings().first()
        if row is None:
            raise ReportUnknown("no report of this id is kept")
        data = str(row["data"]).encode()
        if digest_of(data) != row["digest"]:
            raise ReportDamaged(f"report {report_id} is not what was kept; make it again")
        return _kept(row), data


def _kept(row: Mapping[Any, Any]) -> KeptReport:
    return msgspec.convert({name: row[name] for name in KeptReport.__struct_fields__}, KeptReport)
