"""`hotline bench calls`: calls a second through flow and router, beside a plain dialplan.

Both sides are the same build of Asterisk with the same settings, telephones, prompt and length of talk. They
take turns within one run, so that a machine that is busier at one time than at another shows itself.
"""

from __future__ import annotations

import asyncio
import math
import os
import resource
import signal
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

import msgspec

from asterisk_conf import provide
from asterisk_conf.errors import AsteriskConfError
from asterisk_conf.process import AsteriskProcess
from asterisk_conf.render import render
from cti import machine as configured
from cti.bench import host, instance, loopback, sipp
from cti.bench.desks import Desks
from cti.bench.errors import BenchError
from cti.bench.options import Options, Recording
from cti.bench.result import Result
from cti.bench.timings import Calls, Delays, Notebook, summary
from cti.launcher import Stack, Steps, die_with_us
from cti.settings import extensions

AIM_RATIO = 0.8
AIM_RATE = 50.0
TALK_S = 2.0
SPARE_TALK_S = 1.5
"""Agents are provided for talks that hold them so much longer than they last."""
SPARE_AGENTS = 10
DRAIN_S = 60.0
"""Calls that are offered last may take so long."""
SETTLE_S = 3.0
"""After the last call, what is still done for the calls (recordings, database) is measured, too."""
REGISTER_S = 10.0
START_S = 600.0
"""Setting everything up, with Asterisk and SIPp still to be fetched."""

HOTLINE, PLAIN = "hotline", "plain"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one process used during a phase."""

    cpu_s: float  # processor time
    cores: float  # of it in every second
    ms_per_call: float  # of it for every offered call
    rss_mb: float  # resident memory at the end, MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One side, offered calls for a while."""

    side: str  # hotline or plain
    seconds: float  # from the first call until all was done
    load: float  # load average of the last minute at the end
    calls: Calls  # what became of them
    processes: Mapping[str, Use]  # by process


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Where one side's calls go."""

    name: str  # hotline or plain
    target: str  # address of its Asterisk
    numbers: tuple[str, ...]  # that citizens dial, in turn


def steps(options: Options) -> int:
    """How many steps are told while it runs."""
    return 8 + 2 * options.rounds


def measure(options: Options, steps: Steps) -> Result:
    """Run the benchmark.

    Raises:
        HotlineError: it cannot be run; the message says why.
    """
    machine = host.machine()
    with loopback.block() as block, instance.temporary_home() as (home, cache):
        addresses = instance.Addresses.under(block)
        run = _Run(options, steps, home, cache, addresses)
        limit = START_S + 2 * options.rounds * (options.seconds + DRAIN_S + SETTLE_S + 30)
        phases = asyncio.run(within(run.run(), limit))
    return result(options, machine, phases, run.extra)


