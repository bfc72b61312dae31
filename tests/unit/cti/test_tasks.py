"""Slow work beside the event loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cti.launcher import INTERRUPTED, unless_stopped
from cti.tasks import aside

ROOT = Path(__file__).resolve().parents[3]


async def test_the_result_comes_back() -> None:
    assert await aside(int, "7") == 7


async def test_an_error_comes_back() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await aside(int, "x")


def test_a_process_ends_although_the_work_goes_on() -> None:
    program = textwrap.dedent(
        """
        import asyncio, time
        from cti.tasks import aside

        async def main():
            try:
                async with asyncio.timeout(0.1):
                    await aside(time.sleep, 3600)
            except TimeoutError:
                print("given up")

        asyncio.run(main())
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout == "given up\n"


async def test_work_that_is_done_gives_its_status() -> None:
    async def work() -> int:
        return 3

    assert await unless_stopped(work(), asyncio.Event()) == 3


async def test_stopped_work_cleans_up_first() -> None:
    stopping = asyncio.Event()
    cleaned = []

    async def work() -> int:
        try:
            stopping.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)
        return 0

    assert await unless_stopped(work(), stopping) == INTERRUPTED
    assert cleaned == [True]
