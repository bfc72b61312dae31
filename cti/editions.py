"""Editions of the configuration: every document as it was published, by whom, why, and on which it was based.

A document is named by its kind: `policy`, `numbers`, `calendar`, `directory`, `flow:<name>`, `prompt:<key>`.
Its editions count from 1; the newest is in force. Editions are only ever added: going back publishes the
older text again. All servers of a hotline share them through the database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from sqlalchemy import RowMapping, Select, delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti import audit
from cti.database import upsert, writing
from cti.edition_difference import counted
from cti.errors import HotlineError
from cti.tables import edition_drafts, editions

__all__ = [
    "Change", "Edition", "EditionConflict", "EditionDraft", "EditionRefused", "EditionStore",
    "EditionUnknown", "HeadMoved", "Origin", "check_reason",
]  # fmt: skip

REASON_MAX = 200
PAGE_MAX = 200
_LOCK = 0x686C_6564
"""Key of the PostgreSQL advisory lock under which one server at a time publishes."""


class Origin(StrEnum):
    """How an edition came about."""

    PAGE = "page"  # somebody published it in the administration pages
    FILE = "file"  # somebody edited the file on a server
    BACK = "back"  # an older edition, published again


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """One document as it was published."""

    id: int  # order of publication, over all kinds
    kind: str  # which document
    number: int  # from 1 for each kind
    text: str  # the whole document
    removed: bool  # the document was taken away
    base: int  # number of the edition that was changed; 0: there was none
    origin: Origin  # how it came about
    author: str  # login, or "system"
    reason: str  # why
    at: float  # epoch seconds
    audio: bool  # a prompt's recording belongs to it


class EditionDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody is writing and has not published."""

    kind: str  # which document
    author: str  # login
    text: str  # so far
    base: int  # number of the edition that it began with
    at: float  # last saved, epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One document to be published."""

    kind: str  # which
    text: str  # the whole of it
    base: int  # number of the edition that was edited; 0: none yet
    removed: bool = False  # take the document away
    audio: bytes | None = None  # of a prompt: WAV, 8 kHz mono PCM16


class EditionRefused(HotlineError):
    """Something that cannot be published as it was asked for; `shown` says why in Chinese."""

    def __init__(self, message: str, *, shown: str, field: str = "") -> None:
        super().__init__(message)
        self.shown = shown
        self.field = field


class EditionUnknown(HotlineError):
    """There is no such edition."""


class EditionConflict(HotlineError):
    """Somebody published the same document meanwhile; `newest` is theirs."""

    def __init__(self, newest: Edition) -> None:
        super().__init__(f"{newest.kind}: edition {newest.number} was published meanwhile")
        self.newest = newest


class HeadMoved(HotlineError):
    """Another document was published while this set was checked: check again."""


_ROW = (
    editions.c.id, editions.c.kind, editions.c.number, editions.c.text, editions.c.removed, editions.c.base,
    editions.c.origin, editions.c.author, editions.c.reason, editions.c.at,
    editions.c.audio.is_not(None).label("audio"),
)  # fmt: skip


def _edition(row: RowMapping) -> Edition:
    values = {str(name): value for name, value in row.items()}
    return msgspec.convert(values | {name: bool(values[name]) for name in ("audio", "removed")}, Edition)


def check_reason(reason: str) -> str:
    """The reason without blanks around it.

    Raises:
        EditionRefused: it is empty, too long or not printable.
    """
    said = reason.strip()
    if not 2 <= len(said) <= REASON_MAX or not said.isprintable():
        raise EditionRefused(
            f"reason of {len(said)} characters: give 2 to {REASON_MAX}",
            shown=f"请写明修改原因（2 至 {REASON_MAX} 个字）",
            field="reason",
        )
    return said


