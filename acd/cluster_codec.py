"""Members' messages as JSON: `[kind, fields]`, and events and decisions inside them likewise."""

from __future__ import annotations

from dataclasses import fields as fields_of
from typing import Any, get_args, get_type_hints

import msgspec

from acd.cluster_messages import AgentClaimed, Down, Up
from acd.messages import Decision, Event

_INNER: dict[str, Any] = {
    kind.__name__: kind for kind in (*get_args(Event), *get_args(Decision), AgentClaimed)
}
_UP = {kind.__name__: kind for kind in get_args(Up)}
_DOWN = {kind.__name__: kind for kind in get_args(Down)}
_HINTS = {kind: get_type_hints(kind) for kind in (*_UP.values(), *_DOWN.values())}


class CodecError(Exception):
    """Something in a stream is no message of ours; the text says what, without quoting it."""


def encode(message: Up | Down) -> bytes:
    """The message as JSON."""
    told: dict[str, Any] = {}
    for one in fields_of(message):
        value = getattr(message, one.name)
        if one.name == "event":
            value = (type(value).__name__, value)
        elif one.name == "decisions":
            value = [(type(decision).__name__, decision) for decision in value]
        told[one.name] = value
    return msgspec.json.encode((type(message).__name__, told))


def decode_up(raw: bytes) -> Up:
    """Read what a member said. Raises CodecError."""
    message: Up = _decode(raw, _UP)
    return message


def decode_down(raw: bytes) -> Down:
    """Read what a leader said. Raises CodecError."""
    message: Down = _decode(raw, _DOWN)
    return message


def _decode(raw: bytes, kinds: dict[str, Any]) -> Any:
    try:
        name, told = msgspec.json.decode(raw, type=tuple[str, dict[str, Any]])
        kind = kinds[name]
        hints = _HINTS[kind]
        return kind(**{key: _value(key, value, hints[key]) for key, value in told.items()})
    except (msgspec.MsgspecError, KeyError, ValueError, TypeError) as error:
        raise CodecError(f"not a message of this line: {type(error).__name__}") from error


def _value(key: str, value: Any, hint: Any) -> Any:
    if key == "event":
        name, inner = value
        return msgspec.convert(inner, _INNER[name])
    if key == "decisions":
        return tuple(msgspec.convert(inner, _INNER[name]) for name, inner in value)
    return msgspec.convert(value, hint)
