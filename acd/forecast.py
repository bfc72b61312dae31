"""How many calls to expect in each interval of a day: what the same weekdays of the past weeks brought. Pure.

The expected number is the mean over those days. One day alone says nothing about the next, so fewer than two
give no forecast at all. Intervals are those of `acd.demand`.
"""

from __future__ import annotations

from collections.abc import Sequence

from acd.demand import INTERVALS
from acd.errors import InvalidValue

__all__ = ["DAYS_LEAST", "DAYS_MOST", "expected"]

DAYS_LEAST = 2
DAYS_MOST = 8


def expected(days: Sequence[Sequence[int]]) -> tuple[float, ...] | None:
    """Return the calls to expect in each interval; None when too few days are known.

    `days`: calls by interval of earlier days of the same weekday, newest first; days without any call are
    days without records, and do not count. At most the newest eight are used.

    Raises:
        InvalidValue: a day has another number of intervals.
    """
    for day in days:
        if len(day) != INTERVALS:
            raise InvalidValue("day", len(day), f"give {INTERVALS} intervals")
    known = [day for day in days if any(day)][:DAYS_MOST]
    if len(known) < DAYS_LEAST:
        return None
    return tuple(sum(day[i] for day in known) / len(known) for i in range(INTERVALS))
