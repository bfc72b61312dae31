"""Exchanges with a store that may hang: each has an end, and what is given up leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def in_time(exchange: Callable[[], Awaitable[T]], deadline_s: float) -> T:
    """Run one exchange, but wait no longer than the deadline; raises TimeoutError, or what it raises.

    It has a task of its own: `asyncio.wait_for`, which the Redis client calls inside, swallows a cancellation
    that comes while it returns (Python before 3.12), and whoever waits must not be caught in that.
    """
    task = asyncio.ensure_future(exchange())
    try:
        done, _ = await asyncio.wait((task,), timeout=deadline_s)
        if not done:
            raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_forget_outcome)


def _forget_outcome(task: asyncio.Future[Any]) -> None:
    """Look at the outcome of an exchange that nobody waits for any more, so that asyncio reports nothing."""
    if not task.cancelled():
        task.exception()
