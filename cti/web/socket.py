"""The desk's WebSocket: a snapshot first, or what a page missed, then changes; commands in, replies out.

Close codes: 1012 the server restarts, 4401 the session ended, 4408 the page did not read for too long,
4409 the page has another connection, 4429 too many messages, 1008 messages that are not ours.
"""

from __future__ import annotations

import asyncio
import logging
import socket as sockets
from typing import Annotated

import msgspec
from aiohttp import WSMsgType, web

from cti.faults import fault_site
from cti.messages import PageMessage, Ping, Reply, Resync, Watch
from cti.ports import CommandRefused
from cti.web.answers import read_query
from cti.web.bucket import TokenBucket
from cti.web.guard import DEPS, SESSION
from cti.web.pages import Page
from cti.web.presence import Presence

__all__ = ["PRESENCE", "SERVER_RESTARTS", "SESSION_ENDED", "LinkQuery", "TokenBucket", "connect"]

log = logging.getLogger(__name__)

PRESENCE = web.AppKey("presence", Presence)

SERVER_RESTARTS = 1012
SESSION_ENDED = 4401
TOO_MANY = 4429
MESSAGE_MAX = 64 * 1024
MESSAGES_PER_S = 20.0
BURST = 60
COMMANDS_WAITING = 32
"""Commands of one page that wait while one is carried out."""
BAD_MESSAGES = 10
"""Unreadable messages after which a page is closed."""
HEARTBEAT_S = 20.0
CLOSE_LIMIT_S = 5.0
REF_MAX = 64
UNSENT_BYTES = 128 * 1024
"""So much waits in the kernel at most; the rest stays where it can be replaced by a snapshot."""

_under_way: set[asyncio.Task[None]] = set()
"""Commands being carried out; the event loop itself would not keep them alive."""
_decode = msgspec.json.Decoder(PageMessage).decode


class _Ref(msgspec.Struct):
    ref: str = ""


def _ref_of(text: str) -> str:
    """Return the `ref` of a message that could not be read otherwise, so that its sender learns of it."""
    try:
        return msgspec.json.decode(text, type=_Ref).ref[:REF_MAX]
    except (msgspec.DecodeError, UnicodeError):
        return ""


class LinkQuery(msgspec.Struct):
    """How a page that was connected before says so."""

    page: Annotated[str, msgspec.Meta(max_length=64)] = ""  # its id, as the snapshot said
    seq: Annotated[int, msgspec.Meta(ge=0)] = 0  # number of the newest message it has


class _Wire:
    """One page's connection: whole frames go straight to the transport, between those of aiohttp."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self._socket = socket
        self._transport = transport
        self._closing: asyncio.Task[bool] | None = None
        raw = transport.get_extra_info("socket")
        if raw is not None and hasattr(sockets, "TCP_NOTSENT_LOWAT"):
            raw.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def backlog(self) -> int:
        return self._transport.get_write_buffer_size()

    def end(self, code: int) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._socket.close(code=code))

    def cut(self) -> None:
        self._transport.abort()

    async def ended(self) -> None:
        """Return when a close that was begun is over, or did not succeed in time."""
        if self._closing is not None:
            await asyncio.wait([self._closing], timeout=CLOSE_LIMIT_S)


class _Connection:
    """One page's socket: the reader, and a worker that carries commands out one by one."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse, wire: _Wire, page: Page) -> None:
        self._deps = request.app[DEPS]
        self._socket = socket
        self._wire = wire
        self._page = page
        self._commands: asyncio.Queue[PageMessage] = asyncio.Queue(COMMANDS_WAITING)
        self._bucket = TokenBucket(MESSAGES_PER_S, BURST, asyncio.get_running_loop().time())
        self._bad = 0

    async def run(self) -> None:
        """Serve the page until it is gone or closed."""
        worker = asyncio.create_task(self._work())
        try:
            await self._read()
            await self._wire.ended()
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                self._page.close(1008)
                continue
            if not self._bucket.take(asyncio.get_running_loop().time()):
                self._count("too_many")
                self._page.close(TOO_MANY)
                continue
            self._take(message.data)

    def _take(self, text: str) -> None:
        try:
            command = _decode(text)
        except (msgspec.DecodeError, UnicodeError):
            self._count("unreadable")
            self._bad += 1
            if self._bad >= BAD_MESSAGES:
                self._page.close(1008)
            self._page.reply(Reply(ref=_ref_of(text), ok=False, error="消息格式有误"))
            return
        self._deps.accounts.sessions.touch(self._page.session)
        if len(command.ref) > REF_MAX:
            self._page.reply(Reply(ref=command.ref[:REF_MAX], ok=False, error="ref 过长"))
        elif isinstance(command, Ping):
            self._page.has_seen(command.seen)
            self._page.reply(Reply(ref=command.ref, ok=True))
        elif isinstance(command, Resync):
            self._page.resync()
        elif isinstance(command, Watch):
            self._watch(command)
        elif self._commands.full():
            self._count("too_many")
            self._page.reply(Reply(ref=command.ref, ok=False, error="操作过于频繁，请稍后再试"))
        else:
            self._commands.put_nowait(command)

    def _watch(self, command: Watch) -> None:
        try:
            self._deps.pages.watch(self._page, command.topics)
        except CommandRefused as refused:
            self._page.reply(Reply(ref=command.ref, ok=False, error=str(refused)))
        else:
            self._page.reply(Reply(ref=command.ref, ok=True))

    async def _work(self) -> None:
        while True:
            command = await self._commands.get()
            try:
                # Carried through even when the page goes away half-way.
                task = asyncio.create_task(self._deps.floor.command(self._page.person, command))
                _under_way.add(task)
                task.add_done_callback(_under_way.discard)
                await asyncio.shield(task)
                reply = Reply(ref=command.ref, ok=True)
                self._count("done")
            except CommandRefused as refused:
                reply = Reply(ref=command.ref, ok=False, error=str(refused))
                self._count("refused")
            except Exception as error:
                log.error(
                    "command failed", extra={"command": type(command).__name__, "fault": fault_site(error)}
                )
                reply = Reply(ref=command.ref, ok=False, error="操作失败，请重试；仍不成功请联系管理员")
                self._count("failed")
            self._page.reply(reply)

    def _count(self, result: str) -> None:
        self._deps.metrics.page_messages.labels(result).inc()


async def connect(request: web.Request) -> web.StreamResponse:
    """GET /api/ws: serve one page until it goes; one that was here before gets what it missed."""
    deps = request.app[DEPS]
    presence = request.app[PRESENCE]
    session = request[SESSION]
    before = read_query(request, LinkQuery)
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, max_msg_size=MESSAGE_MAX, compress=False, timeout=2.0, writer_limit=64 * 1024
    )
    await socket.prepare(request)
    transport = request.transport
    if transport is None:  # gone already
        return socket
    wire = _Wire(socket, transport)
    page: Page | None = None
    deps.metrics.pages.inc()
    try:
        await presence.opened(session.person)
        if before.page:
            page = deps.pages.resume(
                before.page, before.seq, person=session.person, session=session.token_hash, wire=wire
            )
            deps.metrics.page_returns.labels("resumed" if page is not None else "snapshot").inc()
        if page is None:
            page = Page(session.person, session.token_hash)
            deps.pages.add(page, wire)
        await _Connection(request, socket, wire, page).run()
    except Exception as error:
        log.error("page failed", extra={"fault": fault_site(error)})
        await socket.close(code=1011)
    finally:
        deps.metrics.pages.dec()
        if page is not None:
            deps.pages.lost(page, wire)
        presence.closed(session.person)
    return socket
