"""What each role may ask for and hear over a page: every command, every topic, what all are told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import msgspec
import pytest

from cti.control import supervision_rights as rights
from cti.message_base import Role
from cti.messages import (
    AgentView,
    BulletinsView,
    HealthView,
    Notice,
    PageMessage,
    QueuesView,
    QueueView,
    ServerMessage,
    Snapshot,
)
from cti.ports import CommandRefused, Person
from cti.web.page import Page
from cti.web.pages import PageHub
from tests.support.control import World, agent
from tests.unit.cti.test_pages import FakeWire, settled

LETTERS = {
    "A": Role.AGENT, "S": Role.SUPERVISOR, "D": Role.ADMIN, "H": Role.LISTENER,
    "C": Role.CLERK, "U": Role.UNIT, "L": Role.LEADER, "R": Role.AUDITOR,
}  # fmt: skip
"""D is 管理员, H 领导旁听, R 审计员."""

COMMANDS = """
ASDHCULR watch ping resync
SDH      listen stop_listening
SD       whisper barge take_over end_call move_call force_state change_skills send_message
ASD      read_message
ASD      ready not_ready finish_wrap_up extend_wrap_up edit_field submit_order discard_order add_order
ASD      find_targets consult complete_transfer cancel_consult conference blind_transfer add_party drop_party
ASD      leave_conference return_to_queue emergency_transfer
ASD      say_text answer_text refuse_text end_text invite_text leave_text move_text set_text_only
ASD      find_colleagues ask_interpreter
ASD      rejoin answer_phone hang_up_phone hold_phone report_quality
"""
"""Roles, and the commands that they may give; whether a call is theirs is asked by whoever carries it out."""

TOPICS = """
ASDH     floor floor:masked call:c1 alerts wallboard
ASDHCULR orders unit:市住建局
"""
"""Roles, and the topics that are not closed to them from the start; each topic asks more."""

CLOSED = pytest.mark.parametrize("role", [Role.CLERK, Role.UNIT, Role.LEADER, Role.AUDITOR])


def table(text: str) -> dict[str, frozenset[Role]]:
    found = {}
    for line in text.strip().splitlines():
        letters, *names = line.split()
        for name in names:
            found[name] = frozenset(LETTERS[letter] for letter in letters)
    return found


def commands() -> dict[str, Any]:
    return {kind.__struct_config__.tag: kind for kind in get_args(PageMessage)}


def filled(kind: Any) -> PageMessage:
    """A message of this kind; what stands in it does not matter to rights."""
    empty: dict[str, object] = {field.name: "" for field in msgspec.structs.fields(kind) if field.required}
    message: PageMessage = kind(**empty)
    return message


def person(role: Role, login: str = "") -> Person:
    return Person(login=login or role.value, name="甲", role=role, extension="8001", skills={"general": 3})


def test_every_command_stands_in_the_table() -> None:
    assert set(table(COMMANDS)) == set(commands())


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", sorted(commands()))
def test_a_command_is_for_the_roles_of_the_table_and_for_no_other(name: str, role: Role) -> None:
    message = filled(commands()[name])
    if role in table(COMMANDS)[name]:
        rights.check(person(role), message)
    else:
        with pytest.raises(CommandRefused):
            rights.check(person(role), message)


# ---------------------------------------------------------------- topics, and what everybody is told


def hub() -> PageHub:
    made = PageHub()

    def open_to_all(who: Person, topic: str) -> Iterable[ServerMessage]:
        return (Notice(level="info", text=topic),)

    for topic in ("floor", "call", "alerts", "wallboard", "orders", "unit"):
        made.openings[topic] = open_to_all
    made.snapshots_from(snapshot)
    return made


def snapshot(who: Person) -> Snapshot:
    me = AgentView(agent_id=who.login, name=who.name, role=who.role, extension="", state="offline")
    return Snapshot(me=me, health=HealthView(redis=True, database=True), queues=QueuesView(queues=()))


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("topic", sorted(table(TOPICS)))
async def test_a_topic_is_for_the_roles_of_the_table_and_for_no_other(topic: str, role: Role) -> None:
    pages, page = hub(), Page(person(role), "s")
    if role in table(TOPICS)[topic]:
        pages.watch(page, [topic])
        assert page.topics == {topic}
    else:
        with pytest.raises(CommandRefused):
            pages.watch(page, [topic])
        assert page.topics == frozenset()


@CLOSED
async def test_a_topic_that_is_new_is_closed_to_the_offices_until_it_is_said_otherwise(role: Role) -> None:
    pages = hub()
    pages.openings["new"] = pages.openings["floor"]
    with pytest.raises(CommandRefused):
        pages.watch(Page(person(role), "s"), ["new"])


async def test_what_all_are_told_reaches_the_hotlines_own_people_only() -> None:
    pages, wires = hub(), {role: FakeWire() for role in Role}
    for role, wire in wires.items():
        pages.add(Page(person(role), "s"), wire)
    await settled()
    for message in (
        QueuesView(queues=(QueueView(
            queue="general", title="综合", waiting=3, longest_wait_s=9, agents_ready=0, agents_busy=2),)),
        BulletinsView(bulletins=()),
        HealthView(redis=False, database=True),
    ):  # fmt: skip
        pages.broadcast(message)
    await settled()
    told = {role for role, wire in wires.items() if "queues_view" in wire.types}
    assert told == {Role.AGENT, Role.SUPERVISOR, Role.ADMIN, Role.LISTENER}
    for role in (Role.CLERK, Role.UNIT, Role.LEADER, Role.AUDITOR):
        assert wires[role].types == ["snapshot"]


# ---------------------------------------------------------------- call control


@CLOSED
async def test_who_has_no_part_in_calls_is_no_agent_and_is_shown_nothing_of_the_floor(role: Role) -> None:
    world = World()
    await world.floor.page_opened(person(role, "zhao"))
    assert world.dispatch.agent("zhao") is None
    shown = world.floor.snapshot(person(role, "zhao"))
    assert shown.queues.queues == ()
    assert (shown.call, shown.bulletins, shown.messages, shown.captions) == (None, (), (), ())
    assert (shown.me.state, shown.me.extension, shown.me.skills) == ("offline", "", {})
    assert shown.health.asterisk == {}
    await world.end()


async def test_an_agent_is_signed_in_and_shown_the_queues() -> None:
    world = World()
    await world.signs_in("zhang")
    assert world.dispatch.agent("zhang") is not None
    assert world.floor.snapshot(agent("zhang")).queues.queues
    await world.end()
