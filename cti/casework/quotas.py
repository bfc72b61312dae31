"""How often somebody may ask, by address or number, on one server."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Quota"]

MOST = 50_000


class Quota:
    """Lets `burst` pass at once and `per_s` a second in the long run, for each key."""

    def __init__(self, *, per_s: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}  # key -> what is left, as of when

    def has(self, key: str) -> bool:
        """Whether one more would pass."""
        return self._now(key) >= 1.0

    def take(self, key: str) -> bool:
        """Count one; False when it does not pass."""
        left = self._now(key)
        if left < 1.0:
            return False
        if key not in self._left and len(self._left) >= MOST:
            self._left.clear()  # a flood of keys: better a moment without quotas than nobody served at all
        self._left[key] = (left - 1.0, self._clock())
        return True

    def _now(self, key: str) -> float:
        now = self._clock()
        left, since = self._left.get(key, (self._burst, now))
        return min(self._burst, left + max(0.0, now - since) * self._per_s)
