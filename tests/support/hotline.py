"""A whole real hotline for tests: Asterisk, Valkey, server, watchdog, telephones, and desks that reconnect.

    async with running_hotline(block) as hotline:
        await hotline.ready(1)
        citizen = hotline.citizen("13800000001")
        await hotline.dial(citizen)
        await citizen.hears_agent()

Every address is of one loopback block, every file in one temporary folder. Telephones are played from here
over the simulated network, so that whether a caller has reached a person is never the server's own word: the
agent's telephone presses a key until the citizen's has heard it. With HOTLINE_TEST_KEEP=1 in the environment
the folder (logs, recordings, database) stays for a look at it.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import signal
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from redis.asyncio import Redis
from redis.exceptions import RedisError

from acd.messages import AgentRecord, AgentState
from acd.store import LiveState
from cti.agi import AgiSession
from cti.ami import AmiError
from cti.call import Call
from cti.control.live import LiveCalls
from cti.control.phones import DESK_SUFFIX
from cti.demo.desk import DeskCall, DeskFailed, HeadlessDesk
from cti.demo.network import Network, be_silent, sound
from cti.demo.people import DemoAccount, demo_accounts, ensure_accounts
from cti.launcher import Stack, Steps
from cti.messages import (
    CallbackView,
    CallState,
    CallView,
    DraftView,
    FinishWrapUp,
    HealthView,
    NotReady,
    Ready,
    Role,
    ServerMessage,
    Snapshot,
    TextLine,
)
from cti.settings import Settings, load
from tests.support.asterisk import CACHE
from tests.support.loopback import LoopbackBlock
from tests.support.until import until

LIMIT_S = 45.0
"""Whatever a test waits for comes within this time, also on a busy machine; most of it within one second."""

INSTANCE = "test"

CONFIG = """
home = "{home}"
cache = "{cache}"
redis_url = "{redis_url}"
database_url = "{database_url}"

[web]
host = "{server}"

[agi]
host = "{server}"

[recognition]
enabled = {captions}
model = "{model}"
host = "{server}"
processes = {asr_processes}
city = "{city}"

[calls]
policy = "{policy}"
flows = "{flows}"
numbers = "{numbers}"
announce_every_s = {announce_every_s}

[agents]
extensions = "8001-8006"
auto_answer_people = ["auto"]
rejoin_s = 8
media_lost_s = 4

[[trunks]]
name = "city"
host = "{trunk}"
"""

OWN_ASTERISK = """
[asterisk]
bind = "{asterisk}"
"""

TOLD_ASTERISK = """
[asterisk]
embedded = false

[[asterisk.nodes]]
name = "hl1"
host = "{proxy}"
"""

QUEUES = {"general": "综合", "enterprise": "企业服务专席", "social_security": "社保", "dialect": "方言"}
WRAP_UP_S = 120


def policy_of(ring_limit_s: float) -> str:
    """A routing policy with the shipped flow's queues and a ring limit of its own."""
    named = [{"name": name, "title": title} for name, title in QUEUES.items()]
    skills = [one | {"kind": "language" if one["name"] == "dialect" else "skill"} for one in named]
    queues = [
        one | {"needs": {one["name"]: 1}, "ring_limit_s": ring_limit_s, "wrap_up_s": WRAP_UP_S}
        for one in named
    ]
    policy = {"skills": skills, "queues": queues, "default_queue": "general"}
    return yaml.safe_dump(policy, allow_unicode=True)


