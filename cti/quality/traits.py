"""What a talk was like, read from its transcript and its holds. Pure.

All times are seconds into the recording. Silence is where neither the citizen nor the agent speaks while they
are together: not on hold, and not where nobody listened (a gap of the transcript).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

__all__ = ["Said", "Span", "TalkTraits", "WordHit", "traits"]

OVERLAP_LEAST_S = 0.7
"""Shorter overlaps are a "嗯" while the other speaks."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the transcript."""

    line_id: str
    speaker: str  # "citizen", "agent" or "third"
    start: float
    end: float
    text: str
    gap: bool = False  # nobody listened from start to end


class Span(msgspec.Struct, frozen=True):
    """A stretch of time."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is; 0 where it is empty."""
        return max(0.0, self.end - self.start)


class WordHit(msgspec.Struct, frozen=True, kw_only=True):
    """A word that an agent should not say, and where it was said."""

    word: str
    line_id: str
    at: float


class TalkTraits(msgspec.Struct, frozen=True, kw_only=True):
    """What a talk was like."""

    talk_s: float  # citizen and agent were connected
    heard_s: float  # of that, without holds and without gaps of the transcript
    silence_s: float  # nobody spoke
    silence_longest_s: float  # the longest stretch of it
    silence_at: float | None  # where that begins
    overlap_s: float  # both spoke
    overlap_at: float | None  # the longest stretch of it
    agent_s: float  # the agent spoke
    citizen_s: float  # the citizen spoke
    hold_s: float  # the citizen was on hold
    hold_longest_s: float  # the longest hold
    words: tuple[WordHit, ...] = ()  # forbidden words, in the order they were said; at most 50

    @property
    def silence_share(self) -> float:
        """Silence as a share of what was heard, 0 to 1; 0 where nothing was heard."""
        return self.silence_s / self.heard_s if self.heard_s > 0 else 0.0


def traits(
    talk: Span, lines: Iterable[Said], holds: Iterable[Span] = (), *, forbidden: Sequence[str] = ()
) -> TalkTraits:
    """Read a talk.

    Args:
        talk: from the answer to the end, seconds into the recording.
        lines: its transcript, in any order.
        holds: when the citizen was on hold.
        forbidden: words that an agent should not say.
    """
    lines = sorted(lines, key=lambda line: (line.start, line.line_id))
    citizen = _joined(_within(talk, (Span(line.start, line.end) for line in lines if _by(line, "citizen"))))
    agent = _joined(_within(talk, (Span(line.start, line.end) for line in lines if _by(line, "agent"))))
    held = _joined(_within(talk, holds))
    unheard = _joined([*held, *_within(talk, (Span(line.start, line.end) for line in lines if line.gap))])
    anyone = [Span(line.start, line.end) for line in lines if not line.gap and line.text]
    silent = _without([talk], _joined([*_within(talk, anyone), *unheard]))
    both = [span for span in _shared(citizen, agent) if span.seconds >= OVERLAP_LEAST_S]
    return TalkTraits(
        talk_s=talk.seconds,
        heard_s=max(0.0, talk.seconds - _sum(unheard)),
        silence_s=_sum(silent),
        silence_longest_s=_longest(silent),
        silence_at=_where(silent),
        overlap_s=_sum(both),
        overlap_at=_where(both),
        agent_s=_sum(agent),
        citizen_s=_sum(citizen),
        hold_s=_sum(held),
        hold_longest_s=_longest(held),
        words=tuple(_hits(lines, forbidden))[:50],
    )


def _by(line: Said, speaker: str) -> bool:
    return line.speaker == speaker and not line.gap and line.text != ""


def _hits(lines: Iterable[Said], forbidden: Sequence[str]) -> Iterable[WordHit]:
    for line in lines:
        if _by(line, "agent"):
            for word in forbidden:
                if word and word in line.text:
                    yield WordHit(word=word, line_id=line.line_id, at=line.start)


def _within(bounds: Span, spans: Iterable[Span]) -> list[Span]:
    cut = (Span(max(bounds.start, span.start), min(bounds.end, span.end)) for span in spans)
    return [span for span in cut if span.seconds > 0]


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Return the same time as stretches that do not touch, in order."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def _without(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """Return what is left of `spans`; both as `_joined` gives them."""
    left: list[Span] = []
    for span in spans:
        at = span.start
        for other in taken:
            if other.end <= at or other.start >= span.end:
                continue
            if other.start > at:
                left.append(Span(at, other.start))
            at = max(at, other.end)
        if at < span.end:
            left.append(Span(at, span.end))
    return left


def _shared(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    return [
        Span(max(a.start, b.start), min(a.end, b.end))
        for a in one
        for b in other
        if min(a.end, b.end) > max(a.start, b.start)
    ]


def _sum(spans: Iterable[Span]) -> float:
    return round(sum(span.seconds for span in spans), 3)


def _longest(spans: Sequence[Span]) -> float:
    return round(max((span.seconds for span in spans), default=0.0), 3)


def _where(spans: Sequence[Span]) -> float | None:
    return max(spans, key=lambda span: (span.seconds, -span.start)).start if spans else None
