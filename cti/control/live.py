"""Live calls in Redis, written behind call control's back: a Redis that is slow or gone delays no call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from cti.call import Call
from cti.tasks import end

log = logging.getLogger(__name__)

DEADLINE_S = 2.0
RETRY_S = 0.5


class LiveCalls:
    """The hash `{prefix}calls`: call id -> Call as JSON.

    Only the newest version of a call waits to be written, so the backlog is never longer than the number
    of live calls; when Redis comes back, all of it is written.
    """

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._key = f"{prefix}calls"
        self._dirty: dict[str, Call | None] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.healthy = True

    def save(self, call: Call) -> None:
        """Keep this version of the call."""
        self._dirty[call.call_id] = call
        self._wake.set()

    def forget(self, call_id: str) -> None:
        """The call is over."""
        self._dirty[call_id] = None
        self._wake.set()

    async def load(self) -> list[Call]:
        """Return every call that was kept. Raises RedisError, TimeoutError or OSError when Redis is away."""
        async with asyncio.timeout(DEADLINE_S):
            kept = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(self._key))
        calls = []
        for key, value in kept.items():
            try:
                calls.append(msgspec.json.decode(value, type=Call))
            except msgspec.MsgspecError:
                log.error(
                    "kept call cannot be read, left out", extra={"call_id": key.decode(errors="replace")}
                )
        return calls

    async def check(self) -> None:
        """Ask Redis whether it is there, so that an idle server notices too."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._redis.ping()
        except (RedisError, OSError, TimeoutError):
            self.healthy = False
        else:
            self.healthy = not self._dirty or self.healthy

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write(), name="live-calls")

    async def stop(self) -> None:
        """Write what is left, once, and stop."""
        await end(self._task)
        await self._flush()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not await self._flush():
                self._wake.set()
                await asyncio.sleep(RETRY_S)

    async def _flush(self) -> bool:
        batch, self._dirty = self._dirty, {}
        if not batch:
            return True
        try:
            async with asyncio.timeout(DEADLINE_S), self._redis.pipeline(transaction=False) as pipe:
                for call_id, call in batch.items():
                    if call is None:
                        pipe.hdel(self._key, call_id)
                    else:
                        pipe.hset(self._key, call_id, msgspec.json.encode(call))
                await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            if self.healthy:
                log.warning(
                    "live calls cannot be written, kept in memory", extra={"reason": type(error).__name__}
                )
            self.healthy = False
            self._dirty = batch | self._dirty
            return False
        self.healthy = True
        return True
