"""How the steps that speak with the caller behave: announce, menu, language, collect, say, survey."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

from ivr_flows import speech, times
from ivr_flows.messages import Collect, Collected, Done, Event, Failed, Heard, Listen, Play, Played, Rated
from ivr_flows.schema_talk import Announce, CollectDigits, LanguageChoice, Menu, Say, SayAs, Survey
from ivr_flows.schema_types import ALL_KEYS
from ivr_flows.state import FlowState
from ivr_flows.surroundings import Surroundings
from ivr_flows.turn import Turn, flushing, play
from ivr_flows.understand import satisfaction

_PROMPT = re.compile(r"[a-z][a-z0-9_]{0,63}")

# ---------------------------------------------------------------- announce, say


def enter_announce(step: Announce, state: FlowState, _around: Surroundings) -> Turn:
    """Say it."""
    prompts = step.prompts
    if step.prompts_from:
        named = state.facts.get(step.prompts_from.partition(".")[2], "").split()[:20]
        if named and all(_PROMPT.fullmatch(one) for one in named):
            prompts = tuple(named)
    return Turn(state, Play(prompts=prompts, keys=ALL_KEYS if step.interrupt else ""))


def enter_say(step: Say, state: FlowState, around: Surroundings) -> Turn:
    """Say the value, or take the exit for what cannot be said."""
    said = _said(step, state, around)
    return Turn(state, step.error) if said is None else play(state, (*step.before, *said, *step.after))


def _said(step: Say, state: FlowState, around: Surroundings) -> tuple[str, ...] | None:
    now = around.local()
    if step.value == "now":
        if now is None:
            return None
        return times.date_prompts(now.date()) if step.say_as is SayAs.DATE else times.time_prompts(now.time())
    value = state.known(around).value(step.value)
    if step.say_as is SayAs.PROMPTS:
        return step.choices.get(value)
    try:
        match step.say_as:
            case SayAs.NUMBER:
                return times.number_prompts(int(value)) if len(value) <= 9 else None
            case SayAs.COUNT:
                return times.count_prompts(int(value)) if len(value) <= 9 else None
            case SayAs.DIGITS:
                return speech.digits_prompts(value)
            case SayAs.DATE:
                return times.date_prompts(dt.date.fromisoformat(value))
            case _:
                return times.time_prompts(dt.time.fromisoformat(value))
    except ValueError:  # PromptError, too: not a number, not a date, beyond what is recorded
        return None


def said_over(step: Announce | Say, event: Event, state: FlowState, _around: Surroundings) -> Turn:
    """Go on; a key that was pressed meanwhile is kept."""
    if isinstance(event, Played):
        return Turn(state.pressed_ahead(event.key), step.next)
    return Turn(state, step.error)


# ---------------------------------------------------------------- menu, language


def enter_menu(step: Menu | LanguageChoice, state: FlowState, _around: Surroundings) -> Turn:
    """Ask, or take the key that was pressed ahead."""
    return flushing(_menu(step, state.flushed(step.flush), step.prompts), step.flush)


def react_menu(step: Menu | LanguageChoice, event: Event, state: FlowState, _around: Surroundings) -> Turn:
    """Follow the key."""
    return _menu_key(step, state, event.key) if isinstance(event, Played) else Turn(state, step.error)


def _menu(step: Menu | LanguageChoice, state: FlowState, prompts: tuple[str, ...]) -> Turn:
    state, key = state.take_key()
    return play(state, prompts, step.wait_s) if key is None else _menu_key(step, state, key)


def _menu_key(step: Menu | LanguageChoice, state: FlowState, key: str | None) -> Turn:
    if key is None:
        return Turn(state, step.no_key)
    if isinstance(step, Menu) and key in step.keys:
        return Turn(state, step.keys[key])
    if isinstance(step, LanguageChoice) and key in step.choices:
        chosen = step.choices[key]
        return Turn(replace(state.with_needs(chosen.needs), language=chosen.language), step.next)
    state = replace(state, tries=state.tries + 1)
    if state.tries >= step.tries:
        return Turn(state, step.wrong_key)
    return _menu(step, state, (*step.retry, *step.prompts))


# ---------------------------------------------------------------- collect


def enter_collect(step: CollectDigits, state: FlowState, _around: Surroundings) -> Turn:
    """Gather; what was typed ahead is the beginning."""
    return flushing(_collect(step, state.flushed(step.flush), step.prompts), step.flush)


def react_collect(step: CollectDigits, event: Event, state: FlowState, _around: Surroundings) -> Turn:
    """Look at the digits."""
    if not isinstance(event, Collected):
        return Turn(state, step.error)
    digits = (state.held + usable(event.digits))[: step.most]
    return _gathered(step, replace(state, held=""), digits, ended=event.ended)


def _collect(step: CollectDigits, state: FlowState, prompts: tuple[str, ...]) -> Turn:
    digits, ended = "", False
    while state.pending and len(digits) < step.most and not ended:
        state, key = state.take_key()
        ended = key == step.end_key
        digits += "" if ended else key or ""
    if ended or len(digits) == step.most:
        return _gathered(step, state, digits, ended=ended)
    action = Collect(
        prompts=() if digits else prompts,
        most=step.most - len(digits),
        end_key=step.end_key,
        first_s=step.first_s,
        next_s=step.next_s,
    )
    return Turn(replace(state, held=digits), action)


def _gathered(step: CollectDigits, state: FlowState, digits: str, *, ended: bool) -> Turn:
    if _fits(step, digits):
        return Turn(state.with_var(step.into, digits), step.next)
    state = replace(state, tries=state.tries + 1)
    if state.tries >= step.tries:
        return Turn(state, step.wrong if digits or ended else step.none)
    return _collect(step, state, (*step.retry, *step.prompts))


def _fits(step: CollectDigits, digits: str) -> bool:
    if not digits.isdigit() or not step.least <= len(digits) <= step.most:
        return False
    if step.lengths and len(digits) not in step.lengths:
        return False
    return not step.pattern or re.fullmatch(step.pattern, digits) is not None


def usable(digits: str) -> str:
    """The keys in what the telephone side reports; at most 64 of its characters are looked at."""
    return "".join(key for key in digits[:64] if key in ALL_KEYS)


# ---------------------------------------------------------------- survey


def enter_survey(step: Survey, state: FlowState, _around: Surroundings) -> Turn:
    """Ask for the rating."""
    return flushing(_ask(step, state.flushed(step.flush), step.prompts), step.flush)


def react_survey(step: Survey, event: Event, state: FlowState, _around: Surroundings) -> Turn:
    """Understand the rating, have it noted, go on."""
    match event:
        case Done():
            return Turn(state, step.next)
        case Played(key=key):
            return _answer(step, state, key, "")
        case Heard(key=key, text=text):
            return _answer(step, state, key, text)
        case Failed() if step.listen and not state.deaf and state.phase != "noting":
            return _ask(step, replace(state, deaf=True), step.prompts)  # the same question, by keys
        case _:
            return Turn(state, step.error)


def _ask(step: Survey, state: FlowState, prompts: tuple[str, ...]) -> Turn:
    state, key = state.take_key()
    if key is not None:
        return _answer(step, state, key, "")
    return listen_or_play(state, prompts, step.wait_s) if step.listen else play(state, prompts, step.wait_s)


def listen_or_play(state: FlowState, prompts: tuple[str, ...], wait_s: float, most_s: float = 12.0) -> Turn:
    """Ask for words or keys, or for keys alone when listening has failed in this call."""
    if state.deaf:
        return play(state, prompts, wait_s)
    return Turn(state, Listen(prompts=prompts, keys=ALL_KEYS, wait_s=wait_s, most_s=max(most_s, wait_s)))


def _answer(step: Survey, state: FlowState, key: str | None, text: str) -> Turn:
    score = step.scores.get(key) if key else satisfaction(text) if text.strip() else None
    if score is not None:
        state = replace(state, phase="noting").with_var(step.into, str(score))
        return Turn(state, Rated(score=score))
    if not key and not text.strip():
        return Turn(state, step.no_key)
    state = replace(state, tries=state.tries + 1)
    if state.tries >= step.tries:
        return Turn(state, step.wrong_key)
    return _ask(step, state, (*step.retry, *step.prompts))
