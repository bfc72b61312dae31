"""A dry run of a routing policy: made-up agents and calls meet the real router, and each offer is explained.

Pure: times are seconds from the begin of a case, and nothing outside is touched.
"""

from __future__ import annotations

import datetime
import heapq
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import yaml

from acd.errors import RouterError
from acd.messages import (
    AgentBecameReady,
    AgentRecord,
    AgentSignedIn,
    AgentState,
    CallEnded,
    CallLeft,
    CallQueued,
    Event,
    Media,
    Offer,
    OfferAnswered,
    OfferMissed,
    SentAway,
    Tick,
)
from acd.policy import Policy
from acd.router import Router
from cti.errors import HotlineError

SHIPPED_CASES = Path(__file__).with_name("policy_cases.yaml")
MAX_BYTES = 1_000_000
MAX_CASES = 200
TICK_S = 0.5
MONDAY = datetime.datetime(2026, 3, 2, 10, 0)  # noqa: DTZ001 (on the policy's clock)
"""when a case begins that does not say so: a working day, late in the morning"""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Moment = Annotated[float, msgspec.Meta(ge=0, le=3600)]
Skills = dict[str, Annotated[int, msgspec.Meta(ge=1, le=5)]]


class CasesWrong(HotlineError):
    """Cases that cannot be read; the message names file, place and remedy."""


