"""Pages and calls at different servers: what a page is shown comes to it, what it asks for goes to the call.

Everything here travels beside the line and may be lost when Redis is away: then a page shows less until its
next snapshot, and a command is refused.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

import msgspec

from cti.messages import AgentView, CorrectionView, PageMessage, ServerMessage
from cti.ports import Amendable, CommandRefused, Pages, Person

log = logging.getLogger(__name__)

ANSWER_S = 3.0
"""A command that no server answers within this time is tried here, and most likely refused."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of what servers tell each other beside the line."""

    sender: str  # member that says it


class Shown(Envelope, frozen=True, tag="shown"):
    """A message for pages that are elsewhere."""

    to: tuple[str, ...]  # logins
    message: msgspec.Raw  # a ServerMessage


class Wanted(Envelope, frozen=True, tag="wanted"):
    """A page has come whose call is elsewhere: show it what it should see."""

    login: str  # whose page


class Asked(Envelope, frozen=True, tag="asked"):
    """A command about something that is elsewhere."""

    ref: str  # of the question
    person: Person  # who asks
    message: msgspec.Raw  # a PageMessage


class Answered(Envelope, frozen=True, tag="answered"):
    """What became of it."""

    to: str  # member that asked
    ref: str  # of the question
    error: str  # "" when it was carried out, else words for the person


class Changed(Envelope, frozen=True, tag="changed"):
    """An administrator changed a person's name, extension or skills."""

    person: Person  # as they are now


class Amended(Envelope, frozen=True, tag="amended"):
    """A person corrected or marked a sentence at a server that need not have the call."""

    call_id: str  # whose sentence
    line_id: str  # which
    correction: CorrectionView | None = None  # what stands in its place; None: it was marked
    marked: bool = False  # with no correction: whether the mark is on


class OfSupervision(Envelope, frozen=True, tag="of_supervision"):
    """Something of supervisors in calls."""

    word: msgspec.Raw  # a SupervisionWord of cti.control.supervision_relay


Word = Shown | Wanted | Asked | Answered | Changed | Amended | OfSupervision


class LocalPages(Pages, Protocol):
    """The pages of this server (cti.web.pages.PageHub)."""

    def has(self, login: str) -> bool:
        """Tell whether the person has a page here."""


class Here(Protocol):
    """What this server can do for pages that are elsewhere (cti.control.floor)."""

    def has_matter(self, person: Person, message: PageMessage) -> bool:
        """Whether what the command is about is here."""

    async def carry_out(self, person: Person, message: PageMessage) -> None:
        """Carry it out here. Raises CommandRefused."""

    def show_call(self, login: str) -> None:
        """Send the person's pages what they should see of a call that is here."""

    def person_told(self, person: Person) -> None:
        """Another server says that this person is another one now."""


