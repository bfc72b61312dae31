"""A small flow around the steps of a test, and a walk through it."""

from __future__ import annotations

from dataclasses import replace
from textwrap import indent

from ivr_flows.engine import FlowRun, Surroundings
from ivr_flows.loader import parse_flow
from ivr_flows.messages import Action, Event
from ivr_flows.schema import Flow

ANY_KEY = "0123456789*#"
PERSON_AND_END = """
person: {kind: route, queue: general, needs: {general: 1}, next: bye, error: give_up}
bye: {kind: announce, prompts: [goodbye], next: hang_up, error: hang_up}
failed: {kind: announce, prompts: [fallback], next: person, error: person}
"""


def flow_of(steps: str, *others: Flow, start: str = "start", name: str = "test", sub: bool = False) -> Flow:
    """A flow of these steps and of `person`, `bye` and `failed`, which enters `others`."""
    head = "sub: true" if sub else "resume: person\nafter_talk: bye"
    rest = "" if sub else PERSON_AND_END
    text = f"flow: {name}\ntitle: 试验\nstart: {start}\n{head}\nsteps:\n" + indent(f"{steps}\n{rest}", "  ")
    linked = {other.name: other for other in others}
    for other in others:
        linked |= other.linked
    return replace(parse_flow(text.encode()), linked=linked)


def walk(flow: Flow, *events: Event, around: Surroundings | None = None) -> tuple[FlowRun, Action]:
    """Start, answer with these events; the run and the last action."""
    run = FlowRun(flow, None, around or Surroundings(caller="13800001207", called="12345"))
    action = run.start()
    for event in events:
        action = run.handle(event)
    return run, action


def last(flow: Flow, *events: Event, around: Surroundings | None = None) -> Action:
    """The last action of a walk."""
    return walk(flow, *events, around=around)[1]
