"""Reviews in the database: lists, moves with their history, and figures by agent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.audit import note
from cti.database import insert_for, writing
from cti.quality.documents import Documents
from cti.quality.errors import QualityError, ReviewStale, ReviewUnknown
from cti.quality.picks import Reason
from cti.quality.reviews import APPEAL_S, Move, MoveKind, Review, ReviewState, moved, picked
from cti.quality.sheets import Marks
from cti.quality.tables import quality_moves, quality_reviews
from cti.quality.talk_log import review_row

__all__ = ["AgentScore", "ReviewFilter", "ReviewPage", "ReviewStore"]

SYSTEM = "system"
EXPIRED_MOST = 500


class ReviewFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which reviews; everything left out does not matter."""

    states: tuple[ReviewState, ...] = ()
    agent: str = ""  # login
    reviewer: str = ""  # login
    call_id: str = ""
    since: float | None = None  # picked at or after
    until: float | None = None  # picked before
    failed: float | None = None  # total below this
    page: int = 1
    size: int = 20


class ReviewPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page: what waits longest first, then the others, newest first."""

    total: int
    page: int
    size: int
    reviews: Sequence[Review]


class AgentScore(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent's talks were scored."""

    agent_id: str
    reviews: int  # scored
    mean: float  # of their totals
    failed: int  # below the sheet's passing mark
    appeals: int  # appealed against


class ReviewStore:
    """Reads reviews and moves them. SQLAlchemy's errors pass through."""

    def __init__(
        self, engine: AsyncEngine, documents: Documents, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._documents = documents
        self._now = clock

    async def get(self, review_id: str) -> Review:
        """Return one review; ReviewUnknown when there is none of this id."""
        async with self._engine.connect() as connection:
            return await _one(connection, review_id)

    async def list(self, which: ReviewFilter) -> ReviewPage:
        """Return one page of reviews."""
        query = _matching(which)
        waiting = quality_reviews.c.state.in_([ReviewState.PICKED, ReviewState.TAKEN, ReviewState.APPEALED])
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(query.subquery()))
            rows = await connection.execute(
                query.order_by(waiting.desc(), quality_reviews.c.since.desc(), quality_reviews.c.review_id)
                .limit(which.size)
                .offset((which.page - 1) * which.size)
            )
            found = [msgspec.convert(row["data"], Review) for row in rows.mappings()]
        return ReviewPage(total=total or 0, page=which.page, size=which.size, reviews=found)

    async def history(self, review_id: str) -> tuple[Move, ...]:
        """Return every move of a review, oldest first."""
        table = quality_moves
        query = select(table.c.data).where(table.c.review_id == review_id).order_by(table.c.version)
        async with self._engine.connect() as connection:
            return tuple(msgspec.convert(one, Move) for one in await connection.scalars(query))

    async def scores(self, *, since: float, until: float) -> tuple[AgentScore, ...]:
        """Return how each agent's talks were scored in a time, the lowest mean first."""
        _, sheet = await self._documents.sheet()
        review = quality_reviews
        query = (
            select(
                review.c.agent_id,
                func.count(),
                func.avg(review.c.total),
                func.count().filter(review.c.total < sheet.passing),
                func.count().filter(review.c.state.in_([ReviewState.APPEALED, ReviewState.RULED])),
            )
            .where(review.c.scored_at >= since, review.c.scored_at < until, review.c.total.is_not(None))
            .group_by(review.c.agent_id)
            .order_by(func.avg(review.c.total), review.c.agent_id)
        )
        async with self._engine.connect() as connection:
            return tuple(
                AgentScore(
                    agent_id=row[0], reviews=row[1], mean=round(row[2], 1), failed=row[3], appeals=row[4]
                )
                for row in await connection.execute(query)
            )

    async def pick(self, call_id: str, agent_id: str, *, by: str, why: str) -> Review:
        """Pick a talk by hand.

        Raises:
            QualityError: it is under review already, or its own agent asks.
        """
        if by == agent_id:
            raise QualityError("不能抽检自己的通话")
        now = self._now()
        reason = Reason(rule="hand", text=why)
        review = picked(uuid4().hex, call_id=call_id, agent_id=agent_id, reasons=(reason,), at=now)
        async with writing(self._engine) as connection:
            statement = insert_for(connection.dialect.name, quality_reviews).on_conflict_do_nothing()
            done = await connection.execute(statement.values(drawn=False, **review_row(review)))
            if not done.rowcount:
                raise QualityError("这通电话已在质检中")
            await note(
                connection, at=now, who=by, what="quality_pick", target=call_id, detail={"reason": why}
            )
        return review

    async def move(
        self,
        review_id: str,
        kind: MoveKind,
        *,
        by: str,
        seen: int,
        marks: Marks | None = None,
        words: str = "",
    ) -> Review:
        """Move a review on; the move is kept in its history and in the trail.

        Args:
            seen: version of the review that the person saw.

        Raises:
            ReviewUnknown, ReviewStale: there is none, or it was moved meanwhile.
            ReviewMoveError, MarksError: see `cti.quality.reviews.moved`.
        """
        version, sheet = await self._documents.sheet()
        move = Move(kind=kind, by=by, at=self._now(), marks=marks, words=words)
        async with writing(self._engine) as connection:
            review = await _one(connection, review_id)
            if review.version != seen:
                raise ReviewStale("这张质检单刚刚有了变化，请刷新")
            if kind is MoveKind.RULE:
                version, sheet = await self._documents.sheet(review.sheet)
            after = moved(review, move, sheet=sheet, sheet_version=version)
            await _keep(connection, review, after, move)
        return after

    async def expire(self) -> int:
        """Accept scores against which nobody appealed in time; return how many."""
        query = select(quality_reviews.c.data).where(
            quality_reviews.c.state == ReviewState.SCORED.value,
            quality_reviews.c.since < self._now() - APPEAL_S,
        )
        async with self._engine.connect() as connection:
            due = [
                msgspec.convert(one, Review) for one in await connection.scalars(query.limit(EXPIRED_MOST))
            ]
        for review in due:
            await self.move(review.review_id, MoveKind.ACCEPT, by=SYSTEM, seen=review.version)
        return len(due)


