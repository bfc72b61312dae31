"""Ending background tasks for certain."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_S = 0.5
"""On Python 3.11 `asyncio.wait_for` inside a library may swallow one cancellation; then it is repeated."""


async def end(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel these tasks and return when all of them have ended; None and ended ones are passed over."""
    left = {task for task in tasks if task is not None and not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)
