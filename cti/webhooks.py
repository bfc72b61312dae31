"""Webhooks: who is told of which events, how far each has been told, and what became of the last ones.

Events stand once in `hook_events`, written by the database with what they tell of; a webhook has its place in
them. So nothing is lost between an event and its delivery, and a place moves only when the receiver has said
yes, or when it has not for days.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti import audit
from cti.changes import Cursor, settled_after
from cti.database import upsert, writing
from cti.errors import HotlineError
from cti.hook_transcripts import READY, note_transcripts
from cti.system_tables import hook_deliveries, hook_events, webhooks

__all__ = [
    "Delivery", "DeliveryState", "HookEvent", "HookKind", "Webhook", "WebhookRefused", "WebhookStore",
    "forget_hooks", "hooks_so_far",
]  # fmt: skip

Row = TypeVar("Row", bound=msgspec.Struct)

MOST = 50
KEPT_DELIVERIES = 500
"""Of each webhook; older ones are forgotten."""
KEEP_EVENTS_S = 30 * 86400.0
STATUS_MAX = 80
URL_MAX = 500


class HookKind(StrEnum):
    """What other systems can be told of."""

    CALL_STARTED = "call.started"
    CALL_ANSWERED = "call.answered"  # by a person, the first time
    CALL_ENDED = "call.ended"
    CALL_RATED = "call.rated"
    TRANSCRIPT_READY = READY  # all sentences of a call that is over are written down
    CALLBACK_CREATED = "callback.created"
    CALLBACK_DONE = "callback.done"  # citizen and person have talked
    CALLBACK_GIVEN_UP = "callback.given_up"
    CALLBACK_WITHDRAWN = "callback.withdrawn"  # not needed any more
    ORDER_SUBMITTED = "order.submitted"
    ORDER_DISCARDED = "order.discarded"
    ORDER_VISITED = "order.visited"
    ORDER_MOVED = "order.moved"  # anything in the course of an accepted order
    ORDER_NEAR = "order.near"  # a time limit is nearly over
    ORDER_LATE = "order.late"  # … over
    ORDER_GRAVELY_LATE = "order.gravely_late"  # … over by more than the whole limit
    ALERT_RAISED = "alert.raised"
    TOPIC_RAISED = "topic.raised"  # early warning of a topic: an alert, too
    ALERT_CLEARED = "alert.cleared"
    BURST_FOUND = "burst.found"  # several callers with one matter
    ANNOUNCEMENT_PUBLISHED = "announcement.published"  # approved: callers hear it from its beginning on
    TEST = "test"  # by hand, to try the way; nobody subscribes to it


class DeliveryState(StrEnum):
    """What became of telling one event."""

    DELIVERED = "delivered"
    FAILING = "failing"  # tried, and tried again
    DEAD = "dead"  # given up after days
    AGAIN = "again"  # to be sent once more by hand


class WebhookRefused(HotlineError):
    """A webhook is not made so; `shown` is Chinese, `field` the part that is wrong."""

    def __init__(self, shown: str, field: str = "") -> None:
        super().__init__(shown)
        self.shown = shown
        self.field = field


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription. Times are epoch seconds."""

    webhook_id: str
    title: str  # which system
    url: str  # where events are posted
    kinds: tuple[HookKind, ...]  # which ones
    active: bool  # False: nothing is sent, and what happens meanwhile is not told later
    created_by: str  # login
    created_at: float
    after_tx: int  # everything up to here is told, or given up
    after_id: int
    tries: int  # of the event that is next
    next_at: float  # not tried before
    status: str  # of the last try, "" before the first

    @property
    def place(self) -> Cursor:
        """Up to where events are told."""
        return Cursor(self.after_tx, self.after_id)


class HookEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event to tell."""

    place: Cursor
    kind: HookKind
    ref: str  # id of the call, order or alert
    at: float  # when it happened


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What became of telling one event to one webhook."""

    event_id: int
    kind: HookKind
    ref: str
    at: float  # when it happened
    state: DeliveryState
    tries: int
    status: str  # what the receiver answered last
    told_at: float  # last try


async def hooks_so_far(connection: AsyncConnection) -> int:
    """Return the number of the newest event; on SQLite, later ones are this transaction's, which is alone."""
    return await connection.scalar(select(func.max(hook_events.c.id))) or 0


async def forget_hooks(connection: AsyncConnection, before: int) -> None:
    """Take back what this transaction would have told webhooks: it brings in what happened long ago.

    `before` is what `hooks_so_far` said when the transaction began to write.
    """
    mine = hook_events.c.tx == func.txid_current()
    if connection.dialect.name == "sqlite":
        mine = hook_events.c.id > before
    await connection.execute(delete(hook_events).where(mine))


