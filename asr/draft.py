"""The first draft of an order, read from the conversation so far.

A pure function of the sentences, the calling number and the time: call it after every final sentence and take
what it returns as all that the machine has to say now (values it no longer returns are withdrawn). Only the
citizen's sentences fill fields; the agent's tell what was asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from asr.draft_contact import find_contact
from asr.draft_lines import Said, agent_lines, citizen_lines
from asr.draft_phone import find_phone, gave_digits
from asr.draft_place import Places, find_places
from asr.draft_rules import DraftRules
from asr.draft_summary import summary_of, title_of
from asr.draft_time import find_time
from asr.draft_type import find_type
from asr.draft_urgency import NOT_URGENT, find_urgency
from asr.draft_words import find_matter
from asr.gazetteer import Gazetteer
from asr.messages import FieldSuggestion, Line, Speaker

CALLER_ID_CONFIDENCE = 0.6
UNHEARD_CONFIDENCE = 0.3
"""Of the calling number when the citizen gave another one that could not be made out."""
MAX_QUOTE = 200
MAX_VALUE = 100
"""Characters of a place; longer ones are cut."""


_WARMING = (Line(speaker=Speaker.CITIZEN, text="我在和顺路小区，电话是一二三，我姓王", start=0.0, end=1.0),)


class DraftExtractor:
    """Reads drafts by the given rules and names; keeps nothing of any call, so one serves all."""

    def __init__(self, rules: DraftRules, gazetteer: Gazetteer) -> None:
        self._rules = rules
        self._gazetteer = gazetteer
        # dictionaries and patterns load when they are first used: now, not in the first call
        self.extract(_WARMING, caller="", now=datetime(2026, 1, 1, tzinfo=UTC))

    def extract(self, lines: Sequence[Line], *, caller: str, now: datetime) -> tuple[FieldSuggestion, ...]:
        """Return what the machine would fill in after these sentences of a call.

        `caller`: the calling number ("" when hidden), the phone number unless another was said in full.
        `now`: with the city's time zone; words like 昨天 count from it.
        At most the first 400 sentences, and 600 characters of each, are read.
        """
        said = citizen_lines(lines)
        found = list(self._read(said, agent_lines(lines), caller, now))
        return tuple(found)

    def _read(
        self, said: Sequence[Said], agent: Sequence[str], caller: str, now: datetime
    ) -> Iterator[FieldSuggestion]:
        important: list[Said] = []
        matter = find_matter(said, self._rules)
        urgency = find_urgency(said, self._rules)
        urgent = urgency is not None and urgency.value != NOT_URGENT
        kind = find_type(said, self._rules, urgent=urgent, matter=matter is not None)
        if kind is not None:
            important.append(kind.said)
            yield _field("type", kind.value, kind.source, kind.confidence, kind.said, kind.quote)
        if matter is not None:
            judged = matter.judged
            important.append(judged.said)
            yield _field(
                "category", judged.value, judged.source, judged.confidence, judged.said, judged.quote
            )
        places = find_places(said, self._gazetteer)
        for name, place in (
            ("district", places.district),
            ("street", places.street),
            ("place", places.place),
        ):
            if place is not None:
                yield _field(
                    name, place.value[:MAX_VALUE], place.source, place.confidence, place.said, place.quote
                )
        phone = find_phone(said, caller)
        if phone is not None:
            quote = " ".join(part.quote for part in phone.said)
            yield _field(
                "phone", phone.number, phone.source, phone.confidence, phone.said[0], quote, phone.said[-1]
            )
        elif caller:
            yield FieldSuggestion(
                field="phone",
                value=caller,
                source="caller_id",
                confidence=UNHEARD_CONFIDENCE if gave_digits(said) else CALLER_ID_CONFIDENCE,
            )
        contact = find_contact(said, agent)
        if contact is not None:
            yield _field("contact", contact.name, contact.source, contact.confidence, contact.said)
        when = find_time(said, now)
        if when is not None:
            important.append(when.said)
            yield _field("time", when.value, when.source, when.confidence, when.said)
        if urgency is not None:
            important.append(urgency.said)
            yield _field(
                "urgency", urgency.value, urgency.source, urgency.confidence, urgency.said, urgency.quote
            )
        if kind is not None and matter is not None:
            confidence = round(min(kind.confidence, matter.judged.confidence), 3)
            title = title_of(kind.value, _where(places), matter.words)
            yield _field("title", title, "rule:title", confidence, matter.judged.said)
        district = None if places.district is None else places.district.value
        spelled = [
            replace(sentence, text=self._gazetteer.repaired(sentence.text, district=district))
            for sentence in said
        ]
        text, used = summary_of(spelled, important)
        if text:
            confidence = round(0.9 * sum(part.confidence for part in used) / len(used), 3)
            yield _field("summary", text, "citizen", confidence, used[0], "", used[-1])


def _where(places: Places) -> str:
    """Return district and place for the title, without saying a name twice."""
    parts = [found.value for found in (places.district, places.place or places.street) if found is not None]
    return "".join(parts)


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


__all__ = ["DraftExtractor", "DraftRules", "Gazetteer"]
