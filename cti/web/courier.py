"""Carries what waits in the pages' outboxes to their connections.

Frames are written straight to the connections, by one callback on the event loop instead of a task for each
page. Who waits for something (a reply, their own call) is served first; what goes to everybody is carried in
slices, so that a thousand pages do not keep the loop from anything else, and what has gathered for a page
meanwhile goes out in one write. A connection that does not take what it was given is left alone until it
does.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

import msgspec

from cti.faults import fault_site
from cti.messages import Snapshot
from cti.ports import Person
from cti.web.page import Page, tail_of

__all__ = ["BACKLOG_BYTES", "STUCK_S", "TOO_SLOW", "Courier"]

log = logging.getLogger(__name__)

SLICE_S = 0.002
"""The loop is given back after carrying for so long."""
BACKLOG_BYTES = 64 * 1024
"""A connection with more than this on its way gets nothing further."""
LOOK_S = 0.05
"""How often connections that take nothing are looked at."""
STUCK_S = 20.0
"""One that took nothing for so long is broken off."""
TOO_SLOW = 4408
FAILED = 1011


class Courier:
    """Serves the pages of one hub on one event loop."""

    def __init__(self, after_snapshot: Callable[[Page], None]) -> None:
        self.snapshot: Callable[[Person], Snapshot] | None = None  # set before the first page comes
        self._after_snapshot = after_snapshot
        self._first: deque[Page] = deque()
        self._line: deque[Page] = deque()
        self._running: asyncio.Handle | None = None
        self._slow: dict[Page, tuple[int, float]] = {}  # bytes on their way, and when that last became less
        self._look: asyncio.TimerHandle | None = None

    @property
    def slow(self) -> int:
        """Connections that are waited for now."""
        return len(self._slow)

    def wake(self, page: Page, urgent: bool) -> None:
        """Serve this page soon; nothing happens while it is away."""
        if page.wire is None:
            return
        if urgent:
            if not page.in_line_first:
                page.in_line_first = True
                self._first.append(page)
        elif not page.in_line and not page.in_line_first:
            page.in_line = True
            self._line.append(page)
        if self._running is None:
            self._running = asyncio.get_running_loop().call_soon(self._run)

    def connected(self, page: Page) -> None:
        """This page has a new connection: what its former one did not take is forgotten."""
        self._slow.pop(page, None)
        if page.waiting:
            self.wake(page, True)

    def _run(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + SLICE_S
        while self._first or self._line:
            if self._first:
                page = self._first.popleft()
                page.in_line_first = False
            else:
                page = self._line.popleft()
                page.in_line = False
            self._serve(page)
            if loop.time() >= until:
                break
        again = bool(self._first or self._line)
        self._running = loop.call_soon(self._run) if again else None

    def _serve(self, page: Page) -> None:
        wire = page.wire
        if wire is None:
            return
        if page.close_code is not None:
            self._slow.pop(page, None)
            if page.close_code == TOO_SLOW:
                wire.cut()  # a close frame would wait behind what is not read
            else:
                wire.end(page.close_code)
            return
        if page in self._slow:
            return
        backlog = wire.backlog()
        if backlog > BACKLOG_BYTES:
            self._wait_for(page, backlog)
            return
        if page.needs_snapshot and not self._send_snapshot(page):
            return
        if frames := page.take():
            wire.write(frames)
        if page.waiting:
            self.wake(page, False)

    def _send_snapshot(self, page: Page) -> bool:
        wire = page.wire
        if wire is None or self.snapshot is None:
            return False
        try:
            view = msgspec.structs.replace(self.snapshot(page.person), page=page.page_id)
            wire.write(page.snapshot(tail_of(view)))
            self._after_snapshot(page)
        except Exception as error:
            log.error("snapshot failed", extra={"fault": fault_site(error)})
            page.close(FAILED)
            return False
        return True

    # ------------------------------------------------------------ connections that do not keep up

    def _wait_for(self, page: Page, backlog: int) -> None:
        loop = asyncio.get_running_loop()
        self._slow[page] = (backlog, loop.time())
        if self._look is None:
            self._look = loop.call_later(LOOK_S, self._look_again)

    def _look_again(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for page, (before, since) in list(self._slow.items()):
            backlog = page.wire.backlog() if page.wire is not None else 0
            if backlog <= BACKLOG_BYTES // 4:
                del self._slow[page]
                if page.waiting:
                    self.wake(page, False)
            elif backlog < before:
                self._slow[page] = (backlog, now)
            elif now - since >= STUCK_S:
                page.close(TOO_SLOW)
        self._look = loop.call_later(LOOK_S, self._look_again) if self._slow else None
