"""Every citizen's line: AGI sessions come in, router decisions go to the right line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from acd.messages import (
    CallLeft,
    CallQueued,
    Media,
    Offer,
    OfferWithdrawn,
    PlaceChanged,
    SentAway,
    TalkRestored,
)
from cti import call as calls_of
from cti.agi import AgiSession
from cti.ami import AmiEvent
from cti.call import Call
from cti.control.callback_dialling import Place
from cti.control.calls import Calls
from cti.control.citizen_guests import Guest
from cti.control.dispatch import Dispatch
from cti.control.line import Line, LineDeps
from cti.control.telephony import Telephony
from cti.control.visits import FLOW as VISIT_FLOW
from cti.control.visits import VisitCall
from cti.messages import CallState
from ivr_flows.engine import FlowRun, FlowState
from ivr_flows.errors import FlowError
from ivr_flows.messages import Action
from ivr_flows.schema import Flow
from ivr_flows.surroundings import Surroundings

log = logging.getLogger(__name__)

VIDEO_FLOW = "citizen_video"
"""What a citizen sees and hears who calls a sign-language seat; without it: what everybody hears."""

FRESH_S = 3.0
"""A call that no server knows and that is younger than this has not heard the greeting yet."""

CALLBACK_FLOW = "callback_answer"
"""What a citizen hears who was called back; without it they wait in line like anybody else."""

RING_LIMIT = "ring_limit"
"""The router's reason for a withdrawal whose time is up. Source: acd.messages.OfferWithdrawn."""

RETURN_S = 3.0
"""How long an offer waits for a call that was in line before a restart; then the agent is free again."""


class VisitedCitizens(Protocol):
    """Who knows of citizens whom the robot called (cti.control.visits)."""

    async def arrived(self, session: AgiSession) -> VisitCall | None:
        """A citizen who was dialled is here; None for everybody who is not visited."""


class CallbackDialler(Protocol):
    """Who dials citizens when an agent is reserved for them (cti.control.callbacks)."""

    def dial(self, offer: Offer) -> None:
        """The turn of this call-back has come."""

    def stop(self, withdrawn: OfferWithdrawn) -> bool:
        """The reservation is withdrawn; False when it is no call-back's."""

    async def arrived(self, session: AgiSession) -> Place | None:
        """A citizen who was dialled is here; None for everybody else."""


class GuestCitizens(Protocol):
    """Who knows of citizens who call from the citizens' page (cti.control.text_parts)."""

    async def arrived(self, session: AgiSession) -> Guest | None:
        """Whose channel this is; None for telephones."""

    async def joined(self, guest: Guest, call: Call) -> None:
        """The guest's call is in the registry."""


