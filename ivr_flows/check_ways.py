"""The ways through a flow: steps that nobody reaches, dead ends, circles, flows that enter each other."""

from __future__ import annotations

from collections.abc import Iterator

from ivr_flows.schema import ENDS, RETURN, Flow, ToPerson

Found = tuple[str, str, str]
"""key, value, remedy"""


def ways(flow: Flow) -> Iterator[Found]:
    """Everything that is wrong with the ways through one flow."""
    yield from _unreachable(flow)
    yield from _without_person_or_end(flow)
    yield from _circles(flow)
    yield from _returns(flow)
    yield from _entering_itself(flow)


def _unreachable(flow: Flow) -> Iterator[Found]:
    reached: set[str] = set()
    ahead = [flow.start, flow.resume, flow.after_talk]
    while ahead:
        name = ahead.pop()
        if name in flow.steps and name not in reached:
            reached.add(name)
            ahead.extend(target for _, target in flow.steps[name].exits())
    for name in flow.steps:
        if name not in reached:
            yield f"steps.{name}", name, "lead a way to this step, or remove it"


def _without_person_or_end(flow: Flow) -> Iterator[Found]:
    """Steps from which neither a person nor the end can be reached."""
    good = {name for name, step in flow.steps.items() if isinstance(step, ToPerson)}
    grown = True
    while grown:
        more = {
            name
            for name, step in flow.steps.items()
            if name not in good and any(t in good or t in ENDS for _, t in step.exits())
        }
        grown = bool(more)
        good |= more
    for name in flow.steps:
        if name not in good:
            yield f"steps.{name}", name, "no way leads from here to a person or to hang_up: give it one"


def _circles(flow: Flow) -> Iterator[Found]:
    """Exits that lead a caller who does nothing, or always errs, round in a circle."""
    open_steps: list[str] = []
    done: set[str] = set()
    found: list[Found] = []

    def follow(name: str) -> None:
        open_steps.append(name)
        for exit_, target in flow.steps[name].passive_exits():
            if target not in flow.steps or target in done:
                continue
            if target in open_steps:
                way = " → ".join((*open_steps[open_steps.index(target) :], target))
                remedy = f"a caller who presses nothing or errs goes round in a circle ({way}): break it"
                found.append((f"steps.{name}.{exit_}", target, remedy))
            else:
                follow(target)
        open_steps.pop()
        done.add(name)

    for name in flow.steps:
        if name not in done:
            follow(name)
    yield from found


def _returns(flow: Flow) -> Iterator[Found]:
    """`return` where no flow waits."""
    for name, step in flow.steps.items():
        for exit_, target in step.exits():
            if target == RETURN and not flow.sub:
                remedy = "a call may begin with this flow, and then nothing waits: name a step or an end"
                yield f"steps.{name}.{exit_}", target, remedy


def _entering_itself(flow: Flow) -> Iterator[Found]:
    """Steps that enter a flow which comes back to this one."""
    for step, other in flow.enters():
        seen: set[str] = set()
        ahead = [other]
        while ahead:
            name = ahead.pop()
            if name == flow.name:
                remedy = "this flow enters itself, perhaps through others: break the circle"
                yield f"steps.{step}.flow", other, remedy
                break
            if name not in seen and (inner := flow.linked.get(name)) is not None:
                seen.add(name)
                ahead.extend(further for _, further in inner.enters())
