"""Supervisors against Asterisk's own channel list: who listened on while no server ran, who is gone."""

from __future__ import annotations

from collections.abc import Mapping

from cti.ami import AmiLink
from cti.control.calls import Calls
from cti.control.recovery import YOUNG_S, Channel, Rooms
from cti.control.supervision import Supervision
from cti.control.supervision_hands import CONTEXT
from cti.control.telephony import Telephony
from cti.message_base import PartyState
from cti.messages_floor import SupervisionKind
from cti.parties import SUPERVISOR

WAYS = frozenset({SupervisionKind.LISTEN.value, SupervisionKind.WHISPER.value})


class SupervisionRecovery:
    """Implements `cti.control.recovery.Rooms`, after the rooms themselves have looked."""

    def __init__(self, rooms: Rooms, supervision: Supervision, calls: Calls, telephony: Telephony) -> None:
        self._rooms = rooms
        self._supervision = supervision
        self._calls = calls
        self._telephony = telephony

    async def __call__(self, link: AmiLink, channels: Mapping[str, Channel], asked: float) -> None:
        """Compare with the node's channels as they were at `asked`, by unique id. Raises AmiError."""
        await self._rooms(link, channels, asked)
        book = self._supervision.book
        for one in book:
            call = self._calls.find(one.call_id)
            gone = one.there and one.uniqueid not in channels and one.since < asked - YOUNG_S
            if gone and (call is None or call.node == link.name):
                self._supervision.seats.over(one)
        for channel in channels.values():
            if channel.context == CONTEXT and channel.exten in WAYS and book.at(channel.uniqueid) is None:
                await self._found(link, channel)
        for call in self._calls:
            for party in call.parties if call.node == link.name else ():
                if (
                    party.supervises
                    and party.state is PartyState.TALKING
                    and book.find(party.party_id) is None
                ):
                    self._supervision.course.found(
                        call, party.agent_id, party.party_id, SupervisionKind.BARGE, party.channel,
                        party.uniqueid,
                    )  # fmt: skip

    async def _found(self, link: AmiLink, channel: Channel) -> None:
        call = self._calls.find(await link.get_variable(channel.name, "HL_CALL"))
        spy_id = await link.get_variable(channel.name, "HL_PARTY")
        login = self._telephony.agent_of_channel(channel.name)
        if call is not None and call.with_person and login is not None and spy_id.startswith(SUPERVISOR):
            way = SupervisionKind(channel.exten)
            self._supervision.course.found(call, login, spy_id, way, channel.name, channel.uniqueid)
