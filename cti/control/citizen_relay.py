"""A guest's page at one server and the guest's call at another: words between the servers.

They travel beside the line, like those of `cti.control.cluster_relay`, and may be lost when Redis is away;
then a conversation is taken over by the server that has the page.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from cti.faults import fault_site
from cti.messages_citizen import CitizenMessage, GuestMessage

if TYPE_CHECKING:
    from cti.control.citizen_desk import CitizenDesk

log = logging.getLogger(__name__)

ANSWER_S = 1.5


class Word(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of what servers tell each other of guests."""

    sender: str  # member that says it
    guest_id: str  # whose


class GuestShown(Word, frozen=True, tag="guest_shown"):
    """A message for the guest's page."""

    message: msgspec.Raw  # a CitizenMessage


class GuestAsked(Word, frozen=True, tag="guest_asked"):
    """The guest's page asks for something."""

    ref: str  # of the question
    message: msgspec.Raw  # a GuestMessage


class GuestAnswered(Word, frozen=True, tag="guest_answered"):
    """What only that page is told."""

    to: str  # member that asked
    ref: str  # of the question
    messages: tuple[msgspec.Raw, ...]  # CitizenMessages


class GuestGone(Word, frozen=True, tag="guest_gone"):
    """The guest's page is closed."""


class GuestTaken(Word, frozen=True, tag="guest_taken"):
    """The guest's call is at the sender's from now on."""


GuestWord = GuestShown | GuestAsked | GuestAnswered | GuestGone | GuestTaken
_decode = msgspec.json.Decoder(GuestWord).decode
_encode = msgspec.json.encode


class CitizenRelay:
    """Implements `Relay` of the citizens' desk."""

    def __init__(self, *, member: str, say: Callable[[bytes], None], others: Callable[[], bool]) -> None:
        """`say` tells every server, `others()` is whether there are any now."""
        self._member = member
        self._say = say
        self._others = others
        self._refs = itertools.count(1)
        self._open: dict[str, asyncio.Future[None]] = {}
        self._aside: set[asyncio.Task[None]] = set()
        self.desk: CitizenDesk | None = None

    def show(self, guest_id: str, message: CitizenMessage) -> None:
        """Tell the server that has the guest's page."""
        if self._others():
            raw = msgspec.Raw(_encode(message))
            self._say(_encode(GuestShown(sender=self._member, guest_id=guest_id, message=raw)))

    def gone(self, guest_id: str) -> None:
        """The guest has no page here any more."""
        if self._others():
            self._say(_encode(GuestGone(sender=self._member, guest_id=guest_id)))

    def taken(self, guest_id: str) -> None:
        """The guest's call is at this server from now on."""
        if self._others():
            self._say(_encode(GuestTaken(sender=self._member, guest_id=guest_id)))

    async def ask(self, guest_id: str, message: GuestMessage) -> tuple[CitizenMessage, ...] | None:
        """Let the server that has the guest's call answer the guest's pages; None when none says that it has.

        What it answers is shown as it comes in, in the order in which it spoke: nothing is left to return.
        """
        if not self._others():
            return None
        ref = str(next(self._refs))
        answer = self._open[ref] = asyncio.get_running_loop().create_future()
        raw = msgspec.Raw(_encode(message))
        self._say(_encode(GuestAsked(sender=self._member, guest_id=guest_id, ref=ref, message=raw)))
        try:
            async with asyncio.timeout(ANSWER_S):
                await answer
        except TimeoutError:
            return None
        finally:
            del self._open[ref]
        return ()

    def take(self, raw: bytes) -> bool:
        """One word of another server; False when it is none of guests."""
        try:
            word = _decode(raw)
        except msgspec.ValidationError:
            return False
        if word.sender == self._member or self.desk is None:
            return True
        match word:
            case GuestShown(guest_id=guest_id, message=message):
                self.desk.hub.show(guest_id, msgspec.json.decode(message, type=CitizenMessage))
            case GuestAnswered(to=to, ref=ref, messages=messages):
                answer = self._open.get(ref)
                if to != self._member:
                    return True
                for one in messages:  # what it shows next may be newer: this must not come after
                    self.desk.hub.show(word.guest_id, msgspec.json.decode(one, type=CitizenMessage))
                if answer is not None and not answer.done():
                    answer.set_result(None)
            case GuestAsked() | GuestGone() | GuestTaken():
                task = asyncio.create_task(self._answer(self.desk, word), name="guest-of-another-server")
                self._aside.add(task)
                task.add_done_callback(self._aside.discard)
        return True

    async def _answer(self, desk: CitizenDesk, word: GuestAsked | GuestGone | GuestTaken) -> None:
        try:
            guest = await desk.guests.find(word.guest_id)
            if guest is None or not desk.has_call(guest):
                return
            if isinstance(word, GuestGone):
                desk.page_gone(guest)
                return
            if isinstance(word, GuestTaken):
                desk.taken_away(guest)
                return
            told = await desk.carry_out(guest, msgspec.json.decode(word.message, type=GuestMessage))
            raws = tuple(msgspec.Raw(_encode(one)) for one in told)
            self._say(
                _encode(
                    GuestAnswered(
                        sender=self._member,
                        guest_id=word.guest_id,
                        to=word.sender,
                        ref=word.ref,
                        messages=raws,
                    )
                )
            )
        except Exception as error:
            log.error("a guest of another server failed", extra={"site": fault_site(error)})
