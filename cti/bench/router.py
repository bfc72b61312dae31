"""`hotline bench router`: assignments a second in the pure engine, and how the cost grows with the line.

An assignment is one `AgentBecameReady` that ends in an `Offer`: only those events are timed, in batches, with
nothing between them, in CPU seconds of the one thread, so that other work on the machine counts little.
Agents who find nobody they may take cost time and count for nothing. What happens around them (citizens
queue, agents answer, talks end, the clock ticks, changes are collected for the store) is in the figure of
whole lives, by the wall clock and with the benchmark's own work. The sizes take turns. Python's garbage
collector stays on, as in production.

The mix: 30 skills, of which six are languages; agents have three to eight of them at levels 1 to 5; each call
asks for a level from 1 to 3, every eighth for a language as well; 3 % are urgent, 20 % have a priority, 5 %
prefer an agent; levels relax after 10 s, other queues' agents open after 20 s, and five seats with a scarce
skill are reserved. Nobody waits that long in a short line, so relaxation shows in the longest ones only.
"""

from __future__ import annotations

import gc
import math
import random
import time
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

from acd.messages import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentSignedIn,
    CallEnded,
    CallQueued,
    Event,
    NotReadyReason,
    Offer,
    OfferAnswered,
    Tick,
)
from acd.policy import Policy, QueuePolicy, RelaxStep, Skill, SkillKind
from acd.router import Router
from cti.bench.host import machine
from cti.bench.options import Options
from cti.bench.result import Result
from cti.launcher import Steps

SIZES = (100, 1_000, 10_000, 100_000)
AIM_SIZE = 10_000
AIM_PER_S = 50_000.0
AGENTS = 1_000
SKILLS = tuple(f"skill_{number}" for number in range(24))
LANGUAGES = tuple(f"language_{number}" for number in range(6))
SCARCE = SKILLS[-1]
RESERVED = 5
SEED = 12345
PACE_S = 0.5
"""The centre's clock moves this much from batch to batch."""


@dataclass(slots=True)
class Tally:
    """What one size took, in all rounds."""

    waiting: int  # calls in line
    assignments: int = 0  # ready events that ended in an offer
    ready_events: int = 0  # all of them
    per_s: list[float] = field(default_factory=list)  # assignments a second, by round
    life_per_s: list[float] = field(default_factory=list)  # whole lives of calls a second, by round
    relaxed: int = 0  # assignments after at least one relaxation step

    @property
    def rate(self) -> float:
        """Assignments a second: the median of the rounds."""
        return median(self.per_s)


def policy() -> Policy:
    """30 queues, one a skill, that relax and reserve."""
    everybody = QueuePolicy(
        name="everybody",
        title="综合",
        needs={SKILLS[0]: 1},
        wrap_up_s=0,
        reserve={SCARCE: RESERVED},
    )
    queues = tuple(
        QueuePolicy(
            name=skill,
            title=skill,
            needs={skill: 2},
            wrap_up_s=0,
            reserve={} if skill == SCARCE else {SCARCE: RESERVED},
            relax=(
                RelaxStep(after_s=10, needs={skill: 1}),
                RelaxStep(after_s=20, queues=("everybody",)),
            ),
        )
        for skill in (*SKILLS, *LANGUAGES)
    )
    return Policy(
        skills=(
            *(Skill(name=skill, title=skill) for skill in SKILLS),
            *(Skill(name=skill, title=skill, kind=SkillKind.LANGUAGE) for skill in LANGUAGES),
        ),
        queues=(everybody, *queues),
        default_queue="everybody",
    )


