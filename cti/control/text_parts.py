"""Conversations and the citizens' page, put together. Made once for each server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from redis.asyncio import Redis

from acd.messages import AgentChanged, Media, Offer, OfferWithdrawn, PlaceChanged
from asr.messages import FieldSuggestion, TranscriptMessage
from cti.agi import AgiSession
from cti.ami import AmiLink
from cti.call import Call
from cti.calls import CallStore
from cti.control.callback_members import Members
from cti.control.calls import Calls
from cti.control.citizen_desk import CitizenAccess, CitizenDesk, Proof
from cti.control.citizen_guests import Guest, Guests
from cti.control.citizen_hub import CitizenHub
from cti.control.citizen_phone import GuestPhones
from cti.control.citizen_relay import CitizenRelay
from cti.control.dispatch import Dispatch
from cti.control.floor import CallFloor
from cti.control.orderdesk import OrderDesk
from cti.control.people import People
from cti.control.text_calls import Ahead, TextCalls
from cti.control.text_desk import TextDesk
from cti.control.text_life import TextRules
from cti.control.text_orphans import TextOrphans
from cti.control.text_shelf import TextShelf
from cti.control.text_words import TextWords
from cti.faults import fault_site
from cti.journal import Journal
from cti.messages import (
    AddParty,
    AnswerText,
    AskInterpreter,
    EndText,
    FindColleagues,
    InviteText,
    LeaveText,
    MoveText,
    RefuseText,
    SayText,
    SetTextOnly,
    TextLine,
)
from cti.ports import Pages, Person
from cti.settings import CitizenSettings
from cti.tasks import end
from orders.fields import TEXT_ONLY
from orders.messages import OrderField

log = logging.getLogger(__name__)

TICK_S = 1.0
WRITE_UP_S = 600.0
"""An agent may write a conversation up for so long: several go on side by side."""

COMMANDS = (
    SayText, AnswerText, RefuseText, EndText, InviteText, LeaveText, MoveText, SetTextOnly,
    FindColleagues, AskInterpreter,
)  # fmt: skip


class TextParts:
    """`desk` is for agents, `citizens` for citizens; `access` is what the web side is given."""

    def __init__(
        self,
        *,
        settings: CitizenSettings,
        redis: Redis,
        prefix: str,
        calls: Calls,
        dispatch: Dispatch,
        orders: OrderDesk,
        people: People,
        pages: Pages,
        journal: Journal,
        store: CallStore,
        ahead: Ahead,
        heard: Callable[[TranscriptMessage], None],
        share: Callable[[Person, AddParty], Awaitable[None]],
        brief: Callable[[Call, str], None],
        adopt: Callable[[str], Awaitable[Call | None]],
        link: Callable[[], AmiLink],
        phone_address: tuple[str, str],
        media_address: str,
        server: str,
        member: str,
        say: Callable[[bytes], None],
        others: Callable[[], bool],
        members: Members,
        kept: Callable[[], Awaitable[Iterable[Call]]],
        proof: Proof | None = None,
    ) -> None:
        """`heard` takes sentences (captions), `share` and `brief` are cti.control.sharing's.

        `adopt` is cti.takeover's, `phone_address`: WebSocket URL and SIP domain for guests, `media_address`:
        what their audio is bound to; `say` and `others` are the cluster's; `members` tells which servers
        live, `kept` reads the calls of all of them.
        """
        self._settings = settings
        self._calls = calls
        self._people = people
        self._orders = orders
        self._take_over = adopt
        self._task: asyncio.Task[None] | None = None
        self.relay = CitizenRelay(member=member, say=say, others=others)
        self.hub = CitizenHub(self.relay.show)
        self.shelf = TextShelf(redis, prefix, calls=calls, durable=journal.durable, entries=store.entries)
        words = TextWords(calls=calls, shelf=self.shelf, pages=pages, heard=heard, to_guest=self.hub.send)
        self.texts = TextCalls(
            calls=calls, dispatch=dispatch, words=words, ahead=ahead,
            rules=TextRules(
                gone_waiting_s=settings.gone_s, gone_talking_s=settings.gone_s, ask_s=settings.silence_s,
                silent_s=max(30.0, settings.silence_s / 3), rating_s=120.0, write_up_s=WRITE_UP_S,
            ),
            queue=settings.text_queue, called=settings.number, server=server,
        )  # fmt: skip
        self.desk = TextDesk(
            texts=self.texts, calls=calls, dispatch=dispatch, orders=orders, people=people, pages=pages,
            share=share, brief=brief, known_as=self.known_as,
        )  # fmt: skip
        url, domain = phone_address
        self.phones = GuestPhones(link, ws_url=url, sip_domain=domain, media_address=media_address)
        self.citizens = CitizenDesk(
            calls=calls,
            guests=Guests(redis, prefix, most=settings.guests, per_minute=settings.per_minute),
            phones=self.phones, texts=self.texts, hub=self.hub, known_as=self.known_as, adopt=self._adopt,
            proof=proof,
        )  # fmt: skip
        self.citizens.relay = self.relay
        self.relay.desk = self.citizens
        self._orphans = TextOrphans(
            members=members, calls=calls, kept=kept, adopt=self._adopt, taken=self.relay.taken
        )

    @property
    def access(self) -> CitizenAccess:
        """What the web side is given."""
        settings = self._settings
        ways = {Media.VOICE: settings.voice, Media.VIDEO: settings.video, Media.TEXT: settings.text}
        media = frozenset(one for one, is_open in ways.items() if is_open)
        if not media:
            return CitizenAccess()
        verifies = self.citizens.proof is not None
        return CitizenAccess(desk=self.citizens, media=media, notice=settings.notice, verifies=verifies)

    def attach(self, floor: CallFloor) -> None:
        """Take agents' commands, and hear of every change of a call."""
        for command in COMMANDS:
            floor.handlers[command] = self.desk.carry_out
        floor.texts = self
        self.desk.colleagues.present = floor.present
        before = self._calls.on_changed

        def changed(old: Call, new: Call) -> None:
            before(old, new)
            self.citizens.changed(old, new)
            self._mark(old, new)

        self._calls.on_changed = changed
        self.texts.moved = lambda call: self.citizens.changed(call, call)

    def _mark(self, old: Call, new: Call) -> None:
        """How a citizen wishes to be contacted stands on every order of the call."""
        if (old.text_only, old.order_id) == (new.text_only, new.order_id) or not new.order_id:
            return
        if new.text_only or old.text_only:
            wish = FieldSuggestion(
                field=OrderField.CONTACT_BY.value, value=TEXT_ONLY if new.text_only else "", source="citizen",
                confidence=1.0,
            )  # fmt: skip
            for draft in (new.order_id, *(more.order_id for more in self._orders.more(new.order_id))):
                self._orders.advise(draft, wish)

    async def restore(self) -> None:
        """Go on with the conversations of before; after the calls have been restored."""
        for call in tuple(self._calls):
            if call.guest_id:
                await self.shelf.restore(call.call_id)
            if call.written:
                self.texts.restored(call)
            elif call.guest_id:
                self.texts.watch(call)
                self.texts.here(call.call_id, here=False)

    def start(self) -> None:
        """Begin to look after conversations."""
        self.shelf.start()
        self.phones.start()
        self._task = asyncio.create_task(self._tick(), name="text-calls")

    async def stop(self) -> None:
        """End what runs beside; pages come back to another server, or to this one."""
        await end(self._task)
        await self.citizens.stop()
        await self.phones.stop()
        await self.shelf.stop()

    def known_as(self, login: str) -> str:
        """How citizens know an agent: by number, not by name."""
        extension = self._people.extension(login)
        return f"{extension}号话务员" if extension else "话务员"

    # ------------------------------------------------------------ for the switchboard

    async def arrived(self, session: AgiSession) -> Guest | None:
        """The guest whose channel this is; None for telephones."""
        return await self.citizens.arrived(session.channel)

    async def joined(self, guest: Guest, call: Call) -> None:
        """The guest's call is in the registry."""
        await self.citizens.joined(guest, call)

    # ------------------------------------------------------------ for the floor

    def ring(self, offer: Offer) -> bool:
        """An offer; False when it is for no conversation."""
        if self.texts.takes(offer.call_id) is None:
            return False
        self.texts.ring(offer)
        return True

    def stop_ringing(self, withdrawn: OfferWithdrawn) -> bool:
        """A withdrawal; False when it is for no conversation."""
        if self.texts.takes(withdrawn.call_id) is None:
            return False
        self.texts.stop_ringing(withdrawn)
        return True

    def place_changed(self, place: PlaceChanged) -> None:
        """A citizen's place in line."""
        self.texts.place_changed(place)

    def agent_changed(self, changed: AgentChanged) -> None:
        """An agent may be gone."""
        self.texts.agent_changed(changed)

    def written(self, call_id: str) -> tuple[TextLine, ...]:
        """What was written in a call, by time."""
        return self.shelf.of_call(call_id)

    # ------------------------------------------------------------ inside

    async def _adopt(self, call_id: str) -> Call | None:
        call = await self._take_over(call_id)
        if call is not None and call.written:
            await self.shelf.restore(call_id)
            self.texts.restored(call)
        return call

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self.texts.tick()
                self.citizens.look(tuple(self._calls))
                await self._orphans.tick()
            except Exception as error:  # without ticks nobody's silence would end any more
                log.error("conversations not looked after", extra={"site": fault_site(error)})
