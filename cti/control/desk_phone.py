"""An agent who talks by a desk phone works it from the page: answer, hang up, hold; Asterisk does it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from cti import call as calls_of
from cti.ami import AmiError, AmiLink, AmiRefused
from cti.call import Call
from cti.control.calls import Calls
from cti.control.phones import DESK_SUFFIX
from cti.control.room_events import RoomEvents
from cti.control.rooms import Rooms
from cti.control.telephony import Telephony
from cti.messages import AnswerPhone, CallState, HangUpPhone, HoldPhone, PageMessage
from cti.ports import CommandRefused, Person

BUSY = 17
"""Hangup cause of a call that a person refused. Source: ITU-T Q.850."""

DIALLED_S = 1.0
"""So long a telephone may take to ring after the call is shown as ringing: Asterisk dials it in between."""
LOOK_S = 0.02
NOT_RINGING = "桌面话机没有在响铃"
NOT_TAKEN = "电话系统没有执行，通话保持原状；请再试一次"


class DeskPhones:
    """Carries `AnswerPhone`, `HangUpPhone` and `HoldPhone` out."""

    def __init__(
        self,
        *,
        calls: Calls,
        telephony: Telephony,
        rooms: Rooms,
        events: RoomEvents,
        link: Callable[[str], AmiLink],
    ) -> None:
        self._calls = calls
        self._telephony = telephony
        self._rooms = rooms
        self._events = events
        self._link = link

    async def carry_out(self, person: Person, message: PageMessage) -> None:
        """Carry one command out. Raises CommandRefused."""
        if not isinstance(message, AnswerPhone | HangUpPhone | HoldPhone):
            raise CommandRefused("不支持的操作")
        call = self._calls.find(message.call_id)
        if call is None or call.agent_id != person.login or call.agent_gone:
            raise CommandRefused("这通电话已不在您手中")
        try:
            match message:
                case AnswerPhone():
                    await self._answer(call)
                case HangUpPhone():
                    await self._hang_up(call)
                case HoldPhone(on=on):
                    await self._hold(call, on)
        except AmiError:
            raise CommandRefused(NOT_TAKEN) from None

    async def _answer(self, call: Call) -> None:
        """Ask the ringing desk phone to go off the hook; those that do not know how go on ringing."""
        until = time.monotonic() + DIALLED_S
        while ringing := await self._ringing(call, _is_desk):
            try:
                fields = {"Channel": ringing[0], "Variable": "Event=talk"}
                await self._link(call.node).action("PJSIPNotify", fields)
                return
            except AmiRefused:  # it is dialled, and has not said yet that it rings: no dialog to tell it in
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(LOOK_S)
        raise CommandRefused(NOT_RINGING)

    async def _ringing(self, call: Call, wanted: Callable[[str], bool] = bool) -> list[str]:
        """Return the telephones that ring for the call; a moment is left for one to begin."""
        until = time.monotonic() + DIALLED_S
        while (current := self._calls.find(call.call_id)) is not None and current.state is CallState.RINGING:
            found = [one for one in self._telephony.ringing(call.call_id) if wanted(one)]
            if found or time.monotonic() > until:
                return found
            await asyncio.sleep(LOOK_S)
        return []

    async def _hang_up(self, call: Call) -> None:
        link = self._link(call.node)
        if call.state is CallState.RINGING:
            ringing = await self._ringing(call)
            if not ringing:
                raise CommandRefused(NOT_RINGING)
            for channel in ringing:
                try:
                    await link.hangup(channel, BUSY)
                except AmiRefused:
                    continue  # gone already
            return
        if not call.with_person or not call.agent_channel:
            raise CommandRefused("没有可以挂断的通话")
        await link.hangup(call.agent_channel)

    async def _hold(self, call: Call, on: bool) -> None:
        if call.parties or call.state not in (CallState.TALKING, CallState.HELD):
            raise CommandRefused("会议或咨询中不能保持")
        if not call.agent_channel:
            raise CommandRefused("暂时不知道您的话机通道，请稍后再试")
        if (call.state is CallState.HELD) is on:
            return
        if call.room:
            await self._rooms.hold(call, on)
        elif on:
            await self._rooms.hold_apart(call)
        current = self._calls.find(call.call_id)
        if on and current is not None and current.state is CallState.TALKING:
            held = self._calls.update(calls_of.held(calls_of.in_room(current), self._calls.now()))
            self._events.watch(held)


def _is_desk(channel: str) -> bool:
    return channel.removeprefix("PJSIP/").rpartition("-")[0].endswith(DESK_SUFFIX)
