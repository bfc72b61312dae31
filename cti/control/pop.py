"""The screen pop: all that is known of a caller, in one question, before anybody has answered."""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.phone_numbers import NumberKind, read_number, spellings
from cti.call_records import CallRecord
from cti.calls import CallStore
from cti.control.calls import Calls
from cti.messages import AdviceView, Caption, EntryKind
from cti.tables import call_events, calls
from orders.errors import OrderError
from orders.lifecycle import value_of
from orders.messages import Draft, OrderField, OrderState
from orders.privacy import Secrecy, secrecy_of
from orders.records import Order, Sight
from orders.sight import sees

__all__ = ["WITHIN_S", "Pop", "PopView", "SameMatter"]

log = logging.getLogger(__name__)

CHINA = ZoneInfo("Asia/Shanghai")
WITHIN_S = 1.5
"""A ring lasts some seconds: what is not known by then is told as unknown."""
CALLS, ORDERS, NOTES, SAID = 10, 20, 20, 30
"""So many of each are told at most."""


class SameMatter(msgspec.Struct, frozen=True, kw_only=True):
    """An order that is worked on and may be about what the citizen calls for."""

    order_id: str  # which
    number: str  # 工单编号
    title: str  # its title
    at: float  # opened, epoch seconds
    own: bool  # the same citizen's
    reason: str  # why, in Chinese
    score: float  # 0 to 1: how surely it is the same matter, 1 for an own one


