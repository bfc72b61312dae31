"""One running Asterisk, started in the foreground as a child of this process."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from asterisk_conf.errors import ProcessError
from asterisk_conf.provide import AsteriskInstall

_CLI_SECONDS = 20.0
_TERM_SECONDS = 5.0
_POLL_SECONDS = 0.05


class AsteriskProcess:
    """Starts, asks and stops one Asterisk.

    Args:
        install: which Asterisk.
        instance: folder written by :func:`asterisk_conf.render.render`; its ``etc/asterisk.conf`` is used.
        launcher: words put before the command line, for example a program that sets limits.
    """

    def __init__(self, install: AsteriskInstall, instance: Path, *, launcher: Sequence[str] = ()) -> None:
        self._install = install
        self._config = instance / "etc" / "asterisk.conf"
        self._console = instance / "log" / "console.log"
        self._launcher = tuple(launcher)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def returncode(self) -> int | None:
        """Exit status after it ended; minus the signal number when a signal ended it."""
        return self._process.returncode if self._process is not None else None

    async def start(self) -> None:
        """Start Asterisk in its own process group; its console goes to ``log/console.log``.

        Raises:
            ProcessError: it runs already, or cannot be executed.
        """
        if self.pid is not None:
            raise ProcessError(f"Asterisk runs already with pid {self.pid}; stop it first")
        with self._console.open("ab") as console:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._launcher,
                    *self._install.command,
                    "-C",
                    str(self._config),
                    "-f",
                    "-n",
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=console,
                    stderr=console,
                    env=os.environ | self._install.env,
                    process_group=0,
                )
            except OSError as error:
                raise ProcessError(f"Asterisk cannot be started: {error}") from error

    async def wait_booted(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109 - part of the call's meaning
        """Wait until every module is loaded.

        Raises:
            ProcessError: it ended, or ``timeout`` seconds passed; the message quotes the console.
        """
        try:
            async with asyncio.timeout(timeout):
                while True:
                    if self.pid is None:
                        raise ProcessError(f"Asterisk ended ({self.returncode}): {self._last_words()}")
                    # the console also ends well when Asterisk gives up while it boots: look at the words
                    _, output = await self._remote("core waitfullybooted")
                    if "fully booted" in output:
                        return
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise ProcessError(
                f"Asterisk did not boot within {timeout:.0f} s: {self._last_words()}"
            ) from None

    async def cli(self, command: str) -> str:
        """Run a console command and return what it prints.

        Raises:
            ProcessError: Asterisk cannot be reached or takes more than 20 s.
        """
        try:
            async with asyncio.timeout(_CLI_SECONDS):
                status, output = await self._remote(command)
        except TimeoutError:
            raise ProcessError(f"Asterisk did not answer {command!r} within {_CLI_SECONDS:.0f} s") from None
        if status != 0:
            raise ProcessError(f"Asterisk refused {command!r}: {output.strip()[-300:]}")
        return output

    async def wait(self) -> int:
        """Wait until Asterisk ends by itself; return its exit status.

        Raises:
            ProcessError: it was never started.
        """
        if self._process is None:
            raise ProcessError("Asterisk was never started")
        return await self._process.wait()

    async def stop(self, grace: float = 0.0) -> None:
        """Stop Asterisk: refuse new calls for ``grace`` seconds while calls end, then stop, then kill."""
        if self.pid is None:
            return
        if grace > 0:
            try:
                await self.cli("core stop gracefully")
            except ProcessError:
                grace = 0.0  # it cannot be asked; the signal below does not need its console
        if grace > 0 and await self._ended_within(grace):
            return
        self._signal(signal.SIGTERM)
        if not await self._ended_within(_TERM_SECONDS):
            self._signal(signal.SIGKILL)
            await self.wait()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to Asterisk, for drills."""
        self._signal(number)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def _ended_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.wait()
        except TimeoutError:
            return False
        return True

    async def _remote(self, command: str) -> tuple[int, str]:
        """Run ``asterisk -rx``; return its exit status and output."""
        process = await asyncio.create_subprocess_exec(
            *self._install.command,
            "-C",
            str(self._config),
            "-rx",
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ | self._install.env,
        )
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        return process.returncode or 0, output.decode("utf-8", "replace")

    def _last_words(self) -> str:
        lines = self._console.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return " | ".join(lines[-5:]) or "the console is empty"
