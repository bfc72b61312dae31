"""Dialling a citizen over the trunk, and what comes of it."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote

import msgspec

from acd.callbacks import Callback, Result
from cti.ami import AmiLink, AmiNodes, AmiRefused, Originate
from cti.control.people import People
from cti.control.phones import Phones

__all__ = ["DialSettings", "Dialler", "Place", "read_place"]

log = logging.getLogger(__name__)

CONTEXT = "hotline-in"
EXTENSION = "callback"
ASK_S = 3.0

REASONS = {1: Result.REFUSED, 3: Result.NO_ANSWER, 5: Result.BUSY}
"""OriginateResponse's Reason: the control frame at the end (hang-up, ringing, busy); others are failures."""


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
        self._count = itertools.count(time.time_ns() % 1_000_000_000)

    def node_for(self, agent_id: str) -> str | None:
        """Name of a node that can ring this agent afterwards, None when there is none or no trunk."""
        extension = self._people.extension(agent_id)
        if not self._settings.trunk or not extension:
            return None
        for name, link in self._nodes.links.items():
            if link.connected and self._phones.targets(extension, name):
                return name
        return None

    def new_call_id(self, node: str) -> str:
        """Id of the channel to be made, in the form of Asterisk's own."""
        return f"{node}-{int(self._now())}.9{next(self._count)}"

    async def dial(self, callback: Callback, call_id: str, seconds: float) -> Result | None:
        """Ring the citizen; None when they answered, else what came of it.

        Raises:
            AmiError: nobody knows what came of it; the telephone may ring on.
        """
        link = self._link(call_id)
        place = Place(
            callback_id=callback.callback_id,
            number=callback.number,
            queue=callback.queue,
            since=callback.since,
            priority=callback.priority,
            urgent=callback.urgent,
        )
        try:
            outcome = await link.originate_and_wait(
                Originate(
                    channel=f"PJSIP/{callback.number}@{self._settings.trunk}",
                    context=CONTEXT,
                    exten=EXTENSION,
                    caller_id=f"{self._settings.caller_id} <{self._settings.caller_id}>",
                    timeout=seconds,
                    channel_id=call_id,
                    variables={
                        "HL_CALLED": self._settings.caller_id,
                        "HL_NUMBER": callback.number,
                        "HL_FIRST": str(self._settings.turn),
                        "HL_CALLBACK": quote(msgspec.json.encode(place)),
                    },
                )
            )
        except AmiRefused:
            return Result.FAILED
        if outcome.answered:
            return None
        return REASONS.get(outcome.reason, Result.FAILED)

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
