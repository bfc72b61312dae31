"""Recordings: Asterisk writes what a citizen says and hears (8 kHz, 16 bit); we make one stereo WAV of it."""

from __future__ import annotations

import asyncio
import datetime
import io
import logging
import re
import wave
from array import array
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path

from cti.faults import fault_site

log = logging.getLogger(__name__)

RATE = 8000
SIDES = ("-citizen.sln", "-heard.sln")
"""Endings of Asterisk's two files: left what the citizen says, right what the citizen hears."""

SETTLE_S = 3.0
"""How long after the hang-up Asterisk may still be writing when it does not say that it has finished."""

CHUNK = 1 << 18
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

    def left_over(self, node: str, live: Collection[str]) -> None:
        """Convert what nobody saw the end of: recordings of this node whose calls are not `live`."""
        left = {
            path.name.removesuffix(side) for side in SIDES for path in self._folder.glob(f"{node}-*{side}")
        }
        for call_id in sorted(left.difference(live)):
            self.expect(call_id)
            self.finished(call_id)

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
    sides = [folder / f"{call_id}{side}" for side in SIDES]
    present = [path for path in sides if path.exists()]
    if not present:
        return None
    modified = datetime.datetime.fromtimestamp(present[0].stat().st_mtime, datetime.UTC)
    target = folder / modified.strftime("%Y/%m/%d") / f"{call_id}.wav"
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    frames = max(path.stat().st_size for path in present) // 2
    with ExitStack() as files, wave.open(str(partial), "wb") as sink:
        sources = [files.enter_context(path.open("rb")) if path.exists() else io.BytesIO() for path in sides]
        sink.setnchannels(2)
        sink.setsampwidth(2)
        sink.setframerate(RATE)
        for begin in range(0, frames, CHUNK):
            size = min(CHUNK, frames - begin)
            stereo = array("h", bytes(4 * size))
            for side, source in enumerate(sources):
                stereo[side::2] = array("h", source.read(2 * size).ljust(2 * size, b"\0"))
            sink.writeframes(stereo.tobytes())
    partial.replace(target)
    for path in present:
        path.unlink()
    return target, frames / RATE
