"""Text conversations with the real router, registry and drafts: whatever happens, no citizen is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from acd.messages import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentChanged,
    AgentSignedIn,
    AgentState,
    NotReadyReason,
    Offer,
    OfferWithdrawn,
    PlaceChanged,
    SentAway,
    Tick,
)
from acd.policy import SHIPPED, load_policy
from acd.router import Router
from cti.call import Call
from cti.control.calls import Calls, EntryIds
from cti.control.citizen_guests import Guest
from cti.control.dispatch import Dispatch
from cti.control.orderdesk import OrderDesk
from cti.control.people import People
from cti.control.text_calls import OVER, STILL_THERE, TextCalls
from cti.control.text_desk import TextDesk
from cti.control.text_life import TextRules
from cti.control.text_shelf import TextShelf
from cti.control.text_words import TextWords, WordsRefused
from cti.messages import (
    AnswerText,
    AskInterpreter,
    CallState,
    EndText,
    EntryKind,
    InviteText,
    LeaveText,
    MoveText,
    Outcome,
    RefuseText,
    Role,
    SayText,
    TextLine,
    TextMessage,
)
from cti.messages_citizen import CitizenMessage
from cti.metrics import Metrics
from cti.ports import CommandRefused, Person
from tests.support.control import Book

RULES = TextRules(
    gone_waiting_s=300, gone_talking_s=300, ask_s=600, silent_s=200, rating_s=120, write_up_s=600
)
AGENTS = {"li": "8001", "wang": "8002"}


class Room:
    """Conversations with two agents who may have two each; time goes on when told."""

    def __init__(self) -> None:
        self.now = 1_780_000_000.0
        self.book = Book()
        self.sent: list[tuple[tuple[str, ...], object]] = []
        self.told: list[tuple[str, CitizenMessage]] = []
        self.ids = iter(range(100_000))
        pages: Any = self
        self.calls = Calls(
            journal=self.book, keeper=self.book, pages=pages, ids=EntryIds("one", lambda: self.now),
            metrics=Metrics(), queue_titles=str, clock=lambda: self.now,
        )  # fmt: skip
        self.dispatch = Dispatch(Router(load_policy(SHIPPED)), self.book, lambda: self.now)
        self.people = People()
        self.orders = OrderDesk(self.calls, durable, lambda draft: None, clock=lambda: self.now)
        nothing: Any = None
        self.shelf = TextShelf(nothing, "", calls=self.calls, durable=durable, entries=no_entries)
        self.words = TextWords(
            calls=self.calls, shelf=self.shelf, pages=pages, heard=lambda message: None, to_guest=self.tell
        )
        self.texts = TextCalls(
            calls=self.calls, dispatch=self.dispatch, words=self.words, ahead=self, rules=RULES,
            queue="general", called="12345", server="one",
        )  # fmt: skip
        self.desk = TextDesk(
            texts=self.texts, calls=self.calls, dispatch=self.dispatch, orders=self.orders,
            people=self.people, pages=pages, share=no_share, brief=lambda call, login: None,
            known_as=lambda login: login,
        )  # fmt: skip
        self.dispatch.attach(self)
        for login, extension in AGENTS.items():
            person = Person(login=login, name=login, role=Role.AGENT, extension=extension, texts=2)
            self.people.meet(person)
            self.signs_in(login)

    def signs_in(self, login: str) -> None:
        """The agent comes (back) and takes conversations."""
        self.dispatch.tell(AgentSignedIn(agent_id=login, skills={"general": 3}, texts=2, auto_ready=True))

    # pages, hands, ahead

    def send(self, logins: Iterable[str], message: object) -> None:
        self.sent.append((tuple(logins), message))

    def broadcast(self, message: object) -> None:
        """Nobody asks."""

    def tell(self, guest_id: str, message: CitizenMessage) -> None:
        self.told.append((guest_id, message))

    def invited(self, call_id: str) -> None:
        """Drafts are not this test's business."""

    def ring(self, offer: Offer) -> None:
        self.texts.ring(offer)

    def stop_ringing(self, withdrawn: OfferWithdrawn) -> None:
        self.texts.stop_ringing(withdrawn)

    def place_changed(self, place: PlaceChanged) -> None:
        self.texts.place_changed(place)

    def agent_changed(self, changed: AgentChanged) -> None:
        self.texts.agent_changed(changed)

    def send_away(self, sent: SentAway) -> None:
        """No centre is named."""

    # what people do

    def citizen(self) -> Call:
        """A citizen opens the page and is in line."""
        number = next(self.ids)
        guest = Guest(guest_id=f"guest-{number}", key=str(number), media="text", created=self.now)
        return self.texts.open(guest)

    def call(self, call: Call) -> Call:
        """The call as it is now."""
        return self.calls.get(call.call_id)

    def does(self, login: str, command: TextMessage) -> None:
        """An agent asks for something. Raises CommandRefused."""
        person = self.people.find(login)
        assert person is not None
        asyncio.run(self.desk.carry_out(person, command))

    def passes(self, seconds: float) -> None:
        """Time passes, and everybody's clock ticks."""

        self.now += seconds
        self.dispatch.tell(Tick())
        self.texts.tick()

    def taken(self) -> tuple[Call, str]:
        """A conversation that an agent has, and who."""
        call = self.call(self.citizen())
        login = call.agent_id or ""
        self.does(login, AnswerText(call_id=call.call_id))
        return self.call(call), login

    def lines(self, call: Call, by: str) -> list[str]:
        """What was written by one side."""
        return [line.text for line in self.shelf.of_call(call.call_id) if line.by == by]


