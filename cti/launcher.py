"""`hotline up`: everything on one machine, set up step by step, kept running, stopped in order."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import aiohttp

from asterisk_conf import provide
from asterisk_conf.config import AsteriskConfig
from asterisk_conf.debs import die_with_us as die_with_us
from asterisk_conf.errors import AsteriskConfError
from asterisk_conf.process import AsteriskProcess
from asterisk_conf.render import render
from cti import deskbuild, machine, openports
from cti.children import Child
from cti.control.taps import NO_WORKER
from cti.errors import StartError
from cti.faults import fault_site
from cti.secrets import Secrets
from cti.settings import Settings
from cti.tasks import aside
from cti.valkey import EmbeddedValkey

log = logging.getLogger(__name__)

READY_S = 60.0
CAPTIONS_S = 30.0
CHILD_GRACE_S = 8.0
INTERRUPTED = 130
"""Exit status of what was stopped half-way."""
SECRET_NAMES = ("sip_key",)


class Steps:
    """Tells a person at the terminal what is being done; everything goes to standard error."""

    def __init__(self, total: int, stream: IO[str] = sys.stderr) -> None:
        self._total = total
        self._count = 0
        self._stream = stream
        self._began = time.monotonic()
        self._last = ""

    def next(self, what: str) -> None:
        """Begin the next step."""
        self._count += 1
        self._say(f"[{self._count}/{self._total}] {what}")

    def detail(self, what: str) -> None:
        """Say what a step is doing just now; the same words twice are said once."""
        if what != self._last:
            self._last = what
            self._say(f"      {what}")

    def done(self, what: str) -> None:
        """Say how it ended and how long it took."""
        self._say(f"[{self._count}/{self._total}] {what} ({time.monotonic() - self._began:.1f} s)")

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class Stack:
    """Asterisk, Valkey, server, recogniser and watchdog of one instance."""

    def __init__(
        self,
        settings: Settings,
        *,
        instance: str,
        config_file: Path | None,
        steps: Steps,
        adjust: Callable[[AsteriskConfig], AsteriskConfig] = lambda config: config,
        desk: bool = True,
    ) -> None:
        """`adjust` changes the embedded Asterisk's configuration before it is written."""
        self.settings = settings
        self.secrets = Secrets(settings.home / "secrets.json")
        self._instance = instance
        self._config_file = config_file
        self._steps = steps
        self._adjust = adjust
        self._desk = desk
        self._lock: IO[str] | None = None
        self._valkey: EmbeddedValkey | None = None
        self.asterisk: AsteriskProcess | None = None
        self.children: dict[str, Child] = {}

    @property
    def web(self) -> str:
        """Address of the pages."""
        web = self.settings.web
        scheme = "https" if web.tls_certificate else "http"
        return f"{scheme}://{machine.reachable(web.host)}:{web.port}"

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the parts that run here now."""
        parts = {
            "asterisk": self.asterisk.pid if self.asterisk is not None else None,
            "valkey": self._valkey.pid if self._valkey is not None else None,
            **{name: child.pid for name, child in self.children.items()},
        }
        return {name: pid for name, pid in parts.items() if pid is not None}

    async def __aenter__(self) -> Stack:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Set up what is missing and start everything. Raises StartError and SettingError."""
        settings, steps = self.settings, self._steps
        machine.check_home(settings)
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings.cache.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        for key, place, reason in openports.taken(settings):
            raise StartError(key, f"{place}: {reason}", f"stop what listens there, or set {key}")
        for name in (
            *SECRET_NAMES,
            *(f"ami.{address.name}" for address in machine.ami_addresses(settings, self.secrets)),
        ):
            self.secrets.get(name)
        steps.next("网页桌面")
        if self._desk:
            await aside(deskbuild.build, settings.cache, steps.detail)
        steps.next("语音识别模型")
        steps.detail(await aside(self._find_model))
        steps.next("实时状态库 (Valkey)")
        await self._start_valkey()
        steps.next("Asterisk")
        await self._start_asterisk()
        steps.next("呼叫服务 (serve)")
        await self._start_child("serve")
        await self._wait_ready()
        steps.next("转写与看护进程 (asr, watch)")
        await self._start_child("watch")
        if settings.recognition.enabled:
            await self._start_child("asr")
            await self._wait_captions()
        steps.done(f"已就绪：{self.web}")

    async def stop(self) -> None:
        """Stop everything in the reverse order; calls in Asterisk end with it."""
        for name in ("watch", "asr", "serve"):
            child = self.children.pop(name, None)
            if child is not None:
                await child.stop(CHILD_GRACE_S)
        if self.asterisk is not None:
            await self.asterisk.stop()
        if self._valkey is not None:
            await self._valkey.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def failed(self) -> str:
        """Wait until a part has failed for good; return which one."""
        waits: dict[asyncio.Future[object], str] = {
            asyncio.ensure_future(child.failed.wait()): name for name, child in self.children.items()
        }
        if self.asterisk is not None:
            waits[asyncio.ensure_future(self._asterisk_gone(self.asterisk))] = "asterisk"
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return waits[done.pop()]
        finally:
            for wait in waits:
                wait.cancel()

    # ------------------------------------------------------------ parts

    def _take_lock(self) -> None:
        path = self.settings.home / "lock"
        self._lock = path.open("a", encoding="ascii")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartError(
                f"instance {self._instance}", f"{path} is locked", "it runs already; stop that one first"
            ) from None

    def _find_model(self) -> str:
        from asr.errors import NoModel
        from asr.model import find_model

        recognition = self.settings.recognition
        if not recognition.enabled:
            return "已关闭 (recognition.enabled = false)"
        try:
            found = find_model(
                Path(recognition.model) if recognition.model else None,
                self.settings.cache,
                progress=lambda step, _: self._steps.detail(step),
            )
        except NoModel as error:
            return f"没有字幕：{error}"
        return f"{found.path.name}"

    async def _start_valkey(self) -> None:
        if self.settings.redis_url:
            self._steps.detail("使用设置中的 Redis")
            return
        self._valkey = EmbeddedValkey(self.settings.home / "valkey")
        await self._valkey.start()
        self.settings = replace(self.settings, redis_url=self._valkey.url)

    async def _start_asterisk(self) -> None:
        settings = self.settings
        if not settings.asterisk.embedded:
            self._steps.detail("使用设置中的 Asterisk 节点")
            return
        try:
            install = await aside(
                provide.find, settings.cache, lambda step: self._steps.detail(machine.unpacking(step))
            )
            settings.recordings.mkdir(parents=True, exist_ok=True)
            folder = settings.home / "asterisk"
            render(self._adjust(machine.asterisk_config(settings, self.secrets, install)), folder)
            self.asterisk = AsteriskProcess(install, folder, launcher=die_with_us())
            await self.asterisk.start()
            await self.asterisk.wait_booted()
        except AsteriskConfError as error:
            raise StartError(
                "Asterisk", str(error), "mend what it names, or use one of your own (docs/operations.md)"
            ) from error
        self._steps.detail(f"Asterisk {'.'.join(map(str, install.version))}")

    async def _start_child(self, name: str) -> None:
        arguments = [name, "--instance", self._instance]
        if self._config_file is not None:
            arguments += ["--config", str(self._config_file)]
        child = Child(
            name,
            arguments,
            log_file=self.settings.home / "log" / f"{name}.log",
            environment={"HOTLINE_REDIS_URL": self.settings.redis_url},
        )
        self.children[name] = child
        await child.start()

    async def _wait_ready(self) -> None:
        """Wait until the server takes calls."""
        deadline = time.monotonic() + READY_S
        async with aiohttp.ClientSession() as client:
            while time.monotonic() < deadline:
                if self.children["serve"].failed.is_set():
                    break
                if await _readiness(client, f"{self.web}/readyz"):
                    return
                await asyncio.sleep(0.1)
        file = self.settings.home / "log" / "serve.log"
        raise StartError("serve", f"does not become ready: {_last_line(file)}", f"Read {file}")

    async def _wait_captions(self) -> None:
        """Wait until legs can be transcribed; without that everything else works, so it is only said."""
        deadline = time.monotonic() + CAPTIONS_S
        found: dict[str, Any] = {}
        async with aiohttp.ClientSession() as client:
            while time.monotonic() < deadline:
                found = await _readiness(client, f"{self.web}/readyz")
                if found.get("captions"):
                    return
                if found.get("captions_reason") not in ("", NO_WORKER):
                    break
                await asyncio.sleep(0.2)
        self._steps.detail(f"没有字幕：{found.get('captions_reason') or '转写进程还没有就绪'}")

    @staticmethod
    async def _asterisk_gone(process: AsteriskProcess) -> None:
        await process.wait()