async def _keep(connection: AsyncConnection, before: Review, after: Review, move: Move) -> None:
    table = quality_reviews
    try:
        await connection.execute(
            insert(quality_moves).values(
                review_id=after.review_id,
                version=after.version,
                at=move.at,
                data=msgspec.to_builtins(move),
            )
        )
    except IntegrityError:  # another server was quicker
        raise ReviewStale("这张质检单刚刚有了变化，请刷新") from None
    await connection.execute(
        update(table).where(table.c.review_id == before.review_id).values(**review_row(after))
    )
    await note(
        connection,
        at=move.at,
        who=move.by,
        what=f"quality_{move.kind.value}",
        target=after.review_id,
        detail={"total": after.total},
    )


async def _one(connection: AsyncConnection, review_id: str) -> Review:
    table = quality_reviews
    found = await connection.scalar(select(table.c.data).where(table.c.review_id == review_id))
    if found is None:
        raise ReviewUnknown("没有这张质检单")
    return msgspec.convert(found, Review)


def _matching(which: ReviewFilter) -> Select[Any]:
    table = quality_reviews
    query = select(table)
    if which.states:
        query = query.where(table.c.state.in_([state.value for state in which.states]))
    for column, value in (
        (table.c.agent_id, which.agent),
        (table.c.reviewer, which.reviewer),
        (table.c.call_id, which.call_id),
    ):
        if value:
            query = query.where(column == value)
    if which.since is not None:
        query = query.where(table.c.picked_at >= which.since)
    if which.until is not None:
        query = query.where(table.c.picked_at < which.until)
    if which.failed is not None:
        query = query.where(table.c.total < which.failed)
    return query
