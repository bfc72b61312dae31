"""What people make of the knowledge base: articles found useful or outdated, questions nothing answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orders.advice_tables import knowledge, knowledge_misses, knowledge_verdicts
from orders.errors import OrderError, ValueRefused
from orders.fields import check_storable

__all__ = ["Counted", "KnowledgeFeedback", "Miss", "MissPage", "UnknownArticle", "Verdict"]

NOTE_MAX = 200
TEXT_MAX = 200


class UnknownArticle(OrderError):
    """There is no such article."""

    def __init__(self, article_id: str) -> None:
        super().__init__(f"no article {article_id[:40]!r}", shown="知识库里已没有这条知识")


class Verdict(StrEnum):
    """What somebody who used an article says of it."""

    USEFUL = "useful"  # 有用
    OUTDATED = "outdated"  # 过时: what it says is not so any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Verdicts on an article's newest version."""

    article_id: str  # which
    useful: int  # people
    outdated: int  # people
    mine: str = ""  # own verdict, "" for none


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """Something that was looked for and not found."""

    text: str  # what
    count: int  # how often
    first_at: float  # epoch seconds
    last_at: float  # epoch seconds
    who: str  # login of who looked last


@dataclass(frozen=True, slots=True, kw_only=True)
class MissPage:
    """One page of what was not found, most often first."""

    total: int  # different questions
    page: int  # which page, from 1
    size: int  # questions a page
    misses: tuple[Miss, ...]  # of this page


class KnowledgeFeedback:
    """Keeps verdicts and misses. Raises SQLAlchemy's errors when the database cannot be reached."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    async def judge(
        self, article_id: str, verdict: Verdict | None, *, who: str, note: str = "", call_id: str = ""
    ) -> Counted:
        """Put one person's verdict on the newest version of an article, or take it back with None.

        Raises:
            UnknownArticle: there is none with this id.
            ValueRefused: the note is too long or cannot be stored.
        """
        check_storable("article_id", article_id)
        check_storable("note", note)
        if len(note) > NOTE_MAX:
            raise ValueRefused(
                f"note has {len(note)} characters, at most {NOTE_MAX}", shown=f"说明最多 {NOTE_MAX} 个字"
            )
        async with self._engine.begin() as connection:
            await connection.execute(  # takes SQLite's lock before the first read
                update(knowledge)
                .where(knowledge.c.article_id == article_id)
                .values(version=knowledge.c.version)
            )
            version = await connection.scalar(
                select(knowledge.c.version).where(knowledge.c.article_id == article_id)
            )
            if version is None:
                raise UnknownArticle(article_id)
            own = (
                (knowledge_verdicts.c.article_id == article_id)
                & (knowledge_verdicts.c.version == version)
                & (knowledge_verdicts.c.who == who)
            )
            await connection.execute(delete(knowledge_verdicts).where(own))
            if verdict is not None:
                await connection.execute(
                    insert(knowledge_verdicts).values(
                        article_id=article_id, version=version, who=who, verdict=verdict.value,
                        note=note, call_id=call_id, at=self._clock(),
                    )
                )  # fmt: skip
            return (await _counted(connection, [article_id], who))[article_id]

    async def counted(self, article_ids: Sequence[str], *, who: str) -> Mapping[str, Counted]:
        """Return the verdicts on these articles' newest versions, by article."""
        if not article_ids:
            return {}
        async with self._engine.connect() as connection:
            return await _counted(connection, article_ids, who)

    async def missed(self, text: str, *, who: str) -> None:
        """Note that somebody looked for this and found nothing. Nothing for a text without a sign."""
        asked = " ".join(text.lower().split())[:TEXT_MAX]
        check_storable("text", asked)
        if not asked:
            return
        now = self._clock()
        async with self._engine.begin() as connection:
            counted = await connection.execute(
                update(knowledge_misses)
                .where(knowledge_misses.c.text == asked)
                .values(count=knowledge_misses.c.count + 1, last_at=now, who=who)
            )
            if counted.rowcount == 0:
                await connection.execute(
                    insert(knowledge_misses).values(text=asked, count=1, first_at=now, last_at=now, who=who)
                )

    async def misses(self, *, page: int = 1, size: int = 20) -> MissPage:
        """Return what was looked for in vain, most often first."""
        table = knowledge_misses
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(table))
            rows = await connection.execute(
                select(table)
                .order_by(table.c.count.desc(), table.c.last_at.desc(), table.c.text)
                .limit(size)
                .offset((page - 1) * size)
            )
            found = tuple(Miss(**row) for row in rows.mappings())
        return MissPage(total=total or 0, page=page, size=size, misses=found)


async def _counted(connection: AsyncConnection, article_ids: Sequence[str], who: str) -> dict[str, Counted]:
    query = (
        select(knowledge_verdicts.c.article_id, knowledge_verdicts.c.who, knowledge_verdicts.c.verdict)
        .join(
            knowledge,
            (knowledge.c.article_id == knowledge_verdicts.c.article_id)
            & (knowledge.c.version == knowledge_verdicts.c.version),
        )
        .where(knowledge_verdicts.c.article_id.in_(article_ids))
    )
    verdicts: dict[str, dict[str, str]] = {article_id: {} for article_id in article_ids}
    for row in await connection.execute(query):
        verdicts[row.article_id][row.who] = row.verdict
    return {
        article_id: Counted(
            article_id=article_id,
            useful=sum(1 for one in said.values() if one == Verdict.USEFUL),
            outdated=sum(1 for one in said.values() if one == Verdict.OUTDATED),
            mine=said.get(who, ""),
        )
        for article_id, said in verdicts.items()
    }
