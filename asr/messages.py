"""What the recogniser says, and what it is told.

Times are epoch seconds by arrival of the audio (a leg without RTP sends nothing, so counting
samples would drift); whoever shows them subtracts the call's own start.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Speaker(StrEnum):
    """Whose leg a tap listens to."""

    CITIZEN = "citizen"
    AGENT = "agent"
    THIRD = "third"  # somebody asked into the talk: a colleague, a unit, an interpreter


@dataclass(frozen=True, slots=True, kw_only=True)
class TapAnnounced:
    """Written to the live state before Asterisk connects; a connection with another id is refused."""

    tap_id: str  # the AudioSocket UUID
    call_id: str  # whose words these are
    speaker: Speaker  # which leg
    recording_started: float  # epoch seconds at which the call's recording begins


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """One ASR worker's heartbeat in the live state; gone when it expires."""

    worker_id: str  # host:pid
    host: str  # AudioSocket address that Asterisk connects to
    port: int  # its port
    taps: int  # legs connected now
    capacity: int  # legs it may take
    captions: bool  # False: no model, the worker only says so
    reason: str = ""  # with captions == False: why, and what to do
    at: float = 0.0  # epoch seconds of this heartbeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    text: str  # as heard
    start: float  # epoch seconds
    end: float  # epoch seconds
    confidence: float  # 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptPartial:
    """What has been heard of a sentence that is still being spoken; replaces the one before it."""

    call_id: str  # which call
    speaker: Speaker  # whose leg
    segment: int  # number of the sentence on this tap, from 0
    tap_id: str  # which tap (segments count per tap)
    text: str  # readable text so far
    start: float  # epoch seconds
    end: float  # epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A stretch of the readable text that was written otherwise than it was heard."""

    start: int  # first character in the readable text
    end: int  # after the last character
    heard: str  # what the recogniser made of it
    source: str  # "gazetteer" (a name of the city) or "digits" (number passages listened to again)
    confidence: float  # 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptFinal:
    """A finished sentence."""

    call_id: str  # which call
    speaker: Speaker  # whose leg
    segment: int  # number of the sentence on this tap, from 0
    tap_id: str  # which tap
    text: str  # readable text
    verbatim: str  # as the recogniser heard it, without spaces
    start: float  # epoch seconds
    end: float  # epoch seconds
    confidence: float  # 0 to 1, mean over words weighted by length
    words: tuple[Word, ...] = ()  # word by word
    repairs: tuple[Repair, ...] = ()  # where `text` is not what was heard, left to right


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptGap:
    """Nobody listened to this leg for a while: a worker died, or fell behind and skipped."""

    call_id: str  # which call
    speaker: Speaker  # whose leg
    tap_id: str  # the tap that was lost, or that skipped
    start: float  # epoch seconds
    end: float  # epoch seconds
    reason: str  # "worker_lost" or "behind"


@dataclass(frozen=True, slots=True, kw_only=True)
class TapEnded:
    """The leg's audio ended."""

    call_id: str  # which call
    speaker: Speaker  # whose leg
    tap_id: str  # which tap
    heard_s: float  # seconds of audio received
    dropped_s: float  # seconds skipped to catch up
    at: float  # epoch seconds


TranscriptMessage = TranscriptPartial | TranscriptFinal | TranscriptGap | TapEnded


# ---------------------------------------------------------------- the draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One sentence as the draft extractor reads it; seconds from the recording's start."""

    speaker: Speaker  # who said it
    text: str  # readable text
    start: float  # seconds into the recording
    end: float  # seconds into the recording
    confidence: float = 1.0  # of the recognition


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSuggestion:
    """One field of the order as the machine would fill it, and why."""

    field: str  # the order's field name, see orders.messages.OrderField
    value: str  # what to fill in
    source: str  # which rule, list or model said so, e.g. "rule:urgent/停水", "gazetteer", "caller_id"
    confidence: float  # 0 to 1
    audio_from: float | None = None  # seconds into the recording; None where it was not heard (caller id)
    audio_to: float | None = None  # seconds into the recording
    quote: str = ""  # the words it was taken from


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryGuess:
    """A category (事项分类) that a matter may belong to."""

    path: tuple[str, ...]  # names of level 1, 2, 3 as in the taxonomy; shorter where the deeper one is open
    confidence: float  # 0 to 1, calibrated: of guesses at 0.8 about 80 % are right
    source: str  # "rule:category/<cue>", "model:<version>"
    quote: str = ""  # the words that speak for it
    matter: str = ""  # how a title calls it, "" to use the path's last name
    levels: tuple[float, ...] = ()  # how sure each name of the path is, the first as `confidence`
