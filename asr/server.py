"""`hotline asr`: loads the model once, forks the workers that share it, and keeps them alive."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import uvloop
from redis.asyncio import Redis

from asr import bus
from asr.errors import AsrError, NoModel, RecogniserError
from asr.messages import TranscriptMessage
from asr.model import REMEDY, FoundModel, find_model
from asr.recogniser import VoskRecognisers, load_model
from asr.settings import AsrSettings
from asr.text_reader import Reader, TextReader
from asr.text_reading import load_reader
from asr.wav_file import read_wav
from asr.worker import Worker, WorkerSettings

log = logging.getLogger(__name__)

LEGS_COMPOSED, LEGS_PLAIN = 24, 4
"""Legs that one process takes, with the graph composed ahead of time and without: what a core keeps up with
when half of them speak, and some to spare (docs/recognition.md)."""
WARM = Path(__file__).parent / "data" / "warm.wav"
"""A few seconds of synthesised speech that every recogniser hears before its first leg."""
PREPARED = 2
"""Recognisers made before the first leg, one to two seconds each: a call has two legs."""
CANNOT_LISTEN = 2
"""Exit status when an AudioSocket address cannot be had."""

_FIRST_DELAY_S, _LAST_DELAY_S, _SOUND_S = 0.2, 30.0, 60.0
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


@dataclass(slots=True)
class _Child:
    """One worker process and when it may be started again."""

    index: int
    pid: int = 0  # 0: not running
    started: float = 0.0  # monotonic seconds
    due: float = 0.0  # monotonic seconds at which to start it
    delay: float = _FIRST_DELAY_S


def run(
    settings: AsrSettings,
    *,
    progress: Callable[[str], None] | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status: 0, or 2 when an address cannot be had.

    Without a model the workers run all the same and say so. `progress` is told the steps of fetching a model.
    Must run on the main thread of a process that has no other thread and no event loop, since it forks.
    """
    recognisers, reason, reader = _prepare(settings, progress)
    cores = len(os.sched_getaffinity(0))
    children = [_Child(index) for index in range(settings.processes or cores)]
    supervisor = os.getpid()

    def work(index: int) -> int:
        return _work(settings, index, recognisers, reason, reader, supervisor)

    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        return _supervise(settings, children, work)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare(
    settings: AsrSettings, progress: Callable[[str], None] | None
) -> tuple[VoskRecognisers | None, str, Reader]:
    """Return the loaded model, or None and why there are no captions (Chinese), and what reads the words."""

    def tell(step: str, fraction: float | None) -> None:
        if progress is not None:
            progress(step if fraction is None else f"{step}: {fraction:.0%}")

    try:
        found = find_model(settings.model_path, settings.cache_dir, fetch=settings.fetch_model, progress=tell)
        recognisers = load_model(found, spare=max(PREPARED, _capacity(settings, composed=False) // 2))
        speech = read_wav(WARM)
        recognisers.prepare(PREPARED, speech.channels[0], speech.rate)
    except NoModel as error:
        reason = f"{error.reason}；{error.remedy}"
    except RecogniserError as error:
        log.error("the model cannot be loaded", extra={"error": str(error)})
        reason = f"语音模型无法加载；{REMEDY}"
    else:
        log.info("speech model loaded", extra={"source": found.source, "composed": found.composed})
        return recognisers, "", _reader(settings, found, recognisers)
    log.error("no captions", extra={"reason": reason})
    return None, reason, TextReader()


def _reader(settings: AsrSettings, found: FoundModel, recognisers: VoskRecognisers) -> Reader:
    """Return what reads the words; a file of names that cannot be used costs the names, not the captions."""
    try:
        return load_reader(settings.gazetteer, found, recognisers)
    except AsrError as error:
        log.error("names are not repaired", extra={"error": str(error)})
        return load_reader(None, found, recognisers)


def _supervise(settings: AsrSettings, children: list[_Child], work: Callable[[int], int]) -> int:
    """Start the children, start those again that die, until told to stop."""
    parent = os.getpid()
    while True:
        now = time.monotonic()
        for child in children:
            if child.pid == 0 and child.due <= now:
                child.pid, child.started = _fork(child.index, work, parent), now
        waiting = [child.due - now for child in children if child.pid == 0]
        caught = signal.sigtimedwait(_SIGNALS, max(min(waiting, default=60.0), 0.01))
        if caught is not None and caught.si_signo != signal.SIGCHLD:
            log.info("asr stops", extra={"signal": caught.si_signo})
            _stop(children, settings.drain_s + 5.0)
            return 0
        for child in children:
            status = _ended(child)
            if status is None:
                continue
            if status == CANNOT_LISTEN:
                _stop(children, settings.drain_s + 5.0)
                return CANNOT_LISTEN
            now = time.monotonic()
            sound = now - child.started > _SOUND_S
            child.delay = _FIRST_DELAY_S if sound else min(child.delay * 2, _LAST_DELAY_S)
            child.due = now + child.delay
            log.error("asr worker died", extra={"status": status, "again_in_s": child.delay})


def _fork(index: int, work: Callable[[int], int], parent: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 70
    try:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
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


def _capacity(settings: AsrSettings, *, composed: bool) -> int:
    return settings.capacity or (LEGS_COMPOSED if composed else LEGS_PLAIN)


# ---------------------------------------------------------------- in the child


def _work(
    settings: AsrSettings,
    index: int,
    recognisers: VoskRecognisers | None,
    reason: str,
    reader: Reader,
    supervisor: int,
) -> int:
    os.nice(settings.nice)
    if recognisers is not None:
        speech = read_wav(WARM)
        recognisers.keep_warm(speech.channels[0], speech.rate)
    return uvloop.run(_serve(settings, index, recognisers, reason, reader, supervisor))


async def _serve(
    settings: AsrSettings,
    index: int,
    recognisers: VoskRecognisers | None,
    reason: str,
    reader: Reader,
    supervisor: int,
) -> int:
    redis: Redis = Redis.from_url(settings.redis_url, socket_timeout=5.0, socket_connect_timeout=2.0)
    prefix = settings.prefix

    async def write(messages: list[TranscriptMessage]) -> None:
        await bus.publish(redis, messages, prefix=prefix)

    worker = Worker(
        WorkerSettings(
            host=settings.host,
            advertise=settings.advertise,
            port=settings.port + index if settings.port else 0,
            threads=settings.threads,
            capacity=_capacity(settings, composed=recognisers is not None and recognisers.composed),
            first_frame_s=settings.first_frame_s,
            max_backlog_s=settings.max_backlog_s,
            drain_s=settings.drain_s,
        ),
        recognisers,
        resolve=lambda tap_id: bus.take_tap(redis, tap_id, prefix=prefix),
        write=write,
        register=lambda state, counted: bus.register(redis, state, counted, prefix=prefix),
        unregister=lambda worker_id: bus.unregister(redis, worker_id, prefix=prefix),
        reason=reason,
        reader=reader,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
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
    await worker.stop()
    await redis.aclose()
    return 0
