"""When citizens are called back, how often, and who of them stands in line now. Pure, and data."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acd.errors import InvalidValue

if TYPE_CHECKING:
    from acd.callbacks import Callback

__all__ = ["CallbackPolicy"]

DAY_S = 86_400
CHINA = datetime.timezone(datetime.timedelta(hours=8))
"""One time for the whole country, without summer time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackPolicy:
    """What an administrator decides about call-backs. Seconds, unless said otherwise.

    Raises:
        InvalidValue: a value is out of bounds.
    """

    tries: int = 4  # dialled so often before it is given up
    waits_s: tuple[float, ...] = (
        300.0,
        1800.0,
        7200.0,
    )  # after the first, second … try; the last repeats
    failed_wait_s: float = 120.0  # after a failure of the network or ours
    failures: int = 20  # so many of those, and it is given up
    opens_s: float = 8 * 3600.0  # first second of the day at which citizens are called
    closes_s: float = 21 * 3600.0  # and the first one at which they are not any more
    asked_s: float = 1800.0  # who asked for it themselves is called for so long at any hour
    keep_s: float = 3 * 86_400.0  # older than this, it is given up
    automatic_behind_s: float = 900.0  # who did not ask stands so far behind; halved by a second call
    automatic_limit_s: float = 15.0  # nor in line at all while citizens on the line wait longer than this
    zone: datetime.tzinfo = CHINA  # of the calling hours

    def __post_init__(self) -> None:
        """Check every value."""
        bounds = (
            ("tries", self.tries, 1, 20),
            ("failed_wait_s", self.failed_wait_s, 1, DAY_S),
            ("failures", self.failures, 1, 1000),
            ("opens_s", self.opens_s, 0, DAY_S),
            ("closes_s", self.closes_s, 0, DAY_S),
            ("asked_s", self.asked_s, 0, DAY_S),
            ("keep_s", self.keep_s, 60, 60 * DAY_S),
            ("automatic_behind_s", self.automatic_behind_s, 0, DAY_S),
            ("automatic_limit_s", self.automatic_limit_s, 0, DAY_S),
            *(("waits_s", wait, 1, DAY_S) for wait in self.waits_s),
        )
        for key, value, least, most in bounds:
            if not least <= value <= most:
                raise InvalidValue(f"callbacks.{key}", value, f"give {least} to {most}")
        if not 1 <= len(self.waits_s) <= 20:
            raise InvalidValue("callbacks.waits_s", self.waits_s, "give 1 to 20 waits")
        if self.opens_s >= self.closes_s:
            raise InvalidValue(
                "callbacks.closes_s", self.closes_s, "close later than opens_s on the same day"
            )

    def again_at(self, now: float, tries: int, *, failed: bool) -> float:
        """When to try again after so many tries."""
        if failed:
            return now + self.failed_wait_s
        return now + self.waits_s[min(max(tries, 1), len(self.waits_s)) - 1]

    def next_hours(self, at: float) -> float:
        """The same time when it is in the calling hours, else the next one at which they begin."""
        local = datetime.datetime.fromtimestamp(at, self.zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        second = (local - midnight).total_seconds()
        if self.opens_s <= second < self.closes_s:
            return at
        day = midnight if second < self.opens_s else midnight + datetime.timedelta(days=1)
        return (day + datetime.timedelta(seconds=self.opens_s)).timestamp()

    def due_at(self, callback: Callback, now: float) -> float:
        """The earliest time from `now` on at which the citizen may be dialled."""
        at = max(now, callback.not_before or 0.0)
        asked = callback.asked_at is not None and at < callback.asked_at + self.asked_s
        return at if callback.urgent or asked else self.next_hours(at)

    def place(self, callback: Callback) -> float:
        """Since when the call-back counts as waiting in line.

        Who asked keeps the place. An abandoned or missed call stands behind, the less the more often the same
        citizen has tried; and since its place ages like any other, nobody waits for ever.
        """
        if not callback.automatic:
            return callback.since
        return callback.since + self.automatic_behind_s / callback.wishes

    def expires(self, callback: Callback, now: float) -> bool:
        """Whether the newest wish is too old."""
        return now >= callback.last_at + self.keep_s

    def stands(self, callback: Callback, now: float, longest_waiting_since: float | None) -> bool:
        """Whether a waiting call-back belongs in line now.

        `longest_waiting_since`: when the citizen on the line who waits longest in that queue began, None when
        nobody does. Automatic call-backs make way for those who wait too long, unless they stand before them.
        """
        if self.due_at(callback, now) > now:
            return False
        if not callback.automatic or longest_waiting_since is None:
            return True
        return (
            now - longest_waiting_since <= self.automatic_limit_s
            or self.place(callback) < longest_waiting_since
        )
