"""The course of a supervisor's stay in a call: what Asterisk says, what becomes of the call, what follows."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from cti.ami import AmiError, AmiEvent
from cti.call import Call
from cti.control.room_events import CONFBRIDGE, FAILED
from cti.control.rooms import HELPER
from cti.control.supervision_book import Supervising
from cti.control.supervision_hands import RESULT_EVENT, heard_channel
from cti.control.supervision_seats import IN_ROOM, Seats, SupervisionParts, check_call
from cti.message_base import CallState
from cti.messages_floor import SupervisionKind
from cti.parties import SUPERVISOR, Party
from cti.ports import CommandRefused

__all__ = ["SupervisionCourse"]

log = logging.getLogger(__name__)

K = SupervisionKind

SETTLED_S = 0.4
"""When somebody has come into a call or left it, their channels are where they belong within this time."""


def _moved(call: Call) -> tuple[object, ...]:
    """What is another one when the agent's channel may have been moved."""
    others = tuple((party.party_id, party.state) for party in call.parties if not party.supervises)
    return call.room, call.state, others


def _for_room(one: Supervising) -> bool:
    """Whether they are in the room or on the way to it: who is sent to hear the call then would miss it."""
    return one.kind in IN_ROOM or one.wanted in IN_ROOM


class SupervisionCourse:
    """Made once for each server."""

    def __init__(self, parts: SupervisionParts, seats: Seats) -> None:
        self._parts = parts
        self._seats = seats
        self._calls = parts.calls
        self._hands = parts.hands
        self._book = parts.book
        self._news = parts.news
        self._legs: dict[str, tuple[str, str]] = {}  # unique id that rings -> spy id, channel
        parts.events.on_supervisor = self._in_room

    def take(self, event: AmiEvent) -> None:
        """One AMI event, after the rooms have had it."""
        match event.name:
            case "DialBegin" if event.get("Uniqueid").startswith(SUPERVISOR):
                spy_id = event.get("Uniqueid").removesuffix(HELPER)
                self._legs[event.get("DestUniqueid")] = (spy_id, event.get("DestChannel"))
            case "DialEnd" if (leg := self._legs.pop(event.get("DestUniqueid"), None)) is not None:
                if event.get("DialStatus") == "ANSWER":
                    self._answered(leg[0], leg[1], event.get("DestUniqueid"))
            case "UserEvent" if event.get("UserEvent") == RESULT_EVENT:
                one = self._book.find(event.get("Party"))
                if one is not None and not one.there:
                    why = FAILED.get(event.get("Result"), "没有接通")
                    self._news.notice(one.by, "warning", f"您的话机{why}，没有进入通话")
                    self._seats.over(one)
            case "BridgeEnter" if event.get("BridgeCreator") == CONFBRIDGE:
                if event.get("Uniqueid") in self._calls:  # the citizen's channel is named as the call
                    self._seats.citizen_came(event.get("Uniqueid"))
            case "Hangup":
                self._seats.citizen_left(event.get("Uniqueid"))
                self._legs.pop(event.get("Uniqueid"), None)
                if (one := self._book.at(event.get("Uniqueid"))) is not None:
                    self._seats.over(one)
            case _:
                return

    def _answered(self, spy_id: str, channel: str, uniqueid: str) -> None:
        one = self._book.find(spy_id)
        call = self._calls.find(one.call_id) if one is not None else None
        if one is None or call is None or not call.with_person:
            return  # left, or over, while it rang; the dialplan puts the telephone down
        one = replace(one, channel=channel, uniqueid=uniqueid, since=self._calls.now())
        self._book.put(one)
        self._news.tell(one)
        self._news.brief(one)
        if one.wanted in IN_ROOM:
            self._parts.beside(self._carry_on(one), "entering a room", call.call_id)
        elif one.wanted is not one.kind or heard_channel(call) != call.agent_uniqueid:
            self._parts.beside(self._seats.become(one, call, one.wanted), "changing the way", call.call_id)

    async def _carry_on(self, one: Supervising) -> None:
        """The telephone is there: now into the room, if the call is still as it was."""
        call = self._calls.find(one.call_id)
        person = self._parts.people.find(one.by)
        if call is None or person is None:
            return
        try:
            check_call(person, call, one.wanted)
            await self._seats.enter(one, call)
        except CommandRefused as refused:
            self._book.put(replace(one, wanted=one.kind))
            self._news.notice(one.by, "warning", f"{refused}；现在是监听")
        except AmiError:
            self._news.notice(one.by, "warning", "电话系统没有执行，现在是监听；请再试一次")

    def _in_room(self, call: Call, party: Party) -> None:
        """A supervisor is in the room: all hear one another."""
        one = self._book.find(party.party_id)
        if one is None:
            return
        wanted = one.wanted if one.wanted in IN_ROOM else K.BARGE
        one = self._book.put(replace(one, kind=K.BARGE, wanted=wanted, since=self._calls.now()))
        self._news.tell(one)
        if wanted is K.TAKEOVER and call.agent_id != one.by and not call.agent_gone:
            self._parts.beside(self._seats.put_agent_down(call), "taking over", call.call_id)

    def changed(self, before: Call, call: Call) -> None:
        """The call is another one: over, with another agent, or the supervisor's."""
        for one in self._book.of_call(call.call_id):
            if not call.with_person:
                waits = call.state in (CallState.WAITING, CallState.RINGING, CallState.IN_FLOW)
                self._news.notice(one.by, "info", "通话已转走，旁听结束" if waits else "通话已结束")
                self._seats.leave(one)
            elif call.agent_id == one.by and not call.agent_gone:
                self._taken(before, call, one)
            elif heard_channel(call) != heard_channel(before) or call.agent_id != before.agent_id:
                self._follow(before, call, one)
            elif _moved(before) != _moved(call) and one.there and not _for_room(one):
                self._parts.beside(self._hear_again(one), "hearing a call again", call.call_id)

    async def _hear_again(self, one: Supervising) -> None:
        """Asterisk moved the agent's channel elsewhere: who spied on it hears but half of what follows."""
        await asyncio.sleep(SETTLED_S)
        call, now = self._calls.find(one.call_id), self._book.find(one.spy_id)
        if call is not None and now is not None and call.with_person and not _for_room(now):
            await self._hands.hear(call, now, now.kind)

    def _follow(self, before: Call, call: Call, one: Supervising) -> None:
        """The call has another agent, or the agent another telephone: go on with them."""
        if before.agent_id != call.agent_id:
            self._news.hide(one)
        one = self._book.put(replace(one, agent_id=call.agent_id or "", shown=False))
        self._news.tell(one)
        if one.there and one.kind not in IN_ROOM:
            self._parts.beside(self._hands.aim(call, one), "following a call", call.call_id)

    def _taken(self, before: Call, call: Call, one: Supervising) -> None:
        """The call is the supervisor's now, because they took it or because the agent hung up."""
        reason = one.reason if one.wanted is K.TAKEOVER else "坐席挂机"
        self._news.note(call.call_id, one.by, K.TAKEOVER.value, agent_id=one.agent_id, reason=reason)
        self._news.notice(one.agent_id, "warning", f"{one.by_name}接管了这通电话，请写完工单")
        self._news.notice(one.by, "success", "您已接管这通电话")
        self._book.drop(one.spy_id)
        taken = replace(one, kind=K.TAKEOVER, since=self._calls.now())
        self._news.over(taken)

    def found(
        self, call: Call, login: str, spy_id: str, kind: SupervisionKind, channel: str, uid: str
    ) -> None:
        """After a restart: a supervisor is in this call already."""
        person = self._parts.people.find(login)
        if person is None or self._book.by(login) is not None:
            return
        now = self._calls.now()
        one = Supervising(
            spy_id=spy_id, call_id=call.call_id, agent_id=call.agent_id or "", by=login, by_name=person.name,
            kind=kind, wanted=kind, began=now, since=now, channel=channel, uniqueid=uid,
            node=call.node,
        )  # fmt: skip
        self._news.tell(self._book.put(one))
