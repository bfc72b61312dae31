"""The connected pages: one message is encoded once and put into the outbox of every page it is for.

A page that does not read fast enough loses its outbox and gets a new snapshot instead, so it never slows the
others and never shows something that is no longer true. A page whose connection breaks is kept for a while,
and gets what it missed when it comes back. Nothing here touches a socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

from cti.messages import Resumed, ServerMessage, Snapshot
from cti.ports import CommandRefused, Person
from cti.roles import FLOOR, may_watch
from cti.web.courier import Courier
from cti.web.page import OUTBOX_BYTES, OUTBOX_MESSAGES, Page, Wire, tail_of

__all__ = ["AWAY_BYTES", "AWAY_PAGES", "AWAY_S", "OUTBOX_BYTES", "OUTBOX_MESSAGES", "Page", "PageHub"]

TOPICS = 8
TOPIC_LENGTH = 100
AWAY_S = 60.0
"""A page whose connection broke may come back for so long and get what it missed."""
AWAY_PAGES = 4000
AWAY_BYTES = 64 * 1024 * 1024
"""Pages that are away hold no more than this together; the ones away for longest are forgotten."""
REPLACED = 4409

Opening = Callable[[Person, str], Iterable[ServerMessage]]
"""What a page that begins to watch a topic is told first; raises CommandRefused for who may not watch it."""


class PageHub:
    """All connected pages; implements `cti.ports.Pages`.

    A topic is a word ("floor") or a word and a key ("call:<call id>"); `openings` has what its watchers are
    told first, by the word. What a page watches is told again after each snapshot.
    """

    def __init__(self, *, on_resync: Callable[[], None] | None = None) -> None:
        self._pages: dict[str, set[Page]] = {}
        self._away: dict[str, Page] = {}  # by page id, who went first comes first
        self._by_id: dict[str, Page] = {}
        self._on_resync = on_resync
        self._courier = Courier(self.after_snapshot)
        self.openings: dict[str, Opening] = {}
        self.sign_out: Callable[[Person], Awaitable[None]] | None = None  # of cti.web.presence

    def __iter__(self) -> Iterator[Page]:
        for pages in list(self._pages.values()):
            yield from list(pages)

    def __len__(self) -> int:
        return sum(len(pages) for pages in self._pages.values())

    @property
    def away(self) -> int:
        """Pages that may come back."""
        return len(self._away)

    @property
    def slow(self) -> int:
        """Pages whose connection takes nothing now."""
        return self._courier.slow

    # ------------------------------------------------------------ coming and going

    def snapshots_from(self, snapshot: Callable[[Person], Snapshot]) -> None:
        """Say where the whole truth for a person comes from."""
        self._courier.snapshot = snapshot

    def add(self, page: Page, wire: Wire | None = None) -> None:
        """Let a page receive, over its connection."""
        page.wire = wire
        page.wake = self._courier.wake
        self._pages.setdefault(page.person.login, set()).add(page)
        self._by_id[page.page_id] = page
        self._courier.connected(page)

    def remove(self, page: Page) -> None:
        """Forget a page; nothing happens when it is forgotten already."""
        self._leave(page)
        self._away.pop(page.page_id, None)
        self._by_id.pop(page.page_id, None)

    def lost(self, page: Page, wire: Wire) -> None:
        """A page's connection is gone: keep the page for a while, unless it has another one by now."""
        if page.wire is not wire:
            return
        if page.close_code is not None or page.needs_snapshot:
            self.remove(page)
            return
        self._leave(page)
        page.wire = None
        self._away[page.page_id] = page
        loop = asyncio.get_running_loop()
        page.lost_at = loop.time()
        loop.call_later(AWAY_S, self._forget, page, page.lost_at)
        while len(self._away) > AWAY_PAGES or sum(one.held_bytes for one in self._away.values()) > AWAY_BYTES:
            self.remove(next(iter(self._away.values())))

    def resume(self, page_id: str, seq: int, *, person: Person, session: str, wire: Wire) -> Page | None:
        """Give a page that comes back its new connection and what it missed after number `seq`.

        None when there is no such page of this session, or not everything that it missed is known.
        """
        page = self._by_id.get(page_id)
        if page is None or page.session != session or page.person.login != person.login:
            return None
        if page.close_code is not None:
            return None
        if page.wire is not None:  # its old connection is dead, and nobody has noticed yet
            page.wire.end(REPLACED)
        self.remove(page)
        missed = page.rewind(seq)
        if missed is None:
            return None
        page.put(tail_of(Resumed(page=page_id, missed=missed)))
        self.add(page, wire)
        return page

    def has(self, login: str) -> bool:
        """Tell whether the person has a page."""
        return login in self._pages

    def _leave(self, page: Page) -> None:
        pages = self._pages.get(page.person.login, set())
        pages.discard(page)
        if not pages:
            self._pages.pop(page.person.login, None)

    def _forget(self, page: Page, lost: float) -> None:
        if page.lost_at == lost and page.page_id in self._away:
            self.remove(page)

    # ------------------------------------------------------------ messages

    def send(self, logins: Iterable[str], message: ServerMessage) -> None:
        """Put the message into the outbox of every page of these people."""
        wanted = set(logins)
        pages = [page for login in wanted for page in self._pages.get(login, ())]
        pages += [page for page in self._away.values() if page.person.login in wanted]
        self._fan_out(pages, message, urgent=True)

    def broadcast(self, message: ServerMessage) -> None:
        """Put the message into the outbox of every page of the floor; the offices hear of orders only."""
        self._fan_out((page for page in self._all() if page.person.role in FLOOR), message, urgent=False)

    def tell(
        self, topic: str, message: ServerMessage, *, only: Callable[[Person], bool] | None = None
    ) -> None:
        """Put the message into the outbox of every page that watches this, or of those people's `only`."""
        pages = (page for page in self._all() if topic in page.topics)
        self._fan_out(
            pages if only is None else (page for page in pages if only(page.person)), message, urgent=False
        )

    def resync(self, logins: Iterable[str] | None = None) -> None:
        """Give these people's pages (all by default) a new snapshot, when too much changed at once."""
        wanted = None if logins is None else set(logins)
        for page in self._all():
            if wanted is None or page.person.login in wanted:
                self._resync(page)

    def update_person(self, person: Person) -> None:
        """Let this person's pages know their new name, extension and skills, and show them."""
        for page in self._all():
            if page.person.login == person.login:
                page.person = person
                self._resync(page)

    def close_all(self, code: int) -> None:
        """Ask for every page to be closed."""
        for page in self:
            page.close(code)

    def _all(self) -> Iterator[Page]:
        yield from self
        yield from list(self._away.values())

    def _resync(self, page: Page) -> None:
        if page.wire is None and page.page_id in self._away:
            self.remove(page)  # it gets a snapshot when it comes
        else:
            page.resync()

    def _fan_out(self, pages: Iterable[Page], message: ServerMessage, *, urgent: bool) -> None:
        tail: bytes | None = None
        for page in pages:
            if tail is None:
                tail = tail_of(message)
            if not page.put(tail, urgent=urgent):
                if page.page_id in self._away:
                    self.remove(page)
                elif self._on_resync is not None:
                    self._on_resync()

    # ------------------------------------------------------------ topics

    def watch(self, page: Page, topics: Iterable[str]) -> None:
        """Let the page watch these topics and no others; CommandRefused for what it may not watch."""
        wanted = frozenset(topics)
        if len(wanted) > TOPICS or any(len(topic) > TOPIC_LENGTH for topic in wanted):
            raise CommandRefused(f"一个页面最多关注 {TOPICS} 项")
        told = {topic: self._opening(page.person, topic) for topic in sorted(wanted - page.topics)}
        page.topics = wanted
        for messages in told.values():
            for message in messages:
                page.put(tail_of(message))

    def watched(self, topic: str) -> bool:
        """Tell whether any page watches this."""
        return any(topic in page.topics for page in self._all())

    def looking_at(self, topic: str) -> Iterator[Person]:
        """Return whose pages watch this, once for each page."""
        return (page.person for page in self._all() if topic in page.topics)

    def watching(self) -> frozenset[str]:
        """Return every topic that a page watches."""
        return frozenset().union(*(page.topics for page in self._all()))

    def after_snapshot(self, page: Page) -> None:
        """Tell a page that has just got a snapshot what it watches, from the beginning."""
        for topic in sorted(page.topics):
            try:
                messages = self._opening(page.person, topic)
            except CommandRefused:  # a call that is over by now
                page.topics -= {topic}
                continue
            for message in messages:
                page.put(tail_of(message))

    def _opening(self, person: Person, topic: str) -> tuple[ServerMessage, ...]:
        opening = self.openings.get(topic.partition(":")[0])
        if opening is None:
            raise CommandRefused(f"没有可关注的“{topic[:20]}”")
        if not may_watch(person.role, topic):
            raise CommandRefused("您没有此项权限")
        return tuple(opening(person, topic))
