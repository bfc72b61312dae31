"""The citizens' WebSocket: the page says who it is, then sees how its call stands and may write.

Close codes: 1012 the server restarts, 4401 the token is nobody's (any more), 4429 too many messages, 1008
messages that are not ours.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec
from aiohttp import ClientError, WSMsgType, web

from cti.control.citizen_guests import Guest
from cti.control.citizen_hub import GuestPage
from cti.faults import fault_site
from cti.messages_citizen import GuestMessage, GuestPing, Hello, Refused
from cti.web.citizen import citizen_of
from cti.web.guard import check_origin
from cti.web.socket import TokenBucket

__all__ = ["connect_citizen"]

log = logging.getLogger(__name__)

MESSAGE_MAX = 16 * 1024
MESSAGES_PER_S = 8.0
BURST = 30
SOCKETS_MAX = 2000
HELLO_S = 5.0
HEARTBEAT_S = 20.0
SEND_LIMIT_S = 20.0
GONE = 4401
TOO_MANY = 4429
RESTARTS = 1012

_decode = msgspec.json.Decoder(GuestMessage).decode
_encode = msgspec.json.encode


async def connect_citizen(request: web.Request) -> web.StreamResponse:
    """GET /api/citizen/ws: serve one citizen's page until it goes."""
    desk = citizen_of(request)
    check_origin(request, needed=True)
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, max_msg_size=MESSAGE_MAX, compress=False, timeout=2.0, writer_limit=64 * 1024
    )
    await socket.prepare(request)
    if len(desk.hub) >= SOCKETS_MAX:
        await socket.close(code=TOO_MANY)
        return socket
    guest = await _hello(request, socket)
    if guest is None:
        await socket.close(code=GONE)
        return socket
    page = GuestPage(guest.guest_id)
    desk.hub.add(page)
    writer = asyncio.create_task(_write(socket, page))
    try:
        for message in await desk.take(guest, Hello(token="")):
            page.put(_encode(message))
        await _read(request, socket, page, guest)
    except Exception as error:
        log.error("citizen's page failed", extra={"fault": fault_site(error)})
    finally:
        desk.hub.remove(page)
        desk.page_gone(guest)
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        await socket.close(code=RESTARTS if page.closed else 1000)
    return socket


async def _hello(request: web.Request, socket: web.WebSocketResponse) -> Guest | None:
    """Wait for the page to say who it is."""
    try:
        async with asyncio.timeout(HELLO_S):
            message = await socket.receive()
    except TimeoutError:
        return None
    if message.type is not WSMsgType.TEXT:
        return None
    try:
        hello = _decode(message.data)
    except (msgspec.DecodeError, UnicodeError):
        return None
    if not isinstance(hello, Hello) or not 20 <= len(hello.token) <= 100:
        return None
    return await citizen_of(request).guests.of_token(hello.token)


async def _write(socket: web.WebSocketResponse, page: GuestPage) -> None:
    try:
        while (text := await page.next()) is not None:
            async with asyncio.timeout(SEND_LIMIT_S):
                await socket.send_frame(text, WSMsgType.TEXT)
        await socket.close(code=RESTARTS)
    except (TimeoutError, ClientError, ConnectionError):
        return  # the reader learns of it, too


async def _read(request: web.Request, socket: web.WebSocketResponse, page: GuestPage, guest: Guest) -> None:
    desk = citizen_of(request)
    bucket = TokenBucket(MESSAGES_PER_S, BURST, asyncio.get_running_loop().time())
    async for frame in socket:
        if frame.type is not WSMsgType.TEXT or not bucket.take(asyncio.get_running_loop().time()):
            await socket.close(code=TOO_MANY if frame.type is WSMsgType.TEXT else 1008)
            return
        try:
            message = _decode(frame.data)
        except (msgspec.DecodeError, UnicodeError):
            await socket.close(code=1008)
            return
        if isinstance(message, GuestPing | Hello):
            continue
        try:
            for reply in await desk.take(guest, message):
                page.put(_encode(reply))
        except Exception as error:
            fault = {"message": type(message).__name__, "fault": fault_site(error)}
            log.error("citizen's message failed", extra=fault)
            page.put(_encode(Refused(text="操作失败，请重试")))
