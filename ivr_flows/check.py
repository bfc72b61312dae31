"""What the loader cannot see: whether every step can be reached, and whether every caller gets somewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ivr_flows.schema import Announce, Flow, ToPerson


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in a flow that should not go live."""

    file: str  # the flow's file
    line: int  # in that file
    key: str  # e.g. "steps.welcome.prompts[1]"
    value: str  # what stands there
    remedy: str  # what to do

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key} = {self.value!r}: {self.remedy}"


def check(flow: Flow, known_queues: Collection[str], known_prompts: Collection[str]) -> list[Problem]:
    """Look for queues and prompts that do not exist, steps that nobody reaches, and ways round in circles.

    `known_queues` are those of the routing policy, `known_prompts` those of the manifest that have audio.
    Problems come in the order of their lines.
    """
    found = [
        *_queues(flow, known_queues),
        *_prompts(flow, known_prompts),
        *_unreachable(flow),
        *_without_person_or_end(flow),
        *_circles(flow),
    ]
    return sorted(found, key=lambda problem: (problem.line, problem.key))


def _problem(flow: Flow, key: str, value: str, remedy: str) -> Problem:
    return Problem(file=flow.file, line=flow.lines.get(key, 1), key=key, value=value, remedy=remedy)


def _queues(flow: Flow, known: Collection[str]) -> Iterator[Problem]:
    for name, step in flow.steps.items():
        if isinstance(step, ToPerson) and step.queue not in known:
            remedy = f"name a queue of the routing policy: {', '.join(sorted(known))}"
            yield _problem(flow, f"steps.{name}.queue", step.queue, remedy)


def _prompts(flow: Flow, known: Collection[str]) -> Iterator[Problem]:
    for name, step in flow.steps.items():
        if isinstance(step, ToPerson):
            said = {"greeting": step.greeting}
        elif isinstance(step, Announce):
            said = {"prompts": step.prompts}
        else:
            said = {"prompts": step.prompts, "retry": step.retry}
        for part, prompts in said.items():
            for index, prompt in enumerate(prompts):
                if prompt not in known:
                    remedy = "add it to the prompt manifest and build its audio, or correct its spelling"
                    yield _problem(flow, f"steps.{name}.{part}[{index}]", prompt, remedy)


def _unreachable(flow: Flow) -> Iterator[Problem]:
    reached: set[str] = set()
    ahead = [flow.start, flow.resume, flow.after_talk]
    while ahead:
        name = ahead.pop()
        if name in flow.steps and name not in reached:
            reached.add(name)
            ahead.extend(target for _, target in flow.steps[name].exits())
    for name in flow.steps:
        if name not in reached:
            yield _problem(flow, f"steps.{name}", name, "lead a way to this step, or remove it")


def _without_person_or_end(flow: Flow) -> Iterator[Problem]:
    """Steps from which neither a person nor the end can be reached."""
    good = {name for name, step in flow.steps.items() if isinstance(step, ToPerson)}
    grown = True
    while grown:
        more = {
            name
            for name, step in flow.steps.items()
            if name not in good and any(t in good or t not in flow.steps for _, t in step.exits())
        }
        grown = bool(more)
        good |= more
    for name in flow.steps:
        if name not in good:
            remedy = "no way leads from here to a person or to hang_up: give it one"
            yield _problem(flow, f"steps.{name}", name, remedy)


def _circles(flow: Flow) -> Iterator[Problem]:
    """Exits that lead a caller who presses nothing, or always the wrong key, round in a circle."""
    open_steps: list[str] = []
    done: set[str] = set()
    found: list[Problem] = []

    def follow(name: str) -> None:
        open_steps.append(name)
        for exit_, target in flow.steps[name].exits():
            if exit_.startswith("keys.") or target not in flow.steps or target in done:
                continue
            if target in open_steps:
                way = " → ".join((*open_steps[open_steps.index(target) :], target))
                remedy = f"a caller who presses nothing or errs goes round in a circle ({way}): break it"
                found.append(_problem(flow, f"steps.{name}.{exit_}", target, remedy))
            else:
                follow(target)
        open_steps.pop()
        done.add(name)

    for name in flow.steps:
        if name not in done:
            follow(name)
    yield from found