class PopView(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls."""

    call_id: str  # which call
    caller: str  # the number, "" when withheld
    name: str = ""  # as the newest order has it that names this number
    district: str = ""  # of the present draft, else where most of their orders are
    place: str = ""  # of the present draft, else of the newest order
    language: str = ""  # as noted in this call, else in earlier ones
    times: int = 0  # calls before this one
    today: int = 0  # of these today, China time
    silent: int = 0  # of these lately without a word
    satisfaction: int | None = None  # of the newest rated call, 1 to 5
    last_agent: str = ""  # login of who answered last, within 30 days
    nuisance: bool = False  # people marked the number
    blocked: bool = False  # people blocked the number
    open_orders: int = 0  # of this number that are worked on
    urgent: bool = False  # what was said in line calls for it
    said: Sequence[Caption] = ()  # what they said while waiting, the newest last
    same_matter: Sequence[SameMatter] = ()  # the surest first
    whole: bool = True  # False: the database did not answer in time


class Facts(Protocol):
    """What is known of a number (cti.control.callers.Callers)."""

    async def facts(self, number: str, within_s: float) -> Mapping[str, str]: ...


class Orders(Protocol):
    """Finds orders of a number (cti.control.orderfront.OrderFront)."""

    async def by_phone(self, phone: str, *, limit: int = ...) -> tuple[Order, ...]: ...


class Drafts(Protocol):
    """The drafts of live calls (cti.control.orderdesk.OrderDesk)."""

    def find(self, order_id: str) -> Draft | None: ...


class Pop:
    """Answers who calls, with a bounded number of rows and within `WITHIN_S`."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        live: Calls,
        store: CallStore,
        callers: Facts,
        orders: Orders,
        drafts: Drafts,
        said: Callable[[str], Sequence[Caption]],
        advice: Callable[[Sequence[str]], Sequence[AdviceView]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`said(call_id)` are the words of a live call, `advice(order_ids)` what stands beside drafts."""
        self._engine = engine
        self._live = live
        self._store = store
        self._callers = callers
        self._orders = orders
        self._drafts = drafts
        self._said = said
        self._advice = advice
        self._now = clock

    async def of(
        self, call_id: str, sight: Sight | None = None
    ) -> tuple[PopView, Sequence[CallRecord], Sequence[Order]] | None:
        """Return who calls, their newest calls and their newest orders; None when there is no such call.

        Of orders only those that are open to `sight` are told, and what follows from them; what stands
        beside a live draft (`PopView.same_matter`) is not cut.
        """
        live = self._live.find(call_id)
        caller = live.caller if live is not None else await self._caller_of(call_id)
        if caller is None:
            return None
        view = PopView(call_id=call_id, caller=caller, said=self._words(call_id))
        records: Sequence[CallRecord] = ()
        found: Sequence[Order] = ()
        try:
            async with asyncio.timeout(WITHIN_S):
                view = await self._noted(view)
                if read_number(caller).kind is not NumberKind.ANONYMOUS:
                    records = await self._store.last_for_caller(caller, CALLS + 1)
                    records = [one for one in records if one.call_id != call_id][:CALLS]
                    orders = await self._orders.by_phone(caller, limit=ORDERS)
                    found = [one for one in orders if one.draft.call_id != call_id and _open(one, sight)]
                    view = await self._known(view, found)
                    if sight is not None and sight.cuts:
                        accepted = [one for one in found if one.draft.state is OrderState.ACCEPTED]
                        view = msgspec.structs.replace(view, open_orders=len(accepted))
        except (SQLAlchemyError, OSError, TimeoutError, OrderError) as error:
            log.warning("screen pop not whole", extra={"call_id": call_id, "reason": type(error).__name__})
            view = msgspec.structs.replace(view, whole=False)
        draft = self._drafts.find(live.order_id) if live is not None and live.order_id else None
        return self._matter(view, draft, found), records, found

    async def _caller_of(self, call_id: str) -> str | None:
        """The number of a call at another server, or of an earlier one."""
        record = await self._store.call(call_id)
        return None if record is None else record.caller

    def _words(self, call_id: str) -> tuple[Caption, ...]:
        return tuple(
            caption
            for caption in self._said(call_id)
            if caption.final and caption.text and caption.speaker == "citizen"
        )[-SAID:]

    async def _noted(self, view: PopView) -> PopView:
        """What this call's flow noted: the language, and what the words in line asked for."""
        query = (
            select(call_events.c.data)
            .where(call_events.c.call_id == view.call_id, call_events.c.kind == EntryKind.NOTE.value)
            .order_by(call_events.c.entry_id.desc())
            .limit(NOTES)
        )
        async with self._engine.connect() as connection:
            notes = list(await connection.scalars(query))
        for data in reversed(notes):
            values = data.get("values")
            if not isinstance(values, dict):
                continue
            if data.get("kind") == "language" and isinstance(values.get("language"), str):
                view = msgspec.structs.replace(view, language=values["language"][:40])
            if data.get("kind") == "needs_heard":
                view = msgspec.structs.replace(view, urgent=values.get("urgent") == "true")
        return view

    async def _known(self, view: PopView, found: Sequence[Order]) -> PopView:
        facts = await self._callers.facts(view.caller, WITHIN_S)
        satisfaction, today = facts.get("satisfaction", ""), await self._today(view)
        return msgspec.structs.replace(
            view,
            name=next((name for one in found if (name := value_of(one.draft, OrderField.CONTACT))), ""),
            district=_most(value_of(one.draft, OrderField.DISTRICT) for one in found),
            place=next((place for one in found if (place := value_of(one.draft, OrderField.PLACE))), ""),
            language=view.language or facts.get("language", ""),
            times=max(int(facts.get("calls", "0")), today),  # the facts leave out those that are not over
            today=today,
            silent=int(facts.get("silent_calls", "0")),
            satisfaction=int(satisfaction) if satisfaction else None,
            last_agent=facts.get("last_agent", ""),
            nuisance=facts.get("nuisance") == "yes",
            blocked=facts.get("blocked") == "yes",
            open_orders=int(facts.get("open_orders", "0")),
        )

    async def _today(self, view: PopView) -> int:
        now = datetime.datetime.fromtimestamp(self._now(), CHINA)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        query = select(func.count()).where(
            calls.c.caller.in_(spellings(read_number(view.caller).number)),
            calls.c.started >= midnight,
            calls.c.call_id != view.call_id,
        )
        async with self._engine.connect() as connection:
            return await connection.scalar(query) or 0

    def _matter(self, view: PopView, draft: Draft | None, found: Sequence[Order]) -> PopView:
        """Open orders of the same matter: by what was said in line, and the citizen's own."""
        if draft is not None:
            view = msgspec.structs.replace(
                view,
                district=value_of(draft, OrderField.DISTRICT) or view.district,
                place=value_of(draft, OrderField.PLACE) or view.place,
            )
        same: dict[str, SameMatter] = {
            one.draft.order_id: SameMatter(
                order_id=one.draft.order_id,
                number=one.number,
                title=value_of(one.draft, OrderField.TITLE) or value_of(one.draft, OrderField.SUMMARY)[:50],
                at=one.created_at,
                own=True,
                reason="本号码未办结的工单",
                score=1.0,
            )
            for one in found
            if one.draft.state is OrderState.ACCEPTED
        }
        for advice in self._advice([draft.order_id]) if draft is not None else ():
            for one in advice.similar:
                same.setdefault(
                    one.order_id,
                    SameMatter(
                        order_id=one.order_id,
                        number=one.number,
                        title=one.title,
                        at=one.at,
                        own=False,
                        reason=one.reason,
                        score=one.score,
                    ),
                )
        ranked = sorted(same.values(), key=lambda one: (-one.score, -one.at))
        return msgspec.structs.replace(view, same_matter=tuple(ranked[:CALLS]))


def _open(order: Order, sight: Sight | None) -> bool:
    """Whether it may be known whose order it is: nobody learns from a number who reported something."""
    return secrecy_of(order.draft) is not Secrecy.CONFIDENTIAL and (sight is None or sees(sight, order))


def _most(names: Iterable[str]) -> str:
    counted = Counter(name for name in names if name)
    return counted.most_common(1)[0][0] if counted else ""
