"""What can go wrong while measuring."""

from __future__ import annotations

from cti.errors import HotlineError


class BenchError(HotlineError):
    """A measurement cannot be made; the message says why and what to do."""
