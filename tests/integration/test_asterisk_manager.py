"""What the manager interface sends, refuses and leaves out, on a real Asterisk with the rendered files."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from asterisk_conf.provide import AsteriskInstall
from asterisk_conf.render import EVENTS
from tests.support.agi_stub import AgiCall, agi_stub
from tests.support.asterisk import AGI_PORT, Pair, citizen_calls, running_pair
from tests.support.loopback import LoopbackBlock
from tests.support.raw_ami import Message, RawAmi, raw_ami

pytestmark = [pytest.mark.integration]


@pytest.fixture(autouse=True)
def clean(asterisk_pair: Pair) -> Iterator[None]:
    """Each test begins without calls."""
    yield
    asterisk_pair.hang_up_all()


async def citizen_waits(pair: Pair, ami: RawAmi) -> Message:
    """A citizen calls and is in the server's hands."""
    async with pair.phones.ami() as network:
        await citizen_calls(network)
        return await ami.event(
            "Newstate",
            lambda event: event["Channel"].startswith("PJSIP/city-") and event["ChannelStateDesc"] == "Up",
        )


async def wait(agi: AgiCall) -> None:
    await agi.command("ANSWER")
    await agi.send("EXEC MusicOnHold default")
    await agi.gone()


async def test_only_the_events_that_a_server_needs_are_sent(asterisk_pair: Pair, hotline_ami: RawAmi) -> None:
    async with agi_stub(asterisk_pair.server, AGI_PORT, wait):
        citizen = await citizen_waits(asterisk_pair, hotline_ami)
        await hotline_ami.action("Hangup", Channel=citizen["Channel"])
        await hotline_ami.event("Hangup")
    seen = {event["Event"] for event in hotline_ami.events}
    assert seen <= set(EVENTS)
    assert {"FullyBooted", "Newchannel", "Newstate", "MixMonitorStart", "Hangup"} <= seen


@pytest.mark.parametrize(
    ("action", "entry", "last"),
    [
        ("CoreShowChannels", "CoreShowChannel", "CoreShowChannelsComplete"),
        ("Status", "Status", "StatusComplete"),
        ("QueueStatus", "QueueParams", "QueueStatusComplete"),
        ("PJSIPShowEndpoints", "EndpointList", "EndpointListComplete"),
        ("PJSIPShowContacts", "ContactList", "ContactListComplete"),
        ("DeviceStateList", "DeviceStateChange", "DeviceStateListComplete"),
        ("BridgeList", None, "BridgeListComplete"),
    ],
)
async def test_lists_are_not_filtered_away(
    asterisk_pair: Pair, hotline_ami: RawAmi, action: str, entry: str | None, last: str
) -> None:
    async with agi_stub(asterisk_pair.server, AGI_PORT, wait):
        await citizen_waits(asterisk_pair, hotline_ami)
        reply = await hotline_ami.action(action)
        assert reply["Response"] == "Success"
        await hotline_ami.event(last, lambda event: event["ActionID"] == reply["ActionID"])
        entries = [event for event in hotline_ami.events if event.get("ActionID") == reply["ActionID"]]
        assert entry is None or entry in {event["Event"] for event in entries}


