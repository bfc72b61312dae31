"""The floor: agents and their pages on one side, the router and the calls on the other."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from acd.messages import (
    AgentBecameNotReady,
    AgentChanged,
    AgentRecord,
    AgentSignedIn,
    AgentSignedOut,
    AgentSkillsChanged,
    AgentState,
    NotReadyReason,
    Offer,
    OfferWithdrawn,
    PlaceChanged,
    SentAway,
)
from cti import call as calls_of
from cti.call import Call
from cti.control import supervision_rights as rights
from cti.control.calls import Calls
from cti.control.captions import Captions
from cti.control.cluster_relay import PageRelay
from cti.control.commands import Commands
from cti.control.dispatch import Dispatch
from cti.control.orderdesk import OrderDesk
from cti.control.people import People
from cti.control.phones import Phones
from cti.control.switchboard import Switchboard
from cti.control.views import Views
from cti.messages import (
    AddOrder,
    AdviceView,
    Barge,
    BulletinView,
    CallbackView,
    CallCommand,
    CallState,
    DiscardOrder,
    EditField,
    EndCall,
    EntryKind,
    FindTargets,
    HealthView,
    Listen,
    MoveCall,
    PageMessage,
    PhoneCommand,
    QueuesView,
    Snapshot,
    StaffMessage,
    StopListening,
    SubmitOrder,
    SupervisionView,
    TakeOver,
    TextCommand,
    TextLine,
    TransferMessage,
    Whisper,
)
from cti.ports import CommandRefused, Pages, Person
from cti.roles import OFFICE, STAFF
from cti.tasks import end
from orders.messages import Draft

log = logging.getLogger(__name__)

AWAY_REASONS = frozenset({NotReadyReason.LOST, NotReadyReason.PHONE_LOST})
"""Reasons of the system's that end when the agent's page is back."""

QUEUES_EVERY_S = 1.0
PHONE_GRACE_S = 6.0


class Health(Protocol):
    """Who knows the state of everything the server depends on."""

    def __call__(self) -> HealthView:
        """Return it now."""


Handler = Callable[[Person, PageMessage], Awaitable[None]]
"""Carries one command out, or raises CommandRefused with words for the person."""


class SharedCalls(Protocol):
    """Transfers and conferences (cti.control.sharing)."""

    async def carry_out(self, person: Person, message: TransferMessage) -> None:
        """Carry one command out, or raise CommandRefused."""

    def written_up(self, agent_id: str, now_with: str | None) -> None:
        """The agent is with this call now, or with none: others are written up."""


class Texts(Protocol):
    """Text conversations (cti.control.text_parts)."""

    def ring(self, offer: Offer) -> bool:
        """An offer; False when it is for no conversation."""

    def stop_ringing(self, withdrawn: OfferWithdrawn) -> bool:
        """A withdrawal; False when it is for no conversation."""

    def place_changed(self, place: PlaceChanged) -> None:
        """A citizen's place in line."""

    def agent_changed(self, changed: AgentChanged) -> None:
        """An agent may be gone."""

    def written(self, call_id: str) -> tuple[TextLine, ...]:
        """What was written in a call, by time."""


