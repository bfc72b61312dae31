"""The routing policy: skills, queues, rings, wrap-up. Data that an administrator edits.

A policy is a YAML file; `acd/policy.yaml` is the one shipped. One with an error is refused whole, and the
error names file, line, key, value and remedy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml

from acd.errors import PolicyError

SHIPPED = Path(__file__).with_name("policy.yaml")
"""The policy that comes with the product."""

MAX_BYTES = 1_000_000
MAX_NODES = 50_000

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
RingLimit = Annotated[float, msgspec.Meta(ge=3, le=120)]
WrapUp = Annotated[float, msgspec.Meta(ge=0, le=3600)]
Priority = Annotated[int, msgspec.Meta(ge=-100, le=100)]


class Choice(StrEnum):
    """Which of several ready agents gets the call."""

    BEST_SKILL_THEN_LONGEST_IDLE = "best_skill_then_longest_idle"
    LONGEST_IDLE = "longest_idle"


class Skill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that an agent can do, at a level of 1 (beginner) to 5 (expert)."""

    name: Name  # as in needs and in agents' skills
    title: Title  # Chinese name


class QueuePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of waiting citizens."""

    name: Name  # as in flows
    title: Title  # Chinese name
    needs: Mapping[str, int]  # skill -> minimum level (1 to 5), for calls that name none
    ring_limit_s: RingLimit = 15.0  # a phone rings this long before the ring counts as missed
    wrap_up_s: WrapUp = 60.0  # time for the work order after the talk
    priority: Priority = 0  # higher goes first; a call's own is added
    choice: Choice | None = None  # None: the policy's


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the router is told by an administrator."""

    skills: Annotated[tuple[Skill, ...], msgspec.Meta(min_length=1, max_length=200)]
    queues: Annotated[tuple[QueuePolicy, ...], msgspec.Meta(min_length=1, max_length=200)]
    default_queue: Name  # for calls whose queue is not known (any more)
    choice: Choice = Choice.BEST_SKILL_THEN_LONGEST_IDLE  # which of several ready agents gets the call
    wrap_up_extension_max_s: WrapUp = 600.0  # an agent may extend a wrap-up by this much in all
    place_every_s: Annotated[float, msgspec.Meta(ge=1, le=600)] = 5.0  # places in line are told this often


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
    data, lines = _read_yaml(raw, name)
    try:
        policy = msgspec.convert(data, Policy)
    except msgspec.ValidationError as error:
        key, remedy = _told(str(error))
        raise PolicyError(name, _line(lines, key), key, _value(data, key), remedy) from None
    _check_references(policy, name, lines)
    return policy


def _told(message: str) -> tuple[str, str]:
    """Split msgspec's message into the key it is about and what to do."""
    said, _, path = message.partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    if unknown := re.search(r"unknown field `(.*)`", said):
        key = f"{key}.{unknown[1]}".lstrip(".")
        return key, "remove it, or correct its spelling: there is no such key"
    if "Invalid enum value" in said and key.endswith("choice"):
        return key, f"choose one of: {', '.join(Choice)}"
    return key or "policy", said


def _check_references(policy: Policy, name: str, lines: Mapping[str, int]) -> None:
    skills: set[str] = set()
    for index, skill in enumerate(policy.skills):
        key = f"skills[{index}].name"
        if skill.name in skills:
            raise PolicyError(name, _line(lines, key), key, skill.name, "give every skill its own name")
        skills.add(skill.name)
    queues: set[str] = set()
    for index, queue in enumerate(policy.queues):
        key = f"queues[{index}].name"
        if queue.name in queues:
            raise PolicyError(name, _line(lines, key), key, queue.name, "give every queue its own name")
        queues.add(queue.name)
        for need, level in queue.needs.items():
            if need not in skills:
                key = f"queues[{index}].needs.{need}"
                remedy = f"name one of the skills: {', '.join(sorted(skills))}"
                raise PolicyError(name, _line(lines, key), key, need, remedy)
            if not 1 <= level <= 5:
                key = f"queues[{index}].needs.{need}"
                remedy = "give a level of 1 (beginner) to 5 (expert)"
                raise PolicyError(name, _line(lines, key), key, level, remedy)
    if policy.default_queue not in queues:
        remedy = f"name one of the queues: {', '.join(sorted(queues))}"
        line = _line(lines, "default_queue")
        raise PolicyError(name, line, "default_queue", policy.default_queue, remedy)


# ---------------------------------------------------------------- YAML with line numbers


def _read_yaml(raw: bytes, name: str) -> tuple[Any, dict[str, int]]:
    """Return the document and the line of each key path, such as `queues[0].needs.general`."""
    if len(raw) > MAX_BYTES:
        raise PolicyError(name, 0, "file", f"{len(raw)} bytes", f"keep it under {MAX_BYTES} bytes")
    try:
        loader = yaml.SafeLoader(raw.decode("utf-8"))
        root = loader.get_single_node()
        lines: dict[str, int] = {}
        if root is not None:
            for path, line, repeated in _walk(root, ""):
                if repeated:
                    raise PolicyError(name, line, path, path, "say each key once")
                lines[path] = line
                if len(lines) > MAX_NODES:
                    raise PolicyError(name, line, path, path, f"keep it under {MAX_NODES} values")
        return (None if root is None else loader.construct_document(root)), lines
    except UnicodeDecodeError as error:
        raise PolicyError(name, 0, "file", f"byte {error.start}", "save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise PolicyError(name, line, "file", error.problem or "", "correct the YAML") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise PolicyError(name, 0, "file", str(error), "correct the YAML") from None


def _walk(node: yaml.Node, path: str) -> Iterator[tuple[str, int, bool]]:
    """Yield path, line and "this key stood here before" for every value below `node`."""
    yield path, node.start_mark.line + 1, False
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            word = str(key.value)
            below = f"{path}.{word}" if path else word
            yield below, key.start_mark.line + 1, word in seen
            seen.add(word)
            yield from _walk(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _walk(value, f"{path}[{index}]")


_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def _value(data: Any, key: str) -> Any:
    """The value at a path of msgspec's making; the nearest one above where the path has no name for it."""
    for index, word in _PART.findall(key):
        if word and isinstance(data, Mapping) and word in data:
            data = data[word]
        elif index and isinstance(data, list) and int(index) < len(data):
            data = data[int(index)]
        else:
            break
    return data if isinstance(data, str | int | float | bool | None) else type(data).__name__


def _line(lines: Mapping[str, int], key: str) -> int:
    """The line of the nearest known path at or above `key`."""
    while key:
        if key in lines:
            return lines[key]
        key = re.sub(r"(\.[^.\[\]]*|\[[^\]]*\]|^[^.\[\]]+)$", "", key)
    return 1
