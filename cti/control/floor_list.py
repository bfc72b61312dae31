"""The live list: every agent and every call of all servers, told to whoever watches "floor".

A page gets the whole list when it begins to watch, then at most twice a second what has changed. Who only
listens watches "floor:masked" and is shown no number.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from acd.messages import AgentRecord, AgentState
from cti.call import Call
from cti.control.people import People
from cti.control.supervision_rights import WATCHERS
from cti.faults import fault_site
from cti.message_base import CallState, Role
from cti.messages import AgentView, CallView, DraftView, FloorChange, FloorView, ServerMessage
from cti.messages_floor import SupervisionView
from cti.ports import CommandRefused, Person
from cti.tasks import end
from orders.fields import CONFIDENTIAL
from orders.messages import OrderField

__all__ = ["MASKED", "OPEN", "FloorList", "changes", "masked"]

log = logging.getLogger(__name__)

OPEN, MASKED = "floor", "floor:masked"
EVERY_S = 0.5
OTHERS_EVERY_S = 1.0
KNOWN_S = 5.0
"""So long it counts whether a call at another server is confidential."""
SHOWN = frozenset(CallState) - {CallState.ENDED, CallState.WRAP_UP, CallState.SURVEY}
FROM_DRAFT = ("district", "urgency", "mood")
STALE_S = 12 * 3600.0
"""A call at another server that has not changed for so long is over, though nobody came to say so."""

Item = TypeVar("Item", AgentView, CallView)


class Topics(Protocol):
    """The pages and what they watch (cti.web.pages.PageHub)."""

    def watched(self, topic: str) -> bool: ...

    def tell(self, topic: str, message: ServerMessage) -> None: ...


class Sources(Protocol):
    """What the list is made of."""

    def agents(self) -> Iterable[AgentRecord]:
        """Every agent of the line."""

    def agent_view(self, person: Person) -> AgentView:
        """One of them, as pages are shown."""

    def calls(self) -> Iterable[Call]:
        """The calls of this server."""

    def call_view(self, call: Call) -> CallView:
        """One of them, as pages are shown."""

    def draft(self, order_id: str) -> DraftView | None:
        """What is written of a call so far."""

    async def elsewhere(self) -> Sequence[Call]:
        """The calls of the other servers. Raises RedisError, OSError, TimeoutError."""

    async def confidential(self, call_ids: Collection[str]) -> frozenset[str]:
        """Those of the calls that have a confidential order. SQLAlchemy's errors, OSError, TimeoutError."""


