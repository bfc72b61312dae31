"""`hotline asr`: loads the model once, forks the workers that share it, and keeps them alive."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import uvloop
from redis.asyncio import Redis

from asr import bus
from asr.errors import AsrError
from asr.loaded import WARM, Loaded, capacity, load, prepare
from asr.messages import TranscriptMessage
from asr.model import FoundModel
from asr.renewal import Renewal
from asr.settings import AsrSettings
from asr.wav_file import read_wav
from asr.worker import Worker, WorkerSettings

log = logging.getLogger(__name__)

CANNOT_LISTEN = 2
"""Exit status when an AudioSocket address cannot be had."""

_FIRST_DELAY_S, _LAST_DELAY_S, _SOUND_S = 0.2, 30.0, 60.0
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
_LOOK_S = 1.0
_RETIRE_S = 900.0
"""How long a worker with the model of before may stay with its legs; then they go to another one."""
_APART_S = 5.0
"""Between two workers that are replaced on the same port, so that not all are away at once."""


@dataclass(slots=True)
class _Child:
    """One worker process and when it may be started again."""

    index: int
    pid: int = 0  # 0: not running
    started: float = 0.0  # monotonic seconds
    due: float = 0.0  # monotonic seconds at which to start it
    delay: float = _FIRST_DELAY_S
    replaced: bool = False  # told to stop, to be started again at once with another model


@dataclass(slots=True)
class _Workers:
    """The processes, and those that are on their way out."""

    now: list[_Child]
    before: list[_Child] = field(default_factory=list)  # with another model, until their legs hang up
    due: list[_Child] = field(default_factory=list)  # of `now`, still to be replaced on their own port

    def all(self) -> list[_Child]:
        return [*self.now, *self.before]


def run(
    settings: AsrSettings,
    *,
    progress: Callable[[str], None] | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status: 0, or 2 when an address cannot be had.

    Without a model the workers run all the same and say so. `progress` is told the steps of fetching a model.
    A model that is adapted, composed or put back meanwhile is taken up: new workers get it, those of before
    finish their legs.
    Must run on the main thread of a process that has no other thread and no event loop, since it forks.
    """
    loaded = prepare(settings, progress)
    cores = len(os.sched_getaffinity(0))
    workers = _Workers([_Child(index) for index in range(settings.processes or cores)])
    supervisor = os.getpid()

    def work(index: int) -> int:
        return _work(settings, index, loaded, supervisor)

    def take_up(found: FoundModel) -> bool:
        nonlocal loaded
        try:
            loaded = load(settings, found)
        except AsrError as error:  # the one in use goes on
            log.error("the other model cannot be loaded", extra={"error": str(error)})
            return False
        return True

    renewal = Renewal(settings, loaded.path, WARM)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        return _supervise(settings, workers, work, renewal, take_up)
    finally:
        renewal.stop()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _supervise(
    settings: AsrSettings,
    workers: _Workers,
    work: Callable[[int], int],
    renewal: Renewal,
    take_up: Callable[[FoundModel], bool],
) -> int:
    """Start the children, start those again that die, give them another model, until told to stop."""
    parent = os.getpid()
    while True:
        now = time.monotonic()
        if (found := renewal.look(now)) is not None and take_up(found):
            _replace(workers, own_ports=settings.port > 0, now=now)
        for child in workers.now:
            if child.pid == 0 and child.due <= now:
                child.pid, child.started = _fork(child.index, work, parent), now
        _part(workers, now)
        waiting = [child.due - now for child in workers.now if child.pid == 0]
        caught = signal.sigtimedwait(_SIGNALS, max(min(waiting, default=_LOOK_S), 0.01))
        if caught is not None and caught.si_signo != signal.SIGCHLD:
            log.info("asr stops", extra={"signal": caught.si_signo})
            _stop(workers.all(), settings.drain_s + 5.0)
            return 0
        for child in workers.now:
            status = _ended(child)
            if status is None:
                continue
            if status == CANNOT_LISTEN:
                _stop(workers.all(), settings.drain_s + 5.0)
                return CANNOT_LISTEN
            now = time.monotonic()
            if child.replaced:
                child.replaced, child.due = False, now
                continue
            sound = now - child.started > _SOUND_S
            child.delay = _FIRST_DELAY_S if sound else min(child.delay * 2, _LAST_DELAY_S)
            child.due = now + child.delay
            log.error("asr worker died", extra={"status": status, "again_in_s": child.delay})
        workers.before = [child for child in workers.before if _ended(child) is None and child.pid]


