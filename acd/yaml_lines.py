"""YAML with line numbers: the document, and the line on which each key path stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from acd.errors import PolicyError

MAX_BYTES = 1_000_000
MAX_NODES = 50_000


def read_yaml(raw: bytes, name: str) -> tuple[Any, dict[str, int]]:
    """Return the document and the line of each key path, such as `queues[0].needs.general`.

    Raises:
        PolicyError: it is too big, not UTF-8, not YAML, or says a key twice.
    """
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
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise PolicyError(name, 0, "file", str(error), "correct the YAML") from None


def line_of(lines: Mapping[str, int], key: str) -> int:
    """The line of the nearest known path at or above `key`."""
    while key:
        if key in lines:
            return lines[key]
        key = key[: max(key.rfind("."), key.rfind("["), 0)]  # always shorter, whatever is in a key
    return 1


_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def value_at(data: Any, key: str) -> Any:
    """The value at a path; the nearest one above where the path has no name for it (`[...]`)."""
    for index, word in _PART.findall(key):
        if word and isinstance(data, Mapping) and word in data:
            data = data[word]
        elif index and isinstance(data, list) and int(index) < len(data):
            data = data[int(index)]
        else:
            break
    return data if isinstance(data, str | int | float | bool | None) else type(data).__name__


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
