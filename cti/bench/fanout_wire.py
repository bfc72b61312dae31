"""A WebSocket client that costs little: it only looks for the few bytes that a measurement needs.

A thousand of them live in one process on raw transports. RFC 6455: frames of a server are not masked, those
of a client are; pings are answered, so that a connection counts as alive.
"""

from __future__ import annotations

import asyncio
import base64
import os
from array import array
from collections.abc import Callable
from typing import cast

__all__ = ["FanoutClient", "OwnClient", "frames_of"]

TEXT, CLOSE, PING = 0x81, 0x88, 0x89
_SEQ = b'"seq":'
_COUNT = b'"waiting":'
_SENT = b'"longest_wait_s":'
_OWN = b'"type":"notice"'
_STAMP = b'"text":"'


def frames_of(buffer: bytearray) -> tuple[list[tuple[int, bytes]], int]:
    """Return the whole frames at the beginning of `buffer` (first byte and payload), and where they end."""
    found: list[tuple[int, bytes]] = []
    at, end = 0, len(buffer)
    while end - at >= 2:
        size, head = buffer[at + 1], 2
        if size == 126:
            head = 4
            if end - at < head:
                break
            size = int.from_bytes(buffer[at + 2 : at + 4], "big")
        elif size == 127:
            head = 10
            if end - at < head:
                break
            size = int.from_bytes(buffer[at + 2 : at + 10], "big")
        if end - at < head + size:
            break
        found.append((buffer[at], bytes(buffer[at + head : at + head + size])))
        at += head + size
    return found, at


def _number(text: bytes, after: bytes) -> float:
    begin = text.index(after) + len(after)
    stop = begin
    while text[stop] in b"0123456789.e+-":
        stop += 1
    return float(text[begin:stop])


class _Client(asyncio.Protocol):
    """Shakes hands, then gives every text message to `take`."""

    def __init__(self, host: str, token: str, clock: Callable[[], float]) -> None:
        self._request = (
            f"GET /api/ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        ).encode()
        self._clock = clock
        self._buffer = bytearray()
        self._open = False
        self.transport: asyncio.Transport | None = None
        self.ready = asyncio.get_running_loop().create_future()  # the first message is here
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its bases
        self.transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before the first message"))

    def data_received(self, data: bytes) -> None:
        now = self._clock()
        self._buffer += data
        if not self._open and not self._shaken():
            return
        frames, end = frames_of(self._buffer)
        del self._buffer[:end]
        for first, payload in frames:
            if first == TEXT:
                if self.ready.done():
                    self.take(payload, now)
                else:
                    self.ready.set_result(None)
                    self.first(payload)
            elif first == PING and self.transport is not None:
                self.transport.write(b"\x8a\x80\0\0\0\0")  # pong without content, masked with zeros
            elif first == CLOSE and self.transport is not None:
                self.transport.close()

    def _shaken(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        if not self._buffer.startswith(b"HTTP/1.1 101"):
            self.ready.set_exception(ConnectionError(bytes(self._buffer[:40]).decode("latin-1")))
        del self._buffer[: end + 4]
        self._open = True
        return True

    def first(self, payload: bytes) -> None:
        """Take the snapshot."""

    def take(self, payload: bytes, now: float) -> None:
        """Take one further message."""
        raise NotImplementedError


class FanoutClient(_Client):
    """One page: checks numbers and counters, and notes how long each event took."""

    def __init__(self, host: str, token: str, clock: Callable[[], float], delays: array[float]) -> None:
        super().__init__(host, token, clock)
        self._delays = delays
        self._seq = 0
        self._count = -1
        self.events = 0  # received
        self.holes = 0  # numbers that are not one more than the one before
        self.skipped = 0  # events that never came, or came out of order

    def first(self, payload: bytes) -> None:
        self._seq = int(_number(payload, _SEQ))

    def take(self, payload: bytes, now: float) -> None:
        seq = int(_number(payload[:40], _SEQ))
        self.holes += seq != self._seq + 1
        self._seq = seq
        if _COUNT not in payload:
            return
        count = int(_number(payload, _COUNT))
        self.skipped += count != self._count + 1
        self._count = count
        self.events += 1
        self._delays.append(now - _number(payload, _SENT))


class OwnClient(_Client):
    """The page of the one person who also gets messages of their own, among those for everybody."""

    def __init__(self, host: str, token: str, clock: Callable[[], float]) -> None:
        super().__init__(host, token, clock)
        self.delays: array[float] = array("d")

    def take(self, payload: bytes, now: float) -> None:
        if _OWN in payload:
            self.delays.append(now - _number(payload, _STAMP))