async def durable(entry: object) -> None:
    """On disk at once."""


async def no_entries(call_id: str) -> tuple[()]:
    """No database."""
    return ()


async def no_share(person: Person, message: object) -> None:
    """Nobody has a telephone here."""
    raise CommandRefused("no telephone")


@pytest.fixture
def room() -> Room:
    """Two agents who are ready."""
    return Room()


def test_a_citizen_who_writes_is_offered_to_a_ready_agent_and_answered(room: Room) -> None:
    call, login = room.taken()
    assert (call.state, call.media, call.agent_id) == (CallState.TALKING, "text", login)
    assert call.order_id


def test_an_agent_with_one_conversation_is_still_ready_for_calls(room: Room) -> None:
    _, login = room.taken()
    agent = room.dispatch.agent(login)
    assert agent is not None and agent.state is AgentState.READY


def test_agents_take_no_more_conversations_at_once_than_they_may(room: Room) -> None:
    calls = [room.citizen() for _ in range(5)]
    states = [room.call(call).state for call in calls]
    assert states.count(CallState.RINGING) == 4
    assert states.count(CallState.WAITING) == 1


def test_what_was_written_in_line_is_shown_to_whoever_answers(room: Room) -> None:
    call = room.citizen()
    room.words.citizen(call, "光明路12号路灯不亮", "one")
    login = room.call(call).agent_id or ""
    room.sent.clear()
    room.does(login, AnswerText(call_id=call.call_id))
    shown = [one.text for to, one in room.sent if isinstance(one, TextLine) and login in to]
    assert "光明路12号路灯不亮" in shown


def test_a_ring_that_nobody_takes_makes_the_agent_not_ready_and_keeps_the_place(room: Room) -> None:
    call = room.call(room.citizen())
    first = call.agent_id or ""
    room.passes(20)
    after = room.call(call)
    agent = room.dispatch.agent(first)
    assert agent is not None and agent.reason is NotReadyReason.MISSED_RING
    assert after.state is CallState.RINGING and after.agent_id != first
    assert after.queued == call.queued


def test_a_refused_conversation_goes_to_the_next_agent(room: Room) -> None:
    call = room.call(room.citizen())
    first = call.agent_id or ""
    room.does(first, RefuseText(call_id=call.call_id))
    assert room.call(call).agent_id not in (None, first)


def test_lines_go_both_ways_and_into_the_journal(room: Room) -> None:
    call, login = room.taken()
    room.words.citizen(call, "您好", "a1")
    room.does(login, SayText(call_id=call.call_id, text="请讲", line_id="b1"))
    kept = [entry.data["text"] for entry in room.book.entries if entry.kind is EntryKind.TEXT]
    assert [text for text in kept if text in ("您好", "请讲")] == ["您好", "请讲"]
    told = [one.text for _, one in room.told if isinstance(one, TextLine)]
    assert "请讲" in told


def test_a_line_that_is_sent_again_is_the_same_line(room: Room) -> None:
    call, _ = room.taken()
    assert room.words.citizen(call, "一", "same") is not None
    assert room.words.citizen(call, "一", "same") is None
    assert room.lines(call, "citizen") == ["一"]


@pytest.mark.parametrize("text", ["", "   ", "\n", "x" * 2001])
def test_a_line_that_is_empty_or_too_long_is_refused(room: Room, text: str) -> None:
    call, _ = room.taken()
    with pytest.raises(WordsRefused):
        room.words.citizen(call, text, "one")


def test_nobody_else_reads_or_writes_a_conversation(room: Room) -> None:
    call, login = room.taken()
    other = next(one for one in AGENTS if one != login)
    with pytest.raises(CommandRefused):
        room.does(other, SayText(call_id=call.call_id, text="?"))


