"""What waits to be written to the live state: bounded, in order, and alive while the live state is away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from redis.exceptions import RedisError

from asr.messages import TranscriptFinal, TranscriptMessage, TranscriptPartial

log = logging.getLogger(__name__)

Write = Callable[[list[TranscriptMessage]], Awaitable[None]]
"""Writes messages in order; raises RedisError or OSError when the live state is away."""

BATCH = 200
RETRY_S = 2.0
WRITE_S = 5.0
"""A write that takes longer has failed: the live state hangs."""


class Publisher:
    """Takes messages on the event loop and writes them one batch after the other.

    While the live state is away partial results are forgotten and at most `limit` other messages are kept.
    A batch whose write failed half-way is written again: a reader may see a message twice, never lose one.
    """

    def __init__(self, write: Write, *, limit: int = 20_000) -> None:
        self.partials = 0  # written
        self.finals = 0  # written
        self.lost = 0  # finals and ends given up: more waited than the limit
        self._write = write
        self._limit = limit
        self._waiting: deque[TranscriptMessage] = deque()
        self._arrived = asyncio.Event()
        self._written = asyncio.Event()  # nothing waits
        self._written.set()
        self._away = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def put(self, messages: list[TranscriptMessage]) -> None:
        """Queue messages of one leg. Never blocks."""
        for message in messages:
            if isinstance(message, TranscriptPartial) and (self._away or len(self._waiting) >= BATCH):
                continue
            if len(self._waiting) >= self._limit:
                self._waiting.popleft()
                self.lost += 1
            self._waiting.append(message)
        if self._waiting:
            self._written.clear()
            self._arrived.set()

    async def stop(self, wait_s: float) -> None:
        """Write what waits, for at most `wait_s`, then stop."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._written.wait()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._waiting:
            self.lost += len(self._waiting)
            log.error("transcripts could not be written", extra={"messages": len(self._waiting)})

    async def _run(self) -> None:
        delay = 0.1
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]
                try:
                    async with asyncio.timeout(WRITE_S):
                        await self._write(batch)
                except (RedisError, OSError) as error:  # TimeoutError is an OSError
                    self._keep(batch, error)
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, RETRY_S)
                    continue
                except asyncio.CancelledError:
                    self._waiting.extendleft(reversed(batch))
                    raise
                delay = 0.1
                if self._away:
                    self._away = False
                    log.info("transcripts are written again")
                self.partials += sum(isinstance(message, TranscriptPartial) for message in batch)
                self.finals += sum(isinstance(message, TranscriptFinal) for message in batch)
            self._written.set()

    def _keep(self, batch: list[TranscriptMessage], error: Exception) -> None:
        if not self._away:
            self._away = True
            log.warning("transcripts cannot be written, keeping them", extra={"error": type(error).__name__})
        kept = [each for each in [*batch, *self._waiting] if not isinstance(each, TranscriptPartial)]
        surplus = max(len(kept) - self._limit, 0)
        self.lost += surplus
        self._waiting = deque(kept[surplus:])
