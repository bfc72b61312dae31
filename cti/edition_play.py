"""Flows of a checked set as people look at them before they publish: drawn, told, and played step by step."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from acd.policy import Policy
from ivr_flows.draw import draw
from ivr_flows.engine import FlowRun
from ivr_flows.loader import Flows
from ivr_flows.play import walk
from ivr_flows.schema import ENDS, Flow
from ivr_flows.speech import Manifest
from ivr_flows.told import END_NAMES, KIND_NAMES, Names, details, exit_name, kind_of, said

__all__ = ["Picture", "Played", "StepTold", "picture", "play"]

LINES_MAX = 200
"""answers of one walk that count"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTold:
    """One step in words, for those who do not see the picture."""

    name: str  # as in the file
    line: int  # where it begins in the file
    kind: str  # Chinese
    says: tuple[str, ...]  # what the caller hears
    about: tuple[str, ...]  # what else it is about
    exits: tuple[tuple[str, str], ...]  # when, and where to: a step's name, or what happens


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A flow, drawn and told."""

    name: str
    title: str
    version: str
    svg: str
    steps: tuple[StepTold, ...]  # in the file's order


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How far a walk came with the answers that were given."""

    flow: str  # name of the flow that was played
    title: str
    told: tuple[str, ...]  # Chinese lines: steps, what is heard, what was answered
    question: str  # what may be answered next; "" when the walk is over
    step: str  # where it stands
    over: bool


class _Waits(Exception):
    """The walk asks something that was not answered yet."""


def names_of(flows: Flows, policy: Policy, manifest: Manifest) -> Names:
    """What things are called, for drawing and telling."""
    return Names(
        prompts={key: prompt.text for key, prompt in manifest.prompts.items()},
        routing={skill.name: skill.title for skill in policy.skills}
        | {queue.name: queue.title for queue in policy.queues},
        flows={flow.name: flow.title for flow in flows.by_name.values()},
        calendars={one.name: one.title for one in flows.calendars.by_name.values()},
    )


def picture(flow: Flow, names: Names) -> Picture:
    """Draw a flow and tell its steps."""
    steps = []
    for name, step in flow.steps.items():
        exits = tuple(
            (exit_name(step, path), target if target not in ENDS else END_NAMES.get(target, target))
            for path, target in step.exits()
        )
        kind = kind_of(step)
        steps.append(
            StepTold(
                name=name,
                line=flow.lines.get(f"steps.{name}", 1),
                kind=KIND_NAMES.get(kind, kind),
                says=tuple(said(step, names)),
                about=tuple(details(step, names)),
                exits=exits,
            )
        )
    return Picture(
        name=flow.name, title=flow.title, version=flow.version, svg=draw(flow, names), steps=tuple(steps)
    )


def play(
    flow: Flow, flows: Flows, manifest: Manifest, *, called: str, caller: str, at: float, lines: Sequence[str]
) -> Played:
    """Walk through a flow from its start with these answers; `at` is the time of the call, epoch seconds.

    The walk is pure: asked again with one answer more it goes one step further.
    """
    run = FlowRun(flow, around=flows.surroundings(called=called, caller=caller, now=lambda: at))
    told: list[str] = []
    asked = ""
    answers = iter(lines[:LINES_MAX])

    def ask(question: str) -> str | None:
        nonlocal asked
        asked = question.strip().removeprefix("? ")
        line = next(answers, None)
        if line is None:
            raise _Waits
        told.append(f"  ⌨ {line or '（没有输入）'}")
        return line

    over = True
    try:
        walk(
            run.start(),
            run.handle,
            texts={key: prompt.text for key, prompt in manifest.prompts.items()},
            ask=ask,
            say=told.append,
            where=lambda: f"{run.state.inside}.{run.state.step}".lstrip("."),
        )
    except _Waits:
        over = False
    return Played(
        flow=flow.name,
        title=flow.title,
        told=tuple(told),
        question="" if over else asked,
        step=f"{run.state.inside}.{run.state.step}".lstrip("."),
        over=over,
    )


def epoch(at: datetime.datetime, flows: Flows) -> float:
    """A time without a zone is on the calendars' clock."""
    return (at if at.tzinfo else at.replace(tzinfo=flows.calendars.zone)).timestamp()
