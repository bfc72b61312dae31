"""Reading rule files: YAML whose every key and value is checked, with errors that name the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path

import yaml

from asr.errors import AsrError

MAX_FILE = 2_000_000
MAX_CUE = 30
MAX_NAME = 30


class RulesError(AsrError):
    """A rules file is not as it should be; the text names file, key, value and remedy."""


def read_document(path: Path | Traversable) -> tuple[str, object]:
    """Return the name of a YAML file and what it holds. Raises RulesError."""
    name = str(path)
    try:
        content = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"{name}: cannot be read ({error}); give a UTF-8 YAML file") from error
    if len(content) > MAX_FILE:
        raise RulesError(f"{name}: {len(content)} characters, at most {MAX_FILE}; shorten it")
    try:
        return name, yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise RulesError(f"{name}: not YAML ({error}); mend the syntax") from error


def as_mapping(name: str, key: str, value: object, allowed: Iterable[str]) -> Mapping[str, object]:
    """Return a mapping that has none but the allowed keys. Raises RulesError naming the key."""
    expected = tuple(allowed)
    if not isinstance(value, dict):
        raise RulesError(f"{name}: {key} is {value!r}; write a mapping with {', '.join(expected)}")
    for found in value:
        if found not in expected:
            raise RulesError(f"{name}: {key} has the key {found!r}; known keys are {', '.join(expected)}")
    return value


def as_list(name: str, key: str, value: object) -> Sequence[object]:
    """Return a list. Raises RulesError naming the key."""
    if not isinstance(value, list):
        raise RulesError(f"{name}: {key} is {value!r}; write a list")
    return value


def as_text(name: str, key: str, value: object, most: int = MAX_NAME) -> str:
    """Return words, trimmed. Raises RulesError naming the key."""
    if not isinstance(value, str) or not value.strip():
        raise RulesError(f"{name}: {key} is {value!r}; write words in quotes")
    if len(value) > most:
        raise RulesError(f"{name}: {key} has {len(value)} characters, at most {most}; shorten it")
    return value.strip()


def as_words(name: str, key: str, value: object) -> tuple[str, ...]:
    """Return a list of cues as they are written; () for nothing. Raises RulesError naming the key."""
    items = [] if value is None else as_list(name, key, value)
    return tuple(as_text(name, f"{key}[{index}]", item, MAX_CUE) for index, item in enumerate(items))
