"""Who talked in a call, from when to when, and when the citizen was on hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cti.messages import CallState, Entry, EntryKind
from cti.quality.traits import Span

__all__ = ["TalkSpan", "talks_of"]

IN_TALK = frozenset({CallState.TALKING, CallState.HELD, CallState.CONSULTING})
ASIDE = frozenset({CallState.HELD, CallState.CONSULTING})
"""The citizen hears music."""


class TalkSpan(msgspec.Struct, frozen=True, kw_only=True):
    """What one agent talked in one call, first to last word; epoch seconds."""

    agent_id: str
    talk: Span
    holds: tuple[Span, ...] = ()


class _State(msgspec.Struct, frozen=True):
    state: CallState
    agent_id: str | None = None


def talks_of(entries: Iterable[Entry]) -> tuple[TalkSpan, ...]:
    """Return what each agent talked, in the order in which they came; a talk that goes on is left out."""
    begun: dict[str, list[tuple[float, CallState]]] = {}
    over: dict[str, float] = {}
    present: str | None = None
    for entry in entries:
        if entry.kind is not EntryKind.CALL_STATE:
            continue
        told = msgspec.convert(entry.data, _State)
        now = told.agent_id if told.state in IN_TALK else None
        if present is not None and now != present:
            over[present] = entry.at
        if now is not None:
            begun.setdefault(now, []).append((entry.at, told.state))
            over.pop(now, None)
        present = now
    return tuple(_span(agent, moves, over[agent]) for agent, moves in begun.items() if agent in over)


def _span(agent_id: str, moves: list[tuple[float, CallState]], end: float) -> TalkSpan:
    ends = [at for at, _ in moves[1:]] + [end]
    holds = [
        Span(at, until)
        for (at, state), until in zip(moves, ends, strict=True)
        if state in ASIDE and until > at
    ]
    return TalkSpan(agent_id=agent_id, talk=Span(moves[0][0], end), holds=tuple(holds))
