"""Notices to citizens in the database: each id once, and up to where orders were looked at.

No number and no word of a citizen is kept here: both are read from the order at the moment of sending.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti import audit
from cti.casework.citizen_tables import notice_place, notices
from cti.changes import Cursor
from cti.database import upsert, writing
from orders.notices import Due, occasions
from orders.open_rows import of_open
from orders.records import Order, Sight

__all__ = [
    "FRESH_MOST_S", "Notice", "NoticeHealth", "NoticePage", "NoticeState", "NoticeStore", "never_told",
]  # fmt: skip

STATUS_MAX = 80
FRESH_MOST_S = 30 * 86_400.0
"""Nothing older than this is told, whatever the settings say."""


class NoticeState(StrEnum):
    """What became of a notice."""

    WAITING = "waiting"  # 待发送, the first time or again
    SENT = "sent"  # 已发送
    DEAD = "dead"  # 未送达: given up after days, or refused for good
    DROPPED = "dropped"  # 不发送: there is nobody to send it to any more
    CLOSED = "closed"  # 已关闭: somebody decided that it is not sent any more


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One notice as it is kept. Times are epoch seconds."""

    notice_id: str
    order_id: str
    other: str  # the joined order whose citizen is told, "" for the order's own
    template: str  # orders.notices.Template
    state: NoticeState
    tries: int
    next_at: float  # not tried before
    status: str  # what the gateway answered last
    at: float  # when it came about
    told_at: float | None  # last try


class NoticePage(msgspec.Struct, frozen=True, kw_only=True):
    """One page, newest first."""

    total: int
    page: int
    size: int
    notices: Sequence[Notice]


class NoticeHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How telling citizens goes. Times are epoch seconds."""

    waiting: int  # to be sent
    waiting_since: float | None  # the oldest of them came about
    failing: int  # of those, tried in vain at least once
    dead: int  # given up
    sent_day: int  # sent within the last day
    last_sent: float | None  # when the gateway took one last
    refusal: str  # what it answered to the newest try in vain that is still open, "" for none
    refused_at: float | None  # when


class NoticeStore:
    """Keeps notices. SQLAlchemy's errors pass through when the database is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def place(self) -> Cursor | None:
        """Return up to where orders were looked at, None before the first look."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(notice_place))).one_or_none()
        return None if row is None else Cursor(row.tx, row.change_id)

    async def begun_at(self) -> float:
        """Return when looking at orders began (epoch seconds), 0 where that is not known."""
        async with self._engine.connect() as connection:
            return await connection.scalar(select(notice_place.c.begun_at)) or 0.0

    async def begin_at(self, place: Cursor, now: float) -> None:
        """Look at what changes from here on."""
        async with writing(self._engine) as connection:
            await _move(connection, place, begun_at=now)

    async def add(self, found: Iterable[tuple[str, Due]], place: Cursor, *, now: float) -> int:
        """Keep the notices that are new and move on to `place`, both or neither; how many were new."""
        new, told = 0, tuple(found)
        async with writing(self._engine) as connection:
            for place_of, (order_id, due) in enumerate(told):
                values = {
                    "notice_id": due.notice_id, "order_id": order_id, "other": due.other,
                    "template": due.template.value, "number_hash": "", "state": NoticeState.WAITING.value,
                    "tries": 0, "next_at": now - (len(told) - place_of) / 1000.0, "status": "",
                    "at": now, "told_at": None,
                }  # fmt: skip
                done = await connection.execute(
                    upsert(connection, notices).values(**values).on_conflict_do_nothing()
                )
                new += max(0, done.rowcount)
            await _move(connection, place)
        return new

    async def due(self, now: float, most: int) -> tuple[Notice, ...]:
        """Return what is to be sent now, longest due first."""
        query = select(notices).where(notices.c.state == NoticeState.WAITING.value, notices.c.next_at <= now)
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                query.order_by(notices.c.next_at, notices.c.notice_id).limit(most)
            )
            return tuple(map(_notice, rows))

    async def told(
        self,
        notice_id: str,
        state: NoticeState,
        *,
        status: str,
        tries: int,
        next_at: float,
        at: float,
        number_hash: str = "",
    ) -> None:
        """Keep what became of a try."""
        values: dict[str, object] = {
            "state": state.value, "status": status[:STATUS_MAX], "tries": tries, "next_at": next_at,
            "told_at": at,
        }  # fmt: skip
        if number_hash:
            values["number_hash"] = number_hash
        async with writing(self._engine) as connection:
            await connection.execute(update(notices).where(notices.c.notice_id == notice_id).values(**values))

    async def again(
        self, notice_id: str, *, by: str, reason: str, now: float, sight: Sight | None = None
    ) -> bool:
        """Send once more what was given up, at once; False when there is no such one that is open."""
        values = {"state": NoticeState.WAITING.value, "tries": 0, "next_at": now, "at": now}
        dead = (NoticeState.DEAD,)
        return await self._ruled("notice_again", notice_id, dead, values, by, reason, now, sight)

    async def close(
        self, notice_id: str, *, by: str, reason: str, now: float, sight: Sight | None = None
    ) -> bool:
        """Send it no more; False when there is none that waits or was given up, and is open."""
        values = {"state": NoticeState.CLOSED.value, "status": reason[:STATUS_MAX]}
        waits = (NoticeState.DEAD, NoticeState.WAITING)
        return await self._ruled("notice_closed", notice_id, waits, values, by, reason, now, sight)

    async def _ruled(
        self,
        what: str,
        notice_id: str,
        states: Sequence[NoticeState],
        values: Mapping[str, object],
        by: str,
        reason: str,
        now: float,
        sight: Sight | None,
    ) -> bool:
        which = [notices.c.notice_id == notice_id, notices.c.state.in_([state.value for state in states])]
        is_open = of_open(sight, notices.c.order_id)
        if is_open is not None:
            which.append(is_open)
        async with writing(self._engine) as connection:
            done = await connection.execute(update(notices).where(*which).values(**values))
            if done.rowcount:
                detail = {"reason": reason}
                await audit.note(connection, at=now, who=by, what=what, target=notice_id, detail=detail)
        return bool(done.rowcount)

    async def health(self, now: float) -> NoticeHealth:
        """Return how it goes."""
        columns = notices.c
        waits, dead = columns.state == NoticeState.WAITING.value, columns.state == NoticeState.DEAD.value
        sent = columns.state == NoticeState.SENT.value
        queries = (
            select(func.count(), func.min(columns.at)).where(waits),
            select(func.count()).where(waits, columns.tries > 0),
            select(func.count()).where(dead),
            select(func.count(), func.max(columns.told_at)).where(sent, columns.told_at >= now - 86_400.0),
        )
        newest = select(columns.status, columns.told_at).where(
            columns.state.in_([NoticeState.WAITING.value, NoticeState.DEAD.value]), columns.tries > 0
        )
        async with self._engine.connect() as connection:
            waiting, failing, given_up, told = [(await connection.execute(query)).one() for query in queries]
            refused = (await connection.execute(newest.order_by(columns.told_at.desc()).limit(1))).first()
        return NoticeHealth(
            waiting=waiting[0], waiting_since=waiting[1], failing=failing[0], dead=given_up[0],
            sent_day=told[0], last_sent=told[1], refusal="" if refused is None else refused[0],
            refused_at=None if refused is None else refused[1],
        )  # fmt: skip

    async def list(
        self, state: NoticeState | None, order_id: str, *, page: int, size: int, sight: Sight | None = None
    ) -> NoticePage:
        """Return one page, newest first."""
        query = select(notices)
        is_open = of_open(sight, notices.c.order_id)
        if is_open is not None:
            query = query.where(is_open)
        if state is not None:
            query = query.where(notices.c.state == state.value)
        if order_id:
            query = query.where(notices.c.order_id == order_id)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(query.subquery()))
            query = query.order_by(notices.c.at.desc(), notices.c.notice_id)
            rows = await connection.execute(query.limit(size).offset((page - 1) * size))
            found = tuple(map(_notice, rows))
        return NoticePage(total=total or 0, page=page, size=size, notices=found)

    async def newest_to(self, number_hash: str, templates: Sequence[str], since: float) -> Notice | None:
        """Return the newest notice of these templates that was sent to a number since then."""
        query = select(notices).where(
            notices.c.number_hash == number_hash,
            notices.c.template.in_(list(templates)),
            notices.c.state == NoticeState.SENT.value,
            notices.c.told_at >= since,
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query.order_by(notices.c.told_at.desc()).limit(1))).one_or_none()
        return None if row is None else _notice(row)


async def never_told(connection: AsyncConnection, brought: Iterable[Order], *, now: float) -> None:
    """Note in the caller's transaction that what happened to these orders before is told to nobody."""
    rows = [
        {
            "notice_id": due.notice_id, "order_id": order.draft.order_id, "other": due.other,
            "template": due.template.value, "number_hash": "", "state": NoticeState.DROPPED.value,
            "tries": 0, "next_at": 0.0, "status": "brought from elsewhere", "at": now, "told_at": None,
        }
        for order in brought
        for due in occasions(order)
        if due.at >= now - FRESH_MOST_S
    ]  # fmt: skip
    if rows:
        await connection.execute(upsert(connection, notices).values(rows).on_conflict_do_nothing())


async def _move(connection: AsyncConnection, place: Cursor, **more: float) -> None:
    values = {"tx": place.tx, "change_id": place.id, **more}
    known = await connection.scalar(select(func.count()).select_from(notice_place))
    if known:
        await connection.execute(update(notice_place).values(**values))
    else:
        await connection.execute(insert(notice_place).values(id=1, **values))


def _notice(row: Row[tuple[object, ...]]) -> Notice:
    values = row._mapping
    return msgspec.convert({name: values[name] for name in Notice.__struct_fields__}, Notice)
