"""The turn of a call-back: an agent is reserved, the citizen is dialled, and the agent's telephone rings."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from acd import callbacks as life
from acd.callbacks import Callback, CallbackState, Origin, Result
from acd.messages import CallbackFailed, CallbackReached, CallLeft, Offer, OfferWithdrawn
from cti.agi import AgiSession
from cti.ami import AmiError
from cti.control.callback_book import CallbackBook
from cti.control.callback_dialling import Place, read_place
from cti.control.callback_rules import CallbackRules
from cti.control.calls import Calls
from cti.control.dispatch import Dispatch

__all__ = ["CallbackTurns"]

log = logging.getLogger(__name__)

S = CallbackState
MARGIN_S = 1.5
"""The citizen's telephone stops ringing so long before the reservation ends."""
SHORTEST_S = 3.0
"""With less time than this to ring, nobody is dialled."""
HANGS_UP_S = 10.0
"""A citizen hears that they will be called back, and hangs up within this time."""
AGAIN_S = 5.0
"""Asterisk cannot be reached now: another look so soon."""
RING_LIMIT = "ring_limit"
"""The router's reason for a reservation whose time is up. Source: acd.messages.OfferWithdrawn."""


class DialsCitizens(Protocol):
    """Who rings citizens (cti.control.callback_dialling.Dialler)."""

    @property
    def able(self) -> bool: ...

    def node_for(self, agent_id: str) -> str | None: ...

    def new_call_id(self, node: str) -> str: ...

    async def dial(self, callback: Callback, call_id: str, seconds: float) -> Result | None: ...

    async def hang_up(self, call_id: str) -> None: ...

    async def alive(self, call_id: str) -> bool: ...


