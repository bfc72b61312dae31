"""`hotline draft`: what the desk would fill in, for lines of a file; needs no server and no speech model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import msgspec

from asr.classify import Classifier
from asr.draft import DraftExtractor
from asr.draft_reading import Reading
from asr.draft_rules import DraftRules
from asr.errors import AsrError
from asr.gazetteer import Gazetteer, load_entries
from asr.learned_train import read_examples, train
from asr.taxonomy import Taxonomy
from cti.draftargs import MOST_SIMILAR
from cti.draftlines import Given, LineRefused, item_of, read_line, told, told_similar
from cti.errors import HotlineError
from orders.errors import OrderError
from orders.similar import SimilarIndex
from orders.unit_table import read_units, shipped_units
from orders.units import UnitAdvisor

CHINA = ZoneInfo("Asia/Shanghai")
MAX_LINES = 200_000
MOST_SHOWN = 200
"""Characters of a refused line's number and message; the line itself is never shown."""

Say = Callable[[object], None]


class DraftFailed(HotlineError):
    """The files given with the command cannot be used; the message names file, place and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafter:
    """Everything that a line is drafted with."""

    extractor: DraftExtractor
    advisor: UnitAdvisor
    now: datetime

    def readings(self, given: Given) -> tuple[Reading, ...]:
        """Return every matter of a line, the main one first."""
        return self.extractor.readings(given.lines, caller=given.caller, now=self.now)

    def told(self, given: Given, reading: Reading) -> dict[str, Any]:
        """Return one matter with the units that could handle it."""
        found = {field.field: field.value for field in reading.fields}
        units = self.advisor.advise(
            found.get("category", ""),
            found.get("district", ""),
            found.get("street", ""),
            f"{found.get('title', '')} {found.get('summary', '')}",
            today=self.now.date(),
        )
        return told(reading, units, timed=given.timed)


def draft(
    options: argparse.Namespace,
    *,
    city: Callable[[], Path],
    say: Say,
    tell: Callable[[str], None],
    known: Callable[[], Classifier] = Classifier,
) -> int:
    """Draft every line in order; 1 when a line was refused.

    `city` returns the file with the desk's names, asked only when --gazetteer does not say; `known` what the
    desk guesses categories with, asked only when --taxonomy does not say.

    Raises:
        DraftFailed: a file that was given cannot be used.
        LearningRefused: the desk's learned model cannot be used.
    """
    if not 0 <= options.similar <= MOST_SIMILAR:
        raise DraftFailed(f"--similar {options.similar}: give a number from 0 to {MOST_SIMILAR}")
    drafter = _drafter(options, city, known, tell)
    if options.file == "-":
        return _run(drafter, sys.stdin.buffer, options.similar, say)
    try:
        with Path(options.file).open("rb") as file:
            return _run(drafter, file, options.similar, say)
    except BrokenPipeError:
        raise  # whoever read the output has enough; the file is not to blame
    except OSError as error:
        raise DraftFailed(
            f"{options.file}: cannot be read ({error.strerror}); give a readable file"
        ) from error


def _drafter(
    options: argparse.Namespace,
    city: Callable[[], Path],
    known: Callable[[], Classifier],
    tell: Callable[[str], None],
) -> Drafter:
    now = options.now or datetime.now(CHINA)
    try:
        gazetteer = Gazetteer(load_entries(options.gazetteer or city()))
        classifier = Classifier(Taxonomy.load(options.taxonomy)) if options.taxonomy else known()
        if options.train:
            examples = read_examples(options.train, classifier.taxonomy)
            model = train(examples, classifier.taxonomy, classifier.cold_chances, at=now, progress=tell)
            classifier = classifier.taught(model)
        return Drafter(
            extractor=DraftExtractor(DraftRules.load(), gazetteer, classifier),
            advisor=_advisor(options.units),
            now=now,
        )
    except (AsrError, OrderError) as error:
        raise DraftFailed(str(error)) from error


def _advisor(units: Path | None) -> UnitAdvisor:
    if units is None:
        return UnitAdvisor.shipped()
    try:
        text = units.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DraftFailed(f"{units}: cannot be read ({error}); give a UTF-8 CSV file") from error
    return UnitAdvisor(read_units(text, standard=shipped_units()))


def _run(drafter: Drafter, file: BinaryIO, most_similar: int, say: Say) -> int:
    """Read everything first, since a line may be like one that comes after it."""
    index = SimilarIndex(MAX_LINES)
    kept: list[tuple[int, Given, tuple[Reading, ...]] | dict[str, Any]] = []
    keys: list[str | int | float] = []
    moment = drafter.now.timestamp()
    for number, raw in _lines(file):
        keys.append(number)
        try:
            given = read_line(raw, number)
            readings = drafter.readings(given)
        except LineRefused as error:
            kept.append({"id": _id_of(raw), "line": number, "error": str(error)[:MOST_SHOWN]})
            continue
        keys[-1] = given.key
        if most_similar:
            index.put(item_of(given, readings[0], len(kept), moment))
        kept.append((len(kept), given, readings))
    refused = 0
    for one in kept:
        if isinstance(one, dict):
            refused += 1
            say(_json(one))
        else:
            say(_json(_drafted(drafter, one, index, most_similar, keys, moment)))
    return 1 if refused else 0


def _drafted(
    drafter: Drafter,
    one: tuple[int, Given, tuple[Reading, ...]],
    index: SimilarIndex,
    most_similar: int,
    keys: Sequence[str | int | float],
    moment: float,
) -> dict[str, Any]:
    number, given, (main, *others) = one
    line: dict[str, Any] = {"id": given.key} | drafter.told(given, main)
    similar = (
        index.find(item_of(given, main, number, moment), limit=most_similar, now=moment, least=0.0)
        if most_similar
        else ()
    )
    line["similar"] = told_similar(similar, keys)
    line["others"] = [drafter.told(given, other) for other in others]
    return line


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    for raw in file:
        number += 1
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if not raw.strip():
            continue
        if number > MAX_LINES:
            raise DraftFailed(f"more than {MAX_LINES} lines; draft them in several files")
        yield number, raw


def _id_of(raw: bytes) -> str | int | None:
    """Return the id of a line that was refused, None where it has none that can be read."""
    try:
        row = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    key = row.get("id") if isinstance(row, dict) else None
    return key if isinstance(key, (str, int)) and len(str(key)) <= MOST_SHOWN else None


def _json(line: dict[str, Any]) -> str:
    return msgspec.json.encode(line).decode()
