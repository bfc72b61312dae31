"""What a policy must say beyond its shape: names that exist, levels, steps that only ever widen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from acd.policy import Policy, QueuePolicy, RelaxStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that cannot be meant."""

    key: str  # path, like `queues[0].needs.general`
    value: object  # what stands there
    remedy: str  # what to do


def faults(policy: Policy) -> Iterator[Fault]:
    """Everything that is wrong, in the order of the file."""
    skills = {skill.name for skill in policy.skills}
    queues = {queue.name: queue for queue in policy.queues}
    yield from _repeated("skills", [skill.name for skill in policy.skills], "skill")
    yield from _repeated("queues", [queue.name for queue in policy.queues], "queue")
    for index, queue in enumerate(policy.queues):
        key = f"queues[{index}]"
        if not queue.needs:
            yield Fault(key=f"{key}.needs", value="nothing", remedy="name at least one skill")
        yield from _levels(f"{key}.needs", queue.needs, skills)
        for skill, seats in queue.reserve.items():
            if skill not in skills:
                yield Fault(key=f"{key}.reserve.{skill}", value=skill, remedy=_one_of("skills", skills))
            elif skill in queue.needs:
                remedy = "reserve skills that the queue itself does not need"
                yield Fault(key=f"{key}.reserve.{skill}", value=seats, remedy=remedy)
        yield from _steps(key, queue, skills, queues)
        yield from _hours(key, queue, policy, queues)
    if policy.default_queue not in queues:
        yield Fault(key="default_queue", value=policy.default_queue, remedy=_one_of("queues", queues))
    try:
        ZoneInfo(policy.time_zone)
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        yield _zone(policy)
    except KeyError:
        yield _zone(policy)


def _zone(policy: Policy) -> Fault:
    remedy = "give a time zone by its name, like Asia/Shanghai"
    return Fault(key="time_zone", value=policy.time_zone, remedy=remedy)


def _repeated(key: str, names: list[str], what: str) -> Iterator[Fault]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Fault(key=f"{key}[{index}].name", value=name, remedy=f"give every {what} its own name")


def _levels(key: str, needs: Mapping[str, int], skills: Collection[str]) -> Iterator[Fault]:
    for need, level in needs.items():
        if need not in skills:
            yield Fault(key=f"{key}.{need}", value=need, remedy=_one_of("skills", skills))
        elif not 1 <= level <= 5:
            yield Fault(key=f"{key}.{need}", value=level, remedy="give a level of 1 (beginner) to 5 (expert)")


def _steps(
    key: str, queue: QueuePolicy, skills: Collection[str], queues: Mapping[str, QueuePolicy]
) -> Iterator[Fault]:
    before: float = -1.0
    lowered: dict[str, int] = {}
    for index, step in enumerate(queue.relax):
        at = f"{key}.relax[{index}]"
        if sum((step.needs is not None, bool(step.queues), step.centre is not None)) != 1:
            yield Fault(key=at, value="step", remedy="say exactly one of needs, queues and centre")
        if step.after_s <= before:
            remedy = f"order the steps by time: more than {before:g}"
            yield Fault(key=f"{at}.after_s", value=step.after_s, remedy=remedy)
        before = step.after_s
        yield from _levels(f"{at}.needs", step.needs or {}, skills)
        for skill, level in (step.needs or {}).items():
            if level > lowered.get(skill, 5):
                remedy = "a later step may only lower a level further"
                yield Fault(key=f"{at}.needs.{skill}", value=level, remedy=remedy)
            lowered[skill] = level
        yield from _step_queues(at, queue, step, queues)
        if step.centre is not None and index != len(queue.relax) - 1:
            remedy = "make it the last step: the call is gone afterwards"
            yield Fault(key=f"{at}.centre", value=step.centre, remedy=remedy)


def _step_queues(
    at: str, queue: QueuePolicy, step: RelaxStep, queues: Mapping[str, QueuePolicy]
) -> Iterator[Fault]:
    for index, name in enumerate(step.queues):
        if name not in queues or name == queue.name:
            others = [other for other in queues if other != queue.name]
            yield Fault(key=f"{at}.queues[{index}]", value=name, remedy=_one_of("other queues", others))


def _hours(
    key: str, queue: QueuePolicy, policy: Policy, queues: Mapping[str, QueuePolicy]
) -> Iterator[Fault]:
    if (queue.hours is None) != (queue.night is None):
        remedy = "say both hours and night, or neither: a closed queue needs one that takes over"
        yield Fault(key=f"{key}.hours", value=queue.hours, remedy=remedy)
        return
    if queue.hours is None or queue.night is None:
        return
    if queue.hours not in policy.hours:
        yield Fault(key=f"{key}.hours", value=queue.hours, remedy=_one_of("opening hours", policy.hours))
    night = queues.get(queue.night)
    if night is None or night.hours is not None:
        open_ones = [other.name for other in queues.values() if other.hours is None]
        yield Fault(key=f"{key}.night", value=queue.night, remedy=_one_of("always open queues", open_ones))


def _one_of(what: str, names: Collection[str]) -> str:
    return f"name one of the {what}: {', '.join(sorted(names))}"
