"""Type, matter and urgency, by the words that were said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from asr.draft_lines import Said
from asr.draft_rules import Category, Cue, DraftRules, cues_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A value and the sentence that decided it."""

    value: str
    source: str
    confidence: float
    said: Said
    quote: str  # the decisive words


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """The category, and how a title calls the matter."""

    category: Category
    judged: Judged
    words: str  # for the title


_QUESTION = re.compile("[？?]|[吗呢](?:[，。]|$)|怎么|多少|什么|哪|几天|能不能|可不可以|是不是")
_SURE = 1.5
"""Cues that weigh less than this together leave the type to whether something is urgent, or a question."""


def find_type(lines: Sequence[Said], rules: DraftRules, *, urgent: bool, matter: bool) -> Judged | None:
    """Return the type whose cues weigh most; what a citizen says of the call itself outweighs the rest.

    Where the cues say little: 求助 when a rule of urgency fired, 咨询 for a question, else 投诉; the last two
    only when there is a matter. Then the confidence is low.
    """
    scores: list[tuple[float, str, Said, Cue]] = []
    for rule in rules.types:
        total = 0.0
        strongest: tuple[float, Said, Cue] | None = None
        said_cues = [(said, cues_in(rule, said.text)) for said in lines]
        for cue in rule.cues:
            hit = next((said for said, cues in said_cues if cue in cues), None)
            if hit is None:
                continue
            weight = cue.weight * (1.25 if hit.number <= 1 and cue.weight > 1.0 else 1.0)
            total += weight
            if strongest is None or weight > strongest[0]:
                strongest = (weight, hit, cue)
        if strongest is not None:
            scores.append((total, rule.name, strongest[1], strongest[2]))
    scores.sort(key=lambda score: -score[0])
    if not scores or scores[0][0] < _SURE:
        return _unsure(lines, scores[0][1] if scores else "", urgent=urgent, matter=matter)
    total, name, said, cue = scores[0]
    rival = scores[1][0] if len(scores) > 1 else 0.0
    confidence = min(0.97, 0.35 + 0.12 * total) * (total / (total + 0.6 * rival))
    return Judged(
        value=name,
        source=f"rule:type/{cue.words}",
        confidence=round(confidence * said.confidence, 3),
        said=said,
        quote=cue.words,
    )


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


def find_matter(lines: Sequence[Said], rules: DraftRules) -> Matter | None:
    """Return the category whose cues weigh most; cues said early weigh a little more."""
    best: tuple[float, Category, list[tuple[float, Cue, Said]]] | None = None
    rival = 0.0
    for category in rules.categories:
        hits = _distinct_hits(category, lines)
        total = sum(weight for weight, _, _ in hits)
        if total and (best is None or total > best[0] + 1e-9):
            rival = best[0] if best is not None else 0.0
            best = (total, category, hits)
        else:
            rival = max(rival, total)
    if best is None:
        return None
    total, category, hits = best
    _, cue, said = max(hits, key=lambda hit: hit[0])
    named = [
        category.matters[other.words]
        for _, other, _ in sorted(hits, key=_heaviest)
        if other.words in category.matters
    ]
    confidence = min(0.95, 0.3 + 0.15 * total) * (total / (total + 0.6 * rival))
    return Matter(
        category=category,
        words=named[0] if named else category.matter,
        judged=Judged(
            value=category.path,
            source=f"rule:category/{cue.words}",
            confidence=round(confidence * said.confidence, 3),
            said=said,
            quote=cue.words,
        ),
    )


def _heaviest(hit: tuple[float, Cue, Said]) -> float:
    return -hit[0]


def _distinct_hits(category: Category, lines: Sequence[Said]) -> list[tuple[float, Cue, Said]]:
    """Return the cues that were said; one inside a longer one that was said counts a quarter."""
    first: dict[Cue, Said] = {}
    for said in lines:
        for cue in cues_in(category, said.text):
            first.setdefault(cue, said)
    found: list[tuple[float, Cue, Said]] = []
    for cue, hit in sorted(first.items(), key=lambda item: -len(item[0].words)):
        inside = any(cue.words in other.words for _, other, _ in found)
        early = 1.15 if hit.number <= 1 else 1.0
        found.append((cue.weight * early * (0.25 if inside else 1.0), cue, hit))
    return found


NOT_URGENT = "一般"
"""The level when no rule fires."""


def find_urgency(lines: Sequence[Said], rules: DraftRules) -> Judged | None:
    """Return the level of the first rule that fires, 一般 when none does, None before anything was said."""
    if not lines:
        return None
    for rule in rules.urgency:
        said_cues = [(said, cues_in(rule, said.text)) for said in lines]
        hits: list[tuple[Said, str]] = []
        for group in rule.groups:
            hit = next(
                (
                    (said, said.text[cues[cue][0] : cues[cue][1]])
                    for said, cues in said_cues
                    for cue in group
                    if cue in cues
                ),
                None,
            )
            if hit is None:
                break
            hits.append(hit)
        if len(hits) == len(rule.groups):
            said = hits[-1][0]
            return Judged(
                value=rule.level,
                source=f"rule:urgency/{rule.name}",
                confidence=round(0.9 * said.confidence, 3),
                said=said,
                quote=hits[-1][1],
            )
    return Judged(value=NOT_URGENT, source="rule:urgency/none", confidence=0.6, said=lines[0], quote="")
