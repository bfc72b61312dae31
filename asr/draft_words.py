"""A value judged by the words that were said, and the matter by the taxonomy's own cues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asr.draft_lines import Said
from asr.draft_rules import Category, Cue, DraftRules, MoodRule, TypeRule, UrgencyRule, cues_in


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

    judged: Judged
    words: str  # for the title


def first_hits(
    rule: TypeRule | MoodRule | UrgencyRule | Category, lines: Sequence[Said]
) -> dict[Cue, tuple[Said, int]]:
    """Return of each cue that was said the first sentence, and where in it."""
    found: dict[Cue, tuple[Said, int]] = {}
    for said in lines:
        for cue, (start, _) in cues_in(rule, said.text).items():
            found.setdefault(cue, (said, start))
    return found


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
    found: list[tuple[float, Cue, Said]] = []
    hits = first_hits(category, lines)
    for cue, (hit, _) in sorted(hits.items(), key=lambda item: -len(item[0].words)):
        inside = any(cue.words in other.words for _, other, _ in found)
        early = 1.15 if hit.number <= 1 else 1.0
        found.append((cue.weight * early * (0.25 if inside else 1.0), cue, hit))
    return found
