"""Supervisors in live calls: who hears whom, measured in the sound; what ends with a call, what lives on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from acd.messages import AgentState
from asterisk_conf.provide import AsteriskInstall
from cti.accounts import Accounts
from cti.call import Call
from cti.database import open_engine
from cti.demo.desk import DeskFailed
from cti.messages import (
    Barge,
    BlindTransfer,
    CallState,
    ChangeSkills,
    Conference,
    Consult,
    EditField,
    EndCall,
    FinishWrapUp,
    ForceState,
    Listen,
    MoveCall,
    PartyState,
    ReadMessage,
    Role,
    SendMessage,
    StopListening,
    SupervisionKind,
    TakeOver,
    TargetKind,
    Watch,
    Whisper,
)
from tests.support.floor_page import Page
from tests.support.hotline import LIMIT_S, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock
from tests.support.tones import read_stereo, strength
from tests.support.until import until
from tests.support.voices import AGENTS, AUDIBLE, CITIZEN, OUTSIDE, SILENT, Ear, Voice

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

AGENT, BOSS = AGENTS["8001"], AGENTS["8003"]
UNIT = "88880101"
_numbers = iter(range(13800005001, 13800005999))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock) -> AsyncIterator[Hotline]:
    """One hotline; agent 3 is a supervisor without skills, agents 1 and 3 have pages that remember."""
    async with running_hotline(module_loopback, agents=4) as hotline:
        engine = open_engine(hotline.settings.database)
        accounts = Accounts(engine)
        await accounts.change("agent3", by="system", role=Role.SUPERVISOR, skills={})
        await accounts.change("agent4", by="system", role=Role.LISTENER, skills={})
        await engine.dispose()
        for number in (1, 3, 4):
            page = Page(hotline.stack.web, hotline.account(number))
            await page.open()
            hotline.desks[number] = page
        yield hotline


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(shared: Hotline) -> AsyncIterator[Hotline]:
    """The running hotline without a call; after the test its server runs again."""
    yield shared
    if shared.stack.children["serve"].pid is None:
        await shared.bring_server_back()
    await shared.network.hang_up_all()
    await shared.server_is_back()
    listener, boss = shared.desks.pop(4), shared.desks.pop(3)
    while boss.state in ("talking", "wrap_up"):  # they took a call over
        await boss.send(FinishWrapUp())
        await asyncio.sleep(0.1)
    await shared.quiet()
    shared.desks |= {3: boss, 4: listener}


class Floor:
    """Agent 1 talks with a citizen, and a supervisor looks at it."""

    def __init__(self, hotline: Hotline, citizen: Voice, boss: Voice, call: Call) -> None:
        self.hotline = hotline
        self.citizen = citizen
        self.boss = boss  # whoever is rung by extension 8001
        self.call_id = call.call_id
        self.call = call

    @property
    def agent(self) -> Page:
        """The agent's page."""
        return self.hotline.desks[1]  # type: ignore[return-value]

    @property
    def page(self) -> Page:
        """The supervisor's page."""
        return self.hotline.desks[3]  # type: ignore[return-value]

    @property
    def ear(self) -> Ear:
        """What the supervisor hears."""
        return self.boss.agents["8003"]

    @property
    def agents_ear(self) -> Ear:
        """What the agent hears."""
        return self.citizen.agents["8001"]

    async def does(self, command: Any, kind: SupervisionKind) -> None:
        """The supervisor asks for it, and is in the call so."""
        await self.page.send(command)
        await until(lambda: self.page.is_in(self.call_id, kind), LIMIT_S)
        await until(lambda: "8003" in self.boss.agents, LIMIT_S)

    async def on_hook(self) -> None:
        """The supervisor's telephone is on the hook again."""
        await until(lambda: "8003" not in self.boss.agents, LIMIT_S)
        await until(lambda: not self.page.supervisions[self.call_id, "agent3"].active, LIMIT_S)


async def floor(hotline: Hotline) -> Floor:
    """Agent 1 has a talk, and the supervisor's telephone works."""
    await hotline.answers(1, 0.2)
    await hotline.answers(3, 0.2)
    await hotline.ready(1)
    await hotline.desks[3].telephone_works()
    citizen = Voice(str(next(_numbers)), hotline)
    citizen.press("7")
    await hotline.dial(citizen)
    call = await hotline.is_in(citizen, CallState.TALKING)
    await until(lambda: "8001" in citizen.agents, LIMIT_S)
    await asyncio.gather(citizen.ear.hears(AGENT), citizen.agents["8001"].hears(CITIZEN))
    return Floor(hotline, citizen, Voice("8001", hotline), call)


