"""The wallboard's data: lines and agents of this moment, figures of the past, counts of the database.

Every server makes it for its own pages, and only while one of them looks: lines and agents are those of all
servers (the leader's, or the mirror of them), everything else comes from the database that they share.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.messages import AgentRecord, AgentState
from cti.control.alert_watch import only_in_charge
from cti.control.dispatch import Dispatch
from cti.control.live_figures import live_values, parts
from cti.control.wallboard_counts import Counts, Usual, read_counts, read_usual
from cti.control.wallboard_past import Past, midnight_of
from cti.faults import fault_site
from cti.figures.causes import Break
from cti.figures.facts import Rules
from cti.messages import HealthView, QueueView, ServerMessage
from cti.messages_board import IntervalView, QueueBoardView, WallboardView
from cti.ports import Person
from cti.tasks import end
from cti.web.pages import PageHub

__all__ = ["TOPIC", "Wallboard"]

log = logging.getLogger(__name__)

TOPIC = "wallboard"
EVERY_S = 1.0
PAST_S = 3.0
"""Figures of the past and counts are made again after so long."""
USUAL_S = 300.0
IDLE_S = 0.2
PATIENCE = 4.0
"""A look that takes long is made so many times rarer than it takes."""
WANTED_S = 30.0
"""Alert rules that look at figures of the past keep them fresh for so long."""
LISTED_S = 10.0
"""The list of late calls is not older than that; while a wall is open it is the one that is counted there."""

COUNTED = frozenset({"live.urgent_open", "live.callbacks_open", "live.visits_waiting"})
"""Figures of this moment that the database tells."""


class Wallboard:
    """See the module."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        database: str,
        dispatch: Dispatch,
        hub: PageHub,
        health: Callable[[], HealthView],
        queues: Callable[[], Sequence[QueueView]],
        captions: bool,
        behind_s: Callable[[], float],
        bursts: Callable[[], int],
        clock: Callable[[], float],
        rules: Rules,
    ) -> None:
        """`database`: address; `captions`: recognition is switched on; `behind_s`: how late journals are."""
        self._engine = engine
        self._dispatch = dispatch
        self._hub = hub
        self._health = health
        self._queues = queues
        self._captions = captions
        self._behind_s = behind_s
        self._bursts = bursts
        self._now = clock
        self.past = Past(engine, database, rules=rules)
        self._counts = Counts()
        self._forecast: tuple[float, ...] | None = None
        self._usual: Usual = {}
        self._wanted_until = 0.0  # alert rules look at figures of the past
        self._read_at = 0.0  # last look into the database that went well
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to tell pages."""
        self._tasks = [
            asyncio.create_task(self._keep_telling(), name="wallboard"),
            asyncio.create_task(self._keep(self.read, PAST_S), name="wallboard-past"),
            asyncio.create_task(self._keep(self.read_usual, USUAL_S), name="wallboard-usual"),
        ]

    async def stop(self) -> None:
        """Stop."""
        await end(*self._tasks)

    def opening(self, person: Person, _topic: str) -> tuple[ServerMessage, ...]:
        """What a page that begins to watch is told first."""
        only_in_charge(person)
        return (self.view(),)

    def view(self) -> WallboardView:
        """Everything on the wall, as it is now."""
        now = self._now()
        past, counts = self.past.figures, self._counts
        agents, _ = self._dispatch.snapshot()
        lines = self._queues()
        figures = self._live(agents, lines)
        figures |= {f"today.{key}": value for key, value in past.today.items()}
        figures |= {f"rolling.{key}": value for key, value in past.rolling.items()}
        return WallboardView(
            at=now,
            figures=figures,
            queues=tuple(self._queue(line, agents) for line in lines),
            agents=_states(agents),
            agents_since=_longest(agents),
            reasons=_reasons(agents),
            intervals=self._intervals(now),
            breaks=past.breaks,
            breaks_total=past.breaks_total,
            causes=past.causes,
            topics=counts.topics,
            districts=counts.districts,
            urgent_open=counts.urgent_open,
            callbacks=counts.callbacks,
            visits=counts.visits,
            health=parts(self._health(), captions=self._captions),
            behind_s=self._behind(now),
            past_at=past.at,
        )

    async def values(self, wanted: frozenset[str]) -> Mapping[str, float | None]:
        """Figures for alert rules, by key; what the database would say is left out while it is away."""
        now = self._now()
        agents, _ = self._dispatch.snapshot()
        found = self._live(agents, self._queues())
        needs_past = any(not name.startswith("live.") for name in wanted)
        counted = {name for name in wanted if name.partition(":")[0] in COUNTED}
        if needs_past or counted:
            self._wanted_until = now + WANTED_S
        fresh = now - self._read_at < WANTED_S
        if not fresh:
            return {name: value for name, value in found.items() if name not in COUNTED}
        for name in counted - found.keys():  # of a district
            found[name] = self._counts.urgent_districts.get(name.partition(":")[2], 0)
        if needs_past:
            past = self.past.figures
            found |= {f"today.{key}": value for key, value in past.today.items()}
            found |= {f"rolling.{key}": value for key, value in past.rolling.items()}
            for queue, figures in past.queues.items():
                found |= {f"today.{key}:{queue}": value for key, value in figures.items()}
            for name in wanted - found.keys():
                if name.startswith("today.") and ":" in name:
                    found[name] = None  # a queue without a call today has nothing to count
        return found

    async def breaks(self) -> tuple[float, Sequence[Break]]:
        """Every call of the last 24 hours that broke the rule, newest first, and as of when.

        While a wall is open these are exactly those that it counts. SQLAlchemy's errors pass through.
        """
        found = await self.past.lately(self._now(), LISTED_S)
        return found.at, found.broken

    async def read(self) -> None:
        """Read figures of the past and counts now. SQLAlchemy's errors pass through."""
        now = self._now()
        midnight = midnight_of(now)
        self._counts = await read_counts(self._engine, midnight=midnight, usual=self._usual, now=now)
        await self.past.look(now)
        self._read_at = now

    async def read_usual(self) -> None:
        """Read what is usual on such days, and what is expected today. SQLAlchemy's errors pass through."""
        now = self._now()
        self._usual = await read_usual(self._engine, midnight=midnight_of(now), now=now)
        self._forecast = await self.past.forecast(now)

    # ------------------------------------------------------------ inside

    def _live(self, agents: Sequence[AgentRecord], lines: Sequence[QueueView]) -> dict[str, float | None]:
        found = live_values(lines, agents, self._health(), captions=self._captions)
        found["live.urgent_open"] = self._counts.urgent_open
        found["live.callbacks_open"] = self._counts.callbacks_open
        found["live.visits_waiting"] = self._counts.visits_waiting
        found["live.bursts"] = self._bursts()
        found["live.behind_s"] = self._behind(self._now())
        return found

    def _behind(self, now: float) -> float:
        """How late figures of the past may be: the journals, or our own last look."""
        own = now - self._read_at - PAST_S if self._read_at else 0.0
        return round(max(0.0, self._behind_s(), own), 1)

    def _queue(self, line: QueueView, agents: Sequence[AgentRecord]) -> QueueBoardView:
        queue = next((one for one in self._dispatch.policy.queues if one.name == line.queue), None)
        needs = {} if queue is None else queue.needs
        able = [
            agent
            for agent in agents
            if all(agent.skills.get(skill, 0) >= level for skill, level in needs.items())
        ]
        return QueueBoardView(
            queue=line.queue,
            title=line.title,
            waiting=line.waiting,
            longest_wait_s=line.longest_wait_s,
            agents=_states(able),
            figures=self.past.figures.queues.get(line.queue, {}),
        )

    def _intervals(self, now: float) -> tuple[IntervalView, ...]:
        known = self.past.figures.intervals
        forecast = self._forecast
        if forecast is None:
            return known
        midnight = midnight_of(now)
        so_far = {round((one.start - midnight) // 1800): one for one in known}
        return tuple(
            msgspec.structs.replace(
                so_far.get(n, IntervalView(start=midnight + n * 1800.0, offered=0, answered=0)),
                forecast=round(calls, 1),
            )
            for n, calls in enumerate(forecast)
        )

    async def _keep_telling(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                if self._hub.watched(TOPIC):
                    self._hub.tell(TOPIC, self.view())
            except Exception as error:  # one that fails must not be the last one
                log.error("wallboard not told", extra={"site": fault_site(error)})

    async def _keep(self, read: Callable[[], Awaitable[None]], every_s: float) -> None:
        """Read again and again while somebody looks; the more it takes, the rarer."""
        while True:
            if not self._hub.watched(TOPIC) and self._now() >= self._wanted_until:
                await asyncio.sleep(IDLE_S)
                continue
            began = time.monotonic()
            try:
                await read()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("wallboard not read", extra={"reason": type(error).__name__})
            except Exception as error:  # one that fails must not be the last one
                log.error("wallboard not read", extra={"site": fault_site(error)})
            await asyncio.sleep(max(every_s, PATIENCE * (time.monotonic() - began)))


def _states(agents: Sequence[AgentRecord]) -> dict[str, int]:
    found: dict[str, int] = {}
    for agent in agents:
        if agent.state is not AgentState.OFFLINE:
            found[agent.state.value] = found.get(agent.state.value, 0) + 1
    return found


def _longest(agents: Sequence[AgentRecord]) -> dict[str, float]:
    found: dict[str, float] = {}
    for agent in agents:
        if agent.state is not AgentState.OFFLINE:
            found[agent.state.value] = min(found.get(agent.state.value, agent.since), agent.since)
    return found


def _reasons(agents: Sequence[AgentRecord]) -> dict[str, int]:
    found: dict[str, int] = {}
    for agent in agents:
        if agent.state is AgentState.NOT_READY and agent.reason is not None:
            found[agent.reason.value] = found.get(agent.reason.value, 0) + 1
    return found
