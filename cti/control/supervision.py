"""The supervisor's ear and voice in live calls: listen, whisper, barge in, take over, leave.

Listening and whispering hear the agent's channel from outside the talk. Barging in brings everybody into the
call's room, so that the supervisor is in the recording and the captions like anybody who talks. Taking over
is barging in and putting the agent's telephone down: the room gives the call to the supervisor. The server
that has the call has the supervisor in its book, wherever their page is.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from weakref import WeakValueDictionary

from acd.messages import AgentSignedIn
from cti.ami import AmiError
from cti.call import Call
from cti.control.supervision_book import MAY_BECOME, Supervising
from cti.control.supervision_course import SupervisionCourse
from cti.control.supervision_rights import check, checked_reason
from cti.control.supervision_seats import Seats, SupervisionParts, check_call
from cti.message_base import CallState
from cti.messages import PageMessage
from cti.messages_floor import Barge, Listen, StopListening, SupervisionKind, TakeOver, Whisper
from cti.ports import CommandRefused, Person

__all__ = ["Supervision"]

K = SupervisionKind


class Supervision:
    """Made once for each server; carries out what supervisors ask for with the calls that are here."""

    def __init__(self, parts: SupervisionParts) -> None:
        self._parts = parts
        self._calls = parts.calls
        self.book = parts.book
        self.news = parts.news
        self.seats = Seats(parts)
        self.course = SupervisionCourse(parts, self.seats)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.take = self.course.take
        self.changed = self.course.changed

    async def listen(self, person: Person, message: PageMessage) -> None:
        """监听, 耳语, 强插, 接管: be in a call in this way from now on. Raises CommandRefused."""
        check(person, message)
        match message:
            case Listen(call_id=call_id):
                kind, reason = K.LISTEN, ""
            case Whisper(call_id=call_id):
                kind, reason = K.WHISPER, ""
            case Barge(call_id=call_id):
                kind, reason = K.BARGE, ""
            case TakeOver(call_id=call_id, reason=given):
                kind, reason = K.TAKEOVER, checked_reason(given)
                self._sign_in(person)
            case _:
                raise CommandRefused("不支持的操作")
        call = await self.call_here(person, message, call_id)
        if call is None:
            return
        async with self._turns.setdefault(person.login, asyncio.Lock()):
            try:
                await self._want(person, call, kind, reason)
            except AmiError:
                raise CommandRefused("电话系统没有执行，通话保持原状；请再试一次") from None

    async def stop(self, person: Person, message: PageMessage) -> None:
        """Leave the call; whoever is in none has left already. Raises CommandRefused."""
        check(person, message)
        if not isinstance(message, StopListening):
            raise CommandRefused("不支持的操作")
        mine = self.book.by(person.login)
        if mine is None and message.call_id not in self._calls:
            await self.call_here(person, message, message.call_id)
        elif mine is not None and mine.call_id == message.call_id:
            self.seats.leave(mine)

    async def call_here(self, person: Person, message: PageMessage, call_id: str) -> Call | None:
        """The call; None when another server has it and has done what was asked. Raises CommandRefused."""
        call = self._calls.find(call_id)
        if call is not None and call.state not in (CallState.WRAP_UP, CallState.ENDED):
            return call
        relay = self._parts.relay
        elsewhere = call is None and relay is not None and self._parts.has_page(person.login)
        if elsewhere and relay is not None and await relay.ask(person, message):
            return None
        raise CommandRefused("这通电话已经结束")

    async def _want(self, person: Person, call: Call, kind: SupervisionKind, reason: str) -> None:
        check_call(person, call, kind)
        mine = self.book.by(person.login)
        far = self._parts.supervises_elsewhere(person.login) if mine is None else None
        if mine is None or mine.call_id != call.call_id:
            await self._begin(person, call, kind, reason, mine or far)
        elif mine.wanted is kind:
            return
        elif kind not in MAY_BECOME[mine.kind] and kind is not mine.kind:
            raise CommandRefused("您已在接管这通电话")
        elif not mine.there:
            self.book.put(replace(mine, wanted=kind, reason=reason))
        else:
            await self.seats.become(replace(mine, reason=reason), call, kind)
        if kind is not K.TAKEOVER:  # that is noted when it has come about
            self.news.note(call.call_id, person.login, kind.value, agent_id=call.agent_id or "")

    async def _begin(
        self, person: Person, call: Call, kind: SupervisionKind, reason: str, other: Supervising | None
    ) -> None:
        """Come into a call from the `other` one that they are in, or from none."""
        if other is not None:
            self.seats.free(person)
            if await self.seats.bring(other, call, kind, reason):
                return
            if self.book.find(other.spy_id) is not None:
                self.seats.leave(other)
            else:
                self._parts.others.handed(other.spy_id, put_down=True)
        await self.seats.ring(person, call, kind, reason)

    def _sign_in(self, person: Person) -> None:
        """Who takes a call over is an agent from then on, though nobody is offered to them."""
        if self._parts.has_page(person.login) and self._parts.dispatch.agent(person.login) is None:
            signed_in = AgentSignedIn(agent_id=person.login, skills={}, team=person.team, place=person.place)
            self._parts.dispatch.tell(signed_in)