async def audited(hotline: Hotline, target: str) -> list[tuple[str, str, str]]:
    """Who did what why to this call or agent, oldest first."""
    trail = (await hotline.fetch("/api/audit?limit=200"))["audit"]
    acts = [line for line in trail if line["target"] == target and line["what"].startswith("supervise_")]
    return [(line["who"], line["what"], line["detail"].get("reason", "")) for line in reversed(acts)]


async def trail_says(hotline: Hotline, target: str, *wanted: tuple[str, str, str]) -> None:
    """Wait until the audit trail has exactly these acts."""
    found: list[tuple[str, str, str]] = []
    try:
        async with asyncio.timeout(LIMIT_S):
            while (found := await audited(hotline, target)) != list(wanted):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"the trail says {found}") from None


async def test_listening_becomes_whispering_becomes_barging_without_another_ring(hotline: Hotline) -> None:
    here = await floor(hotline)
    await here.does(Listen(call_id=here.call_id), SupervisionKind.LISTEN)
    await here.ear.hears(CITIZEN, AGENT)
    await asyncio.gather(here.citizen.ear.hears_none_of(BOSS), here.agents_ear.hears_none_of(BOSS))
    assert (here.call_id, "agent3") not in here.agent.supervisions  # policy: not told of listening

    await here.does(Whisper(call_id=here.call_id), SupervisionKind.WHISPER)
    await asyncio.gather(here.agents_ear.hears(BOSS, CITIZEN), here.ear.hears(CITIZEN, AGENT))
    await here.citizen.ear.hears_none_of(BOSS)
    await until(lambda: here.agent.is_in(here.call_id, SupervisionKind.WHISPER), LIMIT_S)

    await here.does(Barge(call_id=here.call_id), SupervisionKind.BARGE)
    await asyncio.gather(
        here.citizen.ear.hears(AGENT, BOSS),
        here.agents_ear.hears(CITIZEN, BOSS),
        here.ear.hears(CITIZEN, AGENT),
    )
    await here.does(Listen(call_id=here.call_id), SupervisionKind.LISTEN)
    await asyncio.gather(here.ear.hears(CITIZEN, AGENT), here.citizen.ear.hears(AGENT))
    await asyncio.gather(here.citizen.ear.hears_none_of(BOSS), here.agents_ear.hears_none_of(BOSS))
    assert not here.agent.supervisions[here.call_id, "agent3"].active
    assert len(here.boss.reached_at) == 1  # the telephone rang once

    await here.page.send(StopListening(call_id=here.call_id))
    await here.on_hook()
    await asyncio.gather(here.citizen.ear.hears(AGENT), here.agents_ear.hears(CITIZEN))
    here.citizen.hang_up()
    record = await hotline.record(here.citizen, "ended", "recording_url")
    left, right = read_stereo(next(hotline.settings.recordings.rglob(f"{record['call_id']}.wav")))
    assert strength(right, BOSS) > AUDIBLE and strength(right, AGENT) > AUDIBLE  # who barges in is recorded
    assert strength(left, CITIZEN) > AUDIBLE and strength(left, BOSS) < SILENT
    ways = ("listen", "whisper", "barge", "listen", "leave")
    await trail_says(hotline, here.call_id, *(("agent3", f"supervise_{way}", "") for way in ways))


async def test_who_takes_over_has_citizen_and_order_and_the_agent_writes_up(hotline: Hotline) -> None:
    here = await floor(hotline)
    draft = await here.agent.drafted(here.citizen.number)
    await here.page.send(TakeOver(call_id=here.call_id, reason="市民要求班长处理"))
    await hotline.agent_is(1, AgentState.WRAP_UP)
    await until(lambda: "8003" in here.boss.agents, LIMIT_S)
    await asyncio.gather(here.citizen.ear.hears(BOSS), here.ear.hears(CITIZEN))
    await asyncio.gather(here.citizen.ear.hears_none_of(AGENT), here.ear.hears_none_of(AGENT))
    await hotline.agent_is(3, AgentState.TALKING)
    await until(lambda: any("接管" in words for words in here.agent.notices), LIMIT_S)
    seen = await here.page.drafted(here.citizen.number)
    assert seen.order_id == draft.order_id
    await here.page.send(EditField(order_id=draft.order_id, field="place", value="人民路东口"))
    await here.agent.send(EditField(order_id=draft.order_id, field="contact", value="李女士"))
    here.boss.agent_hangs_up()
    await hotline.is_in(here.citizen, CallState.SURVEY)
    await hotline.agent_is(3, AgentState.WRAP_UP)
    here.citizen.hang_up()
    assert (await hotline.record(here.citizen, "ended"))["agent_id"] == "agent3"
    await trail_says(hotline, here.call_id, ("agent3", "supervise_takeover", "市民要求班长处理"))


