"""The exception tree of the router.

RouterError
├── PolicyError           a policy file is refused: names file, line, key, value and remedy
├── InvalidValue          a value in an event is out of bounds: names key, value and remedy
├── UnknownAgent          the event names an agent who is not signed in
├── UnknownCall           the event names a call that is neither in line nor talking
├── DuplicateCall         the call is in line or talking already
├── IllegalAgentMove      the event cannot happen in the agent's state
└── IllegalCallMove       the event cannot happen in the call's state
"""

from __future__ import annotations


class RouterError(Exception):
    """Root of everything that the router refuses; a refused event has changed nothing."""


class PolicyError(RouterError):
    """A routing policy that cannot be used; it is refused whole."""

    def __init__(self, file: str, line: int, key: str, value: object, remedy: str) -> None:
        self.file = file
        self.line = line
        self.key = key
        self.value = value
        self.remedy = remedy
        super().__init__(f"{file}:{line}: {key} = {value!r}: {remedy}")


class InvalidValue(RouterError):
    """A value that an event may not carry."""

    def __init__(self, key: str, value: object, remedy: str) -> None:
        self.key = key
        self.value = value
        self.remedy = remedy
        super().__init__(f"{key} = {value!r}: {remedy}")


class UnknownAgent(RouterError):
    """Nobody of this id is signed in."""

    def __init__(self, agent_id: str, event: str) -> None:
        super().__init__(f"agent {agent_id}: {event} in state 'offline': nobody of this id is signed in")


class UnknownCall(RouterError):
    """No call of this id is in line or talking."""

    def __init__(self, call_id: str, event: str) -> None:
        super().__init__(f"call {call_id}: {event}: no such call is in line or talking")


class DuplicateCall(RouterError):
    """The call is known already."""

    def __init__(self, call_id: str, state: str, event: str) -> None:
        super().__init__(f"call {call_id}: {event} is not legal in state {state!r}: a call is queued once")


class IllegalAgentMove(RouterError):
    """An event that cannot happen in the agent's state."""

    def __init__(self, agent_id: str, state: str, event: str) -> None:
        self.state = state
        self.event = event
        super().__init__(f"agent {agent_id}: {event} is not legal in state {str(state)!r}")


class IllegalCallMove(RouterError):
    """An event that cannot happen in the call's state."""

    def __init__(self, call_id: str, state: str, event: str) -> None:
        self.state = state
        self.event = event
        super().__init__(f"call {call_id}: {event} is not legal in state {state!r}")
