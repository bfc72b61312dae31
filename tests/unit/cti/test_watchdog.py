"""The watchdog: when a silent server counts as hung, and whom it takes away from it."""

from __future__ import annotations

from types import MappingProxyType
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.ami import AmiEvent, AmiLink, AmiNodes, AmiRefused
from cti.watchdog import SILENT_AT, Move, Sign, Watch, Watchdog

AGI = "127.0.0.1:4573"


def moves(signs: list[Sign]) -> list[Move]:
    watch, made = Watch(kept_away=False), []
    for sign in signs:
        watch, move = watch.after(sign)
        made.append(move)
    return made


def test_the_first_sign_of_life_lets_calls_reach_a_server_that_an_earlier_watchdog_kept_them_from() -> None:
    assert Watch().after(Sign.ALIVE)[1] is Move.READMIT


def test_one_late_answer_is_no_hang() -> None:
    assert set(moves([Sign.SILENT, Sign.ALIVE] * 5)) == {Move.NOTHING}


def test_a_server_that_stays_silent_is_hung_and_its_callers_are_rescued_again_and_again() -> None:
    assert moves([Sign.SILENT] * (SILENT_AT - 1)) == [Move.NOTHING] * (SILENT_AT - 1)
    assert moves([Sign.SILENT] * (SILENT_AT + 2))[SILENT_AT - 1 :] == [Move.RESCUE] * 3


def test_a_dead_server_is_left_to_asterisk() -> None:
    assert set(moves([Sign.REFUSED] * 5)) == {Move.NOTHING}


@pytest.mark.parametrize("between", [[], [Sign.REFUSED], [Sign.REFUSED, Sign.SILENT]])
def test_a_server_that_answers_again_is_readmitted_also_when_it_was_restarted(between: list[Sign]) -> None:
    assert moves([*[Sign.SILENT] * SILENT_AT, *between, Sign.ALIVE])[-1] is Move.READMIT


@given(st.lists(st.sampled_from(Sign), max_size=40))
def test_calls_are_kept_away_only_while_the_server_is_silent_or_dead(signs: list[Sign]) -> None:
    watch, kept_away = Watch(kept_away=False), False
    silent = 0
    for sign in signs:
        watch, move = watch.after(sign)
        silent = silent + 1 if sign is Sign.SILENT else 0
        assert (move is Move.RESCUE) == (silent >= SILENT_AT)
        kept_away = move is Move.RESCUE or (kept_away and move is not Move.READMIT)
        assert kept_away == watch.kept_away
        assert not (sign is Sign.ALIVE and kept_away)


class Asterisk:
    """One node's AMI link, played."""

    name = "hl1"

    def __init__(self) -> None:
        self.channels: list[dict[str, str]] = []
        self.variables: dict[tuple[str, str], str] = {}
        self.redirected: dict[str, str] = {}
        self.gone: set[str] = set()

    def caller(self, name: str, *, server: str = AGI, status: str = "", **more: str) -> None:
        """A citizen whom a server holds."""
        held = {"Channel": name, "Linkedid": name, "Context": "hotline", "Exten": "ask", "Application": "AGI"}
        self.channels.append(held | more)
        self.variables[name, "HL_SERVER"] = server
        self.variables[name, "DIALSTATUS"] = status

    async def set_variable(self, channel: str, name: str, value: str) -> None:
        self.variables[channel, name] = value

    async def get_variable(self, channel: str, name: str) -> str:
        if channel in self.gone:
            raise AmiRefused("Getvar", "No such channel")
        return self.variables[channel, name]

    async def listing(self, name: str, fields: object) -> tuple[AmiEvent, ...]:
        return tuple(AmiEvent("CoreShowChannel", MappingProxyType(one), "hl1") for one in self.channels)

    async def redirect(self, channel: str, context: str, exten: str) -> None:
        self.redirected[channel] = exten


class Nodes:
    def __init__(self, link: Asterisk) -> None:
        self.links = {link.name: cast("AmiLink", link)}


async def rescue(asterisk: Asterisk) -> None:
    async def ask() -> Sign:
        return Sign.SILENT

    dog = Watchdog(ask=ask, nodes=cast("AmiNodes", Nodes(asterisk)), agi=AGI, turn=2)
    await dog._act(dog._nodes.links["hl1"], Move.RESCUE)


async def test_calls_are_kept_away_from_a_hung_server_by_its_number_in_the_dialplan() -> None:
    asterisk = Asterisk()
    await rescue(asterisk)
    assert asterisk.variables["", "HL_DOWN_2"] == "1"


async def test_a_caller_of_the_hung_server_goes_to_the_native_queue_whatever_application_asterisk_names() -> (
    None
):
    asterisk = Asterisk()
    asterisk.caller("fresh")
    asterisk.caller("rung before", Application="Dial", status="NOANSWER")
    await rescue(asterisk)
    assert asterisk.redirected == {"fresh": "rescue", "rung before": "rescue"}


async def test_who_has_talked_already_is_not_put_in_line_again() -> None:
    asterisk = Asterisk()
    asterisk.caller("in the survey", status="ANSWER")
    await rescue(asterisk)
    assert asterisk.redirected == {"in the survey": "nobody"}


async def test_who_talks_or_is_being_rung_for_or_is_with_another_server_is_left_alone() -> None:
    asterisk = Asterisk()
    asterisk.caller("talking", BridgeId="b1")
    asterisk.caller("rung for")
    asterisk.channels.append({"Channel": "agent", "Linkedid": "rung for", "Context": "agents"})
    asterisk.caller("elsewhere", server="127.0.0.9:4573")
    asterisk.caller("in the native queue", Context="hotline-fallback", Exten="s")
    await rescue(asterisk)
    assert asterisk.redirected == {}


async def test_a_caller_who_is_gone_keeps_nobody_from_being_rescued() -> None:
    asterisk = Asterisk()
    asterisk.caller("gone")
    asterisk.caller("here")
    asterisk.gone.add("gone")
    await rescue(asterisk)
    assert asterisk.redirected == {"here": "rescue"}
