"""One call's way through a flow: an event goes in, the next action comes out. No sound, no socket, no clock.

The state is a small dataclass that can be kept outside, so that a server that takes a call over goes on where
the one before stopped: a caller in line is in line again without hearing the greeting a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec

from ivr_flows.errors import FlowError, IllegalFlowEvent
from ivr_flows.messages import (
    Action,
    Done,
    Event,
    Failed,
    HangUp,
    HungUp,
    Play,
    Played,
    Rated,
    Route,
    RouteFailed,
    TalkOver,
)
from ivr_flows.schema import ALL_KEYS, ENDS, HANG_UP, Announce, Flow, Menu, Step, Survey, ToPerson


class Stage(StrEnum):
    """What the telephone side is doing for this call."""

    NEW = "new"  # nothing yet
    PLAYING = "playing"  # prompts, and the wait for a key
    IN_LINE = "in_line"  # waiting for a person, or talking
    NOTING = "noting"  # a rating is being stored
    OVER = "over"  # told to hang up


LEGAL: Mapping[Stage, frozenset[type[Event]]] = {
    Stage.NEW: frozenset({HungUp}),
    Stage.PLAYING: frozenset({Played, HungUp, Failed}),
    Stage.IN_LINE: frozenset({TalkOver, RouteFailed, HungUp, Failed}),
    Stage.NOTING: frozenset({Done, HungUp, Failed}),
    Stage.OVER: frozenset(),
}
"""Events that can happen in each stage; everything else raises `IllegalFlowEvent`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowState:
    """Where a call is; everything that is needed to go on."""

    flow: str  # name of the flow
    version: str  # of the flow
    step: str = ""  # present step, "" before the start
    stage: Stage = Stage.NEW  # what the telephone side does
    tries: int = 0  # wrong keys at this step so far
    steps: int = 0  # steps entered so far
    talked: bool = False  # the citizen has spoken with a person

    def saved(self) -> dict[str, Any]:
        """Plain JSON types, for `load`."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

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


class FlowRun:
    """A call in a flow: `start`, `back_in_line` or `after_talk`, then one event for every action."""

    __slots__ = ("flow", "state")

    def __init__(self, flow: Flow, state: FlowState | None = None) -> None:
        self.flow = flow
        self.state = state or FlowState(flow=flow.name, version=flow.version)

    @classmethod
    def resume(cls, flow: Flow, state: FlowState) -> FlowRun:
        """Take over a call that another server (or this one, before a restart) left in `state`.

        A step that this version of the flow does not have any more is forgotten; `back_in_line` and
        `after_talk` find their way without it.

        Raises:
            FlowError: the state is of another flow.
        """
        if state.flow != flow.name:
            raise FlowError(f"state of flow {state.flow!r} cannot go on in flow {flow.name!r}")
        if state.step not in flow.steps:
            state = replace(state, step="")
        return cls(flow, replace(state, version=flow.version))

    @property
    def over(self) -> bool:
        """True when the flow has told the telephone side to hang up."""
        return self.state.stage is Stage.OVER

    def saved(self) -> dict[str, Any]:
        """The state as plain JSON types, for `FlowState.load`."""
        return self.state.saved()

    # ------------------------------------------------------------ beginnings

    def start(self) -> Action:
        """Begin at the first step.

        Raises:
            IllegalFlowEvent: the flow has begun already.
        """
        if self.state.stage is not Stage.NEW:
            raise self._illegal("start")
        return self._go(self.flow.start)

    def back_in_line(self) -> Action:
        """Go on after the server died: a caller goes straight back in line, without any greeting.

        Who was in line for a queue is in line for it again; who had not come so far waits for the flow's
        `resume` step; who has already talked goes on after the talk.

        Raises:
            IllegalFlowEvent: the flow is over.
        """
        if self.over:
            raise self._illegal("back_in_line")
        if self.state.talked:
            return self.after_talk()
        name = self.state.step if isinstance(self._step(), ToPerson) else self.flow.resume
        action = self._go(name)
        return replace(action, greeting=()) if isinstance(action, Route) else action

    def after_talk(self) -> Action:
        """Go on after the talk, which the server did not see to its end.

        Raises:
            IllegalFlowEvent: the flow is over.
        """
        if self.over:
            raise self._illegal("after_talk")
        step = self._step()
        if isinstance(step, ToPerson):
            target = step.next
        else:
            target = self.state.step if self.state.talked and step else self.flow.after_talk
        self.state = replace(self.state, talked=True)
        return self._go(target)

    # ------------------------------------------------------------ events

    def handle(self, event: Event) -> Action:
        """Take what happened and say what to do next.

        Raises:
            IllegalFlowEvent: the event cannot happen now; nothing changed.
        """
        if type(event) not in LEGAL[self.state.stage]:
            raise self._illegal(type(event).__name__)
        if isinstance(event, HungUp):
            return self._over("caller_gone")
        step = self._step()
        if step is None:
            return self._over("error")
        if isinstance(event, Failed | RouteFailed):
            return self._go(step.error)
        if isinstance(event, TalkOver):
            self.state = replace(self.state, talked=True)
        if isinstance(event, Played) and isinstance(step, Menu | Survey):
            return self._key(step, event.key)
        return self._go(step.no_key if isinstance(step, Menu) else step.next)

    def _key(self, step: Menu | Survey, key: str | None) -> Action:
        if key is None:
            return self._go(step.no_key)
        if isinstance(step, Menu) and key in step.keys:
            return self._go(step.keys[key])
        if isinstance(step, Survey) and key in step.scores:
            self.state = replace(self.state, stage=Stage.NOTING)
            return Rated(score=step.scores[key])
        tries = self.state.tries + 1
        if tries >= step.tries:
            return self._go(step.wrong_key)
        self.state = replace(self.state, tries=tries)
        return Play(prompts=(*step.retry, *step.prompts), keys=ALL_KEYS, wait_s=step.wait_s)

    # ------------------------------------------------------------ steps

    def _step(self) -> Step | None:
        return self.flow.steps.get(self.state.step)

    def _go(self, target: str) -> Action:
        """Enter a step and say what it wants done."""
        if target in ENDS:
            return self._over("finished" if target == HANG_UP else "error")
        if self.state.steps >= self.flow.max_steps:
            return self._over("finished" if self.state.talked else "error")
        step = self.flow.steps[target]
        stage, act = _ACTIONS[type(step)]
        self.state = replace(self.state, step=target, stage=stage, tries=0, steps=self.state.steps + 1)
        return act(step)

    def _over(self, reason: str) -> Action:
        self.state = replace(self.state, stage=Stage.OVER)
        return HangUp(reason=reason)

    def _illegal(self, event: str) -> IllegalFlowEvent:
        return IllegalFlowEvent(self.flow.name, self.state.step, self.state.stage, event)


def _say(step: Announce) -> Action:
    return Play(prompts=step.prompts)


def _ask(step: Menu | Survey) -> Action:
    return Play(prompts=step.prompts, keys=ALL_KEYS, wait_s=step.wait_s)


def _queue(step: ToPerson) -> Action:
    return Route(queue=step.queue, needs=step.needs, priority=step.priority, greeting=step.greeting)


_ACTIONS: Mapping[type[Step], tuple[Stage, Callable[[Any], Action]]] = {
    Announce: (Stage.PLAYING, _say),
    Menu: (Stage.PLAYING, _ask),
    Survey: (Stage.PLAYING, _ask),
    ToPerson: (Stage.IN_LINE, _queue),
}
