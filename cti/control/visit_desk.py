"""What people do with return visits: plan, cancel, record an answer, pause and resume the campaign."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from acd.phone_numbers import PhoneNumber
from cti.control.calls import Calls
from cti.control.visits import Visits
from cti.visit_records import KeptVisit, VisitSwitch
from cti.visit_store import VisitStore
from orders import visits as life
from orders.errors import OrderError, UnknownOrder
from orders.fields import TEXT_ONLY
from orders.lifecycle import value_of
from orders.messages import OrderField, OrderState
from orders.records import Order, OrderFilter, OrderPage, Sight
from orders.sight import sees
from orders.visit_policy import VisitPolicy
from orders.visits import Answers, Visit, VisitState

__all__ = ["PLAN_MOST", "Campaign", "Planned", "Skipped", "UnknownVisit", "VisitDesk", "VisitRefused"]

S = VisitState
PLAN_MOST = 1000
"""Visits that are planned at once."""
PAGE = 100


class UnknownVisit(OrderError):
    """No visit of this id is known."""

    def __init__(self) -> None:
        super().__init__("no such visit", shown="找不到这次回访")


class VisitRefused(OrderError):
    """Not possible now; `field` names what is wrong."""

    def __init__(self, shown: str, *, field: str = "") -> None:
        super().__init__("visit refused", shown=shown)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An order for which no visit was planned."""

    order_id: str
    code: str  # unknown, not_accepted, open, no_number
    message: str  # in Chinese


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What came of planning."""

    visits: tuple[Visit, ...]  # new ones
    skipped: tuple[Skipped, ...]  # orders that have none


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """How the campaign goes."""

    enabled: bool  # by the settings
    paused: bool  # by a person
    who: str  # login of who paused or resumed last
    changed_at: float  # when, epoch seconds; 0 never
    open_now: bool  # within the calling hours
    opens_at: float  # when citizens may be called next; now, within the hours
    counts: Mapping[str, int]  # VisitState -> visits; `waiting`: whose time has come


class Orders(Protocol):
    """Orders as they stand (cti.control.orderfront.OrderFront)."""

    async def get(self, order_id: str) -> Order: ...

    async def list(self, which: OrderFilter) -> OrderPage: ...


WHY = {
    "unknown": "找不到工单",
    "not_accepted": "工单尚未受理，不能回访",
    "open": "已有未完成的回访",
    "no_number": "没有可以拨打的电话号码",
    "text_only": "市民要求仅以文字联系，不能电话回访",
}


class VisitDesk:
    """Implements `cti.web.ports.VisitDesk`. The database's errors pass through."""

    def __init__(
        self,
        *,
        visits: Visits,
        calls: Calls,
        store: VisitStore,
        orders: Orders,
        read_number: Callable[[str], PhoneNumber],
        policy: Callable[[], VisitPolicy],
        enabled: bool,
    ) -> None:
        self._visits = visits
        self._book = visits.book
        self._calls = calls
        self._store = store
        self._orders = orders
        self._read_number = read_number
        self._policy = policy
        self._enabled = enabled

    async def get(self, visit_id: str) -> KeptVisit:
        """Return a visit as it stands. Raises UnknownVisit."""
        stored = await self._store.get(visit_id)
        if stored is not None:
            return self._book.newest(stored)
        known = self._book.find(visit_id)
        if known is None:
            raise UnknownVisit
        return KeptVisit(visit=known, owner="", entry_id="")

    async def plan(
        self, order_ids: Sequence[str], *, after: float | None, by: str, sight: Sight | None = None
    ) -> Planned:
        """Plan one visit for each of these orders, not before `after`. Raises VisitRefused.

        An order that is not open to `sight` is unknown.
        """
        orders: list[Order] = []
        skipped: list[Skipped] = []
        for order_id in dict.fromkeys(order_ids):
            try:
                order = await self._orders.get(order_id)
            except UnknownOrder:
                skipped.append(_skipped(order_id, "unknown"))
                continue
            if sight is None or sees(sight, order):
                orders.append(order)
            else:
                skipped.append(_skipped(order_id, "unknown"))
        planned = await self._plan(orders, after=after, by=by)
        return Planned(visits=planned.visits, skipped=(*skipped, *planned.skipped))

    async def plan_matching(self, which: OrderFilter, *, most: int, after: float | None, by: str) -> Planned:
        """Plan visits for accepted orders that match and were not visited yet, newest first, at most `most`.

        Raises OrderError: the filter is out of bounds.
        """
        which = replace(which, state=OrderState.ACCEPTED, visited=False, size=PAGE)
        done = Planned(visits=(), skipped=())
        while len(done.visits) < most:
            found = await self._orders.list(which)
            some = await self._plan(found.orders, after=after, by=by, most=most - len(done.visits))
            done = Planned(
                visits=(*done.visits, *some.visits), skipped=(*done.skipped, *some.skipped)[:PLAN_MOST]
            )
            if not found.next:
                break
            which = replace(which, after=found.next)
        return done

    async def _plan(
        self, orders: Sequence[Order], *, after: float | None, by: str, most: int = PLAN_MOST
    ) -> Planned:
        now = self._calls.now()
        policy = self._policy()
        if after is not None and not now - 60 <= after <= now + policy.keep_days * 86_400:
            raise VisitRefused(f"回访时间须在今后 {policy.keep_days:g} 天之内", field="after")
        due_at = policy.next_hours(max(now, after or now))
        earlier = await self._store.of_orders([order.draft.order_id for order in orders])
        visits: list[Visit] = []
        skipped: list[Skipped] = []
        for order in orders:
            order_id = order.draft.order_id
            known = [self._book.newest(kept).visit for kept in earlier.get(order_id, ())]
            stored = {visit.visit_id for visit in known}
            known += [one for one in self._book if one.order_id == order_id and one.visit_id not in stored]
            number = self._read_number(value_of(order.draft, OrderField.PHONE) or order.caller)
            why = (
                "not_accepted"
                if order.draft.state is not OrderState.ACCEPTED
                else "open"
                if any(visit.open for visit in known)
                else "text_only"
                if value_of(order.draft, OrderField.CONTACT_BY) == TEXT_ONLY
                else "no_number"
                if not number.diallable
                else ""
            )
            if why:
                skipped.append(_skipped(order_id, why))
                continue
            if len(visits) >= most:
                break
            visit = life.planned(
                life.visit_id_of(order_id, len(known) + 1),
                order_id=order_id,
                order_number=order.number,
                number=number.number,
                due_at=due_at,
                by=by,
                now=now,
            )
            visits.append(self._book.keep("planned", visit))
        return Planned(visits=tuple(visits), skipped=tuple(skipped))

    async def cancel(self, visit_id: str, reason: str, by: str) -> Visit:
        """Give up a visit that nobody has been called for. Raises UnknownVisit, VisitRefused."""
        visit = (await self.get(visit_id)).visit
        if visit.state not in life.LEGAL["cancelled"]:
            raise VisitRefused("正在回访，请稍后再试" if visit.open else "这次回访已经结束")
        return self._book.keep("cancelled", life.cancelled(visit, reason, by, self._calls.now()))

    async def settle(self, visit_id: str, answers: Answers, by: str) -> Visit:
        """A person records what the citizen answered, on the order too. Raises UnknownVisit, VisitRefused."""
        if not answers.rates:
            raise VisitRefused("请填写是否解决或满意度", field="solved")
        visit = (await self.get(visit_id)).visit
        now = self._calls.now()
        in_call = visit.state in (S.TALKING, S.ANSWERED)
        if visit.state is S.TALKING:
            visit = self._book.keep("noted", life.noted(visit, answers, now, by=f"agent:{by}"))
        elif visit.state in life.LEGAL["settled"]:
            visit = self._book.keep("settled", life.settled(visit, answers, by, now))
        else:
            raise VisitRefused("正在呼叫市民，请稍后再试" if visit.open else "这次回访已经取消")
        self._visits.record(visit, in_call=in_call)
        return visit

    async def campaign(self, *, sight: Sight | None = None) -> Campaign:
        """How the campaign goes now; visits of orders that are not open to `sight` are not counted."""
        now = self._calls.now()
        switch = await self._store.switch()
        opens_at = self._policy().next_hours(now)
        return Campaign(
            enabled=self._enabled,
            paused=switch.paused,
            who=switch.who,
            changed_at=switch.changed_at,
            open_now=opens_at == now,
            opens_at=opens_at,
            counts=await self._store.counts(now, sight=sight),
        )

    async def pause(self, *, paused: bool, by: str) -> VisitSwitch:
        """Stop or go on; calls that talk go on to their end."""
        return await self._store.set_switch(paused=paused, who=by, now=self._calls.now())


def _skipped(order_id: str, code: str) -> Skipped:
    return Skipped(order_id=order_id, code=code, message=WHY[code])
