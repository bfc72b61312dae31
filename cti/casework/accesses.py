"""The access log (查阅记录): who opened an order that is not theirs, unmasked it, heard it, or took it out.

Only names of fields are kept, never what stands in them. Lines are only added, until `tidy` ends their time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

import msgspec
from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti import audit
from cti.casework.access_tables import order_accesses as table
from cti.database import writing
from cti.ports import Person
from orders.open_rows import of_open
from orders.records import Sight

__all__ = ["PAGE_MAX", "Access", "AccessFilter", "AccessLog", "Act", "TooManyUnmaskings"]

PAGE_MAX = 200
OPENED_AGAIN_S = 600.0
"""An order that the same person opens again within so long is not noted again."""
HOUR_S = 3600.0
TIDY_AT_ONCE = 10_000
REASON_MAX = 200


class TooManyUnmaskings(Exception):
    """This person has unmasked too much within an hour."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} unmaskings within an hour")
        self.shown = f"一小时内最多查看 {most} 次完整信息，请稍后再试；确有需要请联系管理员"


class Act(StrEnum):
    """What was done."""

    OPENED = "opened"  # 查阅: the detail of an order that is not theirs
    UNMASKED = "unmasked"  # 查看完整信息: personal data in plain words
    LISTENED = "listened"  # 收听: the recording of a confidential order's call
    EXPORTED = "exported"  # 导出: many orders, a report, the log itself
    DOWNLOADED = "downloaded"  # 下载: a document or an attachment of one order


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log."""

    id: int  # grows
    at: float  # epoch seconds
    who: str  # login
    name: str  # 姓名 at that time
    role: str  # cti.messages.Role at that time
    act: Act  # what was done
    order_id: str  # "" for many orders
    number: str  # 工单编号
    fields: tuple[str, ...]  # what was unmasked
    reason: str  # why
    serial: str  # of the watermark on what was taken out, "" for none
    detail: Mapping[str, object]  # of an export: what it holds


class AccessFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines to return; what is left out does not matter."""

    order_id: str = ""  # of this order
    number: str = ""  # 工单编号 begins like this
    who: str = ""  # login
    acts: tuple[Act, ...] = ()  # one of these
    serial: str = ""  # with this watermark
    since: float | None = None  # at or after
    until: float | None = None  # before
    before: int | None = None  # older than this line
    limit: int = 50  # 1 to PAGE_MAX


class AccessLog:
    """Lines in the database. SQLAlchemy's errors pass through when it cannot be reached."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    async def add(
        self,
        person: Person,
        act: Act,
        *,
        order_id: str = "",
        number: str = "",
        serial: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Write one line."""
        async with writing(self._engine) as connection:
            await self._insert(
                connection, person, act, order_id=order_id, number=number, serial=serial, detail=detail
            )

    async def opened(self, person: Person, order_id: str, number: str) -> None:
        """Somebody looks at an order that is not theirs; again within ten minutes is the same look."""
        recent = select(table.c.id).where(
            table.c.order_id == order_id,
            table.c.who == person.login,
            table.c.act == Act.OPENED.value,
            table.c.at > self._clock() - OPENED_AGAIN_S,
        )
        async with writing(self._engine) as connection:
            if await connection.scalar(recent.limit(1)) is None:
                await self._insert(connection, person, Act.OPENED, order_id=order_id, number=number)

    async def unmask(
        self,
        person: Person,
        fields: Sequence[str],
        *,
        order_id: str,
        number: str,
        reason: str,
        per_hour: int,
        act: Act = Act.UNMASKED,
    ) -> None:
        """Note that personal data was shown, here and in the trail, before it is shown.

        Raises:
            TooManyUnmaskings: the person has done so `per_hour` times within an hour.
        """
        now = self._clock()
        recent = select(func.count()).where(
            table.c.who == person.login,
            table.c.act.in_((Act.UNMASKED.value, Act.LISTENED.value)),
            table.c.at > now - HOUR_S,
        )
        async with writing(self._engine) as connection:
            if (await connection.scalar(recent) or 0) >= per_hour:
                raise TooManyUnmaskings(per_hour)
            await self._insert(
                connection, person, act, order_id=order_id, number=number, fields=fields, reason=reason
            )
            await audit.note(
                connection,
                at=now,
                who=person.login,
                what="unmasked",
                target=order_id,
                detail={"number": number, "fields": list(fields), "reason": reason},
            )

    async def unmasked(self, login: str, order_id: str, within_s: float) -> frozenset[str]:
        """Return what this person has unmasked of this order within the last seconds."""
        query = select(table.c.fields).where(
            table.c.order_id == order_id,
            table.c.who == login,
            table.c.act == Act.UNMASKED.value,
            table.c.at > self._clock() - within_s,
        )
        async with self._engine.connect() as connection:
            return frozenset(name for names in await connection.scalars(query) for name in names)

    async def list(self, which: AccessFilter, *, sight: Sight | None = None) -> tuple[Access, ...]:
        """Return the newest lines that match, at most 200; of orders only those that are open to `sight`."""
        query = select(table).order_by(table.c.id.desc()).limit(min(max(which.limit, 1), PAGE_MAX))
        for column, value in (
            (table.c.order_id, which.order_id),
            (table.c.who, which.who),
            (table.c.serial, which.serial),
        ):
            if value:
                query = query.where(column == value)
        if which.number:
            query = query.where(table.c.number.startswith(which.number, autoescape=True))
        if which.acts:
            query = query.where(table.c.act.in_([act.value for act in which.acts]))
        if which.since is not None:
            query = query.where(table.c.at >= which.since)
        if which.until is not None:
            query = query.where(table.c.at < which.until)
        if which.before is not None:
            query = query.where(table.c.id < which.before)
        is_open = of_open(sight, table.c.order_id)
        if is_open is not None:
            query = query.where(or_(table.c.order_id == "", is_open))
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).mappings()
            return tuple(
                msgspec.convert({name: row[name] for name in Access.__struct_fields__}, Access)
                for row in rows
            )

    async def tidy(self, before: float) -> int:
        """Remove at most 10,000 lines from before this time; return how many."""
        old = select(table.c.id).where(table.c.at < before).order_by(table.c.id).limit(TIDY_AT_ONCE)
        async with writing(self._engine) as connection:
            done = await connection.execute(delete(table).where(table.c.id.in_(old)))
            return done.rowcount

    async def _insert(
        self,
        connection: AsyncConnection,
        person: Person,
        act: Act,
        *,
        order_id: str = "",
        number: str = "",
        fields: Sequence[str] = (),
        reason: str = "",
        serial: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> None:
        await connection.execute(
            insert(table).values(
                at=self._clock(),
                who=person.login[:64],
                name=person.name[:64],
                role=person.role.value,
                act=act.value,
                order_id=order_id[:80],
                number=number[:30],
                fields=list(fields),
                reason=reason[:REASON_MAX],
                serial=serial,
                detail=dict(detail or {}),
            )
        )
