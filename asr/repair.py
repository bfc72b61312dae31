"""Words that were heard as others, written as they were meant; what was heard is kept beside.

Two kinds: the city's names, found by sound in its gazetteer, and the hotline's own words, from a table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from asr.gazetteer import Entry, Gazetteer, How, Kind, Match
from asr.messages import Repair
from asr.text_marked import MarkedText
from asr.text_yaml import TextTableError, read_table

TABLE = Path(__file__).parent / "data" / "terms.yaml"
SURENESS = {How.SOUND: 0.85, How.NEAR: 0.65}
"""Confidence of a name by how it was found."""
TERM_SURENESS = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word and what it is heard as."""

    write: str  # the word
    heard: tuple[str, ...]  # exactly so
    before: str = ""  # regular expression that the text before it must match
    not_before: str = ""  # regular expression that the text before it must not match
    after: str = ""  # regular expression that the text after it must begin with


@dataclass(frozen=True, slots=True, kw_only=True)
class TermTable:
    """The file's content, see data/terms.yaml."""

    by_sound: tuple[str, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    term: Term
    heard: re.Pattern[str]
    before: re.Pattern[str] | None
    not_before: re.Pattern[str] | None
    after: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Terms:
    """The hotline's own words, ready to be found."""

    rules: tuple[_Rule, ...]
    names: Gazetteer


@cache
def terms(path: Path = TABLE) -> Terms:
    """Return the table of the hotline's words.

    Raises:
        TextTableError: it cannot be read, or has a pattern that is none.
    """
    table = read_table(path, TermTable)
    entries = tuple(Entry(name=name, kind=Kind.ORGANISATION) for name in table.by_sound if len(name) >= 4)
    try:
        rules = tuple(
            _Rule(
                term,
                re.compile("|".join(map(re.escape, sorted(term.heard, key=len, reverse=True)))),
                _compiled(term.before),
                _compiled(term.not_before),
                _compiled(term.after),
            )
            for term in table.terms
        )
    except re.error as error:
        raise TextTableError(f"{path}: {error.pattern!r} is no regular expression ({error})") from error
    return Terms(rules, Gazetteer(entries))


def _compiled(pattern: str) -> re.Pattern[str] | None:
    return re.compile(pattern) if pattern else None


_NEARBY = 12
"""Characters before a term that its patterns see."""


def repair_terms(text: MarkedText, known: Terms) -> None:
    """Write the hotline's own words as they are meant."""
    for rule in known.rules:
        found = [
            (match.start(), match.end(), rule.term.write)
            for match in rule.heard.finditer(text.text)
            if match.group() != rule.term.write and _fits(rule, text.text, match)
        ]
        _rewrite(text, [(*each, TERM_SURENESS) for each in found])
    _rewrite(text, _changes(known.names.find(text.text)))


def _fits(rule: _Rule, text: str, match: re.Match[str]) -> bool:
    before = text[max(match.start() - _NEARBY, 0) : match.start()]
    return (
        (rule.before is None or rule.before.search(before) is not None)
        and (rule.not_before is None or rule.not_before.search(before) is None)
        and (rule.after is None or rule.after.match(text, match.end()) is not None)
    )


@dataclass(slots=True)
class PlaceRepair:
    """Repairs the names in one leg's sentences, and remembers the district and street said last."""

    gazetteer: Gazetteer
    district: str | None = field(default=None)
    street: str | None = field(default=None)

    def repair(self, text: MarkedText) -> None:
        """Write the names in a finished sentence as the city spells them."""
        _rewrite(text, _changes(self._find(text.text, remember=True)))

    def repaired(self, text: str) -> str:
        """Return an unfinished sentence with its names repaired; nothing is remembered of it."""
        one = MarkedText(text)
        _rewrite(one, _changes(self._find(text, remember=False)))
        return one.text

    def _find(self, line: str, *, remember: bool) -> tuple[Match, ...]:
        found = self.gazetteer.find(line, district=self.district, street=self.street)
        district, street = self.district, self.street
        for match in found:
            if match.others:
                continue
            if match.entry.kind is Kind.DISTRICT:
                district, street = match.entry.name, None
            elif match.entry.kind is Kind.STREET:
                street = match.entry.name
                inside = self.gazetteer.districts_of(match.entry)
                district = inside[0] if len(inside) == 1 else district
        if (district, street) != (self.district, self.street):
            found = self.gazetteer.find(line, district=district, street=street)
            if remember:
                self.district, self.street = district, street
        return found


def _changes(matches: Sequence[Match]) -> list[tuple[int, int, str, float]]:
    return [
        (match.start, match.end, match.text, SURENESS[match.how])
        for match in matches
        if match.how in SURENESS and match.text != match.heard
    ]


def _rewrite(text: MarkedText, changes: Sequence[tuple[int, int, str, float]]) -> None:
    """Put each in its place and mark it; nothing is changed where something was repaired before."""
    free = [
        each for each in changes if all(each[1] <= mark.start or mark.end <= each[0] for mark in text.marks)
    ]
    heard = [text.text[start:end] for start, end, _, _ in free]
    text.change([(start, end, new) for start, end, new, _ in free])
    shift = 0
    for (start, end, new, sureness), before in zip(free, heard, strict=True):
        begin = start + shift
        text.mark(
            Repair(start=begin, end=begin + len(new), heard=before, source="gazetteer", confidence=sureness)
        )
        shift += len(new) - (end - start)
