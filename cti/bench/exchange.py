"""A telephone exchange, desks and citizens played for a line of headless servers, and a strict eye on it.

What rings where and who talks with whom is known here and nowhere else: a telephone that is rung while it
rings or talks for another caller counts as doubled, a caller whom a younger one overtook as misplaced, a
caller who never reached anybody as lost.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from cti.bench.errors import BenchError
from cti.launcher import die_with_us

SLACK_S = 1.0
"""Rings that were decided together may become known this much apart: who was to ring may belong to a server
that is just dying, and is asked for leave in vain for a moment (acd.cluster_lead.GRANT_S, and a tick)."""
SETTLED_S = 0.5
"""A caller counts as in line when their server has had them for so long."""
START_S = 60.0
LAST_MOMENT_S = 0.1
"""A ring that was decided so shortly before the leader was killed may have died with it."""
LISTED_EVERY_S = 5.0
"""As often servers compare Asterisk's channels with the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What happens at the exchange."""

    agents: int = 300  # at their desks, spread over the servers
    waiting: int = 40  # callers in line are topped up to this number
    answer_s: float = 0.3  # an agent picks up after about so long
    talk_s: float = 6.0  # a talk lasts about so long
    write_s: float = 0.2  # writing up takes so long
    page_back_s: float = 1.0  # a page whose server died is at another one within this time


@dataclass(slots=True)
class Caller:
    """One citizen."""

    call: str
    since: float  # when they began to wait, epoch seconds
    at: str | None = None  # server that has the line
    there_since: float = 0.0  # monotonic
    rings: str | None = None  # agent
    talks: str | None = None  # agent
    passed: float | None = None  # when a younger one was rung while this one waited (monotonic)


@dataclass(slots=True)
class Server:
    """One headless process."""

    name: str
    process: asyncio.subprocess.Process
    writer: asyncio.StreamWriter | None = None
    mode: str = ""
    epoch: int = 0
    stopped: bool = False


@dataclass(slots=True)
class Counts:
    """What must stay zero, and what was done."""

    doubled: int = 0
    misplaced: int = 0
    lost: int = 0
    answered: int = 0
    rings: int = 0
    cut_short: int = 0  # assigned in the leader's last moments, and assigned again by the next one
    worst_pass_s: float = 0.0  # how long a caller who was overtaken waited on at most


