"""The citizens' open pages: what concerns a guest goes to that guest's pages, wherever they are."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from cti.messages_citizen import CitizenMessage

OUTBOX = 200
"""Messages that wait for one page; a page that reads slower is closed and comes back for the whole."""

PAGES = 3
"""Pages of one guest at once: a reload overlaps for a moment; an older one is closed."""

_encode = msgspec.json.Encoder().encode


class GuestPage:
    """One open page and what waits for it."""

    def __init__(self, guest_id: str) -> None:
        self.guest_id = guest_id
        self.closed = False
        self._outbox: deque[bytes] = deque()
        self._wake = asyncio.Event()

    def put(self, text: bytes) -> None:
        """Add a message, or give the page up when too many wait."""
        if len(self._outbox) >= OUTBOX:
            self.closed = True
        else:
            self._outbox.append(text)
        self._wake.set()

    def close(self) -> None:
        """The page shall end."""
        self.closed = True
        self._wake.set()

    async def next(self) -> bytes | None:
        """Wait for the next message; None when the page shall be closed."""
        while not self._outbox and not self.closed:
            self._wake.clear()
            await self._wake.wait()
        return None if self.closed and not self._outbox else self._outbox.popleft()


class CitizenHub:
    """All pages of guests at this server."""

    def __init__(self, elsewhere: Callable[[str, CitizenMessage], None]) -> None:
        """`elsewhere(guest, message)` tells the other servers, for guests who have no page here."""
        self._pages: dict[str, list[GuestPage]] = {}
        self._elsewhere = elsewhere

    def __len__(self) -> int:
        return sum(len(pages) for pages in self._pages.values())

    def add(self, page: GuestPage) -> None:
        """A page is open."""
        pages = self._pages.setdefault(page.guest_id, [])
        pages.append(page)
        for old in pages[:-PAGES]:
            old.close()

    def remove(self, page: GuestPage) -> None:
        """A page is gone."""
        pages = self._pages.get(page.guest_id, [])
        if page in pages:
            pages.remove(page)
        if not pages:
            self._pages.pop(page.guest_id, None)

    def has(self, guest_id: str) -> bool:
        """Whether the guest has a page here."""
        return guest_id in self._pages

    def send(self, guest_id: str, message: CitizenMessage) -> None:
        """To every page of this guest."""
        if not guest_id:
            return
        if self.has(guest_id):
            self.show(guest_id, message)
        else:
            self._elsewhere(guest_id, message)

    def show(self, guest_id: str, message: CitizenMessage) -> None:
        """To the guest's pages at this server only."""
        text = _encode(message)
        for page in tuple(self._pages.get(guest_id, ())):
            page.put(text)

    def close_all(self) -> None:
        """The server stops: pages come back to it, or to another one."""
        for pages in tuple(self._pages.values()):
            for page in pages:
                page.close()
