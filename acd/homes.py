"""Each queue's callers in order of place, whichever lines they stand in: places, and how long the line is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sortedcontainers import SortedList

from acd.estimate import HandlingTimes
from acd.messages import PlaceChanged
from acd.policy import QueuePolicy, RelaxStep
from acd.wait_errors import WaitErrors
from acd.waiting import Call, Place

LOOSE_WAIT_S = 15.0
"""An expected wait is told again when it moved by more than this, or the place changed."""


class Home:
    """All callers of one queue who wait and do not ring."""

    __slots__ = ("_short", "early", "places", "queue")

    def __init__(self, queue: QueuePolicy) -> None:
        self.queue = queue
        self.places: SortedList[Place] = SortedList()
        self.early = max(
            (number for number, step in enumerate(queue.relax, 1) if _depends(step) and step.centre is None),
            default=0,
        )  # the last step that a long line brings earlier
        self._short: dict[str, Call] = {}  # calls that have not taken that one

    def add(self, call: Call) -> None:
        """A caller joins or comes back."""
        self.places.add(call.place)
        if self.early:
            self.stepped(call)

    def remove(self, call: Call) -> None:
        """A caller leaves or is offered."""
        self.places.remove(call.place)
        if self.early:
            self._short.pop(call.call_id, None)

    def stepped(self, call: Call) -> None:
        """A caller has taken steps."""
        if call.step < self.early:
            self._short[call.call_id] = call
        else:
            self._short.pop(call.call_id, None)

    def overdue(self, times: HandlingTimes, serving: int) -> list[tuple[Call, int]]:
        """Calls that the line's length brings steps forward for, in order, with the steps they now have."""
        if not self._short:
            return []
        length = len(self.places)
        brought = 0
        for number, step in enumerate(self.queue.relax[: self.early], 1):
            if _is_long(step, length, times.wait_s(self.queue.name, length, serving)):
                brought = number
        found = [call for call in self._short.values() if call.step < brought]
        return [(call, brought) for call in sorted(found, key=lambda call: call.place)]

    def turned_away(self, call: Call, place: PlaceChanged) -> str | None:
        """The other centre's number, when the line is too long for this caller, who has just joined."""
        if not self.queue.relax or call.callback:
            return None
        last = self.queue.relax[-1]
        return last.centre if _is_long(last, place.place, place.expected_wait_s) else None


class Homes:
    """Every queue's callers, and what they are told about their place."""

    __slots__ = ("_homes", "_times", "errors")

    def __init__(self, queues: Mapping[str, QueuePolicy], times: HandlingTimes) -> None:
        self._homes = {name: Home(queue) for name, queue in queues.items()}
        self._times = times
        self.errors = WaitErrors()  # how far expected waits were off

    def __iter__(self) -> Iterator[Home]:
        return iter(self._homes.values())

    def of(self, call: Call) -> Home:
        """The home of this call's queue."""
        return self._homes[call.queue.name]

    def place_of(self, call: Call) -> PlaceChanged:
        """Where the call stands now, and how long it will probably wait."""
        return self._told(call, self.of(call).places.bisect_left(call.place) + 1)

    def began(self, call: Call, place: PlaceChanged, now: float) -> None:
        """The call waits from now on; what is expected will be compared with what comes."""
        self.errors.began(call.call_id, call.queue.name, self._expected(call, place.place), now)

    def changed(self, calls: Mapping[str, Call]) -> Iterator[PlaceChanged]:
        """What every waiting call should be told whose place or expected wait is not as it was told last."""
        for home in self._homes.values():
            for number, (_, call_id) in enumerate(home.places, 1):
                call = calls[call_id]
                place = self._told(call, number)
                if number != call.told_place or _differ(place.expected_wait_s, call.told_wait_s):
                    yield call.told(place)

    def _told(self, call: Call, place: int) -> PlaceChanged:
        estimate = self.errors.estimate(call.queue.name, self._expected(call, place))
        if estimate is None:
            return PlaceChanged(call_id=call.call_id, place=place)
        return PlaceChanged(
            call_id=call.call_id,
            place=place,
            expected_wait_s=estimate.expected_s,
            low_s=estimate.low_s,
            high_s=estimate.high_s,
            helps=estimate.helps,
        )

    def _expected(self, call: Call, place: int) -> float | None:
        """Seconds, before past errors correct them."""
        return self._times.wait_s(call.queue.name, place, call.base.serving if call.base else 0)


def _depends(step: RelaxStep) -> bool:
    return step.when_waiting_over is not None or step.when_expected_over_s is not None


def _is_long(step: RelaxStep, length: int, wait_s: float | None) -> bool:
    """True when a line of this length, or with this wait at its end, brings the step at once."""
    if step.when_waiting_over is not None and length > step.when_waiting_over:
        return True
    return wait_s is not None and step.when_expected_over_s is not None and wait_s > step.when_expected_over_s


def _differ(wait_s: float | None, told_s: float | None) -> bool:
    if wait_s is None or told_s is None:
        return wait_s is not told_s
    return abs(wait_s - told_s) > LOOSE_WAIT_S
