"""Call control without Asterisk and Redis: real calls, router, lines, floor; link and sessions are played.

world = World()
await world.signs_in("li")
session = world.calls_in()
await session.dials.wait()
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from acd.messages import AgentBecameReady, AgentState
from acd.policy import load_policy
from acd.router import Router
from cti.agi import AgiHangup, AgiReply
from cti.ami import AmiDown, AmiEvent, AmiLink, AmiNodes
from cti.call import Call
from cti.control.calls import Calls, EntryIds
from cti.control.captions import Captions
from cti.control.dispatch import Dispatch
from cti.control.floor import CallFloor
from cti.control.line_ports import LineDeps, LineSettings, NoCallers, WebFailed
from cti.control.listening import HeardLeg
from cti.control.orderdesk import OrderDesk
from cti.control.people import People
from cti.control.phones import Phones
from cti.control.recordings import Recordings
from cti.control.recovery import Recovery
from cti.control.switchboard import Switchboard
from cti.control.taps import Taps
from cti.control.telephony import Telephony
from cti.messages import CallState, Entry, HealthView, Role
from cti.metrics import Metrics
from cti.ports import Person
from ivr_flows.loader import SHIPPED_FLOWS, SHIPPED_NUMBERS, load_flows
from ivr_flows.messages import Route
from tests.support.until import until

NODE = "hl1"
SERVER = "server1"


class Book:
    """Journal, live state, recordings and pages: notes what it is given."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.kept: dict[str, Call] = {}
        self.changes: list[object] = []
        self.files: set[str] = set()  # call ids of recordings in two files
        self.expected: list[str] = []  # recordings to be joined
        self.shown: list[object] = []  # messages to some people's pages

    def append(self, entry: Entry) -> None:
        self.entries.append(entry)

    def save(self, kept: Any) -> None:
        if isinstance(kept, Call):
            self.kept[kept.call_id] = kept
        else:
            self.changes.append(kept)

    def forget(self, call_id: str) -> None:
        self.kept.pop(call_id, None)

    def expect(self, call_id: str) -> None:
        """A recording is to be joined."""
        self.expected.append(call_id)

    def unjoined(self, node: str) -> frozenset[str]:
        """Recordings in two files."""
        return frozenset(self.files)

    def send(self, logins: object, message: object) -> None:
        """To pages."""
        self.shown.append(message)

    def broadcast(self, message: object) -> None:
        """To all pages."""


class PlayedLink:
    """One node's AMI link: what was asked of it, and what it lists."""

    def __init__(self) -> None:
        self.name = NODE
        self.connected = True
        self.asked: list[tuple[str, ...]] = []
        self.channels: list[dict[str, str]] = []
        self.alive = True  # what is said of a channel that is asked for
        self.on_key: Callable[[str, str], None] = lambda channel, key: None

    def _take(self, *what: str) -> None:
        if not self.connected:
            raise AmiDown("played")
        self.asked.append(what)

    async def action(self, name: str, fields: Mapping[str, str]) -> None:
        self._take(name, *fields.values())

    async def play_dtmf(self, channel: str, key: str, *, receive: bool) -> None:
        self._take("dtmf", channel, key, str(receive))
        self.on_key(channel, key)

    async def hangup(self, channel: str) -> None:
        self._take("hangup", channel)

    async def redirect(self, channel: str, context: str, exten: str) -> None:
        self._take("redirect", channel, context, exten)

    async def get_variable(self, channel: str, name: str) -> str:
        self._take("variable", channel, name)
        return channel if self.alive else ""

    async def queue_add(self, queue: str, interface: str, *, member_name: str, paused: bool) -> None:
        self._take("add", interface, str(paused))

    async def queue_remove(self, queue: str, interface: str) -> None:
        self._take("remove", interface)

    async def listing(
        self, name: str, fields: Mapping[str, str], *, deadline: float = 10.0
    ) -> tuple[AmiEvent, ...]:
        self._take("list", name)
        if name != "CoreShowChannels":
            return ()
        return tuple(AmiEvent("CoreShowChannel", MappingProxyType(one), NODE) for one in self.channels)


