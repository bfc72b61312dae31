"""panoramisk's Manager and protocol, mended.

Kept from panoramisk: the action objects with their ids, futures and serialisation, the sending, and the
wiring of manager and protocol. Replaced, because each cannot be mended from outside: `data_received`
(decodes per chunk, no limits), `Message` (five times slower than the dict made in `wire`), reconnecting
and pinging (timers that `close()` leaves behind, pings that nobody awaits), the queue of actions to be
replayed (a Hangup must never be sent twice), and the completion rules (an Error hangs a listing for ever).
One manager serves one connection: nothing can be carried over to the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from cti.ami.messages import (
    AmiAddress,
    AmiDown,
    AmiError,
    AmiEvent,
    AmiLimits,
    AmiProtocolError,
    AmiRefused,
    AmiReply,
)
from cti.ami.wire import AmiDecoder

__all__ = ["LinkManager", "Listing", "OneReply", "Originated"]

Fields = dict[str, str]
_OWN_IDS: Final[str] = f"action/{Action.action_id_generator.uid}/"


class OneReply(Action):  # type: ignore[misc]  # panoramisk has no types
    """An action with one answer; its future gives an AmiReply."""

    def __init__(self, headers: Mapping[str, str | list[str]]) -> None:
        super().__init__(headers)
        self.name: str = str(headers["Action"])
        self.reply: AmiReply | None = None
        self.node = ""

    def add_message(self, message: Fields) -> bool:
        """Take a message with this action's id; True when nothing more is awaited."""
        if "Event" in message:
            return self.take_event(message)
        if message["Response"] not in ("Success", "Follows", "Goodbye", "Pong"):
            return self.fail(AmiRefused(self.name, message.get("Message", "no reason given")))
        self.reply = AmiReply(self.name, MappingProxyType(message))
        return self.take_reply(self.reply)

    def take_reply(self, reply: AmiReply) -> bool:
        """Take the successful answer."""
        return self.finish(reply)

    def take_event(self, message: Fields) -> bool:
        """Take an event that carries this action's id."""
        return False

    def finish(self, value: object) -> bool:
        """Give the result to the one who waits."""
        if not self.future.done():
            self.future.set_result(value)
        return True

    def fail(self, error: AmiError) -> bool:
        """Give an error to the one who waits."""
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()  # read here: the one who waited may have been cancelled
        return True


class Listing(OneReply):
    """An action answered by a list of events; its future gives a tuple of AmiEvent."""

    def __init__(self, headers: Mapping[str, str | list[str]], limit: int) -> None:
        super().__init__(headers)
        self.limit = limit
        self.listed: list[AmiEvent] = []

    def take_reply(self, reply: AmiReply) -> bool:
        # An answer that announces no list is the whole answer (AMI marks lists with EventList: start).
        return False if reply.get("EventList").lower() == "start" else self.finish(())

    def take_event(self, message: Fields) -> bool:
        if message.get("EventList", "").lower() in ("complete", "cancelled"):
            return self.finish(tuple(self.listed))
        if len(self.listed) >= self.limit:
            return self.fail(AmiProtocolError(f"{self.name}: a list of more than {self.limit} events"))
        self.listed.append(AmiEvent(message["Event"], MappingProxyType(message), self.node))
        return False


class Originated(OneReply):
    """An Originate whose outcome is awaited; its future gives the OriginateResponse as AmiEvent."""

    def take_reply(self, reply: AmiReply) -> bool:
        return False

    def take_event(self, message: Fields) -> bool:
        if message["Event"] != "OriginateResponse":
            return False
        return self.finish(AmiEvent(message["Event"], MappingProxyType(message), self.node))


class LinkProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """One connection: cuts, counts and hands on messages; never replays."""

    closed: bool

    def __init__(self, owner: LinkManager) -> None:
        self.owner = owner
        self.decoder = AmiDecoder(owner.limits)
        self.begun = False
        self.finished = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        super().connection_made(transport)
        self.encoding = "utf-8"
        self.begun = True

    def data_received(self, data: bytes) -> None:
        """Handle each complete message in the order sent."""
        if self.closed:
            return
        try:
            for message in self.decoder.feed(data):
                self.handle_message(message)
        except AmiProtocolError as error:
            self.owner.drop(str(error))

    def handle_message(self, message: Fields) -> None:
        """Give answers to their actions and events to the owner."""
        action_id = message.get("ActionID")
        action = self.responses.get(action_id) if action_id else None
        event = message.get("Event")
        if action is not None and ("Response" in message or event):
            if action.add_message(message):
                self.responses.pop(action_id, None)
            if event != "OriginateResponse":
                return
        elif event is None or (action_id and action_id.startswith(_OWN_IDS) and event != "OriginateResponse"):
            self.owner.on_late()
            return
        if event is not None:
            self.owner.dispatch(AmiEvent(event, MappingProxyType(message), self.owner.node))

    def fail_pending(self, error: AmiError) -> None:
        """Tell everybody who waits that no answer will come."""
        pending = list(self.responses.values())
        self.responses.clear()
        for action in pending:
            action.fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended, by whichever side."""
        self.finished.set()
        self.owner.drop("Asterisk closed the connection" if exc is None else type(exc).__name__)

    def close(self) -> None:
        """End the connection at once."""
        if not self.closed:
            self.closed = True
            self.transport.abort()


class LinkManager(Manager):  # type: ignore[misc]  # panoramisk has no types
    """One connection's manager: knows when it is lost and does nothing about it by itself."""

    protocol: LinkProtocol | None
    pinger: asyncio.TimerHandle | None

    def __init__(
        self,
        address: AmiAddress,
        limits: AmiLimits,
        *,
        on_event: Callable[[AmiEvent], None],
        on_late: Callable[[], None],
    ) -> None:
        self.node = address.name
        self.limits = limits
        self.on_late = on_late
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.booted = asyncio.Event()
        self._deliver = on_event
        self._made: LinkProtocol | None = None
        super().__init__(
            host=address.host,
            port=address.port,
            loop=asyncio.get_running_loop(),
            protocol_factory=self._make_protocol,
        )

    def _make_protocol(self) -> LinkProtocol:
        self._made = LinkProtocol(self)
        return self._made

    async def open(self) -> None:
        """Connect. Raises OSError, or TimeoutError after `connect_deadline`."""
        async with asyncio.timeout(self.limits.connect_deadline):
            await self.connect()

    def connection_made(self, f: asyncio.Task[Any]) -> None:
        """Wire the protocol; panoramisk's retry and ping timers are the link's business instead."""
        if f.cancelled() or f.exception() is not None:
            return
        super().connection_made(f)
        if self.pinger is not None:
            self.pinger.cancel()
            self.pinger = None

    @property
    def pending(self) -> int:
        """How many actions await their answer."""
        return len(self.protocol.responses) if self.protocol is not None else 0

    @property
    def alive(self) -> bool:
        """True while actions can be sent."""
        return self.protocol is not None and not self.protocol.closed

    async def ask(self, action: OneReply, deadline: float | None) -> Any:
        """Send an action and await its future.

        Raises TimeoutError after `deadline` seconds, AmiDown, AmiRefused, AmiProtocolError.
        """
        protocol = self.protocol
        if protocol is None or protocol.closed:
            raise AmiDown(f"node {self.node!r} is not connected")
        action.node = self.node
        try:
            async with asyncio.timeout(deadline):
                return await self.send_action(action)
        finally:
            protocol.responses.pop(action.id, None)

    def dispatch(self, event: AmiEvent) -> None:
        """Hand an event on; FullyBooted is also noted."""
        if event.name == "FullyBooted":
            self.booted.set()
        self._deliver(event)

    def drop(self, reason: str) -> None:
        """End the connection at once; pending actions fail with AmiDown, none is ever sent again."""
        if not self.lost.done():
            self.lost.set_result(reason)
        protocol = self._made
        if protocol is not None and protocol.begun:
            protocol.close()
            protocol.fail_pending(AmiDown(f"node {self.node!r} went down: {reason}"))

    async def shut(self, reason: str) -> None:
        """Drop the connection and wait until its transport is gone."""
        self.drop(reason)
        if self._made is not None and self._made.begun:
            await self._made.finished.wait()

    async def send_awaiting_actions(self, *_: object) -> None:
        """Nothing is kept to be sent later."""
