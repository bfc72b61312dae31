"""The closed loop, composed for a server."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework import dispatch_parts
from cti.casework.access_rounds import AccessRounds
from cti.casework.accesses import AccessLog
from cti.casework.assessment_parts import AssessmentParts, compose_assessment
from cti.casework.auto_dispatch import Advise
from cti.casework.citizen_parts import CitizenParts
from cti.casework.clock_rounds import ClockRounds
from cti.casework.desk import CourseDesk
from cti.casework.dispatch_parts import DispatchParts
from cti.casework.knowledge_keeper import KnowledgeKeeper
from cti.casework.order_feed import OrderFeed, Watchers
from cti.casework.oversight import Oversight
from cti.casework.policy_shelf import PolicyShelf
from cti.casework.repeat_rounds import RepeatRounds
from cti.casework.retention import Keeper
from cti.casework.retention_nights import KeeperBy, RetentionNights
from cti.casework.sights import Sights
from cti.casework.topic_desk import TopicDesk
from cti.casework.transfers import Transfers
from cti.casework.visit_work import VisitWork
from cti.casework.watermarks import Watermarks
from cti.metrics import Metrics
from orders.answer_policy import load_answer_policy
from orders.clock_file import load_clock_rules
from orders.clocks import Timekeeper
from orders.confidential import Confidential
from orders.course_policy import CoursePolicy, Rules
from orders.open_rows import OpenOrders
from orders.privacy import PrivacyPolicy
from orders.store import OrderStore
from orders.supervision_file import load_supervision_rules
from orders.unit_inbox import UnitInbox
from orders.unit_store import UnitStore
from orders.watchlist import WatchList
from orders.workdays_file import load_workdays

__all__ = ["Casework", "compose", "shipped_policy"]


def shipped_policy() -> CoursePolicy:
    """The rules as they are shipped. Raises PolicyError: a file cannot be used."""
    return CoursePolicy(
        Rules(
            keeper=Timekeeper(load_clock_rules(), load_workdays()),
            supervision=load_supervision_rules(),
            answers=load_answer_policy(),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Casework:
    """What the server and its web side use of the closed loop."""

    desk: CourseDesk  # moves orders
    sights: Sights  # which rows are open to whom
    inbox: UnitInbox  # what units have to do
    policy: CoursePolicy  # rules in force
    store: OrderStore  # orders and their events
    units: UnitStore  # units and their rules
    accesses: AccessLog  # who looked at what
    watermarks: Watermarks  # marks of what is taken out
    confidential: Confidential  # which calls and orders are of confidential matters
    open_orders: OpenOrders  # which of many orders are open to somebody
    access_rounds: AccessRounds  # ends the time of the access log's lines
    feed: OrderFeed  # tells pages what happens to orders
    rounds: ClockRounds  # does what follows when a time limit is crossed
    shelf: PolicyShelf  # where the rules in force come from
    watchlist: WatchList  # what has to be looked after
    assessment: AssessmentParts  # figures of units, frozen months, the leader's page
    topics: TopicDesk  # hot topics, monthly themes, repeated matters
    repeats: RepeatRounds  # raises what is reported again and again
    knowledge: KnowledgeKeeper  # who keeps the knowledge base
    oversight: Oversight  # verifications and seals
    transfers: Transfers  # files of orders, out and in
    retention: RetentionNights  # deletes what has to go, where switched on
    dispatch: DispatchParts  # the clerk's desk, units and rules, automatic dispatch
    visit_work: VisitWork  # return visits that wait for a person
    citizens: CitizenParts | None = None  # what comes from citizens without a call, and goes back to them

    @property
    def privacy(self) -> PrivacyPolicy:
        """Who sees personal data, by the rules in force."""
        return self.shelf.rules.privacy

    def start(self) -> None:
        """Begin what runs by itself."""
        self.feed.start()
        self.access_rounds.start()
        self.shelf.start()
        self.rounds.start()
        self.dispatch.start()
        self.oversight.start()
        self.transfers.start()
        self.retention.start()
        self.assessment.start()
        self.repeats.start()
        if self.citizens is not None:
            self.citizens.start()

    async def stop(self) -> None:
        """End it."""
        await self.repeats.stop()
        await self.assessment.stop()
        await self.rounds.stop()
        await self.shelf.stop()
        await self.feed.stop()
        await self.access_rounds.stop()
        await self.dispatch.stop()
        await self.oversight.stop()
        await self.transfers.stop()
        await self.retention.stop()
        if self.citizens is not None:
            await self.citizens.stop()


def _by_rules(keeper: KeeperBy, shelf: PolicyShelf) -> Callable[[], Keeper]:
    return lambda: keeper(shelf.rules.retention)


def compose(
    engine: AsyncEngine,
    store: OrderStore,
    shelf: PolicyShelf,
    *,
    hub: Watchers,
    metrics: Metrics,
    delivered: Callable[[], Awaitable[None]],
    citizens: CitizenParts | None = None,
    advise: Advise | None = None,
    leads: Callable[[], bool] = lambda: False,
    transfers: Path,
    keeper: KeeperBy | None = None,
    clock: Callable[[], float] = time.time,
) -> Casework:
    """Return the parts of a server; what `keeper` makes deletes each night.

    `transfers` is a folder of this server's own, which is emptied.
    """
    units = UnitStore(engine)
    sights = Sights(units, privacy=lambda: shelf.rules.privacy)
    accesses = AccessLog(engine, clock=clock)
    watermarks = Watermarks(accesses, clock=clock)
    desk = CourseDesk(store, sights, delivered=delivered)
    visit_work = VisitWork(
        engine,
        sights,
        policy=lambda: shelf.policy.rules.answers,
        robot=citizens is not None and citizens.robot,
        unreadable=store.unreadable,
        clock=clock,
    )
    deletes = None if keeper is None else _by_rules(keeper, shelf)
    sending = dispatch_parts.compose(
        engine, store, units, sights, desk, people=visit_work.people, clock=clock, advise=advise, leads=leads
    )
    sending.policies.take(shelf.rules.dispatch)
    shelf.on_rules.append(lambda rules: sending.policies.take(rules.dispatch))
    return Casework(
        desk=desk,
        dispatch=sending,
        visit_work=visit_work,
        topics=TopicDesk(engine, clock=clock),
        repeats=RepeatRounds(engine, store, shelf.policy, leads=leads, clock=clock),
        knowledge=KnowledgeKeeper(engine, sights, clock=clock),
        assessment=compose_assessment(
            engine,
            sights,
            lambda: shelf.rules.assessment,
            lambda: shelf.policy.rules.keeper.days,
            clock=clock,
        ),
        sights=sights,
        oversight=Oversight(
            engine, leads=leads, files=None if citizens is None else citizens.attachments.folder, clock=clock
        ),
        transfers=Transfers(
            engine,
            transfers,
            privacy=lambda: shelf.rules.privacy,
            watermarks=watermarks,
            rules=lambda: shelf.rules.texts,
            clock=clock,
        ),
        retention=RetentionNights(deletes, leads=leads, clock=clock),
        inbox=UnitInbox(engine, store.unreadable),
        policy=shelf.policy,
        store=store,
        units=units,
        citizens=citizens,
        accesses=accesses,
        watermarks=watermarks,
        confidential=Confidential(engine),
        open_orders=OpenOrders(engine),
        access_rounds=AccessRounds(
            accesses, keep_days=lambda: shelf.rules.privacy.keep_days, leads=leads, clock=clock
        ),
        feed=OrderFeed(engine, hub=hub, sights=sights),
        shelf=shelf,
        watchlist=WatchList(engine, store.unreadable),
        rounds=ClockRounds(engine, store, shelf.policy, leads=leads, metrics=metrics, clock=clock),
    )
