"""`hotline demo`: the whole system with citizens who call, on one machine, without any setting."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import sys
import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from cti.agi import AgiHangup, AgiSession
from cti.control.phones import DESK_SUFFIX
from cti.demo.articles import ensure_articles
from cti.demo.conversation import PATIENCE_S, Conversation
from cti.demo.desk import DeskCall, DeskFailed, HeadlessDesk
from cti.demo.loop import CONTENT, UNHAPPY, Office, OrderLoop, VisitedCitizen
from cti.demo.network import Network
from cti.demo.people import DemoAccount, demo_accounts, ensure_accounts
from cti.demo.script import CITIZENS, Scenario, load_scenarios
from cti.demo.units import ensure_units
from cti.launcher import Stack, Steps, stop_signals, unless_stopped
from cti.machine import check_home
from cti.messages import CallView, Role
from cti.settings import Settings, load

log = logging.getLogger(__name__)

INSTANCE = "demo"
CALL_LIMIT_S = 300.0
BETWEEN_CALLS_S = 8.0
POLL_S = 0.5
TRUNK_ADDRESS = "127.0.0.2"
DESK_ADDRESS = "127.0.0.3"

CONFIG = """# Written by `hotline demo`; overwritten at every start.
[[trunks]]
name = "city"
host = "{trunk}"

[orders]
clocks = "{rules}/clocks.yaml"
answers = "{rules}/answers.yaml"

[visits]
enabled = true
policy = "{rules}/visits.yaml"
"""
RULES = Path(__file__).with_name("rules")
LOOPS = 1
"""Orders that are followed through the whole loop when nobody sits at a desk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the command line says."""

    calls: int | None  # how many calls; None: without end (only with a person at the desk)
    headless: bool  # agents answer by themselves
    agents: int = 2  # headless agents


class Failed(Exception):
    """A demo call did not do what it should; the message says what."""


def demo_settings(trunk_address: str = TRUNK_ADDRESS) -> tuple[Settings, Path]:
    """The demo's settings and the file that its processes read them from."""
    first = load(instance=INSTANCE, environ=_without_config())
    first.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = first.home / "hotline.toml"
    file.write_text(CONFIG.format(trunk=trunk_address, rules=RULES), encoding="utf-8")
    return load(instance=INSTANCE, file=file), file


def _without_config() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "HOTLINE_CONFIG"}


