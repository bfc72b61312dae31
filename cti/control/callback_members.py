"""Which servers live, so that the call-backs of one that is gone are taken over by whoever leads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

__all__ = ["Alone", "Members", "RedisMembers"]

log = logging.getLogger(__name__)

LIFE_S = 15
"""A server that has said nothing for so long is gone."""
DEADLINE_S = 1.0


class Members(Protocol):
    """The servers of this hotline."""

    def leads(self) -> bool:
        """Whether this one takes over what servers that are gone have left."""

    def alive(self) -> frozenset[str] | None:
        """Names of those that live, this one included; None when nobody knows."""

    async def beat(self) -> None:
        """Give a sign of life, and see who else does."""


class Alone:
    """The only server there is."""

    def __init__(self, server: str) -> None:
        self._alive = frozenset({server})

    def leads(self) -> bool:
        """Yes."""
        return True

    def alive(self) -> frozenset[str] | None:
        """This one."""
        return self._alive

    async def beat(self) -> None:
        """There is nobody to tell."""


class RedisMembers:
    """Signs of life as keys `{prefix}alive:<server>` that expire."""

    def __init__(self, redis: Redis, prefix: str, server: str, *, leads: Callable[[], bool]) -> None:
        self._redis = redis
        self._key = f"{prefix}alive:"
        self._server = server
        self._alive: frozenset[str] | None = None
        self._beats = 0
        self.leads = leads

    def alive(self) -> frozenset[str] | None:
        """Names of those that live; None until a whole lifetime has been watched, or while Redis is away."""
        return self._alive

    async def beat(self) -> None:
        """Give a sign of life, and see who else does."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._redis.set(f"{self._key}{self._server}", "1", ex=LIFE_S)
                found = [key async for key in self._redis.scan_iter(match=f"{self._key}*", count=1000)]
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("signs of life not exchanged", extra={"reason": type(error).__name__})
            self._alive = None
            self._beats = 0
            return
        self._beats += 1
        names = frozenset(key.decode(errors="replace").removeprefix(self._key) for key in found)
        # after a start, or an outage, the others may not have said anything yet
        self._alive = names | {self._server} if self._beats > 1 else None
