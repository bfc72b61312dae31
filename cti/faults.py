"""Where an exception came from, told without its message (which may quote a citizen's words or number)."""

from __future__ import annotations

import traceback
from pathlib import PurePath

__all__ = ["fault_site"]


def fault_site(error: BaseException) -> str:
    """Name the exception's type and the innermost source line, e.g. ``KeyError at call.py:41``.

    Log lines carry this instead of a traceback: messages of exceptions often quote the value that was
    refused, and that value may be a citizen's.
    """
    frames = traceback.extract_tb(error.__traceback__)
    kind = type(error).__name__
    if not frames:
        return kind
    return f"{kind} at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}"
