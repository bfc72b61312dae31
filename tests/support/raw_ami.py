"""A small manager client for tests of Asterisk itself, independent of the product's own client."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

Message = dict[str, str]


class RawAmi:
    """One logged-in connection: every event is kept, so that a test may look back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._replies: dict[str, asyncio.Future[Message]] = {}
        self._more = asyncio.Condition()
        self.events: list[Message] = []

    async def action(self, name: str, *, variables: tuple[str, ...] = (), **fields: str | int) -> Message:
        """Send an action with its fields as keywords; return its reply."""
        return await self.send(name, fields, variables)

    async def send(
        self, name: str, fields: Mapping[str, str | int], variables: tuple[str, ...] = ()
    ) -> Message:
        """Send an action and return its reply; list entries arrive as events with the same ActionID."""
        number = f"t{next(self._ids)}"
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        lines = [f"Action: {name}", f"ActionID: {number}"]
        lines += [f"{key}: {value}" for key, value in fields.items()]
        lines += [f"Variable: {value}" for value in variables]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await self._writer.drain()
        async with asyncio.timeout(10):
            return await reply

    async def event(
        self,
        name: str,
        when: Callable[[Message], bool] = lambda _: True,
        *,
        limit_s: float = 15.0,
        since: int = 0,
    ) -> Message:
        """Return the first event of a name that fits, waiting for it; ``since`` skips that many events."""

        def found() -> Message | None:
            for message in self.events[since:]:
                if message.get("Event") == name and when(message):
                    return message
            return None

        try:
            async with asyncio.timeout(limit_s), self._more:
                while (message := found()) is None:
                    await self._more.wait()
                return message
        except TimeoutError:
            seen = [message.get("Event") for message in self.events[since:]]
            raise AssertionError(f"no {name} that fits within {limit_s} s; seen {seen}") from None

    async def read_forever(self) -> None:
        await self._reader.readline()  # the greeting
        while True:
            message: Message = {}
            while line := (await self._reader.readline()).decode():
                key, separator, value = line.rstrip("\r\n").partition(": ")
                if not separator and not key:
                    break
                message[key] = value
            if not message:
                return
            if "Event" not in message:  # OriginateResponse is an event, and has a field named Response
                reply = self._replies.pop(message.get("ActionID", ""), None)
                if reply is not None and not reply.done():
                    reply.set_result(message)
            else:
                async with self._more:
                    self.events.append(message)
                    self._more.notify_all()


@asynccontextmanager
async def raw_ami(host: str, port: int, user: str, secret: str) -> AsyncIterator[RawAmi]:
    """Connect and sign in."""
    reader, writer = await asyncio.open_connection(host, port)
    ami = RawAmi(reader, writer)
    reading = asyncio.create_task(ami.read_forever())
    try:
        reply = await ami.action("Login", Username=user, Secret=secret)
        if reply["Response"] != "Success":
            raise AssertionError(f"login refused: {reply}")
        yield ami
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        writer.close()
