"""Answers kept for a day, so that a request that is repeated with its key changes nothing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.database import writing
from cti.errors import HotlineError
from cti.system_tables import idempotency_keys

__all__ = ["KEEP_S", "KeptAnswer", "KeptAnswers", "KeyInUse", "KeyReused", "hash_of"]

KEEP_S = 86400.0
STUCK_S = 120.0
"""A request that did not end within this time (its server died) may be made again."""
BODY_MAX = 256 * 1024
_BEING_DONE = 0


class KeyReused(HotlineError):
    """The key was used for a request with another body."""


class KeyInUse(HotlineError):
    """The same request is being worked on."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered the first time."""

    status: int
    body: str


def hash_of(*parts: str | bytes) -> str:
    """Return one hash of several parts, so that no two lists of parts have the same."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()


class KeptAnswers:
    """Begins, finishes and forgets requests with a key. SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    async def begin(self, key: str, request: str) -> KeptAnswer | None:
        """Return the answer of before, or None after taking the key: the caller does the work and finishes.

        Raises:
            KeyReused: the key belongs to another request.
            KeyInUse: the same request is being worked on.
        """
        now = self._clock()
        table = idempotency_keys
        async with writing(self._engine) as connection:
            await connection.execute(delete(table).where(table.c.at <= now - KEEP_S))
            row = (await connection.execute(select(table).where(table.c.key_hash == key))).one_or_none()
            if row is not None and row.request_hash != request:
                raise KeyReused("another request had this key")
            if row is not None and row.status != _BEING_DONE:
                return KeptAnswer(row.status, row.body)
            if row is not None and now - row.at < STUCK_S:
                raise KeyInUse("the request of this key is not answered yet")
            values = {"request_hash": request, "status": _BEING_DONE, "body": "", "at": now}
            try:
                if row is None:
                    await connection.execute(insert(table).values(key_hash=key, **values))
                else:
                    await connection.execute(update(table).where(table.c.key_hash == key).values(**values))
            except IntegrityError:
                raise KeyInUse("the request of this key has just come twice") from None
        return None

    async def finish(self, key: str, status: int, body: str) -> None:
        """Keep the answer."""
        table = idempotency_keys
        async with writing(self._engine) as connection:
            await connection.execute(
                update(table).where(table.c.key_hash == key).values(status=status, body=body[:BODY_MAX])
            )

    async def give_up(self, key: str) -> None:
        """Nothing was done: the key is free again."""
        table = idempotency_keys
        async with writing(self._engine) as connection:
            await connection.execute(
                delete(table).where(table.c.key_hash == key, table.c.status == _BEING_DONE)
            )
