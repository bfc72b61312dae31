"""A FastAGI server for tests of the dialplan: each call runs a coroutine of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


class Gone(Exception):
    """Asterisk closed the connection."""


@dataclass(slots=True)
class AgiCall:
    """One call's connection."""

    env: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def stage(self) -> str:
        """What the dialplan asked for."""
        return self.env.get("agi_arg_1", "")

    async def send(self, command: str) -> None:
        """Send a command without waiting for its reply."""
        self.writer.write(f"{command}\n".encode())
        await self.writer.drain()

    async def command(self, command: str) -> str:
        """Send a command and return its reply line."""
        await self.send(command)
        while True:
            line = (await self.reader.readline()).decode()
            if not line:
                raise Gone
            if not line.startswith("HANGUP"):
                return line.strip()

    async def variable(self, name: str) -> str:
        """Return a channel variable, empty when unset."""
        reply = await self.command(f"GET VARIABLE {name}")
        return reply.partition("(")[2].rpartition(")")[0]

    async def gone(self) -> None:
        """Wait until Asterisk closes the connection."""
        while await self.reader.readline():
            pass

    def drop(self) -> None:
        """Close at once, as a killed server's kernel does."""
        self.writer.transport.abort()


Handler = Callable[[AgiCall], Awaitable[None]]


@dataclass(slots=True)
class AgiStub:
    """The server: change ``handler`` between calls; ``stages`` tells which stages were asked for."""

    handler: Handler
    stages: list[str] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, host: str, port: int) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, host, port)

    async def stop(self) -> None:
        """Stop listening and cut every call off."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        try:
            env: dict[str, str] = {}
            while line := (await reader.readline()).decode().strip():
                key, _, value = line.partition(": ")
                env[key] = value
            call = AgiCall(env, reader, writer)
            self.stages.append(call.stage)
            await self.handler(call)
        except (Gone, ConnectionError, asyncio.CancelledError):
            pass  # Asterisk is through with the call, or the test with the server
        finally:
            if task is not None:
                self._tasks.discard(task)
            writer.transport.abort()


@asynccontextmanager
async def agi_stub(host: str, port: int, handler: Handler) -> AsyncIterator[AgiStub]:
    """Run a FastAGI server while the block is open."""
    stub = AgiStub(handler)
    await stub.start(host, port)
    try:
        yield stub
    finally:
        await stub.stop()