class CallFloor:
    """Implements `cti.ports.Floor` for the web side and `Hands` for the router."""

    def __init__(
        self,
        *,
        calls: Calls,
        dispatch: Dispatch,
        switchboard: Switchboard,
        captions: Captions,
        orders: OrderDesk,
        phones: Phones,
        people: People,
        pages: Pages,
        health: Health,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._calls = calls
        self._dispatch = dispatch
        self._switchboard = switchboard
        self._captions = captions
        self._orders = orders
        self._phones = phones
        self._people = people
        self._pages = pages
        self.health = health
        self.reserved_for: Callable[[str], CallbackView | None] = lambda _: None  # login -> their call-back
        self.advice: Callable[[Sequence[str], str], tuple[AdviceView, ...]] = (
            lambda _ids, _login: ()
        )  # order ids, login -> beside them, for this person
        self.bulletins: Callable[[], tuple[BulletinView, ...]] = lambda: ()  # notices in force
        self._now = clock
        self._views = Views(dispatch=dispatch, phones=phones, clock=clock)
        self._commands = Commands(calls=calls, dispatch=dispatch, orders=orders, phones=phones)
        self.supervised: Callable[[str], SupervisionView | None] = lambda _: None  # who is in their call
        self.unread: Callable[[str], tuple[StaffMessage, ...]] = lambda _: ()  # words of supervisors
        self.handlers: dict[type[PageMessage], Handler] = {}  # commands that other parts carry out
        self.shared: SharedCalls | None = None
        self.texts: Texts | None = None
        self.relay: PageRelay | None = None  # to pages and calls at other servers
        calls.on_ended = self._call_ended
        self._present: set[str] = set()  # logins of those who have a page
        self._queues_due = asyncio.Event()
        self._told_queues: QueuesView | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell pages of the queues."""
        self._task = asyncio.create_task(self._tell_queues(), name="queues-view")

    async def stop(self) -> None:
        """Stop telling."""
        await end(self._task)

    # ------------------------------------------------------------ Floor: pages come and go

    async def page_opened(self, person: Person) -> None:
        """The person's first page connected: whoever has a telephone is signed in, not ready."""
        self._people.meet(person)
        if self.relay is not None:
            self.relay.changed(person)  # whom the others may not know yet
        self._present.add(person.login)
        agent = self._dispatch.agent(person.login)
        if not person.extension or person.role not in STAFF or (not person.skills and agent is None):
            if self.relay is not None and person.role in STAFF:
                self.relay.want(person.login)  # conversations elsewhere that they were asked into
            return
        if agent is not None and not _leaving(agent):
            self._dispatch.claim(person.login)
            self._set_skills(person)
        else:
            self._dispatch.tell(
                AgentSignedIn(
                    agent_id=person.login,
                    skills=self._skills(person),
                    team=person.team,
                    place=person.place,
                    texts=person.texts,
                )
            )
        self._keep_native_queue(person.login)
        if self.relay is not None and self._calls.of_agent(person.login) is None:
            self.relay.want(person.login)

    async def page_closed(self, person: Person) -> None:
        """The last page is gone for longer than a reload takes: the agent is lost to new calls."""
        self._present.discard(person.login)
        if not self._dispatch.cares_for(person.login):
            return  # their page is at another server by now
        agent = self._dispatch.agent(person.login)
        if agent is None or (agent.state is AgentState.NOT_READY and agent.reason is NotReadyReason.LOST):
            return
        self._dispatch.tell(AgentBecameNotReady(agent_id=person.login, reason=NotReadyReason.LOST))

    async def signed_out(self, person: Person) -> None:
        """The person signed out; a talk goes on, but no further call comes."""
        self._present.discard(person.login)
        if self._dispatch.agent(person.login) is not None:
            self._dispatch.tell(AgentSignedOut(agent_id=person.login))
        if person.extension:
            self._phones.sign_out(person.extension)

    def present(self, login: str) -> bool:
        """Whether the person has a page open at this server."""
        return login in self._present

    async def person_changed(self, person: Person) -> None:
        """An administrator gave the person another name, extension or skills: they count from now on."""
        if self.relay is not None:
            self.relay.changed(person)
        before = self._people.extension(person.login)
        self._people.meet(person)
        if before and before != person.extension:
            self._phones.sign_out(before)
        if person.login in self._present:
            await self.page_opened(person)
        else:
            self._set_skills(person)

    def _set_skills(self, person: Person) -> None:
        agent, skills = self._dispatch.agent(person.login), self._skills(person)
        if agent is None:
            return
        before = (dict(agent.skills), agent.team, agent.place, agent.texts)
        if before != (skills, person.team, person.place, person.texts):
            self._dispatch.tell(
                AgentSkillsChanged(
                    agent_id=person.login,
                    skills=skills,
                    team=person.team,
                    place=person.place,
                    texts=person.texts,
                )
            )

    def _skills(self, person: Person) -> dict[str, int]:
        """The person's skills, without those that the routing policy does not have (any more)."""
        known = {skill.name for skill in self._dispatch.policy.skills}
        if unknown := sorted(person.skills.keys() - known):
            log.warning("skills not in the routing policy", extra={"skills": unknown})
        return {skill: level for skill, level in person.skills.items() if skill in known}

    def snapshot(self, person: Person) -> Snapshot:
        """The whole truth for this person now; who has no part in calls is told of none."""
        if person.role in OFFICE:
            return self._views.office(person)
        call = self._calls.of_agent(person.login)
        draft = self._orders.find(call.order_id) if call and call.order_id else None
        texts = self._calls.texts_of(person.login)
        written = [one.call_id for one in (*texts, *((call,) if call else ()))]
        drafts = [each for one in texts for each in self._drafts_of(one)]
        return Snapshot(
            me=self._views.agent(person),
            health=self.health(),
            queues=self._views.queues(),
            call=self._calls.view(call) if call else None,
            captions=self._captions.of_call(call.call_id) if call else (),
            draft=self._orders.view(draft) if draft else None,
            more_drafts=tuple(map(self._orders.view, self._orders.more(draft.order_id))) if draft else (),
            advice=self.advice(self._order_ids(draft), person.login) if draft else (),
            callback=self.reserved_for(person.login),
            server_time=self._now(),
            bulletins=self.bulletins(),
            messages=self.unread(person.login),
            supervision=self.supervised(person.login),
            text_calls=tuple(map(self._calls.view, texts)),
            texts=tuple(line for one in written for line in self.texts.written(one)) if self.texts else (),
            text_drafts=tuple(map(self._orders.view, drafts)),
            text_advice=self.advice(tuple(each.order_id for each in drafts), person.login),
        )

    def _drafts_of(self, call: Call) -> tuple[Draft, ...]:
        """The drafts of a call, the main one first."""
        draft = self._orders.find(call.order_id) if call.order_id else None
        return () if draft is None else (draft, *self._orders.more(draft.order_id))

    async def command(self, person: Person, message: PageMessage) -> None:
        """Carry one command out, where its call is, or raise CommandRefused with words for the person."""
        rights.check(person, message)
        agent = self._dispatch.agent(person.login)
        own = () if agent is None else (agent.call_id, *agent.texting)
        away = any(call_id is not None and call_id not in self._calls for call_id in own)
        away = away or isinstance(message, TextCommand)  # who was asked into a conversation does not have it
        asks = self.relay is not None and away and not self.has_matter(person, message)
        if asks and self.relay is not None and await self.relay.ask(person, message):
            return
        await self.carry_out(person, message)

    # ------------------------------------------------------------ pages and calls at other servers

    def has_matter(self, person: Person, message: PageMessage) -> bool:
        """Whether what the command is about is at this server; an agent's state is everywhere."""
        match message:
            case EditField() | SubmitOrder() | DiscardOrder():
                return self._orders.find(message.order_id) is not None
            case CallCommand(call_id=call_id) | TextCommand(call_id=call_id):
                return call_id in self._calls
            case Listen() | Whisper() | Barge() | StopListening() | TakeOver() | EndCall() | MoveCall():
                return message.call_id in self._calls
            case _:
                return True

    def show_call(self, login: str) -> None:
        """Send the person's pages, which are at another server, their call, its words and its draft."""
        for text in self._calls.texts_of(login):
            self._pages.send((login,), self._calls.view(text))
            for line in self.texts.written(text.call_id) if self.texts else ():
                self._pages.send((login,), line)
            for each in self._drafts_of(text):
                self._pages.send((login,), self._orders.view(each))
        call = self._calls.of_agent(login)
        if call is None:
            return
        self._pages.send((login,), self._calls.view(call))
        for caption in self._captions.of_call(call.call_id):
            self._pages.send((login,), caption)
        if (draft := self._orders.find(call.order_id)) is not None:
            for each in (draft, *self._orders.more(draft.order_id)):
                self._pages.send((login,), self._orders.view(each))
            for advice in self.advice(self._order_ids(draft), login):
                self._pages.send((login,), advice)

    def _order_ids(self, draft: Draft) -> tuple[str, ...]:
        """The ids of a call's orders, the main one first."""
        return (draft.order_id, *(other.order_id for other in self._orders.more(draft.order_id)))

    def person_told(self, person: Person) -> None:
        """Another server says that an administrator changed this person; it has told the line."""
        self._people.meet(person)

    async def carry_out(self, person: Person, message: PageMessage) -> None:
        """Carry one command out here, or raise CommandRefused with words for the person."""
        handler = self.handlers.get(type(message))
        if handler is not None:
            await handler(person, message)
        elif isinstance(message, AddOrder | PhoneCommand) or not isinstance(
            message, FindTargets | CallCommand
        ):
            await self._commands.carry_out(person, message)
        elif self.shared is None:
            raise CommandRefused("此系统没有启用转接")
        else:
            await self.shared.carry_out(person, message)

    # ------------------------------------------------------------ Hands: the router's decisions

    def ring(self, offer: Offer) -> None:
        """Ring this agent for this call."""
        if self.texts is None or not self.texts.ring(offer):
            self._switchboard.ring(offer)

    def stop_ringing(self, withdrawn: OfferWithdrawn) -> None:
        """Stop ringing this agent."""
        if self.texts is None or not self.texts.stop_ringing(withdrawn):
            self._switchboard.stop_ringing(withdrawn)

    def place_changed(self, place: PlaceChanged) -> None:
        """Remember the place in line for the next announcement."""
        self._switchboard.place_changed(place)
        if self.texts is not None:
            self.texts.place_changed(place)
        self._queues_due.set()

    def send_away(self, sent: SentAway) -> None:
        """Connect the caller, who has left the line, with another centre."""
        self._switchboard.send_away(sent)
        self._queues_due.set()

    def agent_changed(self, changed: AgentChanged) -> None:
        """Journal it, tell the agent's pages and the native queue; close the call that was written up.

        Every server hears of every agent; one of them, where the page is, journals it.
        """
        person = self._people.find(changed.agent_id)
        ours = self._dispatch.cares_for(changed.agent_id)
        if ours:
            self._calls.note(
                changed.call_id or "",
                EntryKind.AGENT_STATE,
                {
                    "agent_id": changed.agent_id,
                    "state": changed.state.value,
                    "reason": changed.reason.value if changed.reason else None,
                },
            )
        self._written_up(changed.agent_id, changed.call_id)
        if ours and self.texts is not None:
            self.texts.agent_changed(changed)
        if person is not None:
            self._pages.send((person.login,), self._views.agent(person))
        if ours:
            self._keep_native_queue(changed.agent_id)
        self._queues_due.set()

    def phone_changed(self, extension: str) -> None:
        """A telephone came or went."""
        login = self._people.at_extension(extension)
        person = self._people.find(login) if login else None
        if person is None:
            return
        self._pages.send((person.login,), self._views.agent(person))
        if not self._phones.registered(extension):
            asyncio.get_running_loop().call_later(
                PHONE_GRACE_S, self._phone_still_gone, person.login, extension
            )

    def _phone_still_gone(self, login: str, extension: str) -> None:
        """A page that reloads registers its telephone again within the grace; then nothing changes."""
        agent = self._dispatch.agent(login)
        if not self._dispatch.cares_for(login) or self._phones.registered(extension):
            return
        if agent is not None and agent.state is AgentState.READY:
            self._dispatch.tell(AgentBecameNotReady(agent_id=login, reason=NotReadyReason.PHONE_LOST))

    def _written_up(self, agent_id: str, now_with: str | None) -> None:
        """Calls that only waited for this agent's wrap-up are over when the agent has gone on."""
        if self.shared is not None:
            self.shared.written_up(agent_id, now_with)
        for call in self._calls:
            over = call.state is CallState.WRAP_UP and call.call_id != now_with and not call.written
            if call.agent_id == agent_id and over:
                self._calls.update(calls_of.wrapped_up(call, self._now()))

    def _call_ended(self, call: Call) -> None:
        """The call is over and written up: its words and its draft are in the journal."""
        self._captions.forget(call.call_id)
        if call.order_id:
            self._orders.close(call.order_id)

    def _keep_native_queue(self, agent_id: str) -> None:
        extension = self._people.extension(agent_id)
        if not extension:
            return
        agent = self._dispatch.agent(agent_id)
        if agent is None or AgentState.OFFLINE in (agent.state, agent.after):
            self._phones.sign_out(extension)
            return
        absent = agent.state is AgentState.NOT_READY or agent.after is AgentState.NOT_READY
        self._phones.sign_in(extension, paused=absent)

    # ------------------------------------------------------------ the queues

    async def _tell_queues(self) -> None:
        while True:
            await self._queues_due.wait()
            self._queues_due.clear()
            view = self._views.queues()
            if view != self._told_queues:
                self._told_queues = view
                self._pages.broadcast(view)
                for queue in view.queues:
                    self._calls.metrics.waiting.labels(queue=queue.queue).set(queue.waiting)
            await asyncio.sleep(QUEUES_EVERY_S)


def _leaving(agent: AgentRecord) -> bool:
    """Whether the agent is away, or will be after the present call, though a page of theirs is open."""
    reason = agent.reason if agent.state is AgentState.NOT_READY else agent.after_reason
    return agent.after is AgentState.OFFLINE or reason in AWAY_REASONS
