"""Consultation, conference, transfer: who hears whom, measured in the sound; and who may die meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from acd.messages import AgentState
from asterisk_conf.provide import AsteriskInstall
from cti.demo.desk import DeskFailed
from cti.messages import (
    AddParty,
    BlindTransfer,
    CallState,
    CancelConsult,
    CompleteTransfer,
    Conference,
    Consult,
    DropParty,
    EditField,
    EmergencyTransfer,
    LeaveConference,
    PartyState,
    ReturnToQueue,
    TargetKind,
)
from tests.support.hotline import LIMIT_S, Desk, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock
from tests.support.services import Services, running_services
from tests.support.until import until
from tests.support.voices import AGENTS, CITIZEN, OUTSIDE, Voice

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

UNIT = "88880101"
AGENT = AGENTS["8001"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def city(
    module_loopback: LoopbackBlock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Services, Path]]:
    """The services' systems, and the directory that names them."""
    async with running_services(module_loopback.address(), tmp_path_factory.mktemp("city")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock, city: tuple[Services, Path]
) -> AsyncIterator[Hotline]:
    """One hotline for the tests of this module."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOTLINE_CALLS_DIRECTORY", str(city[1]))
        async with running_hotline(module_loopback) as hotline:
            yield hotline


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(shared: Hotline) -> AsyncIterator[Hotline]:
    """The running hotline without a call; after the test its server runs again."""
    yield shared
    if shared.stack.children["serve"].pid is None:
        await shared.bring_server_back()
    await shared.quiet()


class Talk:
    """Agent 1 talks with a citizen; a unit of the city sits by its telephone."""

    def __init__(self, hotline: Hotline, desk: Desk, citizen: Voice, unit: Voice, call_id: str) -> None:
        self.hotline = hotline
        self.desk = desk
        self.citizen = citizen
        self.unit = unit
        self.call_id = call_id

    @property
    def parties(self) -> dict[str, PartyState]:
        """Who is in the call, as the agent's desk shows it."""
        call = self.desk.call(self.citizen.number)
        return {} if call is None else {party.title: party.state for party in call.view.parties}

    async def shows(self, **parties: PartyState) -> None:
        """Wait until the desk shows exactly these beside citizen and agent."""
        await until(lambda: dict(list(self.parties.items())[2:]) == parties, LIMIT_S)

    async def consult_unit(self) -> None:
        """The agent consults the unit, who answers."""
        await self.desk.send(Consult(call_id=self.call_id, kind=TargetKind.UNIT, key="city_management"))
        await self.shows(市城市管理局=PartyState.CONSULTING)

    async def all_together(self) -> None:
        """All three hear the other two."""
        await asyncio.gather(
            self.citizen.ear.hears(AGENT, OUTSIDE),
            self.citizen.agents["8001"].hears(CITIZEN, OUTSIDE),
            self.unit.ear.hears(CITIZEN, AGENT),
        )

    async def without_agent(self) -> None:
        """Citizen and unit hear one another, and nobody hears the agent."""
        await asyncio.gather(self.citizen.ear.hears(OUTSIDE), self.unit.ear.hears(CITIZEN))
        await asyncio.gather(self.citizen.ear.hears_none_of(AGENT), self.unit.ear.hears_none_of(AGENT))

    async def as_before(self) -> None:
        """Citizen and agent hear one another."""
        await asyncio.gather(self.citizen.ear.hears(AGENT), self.citizen.agents["8001"].hears(CITIZEN))


_numbers = iter(range(13800003001, 13800003999))


async def talking(hotline: Hotline) -> Talk:
    """A citizen has reached agent 1."""
    desk = await hotline.desk(1)
    await hotline.answers(1, 0.2)
    await hotline.ready(1)
    citizen = Voice(str(next(_numbers)), hotline)
    citizen.press("7")
    await hotline.dial(citizen)
    call = await hotline.is_in(citizen, CallState.TALKING)
    unit = Voice(UNIT, hotline, OUTSIDE)
    talk = Talk(hotline, desk, citizen, unit, call.call_id)
    await until(lambda: "8001" in citizen.agents, LIMIT_S)
    await talk.as_before()
    return talk


