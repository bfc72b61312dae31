"""A round of learning in a process of its own, so that calls never wait for it.

The server starts `python -m cti.learning_round`, writes a Task to it as JSON (the database's address holds a
password and is nobody's business on a command line), and reads the Round that it came to.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from asr.errors import AsrError
from cti.children import PARENT_VARIABLE, die_with_parent
from cti.database import open_engine
from cti.errors import HotlineError
from cti.learning_orders import Round, learn_from_orders

NICE = 10
LONGEST_S = 3600.0
MAX_ANSWER = 10_000


class RoundFailed(HotlineError):
    """A round came to nothing; the message says why."""


class Task(msgspec.Struct):
    """What to learn from, and where to put it."""

    database: str  # address
    folder: str  # of models and taxonomy
    least: int  # orders that are needed
    keep: int  # versions that stay


class _Failed(msgspec.Struct):
    failed: str


def in_a_process(task: Task) -> Callable[[], Awaitable[Round]]:
    """Return what runs one round; a round that is given up is ended. Raises RoundFailed when it runs."""

    async def learn() -> Round:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cti.learning_round",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=Path(__file__).parent.parent,
            env={**os.environ, PARENT_VARIABLE: str(os.getpid())},
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                answer, _ = await process.communicate(msgspec.json.encode(task))
        except TimeoutError as error:
            raise RoundFailed(f"learning took longer than {LONGEST_S:.0f} s; look at the load") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        try:
            found = msgspec.json.decode(answer[:MAX_ANSWER], type=dict)
            if "failed" in found:
                raise RoundFailed(msgspec.convert(found, _Failed).failed)
            return msgspec.convert(found, Round)
        except msgspec.MsgspecError as error:
            raise RoundFailed(f"the learning process ended with status {process.returncode}") from error

    return learn


async def _round(task: Task) -> Round:
    engine = open_engine(task.database)
    try:
        return await learn_from_orders(engine, Path(task.folder), least=task.least, keep=task.keep)
    finally:
        await engine.dispose()


def main() -> int:
    """Read a Task, learn, write what it came to; return the exit status."""
    die_with_parent()
    os.umask(0o077)
    os.nice(NICE)
    task = msgspec.json.decode(sys.stdin.buffer.read(MAX_ANSWER), type=Task)
    try:
        found: Round | _Failed = asyncio.run(_round(task))
    except (AsrError, HotlineError, SQLAlchemyError, OSError) as error:
        text = str(error) if isinstance(error, AsrError | HotlineError) else type(error).__name__
        found = _Failed(text[:500])
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return 0 if isinstance(found, Round) else 1


if __name__ == "__main__":
    sys.exit(main())
