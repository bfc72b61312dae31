"""The closed loop over a real database, without what runs by itself: for web tests and rounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework import citizen_parts
from cti.casework import parts as casework_parts
from cti.casework.auto_dispatch import Advise
from cti.casework.citizen_parts import CitizenParts
from cti.casework.parts import Casework
from cti.casework.policy_shelf import PolicyShelf
from cti.control.reload import AuditLine
from cti.edition_cases import case_files
from cti.metrics import Metrics
from cti.secrets import Secrets
from cti.settings import CitizenSettings, NoticeSettings, OrderSettings
from cti.web.pages import PageHub
from orders.course_policy import CoursePolicy
from orders.store import OrderStore
from tests.support.visits import VisitWorld

__all__ = ["Loop", "loop_over", "publish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """All of it."""

    casework: Casework  # as the web side is given it
    citizens: CitizenParts  # intake, rounds, notices
    visits: VisitWorld  # return visits without telephones
    policy: CoursePolicy  # rules in force

    @property
    def store(self) -> OrderStore:
        """Orders."""
        return self.casework.store


async def _at_once() -> None:
    pass


async def _written(_line: AuditLine) -> bool:
    return True


def loop_over(
    engine: AsyncEngine,
    folder: Path,
    *,
    clock: Callable[[], float],
    robot: bool = True,
    hub: PageHub | None = None,
    advise: Advise | None = None,
    orders: OrderSettings | None = None,
    notices: NoticeSettings | None = None,
) -> Loop:
    """Compose it with the shipped rules on this clock; `robot`: planned visits would be made.

    `hub`: the pages that are told what happens to orders, once `casework.feed` is started.
    """
    shelf = PolicyShelf(
        case_files(), kept=folder / "in_force", metrics=Metrics(), write=_written, clock=clock
    )
    policy = shelf.policy
    store = OrderStore(engine, clock=clock, policy=policy)
    visits = VisitWorld(engine, clock=clock, orders=store)
    citizens = citizen_parts.compose(
        engine,
        store,
        policy,
        lambda: shelf.rules.notices,
        home=folder,
        orders=orders or OrderSettings(),
        notices=notices or NoticeSettings(),
        citizen=CitizenSettings(),
        area_code="010",
        secrets=Secrets(folder / "secrets.json"),
        planner=visits.desk,
        visits_of=visits.store.of_orders,
        robot=robot,
        leads=lambda: True,
        clock=clock,
    )
    casework = casework_parts.compose(
        engine,
        store,
        shelf,
        hub=PageHub() if hub is None else hub,
        metrics=Metrics(),
        delivered=_at_once,
        citizens=citizens,
        advise=advise,
        transfers=folder / "transfers",
        clock=clock,
    )
    return Loop(casework=casework, citizens=citizens, visits=visits, policy=policy)


async def publish(loop: Loop, folder: Path, kind: str, old: str, new: str) -> None:
    """Put the shipped document of a kind in force with one passage changed, as an edition does."""
    files = case_files()
    text = files[kind].read_text(encoding="utf-8")
    assert old in text
    fresh = folder / f"{kind}-published.yaml"
    fresh.write_text(text.replace(old, new, 1), encoding="utf-8")
    await loop.casework.shelf.take_up({**files, kind: fresh})
    assert not loop.casework.shelf.problem