async def test_what_the_cti_server_does_is_allowed(asterisk_pair: Pair, hotline_ami: RawAmi) -> None:
    async with agi_stub(asterisk_pair.server, AGI_PORT, wait):
        channel = (await citizen_waits(asterisk_pair, hotline_ami))["Channel"]
        for action, fields in (
            ("Setvar", {"Channel": channel, "Variable": "HL_TEST", "Value": "1"}),
            ("Getvar", {"Channel": channel, "Variable": "HL_CALL"}),
            ("QueueAdd", {"Queue": "hotline", "Interface": "PJSIP/8001p"}),
            ("QueuePause", {"Queue": "hotline", "Interface": "PJSIP/8001p", "Paused": "true"}),
            ("QueueRemove", {"Queue": "hotline", "Interface": "PJSIP/8001p"}),
            ("MuteAudio", {"Channel": channel, "Direction": "in", "State": "on"}),
            ("UserEvent", {"UserEvent": "HotlineTest"}),
            ("Originate", {"Channel": "PJSIP/8001p", "Application": "Wait", "Data": "1", "Async": "true"}),
            ("Hangup", {"Channel": channel}),
        ):
            reply = await hotline_ami.send(action, fields)
            assert reply["Response"] == "Success", (action, reply)
        await hotline_ami.event("OriginateResponse")
        await hotline_ami.event("UserEvent", lambda event: event["UserEvent"] == "HotlineTest")


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("Command", {"Command": "core show version"}),
        ("UpdateConfig", {"SrcFilename": "pjsip.conf", "DstFilename": "pjsip.conf"}),
        ("Getvar", {"Variable": "FILE(/etc/passwd)"}),
        ("Getvar", {"Variable": "SHELL(id)"}),
    ],
)
async def test_what_would_reach_beyond_calls_is_refused(
    hotline_ami: RawAmi, action: str, fields: Message
) -> None:
    reply = await hotline_ami.send(action, fields)
    assert reply["Response"] == "Error" or reply.get("Value") == ""


async def test_a_wrong_password_is_refused(asterisk_pair: Pair) -> None:
    config = asterisk_pair.hotline.config
    with pytest.raises(AssertionError, match="login refused"):
        async with raw_ami(config.bind_address, config.ami_port, config.manager_user, "wrong-secret"):
            pass


def open_sockets(pid: int) -> set[tuple[str, str, int, str]]:
    """Return kind, local address (as the kernel writes it), port and state of a process's sockets."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            inodes.update(re.findall(r"socket:\[(\d+)\]", str(link.readlink())))
    found = set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{kind}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            address, _, port = fields[1].partition(":")
            if fields[9] in inodes:
                found.add((kind, address, int(port, 16), fields[3]))
    return found


async def test_servers_and_audio_are_bound_to_the_configured_address_only(
    asterisk_pair: Pair, hotline_ami: RawAmi
) -> None:
    process = asterisk_pair.hotline.process
    assert process is not None
    async with agi_stub(asterisk_pair.server, AGI_PORT, wait):
        await citizen_waits(asterisk_pair, hotline_ami)
        await asyncio.sleep(0.2)
        sockets = open_sockets(process.pid)
    config = asterisk_pair.hotline.config
    own = bytes(int(part) for part in asterisk_pair.hotline.address.split("."))[::-1].hex().upper()
    listening = {(address, port) for kind, address, port, state in sockets if kind == "tcp" and state == "0A"}
    assert listening == {(own, config.ami_port), (own, config.http_port)}
    udp = {(address, port) for kind, address, port, _ in sockets if kind == "udp"}
    rtp = {(address, port) for address, port in udp if config.rtp_first <= port <= config.rtp_last}
    assert (own, config.sip_port) in udp
    assert rtp
    assert {address for address, _ in rtp} == {own}
    assert not [entry for entry in sockets if entry[0] == "tcp6"]


def test_asterisk_boots_without_an_error_or_warning(
    asterisk_install: AsteriskInstall, loopback: LoopbackBlock
) -> None:
    with running_pair(asterisk_install, loopback) as pair:
        for asterisk in (pair.hotline, pair.phones):
            assert not re.findall(r"^.*(?:ERROR|WARNING).*$", asterisk.log, re.MULTILINE)


async def test_a_server_can_tell_the_others_that_it_took_a_call_over(
    asterisk_pair: Pair, hotline_ami: RawAmi
) -> None:
    call_id = "hl1-1700000000.1"
    reply = await hotline_ami.action("UserEvent", UserEvent="HotlineTaken", CallId=call_id, Server="server2")
    assert reply["Response"] == "Success"
    event = await hotline_ami.event("UserEvent", lambda event: event["UserEvent"] == "HotlineTaken")
    assert (event["CallId"], event["Server"]) == (call_id, "server2")
