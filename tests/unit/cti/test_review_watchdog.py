"""What nodes are told of a server that hung, also those that could not be reached at that moment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from cti import machine
from cti.ami import AmiDown, AmiEvent, AmiNodes
from cti.errors import SettingError
from cti.settings import AgiSettings, Settings
from cti.watchdog import SILENT_AT, Sign, Watchdog


class Node:
    """A node that is away at first."""

    name = "hl1"

    def __init__(self) -> None:
        self.connected = False
        self.told: list[tuple[str, str]] = []

    @property
    def links(self) -> dict[str, Node]:
        return {self.name: self}

    def link(self, name: str) -> Node:
        return self.links[name]

    async def set_variable(self, channel: str, name: str, value: str) -> None:
        if not self.connected:
            raise AmiDown("played")
        self.told.append((name, value))

    async def listing(self, name: str, fields: dict[str, str]) -> tuple[AmiEvent, ...]:
        return ()


class Enough(Exception):
    """The watchdog asked often enough."""


@pytest.mark.parametrize(
    ("signs", "down"), [([Sign.SILENT] * SILENT_AT, "1"), ([*[Sign.SILENT] * SILENT_AT, Sign.ALIVE], "0")]
)
async def test_a_node_that_was_away_is_told_when_it_is_back(
    signs: list[Sign], down: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else calls would be kept away from a server that answers again, for ever."""
    monkeypatch.setattr("cti.watchdog.ASK_EVERY_S", 0.0)
    node, left = Node(), list(signs)

    async def ask() -> Sign:
        if not left:
            raise Enough
        return left.pop(0)

    dog = Watchdog(ask=ask, nodes=cast("AmiNodes", node), agi="10.0.0.5:4573", turn=2)
    with pytest.raises(Enough):
        await dog.run()
    assert node.told == []
    node.connected = True
    await dog.node_up("hl1")
    assert node.told == [("HL_DOWN_2", down)]


async def test_a_watchdog_that_has_decided_nothing_tells_a_node_nothing() -> None:
    node = Node()
    node.connected = True

    async def ask() -> Sign:
        return Sign.REFUSED

    await Watchdog(ask=ask, nodes=cast("AmiNodes", node), agi="10.0.0.5:4573", turn=2).node_up("hl1")
    assert node.told == []


def test_a_server_that_is_not_among_the_servers_is_refused_and_not_taken_for_the_first() -> None:
    settings = Settings(
        home=Path("/h"),
        cache=Path("/c"),
        servers=("10.0.0.5:4573", "10.0.0.6:4573"),
        agi=AgiSettings(host="10.0.0.6"),
    )
    assert machine.own_turn(settings) == 2
    with pytest.raises(SettingError, match=r"127\.0\.0\.1:4573"):
        machine.own_turn(replace(settings, agi=AgiSettings(host="127.0.0.1")))