class Demo:
    """Stack, network, desks and citizens."""

    def __init__(self, settings: Settings, file: Path, options: DemoOptions) -> None:
        self._options = options
        self._steps = Steps(8)
        self._stack = Stack(settings, instance=INSTANCE, config_file=file, steps=self._steps)
        self._scenarios = load_scenarios(CITIZENS)
        units = tuple(dict.fromkeys(one.expect.unit for one in self._scenarios))
        self._people = demo_accounts(settings, self._stack.secrets, units=units)
        self._network = Network(
            settings,
            self._stack.secrets,
            trunk_address=TRUNK_ADDRESS,
            desk_address=DESK_ADDRESS,
            extensions=tuple(p.extension for p in self._agents) if options.headless else (),
        )
        self._talks: dict[str, Conversation] = {}  # by the caller's number
        self._visited: dict[str, VisitedCitizen] = {}  # by the number that is called
        self._desks: list[HeadlessDesk] = []
        self._offices: dict[str, Office] = {}  # by login

    @property
    def _agents(self) -> Sequence[DemoAccount]:
        agents = [p for p in self._people if p.role is Role.AGENT]
        return agents[: self._options.agents] if self._options.headless else agents

    async def run(self) -> int:
        """Run until all calls are over; return the exit status."""
        self._steps.next("演示账号")
        self._stack.settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        check_home(self._stack.settings)
        await ensure_accounts(self._stack.settings, self._people)
        await ensure_articles(self._stack.settings)
        await ensure_units(self._stack.settings)
        async with self._stack as stack:
            self._steps.next("模拟电话网（市民与话机）")
            await self._network.start(self._telephone)
            try:
                self._tell(stack.web)
                return await (self._headless() if self._options.headless else self._with_person())
            finally:
                for desk in self._desks:
                    await desk.close()
                for office in self._offices.values():
                    await office.close()
                await self._network.stop()

    # ------------------------------------------------------------ telephones

    async def _telephone(self, session: AgiSession) -> None:
        """Somebody in the network has picked up: a citizen (their own number) or an agent's desk phone."""
        who = session.args[0] if session.args else ""
        if who.endswith(DESK_SUFFIX):
            talk = self._talks.get(session.caller_number)
            if talk is not None:
                await talk.agent(session)
            return
        talk = self._talks.get(who)
        visited = self._visited.get(who)
        if talk is not None:
            await talk.citizen(session)
        elif visited is not None:
            await visited.answer(session)

    # ------------------------------------------------------------ a person at the desk

    async def _with_person(self) -> int:
        watcher = HeadlessDesk(self._stack.web, self._account(Role.ADMIN), lambda _: None)
        self._desks.append(watcher)
        await watcher.open()
        for number, scenario in enumerate(itertools.cycle(self._scenarios), start=1):
            if self._options.calls is not None and number > self._options.calls:
                return 0
            if not watcher.manned.is_set():
                self._steps.detail("等坐席示闲，示闲后下一位市民来电")
                await watcher.manned.wait()
            await self._one_for_person(scenario, watcher)
            await asyncio.sleep(BETWEEN_CALLS_S)
        return 0

    async def _one_for_person(self, scenario: Scenario, watcher: HeadlessDesk) -> None:
        talk = Conversation(scenario, agent_speaks=False)
        self._talks[scenario.caller] = talk
        self._steps.detail(f"市民来电：{scenario.title}（{scenario.caller}），听完开场语音后振铃")
        await self._network.call(scenario.caller)
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                while not talk.over.is_set():
                    found = await watcher.fetch(f"/api/calls?caller={scenario.caller}&size=1")
                    newest = (found.get("calls") or [{}])[0]
                    if newest.get("state") in ("talking", "held") and not newest.get("ended"):
                        talk.connected()
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            self._steps.detail("这通电话超过了演示的时间上限")
        finally:
            del self._talks[scenario.caller]

    # ------------------------------------------------------------ nobody at the desk

    async def _headless(self) -> int:
        for account in self._agents:
            desk = HeadlessDesk(self._stack.web, account, self._talk_began)
            self._desks.append(desk)
            await desk.open()
            await desk.ready()
        room = asyncio.Semaphore(len(self._desks))
        chosen = _chosen(self._scenarios, self._options.calls or len(self._scenarios))
        results = await asyncio.gather(*(self._one_alone(scenario, room) for scenario in chosen))
        done = [line for line in results if line is not None]
        loops = [await self._one_loop(line) for line in done[:LOOPS]]
        return 0 if len(done) == len(results) and all(loops) else 1

    async def _one_loop(self, line: Mapping[str, Any]) -> bool:
        """Follow an order from accepted to closed, with a redo between; the line says what became of it."""
        unit = next(one.expect.unit for one in self._scenarios if one.id == line["scenario"])
        told: dict[str, Any] = {"loop": line["order_number"], "unit": unit}
        self._steps.detail(f"工单 {line['order_number']} 走完整个闭环")
        try:
            for account in self._people:
                if account.role is Role.CLERK or account.unit == unit:
                    self._offices[account.login] = Office(self._stack.web, account)
                    await self._offices[account.login].open()
            officer = next(one for one in self._offices.values() if one.account.unit == unit)
            clerk = next(one for one in self._offices.values() if one.account.role is Role.CLERK)
            self._visited[str(line["phone"])] = VisitedCitizen(UNHAPPY, CONTENT)
            loop = OrderLoop(clerk, lambda _: officer, self._steps.detail)
            told |= await loop.follow(str(line["order_id"]), unit)
            good = True
        except (DeskFailed, TimeoutError) as error:
            told |= {"outcome": "failed", "error": str(error) or type(error).__name__}
            good = False
        print(json.dumps(told, ensure_ascii=False), flush=True)  # noqa: T201
        return good

    async def _one_alone(self, scenario: Scenario, room: asyncio.Semaphore) -> dict[str, Any] | None:
        """Let one citizen call and follow the call; None when something did not go as it should."""
        async with room:
            talk = Conversation(scenario, agent_speaks=True)
            self._talks[scenario.caller] = talk
            line: dict[str, Any] = {
                "scenario": scenario.id,
                "called_number": "12345",
                "caller": scenario.caller,
            }
            try:
                async with asyncio.timeout(CALL_LIMIT_S):
                    await self._network.call(scenario.caller)
                    line |= await self._follow(scenario, talk)
                good = True
            except (Failed, DeskFailed, AgiHangup, TimeoutError) as error:
                line |= {"outcome": "failed", "error": str(error) or type(error).__name__}
                good = False
            finally:
                del self._talks[scenario.caller]
            print(json.dumps(line, ensure_ascii=False), flush=True)  # noqa: T201
            return line if good else None

    async def _follow(self, scenario: Scenario, talk: Conversation) -> dict[str, Any]:
        desk, seen = await self._answered(scenario.caller)
        order_id = await desk.write_up(seen, scenario.expect, scenario.title)
        await talk.over.wait()
        call, order = await desk.stored(seen.view.call_id, order_id)
        await desk.ready()
        lines = sorted(seen.captions.values(), key=lambda caption: caption.start)
        if not any(caption.speaker == "citizen" for caption in lines):
            raise Failed("the citizen's words were not transcribed")
        machine = seen.machine
        return {
            "call_id": seen.view.call_id,
            "waited_s": call["waited_s"],
            "agent": desk.account.login,
            "transcript": [
                {
                    "speaker": c.speaker,
                    "text": c.text,
                    "start": c.start,
                    "end": c.end,
                    "confidence": c.confidence,
                }
                for c in lines
            ],
            "draft": {
                name: {
                    key: msgspec.to_builtins(value)[key]
                    for key in ("value", "source", "confidence", "audio_from", "audio_to")
                }
                for name, value in (machine.fields if machine else {}).items()
            },
            "order_id": order_id,
            "order_number": order["number"],
            "phone": order["fields"].get("phone", {}).get("value", scenario.caller),
            "recording": str(self._recording(seen.view.call_id)),
            "satisfaction": call["satisfaction"],
            "outcome": call["outcome"],
        }

    def _recording(self, call_id: str) -> Path:
        """The call's recording, looked at: stereo and not empty. Raises Failed."""
        file = next(self._stack.settings.recordings.rglob(f"{call_id}.wav"), None)
        if file is None:
            raise Failed("the call's recording is not in the recordings folder")
        with wave.open(str(file)) as sound:
            if sound.getnchannels() != 2 or sound.getnframes() == 0:
                raise Failed("the call's recording is not stereo, or empty")
        return file

    async def _answered(self, caller: str) -> tuple[HeadlessDesk, DeskCall]:
        """Wait until a desk talks with this caller."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for desk in self._desks:
                    for call in desk.calls.values():
                        if call.view.caller == caller and call.view.answered and call.machine is None:
                            return desk, call
                await asyncio.sleep(0.1)

    def _talk_began(self, view: CallView) -> None:
        talk = self._talks.get(view.caller)
        if talk is not None:
            talk.connected()

    # ------------------------------------------------------------ words for the terminal

    def _account(self, role: Role) -> DemoAccount:
        return next(p for p in self._people if p.role is role)

    def _tell(self, web: str) -> None:
        titles = {
            Role.AGENT: "坐席",
            Role.SUPERVISOR: "班长",
            Role.ADMIN: "管理员",
            Role.LISTENER: "领导旁听",
            Role.CLERK: "派单员",
            Role.UNIT: "承办单位",
            Role.LEADER: "领导",
            Role.AUDITOR: "审计员",
        }
        lines = [f"网页桌面  {web}"]
        lines += [f"  {titles[p.role]}  账号 {p.login:<9} 密码 {p.password}" for p in self._people]
        if not self._options.headless:
            lines.append(
                "打开网页，用坐席账号登录，允许使用麦克风，点“示闲”，电话就会打进来。按 Ctrl+C 结束。"
            )
            lines.append(f"班长的大屏在 {web}/wall，市民的网页（语音、手语视频、文字）在 {web}/citizen")
        print("\n".join(lines), file=sys.stderr, flush=True)  # noqa: T201


def _chosen(scenarios: Sequence[Scenario], calls: int) -> Iterator[Scenario]:
    """So many scenarios; when they begin again, every later round calls from other numbers."""
    for number in range(calls):
        scenario = scenarios[number % len(scenarios)]
        lap = number // len(scenarios)
        yield replace(scenario, caller=f"139{lap:04d}{scenario.caller[-4:]}") if lap else scenario


async def demo(options: DemoOptions) -> int:
    """Run the demo until all calls are over, or SIGTERM or SIGINT comes; return the exit status."""
    settings, file = demo_settings()
    with stop_signals() as stopping:
        return await unless_stopped(Demo(settings, file, options).run(), stopping)
