"""A link against a scripted manager: what it promises when the other side misbehaves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest

from cti.ami import (
    AmiBadValue,
    AmiBusy,
    AmiDeadline,
    AmiDown,
    AmiEvent,
    AmiLimits,
    AmiLink,
    AmiNodes,
    AmiNoSuchNode,
    AmiProtocolError,
    AmiRefused,
    Originate,
)
from cti.ami.link import Backoff
from tests.support.ami_peer import AmiPeer, Connection, Headers, ami_peer, message
from tests.support.until import until

QUICK = AmiLimits(login_deadline=2.0, ping_interval=30.0, backoff_first=1.0, backoff_jitter=0.0)


class Owner:
    """Owns a link: remembers what it was told and how long the link waited between attempts."""

    def __init__(self) -> None:
        self.events: list[AmiEvent] = []
        self.ups = 0
        self.downs: list[str] = []
        self.waits: list[float] = []
        self.news = asyncio.Condition()
        self.on_event: Callable[[AmiEvent], None] = self.events.append
        self.bring_up: Callable[[], Awaitable[None]] | None = None

    async def on_up(self) -> None:
        self.ups += 1
        if self.bring_up is not None:
            await self.bring_up()

    def on_down(self, reason: str) -> None:
        self.downs.append(reason)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0.001)

    def names(self) -> list[str]:
        return [event.name for event in self.events if event.name != "FullyBooted"]


@asynccontextmanager
async def linked(
    peer: AmiPeer, owner: Owner, limits: AmiLimits = QUICK, *, up: bool = True
) -> AsyncIterator[AmiLink]:
    link = AmiLink(
        peer.address,
        on_event=lambda event: owner.on_event(event),
        on_up=owner.on_up,
        on_down=owner.on_down,
        limits=limits,
        sleep=owner.sleep,
        rng=lambda: 0.0,
    )
    await link.start()
    try:
        if up:
            await link.wait_up(10)
        yield link
    finally:
        await link.stop()


async def test_an_action_gives_asterisks_answer() -> None:
    async with ami_peer() as peer, linked(peer, Owner()) as link:
        peer.answers["Getvar"] = lambda c, a: c.reply(a, Variable=a["Variable"], Value="中文, 1")
        reply = await link.action("Getvar", {"Variable": "X"})
        assert reply.get("Value") == "中文, 1"
        assert link.connected


async def test_a_refused_action_tells_why() -> None:
    async with ami_peer() as peer, linked(peer, Owner()) as link:
        peer.answers["Hangup"] = lambda c, a: c.reply(a, Response="Error", Message="No such channel")
        with pytest.raises(AmiRefused, match="No such channel") as refused:
            await link.hangup("PJSIP/x-1")
        assert refused.value.message == "No such channel"


async def test_an_unanswered_action_ends_at_its_deadline_and_the_late_answer_harms_nothing() -> None:
    async with ami_peer() as peer, linked(peer, Owner()) as link:
        with pytest.raises(AmiDeadline, match=r"no answer within 0\.02 s"):
            await link.action("Status", deadline=0.02)
        late = await peer.wait_for("Status")
        peer.last.reply(late, Message="too late")
        peer.answers["Getvar"] = lambda c, a: c.reply(a, Value="1")
        assert await link.get_variable("c", "X") == "1"
        assert link.counters.late == 1


async def test_an_action_without_a_connection_is_refused_at_once_and_never_sent_later() -> None:
    async with ami_peer() as peer:
        owner = Owner()
        async with linked(peer, owner, up=False) as link:
            assert not link.connected
            with pytest.raises(AmiDown, match="'node1' is not connected"):
                await link.hangup("PJSIP/x-1")
            await link.wait_up(10)
            await link.action("Ping")
            assert peer.seen("Hangup") == []


async def test_actions_pending_at_a_drop_fail_and_are_not_repeated_after_the_reconnect() -> None:
    async with ami_peer() as peer:
        owner = Owner()
        async with linked(peer, owner) as link:
            pending = [
                asyncio.create_task(link.hangup("PJSIP/x-1", deadline=60)),
                asyncio.create_task(
                    link.originate(Originate(channel="PJSIP/1", application="Echo"), deadline=60)
                ),
                asyncio.create_task(link.listing("CoreShowChannels", deadline=60)),
            ]
            await peer.wait_for("CoreShowChannels")
            peer.last.drop()
            for outcome in await asyncio.gather(*pending, return_exceptions=True):
                assert isinstance(outcome, AmiDown)
            await until(lambda: owner.ups == 2)
            await link.action("Ping")
            assert [len(peer.seen(name)) for name in ("Hangup", "Originate", "CoreShowChannels")] == [1, 1, 1]


async def test_after_every_login_the_owner_may_resynchronise() -> None:
    async with ami_peer() as peer:
        owner = Owner()
        peer.answers["CoreShowChannels"] = channels
        seen: list[int] = []

        async with linked(peer, owner, up=False) as link:

            async def resynchronise() -> None:
                seen.append(len(await link.listing("CoreShowChannels")))

            owner.bring_up = resynchronise
            for turn in (1, 2, 3):
                await until(partial(reached, seen, turn))
                peer.last.drop()
                await until(partial(reached, owner.downs, turn))
        assert seen[:3] == [2, 2, 2]


async def test_a_failing_resynchronisation_is_tried_again_on_a_new_connection() -> None:
    async with ami_peer() as peer:
        owner = Owner()

        async def fails_once() -> None:
            if owner.ups == 1:
                raise ValueError("13800138000")

        owner.bring_up = fails_once
        async with linked(peer, owner) as link:
            assert owner.ups == 2
            assert len(peer.connections) == 2
            assert "ValueError at test_ami_link.py" in owner.downs[0]
            assert "13800138000" not in link.last_error


async def test_being_up_begins_only_when_asterisk_is_fully_booted() -> None:
    async with ami_peer() as peer:
        owner = Owner()
        peer.answers["Login"] = lambda c, a: c.reply(a)
        async with linked(peer, owner, up=False) as link:
            await peer.wait_for("Login")
            peer.last.send(message(Event="Registry", Status="x"))
            await until(lambda: owner.names() == ["Registry"])
            assert (owner.ups, link.connected) == (0, False)
            peer.last.send(message(Event="FullyBooted"))
            await link.wait_up(10)
            assert owner.ups == 1


@pytest.mark.parametrize("closes", [False, True])
async def test_a_refused_login_is_told_apart_and_tried_again_slowly(closes: bool) -> None:
    def refuse(connection: Connection, action: Headers) -> None:
        connection.reply(action, Response="Error", Message="Authentication failed")
        if closes:
            connection.writer.close()

    async with ami_peer() as peer:
        owner = Owner()
        peer.answers["Login"] = refuse
        async with linked(peer, owner, up=False) as link:
            await until(lambda: len(owner.waits) >= 3)
            assert set(owner.waits) == {QUICK.login_retry}
            assert link.counters.refused_logins >= 3
            assert link.last_error == "login refused: Authentication failed: check user and secret"
            with pytest.raises(AmiDown, match="check user and secret"):
                await link.wait_up(0.01)
        assert owner.downs == []


async def test_waits_between_attempts_grow_and_begin_anew_after_a_success() -> None:
    async with ami_peer() as peer:
        owner = Owner()
        peer.greeting = b"HTTP/1.1 400 Bad Request\r\n"
        async with linked(peer, owner, up=False) as link:
            await until(lambda: len(owner.waits) >= 6)
            assert owner.waits[:6] == [1, 2, 4, 8, 15, 15]
            peer.greeting = b"Asterisk Call Manager/9.0.0\r\n"
            await link.wait_up(10)
            del owner.waits[:]
            peer.last.drop()
            await until(lambda: owner.waits)
            assert owner.waits[0] == 1


def test_jitter_shortens_each_wait_by_a_random_share() -> None:
    shares = iter([0.0, 1.0, 0.5])
    backoff = Backoff(AmiLimits(backoff_first=1, backoff_cap=8, backoff_jitter=0.5), rng=lambda: next(shares))
    assert [backoff.next() for _ in range(3)] == [1, 1, 3]


async def test_a_port_where_nobody_listens_is_tried_again() -> None:
    async with ami_peer() as peer:
        pass
    owner = Owner()
    async with linked(peer, owner, up=False) as link:
        await until(lambda: len(owner.waits) >= 3)
        assert "cannot connect: ConnectionRefusedError" in link.last_error


async def test_a_peer_that_accepts_and_says_nothing_is_given_up() -> None:
    async with ami_peer() as peer:
        peer.greeting = b""
        peer.answers.clear()
        owner = Owner()
        limits = AmiLimits(login_deadline=0.02)
        async with linked(peer, owner, limits, up=False) as link:
            await until(lambda: owner.waits)
            assert "login not answered" in link.last_error


async def test_an_unanswered_ping_drops_the_connection() -> None:
    async with ami_peer() as peer:
        owner = Owner()
        async with linked(peer, owner, AmiLimits(ping_interval=0.01, ping_deadline=0.2)):
            await peer.wait_for("Ping", 2)
            del peer.answers["Ping"]
            await until(lambda: owner.downs)
            assert owner.downs == ["ping not answered within 0.2 s"]


async def test_stop_leaves_no_task_and_no_pending_reconnect() -> None:
    before = asyncio.all_tasks()
    async with ami_peer() as peer:
        owner = Owner()
        async with linked(peer, owner):
            pass
        assert owner.downs == ["stopped"]
        async with linked(peer, Owner(), up=False):
            pass
        await asyncio.sleep(0.05)
        for connection in peer.connections:
            connection.drop()
        connected = len(peer.connections)
        await until(lambda: asyncio.all_tasks() == before)
        assert len(peer.connections) == connected


async def test_stop_while_waiting_to_reconnect_ends_the_wait() -> None:
    async with ami_peer() as peer:
        peer.greeting = b"no\r\n"
        asleep = asyncio.Event()

        async def sleep(_: float) -> None:
            asleep.set()
            await asyncio.Event().wait()

        owner = Owner()
        link = AmiLink(
            peer.address, on_event=owner.on_event, on_up=owner.on_up, on_down=owner.on_down, sleep=sleep
        )
        await link.start()
        await asleep.wait()
        await link.stop()
        assert not any("ami-" in task.get_name() for task in asyncio.all_tasks())


async def test_a_raising_handler_costs_one_event_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    async with ami_peer() as peer:
        owner = Owner()
        got: list[str] = []

        def handle(event: AmiEvent) -> None:
            if event.name == "Bad":
                raise KeyError("13800138000")
            got.append(event.name)

        owner.on_event = handle
        async with linked(peer, owner) as link:
            with caplog.at_level(logging.ERROR):
                peer.last.send(message(Event="A") + message(Event="Bad") + message(Event="B"))
                await until(lambda: "B" in got)
            assert got[-2:] == ["A", "B"]
            assert link.counters.handler_errors == 1
            assert (link.connected, owner.downs) == (True, [])
            assert "13800138000" not in caplog.text
            assert "KeyError at test_ami_link.py" in caplog.records[-1].__dict__["error"]


async def test_a_handler_that_always_raises_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with ami_peer() as peer:
        owner = Owner()

        def handle(event: AmiEvent) -> None:
            raise RuntimeError

        owner.on_event = handle
        async with linked(peer, owner) as link:
            with caplog.at_level(logging.ERROR):
                peer.last.send(message(Event="A") * 2500)
                await until(lambda: link.counters.handler_errors > 2500)
            assert len([r for r in caplog.records if r.message == "AMI event handler raised"]) == 12


async def test_a_raising_on_down_does_not_stop_the_reconnecting() -> None:
    async with ami_peer() as peer:
        owner = Owner()

        def on_down(reason: str) -> None:
            raise RuntimeError

        owner.on_down = on_down  # type: ignore[method-assign]
        async with linked(peer, owner) as link:
            peer.last.drop()
            await until(lambda: owner.ups == 2)
            assert link.counters.handler_errors == 1


async def test_events_come_in_order_with_their_node_and_split_characters_whole() -> None:
    async with ami_peer() as peer:
        owner = Owner()
        async with linked(peer, owner):
            raw = b"".join(message(Event=f"E{i}", CallerIDName="王小明") for i in range(200))
            for start in range(0, len(raw), 7):
                peer.last.send(raw[start : start + 7])
                if start % 700 == 0:
                    await asyncio.sleep(0)
            await until(lambda: len(owner.names()) == 200)
            assert owner.names() == [f"E{i}" for i in range(200)]
            assert {event.get("CallerIDName") for event in owner.events[-200:]} == {"王小明"}
            assert owner.events[-1].node == "node1"


async def test_the_fields_of_an_event_cannot_be_changed() -> None:
    async with ami_peer() as peer:
        owner = Owner()
        async with linked(peer, owner):
            with pytest.raises(TypeError):
                owner.events[0].fields["Event"] = "X"  # type: ignore[index]


async def test_a_message_beyond_the_limits_drops_the_connection_and_the_link_comes_back() -> None:
    async with ami_peer() as peer:
        owner = Owner()
        limits = AmiLimits(line_in=1000, message_in=2000, backoff_first=0.001)
        async with linked(peer, owner, limits):
            peer.last.send(b"Event: Big\r\nValue: " + b"x" * 1500)
            await until(lambda: owner.ups == 2)
            assert owner.downs == ["a line is longer than 1000 bytes"]
            assert owner.names() == []


def reached(things: Sequence[object], count: int) -> bool:
    return len(things) == count


def channels(connection: Connection, action: Headers) -> None:
    own = {"ActionID": action["ActionID"]}
    connection.reply(action, EventList="start", Message="Channels will follow")
    connection.send(message(Event="CoreShowChannel", Channel="PJSIP/a", **own))
    connection.send(message(Event="Newchannel", Channel="PJSIP/c"))
    connection.send(message(Event="CoreShowChannel", Channel="PJSIP/b", **own))
    connection.send(message(Event="CoreShowChannelsComplete", EventList="Complete", ListItems="2", **own))


async def test_a_listing_gives_its_own_events_only() -> None:
    async with ami_peer() as peer:
        owner = Owner()
        peer.answers["CoreShowChannels"] = channels
        async with linked(peer, owner) as link:
            listed = await link.listing("CoreShowChannels")
            assert [event.get("Channel") for event in listed] == ["PJSIP/a", "PJSIP/b"]
            assert owner.names() == ["Newchannel"]


async def test_a_refused_listing_raises_instead_of_hanging() -> None:
    async with ami_peer() as peer, linked(peer, Owner()) as link:
        peer.answers["PJSIPShowContacts"] = lambda c, a: c.reply(
            a, Response="Error", Message="No Contacts found"
        )
        with pytest.raises(AmiRefused, match="No Contacts found"):
            await link.listing("PJSIPShowContacts", deadline=60)


async def test_an_answer_without_a_list_is_an_empty_listing() -> None:
    async with ami_peer() as peer, linked(peer, Owner()) as link:
        peer.answers["Status"] = lambda c, a: c.reply(a)
        assert await link.listing("Status", deadline=60) == ()


async def test_an_unfinished_listing_ends_at_its_deadline_and_its_rest_reaches_nobody() -> None:
    async with ami_peer() as peer:
        owner = Owner()
        peer.answers["QueueStatus"] = lambda c, a: c.reply(a, EventList="start")
        async with linked(peer, owner) as link:
            with pytest.raises(AmiDeadline):
                await link.listing("QueueStatus", deadline=0.02)
            action = await peer.wait_for("QueueStatus")
            peer.last.send(message(Event="QueueParams", ActionID=action["ActionID"]) + message(Event="Next"))
            await until(lambda: owner.names())
            assert owner.names() == ["Next"]


async def test_a_listing_beyond_the_limit_is_refused() -> None:
    async with ami_peer() as peer:
        peer.answers["CoreShowChannels"] = channels
        async with linked(peer, Owner(), AmiLimits(listing_events=1)) as link:
            with pytest.raises(AmiProtocolError, match="a list of more than 1 events"):
                await link.listing("CoreShowChannels")
            await link.action("Ping")


async def test_too_many_unanswered_actions_are_refused() -> None:
    async with ami_peer() as peer, linked(peer, Owner(), AmiLimits(pending=2)) as link:
        waiting = [asyncio.create_task(link.action("Status", deadline=60)) for _ in range(2)]
        await peer.wait_for("Status", 2)
        with pytest.raises(AmiBusy):
            await link.action("Status")
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        await link.action("Ping")


async def test_a_line_break_in_a_value_never_reaches_asterisk() -> None:
    async with ami_peer() as peer, linked(peer, Owner()) as link:
        with pytest.raises(AmiBadValue):
            await link.set_variable("PJSIP/1", "X", "1\r\n\r\nAction: Hangup\r\nChannel: PJSIP/2")
        await link.action("Ping")
        assert {a["Action"] for a in peer.last.actions} == {"Login", "Ping"}


async def test_a_second_start_is_refused() -> None:
    async with ami_peer() as peer, linked(peer, Owner()) as link:
        with pytest.raises(RuntimeError, match="already started"):
            await link.start()


async def test_each_node_has_its_own_link() -> None:
    async with ami_peer() as one, ami_peer() as two:
        events: list[AmiEvent] = []
        ups: list[str] = []
        downs: list[str] = []

        async def on_up(node: str) -> None:
            ups.append(node)

        second = type(two.address)(name="node2", host="127.0.0.1", port=two.port, user="hotline", secret="x")
        nodes = AmiNodes(
            [one.address, second],
            on_event=events.append,
            on_up=on_up,
            on_down=lambda node, reason: downs.append(node),
            limits=QUICK,
        )
        await nodes.start()
        await nodes.link("node1").wait_up(10)
        await nodes.link("node2").wait_up(10)
        assert sorted(ups) == ["node1", "node2"]
        two.last.send(message(Event="Only2"))
        await until(lambda: events and events[-1].name == "Only2")
        assert events[-1].node == "node2"
        two.last.drop()
        await until(lambda: downs)
        assert (downs, nodes.link("node1").connected) == (["node2"], True)
        await nodes.stop()
        assert nodes.connected == ()


async def test_an_unknown_node_is_named_with_the_known_ones() -> None:
    async with ami_peer() as peer:

        async def on_up(node: str) -> None: ...

        nodes = AmiNodes([peer.address], on_event=print, on_up=on_up, on_down=print)
        with pytest.raises(AmiNoSuchNode, match=r"'node9' \(configured: node1\)"):
            nodes.link("node9")
        with pytest.raises(AmiBadValue, match="two Asterisk nodes are named 'node1'"):
            AmiNodes([peer.address, peer.address], on_event=print, on_up=on_up, on_down=print)


async def test_the_secret_is_not_shown() -> None:
    async with ami_peer() as peer:
        assert "s3cret" not in repr(peer.address)
