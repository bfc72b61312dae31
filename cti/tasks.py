"""Work beside the event loop, and ending tasks for certain."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

AGAIN_S = 0.5
"""On Python 3.11 `asyncio.wait_for` inside a library may swallow one cancellation; then it is repeated."""


async def end(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel these tasks and return when all of them have ended; None and ended ones are passed over."""
    left = {task for task in tasks if task is not None and not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)


async def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do slow work in a thread that nobody waits for when this is cancelled and the process ends.

    `asyncio.to_thread` would hold the process until a download is over, however often Ctrl-C is pressed.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, failure = None, None
        try:
            result = work(*args, **kwargs)
        except Exception as error:
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, daemon=True, name="aside").start()
    return await done
