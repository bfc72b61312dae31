"""What every server shows of the same rows: looked up again and again, told when it became different.

Leaders and web requests write to the database; each server reads it, so that pages at all of them say the
same without a word between the servers. While the database is away, what was read last stands.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

T = TypeVar("T")

log = logging.getLogger(__name__)


class Shelf(Generic[T]):
    """Rows as they were read last."""

    def __init__(
        self,
        read: Callable[[], Awaitable[tuple[T, ...]]],
        changed: Callable[[tuple[T, ...], tuple[T, ...]], None] = lambda _before, _after: None,
    ) -> None:
        """`changed` is told the rows of before and those of now."""
        self._read = read
        self._changed = changed
        self.rows: tuple[T, ...] = ()
        self.known = False  # read at least once

    async def look(self) -> bool:
        """Read them now; False while the database is away."""
        try:
            rows = await self._read()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            if self.known:
                log.warning("shared rows cannot be read", extra={"reason": type(error).__name__})
            self.known = False
            return False
        self.known = True
        if rows != self.rows:
            before, self.rows = self.rows, rows
            self._changed(before, rows)
        return True
