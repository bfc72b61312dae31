"""Alerts at work: the leading server judges the figures, every server tells its pages."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from cti.alert_store import AlertStore, KeptRule
from cti.alerts import AlertEngine, AlertRule, Cleared, Raised, Standing
from cti.control.shelf import Shelf
from cti.message_base import Role
from cti.messages import AlertView, ServerMessage
from cti.ports import CommandRefused, Person
from cti.topic_alerts import TOPICS_HIGH, topic_changes
from orders.topics import Topic

log = logging.getLogger(__name__)

TOPIC = "alerts"
IN_CHARGE = frozenset({Role.SUPERVISOR, Role.ADMIN})

Values = Callable[[frozenset[str]], Awaitable[Mapping[str, float | None]]]
"""Figures by key, as they are now; those that cannot be told are left out."""
TopicsNow = Callable[[], Awaitable[tuple[date, Sequence[Topic]]]]
"""The day in China and its topics, the surest first."""
TOPICS_S = 600.0
"""Topics are counted over weeks: they are looked at so often, and when a rule is changed."""


async def no_topics() -> tuple[date, Sequence[Topic]]:
    """Where nobody counts topics."""
    return date.min, ()


class Topics(Protocol):
    """The pages that watch something (cti.web.pages.PageHub)."""

    def tell(
        self, topic: str, message: ServerMessage, *, only: Callable[[Person], bool] | None = None
    ) -> None:
        """To every page that watches this, or to those of some people."""


def only_in_charge(person: Person) -> None:
    """Raise CommandRefused for everybody else."""
    if person.role not in IN_CHARGE:
        raise CommandRefused("您没有此项权限")


class AlertWatch:
    """Rules, what they raised, and who is told."""

    def __init__(
        self,
        store: AlertStore,
        *,
        values: Values,
        pages: Topics,
        leads: Callable[[], bool],
        clock: Callable[[], float],
        topics: TopicsNow = no_topics,
    ) -> None:
        """`leads`: whether this server is the one that judges; `topics` are asked for early warnings."""
        self._store = store
        self._values = values
        self._topics = topics
        self._topic_rules: tuple[AlertRule, ...] = ()
        self._topics_at = float("-inf")
        self._pages = pages
        self._leads = leads
        self._now = clock
        self._engine: AlertEngine | None = None  # None: somebody else leads, or nothing is known yet
        self._unwritten: list[Raised | Cleared] = []
        self.rules: Shelf[KeptRule] = Shelf(store.rules)
        self.alerts: Shelf[AlertView] = Shelf(store.standing, self._changed)

    async def look(self) -> None:
        """Read what is standing, and judge when this server leads."""
        await self.look_at_rows()
        if not self._leads():
            self._engine = None
            self._unwritten.clear()
            self._topics_at = float("-inf")
            return
        if self._engine is None and not (self.rules.known and self.alerts.known):
            return
        rules = [kept.rule for kept in self.rules.rows if kept.rule.figure != TOPICS_HIGH]
        if self._engine is None:
            standing = (one for one in self.alerts.rows if one.until is None and one.figure != TOPICS_HIGH)
            self._engine = AlertEngine(
                rules, [Standing(alert_id=one.alert_id, rule=one.rule) for one in standing]
            )
        self._engine.use(rules)
        values = await self._values(self._engine.figures)
        self._unwritten += self._engine.take(values, self._now())
        self._unwritten += await self._topic_changes()
        if self._unwritten:
            await self._write()

    async def _topic_changes(self) -> Sequence[Raised | Cleared]:
        """Early warnings that are new, and those that are over."""
        rules = tuple(kept.rule for kept in self.rules.rows if kept.rule.figure == TOPICS_HIGH)
        now = self._now()
        if not (self.rules.known and self.alerts.known) or self._unwritten:
            return ()  # what stands is not known
        if now - self._topics_at < TOPICS_S and rules == self._topic_rules:
            return ()
        standing = [
            Standing(alert_id=one.alert_id, rule=one.rule)
            for one in self.alerts.rows
            if one.until is None and one.figure == TOPICS_HIGH
        ]
        try:
            today, topics = await self._topics() if rules else (date.min, ())
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("topics cannot be counted", extra={"reason": type(error).__name__})
            return ()
        self._topic_rules, self._topics_at = rules, now
        return topic_changes(rules, topics, standing, today=today, now=now)

    async def look_at_rows(self) -> None:
        """Read rules and alerts, and tell pages what is different."""
        await self.rules.look()
        await self.alerts.look()

    def opening(self, person: Person, _topic: str) -> tuple[ServerMessage, ...]:
        """What a page that begins to watch is told: every alert that is not over."""
        only_in_charge(person)
        return tuple(one for one in reversed(self.alerts.rows) if one.until is None)

    async def _write(self) -> None:
        try:
            await self._store.keep(self._unwritten)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("alerts cannot be written", extra={"reason": type(error).__name__})
            return
        self._unwritten.clear()
        await self.alerts.look()

    def _changed(self, before: tuple[AlertView, ...], after: tuple[AlertView, ...]) -> None:
        known = {one.alert_id: one for one in before}
        for one in reversed(after):  # oldest first
            if known.get(one.alert_id) != one and (one.alert_id in known or one.until is None):
                self._pages.tell(TOPIC, one)
