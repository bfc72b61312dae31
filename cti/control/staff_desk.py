"""班长消息: words of supervisors reach the agents' pages at once, and supervisors see who has read them."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from cti.control.calls import Calls
from cti.control.people import People
from cti.control.supervision_news import note_act
from cti.control.supervision_rights import check
from cti.messages import PageMessage, StaffMessage
from cti.messages_floor import ReadMessage, SendMessage
from cti.ports import CommandRefused, Pages, Person
from cti.roles import STAFF
from cti.staff_messages import StaffMessages
from cti.tasks import end

__all__ = ["StaffDesk"]

log = logging.getLogger(__name__)

KEEP_S = 12 * 3600.0
"""A message that nobody has read stands on the page for so long; the history has all."""

LOOK_S = 5.0
"""How often is looked for what other servers sent and heard read."""

TEXT_MAX = 500
TO_MAX = 200
STORE_S = 3.0


class StaffDesk:
    """Made once for each server; keeps the last hours' messages in memory for pages that open."""

    def __init__(
        self,
        store: StaffMessages,
        *,
        calls: Calls,
        people: People,
        pages: Pages,
        present: Callable[[], Iterable[str]],
        clock: Callable[[], float],
    ) -> None:
        """`present()`: logins of everybody who is signed in anywhere."""
        self._store = store
        self._calls = calls
        self._people = people
        self._pages = pages
        self._present = present
        self._now = clock
        self._recent: dict[str, StaffMessage] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look at the database."""
        self._task = asyncio.create_task(self._look(), name="staff-messages")

    async def stop(self) -> None:
        """Stop looking."""
        await end(self._task)

    # ------------------------------------------------------------ commands

    async def send(self, person: Person, message: PageMessage) -> None:
        """Say something to agents. Raises CommandRefused."""
        check(person, message)
        if not isinstance(message, SendMessage):
            raise CommandRefused("不支持的操作")
        text = message.text.strip()
        if not 1 <= len(text) <= TEXT_MAX:
            raise CommandRefused(f"请填写内容（1 到 {TEXT_MAX} 字）")
        to = tuple(dict.fromkeys(message.to))
        if len(to) > TO_MAX or not all(map(self._reaches, to)):
            raise CommandRefused(f"收件人有误；一次最多 {TO_MAX} 人，更多请发给全体")
        said = StaffMessage(
            message_id=uuid.uuid4().hex, by=person.login, by_name=person.name, to_all=not to, text=text,
            at=self._now(), urgent=message.urgent, to=to,
        )  # fmt: skip
        try:
            async with asyncio.timeout(STORE_S):
                await self._store.add(said)
        except (SQLAlchemyError, OSError, TimeoutError):
            raise CommandRefused("数据库暂时不可用，消息没有发出；急事请用电话") from None
        self._recent[said.message_id] = said
        self._pages.send(set(self._audience(said)) | {person.login}, said)
        whom = {"to": list(to)} if to else {"to_all": True}
        note_act(self._calls, "", person.login, "message", {**whom, "text": text, "urgent": said.urgent})

    async def read(self, person: Person, message: PageMessage) -> None:
        """已读. Raises CommandRefused."""
        check(person, message)
        if not isinstance(message, ReadMessage):
            raise CommandRefused("不支持的操作")
        said = self._recent.get(message.message_id)
        if said is None or not _for(said, person.login):
            raise CommandRefused("这条消息已不在")
        if person.login in said.read_by:
            return
        try:
            async with asyncio.timeout(STORE_S):
                await self._store.read(said.message_id, person.login, self._now())
        except (SQLAlchemyError, OSError, TimeoutError):
            raise CommandRefused("数据库暂时不可用，请稍后再点已读") from None
        self._take(msgspec.structs.replace(said, read_by=(*said.read_by, person.login)))

    def unread(self, login: str) -> tuple[StaffMessage, ...]:
        """What this person has not read of the last hours, oldest first."""
        since = self._now() - KEEP_S
        mine = (one for one in self._recent.values() if one.at >= since and _for(one, login))
        return tuple(_plain(one) for one in mine if login not in one.read_by)

    # ------------------------------------------------------------ other servers, and the past

    async def _look(self) -> None:
        while True:
            try:
                async with asyncio.timeout(STORE_S):
                    found = await self._store.since(self._now() - KEEP_S)
                known = {one.message_id for one in found}
                stale = self._now() - LOOK_S * 2  # what was sent in this moment may not be in the list yet
                self._recent = {
                    key: one for key, one in self._recent.items() if key in known or one.at > stale
                }
                for said in found:
                    self._take(said)
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("staff messages not read", extra={"reason": type(error).__name__})
            await asyncio.sleep(LOOK_S)

    def _take(self, said: StaffMessage) -> None:
        """A message as it is now; its sender is told of new readers."""
        before = self._recent.get(said.message_id)
        self._recent[said.message_id] = said
        if before is not None and set(said.read_by) - set(before.read_by):
            self._pages.send((said.by,), said)

    def _audience(self, said: StaffMessage) -> Iterable[str]:
        if not said.to_all:
            return said.to
        others = {person.login for person in self._people if person.role not in STAFF}
        return set(self._present()) - others

    def _reaches(self, login: str) -> bool:
        """Whether this is one of the hotline's own people."""
        person = self._people.find(login)
        return person is not None and person.role in STAFF


def _for(said: StaffMessage, login: str) -> bool:
    return login != said.by and (said.to_all or login in said.to)


def _plain(said: StaffMessage) -> StaffMessage:
    """As its readers see it: who else reads it is none of their business."""
    return msgspec.structs.replace(said, read_by=(), to=())
