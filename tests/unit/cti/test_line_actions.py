"""What flows ask of a line, one action at a time: done, refused, late, or cut short by a hang-up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.messages import CallQueued, SentAway
from asr.messages import Speaker, TapEnded, TranscriptFinal, TranscriptPartial
from cti import call as calls_of
from cti.control.line_leg import ESCAPE_KEY
from cti.control.line_ports import NoCallbacks
from cti.messages import CallState, EntryKind
from ivr_flows.messages import (
    Action,
    Collect,
    Collected,
    Done,
    Event,
    Failed,
    HangUp,
    Heard,
    HungUp,
    LeftLine,
    Listen,
    LookedUp,
    LookUp,
    Note,
    OfferCallback,
    Play,
    Played,
    Rated,
    Record,
    Recorded,
    Route,
    TalkOver,
    TransferOut,
    TransferOver,
    WebAnswered,
    WebRequest,
)
from tests.support.control import PlayedSession, World


class Script:
    """A flow that asks for these actions one after another and notes what it is answered."""

    def __init__(self, *actions: Action) -> None:
        self.actions = list(actions)
        self.events: list[Event] = []
        self.over = False

    def next(self) -> Action:
        if self.actions:
            return self.actions.pop(0)
        self.over = True
        return HangUp(reason="finished")

    def handle(self, event: Event) -> Action:
        self.events.append(event)
        self.over = self.over or isinstance(event, HungUp)
        return self.next()

    def saved(self) -> dict[str, Any]:
        return {}


class Stage(World):
    """A world in which calls follow a script."""

    def begins(self, *actions: Action) -> tuple[Script, PlayedSession]:
        """A citizen calls, and the flow asks for this."""
        script = Script(*actions)

        def begin(call: Any, stage: str, **_: object) -> Any:
            self.calls.update(calls_of.entered_flow(call, self.clock()))
            return script, Script.next

        self.switchboard._begin = begin  # type: ignore[method-assign]
        return script, self.calls_in()

    async def answer(self, *actions: Action) -> Event:
        """What the flow is told in the end."""
        script, _ = self.begins(*actions)
        await self.comes(lambda: script.over)
        return script.events[-1]


@pytest_asyncio.fixture
async def world() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    await made.end()


class Holding:
    """Lets the prompts of a session take until the test, or a key, ends them."""

    def __init__(self, session: PlayedSession) -> None:
        self.session = session
        self.playing = asyncio.Event()
        self.keys: asyncio.Queue[str | None] = asyncio.Queue()
        session.stream_file = self.stream  # type: ignore[method-assign]
        session.wait_for_digit = self.wait  # type: ignore[method-assign]

    async def stream(self, name: str, keys: str = "") -> str | None:
        self.session._here()
        self.session.played.append(name)
        self.playing.set()
        while True:
            key = await self._key(None)
            if key is None or key in keys:
                return key

    async def wait(self, timeout_ms: int) -> str | None:
        self.session._here()
        return await self._key(timeout_ms / 1000)

    async def _key(self, limit_s: float | None) -> str | None:
        got = asyncio.ensure_future(self.keys.get())
        gone = asyncio.ensure_future(self.session.hung_up.wait())
        await asyncio.wait((got, gone), timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        self.session._here()
        if got.done():
            return got.result()
        got.cancel()
        return None


# ---------------------------------------------------------------- prompts and keys


async def test_a_key_in_a_prompt_that_no_key_ends_is_told_as_type_ahead(world: Stage) -> None:
    script, session = world.begins(Play(prompts=("greeting", "keys")), Play(prompts=("survey",), keys="1"))
    session.keys["greeting"] = "4"
    await world.comes(lambda: script.over)
    assert script.events == [Played(key="4"), Played()]
    assert session.played == ["greeting", "keys", "survey"]


async def test_a_key_pressed_ahead_answers_the_next_question_at_once(world: Stage) -> None:
    script, session = world.begins(Collect(prompts=("greeting",), most=1), Play(prompts=("keys",), keys="12"))
    hold = Holding(session)
    await hold.playing.wait()
    world.presses(session.channel, "4")
    world.presses(session.channel, "2")
    hold.keys.put_nowait("4")
    await world.comes(lambda: script.over)
    assert script.events == [Collected(digits="4"), Played(key="2")]
    assert "keys" not in session.played


async def test_a_question_that_flushes_is_not_answered_by_keys_pressed_before(world: Stage) -> None:
    script, session = world.begins(
        Collect(prompts=("greeting",), most=1), Play(prompts=("keys",), keys="12", flush=True)
    )
    hold = Holding(session)
    await hold.playing.wait()
    world.presses(session.channel, "4")
    world.presses(session.channel, "2")
    hold.keys.put_nowait("4")
    await world.comes(lambda: "keys" in session.played)
    hold.keys.put_nowait("1")
    await world.comes(lambda: script.over)
    assert script.events == [Collected(digits="4"), Played(key="1")]


@settings(max_examples=30, deadline=None)
@given(
    typed=st.lists(st.sampled_from("0123456789*#"), min_size=1, max_size=14).map("".join),
    between=st.lists(st.booleans(), min_size=14, max_size=14),
)
def test_digits_are_gathered_exactly_as_pressed(typed: str, between: list[bool]) -> None:
    """Some keys are returned by a command, others come between two commands: AMI tells of all."""

    async def play() -> None:
        world = Stage()
        script, session = world.begins(
            Collect(prompts=("ask",), most=10, first_s=30, next_s=30), Play(prompts=())
        )
        hold = Holding(session)
        await hold.playing.wait()
        for key, lost in zip(typed, between, strict=False):
            world.presses(session.channel, key)
            if not lost:
                hold.keys.put_nowait(key)
            await asyncio.sleep(0.001)
        world.link.on_key = lambda channel, key: hold.keys.put_nowait(key)  # what is pressed by ourselves
        if "#" not in typed and len(typed) < 10:
            world.presses(session.channel, "#")
        await world.comes(lambda: bool(script.events))
        digits = typed.partition("#")[0][:10]
        assert script.events[0] == Collected(digits=digits, ended=len(digits) < 10)
        await world.end()

    asyncio.run(play())


# ---------------------------------------------------------------- listening


def partial(call_id: str, text: str) -> TranscriptPartial:
    now = time.time()
    return TranscriptPartial(
        call_id=call_id, speaker=Speaker.CITIZEN, segment=0, tap_id="t", text=text, start=now, end=now + 1
    )


def final(call_id: str, text: str) -> TranscriptFinal:
    now = time.time()
    return TranscriptFinal(
        call_id=call_id, speaker=Speaker.CITIZEN, segment=0, tap_id="t", text=text, verbatim=text,
        start=now, end=now + 1, confidence=0.8,
    )  # fmt: skip


async def test_without_a_recogniser_the_flow_learns_at_once_that_nobody_can_listen(world: Stage) -> None:
    told = await world.answer(Listen(prompts=("survey",), keys="12345"))
    assert told == Failed(reason="no recogniser has room")


async def test_speech_ends_the_question_and_is_the_answer(world: Stage) -> None:
    world.outside.able = True
    script, session = world.begins(Listen(prompts=("survey", "keys"), keys="1"))
    hold = Holding(session)
    await hold.playing.wait()
    (hearing,) = world.outside.hearings
    hearing.put(partial(session.uniqueid, "满"))
    await asyncio.sleep(0.02)
    assert not [one for one in world.link.asked if one[0] == "dtmf"]  # may be a cough
    hearing.put(partial(session.uniqueid, "满意"))
    await world.comes(lambda: ("dtmf", session.channel, ESCAPE_KEY, "True") in world.link.asked)
    hold.keys.put_nowait(ESCAPE_KEY)
    hearing.put(final(session.uniqueid, "满意。"))
    await world.comes(lambda: script.over)
    assert script.events == [Heard(text="满意。", confidence=0.8)]
    assert session.played == ["survey"]
    assert world.outside.hearings == []


async def test_a_key_answers_a_question_that_is_listened_to(world: Stage) -> None:
    world.outside.able = True
    script, session = world.begins(Listen(prompts=("survey",), keys="12345", wait_s=30, most_s=30))
    await world.comes(lambda: bool(session.played))
    world.presses(session.channel, "9")  # means nothing
    world.presses(session.channel, "5")
    await world.comes(lambda: script.over)
    assert script.events == [Heard(key="5")]


async def test_a_recogniser_that_dies_ends_the_listening_with_what_was_heard(world: Stage) -> None:
    world.outside.able = True
    script, session = world.begins(Listen(prompts=(), wait_s=30, most_s=30))
    await world.comes(lambda: bool(world.outside.hearings))
    (hearing,) = world.outside.hearings
    hearing.put(partial(session.uniqueid, "没有解决"))
    hearing.put(
        TapEnded(call_id=session.uniqueid, speaker=Speaker.CITIZEN, tap_id="t", heard_s=1, dropped_s=0, at=0)
    )
    await world.comes(lambda: script.over)
    assert script.events == [Heard(text="没有解决", confidence=0.5)]


async def test_words_of_before_the_question_are_no_answer(world: Stage) -> None:
    world.outside.able = True
    script, session = world.begins(Listen(prompts=(), wait_s=0.0, most_s=30))
    await world.comes(lambda: bool(world.outside.hearings))
    (hearing,) = world.outside.hearings
    earlier = final(session.uniqueid, "等一下")
    hearing.put(replace(earlier, start=earlier.start - 9, end=earlier.end - 9))
    await world.comes(lambda: script.over)
    assert script.events == [Heard()]


# ---------------------------------------------------------------- outside


class Slow:
    """Somebody who is asked about callers and does not answer, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def facts(self, number: str, within_s: float) -> Mapping[str, str]:
        if self.error is not None:
            raise self.error
        await asyncio.sleep(60)
        return {}