async def test_listening_follows_the_talk_into_a_room_and_ends_with_it(hotline: Hotline) -> None:
    here = await floor(hotline)
    unit = Voice(UNIT, hotline, OUTSIDE)
    await here.does(Listen(call_id=here.call_id), SupervisionKind.LISTEN)
    await here.agent.send(Consult(call_id=here.call_id, kind=TargetKind.UNIT, key="city_management"))
    await here.ear.hears(AGENT, OUTSIDE)
    with pytest.raises(DeskFailed, match="咨询"):
        await here.page.send(Barge(call_id=here.call_id))
    await until(lambda: _party(here.agent, here.citizen) is PartyState.CONSULTING, LIMIT_S)
    await here.agent.send(Conference(call_id=here.call_id))
    await here.ear.hears(CITIZEN, AGENT, OUTSIDE)
    await here.does(Whisper(call_id=here.call_id), SupervisionKind.WHISPER)
    await here.agents_ear.hears(BOSS)
    await asyncio.gather(here.citizen.ear.hears_none_of(BOSS), unit.ear.hears_none_of(BOSS))
    here.citizen.hang_up()
    await here.on_hook()


async def test_listening_outlives_the_server_and_ends_with_the_call(hotline: Hotline) -> None:
    here = await floor(hotline)
    await here.does(Whisper(call_id=here.call_id), SupervisionKind.WHISPER)
    await hotline.take_server_away()
    await asyncio.gather(here.ear.hears(CITIZEN, AGENT), here.agents_ear.hears(CITIZEN, BOSS))
    await here.citizen.ear.hears(AGENT)
    here.page.supervisions.clear()
    await hotline.bring_server_back()
    async with asyncio.timeout(LIMIT_S):
        while not here.page.is_in(here.call_id, SupervisionKind.WHISPER):
            for topics in ((), ("floor",)):  # as a page does that is connected again
                await here.page.send(Watch(topics=topics))
            await asyncio.sleep(0.2)
    await here.does(Barge(call_id=here.call_id), SupervisionKind.BARGE)
    await here.citizen.ear.hears(AGENT, BOSS)
    await hotline.take_server_away()
    here.citizen.hang_up()
    here.citizen.agent_hangs_up()
    await until(lambda: "8003" not in here.boss.agents, LIMIT_S)


async def test_a_talk_that_is_sent_to_the_line_frees_the_supervisor(hotline: Hotline) -> None:
    here = await floor(hotline)
    await here.does(Listen(call_id=here.call_id), SupervisionKind.LISTEN)
    await here.agent.send(BlindTransfer(call_id=here.call_id, kind=TargetKind.QUEUE, key="enterprise"))
    await here.on_hook()
    assert any("转走" in words for words in here.page.notices)
    await hotline.is_in(here.citizen, CallState.WAITING)


async def test_a_waiting_caller_is_moved_with_the_time_of_waiting_and_a_talk_is_ended(
    hotline: Hotline,
) -> None:
    await hotline.answers(1, 0.2)
    page = hotline.desks[3]
    citizen = Voice(str(next(_numbers)), hotline)
    citizen.press("7")
    await hotline.dial(citizen)
    waiting = await hotline.is_in(citizen, CallState.WAITING)
    move = MoveCall(call_id=waiting.call_id, kind=TargetKind.QUEUE, key="enterprise", reason="企业诉求")
    await page.send(move)
    async with asyncio.timeout(LIMIT_S):
        while (moved := await hotline.is_in(citizen, CallState.WAITING)).queue != "enterprise":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert moved.queued == waiting.queued
    await hotline.ready(1)
    await until(lambda: "8001" in citizen.agents, LIMIT_S)
    await citizen.ear.hears(AGENT)
    await page.send(EndCall(call_id=waiting.call_id, reason="恶意占线"))
    await until(citizen.gone.is_set, LIMIT_S)
    await hotline.agent_is(1, AgentState.WRAP_UP)
    acts = (("agent3", "supervise_move", "企业诉求"), ("agent3", "supervise_end", "恶意占线"))
    await trail_says(hotline, waiting.call_id, *acts)


