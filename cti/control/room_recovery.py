"""Shared calls against Asterisk's own channel list: after a start, after lost events, every few seconds.

A room is known by its name, which is the call id; who is in it says so by the variable HL_PARTY.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from cti import call as calls_of
from cti.ami import AmiLink
from cti.call import Call
from cti.control.calls import Calls
from cti.control.people import People
from cti.control.recovery import YOUNG_S, Channel, unknown_call
from cti.control.room_events import CONFBRIDGE, RoomEvents
from cti.control.rooms import CONTEXT, HELPER, Rooms
from cti.control.telephony import Telephony
from cti.messages import CallState, PartyState, TargetKind
from cti.parties import Party


class RoomRecovery:
    """Implements `cti.control.recovery.Rooms`."""

    def __init__(
        self,
        *,
        calls: Calls,
        telephony: Telephony,
        events: RoomEvents,
        rooms: Rooms,
        people: People,
        server: str,
        alone: bool,
    ) -> None:
        """`server` is this server's name; `alone`: no other server sees the same Asterisk."""
        self._calls = calls
        self._telephony = telephony
        self._events = events
        self._rooms = rooms
        self._people = people
        self._server = server
        self._alone = alone
        self.on_agent_back: Callable[[Call, str, str], Call] = lambda call, _name, _id: call  # to a kept call
        self._held: set[str] = set()  # calls that were held when a former server died
        self._lone: set[str] = set()  # unique ids of who was alone in a room at the last look

    def start(self) -> None:
        """Take up the shared calls of a former server."""
        for call in self._calls:
            if call.room:
                self._events.watch(call)
                if call.state is CallState.HELD:
                    self._held.add(call.call_id)

    async def __call__(self, link: AmiLink, channels: Mapping[str, Channel], asked: float) -> None:
        """Compare with the node's channels as they were at `asked`, by unique id. Raises AmiError."""
        rooms: dict[str, list[Channel]] = {}
        for channel in channels.values():
            if channel.application == CONFBRIDGE and channel.context == CONTEXT:
                rooms.setdefault(channel.data.partition(",")[0], []).append(channel)
        if self._alone:
            for name, there in rooms.items():
                self._adopt(link, name, there, asked)
        for call in self._calls:
            mine = channels.get(call.call_id)
            if call.node != link.name or not call.with_person or mine is None or mine.context != CONTEXT:
                continue
            if call.state_since > asked - YOUNG_S or any(p.since > asked - YOUNG_S for p in call.parties):
                continue
            await self._compare(link, call, channels, rooms.get(call.call_id, []))
        await self._free_the_lone(link, channels, rooms)

    # ------------------------------------------------------------ one call

    async def _compare(
        self, link: AmiLink, call: Call, channels: Mapping[str, Channel], there: list[Channel]
    ) -> None:
        if not call.room:
            call = self._calls.update(replace(call, room=True))
            self._events.watch(call)
        for channel in self._beside(call, channels, there):
            if call.kept_until is not None and self._is_agent(call, channel):
                call = self.on_agent_back(call, channel.name, channel.uniqueid)
                continue
            call = await self._found(link, call, channel, alone=channel not in there)
        inside = {channel.uniqueid for channel in there}
        for party in call.parties:
            call = self._check(call, party, channels, inside)
        if call.agent_uniqueid and call.agent_uniqueid not in channels and not call.agent_gone:
            self._events.agent_gone(call)
            return
        if call.call_id in inside and call.state is CallState.CONSULTING:
            self._calls.update(calls_of.together(call, self._calls.now()))
        if call.call_id in self._held:  # taken back while nobody could tell: rather heard than held for ever
            self._held.discard(call.call_id)
            await self._rooms.hold(call, False)

    def _is_agent(self, call: Call, channel: Channel) -> bool:
        return self._telephony.agent_of_channel(channel.name) == call.agent_id

    def _beside(self, call: Call, channels: Mapping[str, Channel], there: list[Channel]) -> list[Channel]:
        """People in the room, or alone with agent or citizen, of whom nothing is known."""
        known = {call.call_id, call.agent_uniqueid, *(party.uniqueid for party in call.parties)}
        dialling = ((channels.get(call.agent_uniqueid), "consult"), (channels.get(call.call_id), "out"))
        bridges = {
            one.bridge for one, exten in dialling if one is not None and one.exten == exten and one.bridge
        }
        aside = [channel for channel in channels.values() if channel.bridge in bridges]
        return [channel for channel in (*there, *aside) if channel.uniqueid not in known]

    async def _found(self, link: AmiLink, call: Call, channel: Channel, *, alone: bool) -> Call:
        party_id = await link.get_variable(channel.name, "HL_PARTY") or channel.uniqueid
        rung = [one for one in call.parties if one.state is PartyState.RINGING and not one.asked]
        party = call.party(party_id) or (rung[0] if alone and rung else None)
        if party is None:
            login = self._telephony.agent_of_channel(channel.name) or ""
            person = self._people.find(login)
            party = Party(
                party_id=party_id,
                kind=TargetKind.AGENT if login else TargetKind.EXTERNAL,
                title=person.name if person is not None else "外线",
                agent_id=login,
                state=PartyState.RINGING,
                since=self._calls.now(),
            )
        self._calls.metrics.recovered.labels(what="party").inc()
        alone = alone and not call.agent_gone  # else the citizen was sent to them
        return self._events.joined(call, party, channel.name, channel.uniqueid, alone=alone)

    def _check(self, call: Call, party: Party, channels: Mapping[str, Channel], inside: set[str]) -> Call:
        if party.state is PartyState.RINGING:
            ringer = f"{party.party_id}{HELPER}" if party.asked else call.agent_uniqueid or call.call_id
            rings = channels.get(ringer)
            if rings is None or rings.application != "Dial":
                return self._events.gone(call, party, result="lost")
        elif party.uniqueid not in channels:
            return self._events.gone(call, party)
        elif party.state is PartyState.CONSULTING and party.uniqueid in inside:
            return self._events.all_hear(call, party)
        return call

    # ------------------------------------------------------------ rooms that nobody knows, people left alone

    def _adopt(self, link: AmiLink, name: str, there: list[Channel], asked: float) -> None:
        """A room whose call is in no memory: Redis was away, too."""
        citizen = next((channel for channel in there if channel.uniqueid == name), None)
        if citizen is None or self._calls.find(name) is not None:
            return
        found = next(
            ((login, one) for one in there if (login := self._telephony.agent_of_channel(one.name))), None
        )
        call = self._calls.add(unknown_call(link.name, citizen, self._server, asked))
        login, channel = found if found is not None else ("", None)
        name_, uniqueid = (channel.name, channel.uniqueid) if channel is not None else ("", "")
        if login:
            self._telephony.talk_found(call, login, name_, uniqueid)
        else:
            self._telephony.talk_began(call, "", "", "")
        call = self._calls.get(call.call_id)
        call = self._calls.update(replace(call, room=True, agent_gone=not login, state_since=0.0))
        self._events.watch(call)

    async def _free_the_lone(
        self, link: AmiLink, channels: Mapping[str, Channel], rooms: Mapping[str, list[Channel]]
    ) -> None:
        """Who has been alone in a room for two looks, the citizen being gone, is let go."""
        lone = set()
        for name, there in rooms.items():
            citizen = channels.get(name)
            coming = citizen is not None and citizen.context == CONTEXT
            if len(there) == 1 and there[0].uniqueid != name and not coming:
                lone.add(there[0].uniqueid)
                if there[0].uniqueid in self._lone:
                    await link.hangup(there[0].name)
        self._lone = lone
