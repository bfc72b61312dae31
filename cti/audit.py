"""The trail: who did what to whom, when. Lines are only ever added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.tables import audit

__all__ = ["PAGE_MAX", "AuditRow", "note", "trail"]

PAGE_MAX = 200
TARGET_MAX = 80


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the trail."""

    id: int  # grows
    at: float  # epoch seconds
    who: str  # login or "system"
    what: str  # account_created, account_changed, password_changed, signed_in, login_locked, recording_played
    target: str  # login or call id
    detail: Mapping[str, object]  # names of what changed; never a password


async def note(
    connection: AsyncConnection,
    *,
    at: float,
    who: str,
    what: str,
    target: str,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Add one line, in the same transaction as what it tells of."""
    await connection.execute(
        insert(audit).values(at=at, who=who, what=what, target=target[:TARGET_MAX], detail=dict(detail or {}))
    )


async def trail(
    engine: AsyncEngine,
    *,
    before: int | None = None,
    limit: int = 50,
    who: str = "",
    what: Sequence[str] = (),
    target: str = "",
    since: float | None = None,
    until: float | None = None,
) -> Sequence[AuditRow]:
    """Return the newest lines, older than the line `before` when given; at most 200.

    `who` is one login, `what` names acts (all when empty), `target` is how the target begins; `since` and
    `until` are epoch seconds.
    """
    query = select(audit).order_by(audit.c.id.desc()).limit(min(max(limit, 1), PAGE_MAX))
    if before is not None:
        query = query.where(audit.c.id < before)
    if who:
        query = query.where(audit.c.who == who)
    if what:
        query = query.where(audit.c.what.in_(list(what)))
    if target:
        query = query.where(audit.c.target.startswith(target, autoescape=True))
    if since is not None:
        query = query.where(audit.c.at >= since)
    if until is not None:
        query = query.where(audit.c.at < until)
    async with engine.connect() as connection:
        rows = await connection.execute(query)
        return [
            msgspec.convert({name: row[name] for name in AuditRow.__struct_fields__}, AuditRow)
            for row in rows.mappings()
        ]