async def test_a_talk_is_moved_to_another_agent(hotline: Hotline) -> None:
    here = await floor(hotline)
    await hotline.answers(2, 0.2)
    await hotline.ready(2)
    move = MoveCall(call_id=here.call_id, kind=TargetKind.AGENT, key="agent2", reason="方言")
    await here.page.send(move)
    await hotline.agent_is(1, AgentState.WRAP_UP)
    await until(lambda: "8002" in here.citizen.agents, LIMIT_S)
    await here.citizen.ear.hears(AGENTS["8002"])


async def test_who_is_signed_out_by_force_must_sign_in_again(hotline: Hotline) -> None:
    boss = hotline.desks[3]
    assert isinstance(boss, Page)
    await hotline.ready(2)
    away = hotline.desks.pop(2)
    await boss.send(Watch(topics=("floor",)))
    await until(lambda: "agent2" in boss.people and boss.people["agent2"].state == "ready", LIMIT_S)
    await boss.send(ForceState(agent_id="agent2", state="offline", reason="下班未签出"))
    await until(lambda: boss.people["agent2"].state == "offline", LIMIT_S)
    with pytest.raises(DeskFailed, match="401"):
        await away.fetch("/api/me")
    await away.close()
    await hotline.ready(2)  # signs in anew, and takes calls
    await trail_says(hotline, "agent2", ("agent3", "supervise_state", "下班未签出"))


async def test_states_skills_and_words_reach_the_agent_and_the_live_list(hotline: Hotline) -> None:
    boss, agent = hotline.desks[3], hotline.desks[1]
    assert isinstance(boss, Page) and isinstance(agent, Page)
    await agent.telephone_works()
    await boss.send(Watch(topics=("floor",)))
    await until(lambda: "agent1" in boss.people, LIMIT_S)
    await boss.send(ForceState(agent_id="agent1", state="ready", reason="高峰"))
    await until(lambda: boss.people["agent1"].state == "ready", LIMIT_S)
    await boss.send(ForceState(agent_id="agent1", state="not_ready", reason="培训"))
    await until(lambda: boss.people["agent1"].state == "not_ready", LIMIT_S)
    await boss.send(ChangeSkills(agent_id="agent1", skills={"general": 5, "dialect": 2}, reason="支援"))
    await until(lambda: dict(boss.people["agent1"].skills) == {"general": 5, "dialect": 2}, LIMIT_S)
    await boss.send(SendMessage(to=("agent1",), text="请注意暴雨来电口径", urgent=True))
    await until(lambda: agent.words, LIMIT_S)
    (said,) = agent.words.values()
    assert (said.text, said.urgent, said.by_name) == ("请注意暴雨来电口径", True, "坐席03")
    await agent.send(ReadMessage(message_id=said.message_id))
    await until(lambda: boss.words[said.message_id].read_by == ("agent1",), LIMIT_S)
    acts = (("state", "高峰"), ("state", "培训"), ("skills", "支援"))
    await trail_says(hotline, "agent1", *(("agent3", f"supervise_{act}", why) for act, why in acts))


async def test_a_listener_sees_no_number_and_may_only_listen(hotline: Hotline) -> None:
    here = await floor(hotline)
    listener = hotline.desks[4]
    assert isinstance(listener, Page)
    await listener.send(Watch(topics=("floor:masked",)))
    await until(lambda: here.call_id in listener.live, LIMIT_S)
    number = here.citizen.number
    assert listener.live[here.call_id].caller == f"{number[:3]}****{number[-4:]}"
    assert number not in str(listener.live)
    for topic in ("floor", f"call:{here.call_id}"):
        with pytest.raises(DeskFailed):
            await listener.send(Watch(topics=(topic,)))
    for refused in (Whisper(call_id=here.call_id), EndCall(call_id=here.call_id, reason="试")):
        with pytest.raises(DeskFailed, match="权限"):
            await listener.send(refused)
    with pytest.raises(DeskFailed, match="403"):
        await listener.fetch("/api/orders")
    await hotline.answers(4, 0.2)
    await listener.telephone_works()
    await listener.send(Listen(call_id=here.call_id))
    await until(lambda: "8004" in here.boss.agents, LIMIT_S)
    await here.boss.agents["8004"].hears(CITIZEN, AGENT)
    theirs = AGENTS["8004"]
    await asyncio.gather(here.citizen.ear.hears_none_of(theirs), here.agents_ear.hears_none_of(theirs))
    await listener.send(StopListening(call_id=here.call_id))


def _party(page: Page, citizen: Voice) -> PartyState | None:
    call = page.call(citizen.number)
    return call.view.parties[-1].state if call is not None and len(call.view.parties) > 2 else None
