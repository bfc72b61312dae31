"""What citizens do on their own page, and what they are shown: a guest reaches nothing but the own call."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from acd.messages import Media
from cti.ami import AmiError
from cti.call import Call
from cti.control.calls import Calls
from cti.control.citizen_guests import Guest, Guests, GuestsRefused, guest_of_channel
from cti.control.citizen_hub import CitizenHub
from cti.control.citizen_phone import GuestAccount, GuestPhones
from cti.control.text_calls import TextCalls
from cti.control.text_words import WordsRefused
from cti.errors import IllegalCallMove
from cti.faults import fault_site
from cti.messages import CallState
from cti.messages_citizen import (
    AskTextOnly,
    CitizenMessage,
    CitizenView,
    GiveRating,
    GuestMessage,
    Hello,
    Leave,
    LineTaken,
    Refused,
    WriteText,
)

log = logging.getLogger(__name__)

CONTACT = re.compile(r"\+?[0-9][0-9 -]{4,20}")
OVER = "本次服务已结束，如有需要请重新发起"
VIDEO_GONE_S = 30.0
"""A video call whose page has been closed for so long is over."""

CONTACT_LINE = "我的联系电话是{number}。"
CONTACT_ID = "contact"

Proof = Callable[[str, str], Awaitable[bool]]
"""Number and code -> whether the citizen has shown that the number is theirs."""


class Relay(Protocol):
    """The other servers (cti.control.citizen_relay)."""

    async def ask(self, guest_id: str, message: GuestMessage) -> tuple[CitizenMessage, ...] | None:
        """Let the server that has the guest's call answer; None when none says that it has."""

    def gone(self, guest_id: str) -> None:
        """The guest has no page here any more."""

    def taken(self, guest_id: str) -> None:
        """The guest's call is at this server from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A new guest."""

    guest: Guest  # as they are kept
    token: str  # known to nobody else
    phone: GuestAccount | None = None  # with voice and video


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenAccess:
    """What the web side is given for citizens; `desk` None: the page is switched off."""

    desk: CitizenDesk | None = None
    media: frozenset[Media] = frozenset()  # which ways are open
    notice: str = ""  # what citizens agree to before they begin
    verifies: bool = False  # numbers can be proven