async def within(run: Coroutine[Any, Any, _T], limit: float) -> _T:
    """Run to the end, the limit, or a signal; whatever it is, everything that was started is stopped."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is not None:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        async with asyncio.timeout(limit):
            return await run
    except TimeoutError:
        raise BenchError(f"the benchmark was not over after {limit:.0f} s") from None
    except AsteriskConfError as error:
        raise BenchError(f"Asterisk: {error}") from error
    except asyncio.CancelledError:
        raise BenchError("stopped before it was over") from None
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


class _Run:
    """Everything that runs for one benchmark."""

    def __init__(
        self, options: Options, steps: Steps, home: Path, cache: Path, addresses: instance.Addresses
    ) -> None:
        self._options = options
        self._steps = steps
        self._home = home
        self._cache = cache
        self._addresses = addresses
        self._count = round(options.rate * options.seconds)
        self._laps = 0
        self.extra: dict[str, object] = {}

    async def run(self) -> list[Phase]:
        options, addresses = self._options, self._addresses
        agents = math.ceil(options.rate * (TALK_S + SPARE_TALK_S)) + SPARE_AGENTS
        settings, file = instance.write_settings(
            self._home, self._cache, addresses, agents=agents, record=options.recording is not Recording.NONE
        )
        numbers = extensions(settings.agents.extensions)
        self._steps.next(f"telephones (SIPp) and {agents} agents' accounts")
        tool = await asyncio.to_thread(sipp.find, self._cache)
        install = await asyncio.to_thread(provide.find, self._cache)
        instance.lend_prompt(install, Path(settings.calls.prompts))
        tokens = await instance.sign_in(settings, numbers)
        async with AsyncExitStack() as open_parts:
            stack = Stack(
                settings,
                instance=instance.INSTANCE,
                config_file=file,
                steps=self._steps,
                adjust=instance.under_load,
                desk=False,
            )
            await open_parts.enter_async_context(stack)
            self._steps.next("the plain Asterisk; agents' telephones and pages")
            await sipp.register(tool, stack.secrets, numbers, addresses, self._home / "register", REGISTER_S)
            plain = await self._plain(stack, install)
            open_parts.push_async_callback(plain.stop)
            desks = Desks(stack.web, tokens)
            open_parts.push_async_callback(desks.close)
            await desks.open()
            sides = (
                Side(name=PLAIN, target=addresses.plain, numbers=numbers),
                Side(name=HOTLINE, target=addresses.asterisk, numbers=("12345",)),
            )
            phases = [
                await self._phase(tool, side, stack, plain, desks)
                for _ in range(options.rounds)
                for side in sides
            ]
            self.extra = {
                "agents": agents,
                "asterisk": ".".join(map(str, install.version)),
                "rejoined": desks.not_ready,
                "restarts": sum(child.restarts for child in stack.children.values()),
            }
            return phases

    async def _plain(self, stack: Stack, install: provide.AsteriskInstall) -> AsteriskProcess:
        folder = self._home / "plain"
        folder.mkdir()
        config = instance.under_load(configured.asterisk_config(stack.settings, stack.secrets, install))
        record = self._options.recording is Recording.BOTH
        render(instance.plain_peer(config, self._addresses, folder, record=record), folder)
        process = AsteriskProcess(install, folder, launcher=die_with_us())
        try:
            await process.start()
            await process.wait_booted()
        except BaseException:
            await process.stop()
            raise
        return process

    async def _phase(
        self, tool: sipp.Tool, side: Side, stack: Stack, plain: AsteriskProcess, desks: Desks
    ) -> Phase:
        self._laps += 1
        self._steps.next(f"{side.name}: {self._count} calls, {self._options.rate:g} a second")
        folder = self._home / f"lap{self._laps}"
        folder.mkdir()
        agents = sipp.Telephones(tool, "agent", self._addresses.agents, folder / "agents")
        citizens = sipp.Telephones(tool, "citizen", self._addresses.citizens, folder / "citizens")
        try:
            await agents.start(("-mp", "20000", "-d", str(round(1000 * TALK_S))))
            await agents.listening()
            pids = stack.pids | {"bench": os.getpid()}
            if plain.pid is not None:
                pids["plain asterisk"] = plain.pid
            pids |= {"sipp agents": agents.pid or 0}
            before, children, began = host.used_by(pids), _children_cpu_s(), time.monotonic()
            await citizens.start(self._citizens_arguments(side), numbers=side.numbers)
            await citizens.done(self._options.seconds + DRAIN_S)
            if citizens.pid is not None:  # what is not over by now has failed, and must not be in the way
                await citizens.stop()
                await self._hang_up_all(side, stack, plain)
            if desks.lost:
                raise BenchError(f"{desks.lost}; see the server's log")
            await asyncio.sleep(SETTLE_S)
            after, children = host.used_by(pids), _children_cpu_s() - children
            seconds = time.monotonic() - began
        finally:
            await citizens.stop()
            await agents.stop()
        notebook = Notebook()
        notebook.read(citizens.marks())
        notebook.read(agents.marks())
        phase = Phase(
            side=side.name,
            seconds=round(seconds, 1),
            load=round(os.getloadavg()[0], 2),
            calls=summary(notebook, self._count),
            processes=_uses(before, after, seconds, self._count)
            | {"sipp citizens": _use(children, 0.0, seconds, self._count)},
        )
        self._steps.detail(phase_line(phase))
        return phase

    @staticmethod
    async def _hang_up_all(side: Side, stack: Stack, plain: AsteriskProcess) -> None:
        process = plain if side.name == PLAIN else stack.asterisk
        if process is not None:
            await process.cli("channel request hangup all")

    def _citizens_arguments(self, side: Side) -> Sequence[str]:
        return (
            f"{side.target}:5060",
            *("-key", "lap", f"139{self._laps:02d}", "-mp", "30000"),
            *("-r", f"{self._options.rate:g}", "-m", str(self._count), "-l", str(self._count)),
        )


def _children_cpu_s() -> float:
    """Processor time of child processes that have ended; during a phase only the citizens' SIPp ends."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _uses(
    before: Mapping[str, host.Used], after: Mapping[str, host.Used], seconds: float, calls: int
) -> dict[str, Use]:
    """What processes used between two looks, for those seen both times."""
    return {
        name: _use(after[name].cpu_s - used.cpu_s, after[name].rss_mb, seconds, calls)
        for name, used in before.items()
        if name in after
    }