async def rated(talk: Talk, key: str) -> None:
    """The citizen is asked for a rating, gives it, and the call is stored with it."""
    await talk.hotline.is_in(talk.citizen, CallState.SURVEY)
    talk.citizen.press(key)
    record = await talk.hotline.record(talk.citizen, "satisfaction", "ended")
    assert (record["satisfaction"], record["outcome"]) == (int(key), "answered")


async def test_a_consultation_is_private_and_the_citizen_comes_back(hotline: Hotline) -> None:
    talk = await talking(hotline)
    await talk.consult_unit()
    assert (await hotline.is_in(talk.citizen, CallState.CONSULTING)).call_id == talk.call_id
    await asyncio.gather(talk.unit.ear.hears(AGENT), talk.citizen.agents["8001"].hears(OUTSIDE))
    await asyncio.gather(
        talk.citizen.ear.hears_none_of(AGENT, OUTSIDE),
        talk.unit.ear.hears_none_of(CITIZEN),
        talk.citizen.agents["8001"].hears_none_of(CITIZEN),
    )
    await talk.desk.send(CancelConsult(call_id=talk.call_id))
    await hotline.is_in(talk.citizen, CallState.TALKING)
    await talk.as_before()
    await until(talk.unit.gone.is_set, LIMIT_S)
    await talk.shows()
    talk.citizen.agent_hangs_up()
    await rated(talk, "5")


async def test_a_consultation_may_be_cancelled_in_the_moment_in_which_it_begins(hotline: Hotline) -> None:
    talk = await talking(hotline)
    await hotline.network_answers(UNIT, "never")
    for _ in range(5):  # from the second on, agent and citizen are in the room and leave it together
        await talk.desk.send(Consult(call_id=talk.call_id, kind=TargetKind.UNIT, key="city_management"))
        await talk.desk.send(CancelConsult(call_id=talk.call_id))
        await hotline.is_in(talk.citizen, CallState.TALKING)
    await talk.as_before()
    await talk.shows()


async def test_the_agent_leaves_a_conference_and_the_others_go_on_until_the_rating(hotline: Hotline) -> None:
    talk = await talking(hotline)
    await talk.consult_unit()
    await talk.desk.send(Conference(call_id=talk.call_id))
    await talk.all_together()
    await talk.shows(市城市管理局=PartyState.TALKING)
    draft = await talk.desk.drafted(talk.citizen.number)
    await talk.desk.send(LeaveConference(call_id=talk.call_id))
    await hotline.agent_is(1, AgentState.WRAP_UP)
    await talk.without_agent()
    await talk.desk.send(EditField(order_id=draft.order_id, field="place", value="人民路东口"))
    talk.unit.hang_up()
    await rated(talk, "4")


async def test_a_completed_transfer_leaves_citizen_and_unit_together(hotline: Hotline) -> None:
    talk = await talking(hotline)
    await talk.consult_unit()
    await talk.desk.send(CompleteTransfer(call_id=talk.call_id))
    await hotline.agent_is(1, AgentState.WRAP_UP)
    await talk.without_agent()
    talk.citizen.hang_up()
    await until(talk.unit.gone.is_set, LIMIT_S)
    record = await hotline.record(talk.citizen, "ended")
    assert record["agent_id"] == "agent1"


async def test_an_interpreter_joins_the_talk_and_is_let_out_again(hotline: Hotline) -> None:
    talk = await talking(hotline)
    await talk.desk.send(AddParty(call_id=talk.call_id, kind=TargetKind.EXTERNAL, key=UNIT))
    await talk.all_together()
    call = talk.desk.call(talk.citizen.number)
    assert call is not None
    party = call.view.parties[-1]
    assert party.title == "市城市管理局"  # the number is in the directory
    await talk.desk.send(DropParty(call_id=talk.call_id, party_id=party.party_id))
    await until(talk.unit.gone.is_set, LIMIT_S)
    await talk.shows()
    await talk.as_before()


async def test_a_busy_unit_leaves_the_agent_with_the_citizen(hotline: Hotline) -> None:
    talk = await talking(hotline)
    await hotline.network_answers(UNIT, "busy")
    await talk.desk.send(Consult(call_id=talk.call_id, kind=TargetKind.UNIT, key="city_management"))
    await hotline.is_in(talk.citizen, CallState.TALKING)
    await talk.as_before()
    await talk.shows()


