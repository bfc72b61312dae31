"""The desk's TypeScript protocol and the JSON Schema say the same as `cti.messages`."""

from __future__ import annotations

import json
import re
import typing

import msgspec
import pytest

from cti import desktypes
from cti.messages import Command, PageMessage, Ping, ServerMessage, Snapshot

MESSAGES: tuple[type[msgspec.Struct], ...] = (*typing.get_args(ServerMessage), *typing.get_args(PageMessage))


def test_the_desks_types_are_those_of_the_messages_now() -> None:
    written = desktypes.TYPESCRIPT.read_text(encoding="utf-8")
    assert written == desktypes.typescript(), "run python -m cti.desktypes"


def test_the_schema_is_that_of_the_messages_now() -> None:
    written = desktypes.SCHEMA.read_text(encoding="utf-8")
    assert written == desktypes.json_schema(), "run python -m cti.desktypes"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_every_message_has_an_interface_with_its_tag(message: type[msgspec.Struct]) -> None:
    assert (
        f"export interface {message.__name__} {{\n  type: '{message.__struct_config__.tag}'\n"
        in desktypes.typescript()
    )


def test_what_a_page_may_leave_out_is_optional_but_its_ref_is_not() -> None:
    found = re.search(r"interface SendMessage \{(.*?)\}", desktypes.typescript(), re.S)
    assert found is not None
    assert "  ref: string\n" in found[1]
    assert "  urgent?: boolean\n" in found[1]
    assert "  text: string\n" in found[1]


def test_a_field_the_server_always_sends_is_there_and_may_be_null_only_where_it_says_so() -> None:
    found = re.search(r"interface CallView \{(.*?)\}", desktypes.typescript(), re.S)
    assert found is not None
    assert "  parties: PartyView[]\n" in found[1]
    assert "  agent_id?: string | null\n" in found[1]


def test_every_command_carries_a_ref() -> None:
    for message in typing.get_args(PageMessage):
        assert issubclass(message, Command)


def test_the_schema_describes_what_is_sent_and_what_is_asked() -> None:
    schema = json.loads(desktypes.json_schema())
    told = schema["$defs"]
    assert {Snapshot.__name__, Ping.__name__} <= told.keys()
    assert told["Ping"]["properties"]["type"]["enum"] == ["ping"]
    assert not re.search(r'"\$ref": "(?!#/\$defs/)', desktypes.json_schema())
