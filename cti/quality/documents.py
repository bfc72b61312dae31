"""The scoring sheet and the rules of picking, each with all its versions; version 0 is what is shipped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.audit import note
from cti.database import writing
from cti.quality import picks, sheets
from cti.quality.errors import QualityError, ReviewStale
from cti.quality.picks import PickRules, read_rules
from cti.quality.sheets import ScoreSheet, read_sheet
from cti.quality.tables import quality_documents

__all__ = ["Document", "DocumentKind", "Documents"]


class DocumentKind(StrEnum):
    """Which document."""

    SHEET = "sheet"  # 评分表
    RULES = "rules"  # 抽检规则


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One version."""

    kind: DocumentKind
    version: int  # 0 is what is shipped
    text: str  # YAML
    who: str  # login, "" for what is shipped
    reason: str
    at: float


_SHIPPED: dict[DocumentKind, Path] = {
    DocumentKind.SHEET: sheets.SHIPPED,
    DocumentKind.RULES: picks.SHIPPED,
}
_CHECKS: dict[DocumentKind, Callable[[str], object]] = {
    DocumentKind.SHEET: read_sheet,
    DocumentKind.RULES: read_rules,
}


class Documents:
    """Reads and writes versions. SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._now = clock

    async def newest(self, kind: DocumentKind) -> Document:
        """Return the version in force."""
        return (await self.versions(kind))[0]

    async def versions(self, kind: DocumentKind) -> Sequence[Document]:
        """Return all versions, newest first; the shipped one is the last."""
        table = quality_documents
        query = select(table).where(table.c.kind == kind.value).order_by(table.c.version.desc())
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).mappings()
            kept = [
                msgspec.convert({name: row[name] for name in Document.__struct_fields__}, Document)
                for row in rows
            ]
        return [*kept, _shipped(kind)]

    async def sheet(self, version: int | None = None) -> tuple[int, ScoreSheet]:
        """Return the sheet of a version, the newest by default, with its version; QualityError if unknown."""
        found = await self._one(DocumentKind.SHEET, version)
        return found.version, read_sheet(found.text)

    async def rules(self) -> PickRules:
        """Return the rules in force."""
        return read_rules((await self.newest(DocumentKind.RULES)).text)

    async def publish(self, kind: DocumentKind, text: str, *, who: str, reason: str, base: int) -> Document:
        """Put a new version into force.

        Args:
            base: the version that the person changed.

        Raises:
            SheetError, RulesError: it cannot be used.
            ReviewStale: there is a newer version than `base`.
        """
        _CHECKS[kind](text)
        now = self._now()
        document = Document(kind=kind, version=base + 1, text=text, who=who, reason=reason, at=now)
        try:
            async with writing(self._engine) as connection:
                table = quality_documents
                newest = await connection.scalar(
                    select(func.max(table.c.version)).where(table.c.kind == kind.value)
                )
                if (newest or 0) != base:
                    raise _stale()
                await connection.execute(insert(table).values(**msgspec.structs.asdict(document)))
                await note(
                    connection,
                    at=now,
                    who=who,
                    what=f"quality_{kind.value}_published",
                    target=f"{kind.value}:{document.version}",
                    detail={"reason": reason, "base": base},
                )
        except IntegrityError:  # another server was quicker
            raise _stale() from None
        return document

    async def _one(self, kind: DocumentKind, version: int | None) -> Document:
        for document in await self.versions(kind):
            if version is None or document.version == version:
                return document
        raise QualityError(f"没有第 {version} 版", field="version")


def _shipped(kind: DocumentKind) -> Document:
    text = _SHIPPED[kind].read_text(encoding="utf-8")
    return Document(kind=kind, version=0, text=text, who="", reason="随系统提供", at=0.0)


def _stale() -> ReviewStale:
    return ReviewStale("其他人刚刚发布了新版本，请刷新后在新版本上修改")
