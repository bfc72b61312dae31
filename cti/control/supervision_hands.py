"""What Asterisk is told when a supervisor listens, whispers, barges in or leaves.

The way is in the dialplan ([hotline-floor], [hotline-room]): once a telephone is there no server is needed;
Asterisk itself puts it down when the agent's channel or the citizen's call is gone.
"""

from __future__ import annotations

from collections.abc import Mapping

from cti.ami import AmiLink, AmiNodes, AmiRefused, Originate
from cti.call import Call
from cti.control.rooms import CONTEXT as ROOM
from cti.control.rooms import HELPER, Rooms
from cti.control.supervision_book import Supervising
from cti.messages import CallState
from cti.messages_floor import SupervisionKind

__all__ = ["CONTEXT", "RESULT_EVENT", "SupervisionHands", "heard_channel"]

CONTEXT = "hotline-floor"
RESULT_EVENT = "HotlineFloor"
"""UserEvent of the dialplan: how ringing a supervisor ended, with Party and Result (DIALSTATUS)."""

RING_S = 20


def heard_channel(call: Call) -> str:
    """Unique id of the channel that a supervisor hears: the agent's, without one the citizen's."""
    return call.agent_uniqueid if call.agent_uniqueid and not call.agent_gone else call.call_id


def way(kind: SupervisionKind) -> str:
    """Where in the dialplan it begins; who wants into the room listens until they are in it."""
    return SupervisionKind.WHISPER.value if kind is SupervisionKind.WHISPER else SupervisionKind.LISTEN.value


class SupervisionHands:
    """Every method raises AmiError."""

    def __init__(self, nodes: AmiNodes, rooms: Rooms) -> None:
        self._nodes = nodes
        self._rooms = rooms

    async def ring(self, call: Call, one: Supervising, targets: str, shown: str) -> None:
        """Ring the supervisor's telephones; who answers hears the call."""
        own = {"HL_CALL": call.call_id, "HL_PARTY": one.spy_id, "HL_SPIED": heard_channel(call)}
        variables = {f"__{name}": value for name, value in own.items()}
        variables |= {"__HL_WAY": way(one.wanted), "HL_TARGET": targets}
        variables |= {"HL_RING_S": str(RING_S), "HL_SHOWN": shown}
        await self._link(call).originate(
            Originate(
                channel=f"Local/ask@{CONTEXT}",
                application="Wait",
                data="300",
                timeout=float(RING_S + 5),
                channel_id=f"{one.spy_id}-1",
                other_channel_id=f"{one.spy_id}{HELPER}",
                variables=variables,
            )
        )

    async def stop_ringing(self, call: Call, one: Supervising) -> None:
        """Ring no longer; nothing when it rings no more."""
        await self._rooms.put_down(call, f"{one.spy_id}{HELPER}")

    async def put_down(self, call: Call, channel: str) -> None:
        """Hang up a channel; nothing when it is gone."""
        await self._rooms.put_down(call, channel)

    async def hear(self, call: Call, one: Supervising, kind: SupervisionKind) -> None:
        """Listen or whisper from now on, wherever the supervisor's channel is."""
        await self.aim(call, one)
        await self._set(call, one, {"HL_WAY": way(kind)})
        await self._link(call).redirect(one.channel, CONTEXT, way(kind))

    async def aim(self, call: Call, one: Supervising) -> None:
        """This call's agent is heard from now on, at the latest when the one of before is gone."""
        await self._set(call, one, {"HL_CALL": call.call_id, "HL_SPIED": heard_channel(call)})

    async def enter(self, before: Call, call: Call, one: Supervising) -> None:
        """Into the room; citizen and agent, who may still be alone with one another (`before`), come, too."""
        if not before.room or before.state is CallState.HELD:
            await self._rooms.open(call)
        await self._link(call).redirect(one.channel, ROOM, "other")

    def _link(self, call: Call) -> AmiLink:
        return self._nodes.link(call.node)

    async def _set(self, call: Call, one: Supervising, variables: Mapping[str, str]) -> None:
        for name, value in variables.items():
            try:
                await self._link(call).set_variable(one.channel, f"__{name}", value)
            except AmiRefused:
                return  # hung up meanwhile
