"""Changes of articles that units propose and the centre rules on (知识审核), kept with who, when and why."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Column, Double, Index, Integer, Row, String, Table, Text, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orders.errors import OrderError
from orders.fields import check_text
from orders.knowledge import Article
from orders.knowledge_store import KnowledgeStore
from orders.tables import metadata

__all__ = [
    "Proposal", "ProposalPage", "ProposalState", "Proposals", "UnknownProposal", "knowledge_proposals",
]  # fmt: skip

REASON_MAX = 200


class ProposalState(StrEnum):
    """Where a proposal is."""

    WAITING = "waiting"  # 待审核
    APPROVED = "approved"  # 已发布
    REFUSED = "refused"  # 未通过
    TAKEN_BACK = "taken_back"  # 已撤回


class UnknownProposal(OrderError):
    """There is no such proposal, or it was ruled on already."""

    def __init__(self) -> None:
        super().__init__("no such proposal waits", shown="没有这条待审核的知识，可能已由他人审核")


knowledge_proposals = Table(
    "knowledge_proposals",
    metadata,
    Column("proposal_id", String(40), primary_key=True),
    Column("article_id", String(80), nullable=False),
    Column("base", Integer, nullable=False),  # version that was edited, 0 for a new article
    Column("unit", String(100), nullable=False),  # whose it would be
    Column("data", Text, nullable=False),  # orders.knowledge.Article as JSON
    Column("reason", String(REASON_MAX), nullable=False),
    Column("by", String(64), nullable=False),  # login
    Column("at", Double, nullable=False),
    Column("state", String(12), nullable=False),  # ProposalState
    Column("ruled_by", String(64), nullable=False),  # login, "" while it waits
    Column("ruled_at", Double, nullable=True),
    Column("ruling", String(REASON_MAX), nullable=False),
    Index(None, "state", "at"),
    Index(None, "article_id", "at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One proposed change."""

    proposal_id: str  # which
    article: Article  # as it would be; its version is the one that was edited
    base: int  # version that was edited, 0 for a new article
    reason: str  # why
    by: str  # login
    at: float  # epoch seconds
    state: ProposalState  # where it is
    ruled_by: str = ""  # login
    ruled_at: float | None = None  # epoch seconds
    ruling: str = ""  # why it was ruled so


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalPage:
    """One page of proposals, oldest first while they wait, else newest first."""

    total: int  # that match
    page: int  # from 1
    size: int  # a page
    proposals: tuple[Proposal, ...]  # of this page


class Proposals:
    """Keeps proposals and publishes what is approved. SQLAlchemy's errors pass through."""

    def __init__(
        self, engine: AsyncEngine, articles: KnowledgeStore, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._articles = articles
        self._clock = clock

    async def publish(self, article: Article, *, base: int, by: str) -> Article:
        """Put a change into force at once. Raises VersionMoved: somebody else changed the article since."""
        return await self._articles.put_over(article, base=base, by=by)

    async def propose(self, article: Article, *, base: int, by: str, reason: str) -> Proposal:
        """Keep a change until it is ruled on; a waiting one of the same person for the same article goes.

        Raises:
            VersionMoved: the article has another version already.
            ValueRefused: the reason is empty or too long.
        """
        check_text("reason", reason.strip(), 1, REASON_MAX)
        await self._articles.check_version(article.article_id, base)
        proposal = Proposal(
            proposal_id=uuid.uuid4().hex, article=article, base=base, reason=reason.strip(), by=by,
            at=self._clock(), state=ProposalState.WAITING,
        )  # fmt: skip
        table = knowledge_proposals
        mine = (table.c.article_id == article.article_id) & (table.c.by == by)
        async with self._engine.begin() as connection:
            await _settle(
                connection, mine & _waiting(), ProposalState.TAKEN_BACK, by, proposal.at, "另行提交"
            )
            await connection.execute(insert(table).values(_row(proposal)))
        return proposal

    async def approve(self, proposal_id: str, *, by: str, ruling: str = "") -> Article:
        """Publish what was proposed; by the one transaction in which it is settled, so never twice.

        Raises:
            UnknownProposal: it does not wait.
            VersionMoved: the article was changed since; it is to be proposed anew.
        """
        check_text("ruling", ruling, 0, REASON_MAX)
        table = knowledge_proposals
        async with self._engine.begin() as connection:
            one = (table.c.proposal_id == proposal_id) & _waiting()
            if not await _settle(connection, one, ProposalState.APPROVED, by, self._clock(), ruling):
                raise UnknownProposal
            row = (await connection.execute(select(table).where(table.c.proposal_id == proposal_id))).one()
            proposal = _proposal(row)
            return await self._articles.put_over(
                proposal.article, base=proposal.base, by=proposal.by, connection=connection
            )

    async def refuse(self, proposal_id: str, *, by: str, ruling: str) -> None:
        """Send a proposal back, with a reason. Raises UnknownProposal."""
        check_text("ruling", ruling.strip(), 1, REASON_MAX)
        one = (knowledge_proposals.c.proposal_id == proposal_id) & _waiting()
        async with self._engine.begin() as connection:
            if not await _settle(connection, one, ProposalState.REFUSED, by, self._clock(), ruling.strip()):
                raise UnknownProposal

    async def get(self, proposal_id: str) -> Proposal:
        """Return one. Raises UnknownProposal."""
        table = knowledge_proposals
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(select(table).where(table.c.proposal_id == proposal_id))
            ).one_or_none()
        if row is None:
            raise UnknownProposal
        return _proposal(row)

    async def list(
        self, state: ProposalState, *, units: Collection[str] | None = None, page: int = 1, size: int = 20
    ) -> ProposalPage:
        """Return proposals in a state, of these units or (None) of all."""
        table = knowledge_proposals
        which = table.c.state == state.value
        if units is not None:
            which &= table.c.unit.in_(sorted(units))
        place = table.c.at if state is ProposalState.WAITING else table.c.at.desc()
        query = select(table).where(which).order_by(place, table.c.proposal_id)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(table).where(which))
            rows = await connection.execute(query.limit(size).offset((page - 1) * size))
            found = tuple(_proposal(row) for row in rows)
        return ProposalPage(total=total or 0, page=page, size=size, proposals=found)


def _waiting() -> Any:
    return knowledge_proposals.c.state == ProposalState.WAITING.value


async def _settle(
    connection: AsyncConnection, which: Any, state: ProposalState, by: str, at: float, ruling: str
) -> bool:
    done = await connection.execute(
        update(knowledge_proposals)
        .where(which)
        .values(state=state.value, ruled_by=by, ruled_at=at, ruling=ruling)
    )
    return done.rowcount > 0


def _row(proposal: Proposal) -> dict[str, object]:
    article = replace(proposal.article, version=max(1, proposal.base))
    return {
        "proposal_id": proposal.proposal_id,
        "article_id": article.article_id,
        "base": proposal.base,
        "unit": article.unit,
        "data": msgspec.json.encode(article).decode(),
        "reason": proposal.reason,
        "by": proposal.by,
        "at": proposal.at,
        "state": proposal.state.value,
        "ruled_by": "",
        "ruled_at": None,
        "ruling": "",
    }


def _proposal(row: Row[Any]) -> Proposal:
    return Proposal(
        proposal_id=row.proposal_id,
        article=msgspec.json.decode(row.data, type=Article),
        base=row.base,
        reason=row.reason,
        by=row.by,
        at=row.at,
        state=ProposalState(row.state),
        ruled_by=row.ruled_by,
        ruled_at=row.ruled_at,
        ruling=row.ruling,
    )
