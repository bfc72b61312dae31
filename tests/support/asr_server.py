"""`hotline asr` as a process of its own, and telephones that speak AudioSocket to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from asr import bus
from asr.audiosocket import Frame, Kind, uuid_frame
from asr.messages import Speaker, TapAnnounced, TapEnded, TranscriptFinal, TranscriptMessage, WorkerState
from cti.tasks import end

_PROGRAM = """
import json, logging, sys
from pathlib import Path
from asr.server import run
from asr.settings import AsrSettings
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
settings = json.loads(sys.argv[1])
for name in ("model_path", "cache_dir"):
    if settings.get(name):
        settings[name] = Path(settings[name])
sys.exit(run(AsrSettings(**settings)))
"""


@dataclass(slots=True)
class AsrServer:
    """The supervisor and its workers."""

    process: subprocess.Popen[bytes]
    redis: Redis
    log: Path
    messages: list[tuple[str, TranscriptMessage]] = field(default_factory=list)

    async def workers(self, count: int, limit_s: float = 60.0) -> list[WorkerState]:
        """Wait until so many workers are registered."""
        states: list[WorkerState] = []

        async def enough() -> bool:
            states[:] = await bus.workers(self.redis)
            return len(states) == count

        await _until(enough, f"{count} workers are registered", limit_s, self.log)
        return states

    async def workers_without(self, worker_id: str, count: int) -> None:
        """Wait until so many workers are registered and this one is not."""

        async def replaced() -> bool:
            names = {state.worker_id for state in await bus.workers(self.redis)}
            return len(names) == count and worker_id not in names

        await _until(replaced, f"{worker_id} is replaced", 60.0, self.log)

    async def read(self, last_id: str = "0-0") -> None:
        """Read transcripts for ever into `messages`."""
        async for entry in bus.read_transcripts(self.redis, last_id, block_s=0.2):
            self.messages.append(entry)

    async def told(self, wanted: Callable[[list[TranscriptMessage]], bool], limit_s: float = 60.0) -> None:
        """Wait until the messages read so far are as wanted."""

        async def enough() -> bool:
            return wanted([message for _, message in self.messages])

        await _until(enough, "the transcripts are as wanted", limit_s, self.log)

    def finals(self, tap_id: str) -> list[TranscriptFinal]:
        """Finished sentences of one tap."""
        return [m for _, m in self.messages if isinstance(m, TranscriptFinal) and m.tap_id == tap_id]

    def end_of(self, tap_id: str) -> TapEnded | None:
        """How one tap ended."""
        ends = [m for _, m in self.messages if isinstance(m, TapEnded) and m.tap_id == tap_id]
        return ends[0] if ends else None

    def children(self) -> list[int]:
        """Process ids of the workers."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]


async def _until(condition: Callable[[], Any], what: str, limit_s: float, log: Path) -> None:
    deadline = time.monotonic() + limit_s
    while not await condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit_s} s: {what}; log ends: {_end_of(log)}")
        await asyncio.sleep(0.02)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]


def _start(arguments: str, log: Path) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[2]
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        )


@asynccontextmanager
async def running_asr(url: str, folder: Path, **settings: Any) -> AsyncIterator[AsrServer]:
    """Run `hotline asr` with these settings against the live state at `url`."""
    log = folder / "asr.log"
    process = _start(json.dumps({"redis_url": url, **settings}, default=str), log)
    redis: Redis = Redis.from_url(url)
    server = AsrServer(process, redis, log)
    reading = asyncio.create_task(server.read())
    try:
        yield server
    finally:
        await end(reading)
        await redis.aclose()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(process.wait, 20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def samples(path: Path) -> bytes:
    """Return the samples of a mono WAV file."""
    with wave.open(str(path), "rb") as file:
        return file.readframes(file.getnframes())


async def announce(redis: Redis, *, call_id: str = "call", speaker: Speaker = Speaker.CITIZEN) -> str:
    """Announce a new tap and return its id."""
    tap_id = str(uuid.uuid4())
    tap = TapAnnounced(tap_id=tap_id, call_id=call_id, speaker=speaker, recording_started=time.time())
    await bus.announce_tap(redis, tap)
    return tap_id


async def connect(host: str, port: int, tap_id: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as Asterisk does, and name the tap."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(uuid_frame(tap_id).encode())
    return reader, writer


async def speak(writer: asyncio.StreamWriter, pcm: bytes, *, speed: float = 1.0, rate: int = 8000) -> None:
    """Send samples in frames of 20 ms, as fast as they are spoken or `speed` times faster."""
    size = rate // 50 * 2
    kind = Kind.SLIN8 if rate == 8000 else Kind.SLIN16
    due = time.monotonic()
    for offset in range(0, len(pcm), size):
        writer.write(Frame(kind, pcm[offset : offset + size]).encode())
        due += 0.02 / speed
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
    await writer.drain()
