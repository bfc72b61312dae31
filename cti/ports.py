"""What the web side needs of call control, and call control of the web side; both import only this."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from cti.messages import CorrectionView, HealthView, PageMessage, Role, ServerMessage, Snapshot


class CommandRefused(Exception):
    """A page asked for something that is not possible now; the text is Chinese and is shown to the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A signed-in person."""

    login: str  # unique, also the agent id
    name: str  # 姓名
    role: Role  # what they may do
    extension: str = ""  # telephone extension, "" when none
    skills: dict[str, int] = field(default_factory=dict)  # skill -> level 1..5
    team: str = ""  # 班组
    place: str = ""  # centre where the person sits, "" for the only one
    texts: int = 0  # text conversations at once, beside no voice call
    unit: str = ""  # 承办单位 that the person works for, "" for the hotline itself
    districts: tuple[str, ...] = ()  # 区县 whose orders the person may see, () for all
    confidential: bool = False  # may learn who is behind a confidential order (举报保密)
    viewed_as: str = ""  # role by which personal data is shown (orders.privacy); "" for that of `role`


class Amendable(Protocol):
    """Live captions that people correct and mark."""

    def corrected(self, call_id: str, line_id: str, correction: CorrectionView) -> None:
        """A person wrote something in place of a sentence; nothing for a call that is not live here."""

    def marked(self, call_id: str, line_id: str, *, on: bool) -> None:
        """A person marked a sentence, or took the mark off; nothing for a call that is not live here."""


class Floor(Protocol):
    """Call control, as the web side sees it."""

    async def page_opened(self, person: Person) -> None:
        """The person's first page connected: an agent is signed in (not ready)."""

    async def page_closed(self, person: Person) -> None:
        """The last page of this person is gone (called after a grace period); the agent is lost."""

    async def signed_out(self, person: Person) -> None:
        """The person signed out on purpose."""

    async def person_changed(self, person: Person) -> None:
        """An administrator changed the person's name, extension or skills."""

    def snapshot(self, person: Person) -> Snapshot:
        """The whole truth for this person now."""

    async def command(self, person: Person, message: PageMessage) -> None:
        """Carry one command out, or raise CommandRefused."""

    def health(self) -> HealthView:
        """State of everything the server depends on."""


class Pages(Protocol):
    """The connected pages, as call control sees them. Never blocks; a slow page gets a new snapshot."""

    def send(self, logins: Iterable[str], message: ServerMessage) -> None:
        """To every page of these people."""

    def broadcast(self, message: ServerMessage) -> None:
        """To every page of the hotline's own people, and of those who listen (`cti.roles.FLOOR`)."""
