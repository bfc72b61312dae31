"""The room of the dialplan by itself: nobody who is in it is left alone, and no server is needed for that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.support.agi_stub import AgiCall, AgiStub, agi_stub
from tests.support.asterisk import AGI_PORT, Pair, citizen_calls, until
from tests.support.raw_ami import Message, RawAmi

pytestmark = [pytest.mark.integration]

CONTEXT = "hotline-room"


@pytest.fixture(autouse=True)
def clean(asterisk_pair: Pair) -> Iterator[None]:
    """Every telephone answers and is silent; afterwards all calls end."""
    asterisk_pair.phones.cli("dialplan set global DESK_MODE silent")
    yield
    asterisk_pair.hang_up_all()
    asterisk_pair.phones.cli("dialplan set global DESK_ANSWER_8002p 0.2")
    asterisk_pair.phones.cli("dialplan set global DESK_MODE echo")


class Talk:
    """A citizen and agent 8001 in the Dial that the server asked for."""

    def __init__(self, pair: Pair, ami: RawAmi, server: AgiStub, citizen: Message, agent: Message) -> None:
        self.pair = pair
        self.ami = ami
        self.server = server
        self.citizen, self.agent = citizen["Channel"], agent["Channel"]
        self.call_id, self.agent_id = citizen["Uniqueid"], agent["Uniqueid"]

    async def send(self, citizen: str, agent: str, **variables: str) -> None:
        """Send both to the room's context, as the server does."""
        for channel in (self.citizen, self.agent):
            await self.ami.action("Setvar", Channel=channel, Variable="__HL_CALL", Value=self.call_id)
        await self.ami.action("Setvar", Channel=self.citizen, Variable="HL_AGENT", Value=self.agent_id)
        for name, value in variables.items():
            await self.ami.action("Setvar", Channel=self.agent, Variable=name, Value=value)
        await self.redirect(self.citizen, citizen, agent)

    async def redirect(self, channel: str, exten: str, agent: str) -> None:
        """Send a channel, and the agent's, to two extensions at once."""
        fields: dict[str, str | int] = {
            "Channel": channel, "Context": CONTEXT, "Exten": exten, "Priority": 1,
            "ExtraChannel": self.agent, "ExtraContext": CONTEXT, "ExtraExten": agent, "ExtraPriority": 1,
        }  # fmt: skip
        assert (await self.ami.send("Redirect", fields))["Response"] == "Success"

    async def consults(self) -> str:
        """The agent talks with 8002 alone; returns that channel."""
        since = len(self.ami.events)
        await self.send("wait", "consult", HL_TARGET="PJSIP/8002p", HL_RING_S="20", HL_SHOWN="8001")
        met = await self.ami.event("BridgeEnter", lambda e: "8002p" in e["Channel"], since=since)
        return met["Channel"]

    async def enters_room(self, channel: str, since: int) -> None:
        """Wait until this channel has come into the room."""
        await self.ami.event(
            "BridgeEnter",
            lambda e: e["Channel"] == channel and e.get("BridgeName") == self.call_id,
            since=since,
        )

    async def hang_up(self, channel: str) -> int:
        """Hang up; returns where the events after it begin."""
        since = len(self.ami.events)
        await self.ami.action("Hangup", Channel=channel)
        return since

    async def citizen_gone(self, since: int) -> None:
        """Wait until the citizen's channel is gone."""
        await self.ami.event("Hangup", lambda e: e["Channel"] == self.citizen, since=since)


@pytest_asyncio.fixture
async def talk(asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi) -> AsyncIterator[Talk]:
    """Citizen and agent talk; the server notes what it is asked for and finishes."""

    async def serve(agi: AgiCall) -> None:
        if agi.stage == "enter":
            await agi.command("ANSWER")
            await agi.command("EXEC Dial PJSIP/8001p,30,g")
            await agi.variable("DIALSTATUS")
        await agi.command("SET VARIABLE HL_DONE 1")

    async with agi_stub(asterisk_pair.server, AGI_PORT, serve) as server:
        await citizen_calls(network_ami)
        agent = await hotline_ami.event("BridgeEnter", lambda e: "8001p" in e["Channel"])
        citizen = await hotline_ami.event("BridgeEnter", lambda e: "city" in e["Channel"])
        yield Talk(asterisk_pair, hotline_ami, server, citizen, agent)


async def test_citizen_and_agent_go_to_the_room_and_from_there_to_the_rating(talk: Talk) -> None:
    since = len(talk.ami.events)
    await talk.send("join", "other")
    await talk.enters_room(talk.citizen, since)
    await talk.citizen_gone(await talk.hang_up(talk.agent))
    assert talk.server.stages == ["enter", "after"]


async def test_after_a_consultation_the_agent_and_the_citizen_meet_again(talk: Talk) -> None:
    consulted = await talk.consults()
    since = await talk.hang_up(consulted)
    await talk.enters_room(talk.agent, since)
    await talk.enters_room(talk.citizen, since)


async def test_an_agent_who_hangs_up_leaves_the_consulted_with_the_citizen(talk: Talk) -> None:
    consulted = await talk.consults()
    since = await talk.hang_up(talk.agent)
    await talk.enters_room(consulted, since)
    await talk.enters_room(talk.citizen, since)
    await talk.citizen_gone(await talk.hang_up(consulted))
    assert talk.server.stages == ["enter", "after"]


async def test_an_agent_who_hangs_up_while_it_rings_leaves_the_citizen_to_a_person(talk: Talk) -> None:
    talk.pair.phones.cli("dialplan set global DESK_ANSWER_8002p never")
    since = len(talk.ami.events)
    await talk.send("wait", "consult", HL_TARGET="PJSIP/8002p", HL_RING_S="20", HL_SHOWN="8001")
    await talk.ami.event("DialBegin", lambda e: "8002p" in e["DestChannel"], since=since)
    await talk.citizen_gone(await talk.hang_up(talk.agent))
    assert talk.server.stages == ["enter", "resume"]


async def test_a_third_party_is_put_down_when_the_citizen_was_the_last_other(talk: Talk) -> None:
    consulted = await talk.consults()
    since = await talk.hang_up(talk.agent)
    await talk.enters_room(talk.citizen, since)
    await talk.hang_up(talk.citizen)
    until(lambda: not any("8002p" in name for name in talk.pair.hotline.channels()), "8002 is put down")
    assert consulted not in talk.pair.hotline.channels()


async def test_two_who_remain_go_on_when_the_citizen_hangs_up(talk: Talk) -> None:
    consulted = await talk.consults()
    since = len(talk.ami.events)
    await talk.redirect(consulted, "other", "other")
    await talk.enters_room(talk.citizen, since)
    await talk.citizen_gone(await talk.hang_up(talk.citizen))
    assert {talk.agent, consulted} <= set(talk.pair.hotline.channels())
    await talk.hang_up(consulted)
    until(lambda: talk.agent not in talk.pair.hotline.channels(), "the agent is put down")


async def test_who_comes_to_the_room_of_a_citizen_who_is_gone_is_put_down(talk: Talk) -> None:
    consulted = await talk.consults()
    await talk.citizen_gone(await talk.hang_up(talk.citizen))
    await talk.hang_up(consulted)
    until(lambda: talk.agent not in talk.pair.hotline.channels(), "the agent is put down")
