"""What is known of a call afterwards, and how journal entries amount to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from cti.callback_records import check_callback
from cti.figures.facts import CallKind
from cti.messages import CallState, Entry, EntryKind, Outcome, RepairView
from cti.visit_records import check_visit

__all__ = [
    "RECORD_KINDS",
    "CallFilter",
    "CallPage",
    "CallRecord",
    "TranscriptLine",
    "check_entry",
    "fold",
    "line_of",
]

RECORD_KINDS = (EntryKind.CALL_STATE, EntryKind.CALL_LEG, EntryKind.RATING, EntryKind.RECORDING)
"""Kinds that `fold` looks at."""

Id = Annotated[str, msgspec.Meta(max_length=80)]
Number = Annotated[str, msgspec.Meta(max_length=40)]
Name = Annotated[str, msgspec.Meta(max_length=64)]
Login = Annotated[str, msgspec.Meta(max_length=32)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]

PAGE_MAX = 10_000
SIZE_MAX = 100
TEXT_MAX = 100


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One call as the database knows it. Times are epoch seconds."""

    call_id: str  # which; also the name of its recording
    caller: str = ""  # calling number
    called: str = ""  # number the citizen dialled
    state: CallState = CallState.INCOMING  # where it is, or was last
    queue: str = ""  # skill queue
    queue_title: str = ""  # its Chinese name
    agent_id: str | None = None  # who talked with the citizen last
    started: float = 0.0  # reached us
    queued: float | None = None  # first began to wait for a person
    answered: float | None = None  # a person answered first
    ended: float | None = None  # over
    waited_s: float | None = None  # seconds until a person answered
    rings: int = 0  # agents' phones that rang
    outcome: Outcome | None = None  # with ended
    satisfaction: int | None = None  # 1 to 5
    recording_file: str | None = None  # relative to the recordings folder
    recording_s: float | None = None  # length in seconds
    recording_bytes: int | None = None  # size
    recording_started: float | None = None  # zero of all times that count in seconds of the recording


