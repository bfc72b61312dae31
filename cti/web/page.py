"""One page of a person: what waits for it, what was sent to it, and the numbers by which it notices a gap.

Every message that a page gets has a number, one higher than the one before. What was sent is kept for a
while: a page that comes back over another connection names the last number it has and gets what it missed, or
a snapshot where that is no longer known. Nothing here touches a socket.
"""

from __future__ import annotations

import secrets
import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from cti.messages import Reply, View
from cti.ports import Person

__all__ = [
    "KEPT_BYTES",
    "KEPT_MESSAGES",
    "OUTBOX_BYTES",
    "OUTBOX_MESSAGES",
    "Page",
    "Wire",
    "tail_of",
    "text_frame",
]

OUTBOX_MESSAGES = 256
OUTBOX_BYTES = 512 * 1024
KEPT_MESSAGES = 256
"""Messages kept after they were sent, for a page that comes back without them."""
KEPT_BYTES = 256 * 1024
AT_ONCE_BYTES = 64 * 1024
"""About so much is put together into one write."""
_encode = msgspec.json.Encoder().encode


class Wire(Protocol):
    """The connection of a page."""

    def write(self, data: bytes) -> None:
        """Send whole WebSocket frames; never blocks."""

    def backlog(self) -> int:
        """Bytes given to `write` that the network has not taken."""

    def end(self, code: int) -> None:
        """Close the connection with this code, soon."""

    def cut(self) -> None:
        """Break the connection off at once, without a word."""


def tail_of(message: View) -> bytes:
    """Encode a message once for all its pages: the JSON object without its first brace."""
    return _encode(message)[1:]


def text_frame(seq: int, tail: bytes) -> bytes:
    """Return a whole WebSocket text frame (RFC 6455, 5.2) of a message with its number put first."""
    head = b'{"seq":%d,' % seq
    size = len(head) + len(tail)
    if size < 126:
        return b"\x81%c%b%b" % (size, head, tail)
    if size < 65536:
        return b"\x81\x7e%b%b%b" % (struct.pack("!H", size), head, tail)
    return b"\x81\x7f%b%b%b" % (struct.pack("!Q", size), head, tail)


def _nobody(_page: Page, _urgent: bool) -> None:
    """Wake nobody: a page that is not at any hub."""


class Page:
    """What waits to be sent to one page, and what was sent lately. It begins in need of a snapshot."""

    __slots__ = (
        "_kept",
        "_kept_bytes",
        "_outbox",
        "_outbox_bytes",
        "close_code",
        "in_line",
        "in_line_first",
        "lost_at",
        "needs_snapshot",
        "page_id",
        "person",
        "resyncs",
        "seq",
        "session",
        "topics",
        "wake",
        "wire",
    )

    def __init__(self, person: Person, session: str) -> None:
        self.page_id = secrets.token_urlsafe(12)
        self.person = person
        self.session = session  # hash of the session's token
        self.seq = 0  # number of the last message written
        self.wire: Wire | None = None  # None: away
        self.lost_at = 0.0  # when it went, on the loop's clock
        self.needs_snapshot = True
        self.close_code: int | None = None  # the page shall be closed with this code
        self.resyncs = 0
        self.topics: frozenset[str] = frozenset()  # what it watches beside its own affairs
        self.wake: Callable[[Page, bool], None] = _nobody  # something waits; True: somebody waits for it
        self.in_line = self.in_line_first = False  # the courier's marks
        self._outbox: deque[tuple[bytes, bool]] = deque()  # tail, and whether it is a reply
        self._outbox_bytes = 0
        self._kept: deque[tuple[bytes, bool]] = deque()  # written, up to the number `seq`
        self._kept_bytes = 0

    @property
    def held_bytes(self) -> int:
        """What this page keeps in memory, where nobody shares it."""
        return self._outbox_bytes + self._kept_bytes

    @property
    def waiting(self) -> bool:
        """Whether anything is to be sent or done."""
        return bool(self._outbox) or self.needs_snapshot or self.close_code is not None

    # ------------------------------------------------------------ in

    def put(self, tail: bytes, *, urgent: bool = True) -> bool:
        """Add a change; False when the page was too slow and now needs a new snapshot instead."""
        if self.needs_snapshot:
            return True  # the snapshot will hold it
        if len(self._outbox) >= OUTBOX_MESSAGES or self._outbox_bytes + len(tail) > OUTBOX_BYTES:
            self._keep_replies()
            self.resyncs += 1
            self.resync()
            return False
        self._outbox.append((tail, False))
        self._outbox_bytes += len(tail)
        self.wake(self, urgent)
        return True

    def reply(self, reply: Reply) -> None:
        """Add the answer to a command; it is never dropped (commands under way are bounded)."""
        tail = tail_of(reply)
        self._outbox.append((tail, True))
        self._outbox_bytes += len(tail)
        self.wake(self, True)

    def resync(self) -> None:
        """Let the page have a new snapshot next."""
        self.needs_snapshot = True
        self.wake(self, True)

    def close(self, code: int) -> None:
        """Ask for the page to be closed; the first code stands."""
        if self.close_code is None:
            self.close_code = code
            self.wake(self, True)

    # ------------------------------------------------------------ out

    def snapshot(self, tail: bytes) -> bytes:
        """Return the frame of a snapshot; changes from before it are of no use any more."""
        self.needs_snapshot = False
        self._kept.clear()
        self._kept_bytes = 0
        self._keep_replies()
        self.seq += 1
        return text_frame(self.seq, tail)

    def take(self) -> bytes:
        """Return the frames of what waits, about 64 KiB of them, and keep what they hold; b"" for nothing."""
        frames: list[bytes] = []
        size = 0
        while self._outbox and size < AT_ONCE_BYTES:
            item = self._outbox.popleft()
            tail = item[0]
            self._outbox_bytes -= len(tail)
            self.seq += 1
            frames.append(text_frame(self.seq, tail))
            size += len(tail)
            self._kept.append(item)
            self._kept_bytes += len(tail)
        while len(self._kept) > KEPT_MESSAGES or self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= len(self._kept.popleft()[0])
        return frames[0] if len(frames) == 1 else b"".join(frames)

    def has_seen(self, seq: int) -> None:
        """The page has everything up to this number: it need not be kept."""
        spare = seq - (self.seq - len(self._kept))
        for _ in range(min(spare, len(self._kept))):
            self._kept_bytes -= len(self._kept.popleft()[0])

    def rewind(self, seq: int) -> int | None:
        """Let everything after this number be sent again, with the same numbers; how many messages that is.

        None when that is not known any more, or never was: the page needs a snapshot.
        """
        missed = self.seq - seq
        if self.needs_snapshot or not 0 <= missed <= len(self._kept):
            return None
        self.has_seen(seq)
        self._outbox.extendleft(reversed(self._kept))
        self._outbox_bytes += self._kept_bytes
        self._kept.clear()
        self._kept_bytes = 0
        self.seq = seq
        return missed

    def _keep_replies(self) -> None:
        self._outbox = deque(item for item in self._outbox if item[1])
        self._outbox_bytes = sum(len(reply) for reply, _ in self._outbox)