class Switchboard:
    """Runs a `Line` for every AGI session and knows which line holds which call."""

    def __init__(
        self,
        *,
        calls: Calls,
        dispatch: Dispatch,
        telephony: Telephony,
        flow_for: Callable[[str], Flow],
        flow_named: Callable[[str, str], Flow | None],
        around: Callable[[Call], Surroundings],
        deps: LineDeps,
        server: str,
        fetch: Callable[[str], Awaitable[Call | None]],
        callbacks: CallbackDialler | None = None,
        visits: VisitedCitizens | None = None,
    ) -> None:
        """`flow_for(called number)` is never None; `flow_named` finds the flow and version of a saved state,
        `around` is what the call's flow can see.

        `server` is this server's name, `fetch` asks the live state for a call of another one.
        """
        self._calls = calls
        self._dispatch = dispatch
        self._telephony = telephony
        self._flow_for = flow_for
        self._flow_named = flow_named
        self._around = around
        self._deps = deps
        self._callbacks = callbacks
        self._visits = visits
        self._server = server
        self._fetch = fetch
        self.guests: GuestCitizens | None = None
        self._lines: dict[str, Line] = {}
        self._early: dict[str, Offer] = {}  # offers for calls that are on their way back to us

    def line(self, call_id: str) -> Line | None:
        """The line that holds this call now."""
        return self._lines.get(call_id)

    @property
    def lines(self) -> int:
        """Calls under this server's control now."""
        return len(self._lines)

    async def serve(self, session: AgiSession) -> None:
        """Handle one AGI session: the FastAGI server's handler. Raises AgiHangup and AgiError."""
        stage = session.args[0] if session.args else "enter"
        call = self._calls.find(session.uniqueid)
        if call is None and stage != "enter":
            call = await self._taken_over(session.uniqueid)
        known, called_back = call is not None, ""
        if call is None:
            call = await self._new_call(session)
            guest = None if self.guests is None else await self.guests.arrived(session)
            if guest is not None:
                if guest.call_id in self._calls:  # one call is all that a guest has
                    await session.set_variable("HL_DONE", "1")
                    await session.hangup()
                    return
                call = replace(
                    call,
                    caller=guest.number,
                    media=guest.media,
                    guest_id=guest.guest_id,
                    text_only=guest.text_only,
                )
            if (visited := await self._visited(session, stage)) is not None:
                call = replace(
                    call,
                    caller=visited.number,
                    visit_id=visited.visit_id,
                    about_order=visited.order_id,
                    served=True,  # we wanted something of them: who hangs up abandons nothing
                )
            elif (place := await self._place(session, stage)) is not None:
                called_back = place.callback_id
                call = replace(call, caller=place.number)
            call = self._calls.add(call, **({"callback_id": called_back} if called_back else {}))
            if guest is not None and self.guests is not None:
                await self.guests.joined(guest, call)
                call = self._calls.get(call.call_id)
        elif call.channel != session.channel:
            call = self._calls.update(replace(call, channel=session.channel))
        session.call_id = call.call_id
        flow, begin = self._begin(call, stage, known=known, called_back=bool(called_back))
        line = Line(session, call, flow, self._deps)
        if (before := self._lines.get(call.call_id)) is not None:
            before.replaced = True
        self._lines[call.call_id] = line
        if (early := self._early.pop(call.call_id, None)) is not None:
            line.offer(early)
        try:
            await line.run(begin)
        finally:
            if self._lines.get(call.call_id) is line:
                del self._lines[call.call_id]

    async def _new_call(self, session: AgiSession) -> Call:
        await session.answer()
        _, started_text, called = (*session.args, "", "", "")[:3]  # as the dialplan says them
        now = self._calls.now()
        try:
            started = float(started_text or now)
        except ValueError:
            started = now
        return Call(
            call_id=session.uniqueid,
            node=session.uniqueid.rpartition("-")[0],
            channel=session.channel,
            caller=session.caller_number[:40],
            called=(called or session.called_number)[:40],
            state=CallState.INCOMING,
            started=started,
            recording_started=started,
            state_since=now,
            server=self._server,
        )

    async def _visited(self, session: AgiSession, stage: str) -> VisitCall | None:
        """The visit of a citizen whom the robot called and whom nobody knows here yet."""
        if stage == "enter" or self._visits is None:
            return None
        return await self._visits.arrived(session)

    async def _place(self, session: AgiSession, stage: str) -> Place | None:
        """The place of a citizen who was called back and whom nobody knows here yet."""
        if stage == "enter" or self._callbacks is None:
            return None
        return await self._callbacks.arrived(session)

    async def _taken_over(self, call_id: str) -> Call | None:
        """What another server kept of this call, which is ours from now on; None when there is nothing."""
        call = await self._fetch(call_id)
        if call is None or call_id in self._calls:
            return self._calls.find(call_id)
        self._calls.restore(call)
        self._telephony.announce_taken(call)
        return self._calls.update(replace(call, server=self._server), taken_over=True)

    def _begin(
        self, call: Call, stage: str, *, known: bool, called_back: bool
    ) -> tuple[FlowRun, Callable[[FlowRun], Action]]:
        """Choose where the flow begins: at its start, back in line, or after the talk."""
        saved = _saved(call)
        flow = self._flow_named(saved.flow, saved.version) if saved else None
        around = self._around(call)
        opening = CALLBACK_FLOW if called_back else VISIT_FLOW if call.visit_id else ""
        if call.media == Media.VIDEO:
            opening = VIDEO_FLOW
        answer = self._flow_named(opening, "") if opening else None
        run = (
            FlowRun.resume(flow, saved, around)
            if flow is not None and saved is not None
            else FlowRun(answer or self._flow_for(call.called), None, around)
        )
        if stage == "after":
            self._telephony.talk_over(call.call_id)
            return run, FlowRun.after_talk
        # Another server, full, closed the connection of a call that has only just come in: not a resume.
        if known or (stage == "resume" and self._calls.now() - call.started > FRESH_S):
            return run, self._again(call)
        self._calls.update(calls_of.entered_flow(call, self._calls.now()))
        return run, FlowRun.back_in_line if called_back and answer is None else FlowRun.start

    def _again(self, call: Call) -> Callable[[FlowRun], Action]:
        """Make a call that was here before fit to wait again; after a talk the rating comes instead."""
        if call.state in (CallState.SURVEY, CallState.WRAP_UP):
            return FlowRun.after_talk
        if call.state is CallState.RINGING:
            self._calls.update(calls_of.ring_failed(call, self._calls.now()))
        elif call.with_person:  # taken from the agent without our knowing
            self._telephony.agent_left(call)
        return FlowRun.back_in_line

    # ------------------------------------------------------------ the router's decisions

    def ring(self, offer: Offer) -> None:
        """Ring this agent for this call; a call that is on its way back to us is waited for a moment."""
        if offer.callback and self._callbacks is not None:
            self._callbacks.dial(offer)
            return
        line = self._lines.get(offer.call_id)
        if line is not None:
            line.offer(offer)
            return
        self._early[offer.call_id] = offer
        self._telephony.beside(self._give_up(offer), "waiting for a call to return", offer.call_id)

    async def _give_up(self, offer: Offer) -> None:
        await asyncio.sleep(RETURN_S)
        if self._early.get(offer.call_id) is not offer:
            return
        del self._early[offer.call_id]
        waiting = self._dispatch.waiting(offer.call_id)
        if (
            waiting is not None and waiting.offered_to == offer.agent_id
        ):  # not if they talk: by the native queue
            self._dispatch.tell(CallLeft(call_id=offer.call_id))

    def stop_ringing(self, withdrawn: OfferWithdrawn) -> None:
        """Stop ringing; a call that is connected all the same is told to the router as such."""
        if self._callbacks is not None and self._callbacks.stop(withdrawn):
            return
        call = self._calls.find(withdrawn.call_id)
        if call is not None and call.with_person and call.agent_id == withdrawn.agent_id:
            self._dispatch.tell(TalkRestored(call_id=call.call_id, agent_id=withdrawn.agent_id))
            return
        early = self._early.get(withdrawn.call_id)
        if early is not None and early.agent_id == withdrawn.agent_id:
            del self._early[withdrawn.call_id]
        line = self._lines.get(withdrawn.call_id)
        if line is None:
            return
        still_dialling = withdrawn.reason == RING_LIMIT and line.rings(withdrawn.agent_id)
        if still_dialling and call is not None and not self._telephony.hears(call):
            # Dial ends by itself at the limit unless somebody answered, and nobody could tell us
            self._telephony.talk_found(call, withdrawn.agent_id, "", "")
            return
        line.withdraw(withdrawn)

    def place_changed(self, place: PlaceChanged) -> None:
        """Remember the place for the next announcement; an estimate that does not help is not said."""
        line = self._lines.get(place.call_id)
        if line is not None:
            line.place_changed(place.place, place.expected_wait_s if place.helps else None)

    def send_away(self, sent: SentAway) -> None:
        """Another centre takes the call; without a line to connect it is put back at its place."""
        line = self._lines.get(sent.call_id)
        if line is not None:
            line.send_away(sent.number)
            return
        call = self._calls.find(sent.call_id)
        if call is not None and call.state is CallState.WAITING and call.queued is not None:
            self._dispatch.tell(
                CallQueued(
                    call_id=call.call_id,
                    queue=call.queue,
                    needs=call.needs,
                    priority=call.priority,
                    since=call.queued,
                )
            )

    # ------------------------------------------------------------ what Asterisk says

    def take(self, event: AmiEvent) -> None:
        """One AMI event: what concerns a line is told to it."""
        if event.name not in ("DTMFEnd", "DialEnd"):
            return
        line = self._lines.get(event.get("Uniqueid"))
        if line is None:
            return
        if event.name == "DialEnd":
            if event.get("DialStatus") == "ANSWER":
                line.dial_answered()
        elif event.get("Direction") == "Received":
            line.pressed(event.get("Digit"))


def _saved(call: Call) -> FlowState | None:
    """Where the call was in its flow; None when it was nowhere, or nobody can tell."""
    try:
        return FlowState.load(call.flow) if call.flow else None
    except FlowError:
        log.warning("saved flow state cannot be read, beginning anew", extra={"call_id": call.call_id})
        return None