@pytest.mark.parametrize("callers", [Slow(), Slow(OSError("away")), Slow(RuntimeError("broken"))])
async def test_a_look_up_that_fails_or_is_late_makes_the_caller_a_stranger(
    world: Stage, callers: Slow
) -> None:
    world.switchboard._deps = replace(world.deps, callers=callers)
    assert await world.answer(LookUp(within_s=0.05)) == LookedUp(facts={})


async def test_another_systems_answer_becomes_facts_and_its_failure_is_told(world: Stage) -> None:
    world.outside.answers["orders"] = {"open": "2"}
    asked = WebRequest(name="orders", values={"number": "138"})
    assert await world.answer(asked) == WebAnswered(facts={"open": "2"})
    told = await world.answer(WebRequest(name="nonsense", values={}))
    assert isinstance(told, Failed)
    assert "nonsense" in told.reason


async def test_a_call_back_keeps_the_place_in_line(world: Stage) -> None:
    script, session = world.begins(
        Route(queue="general", needs={"general": 1}, keys=("1",)),
        OfferCallback(number="", queue="dialect", needs={}),
    )
    await world.waits(session)
    queued = world.calls.get(session.uniqueid).queued
    world.presses(session.channel, "1")
    await world.comes(lambda: script.over)
    assert script.events == [LeftLine(key="1"), Done()]
    (wish,) = world.outside.wishes
    assert (wish["number"], wish["queue"], wish["since"]) == ("13800000001", "general", queued)
    assert wish["origin"] == "citizen"
    assert world.router.waiting(session.uniqueid) is None
    await world.comes(lambda: world.state(session) is None)
    assert [entry.data["outcome"] for entry in world.book.entries if entry.data.get("outcome")] == ["served"]


