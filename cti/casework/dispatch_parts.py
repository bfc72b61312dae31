"""Dispatch, composed for a server: the clerk's desk, units and rules, and what is dispatched by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.auto_dispatch import Advise, AutoDispatcher
from cti.casework.desk import CourseDesk
from cti.casework.dispatch import DispatchDesk
from cti.casework.dispatch_policies import DispatchPolicies
from cti.casework.sights import Sights
from cti.casework.unit_book import UnitBook
from orders.dispatch_queues import People
from orders.dispatch_store import DispatchStore
from orders.messages import Draft, UnitAdvice
from orders.store import OrderStore
from orders.unit_store import UnitStore

__all__ = ["DispatchParts", "compose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchParts:
    """What the server and its web side use of dispatch."""

    desk: DispatchDesk  # what clerks see and do
    book: UnitBook  # units and rules, as people change them
    policies: DispatchPolicies  # when orders are dispatched without a person
    auto: AutoDispatcher  # does it, on the server that leads

    def start(self) -> None:
        """Begin what runs by itself."""
        self.auto.start()

    async def stop(self) -> None:
        """End it."""
        await self.auto.stop()


def compose(
    engine: AsyncEngine,
    store: OrderStore,
    units: UnitStore,
    sights: Sights,
    desk: CourseDesk,
    *,
    people: Callable[[], People],
    clock: Callable[[], float],
    advise: Advise | None = None,
    leads: Callable[[], bool] = lambda: False,
) -> DispatchParts:
    """Return the parts of a server; `people`: what is left to people; without `advise` none suggests."""
    kept = DispatchStore(engine, clock=clock)
    policies = DispatchPolicies()
    suggest = advise or _nobody
    return DispatchParts(
        desk=DispatchDesk(
            engine,
            desk,
            sights,
            kept,
            advise=suggest,
            people=people,
            unreadable=store.unreadable,
            clock=clock,
        ),
        book=UnitBook(engine, units, clock=clock),
        policies=policies,
        auto=AutoDispatcher(
            store, kept, policies, advise=suggest, names=sights.names, leads=leads, clock=clock
        ),
    )


async def _nobody(_: Draft) -> Sequence[UnitAdvice]:
    return ()
