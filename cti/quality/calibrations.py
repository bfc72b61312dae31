"""Calibrations in the database: who scores which talk, blind until all have, and how far apart they were."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from uuid import uuid4

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.audit import note
from cti.database import writing
from cti.quality.calibration import Bias, TalkAgreement, agreement, biases
from cti.quality.documents import Documents
from cti.quality.errors import QualityError, ReviewMoveError, ReviewUnknown
from cti.quality.sheets import Marks, total
from cti.quality.tables import quality_calibrations, quality_marks

__all__ = ["REVIEWERS_MAX", "Calibration", "Calibrations"]

REVIEWERS_MAX = 20
NEWEST = 50
"""Calibrations that are listed, and that biases are read from."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """One talk that several score."""

    calibration_id: str
    call_id: str
    agent_id: str  # whose talk
    sheet: int  # version of the sheet
    who: str  # login of who called for it
    at: float
    reviewers: Sequence[str]  # logins
    closed_at: float | None = None
    scored: Sequence[str] = ()  # who has
    marks: Mapping[str, Marks] = {}  # by reviewer; only one's own until it is closed
    agreement: TalkAgreement | None = None  # once it is closed


class Calibrations:
    """Reads and writes them. SQLAlchemy's errors pass through."""

    def __init__(
        self, engine: AsyncEngine, documents: Documents, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._documents = documents
        self._now = clock

    async def begin(self, call_id: str, agent_id: str, reviewers: Sequence[str], *, by: str) -> Calibration:
        """Ask several people to score one talk.

        Raises:
            QualityError: fewer than two, more than twenty, one twice, or the talk's own agent among them.
        """
        if not 2 <= len(set(reviewers)) == len(reviewers) <= REVIEWERS_MAX:
            raise QualityError(f"校准须有 2 到 {REVIEWERS_MAX} 位不同的评分人", field="reviewers")
        if agent_id in reviewers:
            raise QualityError("被评的坐席不能参加自己通话的校准", field="reviewers")
        version, _ = await self._documents.sheet()
        now, calibration_id = self._now(), uuid4().hex
        async with writing(self._engine) as connection:
            await connection.execute(
                insert(quality_calibrations).values(
                    calibration_id=calibration_id,
                    call_id=call_id,
                    agent_id=agent_id,
                    sheet=version,
                    who=by,
                    at=now,
                    reviewers=list(reviewers),
                )
            )
            await note(connection, at=now, who=by, what="quality_calibration", target=call_id)
        return await self.get(calibration_id, by)

    async def get(self, calibration_id: str, seer: str) -> Calibration:
        """Return one as this person may see it; ReviewUnknown when there is none of this id."""
        async with self._engine.connect() as connection:
            return await self._read(connection, calibration_id, seer)

    async def list(self, seer: str) -> tuple[Calibration, ...]:
        """Return the newest as this person may see them, newest first."""
        table = quality_calibrations
        async with self._engine.connect() as connection:
            ids = await connection.scalars(
                select(table.c.calibration_id).order_by(table.c.at.desc()).limit(NEWEST)
            )
            return tuple([await self._read(connection, one, seer) for one in ids.all()])

    async def score(self, calibration_id: str, marks: Marks, *, by: str) -> Calibration:
        """Take one reviewer's marks; it is closed with the last of them.

        Raises:
            ReviewUnknown: there is none of this id.
            ReviewMoveError: closed, not asked, or scored before.
            MarksError: the marks do not fit the sheet.
        """
        now = self._now()
        try:
            async with writing(self._engine) as connection:
                known = await self._read(connection, calibration_id, by)
                if known.closed_at is not None:
                    raise ReviewMoveError("这次校准已结束")
                if by not in known.reviewers:
                    raise ReviewMoveError("您不在这次校准的评分人中")
                _, sheet = await self._documents.sheet(known.sheet)
                await connection.execute(
                    insert(quality_marks).values(
                        calibration_id=calibration_id,
                        reviewer=by,
                        marks=msgspec.to_builtins(marks),
                        total=total(sheet, marks),
                        at=now,
                    )
                )
                if set(known.reviewers) <= {*known.scored, by}:
                    await _close(connection, calibration_id, now)
        except IntegrityError:
            raise ReviewMoveError("您已经评过分，不能更改") from None
        return await self.get(calibration_id, by)

    async def close(self, calibration_id: str, *, by: str) -> Calibration:
        """End one without those who have not scored; ReviewMoveError when it is not the person's."""
        now = self._now()
        async with writing(self._engine) as connection:
            known = await self._read(connection, calibration_id, by)
            if known.who != by:
                raise ReviewMoveError("只有发起人可以结束校准")
            if known.closed_at is None:
                await _close(connection, calibration_id, now)
        return await self.get(calibration_id, by)

    async def biases(self) -> tuple[Bias, ...]:
        """Return how reviewers score against one another in the newest closed calibrations."""
        table = quality_calibrations
        newest = select(table.c.calibration_id).where(table.c.closed_at.is_not(None))
        newest = newest.order_by(table.c.closed_at.desc()).limit(NEWEST)
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(quality_marks).where(quality_marks.c.calibration_id.in_(newest))
            )
            talks: dict[str, dict[str, float]] = {}
            for row in rows.mappings():
                talks.setdefault(row["calibration_id"], {})[row["reviewer"]] = row["total"]
        return biases(talks.values())

    async def _read(self, connection: AsyncConnection, calibration_id: str, seer: str) -> Calibration:
        table = quality_calibrations
        rows = await connection.execute(select(table).where(table.c.calibration_id == calibration_id))
        row = rows.mappings().first()
        if row is None:
            raise ReviewUnknown("没有这次校准")
        marks = quality_marks
        given = await connection.execute(
            select(marks.c.reviewer, marks.c.marks).where(marks.c.calibration_id == calibration_id)
        )
        scored = {one.reviewer: msgspec.convert(one.marks, Marks) for one in given}
        kept = {name: row[name] for name in Calibration.__struct_fields__ if name in row}
        found = msgspec.convert({**kept, "scored": sorted(scored)}, Calibration)
        if found.closed_at is None:
            own = {who: points for who, points in scored.items() if who == seer}
            return msgspec.structs.replace(found, marks=own)
        _, sheet = await self._documents.sheet(found.sheet)
        return msgspec.structs.replace(found, marks=scored, agreement=agreement(sheet, scored))


async def _close(connection: AsyncConnection, calibration_id: str, now: float) -> None:
    table = quality_calibrations
    await connection.execute(
        update(table).where(table.c.calibration_id == calibration_id).values(closed_at=now)
    )
