"""The type (诉求类型): what the citizen calls the call, else what the words of the matter speak for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from asr.draft_lines import Said
from asr.draft_rules import OPENS, Cue, DraftRules, TypeRule
from asr.draft_words import Judged, first_hits

_QUESTION = re.compile(
    "[？?]|[吗呢](?:[，。]|$)|怎么|多少|什么|哪|几天|能不能|可不可以|是不是|能否|是否|如何"
)
_SURE = 1.5
"""Cues that weigh less than this together leave the type to whether something is urgent, or a question."""
_EARLY = 2
"""Sentences at the beginning in which a citizen says why they call."""
_EARLY_CHARACTERS = 60
_UNNAMED = 0.7
"""What the words for other types count beside a type that was named outright at the beginning."""
_MOST_LIKELY = 4.5
"""What cues of the matter may weigh together; a long story must not outweigh what the call was said to be."""
_URGENT = 2.0
"""What speaks for 求助 when a rule of urgency fired."""
_LATE = 0.6
"""A wish at the end of a complaint (建议…, 感谢…) counts less than the complaint before it."""
_FADING = frozenset({"建议", "表扬", "咨询"})


def find_type(lines: Sequence[Said], rules: DraftRules, *, urgent: bool, matter: bool) -> Judged | None:
    """Return the type whose cues weigh most; what a citizen says of the call itself outweighs the rest.

    Where the cues say little: 求助 when a rule of urgency fired, 咨询 for a question, else 投诉; the last two
    only when there is a matter. Then the confidence is low.
    """
    scores = [score for rule in rules.types if (score := _score(rule, lines, urgent=urgent)) is not None]
    if any(score[3].weight > OPENS and score[2].number - lines[0].number < _EARLY for score in scores):
        scores = [score if score[3].weight > OPENS else (score[0] * _UNNAMED, *score[1:]) for score in scores]
    scores.sort(key=lambda score: -score[0])
    if not scores or scores[0][0] < _SURE:
        return _unsure(lines, scores[0][1] if scores else "", urgent=urgent, matter=matter)
    total, name, said, cue = scores[0]
    rival = scores[1][0] if len(scores) > 1 else 0.0
    confidence = min(0.97, 0.4 + 0.12 * total) * (total / (total + 0.5 * rival))
    return Judged(
        value=name,
        source=f"rule:type/{cue.words}",
        confidence=round(confidence * said.confidence, 3),
        said=said,
        quote=cue.words,
    )


def _score(rule: TypeRule, lines: Sequence[Said], *, urgent: bool) -> tuple[float, str, Said, Cue] | None:
    named = likely = 0.0
    strongest: tuple[float, Said, Cue] | None = None
    counted: list[str] = []
    first = lines[0].number if lines else 0
    for cue, (said, start) in sorted(first_hits(rule, lines).items(), key=_longest):
        early = said.number - first < _EARLY and start < _EARLY_CHARACTERS
        if (cue.weight == OPENS and not early) or any(cue.words in other for other in counted):
            continue
        counted.append(cue.words)
        weight = cue.weight
        if early and weight > 1.0:
            weight *= 1.25
        elif rule.name in _FADING and said.number - first >= _EARLY:
            weight *= _LATE
        if cue.weight >= OPENS:
            named = max(named, weight)
        else:
            likely += weight
        if strongest is None or weight > strongest[0]:
            strongest = (weight, said, cue)
    if strongest is None:
        return None
    total = named + min(likely, _MOST_LIKELY)
    if urgent and rule.name == "求助":
        total += _URGENT
    return total, rule.name, strongest[1], strongest[2]


def _longest(hit: tuple[Cue, tuple[Said, int]]) -> tuple[float, int]:
    cue = hit[0]
    return -cue.weight, -len(cue.words)


def _unsure(lines: Sequence[Said], hinted: str, *, urgent: bool, matter: bool) -> Judged | None:
    if not lines or not (urgent or matter):
        return None
    asked = next((said for said in lines if _QUESTION.search(said.text)), None)
    if urgent:
        value = "求助"
    elif hinted and hinted != "咨询":
        value = hinted
    else:
        value = "投诉" if asked is None else "咨询"
    said = asked if asked is not None and value == "咨询" else lines[0]
    return Judged(value=value, source="rule:type/unsure", confidence=0.35, said=said, quote="")
