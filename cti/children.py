"""Child processes of `hotline up`: started, watched, started again when they die."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

log = logging.getLogger(__name__)

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0
HEALTHY_S = 30.0
"""A child that lived this long starts again with the shortest wait."""

FINAL_EXIT = 78
"""Exit status (EX_CONFIG) of a child that must not be started again: its settings are wrong."""

PARENT_VARIABLE = "HOTLINE_PARENT"
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """In a child: end (SIGTERM) when the process that started us dies. Linux only; elsewhere nothing."""
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if not parent or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        sys.exit(1)


class Child:
    """One `hotline …` process that is kept running."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        *,
        log_file: Path,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.restarts = 0
        self._command = [sys.executable, "-m", "cti", *arguments]
        self._log_file = log_file
        self._environment = dict(environment or {})
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self.failed = asyncio.Event()  # set when it ended with FINAL_EXIT

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start it and keep it running."""
        await self._spawn()
        self._task = asyncio.create_task(self._keep(), name=f"child-{self.name}")

    async def stop(self, grace_s: float) -> None:
        """Ask it to end (SIGTERM), wait, and kill it when the time is over."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(grace_s):
                await process.wait()
        except TimeoutError:
            log.warning("child did not end in time, killed", extra={"child": self.name})
            process.kill()
            await process.wait()

    async def _spawn(self) -> None:
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("ab") as sink:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                process_group=0,  # Ctrl-C at the terminal is for the parent, which stops us in order
                env=os.environ | self._environment | {PARENT_VARIABLE: str(os.getpid())},
            )

    async def _keep(self) -> None:
        wait = FIRST_WAIT_S
        while self._process is not None:
            began = self._clock()
            status = await self._process.wait()
            if status == FINAL_EXIT:
                self.failed.set()
                return
            if self._clock() - began > HEALTHY_S:
                wait = FIRST_WAIT_S
            log.warning("child ended, starting it again", extra={"child": self.name, "status": status})
            self.restarts += 1
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)
            await self._spawn()
