"""One worker: listens for taps, has them recognised on its threads, tells what was said and how it fares."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.exceptions import RedisError

from asr.bus import WorkerCounters
from asr.crew import Crew, CrewCounters
from asr.listener import Limits, Listener, ListenerCounters, Resolve, Sink
from asr.messages import TapAnnounced, TranscriptMessage, WorkerState
from asr.publisher import Publisher, Write
from asr.recogniser import Recognisers
from asr.text_reader import Reader

log = logging.getLogger(__name__)

Register = Callable[[WorkerState, WorkerCounters], Awaitable[None]]
"""Writes a heartbeat; raises RedisError or OSError when the live state is away."""
Unregister = Callable[[str], Awaitable[None]]
"""Takes this worker out of the list; raises the same."""

HEARTBEAT_S = 1.0
LOOK_S = 0.1
"""Legs that went quiet are looked for this often."""
UNSEEN_S = 5.0
"""A tap may still be announced to a worker so long after it told that it takes no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How one worker listens and works."""

    host: str = "127.0.0.1"  # address to listen on
    advertise: str = ""  # address that Asterisk is told; empty: the same
    port: int = 0  # 0: the system chooses
    threads: int = 2  # recognition threads
    capacity: int = 16  # legs at once
    first_frame_s: float = 5.0  # time for a connection to name its tap
    max_backlog_s: float = 15.0  # audio a leg may have waiting
    drain_s: float = 5.0  # how long a stop waits for the last sentences


class Worker:
    """One worker process, without the process: everything outside is injected."""

    def __init__(
        self,
        settings: WorkerSettings,
        recognisers: Recognisers | None,
        *,
        resolve: Resolve,
        write: Write,
        register: Register,
        unregister: Unregister,
        reason: str = "",
        reader: Reader | None = None,
        worker_id: str = "",
    ) -> None:
        """Serve with `recognisers`; with None there are no captions and `reason` says why (Chinese)."""
        self.worker_id = worker_id or f"{socket.gethostname()}:{os.getpid()}"
        self.port = 0  # the real one, once started; 0 without captions
        self._settings = settings
        self._recognisers = recognisers
        self._reason = reason
        self._reader = reader
        self._resolve = resolve
        self._register = register
        self._unregister = unregister
        self._publisher = Publisher(write)
        self._crew: Crew | None = None
        self._listener: Listener | None = None
        self._changed = asyncio.Event()
        self._beat: asyncio.Task[None] | None = None
        self._registered = True
        self._empty_since: float | None = None  # monotonic seconds, while it retires

    async def start(self) -> None:
        """Listen and announce this worker.

        Raises:
            OSError: the address cannot be had.
        """
        settings = self._settings
        if self._recognisers is not None:
            loop = asyncio.get_running_loop()

            def publish(messages: list[TranscriptMessage]) -> None:
                loop.call_soon_threadsafe(self._publisher.put, messages)

            self._crew = Crew(
                self._recognisers,
                publish,
                threads=settings.threads,
                max_backlog_s=settings.max_backlog_s,
                reader=self._reader,
            )
            limits = Limits(taps=settings.capacity, first_frame_s=settings.first_frame_s)
            self._listener = Listener(self._resolve, self._open, limits)
            self.port = await self._listener.start(settings.host, settings.port)
        self._publisher.start()
        self._beat = asyncio.get_running_loop().create_task(self._heartbeat())
        log.info("asr worker started", extra={"worker": self.worker_id, "port": self.port})

    async def stop(self) -> None:
        """Leave the list, end the taps, tell their last sentences, stop."""
        if self._beat is not None:
            self._beat.cancel()
            await asyncio.gather(self._beat, return_exceptions=True)
        try:
            async with asyncio.timeout(1.0):
                await self._unregister(self.worker_id)
        except (RedisError, OSError) as error:  # its heartbeat expires
            log.warning("worker could not leave the list", extra={"error": type(error).__name__})
        if self._listener is not None:
            await self._listener.stop()
        if self._crew is not None:
            finished = await asyncio.to_thread(self._crew.close, self._settings.drain_s)
            if not finished:
                log.error("sentences were still being recognised at the end")
        await asyncio.sleep(0)  # what the threads handed over last
        await self._publisher.stop(2.0)
        log.info("asr worker stopped", extra={"worker": self.worker_id})

    def retire(self) -> None:
        """Take no more taps; those that there are stay until they hang up."""
        if self._empty_since is None:
            self._empty_since = time.monotonic()
            self._changed.set()
            log.info("asr worker retires", extra={"worker": self.worker_id, "taps": self._taps()})

    def retired(self) -> bool:
        """Whether it retires and has nothing left to do."""
        if self._empty_since is None:
            return False
        now = time.monotonic()
        if self._taps():
            self._empty_since = now
        return now - self._empty_since > UNSEEN_S

    def _taps(self) -> int:
        return self._listener.taps if self._listener is not None else 0

    def state(self, now: float) -> WorkerState:
        """Return the heartbeat of this moment (epoch seconds)."""
        settings = self._settings
        room = settings.capacity if self._empty_since is None else self._taps()
        return WorkerState(
            worker_id=self.worker_id,
            host=settings.advertise or settings.host,
            port=self.port,
            taps=self._taps(),
            capacity=room if self._listener is not None else 0,
            captions=self._listener is not None,
            reason=self._reason,
            at=now,
        )

    def counted(self) -> WorkerCounters:
        """Return what this worker has done so far."""
        crew = self._crew.counters() if self._crew is not None else CrewCounters()
        listener = self._listener.counters if self._listener is not None else ListenerCounters()
        return WorkerCounters(
            worker_id=self.worker_id,
            taps=listener.taps,
            refused=listener.refused,
            frame_errors=listener.frame_errors,
            heard_s=crew.heard_s,
            speech_s=crew.speech_s,
            dropped_s=crew.dropped_s,
            decode_s=crew.decode_s,
            partials=self._publisher.partials,
            finals=self._publisher.finals,
            unpublished=self._publisher.lost,
            errors=crew.errors,
        )

    def _open(self, tap: TapAnnounced) -> Sink:
        if self._crew is None:
            raise RuntimeError("a worker without a model takes no taps")
        self._changed.set()
        return self._crew.open(tap)

    async def _heartbeat(self) -> None:
        """Write a heartbeat every second and soon after a tap began; look for legs that went quiet."""
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._register(self.state(time.time()), self.counted())
                if not self._registered:
                    log.info("live state is back")
                self._registered = True
            except (RedisError, OSError) as error:
                if self._registered:
                    log.warning("heartbeat not written", extra={"error": type(error).__name__})
                self._registered = False
            due = asyncio.get_running_loop().time() + HEARTBEAT_S
            while (left := due - asyncio.get_running_loop().time()) > 0:
                if self._crew is not None:
                    self._crew.look(time.time())
                try:
                    async with asyncio.timeout(min(left, LOOK_S)):
                        await self._changed.wait()
                except TimeoutError:
                    continue
                self._changed.clear()
                break