class CallbackTurns:
    """What the switchboard tells of call-backs whose turn has come, and what is done then."""

    def __init__(
        self,
        *,
        book: CallbackBook,
        calls: Calls,
        dispatch: Dispatch,
        dialler: DialsCitizens,
        blocked: Callable[[str], Awaitable[bool]],
        beside: Callable[[Coroutine[Any, Any, None], str, str], None],
        rules: CallbackRules,
    ) -> None:
        """`blocked` tells whether nobody may be called at a number; `beside` runs work nobody waits for."""
        self._book = book
        self._calls = calls
        self._dispatch = dispatch
        self._dialler = dialler
        self._blocked = blocked
        self._beside = beside
        self._rules = rules
        self._policy = rules.policy
        self._dialling: set[str] = set()
        self.changed: Callable[[], None] = lambda: None
        """Called when a call-back should be put in line, or taken out of it, without delay."""
        self.by_hand: dict[str, str] = {}
        """Call-backs that a person wants dialled now, at whatever hour -> the agent who takes them."""

    def rings(self, callback_id: str) -> bool:
        """Whether this server is seeing to the dialling of that citizen now."""
        return callback_id in self._dialling

    # ------------------------------------------------------------ told by the switchboard

    def dial(self, offer: Offer) -> None:
        """The turn of a call-back has come: an agent is reserved, ring the citizen."""
        now = self._calls.now()
        callback = self._book.find(offer.call_id)
        if callback is None:  # the database has not told us of it yet
            self._failed(offer.call_id, offer.agent_id, now + self._policy.failed_wait_s)
        elif callback.state in (S.REACHED, S.BY_HAND):
            self._failed(offer.call_id, offer.agent_id, None)
        elif (due := self._due(callback, now)) > now and callback.state is not S.DIALLING:
            self._failed(offer.call_id, offer.agent_id, due)
        else:
            callback = self._book.keep("reserved", life.reserved(callback, offer.agent_id, now))
            if callback.state is S.RESERVED:
                self._dialling.add(callback.callback_id)
                self._beside(self._dial(callback, offer), "calling a citizen back", callback.callback_id)

    def stop(self, withdrawn: OfferWithdrawn) -> bool:
        """A reservation is withdrawn; False when it is no call-back's."""
        callback = self._book.find(withdrawn.call_id)
        if callback is None or callback.state not in (S.RESERVED, S.DIALLING):
            return False
        if callback.agent_id != withdrawn.agent_id:
            return True
        now = self._calls.now()
        if callback.state is S.DIALLING and withdrawn.reason == RING_LIMIT:
            self._beside(
                self._dialler.hang_up(callback.call_id), "ending a call to a citizen", callback.call_id
            )
            self._book.keep("unreached", life.unreached(callback, Result.NO_ANSWER, self._policy, now))
        else:
            self._book.keep("unreserved", life.unreserved(callback, now))
        self.changed()
        return True

    async def arrived(self, session: AgiSession) -> Place | None:
        """A citizen whom somebody dialled is here: ring the reserved agent. None for all other calls.

        Raises AgiHangup and AgiError.
        """
        place = read_place(await session.get_variable("HL_CALLBACK") or "")
        if place is None:
            return None
        callback = self._book.find(place.callback_id)
        if callback is None or callback.state not in (S.WAITING, S.RESERVED, S.DIALLING):
            log.warning("a citizen who was called back is not expected", extra={"call_id": session.uniqueid})
            return place
        self._book.keep("reached", life.reached(callback, session.uniqueid, self._calls.now()))
        waiting = self._dispatch.waiting(place.callback_id)
        if waiting is not None and waiting.offered_to is not None:
            reached = CallbackReached(
                call_id=place.callback_id, agent_id=waiting.offered_to, new_call_id=session.uniqueid
            )
            self._dispatch.tell(reached)
        elif waiting is not None:
            self._dispatch.tell(CallLeft(call_id=place.callback_id))
        return place

    def _due(self, callback: Callback, now: float) -> float:
        return now if callback.callback_id in self.by_hand else self._policy.due_at(callback, now)

    async def _dial(self, callback: Callback, offer: Offer) -> None:
        try:
            await self._ring_citizen(callback.callback_id, offer)
        finally:
            self._dialling.discard(callback.callback_id)
            self.by_hand.pop(callback.callback_id, None)

    async def _ring_citizen(self, callback_id: str, offer: Offer) -> None:
        callback = self._book.find(callback_id)
        if callback is None or await self._forbidden(callback, offer):
            return
        await self._hung_up(callback)
        callback = self._book.find(callback_id)
        if callback is None or callback.state is not S.RESERVED or callback.agent_id != offer.agent_id:
            return  # withdrawn meanwhile
        now = self._calls.now()
        seconds = min(self._rules.ring_s, offer.ring_until - now - MARGIN_S)
        node = self._dialler.node_for(offer.agent_id)
        if node is None or seconds < SHORTEST_S:
            self._book.keep("released", life.released(callback, now))
            wait_s = AGAIN_S if self._dialler.able else self._policy.failed_wait_s
            self._failed(callback_id, offer.agent_id, now + wait_s)
            return
        call_id = self._dialler.new_call_id(node)
        callback = self._book.keep("dialled", life.dialled(callback, call_id, now))
        try:
            result = await self._dialler.dial(callback, call_id, seconds)
        except AmiError as error:  # the telephone may ring on: the keeper finds out
            log.warning("dialling not seen to its end", extra={"reason": type(error).__name__})
            return
        if result is not None:
            self.unreached(callback_id, call_id, result)

    async def _hung_up(self, callback: Callback) -> None:
        """Wait a moment for a citizen who has asked for the call-back and has not hung up yet."""
        for call in map(self._calls.find, callback.calls):
            if call is not None and call.ended is None:
                await self._calls.is_gone(call.call_id, HANGS_UP_S)

    def unreached(self, callback_id: str, call_id: str, result: Result) -> None:
        """A citizen was dialled in vain; nothing happens when something else came of that call."""
        callback = self._book.find(callback_id)
        if callback is None or callback.call_id != call_id or callback.state is not S.DIALLING:
            return
        now, agent_id = self._calls.now(), callback.agent_id
        after = self._book.keep("unreached", life.unreached(callback, result, self._policy, now))
        if agent_id is not None:
            self._failed(callback_id, agent_id, after.not_before if after.open else None)
        self.changed()

    async def _forbidden(self, callback: Callback, offer: Offer) -> bool:
        """Whether nobody may be called there; then it is given up, or put off while nobody can tell."""
        try:
            blocked = await self._blocked(callback.number)
        except Exception as error:  # the database is away
            log.warning("blocked numbers not asked", extra={"reason": type(error).__name__})
            if callback.origin is Origin.CITIZEN:
                return False
            now = self._calls.now()
            self._book.keep("released", life.released(callback, now))
            self._failed(callback.callback_id, offer.agent_id, now + self._policy.failed_wait_s)
            return True
        if blocked and (current := self._book.find(callback.callback_id)) and current.state is S.RESERVED:
            now = self._calls.now()
            self._book.keep("given_up", life.given_up(current, "blocked", "system", now))
            self._failed(callback.callback_id, offer.agent_id, None)
        return blocked

    def leave(self, callback: Callback) -> None:
        """Take a call-back out of the router's line, and let its agent go."""
        waiting = self._dispatch.waiting(callback.callback_id)
        if callback.state is S.DIALLING:
            self._beside(
                self._dialler.hang_up(callback.call_id), "ending a call to a citizen", callback.call_id
            )
        if waiting is None:
            return
        if waiting.offered_to is not None:
            self._failed(callback.callback_id, waiting.offered_to, None)
        else:
            self._dispatch.tell(CallLeft(call_id=callback.callback_id))

    def _failed(self, callback_id: str, agent_id: str, again_at: float | None) -> None:
        """Tell the router that the reserved agent is free, unless it knows."""
        waiting = self._dispatch.waiting(callback_id)
        if waiting is not None and waiting.offered_to == agent_id:
            self._dispatch.tell(CallbackFailed(call_id=callback_id, agent_id=agent_id, again_at=again_at))
