"""Erlang's formulas: how many agents a load of calls needs, and how long callers then wait.

Load is in Erlang: calls per second times seconds of handling. All models take Poisson arrivals and
exponential handling times, and serve in the order of arrival.

* Erlang-B (M/M/n/n): nobody waits; calls that find all agents busy are lost.
* Erlang-C (M/M/n): everybody waits as long as it takes.
* Erlang-A (M/M/n+M): callers hang up after an exponential time.

Sources: A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic
telephone exchanges" (1917); C. Palm, "Methods of judging the annoyance caused by congestion" (1953);
F. Baccelli and G. Hebuterne, "On queues with impatient customers" (1981); S. Zeltyn and A. Mandelbaum, "Call
centers with impatient customers: many-server asymptotics of the M/M/n+G queue" (2005).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from acd.errors import InvalidValue

__all__ = ["AGENTS_MAX", "ErlangA", "ErlangC", "erlang_b", "erlang_c"]

AGENTS_MAX = 100_000

Values = NDArray[np.float64]


def erlang_b(load: float, agents: int) -> float:
    """Probability that all `agents` are busy where nobody waits.

    B(0) = 1, B(n) = a·B(n−1) / (n + a·B(n−1)): every term is between 0 and 1, so nothing overflows, whatever
    the number of agents; where the true value is below 1e-308 it becomes 0.

    Raises:
        InvalidValue: a load below 0 or not finite, or a number of agents out of bounds.
    """
    _check(load, agents)
    blocked = 1.0
    for n in range(1, agents + 1):
        offered = load * blocked
        blocked = offered / (n + offered)
    return blocked


def erlang_c(load: float, agents: int) -> float:
    """Probability that a caller waits, where nobody hangs up; 1 when the load is not below the agents.

    C = B / (1 − ρ·(1 − B)) with ρ = a/n and Erlang-B's B.

    Raises:
        InvalidValue: as `erlang_b`.
    """
    blocked = erlang_b(load, agents)
    return _wait_probability(load, agents, blocked)


def _wait_probability(load: float, agents: int, blocked: float) -> float:
    if load >= agents:
        return 1.0 if load > 0 else 0.0
    return blocked / (1.0 - load / agents * (1.0 - blocked))


def _check(load: float, agents: int) -> None:
    if not (math.isfinite(load) and load >= 0):
        raise InvalidValue("load", load, "give Erlang, 0 or more")
    if not 0 <= agents <= AGENTS_MAX:
        raise InvalidValue("agents", agents, f"give 0 to {AGENTS_MAX}")


def _check_times(calls_per_s: float, handling_s: float) -> None:
    if not (math.isfinite(calls_per_s) and calls_per_s >= 0):
        raise InvalidValue("calls_per_s", calls_per_s, "give calls a second, 0 or more")
    if not (math.isfinite(handling_s) and handling_s > 0):
        raise InvalidValue("handling_s", handling_s, "give seconds, more than 0")


@dataclass(frozen=True, kw_only=True)
class ErlangC:
    """M/M/n: callers wait as long as it takes.

    Raises:
        InvalidValue: a value is out of bounds.
    """

    calls_per_s: float  # arrivals
    handling_s: float  # mean time an agent is busy with a call
    agents: int  # who take calls

    def __post_init__(self) -> None:
        _check_times(self.calls_per_s, self.handling_s)
        _check(self.load, self.agents)

    @property
    def load(self) -> float:
        """Erlang."""
        return self.calls_per_s * self.handling_s

    @property
    def stable(self) -> bool:
        """True when the line does not grow for ever."""
        return self.load < self.agents

    @cached_property
    def wait_probability(self) -> float:
        """Share of callers who wait at all: C."""
        return erlang_c(self.load, self.agents)

    def wait_exceeds(self, seconds: float) -> float:
        """Share of callers who wait longer: P(W > t) = C·exp(−(n − a)·t/T)."""
        if not self.stable:
            return self.wait_probability
        return self.wait_probability * math.exp(-(self.agents - self.load) * seconds / self.handling_s)

    def service_level(self, within_s: float) -> float:
        """Share of callers answered within so many seconds: 1 − P(W > t)."""
        return 1.0 - self.wait_exceeds(within_s)

    @property
    def mean_wait_s(self) -> float:
        """Average speed of answer, over all callers: C·T / (n − a); inf when the line grows for ever."""
        if not self.stable:
            return math.inf if self.load > 0 else 0.0
        return self.wait_probability * self.handling_s / (self.agents - self.load)

    def wait_quantile_s(self, share: float) -> float:
        """The wait that this share of callers does not exceed: the inverse of `service_level`."""
        if not 0 <= share < 1:
            raise InvalidValue("share", share, "give 0 or more, and less than 1")
        if 1.0 - share >= self.wait_probability:
            return 0.0
        if not self.stable:
            return math.inf
        rate = (self.agents - self.load) / self.handling_s
        return math.log(self.wait_probability / (1.0 - share)) / rate

    @property
    def occupancy(self) -> float:
        """Share of time that an agent is busy: a/n, at most 1."""
        return min(1.0, self.load / self.agents) if self.agents else 0.0


@dataclass(frozen=True, kw_only=True)
class ErlangA:
    """M/M/n+M: callers hang up after an exponential time in line.

    The wait that a caller would have with endless patience, V, is 0 or has the density
    p(n−1)·λ·exp(λ·(1 − e^(−θx))/θ − n·μ·x) for x > 0 (Baccelli and Hebuterne), with μ = 1/handling and
    θ = 1/patience. With E = Σ over k < n of p(k)/p(n−1) = 1/B(n−1) and J the integral of that exponential,
    P(V > 0) = λJ / (E + λJ). Everything else is an integral over V > 0. The exponent is concave, so the
    integrand is scaled by its greatest value and integrated where it exceeds e^−46 of that (Gauss-Legendre):
    neither thousands of agents nor overload make it overflow.

    Raises:
        InvalidValue: a value is out of bounds.
    """

    calls_per_s: float  # arrivals
    handling_s: float  # mean time an agent is busy with a call
    agents: int  # who take calls
    patience_s: float  # mean time after which a caller hangs up

    def __post_init__(self) -> None:
        _check_times(self.calls_per_s, self.handling_s)
        _check(self.load, self.agents)
        if self.agents < 1:
            raise InvalidValue("agents", self.agents, "give 1 or more")
        if not (math.isfinite(self.patience_s) and self.patience_s > 0):
            raise InvalidValue("patience_s", self.patience_s, "give seconds, more than 0")

    @property
    def load(self) -> float:
        """Erlang offered."""
        return self.calls_per_s * self.handling_s

    @cached_property
    def wait_probability(self) -> float:
        """Share of callers who do not find a free agent: P(V > 0)."""
        if self.calls_per_s == 0:
            return 0.0
        blocked = erlang_b(self.load, self.agents - 1)
        if blocked == 0.0:
            return 0.0
        against = -math.log(blocked) - self._top - math.log(self.calls_per_s * self._area)
        return 1.0 / (1.0 + math.exp(against)) if against < 700 else 0.0

    @cached_property
    def abandonment(self) -> float:
        """Share of callers who hang up: P(V > 0)·E[1 − e^(−θV) | V > 0]."""
        return self.wait_probability * self._mean(lambda x: -np.expm1(-x / self.patience_s))

    def service_level(self, within_s: float) -> float:
        """Share of all callers who are answered within so many seconds; who hangs up is not answered."""
        served = self._mean(lambda x: np.exp(-x / self.patience_s), upto=within_s)
        return 1.0 - self.wait_probability * (1.0 - served)

    @property
    def mean_wait_s(self) -> float:
        """Mean seconds in line over all callers, those who hang up included: abandonment / θ."""
        return self.abandonment * self.patience_s

    @cached_property
    def answer_s(self) -> float:
        """Average speed of answer: mean seconds in line of those who are answered."""
        waited = self.wait_probability * self._mean(lambda x: x * np.exp(-x / self.patience_s))
        return waited / (1.0 - self.abandonment)

    @property
    def occupancy(self) -> float:
        """Share of time that an agent is busy: a·(1 − abandonment)/n."""
        return min(1.0, self.load * (1.0 - self.abandonment) / self.agents)

    # ------------------------------------------------------------ the integrals

    def _exponent(self, x: Values | float) -> Values:
        """λ·(1 − e^(−θx))/θ − n·μ·x."""
        grows = -self.calls_per_s * self.patience_s * np.expm1(-np.asarray(x) / self.patience_s)
        return np.asarray(grows - self.agents / self.handling_s * np.asarray(x))

    @cached_property
    def _peak(self) -> float:
        """Where the exponent is greatest."""
        return max(0.0, math.log(self.load / self.agents) * self.patience_s)

    @cached_property
    def _top(self) -> float:
        return float(self._exponent(self._peak))

    @cached_property
    def _span(self) -> tuple[float, float]:
        """Where the exponent is at most 46 below its greatest value."""

        def negligible(x: float) -> bool:
            return float(self._exponent(x)) < self._top - 46.0

        low = 0.0
        if negligible(0.0):
            low = _border(negligible, self._peak, 0.0)
        beyond = self.handling_s / self.agents
        while not negligible(self._peak + beyond):
            beyond *= 2.0
        return low, _border(negligible, self._peak, self._peak + beyond)

    @cached_property
    def _area(self) -> float:
        """J, divided by e^top."""
        return self._integral(np.ones_like, *self._span)

    def _mean(self, of: Callable[[Values], Values], upto: float = math.inf) -> float:
        """E[of(V); V ≤ upto | V > 0]."""
        if self.calls_per_s == 0:
            return 0.0
        low, high = self._span
        if upto <= low:
            return 0.0
        return self._integral(of, low, min(high, upto)) / self._area

    def _integral(self, of: Callable[[Values], Values], low: float, high: float) -> float:
        near = min(self._span[1], self._span[0] + 40 * self.patience_s)  # beyond it e^(−θx) says nothing more
        marks = ((self._span[0], self._peak), (self._peak, self._span[1]), (self._span[0], near))
        edges = np.unique(np.concatenate([np.linspace(a, b, PANELS + 1) for a, b in marks]).clip(low, high))
        half = (edges[1:] - edges[:-1]) / 2
        x = (edges[:-1] + half)[:, None] + half[:, None] * NODES[None, :]
        values = of(x) * np.exp(self._exponent(x) - self._top)
        return float(np.sum(values * WEIGHTS[None, :] * half[:, None]))


PANELS = 24
NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)
"""The exponent changes by 46 over all panels on either side of its peak, and e^(−θx) by e^40 over the panels
near the beginning; within one panel twelve nodes are exact to rounding."""


def _border(negligible: Callable[[float], bool], inside: float, outside: float) -> float:
    """A point outside, close to where `negligible` begins."""
    for _ in range(40):
        middle = (inside + outside) / 2
        if negligible(middle):
            outside = middle
        else:
            inside = middle
    return outside
