"""The connected pages: one message is encoded once and put into the outbox of every page it is for.

A page that does not read fast enough loses its outbox and gets a new snapshot instead, so it never slows the
others and never shows something that is no longer true. Nothing here touches a socket.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import msgspec

from cti.messages import Reply, ServerMessage, Snapshot
from cti.ports import Person

__all__ = ["OUTBOX_BYTES", "OUTBOX_MESSAGES", "Page", "PageHub"]

OUTBOX_MESSAGES = 256
OUTBOX_BYTES = 512 * 1024
_encode = msgspec.json.Encoder().encode


class Page:
    """One connected page and what waits to be sent to it. It begins in need of a snapshot."""

    __slots__ = ("_bytes", "_outbox", "_wake", "close_code", "needs_snapshot", "person", "resyncs", "session")

    def __init__(self, person: Person, session: str) -> None:
        self.person = person
        self.session = session  # hash of the session's token
        self.needs_snapshot = True
        self.close_code: int | None = None  # the page shall be closed with this code
        self.resyncs = 0
        self._outbox: deque[tuple[bytes, bool]] = deque()  # text, and whether it is a reply
        self._bytes = 0
        self._wake = asyncio.Event()

    def put(self, text: bytes) -> bool:
        """Add a change; False when the page was too slow and now needs a new snapshot instead."""
        if self.needs_snapshot:
            return True  # the snapshot will hold it
        if len(self._outbox) >= OUTBOX_MESSAGES or self._bytes + len(text) > OUTBOX_BYTES:
            replies = [item for item in self._outbox if item[1]]
            self._outbox = deque(replies)
            self._bytes = sum(len(reply) for reply, _ in replies)
            self.resyncs += 1
            self.resync()
            return False
        self._add(text, reply=False)
        return True

    def reply(self, reply: Reply) -> None:
        """Add the answer to a command; it is never dropped (commands under way are bounded)."""
        self._add(_encode(reply), reply=True)

    def resync(self) -> None:
        """Let the page have a new snapshot next."""
        self.needs_snapshot = True
        self._wake.set()

    def close(self, code: int) -> None:
        """Ask for the page to be closed; the first code stands."""
        if self.close_code is None:
            self.close_code = code
            self._wake.set()

    async def next(self, snapshot: Callable[[Person], Snapshot]) -> bytes | None:
        """Wait for the next text to send; None when the page shall be closed (see `close_code`)."""
        while True:
            if self.close_code is not None:
                return None
            if self.needs_snapshot:
                self.needs_snapshot = False
                return _encode(snapshot(self.person))
            if self._outbox:
                text, _ = self._outbox.popleft()
                self._bytes -= len(text)
                return text
            self._wake.clear()
            await self._wake.wait()

    def _add(self, text: bytes, *, reply: bool) -> None:
        self._outbox.append((text, reply))
        self._bytes += len(text)
        self._wake.set()


class PageHub:
    """All connected pages; implements `cti.ports.Pages`."""

    def __init__(self, *, on_resync: Callable[[], None] | None = None) -> None:
        self._pages: dict[str, set[Page]] = {}
        self._on_resync = on_resync

    def __iter__(self) -> Iterator[Page]:
        for pages in list(self._pages.values()):
            yield from list(pages)

    def __len__(self) -> int:
        return sum(len(pages) for pages in self._pages.values())

    def add(self, page: Page) -> None:
        """Let a page receive."""
        self._pages.setdefault(page.person.login, set()).add(page)

    def remove(self, page: Page) -> None:
        """Forget a page; nothing happens when it is forgotten already."""
        pages = self._pages.get(page.person.login, set())
        pages.discard(page)
        if not pages:
            self._pages.pop(page.person.login, None)

    def has(self, login: str) -> bool:
        """Tell whether the person has a page."""
        return login in self._pages

    def send(self, logins: Iterable[str], message: ServerMessage) -> None:
        """Put the message into the outbox of every page of these people."""
        pages = [page for login in set(logins) for page in self._pages.get(login, ())]
        self._fan_out(pages, message)

    def broadcast(self, message: ServerMessage) -> None:
        """Put the message into the outbox of every page."""
        self._fan_out(self, message)

    def resync(self, logins: Iterable[str] | None = None) -> None:
        """Give these people's pages (all by default) a new snapshot, when too much changed at once."""
        for page in self:
            if logins is None or page.person.login in set(logins):
                page.resync()

    def update_person(self, person: Person) -> None:
        """Let this person's pages know their new name, extension and skills, and show them."""
        for page in self._pages.get(person.login, ()):
            page.person = person
            page.resync()

    def close_all(self, code: int) -> None:
        """Ask for every page to be closed."""
        for page in self:
            page.close(code)

    def _fan_out(self, pages: Iterable[Page], message: ServerMessage) -> None:
        text: bytes | None = None
        for page in pages:
            if text is None:
                text = _encode(message)
            if not page.put(text) and self._on_resync is not None:
                self._on_resync()
