"""How the steps behave that bring the caller somewhere: route, callback, message, transfer."""

from __future__ import annotations

import re
from dataclasses import replace

from ivr_flows import speech
from ivr_flows.engine_talk import usable
from ivr_flows.messages import (
    Collect,
    Collected,
    Done,
    Event,
    LeftLine,
    OfferCallback,
    Played,
    Record,
    Recorded,
    Route,
    TalkOver,
    TransferOut,
    TransferOver,
)
from ivr_flows.schema_ends import Callback, Message, ToPerson, Transfer
from ivr_flows.state import FlowState, bounded, joined
from ivr_flows.surroundings import Surroundings
from ivr_flows.turn import Turn, flushing, play

MAX_NUMBER = 20
"""digits of a number to call back"""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CALLER = re.compile(r"\d{3,20}")

# ---------------------------------------------------------------- route


def enter_route(step: ToPerson, state: FlowState, around: Surroundings) -> Turn:
    """Be in line; whoever comes back after a key hears no greeting twice."""
    known = state.known(around)
    queue = known.value(step.queue_from) if step.queue_from else ""
    again = state.left == _here(state)
    prefer = (known.value(fact) for fact in step.prefer)
    action = Route(
        queue=queue if _NAME.fullmatch(queue) else step.queue,
        needs=joined(step.needs, state.needs),
        also=step.also,
        priority=bounded(step.priority + state.priority),
        urgent=step.urgent or state.urgent,
        prefer=tuple(dict.fromkeys(agent for agent in prefer if agent)),
        greeting=() if again else step.greeting,
        listen=step.listen,
        listen_invite=() if again else step.listen_invite,
        keys=tuple(step.keys),
        keys_hint=step.keys_hint,
        max_wait_s=step.max_wait_s,
    )
    return Turn(replace(state, left="", pending=""), action)  # nobody leaves the line by a key of before


def react_route(step: ToPerson, event: Event, state: FlowState, _around: Surroundings) -> Turn:
    """After the talk, or when the wait is given up."""
    match event:
        case TalkOver():
            return Turn(replace(state, talked=True), step.next)
        case LeftLine(key=key):
            state = replace(state, left=_here(state))
            if key in step.keys:
                return Turn(state, step.keys[key])
            if key is None and step.max_wait is not None:
                return Turn(state, step.max_wait)
            return Turn(state, state.step)  # nothing that leads anywhere: in line again
        case _:
            return Turn(state, step.error)


def _here(state: FlowState) -> str:
    return f"{state.inside}.{state.step}"


# ---------------------------------------------------------------- callback


def enter_callback(step: Callback, state: FlowState, around: Surroundings) -> Turn:
    """Say the calling number, or ask for one when it is withheld."""
    state = state.flushed()
    known = _CALLER.fullmatch(around.caller)
    return flushing(_confirm(step, state, around) if known else _number(step, state, ()), flush=True)


def react_callback(step: Callback, event: Event, state: FlowState, around: Surroundings) -> Turn:
    """Number, confirmation, promise."""
    match event:
        case Played() if state.phase == "said":
            return Turn(state, step.next)
        case Played(key=None):
            return Turn(state, step.none)
        case Played(key="1"):
            needs = joined(step.needs, state.needs)
            offer = OfferCallback(number=state.held, queue=step.queue, needs=needs)
            return Turn(replace(state, phase="promise"), offer)
        case Played(key="2"):
            state = replace(state, held="", tries=state.tries + 1)
            return Turn(state, step.wrong) if state.tries > step.tries else _number(step, state, ())
        case Played():
            state = replace(state, tries=state.tries + 1)
            return Turn(state, step.none) if state.tries >= step.tries else _confirm(step, state, around)
        case Collected(digits=typed, ended=ended):
            return _typed(step, state, around, usable(typed)[:MAX_NUMBER], ended=ended)
        case Done():
            state = replace(state, phase="said", promised=True)
            return play(state, step.accepted) if step.accepted else Turn(state, step.next)
        case _:
            return Turn(state, step.next if state.phase == "said" else step.error)


def _confirm(step: Callback, state: FlowState, around: Surroundings) -> Turn:
    digits = speech.digits_prompts(state.held or around.caller)
    prompts = (*step.number_prefix, *digits, *step.confirm)
    return play(replace(state, phase="confirm"), prompts, step.wait_s)


def _number(step: Callback, state: FlowState, before: tuple[str, ...]) -> Turn:
    prompts = (*before, *step.enter)
    collect = Collect(prompts=prompts, most=MAX_NUMBER, first_s=step.wait_s, next_s=4.0)
    return Turn(replace(state, phase="enter"), collect)


def _typed(step: Callback, state: FlowState, around: Surroundings, digits: str, *, ended: bool) -> Turn:
    if re.fullmatch(step.pattern, digits) and _CALLER.fullmatch(digits):
        return _confirm(step, replace(state, held=digits), around)
    if not digits and not ended:
        return Turn(state, step.none)
    state = replace(state, tries=state.tries + 1)
    return Turn(state, step.wrong) if state.tries >= step.tries else _number(step, state, step.invalid)


# ---------------------------------------------------------------- message, transfer


def enter_message(step: Message, state: FlowState, _around: Surroundings) -> Turn:
    """Record."""
    record = Record(prompts=step.prompts, most_s=step.most_s, silence_s=step.silence_s, purpose=step.purpose)
    return Turn(state.flushed(), record)


def react_message(step: Message, event: Event, state: FlowState, _around: Surroundings) -> Turn:
    """Say that it is kept, and go on."""
    match event:
        case Recorded(seconds=seconds):
            if seconds <= 0 or seconds < step.least_s:
                return Turn(state, step.none)
            state = replace(state, phase="said")
            return play(state, step.saved) if step.saved else Turn(state, step.next)
        case Played(key=key):
            return Turn(state.pressed_ahead(key), step.next)
        case _:
            return Turn(state, step.next if state.phase == "said" else step.error)


def enter_transfer(step: Transfer, state: FlowState, around: Surroundings) -> Turn:
    """Dial."""
    number = step.number
    if step.number_from:
        number = state.known(around).value(step.number_from) or number
    if not _CALLER.fullmatch(number):
        return Turn(state, step.failed)
    return Turn(state.flushed(), TransferOut(number=number, ring_s=step.ring_s, greeting=step.greeting))


def react_transfer(step: Transfer, event: Event, state: FlowState, _around: Surroundings) -> Turn:
    """Follow the result."""
    result = event.result if isinstance(event, TransferOver) else "failed"
    if result == "answered":
        return Turn(replace(state, talked=True), step.next)
    return Turn(state, {"busy": step.busy, "no_answer": step.no_answer}.get(result, step.failed))
