"""Colleagues who may be asked into a talk: interpreters by language, and whoever else is at their page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from acd.messages import AgentRecord, AgentState, NotReadyReason
from cti.control.dispatch import Dispatch
from cti.control.people import People
from cti.messages import ColleaguesView, LanguageView, Role, TargetKind, TargetView
from cti.roles import STAFF

STATES: Mapping[AgentState, str] = {
    AgentState.READY: "示闲",
    AgentState.RINGING: "振铃",
    AgentState.TALKING: "通话",
    AgentState.WRAP_UP: "整理",
    AgentState.RESERVED: "预占",
    AgentState.NOT_READY: "示忙",
    AgentState.OFFLINE: "离线",
}
AWAY = frozenset({NotReadyReason.LOST, NotReadyReason.PHONE_LOST, NotReadyReason.SIGNED_IN})
ROLES: Mapping[Role, str] = {Role.AGENT: "坐席", Role.SUPERVISOR: "班长", Role.ADMIN: "管理员"}
PEOPLE_MAX = 20
"""So many are named for each language."""

COLLEAGUES_MAX = 200


class Colleagues:
    """Finds them, at this moment."""

    def __init__(self, *, dispatch: Dispatch, people: People) -> None:
        self._dispatch = dispatch
        self._people = people
        self.present: Callable[[str], bool] = lambda _: False
        """Whether somebody who takes no calls has a page open here."""

    def find(self, call_id: str, *, besides: Collection[str]) -> ColleaguesView:
        """Everybody who may be asked into this call, without `besides`."""
        return ColleaguesView(
            call_id=call_id, languages=self.languages(besides), colleagues=self.others(besides)
        )

    def languages(self, besides: Collection[str] = ()) -> tuple[LanguageView, ...]:
        """Every language that somebody who is signed in speaks, in the order of the routing policy."""
        signed_in = self._dispatch.snapshot()[0]
        agents = [one for one in signed_in if one.agent_id not in besides and not away(one)]
        found = []
        for skill in self._dispatch.policy.languages:
            able = sorted((one for one in agents if skill.name in one.skills), key=_order(skill.name))
            if able:
                free = sum(one.state is AgentState.READY for one in able)
                people = tuple(view for one in able[:PEOPLE_MAX] if (view := self._view(one, skill.name)))
                found.append(LanguageView(skill=skill.name, title=skill.title, free=free, people=people))
        return tuple(found)

    def spoken_by(self, agent: AgentRecord) -> tuple[str, ...]:
        """Chinese names of the languages that this agent speaks."""
        return tuple(one.title for one in self._dispatch.policy.languages if one.name in agent.skills)

    def others(self, besides: Collection[str]) -> tuple[TargetView, ...]:
        """Whom a written conversation may ask in: agents who are signed in, supervisors with an open page."""
        agents = {one.agent_id: one for one in self._dispatch.snapshot()[0] if not away(one)}
        found = []
        for person in sorted(self._people, key=lambda one: (one.name, one.login)):
            if not self.reachable(person.login) or person.login in besides:
                continue
            agent = agents.get(person.login)
            note = ROLES[person.role] if agent is None else STATES[agent.state]
            if agent is not None and (spoken := self.spoken_by(agent)):
                note = f"{note} · {'、'.join(spoken)}"
            found.append(TargetView(kind=TargetKind.AGENT, key=person.login, title=person.name, note=note))
        return tuple(found[:COLLEAGUES_MAX])

    def reachable(self, login: str) -> bool:
        """Whether a written conversation can be shown to this person now."""
        person, agent = self._people.find(login), self._dispatch.agent(login)
        if person is None or person.role not in STAFF:
            return False
        return self.present(login) if agent is None else not away(agent)

    def best(self, needs: Mapping[str, int], *, besides: Collection[str]) -> AgentRecord | None:
        """Who is free and has these skills at these levels: the best, then whoever has waited longest."""
        free = [
            one
            for one in self._dispatch.snapshot()[0]
            if one.state is AgentState.READY
            and one.agent_id not in besides
            and all(one.skills.get(skill, 0) >= level for skill, level in needs.items())
        ]
        return min(free, key=_order(*needs), default=None)

    def _view(self, agent: AgentRecord, skill: str) -> TargetView | None:
        person = self._people.find(agent.agent_id)
        if person is None or not person.extension:
            return None
        return TargetView(
            kind=TargetKind.AGENT, key=agent.agent_id, title=person.name,
            note=f"{person.extension} · {STATES[agent.state]} · {agent.skills[skill]} 级",
            usable=agent.state is AgentState.READY,
        )  # fmt: skip


def away(agent: AgentRecord) -> bool:
    """Whether nobody is at this agent's desk, as far as the router knows."""
    return agent.state is AgentState.OFFLINE or agent.reason in AWAY


def _order(*skills: str) -> Callable[[AgentRecord], tuple[bool, int, float, str]]:
    """Free ones first, then the best, then whoever has been idle longest."""

    def key(agent: AgentRecord) -> tuple[bool, int, float, str]:
        level = sum(agent.skills[skill] for skill in skills)
        return agent.state is not AgentState.READY, -level, agent.idle_since or 0.0, agent.agent_id

    return key
