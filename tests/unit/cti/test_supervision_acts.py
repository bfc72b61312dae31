"""What supervisors do without being in the talk: a waiting call changes lines, a state is forced."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from acd.messages import AgentBecameNotReady, AgentSkillsChanged, AgentState, NotReadyReason
from cti.control.supervision_acts import ActParts, SupervisionActs
from cti.messages import CallState, EntryKind, ForceState, MoveCall, Notice, Role, ServerMessage, TargetKind
from cti.ports import CommandRefused, Person
from tests.support.control import PlayedSession
from tests.support.until import until
from tests.unit.cti.test_transfers import Office

BOSS = Person(login="boss", name="班长", role=Role.SUPERVISOR, extension="8099")


class Room(Office):
    """A world with somebody in charge."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.told: list[tuple[frozenset[str], ServerMessage]] = []
        self.signed_out: list[str] = []
        self.book.send = lambda logins, message: self.told.append((frozenset(logins), message))  # type: ignore

        async def sign_out(whom: Person) -> None:
            self.signed_out.append(whom.login)

        self.acts = SupervisionActs(
            ActParts(
                calls=self.calls, dispatch=self.dispatch, hands=cast("Any", None), phones=self.phones,
                people=self.people, pages=self.book, transfers=self.sharing.transfers,
                targets=self.sharing.targets, tell=self.telephony.tell, sign_out=sign_out,
                set_skills=cast("Any", None),
            ),
            cast("Any", self),
        )  # fmt: skip

    async def call_here(self, person: Person, message: object, call_id: str) -> object:
        return self.calls.find(call_id)

    async def in_line(self) -> PlayedSession:
        """A citizen waits, for agent li talks with somebody else."""
        await self.talk()
        session = self.calls_in()
        await until(lambda: self.dispatch.waiting(session.uniqueid) is not None)
        assert self.state(session) is CallState.WAITING
        return session

    def noted(self) -> list[tuple[object, object]]:
        """Acts in the journal, and why."""
        entries = (entry for entry in self.book.entries if entry.kind is EntryKind.SUPERVISION)
        return [(entry.data["act"], entry.data["reason"]) for entry in entries]


@pytest_asyncio.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    made = Room(tmp_path)
    yield made
    await made.end()


async def test_a_waiting_call_is_moved_to_an_agent_with_its_place(room: Room) -> None:
    session = await room.in_line()
    before = room.dispatch.waiting(session.uniqueid)
    assert before is not None and before.prefer == ()
    move = MoveCall(call_id=session.uniqueid, kind=TargetKind.AGENT, key="li", reason="老客户")
    await room.acts.move(BOSS, move)
    now = room.dispatch.waiting(session.uniqueid)
    assert now is not None
    assert (now.prefer, now.since, now.queue, now.urgent) == (("li",), before.since, before.queue, False)
    assert room.noted() == [("move", "老客户")]


async def test_a_waiting_call_stays_where_it_is_when_the_target_cannot_be(room: Room) -> None:
    session = await room.in_line()
    before = room.dispatch.waiting(session.uniqueid)
    for kind, key in (
        (TargetKind.AGENT, "nobody"),
        (TargetKind.QUEUE, "no such queue"),
        (TargetKind.EXTERNAL, "110"),
    ):
        with pytest.raises(CommandRefused):
            await room.acts.move(BOSS, MoveCall(call_id=session.uniqueid, kind=kind, key=key, reason="试"))
    assert room.dispatch.waiting(session.uniqueid) == before
    assert room.noted() == []


async def test_a_waiting_call_is_moved_to_nobody_who_would_not_get_it(room: Room) -> None:
    session = await room.in_line()
    before = room.dispatch.waiting(session.uniqueid)
    assert before is not None
    move = MoveCall(call_id=session.uniqueid, kind=TargetKind.AGENT, key="li", reason="试")
    able = AgentSkillsChanged(agent_id="li", skills=dict(before.needs))
    room.dispatch.tell(AgentSkillsChanged(agent_id="li", skills={}))
    with pytest.raises(CommandRefused, match="技能"):
        await room.acts.move(BOSS, move)
    room.dispatch.tell(able)
    room.dispatch.tell(AgentBecameNotReady(agent_id="li", reason=NotReadyReason.REST))
    with pytest.raises(CommandRefused, match="示忙"):
        await room.acts.move(BOSS, move)
    assert room.dispatch.waiting(session.uniqueid) == before


async def test_an_agent_is_signed_out_by_force_with_a_reason_and_told_so(room: Room) -> None:
    await room.signs_in("li")
    await room.acts.force(BOSS, ForceState(agent_id="li", state="offline", reason="下班未签出"))
    assert room.signed_out == ["li"]
    assert room.noted() == [("state", "下班未签出")]
    (words,) = (one.text for logins, one in room.told if isinstance(one, Notice) and "li" in logins)
    assert "签出" in words and "下班未签出" in words


async def test_nobody_is_signed_out_in_the_middle_of_a_talk(room: Room) -> None:
    await room.talk()
    with pytest.raises(CommandRefused, match="结束后才能签出"):
        await room.acts.force(BOSS, ForceState(agent_id="li", state="offline", reason="试"))
    assert (room.signed_out, room.noted(), room.agent_is("li")) == ([], [], AgentState.TALKING)