async def test_who_was_not_in_line_is_called_back_where_the_flow_says(world: Stage) -> None:
    assert (
        await world.answer(OfferCallback(number="02512345", queue="dialect", needs={"dialect": 1})) == Done()
    )
    (wish,) = world.outside.wishes
    assert (wish["number"], wish["queue"], wish["needs"]) == ("02512345", "dialect", {"dialect": 1})


async def test_a_call_back_that_nobody_can_keep_is_not_promised(world: Stage) -> None:
    world.switchboard._deps = replace(world.deps, callbacks=NoCallbacks())
    assert isinstance(await world.answer(OfferCallback(number="", queue="general", needs={})), Failed)


@pytest.mark.parametrize(
    ("status", "result"),
    [("ANSWER", "answered"), ("BUSY", "busy"), ("NOANSWER", "no_answer"), ("SOMETHING NEW", "failed")],
)
async def test_what_became_of_a_number_outside_is_told(world: Stage, status: str, result: str) -> None:
    script, session = world.begins(TransferOut(number="+862512345", greeting=("transfer",)))
    await session.dials.wait()
    assert session.played == ["transfer"]
    assert session.targets == "PJSIP/+862512345@city"
    session.end_dial(status)
    await world.comes(lambda: script.over)
    assert script.events == [TransferOver(result=result)]
    assert session.variables["DIALSTATUS"] == ("ANSWER" if result == "answered" else "")
    (entry,) = [one for one in world.book.entries if one.kind is EntryKind.TRANSFER]
    assert (entry.data["target"], entry.data["result"]) == ("+862512345", result)