def test_a_colleague_who_is_asked_in_may_write_and_leave(room: Room) -> None:
    call, login = room.taken()
    other = next(one for one in AGENTS if one != login)
    room.does(login, InviteText(call_id=call.call_id, agent_id=other))
    room.does(other, SayText(call_id=call.call_id, text="我来翻译"))
    assert room.lines(call, "agent") == ["我来翻译"]
    room.does(other, LeaveText(call_id=call.call_id))
    assert other not in room.call(call).agents


def test_an_interpreter_is_asked_in_reads_what_was_written_and_writes(room: Room) -> None:
    call, login = room.taken()
    room.words.citizen(call, "I lost my passport", "c1")
    room.dispatch.tell(AgentSignedIn(agent_id="zhao", skills={"english": 4}, texts=1, auto_ready=True))
    room.people.meet(Person(login="zhao", name="zhao", role=Role.AGENT, extension="8003", texts=1))
    room.does(login, AskInterpreter(call_id=call.call_id, skill="english"))
    assert room.call(call).agents == frozenset({login, "zhao"})
    shown = [
        message.text for logins, message in room.sent if logins == ("zhao",) and isinstance(message, TextLine)
    ]
    assert "I lost my passport" in shown
    room.does("zhao", SayText(call_id=call.call_id, text="Where did you lose it?"))
    assert room.lines(call, "agent") == ["Where did you lose it?"]


def test_where_no_interpreter_is_free_the_agent_is_told_so(room: Room) -> None:
    call, login = room.taken()
    with pytest.raises(CommandRefused, match="没有空闲的翻译坐席"):
        room.does(login, AskInterpreter(call_id=call.call_id, skill="english"))


def test_the_citizen_rates_after_the_agent_ended_and_the_agent_writes_up(room: Room) -> None:
    call, login = room.taken()
    room.does(login, EndText(call_id=call.call_id))
    assert room.lines(call, "system")[-1] == OVER
    room.texts.rate(room.call(call), 5)
    assert (room.call(call).state, room.call(call).satisfaction) == (CallState.WRAP_UP, 5)
    room.does(login, EndText(call_id=call.call_id))
    assert room.calls.find(call.call_id) is None
    agent = room.dispatch.agent(login)
    assert agent is not None and agent.texting == ()


def test_a_moved_conversation_waits_since_when_it_first_waited(room: Room) -> None:
    call, login = room.taken()
    room.now += 100
    room.does(login, MoveText(call_id=call.call_id, queue="general"))
    moved = room.call(call)
    assert moved.queued == call.queued
    assert moved.state is CallState.RINGING and moved.agent_id != login


def test_a_closed_page_gives_up_the_place_only_after_a_while(room: Room) -> None:
    calls = [room.citizen() for _ in range(5)]
    last = calls[-1]
    room.texts.here(last.call_id, here=False)
    room.passes(RULES.gone_waiting_s - 1)
    assert room.calls.find(last.call_id) is not None
    room.passes(2)
    assert room.calls.find(last.call_id) is None
    ended = [e.data for e in room.book.entries if e.call_id == last.call_id and e.data.get("outcome")]
    assert ended[-1]["outcome"] == Outcome.ABANDONED_WAITING.value


def test_a_page_that_comes_back_keeps_the_place(room: Room) -> None:
    calls = [room.citizen() for _ in range(5)]
    last = calls[-1]
    room.texts.here(last.call_id, here=False)
    room.passes(200)
    room.texts.here(last.call_id, here=True)
    room.passes(200)
    assert room.call(last).queued == last.queued


def test_a_silent_citizen_is_asked_before_it_ends(room: Room) -> None:
    call, _ = room.taken()
    room.passes(RULES.ask_s)
    assert room.lines(call, "system")[-1] == STILL_THERE
    assert room.call(call).state is CallState.TALKING
    room.passes(RULES.silent_s)
    assert room.call(call).state is CallState.SURVEY


def test_a_citizen_who_answers_the_question_goes_on(room: Room) -> None:
    call, _ = room.taken()
    room.passes(RULES.ask_s)
    room.passes(10)
    room.words.citizen(call, "在的", "here")
    room.passes(RULES.silent_s)
    assert room.call(call).state is CallState.TALKING


def test_conversations_of_an_agent_who_is_lost_go_on_with_others(room: Room) -> None:

    call, login = room.taken()
    room.dispatch.tell(AgentBecameNotReady(agent_id=login, reason=NotReadyReason.LOST))
    after = room.call(call)
    assert after.state is CallState.RINGING and after.agent_id != login
    assert after.queued == call.queued


