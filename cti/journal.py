"""The journal: every change is on the local disk first and in the database later, exactly once.

`append` never waits: a thread writes what has gathered and syncs it in one go (group commit). A task
delivers what is on disk to the sink in batches, in order.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from cti.delivery import Delivery, DeliveryLimits, Sink
from cti.faults import fault_site
from cti.messages import Entry
from cti.spool import JournalError, JournalInUse, Place, Segment, Spool, frame

__all__ = ["EntryTooLong", "Journal", "JournalError", "JournalFull", "JournalInUse", "JournalLimits"]

log = logging.getLogger(__name__)

ENTRY_MAX = 1 << 20
DISK_PAUSE_S = 1.0
"""How long a disk that took nothing is left alone."""
RETRY_PAUSE_S = 5.0

_encode = msgspec.json.Encoder().encode


class JournalFull(JournalError):
    """The disk takes nothing and memory holds as much as it may; the entry was not taken."""


class EntryTooLong(JournalError):
    """The entry has more than 1 MiB of JSON; it was not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLimits:
    """Sizes and times of what is written."""

    segment_bytes: int = 16 << 20  # a segment ends when it is larger
    memory_bytes: int = 64 << 20  # may wait to be written
    sick_after_s: float = 1.0  # entries wait for the disk for longer: not healthy


