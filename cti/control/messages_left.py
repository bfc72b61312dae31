"""Voice messages (留言): what Asterisk recorded is looked at, kept beside the recordings, and made work."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import logging
import re
import time
import wave
from pathlib import Path

from asr.segment import Segmenter
from cti.call import Call
from cti.control.calls import Calls
from cti.control.line_ports import Callbacks
from cti.errors import HotlineError
from cti.messages import EntryKind

log = logging.getLogger(__name__)

MARK = "-message-"
ENDING = ".wav"
NAME = re.compile(rf"(?P<call>[A-Za-z0-9_.-]{{1,80}}?){MARK}[0-9a-z]{{1,16}}")

SHORTEST_S = 1.0
"""A recording that is shorter is no message."""

QUIET_S = 0.5
"""Asterisk has finished writing when a file has not grown for so long."""

PATIENCE_S = 5.0
CHUNK = 1 << 16


class MessagesLeft:
    """Keeps voice messages. Implements `Messages` of the line."""

    def __init__(self, folder: Path, *, calls: Calls, callbacks: Callbacks) -> None:
        """`folder` is that of the recordings, which Asterisk writes to as well."""
        self._folder = folder
        self._calls = calls
        self._callbacks = callbacks
        self._count = itertools.count(1)

    def place(self, call: Call) -> Path:
        """Path without ending for Asterisk to record the call's next message to; never given twice."""
        stamp = f"{int(self._calls.now() * 1000):x}{next(self._count):x}"
        return self._folder / f"{call.call_id}{MARK}{stamp[-16:]}"

    async def keep(self, call: Call, recorded: Path, purpose: str) -> float:
        """Keep what was recorded and make it work; return its seconds, 0 when nothing was said."""
        file = recorded.with_name(recorded.name + ENDING)
        seconds, spoken = await asyncio.to_thread(_look_at, file)
        if seconds < SHORTEST_S or not spoken:
            await asyncio.to_thread(file.unlink, missing_ok=True)
            self._calls.metrics.messages_left.labels(result="empty").inc()
            return 0.0
        day = datetime.datetime.fromtimestamp(self._calls.now(), datetime.UTC).strftime("%Y/%m/%d")
        target = Path(day) / file.name
        # Noted first: a file without an entry would be lost, an entry is told again by `sweep`
        self._note(call.call_id, target, seconds, purpose)
        await asyncio.to_thread(self._move, file, target)
        self._calls.metrics.messages_left.labels(result="kept").inc()
        try:
            self._callbacks.wanted(
                origin="message",
                number=call.caller,
                queue=call.queue,
                needs=call.needs,
                since=call.started if call.queued is None else call.queued,
                call_id=call.call_id,
            )
        except HotlineError as error:  # the message itself is safe
            log.error(
                "message did not become work",
                extra={"call_id": call.call_id, "reason": type(error).__name__},
            )
        return seconds

    async def sweep(self) -> int:
        """Keep the messages that a server of before left behind; return how many.

        Their calls are over or live without us; who left them is in the call's record.
        """
        found = await asyncio.to_thread(self._left_behind)
        for file, call_id in found:
            seconds, spoken = await asyncio.to_thread(_look_at, file)
            if seconds < SHORTEST_S or not spoken:
                await asyncio.to_thread(file.unlink, missing_ok=True)
                continue
            day = datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.UTC).strftime("%Y/%m/%d")
            self._note(call_id, Path(day) / file.name, seconds, "message")
            await asyncio.to_thread(self._move, file, Path(day) / file.name)
            self._calls.metrics.messages_left.labels(result="found").inc()
        return len(found)

    def _left_behind(self) -> list[tuple[Path, str]]:
        found = []
        for file in sorted(self._folder.glob(f"*{MARK}*{ENDING}")):
            match = NAME.fullmatch(file.name.removesuffix(ENDING))
            call = self._calls.find(match["call"]) if match else None
            if match is not None and call is None:
                found.append((file, match["call"]))
        return found

    def _note(self, call_id: str, target: Path, seconds: float, purpose: str) -> None:
        self._calls.note(
            call_id,
            EntryKind.MESSAGE,
            {"file": str(target), "seconds": round(seconds, 3), "purpose": purpose[:40]},
        )

    def _move(self, file: Path, target: Path) -> None:
        whole = self._folder / target
        whole.parent.mkdir(parents=True, exist_ok=True)
        file.replace(whole)


def _look_at(file: Path) -> tuple[float, bool]:
    """Return a recording's seconds and whether anybody speaks in it; (0, False) when there is none.

    Waits a moment for Asterisk to finish writing, which it does on its own after a hang-up.
    """
    give_up = time.monotonic() + PATIENCE_S
    while True:
        try:
            quiet = time.time() - file.stat().st_mtime
        except FileNotFoundError:
            return 0.0, False
        if quiet >= QUIET_S or time.monotonic() > give_up:
            break
        time.sleep(max(0.02, QUIET_S - quiet))
    try:
        with wave.open(str(file), "rb") as stream:
            rate, frames = stream.getframerate(), stream.getnframes()
            segmenter = Segmenter(rate)
            arrived = 0.0
            while chunk := stream.readframes(CHUNK):
                arrived += len(chunk) / 2 / rate
                segmenter.feed(chunk, arrived)
    except (wave.Error, EOFError, OSError) as error:
        log.error("message cannot be read", extra={"reason": type(error).__name__})
        return 0.0, False
    return frames / rate, segmenter.speech_s > 0
