"""Recordings: when a call is over, its two one-sided files become one WAV file in a folder a day."""

from __future__ import annotations

import asyncio
import datetime
import logging
import math
import re
import time
from collections.abc import Callable
from pathlib import Path

from asterisk_conf.errors import RecordingError
from asterisk_conf.recording import CITIZEN, HEARD, join, legs
from cti.faults import fault_site
from cti.tasks import end

log = logging.getLogger(__name__)

QUIET_S = 1.0
"""Asterisk has finished writing when a file has not grown for so long (it says nothing on hang-up)."""

LOOK_S = 0.25
PATIENCE_S = 15.0
CALL_ID = re.compile(r"[A-Za-z0-9_.-]{1,80}")


class Recordings:
    """Turns finished recordings into WAV files named by call."""

    def __init__(self, folder: Path, done: Callable[[str, str, float, int], None]) -> None:
        """`done(call_id, file relative to the folder, seconds, bytes)` is called once for each recording."""
        self._folder = folder
        self._done = done
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def expect(self, call_id: str) -> None:
        """The call is over: join its two sides as soon as Asterisk has finished writing them."""
        if call_id in self._tasks or CALL_ID.fullmatch(call_id) is None:
            return
        task = asyncio.create_task(self._convert(call_id), name=f"recording-{call_id}")
        self._tasks[call_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(call_id, None))

    def unjoined(self, node: str) -> frozenset[str]:
        """Call ids of this node's recordings that are in two files still, because the call goes on or went
        unseen. Reads the disk."""
        return frozenset(
            path.name.removesuffix(side)
            for side in (CITIZEN, HEARD)
            for path in self._folder.glob(f"{node}-*{side}")
        )

    async def stop(self) -> None:
        """Let go; what has not been joined yet is found again by the next server."""
        await end(*self._tasks.values())

    async def _convert(self, call_id: str) -> None:
        sides = legs(self._folder / call_id)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while (wait := _settles_in(sides)) > 0:  # noqa: ASYNC110 - a file tells nobody that it grew
                    await asyncio.sleep(max(wait, LOOK_S))
        except TimeoutError:
            return  # still being written: the call goes on somewhere, and will be found later
        try:
            made = await asyncio.to_thread(self._join, call_id, sides)
        except (RecordingError, OSError) as error:
            log.error("recording not joined", extra={"call_id": call_id, "site": fault_site(error)})
            return
        if made is not None:
            self._done(call_id, *made)

    def _join(self, call_id: str, sides: tuple[Path, Path]) -> tuple[str, float, int] | None:
        written = [side for side in sides if side.exists()]
        if not written:
            return None
        day = datetime.datetime.fromtimestamp(written[0].stat().st_mtime, datetime.UTC).strftime("%Y/%m/%d")
        target = self._folder / day / f"{call_id}.wav"
        target.parent.mkdir(parents=True, exist_ok=True)
        seconds = join(self._folder / call_id, target)
        for side in written:
            side.unlink()
        return str(target.relative_to(self._folder)), seconds, target.stat().st_size


def _settles_in(sides: tuple[Path, Path]) -> float:
    """Seconds until both sides have been quiet for long enough, if they do not grow; 0 or less: they have."""
    newest = -math.inf
    for side in sides:
        try:
            newest = max(newest, side.stat().st_mtime)
        except FileNotFoundError:
            continue
    return QUIET_S - (time.time() - newest)
