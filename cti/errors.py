"""The exception tree of the bridge.

HotlineError
├── SettingError          a setting is wrong: names key, value and remedy
├── SecretsError          the secrets file cannot be used
├── IllegalCallMove       an event that is not legal in the call's state
├── ControlError          call control cannot do what was asked
│   └── UnknownCall       no such call is known here
└── StartError            a part of the system did not start: names the part and the remedy
"""

from __future__ import annotations


class HotlineError(Exception):
    """Root of everything that goes wrong in the bridge itself."""


class SettingError(HotlineError):
    """A setting that cannot be used.

    `key` is the dotted name as in hotline.toml, `value` what stood there, `remedy` what to do.
    """

    def __init__(self, key: str, value: object, remedy: str) -> None:
        self.key = key
        self.value = value
        self.remedy = remedy
        super().__init__(f"setting {key} = {value!r}: {remedy}")


class SecretsError(HotlineError):
    """The secrets file is unreadable, damaged, or readable by others than its owner."""


class IllegalCallMove(HotlineError):
    """An event reached a call in a state in which it cannot happen."""

    def __init__(self, call_id: str, state: str, event: str) -> None:
        self.state = state
        self.event = event
        super().__init__(f"call {call_id}: {event!r} is not legal in state {state!r}")


class ControlError(HotlineError):
    """Call control cannot do what was asked."""


class UnknownCall(ControlError):
    """No call of this id is known."""


class StartError(HotlineError):
    """A part of the system did not start."""

    def __init__(self, part: str, reason: str, remedy: str) -> None:
        self.part = part
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{part} did not start: {reason}. {remedy}")
