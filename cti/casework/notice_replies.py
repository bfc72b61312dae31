"""What citizens answer to messages: a rating where it is one, else words that a person reads.

A reply belongs to the order of which its number was told last. Its words go into the order's chain of events,
so they are veiled, shown and erased as all that a citizen said; here is only kept that somebody has to read
them, until somebody has.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

import msgspec
from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti import audit
from cti.casework.citizen_tables import notice_replies
from cti.casework.notice_store import NoticeStore
from cti.casework.reply_marks import Doubt, read_reply
from cti.database import upsert, writing
from orders import chain
from orders.course_events import CitizenReplied, JoinedRated, OrderRated
from orders.course_messages import SYSTEM
from orders.errors import CourseRefused, IllegalTransition
from orders.fields import check_text
from orders.notices import Template
from orders.open_rows import of_open
from orders.order_links import link_to
from orders.records import Order, Sight
from orders.store import OrderStore
from orders.tables import order_events

__all__ = ["KeptReply", "NoticeReplies", "ReplyOutcome", "ReplyPage", "Taken"]

REPLY_DAYS = 14.0
"""So long a reply belongs to the newest notice that asked for it."""
DAY_S = 86_400.0
WORDS_MAX = 1000
NOTE_MAX = 200
_WORDS = "words:"
"""How ids of events begin that hold replies."""
_ASKING = (Template.RATE.value, Template.ANSWERED.value, Template.MERGED.value)


class ReplyOutcome(StrEnum):
    """What became of a reply."""

    RATED = "rated"  # it is a rating
    KEPT = "kept"  # a person reads it
    NOBODYS = "nobodys"  # this number was told of no order lately


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one reply."""

    outcome: ReplyOutcome
    order: Order | None = None  # as it is now, None for nobody's
    doubt: Doubt | None = None  # kept: why


class KeptReply(msgspec.Struct, frozen=True, kw_only=True):
    """One reply that a person reads. Times are epoch seconds."""

    reply_key: str  # which
    order_id: str  # whose trail has its words
    other: str  # the joined order whose citizen wrote, "" for the order's own
    why: Doubt
    at: float  # when it came
    done_at: float | None  # when somebody had read it
    done_by: str  # login
    note: str  # what they did about it


class ReplyPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page; open ones oldest first, read ones newest first."""

    total: int
    page: int
    size: int
    replies: Sequence[KeptReply]


class NoticeReplies:
    """Takes replies. SQLAlchemy's errors pass through."""

    def __init__(
        self,
        engine: AsyncEngine,
        orders: OrderStore,
        notices: NoticeStore,
        *,
        hashed: Callable[[str], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`hashed` is a number's keyed hash as notices keep it."""
        self._engine = engine
        self._orders = orders
        self._notices = notices
        self._hashed = hashed
        self._clock = clock

    async def take(self, reply_id: str, number: str, text: str) -> Taken:
        """Take a reply; the same `reply_id` again changes nothing.

        Raises:
            ValueRefused: it is empty or too long.
        """
        check_text("id", reply_id, 1, 100)
        words = text.strip()
        check_text("text", words, 1, WORDS_MAX)
        since = self._clock() - REPLY_DAYS * DAY_S
        notice = await self._notices.newest_to(self._hashed(number), _ASKING, since)
        if notice is None:
            return Taken(outcome=ReplyOutcome.NOBODYS)
        order_id, other = notice.order_id, notice.other
        link = link_to((await self._orders.get(order_id)).draft, other) if other else None
        key = hashlib.sha256(f"{order_id}\n{reply_id}".encode()).hexdigest()
        reply, joined = read_reply(words), "" if link is None else link.number
        if reply.mark is not None:
            event: OrderRated | JoinedRated = OrderRated(
                result=reply.mark, service=None, solved=None, bad=False, by=SYSTEM, words=words
            )
            if other:
                event = JoinedRated(
                    other=other, number=joined, result=reply.mark, service=None, solved=None, bad=False,
                    by=SYSTEM, words=words,
                )  # fmt: skip
            try:
                order = await self._orders.apply(order_id, event, event_id=f"reply:{key}")
            except (IllegalTransition, CourseRefused):  # redone, archived or parted meanwhile
                return await self._keep(order_id, other, joined, key, words, Doubt.TOO_LATE)
            return Taken(outcome=ReplyOutcome.RATED, order=order)
        return await self._keep(order_id, other, joined, key, words, reply.doubt or Doubt.UNCLEAR)

    async def _keep(self, order_id: str, other: str, number: str, key: str, words: str, why: Doubt) -> Taken:
        event = CitizenReplied(words=words, by=SYSTEM, other=other, number=number)
        order = await self._orders.apply(order_id, event, event_id=f"{_WORDS}{key}")
        values = {
            "reply_key": key, "order_id": order_id, "other": other, "why": why.value, "at": self._clock(),
            "done_at": None, "done_by": "", "note": "",
        }  # fmt: skip
        async with writing(self._engine) as connection:
            await connection.execute(
                upsert(connection, notice_replies).values(**values).on_conflict_do_nothing()
            )
        return Taken(outcome=ReplyOutcome.KEPT, order=order, doubt=why)

    # ------------------------------------------------------------ people

    async def waiting(self) -> int:
        """Return how many nobody has read yet."""
        query = select(func.count()).select_from(notice_replies).where(notice_replies.c.done_at.is_(None))
        async with self._engine.connect() as connection:
            return await connection.scalar(query) or 0

    async def list(
        self, *, done: bool, order_id: str, page: int, size: int, sight: Sight | None = None
    ) -> ReplyPage:
        """Return one page of those that are open (`sight`)."""
        columns = notice_replies.c
        read = columns.done_at.is_not(None) if done else columns.done_at.is_(None)
        query = select(notice_replies).where(read)
        is_open = of_open(sight, columns.order_id)
        if is_open is not None:
            query = query.where(is_open)
        if order_id:
            query = query.where(columns.order_id == order_id)
        order = (columns.done_at.desc() if done else columns.at, columns.reply_key)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(query.subquery()))
            rows = await connection.execute(query.order_by(*order).limit(size).offset((page - 1) * size))
            found = tuple(map(_kept, rows))
        return ReplyPage(total=total or 0, page=page, size=size, replies=found)

    async def words(self, reply_keys: Sequence[str]) -> Mapping[str, str]:
        """Return what stands in the orders' chains for these replies, by key."""
        events = order_events.c
        query = select(events.event_id, events.kind, events.data).where(
            events.event_id.in_([f"{_WORDS}{key}" for key in reply_keys])
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        told = {row.event_id.removeprefix(_WORDS): chain.decode(row.kind, row.data) for row in rows}
        return {key: event.words for key, event in told.items() if isinstance(event, CitizenReplied)}

    async def read(self, reply_key: str, note: str, *, by: str, sight: Sight | None = None) -> bool:
        """Note that somebody read it and what they did; False: no such one, or read already.

        Raises ValueRefused: the note is empty or too long.
        """
        note = note.strip()
        check_text("note", note, 1, NOTE_MAX)
        which = [notice_replies.c.reply_key == reply_key, notice_replies.c.done_at.is_(None)]
        is_open = of_open(sight, notice_replies.c.order_id)
        if is_open is not None:
            which.append(is_open)
        now = self._clock()
        async with writing(self._engine) as connection:
            done = await connection.execute(
                update(notice_replies).where(*which).values(done_at=now, done_by=by, note=note)
            )
            if done.rowcount:
                await audit.note(
                    connection, at=now, who=by, what="reply_read", target=reply_key, detail={"note": note}
                )
        return bool(done.rowcount)


def _kept(row: Row[tuple[object, ...]]) -> KeptReply:
    values = row._mapping
    return msgspec.convert({name: values[name] for name in KeptReply.__struct_fields__}, KeptReply)
