"""When clocks become near, late and gravely late: for one order, and for all without looking at each. Pure.

The watch keeps a heap of moments, so that it costs what happens and not what is open. A crossing has an
id that is the same after a restart: whoever tells others of it writes the id down with what was told,
and hands the ids back (`told`) when the order is put into a new watch. So each crossing is told once,
whichever moment the process died at. An end that is moved is another end: coming near it is told anew.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from orders.course_messages import Clock, ClockKind, Course, CourseState
from orders.course_table import ENDED

__all__ = [
    "ClockWatch",
    "Crossing",
    "Level",
    "Standing",
    "counting",
    "crossing_id",
    "due",
    "grave_at",
    "level",
]

_RULING = frozenset({CourseState.RETURNED, CourseState.DISPUTED})
_SLACK = 1000
"""So many replaced moments may lie in the heap beside as many as are watched."""


class Level(IntEnum):
    """How a clock stands."""

    FINE = 0  # 正常
    NEAR = 1  # 即将到期
    LATE = 2  # 已超期
    GRAVE = 3  # 严重超期: late by more than the whole limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one running clock stands now."""

    clock: Clock  # which
    level: Level  # how
    left_s: float  # seconds to its end, fewer than 0 when it is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A clock has become near, late or gravely late."""

    crossing_id: str  # the same whenever this crossing is found
    order_id: str  # whose
    clock: Clock  # as it was put
    level: Level  # what it has become
    at: float  # when, epoch seconds
    overtaken: bool = False  # a higher level was crossed before anybody looked


def counting(course: Course) -> tuple[Clock, ...]:
    """The running clocks that somebody can be late with.

    A unit's right to return an order is none: that clock counts only while a ruling is waited for.
    """
    if course.state in ENDED:
        return ()
    ruling = course.state in _RULING
    running = (clock for clock in course.clocks if clock.running)
    return tuple(clock for clock in running if ruling or clock.kind is not ClockKind.RETURN)


def grave_at(clock: Clock) -> float:
    """From when it is gravely late: it has taken twice its time, and a second more than its end at least."""
    return clock.due + max(1.0, clock.due - clock.started)


def level(clock: Clock, now: float) -> Level:
    """How a clock stands at `now`; `FINE` when it is paused or stopped. With time it only rises."""
    if not clock.running or now < clock.near_at:
        return Level.FINE
    if now < clock.due:
        return Level.NEAR
    return Level.LATE if now < grave_at(clock) else Level.GRAVE


def due(clocks: Iterable[Clock], now: float) -> tuple[Standing, ...]:
    """Those of the clocks that run and are near or over at `now`, worst first, then earliest first."""
    found = [
        Standing(clock=clock, level=level(clock, now), left_s=clock.due - now)
        for clock in clocks
        if level(clock, now) is not Level.FINE
    ]
    return tuple(sorted(found, key=lambda one: (-one.level, one.clock.due, one.clock.kind, one.clock.unit)))


def crossing_id(order_id: str, clock: Clock, level: Level) -> str:
    """Name a crossing: order, clock with its beginning and end, and level."""
    moment = clock.near_at if level is Level.NEAR else clock.due
    return f"{order_id}:{clock.kind}:{clock.started:.3f}:{moment:.3f}:{level.name.lower()}:{clock.unit}"


@dataclass(slots=True)
class _Watched:
    """An order's running clocks, and how many of their moments lie in the heap."""

    put: int  # which put it was: entries of an older one do not count
    clocks: tuple[Clock, ...]
    told: set[str]  # ids that are not told again
    waiting: int = 0


class ClockWatch:
    """The next moments of all orders' clocks: of each clock, one lies in the heap."""

    def __init__(self) -> None:
        self._heap: list[
            tuple[float, int, int, str, int]
        ] = []  # moment, level, put, order, place of the clock
        self._orders: dict[str, _Watched] = {}
        self._puts = 0
        self._live = 0  # entries of the heap that count

    def __len__(self) -> int:
        """How many orders are watched."""
        return len(self._orders)

    def put(self, order_id: str, clocks: Iterable[Clock], told: Collection[str] = ()) -> None:
        """Watch these clocks of an order in the place of those that it had.

        `told` are ids of crossings that are not told again; what this watch has told it knows until `drop`.
        """
        before = self._orders.get(order_id)
        known = before.told if before is not None else set()
        known.update(told)
        self._live -= before.waiting if before is not None else 0
        self._puts += 1
        watched = _Watched(self._puts, tuple(clock for clock in clocks if clock.running), known)
        self._orders[order_id] = watched
        for place in range(len(watched.clocks)):
            self._push(order_id, watched, place, Level.FINE)
        self._compact()

    def drop(self, order_id: str) -> None:
        """Forget an order that is done."""
        before = self._orders.pop(order_id, None)
        self._live -= before.waiting if before is not None else 0
        self._compact()

    def untold(self, found: Iterable[Crossing]) -> None:
        """Take crossings back that could not be told: the next look finds them again."""
        ids: dict[str, set[str]] = {}
        for one in found:
            ids.setdefault(one.order_id, set()).add(one.crossing_id)
        for order_id, names in ids.items():
            watched = self._orders.get(order_id)
            if watched is not None:
                watched.told -= names
                self.put(order_id, watched.clocks)

    def next_at(self) -> float | None:
        """The next moment at which something is crossed; None when nothing is to come."""
        while self._heap and not self._counts(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def crossed(self, now: float) -> tuple[Crossing, ...]:
        """What has been crossed up to `now` and was not told before, in the order of time."""
        found: list[Crossing] = []
        while (moment := self.next_at()) is not None and moment <= now:
            _, reached, _, order_id, place = heapq.heappop(self._heap)
            watched = self._orders[order_id]
            clock, reached = watched.clocks[place], Level(reached)
            name = crossing_id(order_id, clock, reached)
            watched.told.add(name)
            watched.waiting -= 1
            self._live -= 1
            found.append(Crossing(crossing_id=name, order_id=order_id, clock=clock, level=reached, at=moment))
            self._push(order_id, watched, place, reached)
        return _marked(found)

    def _push(self, order_id: str, watched: _Watched, place: int, above: Level) -> None:
        """Wait for the next level above this one that was not told yet."""
        clock = watched.clocks[place]
        for reached, moment in (
            (Level.NEAR, clock.near_at),
            (Level.LATE, clock.due),
            (Level.GRAVE, grave_at(clock)),
        ):
            if reached > above and not (
                watched.told and crossing_id(order_id, clock, reached) in watched.told
            ):
                heapq.heappush(self._heap, (moment, reached, watched.put, order_id, place))
                watched.waiting += 1
                self._live += 1
                return

    def _counts(self, entry: tuple[float, int, int, str, int]) -> bool:
        watched = self._orders.get(entry[3])
        return watched is not None and watched.put == entry[2]

    def _compact(self) -> None:
        """Throw replaced moments away before they are most of the heap."""
        if len(self._heap) > 2 * self._live + _SLACK:
            self._heap = [entry for entry in self._heap if self._counts(entry)]
            heapq.heapify(self._heap)


def _marked(found: Sequence[Crossing]) -> tuple[Crossing, ...]:
    """Mark those above which a higher level of the same clock was crossed, too."""
    highest: dict[tuple[str, ClockKind, str], Level] = {}
    for one in found:
        key = (one.order_id, one.clock.kind, one.clock.unit)
        highest[key] = max(one.level, highest.get(key, one.level))
    return tuple(
        replace(one, overtaken=one.level < highest[one.order_id, one.clock.kind, one.clock.unit])
        for one in found
    )
