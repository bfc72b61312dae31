"""YAML with a line number for every value, bounded in size, each key said once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from ivr_flows.errors import FlowFileError

MAX_BYTES = 1_000_000
MAX_VALUES = 50_000

_T = TypeVar("_T")
_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_WHERE = re.compile(r"(`key` in )?`\$(.*)`")


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A document and the line of each key path, such as `steps.welcome.keys.1` or `prompts[0]`."""

    name: str
    data: Any
    lines: Mapping[str, int]

    def error(self, key: str, value: object, remedy: str) -> FlowFileError:
        """An error about `key`, on its line or on that of the nearest key above it."""
        return FlowFileError(self.name, line_of(self.lines, key), key or "file", value, remedy)

    def convert(self, kind: type[_T], *, at: str = "", kinds: Iterable[str] = ()) -> _T:
        """The value at the path `at` as `kind`; `kinds` are the values that its key `kind` may have.

        Raises:
            FlowFileError: it is not one; names the key that is wrong.
        """
        value = self._find(at)
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            said, _, where = str(error).partition(" - at ")
            path = _WHERE.fullmatch(where)
            below = _named(value, kind, path[2], str(error)) if path and not path[1] else path and path[2]
            key = f"{at}{below}".lstrip(".") if below else at
            if path and path[1]:
                said = f"write its keys in quotes, as they should be: {said}"
            elif unknown := re.search(r"unknown field `(.*)`", said):
                key, said = f"{key}.{unknown[1]}".lstrip("."), "there is no such key: remove or correct it"
            elif missing := re.search(r"missing required field `(.*)`", said):
                said = f"add the key `{missing[1]}`"
            elif key.endswith(".kind"):
                said = f"write one of: {', '.join(sorted(kinds))}" if kinds else said
            raise self.error(key, self._shown(key), said) from None

    def _find(self, key: str) -> Any:
        value = self.data
        for index, word in _PART.findall(key):
            if word and isinstance(value, Mapping) and word in value:
                value = value[word]
            elif index and isinstance(value, list) and int(index) < len(value):
                value = value[int(index)]
            else:
                break
        return value

    def _shown(self, key: str) -> object:
        value = self._find(key)
        return value if isinstance(value, str | int | float | bool | None) else type(value).__name__


def line_of(lines: Mapping[str, int], key: str) -> int:
    """The line of a key path, or of the nearest one above it that was written."""
    while key and key not in lines:
        key = key[: max(key.rfind("."), key.rfind("["), 0)]  # always shorter, whatever is in a key
    return lines.get(key, 1)


def _named(value: Any, kind: type[Any], path: str, error: str, above: tuple[str | int, ...] = ()) -> str:
    """A path of msgspec's, below the keys `above`, with the keys that it calls `[...]` by their names.

    Each value of a mapping is tried alone: the one that leaves the same error is the wrong one.
    """
    before, dots, after = path.partition("[...]")
    if not dots:
        return path
    keys = (*above, *(word or int(index) for index, word in _PART.findall(before)))
    mapping = value
    for key in keys:
        mapping = mapping[key]
    for key in mapping:
        less = _with(value, keys, {key: mapping[key]})
        try:
            msgspec.convert(less, kind)
        except msgspec.ValidationError as again:
            if str(again) == error:
                return f"{before}.{key}{_named(less, kind, after, error, (*keys, key))}"
    return path


def _with(value: Any, keys: tuple[str | int, ...], put: Any) -> Any:
    """A copy of `value` with `put` at the place that `keys` name."""
    if not keys:
        return put
    copy: Any = dict(value) if isinstance(value, Mapping) else list(value)
    copy[keys[0]] = _with(copy[keys[0]], keys[1:], put)
    return copy


def read_yaml(path: Path) -> YamlFile:
    """Read a file.

    Raises:
        FlowFileError: it cannot be read, is too big, is no YAML, or says a key twice.
    """
    try:
        return parse_yaml(path.read_bytes(), name=str(path))
    except OSError as error:
        remedy = f"make it readable ({error.strerror})"
        raise FlowFileError(str(path), 0, "file", path.name, remedy) from error


def parse_yaml(raw: bytes, *, name: str) -> YamlFile:
    """Read a text; `name` is how errors call it.

    Raises:
        FlowFileError: it is too big, is no YAML, or says a key twice.
    """
    if len(raw) > MAX_BYTES:
        raise FlowFileError(name, 0, "file", f"{len(raw)} bytes", f"keep it under {MAX_BYTES} bytes")
    lines: dict[str, int] = {}
    try:
        loader = yaml.SafeLoader(raw.decode("utf-8"))
        root = loader.get_single_node()
        for path, line, value, repeated in () if root is None else _walk(root, ""):
            if repeated:
                raise FlowFileError(name, line, path, value, "say each key once")
            lines[path] = line
            if len(lines) > MAX_VALUES:
                raise FlowFileError(name, line, path, value, f"keep it under {MAX_VALUES} values")
        return YamlFile(name, None if root is None else loader.construct_document(root), lines)
    except UnicodeDecodeError as error:
        raise FlowFileError(name, 0, "file", f"byte {error.start}", "save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise FlowFileError(name, line, "file", error.problem or "", "correct the YAML") from None
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        raise FlowFileError(name, 0, "file", str(error), "correct the YAML") from None


def _walk(node: yaml.Node, path: str) -> Iterator[tuple[str, int, str, bool]]:
    """Yield path, line, key and "this key stood here before" for every value below `node`."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            word = key.value if isinstance(key, yaml.ScalarNode) else "?"
            below = f"{path}.{word}" if path else word
            yield below, key.start_mark.line + 1, word, word in seen
            seen.add(word)
            yield from _walk(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            below = f"{path}[{index}]"
            yield below, value.start_mark.line + 1, below, False
            yield from _walk(value, below)
