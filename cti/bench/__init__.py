"""`hotline bench`: measurements that anybody can repeat, each beside what it is compared with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from cti.bench.errors import BenchError
from cti.bench.options import Options, Recording
from cti.bench.result import Result, as_json, as_text
from cti.launcher import Steps

__all__ = ["KNOWN", "BenchError", "Benchmark", "Options", "Recording", "Result", "known", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One named measurement; its module is imported only when it runs."""

    name: str  # on the command line
    about: str  # what it measures, one line
    module: str  # has `measure(options, steps) -> Result` and `steps(options) -> int`
    defaults: Options = field(default_factory=Options)  # for what the command line does not say

    def measure(self, options: Options, steps: Callable[[int], Steps]) -> Result:
        """Run it. Raises HotlineError when it cannot be run."""
        module = import_module(self.module)
        result: Result = module.measure(options, steps(module.steps(options)))
        return result


KNOWN: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark(
            name="calls",
            about="calls a second through flow and router, beside a plain dialplan on the same Asterisk",
            module="cti.bench.calls",
        ),
        Benchmark(
            name="pick",
            about="an agent hangs up with citizens waiting -> INVITE at that agent, beside app_queue",
            module="cti.bench.pick",
            defaults=Options(rate=20.0, seconds=45.0, rounds=2, agents=300),
        ),
        Benchmark(
            name="answer",
            about="the agent's key in a real browser -> citizen and agent hear one another (WebRTC)",
            module="cti.bench.answer",
            defaults=Options(rounds=20),
        ),
        Benchmark(
            name="failover",
            about="kill -9 of the line's leader -> the next caller assigned, with real Redis and 300 agents",
            module="cti.bench.failover",
            defaults=Options(rounds=40, agents=300),
        ),
        Benchmark(
            name="router",
            about="assignments a second in the pure router, and how their cost grows with the line",
            module="cti.bench.router",
            defaults=Options(seconds=3.0, rounds=5),
        ),
        Benchmark(
            name="erlang",
            about="waits of the simulator with the real router, beside Erlang-C's exact ones",
            module="cti.bench.erlang",
        ),
        Benchmark(
            name="asr",
            about="calls at once with captions in time on this machine, beside plain Vosk",
            module="cti.bench.asr",
            defaults=Options(seconds=30.0, rounds=1, calls=24),
        ),
        Benchmark(
            name="fanout",
            about="one event to 1,000 pages, 50 times a second, beside sending to one after another",
            module="cti.bench.fanout",
            defaults=Options(rate=50.0, seconds=20.0, rounds=1, clients=1000),
        ),
        Benchmark(
            name="orders",
            about="answers of lists, searches, inboxes and clocks among a million orders, beside plain SQL",
            module="cti.bench.orders",
            defaults=Options(seconds=10.0, rounds=100, orders=1_000_000),
        ),
        Benchmark(
            name="orders-kill",
            about="orders brought while the server is killed with -9: none lost, none there twice",
            module="cti.bench.orders_kill",
            defaults=Options(rounds=20, orders=10_000),
        ),
        Benchmark(
            name="text",
            about="how right and how fast drafts are, beside reading each call anew",
            module="cti.bench.text",
            defaults=Options(rounds=3),
        ),
    )
}
"""All benchmarks; a new one is one more line here."""


def known() -> str:
    """All names with what they measure, a line each."""
    return "\n".join(f"  {benchmark.name:<11} {benchmark.about}" for benchmark in KNOWN.values())


def run(name: str, given: Mapping[str, Any], *, as_object: bool, say: Callable[[object], None]) -> int:
    """Run one benchmark and say its result: one JSON object, or lines for a person.

    `given` are those of its options (see `Options`) that are not to be the default.

    Progress goes to standard error. The status is 0 when something was measured, also below the aim.

    Raises:
        BenchError: there is no such benchmark, an option is out of bounds, or it cannot be measured here.
        HotlineError: a part of the system did not start.
    """
    benchmark = KNOWN.get(name)
    if benchmark is None:
        raise BenchError(f"there is no benchmark {name!r}; there are:\n{known()}")
    options = replace(benchmark.defaults, **given)
    options.check()
    result = benchmark.measure(options, lambda total: Steps(total, sys.stderr))
    say(as_json(result) if as_object else as_text(result))
    return 0
