"""What Asterisk is told to do with the channels of a call that is transferred or shared.

The way there and back is in the dialplan ([hotline-room]): every order here moves channels to a place from
which they go on by themselves; a server that dies after any of them leaves nobody alone or in silence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from cti.ami import AmiLink, AmiNodes, AmiRefused, Originate
from cti.call import Call
from cti.messages import CallState
from cti.parties import Party

CONTEXT = "hotline-room"

AGENT_RING_S = 20
OUTSIDE_RING_S = 45

ON_THE_WAY = "channel not up"
"""What Asterisk says of a channel that has hung up, and of one that the order before has not moved yet."""
PAUSES_S = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Between tries to move a channel that is on its way."""

HELPER = "-2"
"""Who is rung beside the talk is dialled by a helper whose unique id is the party's id and this."""


class Rooms:
    """The room of each call is named by its call id. Every method raises AmiError."""

    def __init__(self, nodes: AmiNodes, targets: Callable[[str, str], str], trunk: str) -> None:
        """`targets(agent, node)`: their telephones; `trunk`: name of the way outside, "" for none."""
        self._nodes = nodes
        self._targets = targets
        self._trunk = trunk

    def telephones(self, call: Call, party: Party) -> str:
        """Dial string for a party, "" when they have no telephone now."""
        if party.agent_id:
            return self._targets(party.agent_id, call.node)
        return f"PJSIP/{party.number}@{self._trunk}" if self._trunk else ""

    async def open(self, call: Call) -> None:
        """Citizen and agent leave their Dial (or wherever they are) and meet in the room."""
        await self._introduce(call)
        await self._redirect(call, (call.channel, "join"), (call.agent_channel, "other"))

    async def consult(self, call: Call, party: Party, shown: str) -> None:
        """The citizen hears music; the agent rings the party and talks with them alone."""
        await self._introduce(call)
        await self._set(call, call.agent_channel, self._ring(call, party, shown))
        await self._redirect(call, (call.channel, "apart"), (call.agent_channel, "consult"))

    async def conference(self, call: Call, party: Party) -> None:
        """Agent and consulted party come to the room; the citizen follows by themselves."""
        await self._redirect(call, (party.channel, "other"), (call.agent_channel, "other"))

    async def back(self, call: Call) -> None:
        """The agent stops ringing somebody and goes to the room, where the citizen follows."""
        await self._redirect(call, (call.agent_channel, "other"))

    async def ask(self, call: Call, party: Party, shown: str) -> None:
        """Ring the party; who answers is in the room at once."""
        variables = {f"__{name}" if name in INHERITED else name: value
                     for name, value in self._ring(call, party, shown).items()}  # fmt: skip
        await self._link(call).originate(
            Originate(
                channel=f"Local/ask@{CONTEXT}",
                application="Wait",
                data="300",
                timeout=float(variables["HL_RING_S"]) + 5,
                channel_id=f"{party.party_id}-1",
                other_channel_id=f"{party.party_id}{HELPER}",
                variables=variables,
            )
        )

    async def send_out(self, call: Call, party: Party, shown: str) -> None:
        """The citizen is connected with the party alone; the agent's telephone is put down."""
        await self._set(call, call.channel, self._ring(call, party, shown))
        await self._redirect(call, (call.channel, "out"))
        await self.put_down(call, call.agent_channel)

    async def send_back(self, call: Call) -> None:
        """The citizen hears that they are transferred, and goes to the line."""
        await self._redirect(call, (call.channel, "queue"))

    async def hold(self, call: Call, on: bool) -> None:
        """The citizen hears music until the agent takes them back."""
        await self._introduce(call)
        await self._set(call, call.channel, {"HL_HELD": "1" if on else ""})
        if on:
            await self._redirect(call, (call.channel, "wait"))

    async def keep(self, call: Call) -> None:
        """The citizen hears music until the agent's telephone is back, and is in line after that."""
        await self._redirect(call, (call.channel, "rejoin"))

    async def without_agent(self, call: Call, party: Party) -> None:
        """The consulted party and the citizen meet in the room; the agent comes later, by another leg."""
        await self._set(call, call.agent_channel, {"HL_CALL": ""})  # the old one has nowhere to go but away
        await self._redirect(call, (party.channel, "other"), (call.channel, "join"))

    async def ring_back(self, call: Call, ring_id: str, targets: str, seconds: int) -> None:
        """Ring the agent's telephone, which answers by itself and comes into the room."""
        await self._link(call).originate(
            Originate(
                channel=f"Local/back@{CONTEXT}",
                application="Wait",
                data="300",
                timeout=float(seconds) + 5,
                channel_id=f"{ring_id}-1",
                other_channel_id=f"{ring_id}{HELPER}",
                variables={
                    "__HL_CALL": call.call_id,
                    "HL_TARGET": targets,
                    "HL_RING_S": str(seconds),
                    "HL_SHOWN": call.caller,
                },
            )
        )

    async def meet(self, call: Call) -> None:
        """The agent's telephone is in the room: the citizen comes at once."""
        await self._introduce(call)
        if call.state is CallState.HELD:
            await self._redirect(call, (call.channel, "join"))

    async def hold_apart(self, call: Call) -> None:
        """Citizen and agent leave their Dial: the citizen hears music, the agent waits in the room."""
        await self._introduce(call)
        await self._set(call, call.channel, {"HL_HELD": "1"})
        await self._redirect(call, (call.channel, "wait"), (call.agent_channel, "other"))

    async def now_with(self, call: Call) -> None:
        """The citizen's agent is another one: whom the dialplan waits for has changed."""
        await self._introduce(call)

    async def put_down(self, call: Call, channel: str) -> None:
        """Hang up a channel by name or unique id; nothing when it is gone or not known."""
        if channel:
            try:
                await self._link(call).hangup(channel)
            except AmiRefused:
                return  # gone already

    # ------------------------------------------------------------ inside

    def _link(self, call: Call) -> AmiLink:
        return self._nodes.link(call.node)

    def _ring(self, call: Call, party: Party, shown: str) -> dict[str, str]:
        return {
            "HL_CALL": call.call_id,
            "HL_PARTY": party.party_id,
            "HL_TARGET": self.telephones(call, party),
            "HL_RING_S": str(AGENT_RING_S if party.agent_id else OUTSIDE_RING_S),
            "HL_SHOWN": shown,
        }

    async def _introduce(self, call: Call) -> None:
        """Let the two channels know one another."""
        if call.agent_uniqueid:
            await self._set(call, call.channel, {"HL_AGENT": call.agent_uniqueid})
        if call.agent_channel:
            await self._set(call, call.agent_channel, {"HL_CALL": call.call_id})

    async def _set(self, call: Call, channel: str, variables: Mapping[str, str]) -> None:
        for name, value in variables.items():
            inherited = name in INHERITED and channel != call.channel
            await self._link(call).set_variable(channel, f"__{name}" if inherited else name, value)

    async def _redirect(
        self, call: Call, first: tuple[str, str], second: tuple[str, str] | None = None
    ) -> None:
        fields = {"Channel": first[0], "Context": CONTEXT, "Exten": first[1], "Priority": "1"}
        if second is not None:
            extra = {"Channel": second[0], "Context": CONTEXT, "Exten": second[1], "Priority": "1"}
            fields |= {f"Extra{name}": value for name, value in extra.items()}
        for pause in (*PAUSES_S, None):
            try:
                await self._link(call).action("Redirect", fields)
                return
            except AmiRefused as refused:
                if pause is None or ON_THE_WAY not in refused.message:
                    raise
            await asyncio.sleep(pause)


INHERITED = frozenset({"HL_CALL", "HL_PARTY"})
"""Variables that whoever is rung must have, too."""
