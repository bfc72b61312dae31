"""`hotline serve`: one CTI server, composed of its parts, started and stopped in the right order."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from pathlib import Path

from aiohttp import web
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from acd.cluster import Mode
from acd.cluster_redis import LineBus
from acd.errors import PolicyError
from acd.router import Router
from acd.store import LiveState
from asr.draft import DraftExtractor
from asr.draft_rules import DraftRules
from asr.errors import AsrError
from asr.gazetteer import Gazetteer
from asr.gazetteer_file import load_entries
from cti import audit, learning_parts, machine, supervision_parts
from cti.accounts import Accounts
from cti.agi import AgiLimits, AgiServer
from cti.ami import AmiError, AmiEvent, AmiNodes
from cti.blocked import BlockedNumbers
from cti.call import Call
from cti.callback_store import CallbackStore
from cti.calls import CallStore
from cti.casework import citizen_parts
from cti.casework import parts as casework_parts
from cti.casework.intake_reading import TextReading
from cti.casework.retention_nights import keeper_for
from cti.control import board_parts, callback_parts, desk_parts, edition_parts, rejoin_parts, visit_parts
from cti.control.advice import LiveAdvice
from cti.control.callback_members import Alone, Members, RedisMembers
from cti.control.callers import Callers
from cti.control.calls import Calls, EntryIds
from cti.control.captions import Captions
from cti.control.cluster import Cluster, member_name, take_part
from cti.control.cluster_relay import PageRelay
from cti.control.directory import DirectoryError
from cti.control.directory_shelf import DirectoryShelf
from cti.control.dispatch import Dispatch
from cti.control.floor import CallFloor
from cti.control.handover_post import Handover, WebhookPost
from cti.control.line_parts import LineParts
from cti.control.line_ports import LineSettings
from cti.control.live import LiveCalls
from cti.control.orderdesk import OrderDesk, order_events
from cti.control.orderfront import OrderFront
from cti.control.people import People
from cti.control.phones import Phones
from cti.control.recordings import Recordings
from cti.control.recovery import Recovery
from cti.control.reload import Reload, audit_writer
from cti.control.sharing import Sharing
from cti.control.switchboard import Switchboard
from cti.control.taps import Taps
from cti.control.telephony import Telephony
from cti.control.text_parts import TextParts
from cti.control.visits import FLOW as VISIT_FLOW
from cti.database import migrate, open_engine, writing
from cti.errors import SettingError, StartError
from cti.figures.facts import Rules
from cti.figures.load import FactLog
from cti.gazetteeradmin import city_file
from cti.journal import Journal
from cti.messages import Caption, Entry, EntryKind, HealthView
from cti.metrics import Metrics
from cti.ports import Person
from cti.quality.rounds import Quality
from cti.report_parts import ReportParts
from cti.secrets import Secrets
from cti.settings import Settings
from cti.settings_view import settings_view
from cti.staff_messages import StaffMessages
from cti.takeover import Takeover
from cti.tasks import end
from cti.transcripts import TranscriptStore
from cti.visit_store import VisitStore
from cti.web import system_parts
from cti.web.app import make_app
from cti.web.pages import PageHub
from cti.web.ports import PhoneAccount, WebDeps
from ivr_flows.errors import FlowError
from orders.accuracy_load import AccuracyLog
from orders.store import OrderStore

log = logging.getLogger(__name__)

DESK = Path(__file__).resolve().parent.parent / "agent_desktop" / "dist"
ABSENT_S = 15.0
"""After a start, agents of before whose page has not come back by then are lost."""


DATABASE_LOOK_S = 3.0


class Server:
    """Every part of one CTI server; `start`, then wait, then `stop`."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self.settings = settings
        self._secrets = secrets
        self._tasks: list[asyncio.Task[None]] = []
        self._turn = machine.own_turn(settings)
        self._accepting = False
        self._database_up = False
        self._told_health: HealthView | None = None
        self._compose()

    # ------------------------------------------------------------ composition

    def _compose(self) -> None:
        settings = self.settings
        self.metrics = Metrics()
        self.redis = Redis.from_url(settings.redis_url, socket_timeout=5.0, socket_connect_timeout=2.0)
        self.engine = open_engine(settings.database)
        self.case_policy = edition_parts.open_cases(
            settings, self.engine, self.metrics, changed=lambda: self._health_changed()
        )
        self.order_store = OrderStore(self.engine, policy=self.case_policy.policy)
        self.call_store = CallStore(self.engine, on_order=self._replay_order)
        self.accounts = Accounts(self.engine)
        self.journal = Journal(settings.home / "journal", self.call_store.write)
        self.hub = PageHub(on_resync=self.metrics.page_resyncs.inc)
        alone = len(settings.servers) < 2
        name = member_name(settings.name)
        self.pages = PageRelay(
            self.hub,
            member=name,
            say=lambda word: self.cluster.say_aside(word),
            others=lambda: not alone and self.dispatch.others,
        )
        self.live_calls = LiveCalls(self.redis, settings.prefix, server=settings.name)
        self.live_state = LiveState(self.redis, settings.prefix)
        self.calls = Calls(
            journal=self.journal,
            keeper=self.live_calls,
            pages=self.pages,
            ids=EntryIds(settings.name),
            metrics=self.metrics,
            queue_titles=lambda name: self.reload.policies.title(name),
            names=lambda login: person.name if (person := self.people.find(login)) else login,
        )
        first = edition_parts.first_files(settings)
        self.reload = Reload(
            first.flows,
            first.policy,
            use=lambda policy: self.dispatch.use_policy(policy),
            in_progress=lambda: [
                (one.flow["flow"], one.flow["version"])
                for one in self.calls
                if {"flow", "version"} <= one.flow.keys()
            ],
            metrics=self.metrics,
            write=audit_writer(self.engine),
            changed=self._health_changed,
            kept=settings.home / "in_force",
            manifest=first.manifest,
        )
        directory = DirectoryShelf(first.directory)
        self.editions = edition_parts.compose(
            settings, self.engine, reload=self.reload, directory=directory, cases=self.case_policy
        )
        flows = self.reload.flows
        router = Router(self.reload.policies.policy)
        member = take_part(name, router, self.live_state, alone=alone)
        self.dispatch = Dispatch(router, self.live_state, member=member)
        self.cluster = Cluster(
            self.dispatch,
            LineBus(self.redis, settings.prefix, member.name),
            on_mode=self._mode_changed,
        )
        self.people = People()
        self.nodes = AmiNodes(
            machine.ami_addresses(settings, self._secrets),
            on_event=self._ami_event,
            on_up=self._ami_up,
            on_down=self._ami_down,
        )
        self.phones = Phones(self.nodes)
        self.taps = Taps(
            self.redis,
            prefix=settings.prefix,
            enabled=settings.recognition.enabled,
            metrics=self.metrics,
            on_change=self._health_changed,
            link=self.nodes.link,
        )
        self.orders = OrderDesk(
            self.calls, self.journal.durable, lambda draft: self._draft_changed(draft.order_id)
        )
        self.advice = LiveAdvice(
            self.engine,
            drafts=self.orders,
            call_of=self.calls.find,
            send=lambda logins, view: self.pages.send(logins, view),
            districts_of=self.people.districts_of,
        )
        self.recordings = Recordings(settings.recordings, self._recorded)
        self.telephony = Telephony(
            nodes=self.nodes,
            calls=self.calls,
            dispatch=self.dispatch,
            phones=self.phones,
            people=self.people,
            taps=self.taps,
            orders=self.orders,
            recordings=self.recordings,
            phone_changed=lambda extension: self.floor.phone_changed(extension),
            server=settings.name,
        )
        self.callback_store = CallbackStore(self.engine)
        self.blocked = BlockedNumbers(self.engine, area_code=settings.callbacks.area_code)
        self.members: Members = Alone(settings.name) if alone else self._members()
        self.callbacks = callback_parts.compose(
            settings=settings,
            calls=self.calls,
            dispatch=self.dispatch,
            telephony=self.telephony,
            nodes=self.nodes,
            phones=self.phones,
            people=self.people,
            pages=self.pages,
            store=self.callback_store,
            blocked=self.blocked.blocked,
            queue_titles=self.reload.policies.title,
            turn=self._turn,
            members=self.members,
        )
        self.visits = visit_parts.compose(
            settings=settings,
            calls=self.calls,
            dispatch=self.dispatch,
            telephony=self.telephony,
            dialler=self.callbacks.dialler,
            pages=self.pages,
            captions=lambda: self.captions,
            store=VisitStore(self.engine),
            call_store=self.call_store,
            orders=OrderFront(self.order_store, self.orders),
            blocked=self.blocked.blocked,
            asks=lambda: flows.named(VISIT_FLOW) is not None,
            leads=lambda: self.dispatch.mode is Mode.LEADER,
            redis=self.redis,
        )
        self.boards = board_parts.compose(
            settings,
            engine=self.engine,
            calls=self.calls,
            dispatch=self.dispatch,
            hub=self.hub,
            health=self.health,
            behind_s=lambda: self.journal.lag_s,
            leads=lambda: self.dispatch.mode is Mode.LEADER,
            metrics=self.metrics,
            phones=self.phones,
        )
        self.lines = LineParts(
            calls=self.calls,
            telephony=self.telephony,
            dispatch=self.dispatch,
            taps=self.taps,
            captions=lambda: self.captions,
            orders=self.orders,
            pages=self.pages,
            callers=Callers(self.engine, area_code=settings.callbacks.area_code),
            callbacks=self.callbacks.callbacks,
            recordings=settings.recordings,
            web_requests=machine.web_requests(settings, self._secrets),
            settings=LineSettings(
                announce_every_s=settings.calls.announce_every_s,
                trunks=tuple(trunk.name for trunk in settings.trunks),
            ),
            noted=self.visits.visits.noted,
            announcements=self.boards.announcing,
        )
        self.citizens = citizen_parts.compose(
            self.engine,
            self.order_store,
            self.case_policy.policy,
            lambda: self.case_policy.rules.notices,
            home=settings.home,
            orders=settings.orders,
            notices=settings.notices,
            citizen=settings.citizen,
            area_code=settings.callbacks.area_code,
            secrets=self._secrets,
            planner=self.visits.desk,
            visits_of=self.visits.store.of_orders,
            robot=self.visits.enabled,
            leads=lambda: alone or self.dispatch.mode is Mode.LEADER,
        )
        self.casework = casework_parts.compose(
            self.engine, self.order_store, self.case_policy, hub=self.hub, delivered=self.journal.delivered,
            metrics=self.metrics,
            citizens=self.citizens, advise=self.advice.units_for, transfers=settings.home / "transfers",
            keeper=keeper_for(settings, self.engine),
            leads=lambda: alone or self.dispatch.mode is Mode.LEADER,
        )  # fmt: skip
        self.quality = Quality(self.engine, leads=lambda: alone or self.dispatch.mode is Mode.LEADER)
        self.systems = system_parts.compose(
            settings,
            self.engine,
            self._secrets,
            calls=self.call_store,
            orders=self.order_store,
            leads=lambda: self.dispatch.mode is Mode.LEADER,
            privacy=lambda: self.casework.privacy,
        )
        self.learning = learning_parts.compose(
            settings, self.metrics, leads=lambda: self.dispatch.mode is Mode.LEADER
        )
        self.gazetteer = Gazetteer(load_entries(city_file(settings)))
        extractor = DraftExtractor(DraftRules.load(), self.gazetteer, self.learning.classifier)
        self.captions = Captions(
            self.redis,
            prefix=settings.prefix,
            calls=self.calls,
            extractor=extractor,
            show=self._show_caption,
            suggest=lambda call, found: self.orders.suggest_matters(call.order_id, found),
            heard=self.lines.heard,
            said=self.lines.said,
        )
        self.taps.on_gap = self.captions.take
        self.citizens.intake.reading = TextReading(
            extractor,
            taxonomy=lambda: self.learning.classifier.taxonomy,
            advise=self.advice.units_for,
        )
        self.switchboard = Switchboard(
            calls=self.calls,
            dispatch=self.dispatch,
            telephony=self.telephony,
            flow_for=flows.for_number,
            flow_named=flows.named,
            around=lambda call: self.visits.visits.around(
                call,
                flows.flows.surroundings(called=call.called, caller=call.caller, now=self.calls.now),
            ),
            deps=self.lines.deps,
            server=settings.name,
            fetch=self.live_calls.fetch,
            callbacks=self.callbacks.turns,
            visits=self.visits.visits,
        )
        self.floor = CallFloor(
            calls=self.calls,
            dispatch=self.dispatch,
            switchboard=self.switchboard,
            captions=self.captions,
            orders=self.orders,
            phones=self.phones,
            people=self.people,
            pages=self.pages,
            health=self.health,
        )
        self.floor.advice = self.advice.beside
        self.boards.attach(self.floor)
        self.dispatch.attach(self.floor)
        self.floor.relay = self.pages
        self.pages.captions = self.captions
        self.pages.here = self.floor
        self.cluster.on_side = self.pages.take
        self.lines.attach()
        self.callbacks.attach(self.calls)
        self.visits.attach(self.calls)
        self.floor.reserved_for = self.callbacks.callbacks.book.of_agent
        self.recovery = Recovery(
            calls=self.calls,
            dispatch=self.dispatch,
            telephony=self.telephony,
            recordings=self.recordings,
            has_line=lambda call_id: self.switchboard.line(call_id) is not None,
            accepting=lambda: self._accepting,
            server=settings.name,
            alone=len(settings.servers) < 2,
        )
        self.sharing = Sharing(
            calls=self.calls,
            dispatch=self.dispatch,
            telephony=self.telephony,
            nodes=self.nodes,
            phones=self.phones,
            people=self.people,
            pages=self.pages,
            orders=self.orders,
            captions=self.captions.of_call,
            directory=directory,
            trunk=settings.trunks[0].name if settings.trunks else "",
            outbox=settings.home / "handovers",
            post=WebhookPost(),
            secret=self._secrets.get,
            audit=self._audit_handover,
            server=settings.name,
            alone=len(settings.servers) < 2,
        )
        self.sharing.attach(self.recovery)
        self.rejoining = rejoin_parts.compose(
            settings, sharing=self.sharing, calls=self.calls, telephony=self.telephony, nodes=self.nodes,
            phones=self.phones, people=self.people, pages=self.pages, floor=self.floor,
        )  # fmt: skip
        self.floor.shared = self.sharing
        self.supervising = supervision_parts.compose(
            settings.supervision, server=settings.name, calls=self.calls, dispatch=self.dispatch,
            floor=self.floor, sharing=self.sharing, telephony=self.telephony, recovery=self.recovery,
            nodes=self.nodes, phones=self.phones, people=self.people, pages=self.pages, hub=self.hub,
            orders=self.orders, live=self.live_calls, captions=self.captions, accounts=self.accounts,
            engine=self.engine,
        )  # fmt: skip
        self.takeover = Takeover(
            redis=self.redis,
            prefix=settings.prefix,
            live_calls=self.live_calls,
            live_state=self.live_state,
            calls=self.calls,
            dispatch=self.dispatch,
            people=self.people,
            phones=self.phones,
            orders=self.orders,
            captions=self.captions,
            journal=self.journal,
            order_store=self.order_store,
            transcripts=TranscriptStore(self.engine),
            server=settings.name,
            draft_restored=self._draft_changed,
        )
        self.recovery.adopt = self.takeover.adopt
        self.texting = TextParts(
            settings=settings.citizen, redis=self.redis, prefix=settings.prefix, calls=self.calls,
            dispatch=self.dispatch, orders=self.orders, people=self.people, pages=self.pages,
            journal=self.journal, store=self.call_store, ahead=self.lines.ahead, heard=self.captions.take,
            share=self.sharing.carry_out, brief=self.sharing.brief, adopt=self.takeover.adopt,
            link=lambda: next(iter(self.nodes.links.values())), server=settings.name, member=name,
            phone_address=machine.webrtc_address(settings), media_address=machine.media_address(settings),
            say=self.cluster.say_aside, others=lambda: not alone and self.dispatch.others,
            members=self.members, kept=self.live_calls.everywhere,
        )  # fmt: skip
        self.texting.attach(self.floor)
        self.switchboard.guests = self.texting
        self.cluster.on_side = self._aside
        self.recovery.listed = lambda node, channels, asked: self.taps.compare(
            node, channels, asked, tuple(self.calls)
        )
        self.agi = AgiServer(self.switchboard.serve, limits=AgiLimits(max_sessions=settings.agi.max_calls))
        self.reports = ReportParts(
            settings,
            self.engine,
            leads=lambda: self.dispatch.mode is not Mode.FOLLOWER,
            behind_s=lambda: self.journal.lag_s,
        )
        self._runner = web.AppRunner(make_app(self._web_deps()), access_log=None)

    def _members(self) -> RedisMembers:
        return RedisMembers(
            self.redis,
            self.settings.prefix,
            self.settings.name,
            leads=lambda: self.dispatch.mode is Mode.LEADER,
        )

    def _web_deps(self) -> WebDeps:
        settings = self.settings
        return WebDeps(
            floor=self.floor,
            pages=self.hub,
            accounts=self.accounts,
            calls=self.call_store,
            transcripts=TranscriptStore(self.engine),
            accuracy=AccuracyLog(self.engine),
            reports=self.reports.desk,
            figures=FactLog(self.engine, rules=Rules.of(settings.figures), lag_s=lambda: self.journal.lag_s),
            quality=self.quality,
            orders=OrderFront(self.order_store, self.orders, delivered=self.journal.delivered),
            journal=self.journal,
            metrics=self.metrics,
            systems=self.systems,
            recordings=settings.recordings,
            static=DESK,
            phone_for=self._phone_for,
            callbacks=self.callbacks.desk,
            callback_store=self.callback_store,
            blocked=self.blocked,
            visits=self.visits.desk,
            visit_store=self.visits.store,
            staff=StaffMessages(self.engine),
            editions=self.editions,
            settings=lambda: settings_view(settings),
            boards=self.boards.web,
            knowledge=self.advice.answers,
            casework=self.casework,
            citizen=self.texting.access,
            desk=desk_parts.compose(
                settings=settings,
                engine=self.engine,
                calls=self.calls,
                call_store=self.call_store,
                order_store=self.order_store,
                orders=self.orders,
                captions=self.captions,
                advice=self.advice,
                amendable=self.pages,
                gazetteer=self.gazetteer,
            ),
            accepting=lambda: self._accepting,
            allowed_origins=frozenset(settings.web.origins),
            trusted_proxies=frozenset(settings.web.trusted_proxies),
            secure=bool(settings.web.tls_certificate),
            grace_s=settings.web.page_grace_s,
        )

    # ------------------------------------------------------------ start and stop

    async def start(self) -> None:
        """Start everything; returns when calls are taken. Raises StartError naming the part."""
        await self.journal.start()
        await self._database()
        await self.callbacks.prepare(self.journal.delivered)
        await self.takeover.restore(words=self._database_up)
        self.sharing.start()
        await self.texting.restore()
        self.rejoining.start()
        self.live_calls.start()
        self.live_state.start()
        self.phones.start()
        self.taps.start()
        self.lines.start()
        self.captions.start(await self.takeover.last_transcript())
        self.dispatch.start()
        self.advice.start()
        self.floor.start()
        self.texting.start()
        self.supervising.start()
        try:
            await self.agi.start(self.settings.agi.host, self.settings.agi.port)
        except OSError as error:
            address = f"{self.settings.agi.host}:{self.settings.agi.port}"
            raise StartError(
                "FastAGI", f"{address}: {error.strerror}", "set agi.host and agi.port"
            ) from error
        self.cluster.start()  # only now: whoever of our name led before has let go of this address
        self._accepting = True
        await self.nodes.start()
        self.recovery.start(self.nodes.links.values())
        self.callbacks.keeper.start()
        self.visits.start()
        self.learning.start()
        self.reports.start()
        self.systems.start()
        self.boards.start()
        self.quality.start()
        self.casework.start()
        self.reload.start()
        self.editions.start()
        await self._listen()
        self._tasks.append(asyncio.create_task(self._look_after(), name="look-after"))
        self._tasks.append(asyncio.create_task(self._expire_absent(), name="expire-absent"))
        gc.collect()
        gc.freeze()  # what a server is made of lives as long as it does: full collections need not walk it
        log.info("server started", extra={"server": self.settings.name})

    async def stop(self) -> None:
        """Stop gracefully: no new calls; talking calls go on in Asterisk, waiting ones go elsewhere."""
        log.info("server stopping", extra={"lines": self.switchboard.lines})
        self._accepting = False
        await self.agi.drain()
        await end(*self._tasks)
        await self.callbacks.keeper.stop()
        await self.visits.stop()
        await self.systems.stop()
        await self.learning.stop()
        await self.reports.stop()
        await self.boards.stop()
        await self.quality.stop()
        await self.casework.stop()
        await self.editions.stop()
        await self.reload.stop()
        await self.recovery.stop()
        await self._runner.cleanup()
        await self.agi.close(0.5)
        await self.sharing.stop()
        await self.telephony.stop()
        await self.supervising.stop()
        await self.texting.stop()
        await self.floor.stop()
        await self.dispatch.stop()
        await self.captions.stop()
        await self.advice.stop()
        await self.lines.stop()
        await self.taps.stop()
        await self.phones.stop()
        await self.nodes.stop()
        await self.recordings.stop()
        await self.live_state.stop()
        await self.cluster.stop()
        await self.live_calls.stop()
        await self.journal.close()
        await self.redis.aclose()
        await self.engine.dispose()
        log.info("server stopped")

    async def _listen(self) -> None:
        settings = self.settings.web
        await self._runner.setup()
        tls = None
        if settings.tls_certificate:
            import ssl

            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            try:
                tls.load_cert_chain(settings.tls_certificate, settings.tls_key)
            except OSError as error:  # ssl.SSLError is one
                raise SettingError("web.tls_certificate", settings.tls_certificate, str(error)) from error
        site = web.TCPSite(self._runner, settings.host, settings.port, ssl_context=tls)
        try:
            await site.start()
        except OSError as error:
            raise StartError(
                "web", f"{settings.host}:{settings.port}: {error.strerror}", "set web.host and web.port"
            ) from error

    async def _database(self) -> None:
        """Bring the schema up to date; a database that is away is waited for beside the calls."""
        try:
            async with asyncio.timeout(30):
                await migrate(self.settings.database)
                self._database_up = True
                self.people.meet_all([each.person() for each in await self.accounts.list() if each.active])
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.error(
                "database is away, records are kept in the journal", extra={"reason": type(error).__name__}
            )

    # ------------------------------------------------------------ what the parts say

    def _aside(self, raw: bytes) -> None:
        """A word of another server, beside the line."""
        if not self.texting.relay.take(raw):
            self.pages.take(raw)

    def _ami_event(self, event: AmiEvent) -> None:
        self.metrics.ami_events.labels(node=event.node).inc()
        self.telephony.take(event)
        self.callbacks.dialler.take(event)
        self.rejoining.take(event)
        self.sharing.take(event)
        self.supervising.supervision.take(event)
        self.switchboard.take(event)
        self.taps.take(event)

    async def _ami_up(self, node: str) -> None:
        self.metrics.ami_up.labels(node=node).set(1)
        link = self.nodes.link(node)
        try:
            # whoever set this while we hung or were away: we take calls again
            await link.set_variable("", f"HL_DOWN_{self._turn}", "0")
            for extension in await self.phones.list_contacts(link):
                self.floor.phone_changed(extension)
            await self.recovery.reconcile(link)
        except AmiError as error:
            log.warning("node not resynchronised", extra={"node": node, "reason": type(error).__name__})
        self._health_changed()

    def _ami_down(self, node: str, reason: str) -> None:
        self.metrics.ami_up.labels(node=node).set(0)
        self.metrics.ami_reconnects.labels(node=node).inc()
        log.warning("AMI link down", extra={"node": node, "reason": reason})
        self.phones.node_down(node)
        self._health_changed()

    def _show_caption(self, call: Call, caption: Caption) -> None:
        self.pages.send(call.agents, caption)
        self.supervising.caption(call, caption)

    def _draft_changed(self, order_id: str) -> None:
        draft = self.orders.find(order_id)
        call = self.calls.find(draft.call_id) if draft else None
        if draft is not None and call is not None:
            self.pages.send(call.agents, self.orders.view(draft))
            self.advice.changed(draft)

    def _recorded(self, call_id: str, file: str, seconds: float, size: int) -> None:
        self.calls.note(
            call_id, EntryKind.RECORDING, {"file": file, "seconds": round(seconds, 3), "bytes": size}
        )

    async def _audit_handover(self, handover: Handover) -> None:
        detail = {
            "service": handover.service,
            "number": handover.number,
            "order_id": handover.order_id,
            "handover_id": handover.handover_id,
            "lines": len(handover.transcript),
        }
        async with writing(self.engine) as connection:
            await audit.note(
                connection,
                at=handover.at,
                who=handover.by,
                what="emergency_handover",
                target=handover.call_id,
                detail=detail,
            )

    async def _replay_order(self, entry: Entry) -> None:
        await self.order_store.apply_all(order_events(entry), at=entry.at, event_id=entry.entry_id)

    def _phone_for(self, person: Person) -> PhoneAccount | None:
        if not person.extension:
            return None
        url, domain = machine.webrtc_address(self.settings)
        return PhoneAccount(
            extension=person.extension,
            password=self._secrets.sip_password(person.extension),
            ws_url=url,
            sip_domain=domain,
        )

    # ------------------------------------------------------------ health

    def health(self) -> HealthView:
        """What works and what does not, now."""
        return HealthView(
            redis=self.live_calls.healthy and self.live_state.healthy and self.cluster.healthy,
            database=self._database_up,
            asterisk={name: link.connected for name, link in self.nodes.links.items()},
            captions=self.taps.captions,
            captions_reason=self.taps.reason,
            refused=(*self.reload.refused, *self.case_policy.refused),
        )

    def _mode_changed(self, mode: Mode, epoch: int) -> None:
        for one in Mode:
            self.metrics.line_mode.labels(mode=one.value).set(one is mode)
        self.metrics.line_epoch.set(epoch)

    def _health_changed(self) -> None:
        view = self.health()
        if view != self._told_health:
            if view.captions and not (self._told_health and self._told_health.captions):
                self.telephony.tap_untapped()
            self._told_health = view
            self.pages.broadcast(view)

    async def _look_after(self) -> None:
        """Watch the database and Redis, tell pages of changes, keep gauges."""
        while True:
            await asyncio.sleep(DATABASE_LOOK_S)
            up = self._database_up
            self._database_up = await self._database_answers()
            if self._database_up and not up:
                await self._database()
            await self.live_calls.check()
            self._health_changed()
            self._gauges()

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(2):
                async with self.engine.connect() as connection:
                    await connection.execute(text("select 1"))
        except (SQLAlchemyError, OSError, TimeoutError):
            return False
        return True

    def _gauges(self) -> None:
        metrics = self.metrics
        metrics.calls.clear()
        for call in self.calls:
            metrics.calls.labels(state=call.state.value).inc()
        metrics.agents.clear()
        for agent in self.dispatch.snapshot()[0]:
            metrics.agents.labels(state=agent.state.value).inc()
        metrics.agi_sessions.set(self.agi.counters.active)
        metrics.asr_up.set(1 if self.taps.captions else 0)

    async def _expire_absent(self) -> None:
        """Agents who were at their desks before a restart and have not come back are lost."""
        await asyncio.sleep(ABSENT_S)
        for agent in self.dispatch.snapshot()[0]:
            person = self.people.find(agent.agent_id)
            if person is not None and not self.hub.has(agent.agent_id):
                await self.floor.page_closed(person)


async def serve(settings: Settings, secrets: Secrets) -> int:
    """Run one server until SIGTERM or SIGINT; return the exit status."""
    try:
        server = Server(settings, secrets)
    except PolicyError as error:
        raise SettingError("calls.policy", settings.calls.policy, str(error)) from error
    except DirectoryError as error:
        raise SettingError("calls.directory", settings.calls.directory, str(error)) from error
    except FlowError as error:
        raise SettingError("calls.flows", settings.calls.flows, str(error)) from error
    except AsrError as error:
        raise SettingError("recognition.city", settings.recognition.city, str(error)) from error
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await server.start()
    await stopping.wait()
    await server.stop()
    return 0