async def test_who_hangs_up_after_talking_outside_has_abandoned_nothing(world: Stage) -> None:
    _, session = world.begins(TransferOut(number="110"))
    await session.dials.wait()
    world.says(
        "DialEnd",
        Uniqueid=session.uniqueid,
        DestChannel="PJSIP/city-9",
        DestUniqueid="x",
        DialStatus="ANSWER",
    )
    world.says("Hangup", Uniqueid=session.uniqueid)
    session.hang_up()
    await world.comes(lambda: world.state(session) is None)
    assert [entry.data["outcome"] for entry in world.book.entries if entry.data.get("outcome")] == ["served"]


async def test_a_trunk_that_cannot_carry_the_call_is_followed_by_the_next(world: Stage) -> None:
    script, session = world.begins(TransferOut(number="110"))
    await session.dials.wait()
    session.end_dial("CONGESTION")
    await session.dials.wait()
    assert session.targets == "PJSIP/110@spare"
    session.end_dial("CHANUNAVAIL")
    await world.comes(lambda: script.over)
    assert script.events == [TransferOver(result="failed")]


@pytest.mark.parametrize(
    "number", ["", "1", "110@evil", "110,30,g", "110&PJSIP/8001", "9" * 21, "一一〇", "110\n"]
)
async def test_what_is_no_number_is_never_dialled(world: Stage, number: str) -> None:
    script, session = world.begins(TransferOut(number=number))
    await world.comes(lambda: script.over)
    assert script.events == [TransferOver(result="failed")]
    assert session.targets == ""


async def test_a_message_is_recorded_after_the_tone_and_its_length_is_told(world: Stage) -> None:
    world.outside.message_s = 7.5
    script, session = world.begins(Record(prompts=("leave_message",), purpose="flood"))
    await world.comes(lambda: script.over)
    assert script.events == [Recorded(seconds=7.5)]
    assert session.played == ["leave_message", "en/beep"]
    assert session.recorded == [f"/recordings/{session.uniqueid}-message-1.wav"]
    assert world.outside.asked == ["flood"]


async def test_who_hangs_up_while_recording_has_left_the_message(world: Stage) -> None:
    _, session = world.begins(Record(prompts=()))

    async def record(*_: object, **__: object) -> None:
        session.hang_up()
        session._here()

    session.record_file = record  # type: ignore[method-assign]
    await world.comes(lambda: "message" in world.outside.asked)


async def test_notes_and_ratings_are_journalled_wherever_the_call_is(world: Stage) -> None:
    script, _ = world.begins(Note(kind="visit", values={"solved": "yes"}), Rated(score=4))
    await world.comes(lambda: script.over)
    assert script.events == [Done(), Done()]
    found = {one.kind: dict(one.data) for one in world.book.entries}
    assert found[EntryKind.NOTE] == {"kind": "visit", "values": {"solved": "yes"}}
    assert found[EntryKind.RATING] == {"score": 4}


# ---------------------------------------------------------------- in line


LINE = Route(queue="general", needs={"general": 1}, keys=("1",), greeting=("connecting",))


async def test_who_leaves_the_line_by_key_and_comes_back_has_the_old_place(world: Stage) -> None:
    script, session = world.begins(LINE, Play(prompts=("comfort_1",)), LINE)
    await world.waits(session)
    queued = world.calls.get(session.uniqueid).queued
    world.presses(session.channel, "7")
    world.presses(session.channel, "1")
    await world.comes(lambda: len(script.events) == 2)
    await world.waits(session)
    assert script.events[0] == LeftLine(key="1")
    record = world.router.waiting(session.uniqueid)
    assert record is not None
    assert record.since == queued


async def test_a_key_that_was_pressed_before_the_line_does_not_leave_it(world: Stage) -> None:
    script, session = world.begins(Collect(prompts=("greeting",), most=1), LINE)
    hold = Holding(session)
    await hold.playing.wait()
    for key in "11":
        world.presses(session.channel, key)
    hold.keys.put_nowait("1")
    await world.waits(session)
    hold.keys.put_nowait(None)  # the greeting of the line is over
    await asyncio.sleep(0.05)
    assert script.events == [Collected(digits="1")]


async def test_the_flow_takes_the_call_back_when_the_wait_is_too_long(world: Stage) -> None:
    told = await world.answer(replace(LINE, max_wait_s=0.05))
    assert told == LeftLine(key=None)


async def test_everything_that_the_flow_wants_of_the_line_reaches_the_router(world: Stage) -> None:
    told: list[object] = []
    tell = world.telephony.tell

    def spy(event: Any) -> None:
        told.append(event)
        tell(event)

    world.telephony.tell = spy  # type: ignore[method-assign]
    _, session = world.begins(
        replace(LINE, also=("dialect", "general"), priority=3, urgent=True, prefer=("li",))
    )
    await world.waits(session)
    (queued,) = [event for event in told if isinstance(event, CallQueued)]
    assert (queued.also, queued.priority, queued.urgent, queued.prefer) == (("dialect",), 3, True, ("li",))


