"""The urgency (紧急程度) with the rule that fired: what is urgent now, not what was, may be or is to come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from asr.draft_lines import Said
from asr.draft_rules import DraftRules, NotNow, UrgencyRule, cues_in, gapped, mask
from asr.draft_words import Judged

NOT_URGENT = "一般"
"""The level when no rule fires."""
_BREAK = re.compile("[，。！？；、,!?;]|(?<![0-9])[：:.]|[：:.](?![0-9])")
_SHORT = 8
"""Characters of a clause that only says when or if, and belongs to the next."""
_SOON = 2
"""Sentences after the cue in which it may be said that all is well again."""


def find_urgency(lines: Sequence[Said], rules: DraftRules) -> Judged | None:
    """Return the level of the first rule that fires, 一般 when none does, None before anything was said."""
    if not lines:
        return None
    for rule in rules.urgency:
        for position, said in enumerate(lines):
            # the groups of a rule stand in this sentence or in the one before it
            pair = lines[max(0, position - 1) : position + 1]
            hit = _fired(rule, pair, lines[position : position + 1 + _SOON], rules.not_now)
            if hit is not None:
                return Judged(
                    value=rule.level,
                    source=f"rule:urgency/{rule.name}",
                    confidence=round(0.9 * said.confidence, 3),
                    said=said,
                    quote=hit,
                )
    return Judged(value=NOT_URGENT, source="rule:urgency/none", confidence=0.6, said=lines[0], quote="")


def _fired(rule: UrgencyRule, pair: Sequence[Said], following: Sequence[Said], not_now: NotNow) -> str | None:
    """Return the words that made the rule fire; those of its last group stand in the pair's last sentence."""
    said = pair[-1]
    spans = standing_in(rule, said.text, not_now)
    if not spans:
        return None
    here = [index for index, group in enumerate(rule.groups) if any(cue.words in spans for cue in group)]
    if not here:
        return None
    for index, group in enumerate(rule.groups):
        if index in here:
            continue
        earlier = standing_in(rule, pair[0].text, not_now)
        if not any(cue.words in earlier for cue in group):
            return None
    if _is_over(following, not_now):
        return None
    last = rule.groups[here[-1]]
    start, end = next(spans[cue.words] for cue in last if cue.words in spans)
    return said.text[start:end]


@lru_cache(maxsize=20_000)
def standing_in(rule: UrgencyRule, text: str, not_now: NotNow) -> dict[str, tuple[int, int]]:
    """Return the cues of a sentence that speak of now, and where they stand."""
    found: dict[str, tuple[int, int]] = {}
    said = cues_in(rule, text)
    if not said:
        return found
    masked = mask(text, rule.unless)
    for cue in said:
        for start, end in cue.places(masked):
            if _is_now(text, start, end, not_now):
                found[cue.words] = (start, end)
                break
    return found


def _is_now(text: str, start: int, end: int, not_now: NotNow) -> bool:
    if any(words in text for words in not_now.still):
        return True
    begin, stop = _clause(text, start, end)
    before = text[begin:start]
    if any(_says(before, words) for words in not_now.before):
        return False
    behind = text[end : end + 10]
    if any(behind.startswith(words) for words in not_now.after):
        return False
    clause = text[begin:stop]
    return not any(_says(clause, words) for words in not_now.clause)


def _says(text: str, words: str) -> bool:
    return words in text if "*" not in words else gapped(words).search(text) is not None


def _clause(text: str, start: int, end: int) -> tuple[int, int]:
    """Return begin and end of the clause around a cue, with a short clause before it."""
    breaks = [match.start() for match in _BREAK.finditer(text)]
    begin = max((place + 1 for place in breaks if place < start), default=0)
    earlier = max((place + 1 for place in breaks if place < begin - 1), default=0)
    if 0 < begin - 1 - earlier <= _SHORT:
        begin = earlier
    return begin, min((place for place in breaks if place >= end), default=len(text))


def _is_over(following: Sequence[Said], not_now: NotNow) -> bool:
    for said in following:
        if any(words in said.text for words in not_now.still):
            return False
        if any(words in said.text for words in not_now.over):
            return True
    return False
