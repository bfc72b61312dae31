"""Call-backs at work: who is to be called back, and what calls mean for those who are.

The router's `Offer(callback=True)` is the right to dial (see `callback_turns`); `callback_keeper` sees to it
that those stand in line who should; `callback_desk` does what people ask for. What the database has of a
call-back is the newest snapshot of whoever moved it; a server that moves one of another's takes it over.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace

from acd import callbacks as life
from acd.callback_policy import CallbackPolicy
from acd.callbacks import Callback, CallbackState, Origin, Result, Wish
from acd.messages import BecameCallback
from acd.phone_numbers import PhoneNumber, read_number
from cti.call import Call
from cti.control.callback_book import CallbackBook
from cti.control.callback_rules import CallbackRules
from cti.control.callback_turns import CallbackTurns
from cti.control.calls import Calls
from cti.control.dispatch import Dispatch
from cti.messages import Outcome
from ivr_flows.messages import Route

__all__ = ["Callbacks"]

S = CallbackState


class Callbacks:
    """What lines and calls tell of call-backs."""

    def __init__(
        self,
        *,
        book: CallbackBook,
        turns: CallbackTurns,
        calls: Calls,
        dispatch: Dispatch,
        rules: CallbackRules,
    ) -> None:
        self.book = book
        self.rules = rules
        self._turns = turns
        self._calls = calls
        self._dispatch = dispatch
        self.changed: Callable[[], None] = lambda: None
        """Called when a call-back should be put in line, or taken out of it, without delay."""

    @property
    def policy(self) -> CallbackPolicy:
        """Tries, waits and hours."""
        return self.rules.policy

    def read(self, number: str) -> PhoneNumber:
        """The number in its one spelling."""
        return read_number(number, area_code=self.rules.area_code)

    # ------------------------------------------------------------ told by lines

    def wanted(
        self,
        *,
        origin: str,
        number: str,
        queue: str,
        needs: Mapping[str, int],
        since: float,
        call_id: str,
        priority: int = 0,
        urgent: bool = False,
        note: str = "",
        by: str = "",
    ) -> Callback | None:
        """Somebody is to be called back; return the call-back, which may be one that was open before.

        A citizen who waits in line keeps the place: the very call becomes the call-back. None where nobody
        can be called and nobody has asked: an abandoned call without a number.
        """
        wish = Wish(
            origin=Origin(origin),
            number=self.read(number),
            queue=self._queue(queue),
            needs=dict(needs),
            priority=priority,
            urgent=urgent,
            since=since,
            call_id=call_id,
            note=note,
            by=by,
        )
        now = self._calls.now()
        known = self.book.of_number(wish.number.number)
        if known is not None:
            return self._again(known, wish, now)
        if not wish.number.diallable and wish.origin in (Origin.MISSED, Origin.ABANDONED):
            return None
        waiting = self._dispatch.waiting(call_id) if call_id else None
        becomes = (
            wish.number.diallable
            and waiting is not None
            and waiting.offered_to is None
            and not waiting.callback
            and self.policy.due_at(life.wanted(call_id, wish, now), now) <= now
        )
        callback = life.wanted(call_id if becomes else f"cb-{secrets.token_hex(8)}", wish, now)
        self.book.keep("wanted", callback)
        if becomes:
            self._dispatch.tell(BecameCallback(call_id=call_id))
        self.changed()
        return callback

    def _again(self, known: Callback, wish: Wish, now: float) -> Callback:
        if wish.call_id and wish.call_id in known.calls:
            return known
        if known.state in (S.DIALLING, S.REACHED) and not self.book.owned(known.callback_id):
            return known  # whoever dials now writes what comes of it
        callback = self.book.keep("merged", life.merged(known, wish, now))
        self.changed()
        return callback

    def place_of(self, call: Call) -> float | None:
        """Since when a call that joins the line counts as waiting, None for "since now".

        A citizen who was called back, or calls again while a call-back is open, stands at that one's place.
        """
        callback = self.book.of_call(call.call_id) or self.book.of_number(self.read(call.caller).number)
        return None if callback is None else self.policy.place(callback)

    def route(self, call: Call, action: Route) -> Route:
        """What a flow's route becomes for a citizen who was called back: the line that they waited in."""
        callback = self.book.of_call(call.call_id)
        if callback is None or callback.state is not S.REACHED:
            return action
        return replace(
            action,
            queue=callback.queue,
            needs=dict(callback.needs),
            priority=callback.priority,
            urgent=action.urgent or callback.urgent,
        )

    # ------------------------------------------------------------ told by calls

    def answered(self, call: Call) -> None:
        """Citizen and person talk: whatever was open for this number is done."""
        now = self._calls.now()
        callback = self.book.of_call(call.call_id)
        if callback is not None and callback.state is S.REACHED:
            self.book.keep("done", life.done(callback, call.agent_id, now))
            return
        callback = self.book.of_number(self.read(call.caller).number)
        if callback is not None and callback.state in life.LEGAL["withdrawn"]:
            self._turns.leave(callback)
            self.book.keep("withdrawn", life.withdrawn(callback, "called_again", now))

    def ended(self, call: Call) -> None:
        """A call is over: who was not answered is called back, by policy. One that only moved is not over."""
        if call.ended is None:
            return
        now = self._calls.now()
        callback = self.book.of_call(call.call_id)
        if callback is not None and callback.state is S.REACHED:
            if call.outcome is Outcome.ANSWERED:
                self.book.keep("done", life.done(callback, call.agent_id, now))
            else:
                self.book.keep("unreached", life.unreached(callback, Result.LOST, self.policy, now))
                self.changed()
            return
        origin = self._missed(call)
        if origin is None or not self.rules.automatic:
            return
        self.wanted(
            origin=origin.value,
            number=call.caller,
            queue=call.queue,
            needs=call.needs,
            since=call.started if call.queued is None else call.queued,
            call_id=call.call_id,
            priority=call.priority,
        )

    def _missed(self, call: Call) -> Origin | None:
        """Why a call that is over makes work, None when it does not."""
        if call.text_only:
            return None  # nobody shall telephone them
        lasted = (call.ended or call.started) - (call.started if call.queued is None else call.queued)
        if call.outcome is Outcome.FAILED:
            return Origin.MISSED
        if lasted < self.rules.abandoned_s:
            return None
        if call.outcome is Outcome.ABANDONED_WAITING:
            return Origin.ABANDONED
        at_night = self.policy.next_hours(call.started) != call.started
        return Origin.MISSED if call.outcome is Outcome.ABANDONED_IN_FLOW and at_night else None

    # ------------------------------------------------------------ inside

    def _queue(self, queue: str) -> str:
        """The queue, or the policy's default one when it has none of that name (any more)."""
        policy = self._dispatch.policy
        return queue if any(known.name == queue for known in policy.queues) else policy.default_queue
