"""What a step answers when it is entered or told something: the state after it, and an action or an exit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ivr_flows.messages import (
    Action,
    Collect,
    HangUp,
    Listen,
    LookUp,
    Note,
    OfferCallback,
    Play,
    Rated,
    Record,
    Route,
    TransferOut,
    WebRequest,
)
from ivr_flows.messages import Event as FlowEvent
from ivr_flows.schema_types import ALL_KEYS
from ivr_flows.state import FlowState, Stage
from ivr_flows.surroundings import Surroundings

STAGES: Mapping[type[Action], Stage] = {
    Play: Stage.PLAYING,
    Collect: Stage.COLLECTING,
    Listen: Stage.LISTENING,
    LookUp: Stage.LOOKING_UP,
    Record: Stage.RECORDING,
    Route: Stage.IN_LINE,
    OfferCallback: Stage.PROMISING,
    TransferOut: Stage.TRANSFERRED,
    WebRequest: Stage.ASKING,
    Note: Stage.NOTING,
    Rated: Stage.NOTING,
    HangUp: Stage.OVER,
}
"""What the telephone side does while an action is carried out."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The answer of a step."""

    state: FlowState  # afterwards
    then: Action | str  # what the telephone side should do, or the exit's target


Enter = Callable[[Any, FlowState, Surroundings], Turn]
"""step, state, surroundings -> what happens on entering the step"""
React = Callable[[Any, FlowEvent, FlowState, Surroundings], Turn]
"""step, event, state, surroundings -> what happens next; only events that are legal in the state's stage"""


def flushing(turn: Turn, flush: bool) -> Turn:
    """The same question, which keys pressed before it do not answer."""
    if flush and isinstance(turn.then, Play | Collect | Listen):
        return Turn(turn.state, replace(turn.then, flush=True))
    return turn


def play(state: FlowState, prompts: tuple[str, ...], wait_s: float = 0.0) -> Turn:
    """Say something that any key cuts short."""
    return Turn(state, Play(prompts=prompts, keys=ALL_KEYS, wait_s=wait_s))
