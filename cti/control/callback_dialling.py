"""Dialling a citizen over the trunk, and what comes of it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

import msgspec

from acd.callbacks import Callback, Result
from cti.ami import AmiEvent, AmiLink, AmiNodes, AmiRefused, Originate
from cti.control.people import People
from cti.control.phones import Phones

__all__ = ["DialSettings", "Dialler", "Place", "read_place"]

log = logging.getLogger(__name__)

CONTEXT = "hotline-in"
EXTENSION = "callback"
ASK_S = 3.0

REASONS = {1: Result.NO_ANSWER, 3: Result.NO_ANSWER, 5: Result.BUSY}
"""OriginateResponse's Reason: the control frame at the end (hang-up, ringing, busy); others are failures."""
CAUSES = {
    1: Result.INVALID,  # unallocated number
    17: Result.BUSY,  # user busy
    18: Result.NO_ANSWER,  # no user responding
    19: Result.NO_ANSWER,  # no answer from the user
    20: Result.NO_ANSWER,  # subscriber absent
    21: Result.REFUSED,  # call rejected
    22: Result.INVALID,  # number changed
    28: Result.INVALID,  # incomplete number
}
"""Cause of the Hangup event, which says more. Source: ITU-T Q.850, table 1."""
CAUSE_NEWS_S = 0.5
"""How long the Hangup event may come after the answer to the Originate."""


class Place(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What goes with the dialled channel, so that whichever server takes it knows the place in line."""

    callback_id: str
    number: str
    queue: str
    since: float
    priority: int
    urgent: bool


def read_place(text: str) -> Place | None:
    """Read the channel variable HL_CALLBACK; None when there is nothing that can be read."""
    try:
        return msgspec.json.decode(unquote(text), type=Place) if text else None
    except msgspec.MsgspecError:
        log.error("a dialled channel carries an unreadable place")
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DialSettings:
    """How citizens are dialled."""

    trunk: str  # name of the SIP trunk; "": nobody can be dialled
    caller_id: str = "12345"  # shown to the citizen
    turn: int = 1  # this server's number in the dialplan: it is asked first when the citizen answers


class Dialler:
    """Places calls to citizens through AMI."""

    def __init__(
        self,
        *,
        nodes: AmiNodes,
        phones: Phones,
        people: People,
        settings: DialSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._nodes = nodes
        self._phones = phones
        self._people = people
        self._settings = settings
        self._now = clock
        self._ended: dict[str, asyncio.Future[int]] = {}  # channel that is being made -> its cause at the end
        self._count = itertools.count(time.time_ns() % 1_000_000_000)

    @property
    def able(self) -> bool:
        """Whether there is a trunk to dial over at all."""
        return bool(self._settings.trunk)

    def node_for(self, agent_id: str) -> str | None:
        """Name of a node that can ring this agent afterwards, None when there is none or no trunk."""
        extension = self._people.extension(agent_id)
        if not self._settings.trunk or not extension:
            return None
        for name, link in self._nodes.links.items():
            if link.connected and self._phones.targets(extension, name):
                return name
        return None

    def any_node(self) -> str | None:
        """Name of a node that can dial now, None when there is none or no trunk."""
        if not self._settings.trunk:
            return None
        return next((name for name, link in self._nodes.links.items() if link.connected), None)

    async def channels_in_use(self) -> int:
        """Channels of the trunk that are in use on all nodes. Raises AmiError when nobody can tell."""
        mark = f"PJSIP/{self._settings.trunk}-"
        count = 0
        for link in self._nodes.links.values():
            listed = await link.listing("CoreShowChannels", {}, deadline=ASK_S)
            count += sum(event.get("Channel").startswith(mark) for event in listed)
        return count

    def new_call_id(self, node: str) -> str:
        """Id of the channel to be made, in the form of Asterisk's own."""
        return f"{node}-{int(self._now())}.9{next(self._count)}"

    async def dial(self, callback: Callback, call_id: str, seconds: float) -> Result | None:
        """Ring the citizen; None when they answered, else what came of it.

        Raises:
            AmiError: nobody knows what came of it; the telephone may ring on.
        """
        place = Place(
            callback_id=callback.callback_id,
            number=callback.number,
            queue=callback.queue,
            since=callback.since,
            priority=callback.priority,
            urgent=callback.urgent,
        )
        more = {"HL_CALLBACK": quote(msgspec.json.encode(place))}
        return await self.ring(callback.number, call_id, seconds, more)

    async def ring(
        self, number: str, call_id: str, seconds: float, variables: Mapping[str, str]
    ) -> Result | None:
        """Ring a number; who answers comes to the servers with these channel variables. None: answered.

        Raises:
            AmiError: nobody knows what came of it; the telephone may ring on.
        """
        link = self._link(call_id)
        ended = self._ended[call_id] = asyncio.get_running_loop().create_future()
        try:
            outcome = await link.originate_and_wait(
                Originate(
                    channel=f"PJSIP/{number}@{self._settings.trunk}",
                    context=CONTEXT,
                    exten=EXTENSION,
                    caller_id=f"{self._settings.caller_id} <{self._settings.caller_id}>",
                    timeout=seconds,
                    channel_id=call_id,
                    variables={
                        "HL_CALLED": self._settings.caller_id,
                        "HL_NUMBER": number,
                        "HL_FIRST": str(self._settings.turn),
                        **variables,
                    },
                )
            )
            if outcome.answered:
                return None
            cause = await self._cause(ended)
        except AmiRefused:
            return Result.FAILED
        finally:
            del self._ended[call_id]
        return CAUSES.get(cause) or REASONS.get(outcome.reason, Result.FAILED)

    def take(self, event: AmiEvent) -> None:
        """One AMI event: how a channel that we made ended."""
        if event.name != "Hangup":
            return
        ended = self._ended.get(event.get("Uniqueid"))
        cause = event.get("Cause")
        if ended is not None and not ended.done():
            ended.set_result(int(cause) if cause.isdecimal() and len(cause) < 6 else 0)

    @staticmethod
    async def _cause(ended: asyncio.Future[int]) -> int:
        try:
            async with asyncio.timeout(CAUSE_NEWS_S):
                return await ended
        except TimeoutError:
            return 0

    async def hang_up(self, call_id: str) -> None:
        """End the channel, if it is there. Raises AmiError when nobody can tell."""
        for channel in await self._channels(call_id):
            try:
                await self._link(call_id).hangup(channel)
            except AmiRefused:
                continue  # gone already

    async def alive(self, call_id: str) -> bool:
        """Whether Asterisk has the channel. Raises AmiError when nobody can tell."""
        return bool(await self._channels(call_id))

    async def _channels(self, call_id: str) -> list[str]:
        listed = await self._link(call_id).listing("CoreShowChannels", {}, deadline=ASK_S)
        return [event.get("Channel") for event in listed if event.get("Uniqueid") == call_id]

    def _link(self, call_id: str) -> AmiLink:
        return self._nodes.link(call_id.rpartition("-")[0])