class Wire:
    """A TCP way from `address` to a listener behind it, which can be cut and mended."""

    def __init__(self, address: str, target: str, port: int) -> None:
        self._address, self._target, self._port = address, target, port
        self._server: asyncio.Server | None = None
        self._whole = True
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Begin to pass bytes on."""
        self._server = await asyncio.start_server(self._accept, self._address, self._port)

    async def stop(self) -> None:
        """End it and all it carries."""
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def cut(self) -> None:
        """Drop every connection and accept none."""
        self._whole = False
        for writer in tuple(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        """Accept connections again."""
        self._whole = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        try:
            inner_reader, inner_writer = await asyncio.open_connection(self._target, self._port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, inner_writer}
        self._writers |= ends
        try:
            await asyncio.gather(_pass_on(reader, inner_writer), _pass_on(inner_reader, writer))
        finally:
            self._writers -= ends


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # cut
    finally:
        writer.close()


class Citizen:
    """One citizen's telephone, and what of the agent's side concerns this call."""

    def __init__(self, number: str) -> None:
        self.number = number
        self.inside = asyncio.Event()  # the hotline has answered
        self.gone = asyncio.Event()  # the citizen's telephone is on the hook again
        self.reached_at: list[float] = []  # when an agent's telephone was picked up (time.monotonic)
        self.agent = ""  # extension of the agent whose telephone was picked up last
        self.agent_here = asyncio.Event()  # that telephone is off the hook now
        self._heard: deque[str] = deque()
        self._todo: deque[Callable[[AgiSession], Awaitable[object]]] = deque()
        self._agents_todo: deque[Callable[[AgiSession], Awaitable[object]]] = deque()
        self.mute = False  # True: the agent presses no keys, where a recording is listened to
        self.said: list[tuple[str, float, float]] = []  # who, from, to (time.time)

    async def hears_agent(self, limit_s: float = LIMIT_S) -> None:
        """Return when something that the agent's telephone does from now on has reached the citizen's ear.

        Raises:
            AssertionError: it does not within `limit_s`.
        """
        self._heard.clear()
        try:
            async with asyncio.timeout(limit_s):
                while not self._heard:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{self.number} hears no agent after {limit_s:g} s") from None

    def press(self, keys: str) -> None:
        """The citizen presses keys."""

        async def send(session: AgiSession) -> None:
            await session.exec_app("SendDTMF", keys)

        self._todo.append(send)

    def types(self, keys: str, *, key_ms: int = 60, gap_ms: int = 60) -> None:
        """The citizen presses keys as fast as thumbs can."""

        async def send(session: AgiSession) -> None:
            await session.exec_app("SendDTMF", keys, str(gap_ms), str(key_ms))

        self._todo.append(send)

    def says(self, audio: str) -> None:
        """The citizen speaks: the name of a scenario's audio file."""
        self._todo.append(self._speech("citizen", audio))

    def agent_says(self, audio: str) -> None:
        """The agent on the telephone speaks."""
        self._agents_todo.append(self._speech("agent", audio))

    def hang_up(self) -> None:
        """The citizen hangs up."""
        self._todo.append(AgiSession.hangup)

    def agent_hangs_up(self) -> None:
        """The agent hangs up."""
        self._agents_todo.append(AgiSession.hangup)

    @property
    def silent(self) -> bool:
        """Whether everything that was to be said has been said."""
        return not self._todo and not self._agents_todo

    def _speech(self, who: str, audio: str) -> Callable[[AgiSession], Awaitable[object]]:
        async def speak(session: AgiSession) -> None:
            began = time.time()
            await session.stream_file(sound(audio))
            self.said.append((who, began, time.time()))

        return speak

    async def on_telephone(self, session: AgiSession) -> None:
        """Play the citizen's side until the call is over."""
        self.inside.set()
        try:
            await be_silent(session)
            while True:
                if self._todo:
                    await self._todo[0](session)
                    self._todo.popleft()
                    await be_silent(session)
                elif key := await session.wait_for_digit(200):
                    self._heard.append(key)
        finally:
            self.gone.set()

    async def on_agents_telephone(self, session: AgiSession, extension: str) -> None:
        """Play the agent's side: press a key again and again, speak, hang up."""
        self.reached_at.append(time.monotonic())
        self.agent = extension
        self.agent_here.set()
        try:
            await be_silent(session)
            while True:
                if self._agents_todo:
                    await self._agents_todo[0](session)
                    self._agents_todo.popleft()
                    await be_silent(session)
                elif not self.mute:
                    await session.exec_app("SendDTMF", extension[-1])
                    await be_silent(session)
                await session.wait_for_digit(100)
        finally:
            self.agent_here.clear()


