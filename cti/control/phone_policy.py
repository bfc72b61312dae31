"""Which calls an agent's telephone answers by itself. Pure."""

from __future__ import annotations

from collections.abc import Callable

EVERYTHING = "*"


def answers_itself(queues: tuple[str, ...], people: tuple[str, ...]) -> Callable[[str, str], bool]:
    """Return what tells, for a queue and an agent's login, whether a person need not answer."""

    def policy(queue: str, login: str) -> bool:
        return EVERYTHING in queues or queue in queues or login in people

    return policy
