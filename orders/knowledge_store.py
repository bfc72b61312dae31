"""Articles of the knowledge base in the database: newest versions, and every version ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from orders.advice_tables import knowledge, knowledge_versions
from orders.knowledge import Article

__all__ = ["Imported", "KnowledgeStore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to."""

    new: int  # articles that were not there
    changed: int  # articles that got a new version
    same: int  # articles that already said this


class KnowledgeStore:
    """Reads and writes articles. Raises SQLAlchemy's errors when the database cannot be reached."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        """Use `engine` (SQLite or PostgreSQL)."""
        self._engine = engine
        self._clock = clock

    async def all(self) -> tuple[Article, ...]:
        """Return the newest version of every article."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(knowledge.c.data).order_by(knowledge.c.article_id))
            return tuple(msgspec.json.decode(row.data, type=Article) for row in rows)

    async def stamp(self) -> tuple[int, float]:
        """Return how many articles there are and when one changed last: another value, other articles."""
        query = select(func.count(), func.max(knowledge.c.changed_at)).select_from(knowledge)
        async with self._engine.connect() as connection:
            count, newest = (await connection.execute(query)).one()
        return int(count), float(newest or 0.0)

    async def versions(self, article_id: str) -> tuple[Article, ...]:
        """Return every version of an article, oldest first."""
        query = select(knowledge_versions.c.data).where(knowledge_versions.c.article_id == article_id)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(knowledge_versions.c.version))
            return tuple(msgspec.json.decode(row.data, type=Article) for row in rows)

    async def put(self, articles: Sequence[Article], *, by: str, dry_run: bool = False) -> Imported:
        """Write articles, all or none; one that says something new gets the next version."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(knowledge.c.article_id, knowledge.c.data))
            before = {row.article_id: msgspec.json.decode(row.data, type=Article) for row in rows}
        new: list[Article] = []
        changed: list[Article] = []
        for article in articles:
            earlier = before.get(article.article_id)
            if earlier is None:
                new.append(replace(article, version=1))
            elif replace(article, version=earlier.version) != earlier:
                changed.append(replace(article, version=earlier.version + 1))
        same = len(articles) - len(new) - len(changed)
        if not dry_run and (new or changed):
            await self._write(new, changed, by)
        return Imported(new=len(new), changed=len(changed), same=same)

    async def _write(self, new: Sequence[Article], changed: Sequence[Article], by: str) -> None:
        at = self._clock()
        async with self._engine.begin() as connection:
            if new:
                await connection.execute(insert(knowledge), [_row(one, at, by) for one in new])
            for one in changed:
                await connection.execute(
                    update(knowledge)
                    .where(knowledge.c.article_id == one.article_id)
                    .values(**_row(one, at, by))
                )
            await connection.execute(
                insert(knowledge_versions),
                [
                    {
                        "article_id": one.article_id, "version": one.version, "data": _data(one),
                        "changed_at": at, "changed_by": by,
                    }
                    for one in (*new, *changed)
                ],
            )  # fmt: skip


def _data(article: Article) -> str:
    return msgspec.json.encode(article).decode()


def _row(article: Article, at: float, by: str) -> dict[str, object]:
    return {
        "article_id": article.article_id,
        "version": article.version,
        "question": article.question,
        "unit": article.unit,
        "area": article.area,
        "valid_from": article.valid_from,
        "valid_until": article.valid_until,
        "data": _data(article),
        "changed_at": at,
        "changed_by": by,
    }
