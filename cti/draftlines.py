"""One line of `hotline draft`: a text or a transcript in, every field of the order out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from asr.draft_reading import Reading
from asr.draft_text import MAX_TEXT, sentences
from asr.draft_urgency import NOT_URGENT
from asr.messages import FieldSuggestion, Line, Speaker
from asr.text import readable
from cti.errors import HotlineError
from orders.messages import SimilarOrder, UnitAdvice
from orders.similar import SimilarItem

MAX_BYTES = 4_000_000
"""Of one line; a transcript of four hours is less."""
MAX_SEGMENTS = 20_000
MAX_ID = 200
MAX_CALLER = 40
TITLE = 60
"""A first sentence of at most so many characters counts as the title."""

FIELDS = (
    ("type", "type"),
    ("district", "district"),
    ("street", "street"),
    ("place", "place"),
    ("detail", "detail"),
    ("point", "point"),
    ("subject", "subject"),
    ("contact_name", "contact"),
    ("phone", "phone"),
    ("time_text", "time"),
    ("time_iso", "time_iso"),
    ("urgency", "urgency"),
    ("mood", "mood"),
    ("title", "title"),
    ("summary", "summary"),
)
"""What a field is called in the output, and on the order."""
UNLISTED = "/unlisted"
"""How the source of a place ends that no list has: as words it tells enough, as a place it tells too much."""
LEVELS = ("level1", "level2", "level3")
NOTHING: dict[str, object] = {"value": "", "source": "", "confidence": 0.0}

_SPEAKERS = {
    "citizen": Speaker.CITIZEN,
    "agent": Speaker.AGENT,
    "third": Speaker.THIRD,
    "市民": Speaker.CITIZEN,
    "坐席": Speaker.AGENT,
}


class LineRefused(HotlineError):
    """A line cannot be drafted; the message names key, value and remedy."""


class _Segment(msgspec.Struct):
    text: str
    start: float = 0.0
    end: float = 0.0
    speaker: str = "citizen"
    confidence: float = 1.0


class _Row(msgspec.Struct):
    id: str | int | float | None = None
    text: str | None = None
    title: str | None = None
    body: str | None = None
    caller: str | int | None = None
    time: str | None = None
    file: str | None = None
    segments: list[_Segment] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What one line holds."""

    key: str | int | float  # as it came: its id, else its file, else the line's number
    lines: tuple[Line, ...]  # the conversation
    timed: bool  # its lines have seconds of audio
    caller: str  # calling number, "" for none
    title: str  # as given, else the first sentence if it is short
    text: str  # everything the citizen said
    at: datetime | None  # when it was said, None when the line does not tell


