"""The two sides of `hotline bench asr`: real workers as `hotline asr` runs them, and plain Vosk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from redis.asyncio import Redis

from asr import bus
from asr.messages import (
    TapAnnounced,
    TapEnded,
    TranscriptFinal,
    TranscriptGap,
    TranscriptPartial,
    WorkerState,
)
from cti.bench.asr_audio import LegPlan
from cti.bench.asr_score import Sentence
from cti.bench.errors import BenchError
from cti.bench.host import PROC
from cti.tasks import end

START_S = 120.0
STOP_S = 20.0
ENOUGH_LEGS = 1000
"""Legs a worker process may take while its limit is looked for."""


@dataclass(slots=True)
class HeardLeg:
    """All that a side told about one leg."""

    sentences: dict[int, Sentence] = field(default_factory=dict)  # by their number
    ready: bool = False  # plain Vosk: its recogniser is made
    ended_at: float | None = None  # epoch seconds at which the last word had been told
    dropped_s: float = 0.0  # audio that was skipped

    def sentence(self, number: int) -> Sentence:
        """Return the sentence of that number."""
        return self.sentences.setdefault(number, Sentence())

    @property
    def text(self) -> str:
        """All finals."""
        return "".join("".join(self.sentences[number].words) for number in sorted(self.sentences))


class Side(Protocol):
    """Something that hears legs."""

    name: str
    heard: dict[str, HeardLeg]  # by tap id
    gaps: bool  # True: legs may send nothing while they are silent

    async def start(self) -> None:
        """Start its processes. Raises BenchError."""

    async def join(self, leg: LegPlan, tap_id: str) -> tuple[str, int]:
        """Announce a leg; return where to connect. Raises BenchError."""

    def pids(self) -> dict[str, int]:
        """Its processes that recognise, by name."""

    def forget(self) -> None:
        """Forget the legs of the trial before."""

    async def stop(self) -> None:
        """End its processes."""


class Workers:
    """`hotline asr` with the product's defaults, but for the number of legs it may take."""

    name = "hotline"
    gaps = True

    def __init__(self, home: Path, cache: Path, redis_url: str, host: str) -> None:
        self.heard: dict[str, HeardLeg] = {}
        self._home, self._cache, self._url, self._host = home, cache, redis_url, host
        self._redis: Redis = Redis.from_url(redis_url)
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._states: list[WorkerState] = []
        self._given: dict[str, int] = {}

    async def start(self) -> None:
        """Start the supervisor and wait for its workers. Raises BenchError."""
        settings = self._home / "hotline.toml"
        settings.write_text(
            f'home = "{self._home}"\ncache = "{self._cache}"\n'
            f'redis_url = "{self._url}"\nlog_level = "warning"\n'
            f'[recognition]\nhost = "{self._host}"\ncapacity = {ENOUGH_LEGS}\n',
            encoding="utf-8",
        )
        own = {"PYTHONPATH": str(Path(__file__).parents[2]), "HOTLINE_HOME": str(self._home)}
        with (self._home / "asr.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "cti", "asr", "run", cwd=self._home, stdout=log, stderr=log,
                env=os.environ | own,
            )  # fmt: skip
        self._reading = asyncio.create_task(self._read())
        deadline = time.monotonic() + START_S
        while not await self._all_there():
            if time.monotonic() > deadline or self._process.returncode is not None:
                raise BenchError(f"hotline asr did not start: {_end_of(self._home / 'asr.log')}")
            await asyncio.sleep(0.1)
        if not all(state.captions for state in self._states):
            raise BenchError(f"no captions here: {self._states[0].reason}")

    async def _all_there(self) -> bool:
        children = self.pids()
        self._states = await bus.workers(self._redis)
        return len(children) > 1 and len(self._states) == len(children) - 1

    async def join(self, leg: LegPlan, tap_id: str) -> tuple[str, int]:
        """Announce the leg as call control does, on the worker with the most room. Raises BenchError."""
        worker = bus.pick_worker(self._states, self._given)
        if worker is None:
            raise BenchError("no worker has room for another leg")
        self._given[worker.worker_id] = self._given.get(worker.worker_id, 0) + 1
        self.heard[tap_id] = HeardLeg(ready=True)
        tap = TapAnnounced(
            tap_id=tap_id, call_id=f"bench-{leg.call}", speaker=leg.speaker, recording_started=time.time()
        )
        await bus.announce_tap(self._redis, tap)
        return worker.host, worker.port

    def pids(self) -> dict[str, int]:
        """The supervisor, which holds the model, and its workers."""
        if self._process is None or self._process.returncode is not None:
            return {}
        path = PROC / str(self._process.pid) / "task" / str(self._process.pid) / "children"
        try:
            children = [int(pid) for pid in path.read_text(encoding="ascii").split()]
        except FileNotFoundError:  # it ended this moment
            return {}
        return {"supervisor": self._process.pid} | {f"worker {n}": pid for n, pid in enumerate(children)}

    async def stop(self) -> None:
        """End it as its operator would."""
        self._given.clear()
        if self._reading is not None:
            await end(self._reading)
        await self._redis.aclose()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await _gone(self._process)

    async def _read(self) -> None:
        async for _, message in bus.read_transcripts(self._redis, block_s=0.5):
            now = time.time()
            leg = self.heard.get(message.tap_id)
            if leg is None:
                continue
            if isinstance(message, TranscriptPartial):
                leg.sentence(message.segment).partials.append((now, message.text))
            elif isinstance(message, TranscriptFinal):
                sentence = leg.sentence(message.segment)
                sentence.words = tuple(word.text for word in message.words)
                sentence.final_at = now
            elif isinstance(message, TapEnded):
                leg.ended_at, leg.dropped_s = now, max(message.dropped_s, leg.dropped_s)
            elif isinstance(message, TranscriptGap):
                leg.dropped_s += message.end - message.start

    def forget(self) -> None:
        """Legs of the trial before are gone."""
        self._given.clear()
        self.heard.clear()


