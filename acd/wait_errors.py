"""How wrong the expected waits were: from that, how far a new one can be trusted.

An estimate is compared with what then happened, as a ratio: seconds waited by seconds expected. The middle
of the last ratios corrects the next estimate, and the tenth and ninetieth percentile say between which two
values 80 % of such waits lay. A caller who gives up has waited at least so long: that counts only when it is
already longer than was expected, else nothing is known (a censored observation that says too little).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from sortedcontainers import SortedList

SAMPLES = 200
"""As many of a queue's last waits count."""
ENOUGH = 20
"""With fewer nothing is said about the error."""
LEAST_S = 5.0
"""Shorter expectations are not judged: half a second more would be a tenfold error that nobody minds."""
HELPS_FROM_S = 20.0
"""A shorter wait is not worth the words."""
SPREAD = 1.0
"""An announcement helps while high − low is at most this share of the expectation, or a minute."""
ALWAYS_FINE_S = 60.0
LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """An expected wait with its error."""

    expected_s: float  # corrected by what was seen
    low_s: float | None = None  # 80 % of such waits lay between these two; None: too few seen
    high_s: float | None = None
    helps: bool = False  # good enough, and long enough, to be announced


class WaitErrors:
    """The last waits of every queue, beside what was expected when they began."""

    __slots__ = ("_open", "_queues")

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, float, float]] = {}  # call -> queue, since, expected
        self._queues: dict[str, tuple[deque[float], SortedList[float]]] = {}

    def began(self, call_id: str, queue: str, expected_s: float | None, now: float) -> None:
        """A call joined a line with this (uncorrected) expectation; a call that is known keeps its first."""
        if expected_s is not None and expected_s >= LEAST_S:
            self._open.setdefault(call_id, (queue, now, expected_s))

    def offered(self, call_id: str, now: float) -> None:
        """The wait is over: somebody's phone rings."""
        found = self._open.pop(call_id, None)
        if found is not None:
            queue, since, expected_s = found
            self._add(queue, max(0.0, now - since) / expected_s)

    def left(self, call_id: str, now: float) -> None:
        """The caller gave up, or went elsewhere."""
        found = self._open.pop(call_id, None)
        if found is not None:
            queue, since, expected_s = found
            if now - since > expected_s:
                self._add(queue, (now - since) / expected_s)

    def take_over(self, other: WaitErrors) -> None:
        """Begin with what another one remembers."""
        self._open = dict(other._open)
        self._queues = {
            queue: (deque(last), ordered.copy()) for queue, (last, ordered) in other._queues.items()
        }

    def estimate(self, queue: str, expected_s: float | None) -> Estimate | None:
        """Correct an expectation (p·T/n, see acd.estimate) and say its error; None when there is none."""
        if expected_s is None or not math.isfinite(expected_s):
            return None
        _, ratios = self._queues.get(queue, ((), ()))
        if len(ratios) < ENOUGH:
            return Estimate(expected_s=expected_s)
        low, middle, high = (expected_s * _rank(ratios, share) for share in (LOW, MIDDLE, HIGH))
        narrow = high - low <= max(ALWAYS_FINE_S, SPREAD * middle)
        return Estimate(expected_s=middle, low_s=low, high_s=high, helps=narrow and middle >= HELPS_FROM_S)

    def _add(self, queue: str, ratio: float) -> None:
        last, ordered = self._queues.setdefault(queue, (deque(), SortedList()))
        last.append(ratio)
        ordered.add(ratio)
        if len(last) > SAMPLES:
            ordered.remove(last.popleft())


def _rank(ordered: SortedList[float] | tuple[()], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    return float(ordered[max(0, math.ceil(share * len(ordered)) - 1)])
