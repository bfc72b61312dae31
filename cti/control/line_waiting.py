"""A citizen in line: music, place, keys, words said meanwhile, rung agents, and the end of the wait."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import replace
from typing import Any

from acd.messages import (
    CallEnded,
    CallLeft,
    CallQueued,
    Media,
    NotReadyReason,
    Offer,
    OfferMissed,
    OfferWithdrawn,
    WaitingRecord,
)
from cti import call as calls_of
from cti.call import Call
from cti.control.line_leg import Leg
from cti.control.line_outside import Outside
from cti.control.line_ports import LineDeps
from cti.control.phones import with_video
from cti.messages import CallState, EntryKind
from ivr_flows import speech
from ivr_flows.messages import Event, Failed, LeftLine, Route, TalkOver

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""How often a waiting line makes sure that the router still has its call."""

SHORTEST_RING_S = 0.5
"""An offer whose ring would be shorter is let pass: the router is about to withdraw it."""

SPEAKING_S = 1.0
"""An announcement that is due while the citizen speaks is put off by so long, again and again."""

INVITE_S = 1.0
"""So long after the greeting the leg may take to be heard; later nobody is invited to speak."""

AREA_S = 1.0
"""So long after the greeting what is announced to the caller's area may take to be found."""

AWAY_RING_S = 30.0
"""How long another centre may ring."""

TAKEN_S = 5.0
"""So long Asterisk may take to redirect a citizen; that ends the session, and nothing after it happens."""

MISSED = {
    "BUSY": NotReadyReason.REFUSED,
    "NOANSWER": NotReadyReason.MISSED_RING,
    "CANCEL": NotReadyReason.MISSED_RING,
    "CHANUNAVAIL": NotReadyReason.PHONE_LOST,
    "CONGESTION": NotReadyReason.PHONE_LOST,
    "": NotReadyReason.PHONE_LOST,
}
"""What Dial's DIALSTATUS says of the agent who did not answer. Source: Asterisk's Dial() documentation."""


