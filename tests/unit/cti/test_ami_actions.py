"""The typed actions: which headers they send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cti.ami import AmiBadValue, AmiLink, AmiRefused, Originate
from tests.support.ami_peer import AmiPeer, Connection, Headers, ami_peer, message


async def connect(peer: AmiPeer) -> AmiLink:
    async def on_up() -> None: ...

    link = AmiLink(peer.address, on_event=lambda event: None, on_up=on_up, on_down=lambda reason: None)
    await link.start()
    await link.wait_up(10)
    return link


ACTIONS: list[tuple[Callable[[AmiLink], Awaitable[Any]], Headers]] = [
    (
        lambda link: link.originate(
            Originate(
                channel="AudioSocket/127.0.0.1:9/u/c(slin)",
                application="ChanSpy",
                data="1.1,quoES",
                timeout=5,
                caller_id="12345 <12345>",
                channel_id="tap-1",
                early_media=True,
                variables={"CALL": "a,b"},
            )
        ),
        {
            "Action": "Originate",
            "Channel": "AudioSocket/127.0.0.1:9/u/c(slin)",
            "Application": "ChanSpy",
            "Data": "1.1,quoES",
            "Timeout": "5000",
            "CallerID": "12345 <12345>",
            "ChannelId": "tap-1",
            "EarlyMedia": "true",
            "Variable": r"CALL=a\,b",
            "Async": "true",
        },
    ),
    (
        lambda link: link.originate(Originate(channel="PJSIP/1", context="callback", exten="12345")),
        {
            "Action": "Originate",
            "Channel": "PJSIP/1",
            "Context": "callback",
            "Exten": "12345",
            "Priority": "1",
            "Timeout": "30000",
            "Async": "true",
        },
    ),
    (
        lambda link: link.redirect("PJSIP/1", "rescue", "s", 2, extra_channel="PJSIP/2"),
        {
            "Action": "Redirect",
            "Channel": "PJSIP/1",
            "Context": "rescue",
            "Exten": "s",
            "Priority": "2",
            "ExtraChannel": "PJSIP/2",
            "ExtraContext": "rescue",
            "ExtraExten": "s",
            "ExtraPriority": "2",
        },
    ),
    (
        lambda link: link.hangup("PJSIP/1", 17),
        {"Action": "Hangup", "Channel": "PJSIP/1", "Cause": "17"},
    ),
    (
        lambda link: link.set_variable("PJSIP/1", "CALLERID(name)", "王, 先生"),
        {"Action": "Setvar", "Channel": "PJSIP/1", "Variable": "CALLERID(name)", "Value": "王, 先生"},
    ),
    (
        lambda link: link.set_variable("", "GLOBAL_FLAG", "1"),
        {"Action": "Setvar", "Variable": "GLOBAL_FLAG", "Value": "1"},
    ),
    (
        lambda link: link.get_variable("PJSIP/1", "DIALSTATUS"),
        {"Action": "Getvar", "Channel": "PJSIP/1", "Variable": "DIALSTATUS"},
    ),
    (
        lambda link: link.play_dtmf("PJSIP/1", "#", receive=True, duration_ms=80),
        {"Action": "PlayDTMF", "Channel": "PJSIP/1", "Digit": "#", "Receive": "true", "Duration": "80"},
    ),
    (
        lambda link: link.queue_add("general", "PJSIP/1001", member_name="1001", penalty=2, paused=True),
        {
            "Action": "QueueAdd",
            "Queue": "general",
            "Interface": "PJSIP/1001",
            "MemberName": "1001",
            "Penalty": "2",
            "Paused": "true",
        },
    ),
    (
        lambda link: link.queue_add("general", "Local/1001@a", state_interface="PJSIP/1001"),
        {
            "Action": "QueueAdd",
            "Queue": "general",
            "Interface": "Local/1001@a",
            "StateInterface": "PJSIP/1001",
            "Penalty": "0",
            "Paused": "false",
        },
    ),
    (
        lambda link: link.queue_remove("general", "PJSIP/1001"),
        {"Action": "QueueRemove", "Queue": "general", "Interface": "PJSIP/1001"},
    ),
    (
        lambda link: link.queue_pause("PJSIP/1001", True, queue="general", reason="break"),
        {
            "Action": "QueuePause",
            "Interface": "PJSIP/1001",
            "Paused": "true",
            "Queue": "general",
            "Reason": "break",
        },
    ),
    (
        lambda link: link.mixmonitor("PJSIP/1", "/rec/1.wav", options="r(/rec/in.wav)"),
        {"Action": "MixMonitor", "Channel": "PJSIP/1", "File": "/rec/1.wav", "Options": "r(/rec/in.wav)"},
    ),
    (
        lambda link: link.mixmonitor_stop("PJSIP/1", "0x55"),
        {"Action": "StopMixMonitor", "Channel": "PJSIP/1", "MixMonitorID": "0x55"},
    ),
    (
        lambda link: link.mixmonitor_mute("PJSIP/1", True, direction="read"),
        {"Action": "MixMonitorMute", "Channel": "PJSIP/1", "Direction": "read", "State": "1"},
    ),
]


@pytest.mark.parametrize(
    ("act", "expected"), ACTIONS, ids=lambda value: value.get("Action", "") if isinstance(value, dict) else ""
)
async def test_each_helper_sends_its_headers(
    act: Callable[[AmiLink], Awaitable[Any]], expected: Headers
) -> None:
    async with ami_peer() as peer:
        peer.answers[expected["Action"]] = lambda c, a: c.reply(a)
        link = await connect(peer)
        try:
            await act(link)
        finally:
            await link.stop()
        sent = dict(peer.seen(expected["Action"])[0])
        assert sent.pop("ActionID")
        assert sent == expected


async def originated(outcome: Headers) -> tuple[Any, list[str]]:
    def answer(connection: Connection, action: Headers) -> None:
        connection.reply(action, Message="Originate successfully queued")
        connection.send(message(Event="OriginateResponse", ActionID=action["ActionID"], **outcome))

    events: list[str] = []

    async def on_up() -> None: ...

    async with ami_peer() as peer:
        peer.answers["Originate"] = answer
        link = AmiLink(
            peer.address, on_event=lambda e: events.append(e.name), on_up=on_up, on_down=lambda reason: None
        )
        await link.start()
        await link.wait_up(10)
        try:
            return await link.originate_and_wait(Originate(channel="PJSIP/1", application="Echo")), events
        finally:
            await link.stop()


async def test_an_answered_originate_gives_its_channel() -> None:
    outcome, events = await originated(
        {"Response": "Success", "Reason": "4", "Channel": "PJSIP/1-9", "Uniqueid": "1.9"}
    )
    assert (outcome.answered, outcome.reason) == (True, 4)
    assert (outcome.channel, outcome.uniqueid) == ("PJSIP/1-9", "1.9")
    assert events == ["FullyBooted", "OriginateResponse"]


async def test_an_originate_that_failed_tells_so_without_an_exception() -> None:
    outcome, _ = await originated({"Response": "Failure", "Reason": "5", "Uniqueid": "<null>"})
    assert (outcome.answered, outcome.reason) == (False, 5)
    assert (outcome.channel, outcome.uniqueid) == ("", "")


async def test_a_refused_originate_raises() -> None:
    async with ami_peer() as peer:
        peer.answers["Originate"] = lambda c, a: c.reply(a, Response="Error", Message="Invalid channel")
        link = await connect(peer)
        try:
            with pytest.raises(AmiRefused, match="Invalid channel"):
                await link.originate_and_wait(Originate(channel="X/1", application="Echo"))
        finally:
            await link.stop()


@pytest.mark.parametrize(("application", "context"), [("", ""), ("Echo", "a")])
def test_an_originate_has_exactly_one_target(application: str, context: str) -> None:
    with pytest.raises(AmiBadValue, match="either an application or a context"):
        AmiLink.originate_fields(Originate(channel="PJSIP/1", application=application, context=context))


@pytest.mark.parametrize("digit", ["", "12", "X", "\n"])
async def test_a_key_that_no_telephone_has_is_refused(digit: str) -> None:
    async with ami_peer() as peer:
        link = await connect(peer)
        try:
            with pytest.raises(AmiBadValue, match="digit="):
                await link.play_dtmf("PJSIP/1", digit)
        finally:
            await link.stop()
