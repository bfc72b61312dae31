"""`hotline bench failover`: the line's leader is killed under load; how soon is the next caller assigned?

Three servers with the product's routing and a real Valkey, 300 agents, and a line that never empties.
Telephones, browsers and Asterisk's dialplan are played (`cti.bench.exchange`), and what is played is the
truth: every telephone that was rung twice, every caller who was overtaken or never served counts. Each round
kills the leader with SIGKILL and starts it again when somebody else leads.

Compared with: the lease's own time to live. Nobody may take over earlier, or two would lead at once.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from acd.lease import TTL_S
from cti.bench import host
from cti.bench.errors import BenchError
from cti.bench.exchange import Counts, Exchange, Load
from cti.bench.options import Options
from cti.bench.result import Result
from cti.bench.timings import percentile
from cti.launcher import Steps
from cti.valkey import EmbeddedValkey

AIM_P99_S = 3.0
SERVERS = ("one", "two", "three")
WARM_S = 8.0
BETWEEN_S = 2.0
ROUND_LIMIT_S = 30.0
DRAIN_S = 60.0


def steps(options: Options) -> int:
    """How many steps are told while measuring."""
    return 2 + options.rounds


def measure(options: Options, steps: Steps) -> Result:
    """Kill the leader `rounds` times with `agents` at their desks (300 by default).

    Raises:
        BenchError: nobody took over, or the servers do not start here.
    """
    machine = host.machine()
    with tempfile.TemporaryDirectory(prefix="hlf") as folder:
        taken_s, counts = asyncio.run(_measure(options, steps, Path(folder)))
    ordered = sorted(taken_s)
    p50, p95, p99 = (round(percentile(ordered, share), 3) for share in (0.5, 0.95, 0.99))
    clean = (counts.lost, counts.doubled, counts.misplaced) == (0, 0, 0)
    details: dict[str, Any] = {
        "kills": len(ordered),
        "agents": options.agents or Load().agents,
        "seconds_to_next_assignment": {
            "p50": p50, "p95": p95, "p99": p99, "longest": round(ordered[-1], 3),
        },
        **msgspec.to_builtins(counts),
    }  # fmt: skip
    return Result(
        name="failover",
        value=p99,
        unit="s from kill -9 of the leader to the next assignment (p99)",
        aim=f"p99 < {AIM_P99_S:g} s; lost, doubled, misplaced: 0, 0, 0",
        aim_met=p99 < AIM_P99_S and clean,
        peer=TTL_S,
        ratio=round(p99 / TTL_S, 3),
        machine=machine,
        details=details,
        lines=(
            f"{len(ordered)} kills: p50 {p50:.2f} s, p95 {p95:.2f} s, p99 {p99:.2f} s, "
            f"longest {ordered[-1]:.2f} s; the lease alone lives {TTL_S:g} s",
            f"lost {counts.lost}, doubled {counts.doubled}, misplaced {counts.misplaced} of "
            f"{counts.answered} calls answered; {counts.cut_short} rings died with their leader",
        ),
    )


async def _measure(options: Options, steps: Steps, folder: Path) -> tuple[list[float], Counts]:
    valkey = EmbeddedValkey(folder)
    await valkey.start()
    try:
        load = Load(agents=options.agents or Load().agents)
        async with Exchange(valkey.url, load) as exchange:
            steps.next("starting servers")
            await exchange.start(*SERVERS)
            exchange.begin()
            await asyncio.sleep(WARM_S)
            taken = []
            for number in range(options.rounds):
                steps.next(f"killing the leader, {number + 1} of {options.rounds}")
                taken.append(await _round(exchange))
            steps.next("serving who is left")
            await exchange.drain(DRAIN_S)
            return taken, exchange.counts
    finally:
        await valkey.stop()


async def _round(exchange: Exchange) -> float:
    """Kill the leader; returns the seconds until a ring under the next one. Raises BenchError."""
    deadline = time.monotonic() + ROUND_LIMIT_S
    while (leader := exchange.leader()) is None:
        if time.monotonic() > deadline:
            raise BenchError("nobody leads the line")
        await asyncio.sleep(0.05)
    first = math.inf
    taken = asyncio.Event()

    def rung(epoch: int, at: float) -> None:
        nonlocal first
        if epoch > leader.epoch:
            first = min(first, at)
            taken.set()

    exchange.on_ring = rung
    killed = time.monotonic()
    exchange.kill(leader)
    try:
        async with asyncio.timeout(ROUND_LIMIT_S):
            await taken.wait()
    except TimeoutError:
        raise BenchError(f"nobody took over within {ROUND_LIMIT_S:g} s") from None
    await exchange.start(leader.name)
    await asyncio.sleep(BETWEEN_S)
    return first - killed
