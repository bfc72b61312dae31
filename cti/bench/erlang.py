"""`hotline bench erlang`: waits of the simulator with the real router, beside Erlang-C's exact ones.

Waits of a busy centre vary so slowly that a hundred million calls are needed to know their mean to 1 %, and
the real router would take hours for them. So there are two levels (M. B. Giles, "Multilevel Monte Carlo path
simulation", 2008): the textbook's queue, call by call but without a router, is simulated for as many calls
as it takes; and simulator and router get some of the same kind of calls together with it, which tells how
much they differ. The simulated mean is the first plus the difference, its variance is the sum of both.
Erlang's formula is in neither.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from acd.erlang import ErlangC
from acd.policy import Choice, Policy, QueuePolicy, Skill
from acd.sim_ideal import Estimate, IdealQueue, estimate, waits
from acd.simulation import Shift, SimCall, simulate
from cti.bench.host import machine
from cti.bench.options import Options
from cti.bench.result import Result
from cti.launcher import Steps

AIM = 0.01
SEED = 12345
BATCH = 100_000
"""Calls whose mean counts as one value; thousands of times the calls after which the line has forgotten."""
ROUTER_CALLS = 60_000
ROUTER_BATCHES = 20
HANDLING_S = 288.0
NO_WAIT_S = 1e-6
"""Less than this is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One centre to be simulated."""

    erlang: float  # load
    agents: int
    batches: int  # of the ideal queue in each round

    @property
    def exact(self) -> ErlangC:
        """What the formula says."""
        return ErlangC(calls_per_s=self.erlang / HANDLING_S, handling_s=HANDLING_S, agents=self.agents)

    def __str__(self) -> str:
        return f"{self.erlang:g} Erl, {self.agents} agents"


LOADS = (
    Load(erlang=10.0, agents=12, batches=100),
    Load(erlang=100.0, agents=110, batches=600),
    Load(erlang=216.0, agents=236, batches=2000),
)

POLICY = Policy(
    skills=(Skill(name="general", title="综合"),),
    queues=(QueuePolicy(name="general", title="综合", needs={"general": 1}, wrap_up_s=0.0),),
    default_queue="general",
    choice=Choice.LONGEST_IDLE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What one level says of both means."""

    waited: Estimate  # share of calls that wait
    wait_s: Estimate  # mean wait


def steps(options: Options) -> int:
    """How many steps are told."""
    return len(LOADS)


def measure(options: Options, steps: Steps) -> Result:
    """Simulate all loads; `options.rounds` is how often the first level's calls are served."""
    before = machine()
    rows: list[dict[str, Any]] = []
    for load in LOADS:
        calls = options.rounds * load.batches * BATCH
        steps.next(f"{load}: {calls / 1e6:g} million calls, and {ROUTER_CALLS} through the router")
        rows.append(compare(load, options.rounds))
    last = rows[-1]
    worst = max(row[what]["off"] for row in rows for what in ("wait_probability", "mean_wait_s"))
    widest = max(row[what]["half_width"] for row in rows for what in ("wait_probability", "mean_wait_s"))
    apart = max(row["router"]["furthest_from_ideal_s"] for row in rows)
    return Result(
        name="erlang",
        value=last["mean_wait_s"]["simulated"],
        unit=f"s mean wait ({LOADS[-1]})",
        aim="shares that wait and mean waits within 1 % of Erlang-C, with 95 % confidence to 1 % or better",
        aim_met=worst <= AIM and widest <= AIM,
        peer=last["mean_wait_s"]["exact"],
        ratio=last["mean_wait_s"]["simulated"] / last["mean_wait_s"]["exact"],
        machine=before,
        details={
            "worst_off": worst,
            "widest_half_width": widest,
            "furthest_from_ideal_s": apart,
            "seed": SEED,
            "loads": rows,
        },
        lines=tuple(line for row in rows for line in _lines(row)),
    )


