"""Audio taps: one per leg, each to an ASR worker with room."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from asr import bus
from asr.messages import Speaker, TapAnnounced, WorkerState
from cti.ami import AmiError, AmiLink, Originate
from cti.metrics import Metrics
from cti.tasks import end

log = logging.getLogger(__name__)

NO_WORKER = "没有转写进程在运行（hotline asr）"

LOOK_S = 1.0
"""How often the workers' heartbeats are read."""


class Taps:
    """Knows the ASR workers and connects legs to them."""

    def __init__(
        self,
        redis: Redis,
        *,
        prefix: str,
        enabled: bool,
        metrics: Metrics,
        on_change: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = redis
        self._prefix = prefix
        self._enabled = enabled
        self._metrics = metrics
        self._changed = on_change
        self._clock = clock
        self._workers: list[WorkerState] = []
        self._given: Counter[str] = Counter()  # taps announced since the last heartbeats were read
        self._task: asyncio.Task[None] | None = None

    @property
    def captions(self) -> bool:
        """Whether a leg could be transcribed now."""
        return self._enabled and any(worker.captions for worker in self._workers)

    @property
    def reason(self) -> str:
        """Why there are no captions, in words for an operator; "" when there are."""
        if self.captions:
            return ""
        if not self._enabled:
            return "实时转写已在设置中关闭（recognition.enabled = false）"
        if not self._workers:
            return NO_WORKER
        return next((worker.reason for worker in self._workers if worker.reason), "转写进程没有可用的模型")

    def start(self) -> None:
        """Begin to look for workers."""
        if self._enabled:
            self._task = asyncio.create_task(self._look(), name="asr-workers")

    async def stop(self) -> None:
        """Stop looking; taps that run go on."""
        await end(self._task)

    async def tap(
        self, link: AmiLink, *, call_id: str, uniqueid: str, speaker: Speaker, recording_started: float
    ) -> str | None:
        """Tap one leg (the channel with this unique id); return the tap's id, None when nobody has room."""
        worker = bus.pick_worker(self._workers, self._given) if self._enabled else None
        if worker is None:
            self._metrics.taps.labels(result="no_room" if self.captions else "no_captions").inc()
            return None
        self._given[worker.worker_id] += 1
        tap_id = str(uuid.uuid4())
        announced = TapAnnounced(
            tap_id=tap_id, call_id=call_id, speaker=speaker, recording_started=recording_started
        )
        try:
            async with asyncio.timeout(2.0):
                await bus.announce_tap(self._redis, announced, prefix=self._prefix)
            await link.originate(
                Originate(
                    channel=f"AudioSocket/{worker.host}:{worker.port}/{tap_id}/c(slin)",
                    application="ChanSpy",
                    data=f"{uniqueid},quoES",
                    timeout=5.0,
                )
            )
        except (RedisError, AmiError, OSError, TimeoutError) as error:
            self._metrics.taps.labels(result="failed").inc()
            log.warning("leg not tapped", extra={"call_id": call_id, "reason": type(error).__name__})
            return None
        self._metrics.taps.labels(result="started").inc()
        return tap_id

    async def _look(self) -> None:
        while True:
            before = (self.captions, self.reason)
            try:
                async with asyncio.timeout(2.0):
                    self._workers = await bus.workers(self._redis, prefix=self._prefix)
                self._given.clear()
            except (RedisError, OSError, TimeoutError):
                self._workers = []
            if (self.captions, self.reason) != before:
                self._changed()
            await asyncio.sleep(LOOK_S)
