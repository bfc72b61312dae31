"""`hotline visits`: return visits from the terminal, also while no server runs."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable, Iterable
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from acd.phone_numbers import masked, read_number
from cti.call import Call
from cti.calls import CallStore
from cti.control.calls import Calls, EntryIds
from cti.control.visit_book import VisitBook
from cti.control.visit_desk import VisitDesk
from cti.control.visits import Visits
from cti.database import migrate, open_engine
from cti.errors import HotlineError, SettingError
from cti.messages import Entry, ServerMessage
from cti.metrics import Metrics
from cti.settings import Settings
from cti.visit_records import VisitFilter
from cti.visit_store import VisitStore
from orders.errors import OrderError
from orders.store import OrderStore
from orders.visit_policy import SHIPPED, VisitPolicy, VisitPolicyError, load_visit_policy
from orders.visits import OPEN

__all__ = ["VisitsRefused", "policy_of", "visits"]

BY = "system"
"""Who it is that does something from the terminal, as with accounts."""
SERVER = "terminal"
LISTED = 100


class VisitsRefused(HotlineError):
    """Nothing was changed; the message says why."""


class _Gathering:
    """Journal, live state and pages of nobody: keeps entries until they are written."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, entry: Entry) -> None:
        self.entries.append(entry)

    def save(self, call: Call) -> None:
        """There are no calls here."""

    def forget(self, call_id: str) -> None:
        """There are no calls here."""

    def send(self, logins: Iterable[str], message: ServerMessage) -> None:
        """There are no pages here."""

    def broadcast(self, message: ServerMessage) -> None:
        """There are no pages here."""


def policy_of(settings: Settings) -> VisitPolicy:
    """The visits' policy that the settings name. Raises SettingError."""
    named = settings.visits.policy
    try:
        return load_visit_policy(Path(named) if named else SHIPPED, most_at_once=settings.visits.most_at_once)
    except VisitPolicyError as error:
        raise SettingError("visits.policy", named, str(error)) from error


async def visits(settings: Settings, options: argparse.Namespace, say: Callable[[object], None]) -> int:
    """List visits, plan them for orders, pause or resume the campaign; return the exit status.

    Raises:
        VisitsRefused: saying why.
        SettingError: the policy file is wrong.
    """
    policy = policy_of(settings)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    await migrate(settings.database)
    engine = open_engine(settings.database)
    paper = _Gathering()
    desk, store = _desk(engine, paper, settings, policy)
    try:
        match options.action:
            case "list":
                await _list(desk, store, policy, say)
            case "plan":
                if not options.order:
                    raise VisitsRefused("name the orders: hotline visits plan ORDER_ID …")
                planned = await desk.plan(options.order, after=None, by=BY)
                await CallStore(engine).write(paper.entries)
                for visit in planned.visits:
                    say(f"{visit.order_number}  {_time(visit.due_at, policy)}  已计划")
                for skipped in planned.skipped:
                    say(f"{skipped.order_id}  {skipped.message}")
                return 0 if planned.visits else 1
            case _:
                switch = await desk.pause(paused=options.action == "pause", by=BY)
                say("回访外呼已暂停，正在进行的通话不受影响" if switch.paused else "回访外呼已恢复")
        return 0
    except OrderError as error:
        raise VisitsRefused(f"{error} ({error.shown})") from error
    finally:
        await engine.dispose()


def _desk(
    engine: AsyncEngine, paper: _Gathering, settings: Settings, policy: VisitPolicy
) -> tuple[VisitDesk, VisitStore]:
    calls = Calls(
        journal=paper,
        keeper=paper,
        pages=paper,
        ids=EntryIds(SERVER),
        metrics=Metrics(),
        queue_titles=str,
    )
    store, orders = VisitStore(engine), OrderStore(engine)
    talked = Visits(
        book=VisitBook(calls=calls, server=SERVER),
        calls=calls,
        pages=paper,
        stored=store.get,
        order=orders.get,
        captions=lambda _: (),
        policy=lambda: policy,
        beside=lambda work, _what, _call_id: work.close(),
    )
    desk = VisitDesk(
        visits=talked,
        calls=calls,
        store=store,
        orders=orders,
        read_number=lambda number: read_number(number, area_code=settings.callbacks.area_code),
        policy=lambda: policy,
        enabled=settings.visits.enabled,
    )
    return desk, store


async def _list(
    desk: VisitDesk, store: VisitStore, policy: VisitPolicy, say: Callable[[object], None]
) -> None:
    page = await store.list(VisitFilter(states=tuple(OPEN), size=LISTED))
    for kept in page.visits:
        visit = kept.visit
        say(
            f"{visit.order_number:<16} {visit.state.value:<10} {_time(visit.due_at, policy)}  "
            f"{masked(visit.number):<12} 已拨 {visit.tries} 次"
        )
    if page.total > LISTED:
        say(f"… 共 {page.total} 条")
    campaign = await desk.campaign()
    switched = (
        "已停用（visits.enabled）" if not campaign.enabled else "已暂停" if campaign.paused else "进行中"
    )
    answered, given_up = campaign.counts["answered"], campaign.counts["given_up"]
    say(f"回访外呼{switched}：待访 {page.total}，已答复 {answered}，未访到 {given_up}")


def _time(at: float, policy: VisitPolicy) -> str:
    return datetime.datetime.fromtimestamp(at, policy.zone).strftime("%Y-%m-%d %H:%M")
