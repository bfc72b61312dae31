"""Articles as those who keep them look at them: also what is told to nobody yet, or any more."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from sqlalchemy import ColumnElement, and_, false, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncEngine

from orders.advice_tables import knowledge, knowledge_verdicts, knowledge_versions
from orders.errors import ValueRefused
from orders.fields import check_storable
from orders.knowledge import Article
from orders.knowledge_feedback import UnknownArticle, Verdict

__all__ = ["ArticleFilter", "ArticlePage", "ArticleState", "KeptVersion", "KnowledgeList"]

TEXT_MAX = 100
SIZE_MAX = 100


class ArticleState(StrEnum):
    """Whether an article is told."""

    VALID = "valid"  # 有效
    COMING = "coming"  # 未生效
    EXPIRED = "expired"  # 已失效
    WITHDRAWN = "withdrawn"  # 已停用


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleFilter:
    """Which articles; everything left out does not matter."""

    text: str = ""  # somewhere in question, variants, answer, basis
    units: tuple[str, ...] | None = None  # of one of these
    area: str = ""  # of this 区县
    state: ArticleState | None = None  # on the day
    page: int = 1  # from 1 to 10,000
    size: int = 20  # 1 to 100


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVersion:
    """One version of an article, with who made it and when."""

    article: Article  # as it was
    by: str  # login
    at: float  # epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticlePage:
    """One page of articles, changed last first."""

    total: int  # that match
    page: int  # from 1
    size: int  # a page
    articles: tuple[KeptVersion, ...]  # newest versions


class KnowledgeList:
    """Reads articles from the database. SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def page(self, which: ArticleFilter, today: datetime.date) -> ArticlePage:
        """Return one page. Raises ValueRefused: text, page or size out of bounds."""
        _check(which)
        found = _matching(which, today.isoformat())
        query = (
            select(knowledge.c.data, knowledge.c.changed_by, knowledge.c.changed_at)
            .where(found)
            .order_by(knowledge.c.changed_at.desc(), knowledge.c.article_id)
        )
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(knowledge).where(found))
            rows = await connection.execute(query.limit(which.size).offset((which.page - 1) * which.size))
            articles = tuple(_kept(row.data, row.changed_by, row.changed_at) for row in rows)
        return ArticlePage(total=total or 0, page=which.page, size=which.size, articles=articles)

    async def history(self, article_id: str) -> tuple[KeptVersion, ...]:
        """Return every version of an article, newest first. Raises UnknownArticle."""
        table = knowledge_versions
        query = select(table.c.data, table.c.changed_by, table.c.changed_at).where(
            table.c.article_id == article_id
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(table.c.version.desc()))
            found = tuple(_kept(row.data, row.changed_by, row.changed_at) for row in rows)
        if not found:
            raise UnknownArticle(article_id)
        return found

    async def some(self, article_ids: Sequence[str]) -> dict[str, Article]:
        """Return those of these articles that there are, by id."""
        query = select(knowledge.c.article_id, knowledge.c.data).where(
            knowledge.c.article_id.in_(list(article_ids))
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(query)
            return {row.article_id: msgspec.json.decode(row.data, type=Article) for row in rows}

    async def doubts(self) -> dict[str, int]:
        """Return article id -> how many people call its newest version outdated; only where anybody does."""
        table = knowledge_verdicts
        query = (
            select(table.c.article_id, func.count().label("many"))
            .join(
                knowledge,
                and_(knowledge.c.article_id == table.c.article_id, knowledge.c.version == table.c.version),
            )
            .where(table.c.verdict == Verdict.OUTDATED.value)
            .group_by(table.c.article_id)
        )
        async with self._engine.connect() as connection:
            return {row.article_id: row.many for row in await connection.execute(query)}


def _matching(which: ArticleFilter, day: str) -> ColumnElement[bool]:
    table = knowledge
    found: ColumnElement[bool] = true()
    for word in which.text.split():
        found &= or_(
            table.c.question.icontains(word, autoescape=True), table.c.data.icontains(word, autoescape=True)
        )
    if which.units is not None:
        found &= table.c.unit.in_(which.units) if which.units else false()
    if which.area:
        found &= table.c.area == which.area
    if which.state is not None:
        found &= _in_state(which.state, day)
    return found


def _in_state(state: ArticleState, day: str) -> ColumnElement[bool]:
    table = knowledge
    ended = and_(table.c.valid_until != "", table.c.valid_until < day)
    coming = table.c.valid_from > day
    if state is ArticleState.WITHDRAWN:
        return table.c.withdrawn
    if state is ArticleState.EXPIRED:
        return and_(~table.c.withdrawn, ended)
    if state is ArticleState.COMING:
        return and_(~table.c.withdrawn, coming)
    return and_(~table.c.withdrawn, ~ended, ~coming)


def _kept(data: str, by: str, at: float) -> KeptVersion:
    return KeptVersion(article=msgspec.json.decode(data, type=Article), by=by, at=at)


def _check(which: ArticleFilter) -> None:
    check_storable("text", which.text)
    check_storable("area", which.area)
    if len(which.text) > TEXT_MAX or not 1 <= which.page <= 10_000 or not 1 <= which.size <= SIZE_MAX:
        raise ValueRefused(
            f"text, page or size out of bounds ({TEXT_MAX} characters, 1 to 10000, 1 to {SIZE_MAX})",
            shown="查询条件超出范围",
        )
