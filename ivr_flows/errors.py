"""The exception tree of the flows.

FlowError
├── FlowFileError         a flow or number table is refused: names file, line, key, value and remedy
└── IllegalFlowEvent      an event that cannot happen where the flow is
"""

from __future__ import annotations


class FlowError(Exception):
    """Root of everything that goes wrong with flows."""


class FlowFileError(FlowError):
    """A file that cannot be used; it is refused whole."""

    def __init__(self, file: str, line: int, key: str, value: object, remedy: str) -> None:
        self.file = file
        self.line = line
        self.key = key
        self.value = value
        self.remedy = remedy
        super().__init__(f"{file}:{line}: {key} = {value!r}: {remedy}")


class IllegalFlowEvent(FlowError):
    """An event that cannot happen at this point of the flow."""

    def __init__(self, flow: str, step: str, stage: str, event: str) -> None:
        self.stage = stage
        self.event = event
        super().__init__(f"flow {flow}, step {step or '-'}: {event} is not legal in stage {str(stage)!r}")