class CitizenDesk:
    """Made once for each server."""

    def __init__(
        self,
        *,
        calls: Calls,
        guests: Guests,
        phones: GuestPhones,
        texts: TextCalls,
        hub: CitizenHub,
        known_as: Callable[[str], str],
        adopt: Callable[[str], Awaitable[Call | None]],
        proof: Proof | None = None,
    ) -> None:
        """`adopt(call)` takes over a conversation whose server is gone, `proof` checks a number's code; None:
        nobody can, and no number counts as proven."""
        self._calls = calls
        self.guests = guests
        self._phones = phones
        self._texts = texts
        self.hub = hub
        self._known_as = known_as
        self._adopt = adopt
        self.proof = proof
        self.relay: Relay | None = None
        self._aside: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ coming

    async def admit(
        self, *, media: Media, address: str, contact: str, number: str, code: str, text_only: bool
    ) -> Admitted:
        """Let a citizen in. Raises GuestsRefused, and AmiError when no telephone can be had."""
        if contact and not CONTACT.fullmatch(contact):
            raise GuestsRefused("联系电话格式有误，请检查或留空", 0.0)
        proven = ""
        if number and self.proof is not None:
            if not await self.proof(number, code):
                raise GuestsRefused("验证码不正确或已过期", 0.0)
            proven = number
        guest, token = await self.guests.admit(
            media=media.value, address=address, number=proven, contact=contact, text_only=text_only
        )
        phone = None if media is Media.TEXT else await self._phones.open(guest)
        return Admitted(guest=guest, token=token, phone=phone)

    async def arrived(self, channel: str) -> Guest | None:
        """A channel has come in; whose it is, None for telephones. Its password is good for nothing now."""
        guest_id = guest_of_channel(channel)
        guest = await self.guests.find(guest_id) if guest_id else None
        if guest is not None:
            self._beside(self._phones.used(guest_id), "password of a guest")
        return guest

    async def joined(self, guest: Guest, call: Call) -> None:
        """The guest's call has begun."""
        await self.guests.keep(msgspec.structs.replace(guest, call_id=call.call_id))
        if not call.written:
            self._texts.watch(call)
        if guest.contact:
            self._texts.words.citizen(call, CONTACT_LINE.format(number=guest.contact), CONTACT_ID)
        self.changed(call, call)

    # ------------------------------------------------------------ pages

    async def take(self, guest: Guest, message: GuestMessage) -> Sequence[CitizenMessage]:
        """Carry out what a guest's page asks for, wherever the call is; return what that page is told."""
        guest = await self.guests.fresh(guest)
        if self._calls.find(guest.call_id) is None and guest.call_id and not guest.over:
            if self.relay is not None and (told := await self.relay.ask(guest.guest_id, message)) is not None:
                return told
            if await self._adopt(guest.call_id) is not None and self.relay is not None:
                self.relay.taken(guest.guest_id)
        return await self.carry_out(guest, message)

    async def carry_out(self, guest: Guest, message: GuestMessage) -> Sequence[CitizenMessage]:
        """The same, here."""
        call = self._calls.find(guest.call_id)
        if call is None and guest.media == Media.TEXT and not guest.call_id and isinstance(message, Hello):
            call = self._texts.open(guest)
            await self.joined(guest, call)
            call = self._calls.get(call.call_id)
        if isinstance(message, Hello):
            return self._opening(guest, call)
        if call is None:
            over = guest.over or bool(guest.call_id)
            return (Refused(text=OVER if over else "还没有接通，请稍候", fatal=over),)
        try:
            return await self._do(call, message)
        except WordsRefused as refused:
            return (Refused(text=str(refused)),)
        except IllegalCallMove:
            return (Refused(text="现在不能这样做"),)

    def has_call(self, guest: Guest) -> bool:
        """Whether the guest's call is at this server."""
        return self._calls.find(guest.call_id) is not None

    def taken_away(self, guest: Guest) -> None:
        """Another server, which could not hear us, has the guest's conversation now."""
        call = self._calls.find(guest.call_id)
        if call is not None and call.written:
            self._texts.let_go(call)

    def page_gone(self, guest: Guest) -> None:
        """The guest's last page at this server is closed."""
        if self.hub.has(guest.guest_id):
            return
        known = self.guests.known(guest.guest_id) or guest
        if self._calls.find(known.call_id) is not None:
            self._texts.here(known.call_id, here=False)
        elif self.relay is not None:
            self.relay.gone(guest.guest_id)

    def changed(self, before: Call, after: Call) -> None:
        """A call has changed: its citizen sees so, and a guest whose call is over is no guest any more."""
        if not after.guest_id:
            return
        self.hub.send(after.guest_id, self._texts.view(after, self._known_as))
        if after.state is CallState.ENDED and not after.written:
            self._texts.spoken_over(after.call_id)
        if after.ended is not None and before.ended is None:
            self._beside(self._finished(after.guest_id), "guest")

    def look(self, calls: Iterable[Call]) -> None:
        """End video calls whose page is gone: no silence of theirs tells Asterisk."""
        for call in calls:
            video = call.media == Media.VIDEO and call.ended is None and call.guest_id
            if video and self._texts.gone_s(call.call_id) > VIDEO_GONE_S:
                self._texts.watch(call)  # asked once
                self._beside(self._phones.hang_up(call.channel), "hanging up a guest")

    async def stop(self) -> None:
        """End what runs beside."""
        self.hub.close_all()
        for task in tuple(self._aside):
            task.cancel()
        await asyncio.gather(*self._aside, return_exceptions=True)

    # ------------------------------------------------------------ inside

    def _opening(self, guest: Guest, call: Call | None) -> tuple[CitizenMessage, ...]:
        if call is None:
            over = guest.over or bool(guest.call_id)
            view = CitizenView(
                call_id=guest.call_id, media=guest.media, state="ended" if over else "connecting",
                text_only=guest.text_only,
            )  # fmt: skip
            return (view,)
        self._texts.here(call.call_id, here=True)
        return (self._texts.view(call, self._known_as), *self._texts.words.shelf.of_call(call.call_id))

    async def _do(self, call: Call, message: GuestMessage) -> tuple[CitizenMessage, ...]:
        words = self._texts.words
        match message:
            case WriteText(final=False, text=text):
                if call.with_person:
                    words.typing(call, "citizen", text)
            case WriteText(text=text, line_id=line_id):
                if call.ended is not None or call.state is CallState.SURVEY:
                    return (Refused(text=OVER),)
                entry = words.citizen(call, text, line_id)
                if entry is not None:
                    await words.shelf.safe(entry)
                return (LineTaken(line_id=line_id),)
            case GiveRating(score=score):
                if not 1 <= score <= 5:
                    return (Refused(text="评价须为 1 到 5"),)
                self._texts.rate(call, score)
                if not call.written:  # who rates here need not hear the question out
                    self._beside(self._phones.hang_up(call.channel), "hanging up a guest")
            case AskTextOnly(on=on):
                self._calls.update(replace(call, text_only=on), by="citizen")
            case Leave():
                if call.written:
                    self._texts.leave(call, "citizen")
            case _:
                return ()
        return ()

    async def _finished(self, guest_id: str) -> None:
        guest = await self.guests.find(guest_id)
        if guest is not None:
            await self.guests.keep(msgspec.structs.replace(guest, over=True))
            if guest.media != Media.TEXT:
                await self._phones.close(guest_id)

    def _beside(self, work: Awaitable[None], what: str) -> None:
        async def guarded() -> None:
            try:
                await work
            except AmiError as error:
                log.warning("Asterisk refused", extra={"what": what, "reason": type(error).__name__})
            except Exception as error:  # a background step must never end silently
                log.error("background step failed", extra={"what": what, "site": fault_site(error)})

        task = asyncio.create_task(guarded(), name=what)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)