class FloorList:
    """Made once for each server."""

    def __init__(
        self,
        topics: Topics,
        sources: Sources,
        people: People,
        supervisions: Callable[[Person], tuple[SupervisionView, ...]],
        others: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        """`others()`: whether there are other servers now."""
        self._topics = topics
        self._sources = sources
        self._people = people
        self._supervisions = supervisions
        self._others = others
        self._now = clock
        self._told = FloorView()
        self._elsewhere: tuple[Call, ...] = ()
        self._confidential: frozenset[str] = frozenset()  # calls
        self._asked: frozenset[str] = frozenset()  # calls of which that is known
        self._asked_at = float("-inf")
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to tell."""
        self._tasks = [
            asyncio.create_task(self._every(EVERY_S, self._tell_watchers), name="floor-list"),
            asyncio.create_task(self._every(OTHERS_EVERY_S, self._look_around), name="floor-elsewhere"),
        ]

    async def stop(self) -> None:
        """Stop telling."""
        await end(*self._tasks)

    def opening(self, person: Person, topic: str) -> tuple[ServerMessage, ...]:
        """The whole list for who begins to watch it. Raises CommandRefused."""
        if person.role not in WATCHERS:
            raise CommandRefused("您没有查看现场的权限")
        if person.role is Role.LISTENER and topic != MASKED:
            raise CommandRefused("旁听账号只能查看不含号码的现场")
        self._tell()  # what is told next counts from now on, also for pages that know this whole list
        view = self._view(self._supervisions(person))
        return (masked_view(view) if topic == MASKED else view,)

    # ------------------------------------------------------------ telling

    async def _every(self, seconds: float, do: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            if not self._watched():
                continue
            try:
                await do()
            except Exception as error:  # the list must come back when what failed works again
                log.error("live list not told", extra={"site": fault_site(error)})

    async def _tell_watchers(self) -> None:
        self._tell()

    def _watched(self) -> bool:
        return self._topics.watched(OPEN) or self._topics.watched(MASKED)

    def _tell(self) -> None:
        now = self._view()
        change = changes(self._told, now)
        self._told = now
        if change is not None:
            self._topics.tell(OPEN, change)
            hidden = tuple(map(masked, change.calls))
            self._topics.tell(MASKED, msgspec.structs.replace(change, calls=hidden))

    async def _look_around(self) -> None:
        elsewhere = await self._calls_elsewhere() if self._others() else ()
        here = (call.call_id for call in self._sources.calls())
        asked = frozenset((*here, *(call.call_id for call in elsewhere)))
        try:
            self._confidential = await self._sources.confidential(asked)
        except (SQLAlchemyError, OSError, TimeoutError):
            pass  # what is known stands, and the numbers of new calls elsewhere are covered
        else:
            self._asked, self._asked_at = asked, self._now()
        self._elsewhere = elsewhere

    async def _calls_elsewhere(self) -> tuple[Call, ...]:
        try:
            calls = await self._sources.elsewhere()
        except (RedisError, OSError, TimeoutError):
            return self._elsewhere  # what was seen last stands; the pages are told that Redis is away
        fresh = self._now() - STALE_S
        return tuple(call for call in calls if call.state_since > fresh)

    def _view(self, supervisions: tuple[SupervisionView, ...] = ()) -> FloorView:
        agents = (
            self._sources.agent_view(person)
            for record in self._sources.agents()
            if record.state is not AgentState.OFFLINE and (person := self._people.find(record.agent_id))
        )
        here = {call.call_id: call for call in self._sources.calls()}
        elsewhere = (call for call in self._elsewhere if call.call_id not in here)
        calls = (self._shown(call) for call in (*here.values(), *elsewhere) if call.state in SHOWN)
        return FloorView(agents=tuple(agents), calls=tuple(calls), supervisions=supervisions)

    def _shown(self, call: Call) -> CallView:
        view, draft = self._sources.call_view(call), self._sources.draft(call.order_id)
        if call.call_id in self._confidential:  # by any of its orders
            view = covered(view)
        if draft is None:
            return view if self._known(call) else covered(view)
        known = {
            name: draft.fields[name].value for name in ("district", "urgency", "mood") if name in draft.fields
        }
        secrecy = draft.fields.get(OrderField.SECRECY.value)
        if secrecy is not None and secrecy.value == CONFIDENTIAL:  # its agent is told by another message
            view = covered(view)
        return msgspec.structs.replace(view, **known)

    def _known(self, call: Call) -> bool:
        """Whether somebody asked lately what the call's orders are: its draft may be at another server."""
        recent = self._now() - self._asked_at <= KNOWN_S
        return not call.order_id or (recent and call.call_id in self._asked)


def changes(before: FloorView, now: FloorView) -> FloorChange | None:
    """What pages that know `before` must be told to know `now`; None when it is the same."""
    agents_now = {one.agent_id: one for one in now.agents}
    calls_now = {one.call_id: one for one in now.calls}
    gone_agents = tuple(
        msgspec.structs.replace(one, state=AgentState.OFFLINE.value)
        for one in before.agents
        if one.agent_id not in agents_now
    )
    gone_calls = tuple(
        msgspec.structs.replace(one, state=CallState.ENDED)
        for one in before.calls
        if one.call_id not in calls_now
    )
    agents = _other({one.agent_id: one for one in before.agents}, agents_now)
    calls = _other({one.call_id: one for one in before.calls}, calls_now)
    if not (agents or calls or gone_agents or gone_calls):
        return None
    return FloorChange(agents=(*agents, *gone_agents), calls=(*calls, *gone_calls))


def _other(before: Mapping[str, Item], now: Mapping[str, Item]) -> tuple[Item, ...]:
    return tuple(one for key, one in now.items() if before.get(key) != one)


def masked(call: CallView) -> CallView:
    """The call without numbers, names of the parties and orders."""
    return msgspec.structs.replace(covered(call), visit_id="", about_order="")


def covered(call: CallView) -> CallView:
    """The call without numbers and names of the parties: of a confidential matter (举报保密), for example."""
    parties = tuple(
        party if party.agent_id else msgspec.structs.replace(party, title=hidden(party.title))
        for party in call.parties
    )
    return msgspec.structs.replace(call, caller=hidden(call.caller), parties=parties)


def masked_view(view: FloorView) -> FloorView:
    """The whole list without numbers."""
    return msgspec.structs.replace(view, calls=tuple(map(masked, view.calls)))


def hidden(number: str) -> str:
    """A number with its middle hidden: 138****0001; anything short is hidden whole."""
    if "****" in number:  # it is already
        return number
    return f"{number[:3]}****{number[-4:]}" if number.isdecimal() and len(number) >= 10 else "****"
