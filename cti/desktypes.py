"""`python -m cti.desktypes`: writes the messages of `cti.messages` as TypeScript and as JSON Schema.

Both are made from the dataclasses and committed; a test says so when they are older than those.
"""

from __future__ import annotations

import enum
import json
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from acd.messages import AgentState, NotReadyReason
from cti.message_base import Command
from cti.messages import PageMessage, ServerMessage
from cti.messages_citizen import CitizenMessage, GuestMessage
from orders.messages import OrderField, OrderState

__all__ = ["SCHEMA", "TYPESCRIPT", "json_schema", "typescript"]

_ROOT = Path(__file__).resolve().parent.parent
TYPESCRIPT = _ROOT / "agent_desktop" / "src" / "live" / "protocol.ts"
SCHEMA = _ROOT / "docs" / "messages.schema.json"

_HEAD = """\
/**
 * What the server and this page say to each other on /api/ws, one JSON object per message.
 * `type` names the message in snake case.
 * Made by `python -m cti.desktypes` from cti/messages.py; change that file, not this one.
 * Times are epoch seconds of the server's clock unless a field says otherwise.
 */
"""
_TAIL = """
/** A message as it is sent: numbered, one higher than the one before on this page. */
export type Numbered = ServerMessage & { seq: number }

/** A command before the link gives it its `ref`. */
export type Command = PageMessage extends infer M ? (M extends PageMessage ? Omit<M, 'ref'> : never) : never
"""
_NARROWED = {
    "AgentView.state": "AgentState",
    "AgentView.reason": "NotReadyReason | null",
    "AlertView.level": "'info' | 'warning' | 'critical'",
    "BurstView.state": "'open' | 'noticed' | 'announced' | 'dismissed' | 'over'",
    "CitizenView.media": "'voice' | 'video' | 'text'",
    "CitizenView.reason": "'' | 'citizen' | 'agent' | 'silence' | 'unreached'",
    "CitizenView.state": "'connecting' | 'waiting' | 'ringing' | 'talking' | 'held' | 'survey' | 'ended'",
    "ClockCrossed.level": "'near' | 'late' | 'grave'",
    "CallView.media": "'voice' | 'video' | 'text'",
    "Caption.speaker": "'citizen' | 'agent' | 'third'",
    "DraftView.fields": "Partial<Record<OrderField, FieldView>>",
    "DraftView.state": "OrderState",
    "OrderLinkView.kind": "'related' | 'merged_into' | 'joined'",
    "EditField.field": "OrderField",
    "FieldView.filler": "'machine' | 'agent'",
    "ForceState.state": "'ready' | 'not_ready' | 'offline'",
    "NotReady.reason": "NotReadyReason",
    "Notice.level": "'success' | 'info' | 'warning' | 'error'",
    "PartyView.kind": "'citizen' | 'agent' | 'queue' | 'unit' | 'service' | 'external'",
    "TextLine.by": "'citizen' | 'agent' | 'system'",
    "TextTyping.by": "'citizen' | 'agent'",
}
"""Texts on the wire that can only have a few values, though the messages do not say so."""
_NAMED_ELSEWHERE: tuple[type[enum.StrEnum], ...] = (AgentState, NotReadyReason, OrderState, OrderField)
_UNIONS: tuple[tuple[object, str], ...] = (
    (ServerMessage, "ServerMessage"),
    (PageMessage, "PageMessage"),
    (CitizenMessage, "CitizenMessage"),
    (GuestMessage, "GuestMessage"),
)
"""What is said on /api/ws, and (the last two) on /api/citizen/ws."""
_PLAIN: dict[object, str] = {str: "string", float: "number", int: "number", bool: "boolean"}


def _messages(union: object) -> tuple[type[msgspec.Struct], ...]:
    return typing.get_args(union)


def _parts(kind: object) -> Iterator[type]:
    """Yield every struct and enumeration that a type is made of."""
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        yield kind
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from _parts(field.type)
    else:
        for argument in typing.get_args(kind):
            yield from _parts(argument)


def _named(kind: object) -> str:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return " | ".join("null" if one is type(None) else _named(one) for one in args)
    if origin is tuple:
        inner = _named(args[0])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if origin is Mapping:
        return f"Record<{_named(args[0])}, {_named(args[1])}>"
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type):
        return kind.__name__
    raise TypeError(
        f"cti.desktypes: {kind!r} has no TypeScript form; use str, float, int, bool, tuple, Mapping"
    )


def _interface(kind: type[msgspec.Struct]) -> str:
    lines = [f"export interface {kind.__name__} {{"]
    if kind.__struct_config__.tag is not None:
        lines.append(f"  type: '{kind.__struct_config__.tag}'")
    asked = issubclass(kind, Command)
    for field in msgspec.structs.fields(kind):
        # The server sends every field; a page may leave out what has a default, but never the ref.
        optional = (asked and not field.required and field.name != "ref") or field.default is None
        written = _NARROWED.get(f"{kind.__name__}.{field.name}") or _named(field.type)
        lines.append(f"  {field.name}{'?' if optional else ''}: {written}")
    return "\n".join([*lines, "}"])


def _union(name: str, members: list[str]) -> str:
    return f"export type {name} =\n" + "\n".join(f"  | {one}" for one in members)


def typescript() -> str:
    """Return the desk's types of all messages, as one TypeScript module."""
    enums: dict[str, type[enum.Enum]] = {kind.__name__: kind for kind in _NAMED_ELSEWHERE}
    structs: dict[str, type[msgspec.Struct]] = {}
    for message in (message for union, _ in _UNIONS for message in _messages(union)):
        for part in _parts(message):
            if issubclass(part, enum.Enum):
                enums[part.__name__] = part
            elif issubclass(part, msgspec.Struct):
                structs[part.__name__] = part
    blocks = [_union(name, [f"'{one.value}'" for one in kind]) for name, kind in sorted(enums.items())]
    blocks += [_interface(kind) for kind in structs.values()]
    for union, name in _UNIONS:
        blocks.append(_union(name, [message.__name__ for message in _messages(union)]))
    return _HEAD + "\n" + "\n\n".join(blocks) + "\n" + _TAIL


def json_schema() -> str:
    """Return all messages as a JSON Schema (2020-12): `SentMessage` and `PageMessage` are its two roots."""
    (server, page), parts = msgspec.json.schema_components((ServerMessage, PageMessage))
    numbered = {
        "description": "A message as it is sent: numbered, one higher than the one before on this page.",
        "allOf": [
            {"$ref": "#/$defs/ServerMessage"},
            {"type": "object", "required": ["seq"], "properties": {"seq": {"type": "integer", "minimum": 1}}},
        ],
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Messages on /api/ws",
        "oneOf": [{"$ref": "#/$defs/SentMessage"}, {"$ref": "#/$defs/PageMessage"}],
        "$defs": {"SentMessage": numbered, "ServerMessage": server, "PageMessage": page, **parts},
    }
    return (
        json.dumps(schema, ensure_ascii=False, indent=1).replace("#/components/schemas/", "#/$defs/") + "\n"
    )


def main() -> None:
    """Write both files."""
    TYPESCRIPT.write_text(typescript(), encoding="utf-8")
    SCHEMA.write_text(json_schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