async def _readiness(client: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    """What /readyz says when calls can be served; {} otherwise."""
    try:
        async with client.get(url, ssl=False, timeout=aiohttp.ClientTimeout(total=2)) as answer:
            told: dict[str, Any] = await answer.json() if answer.status == 200 else {}
            return told
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return {}


def _last_line(file: Path) -> str:
    """The last line of a log, for a person."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "it wrote no log"
    return lines[-1][-500:] if lines else "its log is empty"


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that SIGTERM, SIGINT and, unless `nohup` says otherwise, SIGHUP set."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, stopping.set)
    try:
        yield stopping
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def unless_stopped(work: Coroutine[Any, Any, int], stopping: asyncio.Event) -> int:
    """Do the work and return its exit status; when `stopping` is set first, let it clean up, return 130."""
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(stopping.wait())
    await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("stopping failed", extra={"fault": fault_site(error)})
    return INTERRUPTED


async def up(
    settings: Settings, instance: str, config_file: Path | None, say: Callable[[Stack], None]
) -> int:
    """Run everything until SIGTERM or SIGINT; return the exit status: 0, or 130 when still starting."""
    stack = Stack(settings, instance=instance, config_file=config_file, steps=Steps(6))
    started = False

    async def run() -> int:
        nonlocal started
        async with stack:
            started = True
            say(stack)
            part = await stack.failed()
            raise StartError(part, "ended for good", f"Read the logs in {settings.home / 'log'}")

    with stop_signals() as stopping:
        status = await unless_stopped(run(), stopping)
    return 0 if started and status == INTERRUPTED else status
