"""Transfers and conferences, as agents ask for them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol
from weakref import WeakValueDictionary

from acd.messages import ConsultEnded, ConsultRequested
from cti import call as calls_of
from cti.ami import AmiError
from cti.call import Call
from cti.control.calls import Calls
from cti.control.directory import DirectoryEntry
from cti.control.dispatch import Dispatch
from cti.control.room_events import RoomEvents
from cti.control.rooms import Rooms
from cti.control.targets import OWN_NUMBER, Target, Targets
from cti.control.telephony import Telephony
from cti.messages import (
    AddParty,
    BlindTransfer,
    CallState,
    CancelConsult,
    CompleteTransfer,
    Conference,
    Consult,
    DropParty,
    EmergencyTransfer,
    FindTargets,
    LeaveConference,
    PartyState,
    ReturnToQueue,
    TargetKind,
    TransferMessage,
)
from cti.parties import Party, SentTo
from cti.ports import CommandRefused, Pages, Person

PARTIES_MAX = 6
"""Who may be in one call beside citizen and agent; the room takes ten."""

NOT_NOW = "通话状态已变化，请稍后再试"


class Handovers(Protocol):
    """Gives place and transcript to a service (cti.control.handovers)."""

    def begin(self, call: Call, entry: DirectoryEntry, by: Person) -> None:
        """Write it down, and send it beside."""


class Transfers:
    """Carries commands out, one at a time for each call, or refuses them in words for the person."""

    def __init__(
        self,
        *,
        calls: Calls,
        dispatch: Dispatch,
        telephony: Telephony,
        rooms: Rooms,
        events: RoomEvents,
        targets: Targets,
        pages: Pages,
        handovers: Handovers,
        new_id: Callable[[], str] = lambda: f"party-{uuid.uuid4().hex[:16]}",
    ) -> None:
        self._calls = calls
        self._dispatch = dispatch
        self._telephony = telephony
        self._rooms = rooms
        self._events = events
        self._targets = targets
        self._pages = pages
        self._handovers = handovers
        self._new_id = new_id
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def carry_out(self, person: Person, message: TransferMessage) -> None:
        """Carry one command out. Raises CommandRefused."""
        if isinstance(message, FindTargets):
            self._pages.send((person.login,), self._targets.find(message.text, by=person.login))
            return
        turn = self._turns.setdefault(message.call_id, asyncio.Lock())
        async with turn:
            call = self._own(person, message.call_id)
            try:
                await self._do(person, call, message)
            except AmiError:
                raise CommandRefused("电话系统没有执行，通话保持原状；请再试一次") from None

    async def _do(self, person: Person, call: Call, message: TransferMessage) -> None:
        match message:
            case Consult(kind=kind, key=key):
                await self._consult(person, call, self._someone(person, kind, key))
            case CompleteTransfer():
                self._consulted(call)
                await self._rooms.put_down(call, call.agent_channel)
            case CancelConsult():
                await self._cancel(call)
            case Conference():
                await self._rooms.conference(call, self._consulted(call))
            case BlindTransfer(kind=kind, key=key):
                await self._blind(person, call, self._targets.resolve(kind, key, by=person.login, free=False))
            case AddParty(kind=kind, key=key):
                await self._add(person, call, self._someone(person, kind, key))
            case DropParty(party_id=party_id):
                await self._drop(call, party_id)
            case LeaveConference():
                if not any(party.state is PartyState.TALKING for party in call.parties):
                    raise CommandRefused("会议中没有其他人，不能退出；请挂断或转接")
                await self._rooms.put_down(call, call.agent_channel)
            case ReturnToQueue():
                await self._send_back(call, "returned", title="退回队列")
            case EmergencyTransfer(service=service):
                await self._emergency(person, call, service)
            case _:
                raise CommandRefused("不支持的操作")

    async def send_on(self, person: Person, call_id: str, kind: TargetKind, key: str) -> None:
        """Send somebody else's talk to a queue or an agent; its agent writes up. Raises CommandRefused."""
        async with self._turns.setdefault(call_id, asyncio.Lock()):
            call = self._calls.find(call_id)
            if call is None or call.agent_gone or not call.with_person:
                raise CommandRefused(NOT_NOW)
            target = self._targets.resolve(kind, key, by=call.agent_id or "", free=False)
            try:
                await self._blind(person, call, target)
            except AmiError:
                raise CommandRefused("电话系统没有执行，通话保持原状；请再试一次") from None

    # ------------------------------------------------------------ what may be asked for

    def _own(self, person: Person, call_id: str) -> Call:
        call = self._calls.find(call_id)
        if call is None or call.agent_id != person.login or call.agent_gone or not call.with_person:
            raise CommandRefused("这通电话已不在您手中")
        if not call.agent_channel:
            raise CommandRefused("暂时不知道您的话机通道，请稍后再试")
        return call

    def _someone(self, person: Person, kind: TargetKind, key: str) -> Target:
        if kind is TargetKind.QUEUE:
            return self._targets.somebody_of(key, by=person.login)
        return self._targets.resolve(kind, key, by=person.login)

    def _consulted(self, call: Call) -> Party:
        for party in call.parties:
            if party.state is PartyState.CONSULTING:
                return party
        raise CommandRefused("对方尚未接听" if call.state is CallState.CONSULTING else "现在没有咨询")

    # ------------------------------------------------------------ consulting

    async def _consult(self, person: Person, call: Call, target: Target) -> None:
        if call.state not in (CallState.TALKING, CallState.HELD) or call.parties:
            raise CommandRefused("已在咨询或会议中；可以用“加入”请更多的人")
        party = self._invite(call, target, asked=False)
        before = call
        call = self._calls.update(calls_of.consulting(call, party, party.since))
        self._events.watch(call)
        try:
            await self._rooms.consult(call, party, self._shown(call, person, target))
        except AmiError:
            self._not_rung(before, party)
            raise
        self._events.note(call, party, "consult")

    async def _cancel(self, call: Call) -> None:
        if call.state is not CallState.CONSULTING:
            raise CommandRefused("现在没有咨询")
        party = next((one for one in call.parties if not one.asked), None)
        if party is None or party.state is PartyState.RINGING:
            await self._rooms.back(call)
            current = self._calls.find(call.call_id)
            if party is not None and current is not None and current.party(party.party_id) is not None:
                self._events.gone(current, party, result="cancelled")
        else:
            await self._rooms.put_down(call, party.channel)

    # ------------------------------------------------------------ several at once

    async def _add(self, person: Person, call: Call, target: Target) -> None:
        if call.state is CallState.CONSULTING:
            raise CommandRefused("正在咨询；请先完成、取消或转为三方")
        if len(call.parties) >= PARTIES_MAX:
            raise CommandRefused(f"一通电话最多再加入 {PARTIES_MAX} 人")
        party = self._invite(call, target, asked=True)
        before = call
        call = self._calls.update(replace(calls_of.with_party(call, party), room=True))
        self._events.watch(call)
        try:
            if not before.room or before.state is CallState.HELD:
                await self._rooms.open(call)
            await self._rooms.ask(call, party, self._shown(call, person, target))
        except AmiError:
            self._not_rung(before, party)
            raise
        self._events.note(call, party, "asked")

    async def _drop(self, call: Call, party_id: str) -> None:
        party = call.party(party_id)
        if party is None:
            raise CommandRefused("对方已经离开")
        if party.state is not PartyState.RINGING:
            await self._rooms.put_down(call, party.channel)
        elif party.asked:
            self._events.stop_ringing(call, party)
            self._events.gone(call, party, result="cancelled")
        else:
            await self._cancel(call)

    async def _emergency(self, person: Person, call: Call, service: str) -> None:
        target = self._targets.resolve(TargetKind.SERVICE, service, by=person.login)
        if target.entry is None:
            raise CommandRefused("通讯录中没有这个服务")
        if any(party.number == target.number for party in call.parties):
            raise CommandRefused(f"{target.title}已经在呼叫或通话中")
        if target.entry.conference or call.parties:
            await self._add(person, call, target)
        else:
            await self._consult(person, call, target)
        self._handovers.begin(call, target.entry, person)

    # ------------------------------------------------------------ sending the citizen away

    async def _blind(self, person: Person, call: Call, target: Target) -> None:
        avoid = (call.agent_id or person.login,)
        match target.kind:
            case TargetKind.QUEUE:
                sent = SentTo(queue=target.key, needs=target.needs, reason="transfer", avoid=avoid)
                await self._send_back(call, "transfer", sent, target.title)
            case TargetKind.AGENT:
                sent = SentTo(
                    queue=call.queue or self._dispatch.policy.default_queue, needs=call.needs,
                    reason="transfer", avoid=avoid, prefer=(target.key,),
                )  # fmt: skip
                await self._send_back(call, "transfer", sent, target.title)
            case _:
                await self._send_out(person, call, target)

    async def _send_back(self, call: Call, reason: str, sent: SentTo | None = None, title: str = "") -> None:
        """To the line. The agent writes up; who else was in the call is gone."""
        by = call.agent_id or ""
        sent = sent or SentTo(queue="", reason=reason, avoid=(by,))
        await self._rooms.send_back(call)
        call = self._calls.find(call.call_id) or call
        if not call.with_person or call.agent_gone:
            return  # hung up meanwhile
        before = call
        for party in call.parties:
            self._events.stop_ringing(call, party)
            call = self._events.gone(call, party)
        self._calls.update(replace(calls_of.agent_stepped_out(call, self._calls.now()), sent_to=sent))
        self._telephony.agent_left(call)
        kind = TargetKind.AGENT if sent.prefer else TargetKind.QUEUE
        target = (*sent.prefer, sent.queue)[0]
        data = {"kind": kind.value, "title": title, "target": target, "by": by, "result": reason}
        self._calls.note_transfer(call.call_id, data)
        for channel in (before.agent_channel, *(party.channel for party in before.parties)):
            self._telephony.beside(self._rooms.put_down(before, channel), "putting down", call.call_id)

    async def _send_out(self, person: Person, call: Call, target: Target) -> None:
        """To a number outside, alone. The agent writes up."""
        if call.parties:
            raise CommandRefused("会议中请先请出其他人，或退出会议由他们继续")
        party = self._invite(call, target, asked=False)
        before = call
        call = self._calls.update(calls_of.agent_stepped_out(calls_of.with_party(call, party), party.since))
        self._events.watch(call)
        try:
            await self._rooms.send_out(before, party, self._shown(call, person, target))
        except AmiError:
            self._calls.update(replace(before, room=before.room))
            raise
        self._telephony.agent_left(before)
        self._events.note(call, party, "transfer")

    # ------------------------------------------------------------ helpers

    def _invite(self, call: Call, target: Target, *, asked: bool) -> Party:
        """Somebody is going to be rung; a colleague is reserved with the router. Raises CommandRefused."""
        party = Party(
            party_id=self._new_id(), kind=target.kind, title=target.title, number=target.number,
            agent_id=target.agent_id, state=PartyState.RINGING, since=self._calls.now(), asked=asked,
        )  # fmt: skip
        if not self._rooms.telephones(call, party):
            raise CommandRefused(f"{target.title}没有可以呼叫的话机")
        if party.agent_id:
            self._dispatch.tell(ConsultRequested(call_id=call.call_id, agent_id=party.agent_id))
            record = self._dispatch.agent(party.agent_id)
            if record is None or not record.consulting or record.call_id != call.call_id:
                raise CommandRefused(f"{target.title}刚刚接了别的电话，请换一位")
        return party

    def _not_rung(self, before: Call, party: Party) -> None:
        """Asterisk did not take the order: the call is as it was."""
        if party.agent_id:
            self._dispatch.tell(ConsultEnded(call_id=before.call_id, agent_id=party.agent_id))
        current = self._calls.find(before.call_id)
        if current is not None and current.with_person:
            current = replace(calls_of.party_left(current, party.party_id), room=before.room)
            self._calls.update(replace(current, state=before.state, state_since=before.state_since))

    @staticmethod
    def _shown(call: Call, person: Person, target: Target) -> str:
        """The number that whoever is rung sees: the agent's to colleagues, the hotline's to the city."""
        if target.agent_id:
            return person.extension
        return call.called if call.called.isdecimal() else OWN_NUMBER