@dataclass(slots=True)
class Exchange:
    """See the module. Use as an asynchronous context manager."""

    redis_url: str
    load: Load = field(default_factory=Load)
    prefix: str = "bench:"
    chance: random.Random = field(default_factory=lambda: random.Random(12345))  # noqa: S311
    counts: Counts = field(default_factory=Counts)
    servers: dict[str, Server] = field(default_factory=dict)
    on_ring: Callable[[int, float], None] = lambda _epoch, _at: None
    log: list[str] = field(default_factory=list)
    _callers: dict[str, Caller] = field(default_factory=dict)
    _phones: dict[str, str | None] = field(default_factory=dict)
    _pages: dict[str, str | None] = field(default_factory=dict)
    _states: dict[str, str] = field(default_factory=dict)
    _made: int = 0
    _arriving: bool = False
    _folder: tempfile.TemporaryDirectory[str] | None = None
    _listener: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Exchange:
        self._folder = tempfile.TemporaryDirectory(prefix="hlx")
        self._listener = await asyncio.start_unix_server(self._connected, self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        for server in self.servers.values():
            if server.process.returncode is None:
                server.process.kill()
                await server.process.wait()
        if self._listener is not None:
            self._listener.close()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def _path(self) -> str:
        if self._folder is None:
            raise RuntimeError("the exchange is not open")
        return str(Path(self._folder.name) / "x")

    # ------------------------------------------------------------ servers

    async def start(self, *names: str) -> None:
        """Start these servers and wait until they take part. Raises BenchError."""
        for name in names:
            process = await asyncio.create_subprocess_exec(
                *die_with_us(), sys.executable, "-m", "cti.bench.member",
                name, self.prefix, self.redis_url, self._path,
                stderr=self._errors(name),
            )  # fmt: skip
            self.servers[name] = Server(name, process)
        deadline = time.monotonic() + START_S
        while not all(self.servers[name].mode for name in names):
            if time.monotonic() > deadline:
                raise BenchError(f"servers {', '.join(names)} did not take part within {START_S:g} s")
            await asyncio.sleep(0.02)

    def _errors(self, name: str) -> int:
        if self._folder is None:
            raise RuntimeError("the exchange is not open")
        path = Path(self._folder.name) / f"{name}.err"
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def said(self) -> str:
        """What the servers wrote to their standard error, the end of it."""
        if self._folder is None:
            return ""
        files = sorted(Path(self._folder.name).glob("*.err"))
        return "\n".join(f"{one.name}: {one.read_text(errors='replace')[-2000:]}" for one in files)

    def leader(self) -> Server | None:
        """Who leads, as the servers say; None when nobody (or more than one) does."""
        leading = [one for one in self._running() if one.mode == "leader"]
        newest = max((one.epoch for one in leading), default=0)
        leading = [one for one in leading if one.epoch == newest]
        return leading[0] if len(leading) == 1 else None

    def in_line(self) -> list[Caller]:
        """Callers who wait."""
        return [one for one in self._callers.values() if one.rings is None and one.talks is None]

    def kill(self, server: Server) -> None:
        """End it as a crash would."""
        server.process.kill()
        now = time.monotonic()
        for caller in self.in_line():
            if caller.passed is not None and now - caller.passed < LAST_MOMENT_S:
                caller.passed = None
                self.counts.cut_short += 1
        self._gone(server)

    def stop(self, server: Server) -> None:
        """Stop it without ending it; its callers go elsewhere as soon as the watchdog has seen it."""
        server.process.send_signal(signal.SIGSTOP)
        server.stopped = True
        self._after(1.0, self._rescue, server.name)
        for agent, at in self._pages.items():
            if at == server.name:
                self._after(self.chance.uniform(0.5, 1.5), self._page_moves, agent)

    def resume(self, server: Server) -> None:
        """Let it run again."""
        server.process.send_signal(signal.SIGCONT)
        server.stopped = False

    def _gone(self, server: Server) -> None:
        server.mode, server.writer = "", None
        self._rescue(server.name)
        for agent, at in self._pages.items():
            if at == server.name:
                self._pages[agent] = None
                self._after(self.chance.uniform(0.1, self.load.page_back_s), self._page_moves, agent)

    def _rescue(self, name: str) -> None:
        """Callers of a server that is gone: those who wait come to another one, a ring goes on."""
        if name in self.servers and not self.servers[name].stopped and self.servers[name].mode:
            return
        for caller in self._callers.values():
            if caller.at == name:
                caller.at = None
                if caller.rings is None and caller.talks is None:
                    self._after(self.chance.uniform(0.005, 0.05), self._enters, caller.call)

    def _running(self) -> list[Server]:
        return [one for one in self.servers.values() if one.writer is not None and not one.stopped]

    def _after(self, seconds: float, do: Callable[..., None], *what: object) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds)
            do(*what)

        task = asyncio.create_task(later())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ------------------------------------------------------------ people

    def begin(self) -> None:
        """Agents come to their desks and citizens call."""
        self._arriving = True
        for number in range(self.load.agents):
            agent = f"a{number:03d}"
            self._phones[agent], self._pages[agent] = None, None
            self._page_moves(agent)
        self._after(0.0, self._tick)
        self._after(LISTED_EVERY_S, self._list)

    async def drain(self, limit_s: float) -> None:
        """No more calls; whoever has not reached anybody after `limit_s` is lost."""
        self._arriving = False
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline and any(  # noqa: ASYNC110
            one.talks is None for one in self._callers.values()
        ):
            await asyncio.sleep(0.05)
        self.counts.lost += sum(one.talks is None for one in self._callers.values())

    def _tick(self) -> None:
        if self._arriving:
            in_line = sum(one.talks is None and one.rings is None for one in self._callers.values())
            for _ in range(min(20, self.load.waiting - in_line)):
                self._made += 1
                caller = Caller(f"c{self._made}", time.time())
                self._callers[caller.call] = caller
                self._enters(caller.call)
        for agent, at in self._pages.items():
            if at is None:
                continue
            if self._phones[agent] is None and self._states.get(agent) in (None, "not_ready", "wrap_up"):
                self._tell(at, "works", agent=agent)
        self._after(0.25, self._tick)

    def _list(self) -> None:
        """Show every server what talks."""
        talks = {one.call: one.talks for one in self._callers.values() if one.talks is not None}
        for server in self._running():
            self._tell(server.name, "listed", talks=talks)
        self._after(LISTED_EVERY_S, self._list)

    def _enters(self, call: str) -> None:
        caller, running = self._callers.get(call), self._running()
        if caller is None or caller.at is not None:
            return
        if not running:
            self._after(0.1, self._enters, call)
            return
        caller.at, caller.there_since = self.chance.choice(running).name, time.monotonic()
        self._tell(caller.at, "call", call=call, since=caller.since)

    def _page_moves(self, agent: str) -> None:
        running = self._running()
        if not running:
            self._after(0.1, self._page_moves, agent)
            return
        self._pages[agent] = at = self.chance.choice(running).name
        self._states.pop(agent, None)
        self._tell(at, "page", agent=agent)

    def _tell(self, name: str | None, do: str, **what: object) -> None:
        server = self.servers.get(name or "")
        if server is not None and server.writer is not None:
            server.writer.write(msgspec.json.encode({"do": do, **what}) + b"\n")

    # ------------------------------------------------------------ telephones

    def _rung(self, name: str, call: str, agent: str, epoch: int) -> None:
        now = time.monotonic()
        caller = self._callers.get(call)
        if caller is None or caller.at != name:
            return  # the line is gone meanwhile: Asterisk does not dial for it
        self.counts.rings += 1
        self.on_ring(epoch, now)
        if self._phones[agent] not in (None, call) or caller.rings not in (None, agent) or caller.talks:
            self.counts.doubled += 1
            self.log.append(f"doubled: {call} at {agent}, who has {self._phones[agent]}; {caller}")
            return
        if caller.passed is not None and now - caller.passed > SLACK_S:
            self.counts.misplaced += 1
            self.counts.worst_pass_s = max(self.counts.worst_pass_s, now - caller.passed)
            self.log.append(f"misplaced: {caller}, overtaken {now - caller.passed:.2f} s before")
        for other in self._callers.values():
            waits = other.rings is None and other.talks is None and other.at is not None
            if waits and other.since < caller.since and other.passed is None:
                server = self.servers[other.at or ""]
                if now - other.there_since > SETTLED_S and not server.stopped:
                    other.passed = now
        caller.rings, caller.passed, self._phones[agent] = agent, None, call
        self._after(self.load.answer_s * self.chance.uniform(0.5, 1.5), self._picked_up, call, agent)

    def _stopped_ringing(self, name: str, call: str, agent: str) -> None:
        caller = self._callers.get(call)
        if caller is not None and caller.at == name and caller.rings == agent:
            caller.rings = self._phones[agent] = None
            caller.there_since = time.monotonic()

    def _picked_up(self, call: str, agent: str) -> None:
        caller = self._callers.get(call)
        if caller is None or caller.rings != agent:
            return
        caller.rings, caller.talks = None, agent
        self.counts.answered += 1
        for name in self.servers:  # one that is stopped reads it when it wakes, as from Asterisk's socket
            self._tell(name, "answered", call=call, agent=agent)
        self._after(self.load.talk_s * self.chance.uniform(0.5, 1.5), self._hung_up, call, agent)

    def _hung_up(self, call: str, agent: str) -> None:
        running = self._running()
        if not running:
            self._after(0.1, self._hung_up, call, agent)
            return
        caller = self._callers.pop(call)
        self._phones[agent] = None
        at = caller.at if any(one.name == caller.at for one in running) else running[0].name
        self._tell(at, "over", call=call, agent=agent)

    # ------------------------------------------------------------ what servers say

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server: Server | None = None
        with suppress(ConnectionError):
            while line := await reader.readline():
                told = msgspec.json.decode(line, type=dict[str, Any])
                what = told.pop("say")
                if what == "hello":
                    server = self.servers[told["name"]]
                    server.writer = writer
                elif server is not None and server.writer is writer:
                    self._heard(server, what, told)
        writer.close()

    def _heard(self, server: Server, what: str, told: dict[str, Any]) -> None:
        match what:
            case "mode":
                server.mode, server.epoch = told["mode"], told["epoch"]
            case "ring":
                self._rung(server.name, told["call"], told["agent"], told["epoch"])
            case "stop":
                self._stopped_ringing(server.name, told["call"], told["agent"])
            case "agent":
                if self._pages.get(told["agent"]) == server.name:
                    self._states[told["agent"]] = told["state"]
