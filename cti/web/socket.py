"""The desk's WebSocket: a snapshot first, then changes; commands in, replies out.

Close codes: 1012 the server restarts, 4401 the session ended, 4408 the page did not read for too long,
4429 too many messages, 1008 messages that are not ours.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import msgspec
from aiohttp import ClientError, WSMsgType, web

from cti.faults import fault_site
from cti.messages import PageMessage, Ping, Reply
from cti.ports import CommandRefused
from cti.web.guard import DEPS, SESSION
from cti.web.pages import Page
from cti.web.presence import Presence

__all__ = ["PRESENCE", "SERVER_RESTARTS", "SESSION_ENDED", "TokenBucket", "connect"]

log = logging.getLogger(__name__)

PRESENCE = web.AppKey("presence", Presence)

SERVER_RESTARTS = 1012
SESSION_ENDED = 4401
TOO_SLOW = 4408
TOO_MANY = 4429
MESSAGE_MAX = 64 * 1024
MESSAGES_PER_S = 20.0
BURST = 60
COMMANDS_WAITING = 32
"""Commands of one page that wait while one is carried out."""
BAD_MESSAGES = 10
"""Unreadable messages after which a page is closed."""
HEARTBEAT_S = 20.0
SEND_LIMIT_S = 20.0
CLOSE_LIMIT_S = 5.0
REF_MAX = 64

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


@dataclass(slots=True)
class TokenBucket:
    """Lets `burst` messages pass at once and `per_s` a second in the long run. Times are seconds."""

    per_s: float
    burst: float
    at: float
    tokens: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, now: float) -> bool:
        """Take one token; False when there is none."""
        self.tokens = min(self.burst, self.tokens + max(0.0, now - self.at) * self.per_s)
        self.at = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


class _Connection:
    """One page's socket: a writer, a worker that carries commands out one by one, and the reader."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse, page: Page) -> None:
        self._request = request
        self._deps = request.app[DEPS]
        self._socket = socket
        self._page = page
        self._commands: asyncio.Queue[PageMessage] = asyncio.Queue(COMMANDS_WAITING)
        self._bucket = TokenBucket(MESSAGES_PER_S, BURST, asyncio.get_running_loop().time())
        self._bad = 0

    async def run(self) -> None:
        """Serve the page until it is gone or closed."""
        writer = asyncio.create_task(self._write())
        worker = asyncio.create_task(self._work())
        try:
            await self._read()
            if self._page.close_code is not None:
                await asyncio.wait([writer], timeout=CLOSE_LIMIT_S)
        finally:
            writer.cancel()
            worker.cancel()
            await asyncio.gather(writer, worker, return_exceptions=True)

    async def _write(self) -> None:
        try:
            while (text := await self._page.next(self._deps.floor.snapshot)) is not None:
                async with asyncio.timeout(SEND_LIMIT_S):
                    await self._socket.send_frame(text, WSMsgType.TEXT)
        except TimeoutError:
            self._page.close(TOO_SLOW)
        except (ClientError, ConnectionError):
            return  # the reader learns of it, too
        except Exception as error:
            log.error("snapshot failed", extra={"fault": fault_site(error)})
            self._page.close(1011)
        if self._page.close_code == TOO_SLOW:
            if self._request.transport is not None:
                self._request.transport.abort()  # a close frame would wait behind what is not read
            return
        await self._socket.close(code=self._page.close_code or 1000)

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
            self._page.reply(Reply(ref=command.ref, ok=True))
        elif self._commands.full():
            self._count("too_many")
            self._page.reply(Reply(ref=command.ref, ok=False, error="操作过于频繁，请稍后再试"))
        else:
            self._commands.put_nowait(command)

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
    """GET /api/ws: serve one page until it goes."""
    deps = request.app[DEPS]
    presence = request.app[PRESENCE]
    session = request[SESSION]
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, max_msg_size=MESSAGE_MAX, compress=False, timeout=2.0, writer_limit=64 * 1024
    )
    await socket.prepare(request)
    page = Page(session.person, session.token_hash)
    deps.metrics.pages.inc()
    try:
        await presence.opened(page.person)
        deps.pages.add(page)
        await _Connection(request, socket, page).run()
    except Exception as error:
        log.error("page failed", extra={"fault": fault_site(error)})
        await socket.close(code=1011)
    finally:
        deps.metrics.pages.dec()
        deps.pages.remove(page)
        presence.closed(page.person)
    return socket
