"""How many people a day of calls needs, by half hour, by topic and pooled.

Rounding rules, the same everywhere:

* Calls of an interval are its share of the day, not rounded.
* Agents are the smallest whole number with which the service level of the interval, taken as stationary,
  reaches the goal. Erlang-C: share of callers answered within the time, nobody hangs up. Erlang-A: share of
  all callers answered within the time; who hangs up counts as not answered.
* People are agents / (1 − shrinkage), rounded up in each interval: breaks, training, leave and sickness.
* Pooled means: every agent takes every call; the mean handling time is weighted by calls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from acd.demand import INTERVAL_S, INTERVALS, Topic
from acd.erlang import AGENTS_MAX, ErlangA, ErlangC, erlang_b
from acd.errors import InvalidValue

__all__ = ["Goal", "Interval", "Plan", "Pool", "agents_needed", "agents_needed_patience", "people", "plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The service level to reach."""

    share: float = 0.95  # of callers
    within_s: float = 15.0  # answered within so many seconds

    def check(self) -> None:
        """Raises InvalidValue for a goal that nobody can reach or that says nothing."""
        if not 0 < self.share < 1:
            raise InvalidValue("service-level", self.share, "give a share between 0 and 1, such as 0.95/15")
        if not 0 <= self.within_s <= 3600:
            raise InvalidValue("service-level", self.within_s, "give 0 to 3600 seconds, such as 0.95/15")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What half an hour needs."""

    calls: float  # that come
    load: float  # Erlang
    agents: int  # by Erlang-C
    service_level: float  # then, by Erlang-C
    answer_s: float  # average speed of answer then, by Erlang-C
    occupancy: float  # then, by Erlang-C
    people: int  # to be paid, for `agents`
    patient_agents: int | None  # by Erlang-A; None without a patience
    patient_service_level: float | None  # with `patient_agents`, by Erlang-A
    abandonment: float | None  # with `patient_agents`, by Erlang-A
    patient_people: int | None  # to be paid, for `patient_agents`


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Agents who take the same calls, over the day."""

    queue: str  # the topic's, "" for all topics pooled
    title: str  # Chinese name
    handling_s: float  # mean
    patience_s: float | None  # mean
    intervals: tuple[Interval, ...]  # of the day

    @property
    def seats(self) -> int:
        """Agents in the busiest interval, by Erlang-C."""
        return max(one.agents for one in self.intervals)

    @property
    def people(self) -> int:
        """People in the busiest interval, by Erlang-C."""
        return max(one.people for one in self.intervals)

    @property
    def patient_seats(self) -> int | None:
        """Agents in the busiest interval, by Erlang-A."""
        return max(
            (one.patient_agents for one in self.intervals if one.patient_agents is not None), default=None
        )

    @property
    def agent_hours(self) -> float:
        """Hours of agents over the day, by Erlang-C."""
        return sum(one.agents for one in self.intervals) * INTERVAL_S / 3600

    @property
    def paid_hours(self) -> float:
        """Hours of people over the day, by Erlang-C."""
        return sum(one.people for one in self.intervals) * INTERVAL_S / 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A day's staffing."""

    goal: Goal
    shrinkage: float  # share of paid time in which people take no calls
    pooled: Pool  # everybody takes everything
    topics: tuple[Pool, ...]  # each topic with agents of its own

    def apart(self, interval: int) -> int:
        """Agents of all topics together, where each has its own, by Erlang-C."""
        return sum(pool.intervals[interval].agents for pool in self.topics)


@cache
def agents_needed(calls_per_s: float, handling_s: float, goal: Goal) -> int:
    """Smallest number of agents that reaches the goal by Erlang-C; 0 without calls.

    Raises:
        InvalidValue: a value is out of bounds, or more agents than `AGENTS_MAX` would be needed.
    """
    goal.check()
    load = ErlangC(calls_per_s=calls_per_s, handling_s=handling_s, agents=0).load
    if load == 0:
        return 0
    first = math.floor(load) + 1
    _check_size(first)
    blocked = erlang_b(load, first)
    for agents in range(first, AGENTS_MAX + 1):
        waiting = blocked / (1.0 - load / agents * (1.0 - blocked))
        if 1.0 - waiting * math.exp(-(agents - load) * goal.within_s / handling_s) >= goal.share:
            return agents
        blocked = load * blocked / (agents + 1 + load * blocked)
    raise _too_many(load)


