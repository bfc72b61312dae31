"""The mood (情绪) of the citizen, by words: 愤怒 before 焦急 before 不满, else 平静."""

from __future__ import annotations

from collections.abc import Sequence

from asr.draft_lines import Said
from asr.draft_rules import MOODS, DraftRules
from asr.draft_words import Judged, first_hits

CALM = MOODS[0]
_ENOUGH = 3
"""Cues after which the confidence grows no more."""


def find_mood(lines: Sequence[Said], rules: DraftRules, *, praise: bool) -> Judged | None:
    """Return the strongest mood that a cue speaks for; who praises is calm. None before anything was said."""
    if not lines:
        return None
    for rule in () if praise else rules.moods:
        hits = first_hits(rule, lines)
        if hits:
            cue, (said, _) = max(hits.items(), key=lambda hit: len(hit[0].words))
            return Judged(
                value=rule.name,
                source=f"rule:mood/{cue.words}",
                confidence=round((0.5 + 0.1 * min(len(hits), _ENOUGH)) * said.confidence, 3),
                said=said,
                quote=cue.words,
            )
    return Judged(value=CALM, source="rule:mood/none", confidence=0.5, said=lines[0], quote="")