class Plain:
    """Plain Vosk, see `cti.bench.asr_plain`."""

    name = "plain"
    gaps = False

    def __init__(self, model: Path, host: str) -> None:
        self.heard: dict[str, HeardLeg] = {}
        self._model, self._host, self._port = model, host, 0
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process and wait until its model is loaded. Raises BenchError."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cti.bench.asr_plain", str(self._model), self._host,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 22,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read(self._process))
        if not await until(lambda: self._port > 0, START_S):
            raise BenchError("plain Vosk did not load its model")

    async def join(self, leg: LegPlan, tap_id: str) -> tuple[str, int]:
        """Every leg goes to the one process."""
        self.heard[tap_id] = HeardLeg()
        return self._host, self._port

    def pids(self) -> dict[str, int]:
        """The one process."""
        return {} if self._process is None else {"plain": self._process.pid}

    async def stop(self) -> None:
        """End the process."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await _gone(self._process)
        if self._reading is not None:
            await end(self._reading)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            raise BenchError("plain Vosk has no output")
        async for line in process.stdout:
            now, told = time.time(), json.loads(line)
            self._port = told.get("port", self._port)
            leg = self.heard.get(told.get("leg", ""))
            if leg is None:
                continue
            number = max(leg.sentences, default=0)
            if told.get("partial"):
                leg.sentence(number).partials.append((now, told["partial"]))
            elif told.get("words"):
                leg.sentence(number).words, leg.sentence(number).final_at = tuple(told["words"]), now
                leg.sentence(number + 1)
            leg.ready = leg.ready or "ready" in told
            leg.ended_at = now if "ended" in told else None

    def forget(self) -> None:
        """Legs of the trial before are gone."""
        self.heard.clear()


async def until(condition: Callable[[], bool], limit_s: float) -> bool:
    """Wait until it is so, at most so long; return whether it is."""
    deadline = time.monotonic() + limit_s
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 - many things set it
        await asyncio.sleep(0.02)
    return condition()


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-1000:]


async def _gone(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_S):
            await process.wait()
            return
    process.kill()
    await process.wait()


def memory_mb(pids: Mapping[str, int]) -> dict[str, float]:
    """Proportional memory (PSS) of each process in MiB: a page that several share counts once in all.

    Raises:
        FileNotFoundError: a process is gone.
    """
    found: dict[str, float] = {}
    for name, pid in pids.items():
        for line in (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                found[name] = round(int(line.split()[1]) / 1024, 1)
    return found


def new_tap() -> str:
    """An id for a leg."""
    return str(uuid.uuid4())
