"""Waiting for a condition that has no event of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], limit_s: float = 20.0) -> None:
    """Return once `condition` is true. Raises TimeoutError after `limit_s` seconds."""
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - the conditions here are states of many objects
            await asyncio.sleep(0.002)
