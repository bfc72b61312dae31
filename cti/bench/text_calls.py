"""The measuring calls of an invented city, read sentence by sentence as the desk reads them live."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from asr.draft import DraftExtractor
from asr.draft_reading import Reading
from asr.draft_text import sentences
from asr.draft_urgency import NOT_URGENT
from asr.messages import Line, Speaker
from asr.text import readable
from cti.bench.errors import BenchError

NAMES = {"time_text": "time", "contact_name": "contact"}
"""What some fields of the output are called on the order."""
SENTENCE_S = 3.0


@dataclass(slots=True)
class Score:
    """Right and asked by field."""

    right: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)

    def take(self, name: str, *, right: bool) -> None:
        """Count one answer."""
        self.asked[name] += 1
        self.right[name] += right

    def shares(self) -> dict[str, float]:
        """Return the share that is right by field."""
        return {name: round(self.right[name] / count, 3) for name, count in self.asked.items()}


def folder() -> Path:
    """Return the folder of the calls. Raises BenchError when this installation has none."""
    found = Path(str(files("cti.bench"))) / "hotline_speech"
    if not (found / "calls.yaml").exists():
        raise BenchError(f"{found}/calls.yaml is not there; install the whole package")
    return found


def read_calls() -> tuple[Sequence[Mapping[str, Any]], datetime]:
    """Return the calls and the moment at which they are made."""
    document = yaml.safe_load((folder() / "calls.yaml").read_text("utf-8"))
    return document["calls"], datetime.fromisoformat(str(document["now"]))


def lines_of(call: Mapping[str, Any]) -> list[Line]:
    """Return a call's sentences as a recogniser without faults would have written them."""
    found: list[Line] = []
    for line in call["lines"]:
        ((speaker, text),) = line.items()
        for piece in sentences(readable(text)) if speaker == "citizen" else [text]:
            start = SENTENCE_S * len(found)
            found.append(Line(speaker=Speaker(speaker), text=piece, start=start, end=start + SENTENCE_S))
    return found


def replay(
    extractor: DraftExtractor, calls: Sequence[Mapping[str, Any]], now: datetime
) -> tuple[list[tuple[Reading, ...]], list[float]]:
    """Read every call sentence by sentence; return what stands at its end, and seconds of every update."""
    ends: list[tuple[Reading, ...]] = []
    seconds: list[float] = []
    for call in calls:
        lines = lines_of(call)
        found: tuple[Reading, ...] = ()
        for count in range(1, len(lines) + 1):
            began = time.thread_time()
            found = extractor.readings(lines[:count], caller=str(call.get("caller", "")), now=now)
            seconds.append(time.thread_time() - began)
        ends.append(found)
    return ends, seconds


def last_readings(
    extractor: DraftExtractor,
    calls: Sequence[Mapping[str, Any]],
    lines: Sequence[Sequence[Line]],
    now: datetime,
) -> list[tuple[Reading, ...]]:
    """Read every call at once, given its lines."""
    return [
        extractor.readings(each, caller=str(call.get("caller", "")), now=now)
        for call, each in zip(calls, lines, strict=True)
    ]


def scored(calls: Sequence[Mapping[str, Any]], ends: Sequence[tuple[Reading, ...]]) -> Score:
    """Compare what was read with what the calls expect; a field that must stay empty counts as well."""
    score = Score()
    for call, readings in zip(calls, ends, strict=True):
        _compare(call["expect"], readings[0], score)
        second = call.get("second")
        score.take("second matter", right=(second is not None) == (len(readings) > 1))
        if second is not None and len(readings) > 1:
            _compare(second, readings[1], score)
    return score


def _compare(expect: Mapping[str, Any], reading: Reading, score: Score) -> None:
    found: dict[str, Any] = {one.field: one.value for one in reading.fields}
    path = () if reading.guess is None else reading.guess.path
    found |= {f"level{number}": name for number, name in enumerate(path, 1)}
    found["urgent"] = found.get("urgency", NOT_URGENT) != NOT_URGENT
    for name, wanted in expect.items():
        got = found.get(NAMES.get(name, name))
        score.take(name, right=_plain(name, got) == _plain(name, wanted))


def _plain(name: str, value: object) -> object:
    return str(value).replace("-", "") if name == "phone" and value else value