class PlayedSession:
    """One AGI session; prompts end at once, a Dial when the test says how."""

    def __init__(self, call_id: str, stage: str, started: float) -> None:
        self.args = (stage, f"{started:.3f}", "12345")
        self.uniqueid = self.call_id = call_id
        self.channel = f"PJSIP/trunk-{call_id}"
        self.caller_number = "13800000001"
        self.called_number = "12345"
        self.hung_up = asyncio.Event()
        self.variables: dict[str, str] = {}
        self.played: list[str] = []
        self.recorded: list[str] = []  # files
        self.dials = asyncio.Event()  # a Dial is under way
        self.targets = ""
        self._dial: asyncio.Future[str] | None = None
        self.keys: dict[str, str] = {}  # prompt -> key pressed at it
        self.on_key: Callable[[str, str], None] = lambda channel, key: None  # AMI's word of it
        self.escaped = asyncio.Event()  # a key of our own ended what was played or waited for

    def end_dial(self, status: str) -> None:
        """Let Dial return with this DIALSTATUS."""
        assert self._dial is not None
        self.dials.clear()
        self._dial.set_result(status)

    def hang_up(self) -> None:
        """The channel is gone, or taken away."""
        self.hung_up.set()
        if self._dial is not None and not self._dial.done():
            self._dial.set_exception(AgiHangup("played"))

    def _here(self) -> None:
        if self.hung_up.is_set():
            raise AgiHangup("played")

    async def answer(self) -> None:
        self._here()

    async def stream_file(self, name: str, keys: str = "") -> str | None:
        await asyncio.sleep(0)
        self._here()
        self.played.append(name)
        key = self.keys.get(name)
        if key is not None:
            self.on_key(self.channel, key)
        return key if key is not None and key in keys else None

    async def wait_for_digit(self, timeout_ms: int) -> str | None:
        self._here()
        await asyncio.sleep(min(timeout_ms / 1000, 0.005))
        self._here()
        return None

    async def record_file(
        self, name: str, ending: str, escape_digits: str, *, timeout_ms: int, silence_s: int = 0
    ) -> str | None:
        """Ends at once; what a test wants in the file it writes itself."""
        self._here()
        self.recorded.append(f"{name}.{ending}")
        return None

    async def set_variable(self, name: str, value: str) -> None:
        self._here()
        self.variables[name] = value

    async def get_variable(self, name: str) -> str | None:
        self._here()
        return self.variables.get(name)

    async def exec_app(self, app: str, *args: str) -> AgiReply:
        self._here()
        self.targets = args[0]
        self._dial = asyncio.get_running_loop().create_future()
        self.dials.set()
        self.variables["DIALSTATUS"] = await self._dial
        return AgiReply(code=200)

    async def set_music(self, on: bool, music_class: str) -> None:
        self._here()

    async def hangup(self) -> None:
        self._here()


