"""`hotline bench fanout`: one event to a thousand pages, fifty times a second, beside sending one by one.

Server and pages are two processes; the pages look only for the bytes they need (`cti.bench.fanout_wire`), and
their processor time is told apart. A delay is from the moment an event was due until a page has read it, so
an event that the server made late counts as late. In one run the sides take turns on the same cores: the
naive way, ours, and ours with pages that do not read.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cti.bench.errors import BenchError
from cti.bench.host import machine
from cti.bench.loopback import block
from cti.bench.options import Options
from cti.bench.result import Result
from cti.children import PARENT_VARIABLE
from cti.launcher import Steps

AIM_P99_MS = 200.0
SLOW = 10
SETTLE_S = 1.5
"""After the last event, until what is still under way counts as lost."""
ANSWER_S = 120.0
SIDES = (("naive", 0), ("hotline", 0), ("hotline", SLOW))


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one way of sending showed, in one turn."""

    way: str  # "naive" or "hotline"
    slow: int  # pages that did not read
    events: int  # made
    server: Mapping[str, Any]  # what it used, and told of itself
    pages: Mapping[str, Any]  # what they received, and used
    load: float  # load average of the last minute when the turn began

    @property
    def p99_ms(self) -> float:
        """Of all deliveries."""
        found = self.pages["delay_ms"].get("p99")
        return float("inf") if found is None else float(found)

    @property
    def whole(self) -> bool:
        """Every page that reads got every event once, in order, with numbers that leave nothing out."""
        told = self.pages
        exact = told["fewest_events"] == told["most_events"] == self.events
        return bool(exact and not told["holes"] and not told["skipped"] and not told["broken"])


class _Child:
    """One of our modules in a process, spoken to in lines of JSON."""

    def __init__(self, process: asyncio.subprocess.Process, module: str) -> None:
        self._process = process
        self._module = module

    @classmethod
    async def start(cls, module: str) -> _Child:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=16 * 1024 * 1024,
            env={**os.environ, PARENT_VARIABLE: str(os.getpid())},
        )
        return cls(process, module)

    async def ask(self, what: object = None, *, within_s: float = ANSWER_S) -> dict[str, Any]:
        """Send a line and return the answer. Raises BenchError when there is none."""
        if self._process.stdin is None or self._process.stdout is None:
            raise BenchError(f"{self._module} has no pipes")
        try:
            self._process.stdin.write(msgspec.json.encode(what) + b"\n")
            await self._process.stdin.drain()
            async with asyncio.timeout(within_s):
                line = await self._process.stdout.readline()
            answer: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        except (TimeoutError, ConnectionError, msgspec.DecodeError) as error:
            raise BenchError(f"{self._module} does not answer ({type(error).__name__})") from None
        return answer

    async def stop(self) -> None:
        """End it."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


def steps(options: Options) -> int:
    """How many steps are told."""
    return options.rounds * len(SIDES)


def measure(options: Options, steps: Steps) -> Result:
    """Let the sides take turns, `options.rounds` times."""
    before = machine()
    with block() as network:
        sides = asyncio.run(_measure(options, steps, f"{network}.1"))
    ours = [side for side in sides if side.way == "hotline"]
    peers = [side for side in sides if side.way == "naive"]
    worst = max(side.p99_ms for side in ours)
    peer = max(side.p99_ms for side in peers)
    whole = all(side.whole for side in ours)
    return Result(
        name="fanout",
        value=worst,
        unit=f"ms from an event to {options.clients} pages, {options.rate:g} events/s (p99, worst turn)",
        aim=f"p99 < {AIM_P99_MS:g} ms, also with {SLOW} pages that do not read; nothing lost or reordered",
        aim_met=worst < AIM_P99_MS and whole,
        peer=peer,
        ratio=round(worst / peer, 3),
        machine=before,
        details={
            "peer_is": "the same aiohttp and event loop, where each page is encoded for and awaited in turn",
            "clients": options.clients,
            "events_per_s": options.rate,
            "nothing_lost_or_reordered": whole,
            "turns": [{**msgspec.to_builtins(side), "p99_ms": side.p99_ms} for side in sides],
        },
        lines=tuple(_line(side) for side in sides),
    )


def _line(side: Side) -> str:
    delay, server = side.pages["delay_ms"], side.server
    name = f"{side.way}, {side.slow} not reading" if side.slow else side.way
    return (
        f"{name}: p50 {delay.get('p50')} ms, p99 {delay.get('p99')} ms, longest {delay.get('longest')} ms; "
        f"own events p99 {side.pages['own_ms'].get('p99')} ms; {'whole' if side.whole else 'NOT whole'}; "
        f"{server['kib_per_client']} KiB a page ({server['kib_per_client_after']} afterwards); "
        f"CPU: server {server['cpu_s']} s, pages {side.pages['cpu_s']} s; load before {side.load}"
    )


async def _measure(options: Options, steps: Steps, host: str) -> list[Side]:
    sides = []
    for number in range(options.rounds):
        for way, slow in SIDES:
            steps.next(f"{way}, {slow} pages not reading, round {number + 1} of {options.rounds}")
            sides.append(await turn(options, host, way, slow))
    return sides


async def turn(options: Options, host: str, way: str, slow: int) -> Side:
    """Measure one way of sending, with `slow` further pages that do not read. Raises BenchError."""
    load = round(os.getloadavg()[0], 2)
    server = await _Child.start("cti.bench.fanout_server")
    pages = await _Child.start("cti.bench.fanout_clients")
    try:
        with tempfile.TemporaryDirectory(prefix="hlf") as home:
            order = {
                "way": way,
                "host": host,
                "home": home,
                "clients": options.clients + slow,
                "rate": options.rate,
                "seconds": options.seconds,
            }
            told = await server.ask(order)
            where = {"host": host, "port": told["port"], "tokens": told["tokens"], "slow": slow}
            await pages.ask(where)
            after = await server.ask(within_s=ANSWER_S + 10 * options.seconds)
            await asyncio.sleep(SETTLE_S)
            received = await pages.ask()
    finally:
        await pages.stop()
        await server.stop()
    return Side(
        way=way,
        slow=slow,
        events=int(options.rate * options.seconds),
        server=after,
        pages=received,
        load=load,
    )
