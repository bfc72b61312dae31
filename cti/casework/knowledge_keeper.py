"""Who keeps the knowledge base: units propose changes of their articles, the centre rules and publishes."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from cti import audit
from cti.casework.sights import Sights
from cti.database import writing
from cti.messages import Role
from cti.ports import Person
from orders.errors import OrderError
from orders.knowledge import Article
from orders.knowledge_care import Care, cares
from orders.knowledge_list import ArticleFilter, ArticlePage, KeptVersion, KnowledgeList
from orders.knowledge_proposals import Proposal, ProposalPage, Proposals, ProposalState
from orders.knowledge_store import Imported, KnowledgeStore

__all__ = ["KnowledgeKeeper", "NotYours"]

CENTRE = frozenset({Role.CLERK, Role.SUPERVISOR, Role.ADMIN})


class NotYours(OrderError):
    """The article is another unit's."""

    def __init__(self) -> None:
        super().__init__("the article is another unit's", shown="只能维护本单位的知识")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What became of a change."""

    article: Article | None = None  # published: as it is now
    proposal: Proposal | None = None  # waits for the centre


class KnowledgeKeeper:
    """Implements the rights over articles. `OrderError` for what is refused; the database's errors pass."""

    def __init__(
        self, engine: AsyncEngine, sights: Sights, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._sights = sights
        self._clock = clock
        self._store = KnowledgeStore(engine, clock=clock)
        self._list = KnowledgeList(engine)
        self._proposals = Proposals(engine, self._store, clock=clock)

    @property
    def today(self) -> datetime.date:
        """The day in China."""
        return datetime.datetime.fromtimestamp(self._clock(), ZoneInfo("Asia/Shanghai")).date()

    async def page(self, which: ArticleFilter, person: Person) -> ArticlePage:
        """Return articles; people of units see those of their own units."""
        return await self._list.page(await self._own(which, person), self.today)

    async def history(self, article_id: str, person: Person) -> tuple[KeptVersion, ...]:
        """Return every version of an article, newest first. Raises UnknownArticle, NotYours."""
        found = await self._list.history(article_id)
        await self._check_own(found[0].article.unit, person)
        return found

    async def change(self, article: Article, *, base: int, reason: str, person: Person) -> Changed:
        """Publish a change (the centre), or propose it (a unit); `base` 0 makes a new article.

        Raises:
            NotYours: it is, or would be, another unit's.
            VersionMoved: somebody changed it since.
        """
        if person.role is Role.UNIT:
            await self._check_own(article.unit, person)
            if base:
                known = (await self._list.some([article.article_id])).get(article.article_id)
                await self._check_own(known.unit if known is not None else "", person)
            made = await self._proposals.propose(article, base=base, by=person.login, reason=reason)
            await self._note(person, "knowledge_proposed", article, base, reason)
            return Changed(proposal=made)
        published = await self._proposals.publish(article, base=base, by=person.login)
        await self._note(person, "knowledge_published", published, base, reason)
        return Changed(article=published)

    async def proposals(self, state: ProposalState, person: Person, *, page: int, size: int) -> ProposalPage:
        """Return proposals; people of units see those of their own units."""
        units = await self._sights.units_of(person) if person.role is Role.UNIT else None
        return await self._proposals.list(state, units=units, page=page, size=size)

    async def rule(self, proposal_id: str, *, approved: bool, ruling: str, person: Person) -> Article | None:
        """Publish a proposal or send it back; return the article when it was published.

        Raises:
            UnknownProposal: it does not wait any more.
            VersionMoved: the article was changed since.
        """
        proposal = await self._proposals.get(proposal_id)
        if not approved:
            await self._proposals.refuse(proposal_id, by=person.login, ruling=ruling)
            await self._note(person, "knowledge_refused", proposal.article, proposal.base, ruling)
            return None
        article = await self._proposals.approve(proposal_id, by=person.login, ruling=ruling)
        await self._note(person, "knowledge_approved", article, proposal.base, ruling)
        return article

    async def cares(self, person: Person) -> tuple[Care, ...]:
        """Return what needs a hand: of one's own units, for the centre of all."""
        articles: Sequence[Article] = await self._store.all()
        if person.role is Role.UNIT:
            mine = await self._sights.units_of(person)
            articles = [one for one in articles if one.unit in mine]
        return cares(articles, await self._list.doubts(), self.today)

    async def put(self, articles: Sequence[Article], person: Person, *, dry_run: bool) -> Imported:
        """Take a whole file of articles, all or none, as the centre does; the trail says how many."""
        came = await self._store.put(articles, by=person.login, dry_run=dry_run)
        if not dry_run:
            async with writing(self._engine) as connection:
                detail = {"new": came.new, "changed": came.changed, "same": came.same}
                await audit.note(
                    connection,
                    at=self._clock(),
                    who=person.login,
                    what="knowledge_imported",
                    target="",
                    detail=detail,
                )
        return came

    async def public(self, article_ids: Sequence[str]) -> tuple[Article, ...]:
        """Return those of these articles that citizens may read today, in this order."""
        found = await self._list.some(article_ids)
        day = self.today.isoformat()
        told = (found.get(one) for one in article_ids)
        return tuple(one for one in told if one is not None and one.public and one.valid(day))

    async def _own(self, which: ArticleFilter, person: Person) -> ArticleFilter:
        if person.role is not Role.UNIT:
            return which
        mine = await self._sights.units_of(person)
        asked = mine if which.units is None else mine.intersection(which.units)
        return replace(which, units=tuple(sorted(asked)))

    async def _check_own(self, unit: str, person: Person) -> None:
        if person.role is Role.UNIT and unit not in await self._sights.units_of(person):
            raise NotYours

    async def _note(self, person: Person, what: str, article: Article, base: int, reason: str) -> None:
        async with writing(self._engine) as connection:
            await audit.note(
                connection, at=self._clock(), who=person.login, what=what, target=article.article_id,
                detail={"version": base, "unit": article.unit, "reason": reason},
            )  # fmt: skip
