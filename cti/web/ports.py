"""What the web side is given, and what it needs of the orders room."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from acd.callbacks import Callback
from cti.accounts import Accounts
from cti.blocked import BlockedNumbers
from cti.boards import Boards
from cti.callback_records import KeptCallback
from cti.callback_store import CallbackStore
from cti.calls import CallStore
from cti.casework.parts import Casework
from cti.control.citizen_desk import CitizenAccess
from cti.control.desk_parts import DeskParts
from cti.control.editions import EditionKeeper
from cti.control.visit_desk import Campaign, Planned
from cti.figures.load import FactLog
from cti.metrics import Metrics
from cti.ports import Floor, Person
from cti.quality.rounds import Quality
from cti.report_parts import ReportDesk
from cti.settings_view import SettingView
from cti.staff_messages import StaffMessages
from cti.systems import Systems
from cti.transcripts import TranscriptStore
from cti.visit_records import KeptVisit, VisitSwitch
from cti.visit_store import VisitStore
from cti.web.pages import PageHub
from orders.accuracy_load import AccuracyLog
from orders.messages import KnowledgeAnswer
from orders.records import Order, OrderFilter, OrderPage, Sight
from orders.visits import Answers, Visit

__all__ = ["CallbackDesk", "IceServer", "JournalState", "OrderDesk", "PhoneAccount", "VisitDesk", "WebDeps"]


class IceServer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A STUN or TURN server, as a browser takes it."""

    urls: Sequence[str]  # stun:… or turn:…
    username: str = ""
    credential: str = ""


class PhoneAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What a softphone needs to register."""

    extension: str  # telephone extension, also the SIP user
    password: str  # of the SIP user
    ws_url: str  # Asterisk's WebSocket, ws:// or wss://
    sip_domain: str  # right of the @
    ice_servers: Sequence[IceServer] = ()


class OrderDesk(Protocol):
    """The orders room as the web side uses it: `orders.store.OrderStore`, or what stands before it."""

    async def get(self, order_id: str) -> Order: ...

    async def list(self, which: OrderFilter) -> OrderPage: ...

    async def by_call(self, call_id: str) -> tuple[Order, ...]: ...

    async def by_phone(self, phone: str, *, limit: int = ...) -> tuple[Order, ...]: ...

    async def edit(
        self, order_id: str, field: str, value: str, *, agent: str, seen: int | None = None
    ) -> Order: ...

    async def submit(self, order_id: str, agent: str, idempotency_key: str) -> Order: ...

    async def discard(self, order_id: str, agent: str, reason: str) -> Order: ...

    async def link(self, order_id: str, other: str, *, agent: str) -> Order: ...

    async def unlink(self, order_id: str, other: str, *, agent: str) -> Order: ...

    async def merge(self, order_id: str, into: str, *, agent: str) -> Order: ...

    async def undo_merge(self, order_id: str, *, agent: str) -> Order: ...


class CallbackDesk(Protocol):
    """What people do with call-backs (cti.control.callback_desk, which says what each raises)."""

    async def get(self, callback_id: str) -> KeptCallback: ...

    async def create(
        self,
        *,
        number: str,
        queue: str,
        note: str,
        urgent: bool,
        after: float | None,
        by: str,
        call_id: str = ...,
    ) -> Callback: ...

    async def take(self, callback_id: str, agent_id: str) -> Callback: ...

    async def give_up(self, callback_id: str, reason: str, by: str) -> Callback: ...

    async def settle(self, callback_id: str, by: str) -> Callback: ...


class VisitDesk(Protocol):
    """What people do with return visits (cti.control.visit_desk, which says what each raises)."""

    async def get(self, visit_id: str) -> KeptVisit: ...

    async def plan(
        self, order_ids: Sequence[str], *, after: float | None, by: str, sight: Sight | None = ...
    ) -> Planned: ...

    async def plan_matching(
        self, which: OrderFilter, *, most: int, after: float | None, by: str
    ) -> Planned: ...

    async def cancel(self, visit_id: str, reason: str, by: str) -> Visit: ...

    async def settle(self, visit_id: str, answers: Answers, by: str) -> Visit: ...

    async def campaign(self, *, sight: Sight | None = ...) -> Campaign: ...

    async def pause(self, *, paused: bool, by: str) -> VisitSwitch: ...


class JournalState(Protocol):
    """How far the journal is behind the database."""

    @property
    def healthy(self) -> bool: ...

    @property
    def pending(self) -> int: ...

    @property
    def lag_s(self) -> float: ...

    @property
    def rejected(self) -> int: ...


KnowledgeSearch = Callable[[str, str, int], Awaitable[tuple[KnowledgeAnswer, ...]]]
"""Text, area ("" everywhere) and limit -> articles, best first."""


def _accepting() -> bool:
    return True


async def _no_knowledge(_text: str, _area: str, _limit: int) -> tuple[KnowledgeAnswer, ...]:
    return ()


def _no_phone(_person: Person) -> PhoneAccount | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDeps:
    """Everything the web side is given."""

    floor: Floor  # call control
    pages: PageHub  # the connected pages; call control sends through the same one
    accounts: Accounts
    calls: CallStore
    transcripts: TranscriptStore
    accuracy: AccuracyLog  # how right the machine's fields were
    figures: FactLog  # facts that figures are made of
    reports: ReportDesk  # reports: made now, and kept
    quality: Quality  # reviews of talks
    orders: OrderDesk
    journal: JournalState
    metrics: Metrics
    callbacks: CallbackDesk  # what people do with call-backs
    callback_store: CallbackStore  # lists and histories of them
    blocked: BlockedNumbers
    visits: VisitDesk  # what people do with return visits
    visit_store: VisitStore  # lists and histories of them
    staff: StaffMessages  # words of supervisors
    boards: Boards  # alerts, waves of calls, notices, announcements
    desk: DeskParts  # what stands beside a call: who calls, templates, verdicts, words to watch
    knowledge: KnowledgeSearch = _no_knowledge  # finds articles
    casework: Casework | None = None  # the closed loop of accepted orders; None: not served here
    citizen: CitizenAccess = field(default_factory=CitizenAccess)  # the citizens' page; by default none
    editions: EditionKeeper | None = None  # the configuration; None: it is read from files only
    settings: Callable[[], Sequence[SettingView]] = tuple  # those in effect
    systems: Systems | None = None  # tokens, changes, webhooks; None: no other systems
    recordings: Path  # folder that recordings' file names are relative to
    static: Path  # the built desk (index.html and assets/)
    phone_for: Callable[[Person], PhoneAccount | None] = _no_phone  # None: a person without a softphone
    accepting: Callable[[], bool] = _accepting  # False once a graceful stop began
    allowed_origins: frozenset[str] = field(default_factory=frozenset)  # beside the server's own
    trusted_proxies: frozenset[str] = field(default_factory=frozenset)  # addresses whose X-Forwarded-* counts
    secure: bool = False  # always behind TLS: cookies are Secure and browsers are told to insist
    grace_s: float = 8.0  # seconds a person's last page may be gone before page_closed
    recheck_s: float = 10.0  # how often the sessions of open pages are checked
    clock: Callable[[], float] = time.time
