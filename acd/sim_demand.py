"""Random calls: arrivals, talks and patience, the same for the same seed.

Each quantity has a random stream of its own, so that a change of one (say, of patience) leaves the others as
they are, and two plans are compared on the same day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acd.demand import INTERVAL_S, Topic
from acd.errors import InvalidValue
from acd.policy import Policy, QueuePolicy
from acd.simulation import SimCall

__all__ = ["Draws", "Habits", "arrivals", "calls_of"]

SEED_MAX = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What agents do, the same for all calls."""

    ring_s: float = 3.0  # a phone rings so long before it is answered
    wrap_up_s: float | None = (
        None  # seconds after the talk, a part of the handling time; None: the queue's limit
    )

    def wrap_up_of(self, queue: QueuePolicy) -> float:
        """Seconds of wrap-up in this queue.

        Raises:
            InvalidValue: ring or wrap-up are longer than the queue allows.
        """
        if not 0 <= self.ring_s < queue.ring_limit_s:
            remedy = f"give less than the ring limit of queue {queue.name}, {queue.ring_limit_s:g} seconds"
            raise InvalidValue("ring", self.ring_s, remedy)
        if self.wrap_up_s is None:
            return queue.wrap_up_s
        if not 0 <= self.wrap_up_s <= queue.wrap_up_s:
            remedy = f"give at most the limit of queue {queue.name}, {queue.wrap_up_s:g} seconds"
            raise InvalidValue("wrap-up", self.wrap_up_s, remedy)
        return self.wrap_up_s


class Draws:
    """Independent streams of random numbers from one seed."""

    def __init__(self, seed: int) -> None:
        if not 0 <= seed < SEED_MAX:
            raise InvalidValue("seed", seed, "give a whole number, 0 or more")
        streams = [np.random.Generator(np.random.PCG64(one)) for one in np.random.SeedSequence(seed).spawn(4)]
        self.arrivals, self.topics, self.talks, self.patience = streams


def arrivals(
    draws: Draws, calls_per_day: float, shape: Sequence[float], days: int, *, start: float = 0.0
) -> NDArray[np.float64]:
    """Times of calls, in order; `start` is the first midnight.

    A Poisson process whose rate is constant within each interval: the number of calls of an interval has the
    Poisson distribution, and given the number they are spread evenly. `shape` are the shares of one day.
    """
    counts = draws.arrivals.poisson(np.tile(np.asarray(shape) * calls_per_day, days))
    starts = np.repeat(np.arange(counts.size) * INTERVAL_S, counts)
    times: NDArray[np.float64] = np.sort(starts + draws.arrivals.random(starts.size) * INTERVAL_S)
    return start + times


def calls_of(
    times: NDArray[np.float64], topics: Sequence[Topic], policy: Policy, habits: Habits, draws: Draws
) -> list[SimCall]:
    """Calls at these times: topic by share, exponential talks and patience.

    The talk's mean is the topic's handling time without the wrap-up, which always takes the same time. The
    ring comes on top of the handling time.

    Raises:
        InvalidValue: a handling time leaves nothing for the talk, or a habit breaks the policy's limits.
    """
    queues = {queue.name: queue for queue in policy.queues}
    wrap_ups = [habits.wrap_up_of(queues[topic.queue]) for topic in topics]
    for topic, wrap_up in zip(topics, wrap_ups, strict=True):
        if topic.handling_s <= wrap_up:
            remedy = f"give more than the wrap-up's {wrap_up:g} seconds, or a shorter --wrap-up"
            raise InvalidValue("aht", topic.handling_s, remedy)
    which = draws.topics.choice(len(topics), size=times.size, p=[topic.share for topic in topics])
    talks = draws.talks.standard_exponential(times.size)
    patience = draws.patience.standard_exponential(times.size)
    calls = []
    for number, (at, index, talk, wait) in enumerate(
        zip(times.tolist(), which.tolist(), talks.tolist(), patience.tolist(), strict=True)
    ):
        topic = topics[index]
        calls.append(
            SimCall(
                call_id=f"c{number}",
                at=at,
                queue=topic.queue,
                talk_s=talk * (topic.handling_s - wrap_ups[index]),
                ring_s=habits.ring_s,
                wrap_up_s=None if habits.wrap_up_s is None else wrap_ups[index],
                patience_s=None if topic.patience_s is None else wait * topic.patience_s,
            )
        )
    return calls
