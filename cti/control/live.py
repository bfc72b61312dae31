"""Live calls in Redis, written behind call control's back: a Redis that is slow or gone delays no call."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from typing import cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from cti.call import Call
from cti.tasks import end

log = logging.getLogger(__name__)

DEADLINE_S = 2.0
FETCH_S = 0.5
"""A caller who was at another server waits no longer than this for what that one knew."""

STALE_S = 86_400.0
"""A call that has not changed for a day is over, though its server never came back to say so."""

RETRY_S = 0.5


class LiveCalls:
    """The hash `{prefix}calls`: call id -> Call as JSON.

    Only the newest version of a call waits to be written, so the backlog is never longer than the number
    of live calls; when Redis comes back, all of it is written.
    """

    def __init__(self, redis: Redis, prefix: str, *, server: str = "") -> None:
        """`server`: only calls that this server had last are its to load; "" loads all."""
        self._redis = redis
        self._server = server
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
        """Return every call that this server kept, and forget those that no server will ask for any more.

        Raises RedisError, TimeoutError or OSError when Redis is away.
        """
        async with asyncio.timeout(DEADLINE_S):
            kept = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(self._key))
        calls = []
        for key, value in kept.items():
            call = _read(key.decode(errors="replace"), value)
            if call is None:
                continue
            if self._server in ("", call.server):
                calls.append(call)
            elif call.state_since < time.time() - STALE_S:
                self.forget(call.call_id)
        return calls

    async def everywhere(self) -> list[Call]:
        """Return every kept call, whichever server has it. Raises RedisError, TimeoutError or OSError."""
        async with asyncio.timeout(DEADLINE_S):
            kept = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(self._key))
        calls = (_read(key.decode(errors="replace"), value) for key, value in kept.items())
        return [call for call in calls if call is not None]

    async def fetch(self, call_id: str) -> Call | None:
        """Return the call as its last server kept it; None when nobody did, or Redis does not answer."""
        try:
            async with asyncio.timeout(FETCH_S):
                value = await cast("Awaitable[bytes | None]", self._redis.hget(self._key, call_id))
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("kept call not fetched", extra={"call_id": call_id, "reason": type(error).__name__})
            return None
        return None if value is None else _read(call_id, value)

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


def _read(call_id: str, value: bytes) -> Call | None:
    try:
        return msgspec.json.decode(value, type=Call)
    except msgspec.MsgspecError:
        log.error("kept call cannot be read, left out", extra={"call_id": call_id})
        return None
