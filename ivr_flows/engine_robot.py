"""How the robot's question behaves: ask, listen, understand, confirm."""

from __future__ import annotations

from dataclasses import replace

from ivr_flows import understand
from ivr_flows.engine_talk import listen_or_play
from ivr_flows.messages import Event, Failed, Heard, Played
from ivr_flows.schema_talk import Robot
from ivr_flows.state import FlowState
from ivr_flows.surroundings import Surroundings
from ivr_flows.turn import Turn, flushing

CONFIRM = "confirm"
RIGHT_KEY = "1"
"""at a confirmation: that is what I said; every other key without a meaning of its own: it is not"""


def enter_robot(step: Robot, state: FlowState, _around: Surroundings) -> Turn:
    """Ask the question."""
    return flushing(_ask(step, state.flushed(step.flush), step.prompts), step.flush)


def react_robot(step: Robot, event: Event, state: FlowState, _around: Surroundings) -> Turn:
    """Follow what was said or pressed."""
    match event:
        case Played(key=key) | Heard(key=str(key)):
            return _key(step, state, key) if key else _again(step, state, silence=True)
        case Heard(text=text, confidence=confidence):
            if not understand.clean(text):
                return _again(step, state, silence=True)
            return _words(step, state, text, confidence)
        case Failed() if not state.deaf:
            return _ask(step, replace(state, deaf=True, phase="", held=""), step.prompts)
        case _:
            return Turn(state, step.error)


def _ask(step: Robot, state: FlowState, prompts: tuple[str, ...]) -> Turn:
    state, key = state.take_key()
    if key is not None:
        return _key(step, state, key)
    return listen_or_play(state, prompts, step.wait_s, step.most_s)


def _key(step: Robot, state: FlowState, key: str) -> Turn:
    if state.phase == CONFIRM and key == RIGHT_KEY:
        return _accept(step, state, *_held(state))
    if key == step.person_key:
        return Turn(state, step.person)
    for name, intent in step.intents.items():
        if key in (values := intent.values()):
            return _accept(step, state, name, values[key] if isinstance(intent.keys, dict) else name)
    return _again(step, state, silence=False)


def _words(step: Robot, state: FlowState, text: str, confidence: float) -> Turn:
    if understand.wants_person(text):
        return Turn(state, step.person)
    chosen = understand.choose(text, step.intents)
    if state.phase == CONFIRM:
        right = understand.yes_or_no(text)
        if right or (right is None and chosen is not None and chosen == _held(state)):
            return _accept(step, state, *_held(state))
        if right is False or chosen is None:
            return _again(step, state, silence=False)
    state = state.with_var(step.words_into, text)
    if chosen is None:
        return Turn(state, step.anything) if step.anything else _again(step, state, silence=False)
    name, value = chosen
    if step.intents[name].confirm and confidence < step.confirm_below:
        asked = replace(state, phase=CONFIRM, held=f"{name} {value}")
        return listen_or_play(asked, step.intents[name].confirm, step.wait_s, step.most_s)
    return _accept(step, state, name, value)


def _held(state: FlowState) -> tuple[str, str]:
    name, _, value = state.held.partition(" ")
    return name, value


def _accept(step: Robot, state: FlowState, name: str, value: str) -> Turn:
    intent = step.intents.get(name)
    if intent is None:  # the flow was changed between the question and its confirmation
        return _again(step, state, silence=False)
    return Turn(state.with_var(step.into, value), intent.next)


def _again(step: Robot, state: FlowState, *, silence: bool) -> Turn:
    state = replace(state, tries=state.tries + 1, phase="", held="")
    if state.tries >= step.tries:
        return Turn(state, step.none if silence else step.unclear)
    return _ask(step, state, (*step.retry, *step.prompts))
