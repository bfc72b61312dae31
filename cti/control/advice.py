"""Advice beside live drafts: similar orders, units, articles; made again when what a draft says has changed.

All thinking is done by one process of its own (`advice_room`), so that neither the event loop nor a call is
held up. A database that is away leaves advice as it was; it is read on when it is back.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from asr.messages import FieldSuggestion
from cti.call import Call
from cti.control.advice_feed import LATE_S, OVERLAP_S, changed_orders, first_of_newest
from cti.control.advice_room import AdviceLost, AdviceRoom
from cti.faults import fault_site
from cti.messages import AdviceView, ServerMessage
from cti.tasks import end
from orders.knowledge_store import KnowledgeStore
from orders.lifecycle import value_of
from orders.messages import Advice, Draft, KnowledgeAnswer, OrderField, OrderState, UnitAdvice
from orders.similar import SimilarItem
from orders.unit_store import UnitStore

__all__ = ["LiveAdvice"]

log = logging.getLogger(__name__)

CHINA = ZoneInfo("Asia/Shanghai")
DEBOUNCE_S = 0.4
FOLLOW_S = 10.0
LATE_EVERY_S = 600.0
BREATH_S = 0.05
"""Between two portions of orders that are taken in, so that drafts are not kept waiting."""
UNIT_CONFIDENCE = 0.3
"""Below it no unit is proposed in the order itself."""
SAID = (
    OrderField.TITLE, OrderField.SUMMARY, OrderField.CATEGORY, OrderField.DISTRICT, OrderField.STREET,
    OrderField.PLACE,
)  # fmt: skip
"""Fields that advice depends on."""


class Drafts(Protocol):
    """The drafts of live calls (cti.control.orderdesk)."""

    def find(self, order_id: str) -> Draft | None:
        """Return the draft, or None when it is not here any more."""

    def advise(self, order_id: str, suggestion: FieldSuggestion) -> None:
        """Propose a value that does not come from what was said."""


class LiveAdvice:
    """Keeps an index of its own at each server, and one advice for each live draft."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        drafts: Drafts,
        call_of: Callable[[str], Call | None],
        send: Callable[[Sequence[str], ServerMessage], None],
        clock: Callable[[], float] = time.time,
        debounce_s: float = DEBOUNCE_S,
        room: AdviceRoom | None = None,
        districts_of: Callable[[str], Sequence[str]] = lambda _login: (),
    ) -> None:
        """`call_of(call_id)` is a live call; `send(logins, message)` reaches pages; `room` thinks.

        `districts_of(login)`: 区县 whose orders are open to this person, none for all.
        """
        self._engine = engine
        self._drafts = drafts
        self._call_of = call_of
        self._send = send
        self._districts_of = districts_of
        self._now = clock
        self._debounce_s = debounce_s
        self._room = room if room is not None else AdviceRoom()
        self._units = UnitStore(engine)
        self._articles = KnowledgeStore(engine)
        self._said: dict[str, tuple[str, ...]] = {}  # order -> what its advice was made of
        self._views: dict[str, AdviceView] = {}
        self._stale: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._read_to: float | None = None
        self._late_at = 0.0  # when late orders are looked for next
        self._stamps: tuple[object, object] = (None, None)
        self._tasks: list[asyncio.Task[None]] = []

    def __len__(self) -> int:
        """Orders in memory."""
        return len(self._room)

    def start(self) -> None:
        """Begin to read orders and to advise."""
        self._tasks = [
            asyncio.create_task(self._follow(), name="advice-follow"),
            asyncio.create_task(self._advise(), name="advice"),
        ]

    async def stop(self) -> None:
        """Stop; what is being computed is waited for."""
        await end(*self._tasks)
        await self._room.close()

    def changed(self, draft: Draft) -> None:
        """A draft changed: advise anew if it says something else."""
        if draft.state is not OrderState.DRAFT:
            return
        if self._said.get(draft.order_id) != _said(draft):
            self._stale[draft.order_id] = None
            self._wake.set()

    def of(self, order_ids: Sequence[str]) -> tuple[AdviceView, ...]:
        """Return the advice beside these drafts, where there is one, whole."""
        return tuple(self._views[order_id] for order_id in order_ids if order_id in self._views)

    def beside(self, order_ids: Sequence[str], login: str) -> tuple[AdviceView, ...]:
        """Return the same as this person may see it: similar orders of their districts alone."""
        return tuple(self._narrowed(view, login) for view in self.of(order_ids))

    def _narrowed(self, view: AdviceView, login: str) -> AdviceView:
        districts = self._districts_of(login)
        if not districts:
            return view
        similar = tuple(one for one in view.similar if one.district in districts)
        return msgspec.structs.replace(view, similar=similar)

    async def answers(self, text: str, area: str, limit: int) -> tuple[KnowledgeAnswer, ...]:
        """Return articles that answer `text`, for an agent who looks something up."""
        try:
            return await self._room.answers(text, area, limit, self._today())
        except AdviceLost:
            self._forget()
            return ()

    async def units_for(self, draft: Draft) -> tuple[UnitAdvice, ...]:
        """Return at most three units for an order, best first; () while the advisor begins anew."""
        title, summary, category, district, street, _ = _said(draft)
        try:
            return await self._room.units(category, district, street, f"{title}。{summary}", self._today())
        except AdviceLost:
            self._forget()
            return ()

    # ------------------------------------------------------------ advising

    async def _advise(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(self._debounce_s)
            self._wake.clear()
            stale, self._stale = list(self._stale), {}
            for order_id in stale:
                try:
                    await self._one(order_id)
                except AdviceLost as error:
                    log.error("advice not made", extra={"order_id": order_id, "reason": str(error)})
                    self._forget()
                    self._said.pop(order_id, None)
                    self._stale[order_id] = None
                    self._wake.set()
                except Exception as error:  # one draft must not end the advice beside all
                    log.error("advice not made", extra={"order_id": order_id, "site": fault_site(error)})
            for order_id in [one for one in self._said if self._drafts.find(one) is None]:
                del self._said[order_id]
                self._views.pop(order_id, None)

    async def _one(self, order_id: str) -> None:
        draft = self._drafts.find(order_id)
        call = self._call_of(draft.call_id) if draft is not None else None
        if draft is None or call is None or draft.state is not OrderState.DRAFT:
            return
        said = self._said[order_id] = _said(draft)
        now = self._now()
        item = SimilarItem(
            order_id=order_id,
            title=said[0],
            text=said[1],
            category=said[2],
            district=said[3],
            street=said[4],
            place=said[5],
            caller=call.caller,
            at=now,
        )
        advice = await self._room.advise(item, now, self._today())
        view = _view(order_id, advice)
        call = self._call_of(draft.call_id)
        if call is None or self._drafts.find(order_id) is None:
            return
        if self._views.get(order_id, AdviceView(order_id=order_id)) != view:
            self._views[order_id] = view
            limited = [login for login in call.agents if self._districts_of(login)]
            self._send(tuple(login for login in call.agents if login not in limited), view)
            for login in limited:
                self._send((login,), self._narrowed(view, login))
        first = advice.units[0] if advice.units else None
        sure = first is not None and first.confidence >= UNIT_CONFIDENCE
        self._drafts.advise(
            order_id,
            FieldSuggestion(
                field=OrderField.UNIT.value,
                value=first.unit if first is not None and sure else "",
                source=first.source if first is not None else "duty",
                confidence=first.confidence if first is not None else 0.0,
                quote=first.reason if first is not None else "",
            ),
        )

    def _today(self) -> datetime.date:
        return datetime.datetime.fromtimestamp(self._now(), CHINA).date()

    # ------------------------------------------------------------ following the database

    async def _follow(self) -> None:
        while True:
            try:
                await self._read_tables()
                await self._read_orders()
            except AdviceLost as error:
                log.error("advice is not fed", extra={"reason": str(error)})
                self._forget()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("advice is not fed, database is away", extra={"reason": type(error).__name__})
            except Exception as error:  # a row that cannot be read must not end following
                log.error("advice is not fed", extra={"site": fault_site(error)})
            await asyncio.sleep(FOLLOW_S)

    async def _read_tables(self) -> None:
        units, articles = await self._units.stamp(), await self._articles.stamp()
        if units != self._stamps[0]:
            await self._room.use_units(await self._units.units(), await self._units.rules())
        if articles != self._stamps[1]:
            await self._room.use_articles(await self._articles.all())
        self._stamps = (units, articles)

    async def _read_orders(self) -> None:
        now = self._now()
        since = self._read_to
        if since is None:
            since, self._late_at = await first_of_newest(self._engine, now), now + LATE_EVERY_S
        elif now >= self._late_at:
            since, self._late_at = min(since, now - LATE_S), now + LATE_EVERY_S
        async for portion in changed_orders(self._engine, since):
            taken = await self._room.take(portion)
            if self._read_to is None or portion[-1].updated_at - OVERLAP_S > self._read_to:
                self._read_to = portion[-1].updated_at - OVERLAP_S
            await asyncio.sleep(BREATH_S if taken else 0.0)
        if self._read_to is None:
            self._read_to = now - OVERLAP_S

    def _forget(self) -> None:
        """What was in memory is gone: read everything again."""
        self._read_to, self._stamps = None, (None, None)


def _view(order_id: str, advice: Advice) -> AdviceView:
    told = {"type": "advice_view", "order_id": order_id, **msgspec.to_builtins(advice)}
    return msgspec.convert(told, AdviceView)


def _said(draft: Draft) -> tuple[str, ...]:
    return tuple(value_of(draft, field) for field in SAID)