class TriedAgent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agent of a case."""

    id: Id  # who
    skills: Skills  # skill -> level
    ready_at: Moment = 0.0  # presses 示闲 then, seconds
    misses: bool = False  # never answers a ring
    team: str = ""  # 班组
    place: str = ""  # centre


class TriedCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call of a case."""

    id: Id  # which
    queue: str  # in which queue
    at: Moment = 0.0  # begins to wait then, seconds
    needs: Skills | None = None  # None: the queue's
    also: tuple[str, ...] = ()  # further queues
    priority: int = 0  # as a flow gives it
    urgent: bool = False  # before everybody who is not
    prefer: tuple[str, ...] = ()  # agents who know the matter
    media: Media = Media.VOICE  # how they meet
    leaves_at: Moment | None = None  # hangs up then when nobody has answered, seconds


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Agents and calls that meet."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]  # what it shows
    agents: Annotated[tuple[TriedAgent, ...], msgspec.Meta(max_length=200)]
    calls: Annotated[tuple[TriedCall, ...], msgspec.Meta(min_length=1, max_length=500)]
    until: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 120.0  # looked at for so long, seconds
    begins: datetime.datetime = MONDAY  # on the policy's clock: nights and holidays are other queues' hours
    answer_after_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 3.0  # an agent's phone rings so long
    talk_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0  # a talk takes so long


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the router decided."""

    at: float  # seconds from the begin of the case
    call: str  # which call
    agent: str  # who is rung; "" when nobody is
    why: str  # Chinese


def load_cases(file: Path = SHIPPED_CASES) -> list[Case]:
    """Read cases: a YAML list, or one JSON object a line in a file that ends in .jsonl.

    Raises CasesWrong.
    """
    try:
        if (size := file.stat().st_size) > MAX_BYTES:
            raise CasesWrong(f"{file}: {size} bytes: keep it under {MAX_BYTES}")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CasesWrong(f"{file}: cannot be read as UTF-8: {error}") from error
    return parse_cases(text, str(file), by_line=file.suffix == ".jsonl")


def parse_cases(text: str, name: str, *, by_line: bool = False) -> list[Case]:
    """Read cases from a text that errors call `name`; `by_line`: a JSON object a line. Raises CasesWrong."""
    found: list[tuple[str, Any]] = []
    try:
        if by_line:
            lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
            for number, line in lines:
                found.append((f"{name}:{number}", msgspec.json.decode(line)))
        else:
            listed = yaml.safe_load(text)
            if not isinstance(listed, list):
                raise CasesWrong(f"{name}: holds no list: begin each case with a dash")
            found = [(f"{name}: case {number}", one) for number, one in enumerate(listed, 1)]
        if not 1 <= len(found) <= MAX_CASES:
            raise CasesWrong(f"{name}: {len(found)} cases: give 1 to {MAX_CASES}")
        return [_convert(where, one) for where, one in found]
    except (yaml.YAMLError, msgspec.DecodeError) as error:
        raise CasesWrong(f"{name}: {error}") from error


def _convert(where: str, one: Any) -> Case:
    try:
        return msgspec.convert(one, Case)
    except msgspec.ValidationError as error:
        raise CasesWrong(f"{where}: {error}") from error


def try_case(policy: Policy, case: Case) -> list[Tried]:
    """Play a case under a policy.

    Raises CasesWrong when the router does not take an event of the case.
    """
    return list(_Trial(policy, case).run())


class _Trial:
    def __init__(self, policy: Policy, case: Case) -> None:
        self._policy = policy
        self._case = case
        self._router = Router(policy)
        self._missing = {agent.id for agent in case.agents if agent.misses}
        self._titles = {skill.name: skill.title for skill in policy.skills}
        self._open = {call.id for call in case.calls}
        self._queue: list[tuple[float, int, Event]] = []
        self._count = 0
        zone = ZoneInfo(policy.time_zone)
        begins = case.begins if case.begins.tzinfo else case.begins.replace(tzinfo=zone)
        self._zero = begins.timestamp()

    def run(self) -> Iterator[Tried]:
        self._plan()
        while self._queue and self._queue[0][0] <= self._zero + self._case.until:
            now, _, event = heapq.heappop(self._queue)
            if isinstance(event, CallLeft) and self._router.waiting(event.call_id) is None:
                continue
            in_line = {call.call_id for call in self._router.snapshot()[1] if call.offered_to is None}
            try:
                decisions = self._router.handle(event, now)
            except RouterError as error:
                raise CasesWrong(f"{self._case.title}: {error}") from error
            for decision in decisions:
                if isinstance(decision, Offer):
                    yield self._offered(decision, now, in_line)
                elif isinstance(decision, SentAway):
                    self._open.discard(decision.call_id)
                    yield self._tried(now, decision.call_id, "", f"转往其他中心 {decision.number}")
            if isinstance(event, CallLeft):
                self._open.discard(event.call_id)
                yield self._tried(now, event.call_id, "", "市民等不及挂机")
        for call in self._case.calls:
            if call.id in self._open and self._router.waiting(call.id) is not None:
                place = self._router.place(call.id)
                where = f"，排在第 {place.place} 位" if place else ""
                end = self._zero + self._case.until
                yield self._tried(end, call.id, "", f"仍在等候 {self._case.until - call.at:g} 秒{where}")

    def _plan(self) -> None:
        for agent in self._case.agents:
            signed_in = AgentSignedIn(
                agent_id=agent.id, skills=agent.skills, team=agent.team, place=agent.place
            )
            self._at(0.0, signed_in)
            self._at(agent.ready_at, AgentBecameReady(agent_id=agent.id))
        usual = {queue.name: dict(queue.needs) for queue in self._policy.queues}
        for call in self._case.calls:
            queued = CallQueued(
                call_id=call.id,
                queue=call.queue,
                needs=usual.get(call.queue, {}) if call.needs is None else call.needs,
                also=call.also,
                media=call.media,
                priority=call.priority,
                urgent=call.urgent,
                since=self._zero + call.at,
                prefer=call.prefer,
            )
            self._at(call.at, queued)
            if call.leaves_at is not None:
                self._at(call.leaves_at, CallLeft(call_id=call.id))
        for number in range(1, int(self._case.until / TICK_S) + 1):
            self._at(number * TICK_S, Tick())

    def _at(self, seconds: float, event: Event) -> None:
        self._count += 1
        heapq.heappush(self._queue, (self._zero + seconds, self._count, event))

    def _offered(self, offer: Offer, now: float, in_line: set[str]) -> Tried:
        answer = now - self._zero + self._case.answer_after_s
        if offer.agent_id in self._missing:
            self._at(
                offer.ring_until - self._zero, OfferMissed(call_id=offer.call_id, agent_id=offer.agent_id)
            )
        else:
            self._at(answer, OfferAnswered(call_id=offer.call_id, agent_id=offer.agent_id))
            self._at(answer + self._case.talk_s, CallEnded(call_id=offer.call_id, agent_id=offer.agent_id))
        return self._tried(now, offer.call_id, offer.agent_id, self._reasons(offer, now, in_line))

    def _reasons(self, offer: Offer, now: float, in_line: set[str]) -> str:
        call = next(one for one in self._case.calls if one.id == offer.call_id)
        waiting = self._router.waiting(offer.call_id)
        agent = self._router.agent(offer.agent_id)
        needs: Mapping[str, int] = waiting.needs if waiting else {}
        words = [f"等了 {now - self._zero - call.at:g} 秒"]
        if call.urgent:
            words.append("紧急")
        if offer.step:
            words.append(f"已放宽 {offer.step} 步")
        if agent is not None:
            idle = now - (agent.idle_since or now)
            words.append(f"{offer.agent_id} {self._levels(agent, needs)}，空闲 {idle:g} 秒")
        if offer.agent_id in call.prefer:
            words.append("熟悉此事")
        words.append(self._others(needs, offer.agent_id))
        if more := len(in_line - {offer.call_id}):
            words.append(f"另有 {more} 个电话在等")
        return "；".join(words)

    def _levels(self, agent: AgentRecord, needs: Mapping[str, int]) -> str:
        if _able(agent, needs):
            return "、".join(
                f"{self._title(skill)} {agent.skills.get(skill, 0)} 级（要 {level} 级）"
                for skill, level in needs.items()
            )
        has = "、".join(f"{self._title(skill)} {level} 级" for skill, level in agent.skills.items())
        wanted = "、".join(f"{self._title(skill)} {level} 级" for skill, level in needs.items())
        return f"凭 {has}（原要求 {wanted}）"

    def _title(self, skill: str) -> str:
        return self._titles.get(skill, skill)

    def _others(self, needs: Mapping[str, int], chosen: str) -> str:
        able = [
            agent.agent_id
            for agent in self._router.snapshot()[0]
            if agent.agent_id != chosen and _free(agent) and _able(agent, needs)
        ]
        return f"其他可接的空闲坐席：{'、'.join(able[:5])}" if able else "没有其他可接的空闲坐席"

    def _tried(self, now: float, call: str, agent: str, why: str) -> Tried:
        return Tried(at=round(now - self._zero, 3), call=call, agent=agent, why=why)


def _free(agent: AgentRecord) -> bool:
    return agent.state is AgentState.READY


def _able(agent: AgentRecord, needs: Mapping[str, int]) -> bool:
    return all(agent.skills.get(skill, 0) >= level for skill, level in needs.items())