@cache
def agents_needed_patience(calls_per_s: float, handling_s: float, patience_s: float, goal: Goal) -> int:
    """Smallest number of agents that reaches the goal by Erlang-A; 0 without calls.

    Raises:
        InvalidValue: a value is out of bounds, or more agents than `AGENTS_MAX` would be needed.
    """
    goal.check()
    if calls_per_s == 0:
        return 0

    def reached(agents: int) -> bool:
        queue = ErlangA(calls_per_s=calls_per_s, handling_s=handling_s, agents=agents, patience_s=patience_s)
        return queue.service_level(goal.within_s) >= goal.share

    _check_size(math.floor(calls_per_s * handling_s) + 1)
    low, high = 0, 1
    while not reached(high):
        low, high = high, high * 2
        _check_size(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def people(agents: int, shrinkage: float) -> int:
    """People to be paid so that `agents` take calls: agents / (1 − shrinkage), rounded up.

    Raises:
        InvalidValue: a shrinkage below 0, or so large that nobody would be left.
    """
    if not 0 <= shrinkage <= 0.9:
        raise InvalidValue("shrinkage", shrinkage, "give a share from 0 to 0.9, usually 0.3")
    return math.ceil(round(agents / (1.0 - shrinkage), 9))  # 7 / 0.7 must be 10 and not 11


def plan(
    calls_per_day: float, shape: Sequence[float], topics: Sequence[Topic], goal: Goal, shrinkage: float = 0.0
) -> Plan:
    """Staff a day: `shape` are the shares of its intervals, `topics` share the calls of each.

    Raises:
        InvalidValue: a value is out of bounds.
    """
    if len(shape) != INTERVALS:
        raise InvalidValue("intervals", len(shape), f"give {INTERVALS}")
    if not (math.isfinite(calls_per_day) and calls_per_day > 0):
        raise InvalidValue("calls-per-day", calls_per_day, "give more than 0")
    everybody = Topic(
        queue="",
        title="合并",
        share=1.0,
        handling_s=sum(topic.share * topic.handling_s for topic in topics),
        patience_s=_pooled_patience(topics),
    )
    pools = [
        Pool(
            queue=topic.queue,
            title=topic.title,
            handling_s=topic.handling_s,
            patience_s=topic.patience_s,
            intervals=tuple(
                _interval(calls_per_day * topic.share * share, topic, goal, shrinkage) for share in shape
            ),
        )
        for topic in (everybody, *topics)
    ]
    return Plan(goal=goal, shrinkage=shrinkage, pooled=pools[0], topics=tuple(pools[1:]))


def _interval(calls: float, topic: Topic, goal: Goal, shrinkage: float) -> Interval:
    rate = calls / INTERVAL_S
    agents = agents_needed(rate, topic.handling_s, goal)
    queue = ErlangC(calls_per_s=rate, handling_s=topic.handling_s, agents=agents)
    patient_agents: int | None = None
    patient_level: float | None = None
    abandonment: float | None = None
    if topic.patience_s is not None:
        patient_agents = agents_needed_patience(rate, topic.handling_s, topic.patience_s, goal)
        patient_level, abandonment = 1.0, 0.0
        if patient_agents:
            patient = ErlangA(
                calls_per_s=rate,
                handling_s=topic.handling_s,
                agents=patient_agents,
                patience_s=topic.patience_s,
            )
            patient_level, abandonment = patient.service_level(goal.within_s), patient.abandonment
    return Interval(
        calls=calls,
        load=queue.load,
        agents=agents,
        service_level=queue.service_level(goal.within_s),
        answer_s=queue.mean_wait_s,
        occupancy=queue.occupancy,
        people=people(agents, shrinkage),
        patient_agents=patient_agents,
        patient_service_level=patient_level,
        abandonment=abandonment,
        patient_people=None if patient_agents is None else people(patient_agents, shrinkage),
    )


def _pooled_patience(topics: Sequence[Topic]) -> float | None:
    """Patience of all callers: hang-up rates are averaged, weighted by calls; None when nobody hangs up."""
    rate = sum(topic.share / topic.patience_s for topic in topics if topic.patience_s is not None)
    return 1.0 / rate if rate > 0 else None


def _check_size(agents: int) -> None:
    if agents > AGENTS_MAX:
        raise _too_many(agents)


def _too_many(load: float) -> InvalidValue:
    return InvalidValue("calls-per-day", f"{load:.0f} agents", f"ask for less than {AGENTS_MAX} agents")
