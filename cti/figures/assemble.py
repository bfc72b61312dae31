"""Facts out of rows, whether those come from the tables or from the journal: one way for both. Pure.

What a call's own entries do not tell is put together here: how long its agents wrote it up (from their
states), what its order says, and whether the citizen had called about the same matter a few days before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec

from acd.messages import AgentState
from cti.figures.facts import AgentFact, CallbackFact, CallFact, CallKind, Part
from cti.figures.fold import AgentNoted, PartRow
from cti.message_base import Outcome

__all__ = [
    "COLUMNS",
    "Matter",
    "Repeats",
    "Written",
    "agent_facts",
    "call_fact",
    "callback_fact",
    "first_matters",
    "written_up",
]

COLUMNS = (
    "call_id", "started", "caller", "called", "kind", "media", "queue", "queue_title", "queued", "answered",
    "ended", "outcome", "agent_id", "waited_s", "talk_s", "hold_s", "consult_s", "ring_s", "rings", "missed",
    "transfers", "satisfaction", "native", "failures", "opening", "staff_ready", "staff_busy", "staff_away",
    "parts",
)  # fmt: skip
"""Columns of `calls` that a fact is made of, in this order."""

Written = Mapping[str, Mapping[str, float]]
"""Call -> agent -> seconds of wrap-up for it."""

_KINDS = {kind.value: kind for kind in CallKind}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_STATES = {state.value: state for state in AgentState}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What a call's submitted orders say."""

    category: str = ""  # of the first one
    district: str = ""  # of the first one
    orders: int = 0  # how many


NO_MATTER = Matter()


class Repeats:
    """Who has talked with us about what lately. Calls must be asked for in the order of their beginnings."""

    def __init__(self, days: int) -> None:
        self._within = days * 86400.0
        self._last: dict[tuple[str, str], float] = {}

    def before(self, caller: str, category: str, started: float) -> bool | None:
        """Whether this answered call is a repeated one, and remember it; None without number or category."""
        if not caller or not category:
            return None
        key = (caller, category)
        last = self._last.get(key)
        self._last[key] = started
        return last is not None and last >= started - self._within


def call_fact(
    values: Sequence[Any], matter: Matter = NO_MATTER, wrap: Mapping[str, float] | None = None
) -> CallFact:
    """Return the fact of a row with the columns of COLUMNS; whether it is a repeated call is not told."""
    (
        call_id, started, caller, called, kind, media, queue, queue_title, queued, answered, ended, outcome,
        agent_id, waited_s, talk_s, hold_s, consult_s, ring_s, rings, missed, transfers, satisfaction, native,
        failures, opening, staff_ready, staff_busy, staff_away, parts,
    ) = values  # fmt: skip
    wrap = wrap or {}
    return CallFact(
        call_id=call_id,
        started=started,
        caller=caller,
        called=called,
        kind=_KINDS[kind],
        media=media,
        queue=queue,
        queue_title=queue_title,
        queued=queued,
        answered=answered,
        ended=ended,
        outcome=None if outcome is None else _OUTCOMES[outcome],
        agent_id=agent_id,
        waited_s=waited_s,
        talk_s=talk_s,
        hold_s=hold_s,
        consult_s=consult_s,
        wrap_s=sum(wrap.values()) if wrap else None,
        ring_s=ring_s,
        rings=rings,
        missed=missed,
        transfers=transfers,
        satisfaction=satisfaction,
        category=matter.category,
        district=matter.district,
        orders=matter.orders,
        native=bool(native),
        failures=failures,
        opening=opening,
        staff_ready=staff_ready,
        staff_busy=staff_busy,
        staff_away=staff_away,
        parts=_parts(parts, wrap),
    )


def _parts(rows: Sequence[Any] | None, wrap: Mapping[str, float]) -> tuple[Part, ...]:
    if not rows and not wrap:
        return ()
    told = {row.agent_id: row for row in msgspec.convert(rows or (), tuple[PartRow, ...])}
    for login in wrap:
        told.setdefault(login, PartRow(agent_id=login))
    return tuple(
        Part(
            agent_id=login,
            talk_s=row.talk_s,
            hold_s=row.hold_s,
            consult_s=row.consult_s,
            wrap_s=wrap.get(login, 0.0),
            rings=row.rings,
            missed=row.missed,
        )
        for login, row in sorted(told.items())
    )


def agent_facts(noted: Iterable[AgentNoted]) -> list[AgentFact]:
    """Return agents' time in states, by agent and time: a state lasts until the agent's next one."""
    by_agent: dict[str, list[AgentNoted]] = {}
    for one in noted:
        by_agent.setdefault(one.agent_id, []).append(one)
    found: list[AgentFact] = []
    for login in sorted(by_agent):
        found.extend(stretches(by_agent[login]))
    return found


def stretches(noted: Iterable[AgentNoted]) -> list[AgentFact]:
    """Return one agent's time in states."""
    ordered = sorted(noted, key=attrgetter("at", "entry_id"))
    following: list[AgentNoted | None] = [*ordered[1:], None]
    return [
        AgentFact(
            agent_id=one.agent_id,
            state=one.state,
            since=one.at,
            until=None if after is None else after.at,
            reason=one.reason,
            call_id=one.call_id,
        )
        for one, after in zip(ordered, following, strict=True)
    ]


def written_up(facts: Iterable[AgentFact]) -> dict[str, dict[str, float]]:
    """Return how long each agent wrote up each call; a wrap-up that lasts is not told yet."""
    found: dict[str, dict[str, float]] = {}
    for one in facts:
        if one.state is AgentState.WRAP_UP and one.call_id and one.until is not None:
            of_call = found.setdefault(one.call_id, {})
            of_call[one.agent_id] = of_call.get(one.agent_id, 0.0) + one.until - one.since
    return found


def first_matters(rows: Iterable[tuple[str, float, str, str, str]]) -> dict[str, Matter]:
    """Return what the submitted orders of each call say.

    `rows`: call id, opened at, order id, category and district of each submitted order.
    """
    found: dict[str, Matter] = {}
    for call_id, _, _, category, district in sorted(rows):
        known = found.get(call_id)
        found[call_id] = (
            Matter(category=category, district=district, orders=1)
            if known is None
            else Matter(category=known.category, district=known.district, orders=known.orders + 1)
        )
    return found


def callback_fact(row: Mapping[Any, Any]) -> CallbackFact:
    """Return the fact of a row of `callbacks`."""
    return CallbackFact(
        callback_id=row["callback_id"],
        first_at=row["first_at"],
        origin=row["origin"],
        state=row["state"],
        queue=row["queue"],
        tries=row["tries"],
        state_since=row["state_since"],
    )
