"""Whom a call can go to: colleagues, queues, the directory, any permitted number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from acd.messages import AgentState
from cti.control.colleagues import STATES, Colleagues, away
from cti.control.directory import Directory, DirectoryEntry
from cti.control.dispatch import Dispatch
from cti.control.people import People
from cti.messages import TargetKind, TargetsView, TargetView
from cti.ports import CommandRefused

TARGETS_MAX = 40
TEXT_MAX = 40
OWN_NUMBER = "12345"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Somebody who was named and may be called."""

    kind: TargetKind  # what they are
    key: str  # login, queue, name in the directory, digits
    title: str  # Chinese name
    number: str = ""  # digits to dial; "" with colleagues and queues
    needs: Mapping[str, int] = field(default_factory=dict)  # of a queue
    entry: DirectoryEntry | None = None  # of the directory

    @property
    def agent_id(self) -> str:
        """Login of a colleague, else ""."""
        return self.key if self.kind is TargetKind.AGENT else ""


class Targets:
    """Finds and judges them, at this moment."""

    def __init__(
        self,
        *,
        directory: Callable[[], Directory],
        dispatch: Dispatch,
        people: People,
        may_call_out: bool,
    ) -> None:
        """`may_call_out`: there is a trunk."""
        self._directory = directory
        self._dispatch = dispatch
        self._people = people
        self._colleagues = Colleagues(dispatch=dispatch, people=people)
        self._may_call_out = may_call_out

    def resolve(self, kind: TargetKind, key: str, *, by: str, free: bool = True) -> Target:
        """Who this is. `free`: a colleague must be able to answer now. Raises CommandRefused."""
        match kind:
            case TargetKind.AGENT:
                return self._colleague(key, by, free=free)
            case TargetKind.QUEUE:
                for queue in self._dispatch.policy.queues:
                    if queue.name == key:
                        return Target(kind=kind, key=key, title=queue.title, needs=dict(queue.needs))
                raise CommandRefused("没有这个队列")
            case TargetKind.EXTERNAL:
                return self._outside(key)
            case _:
                entry = self._directory().find(key)
                if entry is None or entry.target is not kind:
                    raise CommandRefused("通讯录中没有这个单位或服务")
                self._trunk()
                return Target(kind=kind, key=key, title=entry.title, number=entry.number, entry=entry)

    def somebody_of(self, queue: str, *, by: str) -> Target:
        """The best free colleague who serves this queue. Raises CommandRefused."""
        asked = self.resolve(TargetKind.QUEUE, queue, by=by)
        agent = self._colleagues.best(asked.needs, besides=(by,))
        if agent is None:
            raise CommandRefused(f"“{asked.title}”现在没有空闲坐席；可以用“直接转”请市民排队")
        return self._colleague(agent.agent_id, by, free=True)

    def _colleague(self, login: str, by: str, *, free: bool) -> Target:
        person, agent = self._people.find(login), self._dispatch.agent(login)
        if person is None or agent is None or not person.extension or agent.state is AgentState.OFFLINE:
            raise CommandRefused("该坐席没有签入")
        if login == by:
            raise CommandRefused("不能转给自己")
        if free and agent.state is not AgentState.READY:
            raise CommandRefused(f"{person.name}现在{STATES[agent.state]}，请换一位或转到队列")
        return Target(kind=TargetKind.AGENT, key=login, title=person.name)

    def _outside(self, number: str) -> Target:
        digits = number.strip().replace(" ", "").replace("-", "")[:TEXT_MAX]
        for entry in self._directory():
            if entry.number == digits:
                self._trunk()
                return Target(
                    kind=entry.target, key=entry.name, title=entry.title, number=entry.number, entry=entry
                )
        if digits == OWN_NUMBER or not self._directory().may_dial(digits):
            raise CommandRefused("这个号码不在允许拨打的范围内")
        self._trunk()
        return Target(kind=TargetKind.EXTERNAL, key=digits, title=digits, number=digits)

    def _trunk(self) -> None:
        if not self._may_call_out:
            raise CommandRefused("没有中继线路，不能拨打外部号码；请联系管理员")

    # ------------------------------------------------------------ looking for somebody

    def find(self, text: str, *, by: str) -> TargetsView:
        """Who fits: services with a button first, then queues, colleagues by readiness, the directory."""
        sought = text.strip()[:TEXT_MAX].lower()
        found = [view for view, words in self._all(by) if not sought or any(sought in word for word in words)]
        digits = sought.replace(" ", "").replace("-", "")
        if digits.isdecimal() and self._may_call_out and self._directory().may_dial(digits):
            found.append(TargetView(kind=TargetKind.EXTERNAL, key=digits, title=digits, note="外线号码"))
        return TargetsView(text=text[:TEXT_MAX], targets=tuple(found[:TARGETS_MAX]))

    def _all(self, by: str) -> Iterator[tuple[TargetView, tuple[str, ...]]]:
        entries = sorted(self._directory(), key=lambda entry: not entry.one_key)
        yield from (self._of_entry(entry) for entry in entries if entry.one_key)
        for state in self._dispatch.queue_states():
            title = next(
                (q.title for q in self._dispatch.policy.queues if q.name == state.queue), state.queue
            )
            note = f"空闲 {state.agents_ready} · 排队 {state.waiting}"
            view = TargetView(kind=TargetKind.QUEUE, key=state.queue, title=title, note=note)
            yield view, (title.lower(), state.queue)
        skills = {skill.name: skill.title for skill in self._dispatch.policy.skills}
        agents = self._dispatch.snapshot()[0]
        for agent in sorted(agents, key=lambda one: (one.state is not AgentState.READY, one.agent_id)):
            person = self._people.find(agent.agent_id)
            if person is None or agent.agent_id == by or not person.extension or away(agent):
                continue
            spoken = self._colleagues.spoken_by(agent)
            note = " · ".join((person.extension, STATES[agent.state], *("、".join(spoken),) * bool(spoken)))
            view = TargetView(
                kind=TargetKind.AGENT, key=agent.agent_id, title=person.name, note=note,
                usable=agent.state is AgentState.READY,
            )  # fmt: skip
            can = (word.lower() for skill in agent.skills for word in (skill, skills.get(skill, "")))
            yield view, (person.name.lower(), agent.agent_id.lower(), person.extension, *can)
        yield from (self._of_entry(entry) for entry in entries if not entry.one_key)

    def _of_entry(self, entry: DirectoryEntry) -> tuple[TargetView, tuple[str, ...]]:
        view = TargetView(
            kind=entry.target, key=entry.name, title=entry.title, note=entry.number,
            usable=self._may_call_out, one_key=entry.one_key,
        )  # fmt: skip
        return view, (entry.title.lower(), entry.number, *entry.categories)
