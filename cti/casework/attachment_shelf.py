"""Where files' contents lie: each under its own SHA-256, in a folder that all servers see."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cti.tasks import aside
from orders.file_types import HEAD

__all__ = ["AttachmentShelf", "Received", "TooLarge", "digest_of"]

PIECE = 1 << 20


class TooLarge(Exception):
    """More bytes came than may."""


@dataclass(frozen=True, slots=True)
class Received:
    """A content that came, before it is kept."""

    path: Path  # where it lies for now
    head: bytes  # its beginning
    size: int  # bytes
    digest: str  # SHA-256, hexadecimal


class AttachmentShelf:
    """Contents by digest. OSError passes through."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, digest: str) -> Path:
        """Return where a content lies, or would."""
        return self._folder / digest[:2] / digest[2:4] / digest

    @asynccontextmanager
    async def receiving(self, parts: AsyncIterator[bytes], *, most: int) -> AsyncIterator[Received]:
        """Take a content in pieces; it is there until the block ends. Raises TooLarge."""
        incoming = self._folder / "incoming"
        await aside(incoming.mkdir, parents=True, exist_ok=True, mode=0o700)
        fresh = incoming / secrets.token_hex(16)
        whole, head, size = hashlib.sha256(), b"", 0
        try:
            with await aside(_opened, fresh) as file:
                async for part in parts:
                    size += len(part)
                    if size > most:
                        raise TooLarge
                    head += part[: HEAD - len(head)]
                    whole.update(part)
                    await aside(file.write, part)
            yield Received(fresh, head, size, whole.hexdigest())
        finally:
            await aside(fresh.unlink, missing_ok=True)

    async def keep(self, received: Received) -> None:
        """Put a content where it stays, safely on the disk; nothing where it lies there already."""
        await aside(_keep, received.path, self.place(received.digest))

    async def drop(self, digest: str, wanted: Callable[[], Awaitable[bool]]) -> None:
        """Delete a content unless it is `wanted`, which is asked when nobody can find it any more."""
        place = self.place(digest)
        away = place.with_name(f"{digest}.gone")
        try:
            await aside(place.rename, away)
        except FileNotFoundError:
            return
        if await wanted():
            await aside(away.replace, place)
        else:
            await aside(away.unlink, missing_ok=True)


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file, None when there is none."""
    whole = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                whole.update(piece)
    except FileNotFoundError:
        return None
    return whole.hexdigest()


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _keep(fresh: Path, place: Path) -> None:
    if place.exists():
        return
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        os.link(fresh, place)
    except FileExistsError:
        return
    except OSError:  # this folder's file system has no second names
        copy = fresh.with_name(f"{fresh.name}.copy")
        shutil.copyfile(fresh, copy)
        copy.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
