"""The FastAGI server: accepts channels from Asterisk and hands each to the handler.

panoramisk's FastAGI handler is not used: it spins the event loop for ever on connect-and-close, has no
limits, and loses HANGUP and multi-line replies inside one coroutine that cannot be overridden piecewise.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable

from cti.agi.messages import AgiBadHeader, AgiCounters, AgiHangup, AgiLimits
from cti.agi.session import AgiSession, read_header
from cti.faults import fault_site

__all__ = ["AgiServer"]

log = logging.getLogger(__name__)


class AgiServer:
    """Runs `handler` once per channel. When the handler ends or raises, the dialplan goes on."""

    def __init__(
        self, handler: Callable[[AgiSession], Awaitable[None]], *, limits: AgiLimits | None = None
    ) -> None:
        self.limits = limits or AgiLimits()
        self.counters = AgiCounters()
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False

    @property
    def draining(self) -> bool:
        """True once `drain` was called: no new session is accepted."""
        return self._draining

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen and return the address really bound (port 0 picks a free one). Raises OSError."""
        if self._server is not None:
            raise RuntimeError("the FastAGI server is already started")
        self._server = await asyncio.start_server(
            self._accept,
            host,
            port,
            limit=max(self.limits.header_line, self.limits.reply_line),
            backlog=1024,
        )
        name = self._server.sockets[0].getsockname()
        return str(name[0]), int(name[1])

    async def drain(self, wait: float | None = 0) -> int:
        """Accept no more sessions and stop listening; running sessions go on.

        A refused connection is the only way out that Asterisk reports as AGISTATUS=FAILURE, so that the
        dialplan puts the same question to the next server; one that is accepted and closed counts as SUCCESS.
        Waits up to `wait` seconds (None: for ever) for the running sessions; returns how many are left.
        """
        self._draining = True
        if self._server is not None:
            self._server.close()
        if self._tasks and wait != 0:
            try:
                async with asyncio.timeout(wait):
                    await self._idle.wait()
            except TimeoutError:
                pass
        return len(self._tasks)

    async def close(self, grace: float = 0) -> None:
        """Stop listening, give running sessions `grace` seconds, then cancel their handlers."""
        await self.drain(grace)
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Draining: this connection was on its way when the listening ended.
        if self._draining or len(self._tasks) >= self.limits.max_sessions:
            self.counters.refused += 1
            writer.transport.abort()
            return
        self.counters.accepted += 1
        self._idle.clear()
        task = asyncio.create_task(self._serve(reader, writer), name="agi-session")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks:
            self._idle.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("AGI session broke", extra={"error": fault_site(error)})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session: AgiSession | None = None
        try:
            _keep_alive(writer, self.limits.keepalive_idle)
            header = await read_header(reader, self.limits)
            if header:
                session = AgiSession(reader, writer, header, self.limits)
            else:
                self.counters.probes += 1
        except AgiBadHeader as error:
            self.counters.bad += 1
            log.warning("AGI request refused", extra={"reason": str(error)})
        finally:
            if session is None:
                writer.transport.abort()
        if session is not None:
            await self._handle(session)

    async def _handle(self, session: AgiSession) -> None:
        counters = self.counters
        counters.sessions += 1
        counters.active += 1
        counters.peak = max(counters.peak, counters.active)
        try:
            await self._handler(session)
        except AgiHangup:
            counters.hangups += 1
        except Exception as error:
            counters.failed += 1
            log.error(
                "AGI handler raised; the dialplan goes on",
                extra={"call_id": session.call_id, "error": fault_site(error)},
            )
        finally:
            counters.active -= 1
            await session.close()


def _keep_alive(writer: asyncio.StreamWriter, idle: int) -> None:
    """Let the kernel find out that Asterisk's machine is gone, even while a command has no deadline."""
    sock = writer.get_extra_info("socket")
    if sock is None:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, idle // 3))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
