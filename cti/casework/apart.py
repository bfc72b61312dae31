"""Long work in a process of its own, one at a time, telling how far it is: calls go on meanwhile."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
from collections.abc import AsyncGenerator, Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from cti.children import PARENT_VARIABLE, die_with_parent
from cti.faults import fault_site
from cti.tasks import aside

__all__ = ["ApartFailed", "apart"]

log = logging.getLogger(__name__)

NICENESS = 10
"""Calls go first where there is too little processor."""

Work = Callable[..., Iterator[Any]]


class ApartFailed(Exception):
    """The process ended without its last word; `shown` says it to people."""

    shown = "后台进程意外结束，请重试；如仍失败请联系管理员查看日志"


async def apart(work: Work, *given: object) -> AsyncGenerator[Any, None]:
    """Run `work(*given)` (a function of a module) in another process, and yield what it yields.

    What goes over must be picklable. The process ends when the reader stops. Raises ApartFailed.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(os.getpid(), theirs, work, given), daemon=True)
    await asyncio.to_thread(process.start)
    theirs.close()
    try:
        while True:
            try:
                kind, value = await aside(ours.recv)
            except (EOFError, OSError):
                raise ApartFailed("the process died") from None
            if kind == "end":
                return
            if kind == "failed":
                raise ApartFailed(str(value))
            yield value
    finally:
        if process.is_alive():
            process.terminate()
        await asyncio.to_thread(process.join, 10.0)
        ours.close()


def _child(parent: int, pipe: Connection, work: Work, given: tuple[object, ...]) -> None:
    os.environ[PARENT_VARIABLE] = str(parent)
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when it is over
    os.nice(NICENESS)
    try:
        for value in work(*given):
            pipe.send(("value", value))
    except BrokenPipeError:
        return  # nobody reads on
    except Exception as error:  # whatever it is, the reader is told
        pipe.send(("failed", fault_site(error)))
    else:
        pipe.send(("end", None))
    finally:
        pipe.close()
