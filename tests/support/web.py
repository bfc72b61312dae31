"""A web server under test: the real application and stores, with call control played by the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from argon2 import PasswordHasher
from sqlalchemy.ext.asyncio import AsyncEngine

from acd import callbacks as life
from acd.callbacks import Callback, Origin, Wish
from acd.phone_numbers import read_number
from cti.accounts import Accounts
from cti.alert_store import AlertStore
from cti.announcements import Announcements
from cti.blocked import BlockedNumbers
from cti.boards import SHIPPED_MAP, Boards
from cti.bulletins import Bulletins
from cti.burst_store import BurstStore
from cti.callback_records import KeptCallback, data_of
from cti.callback_store import CallbackStore
from cti.calls import CallStore
from cti.changes import ChangeLog
from cti.control.bursts import BurstWatch
from cti.control.callback_desk import UnknownCallback
from cti.figures.facts import Rules
from cti.figures.load import FactLog
from cti.idempotency import KeptAnswers
from cti.messages import AgentView, Entry, EntryKind, HealthView, PageMessage, QueuesView, Role, Snapshot
from cti.metrics import Metrics
from cti.ports import Person
from cti.quality.rounds import Quality
from cti.report_parts import ReportDesk
from cti.reports.archive import ReportArchive
from cti.reports.room import ReportRoom
from cti.staff_messages import StaffMessages
from cti.systems import Systems
from cti.tokens import TokenStore
from cti.transcripts import TranscriptStore
from cti.web import PageHub, PhoneAccount, WebDeps, make_app
from cti.webhook_post import AddressRules, HookPost
from cti.webhook_sender import WebhookSender
from cti.webhooks import HookEvent, WebhookStore
from ivr_flows.speech import AUDIO, MANIFEST
from orders.accuracy_load import AccuracyLog
from orders.bursts import BurstPolicy
from orders.store import OrderStore
from tests.support.desk_parts import desk_parts
from tests.support.visits import VisitWorld

__all__ = [
    "PASSWORD",
    "QUICK_HASHER",
    "Clock",
    "FakeFloor",
    "FakeJournal",
    "Site",
    "open_site",
    "systems_for",
]

PASSWORD = "correct horse 12345"
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Weak on purpose: tests sign in hundreds of times."""


