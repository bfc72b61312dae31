"""Who supervises at the other servers, as they say it. Pure: the clock is given."""

from __future__ import annotations

from collections.abc import Iterator

from cti.control.supervision_book import Supervising

__all__ = ["KEPT_S", "Elsewhere"]

KEPT_S = 6.0
"""What a server has said counts for so long; it says it again in much less."""


class Elsewhere:
    """The other servers' books; each of them tells the whole of its own."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[float, tuple[Supervising, ...]]] = {}  # server -> heard at, its book

    def __iter__(self) -> Iterator[Supervising]:
        return (one for _, book in tuple(self._told.values()) for one in book)

    def heard(self, server: str, book: tuple[Supervising, ...], now: float) -> None:
        """A server has said who supervises there."""
        self._told.pop(server, None)
        if book:
            self._told[server] = (now, book)

    def expired(self, now: float) -> tuple[Supervising, ...]:
        """Forget servers that have fallen silent; return whom nobody speaks of any more."""
        silent = [server for server, (at, _) in self._told.items() if now - at > KEPT_S]
        gone = [one for server in silent for one in self._told.pop(server)[1]]
        known = {one.spy_id for one in self}
        return tuple(one for one in gone if one.spy_id not in known)

    def by(self, login: str) -> Supervising | None:
        """What this supervisor is in, as was said last; or None."""
        return next((one for one in reversed(tuple(self)) if one.by == login), None)
