"""The supervisors' telephones: they ring, hear another call, come into the room of one, are put down."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Protocol

from acd.messages import AgentBecameNotReady, AgentState, NotReadyReason
from cti import call as calls_of
from cti.ami import AmiError, AmiRefused
from cti.call import Call
from cti.control.calls import Calls
from cti.control.cluster_relay import PageRelay
from cti.control.dispatch import Dispatch
from cti.control.people import People
from cti.control.phones import Phones
from cti.control.room_events import RoomEvents
from cti.control.supervision_book import Supervising, SupervisionBook
from cti.control.supervision_hands import SupervisionHands
from cti.control.supervision_news import SupervisionNews
from cti.message_base import CallState, PartyState, TargetKind
from cti.messages_floor import SupervisionKind
from cti.parties import SUPERVISOR, Party
from cti.ports import CommandRefused, Person

__all__ = ["BUSY", "IN_ROOM", "Seats", "SupervisionParts", "check_call"]

log = logging.getLogger(__name__)

K = SupervisionKind
BUSY = frozenset({AgentState.RINGING, AgentState.TALKING, AgentState.RESERVED})
IN_ROOM = frozenset({K.BARGE, K.TAKEOVER})
"""Ways of being in a call that need the room."""

CITIZEN_COMES_S, LOOK_S = 2.0, 0.02


class Beside(Protocol):
    """Runs what must not hold anybody up (cti.control.telephony)."""

    def __call__(self, work: Coroutine[Any, Any, None], what: str, call_id: str) -> None: ...


class OtherServers(Protocol):
    """Whom supervisors of other servers are handed over by (cti.control.supervision_relay)."""

    def handed(self, spy_id: str, *, put_down: bool) -> None:
        """This supervisor is in a call here now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionParts:
    """What supervision is made of."""

    calls: Calls
    dispatch: Dispatch
    events: RoomEvents
    hands: SupervisionHands
    phones: Phones
    people: People
    book: SupervisionBook
    news: SupervisionNews
    beside: Beside
    has_page: Callable[[str], bool]  # whether a person's page is at this server
    relay: PageRelay | None  # to calls at other servers
    supervises_elsewhere: Callable[[str], Supervising | None]  # what a login is in at another server
    others: OtherServers


def check_call(person: Person, call: Call, kind: SupervisionKind) -> None:
    """Refuse what cannot be with this call as it is now. Raises CommandRefused."""
    if call.written:
        raise CommandRefused("文字会话没有声音可听；可以打开它看文字")
    if not call.with_person:
        raise CommandRefused("这通电话现在没有坐席在通话")
    if call.agent_id == person.login and not call.agent_gone:
        raise CommandRefused("这是您自己的通话")
    if kind in IN_ROOM and call.state is CallState.CONSULTING:
        raise CommandRefused("坐席正在单独咨询，请等咨询结束再进入通话")
    if kind is K.TAKEOVER and (call.agent_gone or not call.agent_channel):
        raise CommandRefused("坐席已不在这通电话中，可以用“强插”加入")