class TelephoneNetwork(Network):
    """The demo's telephone network, with telephones whose owners tests decide for."""

    async def answers(self, extension: str, after: float | str) -> None:
        """An agent's telephone is answered after so many seconds, "never", or is "busy"."""
        await self.number_answers(f"{extension}{DESK_SUFFIX}", after)

    async def number_answers(self, number: str, after: float | str) -> None:
        """Any telephone is answered after so many seconds, "never", is "busy", or ("") as usual."""
        if self._link is None:
            raise RuntimeError("the network is not started")
        await self._link.set_variable("", f"DESK_ANSWER_{number}", str(after))

    async def hang_up_all(self) -> None:
        """Hang up every telephone and wait until all are on the hook."""
        if self._link is None:
            raise RuntimeError("the network is not started")
        while channels := await self._link.listing("CoreShowChannels", {}):
            for channel in channels:
                try:
                    await self._link.hangup(channel.get("Channel"))
                except AmiError:
                    continue  # gone meanwhile
            await asyncio.sleep(0.05)


class Desk(HeadlessDesk):
    """A desk whose page, as a browser's, connects again when the server is back."""

    def __init__(self, base: str, account: DemoAccount) -> None:
        super().__init__(base, account, lambda _: None)
        self.here = asyncio.Event()  # connected
        self.health: HealthView | None = None  # newest
        self.callback: CallbackView | None = None  # newest: whom the person is reserved for
        self.texts: dict[str, CallView] = {}  # conversations, by call, as they were told last
        self.lines: dict[str, TextLine] = {}  # what was written, by line
        self._closing = False

    async def open(self) -> None:
        """Sign in and connect."""
        await super().open()
        self.here.set()

    async def close(self) -> None:
        """Disconnect for good."""
        self._closing = True
        await super().close()

    async def _read(self) -> None:
        while not self._closing:
            await super()._read()
            self.here.clear()
            await self._connect_again()

    async def _connect_again(self) -> None:
        while not self._closing:
            try:
                self._socket = await self._http.ws_connect(f"{self._base}/api/ws", max_msg_size=4 << 20)
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(0.1)
            else:
                self.here.set()
                return

    def _take(self, message: ServerMessage) -> None:
        super()._take(message)
        if isinstance(message, Snapshot):
            self.texts = {one.call_id: one for one in message.text_calls}
            self.lines = {one.line_id: one for one in message.texts}
            self.health = message.health
            self.callback = message.callback
            if message.call is not None:
                call = self.calls[message.call.call_id]
                call.captions = {one.line_id: one for one in message.captions if one.final}
                call.draft = message.draft
        elif isinstance(message, HealthView):
            self.health = message
        elif isinstance(message, CallbackView):
            self.callback = message
        elif isinstance(message, CallView) and message.media == "text":
            self.texts[message.call_id] = message
        elif isinstance(message, TextLine):
            self.lines[message.line_id] = message

    async def telephone_works(self) -> None:
        """Return when the hotline knows the agent's telephone."""
        async with asyncio.timeout(LIMIT_S):
            await self._phone.wait()

    def call(self, number: str) -> DeskCall | None:
        """The newest call from this number that the desk has seen."""
        return next((c for c in reversed(self.calls.values()) if c.view.caller == number), None)

    async def drafted(self, number: str) -> DraftView:
        """Wait until the desk has the draft of the call from this number."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                call = self.call(number)
                if call is not None and call.draft is not None:
                    return call.draft
                await asyncio.sleep(0.02)


class Hotline:
    """The running system, and everybody around it."""

    def __init__(self, stack: Stack, network: TelephoneNetwork, people: tuple[DemoAccount, ...]) -> None:
        self.stack = stack
        self.network = network
        self.desks: dict[int, Desk] = {}
        self.wire: Wire | None = None
        self.admin = Desk(stack.web, next(p for p in people if p.role is Role.ADMIN))
        self._agents = [p for p in people if p.role is Role.AGENT]
        self._citizens: dict[str, Citizen] = {}
        self._odd: set[str] = set()  # numbers of the city that do not answer as usual
        self._redis = Redis.from_url(stack.settings.redis_url)

    @property
    def settings(self) -> Settings:
        """What the stack runs with."""
        return self.stack.settings

    async def close(self) -> None:
        """Close every desk."""
        for desk in (*self.desks.values(), self.admin):
            await desk.close()
        await self._redis.aclose()

    # ------------------------------------------------------------ people

    def account(self, number: int) -> DemoAccount:
        """Agent `number`, from 1."""
        return self._agents[number - 1]

    async def desk(self, number: int) -> Desk:
        """Agent `number` (from 1) has the page open; the same desk for all who ask."""
        if number not in self.desks:
            desk = Desk(self.stack.web, self._agents[number - 1])
            await desk.open()
            self.desks[number] = desk
        return self.desks[number]

    async def ready(self, *numbers: int) -> None:
        """These agents take calls."""
        for number in numbers:
            desk = await self.desk(number)
            await desk.telephone_works()
            await desk.send(Ready())
            states = (AgentState.READY, AgentState.RESERVED, AgentState.RINGING, AgentState.TALKING)
            await self.agent_is(number, *states)

    async def native_queue_rings(self, *numbers: int) -> None:
        """Wait until Asterisk's own queue would ring these agents, too."""
        asterisk = self.stack.asterisk
        if asterisk is None:
            raise RuntimeError("the hotline has no Asterisk of its own")
        wanted = [f"(PJSIP/{self._agents[number - 1].extension}{DESK_SUFFIX})" for number in numbers]
        async with asyncio.timeout(LIMIT_S):
            while True:
                members = (await asterisk.cli("queue show hotline")).splitlines()
                willing = [line for line in members if "(paused" not in line and "(Not in use)" in line]
                if all(any(phone in line for line in willing) for phone in wanted):
                    return

    async def answers(self, number: int, after: float | str) -> None:
        """Agent `number` picks up after so many seconds, "never", or is "busy"."""
        await self.network.answers(self._agents[number - 1].extension, after)

    async def network_answers(self, number: str, after: float | str) -> None:
        """A number of the city is picked up after so many seconds, "never", or is "busy"."""
        self._odd.add(number)
        await self.network.number_answers(number, after)

    def citizen(self, number: str) -> Citizen:
        """Somebody with a telephone of this number."""
        return self.meet(Citizen(number))

    def meet(self, citizen: Citizen) -> Citizen:
        """Their telephone is part of the network from now on."""
        self._citizens[citizen.number] = citizen
        return citizen

    async def dial(self, *citizens: Citizen, called: str = "12345") -> None:
        """These citizens dial; returns when the hotline has answered all of them."""
        for citizen in citizens:
            await self.network.call(citizen.number, called)
        async with asyncio.timeout(LIMIT_S):
            for citizen in citizens:
                await citizen.inside.wait()

    async def telephone(self, session: AgiSession) -> None:
        """Whoever has picked up: a citizen (their own number) or an agent's desk phone."""
        who = session.args[0] if session.args else ""
        citizen = self._citizens.get(session.caller_number if who.endswith(DESK_SUFFIX) else who)
        if citizen is None:
            await session.hangup()
        elif who.endswith(DESK_SUFFIX):
            await citizen.on_agents_telephone(session, who.removesuffix(DESK_SUFFIX))
        else:
            await citizen.on_telephone(session)

    # ------------------------------------------------------------ what is known of calls

    async def live(self) -> dict[str, Call]:
        """Live calls by caller, as Redis has them: what a server finds after a restart."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                try:
                    kept = await LiveCalls(self._redis, self.settings.prefix).load()
                except (RedisError, OSError):  # slower than call control would wait for: a busy machine
                    await asyncio.sleep(0.1)
                else:
                    return {call.caller: call for call in kept}

    async def is_in(self, citizen: Citizen, *states: CallState) -> Call:
        """Wait until the citizen's call is in one of these states, as Redis has it."""
        try:
            async with asyncio.timeout(LIMIT_S):
                while True:
                    call = (await self.live()).get(citizen.number)
                    if call is not None and call.state in states:
                        return call
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{citizen.number} is not {'/'.join(states)}: {await self.live()}") from None

    async def agent_is(self, number: int, *states: AgentState) -> AgentRecord:
        """Wait until agent `number` is in one of these states, as Redis has it."""
        login = self._agents[number - 1].login
        async with asyncio.timeout(LIMIT_S):
            while True:
                agents, _ = await LiveState(self._redis, self.settings.prefix, deadline_s=LIMIT_S).load()
                for agent in agents:
                    if agent.agent_id == login and agent.state in states:
                        return agent
                await asyncio.sleep(0.02)

    async def record(self, citizen: Citizen, *fields: str) -> dict[str, Any]:
        """Wait until the database has the citizen's newest call with all of these fields, and return it."""
        call: dict[str, Any] = {}
        try:
            async with asyncio.timeout(LIMIT_S):
                while True:
                    found = await self.fetch(f"/api/calls?caller={citizen.number}&size=1")
                    call = (found.get("calls") or [{}])[0]
                    if call and all(call.get(field) is not None for field in fields):
                        return call
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{citizen.number}: {fields} not all in {call}") from None

    async def fetch(self, path: str) -> dict[str, Any]:
        """GET as the administrator, also across a restart of the server."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                try:
                    if not self.admin.here.is_set():
                        await self.admin.open()
                    return await self.admin.fetch(path)
                except (aiohttp.ClientError, OSError, DeskFailed):
                    await asyncio.sleep(0.1)

    async def health(self) -> dict[str, Any]:
        """What /readyz says; {} while nobody answers."""
        try:
            async with (
                aiohttp.ClientSession() as client,
                client.get(f"{self.stack.web}/readyz", timeout=aiohttp.ClientTimeout(total=2)) as answer,
            ):
                told: dict[str, Any] = await answer.json()
                return told
        except (aiohttp.ClientError, TimeoutError):
            return {}

    async def health_says(self, **wanted: object) -> dict[str, Any]:
        """Wait until /readyz says all of this."""
        told: dict[str, Any] = {}
        try:
            async with asyncio.timeout(LIMIT_S):
                while True:
                    told = await self.health()
                    if told and all(told.get(key) == value for key, value in wanted.items()):
                        return told
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"health does not say {wanted}: {told}") from None

    # ------------------------------------------------------------ the server

    @property
    def server_pid(self) -> int:
        """Process id of `hotline serve`."""
        pid = self.stack.children["serve"].pid
        if pid is None:
            raise RuntimeError("the server does not run")
        return pid

    def kill_server(self) -> float:
        """End the server as a crash would; it is started again by itself. Returns the time (monotonic)."""
        os.kill(self.server_pid, signal.SIGKILL)
        return time.monotonic()

    async def take_server_away(self) -> float:
        """Kill the server and keep it down. Returns the time (monotonic)."""
        child = self.stack.children["serve"]
        killed = self.kill_server()
        await until(lambda: child.pid is None)
        await child.stop(0)  # it was waiting to start it again
        return killed

    async def stop_server(self) -> tuple[int, float]:
        """Ask the server to stop (SIGTERM); it is started again. Returns exit status and seconds it took."""
        process = self.stack.children["serve"]._process
        if process is None:
            raise RuntimeError("the server does not run")
        began = time.monotonic()
        process.terminate()
        return await process.wait(), time.monotonic() - began

    async def bring_server_back(self) -> None:
        """Start the server that was taken away, and wait until it takes calls."""
        await self.stack.children["serve"].start()
        await self.server_is_back()

    async def server_is_back(self) -> None:
        """Wait until calls are sent to the server and every open page is connected to it again."""
        await self.health_says(ready=True)
        asterisk = self.stack.asterisk
        if asterisk is not None:  # after a hang the watchdog lets calls reach the server again
            async with asyncio.timeout(LIMIT_S):
                while "HL_DOWN_1=1" in (  # noqa: ASYNC110 - Asterisk tells nobody
                    await asterisk.cli("dialplan show globals")
                ).replace(" ", ""):
                    await asyncio.sleep(0.1)
        async with asyncio.timeout(LIMIT_S):
            for desk in self.desks.values():
                await desk.here.wait()

    # ------------------------------------------------------------ between tests

    async def quiet(self) -> None:
        """End all calls, let every agent finish writing and take a break, every telephone answer at once."""
        await self.network.hang_up_all()
        await self.server_is_back()
        for number, desk in self.desks.items():
            await self.answers(number, 0.2)
            refused = ""
            try:
                async with asyncio.timeout(LIMIT_S):
                    while desk.state != "not_ready":
                        try:
                            await desk.send(NotReady(reason="rest"))
                            await desk.send(FinishWrapUp())
                        except DeskFailed as error:
                            refused = str(error)
                            # who was cut off is called back, and may have reached this agent meanwhile
                            await self.network.hang_up_all()
                            await asyncio.sleep(0.1)
                        await asyncio.sleep(0.05)
            except TimeoutError:
                told = f"{desk.state}, refused {refused!r}, live {await self.live()}"
                raise AssertionError(f"desk {number} does not take a break: {told}") from None
        async with asyncio.timeout(LIMIT_S):
            while await self.live():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        self._citizens.clear()
        while self._odd:
            await self.network.number_answers(self._odd.pop(), "")


@asynccontextmanager
async def running_hotline(
    block: LoopbackBlock,
    *,
    captions: bool = False,
    asr_processes: int = 1,
    model: str = "",
    city: Path | None = None,
    database_url: str = "",
    redis_url: str = "",
    ring_limit_s: float = 8.0,
    announce_every_s: float = 30.0,
    cuttable_ami: bool = False,
    agents: int = 6,
    flows: Path | None = None,
    numbers: Path | None = None,
    more: str = "",
    top: str = "",
) -> AsyncIterator[Hotline]:
    """Run one hotline while the block is open; nobody is signed in yet.

    Empty URLs: SQLite, embedded Valkey. `flows`, `numbers` and `city` (a gazetteer): instead of the shipped
    ones; `more`: further settings, as in hotline.toml; `top`: settings that belong to no part.
    `cuttable_ami`: server and watchdog reach Asterisk's manager interface over `hotline.wire`.
    """
    server, asterisk, trunk, desks, proxy = (block.address() for _ in range(5))
    folder = Path(tempfile.mkdtemp(prefix="hl-"))
    async with AsyncExitStack() as cleanup:
        if not os.environ.get("HOTLINE_TEST_KEEP"):
            cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        policy = folder / "policy.yaml"
        policy.write_text(policy_of(ring_limit_s), encoding="utf-8")
        common = CONFIG.format(
            home=folder / INSTANCE,
            cache=CACHE,
            redis_url=redis_url,
            database_url=database_url,
            server=server,
            captions=str(captions).lower(),
            asr_processes=asr_processes,
            model=model,
            city=city or "",
            policy=policy,
            announce_every_s=announce_every_s,
            flows=flows or "",
            numbers=numbers or "",
            trunk=trunk,
        )
        common = top + common + more
        file = folder / "hotline.toml"
        file.write_text(common + OWN_ASTERISK.format(asterisk=asterisk), encoding="utf-8")
        settings = load(instance=INSTANCE, file=file)
        wire = None
        if cuttable_ami:
            wire = Wire(proxy, asterisk, settings.asterisk.ami_port)
            await wire.start()
            cleanup.push_async_callback(wire.stop)
            file = folder / "server.toml"
            file.write_text(common + TOLD_ASTERISK.format(proxy=proxy), encoding="utf-8")
        settings.home.mkdir(mode=0o700)
        steps = Steps(8, io.StringIO())
        stack = Stack(settings, instance=INSTANCE, config_file=file, steps=steps, desk=False)
        # the other extensions, and who sits at them, are each test's own
        people = tuple(
            replace(person, extension="") if person.role is Role.SUPERVISOR else person
            for person in demo_accounts(settings, stack.secrets, agents)
            if person.role is not Role.LISTENER
        )
        await ensure_accounts(settings, people)
        await cleanup.enter_async_context(stack)
        network = TelephoneNetwork(
            stack.settings,
            stack.secrets,
            trunk_address=trunk,
            desk_address=desks,
            extensions=tuple(p.extension for p in people if p.extension),
            answer_after_s=0.2,
        )
        hotline = Hotline(stack, network, people)
        hotline.wire = wire
        cleanup.push_async_callback(network.stop)
        cleanup.push_async_callback(hotline.close)
        await network.start(hotline.telephone)
        yield hotline
