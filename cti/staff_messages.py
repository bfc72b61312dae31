"""Words of supervisors to agents, and who has read them, in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import RowMapping, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.database import upsert, writing
from cti.messages import StaffMessage
from cti.tables import staff_message_reads, staff_messages

__all__ = ["PAGE_MAX", "StaffMessages"]

PAGE_MAX = 100
RECENT_MOST = 500


class StaffMessages:
    """Stores and finds them. SQLAlchemy's errors pass through when the database cannot be reached."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, message: StaffMessage) -> None:
        """Keep a new message."""
        async with writing(self._engine) as connection:
            await connection.execute(
                insert(staff_messages).values(
                    message_id=message.message_id, by=message.by, by_name=message.by_name,
                    to_all=message.to_all, recipients=_packed(message.to), text=message.text, at=message.at,
                    urgent=message.urgent,
                )
            )  # fmt: skip

    async def read(self, message_id: str, login: str, at: float) -> None:
        """Somebody has read it; a second time changes nothing."""
        async with writing(self._engine) as connection:
            statement = upsert(connection, staff_message_reads).values(
                message_id=message_id, login=login, at=at
            )
            await connection.execute(statement.on_conflict_do_nothing())

    async def since(self, at: float) -> tuple[StaffMessage, ...]:
        """Every message from this time on, oldest first, at most the newest 500, with who has read it."""
        async with self._engine.connect() as connection:
            query = select(staff_messages).where(staff_messages.c.at >= at)
            rows = await connection.execute(query.order_by(staff_messages.c.at.desc()).limit(RECENT_MOST))
            return tuple(reversed(await _with_reads(connection, rows.mappings().all())))

    async def sent(self, *, before: float | None, limit: int) -> tuple[StaffMessage, ...]:
        """What supervisors sent, newest first, older than `before`, at most 100, with who has read it."""
        async with self._engine.connect() as connection:
            query = select(staff_messages).order_by(staff_messages.c.at.desc()).limit(min(limit, PAGE_MAX))
            if before is not None:
                query = query.where(staff_messages.c.at < before)
            rows = await connection.execute(query)
            return tuple(await _with_reads(connection, rows.mappings().all()))

    async def received(self, login: str, *, before: float | None, limit: int) -> tuple[StaffMessage, ...]:
        """What this person was told, newest first, older than `before`, at most 100."""
        mine = staff_messages.c.recipients.contains(_packed((login,)), autoescape=True)
        async with self._engine.connect() as connection:
            query = select(staff_messages).where(or_(staff_messages.c.to_all, mine))
            if before is not None:
                query = query.where(staff_messages.c.at < before)
            rows = await connection.execute(
                query.order_by(staff_messages.c.at.desc()).limit(min(limit, PAGE_MAX))
            )
            return tuple(_message(row, ()) for row in rows.mappings())


def _packed(logins: Sequence[str]) -> str:
    """Logins, which have no blanks, with blanks around each, so that one is found by its whole name."""
    return f" {' '.join(logins)} " if logins else ""


async def _with_reads(connection: AsyncConnection, rows: Sequence[RowMapping]) -> list[StaffMessage]:
    ids = [row["message_id"] for row in rows]
    reads: dict[str, list[str]] = {}
    if ids:
        query = select(staff_message_reads).where(staff_message_reads.c.message_id.in_(ids))
        for read in (await connection.execute(query.order_by(staff_message_reads.c.at))).mappings():
            reads.setdefault(read["message_id"], []).append(read["login"])
    return [_message(row, reads.get(row["message_id"], ())) for row in rows]


def _message(row: Mapping[str, object] | RowMapping, read_by: Sequence[str]) -> StaffMessage:
    return StaffMessage(
        message_id=str(row["message_id"]), by=str(row["by"]), by_name=str(row["by_name"]),
        to_all=bool(row["to_all"]), text=str(row["text"]), at=msgspec.convert(row["at"], float),
        urgent=bool(row["urgent"]), to=tuple(one for one in str(row["recipients"]).split(" ") if one),
        read_by=tuple(read_by),
    )  # fmt: skip
