"""`hotline bench pick`: an agent becomes free while citizens wait; how soon does that agent's phone ring?

Both sides are the same Asterisk in the same run, with the same telephones: the hotline's router, and
Asterisk's own queue (app_queue: autofill, least retry, no wrap-up). They take turns. An agent is free
from the moment that the agent's telephone sends BYE; the end is the next INVITE at the same telephone. Only
hang-ups count at which somebody waited; the telephones send no sound, which is not what is measured here.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import msgspec

from asterisk_conf import provide
from cti import machine as configured
from cti.ami import AmiLink, AmiRefused
from cti.bench import host, instance, loopback, sipp
from cti.bench.calls import REGISTER_S, within
from cti.bench.desks import Desks
from cti.bench.errors import BenchError
from cti.bench.options import Options
from cti.bench.result import Result
from cti.bench.timings import HUNG_UP, INVITED, RUNG, Delays, delays
from cti.control.phones import DESK_SUFFIX
from cti.launcher import Stack, Steps
from cti.settings import extensions

AIM_P99_MS = 50.0
AIM_RATIO = 0.1
OVERLOAD = 1.08
"""Talks last so long that the line grows: agents can take this much less than is offered."""
SPREAD = 0.2
"""Talks are so much shorter or longer than that, at random: evenly spaced calls of equal length would keep
step with app_queue's clock, and its delay would be whatever the first call made it."""
SURELY_WAITING_S = 0.5
"""A citizen who called at least so long ago has reached the line."""
DRAIN_S = 90.0
START_S = 600.0
QUEUE = "bench"
HOTLINE, APP_QUEUE = "hotline", "app_queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One side for a while."""

    side: str  # hotline or app_queue
    calls: int  # citizens who called
    rung: int  # calls for which a phone rang
    picks: int  # hang-ups with somebody waiting and a next ring at the same phone
    pick_ms: Delays  # agent's BYE -> next INVITE at the same phone
    longest_line: int  # most citizens waiting at a hang-up


def steps(options: Options) -> int:
    """How many steps are told while it runs."""
    return 8 + 2 * options.rounds


def measure(options: Options, steps: Steps) -> Result:
    """Run the benchmark.

    Raises:
        HotlineError: it cannot be run; the message says why.
    """
    if options.agents < 2:
        raise BenchError(f"--agents {options.agents}: give at least 2")
    machine = host.machine()
    with loopback.block() as block, instance.temporary_home() as (home, cache):
        run = _Run(options, steps, home, cache, instance.Addresses.under(block))
        limit = START_S + 2 * options.rounds * (options.seconds + run.talk_s + DRAIN_S + 30)
        phases = asyncio.run(within(run.run(), limit))
    return result(options, machine, phases, run.talk_s)


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
        self._laps = 0
        self.talk_s = OVERLOAD * options.agents / options.rate

    async def run(self) -> list[Phase]:
        """All phases, one after the other."""
        options = self._options
        settings, file = instance.write_settings(
            self._home, self._cache, self._addresses, agents=options.agents, record=False
        )
        numbers = extensions(settings.agents.extensions)
        self._steps.next(f"telephones (SIPp) and {options.agents} agents' accounts")
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
                adjust=lambda config: instance.with_queue(config, self._addresses),
                desk=False,
            )
            await open_parts.enter_async_context(stack)
            self._steps.next("agents' telephones and pages")
            await sipp.register(
                tool, stack.secrets, numbers, self._addresses, self._home / "register", REGISTER_S
            )
            desks = Desks(stack.web, tokens)
            open_parts.push_async_callback(desks.close)
            await desks.open()
            link = AmiLink(configured.ami_addresses(settings, stack.secrets)[0])
            open_parts.push_async_callback(link.stop)
            await link.start()
            await link.wait_up(15.0)
            phases = []
            for _ in range(options.rounds):
                phases.append(await self._phase(tool, HOTLINE, self._addresses.citizens, ("12345",)))
                if desks.lost:
                    raise BenchError(f"{desks.lost}; see the server's log")
                await self._members(link, numbers, present=True)
                phases.append(await self._phase(tool, APP_QUEUE, self._addresses.others, ("queue",)))
                await self._members(link, numbers, present=False)
            return phases

    async def _members(self, link: AmiLink, numbers: Sequence[str], *, present: bool) -> None:
        """Put every agent's telephone into Asterisk's own queue, or take it out."""
        for number in numbers:
            interface = f"PJSIP/{number}{DESK_SUFFIX}"
            try:
                if present:
                    await link.queue_add(QUEUE, interface, member_name=number, paused=False)
                else:
                    await link.queue_remove(QUEUE, interface)
            except AmiRefused as error:
                raise BenchError(f"app_queue does not take {interface}: {error}") from error

    async def _phase(self, tool: sipp.Tool, side: str, citizens_at: str, dialled: Sequence[str]) -> Phase:
        self._laps += 1
        count = round(self._options.rate * (self._options.seconds + self.talk_s))
        self._steps.next(f"{side}: {count} calls, {self._options.rate:g} a second, {self.talk_s:.1f} s talks")
        folder = self._home / f"lap{self._laps}"
        folder.mkdir()
        agents = sipp.Telephones(
            tool,
            "agent",
            self._addresses.agents,
            folder / "agents",
            sound=False,
            pause_s=((1 - SPREAD) * self.talk_s, (1 + SPREAD) * self.talk_s),
        )
        citizens = sipp.Telephones(tool, "citizen", citizens_at, folder / "citizens", sound=False)
        try:
            await agents.start(("-mp", "20000"))
            await agents.listening()
            await citizens.start(
                (
                    f"{self._addresses.asterisk}:5060",
                    *("-key", "lap", f"139{self._laps:02d}", "-mp", "30000"),
                    *("-r", f"{self._options.rate:g}", "-m", str(count), "-l", str(count)),
                ),
                numbers=dialled,
            )
            await citizens.done(self._options.seconds + 2 * self.talk_s + DRAIN_S)
        finally:
            await citizens.stop()
            await agents.stop()
        phase = summary(side, citizens.marks(), agents.marks())
        self._steps.detail(phase_line(phase))
        return phase


