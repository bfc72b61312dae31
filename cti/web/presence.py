"""Who is at their desk: tells call control when a person's first page comes and their last one is gone."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from cti.faults import fault_site
from cti.ports import Floor, Person
from cti.sessions import Session
from cti.web.pages import PageHub

__all__ = ["Presence"]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Seat:
    person: Person
    pages: int = 0
    here: bool = False  # call control was told
    leaving: asyncio.Task[None] | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # call control hears one thing at a time


class Presence:
    """Counts pages per person. A reload closes a page and opens another; the grace time bridges that."""

    def __init__(self, floor: Floor, *, grace_s: float) -> None:
        self._floor = floor
        self._grace_s = grace_s
        self._seats: dict[str, _Seat] = {}
        self._stopping = False

    async def opened(self, person: Person) -> None:
        """A page of this person connected; returns when call control knows them."""
        seat = self._seats.setdefault(person.login, _Seat(person))
        seat.person = person
        seat.pages += 1
        if seat.leaving is not None:
            seat.leaving.cancel()
            seat.leaving = None
        async with seat.turn:
            if not seat.here:
                await self._floor.page_opened(person)
                seat.here = True

    def closed(self, person: Person) -> None:
        """A page of this person is gone; after the last one the grace time begins."""
        seat = self._seats.get(person.login)
        if seat is None:
            return
        seat.pages -= 1
        if seat.pages <= 0 and not self._stopping:
            seat.leaving = asyncio.create_task(self._leave(person.login, seat))

    async def signed_out(self, person: Person) -> None:
        """The person signed out on purpose: call control is told at once, without the grace time."""
        seat = self._seats.get(person.login)
        if seat is None:
            await self._floor.signed_out(person)
            return
        if seat.leaving is not None:
            seat.leaving.cancel()
            seat.leaving = None
        async with seat.turn:
            seat.here = False
            await self._floor.signed_out(person)

    async def close_session(self, hub: PageHub, session: Session, code: int) -> None:
        """Close the pages of an ended session; its person is signed out unless another session is open."""
        others = False
        for page in hub:
            if page.session == session.token_hash:
                page.close(code)
                hub.remove(page)
            elif page.person.login == session.person.login:
                others = True
        if not others:
            await self.signed_out(session.person)

    async def stop(self) -> None:
        """Stop telling: pages that close now do so because the server stops; their people will be back."""
        self._stopping = True
        tasks = [seat.leaving for seat in self._seats.values() if seat.leaving is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _leave(self, login: str, seat: _Seat) -> None:
        await asyncio.sleep(self._grace_s)
        seat.leaving = None  # from here on it is carried through
        async with seat.turn:
            if seat.pages > 0:
                return
            if seat.here:
                seat.here = False
                try:
                    await self._floor.page_closed(seat.person)
                except Exception as error:
                    log.error("call control failed to take a lost page", extra={"fault": fault_site(error)})
            if seat.pages == 0 and self._seats.get(login) is seat:
                del self._seats[login]
