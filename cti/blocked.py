"""Numbers that people have blocked, or marked as nuisance; and which others look as if they might be.

Nobody is blocked by machine: what is counted here only suggests, and a person decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TypeVar

import msgspec
from sqlalchemy import ColumnElement, RowMapping, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from acd.phone_numbers import NumberKind, read_number
from cti.audit import note
from cti.database import upsert, writing
from cti.errors import HotlineError
from cti.messages import Outcome
from cti.tables import blocked_numbers, calls, transcript_lines
from orders.erasure import ERASED
from orders.messages import OrderState
from orders.tables import orders

__all__ = ["BlockKind", "BlockedNumber", "BlockedNumbers", "BlockedPage", "NumberRefused", "Suspect"]

LOOK_BACK_S = 30 * 86_400.0
"""Calls of so many seconds back are counted."""
SHORT_S = 10.0
"""A talk shorter than this has told nobody anything."""
SUSPECT_CALLS = 3
NUISANCE_REASON = "骚扰"
"""How the reason begins with which an agent gives up the order of a nuisance call."""
SUSPECTS_MAX = 100

R = TypeVar("R", bound=msgspec.Struct)


class NumberRefused(HotlineError):
    """A number that cannot be entered; `field` names what is wrong, `shown` is Chinese for people."""

    def __init__(self, field: str, shown: str) -> None:
        super().__init__(f"{field} is not acceptable")
        self.field = field
        self.shown = shown


class BlockKind(StrEnum):
    """What an entry means; flows decide what they do with it."""

    BLOCKED = "blocked"  # 黑名单: is told so and not put through; never called back
    NUISANCE = "nuisance"  # 骚扰: put through with a warning, or last


class BlockedNumber(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. Times are epoch seconds."""

    number: str  # normalised
    kind: BlockKind
    reason: str  # why, in a person's words
    since: float  # in force from
    until: float | None  # in force before; None: until taken off
    who: str  # login of who entered it
    changed_at: float


class BlockedPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of entries, newest first."""

    total: int
    page: int
    size: int
    numbers: Sequence[BlockedNumber]


class Suspect(msgspec.Struct, frozen=True, kw_only=True):
    """A number whose calls say nothing, or were given up as nuisance; only a suggestion. Of 30 days."""

    number: str  # normalised
    calls: int  # answered calls in which the citizen said nothing, or nearly so
    last_at: float  # the newest call
    nuisance: int  # orders that agents gave up with the reason 骚扰电话
    total: int  # all its calls


def silent_calls(since: float) -> ColumnElement[bool]:
    """Answered calls since then that were over at once, or in which the citizen said nothing that was heard.

    A call counts as silent only where captions were taken at all: the agent's words were.
    """
    line = transcript_lines.alias()
    said = select(line.c.call_id).where(line.c.call_id == calls.c.call_id)
    return (
        (calls.c.started >= since)
        & (calls.c.outcome == Outcome.ANSWERED.value)
        & calls.c.ended.is_not(None)
        & or_(
            calls.c.ended - calls.c.answered < SHORT_S,
            said.where(line.c.speaker == "agent").exists()
            & ~said.where(line.c.speaker == "citizen").exists(),
        )
    )


class BlockedNumbers:
    """The table of blocked numbers. SQLAlchemy's errors pass through when the database cannot be reached."""

    def __init__(
        self, engine: AsyncEngine, *, area_code: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._area_code = area_code
        self._clock = clock

    def _read(self, number: str) -> str:
        found = read_number(number, area_code=self._area_code)
        if found.kind is NumberKind.ANONYMOUS or not found.number.lstrip("+").isdecimal():
            raise NumberRefused("number", "请填写电话号码（仅限数字）")
        return found.number

    async def put(
        self, number: str, kind: BlockKind, *, reason: str, until: float | None, by: str, why: str = ""
    ) -> BlockedNumber:
        """Enter a number, or replace its entry; it counts from the next call on.

        `reason` stands beside the number; `why` in the trail, where the entry is changed for another reason.

        Raises:
            NumberRefused: no number, or the end lies in the past.
        """
        plain, now = self._read(number), self._clock()
        if until is not None and until <= now:
            raise NumberRefused("until", "截止时间须晚于现在")
        row = {"kind": kind.value, "reason": reason, "until": until, "who": by, "changed_at": now}
        async with writing(self._engine) as connection:
            before = await _kept(connection, plain)
            statement = upsert(connection, blocked_numbers).values(number=plain, since=now, **row)
            await connection.execute(
                statement.on_conflict_do_update(index_elements=[blocked_numbers.c.number], set_=row)
            )
            await note(
                connection,
                at=now,
                who=by,
                what="number_blocked",
                target=plain,
                detail={
                    "reason": why or reason,
                    "before": before,
                    "after": {"kind": kind.value, "reason": reason, "until": until},
                },
            )
            return await _one(connection, plain)

    async def remove(self, number: str, *, by: str, reason: str) -> bool:
        """Take a number off; False when it was not there."""
        plain = self._read(number)
        async with writing(self._engine) as connection:
            before = await _kept(connection, plain)
            gone = await connection.execute(delete(blocked_numbers).where(blocked_numbers.c.number == plain))
            if not gone.rowcount:
                return False
            detail = {"reason": reason, "before": before, "after": None}
            await note(
                connection, at=self._clock(), who=by, what="number_unblocked", target=plain, detail=detail
            )
        return True

    async def list(
        self, *, text: str = "", kind: BlockKind | None = None, page: int = 1, size: int = 20
    ) -> BlockedPage:
        """Return one page of entries, newest first; `text` is a part of the number."""
        query = select(blocked_numbers)
        if text:
            query = query.where(blocked_numbers.c.number.contains(text, autoescape=True))
        if kind is not None:
            query = query.where(blocked_numbers.c.kind == kind.value)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(query.subquery()))
            rows = await connection.execute(
                query.order_by(blocked_numbers.c.changed_at.desc(), blocked_numbers.c.number)
                .limit(size)
                .offset((page - 1) * size)
            )
            found = [_read_row(row, BlockedNumber) for row in rows.mappings()]
        return BlockedPage(total=total or 0, page=page, size=size, numbers=found)

    async def blocked(self, number: str) -> bool:
        """Whether this number, as `acd.phone_numbers` spells it, is blocked now."""
        now = self._clock()
        query = select(blocked_numbers.c.number).where(
            blocked_numbers.c.number == number,
            blocked_numbers.c.kind == BlockKind.BLOCKED.value,
            in_force(now),
        )
        async with self._engine.connect() as connection:
            return await connection.scalar(query) is not None

    async def suspects(self) -> tuple[Suspect, ...]:
        """Return up to 100 numbers with several silent calls, or called a nuisance by an agent, worst first.

        Numbers that somebody has entered already, with an entry that still counts, are not among them.
        """
        now = self._clock()
        since = now - LOOK_BACK_S
        entered = select(blocked_numbers.c.number).where(in_force(now))
        silent = (
            select(calls.c.caller.label("number"), func.count().label("calls"))
            .where(silent_calls(since), calls.c.caller != "", calls.c.caller.not_in(entered))
            .group_by(calls.c.caller)
        )
        given_up = (
            select(orders.c.caller.label("number"), func.count().label("nuisance"))
            .where(
                orders.c.state == OrderState.DISCARDED.value,
                orders.c.created_at >= since,
                orders.c.reason.startswith(NUISANCE_REASON),
                orders.c.caller.not_in(("", ERASED)),
                orders.c.caller.not_in(entered),
            )
            .group_by(orders.c.caller)
        )
        async with self._engine.connect() as connection:
            quiet = {row.number: row.calls for row in await connection.execute(silent)}
            called = {row.number: row.nuisance for row in await connection.execute(given_up)}
            found = {number for number, count in quiet.items() if count >= SUSPECT_CALLS} | called.keys()
            worst = sorted(found, key=lambda one: (-called.get(one, 0), -quiet.get(one, 0), one))
            totals = await _totals(connection, worst[:SUSPECTS_MAX], since)
        return tuple(
            Suspect(
                number=number, calls=quiet.get(number, 0), nuisance=called.get(number, 0),
                total=totals.get(number, (0, since))[0], last_at=totals.get(number, (0, since))[1],
            )
            for number in worst[:SUSPECTS_MAX]
        )  # fmt: skip


async def _totals(
    connection: AsyncConnection, numbers: Sequence[str], since: float
) -> dict[str, tuple[int, float]]:
    """How often these numbers have called, and when last."""
    query = (
        select(calls.c.caller, func.count().label("total"), func.max(calls.c.started).label("last_at"))
        .where(calls.c.caller.in_(numbers), calls.c.started >= since)
        .group_by(calls.c.caller)
    )
    return {row.caller: (row.total, row.last_at) for row in await connection.execute(query)}


def _read_row(row: RowMapping, kind: type[R]) -> R:
    return msgspec.convert({name: row[name] for name in kind.__struct_fields__}, kind)


def in_force(now: float) -> ColumnElement[bool]:
    """Entries that count at this time."""
    until = blocked_numbers.c.until
    return (blocked_numbers.c.since <= now) & or_(until.is_(None), until > now)


async def _kept(connection: AsyncConnection, number: str) -> dict[str, object] | None:
    """What the trail keeps of an entry, None where there is none."""
    query = select(blocked_numbers.c.kind, blocked_numbers.c.reason, blocked_numbers.c.until)
    row = (await connection.execute(query.where(blocked_numbers.c.number == number))).mappings().first()
    return None if row is None else dict(row)


async def _one(connection: AsyncConnection, number: str) -> BlockedNumber:
    rows = await connection.execute(select(blocked_numbers).where(blocked_numbers.c.number == number))
    return _read_row(rows.mappings().one(), BlockedNumber)
