"""The first draft of an order, read from the conversation so far.

A pure function of the sentences, the calling number and the time: call it after every final sentence and take
what it returns as all that the machine has to say now (values it no longer returns are withdrawn). Only the
citizen's sentences fill fields; the agent's tell what was asked. What was found in a sentence is remembered,
so that one more sentence costs little more than itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from asr.draft_lines import Said, agent_lines, citizen_lines
from asr.draft_matters import LEAST_CHARACTERS, MOST_MATTERS, Part, cuts, parts_of
from asr.draft_reading import Guesses, Reader, Reading, Shared
from asr.draft_rules import DraftRules, cues_in, sounds_of
from asr.draft_subject import candidates_in
from asr.draft_time import times_in
from asr.draft_type import find_type
from asr.draft_urgency import standing_in
from asr.gazetteer import Gazetteer
from asr.messages import FieldSuggestion, Line, Speaker

__all__ = ["DraftExtractor", "DraftRules", "Gazetteer", "Guesses", "Reading", "forget"]

_OUTRIGHT = 0.3
"""How sure another category must be where the citizen says that another matter follows, and"""
_UNSAID = 0.5
"""where they only say 另外, and then it must be another one on the first level."""
_SURE_TYPE = 0.6

_WARMING = (Line(speaker=Speaker.CITIZEN, text="我在和顺路小区，电话是一二三，我姓王", start=0.0, end=1.0),)


class DraftExtractor:
    """Reads drafts by the given rules and names; keeps nothing of any call, so one serves all."""

    def __init__(self, rules: DraftRules, gazetteer: Gazetteer, classifier: Guesses | None = None) -> None:
        """`classifier`: guesses categories; without one the taxonomy's own cues of `rules` decide."""
        self._rules = rules
        self._reader = Reader(rules, gazetteer, classifier)
        # dictionaries and patterns load when they are first used: now, not in the first call
        self.extract(_WARMING, caller="", now=datetime(2026, 1, 1, tzinfo=UTC))

    def extract(self, lines: Sequence[Line], *, caller: str, now: datetime) -> tuple[FieldSuggestion, ...]:
        """Return what the machine would fill in after these sentences of a call, for its main matter.

        `caller`: the calling number ("" when hidden), the phone number unless another was said in full.
        `now`: with the city's time zone; words like 昨天 count from it.
        At most the first 400 sentences, and 600 characters of each, are read.
        """
        return self.matters(lines, caller=caller, now=now)[0]

    def matters(
        self, lines: Sequence[Line], *, caller: str, now: datetime
    ) -> tuple[tuple[FieldSuggestion, ...], ...]:
        """Return the same for every matter of the call, the main one first; never empty, at most three."""
        return tuple(reading.fields for reading in self.readings(lines, caller=caller, now=now))

    def readings(self, lines: Sequence[Line], *, caller: str, now: datetime) -> tuple[Reading, ...]:
        """Return the same as `matters`, with the category that was guessed for each."""
        said = citizen_lines(lines)
        shared = Shared(lines=said, agent=agent_lines(lines), caller=caller, now=now)
        main, *others = self._separate(said)
        first = self._reader.read(main, shared, among=bool(others))
        return (first, *(self._reader.read_further(other, shared, first) for other in others))

    def _separate(self, said: Sequence[Said]) -> list[list[Said]]:
        first, *further = parts_of(said, self._rules.further)
        found = [list(first.lines)]
        for part in further:
            if found[0] and len(found) < MOST_MATTERS and self._is_another(part, found):
                found.append(list(part.lines))
            else:
                _join(found[-1], part.lines)
        return found

    def _is_another(self, part: Part, earlier: Sequence[Sequence[Said]]) -> bool:
        if sum(len(said.text) for said in part.lines) < LEAST_CHARACTERS:
            return False
        guess = self._reader.guess(part.lines)
        if guess is None:
            return False
        known = [other for lines in earlier if (other := self._reader.guess(lines)) is not None]
        if not known:
            return False
        kind = find_type(part.lines, self._rules, urgent=False, matter=True)
        kinds = {
            told.value
            for lines in earlier
            if (told := find_type(lines, self._rules, urgent=False, matter=True)) is not None
        }
        other_type = kind is not None and kind.confidence >= _SURE_TYPE and kind.value not in kinds
        other_matter = all(guess.path[:2] != one.path[:2] for one in known)
        if part.outright:
            return (other_matter and guess.confidence >= _OUTRIGHT) or other_type
        other_field = all(guess.path[0] != one.path[0] for one in known)
        return (other_field and guess.confidence >= _UNSAID) or (other_type and other_matter)


def forget() -> None:
    """Let nothing be remembered of sentences already read, so that a first reading can be measured."""
    for remembered in (cues_in, sounds_of, times_in, candidates_in, standing_in, cuts):
        remembered.cache_clear()


def _join(lines: list[Said], more: Sequence[Said]) -> None:
    """Add sentences; the pieces of one that was cut become one again."""
    for said in more:
        if lines and lines[-1].number == said.number:
            lines[-1] = said.with_text(lines[-1].text + said.text)
        else:
            lines.append(said)