class Seats:
    """Made once for each server. Methods that ask Asterisk raise AmiError."""

    def __init__(self, parts: SupervisionParts) -> None:
        self._parts = parts
        self._calls = parts.calls
        self._hands = parts.hands
        self._book = parts.book
        self._news = parts.news
        self._inside: set[str] = set()  # calls whose citizen is in the room

    async def ring(self, person: Person, call: Call, kind: SupervisionKind, reason: str) -> None:
        """Ring the supervisor's telephone; who answers hears the call. Raises CommandRefused."""
        parts = self._parts
        own = self.free(person)
        targets = parts.phones.targets(person.extension, call.node) if person.extension else ""
        if not targets or not parts.phones.registered(person.extension):
            raise CommandRefused("您没有可用的话机；请打开软电话或接好话机，没有分机请联系管理员")
        if own is AgentState.READY:  # nobody else shall ring meanwhile
            parts.dispatch.tell(AgentBecameNotReady(agent_id=person.login, reason=NotReadyReason.OTHER))
        now = self._calls.now()
        one = Supervising(
            spy_id=f"{SUPERVISOR}{uuid.uuid4().hex[:16]}", call_id=call.call_id,
            agent_id=call.agent_id or "", by=person.login, by_name=person.name, kind=_begins(kind),
            wanted=kind, began=now, since=now, reason=reason, node=call.node,
        )  # fmt: skip
        self._book.put(one)
        shown = parts.people.extension(call.agent_id or "") or "12345"
        try:
            await self._hands.ring(call, one, targets, shown)
        except AmiError:
            self._book.drop(one.spy_id)
            raise
        self._news.tell(one)

    def free(self, person: Person) -> AgentState | None:
        """The person's own state; refused while they have a call of their own. Raises CommandRefused."""
        own = self._parts.dispatch.agent(person.login)
        if own is not None and own.state in BUSY:
            raise CommandRefused("您正在通话或振铃，结束后再进入其他通话")
        return None if own is None else own.state

    async def bring(self, one: Supervising, call: Call, kind: SupervisionKind, reason: str) -> bool:
        """A telephone that is in another call, here or at another server, hears this one without a ring.

        False when it cannot be brought: it still rings, is at another Asterisk, or has just hung up.
        """
        if not one.there or one.node != call.node:
            return False
        now, begins = self._calls.now(), _begins(kind)
        brought = replace(
            one, call_id=call.call_id, agent_id=call.agent_id or "", kind=begins, wanted=kind, began=now,
            since=now, reason=reason, shown=False,
        )  # fmt: skip
        try:
            await self._hands.hear(call, brought, begins)
        except AmiRefused:
            return False
        if (mine := self._book.find(one.spy_id)) is not None:
            self.over(mine)
        else:
            self._parts.others.handed(one.spy_id, put_down=False)
        self._book.put(brought)
        self._news.tell(brought)
        self._news.brief(brought)
        if kind in IN_ROOM:
            await self.enter(brought, call)
        return True

    async def become(self, one: Supervising, call: Call, kind: SupervisionKind) -> None:
        """Change the way of somebody whose telephone is there."""
        if kind is K.TAKEOVER and one.kind is K.BARGE:
            self._book.put(replace(one, wanted=kind))
            await self.put_agent_down(call)
        elif kind in IN_ROOM:
            await self.enter(self._book.put(replace(one, wanted=kind)), call)
        else:
            await self._hands.hear(call, one, kind)
            one = replace(one, kind=kind, wanted=kind, since=self._calls.now())
            self._book.put(one)
            self._out_of_room(one)
            self._news.tell(one)

    async def enter(self, one: Supervising, call: Call) -> None:
        """Come into the room; that they are there is heard from Asterisk."""
        party = Party(
            party_id=one.spy_id, kind=TargetKind.AGENT, title=one.by_name, agent_id=one.by,
            state=PartyState.RINGING, since=self._calls.now(), channel=one.channel, uniqueid=one.uniqueid,
            asked=True,
        )  # fmt: skip
        inside = self._calls.update(replace(calls_of.with_party(call, party), room=True))
        self._parts.events.watch(inside)
        if not call.room or call.state is CallState.HELD:  # the citizen is still to come
            self.citizen_left(call.call_id)
        try:
            await self._hands.enter(call, inside, one)
        except AmiError:
            current = self._calls.find(call.call_id)
            if current is not None:
                self._calls.update(replace(calls_of.party_left(current, one.spy_id), room=call.room))
            self._book.put(replace(one, wanted=one.kind))
            raise

    def citizen_came(self, call_id: str) -> None:
        """The citizen is in the call's room."""
        self._inside.add(call_id)

    def citizen_left(self, call_id: str) -> None:
        """The citizen is not in the room, or no more."""
        self._inside.discard(call_id)

    async def put_agent_down(self, call: Call) -> None:
        """Put the agent's telephone down, once the citizen is in the room.

        Who leaves a room looks back, and ends it for whoever would be alone: that must not be the supervisor.
        A server that was started after the citizen came in has not seen it, and goes on after a moment.
        """
        for _ in range(round(CITIZEN_COMES_S / LOOK_S)):
            if call.call_id in self._inside:
                break
            await asyncio.sleep(LOOK_S)
        now = self._calls.find(call.call_id)
        if now is not None and now.with_person and now.agent_uniqueid == call.agent_uniqueid:
            await self._hands.put_down(now, now.agent_channel)

    def leave(self, one: Supervising) -> None:
        """Put the telephone down; what follows comes with Asterisk's news, or at once."""
        call = self._calls.find(one.call_id)
        if call is not None and one.there:
            self._parts.beside(self._hands.put_down(call, one.channel), "leaving a call", call.call_id)
        elif call is not None:
            self._parts.beside(self._hands.stop_ringing(call, one), "ringing no more", call.call_id)
        self.over(one)

    def over(self, one: Supervising) -> None:
        """They are in the call no more."""
        if self._book.drop(one.spy_id) is None:
            return
        self._out_of_room(one)
        seconds = round(max(0.0, self._calls.now() - one.began), 1)
        self._news.note(one.call_id, one.by, "leave", agent_id=one.agent_id, seconds=seconds)
        self._news.over(one)

    def handed_over(self, spy_id: str, put_down: bool) -> None:
        """Another server has them in a call of its own from now on."""
        if (one := self._book.find(spy_id)) is None:
            return
        if put_down:
            self.leave(one)
        else:
            self.over(one)

    def _out_of_room(self, one: Supervising) -> None:
        call = self._calls.find(one.call_id)
        party = call.party(one.spy_id) if call is not None else None
        if call is not None and party is not None:
            self._parts.events.gone(call, party)


def _begins(kind: SupervisionKind) -> SupervisionKind:
    """Who wants into the room listens until they are in it."""
    return K.WHISPER if kind is K.WHISPER else K.LISTEN