def test_a_conversation_of_before_a_restart_is_known_to_the_router_again(room: Room) -> None:
    call, login = room.taken()
    fresh = Room()
    fresh.calls.restore(call)
    fresh.texts.restored(call)
    agent = fresh.dispatch.agent(login)
    assert agent is not None and agent.texting == (call.call_id,)
    assert fresh.call(call).state is CallState.TALKING


def test_a_waiting_conversation_of_before_a_restart_keeps_its_place(room: Room) -> None:
    calls = [room.citizen() for _ in range(5)]
    last = room.call(calls[-1])
    fresh = Room()
    fresh.now = room.now + 5
    fresh.calls.restore(last)
    fresh.texts.restored(last)
    assert fresh.call(last).queued == last.queued
    assert fresh.call(last).state is CallState.RINGING


class Conversations(RuleBasedStateMachine):
    """Everything that may happen, in any order."""

    @initialize()
    def begin(self) -> None:
        self.room = Room()

    def pick(self, data: st.DataObject, which: Callable[[Call], bool]) -> Call | None:
        found = [call for call in self.room.calls if which(call)]
        return data.draw(st.sampled_from(found)) if found else None

    @rule()
    @precondition(lambda self: len(self.room.calls) < 8)
    def comes(self) -> None:
        self.room.citizen()

    @rule(data=st.data())
    def answers(self, data: st.DataObject) -> None:
        call = self.pick(data, lambda one: one.state is CallState.RINGING)
        if call is not None:
            self.room.does(call.agent_id or "", AnswerText(call_id=call.call_id))

    @rule(data=st.data())
    def refuses(self, data: st.DataObject) -> None:
        call = self.pick(data, lambda one: one.state is CallState.RINGING)
        if call is not None:
            self.room.does(call.agent_id or "", RefuseText(call_id=call.call_id))

    @rule(data=st.data())
    def writes(self, data: st.DataObject) -> None:
        call = self.pick(data, lambda one: one.ended is None)
        if call is not None:
            self.room.words.citizen(call, "写", f"l{next(self.room.ids)}")

    @rule(data=st.data())
    def ends(self, data: st.DataObject) -> None:
        states = (CallState.TALKING, CallState.SURVEY, CallState.WRAP_UP)
        call = self.pick(data, lambda one: one.state in states)
        if call is not None:
            self.room.does(call.agent_id or "", EndText(call_id=call.call_id))

    @rule(data=st.data())
    def leaves(self, data: st.DataObject) -> None:
        call = self.pick(data, lambda one: one.ended is None)
        if call is not None:
            self.room.texts.leave(call, "citizen")

    @rule(data=st.data())
    def moves(self, data: st.DataObject) -> None:
        call = self.pick(data, lambda one: one.with_person)
        if call is not None:
            self.room.does(call.agent_id or "", MoveText(call_id=call.call_id, queue="general"))

    @rule(data=st.data(), here=st.booleans())
    def page(self, data: st.DataObject, here: bool) -> None:
        call = self.pick(data, lambda one: True)
        if call is not None:
            self.room.texts.here(call.call_id, here=here)

    @rule(login=st.sampled_from(sorted(AGENTS)))
    def lost(self, login: str) -> None:

        self.room.dispatch.tell(AgentBecameNotReady(agent_id=login, reason=NotReadyReason.LOST))

    @rule(login=st.sampled_from(sorted(AGENTS)))
    def back(self, login: str) -> None:
        agent = self.room.dispatch.agent(login)
        if agent is not None and agent.reason is NotReadyReason.LOST:
            self.room.signs_in(login)
        elif agent is not None and agent.state is AgentState.NOT_READY:
            self.room.dispatch.tell(AgentBecameReady(agent_id=login))

    @rule(seconds=st.sampled_from([0.5, 5.0, 20.0, 130.0, 700.0]))
    def passes(self, seconds: float) -> None:
        self.room.passes(seconds)

    @invariant()
    def nobody_is_lost(self) -> None:
        """Who waits is in the router's line; who writes with an agent has one who is there."""
        for call in self.room.calls:
            record = self.room.dispatch.waiting(call.call_id)
            if call.state in (CallState.WAITING, CallState.RINGING):
                assert record is not None
                assert (record.offered_to is not None) == (call.state is CallState.RINGING)
                assert record.since == call.queued
            else:
                assert record is None
                assert self.room.dispatch.talking_with(call.call_id) == call.agent_id

    @invariant()
    def agents_have_what_they_may(self) -> None:
        """No agent has more conversations than they may, and none that is over."""
        for agent in self.room.dispatch.snapshot()[0]:
            assert len(agent.texting) <= 2
            for call_id in agent.texting:
                assert self.room.calls.find(call_id) is not None


TestConversations = Conversations.TestCase
TestConversations.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
