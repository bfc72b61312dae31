"""A scripted Asterisk manager: answers logins and pings by itself, and whatever a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cti.ami import AmiAddress

Headers = dict[str, str]
Answer = Callable[["Connection", Headers], None]


def message(**headers: str) -> bytes:
    """Encode one AMI message; `_` in names stands for itself."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n"


@dataclass(eq=False)
class Connection:
    """One client's connection, as the peer sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    actions: list[Headers] = field(default_factory=list)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)

    def reply(self, action: Headers, **headers: str) -> None:
        """Answer an action."""
        self.send(message(**{"Response": "Success", "ActionID": action["ActionID"], **headers}))

    def drop(self) -> None:
        """Break the connection."""
        self.writer.transport.abort()


class AmiPeer:
    """Listens on a loopback port; `answers` maps an action's name to what to do about it."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.answers: dict[str, Answer] = {"Login": self.accept, "Ping": pong}
        self.greeting = b"Asterisk Call Manager/9.0.0\r\n"
        self.port = 0
        self._arrived = asyncio.Condition()

    @property
    def address(self) -> AmiAddress:
        """Where a link finds this peer."""
        return AmiAddress(name="node1", host="127.0.0.1", port=self.port, user="hotline", secret="s3cret")

    @property
    def last(self) -> Connection:
        """The newest connection."""
        return self.connections[-1]

    def seen(self, name: str) -> list[Headers]:
        """All actions of that name, over all connections."""
        return [a for connection in self.connections for a in connection.actions if a["Action"] == name]

    async def wait_for(self, name: str, count: int = 1) -> Headers:
        """Wait until an action of that name has come `count` times; return the newest."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.seen(name)) >= count)
        return self.seen(name)[-1]

    @staticmethod
    def accept(connection: Connection, action: Headers) -> None:
        """Let a login in and say that Asterisk is booted."""
        connection.reply(action, Message="Authentication accepted")
        connection.send(message(Event="FullyBooted", Privilege="system,all", Status="Fully Booted"))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        connection = Connection(reader, writer)
        self.connections.append(connection)
        connection.send(self.greeting)
        try:
            while True:
                block = await reader.readuntil(b"\r\n\r\n")
                action = dict(line.split(": ", 1) for line in block.decode().split("\r\n") if ": " in line)
                connection.actions.append(action)
                answer = self.answers.get(action["Action"])
                if answer is not None:
                    answer(connection, action)
                async with self._arrived:
                    self._arrived.notify_all()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()


def pong(connection: Connection, action: Headers) -> None:
    """Answer a ping as Asterisk does."""
    connection.reply(action, Ping="Pong")


@asynccontextmanager
async def ami_peer() -> AsyncIterator[AmiPeer]:
    """A listening peer."""
    peer = AmiPeer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for connection in peer.connections:
            connection.drop()
        await server.wait_closed()
