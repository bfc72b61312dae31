"""Keys that a citizen pressed, each exactly once and in order, from two witnesses. Pure.

AGI tells of a key only when a command was waiting for one; what is pressed between two commands it loses.
AMI tells of every key, a moment earlier or later, and of none while its link is down. So a key is kept when
AMI tells it, and one that AGI returns is only matched with those; if AMI stays silent about it, it is kept
after all, and AMI's late word of it is then passed over.
"""

from __future__ import annotations

from collections import deque

ALL_KEYS = "0123456789*#"
MOST_KEPT = 32
"""Keys kept that nobody has asked for yet; more are a flood, and the newest are dropped."""

NEWS_S = 3.0
"""What one witness told is matched with what the other tells within this time."""


class Keys:
    """One channel's keys. Times are seconds on any steady clock."""

    def __init__(self) -> None:
        self._kept: deque[str] = deque()
        self._told: deque[tuple[str, float]] = deque(maxlen=MOST_KEPT)  # by AMI, not returned by AGI (yet)
        self._owed: deque[tuple[str, float]] = deque(maxlen=MOST_KEPT)  # by AGI, not told by AMI (yet)
        self._ignored: tuple[str, float] = ("", 0.0)
        self.dropped = 0  # beyond the limit

    def __bool__(self) -> bool:
        """Whether a key is kept."""
        return bool(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def told(self, key: str, now: float) -> bool:
        """AMI says that a key was pressed; True when it is a new one."""
        if key not in ALL_KEYS or len(key) != 1:
            return False
        if _match(self._owed, key, now):
            return False
        self._told.append((key, now))
        self._keep(key, now)
        return True

    def returned(self, key: str, now: float) -> bool:
        """AGI returned a key; True when AMI has told of it. Otherwise wait a little and call `owe`."""
        return _match(self._told, key, now)

    def owe(self, key: str, now: float) -> None:
        """AMI has not told in time of a key that AGI returned: keep it now."""
        if _match(self._told, key, now):
            return
        self._owed.append((key, now))
        self._keep(key, now)

    def take(self) -> str | None:
        """Return the oldest key, which is then used up; None when there is none."""
        return self._kept.popleft() if self._kept else None

    def take_one_of(self, wanted: tuple[str, ...] | str) -> str | None:
        """Return the oldest key that is one of these; those before it mean nothing and are forgotten."""
        while self._kept:
            key = self._kept.popleft()
            if key in wanted:
                return key
        return None

    def clear(self) -> None:
        """Forget what was pressed so far: it was not meant for what comes now."""
        self._kept.clear()
        self._ignored = ("", 0.0)

    def ignore(self, key: str, until: float) -> None:
        """Pass this key over if it is the next one: who has typed all the digits often ends them, too."""
        if self._kept and self._kept[0] == key:
            self._kept.popleft()
        elif not self._kept:
            self._ignored = (key, until)

    def _keep(self, key: str, now: float) -> None:
        (ignored, until), self._ignored = self._ignored, ("", 0.0)
        if key == ignored and now <= until:
            return
        if len(self._kept) < MOST_KEPT:
            self._kept.append(key)
        else:
            self.dropped += 1


def _match(witnessed: deque[tuple[str, float]], key: str, now: float) -> bool:
    """Take the oldest witness of this key out, if there is a fresh one."""
    while witnessed and now - witnessed[0][1] > NEWS_S:
        witnessed.popleft()
    for entry in witnessed:
        if entry[0] == key:
            witnessed.remove(entry)
            return True
    return False
