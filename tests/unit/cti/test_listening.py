"""Citizens' legs before anybody answers: tapped once, and heard by who listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from asr.messages import Speaker, TapEnded, TranscriptMessage, TranscriptPartial, WorkerState
from cti.ami import AmiDown, AmiEvent, Originate
from cti.call import Call, Tapped
from cti.control.listening import Listening
from cti.control.tap_book import CONNECT_S
from cti.control.taps import Taps
from cti.messages import CallState
from cti.metrics import Metrics
from tests.support.control import World

CALL = Call(
    call_id="hl1-1800000000.7", node="hl1", channel="PJSIP/city-7", caller="13800000001", called="12345",
    state=CallState.WAITING, started=1_800_000_000.0, recording_started=1_800_000_000.0,
    state_since=1_800_000_000.0,
)  # fmt: skip


class Link:
    def __init__(self) -> None:
        self.made: list[Originate] = []
        self.hung_up: list[str] = []
        self.alive: set[str] = set()
        self.down = False

    async def originate(self, request: Originate) -> None:
        if self.down:
            raise AmiDown("played")
        self.made.append(request)

    async def hangup(self, channel: str) -> None:
        self.hung_up.append(channel)

    async def get_variable(self, channel: str, name: str) -> str:
        return channel if channel in self.alive else ""


class Memory:
    """As much of Redis as announcing a tap takes."""

    async def set(self, key: str, value: bytes, *, ex: int) -> None:
        return


class Stage:
    def __init__(self) -> None:
        self.now = 0.0
        self.world = World()
        self.world.calls.restore(CALL)
        self.link = Link()
        self.taps = Taps(
            cast("Redis", Memory()), prefix="", enabled=True, metrics=Metrics(), on_change=lambda: None,
            link=lambda _: cast("Any", self.link), clock=lambda: self.now,
        )  # fmt: skip
        self.taps.on_tapped = self.tapped
        self.taps._workers = [
            WorkerState(worker_id="w", host="127.0.0.1", port=1, taps=0, capacity=8, captions=True)
        ]
        self.listening = Listening(
            taps=self.taps,
            calls=self.world.calls,
            clock=lambda: self.now,
        )

    def tapped(self, call_id: str, tapped: tuple[Tapped, ...]) -> None:
        self.world.calls.update(replace(self.world.calls.get(call_id), tapped=tapped))

    def says(self, name: str, uniqueid: str) -> None:
        self.taps.take(AmiEvent(name, MappingProxyType({"Uniqueid": uniqueid}), "hl1"))


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    await made.world.end()


def partial(text: str, *, speaker: Speaker = Speaker.CITIZEN) -> TranscriptMessage:
    return TranscriptPartial(
        call_id=CALL.call_id, speaker=speaker, segment=0, tap_id="t", text=text, start=1.0, end=2.0
    )


async def test_a_leg_is_tapped_once_however_many_want_to_hear_it(stage: Stage) -> None:
    assert await stage.listening.tap(CALL)
    (made,) = stage.link.made
    stage.says("Newchannel", made.channel_id)
    stage.now += 100
    assert await stage.listening.listen(CALL) is not None
    again = await stage.taps.tap(
        node="hl1", call_id=CALL.call_id, uniqueid=CALL.call_id, speaker=Speaker.CITIZEN,
        recording_started=0.0,
    )  # fmt: skip
    assert again == made.channel_id
    assert len(stage.link.made) == 1
    assert [one.tap_id for one in stage.world.calls.get(CALL.call_id).tapped] == [made.channel_id]


@pytest.mark.parametrize("how", ["tap gone", "never there", "worker says so"])
async def test_a_leg_whose_tap_has_ended_is_tapped_anew(stage: Stage, how: str) -> None:
    assert await stage.listening.tap(CALL)
    tap_id = stage.link.made[0].channel_id
    if how == "never there":
        stage.now += CONNECT_S + 1
    else:
        stage.says("Newchannel", tap_id)
        if how == "tap gone":
            stage.says("Hangup", tap_id)
        else:
            stage.listening.take(
                TapEnded(
                    call_id=CALL.call_id, speaker=Speaker.CITIZEN, tap_id=tap_id, heard_s=1, dropped_s=0, at=0
                )
            )
    assert await stage.listening.tap(CALL)
    assert len(stage.link.made) == 2


async def test_a_tap_of_a_server_of_before_goes_on_if_asterisk_still_has_it(stage: Stage) -> None:
    call = stage.world.calls.update(
        replace(
            CALL,
            tapped=tuple(
                Tapped(tap_id=tap_id, uniqueid=CALL.call_id, speaker="citizen") for tap_id in ("dead", "old")
            ),
        )
    )
    stage.link.alive = {"old"}
    assert await stage.listening.tap(call)
    assert stage.link.made == []
    assert stage.taps.on(CALL.call_id) == "old"


async def test_nobody_listens_where_the_leg_cannot_be_tapped(stage: Stage) -> None:
    stage.link.down = True
    assert await stage.listening.listen(CALL) is None
    assert stage.taps.on(CALL.call_id) is None


async def test_who_listens_hears_the_citizen_and_the_end_of_the_tap(stage: Stage) -> None:
    hearing = await stage.listening.listen(CALL)
    assert hearing is not None
    tap_id = stage.link.made[0].channel_id
    stage.says("Newchannel", tap_id)
    stage.listening.take(partial("您好", speaker=Speaker.AGENT))
    stage.listening.take(partial("你好"))
    stage.says("Hangup", tap_id)
    heard = [await asyncio.wait_for(hearing.next(), 1) for _ in range(2)]
    assert isinstance(heard[0], TranscriptPartial)
    assert heard[0].text == "你好"
    assert isinstance(heard[1], TapEnded)
    stage.listening.close(hearing)
    assert stage.listening._hearings == {}


async def test_a_citizen_speaks_until_the_sentence_is_over_or_nothing_more_comes(stage: Stage) -> None:
    stage.listening.take(partial("我要"))
    assert stage.listening.speaking(CALL.call_id)
    stage.now += 5
    assert not stage.listening.speaking(CALL.call_id)
    stage.listening.take(partial("我要反映"))
    stage.listening.take(partial(""))
    assert not stage.listening.speaking(CALL.call_id)


async def test_a_stopped_tap_is_hung_up_and_forgotten(stage: Stage) -> None:
    await stage.listening.tap(CALL)
    tap_id = stage.link.made[0].channel_id
    await stage.listening.stop(stage.world.calls.get(CALL.call_id))
    assert stage.link.hung_up == [tap_id]
    assert stage.taps.on(CALL.call_id) is None
    assert stage.world.calls.get(CALL.call_id).tapped == ()
