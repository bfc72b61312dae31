"""What supervisors do without being in the talk: end calls, move them, force states, change skills."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from acd.messages import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentRecord,
    AgentState,
    CallLeft,
    CallQueued,
    NotReadyReason,
    WaitingRecord,
)
from acd.messages import Event as RouterEvent
from cti.ami import AmiError
from cti.call import Call
from cti.control.calls import Calls
from cti.control.colleagues import STATES
from cti.control.dispatch import Dispatch
from cti.control.people import People
from cti.control.phones import Phones
from cti.control.supervision import Supervision
from cti.control.supervision_hands import SupervisionHands
from cti.control.supervision_news import note_act
from cti.control.supervision_rights import check, checked_reason
from cti.control.supervision_seats import BUSY
from cti.control.targets import Target
from cti.message_base import CallState, TargetKind
from cti.messages import Notice, PageMessage
from cti.messages_floor import ChangeSkills, EndCall, ForceState, MoveCall
from cti.parties import SentTo
from cti.ports import CommandRefused, Pages, Person

IN_LINE = frozenset({CallState.WAITING, CallState.RINGING})
SKILLS_MAX = 100


class SendOn(Protocol):
    """Sends a talk elsewhere (cti.control.transfers)."""

    async def send_on(self, person: Person, call_id: str, kind: TargetKind, key: str) -> None:
        """Raises CommandRefused."""


class Resolve(Protocol):
    """Says who a target is (cti.control.targets)."""

    def resolve(self, kind: TargetKind, key: str, *, by: str, free: bool = True) -> Target:
        """Raises CommandRefused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActParts:
    """What the acts need."""

    calls: Calls
    dispatch: Dispatch
    hands: SupervisionHands
    phones: Phones
    people: People
    pages: Pages
    transfers: SendOn
    targets: Resolve
    tell: Callable[[RouterEvent], None]  # the router, of a call that is transferred (telephony)
    sign_out: Callable[[Person], Awaitable[None]]  # end their sessions, and what follows
    set_skills: Callable[[str, Mapping[str, int], str], Awaitable[None]]  # login, skills, by whom


