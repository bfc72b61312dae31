"""The AMI link with a real Asterisk, which is also stopped, hung and started again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from cti.ami import (
    AmiAddress,
    AmiDown,
    AmiEvent,
    AmiLimits,
    AmiLink,
    AmiRefused,
    Originate,
)
from tests.support.asterisk import Pair
from tests.support.until import until

pytestmark = pytest.mark.integration

QUICK = AmiLimits(ping_interval=0.3, ping_deadline=0.7, backoff_first=0.05, backoff_cap=0.3)


@dataclass
class Owner:
    """What a link told its owner."""

    events: list[AmiEvent] = field(default_factory=list)
    channels_at_up: list[int] = field(default_factory=list)
    downs: list[str] = field(default_factory=list)


@asynccontextmanager
async def linked(pair: Pair, limits: AmiLimits = QUICK) -> AsyncIterator[tuple[AmiLink, Owner]]:
    """A link to the hotline's Asterisk that counts channels whenever it comes up."""
    owner = Owner()

    async def on_up() -> None:
        owner.channels_at_up.append(len(await link.listing("CoreShowChannels")))

    link = AmiLink(
        address_of(pair), on_event=owner.events.append, on_up=on_up, on_down=owner.downs.append, limits=limits
    )
    await link.start()
    try:
        await link.wait_up(15)
        yield link, owner
    finally:
        await link.stop()
        await asyncio.to_thread(pair.hang_up_all)


def address_of(pair: Pair) -> AmiAddress:
    config = pair.hotline.config
    return AmiAddress(
        name="node1",
        host=config.bind_address,
        port=config.ami_port,
        user=config.manager_user,
        secret=config.manager_secret,
    )


ECHO = Originate(channel="PJSIP/8001p", context="plain-bench", exten="wait", timeout=10)


async def test_an_answered_call_is_originated_listed_and_hung_up(asterisk_pair: Pair) -> None:
    async with linked(asterisk_pair) as (link, owner):
        outcome = await link.originate_and_wait(replace(ECHO, variables={"NOTE": '中, "文" (a\\b)'}))
        assert outcome.answered
        assert [e.get("Channel") for e in await link.listing("CoreShowChannels")] == [outcome.channel]
        assert await link.get_variable(outcome.channel, "NOTE") == '中, "文" (a\\b)'
        await link.set_variable(outcome.channel, "NOTE", ')"，,\\')
        assert await link.get_variable(outcome.channel, "NOTE") == ')"，,\\'
        await link.hangup(outcome.channel)
        await until(lambda: any(e.name == "Hangup" for e in owner.events))
        assert [e.get("Uniqueid") for e in owner.events if e.name == "Newchannel"] == [outcome.uniqueid]


async def test_a_call_to_nobody_tells_why(asterisk_pair: Pair) -> None:
    async with linked(asterisk_pair) as (link, _):
        outcome = await link.originate_and_wait(replace(ECHO, channel="PJSIP/nobody"))
        assert (outcome.answered, outcome.reason, outcome.channel) == (False, 0, "PJSIP/nobody")


async def test_actions_on_a_channel_that_is_gone_are_refused(asterisk_pair: Pair) -> None:
    async with linked(asterisk_pair) as (link, _):
        for action in (
            link.hangup("PJSIP/gone-1"),
            link.redirect("PJSIP/gone-1", "hotline", "rescue"),
            link.play_dtmf("PJSIP/gone-1", "1", receive=True),
            link.set_variable("PJSIP/gone-1", "X", "1"),
            link.mixmonitor("PJSIP/gone-1", "x.wav"),
        ):
            with pytest.raises(AmiRefused):
                await action


async def test_a_listing_is_whole_and_a_refused_one_raises(asterisk_pair: Pair) -> None:
    async with linked(asterisk_pair) as (link, _):
        contacts = await link.listing("PJSIPShowContacts")
        assert {e.name for e in contacts} == {"ContactList"}
        assert len(contacts) == 4
        status = await link.listing("QueueStatus", {"Queue": "hotline"})
        assert status[0].get("Queue") == "hotline"
        with pytest.raises(AmiRefused):
            await link.listing("PJSIPShowEndpoint", {"Endpoint": "nobody"})


