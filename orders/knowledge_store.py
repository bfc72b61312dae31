"""Articles of the knowledge base in the database: newest versions, and every version ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orders.advice_tables import knowledge, knowledge_versions
from orders.errors import OrderError
from orders.knowledge import Article

__all__ = ["Imported", "KnowledgeStore", "VersionMoved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to."""

    new: int  # articles that were not there
    changed: int  # articles that got a new version
    same: int  # articles that already said this


class VersionMoved(OrderError):
    """The article has another version than the one that was edited."""

    def __init__(self, article_id: str, base: int, current: int) -> None:
        super().__init__(
            f"article {article_id[:40]!r} was edited at version {base} and is at {current}",
            shown=f"这条知识已更新到第 {current} 版，请在最新版上修改",
        )
        self.current = current


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

    async def check_version(self, article_id: str, base: int) -> None:
        """Raise VersionMoved unless the article is at version `base` (0: there is none)."""
        async with self._engine.connect() as connection:
            await _check_version(connection, article_id, base)

    async def put_over(
        self, article: Article, *, base: int, by: str, connection: AsyncConnection | None = None
    ) -> Article:
        """Write one article over its version `base` (0: it is new); return it as it is now.

        With a `connection` it is written in that one's transaction.

        Raises:
            VersionMoved: it has another version already.
        """
        newer = replace(article, version=base + 1)
        if connection is None:
            async with self._engine.begin() as connection:
                await self._put_one(connection, newer, base, by)
        else:
            await self._put_one(connection, newer, base, by)
        return newer

    async def _put_one(self, connection: AsyncConnection, article: Article, base: int, by: str) -> None:
        await _check_version(connection, article.article_id, base)
        at = self._clock()
        row = _row(article, at, by)
        if base == 0:
            await connection.execute(insert(knowledge), [row])
        else:
            own = (knowledge.c.article_id == article.article_id) & (knowledge.c.version == base)
            done = await connection.execute(update(knowledge).where(own).values(**row))
            if done.rowcount == 0:
                raise VersionMoved(article.article_id, base, base + 1)
        await connection.execute(insert(knowledge_versions).values(_version_row(article, at, by)))

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
                [_version_row(one, at, by) for one in (*new, *changed)],
            )


async def _check_version(connection: AsyncConnection, article_id: str, base: int) -> None:
    current = await connection.scalar(select(knowledge.c.version).where(knowledge.c.article_id == article_id))
    if (current or 0) != base:
        raise VersionMoved(article_id, base, current or 0)


def _version_row(article: Article, at: float, by: str) -> dict[str, object]:
    return {
        "article_id": article.article_id,
        "version": article.version,
        "data": _data(article),
        "changed_at": at,
        "changed_by": by,
    }


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
        "withdrawn": article.withdrawn,
        "data": _data(article),
        "changed_at": at,
        "changed_by": by,
    }
