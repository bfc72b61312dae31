"""Everything that recognition raises."""

from __future__ import annotations


class AsrError(Exception):
    """Base of all errors of this room."""


class AsrSettingError(AsrError):
    """A setting has a value that nothing could run with."""

    def __init__(self, name: str, value: object, expected: str) -> None:
        self.name, self.value, self.expected = name, value, expected
        super().__init__(f"asr setting {name} = {value!r}: expected {expected}")


class NoModel(AsrError):
    """There is no usable speech model, so there are no captions. Everything else works without one."""

    def __init__(self, reason: str, remedy: str) -> None:
        self.reason, self.remedy = reason, remedy
        super().__init__(f"{reason}; {remedy}")


class FrameError(AsrError):
    """An AudioSocket connection sent what the protocol does not allow."""


class RecogniserError(AsrError):
    """The engine could not be made or refused audio."""


class AudioFileError(AsrError):
    """A file is not audio that can be transcribed."""