class PageRelay:
    """Implements `Pages` and `Amendable` over all servers; see the module."""

    def __init__(
        self, hub: LocalPages, *, member: str, say: Callable[[bytes], None], others: Callable[[], bool]
    ) -> None:
        """`say` tells every server, `others()` is whether there are any now."""
        self._hub = hub
        self._member = member
        self._say = say
        self._others = others
        self._refs = itertools.count(1)
        self._open: dict[str, asyncio.Future[str]] = {}
        self._aside: set[asyncio.Task[None]] = set()
        self.here: Here | None = None
        self.captions: Amendable | None = None  # of this server's calls
        self.on_supervision: Callable[[str, bytes], None] = lambda _sender, _word: None

    # ------------------------------------------------------------ Pages

    def send(self, logins: Iterable[str], message: ServerMessage) -> None:
        """To every page of these people, wherever it is."""
        wanted = tuple(logins)
        self._hub.send(wanted, message)
        away = tuple(sorted({login for login in wanted if not self._hub.has(login)}))
        # an agent's state is shown by the server that has the page, from what the line says
        if away and not isinstance(message, AgentView) and self._others():
            self._tell(Shown(sender=self._member, to=away, message=msgspec.Raw(msgspec.json.encode(message))))

    def broadcast(self, message: ServerMessage) -> None:
        """To every page of this server; the others tell their own."""
        self._hub.broadcast(message)

    # ------------------------------------------------------------ questions

    def want(self, login: str) -> None:
        """A page has come whose call may be elsewhere."""
        if self._others():
            self._tell(Wanted(sender=self._member, login=login))

    def changed(self, person: Person) -> None:
        """Tell the other servers of a changed person."""
        if self._others():
            self._tell(Changed(sender=self._member, person=person))

    def say_supervision(self, word: bytes) -> None:
        """Tell the other servers something of supervisors (cti.control.supervision_relay)."""
        if self._others():
            self._tell(OfSupervision(sender=self._member, word=msgspec.Raw(word)))

    # ------------------------------------------------------------ Amendable

    def corrected(self, call_id: str, line_id: str, correction: CorrectionView) -> None:
        """Show a correction to whoever follows the call, at whichever server it is."""
        self._amended(Amended(sender=self._member, call_id=call_id, line_id=line_id, correction=correction))

    def marked(self, call_id: str, line_id: str, *, on: bool) -> None:
        """Show a mark to whoever follows the call, at whichever server it is."""
        self._amended(Amended(sender=self._member, call_id=call_id, line_id=line_id, marked=on))

    def _amended(self, word: Amended) -> None:
        self._amend(word)
        if self._others():
            self._tell(word)

    def _amend(self, word: Amended) -> None:
        if self.captions is None:
            return
        if word.correction is not None:
            self.captions.corrected(word.call_id, word.line_id, word.correction)
        else:
            self.captions.marked(word.call_id, word.line_id, on=word.marked)

    # ------------------------------------------------------------ commands elsewhere

    async def ask(self, person: Person, message: PageMessage) -> bool:
        """Let the server that has the matter carry a command out; False when none says that it has.

        Raises CommandRefused with the words of that server.
        """
        if not self._others():
            return False
        ref = str(next(self._refs))
        answer = self._open[ref] = asyncio.get_running_loop().create_future()
        raw = msgspec.Raw(msgspec.json.encode(message))
        self._tell(Asked(sender=self._member, ref=ref, person=person, message=raw))
        try:
            async with asyncio.timeout(ANSWER_S):
                error = await answer
        except TimeoutError:
            return False
        finally:
            del self._open[ref]
        if error:
            raise CommandRefused(error)
        return True

    # ------------------------------------------------------------ what the others say

    def take(self, raw: bytes) -> None:
        """One word of another server. Raises msgspec.MsgspecError when it is none."""
        word: Word = msgspec.json.decode(raw, type=Word)
        if word.sender == self._member or self.here is None:
            return
        match word:
            case Shown(to=to, message=message):
                self._hub.send(to, msgspec.json.decode(message, type=ServerMessage))
            case Wanted(login=login):
                self.here.show_call(login)
            case Changed(person=person):
                self.here.person_told(person)
            case Amended():
                self._amend(word)
            case OfSupervision(word=supervision):
                self.on_supervision(word.sender, bytes(supervision))
            case Answered(to=to, ref=ref, error=error):
                answer = self._open.get(ref)
                if to == self._member and answer is not None and not answer.done():
                    answer.set_result(error)
            case Asked(person=person, message=message):
                command: PageMessage = msgspec.json.decode(message, type=PageMessage)
                if self.here.has_matter(person, command):
                    self._beside(self._answer(word, self.here.carry_out(person, command)))

    async def _answer(self, asked: Asked, work: Awaitable[None]) -> None:
        error = ""
        try:
            await work
        except CommandRefused as refused:
            error = str(refused)
        self._tell(Answered(sender=self._member, to=asked.sender, ref=asked.ref, error=error))

    def _beside(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._aside.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._aside.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a command of another server failed", extra={"fault": type(task.exception()).__name__})

    def _tell(self, word: Word) -> None:
        self._say(msgspec.json.encode(word))
