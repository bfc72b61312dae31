"""What agents do with calls in which is written: take them, write, ask colleagues in, end them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from acd.messages import NotReadyReason, OfferAnswered, OfferMissed
from cti import call as calls_of
from cti.call import Call
from cti.control.calls import Calls
from cti.control.colleagues import Colleagues
from cti.control.dispatch import Dispatch
from cti.control.orderdesk import OrderDesk
from cti.control.people import People
from cti.control.text_calls import BEFORE_TALK, TextCalls
from cti.control.text_words import WordsRefused
from cti.messages import (
    AddParty,
    AnswerText,
    AskInterpreter,
    CallState,
    EndText,
    EntryKind,
    FindColleagues,
    InviteText,
    LeaveText,
    MoveText,
    Notice,
    PageMessage,
    PartyState,
    RefuseText,
    SayText,
    SetTextOnly,
    TargetKind,
    TextCommand,
)
from cti.parties import Party
from cti.ports import CommandRefused, Pages, Person

ASKED = "text-"
"""Names of colleagues who were asked into a conversation begin so."""


class Sharing(Protocol):
    """Whoever rings colleagues into spoken calls (cti.control.sharing)."""

    async def carry_out(self, person: Person, message: AddParty) -> None:
        """Ring them. Raises CommandRefused."""


class TextDesk:
    """Carries the commands out, or raises CommandRefused with words for the person."""

    def __init__(
        self,
        *,
        texts: TextCalls,
        calls: Calls,
        dispatch: Dispatch,
        orders: OrderDesk,
        people: People,
        pages: Pages,
        share: Callable[[Person, AddParty], Awaitable[None]],
        brief: Callable[[Call, str], None],
        known_as: Callable[[str], str],
    ) -> None:
        """`share` rings somebody into a spoken call, `brief(call, login)` shows the draft and what was said,
        `known_as(login)` is how citizens know an agent."""
        self._texts = texts
        self._words = texts.words
        self._calls = calls
        self._dispatch = dispatch
        self._orders = orders
        self._people = people
        self._pages = pages
        self._share = share
        self._brief = brief
        self._known_as = known_as
        self.colleagues = Colleagues(dispatch=dispatch, people=people)

    async def carry_out(self, person: Person, message: PageMessage) -> None:
        """Carry one command out. Raises CommandRefused."""
        if not isinstance(message, TextCommand):
            raise CommandRefused("此系统没有启用这项操作")
        call = self._calls.find(message.call_id)
        if call is None or person.login not in call.agents:
            raise CommandRefused("这次会话已不在您的工作台")
        match message:
            case SayText():
                await self._say(person, call, message)
            case AnswerText():
                self._answer(person, self._written(call))
            case RefuseText():
                self._refuse(person, self._written(call))
            case EndText():
                self._end(person, self._written(call))
            case InviteText(agent_id=agent_id):
                self._invite(person, self._written(call), agent_id)
            case LeaveText():
                self._leave(person, self._written(call))
            case MoveText(queue=queue):
                self._move(person, self._written(call), queue)
            case SetTextOnly(on=on):
                self._calls.update(replace(call, text_only=on), by=person.login)
            case FindColleagues():
                found = self.colleagues.find(call.call_id, besides=call.agents)
                self._pages.send((person.login,), found)
            case AskInterpreter(skill=skill):
                await self._interpreter(person, call, skill)
            case _:
                raise CommandRefused("此系统没有启用这项操作")

    # ------------------------------------------------------------ writing

    async def _say(self, person: Person, call: Call, message: SayText) -> None:
        if not call.guest_id:
            raise CommandRefused("对方不是通过网页来访，无法发送文字")
        if call.state not in (CallState.TALKING, CallState.HELD, CallState.CONSULTING):
            raise CommandRefused("会话未接通或已结束")
        try:
            if not message.final:
                self._words.typing(call, "agent", message.text)
                return
            entry = self._words.agent(
                call, message.text, message.line_id, login=person.login, name=self._known_as(person.login)
            )
        except WordsRefused as refused:
            raise CommandRefused(str(refused)) from None
        if entry is not None:
            await self._words.shelf.safe(entry)

    # ------------------------------------------------------------ taking and ending

    def _answer(self, person: Person, call: Call) -> None:
        if call.state is not CallState.RINGING or call.agent_id != person.login:
            raise CommandRefused("这次会话已由他人接入或市民已离开")
        data = {"agent_id": person.login, "result": "answered", "ring_s": self._texts.rung(call)}
        self._calls.note(call.call_id, EntryKind.CALL_LEG, data)
        self._calls.metrics.rings.labels(result="answered").inc()
        answered = calls_of.answered(call, person.login, "", self._calls.now())
        if not answered.order_id:
            draft = self._orders.open(call.call_id, call.caller)
            answered = replace(answered, order_id=draft.order_id)
        answered = self._calls.update(answered)
        self._dispatch.tell(OfferAnswered(call_id=call.call_id, agent_id=person.login))
        self.show(answered, person.login)
        self._words.system(answered, f"{self._known_as(person.login)}为您服务。")

    def show(self, call: Call, login: str) -> None:
        """Send somebody who comes into a call everything written and drafted so far."""
        for line in self._words.shelf.of_call(call.call_id):
            self._pages.send((login,), line)
        self._brief(call, login)

    def _refuse(self, person: Person, call: Call) -> None:
        if call.state is not CallState.RINGING or call.agent_id != person.login:
            raise CommandRefused("这次会话已不在等待您接入")
        self._texts.missed(call, NotReadyReason.REFUSED)
        self._dispatch.tell(
            OfferMissed(call_id=call.call_id, agent_id=person.login, reason=NotReadyReason.REFUSED)
        )

    def _end(self, person: Person, call: Call) -> None:
        if call.agent_id != person.login:
            raise CommandRefused("只有负责这次会话的坐席可以结束它")
        if call.state in BEFORE_TALK:
            raise CommandRefused("会话尚未接入")
        self._texts.end(call)

    # ------------------------------------------------------------ colleagues

    def _invite(self, person: Person, call: Call, agent_id: str) -> None:
        colleague = self._people.find(agent_id)
        if colleague is None or not self.colleagues.reachable(agent_id):
            raise CommandRefused("该同事没有签入")
        if agent_id in call.agents:
            raise CommandRefused("该同事已在会话中")
        if not call.with_person:
            raise CommandRefused("会话未接通或已结束")
        party = Party(
            party_id=f"{ASKED}{agent_id}", kind=TargetKind.AGENT, title=colleague.name, agent_id=agent_id,
            state=PartyState.TALKING, since=self._calls.now(), asked=True,
        )  # fmt: skip
        call = self._calls.update(calls_of.with_party(call, party))
        self._calls.note_transfer(
            call.call_id, {"kind": "text_invite", "target": agent_id, "by": person.login, "result": "joined"}
        )
        self.show(call, agent_id)
        asked = f"{person.name}请您加入文字会话，会话在工作台上"
        self._pages.send((agent_id,), Notice(level="warning", text=asked))
        self._words.system(call, f"{self._known_as(agent_id)}已加入会话。")

    def _leave(self, person: Person, call: Call) -> None:
        party = call.party(f"{ASKED}{person.login}")
        if party is None:
            raise CommandRefused("您是负责这次会话的坐席；要离开请转给其他队列或结束会话")
        call = self._calls.update(calls_of.party_left(call, party.party_id))
        self._words.system(call, f"{self._known_as(person.login)}已离开会话。")

    def _move(self, person: Person, call: Call, queue: str) -> None:
        if call.agent_id != person.login or not call.with_person:
            raise CommandRefused("会话未接通或不由您负责")
        if not any(known.name == queue for known in self._dispatch.policy.queues):
            raise CommandRefused(f"没有队列“{queue[:20]}”")
        self._calls.note_transfer(
            call.call_id, {"kind": "text_queue", "target": queue, "by": person.login, "result": "queued"}
        )
        self._words.system(call, "正在为您转接，请稍候，您的位置不变。")
        self._texts.move(call, queue, by=person.login)

    async def _interpreter(self, person: Person, call: Call, skill: str) -> None:
        """Ask a free colleague with this skill in: the best one, then whoever has waited longest."""
        if not any(known.name == skill for known in self._dispatch.policy.skills):
            raise CommandRefused(f"没有技能“{skill[:20]}”")
        free = self.colleagues.best({skill: 1}, besides=call.agents)
        if free is None:
            raise CommandRefused("现在没有空闲的翻译坐席，请稍后再试")
        if call.written:
            self._invite(person, call, free.agent_id)
        else:
            asked = AddParty(ref="", call_id=call.call_id, kind=TargetKind.AGENT, key=free.agent_id)
            await self._share(person, asked)

    @staticmethod
    def _written(call: Call) -> Call:
        if not call.written:
            raise CommandRefused("这不是文字会话")
        return call
