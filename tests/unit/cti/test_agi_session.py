"""A session against a scripted Asterisk: commands, replies, hang-up, deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from cti.agi import (
    AgiBadValue,
    AgiBusy,
    AgiDeadline,
    AgiFailed,
    AgiHangup,
    AgiLimits,
    AgiRefused,
    AgiServer,
    AgiSession,
    Digits,
    Word,
)
from tests.support.agi_peer import AgiPeer, header
from tests.support.until import until

QUICK = AgiLimits(stray_lines=5, reply_line=4096)


@asynccontextmanager
async def call(
    greeting: bytes | None = None, limits: AgiLimits = QUICK
) -> AsyncIterator[tuple[AgiSession, AgiPeer]]:
    """A session and the Asterisk at its other end."""
    arrived: asyncio.Future[AgiSession] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def handler(session: AgiSession) -> None:
        arrived.set_result(session)
        await over.wait()

    server = AgiServer(handler, limits=limits)
    peer = await AgiPeer.connect(await server.start("127.0.0.1", 0), greeting)
    try:
        yield await arrived, peer
    finally:
        over.set()
        await server.close(grace=5)
        peer.close()


async def exchange(
    act: Callable[[AgiSession], Awaitable[object]], *replies: str, limits: AgiLimits = QUICK
) -> tuple[object, list[str]]:
    """Run one command against scripted replies; return its result and what was sent."""
    async with call(limits=limits) as (session, peer):
        task = asyncio.ensure_future(act(session))
        sent = []
        for reply in replies:
            sent.append(await peer.answer(reply))
        return await task, sent


async def test_the_request_header_is_read() -> None:
    greeting = header(
        network_script="entry/main?flow=general&flag=", arg_1="a", arg_2="b", calleridname="\u738b"
    )
    async with call(greeting) as (session, _):
        assert session.request_path == "entry/main"
        assert session.query == {"flow": "general", "flag": ""}
        assert session.channel == "PJSIP/trunk-00000001"
        assert session.uniqueid == session.call_id == "1700000000.1"
        assert session.caller_number == "01012345678"
        assert session.called_number == "12345"
        assert session.env["calleridname"] == "\u738b"
        assert session.args == ("a", "b")
        with pytest.raises(TypeError):
            session.env["channel"] = "x"  # type: ignore[index]


async def test_a_gbk_or_broken_name_does_not_lose_the_call() -> None:
    for raw, text in [("\u5f20\u4e09".encode("gbk"), "\u5f20\u4e09"), (b"\xff\xfe!", "\ufffd\ufffd!")]:
        greeting = header().replace(b"calleridname: unknown", b"calleridname: " + raw)
        async with call(greeting) as (session, _):
            assert session.env["calleridname"] == text
            assert session.raw["calleridname"] == raw


async def test_a_withheld_number_is_empty_and_a_missing_dnid_falls_back_to_the_extension() -> None:
    async with call(header(callerid="unknown", dnid="unknown", extension="96500")) as (session, _):
        assert session.caller_number == ""
        assert session.called_number == "96500"


async def test_a_sound_that_plays_to_its_end_gives_no_key() -> None:
    result, sent = await exchange(lambda s: s.stream_file("hotline/greeting", "123"), "200 result=0 endpos=8")
    assert result is None
    assert sent == ['STREAM FILE hotline/greeting "123" 0']


async def test_a_key_that_ends_a_sound_is_returned() -> None:
    result, _ = await exchange(lambda s: s.stream_file("x", "123"), "200 result=50 endpos=8")
    assert result == "2"


async def test_a_sound_that_cannot_be_played_is_a_failure_and_no_hangup() -> None:
    with pytest.raises(AgiFailed) as failed:
        await exchange(lambda s: s.stream_file("missing"), "200 result=-1 endpos=0", "200 result=0")
    assert (failed.value.command, failed.value.result) == ("STREAM FILE", -1)


@pytest.mark.parametrize("end", ["HANGUP", "HANGUP\n200 result=0", "511 Command Not Permitted"])
async def test_a_failed_command_on_a_channel_that_is_gone_is_a_hangup(end: str) -> None:
    with pytest.raises(AgiHangup):
        await exchange(lambda s: s.stream_file("x"), "200 result=-1 endpos=0", end)


async def test_waiting_for_a_key_tells_a_key_from_time_running_out() -> None:
    assert (await exchange(lambda s: s.wait_for_digit(3000), "200 result=35"))[0] == "#"
    assert (await exchange(lambda s: s.wait_for_digit(3000), "200 result=0"))[0] is None


@pytest.mark.parametrize(
    ("reply", "digits"),
    [
        ("200 result=0042", Digits("0042", timed_out=False)),
        ("200 result=", Digits("", timed_out=False)),
        ("200 result= (timeout)", Digits("", timed_out=True)),
        ("200 result=12 (timeout)", Digits("12", timed_out=True)),
    ],
)
async def test_collected_digits_tell_time_out_from_empty_input(reply: str, digits: Digits) -> None:
    result, sent = await exchange(lambda s: s.get_data("ask", 5000, 4), reply)
    assert result == digits
    assert sent == ["GET DATA ask 5000 4"]


async def test_a_variable_is_read_or_known_to_be_unset() -> None:
    assert (await exchange(lambda s: s.get_variable("X"), "200 result=1 (a (b))"))[0] == "a (b)"
    assert (await exchange(lambda s: s.get_variable("X"), "200 result=1 ()"))[0] == ""
    assert (await exchange(lambda s: s.get_variable("X"), "200 result=0"))[0] is None


async def test_an_application_that_asterisk_does_not_have_is_a_failure() -> None:
    with pytest.raises(AgiFailed) as failed:
        await exchange(lambda s: s.exec_app("Dail", "PJSIP/1", 30), "200 result=-2")
    assert failed.value.result == -2


async def test_application_arguments_are_joined_by_commas_and_quoted() -> None:
    _, sent = await exchange(lambda s: s.exec_app("Dial", "PJSIP/1", 30, 'U(a^"b")'), "200 result=0")
    assert sent == ['EXEC Dial "PJSIP/1,30,U(a^\\"b\\")"']


async def test_unknown_commands_and_wrong_usage_are_told_apart_and_leave_the_session_in_step() -> None:
    async with call() as (session, peer):
        task = asyncio.ensure_future(session.execute("BOGUS"))
        await peer.answer("510 Invalid or unknown command")
        with pytest.raises(AgiRefused) as refused:
            await task
        assert refused.value.code == 510
        task = asyncio.ensure_future(session.execute("WAIT FOR DIGIT"))
        await peer.answer("520-Invalid command syntax.\n Usage: WAIT FOR DIGIT\n520 End of proper usage.")
        with pytest.raises(AgiRefused) as refused:
            await task
        assert refused.value.code == 520
        good = asyncio.ensure_future(session.get_variable("X"))
        await peer.answer("200 result=1 (in step)")
        assert await good == "in step"


async def test_a_dead_channel_is_a_hangup() -> None:
    async with call() as (session, peer):
        task = asyncio.ensure_future(session.answer())
        await peer.answer("511 Command Not Permitted on a dead channel or intercept routine")
        with pytest.raises(AgiHangup):
            await task
        assert session.hung_up.is_set()


async def test_a_hangup_is_known_while_no_command_runs() -> None:
    async with call() as (session, peer):
        assert not session.hung_up.is_set()
        peer.send("HANGUP")
        await asyncio.wait_for(session.hung_up.wait(), 10)
        with pytest.raises(AgiHangup):
            await session.answer()


async def test_a_closed_connection_is_a_hangup_while_no_command_runs() -> None:
    async with call() as (session, peer):
        peer.close()
        await asyncio.wait_for(session.hung_up.wait(), 10)
        with pytest.raises(AgiHangup):
            await session.answer()


@pytest.mark.parametrize("end", ["HANGUP", ""])
async def test_the_running_command_ends_with_the_hangup(end: str) -> None:
    async with call() as (session, peer):
        task = asyncio.ensure_future(session.exec_app("Dial", "PJSIP/1"))
        assert await peer.command() == 'EXEC Dial "PJSIP/1"'
        if end:
            peer.send(end)
        else:
            peer.close()
        with pytest.raises(AgiHangup):
            await task


async def test_a_hangup_line_before_a_reply_does_not_put_replies_out_of_step() -> None:
    async with call() as (session, peer):
        task = asyncio.ensure_future(session.get_variable("X"))
        await peer.answer("HANGUP\n200 result=1 (x)\n200 result=1 (y)")
        with pytest.raises(AgiHangup):
            await task
        with pytest.raises(AgiHangup):
            await session.get_variable("Y")
        assert session.strays == 0


async def test_a_command_beyond_its_deadline_is_given_up_and_its_late_reply_is_not_the_next_ones() -> None:
    async with call() as (session, peer):
        with pytest.raises(AgiDeadline, match=r"not answered within 0\.02 s"):
            await session.execute("EXEC", Word("Wait"), "5", deadline=0.02)
        assert await peer.command() == 'EXEC Wait "5"'
        task = asyncio.ensure_future(session.get_variable("X"))
        await asyncio.sleep(0.02)
        peer.send("200 result=0 (late)")
        await peer.answer("200 result=1 (mine)")
        assert await task == "mine"


async def test_a_cancelled_command_leaves_the_session_in_step() -> None:
    async with call() as (session, peer):
        task = asyncio.ensure_future(session.stream_file("long", "1"))
        await peer.command()
        task.cancel()
        await asyncio.wait((task,))
        following = asyncio.ensure_future(session.get_variable("X"))
        await asyncio.sleep(0.02)
        peer.send("200 result=49 endpos=1")
        await peer.answer("200 result=1 (mine)")
        assert await following == "mine"


async def test_a_command_waiting_for_a_late_reply_still_ends_at_its_own_deadline() -> None:
    async with call() as (session, peer):
        for _ in range(2):
            with pytest.raises(AgiDeadline):
                await session.execute("ANSWER", deadline=0.02)
        assert await peer.command() == "ANSWER"
        peer.send("200 result=0")
        task = asyncio.ensure_future(session.channel_status())
        assert await peer.answer("200 result=6") == "CHANNEL STATUS"
        assert await task == 6


async def test_two_commands_at_once_are_refused() -> None:
    async with call() as (session, peer):
        first = asyncio.ensure_future(session.answer())
        await peer.command()
        with pytest.raises(AgiBusy, match="'HANGUP' given while another"):
            await session.hangup()
        peer.send("200 result=0")
        await first


async def test_lines_that_nobody_asked_for_are_counted_and_end_the_session_when_too_many() -> None:
    async with call() as (session, peer):
        for _ in range(5):
            peer.send("200 result=0")
        await until(lambda: session.strays == 5)
        task = asyncio.ensure_future(session.get_variable("X"))
        await peer.answer("200 result=1 (x)")
        assert await task == "x"
        peer.send("what?")
        await asyncio.wait_for(session.hung_up.wait(), 10)
        assert await peer.closed()


async def test_a_reply_line_that_never_ends_closes_the_session() -> None:
    async with call() as (session, peer):
        peer.send(b"x" * 20000)
        await asyncio.wait_for(session.hung_up.wait(), 10)
        assert await peer.closed()


@pytest.mark.parametrize(
    "act",
    [
        lambda s: s.stream_file("a b"),
        lambda s: s.stream_file("x", "1x"),
        lambda s: s.wait_for_digit(-1),
        lambda s: s.get_data("x", 1000, 0),
        lambda s: s.set_variable("X Y", "1"),
        lambda s: s.set_variable("X", "1\nHANGUP"),
        lambda s: s.exec_app("Dial\n"),
    ],
)
async def test_bad_arguments_are_refused_before_anything_is_sent(
    act: Callable[[AgiSession], Awaitable[object]],
) -> None:
    async with call() as (session, peer):
        with pytest.raises(AgiBadValue):
            await act(session)
        task = asyncio.ensure_future(session.answer())
        assert await peer.answer("200 result=0") == "ANSWER"
        await task


async def test_music_is_switched_on_and_off() -> None:
    assert (await exchange(lambda s: s.set_music(True, "queue"), "200 result=0"))[1] == ["SET MUSIC on queue"]
    assert (await exchange(lambda s: s.set_music(False), "200 result=0"))[1] == ["SET MUSIC off default"]