class EditionStore:
    """Editions and drafts in the database. SQLAlchemy's errors pass through when it cannot be reached."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    async def head(self) -> int:
        """The id of the newest edition of all kinds; 0: nothing was ever published."""
        async with self._engine.connect() as connection:
            return await _head(connection)

    async def newest(self) -> dict[str, Edition]:
        """The newest edition of every kind, removed ones too."""
        async with self._engine.connect() as connection:
            return await _newest(connection)

    async def one(self, kind: str, number: int) -> Edition:
        """One edition. Raises EditionUnknown."""
        query = select(*_ROW).where(editions.c.kind == kind, editions.c.number == number)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            raise EditionUnknown(f"{kind} has no edition {number}")
        return _edition(row)

    async def history(self, kind: str, *, before: int | None = None, limit: int = 50) -> tuple[Edition, ...]:
        """Editions of one kind, newest first, at most 200; `before` pages on."""
        query = select(*_ROW).where(editions.c.kind == kind).order_by(editions.c.number.desc())
        if before is not None:
            query = query.where(editions.c.number < before)
        return await self._all(query.limit(min(max(limit, 1), PAGE_MAX)))

    async def audio(self, kind: str, number: int) -> bytes | None:
        """The recording that belongs to an edition, or None."""
        query = select(editions.c.audio).where(editions.c.kind == kind, editions.c.number == number)
        async with self._engine.connect() as connection:
            found = await connection.scalar(query)
        return bytes(found) if found is not None else None

    async def publish(
        self,
        changes: Sequence[Change],
        *,
        author: str,
        reason: str,
        origin: Origin,
        head: int | None = None,
        baseline: Sequence[Change] = (),
    ) -> tuple[Edition, ...]:
        """Publish documents together, whole or not at all, with an audit line each.

        `head` is the `head()` that the set was checked with, None: it was not checked against others.
        `baseline` are documents as they were in force before anything of their kind was published; they
        become edition 1 in the name of "system".

        Raises:
            EditionConflict: a change is not based on the newest edition of its kind.
            HeadMoved: something was published since `head`.
        """
        now = self._clock()
        async with writing(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            if head is not None and await _head(connection) != head:
                raise HeadMoved("something was published meanwhile")
            there = await _newest(connection)
            for one in baseline:
                if one.kind not in there:
                    await _insert(connection, one, 1, "system", "首次发布前文件中的内容", Origin.FILE, now)
            there = await _newest(connection)
            for change in changes:
                newest = there.get(change.kind)
                before = newest.number if newest else 0
                if newest is not None and before != change.base:
                    raise EditionConflict(newest)
                await _insert(connection, change, before + 1, author, reason, origin, now)
                added, gone = counted(newest.text if newest else "", change.text)
                detail: dict[str, object] = {
                    "number": before + 1, "base": before, "origin": origin.value, "reason": reason,
                    "added": added, "gone": gone, "removed": change.removed,
                }  # fmt: skip
                await audit.note(
                    connection,
                    at=now,
                    who=author,
                    what="edition_published",
                    target=change.kind,
                    detail=detail,
                )
            after = await _newest(connection)
        return tuple(after[change.kind] for change in changes)

    # ------------------------------------------------------------ drafts

    async def save_draft(self, kind: str, author: str, text_: str, base: int) -> EditionDraft:
        """Keep what somebody is writing, in place of their earlier draft of this kind."""
        values = {"text": text_, "base": base, "at": self._clock()}
        async with writing(self._engine) as connection:
            statement = upsert(connection, edition_drafts).values(kind=kind, author=author, **values)
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["kind", "author"], set_=values)
            )
        return msgspec.convert({"kind": kind, "author": author, **values}, EditionDraft)

    async def drop_draft(self, kind: str, author: str) -> None:
        """Throw somebody's draft away; nothing happens when there is none."""
        async with writing(self._engine) as connection:
            await connection.execute(
                delete(edition_drafts).where(edition_drafts.c.kind == kind, edition_drafts.c.author == author)
            )

    async def drafts(self, author: str) -> tuple[EditionDraft, ...]:
        """Somebody's drafts, newest first."""
        query = select(edition_drafts).where(edition_drafts.c.author == author)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(edition_drafts.c.at.desc()))
            return tuple(
                msgspec.convert({str(name): value for name, value in row.items()}, EditionDraft)
                for row in rows.mappings()
            )

    async def _all(self, query: Select[tuple[object, ...]]) -> tuple[Edition, ...]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(query)
            return tuple(_edition(row) for row in rows.mappings())


async def _head(connection: AsyncConnection) -> int:
    return int(await connection.scalar(select(func.max(editions.c.id))) or 0)


async def _newest(connection: AsyncConnection) -> dict[str, Edition]:
    last = select(editions.c.kind, func.max(editions.c.number).label("number")).group_by(editions.c.kind)
    newest = last.subquery()
    query = select(*_ROW).join(
        newest, (newest.c.kind == editions.c.kind) & (newest.c.number == editions.c.number)
    )
    rows = await connection.execute(query)
    return {str(row["kind"]): _edition(row) for row in rows.mappings()}


async def _insert(
    connection: AsyncConnection,
    change: Change,
    number: int,
    author: str,
    reason: str,
    origin: Origin,
    at: float,
) -> None:
    await connection.execute(
        insert(editions).values(
            kind=change.kind,
            number=number,
            text=change.text,
            audio=change.audio,
            removed=change.removed,
            base=number - 1,
            origin=origin.value,
            author=author,
            reason=reason,
            at=at,
        )
    )