async def test_a_citizen_sent_to_a_busy_number_is_in_line_again_at_the_old_place(hotline: Hotline) -> None:
    talk = await talking(hotline)
    queued = (await hotline.is_in(talk.citizen, CallState.TALKING)).queued
    await hotline.network_answers(UNIT, "busy")
    await talk.desk.send(BlindTransfer(call_id=talk.call_id, kind=TargetKind.UNIT, key="city_management"))
    await hotline.agent_is(1, AgentState.WRAP_UP)
    call = await hotline.is_in(talk.citizen, CallState.WAITING)
    assert call.queued == queued
    await hotline.ready(2)
    await until(lambda: "8002" in talk.citizen.agents, LIMIT_S)
    await talk.citizen.ear.hears(AGENTS["8002"])


async def test_a_citizen_sent_to_a_number_talks_there_and_rates(hotline: Hotline) -> None:
    talk = await talking(hotline)
    await talk.desk.send(BlindTransfer(call_id=talk.call_id, kind=TargetKind.UNIT, key="city_management"))
    await hotline.agent_is(1, AgentState.WRAP_UP)
    await talk.without_agent()
    talk.unit.hang_up()
    await rated(talk, "3")


async def test_a_transfer_to_a_queue_keeps_the_time_of_waiting_and_reaches_somebody_else(
    hotline: Hotline,
) -> None:
    talk = await talking(hotline)
    queued = (await hotline.is_in(talk.citizen, CallState.TALKING)).queued
    await talk.desk.send(BlindTransfer(call_id=talk.call_id, kind=TargetKind.QUEUE, key="enterprise"))
    call = await hotline.is_in(talk.citizen, CallState.WAITING)
    assert (call.queue, call.queued) == ("enterprise", queued)
    await hotline.agent_is(1, AgentState.WRAP_UP)
    other = await hotline.desk(2)
    await hotline.ready(2)
    await until(lambda: "8002" in talk.citizen.agents, LIMIT_S)
    await asyncio.gather(talk.citizen.ear.hears(AGENTS["8002"]), talk.citizen.agents["8002"].hears(CITIZEN))
    call = await hotline.is_in(talk.citizen, CallState.TALKING)
    assert (call.queue, call.queued, call.agent_id) == ("enterprise", queued, "agent2")
    assert (await other.drafted(talk.citizen.number)).order_id == call.order_id


async def test_a_citizen_given_back_to_the_queue_waits_there(hotline: Hotline) -> None:
    talk = await talking(hotline)
    before = await hotline.is_in(talk.citizen, CallState.TALKING)
    await talk.desk.send(ReturnToQueue(call_id=talk.call_id))
    call = await hotline.is_in(talk.citizen, CallState.WAITING)
    assert (call.queue, call.queued) == (before.queue, before.queued)
    await hotline.agent_is(1, AgentState.WRAP_UP)


async def test_an_agent_who_vanishes_while_somebody_rings_leaves_the_citizen_in_line(
    hotline: Hotline,
) -> None:
    talk = await talking(hotline)
    await hotline.network_answers(UNIT, "never")
    await talk.desk.send(Consult(call_id=talk.call_id, kind=TargetKind.UNIT, key="city_management"))
    await hotline.is_in(talk.citizen, CallState.CONSULTING)
    talk.citizen.agent_hangs_up()
    await hotline.is_in(talk.citizen, CallState.WAITING)
    await hotline.ready(2)
    await until(lambda: "8002" in talk.citizen.agents, LIMIT_S)
    await talk.citizen.ear.hears(AGENTS["8002"])


async def test_an_agent_who_vanishes_from_a_consultation_leaves_the_citizen_with_the_unit(
    hotline: Hotline,
) -> None:
    talk = await talking(hotline)
    await talk.consult_unit()
    talk.citizen.agent_hangs_up()
    await talk.without_agent()
    await hotline.agent_is(1, AgentState.WRAP_UP)


async def test_what_is_not_possible_is_refused_in_words(hotline: Hotline) -> None:
    talk = await talking(hotline)
    for command, words in (
        (Conference(call_id=talk.call_id), "没有咨询"),
        (LeaveConference(call_id=talk.call_id), "没有其他人"),
        (Consult(call_id=talk.call_id, kind=TargetKind.QUEUE, key="dialect"), "没有空闲坐席"),
        (Consult(call_id=talk.call_id, kind=TargetKind.EXTERNAL, key="0086138000"), "不在允许拨打"),
        (BlindTransfer(call_id=talk.call_id, kind=TargetKind.AGENT, key="nobody"), "没有签入"),
        (ReturnToQueue(call_id="hl1-1.1"), "不在您手中"),
    ):
        with pytest.raises(DeskFailed, match=words):
            await talk.desk.send(command)
    await talk.as_before()


