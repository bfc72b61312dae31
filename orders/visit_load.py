"""How many robot calls may run: return visits never take a person or a line from those who call us. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from orders.errors import ValueRefused

__all__ = ["LoadLimits", "LoadNow", "calls_to_start"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLimits:
    """What inbound calls need first.

    Raises:
        ValueRefused: a value is out of bounds, naming it.
    """

    most_at_once: int = 4  # robot calls at the same time; 0: none
    agents_ready: int = 2  # none while fewer agents than this are ready
    calls_per_agent: float = 1.0  # robot calls for each ready agent, since any of them may ask for a person
    longest_wait_s: float = 10.0  # none while a citizen in line waits longer than this
    most_waiting: int = 0  # none while more citizens than this are in line
    trunk_channels: int = 0  # channels of the trunk; 0: not limited
    trunk_spare: int = 4  # of those, so many stay free for citizens who call

    def __post_init__(self) -> None:
        """Check every value."""
        bounds: tuple[tuple[str, float, float, float], ...] = (
            ("most_at_once", self.most_at_once, 0, 1000),
            ("agents_ready", self.agents_ready, 0, 10_000),
            ("calls_per_agent", self.calls_per_agent, 0.01, 100),
            ("longest_wait_s", self.longest_wait_s, 0, 3600),
            ("most_waiting", self.most_waiting, 0, 10_000),
            ("trunk_channels", self.trunk_channels, 0, 100_000),
            ("trunk_spare", self.trunk_spare, 0, 100_000),
        )
        for key, value, least, most in bounds:
            if not least <= value <= most:
                raise ValueRefused(
                    f"load.{key} = {value}: give {least} to {most}", shown="回访负载设置超出范围"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadNow:
    """What goes on at this moment."""

    agents_ready: int  # who could take a call in the queue that visits lead to
    waiting: int  # citizens in line
    longest_wait_s: float  # of those, 0 when there is nobody
    robots: int  # robot calls that are dialled or talk
    trunk_in_use: int  # channels of the trunk in use, robots included


def calls_to_start(now: LoadNow, limits: LoadLimits) -> int:
    """How many robot calls may be started at once; 0 or more.

    With n calls more, robots + n <= min(most_at_once, agents_ready * calls_per_agent), and trunk_in_use + n
    leaves `trunk_spare` channels free. None at all while citizens wait too long or too many, or too few
    agents are ready.
    """
    if now.agents_ready < limits.agents_ready or now.waiting > limits.most_waiting:
        return 0
    if now.waiting and now.longest_wait_s > limits.longest_wait_s:
        return 0
    most = limits.most_at_once
    if limits.agents_ready:  # 0: an operator wants visits without anybody to hand over to
        most = min(most, int(now.agents_ready * limits.calls_per_agent))
    room = most - now.robots
    if limits.trunk_channels:
        room = min(room, limits.trunk_channels - limits.trunk_spare - now.trunk_in_use)
    return max(0, room)