class Journal:
    """One server's journal in a folder of its own. Use as an async context manager, or `start` and `close`.

    All methods belong to the event loop that `start` ran on.
    """

    def __init__(
        self,
        folder: Path,
        sink: Sink,
        *,
        limits: JournalLimits | None = None,
        delivery: DeliveryLimits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the folder; nothing is written yet.

        Raises:
            JournalInUse: another process holds the folder.
            OSError: it cannot be made or written.
        """
        self._limits = limits or JournalLimits()
        self._batch = (delivery or DeliveryLimits()).batch
        self._gather_s = (delivery or DeliveryLimits()).gather_s
        self._clock = clock
        self._spool = Spool(folder)
        self._delivery = Delivery(self._spool, sink, limits=delivery or DeliveryLimits(), clock=clock)
        # Between the event loop and the writer thread, under `_changed`:
        self._changed = threading.Condition()
        self._buffer: list[tuple[str, bytes]] = []
        self._buffered = 0
        self._stopping = False
        # The event loop's own:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._deliverer: asyncio.Task[None] | None = None
        self._unsynced: dict[str, asyncio.Future[None] | None] = {}  # entry id -> who waits for it
        self._unsynced_since: float | None = None
        self._disk_failing = False
        self._synced = Place()  # up to here entries are on disk
        self._place = Place()  # up to here they were delivered
        self._times: deque[float] = deque()  # of the entries appended and not delivered
        self._left_over = 0  # entries of a former server not delivered
        self._started_at = 0.0
        self._news = asyncio.Event()

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Begin to write and to deliver, first what a former server left."""
        if self._thread is not None:
            raise JournalError("the journal was started already")
        self._loop = asyncio.get_running_loop()
        self._started_at = self._clock()
        number, segment = await asyncio.to_thread(self._open)
        self._synced = Place(number, 0)
        self._thread = threading.Thread(
            target=self._write_forever, args=(number, segment), name="journal", daemon=True
        )
        self._thread.start()
        self._deliverer = asyncio.create_task(self._deliver_forever(), name="journal-delivery")

    async def close(self, *, deliver_s: float = 5.0) -> None:
        """Write everything to disk, deliver for up to `deliver_s` seconds, and let the folder go."""
        if self._thread is not None and self._deliverer is not None:
            with self._changed:
                self._stopping = True
                self._changed.notify()
            await asyncio.to_thread(self._thread.join)
            try:
                async with asyncio.timeout(deliver_s):
                    await self.delivered()
            except TimeoutError:
                log.warning("journal closed before all was delivered", extra={"pending": self.pending})
            self._deliverer.cancel()
            await asyncio.gather(self._deliverer, return_exceptions=True)
            for waiting in self._unsynced.values():
                if waiting is not None and not waiting.done():
                    waiting.set_exception(JournalError("the journal was closed before the entry was on disk"))
        self._spool.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # ------------------------------------------------------------ writing

    def append(self, entry: Entry) -> None:
        """Take an entry; it is on disk a few milliseconds later (see `durable`).

        Raises:
            EntryTooLong: more than 1 MiB.
            JournalFull: the disk has failed for so long that memory is used up.
            JournalError: the journal is not running.
            TypeError: the entry's data is not JSON.
        """
        line = frame(_encode(entry))
        if len(line) > ENTRY_MAX:
            raise EntryTooLong(f"a {entry.kind} entry has {len(line)} bytes, at most {ENTRY_MAX} are allowed")
        with self._changed:
            if self._stopping or self._thread is None:
                raise JournalError("the journal is not running")
            if self._buffered + len(line) > self._limits.memory_bytes:
                raise JournalFull("the journal cannot write to its disk, and its memory is used up")
            self._buffer.append((entry.entry_id, line))
            self._buffered += len(line)
            self._changed.notify()
        if self._unsynced_since is None:
            self._unsynced_since = self._clock()
        self._times.append(entry.at)
        self._unsynced.setdefault(entry.entry_id, None)

    async def durable(self, entry: Entry) -> None:
        """Return when this entry, which was appended, is on disk.

        Raises:
            JournalError: the journal was closed before.
        """
        if entry.entry_id not in self._unsynced:
            return
        waiting = self._unsynced[entry.entry_id]
        if waiting is None:
            waiting = asyncio.get_running_loop().create_future()
            self._unsynced[entry.entry_id] = waiting
        await asyncio.shield(waiting)

    async def delivered(self) -> None:
        """Return when everything appended so far has been delivered or set aside."""
        while self.pending:
            self._news.clear()
            await self._news.wait()

    # ------------------------------------------------------------ state

    @property
    def pending(self) -> int:
        """Entries that the sink has not taken yet."""
        return self._left_over + len(self._times)

    @property
    def lag_s(self) -> float:
        """Seconds that the oldest of those has waited; what a former server left counts from the start."""
        if self._left_over:
            return max(0.0, self._clock() - self._started_at)
        return max(0.0, self._clock() - self._times[0]) if self._times else 0.0

    @property
    def rejected(self) -> int:
        """Entries set aside since the start."""
        return self._delivery.rejected

    @property
    def delivering(self) -> bool:
        """False while the sink takes nothing."""
        return not self._delivery.failing

    @property
    def healthy(self) -> bool:
        """Whether entries reach the disk; the database may be away."""
        since = self._unsynced_since
        late = since is not None and self._clock() - since >= self._limits.sick_after_s
        return not self._disk_failing and not late

    # ------------------------------------------------------------ the writer thread

    def _open(self) -> tuple[int, Segment]:
        """Find what a former server left, and begin a segment."""
        place = self._spool.place()
        left = [number for number in self._spool.segments() if number >= place.segment]
        number, segment = self._spool.begin_segment(after=place.segment)
        if not left:
            self._place = Place(number, 0)
            return number, segment
        self._place = place if place.segment == left[0] else Place(left[0], 0)
        for one in left:
            at = self._place if one == left[0] else Place(one, 0)
            while lines := self._spool.read(at, until=None):
                self._left_over += len(lines)
                at = Place(one, lines[-1].end)
        return number, segment

    def _write_forever(self, number: int, segment: Segment) -> None:
        while True:
            with self._changed:
                while not self._buffer and not self._stopping:
                    self._changed.wait()
                batch, self._buffer = self._buffer, []
            data = b"".join(line for _, line in batch)
            if not batch or not self._write_batch(segment, data):
                segment.close()
                return
            with self._changed:
                self._buffered -= len(data)
            self._tell(self._on_synced, [entry_id for entry_id, _ in batch], Place(number, segment.size))
            if segment.size >= self._limits.segment_bytes:
                number, segment = self._next_segment(number, segment)

    def _write_batch(self, segment: Segment, data: bytes) -> bool:
        """Write until the disk takes it; False when the journal is closed meanwhile."""
        while True:
            try:
                segment.write(data)
            except OSError as error:
                self._tell(self._on_disk_failing, fault_site(error))
                with self._changed:
                    if not self._stopping:
                        self._changed.wait_for(lambda: self._stopping, DISK_PAUSE_S)
                        continue
                log.error("journal closed with entries that its disk did not take")
                return False
            return True

    def _next_segment(self, number: int, segment: Segment) -> tuple[int, Segment]:
        try:
            following = self._spool.begin_segment(after=number)
        except OSError as error:
            self._tell(self._on_disk_failing, fault_site(error))
            return number, segment  # this one grows on
        segment.close()
        self._tell(self._on_synced, [], Place(following[0], 0))
        return following

    def _tell(self, what: Callable[..., None], *values: object) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, *values)

    def _on_synced(self, entry_ids: Sequence[str], place: Place) -> None:
        self._synced = place
        self._disk_failing = False
        for entry_id in entry_ids:
            waiting = self._unsynced.pop(entry_id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)
        self._unsynced_since = self._clock() if self._unsynced else None
        self._news.set()

    def _on_disk_failing(self, fault: str) -> None:
        if not self._disk_failing:
            log.error("the journal cannot write to its disk", extra={"fault": fault})
        self._disk_failing = True

    # ------------------------------------------------------------ delivery

    async def _deliver_forever(self) -> None:
        while True:
            if self._place >= self._synced:
                self._news.clear()
                await self._news.wait()
                await asyncio.sleep(self._gather_s)
                continue
            try:
                await self._deliver_some()
            except Exception as error:  # whatever it is, what is on disk waits there and is tried again
                log.error("the journal cannot deliver", extra={"fault": fault_site(error)})
                await asyncio.sleep(RETRY_PAUSE_S)

    async def _deliver_some(self) -> None:
        number = self._place.segment
        until = self._synced.offset if number == self._synced.segment else None
        lines = await asyncio.to_thread(self._spool.read, self._place, until=until)
        if not lines:  # a finished segment is done
            await self._move_to(Place(await asyncio.to_thread(self._spool.after, number), 0), 0)
        for first in range(0, len(lines), self._batch):
            batch = lines[first : first + self._batch]
            await self._delivery.give(batch)
            await self._move_to(Place(number, batch[-1].end), len(batch))

    async def _move_to(self, place: Place, lines: int) -> None:
        await asyncio.to_thread(self._spool.keep_place, place)
        self._place = place
        former = min(lines, self._left_over)
        self._left_over -= former
        for _ in range(lines - former):
            self._times.popleft()
        self._news.set()