@pytest.mark.parametrize("conference", [False, True], ids=["consultation", "conference"])
async def test_talks_go_on_when_the_server_dies_and_are_known_again(
    hotline: Hotline, conference: bool
) -> None:
    talk = await talking(hotline)
    await talk.consult_unit()
    state = PartyState.TALKING if conference else PartyState.CONSULTING
    if conference:
        await talk.desk.send(Conference(call_id=talk.call_id))
        await talk.all_together()
    await hotline.take_server_away()
    if conference:
        await talk.all_together()
    else:
        await asyncio.gather(talk.unit.ear.hears(AGENT), talk.citizen.agents["8001"].hears(OUTSIDE))
        await talk.citizen.ear.hears_none_of(AGENT, OUTSIDE)
    await hotline.bring_server_back()
    await talk.shows(市城市管理局=state)
    await talk.desk.send((LeaveConference if conference else CompleteTransfer)(call_id=talk.call_id))
    await talk.without_agent()
    await hotline.agent_is(1, AgentState.WRAP_UP)
    talk.unit.hang_up()
    await rated(talk, "2")


async def test_a_consultation_ends_well_while_no_server_runs(hotline: Hotline) -> None:
    """Who was consulted hangs up, then so does the agent, then a server is back for the rating."""
    talk = await talking(hotline)
    await talk.consult_unit()
    await hotline.take_server_away()
    talk.unit.hang_up()
    await talk.as_before()
    await hotline.bring_server_back()
    await talk.shows()
    talk.citizen.agent_hangs_up()
    await rated(talk, "1")


async def test_a_unit_that_answers_while_no_server_runs_is_known_afterwards(hotline: Hotline) -> None:
    talk = await talking(hotline)
    await hotline.network_answers(UNIT, 4)
    await talk.desk.send(BlindTransfer(call_id=talk.call_id, kind=TargetKind.UNIT, key="city_management"))
    await hotline.agent_is(1, AgentState.WRAP_UP)
    await hotline.take_server_away()
    await until(talk.unit.inside.is_set, LIMIT_S)
    await hotline.bring_server_back()
    async with asyncio.timeout(LIMIT_S):
        while True:
            call = await hotline.is_in(talk.citizen, CallState.TALKING)
            if [party.state for party in call.parties] == [PartyState.TALKING]:
                break
            await asyncio.sleep(0.1)
    await talk.without_agent()
    talk.unit.hang_up()
    await rated(talk, "4")


async def test_a_colleague_is_consulted_joins_and_takes_the_call_over(hotline: Hotline) -> None:
    talk = await talking(hotline)
    other = await hotline.desk(2)
    await hotline.answers(2, 0.2)
    await hotline.ready(2)
    colleague = Voice("8001", hotline)  # whoever is rung by extension 8001
    draft = await talk.desk.drafted(talk.citizen.number)
    await talk.desk.send(Consult(call_id=talk.call_id, kind=TargetKind.AGENT, key="agent2"))
    await talk.shows(坐席02=PartyState.CONSULTING)
    await hotline.agent_is(2, AgentState.TALKING)
    await until(lambda: "8002" in colleague.agents, LIMIT_S)
    await asyncio.gather(
        colleague.agents["8002"].hears(AGENT), talk.citizen.agents["8001"].hears(AGENTS["8002"])
    )
    await talk.citizen.ear.hears_none_of(AGENT, AGENTS["8002"])
    assert (await other.drafted(talk.citizen.number)).order_id == draft.order_id  # sees what it is about
    await talk.desk.send(Conference(call_id=talk.call_id))
    await talk.citizen.ear.hears(AGENT, AGENTS["8002"])
    await talk.desk.send(LeaveConference(call_id=talk.call_id))
    await hotline.agent_is(1, AgentState.WRAP_UP)
    call = await hotline.is_in(talk.citizen, CallState.TALKING)
    await until(lambda: (seen := other.call(talk.citizen.number)) and seen.view.agent_id == "agent2", LIMIT_S)
    for desk in (talk.desk, other):  # both may write: one leaves, one has the call
        await desk.send(EditField(order_id=call.order_id, field="contact", value=desk.account.login))
    await asyncio.gather(talk.citizen.ear.hears(AGENTS["8002"]), colleague.agents["8002"].hears(CITIZEN))
    await talk.citizen.ear.hears_none_of(AGENT)
    colleague.agent_hangs_up()
    await rated(talk, "5")
    await hotline.agent_is(2, AgentState.WRAP_UP)
    record = await hotline.record(talk.citizen, "ended")
    assert record["agent_id"] == "agent2"


