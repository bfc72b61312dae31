"""Loopback addresses that no other test run is using.

Every server under test listens on well-known ports (5060, 5038, 4573 …) at an address of its own in
127.0.0.0/8. Blocks are taken with an exclusive lock on a file, so runs side by side never meet, and a killed
run leaves nothing behind: the kernel drops its lock.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FIRST = 40
"""Second octet of block 0; addresses below 127.40.0.0 are for servers started by hand."""
BLOCKS = 200


@dataclass(slots=True)
class LoopbackBlock:
    """The addresses 127.(40+number).0.1 to .250, held while the block is open."""

    number: int
    _used: int = field(default=0, repr=False)

    def address(self) -> str:
        """Return the next address of this block that nobody asked for yet.

        Raises:
            RuntimeError: after 250 addresses.
        """
        if self._used >= 250:
            raise RuntimeError(f"loopback block {self.number} has no address left; take another block")
        self._used += 1
        return f"127.{FIRST + self.number}.0.{self._used}"


def _open(lock: Path) -> int:
    """Open a lock file, made by whichever user came first; a lock needs no right to write."""
    try:
        return os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return os.open(lock, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)


@contextmanager
def loopback_block() -> Iterator[LoopbackBlock]:
    """Hold a block of loopback addresses that no other process holds.

    Raises:
        RuntimeError: when all blocks are taken.
    """
    folder = Path(tempfile.gettempdir())
    start = os.getpid() % BLOCKS  # spreads runs, so that a block is not reused the moment it is released
    for step in range(BLOCKS):
        number = (start + step) % BLOCKS
        handle = _open(folder / f"hotline-loopback-{number}.lock")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        try:
            yield LoopbackBlock(number)
        finally:
            os.close(handle)
        return
    raise RuntimeError(f"all {BLOCKS} loopback blocks are taken; end stray test runs")


@pytest.fixture
def loopback() -> Iterator[LoopbackBlock]:
    """A block of loopback addresses for one test."""
    with loopback_block() as block:
        yield block


@pytest.fixture(scope="module")
def module_loopback() -> Iterator[LoopbackBlock]:
    """A block of loopback addresses for the tests of one module."""
    with loopback_block() as block:
        yield block
