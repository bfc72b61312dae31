"""How the steps behave that decide, remember, or ask other systems: the caller hears nothing of them."""

from __future__ import annotations

from dataclasses import replace

from ivr_flows.calendar import Opening
from ivr_flows.messages import Done, Event, LookedUp, LookUp, Note, WebAnswered, WebRequest
from ivr_flows.schema_ways import Branch, CallerLookup, Hours, SetValues, TakeNote, Web
from ivr_flows.state import FlowState, bounded
from ivr_flows.surroundings import TRUE, Surroundings
from ivr_flows.turn import Turn

OPENING = "opening"
"""The fact that keeps what the calendar said last, for whoever counts calls outside the hours."""


def enter_hours(step: Hours, state: FlowState, around: Surroundings) -> Turn:
    """Ask the calendar."""
    opening = around.opening(step.calendar)
    if opening is not None:
        state = state.with_facts({OPENING: opening.value})
    match opening:
        case Opening.OPEN:
            return Turn(state, step.open)
        case Opening.CLOSED:
            return Turn(state, step.closed)
        case Opening.HOLIDAY:
            return Turn(state, step.holiday)
        case None:
            return Turn(state, step.error)


def enter_branch(step: Branch, state: FlowState, around: Surroundings) -> Turn:
    """Follow the first true case."""
    known = state.known(around)
    return Turn(state, next((case.then for case in step.cases if known.true(case)), step.otherwise))


def enter_set(step: SetValues, state: FlowState, around: Surroundings) -> Turn:
    """Remember; all references mean what they meant before this step."""
    known = state.known(around)
    for name, template in step.vars.items():
        state = state.with_var(name, known.text(template))
    if step.forget_needs:
        state = replace(state, needs={})
    state = replace(
        state.with_needs(step.needs),
        priority=state.priority if step.priority is None else bounded(step.priority),
        urgent=state.urgent if step.urgent is None else step.urgent,
        language=step.language or state.language,
    )
    return Turn(state, step.next)


def enter_lookup(step: CallerLookup, state: FlowState, _around: Surroundings) -> Turn:
    """Ask."""
    return Turn(state, LookUp(within_s=step.within_s))


def react_lookup(step: CallerLookup, event: Event, state: FlowState, _around: Surroundings) -> Turn:
    """Keep what is known."""
    if not isinstance(event, LookedUp):
        return Turn(state, step.error)
    state = state.with_facts(event.facts)
    known = str(event.facts.get("known", "")).lower() in TRUE
    return Turn(state, step.known if known else step.unknown)


def enter_web(step: Web, state: FlowState, around: Surroundings) -> Turn:
    """Ask."""
    known = state.known(around)
    values = {name: known.text(template) for name, template in step.values.items()}
    return Turn(state, WebRequest(name=step.request, values=values, within_s=step.within_s))


def react_web(step: Web, event: Event, state: FlowState, _around: Surroundings) -> Turn:
    """Keep the answer."""
    if not isinstance(event, WebAnswered):
        return Turn(state, step.error)
    return Turn(state.with_facts(event.facts, step.prefix), step.next)


def enter_note(step: TakeNote, state: FlowState, around: Surroundings) -> Turn:
    """Have it kept."""
    known = state.known(around)
    values = {name: text for name, template in step.values.items() if (text := known.text(template))}
    return Turn(state, Note(kind=step.note, values=values))


def react_note(step: TakeNote, event: Event, state: FlowState, _around: Surroundings) -> Turn:
    """Go on."""
    return Turn(state, step.next if isinstance(event, Done) else step.error)


def enter_anew(
    _step: Hours | Branch | SetValues, _event: Event, state: FlowState, _around: Surroundings
) -> Turn:
    """These steps wait for nothing: an event is of an earlier version of the flow. Decide once more."""
    return Turn(state, state.step)