class Centre:
    """1,000 agents and as many waiting calls as wanted, around one router."""

    def __init__(self, waiting: int, agents: int) -> None:
        self._waiting = waiting
        self._random = random.Random(SEED)  # noqa: S311  (a repeatable mix, no secret)
        self._router = Router(policy())
        self._now = 1_000_000.0
        self._calls = 0
        self._in_line = 0
        self._agents = [f"agent{number:04}" for number in range(agents)]
        self._batch = min(agents, max(10, waiting // 4))
        for agent_id in self._agents:
            known = self._random.sample((*SKILLS, *LANGUAGES), self._random.randint(3, 8))
            skills = {skill: self._random.randint(1, 5) for skill in known}
            self._tell(AgentSignedIn(agent_id=agent_id, skills=skills))
        self._fill()

    @property
    def in_line(self) -> int:
        """Calls that the router holds: all wait, for between batches nobody rings."""
        return len(self._router.snapshot()[1])

    def run(self, seconds: float, tally: Tally, *, batches: int = 1) -> None:
        """Let agents become ready, in batches: for so long, and at least so often."""
        began = time.perf_counter()
        spent, assigned = 0.0, 0
        done = 0
        while done < batches or time.perf_counter() - began < seconds:
            done += 1
            chosen = self._random.sample(self._agents, self._batch)
            events = [AgentBecameReady(agent_id=agent_id) for agent_id in chosen]
            handle, now = self._router.handle, self._now
            before = time.thread_time()
            decided = [handle(event, now) for event in events]
            spent += time.thread_time() - before
            offers = [one for decisions in decided for one in decisions if isinstance(one, Offer)]
            assigned += len(offers)
            tally.relaxed += sum(offer.step > 0 for offer in offers)
            tally.ready_events += len(events)
            self._live_on(chosen, offers)
        tally.assignments += assigned
        tally.per_s.append(assigned / spent)
        tally.life_per_s.append(assigned / (time.perf_counter() - began))

    def _live_on(self, chosen: list[str], offers: list[Offer]) -> None:
        """Answer, talk, hang up; everybody rests, the clock moves, others call."""
        for offer in offers:
            self._tell(OfferAnswered(call_id=offer.call_id, agent_id=offer.agent_id))
            self._tell(AgentBecameNotReady(agent_id=offer.agent_id, reason=NotReadyReason.REST))
            self._tell(CallEnded(call_id=offer.call_id, agent_id=offer.agent_id))
        self._in_line -= len(offers)
        assigned = {offer.agent_id for offer in offers}
        for agent_id in chosen:
            if agent_id not in assigned:
                self._tell(AgentBecameNotReady(agent_id=agent_id, reason=NotReadyReason.REST))
        self._now += PACE_S
        self._tell(Tick())
        self._fill()
        self._router.take_changes()

    def _fill(self) -> None:
        while self._in_line < self._waiting:
            self._in_line += 1
            self._calls += 1
            self._tell(self._call())

    def _call(self) -> CallQueued:
        chance = self._random.random
        queue = self._random.choice((*SKILLS, *LANGUAGES))
        needs = {queue: self._random.randint(1, 3)}
        if chance() < 0.125:
            needs[self._random.choice(LANGUAGES)] = 1
        prefers = chance() < 0.05
        return CallQueued(
            call_id=f"call{self._calls:07}",
            queue=queue,
            needs=needs,
            priority=self._random.choice((0, 0, 0, 0, 1)),
            urgent=chance() < 0.03,
            since=self._now,
            prefer=(self._random.choice(self._agents),) if prefers else (),
        )

    def _tell(self, event: Event) -> None:
        self._router.handle(event, self._now)


def steps(options: Options) -> int:
    """How many steps are told."""
    return options.rounds


def measure(options: Options, steps: Steps) -> Result:
    """Measure every size for `options.seconds` a round; the sizes take turns."""
    before = machine()
    tallies, _ = run(options.rounds, options.seconds, SIZES, agents=AGENTS, steps=steps)
    by_size = {tally.waiting: tally for tally in tallies}
    smallest, aimed, largest = by_size[SIZES[0]], by_size[AIM_SIZE], by_size[SIZES[-1]]
    grown = smallest.rate / largest.rate
    log_n = math.log(SIZES[-1]) / math.log(SIZES[0])
    predicted = smallest.rate * math.log(SIZES[0]) / math.log(AIM_SIZE)
    return Result(
        name="router",
        value=aimed.rate,
        unit=f"assignments/s ({AGENTS} agents, {len(SKILLS) + len(LANGUAGES)} skills, {AIM_SIZE} waiting)",
        aim=f">= {AIM_PER_S:.0f}/s, and from {SIZES[0]} to {SIZES[-1]} waiting no slower growth than log n",
        aim_met=aimed.rate >= AIM_PER_S and grown <= log_n,
        peer=predicted,
        ratio=aimed.rate / predicted,
        machine=before,
        details={
            "peer_is": f"what cost that grows with log n would give, from {SIZES[0]} waiting in this run",
            "cost_grew": grown,
            "log_n_grew": log_n,
            "steps_of_growth": [_growth(one, other) for one, other in pairwise(tallies)],
            "garbage_collector": "on" if gc.isenabled() else "off",
            "seed": SEED,
            "sizes": [_told(tally) for tally in tallies],
        },
        lines=(
            f"cost of an assignment grew {grown:.2f} times from {SIZES[0]} to {SIZES[-1]} waiting; "
            f"log n grows {log_n:.2f} times",
            *(
                f"{tally.waiting:>7} waiting: {tally.rate:8.0f} assignments/s, "
                f"{1e6 / tally.rate:5.1f} us each; {median(tally.life_per_s):7.0f} whole lives/s"
                for tally in tallies
            ),
        ),
    )


def run(
    rounds: int,
    seconds: float,
    sizes: tuple[int, ...],
    *,
    agents: int,
    batches: int = 1,
    steps: Steps | None = None,
) -> tuple[list[Tally], list[Centre]]:
    """Build a centre for each size and let them take turns."""
    tallies = [Tally(waiting=size) for size in sizes]
    centres = [Centre(size, agents) for size in sizes]
    for number in range(rounds):
        if steps is not None:
            steps.next(f"round {number + 1}: {', '.join(str(size) for size in sizes)} waiting")
        for tally, centre in zip(tallies, centres, strict=True):
            centre.run(seconds, tally, batches=batches)
    return tallies, centres


def _growth(smaller: Tally, larger: Tally) -> dict[str, Any]:
    return {
        "from": smaller.waiting,
        "to": larger.waiting,
        "cost_grew": smaller.rate / larger.rate,
        "log_n_grew": math.log(larger.waiting) / math.log(smaller.waiting),
    }


def _told(tally: Tally) -> dict[str, Any]:
    return {
        "waiting": tally.waiting,
        "assignments_per_s": tally.rate,
        "rounds": tally.per_s,
        "microseconds_each": 1e6 / tally.rate,
        "whole_lives_per_s": median(tally.life_per_s),
        "assignments": tally.assignments,
        "ready_events": tally.ready_events,
        "after_relaxation": tally.relaxed,
    }
