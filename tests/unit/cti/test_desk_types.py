"""The desk's TypeScript protocol says the same as `cti.messages`."""

from __future__ import annotations

import enum
import re
import types
import typing
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from acd.messages import AgentState, NotReadyReason
from cti.messages import (
    AnswerView,
    CallState,
    Command,
    FieldView,
    Outcome,
    PageMessage,
    PartyState,
    PartyView,
    QueueView,
    RepairView,
    Role,
    ServerMessage,
    SimilarOrderView,
    TargetKind,
    TargetView,
    UnitAdviceView,
)
from orders.messages import OrderField, OrderState

PROTOCOL = Path(__file__).parents[3] / "agent_desktop" / "src" / "live" / "protocol.ts"
MESSAGES: tuple[type[msgspec.Struct], ...] = (*typing.get_args(ServerMessage), *typing.get_args(PageMessage))
ENUMS: tuple[type[enum.StrEnum], ...] = (
    Role,
    CallState,
    Outcome,
    AgentState,
    NotReadyReason,
    OrderState,
    OrderField,
    TargetKind,
    PartyState,
)
PARTS: tuple[type[msgspec.Struct], ...] = (
    FieldView,
    QueueView,
    PartyView,
    TargetView,
    RepairView,
    UnitAdviceView,
    SimilarOrderView,
    AnswerView,
)
"""What messages are made of and that is no message itself."""

STATES = {
    "AgentView.state": "AgentState",
    "AgentView.reason": "NotReadyReason",
    "DraftView.state": "OrderState",
    "NotReady.reason": "NotReadyReason",
    "EditField.field": "OrderField",
}
"""Texts on the wire that the desk narrows to the values they can have."""


@pytest.fixture(scope="module")
def source() -> str:
    return PROTOCOL.read_text(encoding="utf-8")


def interface(source: str, name: str) -> dict[str, str]:
    """Return field -> TypeScript type of an interface; an optional field's name ends in "?"."""
    found = re.search(rf"^export interface {name} \{{\n(.*?)^\}}", source, re.M | re.S)
    assert found is not None, f"protocol.ts has no interface {name}"
    return dict(re.findall(r"^  (\w+\??): (.+)$", found[1], re.M))


def values(source: str, name: str) -> set[str]:
    """Return the texts of a union type."""
    found = re.search(rf"^export type {name} =(.*?)(?=\n\n)", source, re.M | re.S)
    assert found is not None, f"protocol.ts has no type {name}"
    return set(re.findall(r"'([^']+)'", found[1]))


def typescript(kind: object) -> str:
    """Return how the desk writes a Python type."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return " | ".join("null" if arg is type(None) else typescript(arg) for arg in args)
    if origin is tuple:
        return f"{typescript(args[0])}[]"
    if origin is Mapping:
        return f"Record<{typescript(args[0])}, {typescript(args[1])}>"
    plain: dict[object, str] = {str: "string", float: "number", int: "number", bool: "boolean"}
    if kind in plain:
        return plain[kind]
    assert isinstance(kind, type), kind
    return kind.__name__


@pytest.mark.parametrize("message", [*MESSAGES, *PARTS], ids=lambda message: message.__name__)
def test_every_field_of_a_message_is_known_to_the_desk(source: str, message: type[msgspec.Struct]) -> None:
    told = {name.rstrip("?") for name in interface(source, message.__name__)} - {"type"}
    assert told == {field.name for field in msgspec.structs.fields(message)}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_a_message_is_told_apart_by_the_same_type(source: str, message: type[msgspec.Struct]) -> None:
    assert interface(source, message.__name__)["type"] == f"'{message.__struct_config__.tag}'"


@pytest.mark.parametrize("message", [*MESSAGES, *PARTS], ids=lambda message: message.__name__)
def test_every_field_has_the_same_type_on_both_sides(source: str, message: type[msgspec.Struct]) -> None:
    told = {name.rstrip("?"): kind for name, kind in interface(source, message.__name__).items()}
    told.pop("type", None)
    for field in msgspec.structs.fields(message):
        expected = typescript(field.type)
        narrowed = STATES.get(f"{message.__name__}.{field.name}")
        if narrowed is not None:
            expected = expected.replace("string", narrowed)
        written = told[field.name]
        if "'" in written:  # a text with few values, spelled out
            assert expected == "string", field.name
            continue
        assert (
            written.replace("Partial<Record<OrderField, FieldView>>", "Record<string, FieldView>") == expected
        ), field.name


@pytest.mark.parametrize("kind", ENUMS, ids=lambda kind: kind.__name__)
def test_every_value_is_known_to_the_desk(source: str, kind: type[enum.StrEnum]) -> None:
    assert values(source, kind.__name__) == {member.value for member in kind}


def test_the_desk_names_no_message_that_does_not_exist(source: str) -> None:
    names = set(re.findall(r"^export interface (\w+)", source, re.M))
    assert names == {message.__name__ for message in MESSAGES} | {part.__name__ for part in PARTS}


def test_every_command_carries_a_ref(source: str) -> None:
    for message in typing.get_args(PageMessage):
        assert issubclass(message, Command)
        assert interface(source, message.__name__)["ref"] == "string"
