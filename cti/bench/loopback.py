"""Loopback addresses of a benchmark's own, so that well-known ports never meet another instance's."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cti.bench.errors import BenchError

FIRST, LAST = 241, 254
"""Second octets that benchmarks use."""


@contextmanager
def block() -> Iterator[str]:
    """Hold a block of addresses that no other benchmark holds; yields its beginning, like ``127.241.0``.

    The lock on a file goes with this process, however it ends.

    Raises:
        BenchError: all blocks are taken.
    """
    for octet in range(FIRST, LAST + 1):
        path = Path(tempfile.gettempdir()) / f"hotline-bench-{octet}.lock"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError:  # another user's
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        try:
            yield f"127.{octet}.0"
        finally:
            os.close(handle)
        return
    raise BenchError(f"{LAST - FIRST + 1} benchmarks run already; wait for one of them to end")