def _use(cpu_s: float, rss_mb: float, seconds: float, calls: int) -> Use:
    return Use(
        cpu_s=round(cpu_s, 2),
        cores=round(cpu_s / seconds, 3),
        ms_per_call=round(1000 * cpu_s / calls, 2),
        rss_mb=rss_mb,
    )


# ---------------------------------------------------------------- the result


def result(
    options: Options, machine: host.Machine, phases: Sequence[Phase], extra: Mapping[str, object]
) -> Result:
    """Compare the two sides' phases. Rates are means over the phases of a side."""
    rates = {
        side: fmean(phase.calls.per_second for phase in phases if phase.side == side)
        for side in (HOTLINE, PLAIN)
    }
    failed = sum(phase.calls.failed for phase in phases if phase.side == HOTLINE)
    ratio = rates[HOTLINE] / rates[PLAIN] if rates[PLAIN] else 0.0
    return Result(
        name="calls",
        value=round(rates[HOTLINE], 2),
        unit="completed calls/s",
        aim=f"ratio >= {AIM_RATIO} and no failed call at {AIM_RATE:g} calls/s or more",
        aim_met=ratio >= AIM_RATIO and failed == 0 and options.rate >= AIM_RATE,
        peer=round(rates[PLAIN], 2),
        ratio=round(ratio, 3),
        machine=machine,
        details={
            "offered_per_second": options.rate,
            "seconds": options.seconds,
            "rounds": options.rounds,
            "recording": options.recording.value,
            "talk_s": TALK_S,
            "failed": failed,
            **extra,
            "phases": msgspec.to_builtins(phases),
        },
        lines=tuple(line for phase in phases for line in phase_lines(phase)),
    )


def phase_line(phase: Phase) -> str:
    """One line on a phase."""
    calls = phase.calls
    return (
        f"{phase.side}: {calls.completed} of {calls.offered} calls completed, {calls.per_second:.2f}/s, "
        f"{calls.failed} failed{_named(calls.failures)}"
    )


def phase_lines(phase: Phase) -> tuple[str, ...]:
    """A phase for a person."""
    calls = phase.calls
    cpu = ", ".join(
        f"{name} {100 * use.cores:.0f}% ({use.ms_per_call:.1f} ms/call, {use.rss_mb:.0f} MiB)"
        for name, use in phase.processes.items()
    )
    return (
        phase_line(phase),
        f"  answered after {_told(calls.answer_ms)}; talking after {_told(calls.talking_ms)}",
        f"  of one core: {cpu}",
    )


def _named(failures: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{what} {count}' for what, count in failures.items())})" if failures else ""


def _told(delays: Delays) -> str:
    return f"{delays.p50:.0f}/{delays.p95:.0f}/{delays.p99:.0f} ms (p50/p95/p99)"