class Clock:
    """A clock that tests set."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class FakeFloor:
    """Call control that notes what it hears."""

    heard: list[tuple[str, str]] = field(default_factory=list)  # what, login
    commands: list[PageMessage] = field(default_factory=list)
    refuse: Exception | None = None  # raised by every command
    state: str = "not_ready"  # of every agent
    asterisk: dict[str, bool] = field(default_factory=lambda: {"a": True})
    redis: bool = True
    database: bool = True
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def page_opened(self, person: Person) -> None:
        self._note("opened", person)

    async def page_closed(self, person: Person) -> None:
        self._note("closed", person)

    async def signed_out(self, person: Person) -> None:
        self._note("signed_out", person)

    async def person_changed(self, person: Person) -> None:
        self._note("changed", person)

    def snapshot(self, person: Person) -> Snapshot:
        me = AgentView(
            agent_id=person.login,
            name=person.name,
            role=person.role,
            extension=person.extension,
            state=self.state,
        )
        return Snapshot(me=me, health=self.health(), queues=QueuesView(queues=()))

    async def command(self, person: Person, message: PageMessage) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.commands.append(message)

    def health(self) -> HealthView:
        return HealthView(redis=self.redis, database=self.database, asterisk=self.asterisk, captions=True)

    async def until(self, what: str, login: str) -> None:
        """Wait until call control heard this."""
        async with asyncio.timeout(30):
            while (what, login) not in self.heard:
                self.news.clear()
                await self.news.wait()

    def _note(self, what: str, person: Person) -> None:
        self.heard.append((what, person.login))
        self.news.set()


@dataclass(slots=True)
class FakeCallbackDesk:
    """Call-backs as people move them; writes what it is asked for as call control would."""

    store: CallStore
    callbacks: CallbackStore
    refuse: Exception | None = None  # raised by every move
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def get(self, callback_id: str) -> KeptCallback:
        kept = await self.callbacks.get(callback_id)
        if kept is None:
            raise UnknownCallback(callback_id)
        return kept

    async def create(
        self,
        *,
        number: str,
        queue: str,
        note: str,
        urgent: bool,
        after: float | None,
        by: str,
        call_id: str = "",
    ) -> Callback:
        wish = Wish(
            origin=Origin.PERSON,
            number=read_number(number),
            queue=queue,
            since=1.0,
            note=note,
            by=by,
            call_id=call_id,
        )
        callback = life.wanted(f"cb{len(self.asked)}", replace(wish, urgent=urgent), 1.0)
        return await self._write("create", callback)

    async def take(self, callback_id: str, agent_id: str) -> Callback:
        callback = (await self.get(callback_id)).callback
        return await self._write("take", life.reserved(callback, agent_id, 2.0))

    async def give_up(self, callback_id: str, reason: str, by: str) -> Callback:
        callback = (await self.get(callback_id)).callback
        return await self._write("give_up", life.given_up(callback, reason, by, 2.0))

    async def settle(self, callback_id: str, by: str) -> Callback:
        callback = (await self.get(callback_id)).callback
        return await self._write("settle", life.by_person(callback, by, 2.0))

    async def _write(self, what: str, callback: Callback) -> Callback:
        if self.refuse is not None:
            raise self.refuse
        self.asked.append((what, callback.callback_id))
        entry = Entry(
            entry_id=f"{len(self.asked):08d}",
            call_id=callback.callback_id,
            at=float(len(self.asked)),
            kind=EntryKind.CALLBACK,
            data=data_of(what, callback, "server1"),
        )
        await self.store.write([entry])
        return callback


@dataclass(slots=True)
class FakeJournal:
    healthy: bool = True
    pending: int = 0
    lag_s: float = 0.0
    rejected: int = 0


@dataclass(slots=True)
class Site:
    """A running server, and a browser for each person."""

    deps: WebDeps
    floor: FakeFloor
    url: str
    runner: web.AppRunner
    _browsers: list[aiohttp.ClientSession] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return self.url

    async def add(
        self, login: str, role: Role = Role.AGENT, extension: str = "", skills: dict[str, int] | None = None
    ) -> None:
        """Create an account with the password of all tests."""
        await self.deps.accounts.create(
            by="system",
            login=login,
            name="测试员",
            role=role,
            password=PASSWORD,
            extension=extension,
            skills=skills,
        )

    def browser(self, *, origin: str | None = None) -> aiohttp.ClientSession:
        """Return a client with a cookie jar that sends Origin like a browser on our own pages."""
        browser = aiohttp.ClientSession(
            self.url,
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            headers={"Origin": self.origin if origin is None else origin},
        )
        self._browsers.append(browser)
        return browser

    async def signed_in(self, login: str) -> aiohttp.ClientSession:
        """Return a browser in which this person signed in."""
        browser = self.browser()
        async with browser.post("/api/login", json={"login": login, "password": PASSWORD}) as response:
            if response.status != 200:
                raise RuntimeError(f"sign-in failed: {response.status} {await response.text()}")
        return browser

    async def close(self) -> None:
        for browser in self._browsers:
            await browser.close()
        await self.runner.cleanup()


@asynccontextmanager
async def open_site(
    engine: AsyncEngine, folder: Path, address: str, *, clock: Clock | None = None, **more: object
) -> AsyncIterator[Site]:
    """Run the application at `address` on a migrated database; `more` are fields of WebDeps."""
    clock = clock or Clock()
    floor = FakeFloor()
    metrics = Metrics()
    world = VisitWorld(engine, clock=clock)
    given: dict[str, Any] = {
        "floor": floor,
        "pages": PageHub(on_resync=metrics.page_resyncs.inc),
        "accounts": Accounts(engine, clock=clock, hasher=QUICK_HASHER),
        "calls": CallStore(engine),
        "transcripts": TranscriptStore(engine, clock=clock),
        "accuracy": AccuracyLog(engine),
        "figures": FactLog(engine),
        "reports": ReportDesk(
            room=ReportRoom(engine.url.render_as_string(hide_password=False), Rules()),
            archive=ReportArchive(engine),
        ),
        "quality": Quality(engine, leads=lambda: True, clock=clock),
        "orders": OrderStore(engine, clock=clock),
        "callbacks": FakeCallbackDesk(CallStore(engine), CallbackStore(engine)),
        "callback_store": CallbackStore(engine),
        "blocked": BlockedNumbers(engine, clock=clock),
        "visits": world.desk,
        "desk": desk_parts(engine),
        "visit_store": world.store,
        "staff": StaffMessages(engine),
        "boards": boards_for(engine, clock),
        "journal": FakeJournal(),
        "metrics": metrics,
        "recordings": folder / "recordings",
        "static": folder / "desk",
        "phone_for": phone_for,
        "clock": clock,
        "grace_s": 0.2,
        "recheck_s": 0.05,
    }
    given["systems"] = systems_for(engine, clock)
    deps = WebDeps(**{**given, **more})
    runner = web.AppRunner(make_app(deps), access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    await web.TCPSite(runner, address, 0).start()
    port = runner.addresses[0][1]
    site = Site(deps=deps, floor=floor, url=f"http://{address}:{port}", runner=runner)
    try:
        yield site
    finally:
        await site.close()


def boards_for(engine: AsyncEngine, clock: Clock) -> Boards:
    """Alerts, waves, notices and announcements on the database, with one queue and nobody who looks."""
    waves = BurstStore(engine, clock)
    bursts = BurstWatch(
        waves, BurstPolicy(), pages=PageHub(), journal=NoJournal(), leads=lambda: False, clock=clock
    )
    return Boards(
        alerts=AlertStore(engine, clock),
        bursts=bursts.store,
        linking=bursts,
        bulletins=Bulletins(engine, clock),
        announcements=Announcements(engine, has_prompt=lambda key: key == "greeting", clock=clock),
        queues=lambda: (("general", "综合"),),
        prompts=AUDIO,
        manifest=MANIFEST,
        city_map=SHIPPED_MAP,
    )


class NoJournal:
    """Notes are kept for tests to read."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, EntryKind, Mapping[str, object]]] = []

    def note(self, call_id: str, kind: EntryKind, data: Mapping[str, object]) -> object:
        """Keep one."""
        self.noted.append((call_id, kind, data))
        return None


def systems_for(engine: AsyncEngine, clock: Clock, *, days: float = 3.0) -> Systems:
    """What other systems use, where webhooks may go to this machine; its sender is not started."""
    store = WebhookStore(engine, key=lambda: "key of all webhooks", clock=clock)
    post = HookPost(AddressRules(["127.0.0.0/8"]), deadline_s=5.0, clock=clock)

    async def describe(event: HookEvent) -> object:
        return {"ref": event.ref}

    return Systems(
        tokens=TokenStore(engine, clock=clock),
        answers=KeptAnswers(engine, clock=clock),
        changes=ChangeLog(engine),
        webhooks=store,
        sender=WebhookSender(store, post, describe, leads=lambda: True, days=days, clock=clock, look_s=0.01),
        post=post,
    )


def phone_for(person: Person) -> PhoneAccount | None:
    """Give everybody with an extension a softphone."""
    if not person.extension:
        return None
    return PhoneAccount(
        extension=person.extension,
        password="sip-secret",
        ws_url="ws://127.0.0.1:8088/ws",
        sip_domain="127.0.0.1",
    )


async def read_json(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """Return the next message of a page's socket."""
    text = await socket.receive_str(timeout=30)
    message: dict[str, Any] = msgspec.json.decode(text)
    return message
