"""Tells citizens what becomes of their orders (告知).

Runs on the server that leads. What an order asks for is kept in the transaction in which the place among
changes moves on, so nothing is left out and nothing is kept twice; each notice is tried with growing pauses
until the gateway takes it, and given up after days. A notice that was taken in the moment the server died is
sent again under the same id.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import random
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from cti.casework.notice_store import FRESH_MOST_S, Notice, NoticeState, NoticeStore
from cti.casework.notice_way import NoticeNotTaken, NoticeWay
from cti.changes import ChangeKind, ChangeLog
from cti.faults import fault_site
from cti.tasks import end
from cti.webhook_sender import pause_s
from orders.errors import UnknownOrder
from orders.joined import joined_to
from orders.notices import Due, NoticePolicy, Template, due_notices, needs_joined, number_of
from orders.records import Order
from orders.store import OrderStore

__all__ = ["Notices"]

log = logging.getLogger(__name__)

LOOK_S = 2.0
READ = 200
"""Changed orders that are looked at in one round."""
SEND = 50
DAY_S = 86_400.0
HOUR_S = 3600.0


class Notices:
    """Sends them; see the module. SQLAlchemy's errors pass through its methods."""

    def __init__(
        self,
        orders: OrderStore,
        store: NoticeStore,
        changes: ChangeLog,
        *,
        way: NoticeWay | None,
        policy: Callable[[], NoticePolicy],
        code: Callable[[str], str],
        dialled: Callable[[str], str],
        secret: Callable[[], str],
        leads: Callable[[], bool],
        days: float = 3.0,
        fresh_hours: float = 48.0,
        clock: Callable[[], float] = time.time,
        look_s: float = LOOK_S,
    ) -> None:
        """`way` None: nothing is sent and nothing kept. `code` is an order's 查询码.

        `dialled` writes a number as it is dialled, "" when it cannot be; `secret` keys hashes of numbers.
        What happened longer ago than `fresh_hours` is told no more, nor what happened before it was begun.
        """
        self.store = store
        self._orders = orders
        self._changes = changes
        self._way = way
        self._policy = policy
        self._code = code
        self._dialled = dialled
        self._secret = secret
        self._leads = leads
        self._dead_after_s = days * DAY_S
        self._fresh_s = min(fresh_hours * HOUR_S, FRESH_MOST_S)
        self.skipped = 0
        """Orders that could not be read, since this server began."""
        self._clock = clock
        self._look_s = look_s
        self._task: asyncio.Task[None] | None = None

    @property
    def on(self) -> bool:
        """Whether citizens are told anything."""
        return self._way is not None

    def start(self) -> None:
        """Begin, when there is a gateway."""
        if self._way is not None:
            self._task = asyncio.create_task(self._run(), name="notices")

    async def stop(self) -> None:
        """Stop; what is under way is sent again by whoever leads next."""
        await end(self._task)
        if self._way is not None:
            await self._way.close()

    async def look(self) -> tuple[int, int]:
        """Keep what changed orders ask for, and send what is due; how many of each."""
        return await self._collect(), await self._send()

    # ------------------------------------------------------------ rounds

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            if not self._leads():
                continue
            try:
                while (await self.look())[0] == READ:
                    pass
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("notices wait for the database", extra={"reason": type(error).__name__})
            except Exception as error:  # one order must not end the round of all others
                log.error("telling citizens failed", extra={"site": fault_site(error)})

    async def _collect(self) -> int:
        """Look at orders that changed; how many were read."""
        place = await self.store.place()
        if place is None:  # switched on just now: only what changes from here on is told
            await self.store.begin_at(await self._changes.newest(), self._clock())
            return 0
        changed = await self._changes.since(place, [ChangeKind.ORDER], READ)
        if not changed:
            return 0
        now = self._clock()
        since = max(await self.store.begun_at(), now - self._fresh_s)
        found: list[tuple[str, Due]] = []
        for one in changed:
            found += [(one.ref, due) for due in await self._due(one.ref) if due.at >= since]
        await self.store.add(found, changed[-1].at, now=now)
        return len(changed)

    async def _due(self, order_id: str) -> tuple[Due, ...]:
        """Return what an order asks for; nothing of one that cannot be read: the others go on."""
        try:
            return await self._asked_for(await self._orders.get(order_id))
        except UnknownOrder:
            return ()
        except (SQLAlchemyError, OSError, TimeoutError):
            raise
        except Exception as error:
            self._unreadable(order_id, error)
            return ()

    async def _asked_for(self, order: Order) -> tuple[Due, ...]:
        policy = self._policy()
        joined: dict[str, Order] = {}
        if needs_joined(policy):
            for link in joined_to(order.draft):
                try:
                    joined[link.other] = await self._orders.get(link.other)
                except UnknownOrder:
                    continue
        return due_notices(order, policy, joined)

    async def _send(self) -> int:
        sent = 0
        for notice in await self.store.due(self._clock(), SEND):
            if not self._leads():
                break
            try:
                sent += await self._tell(notice)
            except (SQLAlchemyError, OSError, TimeoutError):
                raise
            except Exception as error:  # it lies with the undelivered, and the others go on
                self._unreadable(notice.order_id, error)
                await self.store.told(
                    notice.notice_id, NoticeState.DEAD, status="the order cannot be read",
                    tries=notice.tries + 1, next_at=0.0, at=self._clock(),
                )  # fmt: skip
        return sent

    def _unreadable(self, order_id: str, error: Exception) -> None:
        self.skipped += 1
        log.error(
            "an order cannot be read, its citizens are told nothing",
            extra={"order": order_id, "site": fault_site(error)},
        )

    async def _tell(self, notice: Notice) -> bool:
        """Try one notice and keep what became of it; whether it was taken."""
        way, policy = self._way, self._policy()
        number, values = "", {"number": "", "code": "", "unit": ""}
        template = Template(notice.template)
        try:
            order = await self._orders.get(notice.order_id)
        except UnknownOrder:
            order = None
        asked = () if order is None else await self._asked_for(order)
        if order is not None and notice.notice_id in {due.notice_id for due in asked}:
            number = self._dialled(number_of(order, notice.other))
            course = order.draft.course
            values = {
                "number": order.number,
                "code": self._code(notice.other or notice.order_id),
                "unit": "" if course is None else course.lead,
            }
        now = self._clock()
        if way is None or not number:
            await self.store.told(
                notice.notice_id, NoticeState.DROPPED, status="nobody to tell", tries=notice.tries,
                next_at=0.0, at=now,
            )  # fmt: skip
            return False
        tries, state, next_at = notice.tries + 1, NoticeState.SENT, 0.0
        try:
            text = policy.text(template, values)
            status = await way.send(notice.notice_id, number, template.value, text, values)
        except NoticeNotTaken as refused:
            status = str(refused)
            dead = refused.for_good or now - notice.at >= self._dead_after_s
            state = NoticeState.DEAD if dead else NoticeState.WAITING
            next_at = now + pause_s(tries, random.random())  # noqa: S311 - only spreads tries
        hashed = self._hash(number) if state is NoticeState.SENT else ""
        await self.store.told(
            notice.notice_id, state, status=status, tries=tries, next_at=next_at, at=now, number_hash=hashed
        )
        return state is NoticeState.SENT

    def hashed(self, number: str) -> str:
        """Return what finds the order to which a number's reply belongs."""
        return self._hash(self._dialled(number) or number)

    def _hash(self, number: str) -> str:
        return hmac.new(self._secret().encode(), f"notice:{number}".encode(), hashlib.sha256).hexdigest()
