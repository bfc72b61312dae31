"""Figures over HTTP: what they mean, and an agent's own of today."""

from __future__ import annotations

from datetime import datetime

import msgspec
from aiohttp import web

from cti.figures import engine
from cti.figures.causes import causes_shown
from cti.figures.definitions import shown
from cti.figures.facts import Span
from cti.planning_days import CHINA, midnight
from cti.web.answers import answer
from cti.web.guard import DEPS, person_of

__all__ = ["definitions", "my_figures"]

OWN = (
    "handled", "average_talk", "average_hold", "average_wrap_up", "handling_time", "missed_rings", "orders",
    "rated", "satisfaction_rate", "satisfaction_average", "transferred", "signed_in_s", "ready_s",
    "ringing_s", "talking_s", "wrap_up_s", "not_ready_s", "occupancy", "utilisation",
)  # fmt: skip
"""What an agent sees of their own day."""


class OwnFigures(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's day so far."""

    day: str  # YYYY-MM-DD, China's
    since: float  # midnight
    until: float  # now
    behind_s: float  # how far the figures may be behind
    figures: dict[str, float | None]  # key of cti.figures.definitions -> value, None: nothing to divide by


async def definitions(request: web.Request) -> web.StreamResponse:
    """GET /api/figures/definitions: every figure with title, unit and formula, and every cause."""
    rules = request.app[DEPS].figures.rules
    return answer({"figures": shown(rules), "causes": causes_shown(rules)})


async def my_figures(request: web.Request) -> web.StreamResponse:
    """GET /api/me/figures: what the signed-in person has done today."""
    deps = request.app[DEPS]
    login, now = person_of(request).login, deps.clock()
    today = datetime.fromtimestamp(now, CHINA).date()
    span = Span(since=midnight(today), until=now)
    facts = await deps.figures.of_agent(login, span)
    own = engine.agents(facts, span=span, rules=deps.figures.rules).get(login)
    nothing = engine.figures(engine.NO_FACTS, span=span) if own is None else own
    return answer(
        OwnFigures(
            day=today.isoformat(),
            since=span.since,
            until=span.until,
            behind_s=round(deps.figures.behind_s, 3),
            figures={key: nothing[key] for key in OWN},
        )
    )