async def test_members_of_the_native_queue_are_added_paused_and_removed(asterisk_pair: Pair) -> None:
    async with linked(asterisk_pair) as (link, owner):
        await link.queue_add("hotline", "PJSIP/8002p", member_name="8002")
        with pytest.raises(AmiRefused):
            await link.queue_add("hotline", "PJSIP/8002p")
        await link.queue_pause("PJSIP/8002p", True, reason="break")
        members = [e for e in await link.listing("QueueStatus") if e.name == "QueueMember"]
        assert [(e.get("Location"), e.get("Paused")) for e in members] == [("PJSIP/8002p", "1")]
        await link.queue_remove("hotline", "PJSIP/8002p")
        await until(lambda: any(e.name == "QueueMemberRemoved" for e in owner.events))
        names = [e.name for e in owner.events if e.name.startswith("QueueMember")]
        assert names == ["QueueMemberAdded", "QueueMemberPause", "QueueMemberRemoved"]


async def test_a_recording_is_begun_and_ended(asterisk_pair: Pair) -> None:
    async with linked(asterisk_pair) as (link, owner):
        outcome = await link.originate_and_wait(ECHO)
        file = asterisk_pair.recordings / "by-ami.wav"
        await link.mixmonitor(outcome.channel, str(file), options="i(RECORDING)")
        recording = await link.get_variable(outcome.channel, "RECORDING")
        await until(file.exists)  # made with the first audio
        await link.mixmonitor_mute(outcome.channel, True, direction="read")
        await link.mixmonitor_stop(outcome.channel, recording)
        await until(lambda: any(e.name == "MixMonitorStop" for e in owner.events))
        assert recording
        await link.hangup(outcome.channel)


async def test_the_longest_value_that_we_send_is_taken_by_asterisk(asterisk_pair: Pair) -> None:
    async with linked(asterisk_pair) as (link, _):
        value = "广" * ((AmiLimits().line_out - len("Value: ")) // 3)
        await link.set_variable("", "LONG", value)
        assert await link.get_variable("", "LONG") == value


async def test_a_wrong_secret_is_told_apart(asterisk_pair: Pair) -> None:
    async def on_up() -> None: ...

    wrong = replace(address_of(asterisk_pair), secret="wrong")
    link = AmiLink(wrong, on_event=print, on_up=on_up, on_down=print)
    await link.start()
    try:
        await until(lambda: link.counters.refused_logins == 1)
        assert link.last_error == "login refused: Authentication failed: check user and secret"
    finally:
        await link.stop()


async def test_a_hung_asterisk_is_noticed_and_its_pending_actions_fail_without_being_repeated(
    asterisk_pair: Pair,
) -> None:
    async with linked(asterisk_pair) as (link, owner):
        outcome = await link.originate_and_wait(ECHO)
        process = asterisk_pair.hotline.process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        await until(lambda: stopped(process.pid))
        try:
            with pytest.raises(AmiDown):
                await link.set_variable(outcome.channel, "AFTER_ALL", "1", deadline=30)
            await until(lambda: owner.downs)
            assert owner.downs == ["ping not answered within 0.7 s"]
            with pytest.raises(AmiDown):
                await link.hangup(outcome.channel)
        finally:
            process.send_signal(signal.SIGCONT)
        await until(lambda: len(owner.channels_at_up) == 2)
        assert owner.channels_at_up == [0, 1]  # resynchronised: the call is still there
        assert await link.get_variable(outcome.channel, "CHANNEL(state)") == "Up"
        await link.hangup(outcome.channel)


def stopped(pid: int) -> bool:
    """Tell whether every thread of a process has stopped."""
    states = [
        task.read_text().rpartition(")")[2].split()[0] for task in Path(f"/proc/{pid}/task").glob("*/stat")
    ]
    return set(states) == {"T"}


async def test_asterisk_killed_and_started_again_is_found_again_once_it_is_fully_booted(
    asterisk_pair: Pair,
) -> None:
    async with linked(asterisk_pair) as (link, owner):
        await link.originate_and_wait(ECHO)
        asterisk_pair.hotline.stop(signal.SIGKILL)
        await until(lambda: owner.downs)
        assert not link.connected
        await asyncio.to_thread(asterisk_pair.hotline.start)
        await link.wait_up(15)
        assert owner.channels_at_up == [0, 0]
        assert (await link.listing("QueueStatus"))[0].name == "QueueParams"
