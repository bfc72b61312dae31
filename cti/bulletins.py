"""Notices (公告) to everybody at a desk: published, withdrawn, over. SQLAlchemy's errors pass through."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import ColumnElement, RowMapping, and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.audit import note
from cti.board_tables import bulletins
from cti.database import writing
from cti.errors import HotlineError
from cti.messages import BulletinView

__all__ = ["Bulletin", "BulletinPage", "BulletinRefused", "Bulletins", "in_force"]

IN_FORCE_MOST = 50
LONGEST_S = 366 * 86_400.0


class BulletinRefused(HotlineError):
    """A notice that cannot be published; `field` names what is wrong, `shown` is Chinese for people."""

    def __init__(self, field: str, shown: str) -> None:
        super().__init__(f"{field} is not acceptable")
        self.field = field
        self.shown = shown


class Bulletin(msgspec.Struct, frozen=True, kw_only=True):
    """One notice with its history."""

    bulletin_id: str
    title: str
    text: str
    urgent: bool
    since: float  # in force from
    until: float | None  # in force before; None: until it is withdrawn
    who: str  # login of the author
    by_name: str  # 姓名
    created_at: float
    withdrawn_at: float | None
    withdrawn_by: str  # login, "" nobody
    reason: str  # of the withdrawal
    burst_id: str  # the wave it is about, "" none


class BulletinPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of all notices, newest first."""

    total: int
    page: int
    size: int
    bulletins: Sequence[Bulletin]


class Bulletins:
    """Keeps notices."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    async def publish(
        self, *, title: str, text: str, urgent: bool, since: float | None, until: float | None,
        by: str, by_name: str, burst_id: str = "",
    ) -> Bulletin:  # fmt: skip
        """Publish a notice from `since` (now by default) until `until`. Raises BulletinRefused."""
        now = self._clock()
        begins = now if since is None else since
        if until is not None and not max(begins, now) < until <= begins + LONGEST_S:
            raise BulletinRefused("until", "失效时间须晚于现在和生效时间，且不超过一年")
        bulletin = Bulletin(
            bulletin_id=uuid.uuid4().hex, title=title, text=text, urgent=urgent, since=begins, until=until,
            who=by, by_name=by_name, created_at=now, withdrawn_at=None, withdrawn_by="", reason="",
            burst_id=burst_id,
        )  # fmt: skip
        async with writing(self._engine) as connection:
            await connection.execute(insert(bulletins).values(**msgspec.structs.asdict(bulletin)))
            await note(
                connection, at=now, who=by, what="bulletin_published", target=bulletin.bulletin_id,
                detail={"title": title, "urgent": urgent, "until": until, "burst_id": burst_id},
            )  # fmt: skip
        return bulletin

    async def withdraw(self, bulletin_id: str, *, by: str, reason: str) -> bool:
        """Take a notice back; False when none of this id is in force or to come."""
        now = self._clock()
        async with writing(self._engine) as connection:
            gone = await connection.execute(
                update(bulletins)
                .where(bulletins.c.bulletin_id == bulletin_id, _not_over(now))
                .values(withdrawn_at=now, withdrawn_by=by, reason=reason)
            )
            if not gone.rowcount:
                return False
            await note(
                connection, at=now, who=by, what="bulletin_withdrawn", target=bulletin_id,
                detail={"reason": reason},
            )  # fmt: skip
        return True

    async def current(self) -> tuple[Bulletin, ...]:
        """Notices that are in force or will be, urgent ones first, then the newest, at most 50."""
        query = select(bulletins).where(_not_over(self._clock()))
        query = query.order_by(bulletins.c.urgent.desc(), bulletins.c.created_at.desc()).limit(IN_FORCE_MOST)
        async with self._engine.connect() as connection:
            return tuple(_read(row) for row in (await connection.execute(query)).mappings())

    async def history(self, *, page: int = 1, size: int = 20) -> BulletinPage:
        """Return one page of all notices, newest first."""
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(bulletins))
            query = select(bulletins).order_by(bulletins.c.created_at.desc(), bulletins.c.bulletin_id)
            rows = await connection.execute(query.limit(size).offset((page - 1) * size))
            found = tuple(_read(row) for row in rows.mappings())
        return BulletinPage(total=total or 0, page=page, size=size, bulletins=found)


def in_force(found: Sequence[Bulletin], now: float) -> tuple[BulletinView, ...]:
    """What desks show of these notices now."""
    return tuple(
        BulletinView(
            bulletin_id=one.bulletin_id, title=one.title, text=one.text, by_name=one.by_name,
            since=one.since, until=one.until, urgent=one.urgent,
        )
        for one in found
        if one.since <= now and (one.until is None or now < one.until) and one.withdrawn_at is None
    )  # fmt: skip


def _not_over(now: float) -> ColumnElement[bool]:
    until = bulletins.c.until
    return and_(bulletins.c.withdrawn_at.is_(None), or_(until.is_(None), until > now))


def _read(row: RowMapping) -> Bulletin:
    return Bulletin(**{name: row[name] for name in Bulletin.__struct_fields__})
