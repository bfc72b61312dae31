"""The queue of the textbook, call by call: first come, first served by whoever is free first.

The wait of each call follows from when the agents become free (J. Kiefer and J. Wolfowitz, "On the theory of
queues with many servers", 1955). There is no router in it, so it is fast, and it tells what a router that
does nothing but serve in order must reach call by call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapreplace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Batch", "Estimate", "IdealQueue", "estimate", "waits"]

Z95 = 1.959963984540054
"""Standard deviations on either side of 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Means over some neighbouring calls."""

    waited: float  # share of calls that waited
    wait_s: float  # wait
    gap_s: float  # time between two calls
    handling_s: float  # time with an agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean and what is known of its error."""

    mean: float
    half_width: float  # of the 95 % confidence interval


def waits(arrivals: Sequence[float], handling: Sequence[float], agents: int) -> list[float]:
    """Every call's wait, from an empty centre on; arrivals in order."""
    free = [-math.inf] * agents
    found = []
    for at, seconds in zip(arrivals, handling, strict=True):
        wait = max(0.0, free[0] - at)
        found.append(wait)
        heapreplace(free, at + wait + seconds)
    return found


class IdealQueue:
    """M/M/n, batch after batch; the agents' state goes on from one to the next."""

    def __init__(self, *, calls_per_s: float, handling_s: float, agents: int, seed: int) -> None:
        self._gap_s = 1.0 / calls_per_s
        self._handling_s = handling_s
        self._free = [0.0] * agents  # seconds from the beginning of the batch
        streams = np.random.SeedSequence(seed).spawn(2)
        self._gaps, self._handling = (np.random.Generator(np.random.PCG64(one)) for one in streams)

    def batch(self, calls: int) -> Batch:
        """Serve the next so many calls."""
        gaps = self._gaps.exponential(self._gap_s, calls)
        handling = self._handling.exponential(self._handling_s, calls)
        arrivals = np.cumsum(gaps)
        free, waited, total = self._free, 0, 0.0
        for at, seconds in zip(arrivals.tolist(), handling.tolist(), strict=True):
            wait = free[0] - at
            if wait > 0.0:
                waited += 1
                total += wait
                heapreplace(free, at + wait + seconds)
            else:
                heapreplace(free, at + seconds)
        end = float(arrivals[-1])
        self._free = [one - end for one in free]  # the order, and so the heap, stays
        return Batch(
            waited=waited / calls,
            wait_s=total / calls,
            gap_s=float(gaps.mean()),
            handling_s=float(handling.mean()),
        )


def estimate(values: Sequence[float], controls: Sequence[tuple[float, ...]] = ()) -> Estimate:
    """Mean of batch means that are as good as independent, with its 95 % confidence interval.

    `controls` are for each batch the deviations of other means from what is known to be theirs: what they
    explain of the values is taken out by linear regression (control variates; S. S. Lavenberg and
    P. D. Welch, "A perspective on the use of control variables", 1981).
    """
    count = len(values)
    y: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    columns = [np.ones(count), *np.asarray(controls, dtype=np.float64).reshape(count, -1).T]
    x = np.column_stack(columns)
    solved, *_ = np.linalg.lstsq(x, y, rcond=None)
    left = y - x @ solved
    variance = float(left @ left) / max(1, count - x.shape[1])
    spread = np.linalg.inv(x.T @ x)[0, 0]
    return Estimate(mean=float(solved[0]), half_width=Z95 * math.sqrt(variance * float(spread)))