class Waiting:
    """One citizen's time in line; carries out `Route`."""

    def __init__(self, leg: Leg, deps: LineDeps, outside: Outside) -> None:
        self._leg = leg
        self._deps = deps
        self._phones = deps.phones
        self._outside = outside
        self._offers: list[Offer] = []
        self._away = ""  # number of the centre that takes the call, "" none
        self._news = asyncio.Event()  # an offer, or another centre, or the leg is heard
        self._ringing: Offer | None = None
        self._withdrawn = False
        self._announce = False  # it is time to say the place
        self._talks_at = False  # a prompt is being played to the waiting citizen
        self._area_told = False  # the caller was told what is announced to their area, or nothing was
        self._known: WaitingRecord | None = None  # as the router had the call last
        self.place: int | None = None
        self.expected_wait_s: float | None = None

    # ------------------------------------------------------------ told by the switchboard

    def rings(self, agent_id: str) -> bool:
        """Whether Asterisk is dialling this agent, or the two talk."""
        return self._ringing is not None and self._ringing.agent_id == agent_id

    def offer(self, offer: Offer) -> None:
        """Ring this agent as soon as the present prompt is stopped."""
        self._offers.append(offer)
        self._wake()

    def send_away(self, number: str) -> None:
        """Another centre takes the call: connect the citizen with it."""
        self._away = number
        self._wake()

    def withdraw(self, withdrawn: OfferWithdrawn) -> None:
        """Stop ringing (or do not begin to ring) this agent."""
        if self.rings(withdrawn.agent_id):
            self._withdrawn = True
            self._leg.beside(self._phones.drop_leg(self._leg.call))
            return
        self._offers = [offer for offer in self._offers if offer.agent_id != withdrawn.agent_id]

    def _wake(self) -> None:
        self._news.set()
        if self._talks_at:
            self._leg.stop()

    # ------------------------------------------------------------ the wait

    async def route(self, action: Route) -> Event:
        """Wait for a person, and return when the talk or the wait is over. Raises AgiHangup."""
        call_id = self._leg.call_id
        if not self._phones.queue_exists(action.queue):
            return Failed(reason=f"queue {action.queue!r} is not in the routing policy")
        self._known = self._deps.router.waiting(call_id)
        if not self._offers and self._phones.in_line(call_id):
            self._phones.tell(CallLeft(call_id=call_id))  # a ring of before is dead: same place, new chance
        self._leg.keys.clear()
        hearing = asyncio.create_task(self._hear(action.listen), name=f"hear-{call_id}")
        area = asyncio.create_task(self._area(), name=f"area-{call_id}")
        try:
            return await self._wait_for_person(action, hearing, area)
        finally:
            hearing.cancel()
            area.cancel()
            self._deps.ahead.withdrawn(call_id)
            self._leg.keys.clear()
            self._away = ""

    async def _hear(self, wanted: bool) -> bool:
        """Have the leg heard while in line, or not any more; True when it is."""
        deps = self._deps
        if not wanted:
            await deps.ears.stop(self._leg.call)
            return False
        if not deps.ears.able:
            return False
        deps.ahead.invited(self._leg.call_id)
        heard = await deps.ears.tap(self._leg.call)
        self._news.set()
        return heard

    async def _area(self) -> tuple[str, ...]:
        """What is announced to the caller's area, unless they were told."""
        if self._area_told:
            return ()
        sounds = await self._deps.announcements.of(self._leg.call)
        self._news.set()
        return sounds

    async def _wait_for_person(
        self, action: Route, hearing: asyncio.Task[bool], area: asyncio.Task[tuple[str, ...]]
    ) -> Event:
        leave_at = self._leg.clock() + (math.inf if action.max_wait_s is None else action.max_wait_s)
        greeted = False
        to_invite = action.listen_invite if action.listen else ()
        while True:
            self._queue(action)
            if not self._disturbed():
                if not self._phones.in_line(self._leg.call_id) and not self._join(action):
                    return Failed(reason="the router does not take the call")
                if not greeted and not self._disturbed():
                    greeted = True
                    await self._say(action.greeting, action)
                if not self._area_told and not self._disturbed():
                    await self._tell_area(area)
                if to_invite and not hearing.done():
                    await self._leg.pause(INVITE_S, self._news)
                if to_invite and not self._disturbed() and hearing.done():
                    if not hearing.cancelled() and hearing.exception() is None and hearing.result():
                        await self._say(to_invite, action)
                    to_invite = ()
                await self._leg.session.set_music(True, self._deps.settings.music_class)
            if (key := await self._next(action, leave_at)) is not None:
                return await self._leave(key)
            if self._away and not self._offers:
                if await self._go_away():
                    return TalkOver()
            elif self._offers:
                if await self._ring(self._offers.pop(0)):
                    return TalkOver()
            elif self._leg.clock() >= leave_at:
                return await self._leave(None)
            elif self._announce and self._phones.in_line(self._leg.call_id):
                await self._leg.session.set_music(False, self._deps.settings.music_class)
                await self._say((*self._place_prompts(), *action.keys_hint), action)

    def _disturbed(self) -> bool:
        return bool(self._offers or self._away)

    def _queue(self, action: Route) -> None:
        """The call waits for what the flow wants, since when it first waited."""
        calls, call = self._deps.calls, self._leg.call
        wanted = (action.queue, dict(action.needs), action.priority)
        if call.state is not CallState.WAITING:
            calls.update(calls_of.queued(call, *wanted, self._leg.now()), **self._staffed(call, action))
        elif (call.queue, dict(call.needs), call.priority) != wanted:
            queue, needs, priority = wanted
            calls.update(replace(call, queue=queue, needs=needs, priority=priority))

    def _staffed(self, call: Call, action: Route) -> dict[str, Any]:
        """Who was there when the call first began to wait: reports say by it why nobody answered in time."""
        if call.queued is not None:
            return {}
        there = self._deps.router.staffed(action.queue, action.needs)
        return {"staff": (there.ready, there.busy, there.away)}

    def _join(self, action: Route) -> bool:
        """Be in line with the router, at the old place; False when it does not take the call.

        What was learned of the call while it waited before (further queues, urgency) is not forgotten.
        """
        call, known = self._leg.call, self._known
        also = (*action.also, *(known.also if known else ()))
        self._phones.tell(
            CallQueued(
                call_id=call.call_id,
                queue=call.queue,
                needs=call.needs,
                media=Media(call.media),
                also=tuple(queue for queue in dict.fromkeys(also) if queue != call.queue),
                priority=max(call.priority, known.priority if known else call.priority),
                urgent=action.urgent or (known is not None and known.urgent),
                prefer=action.prefer,
                since=self._since(call),
            )
        )
        return self._phones.in_line(call.call_id)

    def _since(self, call: Call) -> float:
        """Since when the call counts as waiting; a citizen with an open call-back stands at its place."""
        began = self._leg.now() if call.queued is None else call.queued
        place = self._deps.callbacks.place_of(call)
        return began if place is None else min(began, place)

    async def _next(self, action: Route, leave_at: float) -> str | None:
        """Wait until there is something to do, and return the key that leaves the line, if it is that.

        Raises AgiHangup.
        """
        leg = self._leg
        say_at = leg.clock() + (self._deps.settings.announce_every_s or math.inf)
        self._announce = False
        while True:
            if action.keys and (key := leg.keys.take_one_of(action.keys)) is not None:
                return key
            if self._disturbed():
                return None
            record = self._deps.router.waiting(leg.call_id)
            if record is None:
                log.error("the router had lost a waiting call", extra={"call_id": leg.call_id})
                return None
            self._known = record
            now = leg.clock()
            if now >= leave_at:
                return None
            if now >= say_at:
                if not self._deps.ears.speaking(leg.call_id):
                    self._announce = True
                    return None
                say_at = now + SPEAKING_S
            self._news.clear()
            await leg.pause(min(LOOK_S, say_at - now, leave_at - now), self._news, keys=bool(action.keys))

    async def _leave(self, key: str | None) -> LeftLine:
        """Give the call back to the flow; who comes back to the line later has the old place."""
        call_id = self._leg.call_id
        self._offers.clear()
        if self._phones.in_line(call_id):
            self._phones.tell(CallLeft(call_id=call_id))
        await self._leg.session.set_music(False, self._deps.settings.music_class)
        self._to_flow()
        return LeftLine(key=key)

    def _to_flow(self) -> None:
        if self._leg.call.state is CallState.WAITING:
            self._deps.calls.update(calls_of.entered_flow(self._leg.call, self._leg.now()))

    async def _go_away(self) -> bool:
        """The router sent the call to another centre; False when that did not take it: back in line."""
        number, self._away = self._away, ""
        await self._leg.session.set_music(False, self._deps.settings.music_class)
        if await self._outside.dial(number, AWAY_RING_S) != "answered":
            return False
        self._offers.clear()
        if self._phones.in_line(self._leg.call_id):
            self._phones.tell(CallLeft(call_id=self._leg.call_id))
        self._to_flow()
        return True

    # ------------------------------------------------------------ what is said

    async def _say(self, prompts: tuple[str, ...], action: Route) -> None:
        """Say something to a waiting caller; an offer that comes meanwhile ends it, and so do keys."""
        self._talks_at = True
        try:
            await self._leg.say(prompts, stops=bool(action.keys), until=self._disturbed)
        finally:
            self._talks_at = False

    async def _tell_area(self, area: asyncio.Task[tuple[str, ...]]) -> None:
        """Say what is announced to the caller's area; any key skips it, and an agent who is free ends it."""
        if not area.done():
            self._news.clear()
            await self._leg.pause(AREA_S, self._news)
        if self._disturbed() or not area.done():
            return
        self._area_told = True
        if area.cancelled() or area.exception() is not None or not area.result():
            return
        self._deps.announcements.heard(self._leg.call_id, area.result())
        self._talks_at = True
        try:
            await self._leg.say(area.result(), stops=True, until=self._disturbed)
        finally:
            self._talks_at = False

    def _place_prompts(self) -> tuple[str, ...]:
        if self.place is None:
            return ("all_busy",)
        ahead = speech.position_prompts(self.place - 1)
        if self.expected_wait_s is None:
            return ahead
        return (*ahead, *speech.wait_prompts(self.expected_wait_s))

    # ------------------------------------------------------------ ringing

    async def _ring(self, offer: Offer) -> bool:
        """Ring one agent; True when they talked and the agent hung up first. Raises AgiHangup."""
        leg, calls = self._leg, self._deps.calls
        began = leg.now()
        if offer.ring_until - began < SHORTEST_RING_S or not self._phones.offered(
            leg.call_id, offer.agent_id
        ):
            return False  # withdrawn, or about to be
        targets = self._phones.dial_targets(offer.agent_id, leg.call.node)
        if leg.call.media == Media.VIDEO:
            targets = with_video(targets)
        if not targets:
            self._missed(offer, NotReadyReason.PHONE_LOST, began)
            return False
        calls.update(calls_of.ringing(leg.call, offer.agent_id, began))
        self._ringing, self._withdrawn = offer, False
        seconds = max(1, round(offer.ring_until - began))
        music = self._deps.settings.music_class
        how = self._phones.dial_how(leg.call, offer.agent_id)
        try:
            await leg.session.set_variable("DIALSTATUS", "")
            await leg.session.exec_app("Dial", targets, str(seconds), f"gm({music}){how}")
            status = await leg.session.get_variable("DIALSTATUS") or ""
        finally:
            self._ringing = None
        call = leg.call
        if status == "ANSWER":
            if await self._phones.vanished(leg.call_id):
                await leg.pause(TAKEN_S)  # the citizen is being taken to where they wait for the agent
            self._phones.talk_over(leg.call_id)
            return True
        if call.with_person:  # so it seemed while AMI was away, but nobody has answered
            self._phones.tell(CallEnded(call_id=leg.call_id, agent_id=offer.agent_id))
        elif self._withdrawn:
            calls.update(calls_of.ring_failed(call, leg.now()))
        else:
            self._missed(offer, MISSED.get(status, NotReadyReason.MISSED_RING), began)
        return False

    def _missed(self, offer: Offer, reason: NotReadyReason, began: float) -> None:
        leg, calls = self._leg, self._deps.calls
        call: Call = leg.call
        if call.state is CallState.RINGING:
            calls.update(calls_of.ring_failed(call, leg.now()))
        calls.note(
            leg.call_id,
            EntryKind.CALL_LEG,
            {"agent_id": offer.agent_id, "result": reason.value, "ring_s": round(leg.now() - began, 3)},
        )
        calls.metrics.rings.labels(result=reason.value).inc()
        self._phones.tell(OfferMissed(call_id=leg.call_id, agent_id=offer.agent_id, reason=reason))