def read_line(raw: bytes, number: int) -> Given:
    """Read one line of JSON.

    Raises:
        LineRefused: it is no JSON object with a text or segments, or too long.
    """
    if len(raw) > MAX_BYTES:
        raise LineRefused(f"line {number}: {len(raw)} bytes, at most {MAX_BYTES}; shorten it")
    try:
        row = msgspec.json.decode(raw, type=_Row, strict=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise LineRefused(f'line {number}: {error}; write {{"id": …, "text": …}}') from error
    key = row.id if row.id is not None else row.file if row.file is not None else number
    if isinstance(key, str) and len(key) > MAX_ID:
        raise LineRefused(f"line {number}: id has {len(key)} characters, at most {MAX_ID}; shorten it")
    caller = "" if row.caller is None else str(row.caller).strip()
    if len(caller) > MAX_CALLER:
        raise LineRefused(f"line {number}: caller has {len(caller)} characters, at most {MAX_CALLER}")
    at = moment(row.time)
    if row.segments is not None:
        lines = tuple(_spoken(row.segments, number))
        text = "".join(line.text for line in lines if line.speaker is Speaker.CITIZEN)
        return Given(key=key, lines=lines, timed=True, caller=caller, title="", text=text, at=at)
    if row.text is None and row.body is None:
        raise LineRefused(f"line {number}: neither text nor segments; give one of them")
    text = "\n".join(part for part in (row.title, row.text if row.text is not None else row.body) if part)
    written = [readable(sentence) for sentence in sentences(text)]
    title = row.title or (written[0] if written and len(written[0]) <= TITLE else "")
    return Given(
        key=key,
        lines=tuple(
            Line(speaker=Speaker.CITIZEN, text=sentence, start=float(place), end=float(place + 1))
            for place, sentence in enumerate(written)
        ),
        timed=False,
        caller=caller,
        title=title,
        text=text[:MAX_TEXT],
        at=at,
    )


def _spoken(segments: Sequence[_Segment], number: int) -> Iterable[Line]:
    if len(segments) > MAX_SEGMENTS:
        raise LineRefused(f"line {number}: {len(segments)} segments, at most {MAX_SEGMENTS}; leave some out")
    for place, segment in enumerate(segments):
        speaker = _SPEAKERS.get(segment.speaker)
        if speaker is None:
            raise LineRefused(
                f"line {number}: speaker of segment {place} is {segment.speaker[:20]!r}; "
                "write citizen, agent or third"
            )
        pieces = sentences(segment.text) if speaker is Speaker.CITIZEN else [segment.text]
        for piece in pieces:
            yield Line(
                speaker=speaker,
                text=readable(piece),
                start=segment.start,
                end=segment.end,
                confidence=min(1.0, max(0.0, segment.confidence)),
            )


def moment(text: str | None) -> datetime | None:
    """Return when a message was written (2019/2/28 11:25:05, or ISO 8601), None when it does not tell."""
    if not text:
        return None
    for form in ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d"):
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - a wall clock in the city
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def item_of(given: Given, reading: Reading, number: int, moment: float) -> SimilarItem:
    """Return what is compared with other lines; `moment` (epoch seconds) for lines without a time."""
    found = {field.field: field.value for field in reading.fields if not field.source.endswith(UNLISTED)}
    return SimilarItem(
        order_id=str(number),
        title=given.title,
        text=given.text,
        at=moment if given.at is None else given.at.timestamp(),
        district=found.get("district", ""),
        street=found.get("street", ""),
        place=found.get("place", ""),
        category=found.get("category", ""),
        caller=given.caller,
    )


def told(reading: Reading, units: Sequence[UnitAdvice], *, timed: bool) -> dict[str, Any]:
    """Return every field of one matter as the output has it."""
    found = {field.field: field for field in reading.fields}
    line: dict[str, Any] = {"type": _value(found.get("type"), timed)}
    category = found.get("category")
    path = () if reading.guess is None else reading.guess.path
    sure = () if reading.guess is None else reading.guess.levels
    for level, name in enumerate(LEVELS):
        line[name] = dict(NOTHING)
        if category is not None and level < len(path):
            confidence = sure[level] if level < len(sure) else category.confidence
            line[name] = _value(replace(category, value=path[level], confidence=confidence), timed)
    for name, field in FIELDS[1:]:
        if name == "urgency":
            line["urgent"] = _urgent(found.get("urgency"), timed)
        line[name] = _value(found.get(field), timed)
    line["units"] = [
        {"value": unit.unit, "source": unit.source, "confidence": unit.confidence, "reason": unit.reason}
        for unit in units
    ]
    return line


def told_similar(found: Sequence[SimilarOrder], keys: Sequence[str | int | float]) -> list[dict[str, Any]]:
    """Return similar lines, best first; `keys` has the id of every line by its number."""
    return [
        {
            "value": keys[int(order.order_id)],
            "source": "similar",
            "confidence": order.score,
            "reason": order.reason,
        }
        for order in found
    ]


def _value(field: FieldSuggestion | None, timed: bool) -> dict[str, object]:
    if field is None:
        return dict(NOTHING)
    value: dict[str, object] = {
        "value": field.value,
        "source": field.source,
        "confidence": round(field.confidence, 3),
    }
    if field.audio_from is not None:
        value["quote"] = field.quote
        if timed:
            value["audio"] = [field.audio_from, field.audio_to]
    return value


def _urgent(urgency: FieldSuggestion | None, timed: bool) -> dict[str, object]:
    if urgency is None:
        return {"value": False, "source": "", "confidence": 0.0}
    return _value(urgency, timed) | {"value": urgency.value != NOT_URGENT}
