"""The directory in force: taken up again when its file changes, kept when the newer file is wrong."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from cti.control.directory import Directory, DirectoryError, load_directory
from cti.tasks import end

log = logging.getLogger(__name__)

LOOK_S = 2.0
"""How often the file is looked at; a change counts when two looks see the same."""

Mark = tuple[int, int] | None


class DirectoryShelf:
    """One file, and what was last read from it without an error."""

    def __init__(self, path: Path, *, look_s: float = LOOK_S) -> None:
        """Read the file. Raises DirectoryError."""
        self._path = path
        self._look_s = look_s
        self._read: Mark = self._mark()
        self._seen: Mark = self._read
        self._task: asyncio.Task[None] | None = None
        self.current: Directory = load_directory(path)
        self.refused = ""  # why a newer file is not in force

    async def read_from(self, path: Path) -> None:
        """Take up this file now, and look at it from now on."""
        self._path = path
        self._read = self._seen = await asyncio.to_thread(self._mark)
        await self._take_up()

    def start(self) -> None:
        """Begin to look at the file."""
        self._task = asyncio.create_task(self._keep_looking(), name="directory")

    async def stop(self) -> None:
        """Stop looking."""
        await end(self._task)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            mark = await asyncio.to_thread(self._mark)
            settled, self._seen = mark == self._seen, mark
            if settled and mark != self._read:
                self._read = mark
                await self._take_up()

    async def _take_up(self) -> None:
        try:
            self.current = await asyncio.to_thread(load_directory, self._path)
        except DirectoryError as error:
            self.refused = str(error)
            log.error("newer directory refused, the old one stays in force", extra={"reason": self.refused})
            return
        self.refused = ""
        log.info("newer directory in force", extra={"entries": len(tuple(self.current))})

    def _mark(self) -> Mark:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
