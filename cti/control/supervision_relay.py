"""Supervisors of several servers: who is in which call, whose telephone goes where, words of calls elsewhere.

A supervisor's page is at one server and the call at another; the server of the call has them in its book, and
tells the others. All this travels beside the line (`cti.control.cluster_relay`) and may be lost when Redis is
away; what lasts is said again every two seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from cti.control.supervision_book import Supervising, SupervisionBook
from cti.control.supervision_elsewhere import KEPT_S, Elsewhere
from cti.faults import fault_site
from cti.messages import Caption
from cti.tasks import end

__all__ = ["SupervisionRelay"]

log = logging.getLogger(__name__)

AGAIN_S = 2.0
AT_ONCE = 100
"""So many captions are said in one word."""


class Word(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of what servers tell each other of supervisors."""


class Supervisors(Word, frozen=True, tag="supervisors"):
    """Everybody who supervises at the sender now."""

    book: tuple[Supervising, ...]


class Handed(Word, frozen=True, tag="handed"):
    """A supervisor of the receiver's is in a call of the sender's from now on."""

    spy_id: str  # whose
    put_down: bool  # their telephone is to be put down; False: the sender has it


class Reading(Word, frozen=True, tag="reading"):
    """Pages of the sender are shown the words of these calls, which are elsewhere."""

    calls: tuple[str, ...]
    anew: bool  # a page has just begun: what has been said so far is wanted, too


class Words(Word, frozen=True, tag="words"):
    """What is said in a call, for whoever reads it elsewhere."""

    captions: tuple[Caption, ...]


SupervisionWord = Supervisors | Handed | Reading | Words


class Wire(Protocol):
    """The way to the other servers (cti.control.cluster_relay)."""

    on_supervision: Callable[[str, bytes], None]

    def say_supervision(self, word: bytes) -> None:
        """Tell all other servers, if there are any."""


class Topics(Protocol):
    """The pages of this server and what they watch (cti.web.pages.PageHub)."""

    def watched(self, topic: str) -> bool: ...

    def tell(self, topic: str, message: Caption) -> None: ...


class SupervisionRelay:
    """Made once for each server."""

    def __init__(
        self,
        wire: Wire,
        book: SupervisionBook,
        topics: Topics,
        *,
        is_here: Callable[[str], bool],
        captions: Callable[[str], Sequence[Caption]],
        mono: Callable[[], float],
    ) -> None:
        """`is_here(call)`: whether this server has it; `captions(call)`: said so far."""
        self.elsewhere = Elsewhere()
        self.on_handed: Callable[[str, bool], None] = lambda _spy_id, _put_down: None
        self.on_silent: Callable[[Supervising], None] = lambda _: None  # its server says nothing any more
        self._wire = wire
        self._book = book
        self._topics = topics
        self._is_here = is_here
        self._captions = captions
        self._mono = mono
        self._reads: set[str] = set()  # calls elsewhere that pages here are shown
        self._read: dict[str, float] = {}  # calls here -> until when they count as read elsewhere
        self._task: asyncio.Task[None] | None = None
        wire.on_supervision = self._take
        book.on_changed = self._tell

    def start(self) -> None:
        """Begin to say again what lasts."""
        self._task = asyncio.create_task(self._again(), name="supervisors-of-all-servers")

    async def stop(self) -> None:
        """Stop."""
        await end(self._task)

    def handed(self, spy_id: str, *, put_down: bool) -> None:
        """A supervisor of another server is in a call here now."""
        self._say(Handed(spy_id=spy_id, put_down=put_down))

    def read(self, call_id: str) -> None:
        """A page here is shown the words of a call that is elsewhere."""
        self._reads.add(call_id)
        self._say(Reading(calls=(call_id,), anew=True))

    def caption(self, caption: Caption) -> None:
        """Something is said in a call here."""
        if self._read.get(caption.call_id, 0.0) > self._mono():
            self._say(Words(captions=(caption,)))

    # ------------------------------------------------------------ inside

    def _say(self, word: SupervisionWord) -> None:
        self._wire.say_supervision(msgspec.json.encode(word))

    def _tell(self) -> None:
        self._say(Supervisors(book=tuple(self._book)))

    async def _again(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_S)
            try:
                self.look()
            except Exception as error:  # it must go on when what failed works again
                log.error("supervisors not told to other servers", extra={"site": fault_site(error)})

    def look(self) -> None:
        """Say again what lasts, forget what nobody says any more."""
        if any(self._book):
            self._tell()
        for one in self.elsewhere.expired(self._mono()):
            self.on_silent(one)
        self._reads = {call_id for call_id in self._reads if self._topics.watched(f"call:{call_id}")}
        if self._reads:
            self._say(Reading(calls=tuple(sorted(self._reads)), anew=False))
        self._read = {call_id: until for call_id, until in self._read.items() if until > self._mono()}

    def _take(self, server: str, raw: bytes) -> None:
        match msgspec.json.decode(raw, type=SupervisionWord):
            case Supervisors(book=book):
                self.elsewhere.heard(server, book, self._mono())
            case Handed(spy_id=spy_id, put_down=put_down):
                self.on_handed(spy_id, put_down)
            case Reading(calls=calls, anew=anew):
                for call_id in filter(self._is_here, calls):
                    self._is_read(call_id, anew)
            case Words(captions=captions):
                for caption in captions:
                    self._topics.tell(f"call:{caption.call_id}", caption)

    def _is_read(self, call_id: str, anew: bool) -> None:
        anew = anew or call_id not in self._read  # the call has come here from another server
        self._read[call_id] = self._mono() + KEPT_S
        said = tuple(self._captions(call_id)) if anew else ()
        for first in range(0, len(said), AT_ONCE):
            self._say(Words(captions=said[first : first + AT_ONCE]))
