"""The simulated telephone network: audio both ways, keys, desk phones, and Python on the telephone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.agi_stub import AgiCall, agi_stub
from tests.support.asterisk import AGI_PORT, PHONES_AGI_PORT, Pair, citizen_calls, settled
from tests.support.raw_ami import RawAmi
from tests.support.tones import read_sln, strength, tone, write_wav

pytestmark = [pytest.mark.integration]


@pytest.fixture(autouse=True)
def clean(asterisk_pair: Pair) -> Iterator[None]:
    """Each test begins without calls."""
    yield
    asterisk_pair.hang_up_all()
    asterisk_pair.phones.cli("dialplan set global DESK_ANSWER_8001p 0.2")
    asterisk_pair.phones.cli("dialplan set global DESK_MODE echo")


async def test_citizen_and_agent_hear_each_other(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    write_wav(asterisk_pair.sounds / "citizen.wav", tone(440, 4.0))
    write_wav(asterisk_pair.sounds / "agent.wav", tone(1000, 4.0))
    asterisk_pair.phones.cli("dialplan set global DESK_MODE play")
    asterisk_pair.phones.cli(f"dialplan set global DESK_SOUND {asterisk_pair.sounds / 'agent'}")

    async def dial(agi: AgiCall) -> None:
        await agi.command("EXEC Dial PJSIP/8001p,30,g")
        await agi.command("SET VARIABLE HL_DONE 1")

    async with agi_stub(asterisk_pair.server, AGI_PORT, dial):
        await citizen_calls(
            network_ami, "play", variables=(f"SOUND={asterisk_pair.sounds / 'citizen'}", "RECORD_AS=citizen")
        )
        agent = await hotline_ami.event(
            "BridgeEnter", lambda event: event["Channel"].startswith("PJSIP/8001p-")
        )
        await asyncio.sleep(2)
        await hotline_ami.action("Hangup", Channel=agent["Channel"])
        await network_ami.event("Hangup", lambda event: event["Channel"].startswith("PJSIP/hotline-"))
    heard = read_sln(settled(asterisk_pair.heard / "citizen-heard.sln"))
    said = read_sln(settled(asterisk_pair.heard / "citizen-said.sln"))
    assert strength(heard, 1000) > 0.2
    assert strength(said, 440) > 0.2
    assert strength(heard, 440) < 0.01


async def test_keys_pressed_in_the_network_arrive_at_the_hotline(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    pressed: list[str] = []

    async def collect(agi: AgiCall) -> None:
        await agi.command("ANSWER")
        for _ in range(3):
            reply = await agi.command("WAIT FOR DIGIT 10000")
            pressed.append(chr(int(reply.partition("result=")[2].split()[0])))
        await agi.command("SET VARIABLE HL_DONE 1")

    async with agi_stub(asterisk_pair.server, AGI_PORT, collect):
        await citizen_calls(network_ami, "silent")
        phone = await network_ami.event(
            "Newstate",
            lambda event: event["Channel"].startswith("PJSIP/hotline-") and event["ChannelStateDesc"] == "Up",
        )
        for digit in "1*#":
            await network_ami.action("PlayDTMF", Channel=phone["Channel"], Digit=digit, Duration=120)
            await asyncio.sleep(0.4)  # a person's fingers are no faster
        await hotline_ami.event("Hangup")
    assert pressed == ["1", "*", "#"]


async def test_a_key_ends_an_announcement(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    write_wav(asterisk_pair.sounds / "menu.wav", tone(700, 20.0))
    replies: list[str] = []

    async def menu(agi: AgiCall) -> None:
        await agi.command("ANSWER")
        replies.append(await agi.command('STREAM FILE menu "12"'))
        await agi.command("SET VARIABLE HL_DONE 1")

    async with agi_stub(asterisk_pair.server, AGI_PORT, menu):
        await citizen_calls(network_ami, "silent")
        phone = await network_ami.event(
            "Newstate",
            lambda event: event["Channel"].startswith("PJSIP/hotline-") and event["ChannelStateDesc"] == "Up",
        )
        await asyncio.sleep(1)
        await network_ami.action("PlayDTMF", Channel=phone["Channel"], Digit="2", Duration=120)
        await hotline_ami.event("Hangup", limit_s=8)
    assert replies[0].startswith(f"200 result={ord('2')} ")
    assert int(replies[0].partition("endpos=")[2]) < 5 * 8000


async def test_a_busy_desk_phone_says_so(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    asterisk_pair.phones.cli("dialplan set global DESK_ANSWER_8001p busy")
    status: list[str] = []

    async def dial(agi: AgiCall) -> None:
        await agi.command("ANSWER")
        await agi.command("EXEC Dial PJSIP/8001p,10,g")
        status.append(await agi.variable("DIALSTATUS"))
        await agi.command("SET VARIABLE HL_DONE 1")

    async with agi_stub(asterisk_pair.server, AGI_PORT, dial):
        await citizen_calls(network_ami, "silent")
        await hotline_ami.event("Hangup", lambda event: event["Channel"].startswith("PJSIP/city-"))
    assert status == ["BUSY"]


async def test_python_plays_the_agent_and_the_citizen(
    asterisk_pair: Pair, hotline_ami: RawAmi, network_ami: RawAmi
) -> None:
    asterisk_pair.phones.cli("dialplan set global DESK_MODE agi")
    on_the_telephone: list[str] = []

    async def telephone(agi: AgiCall) -> None:
        assert agi.env["agi_network_script"] == "phone"
        on_the_telephone.append(agi.stage or "citizen")
        await agi.command("WAIT FOR DIGIT 2000")

    async def dial(agi: AgiCall) -> None:
        await agi.command("EXEC Dial PJSIP/8001p,30,g")
        await agi.command("SET VARIABLE HL_DONE 1")

    async with (
        agi_stub(asterisk_pair.server, AGI_PORT, dial),
        agi_stub(asterisk_pair.server, PHONES_AGI_PORT, telephone),
    ):
        await citizen_calls(network_ami, "agi")
        await hotline_ami.event("Hangup", lambda event: event["Channel"].startswith("PJSIP/city-"))
    assert sorted(on_the_telephone) == ["8001p", "citizen"]


async def test_the_hotline_calls_a_citizen_back_and_gives_the_call_to_the_server(
    asterisk_pair: Pair, hotline_ami: RawAmi
) -> None:
    told: list[str] = []

    async def callback(agi: AgiCall) -> None:
        told.append(agi.stage)
        told.append(await agi.variable("HL_CALLED"))
        await agi.command("SET VARIABLE HL_DONE 1")

    async with agi_stub(asterisk_pair.server, AGI_PORT, callback):
        reply = await hotline_ami.action(
            "Originate",
            Channel="PJSIP/13800000009@city",
            CallerID="<12345>",
            Context="hotline-in",
            Exten="callback",
            Priority=1,
            Async="true",
            variables=("HL_CALLED=13800000009",),
        )
        assert reply["Response"] == "Success"
        await hotline_ami.event("Hangup")
    assert told == ["callback", "13800000009"]


async def test_an_agent_cannot_dial_the_network(asterisk_pair: Pair) -> None:
    shown = asterisk_pair.hotline.cli("dialplan show 13800000009@agents")
    assert "There is no existence of" in shown
    assert "include" not in asterisk_pair.hotline.cli("dialplan show agents").lower()
