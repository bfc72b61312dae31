"""The dialplan loses nobody: the CTI server may be absent, die or hang at any moment of a call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from asterisk_conf.recording import join, legs
from tests.support.agi_stub import AgiCall, agi_stub
from tests.support.asterisk import AGI_PORT, Pair, citizen_calls, settled, until
from tests.support.raw_ami import RawAmi
from tests.support.tones import RATE, read_sln, read_stereo, strength, tone, write_wav

pytestmark = [pytest.mark.integration]


@pytest.fixture(autouse=True)
def clean(asterisk_pair: Pair) -> Iterator[None]:
    """Each test begins without calls, with agent 8001 in the native queue and every desk phone answering."""
    write_wav(asterisk_pair.sounds / "prompt.wav", tone(700, 5.0))
    asterisk_pair.hotline.cli("queue add member PJSIP/8001p to hotline")
    yield
    asterisk_pair.hang_up_all()
    asterisk_pair.hotline.cli("queue remove member PJSIP/8001p from hotline")
    asterisk_pair.hotline.cli("dialplan set global HL_DOWN_1 0")
    asterisk_pair.phones.cli("dialplan set global DESK_ANSWER_8001p 0.2")
    asterisk_pair.phones.cli("dialplan set global DESK_MODE echo")


def is_citizen(message: dict[str, str]) -> bool:
    return message.get("Channel", "").startswith("PJSIP/city-")


def is_agent(message: dict[str, str]) -> bool:
    return message.get("Channel", "").startswith("PJSIP/8001p-")


async def agent_talks(hotline_ami: RawAmi, limit_s: float = 15) -> dict[str, str]:
    """Wait until the agent's leg joins the citizen's bridge."""
    return await hotline_ami.event("BridgeEnter", is_agent, limit_s=limit_s)


async def test_a_citizen_reaches_an_agent_through_the_native_queue_while_no_server_runs(
    hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    began = time.monotonic()
    await citizen_calls(network_ami)
    await hotline_ami.event("UserEvent", lambda message: message["UserEvent"] == "HotlineFallback")
    await agent_talks(hotline_ami)
    assert time.monotonic() - began < 10


async def finish(agi: AgiCall) -> None:
    """What a healthy server does at the end."""
    await agi.command("SET VARIABLE HL_DONE 1")


async def test_a_finished_call_is_hung_up(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    async with agi_stub(asterisk_pair.server, AGI_PORT, finish) as server:
        await citizen_calls(network_ami)
        await hotline_ami.event("Hangup", is_citizen)
    assert server.stages == ["enter"]
    assert not [event for event in hotline_ami.events if event["Event"] == "QueueCallerJoin"]


async def test_the_server_is_told_who_called_whom_and_when(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    told: dict[str, str] = {}

    async def ask(agi: AgiCall) -> None:
        for name in ("HL_CALL", "HL_CALLED", "HL_CALLER", "HL_STARTED", "HL_RECORDING", "HL_STAGE"):
            told[name] = await agi.variable(name)
        told["agi_uniqueid"] = agi.env["agi_uniqueid"]
        told["agi_network_script"] = agi.env["agi_network_script"]
        await finish(agi)

    async with agi_stub(asterisk_pair.server, AGI_PORT, ask):
        await citizen_calls(network_ami, number="968800")
        await hotline_ami.event("Hangup", is_citizen)
    assert told["HL_CALL"] == told["agi_uniqueid"]
    assert told["HL_CALL"].startswith("test-")
    assert told["agi_network_script"] == "call"
    assert (told["HL_CALLED"], told["HL_CALLER"], told["HL_STAGE"]) == ("968800", "13800000001", "enter")
    assert abs(float(told["HL_STARTED"]) - time.time()) < 30
    assert len(told["HL_STARTED"].partition(".")[2]) == 3
    assert told["HL_RECORDING"] == f"{asterisk_pair.recordings}/{told['HL_CALL']}"


@pytest.mark.parametrize("number", ["7", "+8612345", "hot-line", "010.12345", "*12345#"])
async def test_any_called_number_gets_in(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi, number: str
) -> None:
    async with agi_stub(asterisk_pair.server, AGI_PORT, finish) as server:
        await citizen_calls(network_ami, number=number)
        await hotline_ami.event("Hangup", is_citizen)
    assert server.stages == ["enter"]


async def stream(agi: AgiCall) -> None:
    await agi.command("ANSWER")
    await agi.send('STREAM FILE prompt "123"')


async def wait_for_digit(agi: AgiCall) -> None:
    await agi.command("ANSWER")
    await agi.send("WAIT FOR DIGIT 60000")


async def wait_for_digit_unanswered(agi: AgiCall) -> None:
    await agi.send("WAIT FOR DIGIT 60000")


@pytest.mark.parametrize("doing", [stream, wait_for_digit, wait_for_digit_unanswered])
async def test_a_server_that_dies_in_the_flow_leaves_the_citizen_to_the_native_queue(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi, doing: object
) -> None:
    async def die(agi: AgiCall) -> None:
        await doing(agi)  # type: ignore[operator]
        await asyncio.sleep(0.5)
        agi.drop()

    async with agi_stub(asterisk_pair.server, AGI_PORT, die) as server:
        await citizen_calls(network_ami)
        await agent_talks(hotline_ami)
    assert server.stages == ["enter"]


async def test_a_server_that_dies_while_an_agent_rings_does_not_disturb_the_answer(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    asterisk_pair.phones.cli("dialplan set global DESK_ANSWER_8001p 2")

    async def die(agi: AgiCall) -> None:
        await agi.command("ANSWER")
        await agi.send("EXEC Dial PJSIP/8001p,30,g")
        await asyncio.sleep(0.5)
        agi.drop()

    async with agi_stub(asterisk_pair.server, AGI_PORT, die):
        await citizen_calls(network_ami)
        await agent_talks(hotline_ami)
    assert not [event for event in hotline_ami.events if event["Event"] == "QueueCallerJoin"]


async def test_a_server_that_dies_while_an_agent_rings_in_vain_leaves_the_citizen_to_the_native_queue(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    asterisk_pair.phones.cli("dialplan set global DESK_ANSWER_8001p never")

    async def die(agi: AgiCall) -> None:
        await agi.command("ANSWER")
        await agi.send("EXEC Dial PJSIP/8001p,2,g")
        await asyncio.sleep(0.5)
        agi.drop()

    async with agi_stub(asterisk_pair.server, AGI_PORT, die):
        await citizen_calls(network_ami)
        await hotline_ami.event("DialEnd", lambda message: message["DialStatus"] == "NOANSWER")
        asterisk_pair.phones.cli("dialplan set global DESK_ANSWER_8001p 0.2")
        await hotline_ami.event("QueueCallerJoin", is_citizen)
        await agent_talks(hotline_ami)


async def test_a_server_that_dies_while_an_agent_talks_is_asked_for_the_rating_afterwards(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    async def die_then_survive(agi: AgiCall) -> None:
        if agi.stage == "enter":
            await agi.command("ANSWER")
            await agi.send("EXEC Dial PJSIP/8001p,30,g")
            await hotline_ami.event("BridgeEnter", is_agent)
            agi.drop()
        else:
            assert await agi.variable("DIALSTATUS") == "ANSWER"
            await finish(agi)

    async with agi_stub(asterisk_pair.server, AGI_PORT, die_then_survive) as server:
        await citizen_calls(network_ami)
        agent = await agent_talks(hotline_ami)
        await asyncio.sleep(0.5)
        assert len(asterisk_pair.hotline.channels()) == 2
        await hotline_ami.action("Hangup", Channel=agent["Channel"])
        await hotline_ami.event("Hangup", is_citizen)
    assert server.stages == ["enter", "after"]
    assert not [event for event in hotline_ami.events if event["Event"] == "QueueCallerJoin"]


async def test_after_the_talk_the_call_ends_when_no_server_is_there_for_the_rating(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    async def die(agi: AgiCall) -> None:
        await agi.command("ANSWER")
        await agi.send("EXEC Dial PJSIP/8001p,30,g")
        await hotline_ami.event("BridgeEnter", is_agent)
        agi.drop()

    async with agi_stub(asterisk_pair.server, AGI_PORT, die) as server:
        await citizen_calls(network_ami)
        agent = await agent_talks(hotline_ami)
    assert server.stages == ["enter"]
    await hotline_ami.action("Hangup", Channel=agent["Channel"])
    await hotline_ami.event("Hangup", is_citizen)
    assert not [event for event in hotline_ami.events if event["Event"] == "QueueCallerJoin"]


async def test_a_citizen_sent_back_to_the_line_after_a_talk_is_not_taken_for_served(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    async def transfer_back_then_die(agi: AgiCall) -> None:
        await agi.command("ANSWER")
        await agi.send("EXEC Dial PJSIP/8002p,30,g")
        talk = await hotline_ami.event(
            "BridgeEnter", lambda message: message["Channel"].startswith("PJSIP/8002p-")
        )
        await hotline_ami.action("Hangup", Channel=talk["Channel"])
        await agi.reader.readline()
        assert await agi.variable("DIALSTATUS") == "ANSWER"
        await agi.command('SET VARIABLE DIALSTATUS ""')
        await agi.send("WAIT FOR DIGIT 60000")
        await asyncio.sleep(0.3)
        agi.drop()

    async with agi_stub(asterisk_pair.server, AGI_PORT, transfer_back_then_die):
        await citizen_calls(network_ami)
        await hotline_ami.event("QueueCallerJoin", is_citizen)
        await agent_talks(hotline_ami)


async def test_a_citizen_held_by_a_hung_server_is_rescued_by_a_redirect(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    async def hang(agi: AgiCall) -> None:
        await agi.command("ANSWER")
        await asyncio.sleep(3600)

    async with agi_stub(asterisk_pair.server, AGI_PORT, hang):
        await citizen_calls(network_ami)
        citizen = await hotline_ami.event(
            "Newstate", lambda event: is_citizen(event) and event["ChannelStateDesc"] == "Up"
        )
        reply = await hotline_ami.action(
            "Redirect", Channel=citizen["Channel"], Context="hotline", Exten="rescue", Priority=1
        )
        assert reply["Response"] == "Success"
        await agent_talks(hotline_ami)


async def test_a_citizen_who_hangs_up_on_a_hung_server_leaves_no_channel_behind(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    async def hang(agi: AgiCall) -> None:
        await agi.command("ANSWER")
        await asyncio.sleep(3600)

    async with agi_stub(asterisk_pair.server, AGI_PORT, hang):
        await citizen_calls(network_ami)
        await hotline_ami.event(
            "Newstate", lambda event: is_citizen(event) and event["ChannelStateDesc"] == "Up"
        )
        asterisk_pair.phones.cli("channel request hangup all")
        await hotline_ami.event("Hangup", is_citizen, limit_s=5)
        assert asterisk_pair.hotline.channels() == []


async def test_a_returned_server_takes_a_citizen_over_from_the_native_queue(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    asterisk_pair.phones.cli("dialplan set global DESK_ANSWER_8001p never")
    await citizen_calls(network_ami)
    waiting = await hotline_ami.event("QueueCallerJoin", is_citizen)
    resumed = asyncio.Event()

    async def resume(agi: AgiCall) -> None:
        assert await agi.variable("HL_FALLBACK") == "1"
        assert await agi.variable("HL_CALL") == waiting["Uniqueid"]
        resumed.set()
        await finish(agi)

    async with agi_stub(asterisk_pair.server, AGI_PORT, resume) as server:
        await hotline_ami.action(
            "Redirect", Channel=waiting["Channel"], Context="hotline", Exten="resume", Priority=1
        )
        async with asyncio.timeout(10):
            await resumed.wait()
        await hotline_ami.event("Hangup", is_citizen)
    assert server.stages == ["resume"]


async def test_a_talk_through_the_native_queue_ends_with_a_returned_servers_rating(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    await citizen_calls(network_ami)
    agent = await agent_talks(hotline_ami)
    async with agi_stub(asterisk_pair.server, AGI_PORT, finish) as server:
        await hotline_ami.action("Hangup", Channel=agent["Channel"])
        await hotline_ami.event("Hangup", is_citizen)
    assert server.stages == ["after"]


async def test_a_server_marked_down_is_not_asked(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    await hotline_ami.action("Setvar", Variable="HL_DOWN_1", Value="1")
    async with agi_stub(asterisk_pair.server, AGI_PORT, finish) as server:
        await citizen_calls(network_ami)
        await agent_talks(hotline_ami)
    assert server.stages == []


async def test_the_recording_has_the_citizen_left_and_what_the_citizen_hears_right(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    """With a prompt of 16 kHz, which MixMonitor's own stereo files do not survive."""
    write_wav(asterisk_pair.sounds / "citizen.wav", tone(440, 6.0))
    write_wav(asterisk_pair.sounds / "agent.wav", tone(1000, 6.0))
    write_wav(asterisk_pair.sounds / "wide.wav16", tone(700, 1.0, rate=16000), rate=16000)
    asterisk_pair.phones.cli("dialplan set global DESK_MODE play")
    asterisk_pair.phones.cli(f"dialplan set global DESK_SOUND {asterisk_pair.sounds / 'agent'}")

    async def flow(agi: AgiCall) -> None:
        await agi.command("ANSWER")
        await agi.command('STREAM FILE wide ""')
        await agi.command("EXEC Dial PJSIP/8001p,30,g")
        await finish(agi)

    async with agi_stub(asterisk_pair.server, AGI_PORT, flow):
        began = len(hotline_ami.events)
        await citizen_calls(
            network_ami, mode="play", variables=(f"SOUND={asterisk_pair.sounds / 'citizen'}",)
        )
        agent = await agent_talks(hotline_ami)
        await asyncio.sleep(2.0)
        await hotline_ami.action("Hangup", Channel=agent["Channel"])
        gone = await hotline_ami.event("Hangup", is_citizen, since=began)
    base = asterisk_pair.recordings / gone["Uniqueid"]
    said, heard = (settled(leg) for leg in legs(base))
    assert abs(said.stat().st_size - heard.stat().st_size) <= 2 * RATE // 10
    seconds = join(base, asterisk_pair.recordings / "call.wav")
    left, right = read_stereo(asterisk_pair.recordings / "call.wav")
    assert seconds == len(left) / RATE
    assert strength(left, 440) > 0.2
    assert strength(left, 700) < 0.01
    assert strength(left, 1000) < 0.01
    assert strength(right, 700) > 0.2
    assert strength(right, 1000) > 0.2
    assert strength(right, 440) < 0.01
    assert len(left) > 3 * RATE


