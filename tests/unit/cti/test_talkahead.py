"""Talk while waiting: one order, further queues, urgency, and nothing that makes anybody wait longer."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Sequence
from typing import cast

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from acd.messages import CallChanged
from asr.messages import FieldSuggestion, Line, Speaker, TranscriptFinal
from asr.needs import NeedRules
from cti.control.captions import Captions
from cti.control.talkahead import TalkAhead
from cti.messages import CallState, Caption, DraftView, EntryKind
from orders.messages import OrderState
from tests.support.control import PlayedSession, World

RULES = NeedRules.load()


class NoExtractor:
    def matters(
        self, lines: Sequence[Line], *, caller: str, now: datetime.datetime
    ) -> tuple[tuple[FieldSuggestion, ...], ...]:
        return ((),)


class Pages:
    def __init__(self) -> None:
        self.sent: list[object] = []

    def send(self, logins: object, message: object) -> None:
        self.sent.append(message)

    def broadcast(self, message: object) -> None:
        self.sent.append(message)


class Stage(World):
    """A world whose waiting citizens are heard."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = Pages()
        self.told: list[CallChanged] = []
        tell = self.dispatch.tell

        def spy(event: object) -> None:
            if isinstance(event, CallChanged):
                self.told.append(event)
            tell(event)  # type: ignore[arg-type]

        self.dispatch.tell = spy  # type: ignore[method-assign]
        self.ahead = TalkAhead(
            calls=self.calls,
            captions=lambda: self.captions,
            orders=self.orders,
            pages=self.shown,
            router=self.dispatch,
            rules=RULES,
            queue_exists=self.telephony.queue_exists,
        )
        self.captions = Captions(
            cast("Redis", None),
            prefix="",
            calls=self.calls,
            extractor=NoExtractor(),
            show=lambda call, caption: None,
            suggest=lambda call, found: self.orders.suggest_matters(call.order_id, found),
            said=self.ahead.said,
        )
        self.calls.on_answered = self.ahead.answered
        self.calls.on_ended = self.ahead.ended
        self._segment = 0

    async def waiting(self, *, invited: bool = True) -> PlayedSession:
        """A citizen in line."""
        session = self.calls_in()
        await self.waits(session)
        if invited:
            self.ahead.invited(session.uniqueid)
        return session

    def hears(self, session: PlayedSession, text: str) -> None:
        """The citizen finishes a sentence."""
        self._segment += 1
        at = self.calls.get(session.uniqueid).started + self._segment
        self.captions.take(
            TranscriptFinal(
                call_id=session.uniqueid, speaker=Speaker.CITIZEN, segment=self._segment, tap_id="t",
                text=text, verbatim=text, start=at, end=at + 1, confidence=0.9,
            )
        )  # fmt: skip


@pytest_asyncio.fixture
async def world() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    await made.end()


async def test_the_first_sentence_opens_the_order_and_the_answer_opens_no_second(world: Stage) -> None:
    session = await world.waiting()
    world.hears(session, "我要反映一个问题")
    order_id = world.calls.get(session.uniqueid).order_id
    assert order_id
    world.hears(session, "路灯不亮")
    await world.signs_in("li")
    await session.dials.wait()
    world.answers(session)
    assert world.calls.get(session.uniqueid).order_id == order_id
    assert len({e.data["order_id"] for e in world.book.entries if e.kind is EntryKind.ORDER}) == 1


async def test_the_agent_is_shown_on_answering_what_was_said_before(world: Stage) -> None:
    session = await world.waiting()
    world.hears(session, "我要反映一个问题")
    world.hears(session, "路灯不亮")
    await world.signs_in("li")
    await session.dials.wait()
    assert world.shown.sent == []
    world.answers(session)
    captions = [one.text for one in world.shown.sent if isinstance(one, Caption)]
    assert captions == ["我要反映一个问题", "路灯不亮"]
    (draft,) = [one for one in world.shown.sent if isinstance(one, DraftView)]
    assert draft.order_id == world.calls.get(session.uniqueid).order_id


async def test_danger_is_urgent_and_the_matter_adds_a_queue(world: Stage) -> None:
    session = await world.waiting()
    world.hears(session, "我想办营业执照")
    world.hears(session, "楼下着火了")
    world.hears(session, "快来人")
    assert [(one.also, one.urgent, one.queue) for one in world.told] == [
        (("enterprise",), False, None),
        (("enterprise",), True, None),
    ]
    notes = [entry.data for entry in world.book.entries if entry.kind is EntryKind.NOTE]
    assert [note["kind"] for note in notes] == ["needs_heard", "needs_heard"]


async def test_a_queue_that_the_policy_does_not_have_is_passed_over(
    world: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ahead._queue_exists = lambda queue: False
    session = await world.waiting()
    world.hears(session, "我想办营业执照")
    assert world.told == []


async def test_who_was_not_invited_to_speak_is_not_taken_at_their_word(world: Stage) -> None:
    session = await world.waiting(invited=False)
    world.hears(session, "楼下着火了")
    assert world.told == []
    assert world.calls.get(session.uniqueid).order_id == ""


async def test_rules_that_fail_cost_nobody_the_place(world: Stage, caplog: pytest.LogCaptureFixture) -> None:
    world.ahead._rules = cast("NeedRules", None)
    session = await world.waiting()
    world.hears(session, "楼下着火了")
    assert world.telephony.in_line(session.uniqueid)
    assert "needs not read" in caplog.text
    assert "着火" not in caplog.text


@pytest.mark.parametrize(("said", "left"), [(True, OrderState.DRAFT), (False, OrderState.DISCARDED)])
async def test_a_draft_that_no_agent_saw_is_kept_if_it_says_something(
    world: Stage, said: bool, left: OrderState
) -> None:
    session = await world.waiting()
    world.hears(session, "喂")
    call = world.calls.get(session.uniqueid)
    if said:
        found = FieldSuggestion(field="summary", value="路灯不亮", source="citizen", confidence=0.8)
        world.orders.suggest(call.order_id, [found])
    session.hang_up()
    world.says("Hangup", Uniqueid=session.uniqueid)
    await world.comes(lambda: world.state(session) is None)
    draft = world.orders.find(call.order_id)
    assert draft is not None
    assert draft.state is left


async def test_what_is_said_of_the_service_is_no_part_of_the_matter(world: Stage) -> None:
    session = await world.waiting()
    await world.signs_in("li")
    await session.dials.wait()
    world.answers(session)
    call = world.calls.get(session.uniqueid)
    world.captions._stale.clear()
    world.telephony.talk_over(session.uniqueid)
    assert world.calls.get(session.uniqueid).state is CallState.SURVEY
    world.hears(session, "非常满意")
    assert world.captions._stale == {}
    assert [one.text for one in world.captions.of_call(call.call_id)] == ["非常满意"]
