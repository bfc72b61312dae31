"""Recordings: Asterisk writes `<call id>.raw` (8 kHz, 16 bit, citizen left, agent right); we make it WAV."""

from __future__ import annotations

import asyncio
import datetime
import logging
import re
import wave
from collections.abc import Callable
from pathlib import Path

from cti.faults import fault_site

log = logging.getLogger(__name__)

RATE = 8000
FRAME_BYTES = 4  # two channels of 16 bits
SETTLE_S = 3.0
"""How long after the hang-up Asterisk may still be writing when it does not say that it has finished."""

CHUNK = 1 << 20
CALL_ID = re.compile(r"[A-Za-z0-9_.-]{1,80}")


class Recordings:
    """Turns finished raw recordings into WAV files named by call, in a folder a day."""

    def __init__(self, folder: Path, done: Callable[[str, str, float, int], None]) -> None:
        """`done(call_id, file relative to the folder, seconds, bytes)` is called once for each recording."""
        self._folder = folder
        self._done = done
        self._waiting: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def expect(self, call_id: str) -> None:
        """The call is over: convert its recording as soon as Asterisk has finished writing it."""
        if call_id in self._waiting or CALL_ID.fullmatch(call_id) is None:
            return
        self._waiting[call_id] = asyncio.Event()
        task = asyncio.create_task(self._convert(call_id), name=f"recording-{call_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def finished(self, call_id: str) -> None:
        """Asterisk says that it has stopped recording this channel."""
        if call_id in self._waiting:
            self._waiting[call_id].set()

    def left_over(self, live: frozenset[str]) -> None:
        """Convert raw files that a former server left behind, those of live calls excepted."""
        for raw in sorted(self._folder.glob("*.raw")):
            if raw.stem not in live:
                self.expect(raw.stem)
                self.finished(raw.stem)

    async def stop(self) -> None:
        """Finish what has begun."""
        for event in self._waiting.values():
            event.set()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def _convert(self, call_id: str) -> None:
        try:
            async with asyncio.timeout(SETTLE_S):
                await self._waiting[call_id].wait()
        except TimeoutError:
            pass
        try:
            made = await asyncio.to_thread(_to_wav, self._folder, call_id)
        except OSError as error:
            log.error("recording not converted", extra={"call_id": call_id, "site": fault_site(error)})
            made = None
        finally:
            self._waiting.pop(call_id, None)
        if made is not None:
            file, seconds = made
            self._done(call_id, str(file.relative_to(self._folder)), seconds, file.stat().st_size)


def _to_wav(folder: Path, call_id: str) -> tuple[Path, float] | None:
    raw = folder / f"{call_id}.raw"
    if not raw.exists():
        return None
    modified = datetime.datetime.fromtimestamp(raw.stat().st_mtime, datetime.UTC)
    target = folder / modified.strftime("%Y/%m/%d") / f"{call_id}.wav"
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    frames = raw.stat().st_size // FRAME_BYTES
    with raw.open("rb") as source, wave.open(str(partial), "wb") as sink:
        sink.setnchannels(2)
        sink.setsampwidth(2)
        sink.setframerate(RATE)
        left = frames * FRAME_BYTES
        while left and (block := source.read(min(CHUNK, left))):
            sink.writeframes(block)
            left -= len(block)
    partial.replace(target)
    raw.unlink()
    return target, frames / RATE