def _replace(workers: _Workers, *, own_ports: bool, now: float) -> None:
    """Have all workers replaced: beside new ones until their legs hang up, or one by one on their ports."""
    if own_ports:
        workers.due = list(workers.now)
        return
    for child in workers.now:
        if child.pid:
            os.kill(child.pid, signal.SIGUSR1)
            child.due = now + _RETIRE_S  # at the latest it is stopped then
            workers.before.append(child)
    workers.now = [_Child(child.index) for child in workers.now]


def _part(workers: _Workers, now: float) -> None:
    """Stop workers of before that stayed long enough, and the next one whose port is needed."""
    for child in workers.before:
        if child.due <= now:
            os.kill(child.pid, signal.SIGTERM)
            child.due = now + _RETIRE_S
    if not workers.due or any(child.replaced or now - child.started < _APART_S for child in workers.now):
        return
    child = workers.due.pop(0)
    if child.pid:
        child.replaced = True
        os.kill(child.pid, signal.SIGTERM)


def _fork(index: int, work: Callable[[int], int], parent: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 70
    try:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # until it is listened to
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        if os.getppid() == parent:
            status = work(index)
    except BaseException:
        log.exception("asr worker failed")
    finally:
        logging.shutdown()
        os._exit(status)  # nothing that the parent registered to run at exit may run here
    return 0


def _ended(child: _Child) -> int | None:
    """Return the exit status of a child that ended since (negative: the signal that killed it)."""
    if child.pid == 0:
        return None
    pid, status = os.waitpid(child.pid, os.WNOHANG)
    if pid == 0:
        return None
    child.pid = 0
    return os.waitstatus_to_exitcode(status)


def _stop(children: list[_Child], wait_s: float) -> None:
    for child in children:
        if child.pid:
            os.kill(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + wait_s
    while any(child.pid for child in children):
        for child in children:
            _ended(child)
        if time.monotonic() > deadline:
            for child in children:
                if child.pid:
                    log.error("asr worker does not stop, killing it", extra={"pid": child.pid})
                    with suppress(ProcessLookupError):
                        os.kill(child.pid, signal.SIGKILL)
                    os.waitpid(child.pid, 0)
                    child.pid = 0
        time.sleep(0.02)


# ---------------------------------------------------------------- in the child


def _work(settings: AsrSettings, index: int, loaded: Loaded, supervisor: int) -> int:
    os.nice(settings.nice)
    if loaded.recognisers is not None:
        speech = read_wav(WARM)
        loaded.recognisers.keep_warm(speech.channels[0], speech.rate)
    return uvloop.run(_serve(settings, index, loaded, supervisor))


async def _serve(settings: AsrSettings, index: int, loaded: Loaded, supervisor: int) -> int:
    redis: Redis = Redis.from_url(settings.redis_url, socket_timeout=5.0, socket_connect_timeout=2.0)
    prefix = settings.prefix
    recognisers = loaded.recognisers

    async def write(messages: list[TranscriptMessage]) -> None:
        await bus.publish(redis, messages, prefix=prefix)

    worker = Worker(
        WorkerSettings(
            host=settings.host,
            advertise=settings.advertise,
            port=settings.port + index if settings.port else 0,
            threads=settings.threads,
            capacity=capacity(settings, composed=recognisers is not None and recognisers.composed),
            first_frame_s=settings.first_frame_s,
            max_backlog_s=settings.max_backlog_s,
            drain_s=settings.drain_s,
        ),
        recognisers,
        resolve=lambda tap_id: bus.take_tap(redis, tap_id, prefix=prefix),
        write=write,
        register=lambda state, counted: bus.register(redis, state, counted, prefix=prefix),
        unregister=lambda worker_id: bus.unregister(redis, worker_id, prefix=prefix),
        reason=loaded.reason,
        reader=loaded.reader,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, worker.retire)
    try:
        await worker.start()
    except OSError as error:
        log.error(
            "cannot listen for AudioSocket",
            extra={"host": settings.host, "port": settings.port, "error": error.strerror},
        )
        await redis.aclose()
        return CANNOT_LISTEN
    while not stop.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await stop.wait()
        if os.getppid() != supervisor:  # the supervisor is gone; a new one has workers of its own
            stop.set()
        if worker.retired():
            stop.set()
    await worker.stop()
    await redis.aclose()
    return 0
