"""One call's way through a flow: an event goes in, the next action comes out. No sound, no socket, no clock.

The state is a small dataclass that can be kept outside, so that a server that takes a call over goes on where
the one before stopped: a caller in line is in line again without hearing the greeting a second time.

How each kind of step behaves stands in `engine_talk`, `engine_robot`, `engine_ways` and `engine_ends`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ivr_flows import engine_ends, engine_robot, engine_talk, engine_ways
from ivr_flows.errors import FlowError, IllegalFlowEvent
from ivr_flows.messages import (
    Action,
    Collected,
    Done,
    Event,
    Failed,
    HangUp,
    Heard,
    HungUp,
    LeftLine,
    LookedUp,
    Played,
    Recorded,
    Route,
    RouteFailed,
    TalkOver,
    TransferOver,
    WebAnswered,
)
from ivr_flows.schema import (
    ENDS,
    HANG_UP,
    RETURN,
    Announce,
    Branch,
    Callback,
    CallerLookup,
    CollectDigits,
    Flow,
    Hours,
    LanguageChoice,
    Menu,
    Message,
    Robot,
    Say,
    SetValues,
    Step,
    SubFlow,
    Survey,
    TakeNote,
    ToPerson,
    Transfer,
    Web,
)
from ivr_flows.state import FlowState, Frame, Stage
from ivr_flows.surroundings import NOWHERE, Surroundings
from ivr_flows.turn import STAGES, Enter, React, Turn

__all__ = ["LEGAL", "MAX_DEPTH", "FlowRun", "FlowState", "Stage", "Surroundings"]

MAX_DEPTH = 5
"""flows that may wait for one another in one call"""

_ANYWHERE: frozenset[type[Event]] = frozenset({HungUp, Failed})

LEGAL: Mapping[Stage, frozenset[type[Event]]] = {
    Stage.NEW: frozenset({HungUp}),
    Stage.PLAYING: _ANYWHERE | {Played},
    Stage.COLLECTING: _ANYWHERE | {Collected},
    Stage.LISTENING: _ANYWHERE | {Heard},
    Stage.LOOKING_UP: _ANYWHERE | {LookedUp},
    Stage.RECORDING: _ANYWHERE | {Recorded},
    Stage.IN_LINE: _ANYWHERE | {TalkOver, RouteFailed, LeftLine},
    Stage.PROMISING: _ANYWHERE | {Done},
    Stage.TRANSFERRED: _ANYWHERE | {TransferOver},
    Stage.ASKING: _ANYWHERE | {WebAnswered},
    Stage.NOTING: _ANYWHERE | {Done},
    Stage.OVER: frozenset(),
}
"""Events that can happen in each stage; everything else raises `IllegalFlowEvent`."""


class FlowRun:
    """A call in a flow: `start`, `back_in_line` or `after_talk`, then one event for every action."""

    __slots__ = ("around", "flow", "state")

    def __init__(self, flow: Flow, state: FlowState | None = None, around: Surroundings = NOWHERE) -> None:
        self.flow = flow
        self.around = around
        if state is None:
            state = FlowState(flow=flow.name, version=flow.version)
            state = state.with_facts(around.facts).with_needs(around.needs)
        self.state = state

    @classmethod
    def resume(cls, flow: Flow, state: FlowState, around: Surroundings = NOWHERE) -> FlowRun:
        """Take over a call that another server (or this one, before a restart) left in `state`.

        A step that this version of the flow does not have any more is forgotten, with the flows around it;
        `back_in_line` and `after_talk` find their way without it.

        Raises:
            FlowError: the state is of another flow.
        """
        if state.flow != flow.name:
            raise FlowError(f"state of flow {state.flow!r} cannot go on in flow {flow.name!r}")
        run = cls(flow, replace(state, version=flow.version), around)
        waiting = [run._in(frame.flow, frame.step) for frame in state.stack]
        if run._step() is None or not all(isinstance(step, SubFlow) for step in waiting):
            run.state = replace(run.state, step="", inside="", stack=())
        return run

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
        return self._settle(Turn(self.state, self.flow.start))

    def back_in_line(self) -> Action:
        """Go on after the server died: a caller goes straight back in line, without any greeting.

        Who was in line for a queue is in line for it again; who had not come so far waits for the flow's
        `resume` step; who has already talked goes on after the talk; who was promised a call-back is let go.

        Raises:
            IllegalFlowEvent: the flow is over.
        """
        if self.over:
            raise self._illegal("back_in_line")
        if self.state.talked:
            return self.after_talk()
        if self.state.promised:
            return self._settle(Turn(self.state, HANG_UP))
        inside, _, left = self.state.left.partition(".")
        if isinstance(self._step(), ToPerson):
            action = self._settle(Turn(self.state, self.state.step))
        elif left and inside == self.state.inside and isinstance(self._in(inside, left), ToPerson):
            action = self._settle(Turn(self.state, left))  # thinking about a call-back
        else:
            action = self._settle(Turn(self._outermost(), self.flow.resume or self.flow.start))
        return replace(action, greeting=(), listen_invite=()) if isinstance(action, Route) else action

    def after_talk(self) -> Action:
        """Go on after the talk, which the server did not see to its end.

        Raises:
            IllegalFlowEvent: the flow is over.
        """
        if self.over:
            raise self._illegal("after_talk")
        step = self._step()
        if isinstance(step, ToPerson):
            turn = Turn(self.state, step.next)
        elif self.state.talked and step:
            turn = Turn(self.state, self.state.step)
        else:
            turn = Turn(self._outermost(), self.flow.after_talk or HANG_UP)
        return self._settle(Turn(replace(turn.state, talked=True), turn.then))

    def _outermost(self) -> FlowState:
        """The state in the flow that the call began with."""
        return replace(self.state, inside="", stack=())

    # ------------------------------------------------------------ events

    def handle(self, event: Event) -> Action:
        """Take what happened and say what to do next.

        Raises:
            IllegalFlowEvent: the event cannot happen now; nothing changed.
        """
        if type(event) not in LEGAL[self.state.stage]:
            raise self._illegal(type(event).__name__)
        if isinstance(event, HungUp):
            return self._over(self.state, "caller_gone")
        step = self._step()
        if step is None:
            return self._over(self.state, "error")
        if isinstance(step, SubFlow):  # in an earlier version the step was another one
            return self._settle(Turn(self.state, step.error))
        return self._settle(_STEPS[type(step)][1](step, event, self.state, self.around))

    # ------------------------------------------------------------ steps

    def _in(self, flow: str, step: str) -> Step | None:
        """A step of the flow that the call began with ("") or of one that it enters."""
        found = self.flow.linked.get(flow) if flow else self.flow
        return found.steps.get(step) if found else None

    def _step(self) -> Step | None:
        return self._in(self.state.inside, self.state.step)

    def _settle(self, turn: Turn) -> Action:
        """Follow exits until there is something for the telephone side to do."""
        state, then = turn.state, turn.then
        while isinstance(then, str):
            if then in ENDS:
                if not state.stack:
                    finished = then == HANG_UP or (then == RETURN and (state.talked or state.promised))
                    return self._over(state, "finished" if finished else "error")
                if then == HANG_UP:
                    return self._over(state, "finished")
                frame = state.stack[-1]
                state = replace(state, inside=frame.flow, step=frame.step, stack=state.stack[:-1])
                waiting = self._in(frame.flow, frame.step)
                if not isinstance(waiting, SubFlow):
                    return self._over(state, "error")
                then = waiting.next if then == RETURN else waiting.error
                continue
            step = self._in(state.inside, then)
            if step is None or state.steps >= self.flow.max_steps:
                return self._over(state, "finished" if state.talked or state.promised else "error")
            state = replace(state, step=then, tries=0, phase="", held="", steps=state.steps + 1)
            if isinstance(step, SubFlow):
                state, then = self._enter_flow(step, state)
                continue
            turn = _STEPS[type(step)][0](step, state, self.around)
            state, then = turn.state, turn.then
        self.state = replace(state, stage=STAGES[type(then)])
        return then

    def _enter_flow(self, step: SubFlow, state: FlowState) -> tuple[FlowState, str]:
        other = self.flow.linked.get(step.flow)
        if other is None or len(state.stack) >= MAX_DEPTH:
            return state, step.error
        frame = Frame(flow=state.inside, step=state.step)
        return replace(state, inside=other.name, stack=(*state.stack, frame)), other.start

    def _over(self, state: FlowState, reason: str) -> Action:
        self.state = replace(state, stage=Stage.OVER)
        return HangUp(reason=reason)

    def _illegal(self, event: str) -> IllegalFlowEvent:
        return IllegalFlowEvent(self.flow.name, self.state.step, self.state.stage, event)


_STEPS: Mapping[type[Step], tuple[Enter, React]] = {
    Announce: (engine_talk.enter_announce, engine_talk.said_over),
    Say: (engine_talk.enter_say, engine_talk.said_over),
    Menu: (engine_talk.enter_menu, engine_talk.react_menu),
    LanguageChoice: (engine_talk.enter_menu, engine_talk.react_menu),
    CollectDigits: (engine_talk.enter_collect, engine_talk.react_collect),
    Survey: (engine_talk.enter_survey, engine_talk.react_survey),
    Robot: (engine_robot.enter_robot, engine_robot.react_robot),
    Hours: (engine_ways.enter_hours, engine_ways.enter_anew),
    Branch: (engine_ways.enter_branch, engine_ways.enter_anew),
    SetValues: (engine_ways.enter_set, engine_ways.enter_anew),
    CallerLookup: (engine_ways.enter_lookup, engine_ways.react_lookup),
    Web: (engine_ways.enter_web, engine_ways.react_web),
    TakeNote: (engine_ways.enter_note, engine_ways.react_note),
    ToPerson: (engine_ends.enter_route, engine_ends.react_route),
    Callback: (engine_ends.enter_callback, engine_ends.react_callback),
    Message: (engine_ends.enter_message, engine_ends.react_message),
    Transfer: (engine_ends.enter_transfer, engine_ends.react_transfer),
}
"""What happens on entering a step of a kind, and on an event while in it."""