async def test_what_the_citizen_says_is_recorded_while_nothing_is_played(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    write_wav(asterisk_pair.sounds / "citizen.wav", tone(440, 6.0))

    async def listen(agi: AgiCall) -> None:
        await agi.command("ANSWER")
        await agi.command("WAIT FOR DIGIT 2000")
        await finish(agi)

    async with agi_stub(asterisk_pair.server, AGI_PORT, listen):
        await citizen_calls(
            network_ami, mode="play", variables=(f"SOUND={asterisk_pair.sounds / 'citizen'}",)
        )
        gone = await hotline_ami.event("Hangup", is_citizen)
    said, _ = legs(asterisk_pair.recordings / gone["Uniqueid"])
    assert strength(read_sln(settled(said)), 440) > 0.2


async def test_a_call_saved_by_the_native_queue_is_recorded_too(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    write_wav(asterisk_pair.sounds / "agent.wav", tone(1000, 6.0))
    asterisk_pair.phones.cli("dialplan set global DESK_MODE play")
    asterisk_pair.phones.cli(f"dialplan set global DESK_SOUND {asterisk_pair.sounds / 'agent'}")
    await citizen_calls(network_ami)
    agent = await agent_talks(hotline_ami)
    await asyncio.sleep(1.5)
    await hotline_ami.action("Hangup", Channel=agent["Channel"])
    gone = await hotline_ami.event("Hangup", is_citizen)
    _, heard = legs(asterisk_pair.recordings / gone["Uniqueid"])
    assert strength(read_sln(settled(heard)), 1000) > 0.2


async def test_the_prompt_that_excuses_the_machine_is_played_before_the_native_queue(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    write_wav(asterisk_pair.sounds / "fallback.wav", tone(700, 1.0))
    try:
        await citizen_calls(network_ami)
        joined = await hotline_ami.event("QueueCallerJoin", is_citizen)
    finally:
        (asterisk_pair.sounds / "fallback.wav").unlink()
    _, heard = legs(asterisk_pair.recordings / joined["Uniqueid"])
    await asyncio.to_thread(until, lambda: strength(read_sln(heard), 700) > 0.2, "the prompt is recorded")


async def test_a_citizen_waits_in_the_native_queue_until_an_agent_signs_in(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    await hotline_ami.action("QueueRemove", Queue="hotline", Interface="PJSIP/8001p")
    await citizen_calls(network_ami)
    await hotline_ami.event("QueueCallerJoin", is_citizen)
    await asyncio.sleep(2)
    await hotline_ami.action("QueueAdd", Queue="hotline", Interface="PJSIP/8001p")
    await agent_talks(hotline_ami)


async def test_the_native_queue_tries_the_next_agent_when_one_does_not_answer(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    """8003 never answers; whoever is tried first, the citizen reaches 8001 within one ring and a bit."""
    asterisk_pair.phones.cli("dialplan set global DESK_ANSWER_8003p never")
    await hotline_ami.action("QueueAdd", Queue="hotline", Interface="PJSIP/8003p")
    try:
        await citizen_calls(network_ami)
        await agent_talks(hotline_ami, limit_s=20)
    finally:
        await hotline_ami.action("QueueRemove", Queue="hotline", Interface="PJSIP/8003p")


async def test_agents_reach_one_another(hotline_ami: RawAmi) -> None:
    await hotline_ami.action(
        "Originate", Channel="Local/8002@agents", Application="Wait", Data="2", Async="true"
    )
    await hotline_ami.event("BridgeEnter", lambda event: event["Channel"].startswith("PJSIP/8002p-"))


@pytest.mark.parametrize("extension", ["8001", "queue"])
async def test_the_plain_dialplan_of_benchmarks_reaches_the_agent(
    asterisk_pair: Pair, hotline_ami: RawAmi, extension: str
) -> None:
    await hotline_ami.action("QueueAdd", Queue="bench", Interface="PJSIP/8001p")
    try:
        await hotline_ami.action(
            "Originate",
            Channel=f"Local/{extension}@plain-bench",
            Application="Wait",
            Data="5",
            Async="true",
        )
        await agent_talks(hotline_ami)
    finally:
        await hotline_ami.action("QueueRemove", Queue="bench", Interface="PJSIP/8001p")
    assert "does not exist" not in asterisk_pair.hotline.log