class WebhookStore:
    """Keeps webhooks. SQLAlchemy's errors pass through when the database is away."""

    def __init__(
        self, engine: AsyncEngine, *, key: Callable[[], str], clock: Callable[[], float] = time.time
    ) -> None:
        """`key` is what the secrets of all webhooks are made from; the database holds none of them."""
        self._engine = engine
        self._key = key
        self._clock = clock

    def secret(self, webhook_id: str) -> str:
        """Return what this webhook's deliveries are signed with."""
        return hmac.new(self._key().encode(), f"webhook:{webhook_id}".encode(), hashlib.sha256).hexdigest()

    # ------------------------------------------------------------ people

    async def create(
        self, title: str, url: str, kinds: Sequence[HookKind], *, by: str, reason: str = ""
    ) -> Webhook:
        """Add a webhook, which is told of what happens from now on. Raises WebhookRefused."""
        title, url = title.strip(), url.strip()
        if not 1 <= len(title) <= 40 or not title.isprintable():
            raise WebhookRefused("名称须为 1 至 40 个字", "title")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise WebhookRefused("地址须以 http:// 或 https:// 开头，且不含用户名", "url")
        if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or " " in url:
            raise WebhookRefused(f"地址最多 {URL_MAX} 个 ASCII 字符", "url")
        if not kinds:
            raise WebhookRefused("请至少选择一种事件", "kinds")
        now = self._clock()
        async with writing(self._engine) as connection:
            if (await connection.scalar(select(func.count()).select_from(webhooks)) or 0) >= MOST:
                raise WebhookRefused(f"推送已达 {MOST} 个，请先删除不用的")
            place = await _end(connection)
            made = Webhook(
                webhook_id=secrets.token_hex(6),
                title=title,
                url=url,
                kinds=tuple(kind for kind in HookKind if kind in kinds and kind is not HookKind.TEST),
                active=True,
                created_by=by,
                created_at=now,
                after_tx=place.tx,
                after_id=place.id,
                tries=0,
                next_at=0.0,
                status="",
            )
            values = msgspec.to_builtins(made)
            await connection.execute(insert(webhooks).values(**values))
            detail = {
                "title": title, "host": parts.hostname, "kinds": values["kinds"], "reason": reason[:200],
            }  # fmt: skip
            await audit.note(
                connection, at=now, who=by, what="webhook_created", target=made.webhook_id, detail=detail
            )
        return made

    async def list(self) -> tuple[Webhook, ...]:
        """Return all webhooks, oldest first."""
        query = select(webhooks).order_by(webhooks.c.created_at, webhooks.c.webhook_id)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).mappings()
            return tuple(_of(row, Webhook) for row in rows)

    async def find(self, webhook_id: str) -> Webhook | None:
        """Return one webhook, None when there is none."""
        query = select(webhooks).where(webhooks.c.webhook_id == webhook_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else _of(row, Webhook)

    async def switch(self, webhook_id: str, *, active: bool, by: str, reason: str = "") -> None:
        """Pause a webhook, or let it go on with what happens from then on; nothing where it is so already."""
        now = self._clock()
        async with writing(self._engine) as connection:
            values: dict[str, object] = {"active": active, "tries": 0, "next_at": 0.0}
            if active:
                place = await _end(connection)
                values |= {"after_tx": place.tx, "after_id": place.id}
            changed = await connection.execute(
                update(webhooks)
                .where(webhooks.c.webhook_id == webhook_id, webhooks.c.active != active)
                .values(**values)
            )
            if not changed.rowcount:
                return
            what = "webhook_resumed" if active else "webhook_paused"
            detail = {
                "title": await _title(connection, webhook_id),
                "reason": reason[:200], "before": {"active": not active}, "after": {"active": active},
            }  # fmt: skip
            await audit.note(connection, at=now, who=by, what=what, target=webhook_id, detail=detail)

    async def remove(self, webhook_id: str, *, by: str, reason: str = "") -> bool:
        """Forget a webhook and its deliveries; False when there is none."""
        now = self._clock()
        async with writing(self._engine) as connection:
            title = await _title(connection, webhook_id)
            gone = await connection.execute(delete(webhooks).where(webhooks.c.webhook_id == webhook_id))
            if gone.rowcount == 0:
                return False
            await connection.execute(
                delete(hook_deliveries).where(hook_deliveries.c.webhook_id == webhook_id)
            )
            detail = {"title": title, "reason": reason[:200]}
            await audit.note(
                connection, at=now, who=by, what="webhook_removed", target=webhook_id, detail=detail
            )
        return True

    async def deliveries(
        self, webhook_id: str, *, before: int | None = None, limit: int = 50
    ) -> tuple[Delivery, ...]:
        """Return what became of the newest events, newest first, older than event `before` when given."""
        query = select(hook_deliveries).where(hook_deliveries.c.webhook_id == webhook_id)
        if before is not None:
            query = query.where(hook_deliveries.c.event_id < before)
        query = query.order_by(hook_deliveries.c.event_id.desc()).limit(limit)
        async with self._engine.connect() as connection:
            return tuple(_of(row, Delivery) for row in (await connection.execute(query)).mappings())

    async def send_again(self, webhook_id: str, event_id: int, *, by: str) -> bool:
        """Let one event be sent once more, whatever became of it; False when it is not known (any more)."""
        now = self._clock()
        async with writing(self._engine) as connection:
            moved = await connection.execute(
                update(hook_deliveries)
                .where(
                    hook_deliveries.c.webhook_id == webhook_id,
                    hook_deliveries.c.event_id == event_id,
                    hook_deliveries.c.state != DeliveryState.FAILING.value,
                )
                .values(state=DeliveryState.AGAIN.value)
            )
            if moved.rowcount == 0:
                return False
            detail = {"event_id": event_id}
            await audit.note(
                connection, at=now, who=by, what="webhook_sent_again", target=webhook_id, detail=detail
            )
        return True

    # ------------------------------------------------------------ the sender

    async def look_for_transcripts(self) -> int:
        """Note transcripts that have become ready; how many."""
        return await note_transcripts(self._engine, self._clock())

    async def following(self, webhook: Webhook, limit: int) -> tuple[HookEvent, ...]:
        """Return the next events that this webhook is to be told of."""
        postgresql = self._engine.dialect.name == "postgresql"
        query = settled_after(hook_events, webhook.place, postgresql=postgresql)
        query = query.where(hook_events.c.kind.in_([kind.value for kind in webhook.kinds])).limit(limit)
        async with self._engine.connect() as connection:
            return tuple(_event(row) for row in (await connection.execute(query)).mappings())

    async def again(self, webhook_id: str) -> tuple[HookEvent, ...]:
        """Return events that people asked to be sent once more."""
        query = (
            select(hook_deliveries)
            .where(
                hook_deliveries.c.webhook_id == webhook_id,
                hook_deliveries.c.state == DeliveryState.AGAIN.value,
            )
            .order_by(hook_deliveries.c.event_id)
            .limit(20)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).mappings()
            return tuple(
                HookEvent(
                    place=Cursor(0, row["event_id"]),
                    kind=HookKind(row["kind"]),
                    ref=row["ref"],
                    at=row["at"],
                )
                for row in rows
            )

    async def told(
        self,
        webhook_id: str,
        event: HookEvent,
        state: DeliveryState,
        *,
        status: str,
        tries: int,
        next_at: float = 0.0,
        in_turn: bool = True,
    ) -> None:
        """Keep what became of a try; unless the event is to be tried again, the webhook's place moves on.

        `in_turn` is False for what was sent once more by hand: the place stays.
        """
        values: dict[str, object] = {
            "webhook_id": webhook_id,
            "event_id": event.place.id,
            "kind": event.kind.value,
            "ref": event.ref,
            "at": event.at,
            "state": state.value,
            "tries": tries,
            "status": status[:STATUS_MAX],
            "told_at": self._clock(),
        }
        moves: dict[str, object] = {"status": status[:STATUS_MAX]}
        if in_turn:
            failing = state is DeliveryState.FAILING
            moves |= {"tries": tries if failing else 0, "next_at": next_at if failing else 0.0}
            moves |= {} if failing else {"after_tx": event.place.tx, "after_id": event.place.id}
        changed = ("state", "tries", "status", "told_at")
        async with writing(self._engine) as connection:
            statement = upsert(connection, hook_deliveries).values(**values)
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["webhook_id", "event_id"],
                    set_={name: statement.excluded[name] for name in changed},
                )
            )
            await connection.execute(
                update(webhooks).where(webhooks.c.webhook_id == webhook_id).values(**moves)
            )

    async def tidy(self) -> None:
        """Forget events of a month ago, and all but the newest deliveries of each webhook."""
        async with writing(self._engine) as connection:
            # The last one stays: the next event must have a higher number than all before.
            last = select(func.max(hook_events.c.id)).scalar_subquery()
            await connection.execute(
                delete(hook_events).where(
                    hook_events.c.at < self._clock() - KEEP_EVENTS_S, hook_events.c.id < last
                )
            )
            for webhook_id in (await connection.scalars(select(webhooks.c.webhook_id))).all():
                mine = hook_deliveries.c.webhook_id == webhook_id
                newest = select(hook_deliveries.c.event_id).where(mine)
                newest = newest.order_by(hook_deliveries.c.event_id.desc()).offset(KEPT_DELIVERIES).limit(1)
                oldest = await connection.scalar(newest)
                if oldest is not None:
                    await connection.execute(
                        delete(hook_deliveries).where(mine, hook_deliveries.c.event_id <= oldest)
                    )


async def _title(connection: AsyncConnection, webhook_id: str) -> str:
    return await connection.scalar(select(webhooks.c.title).where(webhooks.c.webhook_id == webhook_id)) or ""


async def _end(connection: AsyncConnection) -> Cursor:
    """The place after everything that has happened by now."""
    if connection.dialect.name == "postgresql":
        # Its own number is above every transaction that has ended; those still open are told of.
        return Cursor(await connection.scalar(select(func.txid_current())) or 0, 0)
    return Cursor(0, await connection.scalar(select(func.max(hook_events.c.id))) or 0)


def _event(row: RowMapping) -> HookEvent:
    place = Cursor(row["tx"], row["id"])
    return HookEvent(place=place, kind=HookKind(row["kind"]), ref=row["ref"], at=row["at"])


def _of(row: RowMapping, kind: type[Row]) -> Row:
    return msgspec.convert({name: row[name] for name in kind.__struct_fields__}, kind)
