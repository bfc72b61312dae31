"""Tells pages what happens to orders, whichever server or program wrote it.

The database notes every change of an order (cti.change_triggers); every server reads on from its own place,
only while one of its pages looks, and tells its own pages. A page that begins to look is told counts as soon
as its server follows: lists that are read after that miss nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.order_news import Counts, CrossedClock, MovedOrder, NewsReader
from cti.casework.sights import Sights, above, below
from cti.changes import ChangeKind, ChangeLog, Cursor
from cti.faults import fault_site
from cti.message_base import Role
from cti.messages import ServerMessage
from cti.messages_cases import ClockCrossed, InboxChanged, OrderMoved
from cti.ports import CommandRefused, Person
from cti.tasks import end
from orders.unit_table import Unit

__all__ = ["ORDERS", "UNIT", "OrderFeed", "Watchers"]

log = logging.getLogger(__name__)

ORDERS = "orders"
UNIT = "unit"
LOOK_S = 0.4
AT_ONCE = 200
"""Changes that are read at a time; while there are more, the next look follows at once."""
RECOUNT_S = 20.0
"""Counts grow with time alone, too: a clock becomes near, or late."""
ALL_EVERY_S = 5.0
"""All orders under way are not counted more often than this."""
UNITS_S = 30.0
KNOWN = 20_000
"""Orders whose version at the last look is kept."""
_WATCH_ALL = frozenset({Role.CLERK, Role.SUPERVISOR, Role.ADMIN, Role.LEADER, Role.AUDITOR})
_WATCH_UNITS = frozenset({Role.CLERK, Role.SUPERVISOR, Role.ADMIN, Role.UNIT})


_Counted = tuple[str, frozenset[str]]
"""Topic, and districts of those who are told; without districts they are told of everything."""


def _has(districts: frozenset[str], person: Person) -> bool:
    return frozenset(person.districts) == districts


class Watchers(Protocol):
    """The pages and what they watch (cti.web.pages.PageHub)."""

    openings: dict[str, Callable[[Person, str], Iterable[ServerMessage]]]

    def tell(
        self, topic: str, message: ServerMessage, *, only: Callable[[Person], bool] | None = None
    ) -> None:
        """To every page that watches this, or to those of some people."""

    def watching(self) -> frozenset[str]:
        """What is watched at all."""

    def looking_at(self, topic: str) -> Iterable[Person]:
        """Whose pages watch this; somebody with several pages may come several times."""


class OrderFeed:
    """See the module."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        hub: Watchers,
        sights: Sights,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hub = hub
        self._sights = sights
        self._clock = clock
        self._changes = ChangeLog(engine)
        self._reader = NewsReader(engine)
        self._place: Cursor | None = None  # None: nobody looks
        self._crossing = 0  # newest crossing before anybody looked
        self._crossings: set[int] = set()  # those that were told since
        self._known: OrderedDict[str, int] = OrderedDict()  # order -> version that was told
        self._units: tuple[Unit, ...] = ()
        self._units_at = float("-inf")
        self._counted: dict[_Counted, tuple[float, Counts]] = {}  # when, what was told
        self._stale: set[str] = set()  # topics whose counts are to be made again
        self._task: asyncio.Task[None] | None = None
        hub.openings[ORDERS] = self._open_all
        hub.openings[UNIT] = self._open_unit

    def start(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._run(), name="order-feed")

    async def stop(self) -> None:
        """Stop."""
        await end(self._task)

    # ------------------------------------------------------------ who may look

    def _open_all(self, person: Person, topic: str) -> Sequence[ServerMessage]:
        if topic != ORDERS or person.role not in _WATCH_ALL:
            raise CommandRefused("您没有此项权限")
        return self._begun(person, topic)

    def _open_unit(self, person: Person, topic: str) -> Sequence[ServerMessage]:
        name = topic.partition(":")[2]
        if not name or person.role not in _WATCH_UNITS:
            raise CommandRefused("您没有此项权限")
        if person.role is Role.UNIT and name != person.unit and name not in below(self._units, person.unit):
            raise CommandRefused("不能查看其他单位的工单")
        return self._begun(person, topic)

    def _begun(self, person: Person, topic: str) -> Sequence[ServerMessage]:
        self._stale.add(topic)
        self._counted.pop((topic, frozenset(person.districts)), None)
        return ()

    # ------------------------------------------------------------ following

    async def _run(self) -> None:
        while True:
            again = False
            try:
                again = await self.look()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("orders not followed", extra={"reason": type(error).__name__})
            except Exception as error:  # a look that fails must not be the last one
                log.error("orders not followed", extra={"site": fault_site(error)})
            if not again:
                await asyncio.sleep(LOOK_S)

    async def look(self) -> bool:
        """Tell what has happened since the last look; True when there is more to read already."""
        await self._look_at_units()
        topics = {topic for topic in self._hub.watching() if topic == ORDERS or topic.startswith(f"{UNIT}:")}
        if not topics:
            self._place = None
            self._counted.clear()
            self._stale.clear()
            return False
        if self._place is None:
            self._crossing, self._crossings = await self._reader.newest_crossing(), set()
            self._place = await self._changes.newest()
            self._stale |= topics
        found = await self._changes.since(self._place, (ChangeKind.ORDER,), AT_ONCE)
        if found:
            # versions that are told are known before the place moves on: a look that fails is made again
            changed = [one.ref for one in found]
            for moved in await self._reader.moved(changed, self._known):
                self._tell_moved(moved, topics)
            for crossed in await self._reader.crossed(changed, self._crossing):
                self._tell_crossed(crossed, topics)
            self._place = found[-1].at
        await self._count(topics)
        return len(found) == AT_ONCE

    def _tell_moved(self, moved: MovedOrder, topics: set[str]) -> None:
        view = moved.view
        self._known[view.order_id] = view.version
        self._known.move_to_end(view.order_id)
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)
        now_with = frozenset({view.lead, *view.joint} - {""})
        self._tell(view, now_with, moved.district, topics)
        self._stale |= {f"{UNIT}:{name}" for name in moved.had} & topics

    def _tell_crossed(self, crossed: CrossedClock, topics: set[str]) -> None:
        if crossed.id in self._crossings:
            return
        self._crossings.add(crossed.id)
        if len(self._crossings) > KNOWN:  # all but the newest are below the floor from now on
            self._crossing = sorted(self._crossings)[KNOWN // 2]
            self._crossings = {one for one in self._crossings if one > self._crossing}
        view = crossed.view
        self._tell(view, frozenset({view.lead, view.unit} - {""}), crossed.district, topics)

    def _tell(
        self, view: OrderMoved | ClockCrossed, units: frozenset[str], district: str, topics: set[str]
    ) -> None:
        """To pages that watch all orders, or those of these units or of units above them."""

        def theirs(person: Person) -> bool:
            return not person.districts or district in person.districts

        wanted = {ORDERS, *(f"{UNIT}:{name}" for name in units | above(self._units, units))} & topics
        for topic in sorted(wanted):
            self._hub.tell(topic, view, only=theirs)
        self._stale |= {ORDERS, *(f"{UNIT}:{name}" for name in units)} & topics

    async def _count(self, topics: set[str]) -> None:
        """Tell counts of what has moved, at once for units, and now and then of everything.

        Everybody is told how much there is of what is open to them: people of the same districts the same.
        """
        now = self._clock()
        looked_at: set[_Counted] = set()
        for topic in sorted(topics):
            waits = False
            for districts in {frozenset(person.districts) for person in self._hub.looking_at(topic)}:
                key = (topic, districts)
                looked_at.add(key)
                at, before = self._counted.get(key, (float("-inf"), None))
                wait = ALL_EVERY_S if topic == ORDERS else 0.0
                due = topic in self._stale and now - at >= wait
                waits = waits or (topic in self._stale and not due)
                if not due and now - at < RECOUNT_S:
                    continue
                unit = topic.partition(":")[2]
                counts = await self._reader.counts(unit, now, districts=districts)
                self._counted[key] = (now, counts)
                if counts != before:
                    told = InboxChanged(
                        unit=unit, open=counts.open, near=counts.near, late=counts.late, at=now
                    )
                    self._hub.tell(topic, told, only=partial(_has, districts))
            if not waits:
                self._stale.discard(topic)
        for key in self._counted.keys() - looked_at:
            del self._counted[key]

    async def _look_at_units(self) -> None:
        now = time.monotonic()
        if now - self._units_at >= UNITS_S:
            self._units = await self._sights.units()
            self._units_at = now
