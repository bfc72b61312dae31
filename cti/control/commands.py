"""What agents ask for on their pages."""

from __future__ import annotations

from acd.messages import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentState,
    NotReadyReason,
    WrapUpExtended,
    WrapUpFinished,
)
from cti.control.calls import Calls
from cti.control.dispatch import Dispatch
from cti.control.orderdesk import OrderDesk
from cti.control.phones import Phones
from cti.messages import (
    AddOrder,
    DiscardOrder,
    EditField,
    ExtendWrapUp,
    FinishWrapUp,
    NotReady,
    PageMessage,
    Ping,
    Ready,
    Role,
    SubmitOrder,
)
from cti.ports import CommandRefused, Person

CHOSEN_REASONS = frozenset(
    {
        NotReadyReason.REST,
        NotReadyReason.MEAL,
        NotReadyReason.TRAINING,
        NotReadyReason.MEETING,
        NotReadyReason.OTHER,
    }
)
"""Reasons that an agent may give; the others are the system's own."""


class Commands:
    """Carries them out, or refuses them in words for the person."""

    def __init__(self, *, calls: Calls, dispatch: Dispatch, orders: OrderDesk, phones: Phones) -> None:
        self._calls = calls
        self._dispatch = dispatch
        self._orders = orders
        self._phones = phones

    async def carry_out(self, person: Person, message: PageMessage) -> None:
        """Carry one command out, or raise CommandRefused with words for the person."""
        match message:
            case Ping():
                return
            case Ready():
                self._ready(person)
            case NotReady(reason=reason):
                self._not_ready(person, reason)
            case FinishWrapUp():
                self._agent(person)
                self._dispatch.tell(WrapUpFinished(agent_id=person.login))
            case ExtendWrapUp(seconds=seconds):
                self._extend(person, seconds)
            case EditField(order_id=order_id, field=field, value=value, seen=seen):
                self._own_order(person, order_id)
                self._orders.edit(order_id, field, value, person.login, seen=seen)
            case AddOrder(call_id=call_id):
                self._own_call(person, call_id)
                self._orders.add(call_id)
            case SubmitOrder(order_id=order_id):
                self._own_order(person, order_id)
                await self._orders.submit(order_id, person.login)
            case DiscardOrder(order_id=order_id, reason=reason):
                self._own_order(person, order_id)
                await self._orders.discard(order_id, person.login, reason)
            case _:
                raise CommandRefused("此系统没有启用这项操作")

    def _ready(self, person: Person) -> None:
        agent = self._agent(person)
        if not self._phones.registered(person.extension):
            raise CommandRefused("话机未注册，暂时不能示闲；请检查软电话或话机")
        if agent in (AgentState.RINGING, AgentState.TALKING):
            raise CommandRefused("通话中，结束后自动进入整理")
        self._dispatch.tell(AgentBecameReady(agent_id=person.login))

    def _not_ready(self, person: Person, reason: str) -> None:
        self._agent(person)
        try:
            chosen = NotReadyReason(reason)
        except ValueError:
            chosen = NotReadyReason.SIGNED_IN
        if chosen not in CHOSEN_REASONS:
            raise CommandRefused(f"示忙原因“{reason[:20]}”不存在")
        self._dispatch.tell(AgentBecameNotReady(agent_id=person.login, reason=chosen))

    def _extend(self, person: Person, seconds: float) -> None:
        if self._agent(person) is not AgentState.WRAP_UP:
            raise CommandRefused("现在不在整理状态")
        if not 1 <= seconds <= 600:
            raise CommandRefused("延长时间须在 1 到 600 秒之间")
        self._dispatch.tell(WrapUpExtended(agent_id=person.login, seconds=seconds))

    def _agent(self, person: Person) -> AgentState:
        agent = self._dispatch.agent(person.login)
        if agent is None:
            raise CommandRefused("您没有坐席身份（未分配分机或技能），请联系管理员")
        return agent.state

    def _own_call(self, person: Person, call_id: str) -> None:
        call = self._calls.find(call_id)
        if call is None or person.login not in call.agents:
            raise CommandRefused("这通电话已不在您手上，不能再增加工单")

    def _own_order(self, person: Person, order_id: str) -> None:
        draft = self._orders.find(order_id)
        call = self._calls.find(draft.call_id) if draft else None
        if call is not None and person.login not in call.agents and person.role is Role.AGENT:
            raise CommandRefused("这张工单属于其他坐席正在处理的通话")
