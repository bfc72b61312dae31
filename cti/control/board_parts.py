"""Alerts, waves of calls, notices, announcements and the wall, put together and kept going."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from cti import machine
from cti.alert_store import AlertStore
from cti.announcements import Announcements
from cti.boards import SHIPPED_MAP, Boards
from cti.bulletins import Bulletin, Bulletins, in_force
from cti.burst_store import BurstStore
from cti.casework.topic_desk import TopicDesk
from cti.control.alert_watch import TOPIC, AlertWatch
from cti.control.announcing import Announcing
from cti.control.burst_policies import BurstPolicies
from cti.control.bursts import BurstWatch
from cti.control.callers import Callers
from cti.control.calls import Calls
from cti.control.dispatch import Dispatch
from cti.control.floor import CallFloor
from cti.control.phones import Phones
from cti.control.shelf import Shelf
from cti.control.views import Views
from cti.control.wallboard import TOPIC as WALL
from cti.control.wallboard import Wallboard
from cti.errors import SettingError
from cti.faults import fault_site
from cti.figures.facts import Rules
from cti.messages import BulletinsView, BulletinView, HealthView, ServerMessage
from cti.metrics import Metrics
from cti.ports import Person
from cti.settings import Settings
from cti.tasks import end
from cti.web.pages import PageHub
from ivr_flows.speech import MANIFEST
from orders.burst_policy import SHIPPED as SHIPPED_BURSTS
from orders.burst_policy import BurstPolicyError
from orders.topics import Topic, TopicPolicy

__all__ = ["BoardParts", "compose"]

log = logging.getLogger(__name__)

ALERTS_S = 1.0
ROWS_S = 2.0


@dataclass(slots=True, kw_only=True)
class BoardParts:
    """What others hold of it; `start` after the database, `stop` before it."""

    web: Boards  # asked over HTTP
    alerts: AlertWatch
    bursts: BurstWatch
    announcing: Announcing  # told by lines
    wall: Wallboard
    policies: BurstPolicies
    bulletins: Shelf[Bulletin]
    hub: PageHub
    clock: Callable[[], float] = time.time
    _told: tuple[BulletinView, ...] = ()
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def attach(self, floor: CallFloor) -> None:
        """Let pages find it: topics, and notices in every snapshot."""
        self.hub.openings[TOPIC] = self._opening
        self.hub.openings[WALL] = self.wall.opening
        floor.bulletins = self.notices

    def notices(self) -> tuple[BulletinView, ...]:
        """Notices in force now, urgent ones first."""
        return in_force(self.bulletins.rows, self.clock())

    def start(self) -> None:
        """Begin to look."""
        self._tasks = [
            asyncio.create_task(_again(self._look_at_rows, ROWS_S), name="boards"),
            asyncio.create_task(_again(self.alerts.look, ALERTS_S), name="alerts"),
        ]
        self.wall.start()

    async def stop(self) -> None:
        """Stop looking."""
        await self.wall.stop()
        await end(*self._tasks)

    async def look(self) -> None:
        """Look at everything now: somebody has changed something here."""
        await self._look_at_rows()
        await self.alerts.look_at_rows()

    async def _look_at_rows(self) -> None:
        await self.policies.look()
        self.bursts.use(self.policies.policy)
        await self.bulletins.look()
        if (now := self.notices()) != self._told:
            self._told = now
            self.hub.broadcast(BulletinsView(bulletins=now))
        await self.announcing.look()
        await self.bursts.look()

    def _opening(self, person: Person, topic: str) -> tuple[ServerMessage, ...]:
        return (*self.alerts.opening(person, topic), *self.bursts.opening(person, topic))


async def _again(look: Callable[[], Awaitable[None]], every_s: float) -> None:
    while True:
        try:
            await look()
        except Exception as error:  # a look that fails must not be the last one
            log.error("looking at boards failed", extra={"site": fault_site(error)})
        await asyncio.sleep(every_s)


def compose(
    settings: Settings,
    *,
    engine: AsyncEngine,
    calls: Calls,
    dispatch: Dispatch,
    hub: PageHub,
    health: Callable[[], HealthView],
    behind_s: Callable[[], float],
    leads: Callable[[], bool],
    metrics: Metrics,
    phones: Phones,
    clock: Callable[[], float] = time.time,
) -> BoardParts:
    """Put them together; `leads` tells whether this server judges alerts and looks for waves.

    Raises SettingError: the waves' policy cannot be used.
    """
    alone = len(settings.servers) < 2
    policy_file = Path(settings.boards.bursts) if settings.boards.bursts else SHIPPED_BURSTS
    try:
        policies = BurstPolicies(policy_file, metrics)
    except BurstPolicyError as error:
        raise SettingError("boards.bursts", settings.boards.bursts, str(error)) from error
    prompts = machine.prompts_folder(settings)
    sounds = Path(settings.boards.announcements or settings.home / "announcements").absolute()
    store = Announcements(engine, has_prompt=lambda key: (prompts / f"{key}.wav").is_file(), clock=clock)
    announcing = Announcing(
        store,
        folder=sounds,
        callers=Callers(engine, area_code=settings.callbacks.area_code),
        journal=calls,
        clock=clock,
    )

    def first() -> bool:
        return alone or leads()

    bursts = BurstWatch(
        BurstStore(engine, clock), policies.policy, pages=hub, journal=calls, leads=first, clock=clock
    )
    views = Views(dispatch=dispatch, phones=phones, clock=clock)
    wall = Wallboard(
        engine,
        database=settings.database,
        rules=Rules.of(settings.figures),
        dispatch=dispatch,
        hub=hub,
        health=health,
        queues=lambda: views.queues().queues,
        captions=settings.recognition.enabled,
        behind_s=behind_s,
        bursts=lambda: len(bursts.open),
        clock=clock,
    )

    hot = TopicDesk(engine, clock=clock)

    async def topics() -> tuple[dt.date, Sequence[Topic]]:
        view = await hot.topics(TopicPolicy())
        return view.today, view.topics

    alerts = AlertWatch(
        AlertStore(engine, clock), values=wall.values, pages=hub, leads=first, clock=clock, topics=topics
    )
    bulletins = Bulletins(engine, clock)
    city = settings.city.map
    city_map = None if city == "none" else Path(city) if city else SHIPPED_MAP
    parts: BoardParts

    async def renewed() -> None:
        await parts.look()

    web = Boards(
        alerts=AlertStore(engine, clock),
        bursts=bursts.store,
        linking=bursts,
        bulletins=bulletins,
        announcements=store,
        queues=lambda: tuple((queue.name, queue.title) for queue in dispatch.policy.queues),
        renewed=renewed,
        burst_policy=lambda: policies.policy,
        breaks=wall.breaks,
        prompts=prompts,
        manifest=MANIFEST,
        city_map=city_map,
    )
    parts = BoardParts(
        web=web,
        alerts=alerts,
        bursts=bursts,
        announcing=announcing,
        wall=wall,
        policies=policies,
        bulletins=Shelf(bulletins.current),
        hub=hub,
        clock=clock,
    )
    return parts
