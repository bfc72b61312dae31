"""What is read of one matter: every field of the order with its source, confidence, seconds and words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from asr.draft_confirmed import with_confirmed
from asr.draft_contact import find_contact
from asr.draft_lines import Said
from asr.draft_mood import find_mood
from asr.draft_phone import find_phone, gave_digits
from asr.draft_place import Places, find_places
from asr.draft_rules import DraftRules
from asr.draft_subject import find_subject
from asr.draft_summary import summary_of, title_of
from asr.draft_time import find_time
from asr.draft_type import find_type
from asr.draft_urgency import NOT_URGENT, find_urgency
from asr.draft_words import Judged, Matter, find_matter
from asr.gazetteer import Gazetteer
from asr.messages import CategoryGuess, FieldSuggestion

CALLER_ID_CONFIDENCE = 0.6
UNHEARD_CONFIDENCE = 0.3
"""Of the calling number when the citizen gave another one that could not be made out."""
INHERITED = 0.7
"""A further matter for which no place was said is where the main one is, so much less surely."""
MAX_QUOTE = 200
MAX_VALUE = 100
"""Characters of a place or a category; longer ones are cut."""
_REMEMBERED = 2_000
_PLACES = ("district", "street", "place", "detail", "point")
_OF_A_PLACE = frozenset({"投诉", "求助", "举报"})
"""Types of further matters that are where the main one is, when no place is said."""


class Guesses(Protocol):
    """Guesses categories (asr.classify.Classifier)."""

    def guess(self, text: str, *, limit: int = 3) -> tuple[CategoryGuess, ...]:
        """Return the likeliest, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all matters of a call share."""

    lines: Sequence[Said]  # everything the citizen said
    agent: Sequence[str]  # everything the agent said
    caller: str  # the calling number, "" when hidden
    now: datetime  # what 昨天 counts from


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One matter as it was read."""

    fields: tuple[FieldSuggestion, ...]  # what can be filled in
    guess: CategoryGuess | None  # the category with a confidence for each level


