"""The routing policy: skills, queues, choice, relaxation, hours. Data that an administrator edits.

A policy is a YAML file; `acd/policy.yaml` is the one shipped. One with an error is refused whole, and the
error names file, line, key, value and remedy.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from acd.errors import PolicyError
from acd.hours import Window
from acd.yaml_lines import line_of, read_yaml, value_at

SHIPPED = Path(__file__).with_name("policy.yaml")
"""The policy that comes with the product."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
RingLimit = Annotated[float, msgspec.Meta(ge=3, le=120)]
WrapUp = Annotated[float, msgspec.Meta(ge=0, le=3600)]
Priority = Annotated[int, msgspec.Meta(ge=-100, le=100)]
Seats = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class Choice(StrEnum):
    """Which of several ready agents gets the call."""

    BEST_SKILL_THEN_LONGEST_IDLE = "best_skill_then_longest_idle"
    LONGEST_IDLE = "longest_idle"
    LEAST_OCCUPIED = "least_occupied"  # smallest share of the shift in talk and wrap-up, then longest idle


class SkillKind(StrEnum):
    """What sort of skill; a need like any other, but desks and flows list languages apart."""

    SKILL = "skill"
    LANGUAGE = "language"  # spoken or signed: who has it can interpret


class Skill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that an agent can do, at a level of 1 (beginner) to 5 (expert)."""

    name: Name  # as in needs and in agents' skills
    title: Title  # Chinese name
    kind: SkillKind = SkillKind.SKILL  # a language, or anything else


class RelaxStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What opens to a call that has waited; says exactly one of `needs`, `queues`, `centre`."""

    after_s: Annotated[float, msgspec.Meta(ge=0, le=86400)]  # seconds in this line
    needs: Mapping[str, int] | None = None  # skill -> lower minimum level, for those of the call's needs
    queues: Annotated[tuple[Name, ...], msgspec.Meta(max_length=10)] = ()  # their agents may take it, too
    centre: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{3,20}$")] | None = None  # call this number instead
    when_waiting_over: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = (
        None  # at once, in longer lines
    )
    when_expected_over_s: Annotated[float, msgspec.Meta(ge=0, le=86400)] | None = None  # … or longer waits


class QueuePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of waiting citizens."""

    name: Name  # as in flows
    title: Title  # Chinese name
    needs: Mapping[str, int]  # skill -> minimum level (1 to 5), for calls that name none
    ring_limit_s: RingLimit = 15.0  # a phone rings this long before the ring counts as missed
    wrap_up_s: WrapUp = 60.0  # time for the work order after the talk
    priority: Priority = 0  # a call's own is added; each point is worth `ageing_s` seconds of waiting
    choice: Choice | None = None  # None: the policy's
    prefer_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 10.0  # only last agent or case owner, so long
    relax: Annotated[tuple[RelaxStep, ...], msgspec.Meta(max_length=10)] = ()  # steps, earliest first
    reserve: Mapping[str, Seats] = msgspec.field(default_factory=dict)  # skill -> ready seats left alone
    hours: Name | None = None  # name of opening hours; None: always open
    night: Name | None = None  # the queue that takes over outside them
    text_blocks_voice: bool = True  # its calls are not offered to somebody who is in a text conversation

    @property
    def serving(self) -> Mapping[str, int]:
        """skill -> level of those whom its calls may be offered to, once all levels are relaxed."""
        steps = [step.needs for step in self.relax if step.needs is not None]
        return {
            skill: min(level, *(step.get(skill, level) for step in steps)) if steps else level
            for skill, level in self.needs.items()
        }


class CallbackPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calling waiting citizens back."""

    dial_s: Annotated[float, msgspec.Meta(ge=5, le=180)] = 45.0  # an agent stays reserved so long


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the router is told by an administrator."""

    skills: Annotated[tuple[Skill, ...], msgspec.Meta(min_length=1, max_length=200)]
    queues: Annotated[tuple[QueuePolicy, ...], msgspec.Meta(min_length=1, max_length=200)]
    default_queue: Name  # for calls whose queue is not known (any more)
    choice: Choice = Choice.BEST_SKILL_THEN_LONGEST_IDLE  # which of several ready agents gets the call
    ageing_s: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 60.0  # what a point of priority is worth
    wrap_up_extension_max_s: WrapUp = 600.0  # an agent may extend a wrap-up by this much in all
    place_every_s: Annotated[float, msgspec.Meta(ge=1, le=600)] = 5.0  # places in line are told this often
    callback: CallbackPolicy = CallbackPolicy()  # calling citizens back
    time_zone: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "Asia/Shanghai"  # of `hours`
    hours: Annotated[
        Mapping[Name, Annotated[tuple[Window, ...], msgspec.Meta(min_length=1, max_length=50)]],
        msgspec.Meta(max_length=50),
    ] = msgspec.field(default_factory=dict)  # name -> weekly windows

    @property
    def languages(self) -> tuple[Skill, ...]:
        """The skills with which somebody can interpret: languages, dialects, sign language."""
        return tuple(skill for skill in self.skills if skill.kind is SkillKind.LANGUAGE)

    @property
    def version(self) -> str:
        """A short hash of the content; comments and layout of the file do not count."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:12]


def load_policy(path: Path = SHIPPED) -> Policy:
    """Read and validate a policy file.

    Raises:
        PolicyError: the file cannot be read or says something that cannot be meant.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PolicyError(str(path), 0, "file", path.name, f"make it readable ({error.strerror})") from error
    return parse_policy(raw, name=str(path))


def parse_policy(raw: bytes, *, name: str = "policy") -> Policy:
    """Validate the text of a policy file; `name` is how errors call it.

    Raises:
        PolicyError: naming line, key, value and remedy.
    """
    from acd.policy_rules import faults

    data, lines = read_yaml(raw, name)
    try:
        policy = msgspec.convert(data, Policy)
    except msgspec.ValidationError as error:
        key, remedy = _told(str(error))
        raise PolicyError(name, line_of(lines, key), key, value_at(data, key), remedy) from None
    for fault in faults(policy):
        raise PolicyError(name, line_of(lines, fault.key), fault.key, fault.value, fault.remedy)
    return policy


def _told(message: str) -> tuple[str, str]:
    """Split msgspec's message into the key it is about and what to do."""
    said, _, path = message.partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    if unknown := re.search(r"unknown field `(.*)`", said):
        key = f"{key}.{unknown[1]}".lstrip(".")
        return key, "remove it, or correct its spelling: there is no such key"
    if "Invalid enum value" in said:
        for ending, words in (("choice", Choice), ("kind", SkillKind)):
            if key.endswith(ending):
                return key, f"choose one of: {', '.join(words)}"
    if key.endswith(("opens", "closes")) and ("Expected `str`" in said or "regex" in said):
        return key, 'write it as hours and minutes in quotes, like "08:30"'
    return key or "policy", said