# ---------------------------------------------------------------- what the telephones wrote


def summary(side: str, citizens: Iterable[str], agents: Iterable[str]) -> Phase:
    """Put the telephones' marks of one phase together."""
    called = sorted(at for mark, _, _, at in map(_mark, filter(None, citizens)) if mark == INVITED)
    rings: list[float] = []
    free_since: dict[str, float] = {}
    seen: list[float] = []
    longest = 0
    for mark, _, number, at in sorted(map(_mark, filter(None, agents)), key=lambda one: one[3]):
        if mark == HUNG_UP:
            waiting = bisect_right(called, at - SURELY_WAITING_S) - len(rings)
            longest = max(longest, waiting)
            if waiting > 0:
                free_since[number] = at
        elif mark == RUNG:
            rings.append(at)
            if (since := free_since.pop(number, None)) is not None:
                seen.append(at - since)
    return Phase(
        side=side,
        calls=len(called),
        rung=len(rings),
        picks=len(seen),
        pick_ms=delays(seen),
        longest_line=longest,
    )


def _mark(line: str) -> tuple[str, str, str, float]:
    """Mark, citizen's number, agent's number ("" at a citizen's), epoch seconds."""
    words = line.split()
    try:
        return words[0], words[1], words[2] if words[0] in (RUNG, HUNG_UP) else "", float(words[-1])
    except (IndexError, ValueError):
        raise BenchError(f"the telephones' log has an odd line: {line[:80]!r}") from None


def phase_line(phase: Phase) -> str:
    """One line on a phase."""
    ms = phase.pick_ms
    return (
        f"{phase.side}: {phase.picks} picks, {ms.p50:.1f}/{ms.p95:.1f}/{ms.p99:.1f} ms (p50/p95/p99), "
        f"longest {ms.longest:.0f} ms; {phase.rung} of {phase.calls} calls rung, "
        f"line up to {phase.longest_line}"
    )


def result(options: Options, machine: host.Machine, phases: Sequence[Phase], talk_s: float) -> Result:
    """Compare the sides: means of the phases' percentiles."""
    ours = [phase for phase in phases if phase.side == HOTLINE]
    theirs = [phase for phase in phases if phase.side == APP_QUEUE]
    if not all(phase.picks for phase in phases):
        raise BenchError("nobody waited: offer more calls (--rate) or have fewer --agents")
    p99 = fmean(phase.pick_ms.p99 for phase in ours)
    medians = [fmean(phase.pick_ms.p50 for phase in side) for side in (ours, theirs)]
    ratio = medians[0] / medians[1]
    return Result(
        name="pick",
        value=round(medians[0], 1),
        unit="ms from an agent's hang-up to the next INVITE at that phone (median)",
        aim=f"p99 < {AIM_P99_MS:g} ms and median at most {AIM_RATIO:g} of app_queue's",
        aim_met=p99 < AIM_P99_MS and ratio <= AIM_RATIO,
        peer=round(medians[1], 1),
        ratio=round(ratio, 4),
        machine=machine,
        details={
            "agents": options.agents,
            "offered_per_second": options.rate,
            "seconds": options.seconds,
            "talk_s": round(talk_s, 2),
            "p99_ms": round(p99, 1),
            "phases": msgspec.to_builtins(phases),
        },
        lines=tuple(phase_line(phase) for phase in phases),
    )
