"""The supervisor's hand on live calls, put together."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from acd.messages import AgentRecord
from cti.accounts import Accounts
from cti.ami import AmiNodes
from cti.call import Call
from cti.control.calls import Calls
from cti.control.captions import Captions
from cti.control.cluster_relay import PageRelay
from cti.control.dispatch import Dispatch
from cti.control.floor import CallFloor, Handler
from cti.control.floor_list import FloorList
from cti.control.live import LiveCalls
from cti.control.orderdesk import OrderDesk
from cti.control.people import People
from cti.control.phones import Phones
from cti.control.recovery import Recovery
from cti.control.sharing import Sharing
from cti.control.staff_desk import StaffDesk
from cti.control.supervision import Supervision
from cti.control.supervision_acts import ActParts, SupervisionActs
from cti.control.supervision_book import SupervisionBook
from cti.control.supervision_hands import SupervisionHands
from cti.control.supervision_news import SupervisionNews
from cti.control.supervision_recovery import SupervisionRecovery
from cti.control.supervision_relay import SupervisionRelay
from cti.control.supervision_rights import WATCHERS
from cti.control.supervision_seats import SupervisionParts
from cti.control.telephony import Telephony
from cti.control.views import Views
from cti.database import writing
from cti.message_base import Role
from cti.messages import AgentView, CallView, Caption, DraftView, ServerMessage
from cti.messages_floor import (
    Barge,
    ChangeSkills,
    EndCall,
    ForceState,
    Listen,
    MoveCall,
    ReadMessage,
    SendMessage,
    StopListening,
    SupervisionKind,
    TakeOver,
    Whisper,
)
from cti.ports import CommandRefused, Person
from cti.settings import SupervisionSettings
from cti.staff_messages import StaffMessages
from cti.web.pages import PageHub
from cti.web.socket import SESSION_ENDED
from orders.confidential import Confidential

__all__ = ["FloorParts", "compose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sources:
    """Implements `cti.control.floor_list.Sources`."""

    dispatch: Dispatch
    views: Views
    registry: Calls
    orders: OrderDesk
    live: LiveCalls
    secrets: Confidential
    server: str

    def agents(self) -> Iterable[AgentRecord]:
        return self.dispatch.snapshot()[0]

    def agent_view(self, person: Person) -> AgentView:
        return self.views.agent(person)

    def calls(self) -> Iterable[Call]:
        return self.registry

    def call_view(self, call: Call) -> CallView:
        return self.registry.view(call)

    def draft(self, order_id: str) -> DraftView | None:
        draft = self.orders.find(order_id) if order_id else None
        return None if draft is None else self.orders.view(draft)

    async def elsewhere(self) -> Sequence[Call]:
        return [call for call in await self.live.everywhere() if call.server != self.server]

    async def confidential(self, call_ids: Collection[str]) -> frozenset[str]:
        return await self.secrets.calls(call_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorParts:
    """What the server starts, stops and tells."""

    supervision: Supervision
    floor_list: FloorList
    staff: StaffDesk
    topics: PageHub
    relay: SupervisionRelay

    def start(self) -> None:
        """Begin to tell pages."""
        self.floor_list.start()
        self.staff.start()
        self.relay.start()

    async def stop(self) -> None:
        """Stop telling."""
        await self.relay.stop()
        await self.floor_list.stop()
        await self.staff.stop()

    def caption(self, call: Call, caption: Caption) -> None:
        """Words of a call, for whoever supervises it or watches it."""
        self.supervision.news.caption(call, caption)
        self.topics.tell(f"call:{call.call_id}", caption)
        self.relay.caption(caption)


def compose(
    settings: SupervisionSettings,
    *,
    server: str,
    calls: Calls,
    dispatch: Dispatch,
    floor: CallFloor,
    sharing: Sharing,
    telephony: Telephony,
    recovery: Recovery,
    nodes: AmiNodes,
    phones: Phones,
    people: People,
    pages: PageRelay,
    hub: PageHub,
    orders: OrderDesk,
    live: LiveCalls,
    captions: Captions,
    accounts: Accounts,
    engine: AsyncEngine,
) -> FloorParts:
    """Everything is attached where it is asked for."""
    K = SupervisionKind
    shown = {K.LISTEN: settings.show_listen, K.WHISPER: settings.show_whisper, K.BARGE: settings.show_barge}
    hands = SupervisionHands(nodes, sharing.rooms)
    book = SupervisionBook()
    relay = SupervisionRelay(
        pages, book, hub, is_here=lambda call_id: call_id in calls, captions=captions.of_call,
        mono=time.monotonic,
    )  # fmt: skip
    news = SupervisionNews(
        book, calls, people, pages, captions.of_call,
        frozenset(kind for kind, told in shown.items() if told), relay.elsewhere,
    )  # fmt: skip
    supervision = Supervision(
        SupervisionParts(
            calls=calls, dispatch=dispatch, events=sharing.events, hands=hands, phones=phones, people=people,
            book=book, news=news, beside=telephony.beside, has_page=hub.has, relay=pages,
            supervises_elsewhere=relay.elsewhere.by, others=relay,
        )
    )  # fmt: skip
    relay.on_handed = supervision.seats.handed_over
    relay.on_silent = lambda one: news.fell_silent(one, hub.send)

    async def sign_out(person: Person) -> None:
        async with writing(engine) as connection:
            await accounts.sessions.end_all(connection, person.login)
        for page in hub:
            if page.person.login == person.login:
                page.close(SESSION_ENDED)
        await (hub.sign_out or floor.signed_out)(person)

    async def set_skills(login: str, skills: Mapping[str, int], by: str) -> None:
        person = (await accounts.set_skills(login, skills, by=by)).person()
        await floor.person_changed(person)
        hub.update_person(person)

    acts = SupervisionActs(
        ActParts(
            calls=calls, dispatch=dispatch, hands=hands, phones=phones, people=people, pages=pages,
            transfers=sharing.transfers, targets=sharing.targets, tell=telephony.tell, sign_out=sign_out,
            set_skills=set_skills,
        ),
        supervision,
    )  # fmt: skip
    views = Views(dispatch=dispatch, phones=phones, clock=calls.now)
    sources = _Sources(
        dispatch=dispatch, views=views, registry=calls, orders=orders, live=live, server=server,
        secrets=Confidential(engine),
    )  # fmt: skip
    floor_list = FloorList(hub, sources, people, news.views, others=lambda: dispatch.others, clock=calls.now)
    staff = StaffDesk(
        StaffMessages(engine), calls=calls, people=people, pages=pages, clock=calls.now,
        present=lambda: (person.login for person in people),
    )  # fmt: skip

    def words_of_call(person: Person, topic: str) -> tuple[ServerMessage, ...]:
        call_id = topic.partition(":")[2]
        if person.role not in WATCHERS:
            raise CommandRefused("您没有查看这通电话的权限")
        if person.role is Role.LISTENER and not news.hears(person.login, call_id):
            raise CommandRefused("旁听这通电话后才能看到文字")
        if call_id not in calls:
            relay.read(call_id)  # its words come from the server that has it
        return captions.of_call(call_id)

    hub.openings["floor"] = floor_list.opening
    hub.openings["call"] = words_of_call
    for kind in (Listen, Whisper, Barge, TakeOver):
        floor.handlers[kind] = supervision.listen
    own: Mapping[type, Handler] = {
        StopListening: supervision.stop, EndCall: acts.end, MoveCall: acts.move, ForceState: acts.force,
        ChangeSkills: acts.skills, SendMessage: staff.send, ReadMessage: staff.read,
    }  # fmt: skip
    floor.handlers |= own
    floor.supervised = news.of_agent
    floor.unread = staff.unread
    before = calls.on_changed

    def changed(old: Call, new: Call) -> None:
        before(old, new)
        supervision.changed(old, new)

    calls.on_changed = changed
    recovery.rooms = SupervisionRecovery(recovery.rooms, supervision, calls, telephony)
    return FloorParts(supervision=supervision, floor_list=floor_list, staff=staff, topics=hub, relay=relay)