class SupervisionActs:
    """Carries commands out; every act is journalled with who, whom and why."""

    def __init__(self, parts: ActParts, supervision: Supervision) -> None:
        self._parts = parts
        self._supervision = supervision

    # ------------------------------------------------------------ calls

    async def end(self, person: Person, message: PageMessage) -> None:
        """强拆: hang the citizen's channel up; the agent writes up. Raises CommandRefused."""
        check(person, message)
        if not isinstance(message, EndCall):
            raise CommandRefused("不支持的操作")
        reason = checked_reason(message.reason)
        call = await self._supervision.call_here(person, message, message.call_id)
        if call is None:
            return
        if call.written:
            raise CommandRefused("文字会话请由坐席结束，或移到其他队列")
        agent = call.agent_id or ""
        self._note(call.call_id, person, "end", agent_id=agent, reason=reason)
        try:
            await self._parts.hands.put_down(call, call.channel)
        except AmiError:
            raise CommandRefused("电话系统没有执行；请再试一次") from None
        self._notice(agent, "warning", f"{person.name}挂断了这通电话：{reason}")

    async def move(self, person: Person, message: PageMessage) -> None:
        """Send a waiting or talking call to another queue or agent. Raises CommandRefused."""
        check(person, message)
        if not isinstance(message, MoveCall):
            raise CommandRefused("不支持的操作")
        reason = checked_reason(message.reason)
        if message.kind not in (TargetKind.QUEUE, TargetKind.AGENT):
            raise CommandRefused("只能移到队列或坐席")
        call = await self._supervision.call_here(person, message, message.call_id)
        if call is None:
            return
        agent = call.agent_id or ""
        if call.with_person and call.written:
            raise CommandRefused("文字会话请由坐席转出")
        if call.with_person:
            await self._parts.transfers.send_on(person, call.call_id, message.kind, message.key)
            self._notice(agent, "warning", f"{person.name}把这通电话转走了：{reason}，请写完工单")
        elif call.state in IN_LINE:
            self._in_line(person, call, message)
        else:
            raise CommandRefused("这通电话还在语音导航中，不能移动")
        target = f"{message.kind.value}:{message.key}"
        self._note(call.call_id, person, "move", agent_id=agent, reason=reason, target=target)

    def _in_line(self, person: Person, call: Call, message: MoveCall) -> None:
        """The caller changes lines; the time of waiting, and with it the place, is kept."""
        parts = self._parts
        target = parts.targets.resolve(message.kind, message.key, by="", free=False)
        waiting = parts.dispatch.waiting(call.call_id)
        if waiting is None:
            raise CommandRefused("这通电话正在接通，请稍后再试")
        if message.kind is TargetKind.QUEUE:
            queue, needs, prefer = target.key, dict(target.needs), tuple[str, ...]()
        else:
            self._check_taker(target.key, waiting)
            queue, needs, prefer = call.queue, dict(call.needs), (target.key,)
        sent = SentTo(queue=queue, needs=needs, reason="moved", prefer=prefer)
        parts.calls.update(replace(call, sent_to=sent, queue=queue, needs=needs))
        parts.tell(CallLeft(call_id=call.call_id))
        parts.tell(
            CallQueued(
                call_id=call.call_id, queue=queue, needs=needs, media=waiting.media,
                priority=call.priority, urgent=waiting.urgent, since=waiting.since,
            )
        )  # fmt: skip

    def _check_taker(self, login: str, waiting: WaitingRecord) -> None:
        """The router would give up at once a preference for somebody who takes no such calls: say so."""
        agent, whom = self._agent(login)
        absent = AgentState.NOT_READY in (agent.state, agent.after) or agent.after is AgentState.OFFLINE
        if absent:
            raise CommandRefused(f"{whom.name}示忙，接不到这通电话；可以先把坐席置为示闲")
        if any(agent.skills.get(skill, 0) < level for skill, level in waiting.needs.items()):
            raise CommandRefused(f"{whom.name}没有这通电话需要的技能；可以先调整技能或移到其他队列")

    # ------------------------------------------------------------ agents

    async def force(self, person: Person, message: PageMessage) -> None:
        """强制示闲, 强制示忙, 强制签出. Raises CommandRefused."""
        check(person, message)
        if not isinstance(message, ForceState):
            raise CommandRefused("不支持的操作")
        reason = checked_reason(message.reason)
        agent, whom = self._agent(message.agent_id)
        match message.state:
            case "ready":
                self._make_ready(agent, whom)
                words = "把您置为示闲"
            case "not_ready":
                busy = NotReadyReason.OTHER
                self._parts.dispatch.tell(AgentBecameNotReady(agent_id=agent.agent_id, reason=busy))
                words = "把您置为示忙（通话和整理结束后生效）" if agent.call_id else "把您置为示忙"
            case "offline":
                if agent.state in BUSY:
                    raise CommandRefused(
                        f"{whom.name}现在{STATES[agent.state]}，结束后才能签出；可以先置为示忙"
                    )
                await self._parts.sign_out(whom)
                words = "把您签出了"
            case _:
                raise CommandRefused("没有这种状态")
        self._note("", person, "state", agent_id=whom.login, reason=reason, state=message.state)
        self._notice(whom.login, "warning", f"{person.name}{words}：{reason}")

    def _make_ready(self, agent: AgentRecord, whom: Person) -> None:
        if agent.state in BUSY:
            raise CommandRefused(f"{whom.name}现在{STATES[agent.state]}，结束后自动进入整理")
        if not self._parts.phones.registered(whom.extension):
            raise CommandRefused(f"{whom.name}的话机未注册，不能示闲")
        self._parts.dispatch.tell(AgentBecameReady(agent_id=agent.agent_id))

    async def skills(self, person: Person, message: PageMessage) -> None:
        """Give an agent other skills, from now on and for good. Raises CommandRefused."""
        check(person, message)
        if not isinstance(message, ChangeSkills):
            raise CommandRefused("不支持的操作")
        reason = checked_reason(message.reason)
        whom = self._parts.people.find(message.agent_id)
        if whom is None:
            raise CommandRefused("没有这个账号")
        titles = {skill.name: skill.title for skill in self._parts.dispatch.policy.skills}
        given = dict(message.skills)
        if len(given) > SKILLS_MAX or not given.keys() <= titles.keys():
            raise CommandRefused("路由策略中没有这项技能")
        if not all(1 <= level <= 5 for level in given.values()):
            raise CommandRefused("技能等级须在 1 到 5 之间")
        await self._parts.set_skills(whom.login, given, person.login)
        before = dict(whom.skills)
        self._note("", person, "skills", agent_id=whom.login, reason=reason, before=before, after=given)
        shown = "、".join(f"{titles[name]} {level}" for name, level in given.items()) or "无"
        self._notice(whom.login, "info", f"{person.name}调整了您的技能：{shown}（{reason}）")

    def _agent(self, login: str) -> tuple[AgentRecord, Person]:
        agent, whom = self._parts.dispatch.agent(login), self._parts.people.find(login)
        if agent is None or whom is None or agent.state is AgentState.OFFLINE:
            raise CommandRefused("该坐席没有签入")
        return agent, whom

    # ------------------------------------------------------------ said

    def _note(self, call_id: str, person: Person, act: str, **more: Any) -> None:
        note_act(self._parts.calls, call_id, person.login, act, more)

    def _notice(self, login: str, level: str, text: str) -> None:
        if login:
            self._parts.pages.send((login,), Notice(level=level, text=text))
