"""Where a call is in its flow: everything that is needed to go on, small enough to be kept with the call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

import msgspec

from ivr_flows.errors import FlowError
from ivr_flows.schema_types import ALL_KEYS
from ivr_flows.surroundings import MAX_VALUE, Known, Surroundings

MAX_PENDING = 20
"""keys that are kept for the next question; further ones are dropped"""
MAX_FACTS = 40
MAX_VARS = 30
MAX_NEEDS = 20
MAX_PRIORITY = 100

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Stage(StrEnum):
    """What the telephone side is doing for this call."""

    NEW = "new"  # nothing yet
    PLAYING = "playing"  # prompts, and the wait for a key
    COLLECTING = "collecting"  # prompts, and digits
    LISTENING = "listening"  # prompts, and the recogniser
    LOOKING_UP = "looking_up"  # asking what is known of the caller
    RECORDING = "recording"  # a voice message
    IN_LINE = "in_line"  # waiting for a person, or talking
    PROMISING = "promising"  # a call-back is being kept
    TRANSFERRED = "transferred"  # connected with a number outside, or about to be
    ASKING = "asking"  # another system of the city
    NOTING = "noting"  # a rating or a note is being stored
    OVER = "over"  # told to hang up


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A flow that waits for another one to return."""

    flow: str  # its name, "" the flow that the call began with
    step: str  # its step of kind `flow`


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowState:
    """Where a call is; everything that is needed to go on."""

    flow: str  # name of the flow that the call began with
    version: str  # of that flow
    step: str = ""  # present step, "" before the start
    stage: Stage = Stage.NEW  # what the telephone side does
    tries: int = 0  # wrong or missing answers at this step so far
    steps: int = 0  # steps entered so far
    talked: bool = False  # the citizen has spoken with a person
    inside: str = ""  # name of the flow that `step` is in, "" the one that the call began with
    stack: tuple[Frame, ...] = ()  # flows that wait for the present one, outermost first
    phase: str = ""  # where within the step: "confirm", "enter", "promise", "said"
    held: str = ""  # digits gathered, or the answer to be confirmed, at this step
    pending: str = ""  # keys pressed before a question was asked
    deaf: bool = False  # listening has failed: keys only from now on
    left: str = ""  # the route step that the citizen left by a key, to come back without greetings
    promised: bool = False  # a call-back is agreed
    priority: int = 0  # added to a route's
    urgent: bool = False  # before everybody who is not
    language: str = ""  # chosen by the citizen
    needs: Mapping[str, int] = field(default_factory=dict)  # skill -> level, joined to a route's
    facts: Mapping[str, str] = field(default_factory=dict)  # told by others
    vars: Mapping[str, str] = field(default_factory=dict)  # set by steps

    def saved(self) -> dict[str, Any]:
        """Plain JSON types, for `load`; what is as it was at the beginning is left out."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return {
            name: value for name, value in plain.items() if name not in _DEFAULTS or value != _DEFAULTS[name]
        }

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> FlowState:
        """The state that `saved` wrote.

        Raises:
            FlowError: it is none.
        """
        try:
            return msgspec.convert(dict(saved), cls)
        except msgspec.ValidationError as error:
            raise FlowError(f"saved flow state: {error}; begin the flow anew") from None

    def known(self, around: Surroundings) -> Known:
        """What references can name now."""
        local = around.local()
        call = {"caller": around.caller, "called": around.called, "language": self.language}
        return Known(facts=self.facts, vars=self.vars, call=call, today=local.date() if local else None)

    # ------------------------------------------------------------ changes

    def pressed_ahead(self, key: str | None) -> FlowState:
        """Keep a key for the next question."""
        if not key or key not in ALL_KEYS or len(self.pending) >= MAX_PENDING:
            return self
        return replace(self, pending=self.pending + key)

    def take_key(self) -> tuple[FlowState, str | None]:
        """The first key that was pressed ahead, if any."""
        if not self.pending:
            return self, None
        return replace(self, pending=self.pending[1:]), self.pending[0]

    def flushed(self, flush: bool = True) -> FlowState:
        """Without keys that were pressed ahead."""
        return replace(self, pending="") if flush and self.pending else self

    def with_var(self, name: str | None, value: str) -> FlowState:
        """Set a variable; beyond `MAX_VARS` no new ones."""
        if name is None or (name not in self.vars and len(self.vars) >= MAX_VARS):
            return self
        return replace(self, vars={**self.vars, name: value[:MAX_VALUE]})

    def with_facts(self, facts: Mapping[str, str], prefix: str = "") -> FlowState:
        """Take over facts with usable names; beyond `MAX_FACTS` no new ones."""
        known = dict(self.facts)
        for name, value in facts.items():
            full = f"{prefix}_{name}" if prefix else name
            if not _NAME.fullmatch(full) or (full not in known and len(known) >= MAX_FACTS):
                continue
            known[full] = str(value)[:MAX_VALUE]
        return replace(self, facts=known)

    def with_needs(self, needs: Mapping[str, int]) -> FlowState:
        """Join skills, the higher level of each."""
        return replace(self, needs=joined(self.needs, needs)) if needs else self


def joined(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Two sets of needs as one: the higher level of each skill; at most `MAX_NEEDS`."""
    result = dict(one)
    for skill, level in other.items():
        if skill in result or len(result) < MAX_NEEDS:
            result[skill] = max(level, result.get(skill, 0))
    return result


def bounded(priority: int) -> int:
    """A priority within what routers take."""
    return max(-MAX_PRIORITY, min(MAX_PRIORITY, priority))


_DEFAULTS: Mapping[str, Any] = {
    one.name: msgspec.to_builtins(one.default if one.default is not MISSING else {})
    for one in fields(FlowState)
    if one.name not in ("flow", "version", "step", "stage")
}
