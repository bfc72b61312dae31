"""What Asterisk says of the people in a shared call, and what follows for call and router."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from acd.messages import ConsultAnswered, ConsultEnded, TalkMoved, TalkRestored
from cti import call as calls_of
from cti.ami import AmiEvent
from cti.call import Call
from cti.control.calls import Calls
from cti.control.rooms import HELPER, Rooms
from cti.control.telephony import Telephony
from cti.messages import CallState, PartyState
from cti.parties import Party, SentTo

log = logging.getLogger(__name__)

CONFBRIDGE = "ConfBridge"
RESULT_EVENT = "HotlineParty"
"""UserEvent of the dialplan: how ringing a party ended, with CallId, Party and Result (DIALSTATUS)."""

FAILED = {
    "BUSY": "占线",
    "NOANSWER": "无人接听",
    "CANCEL": "已取消",
    "CONGESTION": "线路不通",
    "CHANUNAVAIL": "无法接通",
}
MISSED = frozenset({"BUSY", "NOANSWER"})
"""Results after which a colleague's ring counts as missed. Source: Asterisk's Dial() documentation."""


@dataclass(frozen=True, slots=True)
class _Leg:
    """A telephone that rings for a party."""

    call_id: str
    party_id: str
    channel: str


class RoomEvents:
    """Takes AMI events; those of calls with two people only are none of its business."""

    def __init__(
        self,
        *,
        calls: Calls,
        telephony: Telephony,
        rooms: Rooms,
        notice: Callable[[Call, str, str], None],
        brief: Callable[[Call, str], None],
    ) -> None:
        """`notice(call, level, text)`: to the agent; `brief(call, login)`: show them the call so far."""
        self._calls = calls
        self._telephony = telephony
        self._rooms = rooms
        self._notice = notice
        self._brief = brief
        self._of: dict[str, str] = {}  # unique id of a channel that concerns a shared call -> call id
        self._legs: dict[str, _Leg] = {}  # unique id -> what rings
        self.on_supervisor: Callable[[Call, Party], None] = lambda call, party: None  # one has come in

    def watch(self, call: Call) -> None:
        """From now on, also after a restart, take the events of this call's channels."""
        for uniqueid in (call.call_id, call.agent_uniqueid, *(party.uniqueid for party in call.parties)):
            if uniqueid:
                self._of[uniqueid] = call.call_id
        for party in call.parties:
            self._of[f"{party.party_id}{HELPER}"] = call.call_id

    def legs(self, party_id: str) -> tuple[str, ...]:
        """Channels that ring for a party now."""
        return tuple(leg.channel for leg in self._legs.values() if leg.party_id == party_id)

    def note(self, call: Call, party: Party, result: str, **more: object) -> None:
        """Journal what became of somebody who was asked in, or of a transfer; not of supervisors."""
        if party.supervises:
            return
        data = {"kind": party.kind.value, "title": party.title, "party_id": party.party_id}
        data |= {"target": party.agent_id or party.number, "by": call.agent_id or "", "result": result}
        self._calls.note_transfer(call.call_id, {**data, **more})

    def take(self, event: AmiEvent) -> None:
        """One AMI event, after `Telephony.take`."""
        match event.name:
            case "DialBegin":
                self._dial_begin(event)
            case "DialEnd":
                leg = self._legs.pop(event.get("DestUniqueid"), None)
                if leg is not None and event.get("DialStatus") == "ANSWER":
                    self._answered(leg, event.get("DestUniqueid"))
            case "BridgeEnter" if event.get("BridgeCreator") == CONFBRIDGE:
                self._in_room(event)
            case "Hangup":
                self._hangup(event.get("Uniqueid"))
            case "UserEvent" if event.get("UserEvent") == RESULT_EVENT:
                self._result(event)
            case "Hold" | "Unhold":
                self._hold(event)
            case _:
                return

    # ------------------------------------------------------------ ringing and answering

    def _find(self, uniqueid: str) -> Call | None:
        call_id = self._of.get(uniqueid)
        return self._calls.find(call_id) if call_id is not None else None

    def _dial_begin(self, event: AmiEvent) -> None:
        uniqueid = event.get("Uniqueid")
        call = self._find(uniqueid)
        if call is None:
            return
        asked = uniqueid.removesuffix(HELPER)
        for party in call.parties:
            mine = party.party_id == asked if party.asked else uniqueid in (call.call_id, call.agent_uniqueid)
            if mine and party.state is PartyState.RINGING:
                leg = _Leg(call.call_id, party.party_id, event.get("DestChannel"))
                self._legs[event.get("DestUniqueid")] = leg

    def _answered(self, leg: _Leg, uniqueid: str) -> None:
        call = self._calls.find(leg.call_id)
        party = call.party(leg.party_id) if call is not None else None
        if call is None or party is None or party.state is not PartyState.RINGING or not call.with_person:
            return
        alone = call.state is CallState.CONSULTING and not party.asked
        self.joined(call, party, leg.channel, uniqueid, alone=alone)

    def joined(self, call: Call, party: Party, channel: str, uniqueid: str, *, alone: bool) -> Call:
        """A party is there: with the agent `alone`, or with everybody. Also found so after a restart."""
        now = self._calls.now()
        state = PartyState.CONSULTING if alone else PartyState.TALKING
        here = replace(party, state=state, since=now, channel=channel, uniqueid=uniqueid)
        call = self._calls.update(calls_of.with_party(call, here))
        self.watch(call)
        self.note(call, here, "answered", ring_s=round(now - party.since, 3))
        if party.agent_id and not party.supervises:
            self._telephony.tell(ConsultAnswered(call_id=call.call_id, agent_id=party.agent_id))
        if party.agent_id:
            self._brief(call, party.agent_id)
        if not alone:
            self._telephony.tap_party(call, uniqueid, colleague=bool(party.agent_id))
        if party.supervises:
            self.on_supervisor(call, here)
        return call

    def _result(self, event: AmiEvent) -> None:
        """Nobody came, or they have gone again."""
        call = self._calls.find(event.get("CallId"))
        party = call.party(event.get("Party")) if call is not None else None
        if call is None or party is None:
            return
        result = event.get("Result")
        if party.state is not PartyState.RINGING:
            self.gone(call, party)
            return
        text = FAILED.get(result, "没有接通")
        call = self.gone(call, party, result=result.lower() or "failed", missed=result in MISSED)
        self._notice(call, "warning", f"{party.title}{text}")
        if call.agent_gone:  # the citizen was sent there and comes back to the line
            self.returning(call)

    def returning(self, call: Call) -> None:
        """The citizen is on the way back to the line, where no transfer has put them."""
        if call.sent_to is None and call.with_person:
            self._calls.update(replace(call, sent_to=SentTo(queue="", reason="returned")))

    # ------------------------------------------------------------ in the room

    def _in_room(self, event: AmiEvent) -> None:
        uniqueid = event.get("Uniqueid")
        call = self._calls.find(event.get("BridgeName"))
        if call is None or not call.with_person:
            return
        if uniqueid == call.call_id:
            if call.state is not CallState.TALKING:
                self._calls.update(calls_of.together(call, self._calls.now()))
            return
        leg = self._legs.get(uniqueid)
        if leg is not None and leg.call_id == call.call_id:  # asked in, and Dial's own news comes later
            self._answered(leg, uniqueid)
            return
        for party in call.parties:
            if party.uniqueid != uniqueid:
                continue
            if party.state is PartyState.CONSULTING:
                self.all_hear(call, party)
            elif party.supervises and party.state is PartyState.RINGING:
                self.joined(call, party, party.channel, uniqueid, alone=False)

    def all_hear(self, call: Call, party: Party) -> Call:
        """Who was consulted has come into the room."""
        here = replace(party, state=PartyState.TALKING, since=self._calls.now())
        call = self._calls.update(calls_of.with_party(call, here))
        self.note(call, here, "joined")
        self._telephony.tap_party(call, party.uniqueid, colleague=bool(party.agent_id))
        return call

    # ------------------------------------------------------------ leaving

    def _hangup(self, uniqueid: str) -> None:
        self._legs.pop(uniqueid, None)
        call_id = self._of.pop(uniqueid, None)
        call = self._calls.find(call_id) if call_id is not None else None
        if call is None or not call.room:
            return
        if uniqueid == call.agent_uniqueid and not call.agent_gone:
            self.agent_gone(call)
            return
        for party in call.parties:
            if party.uniqueid == uniqueid and party.state is not PartyState.RINGING:
                self.gone(call, party)

    def gone(self, call: Call, party: Party, *, result: str = "left", missed: bool = False) -> Call:
        """A party hung up, or did not come."""
        call = self._calls.update(calls_of.party_left(call, party.party_id))
        self.note(call, party, result)
        if party.supervises and party.uniqueid:
            self._telephony.untap_party(call, party.uniqueid)
        if party.agent_id and not party.supervises:
            self._telephony.tell(ConsultEnded(call_id=call.call_id, agent_id=party.agent_id, missed=missed))
        return call

    def agent_gone(self, call: Call) -> None:
        """The agent has hung up, or the browser vanished: the others go on, or the citizen is in line."""
        if call.state is CallState.WRAP_UP:  # the citizen had hung up before
            self._calls.update(replace(call, parties=(), agent_channel=""))
            return
        if not call.with_person:
            return
        for party in call.parties:
            if party.state is PartyState.RINGING:
                self.stop_ringing(call, party)
                call = self.gone(call, party, result="cancelled")
        now, before = self._calls.now(), call
        colleagues = [party for party in call.parties if party.agent_id]
        colleague = min(colleagues, key=lambda party: party.supervises, default=None)
        if colleague is not None:
            call = self._calls.update(calls_of.talk_moved(call, colleague, now))
            self.note(before, colleague, "completed")
            moved = TalkRestored if colleague.supervises else TalkMoved  # the router knows of no supervisor
            self._telephony.tell(moved(call_id=call.call_id, agent_id=colleague.agent_id))
            self._telephony.beside(self._rooms.now_with(call), "naming the new agent", call.call_id)
        elif call.parties:
            call = self._calls.update(calls_of.agent_stepped_out(call, now))
            self.note(before, call.parties[0], "completed")
            self._telephony.agent_left(before)
        elif call.state is not CallState.TALKING:  # alone with music: the dialplan puts the citizen in line
            self.returning(call)

    def stop_ringing(self, call: Call, party: Party) -> None:
        """Put down whatever rings for a party."""
        channels = (*self.legs(party.party_id), *((f"{party.party_id}{HELPER}",) if party.asked else ()))
        for channel in channels:
            self._telephony.beside(self._rooms.put_down(call, channel), "ending a ring", call.call_id)

    # ------------------------------------------------------------ hold

    def _hold(self, event: AmiEvent) -> None:
        """In the room no bridge plays music to who is held: the citizen is sent to it, and comes back."""
        call = self._find(event.get("Uniqueid"))
        if call is None or not call.room or call.agent_gone or call.parties or not call.with_person:
            return
        if event.get("Uniqueid") == call.agent_uniqueid:
            on = event.name == "Hold"
            self._telephony.beside(self._rooms.hold(call, on), "holding", call.call_id)
