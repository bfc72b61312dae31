"""Keeps those call-backs in line that should stand there, and finds again what a restart tore apart."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from acd import callbacks as life
from acd.callbacks import Callback, CallbackState, Result
from acd.messages import CallLeft, CallQueued, WaitingRecord
from cti.ami import AmiError
from cti.callback_records import KeptCallback
from cti.control.callback_members import Members
from cti.control.callback_turns import CallbackTurns, DialsCitizens
from cti.control.callbacks import Callbacks
from cti.control.calls import Calls
from cti.control.dispatch import Dispatch
from cti.faults import fault_site
from cti.tasks import end

__all__ = ["CallbackKeeper"]

log = logging.getLogger(__name__)

S = CallbackState
LOOK_S = 1.0
REFRESH_S = 3.0
"""How often what other servers did is read."""
TORN_S = 5.0
"""A move that is older than this, and that nobody sees through, was torn apart by a restart."""
READ_S = 5.0
SETTLED_S = 60.0
"""What a former server wrote last is in the database so long after a start."""
SAME_PLACE_S = 0.5


class CallbackKeeper:
    """Looks at every open call-back of this server once a second, and at once when something has changed."""

    def __init__(
        self,
        *,
        callbacks: Callbacks,
        turns: CallbackTurns,
        calls: Calls,
        dispatch: Dispatch,
        dialler: DialsCitizens,
        stored: Callable[[], Awaitable[Sequence[KeptCallback]]],
        members: Members,
        alone: bool,
    ) -> None:
        """`stored()` reads every open call-back; it is read again and again unless this server is `alone`."""
        self._callbacks = callbacks
        self._book = callbacks.book
        self._policy = callbacks.policy
        self._turns = turns
        self._calls = calls
        self._dispatch = dispatch
        self._dialler = dialler
        self._stored = stored
        self._members = members
        self._alone = alone
        self._read_at = -math.inf  # monotonic
        self._first_read = 0.0  # monotonic; 0: not yet
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        callbacks.changed = turns.changed = self._wake.set

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._keep_looking(), name="call-backs")

    async def stop(self) -> None:
        """Stop looking; what is open stays in the database and with the router."""
        await end(self._task)

    async def read(self) -> None:
        """Read what the database has, if it is time to; a database that is away is asked again later."""
        now = asyncio.get_running_loop().time()
        if self._first_read and self._alone and now > self._first_read + SETTLED_S:
            return  # nobody else writes
        if now < self._read_at + REFRESH_S:
            return
        self._read_at = now
        await self._members.beat()
        try:
            async with asyncio.timeout(READ_S):
                stored = await self._stored()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("call-backs not read", extra={"reason": type(error).__name__})
            return
        if not self._first_read:
            self._first_read = now
            log.info("call-backs taken over", extra={"open": len(stored)})
        self._book.refresh(stored)

    async def look(self) -> None:
        """See to every open call-back once."""
        now = self._calls.now()
        on_the_line: dict[str, list[str]] = {}  # number -> its calls
        for call in self._calls:
            if call.ended is None:
                on_the_line.setdefault(self._callbacks.read(call.caller).number, []).append(call.call_id)
        longest = self._longest_waiting()
        for callback in self._book:
            if not self._book.owned(callback.callback_id) and not self._inherits(callback):
                continue
            current = self._book.find(callback.callback_id)
            if current is None:
                continue
            if self._policy.expires(current, now) and current.state in life.LEGAL["expired"]:
                self._turns.leave(current)
                self._book.keep("expired", life.expired(current, now))
            elif current.state is S.WAITING:
                # who is about to hang up, having asked, stands in line already: the place is theirs
                calls = not set(on_the_line.get(current.number, ())) <= set(current.calls)
                self._stand(current, now, longest.get(current.queue), calls=calls)
            else:
                await self._see_through(current, now)

    # ------------------------------------------------------------ in line

    def _longest_waiting(self) -> dict[str, float]:
        """Queue -> since when the citizen on the line waits who waits longest."""
        longest: dict[str, float] = {}
        for record in self._dispatch.snapshot()[1]:
            if not record.callback:
                longest[record.queue] = min(record.since, longest.get(record.queue, math.inf))
        return longest

    def _stand(self, callback: Callback, now: float, longest: float | None, *, calls: bool) -> None:
        """Put a waiting one in line, at its place, or take it out; `calls`: the citizen is on the line."""
        waiting = self._dispatch.waiting(callback.callback_id)
        if waiting is not None and waiting.offered_to is not None:
            if not self._turns.rings(callback.callback_id):  # reserved before a restart
                self._turns.leave(callback)
            return
        if callback.callback_id in self._turns.by_hand:
            return
        stands = not calls and self._policy.stands(callback, now, longest)
        if waiting is None and stands:
            self._join(callback)
        elif waiting is not None and not stands and not _later(waiting, now):
            self._dispatch.tell(CallLeft(call_id=callback.callback_id))
        elif waiting is not None and stands and not self._at_its_place(callback, waiting):
            self._dispatch.tell(CallLeft(call_id=callback.callback_id))
            self._join(callback)

    def _at_its_place(self, callback: Callback, waiting: WaitingRecord) -> bool:
        return abs(waiting.since - self._policy.place(callback)) <= SAME_PLACE_S and not waiting.not_before

    def _join(self, callback: Callback) -> None:
        policy = self._dispatch.policy
        skills = {skill.name for skill in policy.skills}
        queues = {queue.name for queue in policy.queues}
        self._dispatch.tell(
            CallQueued(
                call_id=callback.callback_id,
                queue=callback.queue if callback.queue in queues else policy.default_queue,
                needs={skill: level for skill, level in callback.needs.items() if skill in skills},
                priority=callback.priority,
                urgent=callback.urgent,
                since=self._policy.place(callback),
                callback=True,
            )
        )

    # ------------------------------------------------------------ after a restart

    def _inherits(self, callback: Callback) -> bool:
        """Take over the call-back of a server that is gone; False when it is not ours to take."""
        alive = self._members.alive()
        if alive is None or not self._members.leads() or self._book.owner(callback.callback_id) in alive:
            return False
        self._book.keep("adopted", callback)
        return True

    async def _see_through(self, callback: Callback, now: float) -> None:
        if self._turns.rings(callback.callback_id):
            return
        if callback.state is S.RESERVED:
            self._turns.leave(callback)
            self._book.keep("released", life.released(callback, now))
        elif callback.state in (S.DIALLING, S.REACHED) and now >= callback.state_since + TORN_S:
            await self._look_for(callback, now)

    async def _look_for(self, callback: Callback, now: float) -> None:
        """Whether the channel of a citizen who was dialled, or answered, is still there."""
        call = self._calls.find(callback.call_id)
        if call is not None:
            if call.answered is not None and callback.state is S.REACHED:
                self._callbacks.answered(call)
            return
        try:
            if await self._dialler.alive(callback.call_id):
                return
        except AmiError as error:
            log.warning("citizen's channel not looked for", extra={"reason": type(error).__name__})
            return
        current = self._book.find(callback.callback_id)
        if current != callback:
            return
        self._turns.leave(callback)
        if callback.state is S.DIALLING:
            self._book.keep("released", life.released(callback, now))
        else:
            self._book.keep("unreached", life.unreached(callback, Result.LOST, self._policy, now))

    async def _keep_looking(self) -> None:
        while True:
            try:
                await self.read()
                await self.look()
            except Exception as error:  # one call-back must not end those of all others
                log.error("looking after call-backs failed", extra={"site": fault_site(error)})
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()


def _later(waiting: WaitingRecord, now: float) -> bool:
    """Whether the router itself keeps it until its time has come."""
    return waiting.not_before is not None and waiting.not_before > now
