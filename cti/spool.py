"""Files of the journal: segments of checked lines, and the place up to which they were delivered.

A line is eight hexadecimal digits of CRC-32, a space, one JSON object, a newline. After a crash the last line
of a segment may be torn; whatever does not end in a newline or does not fit its CRC is not an entry. A server
never writes on after a former one's lines: each start begins a new segment.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cti.errors import HotlineError

__all__ = ["JournalError", "JournalInUse", "Line", "Place", "Segment", "Spool", "frame", "parse", "scan"]

SEGMENT_FORM = "{:010d}.jsonl"
CHUNK = 1 << 20
LINE_MAX = 4 << 20
"""A longer line cannot be an entry; it is damage."""


class JournalError(HotlineError):
    """Base of what the journal raises."""


class JournalInUse(JournalError):
    """Another process writes in this folder."""


class Place(msgspec.Struct, frozen=True, order=True):
    """A place in the spool: everything before it has been delivered."""

    segment: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a segment, with or without its newline."""

    end: int  # offset of the byte after it
    payload: bytes | None  # the JSON; None for a line that is torn or damaged
    raw: bytes  # as it stands in the file, without the newline
    torn: bool = False  # the file ends before the line does


def frame(payload: bytes) -> bytes:
    """Return the line for a JSON object."""
    return b"%08x %s\n" % (zlib.crc32(payload), payload)


def parse(line: bytes) -> bytes | None:
    """Return the JSON of a line without its newline, None when it is not whole."""
    if len(line) < 9 or line[8:9] != b" ":
        return None
    payload = line[9:]
    return payload if line[:8] == b"%08x" % zlib.crc32(payload) else None


def scan(data: bytes, start: int = 0) -> Iterator[Line]:
    """Yield the lines of `data`, which begins at `start` of its file; a rest without newline is torn."""
    at = 0
    while at < len(data):
        stop = data.find(b"\n", at)
        if stop < 0:
            yield Line(start + len(data), None, data[at:], torn=True)
            return
        yield Line(start + stop + 1, parse(data[at:stop]), data[at:stop])
        at = stop + 1


class Segment:
    """One file being written. Not thread-safe: the journal's writer thread alone uses it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self.size = 0

    def write(self, data: bytes) -> None:
        """Write and wait until it is on disk. After an error nothing of `data` is in the file.

        Raises:
            OSError: the disk is full or broken.
        """
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
            os.fdatasync(self._fd)
        except OSError:
            os.ftruncate(self._fd, self.size)
            os.lseek(self._fd, self.size, os.SEEK_SET)
            raise
        self.size += len(data)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


class Spool:
    """The folder of a journal, held by one process at a time."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, creating it readable by its owner only.

        Raises:
            JournalInUse: another process holds it.
            OSError: it cannot be made or written.
        """
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise JournalInUse(
                f"the journal in {folder} is in use by another server; give each server a folder of its own"
            ) from None

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)

    def segments(self) -> list[int]:
        """Return the numbers of the segments, oldest first."""
        return sorted(int(path.stem) for path in self.folder.glob("*.jsonl") if path.stem.isdigit())

    def path(self, segment: int) -> Path:
        """Return the file of a segment."""
        return self.folder / SEGMENT_FORM.format(segment)

    def begin_segment(self, *, after: int) -> tuple[int, Segment]:
        """Create the next segment, numbered after `after` and after all that are there."""
        number = max([*self.segments(), after]) + 1
        segment = Segment(self.path(number))
        self._sync_folder()
        return number, segment

    def after(self, segment: int) -> int:
        """Return the number of the segment that follows.

        Raises:
            JournalError: none does.
        """
        following = [number for number in self.segments() if number > segment]
        if not following:
            raise JournalError(f"no segment after {segment} in {self.folder}; files were removed by hand")
        return following[0]

    def place(self) -> Place:
        """Return up to where entries were delivered; a lost or damaged mark means from the beginning.

        Delivering again is harmless: the database takes every entry once.
        """
        try:
            return msgspec.json.decode((self.folder / "delivered").read_bytes(), type=Place)
        except (FileNotFoundError, msgspec.DecodeError):
            return Place()

    def keep_place(self, place: Place) -> None:
        """Remember up to where entries were delivered, and delete the segments before."""
        fresh = self.folder / "delivered.new"
        fresh.write_bytes(msgspec.json.encode(place))
        fresh.replace(self.folder / "delivered")
        for number in self.segments():
            if number < place.segment:
                self.path(number).unlink()

    def read(self, place: Place, *, until: int | None, bytes_max: int = CHUNK) -> list[Line]:
        """Return the lines after `place` in its segment, about `bytes_max` of them.

        `until` is the offset up to which a segment that is still written may be read; None for one that is
        finished, whose rest without a newline is a torn line.
        """
        limit = bytes_max
        with self.path(place.segment).open("rb") as file:
            while True:
                file.seek(place.offset)
                wanted = limit if until is None else min(limit, until - place.offset)
                data = file.read(wanted)
                last = data.rfind(b"\n")
                if last >= 0 and len(data) == limit:
                    data = data[: last + 1]  # the rest comes with the next read
                elif last < 0 and len(data) == limit and limit < LINE_MAX:
                    limit = LINE_MAX
                    continue
                return list(scan(data, place.offset))

    def set_aside(self, raw: bytes, *, at: float, reason: str) -> None:
        """Keep a line that nobody takes in `rejected.jsonl`, with the reason, and sync it."""
        told = {"at": at, "reason": reason, "line": raw.decode("utf-8", "backslashreplace")}
        path = self.folder / "rejected.jsonl"
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, msgspec.json.encode(told) + b"\n")
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def _sync_folder(self) -> None:
        fd = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
