"""Audio taps: one per leg, each to an ASR worker with room."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from asr import bus
from asr.messages import Speaker, TapAnnounced, WorkerState
from cti.ami import AmiError, AmiEvent, AmiLink, Originate
from cti.metrics import Metrics
from cti.tasks import end

log = logging.getLogger(__name__)

NO_WORKER = "没有转写进程在运行（hotline asr）"

LOOK_S = 1.0
"""How often the workers' heartbeats are read."""


CONNECT_S = 5.0
"""A tap whose channel Asterisk has not told of by then has come to nothing."""


@dataclass(slots=True)
class _Tap:
    """One tap that was asked for."""

    tap_id: str  # also the unique id of its channel
    call_id: str
    uniqueid: str  # of the tapped channel
    asked: float  # by the clock
    there: bool = False  # Asterisk has told of its channel


class Taps:
    """Knows the ASR workers and connects legs to them, each at most once at a time."""

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
        self._legs: dict[str, _Tap] = {}  # by the tapped channel's unique id
        self._ids: dict[str, _Tap] = {}  # by the tap's id
        self.on_ended: Callable[[str, str], None] = lambda call_id, tap_id: None

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
        """Tap one leg (the channel with this unique id); return the tap's id, None when nobody has room.

        A leg that is tapped already stays so: its tap's id is returned.
        """
        if (running := self.on(uniqueid)) is not None:
            return running
        worker = bus.pick_worker(self._workers, self._given) if self._enabled else None
        if worker is None:
            self._metrics.taps.labels(result="no_room" if self.captions else "no_captions").inc()
            return None
        self._given[worker.worker_id] += 1
        tap_id = str(uuid.uuid4())
        self._remember(_Tap(tap_id, call_id, uniqueid, self._clock()))
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
                    timeout=CONNECT_S,
                    channel_id=tap_id,
                )
            )
        except (RedisError, AmiError, OSError, TimeoutError) as error:
            self._metrics.taps.labels(result="failed").inc()
            self.forget(tap_id)
            log.warning("leg not tapped", extra={"call_id": call_id, "reason": type(error).__name__})
            return None
        self._metrics.taps.labels(result="started").inc()
        return tap_id

    def on(self, uniqueid: str) -> str | None:
        """Id of the tap that this leg has, None when it has none."""
        tap = self._legs.get(uniqueid)
        if tap is None or (not tap.there and self._clock() > tap.asked + CONNECT_S):
            return None
        return tap.tap_id

    def adopt(self, tap_id: str, *, call_id: str, uniqueid: str) -> None:
        """A tap that a server of before made of this leg is still running."""
        self._remember(_Tap(tap_id, call_id, uniqueid, self._clock(), there=True))

    def forget(self, tap_id: str) -> None:
        """The tap is over."""
        tap = self._ids.pop(tap_id, None)
        if tap is not None and self._legs.get(tap.uniqueid) is tap:
            del self._legs[tap.uniqueid]

    def take(self, event: AmiEvent) -> None:
        """One AMI event: a tap's channel is there, or gone, or the channel that it listened to is gone."""
        uniqueid = event.get("Uniqueid")
        if event.name == "Newchannel" and uniqueid in self._ids:
            self._ids[uniqueid].there = True
        elif event.name == "Hangup":
            tap = self._ids.get(uniqueid) or self._legs.get(uniqueid)
            if tap is not None:
                self.forget(tap.tap_id)
                self.on_ended(tap.call_id, tap.tap_id)

    def _remember(self, tap: _Tap) -> None:
        if (before := self._legs.get(tap.uniqueid)) is not None:
            self.forget(before.tap_id)
        self._legs[tap.uniqueid] = self._ids[tap.tap_id] = tap

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
