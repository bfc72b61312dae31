"""How long a citizen will probably wait, from how long the last calls took.

With n agents who are all busy and take T seconds for a call (talk and wrap-up), a call leaves the line every
T/n seconds on average, so the citizen at place p waits about p·T/n (the M/M/n queue while all servers are
busy: departures at rate n/T). Agents who serve other queues too make it longer; callers who give up make it
shorter.
"""

from __future__ import annotations

from collections import deque

SAMPLES = 50
"""As many of the last calls count."""
ENOUGH = 5
"""With fewer there is no estimate."""


class HandlingTimes:
    """Seconds of talk and wrap-up of the last calls, by queue."""

    __slots__ = ("_queues",)

    def __init__(self) -> None:
        self._queues: dict[str, tuple[deque[float], list[float]]] = {}

    def add(self, queue: str, seconds: float) -> None:
        """A call was handled."""
        last, total = self._queues.setdefault(queue, (deque(), [0.0]))
        last.append(seconds)
        total[0] += seconds
        if len(last) > SAMPLES:
            total[0] -= last.popleft()

    def take_over(self, other: HandlingTimes) -> None:
        """Begin with what another one remembers."""
        for queue, (last, total) in other._queues.items():
            self._queues[queue] = deque(last), list(total)

    def mean_s(self, queue: str) -> float | None:
        """Mean of the last calls, or None while there are too few."""
        last, total = self._queues.get(queue, ((), (0.0,)))
        return max(0.0, total[0] / len(last)) if len(last) >= ENOUGH else None

    def wait_s(self, queue: str, place: int, serving: int) -> float | None:
        """Expected seconds until the caller at `place` (1 is next) is offered to one of `serving` agents."""
        mean = self.mean_s(queue)
        return None if mean is None or serving < 1 else place * mean / serving
