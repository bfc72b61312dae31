"""Live words: from the ASR workers to pages, journal and draft."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Sequence
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec
from redis.asyncio import Redis

from asr import bus
from asr.messages import (
    FieldSuggestion,
    Line,
    Speaker,
    TapEnded,
    TranscriptFinal,
    TranscriptGap,
    TranscriptMessage,
)
from cti.call import Call
from cti.control.calls import Calls
from cti.faults import fault_site
from cti.messages import CallState, Caption, CorrectionView, EntryKind, RepairView
from cti.tasks import end
from cti.transcripts import CorrectedLine

log = logging.getLogger(__name__)

CHINA = ZoneInfo("Asia/Shanghai")
MAX_LINES = 2000
"""Sentences of one call that the draft is made of; about four hours of talk."""


class Extractor(Protocol):
    """Makes drafts of a conversation (asr.draft.DraftExtractor)."""

    def matters(
        self, lines: Sequence[Line], *, caller: str, now: datetime.datetime
    ) -> tuple[tuple[FieldSuggestion, ...], ...]:
        """Return every field that can be filled, for each matter of the call, the main one first."""


class Captions:
    """Sentences of live calls, in the order spoken."""

    def __init__(
        self,
        redis: Redis,
        *,
        prefix: str,
        calls: Calls,
        extractor: Extractor,
        show: Callable[[Call, Caption], None],
        suggest: Callable[[Call, tuple[tuple[FieldSuggestion, ...], ...]], None],
        heard: Callable[[TranscriptMessage], None] = lambda message: None,
        said: Callable[[Call], None] = lambda call: None,
    ) -> None:
        """`heard` is told every message first, `said` that a call has one more finished sentence."""
        self._redis = redis
        self._prefix = prefix
        self._calls = calls
        self._extractor = extractor
        self._show = show
        self._suggest = suggest
        self._heard = heard
        self._said = said
        self._lines: dict[str, dict[str, Caption]] = {}
        self._stale: dict[str, None] = {}  # calls whose draft must be made again, oldest first
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, last_id: str) -> None:
        """Begin to read transcripts after this stream id."""
        self._tasks = [
            asyncio.create_task(self._read(last_id), name="captions"),
            asyncio.create_task(self._draft(), name="drafts"),
        ]

    async def stop(self) -> None:
        """Stop reading."""
        await end(*self._tasks)

    def of_call(self, call_id: str) -> tuple[Caption, ...]:
        """Everything said in a live call so far."""
        return tuple(sorted(self._lines.get(call_id, {}).values(), key=lambda caption: caption.start))

    def restore(self, call_id: str, captions: Sequence[Caption]) -> None:
        """Take over what was said before a restart."""
        self._lines[call_id] = {caption.line_id: caption for caption in captions}

    def corrected(self, call_id: str, line_id: str, correction: CorrectionView) -> None:
        """A person wrote something in place of a sentence: show it, and draft from it."""
        self._amend(call_id, line_id, correction=correction)
        self.draft(call_id)

    def marked(self, call_id: str, line_id: str, *, on: bool) -> None:
        """A person marked a sentence, or took the mark off."""
        self._amend(call_id, line_id, marked=on)

    def _amend(self, call_id: str, line_id: str, **changes: object) -> None:
        """Change what is shown of a sentence of a live call; other calls' are in the database only."""
        call, lines = self._calls.find(call_id), self._lines.get(call_id, {})
        if call is not None and line_id in lines:
            lines[line_id] = msgspec.structs.replace(lines[line_id], **changes)
            self._show(call, lines[line_id])

    def forget(self, call_id: str) -> None:
        """The call is over and written up."""
        self._lines.pop(call_id, None)
        self._stale.pop(call_id, None)

    def draft(self, call_id: str) -> None:
        """Make the call's draft again from what was said so far, as soon as its turn comes."""
        self._stale[call_id] = None
        self._wake.set()

    def take(self, message: TranscriptMessage) -> None:
        """Show one message of a worker; a finished sentence is journalled and drafted from."""
        self._heard(message)
        call = self._calls.find(message.call_id)
        if call is None or isinstance(message, TapEnded):
            return
        zero = call.recording_started
        if isinstance(message, TranscriptGap):
            self._take_gap(call, message)
            return
        final = isinstance(message, TranscriptFinal)
        caption = Caption(
            call_id=call.call_id,
            line_id=f"{message.tap_id}:{message.segment}",
            speaker=message.speaker.value,
            text=message.text,
            start=round(max(0.0, message.start - zero), 3),
            end=round(max(0.0, message.end - zero), 3),
            final=final,
        )
        if isinstance(message, TranscriptFinal):
            caption = msgspec.structs.replace(
                caption,
                confidence=round(message.confidence, 3),
                verbatim=message.verbatim,
                repairs=tuple(
                    msgspec.convert(msgspec.to_builtins(repair), RepairView) for repair in message.repairs
                ),
            )
        lines = self._lines.setdefault(call.call_id, {})
        earlier = lines.get(caption.line_id)
        if earlier is not None and earlier.final:
            return
        if not caption.text:  # nothing after all: a cough, or fillers only
            lines.pop(caption.line_id, None)
        elif len(lines) < MAX_LINES or earlier is not None:
            lines[caption.line_id] = caption
        self._show(call, caption)
        if isinstance(message, TranscriptFinal) and caption.text:
            self._calls.metrics.asr_lines.labels(speaker=caption.speaker).inc()
            self._journal(message, caption, zero)
            self._said(call)
            if call.state is not CallState.SURVEY:  # how the service was is no part of the matter
                self.draft(call.call_id)

    def _take_gap(self, call: Call, message: TranscriptGap) -> None:
        """Mark where nobody listened; what was understood of the open sentence stays, as unsure as it is."""
        lines = self._lines.setdefault(call.call_id, {})
        open_lines = [
            line
            for line in lines.values()
            if not line.final and line.line_id.startswith(f"{message.tap_id}:")
        ]
        torn = [
            msgspec.structs.replace(line, final=True, confidence=0.0, verbatim=line.text)
            for line in open_lines
        ]
        for caption in (*torn, _gap(message, call.recording_started)):
            if len(lines) < MAX_LINES or caption.line_id in lines:
                lines[caption.line_id] = caption
            self._show(call, caption)
            self._note(caption, words=[])

    def _note(self, caption: Caption, *, words: Sequence[object]) -> None:
        data = msgspec.to_builtins(caption) | {"words": words}
        for key in ("type", "call_id", "final"):
            data.pop(key, None)
        self._calls.note(caption.call_id, EntryKind.TRANSCRIPT, data)

    def _journal(self, message: TranscriptFinal, caption: Caption, zero: float) -> None:
        words = [
            {
                "text": word.text,
                "start": round(word.start - zero, 3),
                "end": round(word.end - zero, 3),
                "confidence": round(word.confidence, 3),
            }
            for word in message.words
        ]
        self._note(caption, words=words)

    async def _read(self, last_id: str) -> None:
        async for _, message in bus.read_transcripts(self._redis, last_id, prefix=self._prefix):
            try:
                self.take(message)
            except Exception as error:  # one message must not end the captions of all calls
                log.error(
                    "transcript not taken", extra={"call_id": message.call_id, "site": fault_site(error)}
                )

    async def _draft(self) -> None:
        """Make drafts one after another beside the event loop; a call spoken in meanwhile waits its turn."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._stale:
                call_id = next(iter(self._stale))
                del self._stale[call_id]
                try:
                    await self._draft_one(call_id)
                except Exception as error:  # nor one conversation the drafts of all
                    log.error("draft not made", extra={"call_id": call_id, "site": fault_site(error)})

    async def _draft_one(self, call_id: str) -> None:
        call = self._calls.find(call_id)
        if call is None or not call.order_id:
            return
        lines = [
            Line(
                speaker=Speaker(caption.speaker),
                text=_standing(caption),
                start=caption.start,
                end=caption.end,
                confidence=_sureness(caption),
            )
            for caption in self.of_call(call_id)
            if caption.final and _standing(caption)
        ]
        moment = datetime.datetime.fromtimestamp(call.started, CHINA)
        with self._calls.metrics.draft_seconds.time():
            found = await asyncio.to_thread(self._extractor.matters, lines, caller=call.caller, now=moment)
        call = self._calls.find(call_id)
        if call is not None and call.order_id:
            self._suggest(call, found)


def caption_of(call_id: str, kept: CorrectedLine) -> Caption:
    """Return what pages show of a sentence that was kept."""
    line, made = kept.line, kept.correction
    return Caption(
        call_id=call_id,
        line_id=line.line_id,
        speaker=line.speaker,
        text=line.text,
        start=line.start_s,
        end=line.end_s,
        final=True,
        confidence=line.confidence,
        verbatim=line.verbatim,
        repairs=tuple(line.repairs or ()),
        gap=line.gap,
        correction=None if made is None else msgspec.convert(msgspec.to_builtins(made), CorrectionView),
        marked=kept.marked,
    )


def _standing(caption: Caption) -> str:
    """What was said, as far as anybody knows."""
    return caption.text if caption.correction is None else caption.correction.text


def _sureness(caption: Caption) -> float:
    if caption.correction is not None or caption.confidence is None:
        return 1.0
    return caption.confidence


def _gap(message: TranscriptGap, zero: float) -> Caption:
    """Return what pages show of a time in which nobody listened."""
    return Caption(
        call_id=message.call_id,
        line_id=f"{message.tap_id}:gap:{message.start:.3f}",
        speaker=message.speaker.value,
        text="",
        start=round(max(0.0, message.start - zero), 3),
        end=round(max(0.0, message.end - zero), 3),
        final=True,
        gap=message.reason,
    )
