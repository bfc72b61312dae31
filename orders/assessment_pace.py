"""Working time between two moments, for very many pairs: the calendar is added up once. Pure."""

from __future__ import annotations

import datetime
from bisect import bisect_right

from orders.workdays import Workdays

__all__ = ["WorkedTime"]

DAY = datetime.timedelta(days=1)


class WorkedTime:
    """What `Workdays.between` says, within a span of days that was added up beforehand."""

    def __init__(self, days: Workdays, since: float, until: float) -> None:
        """Add up the working time from the day of `since` to that of `until` (epoch seconds)."""
        self._days = days
        first, last = days.date(since), days.date(until)
        self._since = days.instant(first, 0)
        self._until = days.instant(last + DAY, 0)
        self._begins: list[float] = []
        self._ends: list[float] = []
        self._before: list[float] = []
        total = 0.0
        for count in range((last - first).days + 1):
            for begin, end in days.spans(first + count * DAY):
                self._begins.append(begin)
                self._ends.append(end)
                self._before.append(total)
                total += end - begin

    def seconds(self, begin: float, end: float) -> float:
        """Seconds of working time from `begin` to `end`; 0 when `end` is not later."""
        if end <= begin:
            return 0.0
        if begin < self._since or end > self._until:
            return self._days.between(begin, end)
        return self._passed(end) - self._passed(begin)

    def _passed(self, at: float) -> float:
        place = bisect_right(self._begins, at) - 1
        if place < 0:
            return 0.0
        return self._before[place] + min(at, self._ends[place]) - self._begins[place]