def compare(load: Load, rounds: int) -> dict[str, Any]:
    """Simulate one load on both levels and put it beside the exact values."""
    began = time.perf_counter()
    ideal = ideal_level(load, rounds * load.batches)
    ideal_took = time.perf_counter() - began
    began = time.perf_counter()
    difference, alone, furthest = router_level(load)
    took = time.perf_counter() - began
    exact = load.exact
    return {
        "load": load.erlang,
        "agents": load.agents,
        "ideal_calls": rounds * load.batches * BATCH,
        "ideal_seconds": round(ideal_took, 1),
        "wait_probability": _beside(exact.wait_probability, ideal.waited, difference.waited),
        "mean_wait_s": _beside(exact.mean_wait_s, ideal.wait_s, difference.wait_s),
        "router": {
            "calls": ROUTER_CALLS,
            "seconds": round(took, 1),
            "furthest_from_ideal_s": furthest,
            "wait_probability": alone.waited.mean,
            "wait_probability_half_width": alone.waited.half_width,
            "mean_wait_s": alone.wait_s.mean,
            "mean_wait_s_half_width": alone.wait_s.half_width,
        },
    }


def ideal_level(load: Load, batches: int) -> Level:
    """The first level: the textbook's queue, after a batch to get under way."""
    rate = load.erlang / HANDLING_S
    queue = IdealQueue(calls_per_s=rate, handling_s=HANDLING_S, agents=load.agents, seed=SEED)
    queue.batch(BATCH)
    served = [queue.batch(BATCH) for _ in range(batches)]
    controls = [(one.gap_s * rate - 1.0, one.handling_s / HANDLING_S - 1.0) for one in served]
    return Level(
        waited=estimate([one.waited for one in served], controls),
        wait_s=estimate([one.wait_s for one in served], controls),
    )


def router_level(load: Load) -> tuple[Level, Level, float]:
    """The second level: simulator and router beside the textbook's queue, on the same calls.

    Returns:
        The difference, what the router alone would say, and the greatest difference of any call's wait.
    """
    gaps, handling = (
        np.random.Generator(np.random.PCG64(one)) for one in np.random.SeedSequence((SEED, 2)).spawn(2)
    )
    arrivals = np.cumsum(gaps.exponential(HANDLING_S / load.erlang, ROUTER_CALLS)).tolist()
    talks = handling.exponential(HANDLING_S, ROUTER_CALLS).tolist()
    ideal = np.asarray(waits(arrivals, talks, load.agents))
    calls = [
        SimCall(call_id=f"c{number}", at=at, queue="general", talk_s=talk)
        for number, (at, talk) in enumerate(zip(arrivals, talks, strict=True))
    ]
    shifts = [
        Shift(agent_id=f"a{number}", at=0.0, until=math.inf, skills={"general": 3})
        for number in range(load.agents)
    ]
    run = simulate(POLICY, calls, shifts)
    routed = np.asarray([math.nan if one.waited_s is None else one.waited_s for one in run.calls])
    apart = routed - ideal
    waited = (routed > NO_WAIT_S).astype(np.float64)
    return (
        Level(waited=_batched(waited - (ideal > NO_WAIT_S)), wait_s=_batched(apart)),
        Level(waited=_batched(waited), wait_s=_batched(routed)),
        float(np.abs(apart).max()),
    )


def _batched(values: Any) -> Estimate:
    """Batch means, without the first batch, in which the centre fills."""
    return estimate(values.reshape(ROUTER_BATCHES, -1).mean(axis=1)[1:].tolist())


def _beside(exact: float, ideal: Estimate, difference: Estimate) -> dict[str, float]:
    simulated = ideal.mean + difference.mean
    return {
        "exact": exact,
        "simulated": simulated,
        "off": abs(simulated / exact - 1.0),
        "half_width": math.hypot(ideal.half_width, difference.half_width) / exact,
    }


def _lines(row: dict[str, Any]) -> list[str]:
    router = row["router"]
    lines = [f"{row['load']:g} Erl, {row['agents']} agents ({row['ideal_calls'] / 1e6:g} million calls):"]
    for what, name in (("wait_probability", "share that waits"), ("mean_wait_s", "mean wait, s")):
        one = row[what]
        lines.append(
            f"  {name}: simulated {one['simulated']:.5f}, Erlang-C {one['exact']:.5f}, "
            f"{100 * (one['simulated'] / one['exact'] - 1):+.2f} % ± {100 * one['half_width']:.2f} %"
        )
    lines.append(
        f"  router: {router['calls']} calls in {router['seconds']:g} s, no wait further than "
        f"{router['furthest_from_ideal_s']:.1e} s from the textbook's queue"
    )
    return lines