class TranscriptLine(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence of a call. Times are seconds into the recording."""

    line_id: str  # tap and segment
    speaker: str  # "citizen", "agent" or "third"
    text: str  # readable
    verbatim: str  # as the recogniser heard it
    start_s: float
    end_s: float
    confidence: float | None  # 0 to 1
    words: Sequence[Mapping[str, object]]  # with times, as the recogniser gave them
    repairs: Sequence[RepairView] | None = ()  # where the text is not what was heard; None: was not kept
    gap: str = ""  # not speech: why nobody listened from start to end; text is ""


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls to list; everything left out does not matter."""

    caller: str = ""  # calling number, exact
    called: str = ""  # dialled number, exact
    agent: str = ""  # login of who talked last
    handled: str = ""  # login of who talked at some time
    queue: str = ""  # skill queue
    kind: CallKind | None = None  # who wanted the call
    media: str = ""  # voice, video or text
    category: str = ""  # of its first submitted order: this alone; ending in "/": and what is below
    district: str = ""  # 区县 of its first submitted order
    satisfaction: int | None = None  # 1 to 5
    outcome: Outcome | None = None  # how it ended
    since: float | None = None  # started at or after, epoch seconds
    until: float | None = None  # started before, epoch seconds
    text: str = ""  # somewhere in what was said; at most 100 characters
    page: int = 1  # from 1 to 10,000
    size: int = 20  # calls a page, 1 to 100

    def check(self) -> None:
        """Refuse what is out of bounds.

        Raises:
            ValueError: naming the key.
        """
        for key, value, most in (("page", self.page, PAGE_MAX), ("size", self.size, SIZE_MAX)):
            if not 1 <= value <= most:
                raise ValueError(f"{key} must be 1 to {most}")
        for key in (
            "caller", "called", "agent", "handled", "queue", "media", "category", "district", "text",
        ):  # fmt: skip
            if len(getattr(self, key)) > TEXT_MAX or "\0" in getattr(self, key):
                raise ValueError(f"{key} must have at most {TEXT_MAX} characters, none of them NUL")


class CallPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of calls, newest first."""

    total: int  # calls that match
    page: int  # which page this is
    size: int  # calls a page
    calls: Sequence[CallRecord]


# ---------------------------------------------------------------- data of the entries, as EntryKind says


class _CallState(msgspec.Struct, frozen=True):
    state: CallState
    caller: Number | None = None
    called: Number | None = None
    queue: Name | None = None
    queue_title: Name | None = None
    agent_id: Login | None = None
    started: float | None = None
    queued: float | None = None
    answered: float | None = None
    ended: float | None = None
    waited_s: Seconds | None = None
    outcome: Outcome | None = None
    satisfaction: Annotated[int, msgspec.Meta(ge=1, le=5)] | None = None
    recording_started: float | None = None


class _CallLeg(msgspec.Struct, frozen=True):
    agent_id: Login
    result: Annotated[str, msgspec.Meta(max_length=32)]
    ring_s: Seconds = 0.0


class _Transcript(msgspec.Struct, frozen=True):
    line_id: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    speaker: Annotated[str, msgspec.Meta(pattern="^(citizen|agent|third)$")]
    text: Annotated[str, msgspec.Meta(max_length=10_000)]
    start: float
    end: float
    verbatim: Annotated[str, msgspec.Meta(max_length=10_000)] = ""
    confidence: float | None = None
    words: Annotated[list[dict[str, object]], msgspec.Meta(max_length=5_000)] | None = None
    repairs: Annotated[tuple[RepairView, ...], msgspec.Meta(max_length=1_000)] = ()
    gap: Annotated[str, msgspec.Meta(max_length=16)] = ""


class _Rating(msgspec.Struct, frozen=True):
    score: Annotated[int, msgspec.Meta(ge=1, le=5)]


class _Recording(msgspec.Struct, frozen=True):
    file: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    seconds: Seconds
    bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    started: float | None = None


_SHAPES: Mapping[EntryKind, type[msgspec.Struct]] = {
    EntryKind.CALL_STATE: _CallState,
    EntryKind.CALL_LEG: _CallLeg,
    EntryKind.TRANSCRIPT: _Transcript,
    EntryKind.RATING: _Rating,
    EntryKind.RECORDING: _Recording,
}


def check_entry(entry: Entry) -> None:
    """Refuse an entry that cannot be stored; unknown keys of `data` are kept and not looked at.

    Raises:
        msgspec.ValidationError: `data` is not as its kind says.
        ValueError: id or text cannot be stored.
    """
    if not 1 <= len(entry.entry_id) <= 64:
        raise ValueError("entry_id must have 1 to 64 characters")
    if len(entry.call_id) > 80:
        raise ValueError("call_id must have at most 80 characters")
    if "\\u0000" in msgspec.json.encode(entry).decode():
        raise ValueError("a text contains NUL, which databases do not store")
    if entry.kind is EntryKind.CALLBACK:
        check_callback(entry)
    if entry.kind is EntryKind.VISIT:
        check_visit(entry)
    if entry.kind in _SHAPES:
        if not entry.call_id:
            raise ValueError(f"a {entry.kind} entry needs a call_id")
        msgspec.convert(entry.data, _SHAPES[entry.kind])


def line_of(entry: Entry) -> TranscriptLine:
    """Return the sentence that a transcript entry tells."""
    data = msgspec.convert(entry.data, _Transcript)
    return TranscriptLine(
        line_id=data.line_id,
        speaker=data.speaker,
        text=data.text,
        verbatim=data.verbatim,
        start_s=data.start,
        end_s=data.end,
        confidence=data.confidence,
        words=data.words or [],
        repairs=data.repairs,
        gap=data.gap,
    )


def fold(call_id: str, entries: Sequence[Entry]) -> CallRecord | None:
    """Return what the entries of one call, in the order of their ids, amount to; None without a state.

    Times that an entry does not tell are taken from the first entry of the state: waiting means queued,
    talking answered, ended ended.
    """
    known: dict[str, object] = {}
    rings = 0
    for entry in entries:
        if entry.kind is EntryKind.CALL_STATE:
            _take_state(known, msgspec.convert(entry.data, _CallState), entry.at)
        elif entry.kind is EntryKind.CALL_LEG:
            rings += 1
        elif entry.kind is EntryKind.RATING:
            known["satisfaction"] = msgspec.convert(entry.data, _Rating).score
        elif entry.kind is EntryKind.RECORDING:
            recording = msgspec.convert(entry.data, _Recording)
            known["recording_file"] = recording.file
            known["recording_s"] = recording.seconds
            known["recording_bytes"] = recording.bytes
            if recording.started is not None:
                known["recording_started"] = recording.started
    if not known:
        return None
    record = msgspec.convert({"call_id": call_id, "rings": rings, **known}, CallRecord)
    if record.waited_s is None and record.answered is not None:
        began = record.queued if record.queued is not None else record.started
        record = msgspec.structs.replace(record, waited_s=max(0.0, record.answered - began))
    return record


_FIRST_OF = {CallState.WAITING: "queued", CallState.TALKING: "answered", CallState.ENDED: "ended"}


def _take_state(known: dict[str, object], data: _CallState, at: float) -> None:
    known.setdefault("started", data.started if data.started is not None else at)
    for name in data.__struct_fields__:
        value = getattr(data, name)
        if value is None or (name == "agent_id" and data.state in (CallState.WAITING, CallState.RINGING)):
            continue
        known[name] = value
    if data.state in _FIRST_OF:
        known.setdefault(_FIRST_OF[data.state], at)
