"""What people do with call-backs: wish for one, take one, close one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from acd import callbacks as life
from acd.callbacks import Callback, CallbackState, Origin
from acd.messages import AgentState, CallQueued
from cti.callback_records import KeptCallback
from cti.callback_store import CallbackStore
from cti.control.callback_turns import CallbackTurns
from cti.control.callbacks import Callbacks
from cti.control.calls import Calls
from cti.control.dispatch import Dispatch
from cti.errors import ControlError

__all__ = ["CallbackDesk", "CallbackRefused", "UnknownCallback"]

S = CallbackState
RESERVED_S = 2.0


class UnknownCallback(ControlError):
    """No call-back of this id is known."""


class CallbackRefused(ControlError):
    """Not possible now; `shown` says why in Chinese, `field` names what is wrong."""

    def __init__(self, shown: str, *, field: str = "") -> None:
        super().__init__("call-back refused")
        self.shown = shown
        self.field = field


class CallbackDesk:
    """Implements `cti.web.ports.CallbackDesk`. The database's errors pass through."""

    def __init__(
        self,
        *,
        callbacks: Callbacks,
        turns: CallbackTurns,
        calls: Calls,
        dispatch: Dispatch,
        store: CallbackStore,
    ) -> None:
        self._callbacks = callbacks
        self._book = callbacks.book
        self._turns = turns
        self._calls = calls
        self._dispatch = dispatch
        self._store = store

    async def get(self, callback_id: str) -> KeptCallback:
        """Return a call-back as it stands, open or closed. Raises UnknownCallback."""
        stored, known = await self._store.get(callback_id), self._book.newest(callback_id)
        if known is not None and (stored is None or stored.entry_id <= known.entry_id):
            return known  # the journal has not told the database yet
        if stored is None:
            raise UnknownCallback(f"no call-back {callback_id}")
        return stored

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
        """A person wants somebody called back; one that is open for the number takes the wish up.

        `call_id`: because of this call.

        `after`: not before this time, when the citizen asked for one. Raises CallbackRefused.
        """
        if not any(known.name == queue for known in self._dispatch.policy.queues):
            raise CallbackRefused("没有这个队列", field="queue")
        if not self._callbacks.read(number).number:
            raise CallbackRefused("请填写要回拨的电话号码", field="number")
        now = self._calls.now()
        if after is not None and not now <= after <= now + self._callbacks.policy.keep_s:
            raise CallbackRefused("回拨时间须在今后三天之内", field="after")
        callback = self._callbacks.wanted(
            origin=Origin.PERSON.value,
            number=number,
            queue=queue,
            needs={},
            since=now,
            call_id=call_id,
            urgent=urgent,
            note=note,
            by=by,
        )
        if callback is None:
            raise CallbackRefused("该号码无法回拨", field="number")
        if after is not None and callback.state is S.WAITING:
            callback = self._book.keep("put_off", replace(callback, not_before=after))
            self._callbacks.changed()
        return callback

    async def take(self, callback_id: str, agent_id: str) -> Callback:
        """An agent who is ready takes a call-back: the citizen is dialled now, at whatever hour.

        Raises UnknownCallback, CallbackRefused.
        """
        callback = await self._open(callback_id, S.WAITING)
        agent = self._dispatch.agent(agent_id)
        if agent is None or agent.state is not AgentState.READY:
            raise CallbackRefused("请先示闲，再领取回拨")
        if callback.callback_id in self._turns.by_hand:
            raise CallbackRefused("其他坐席正在领取这条回拨")
        callback = self._book.keep("taken", replace(callback, not_before=None, by=agent_id))
        self._turns.by_hand[callback_id] = agent_id
        self._turns.leave(callback)
        wanted = {skill: level for skill, level in callback.needs.items() if skill in agent.skills}
        needs = {skill: min(level, agent.skills[skill]) for skill, level in wanted.items()}
        if not needs:  # the queue's own needs would count: whatever the agent can do will do
            needs = {min(agent.skills): 1}
        self._dispatch.tell(
            CallQueued(
                call_id=callback_id,
                queue=callback.queue,
                needs=needs,
                priority=callback.priority,
                urgent=True,
                since=callback.since,
                prefer=(agent_id,),
                callback=True,
            )
        )
        return await self._reserved(callback_id)

    async def _reserved(self, callback_id: str) -> Callback:
        """Wait until the router has reserved the agent, which on another server takes a moment."""
        try:
            async with asyncio.timeout(RESERVED_S):
                while not self._turns.rings(callback_id):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:  # another call was faster
            self._turns.by_hand.pop(callback_id, None)
            self._callbacks.changed()
            raise CallbackRefused("坐席已在忙，请稍后再试") from None
        callback = self._book.find(callback_id)
        if callback is None:
            raise CallbackRefused("这条回拨已经结束")
        return callback

    async def give_up(self, callback_id: str, reason: str, by: str) -> Callback:
        """Close one that is not needed, or cannot be done. Raises UnknownCallback, CallbackRefused."""
        callback = await self._open(callback_id, S.WAITING, S.RESERVED, S.BY_HAND)
        self._turns.leave(callback)
        return self._book.keep("given_up", life.given_up(callback, reason, by, self._calls.now()))

    async def settle(self, callback_id: str, by: str) -> Callback:
        """A person has talked with the citizen by other means. Raises UnknownCallback, CallbackRefused."""
        callback = await self._open(callback_id, S.WAITING, S.BY_HAND)
        self._turns.leave(callback)
        return self._book.keep("by_person", life.by_person(callback, by, self._calls.now()))

    async def _open(self, callback_id: str, *states: CallbackState) -> Callback:
        """Return the open call-back for a move of ours, also when it was another server's until now."""
        kept = await self.get(callback_id)
        self._book.refresh_one(kept)
        callback = self._book.find(callback_id)
        if callback is None:
            raise CallbackRefused("这条回拨已经结束")
        if callback.state not in states:
            busy = callback.state in (S.RESERVED, S.DIALLING, S.REACHED)
            raise CallbackRefused("正在回拨，请稍后再试" if busy else "该号码不能由系统拨打，请人工处理")
        return callback