async def test_a_line_that_is_heard_invites_the_citizen_to_speak(world: Stage) -> None:
    world.outside.able = True
    _, session = world.begins(replace(LINE, listen=True, listen_invite=("speak_while_waiting",)))
    await world.comes(lambda: "speak_while_waiting" in session.played)
    assert world.outside.asked[:2] == ["invited", "tap"]


async def test_a_line_that_nobody_hears_invites_nobody(world: Stage) -> None:
    _, session = world.begins(replace(LINE, listen=True, listen_invite=("speak_while_waiting",)))
    await world.waits(session)
    await world.comes(lambda: "connecting" in session.played)
    await asyncio.sleep(0.05)
    assert "speak_while_waiting" not in session.played


async def test_a_call_that_is_sent_to_another_centre_talks_there(world: Stage) -> None:
    script, session = world.begins(LINE)
    await world.waits(session)
    world.switchboard.send_away(SentAway(call_id=session.uniqueid, number="02512345"))
    await session.dials.wait()
    assert session.targets == "PJSIP/02512345@city"
    session.end_dial("ANSWER")
    await world.comes(lambda: script.over)
    assert script.events == [TalkOver()]
    assert world.router.waiting(session.uniqueid) is None


async def test_a_call_that_another_centre_does_not_take_is_back_at_its_place(world: Stage) -> None:
    script, session = world.begins(LINE)
    await world.waits(session)
    queued = world.calls.get(session.uniqueid).queued
    world.switchboard.send_away(SentAway(call_id=session.uniqueid, number="02512345"))
    await session.dials.wait()
    session.end_dial("BUSY")
    await asyncio.sleep(0.02)
    await world.waits(session)
    record = world.router.waiting(session.uniqueid)
    assert record is not None
    assert record.since == queued
    assert script.events == []


# ---------------------------------------------------------------- hang-ups

EVERY_ACTION: list[Action] = [
    Play(prompts=("greeting",)),
    Play(prompts=("greeting",), keys="1", wait_s=30),
    Collect(prompts=("greeting",), most=11, first_s=30),
    Listen(prompts=("greeting",), keys="1", wait_s=30),
    Listen(prompts=(), wait_s=30),
    LookUp(within_s=30),
    Record(prompts=("leave_message",)),
    LINE,
    replace(LINE, listen=True),
    TransferOut(number="110"),
]


@pytest.mark.parametrize("action", EVERY_ACTION, ids=lambda action: type(action).__name__)
async def test_a_hang_up_ends_every_action_and_the_call(world: Stage, action: Action) -> None:
    world.outside.able = True
    world.switchboard._deps = replace(world.deps, callers=Slow())
    script, session = world.begins(action)
    Holding(session)
    await world.comes(lambda: world.switchboard.line(session.uniqueid) is not None)
    await asyncio.sleep(0.02)
    session.hang_up()
    world.says("Hangup", Uniqueid=session.uniqueid)
    await world.comes(lambda: world.state(session) is None)
    await world.comes(lambda: world.switchboard.line(session.uniqueid) is None)
    assert script.events == [HungUp()]
    assert world.outside.hearings == []
    assert world.router.waiting(session.uniqueid) is None


@pytest.mark.parametrize("action", [LINE, Play(prompts=("greeting",), keys="1")], ids=["line", "play"])
async def test_without_ami_keys_that_commands_return_still_count(world: Stage, action: Action) -> None:
    world.link.connected = False
    script, session = world.begins(action)
    hold = Holding(session)
    session.on_key = lambda channel, key: None
    await hold.playing.wait()
    hold.keys.put_nowait("1")
    await world.comes(lambda: bool(script.events))
    assert script.events[0] == (LeftLine(key="1") if isinstance(action, Route) else Played(key="1"))


async def test_a_flood_of_keys_holds_nobody_up_and_is_counted(world: Stage) -> None:
    script, session = world.begins(Play(prompts=("greeting",)), LINE)
    hold = Holding(session)
    await hold.playing.wait()
    for _ in range(500):
        world.presses(session.channel, "9")
    hold.keys.put_nowait(None)
    await world.comes(lambda: world.state(session) is CallState.WAITING)
    assert script.events == [Played(key="9")]
    line = cast("Any", world.switchboard.line(session.uniqueid))
    assert line._leg.keys.dropped > 400
