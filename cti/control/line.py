"""One citizen's line: an AGI session that does what flow and router decide."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from acd.messages import CallLeft, Offer, OfferWithdrawn
from cti import call as calls_of
from cti.agi import AgiHangup, AgiSession
from cti.call import Call
from cti.control import line_listening, line_prompts
from cti.control.line_leg import Leg
from cti.control.line_outside import Outside
from cti.control.line_ports import LineDeps, LineSettings, Telephony
from cti.control.line_waiting import Waiting
from cti.messages import CallState, EntryKind
from ivr_flows.engine import FlowRun
from ivr_flows.messages import (
    Action,
    Collect,
    Done,
    Event,
    HangUp,
    HungUp,
    Listen,
    LookUp,
    Note,
    OfferCallback,
    Play,
    Rated,
    Record,
    Route,
    TransferOut,
    WebRequest,
)

__all__ = ["Line", "LineDeps", "LineSettings", "Telephony"]

log = logging.getLogger(__name__)

GONE_NEWS_S = 1.0
"""How long Asterisk's own news of a hang-up may lag behind the end of the AGI session."""


class Line:
    """Runs one call from the moment that Asterisk hands it over until it is given back."""

    def __init__(self, session: AgiSession, call: Call, flow: FlowRun, deps: LineDeps) -> None:
        self.call_id = call.call_id
        self._session = session
        self._flow = flow
        self._deps = deps
        self._calls = deps.calls
        self._phones = deps.phones
        self._leg = Leg(session, call.call_id, deps)
        self._outside = Outside(self._leg, deps)
        self._waiting = Waiting(self._leg, deps, self._outside)
        self.replaced = False  # another session has the channel now; this one only has not ended yet

    # ------------------------------------------------------------ told by the switchboard

    def rings(self, agent_id: str) -> bool:
        """Whether Asterisk is dialling this agent, or the two talk."""
        return self._waiting.rings(agent_id)

    def offer(self, offer: Offer) -> None:
        """Ring this agent as soon as the present prompt is stopped."""
        self._waiting.offer(offer)

    def withdraw(self, withdrawn: OfferWithdrawn) -> None:
        """Stop ringing (or do not begin to ring) this agent."""
        self._waiting.withdraw(withdrawn)

    def send_away(self, number: str) -> None:
        """Another centre takes the waiting call."""
        self._waiting.send_away(number)

    def place_changed(self, place: int, expected_wait_s: float | None) -> None:
        """Remember the place in line for the next announcement; None: no honest word on the wait."""
        self._waiting.place, self._waiting.expected_wait_s = place, expected_wait_s

    def pressed(self, key: str) -> None:
        """Asterisk says that a key was pressed on the channel."""
        self._leg.pressed(key)

    def dial_answered(self) -> None:
        """Asterisk says that somebody has answered what the channel dials."""
        self._outside.answered()

    # ------------------------------------------------------------ the session

    async def run(self, begin: Callable[[FlowRun], Action]) -> None:
        """Carry the flow out until it is over or the channel is gone or taken away."""
        try:
            action = begin(self._flow)
            while not isinstance(action, HangUp):
                self._keep_flow()
                event = await self._carry_out(action)
                action = self._flow.handle(event)
            await self._finish(failed=action.reason == "error")
        except AgiHangup:
            await self._channel_left()
        finally:
            if dropped := self._leg.keys.dropped:
                self._calls.metrics.keys_dropped.inc(dropped)
            self._leg.end()

    def _keep_flow(self) -> None:
        call = self._leg.call
        state = self._flow.saved()
        if dict(call.flow) != state:
            self._calls.update(replace(call, flow=state))

    async def _carry_out(self, action: Action) -> Event:
        match action:
            case Play():
                return await line_prompts.play(self._leg, action)
            case Collect():
                return await line_prompts.collect(self._leg, action)
            case Listen():
                return await line_listening.listen(self._leg, self._deps, action)
            case Route():
                return await self._waiting.route(self._deps.callbacks.route(self._leg.call, action))
            case Record():
                return await self._outside.record(action)
            case TransferOut():
                return await self._outside.transfer(action)
            case OfferCallback():
                return await self._outside.call_back(action)
            case LookUp():
                return await self._outside.look_up(action)
            case WebRequest():
                return await self._outside.ask_web(action)
            case Note():
                self._calls.note(
                    self.call_id, EntryKind.NOTE, {"kind": action.kind, "values": dict(action.values)}
                )
                await self._deps.noted(self._leg.call, action)
                return Done()
            case Rated():
                self._rate(action.score)
                return Done()
            case HangUp():
                raise ValueError("a flow that is over has nothing to carry out")

    def _rate(self, score: int) -> None:
        if self._leg.call.state is CallState.SURVEY:
            self._calls.update(calls_of.rated(self._leg.call, score))
        self._calls.note(self.call_id, EntryKind.RATING, {"score": score})

    # ------------------------------------------------------------ the end

    async def _finish(self, *, failed: bool) -> None:
        if failed and self._leg.call.answered is None:
            self._calls.metrics.flows_failed.inc()
            if not self._leg.call.visit_id:  # a citizen whom the robot called wants nobody
                return  # give the channel back unfinished: the dialplan queues the caller to a person
        await self._session.set_variable("HL_DONE", "1")
        await self._session.hangup()
        self._citizen_left()

    async def _channel_left(self) -> None:
        """The AGI session ended under us: the citizen hung up, or the channel was taken elsewhere."""
        if self.call_id not in self._calls:
            return
        taken = not await self._calls.is_gone(self.call_id, GONE_NEWS_S) and await self._phones.channel_alive(
            self._leg.call
        )
        if self.replaced or self.call_id not in self._calls:
            return  # what happens now is told by the session that has the channel
        if not taken:
            self._citizen_left()
            return
        log.info("channel was taken away", extra={"call_id": self.call_id})
        if self._phones.in_line(self.call_id):
            self._phones.tell(CallLeft(call_id=self.call_id))

    def _citizen_left(self) -> None:
        self._phones.citizen_left(self.call_id)
        if not self._flow.over:
            self._flow.handle(HungUp())