async def test_a_colleague_who_does_not_answer_is_taken_out_and_the_citizen_comes_back(
    hotline: Hotline,
) -> None:
    talk = await talking(hotline)
    await hotline.ready(2)
    await hotline.answers(2, "busy")
    await talk.desk.send(Consult(call_id=talk.call_id, kind=TargetKind.AGENT, key="agent2"))
    await hotline.agent_is(2, AgentState.NOT_READY)
    await hotline.is_in(talk.citizen, CallState.TALKING)
    await talk.as_before()
    with pytest.raises(DeskFailed, match="示忙"):
        await talk.desk.send(Consult(call_id=talk.call_id, kind=TargetKind.AGENT, key="agent2"))


async def test_a_citizen_sent_to_an_agent_who_misses_the_ring_goes_to_the_next(hotline: Hotline) -> None:
    talk = await talking(hotline)
    queued = (await hotline.is_in(talk.citizen, CallState.TALKING)).queued
    await hotline.answers(2, "busy")
    await hotline.ready(2, 3)
    await talk.desk.send(BlindTransfer(call_id=talk.call_id, kind=TargetKind.AGENT, key="agent2"))
    await hotline.agent_is(2, AgentState.NOT_READY)  # rung first, though agent 3 was idle, too
    await until(lambda: "8003" in talk.citizen.agents, LIMIT_S)
    await talk.citizen.ear.hears(AGENTS["8003"])
    call = await hotline.is_in(talk.citizen, CallState.TALKING)
    assert (call.queued, call.agent_id) == (queued, "agent3")


async def test_with_one_key_the_police_join_and_know_place_and_matter(
    hotline: Hotline, city: tuple[Services, Path]
) -> None:
    services = city[0]
    services.refuse, services.tries = 2, 0
    talk = await talking(hotline)
    police = Voice("110", hotline, OUTSIDE)
    draft = await talk.desk.drafted(talk.citizen.number)
    for field, value in (("place", "人民路东口"), ("summary", "有人落水"), ("contact", "李女士")):
        await talk.desk.send(EditField(order_id=draft.order_id, field=field, value=value))
    await talk.desk.send(EmergencyTransfer(call_id=talk.call_id, service="police"))
    await talk.shows(公安报警=PartyState.TALKING)
    await asyncio.gather(
        police.ear.hears(CITIZEN, AGENT), talk.citizen.ear.hears(AGENT, OUTSIDE),
        talk.citizen.agents["8001"].hears(CITIZEN, OUTSIDE),
    )  # fmt: skip
    await until(lambda: services.taken, LIMIT_S)
    (handover,) = services.taken
    assert services.tries == 3  # refused twice, and tried again
    assert services.signed_with(hotline.stack.secrets.get("handover.police"))
    assert (handover.call_id, handover.order_id) == (talk.call_id, draft.order_id)
    assert (handover.place, handover.matter, handover.contact) == ("人民路东口", "有人落水", "李女士")
    assert (handover.phone, handover.number, handover.by) == (talk.citizen.number, "110", "agent1")
    async with asyncio.timeout(LIMIT_S):
        while True:
            trail = (await hotline.fetch("/api/audit"))["audit"]
            lines = [line for line in trail if line["what"] == "emergency_handover"]
            if lines:
                break
            await asyncio.sleep(0.1)
    assert [(line["who"], line["target"]) for line in lines] == [("agent1", talk.call_id)]
    assert lines[0]["detail"]["service"] == "police"
    assert not list((hotline.settings.home / "handovers").glob("*.json"))
    await talk.desk.send(LeaveConference(call_id=talk.call_id))
    await asyncio.gather(talk.citizen.ear.hears(OUTSIDE), police.ear.hears(CITIZEN))