class Reader:
    """Reads one matter at a time."""

    def __init__(self, rules: DraftRules, gazetteer: Gazetteer, classifier: Guesses | None) -> None:
        self._rules = rules
        self._gazetteer = gazetteer
        self._classifier = classifier
        self._guessed: dict[str, CategoryGuess | None] = {}

    def guess(self, lines: Sequence[Said]) -> CategoryGuess | None:
        """Return the likeliest category of what was said, None when nothing speaks for any."""
        if self._classifier is None:
            matter = find_matter(lines, self._rules)
            return None if matter is None else _as_guess(matter)
        text = "".join(said.text for said in lines)
        if text in self._guessed:
            return self._guessed[text]
        found = self._classifier.guess(text, limit=1) if text else ()
        if len(self._guessed) >= _REMEMBERED:
            self._guessed.clear()
        self._guessed[text] = found[0] if found else None
        return self._guessed[text]

    def read(self, lines: Sequence[Said], shared: Shared, *, among: bool) -> Reading:
        """Read the main matter; `among`: others were found, so its place is sought in its own words first."""
        guess = self.guess(lines)
        places = find_places(with_confirmed(lines), self._gazetteer)
        if among and places.district is None and places.place is None and places.street is None:
            places = find_places(with_confirmed(shared.lines), self._gazetteer)
        fields = [*self._own(lines, guess, places, shared), *_shared(shared)]
        return Reading(fields=tuple(fields), guess=guess)

    def read_further(self, lines: Sequence[Said], shared: Shared, main: Reading) -> Reading:
        """Read a further matter: telephone and name are the call's, and the place if none was said."""
        guess = self.guess(lines)
        places = find_places(with_confirmed(lines), self._gazetteer)
        fields = [*self._own(lines, guess, places, shared), *_shared(shared)]
        said = {field.field for field in fields}
        kind = next((field.value for field in fields if field.field == "type"), "")
        if kind in _OF_A_PLACE and not said & set(_PLACES):
            fields += [
                replace(field, confidence=round(field.confidence * INHERITED, 3))
                for field in main.fields
                if field.field in _PLACES
            ]
        return Reading(fields=tuple(fields), guess=guess)

    def _own(
        self, said: Sequence[Said], guess: CategoryGuess | None, places: Places, shared: Shared
    ) -> Iterator[FieldSuggestion]:
        important: list[Said] = []
        urgency = find_urgency(said, self._rules)
        urgent = urgency is not None and urgency.value != NOT_URGENT
        kind = find_type(said, self._rules, urgent=urgent, matter=guess is not None)
        if urgency is not None and urgent and kind is not None and kind.value == "表扬":
            urgency = replace(urgency, value=NOT_URGENT, source="rule:urgency/none", quote="")
        if kind is not None:
            important.append(kind.said)
            yield _judged("type", kind)
        if guess is not None:
            of = _sentence(said, guess.quote)
            important.append(of)
            confidence = round(guess.confidence * of.confidence, 3)
            yield _field(
                "category", "/".join(guess.path)[:MAX_VALUE], guess.source, confidence, of, guess.quote
            )
        for name, place in (
            ("district", places.district),
            ("street", places.street),
            ("place", places.place),
            ("detail", places.detail),
            ("point", places.point),
        ):
            if place is not None:
                yield _field(
                    name, place.value[:MAX_VALUE], place.source, place.confidence, place.said, place.quote
                )
        subject = None if kind is None else find_subject(said, self._gazetteer, kind.value)
        if subject is not None:
            important.append(subject.said)
            yield _judged("subject", subject)
        when = find_time(said, shared.now)
        if when is not None:
            important.append(when.said)
            yield _field("time", when.words, when.source, when.confidence, when.said, when.words)
            if when.iso:
                yield _field("time_iso", when.iso, when.source, when.confidence, when.said, when.words)
        if urgency is not None:
            important.append(urgency.said)
            yield _judged("urgency", urgency)
        mood = find_mood(said, self._rules, praise=kind is not None and kind.value == "表扬")
        if mood is not None:
            yield _judged("mood", mood)
        if kind is not None and guess is not None:
            confidence = round(min(kind.confidence, guess.confidence), 3)
            title = title_of(kind.value, _where(places), guess.matter or guess.path[-1])
            yield _field("title", title, "rule:title", confidence, _sentence(said, guess.quote))
        yield from self._summary(said, important, places)

    def _summary(
        self, said: Sequence[Said], important: Sequence[Said], places: Places
    ) -> Iterator[FieldSuggestion]:
        district = None if places.district is None else places.district.value
        spelled = [
            sentence.with_text(self._gazetteer.repaired(sentence.text, district=district))
            for sentence in said
        ]
        text, used = summary_of(spelled, important)
        if text:
            confidence = round(0.9 * sum(part.confidence for part in used) / len(used), 3)
            yield _field("summary", text, "citizen", confidence, used[0], "", used[-1])


def _shared(shared: Shared) -> Iterator[FieldSuggestion]:
    phone = find_phone(shared.lines, shared.caller)
    if phone is not None:
        quote = " ".join(part.quote for part in phone.said)
        yield _field(
            "phone", phone.number, phone.source, phone.confidence, phone.said[0], quote, phone.said[-1]
        )
    elif shared.caller:
        yield FieldSuggestion(
            field="phone",
            value=shared.caller,
            source="caller_id",
            confidence=UNHEARD_CONFIDENCE if gave_digits(shared.lines) else CALLER_ID_CONFIDENCE,
        )
    contact = find_contact(shared.lines, shared.agent)
    if contact is not None:
        yield _field("contact", contact.name, contact.source, contact.confidence, contact.said)


def _as_guess(matter: Matter) -> CategoryGuess:
    judged = matter.judged
    return CategoryGuess(
        path=tuple(judged.value.split("/")),
        confidence=judged.confidence,
        source=judged.source,
        quote=judged.quote,
        matter=matter.words,
    )


def _sentence(lines: Sequence[Said], quote: str) -> Said:
    """Return the sentence that holds the words, the first one where none does."""
    return next((said for said in lines if quote and quote in said.text), lines[0])


def _where(places: Places) -> str:
    """Return district and place for the title, without saying a name twice."""
    parts = [found.value for found in (places.district, places.place or places.street) if found is not None]
    return "".join(parts)


def _judged(name: str, judged: Judged) -> FieldSuggestion:
    return _field(name, judged.value, judged.source, judged.confidence, judged.said, judged.quote)


def _field(
    name: str,
    value: str,
    source: str,
    confidence: float,
    said: Said,
    quote: str = "",
    last: Said | None = None,
) -> FieldSuggestion:
    return FieldSuggestion(
        field=name,
        value=value,
        source=source,
        confidence=confidence,
        audio_from=said.start,
        audio_to=(last or said).end,
        quote=(quote or said.quote)[:MAX_QUOTE],
    )
