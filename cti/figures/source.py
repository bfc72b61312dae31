"""Where facts come from, piece by piece: the same steps over the tables and over the journal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.figures.assemble import (
    Matter,
    Repeats,
    agent_facts,
    call_fact,
    callback_fact,
    written_up,
)
from cti.figures.facts import AgentFact, CallFact, CallKind, Facts, Rules, Span
from cti.figures.fold import AgentNoted
from cti.planning_days import CHINA, midnight

__all__ = ["AFTER_S", "BEFORE_S", "FactSource", "Rows", "days", "with_repeat", "within"]

BEFORE_S = 86400.0
"""Whose state has lasted longer than this when a piece begins is not known to be there."""
AFTER_S = 4 * 3600.0
"""Wrap-ups of a piece's calls are looked for so long after its end."""
NO_MATTER = Matter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The calls of a piece before they are facts."""

    calls: Sequence[Sequence[Any]]  # with the columns of assemble.COLUMNS, by beginning and id
    matters: Mapping[str, Matter]  # what their orders say


class FactSource(ABC):
    """Gives facts. SQLAlchemy's errors pass through."""

    def __init__(self, engine: AsyncEngine, *, rules: Rules | None = None) -> None:
        self._engine = engine
        self.rules = rules or Rules()

    async def facts(self, span: Span, *, repeats: bool = True) -> Facts:
        """Read all facts of a span at once: for a day or so; `pieces` are for more.

        End the span now when it is not over: a state that lasts counts to its end.
        """
        found = [facts async for _, facts in self.pieces(span, repeats=repeats)]
        return Facts(
            calls=[one for facts in found for one in facts.calls],
            agents=[one for facts in found for one in facts.agents],
            callbacks=[one for facts in found for one in facts.callbacks],
        )

    async def pieces(self, span: Span, *, repeats: bool = True) -> AsyncIterator[tuple[Span, Facts]]:
        """Give the facts of a span day by day, calls in the order of their beginnings, time cut to the piece.

        `repeats`: look back some days, too, to tell which calls are repeated ones.
        """
        known = Repeats(self.rules.repeat_days)
        async with self._engine.connect() as connection:
            if repeats:
                since = span.since - self.rules.repeat_days * 86400.0
                for piece in days(Span(since=since, until=span.since)):
                    for caller, category, started in await self._talks(connection, piece):
                        known.before(caller, category, started)
            for piece in days(span):
                around = Span(since=piece.since - BEFORE_S, until=piece.until + AFTER_S)
                stretches = agent_facts(await self._noted(connection, around))
                wraps = written_up(stretches)
                rows = await self._calls(connection, piece)
                found = [
                    call_fact(row, rows.matters.get(row[0], NO_MATTER), wraps.get(row[0]))
                    for row in rows.calls
                ]
                wanted = await self._callbacks(connection, piece)
                yield (
                    piece,
                    Facts(
                        calls=[with_repeat(one, known) for one in found] if repeats else found,
                        agents=within(stretches, piece),
                        callbacks=[callback_fact(row) for row in wanted],
                    ),
                )

    # ------------------------------------------------------------ what the two sources read

    @abstractmethod
    async def _calls(self, connection: AsyncConnection, piece: Span) -> Rows:
        """The calls that began in a piece, by beginning and id."""

    @abstractmethod
    async def _talks(self, connection: AsyncConnection, piece: Span) -> Iterable[tuple[str, str, float]]:
        """Number, category and beginning of the answered calls of citizens that began in a piece."""

    @abstractmethod
    async def _noted(self, connection: AsyncConnection, around: Span) -> Sequence[AgentNoted]:
        """What was noted of agents' states within a time."""

    @abstractmethod
    async def _callbacks(self, connection: AsyncConnection, piece: Span) -> Sequence[Mapping[Any, Any]]:
        """Call-backs that were wished first in a piece, as rows of the table, by time and id."""


def days(span: Span) -> Sequence[Span]:
    """Cut a span at the midnights of China: longer ones are read so, and need no more memory than a day."""
    found: list[Span] = []
    since = span.since
    while since < span.until:
        following = midnight(datetime.fromtimestamp(since, CHINA).date() + timedelta(days=1))
        found.append(Span(since=since, until=min(following, span.until)))
        since = found[-1].until
    return found


def within(stretches: Iterable[AgentFact], span: Span) -> list[AgentFact]:
    """Return agents' time cut to a span; a state that lasts is cut at its end, too."""
    found = []
    for one in stretches:
        since = max(one.since, span.since)
        until = span.until if one.until is None else min(one.until, span.until)
        if since < until:
            found.append(replace(one, since=since, until=until))
    return found


def with_repeat(call: CallFact, known: Repeats) -> CallFact:
    """Say whether a call is a repeated one, and remember it; calls come in the order of their beginnings."""
    if call.answered is None or call.kind is not CallKind.INBOUND:
        return call
    repeat = known.before(call.caller, call.category, call.started)
    return call if repeat is None else replace(call, repeat=repeat)