class World:
    """One server's call control and everything it talks to."""

    def __init__(
        self,
        *,
        stored: Mapping[str, Call] = MappingProxyType({}),
        alone: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`stored`: what the live state has of calls of other servers."""
        self.book = Book()
        self.link = PlayedLink()
        self.clock = clock
        nodes = cast("AmiNodes", _Nodes(self.link))
        policy = load_policy()
        self.calls = Calls(
            journal=self.book,
            keeper=self.book,
            pages=self.book,
            ids=EntryIds(SERVER),
            metrics=Metrics(),
            queue_titles=str,
            clock=clock,
        )
        self.router = Router(policy)
        self.dispatch = Dispatch(self.router, self.book, clock)
        self.people = People()
        self.phones = Phones(nodes)
        self.orders = OrderDesk(self.calls, _durable, lambda _: None, clock)
        recordings = cast("Recordings", self.book)
        self.telephony = Telephony(
            nodes=nodes,
            calls=self.calls,
            dispatch=self.dispatch,
            phones=self.phones,
            people=self.people,
            taps=cast("Taps", _NoTaps()),
            orders=self.orders,
            recordings=recordings,
            phone_changed=lambda _: None,
            server=SERVER,
        )
        flows = load_flows(SHIPPED_FLOWS, SHIPPED_NUMBERS)

        async def fetch(call_id: str) -> Call | None:
            return stored.get(call_id)

        self.outside = PlayedOutside()
        self.deps = LineDeps(
            calls=self.calls,
            phones=self.telephony,
            router=self.dispatch,
            callers=NoCallers(),
            callbacks=self.outside,
            ears=self.outside,
            ahead=self.outside,
            web=self.outside,
            messages=self.outside,
            settings=LineSettings(announce_every_s=0, trunks=("city", "spare"), key_news_s=0.05),
            beside=lambda work, what, call_id: self.telephony.beside(cast("Any", work), what, call_id),
        )
        self.switchboard = Switchboard(
            calls=self.calls,
            dispatch=self.dispatch,
            telephony=self.telephony,
            flow_for=flows.for_number,
            flow_named=lambda name, version: flows.version(name, version) or flows.named(name),
            around=lambda call: flows.surroundings(
                called=call.called, caller=call.caller, now=self.calls.now
            ),
            deps=self.deps,
            server=SERVER,
            fetch=fetch,
        )
        self.link.on_key = self.presses
        self.floor = CallFloor(
            calls=self.calls,
            dispatch=self.dispatch,
            switchboard=self.switchboard,
            captions=cast("Captions", _NoCaptions()),
            orders=self.orders,
            phones=self.phones,
            people=self.people,
            pages=self.book,
            health=lambda: HealthView(redis=True, database=True),
            clock=clock,
        )
        self.dispatch.attach(self.floor)
        self.recovery = Recovery(
            calls=self.calls,
            dispatch=self.dispatch,
            telephony=self.telephony,
            recordings=recordings,
            has_line=lambda call_id: self.switchboard.line(call_id) is not None,
            accepting=lambda: True,
            server=SERVER,
            alone=alone,
            clock=clock,
        )
        self._calls_made = 0
        self._sessions: list[asyncio.Task[None]] = []

    # ------------------------------------------------------------ what happens

    async def signs_in(self, login: str, *, ready: bool = True) -> Person:
        """An agent opens the page, and takes calls."""
        person = agent(login, extension=f"80{len(login):02d}")
        await self.floor.page_opened(person)
        if ready:
            self.dispatch.tell(AgentBecameReady(agent_id=login))
        return person

    def calls_in(
        self, *, call_id: str = "", stage: str = "enter", started: float | None = None
    ) -> PlayedSession:
        """Asterisk hands a call over."""
        now = self.clock()
        self._calls_made += 1
        session = PlayedSession(
            call_id or f"{NODE}-{int(now)}.{self._calls_made}", stage, now if started is None else started
        )
        session.on_key = self.presses
        self._sessions.append(asyncio.create_task(self._serve(session)))
        return session

    async def _serve(self, session: PlayedSession) -> None:
        with suppress(AgiHangup):
            await self.switchboard.serve(cast("Any", session))

    def says(self, name: str, **fields: str) -> None:
        """Asterisk tells of an event."""
        event = AmiEvent(name, MappingProxyType(fields), NODE)
        self.telephony.take(event)
        self.switchboard.take(event)

    def presses(self, channel: str, key: str) -> None:
        """Asterisk tells of a key on a citizen's channel."""
        call_id = channel.removeprefix("PJSIP/trunk-")
        self.says("DTMFEnd", Uniqueid=call_id, Digit=key, Direction="Received")

    def answers(self, session: PlayedSession) -> None:
        """The dialled telephone is picked up, and Asterisk says so."""
        channel = f"{session.targets.split('&')[0]}-0001"
        self.says(
            "DialEnd", Uniqueid=session.uniqueid, DestChannel=channel, DestUniqueid="x", DialStatus="ANSWER"
        )

    def lists(self, session: PlayedSession, **more: str) -> None:
        """The citizen's channel is in Asterisk's list."""
        fields = {"Channel": session.channel, "Uniqueid": session.uniqueid, "Context": "hotline"}
        self.link.channels.append({**fields, **more})

    async def reconcile(self) -> None:
        """Recovery looks at the node."""
        await self.recovery.reconcile(cast("AmiLink", self.link))

    # ------------------------------------------------------------ what is seen

    def state(self, session: PlayedSession) -> CallState | None:
        """The call's state, None when it is not known (any more)."""
        call = self.calls.find(session.uniqueid)
        return call.state if call else None

    def agent_is(self, login: str) -> AgentState | None:
        """The agent's state."""
        record = self.router.agent(login)
        return record.state if record else None

    async def waits(self, session: PlayedSession) -> None:
        """Return when the caller is in line."""
        await self.comes(lambda: self.state(session) is CallState.WAITING)
        await self.comes(lambda: self.telephony.in_line(session.uniqueid))

    async def comes(self, true: Callable[[], bool]) -> None:
        """Return when this has become true."""
        await until(true)

    async def end(self) -> None:
        """End what still runs."""
        for task in self._sessions:
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        await self.telephony.stop()
        await self.phones.stop()


def agent(login: str, *, extension: str = "8001", skills: Mapping[str, int] | None = None) -> Person:
    """An agent for general calls."""
    return Person(
        login=login,
        name=login,
        role=Role.AGENT,
        extension=extension,
        skills=dict({"general": 3} if skills is None else skills),
    )


class PlayedOutside:
    """Everything outside a line: no recogniser, no other systems; notes what it is asked for."""

    def __init__(self) -> None:
        self.able = False  # a recogniser has room
        self.hearings: list[HeardLeg] = []
        self.wishes: list[dict[str, object]] = []
        self.places: dict[str, float] = {}  # caller -> since when they count as waiting
        self.asked: list[str] = []
        self.answers: dict[str, dict[str, str]] = {}  # request -> facts
        self.message_s = 0.0  # seconds of whatever is recorded
        self.talks = False  # somebody is in the middle of a sentence

    async def tap(self, call: Call) -> bool:
        self.asked.append("tap")
        return self.able

    async def listen(self, call: Call) -> HeardLeg | None:
        if not self.able:
            return None
        self.hearings.append(HeardLeg(call.call_id))
        return self.hearings[-1]

    def close(self, hearing: HeardLeg) -> None:
        self.hearings.remove(hearing)

    async def stop(self, call: Call) -> None:
        self.asked.append("stop")

    def speaking(self, call_id: str) -> bool:
        return self.talks

    def invited(self, call_id: str) -> None:
        self.asked.append("invited")

    def withdrawn(self, call_id: str) -> None:
        """Nothing is said in line any more."""

    def wanted(self, **wish: object) -> None:
        self.wishes.append(wish)

    def place_of(self, call: Call) -> float | None:
        return self.places.get(call.caller)

    def route(self, call: Call, action: Route) -> Route:
        return action

    async def ask(self, name: str, values: Mapping[str, str], within_s: float) -> Mapping[str, str]:
        self.asked.append(name)
        if name not in self.answers:
            raise WebFailed(f"web request {name}: not_allowed")
        return self.answers[name]

    def place(self, call: Call) -> Path:
        return Path("/recordings") / f"{call.call_id}-message-1"

    async def keep(self, call: Call, recorded: Path, purpose: str) -> float:
        self.asked.append(purpose)
        return self.message_s


class _Nodes:
    def __init__(self, link: PlayedLink) -> None:
        self.links = {link.name: link}

    def link(self, name: str) -> PlayedLink:
        return self.links[name]


class _NoTaps:
    async def tap(self, link: object, **leg: object) -> None:
        return

    async def end_leg(self, call: object, uniqueid: str) -> None:
        return


class _NoCaptions:
    def forget(self, call_id: str) -> None:
        """Nothing is known."""

    def of_call(self, call_id: str) -> tuple[()]:
        return ()


async def _durable(entry: Entry) -> None:
    return
