"""What can go wrong in this room."""

from __future__ import annotations


class AsteriskConfError(Exception):
    """Base of every error raised by this package."""


class ConfigValueError(AsteriskConfError):
    """A value cannot be written into Asterisk's configuration.

    Attributes:
        key: dotted name of the value, for example ``trunks[0].secret``.
        remedy: what a person should do about it.
    """

    def __init__(self, key: str, problem: str, remedy: str) -> None:
        super().__init__(f"{key}: {problem}; {remedy}")
        self.key = key
        self.remedy = remedy


class ProvideError(AsteriskConfError):
    """A program could not be found or unpacked on this machine."""


class RecordingError(AsteriskConfError):
    """A call's recording cannot be put together."""


class ProcessError(AsteriskConfError):
    """Asterisk did not start, answer or stop as asked."""
