"""Virus scanning of files: a command of the city's, or a daemon that takes a stream (INSTREAM)."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from cti.tasks import aside

__all__ = ["CommandScanner", "NoScanner", "Scanner", "StreamScanner", "Verdict", "scanner_for"]

LIMIT_S = 60.0
CHUNK = 65_536
ANSWER_MAX = 1024


class Verdict(StrEnum):
    """What a scan came to."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNKNOWN = "unknown"  # the scanner is away, or could not tell


class Scanner(Protocol):
    """One way to scan."""

    @property
    def scans(self) -> bool:
        """False: there is no scanner, and files are given out without having been scanned."""
        ...

    async def scan(self, path: Path) -> Verdict:
        """Scan a file; never raises for what the scanner does."""
        ...


class NoScanner:
    """There is none."""

    scans = False

    async def scan(self, path: Path) -> Verdict:
        """Tell nothing."""
        return Verdict.UNKNOWN


class CommandScanner:
    """Runs a command with the file's path: exit status 0 is clean, 1 infected, anything else not scanned."""

    scans = True

    def __init__(self, command: str, *, limit_s: float = LIMIT_S) -> None:
        self._command = tuple(shlex.split(command))
        self._limit_s = limit_s

    async def scan(self, path: Path) -> Verdict:
        """Run it."""
        none = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, str(path), stdin=none, stdout=none, stderr=none
            )
        except OSError:
            return Verdict.UNKNOWN
        try:
            async with asyncio.timeout(self._limit_s):
                status = await process.wait()
        except TimeoutError:
            return Verdict.UNKNOWN
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return {0: Verdict.CLEAN, 1: Verdict.INFECTED}.get(status, Verdict.UNKNOWN)


class StreamScanner:
    """Sends the file to a clamd-like daemon: `zINSTREAM`, chunks with their length before them, an empty one.

    The answer ends in `OK` or `FOUND` (clamd's manual, COMMANDS).
    """

    scans = True

    def __init__(self, address: str, *, limit_s: float = LIMIT_S) -> None:
        """`address`: host:port, or the path of a Unix socket."""
        self._address = address
        self._limit_s = limit_s

    async def scan(self, path: Path) -> Verdict:
        """Send it."""
        try:
            async with asyncio.timeout(self._limit_s):
                said = await self._ask(path)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return Verdict.UNKNOWN
        if said.endswith(b" FOUND"):
            return Verdict.INFECTED
        return Verdict.CLEAN if said.endswith(b" OK") else Verdict.UNKNOWN

    async def _ask(self, path: Path) -> bytes:
        host, _, port = self._address.rpartition(":")
        if host and port.isdecimal():
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        else:
            reader, writer = await asyncio.open_unix_connection(self._address)
        try:
            writer.write(b"zINSTREAM\0")
            with path.open("rb") as file:
                while chunk := await aside(file.read, CHUNK):
                    writer.write(len(chunk).to_bytes(4, "big") + chunk)
                    await writer.drain()
            writer.write(bytes(4))
            await writer.drain()
            return (await reader.read(ANSWER_MAX)).strip(b"\0\r\n ")
        finally:
            writer.close()


def scanner_for(command: str, socket: str) -> Scanner:
    """Return the scanner that the settings name; the socket counts when both are set."""
    make: Callable[[], Scanner] = NoScanner
    if command:
        make = lambda: CommandScanner(command)  # noqa: E731
    if socket:
        make = lambda: StreamScanner(socket)  # noqa: E731
    return make()
