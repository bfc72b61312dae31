"""Policy as data: YAML of bounded size, each key said once; errors name file, line, key, value and remedy."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from orders.errors import OrderError

__all__ = ["PolicyError", "PolicyFile", "parse_policy", "read_policy"]

MAX_BYTES = 1_000_000
MAX_VALUES = 50_000
MAX_DEPTH = 20

_T = TypeVar("_T")
_WHERE = re.compile(r"(`key` in )?`\$(.*)`")
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_UNKNOWN = re.compile(r"unknown field `(.*)`")
_MISSING = re.compile(r"missing required field `(.*)`")


class PolicyError(OrderError):
    """A file of policy that cannot be used; nothing of it is taken."""

    def __init__(self, file: str, line: int, key: str, value: object, remedy: str) -> None:
        said = value if isinstance(value, str | int | float | bool | None) else type(value).__name__
        super().__init__(
            f"{file}:{line}: {key} = {str(said)[:80]!r}: {remedy}",
            shown=f"规则文件 {Path(file).name} 第 {line} 行“{key[:60]}”有误，整个文件未采用，详见日志",
        )
        self.file = file
        self.line = line
        self.key = key
        self.value = said
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A document, and the line of each key path such as `rules[2].clocks.accept.span`."""

    name: str  # as errors call it
    data: Any  # dates stand as the text that was written
    lines: Mapping[str, int]  # key path -> line

    def error(self, key: str, remedy: str) -> PolicyError:
        """An error about `key`, on its line or on that of the nearest key above it that was written."""
        near = key
        while near and near not in self.lines:
            near = near[: max(near.rfind("."), near.rfind("["), 0)]  # always shorter, whatever is in a key
        return PolicyError(self.name, self.lines.get(near, 1), key or "file", self.value(key), remedy)

    def value(self, key: str) -> object:
        """What stands at a key path; None when nothing does."""
        value = self.data
        for index, word in _STEP.findall(key):
            if word and isinstance(value, Mapping) and word in value:
                value = value[word]
            elif index and isinstance(value, list) and int(index) < len(value):
                value = value[int(index)]
            else:
                return None
        return value

    def convert(self, kind: type[_T], key: str = "") -> _T:
        """What stands at `key` as `kind`.

        Raises:
            PolicyError: it is not one; names the key that is wrong.
        """
        given = self.value(key) if key else self.data
        try:
            return msgspec.convert(given, kind)
        except msgspec.ValidationError as error:
            said, _, where = str(error).partition(" - at ")
            found = _WHERE.fullmatch(where)
            below = "" if found is None else f"{found[2]}[...]" if found[1] else found[2]
            path = f"{key}{_named(given, kind, below, str(error))}".lstrip(".")
            if unknown := _UNKNOWN.search(said):
                path, said = f"{path}.{unknown[1]}".lstrip("."), "there is no such key: remove or correct it"
            elif missing := _MISSING.search(said):
                said = f"add the key `{missing[1]}`"
            raise self.error(path, said) from None


def _named(given: Any, kind: type[Any], path: str, error: str) -> str:
    """The path with the keys of mappings, which msgspec calls `[...]`, by their names.

    Each key of such a mapping is tried alone: the first that leaves the same error is the wrong one.
    """
    before, dots, after = path.partition("[...]")
    if not dots:
        return path
    steps = [word or int(index) for index, word in _STEP.findall(before)]
    mapping = given
    for step in steps:
        mapping = mapping[step]
    for word, value in mapping.items():
        alone = _with(given, steps, {word: value})
        try:
            msgspec.convert(alone, kind)
        except msgspec.ValidationError as again:
            if str(again) == error:
                return _named(alone, kind, f"{before}.{word}{after}", error)
    return before


def _with(given: Any, steps: Sequence[str | int], put: Any) -> Any:
    """A copy with something else at one place."""
    if not steps:
        return put
    copy: Any = dict(given) if isinstance(given, Mapping) else list(given)
    copy[steps[0]] = _with(copy[steps[0]], steps[1:], put)
    return copy


def read_policy(path: Path) -> PolicyFile:
    """Read a file.

    Raises:
        PolicyError: it cannot be read, is too big, is no YAML, or says a key twice.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(str(path), 1, "file", path.name, f"make it readable: {error.strerror}") from None
    return parse_policy(raw, name=str(path))


def parse_policy(raw: bytes, *, name: str) -> PolicyFile:
    """Read a text; `name` is how errors call it.

    Raises:
        PolicyError: it is too big, is no YAML, or says a key twice.
    """
    if len(raw) > MAX_BYTES:
        raise PolicyError(name, 1, "file", f"{len(raw)} bytes", f"keep it under {MAX_BYTES} bytes")
    lines: dict[str, int] = {}
    try:
        root = yaml.compose(raw.decode("utf-8"), Loader=yaml.SafeLoader)
        if root is None:
            return PolicyFile(name, None, lines)
        for path, line, repeated in _walk(root, "", 0):
            if repeated:
                raise PolicyError(name, line, path, "", "say each key once")
            if path in lines:
                raise PolicyError(name, line, path, "", "write no dots in keys")
            if len(lines) >= MAX_VALUES:
                raise PolicyError(name, line, path, "", f"keep it under {MAX_VALUES} values")
            lines[path] = line
        return PolicyFile(name, _plain(root), lines)
    except UnicodeDecodeError as error:
        raise PolicyError(name, 1, "file", f"byte {error.start}", "save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyError(name, line, "file", error.problem or "", "correct the YAML") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise PolicyError(name, 1, "file", str(error), "correct the YAML") from None


def _walk(node: yaml.Node, path: str, depth: int) -> Iterator[tuple[str, int, bool]]:
    """Yield path, line, and whether this key stood here before, for every value below `node`."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            word = _word(key)
            below = f"{path}.{word}" if path else word
            yield below, key.start_mark.line + 1, word in seen
            seen.add(word)
            yield from _walk(value, below, depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            below = f"{path}[{index}]"
            yield below, value.start_mark.line + 1, False
            yield from _walk(value, below, depth + 1)


def _plain(node: yaml.Node) -> Any:
    """Lists, mappings with text keys, and scalars; a date, quoted or not, is the text that was written."""
    if isinstance(node, yaml.MappingNode):
        return {_word(key): _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(value) for value in node.value]
    value = yaml.SafeLoader("").construct_object(node)
    return node.value if isinstance(value, datetime.date) else value


def _word(key: yaml.Node) -> str:
    if not isinstance(key, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a key is a word", key.start_mark)
    return str(key.value)
