"""One citizen's line: an AGI session that does what flow and router decide."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from acd.messages import (
    CallEnded,
    CallLeft,
    CallQueued,
    NotReadyReason,
    Offer,
    OfferMissed,
    OfferWithdrawn,
)
from acd.messages import Event as RouterEvent
from cti import call as calls_of
from cti.agi import AgiError, AgiFailed, AgiHangup, AgiSession
from cti.ami import AmiError
from cti.call import Call
from cti.control.calls import Calls
from cti.messages import CallState, EntryKind
from ivr_flows import speech
from ivr_flows.engine import FlowRun
from ivr_flows.messages import (
    Action,
    Done,
    Event,
    Failed,
    HangUp,
    HungUp,
    Play,
    Played,
    Rated,
    Route,
    TalkOver,
)

log = logging.getLogger(__name__)

ALL_KEYS = "0123456789*#"
ESCAPE_KEY = "D"
"""A key no telephone of a citizen has: sent by ourselves to end a prompt when an agent is free."""

GONE_NEWS_S = 1.0
"""How long Asterisk's own news of a hang-up may lag behind the end of the AGI session."""

LOOK_S = 5.0
"""How often a waiting line makes sure that the router still has its call."""

SHORTEST_RING_S = 0.5
"""An offer whose ring would be shorter is let pass: the router is about to withdraw it."""

MISSED = {
    "BUSY": NotReadyReason.REFUSED,
    "NOANSWER": NotReadyReason.MISSED_RING,
    "CANCEL": NotReadyReason.MISSED_RING,
    "CHANUNAVAIL": NotReadyReason.PHONE_LOST,
    "CONGESTION": NotReadyReason.PHONE_LOST,
    "": NotReadyReason.PHONE_LOST,
}
"""What Dial's DIALSTATUS says of the agent who did not answer. Source: Asterisk's Dial() documentation."""


class Telephony(Protocol):
    """What a line needs beside its own AGI session (cti.control.telephony, over AMI)."""

    def tell(self, event: RouterEvent) -> None:
        """Tell the router."""

    def dial_targets(self, agent_id: str, node: str) -> str:
        """Dial string of the agent's registered telephones on the node, "" when there is none."""

    def in_line(self, call_id: str) -> bool:
        """Whether the router has the call already."""

    def offered(self, call_id: str, agent_id: str) -> bool:
        """Whether the router offers the call to this agent now."""

    def talk_over(self, call_id: str) -> None:
        """The agent hung up, the citizen is still there."""

    def citizen_left(self, call_id: str) -> None:
        """The citizen's channel is gone."""

    async def press(self, call: Call, key: str) -> None:
        """Make Asterisk believe that the citizen pressed a key (AMI PlayDTMF, Receive)."""

    async def drop_leg(self, call: Call) -> None:
        """Hang up the agent's ringing channel."""

    async def channel_alive(self, call: Call) -> bool:
        """Whether Asterisk still has the citizen's channel; False also when nobody can say."""

    def queue_exists(self, queue: str) -> bool:
        """Whether the routing policy has this queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """How lines behave."""

    announce_every_s: float  # 0: never
    music_class: str = "default"  # while waiting and ringing


class Line:
    """Runs one call from the moment that Asterisk hands it over until it is given back."""

    def __init__(
        self, session: AgiSession, call: Call, flow: FlowRun, calls: Calls, phones: Telephony,
        settings: LineSettings,
    ) -> None:  # fmt: skip
        self.call_id = call.call_id
        self._session = session
        self._flow = flow
        self._calls = calls
        self._phones = phones
        self._settings = settings
        self._inbox: asyncio.Queue[Offer] = asyncio.Queue()
        self._ringing: Offer | None = None
        self._withdrawn = False
        self._waiting_prompt = False
        self.replaced = False  # another session has the channel now; this one only has not ended yet
        self._aside: set[asyncio.Task[None]] = set()
        self.place: int | None = None
        self.expected_wait_s: float | None = None

    # ------------------------------------------------------------ told by the switchboard

    def rings(self, agent_id: str) -> bool:
        """Whether Asterisk is dialling this agent, or the two talk."""
        return self._ringing is not None and self._ringing.agent_id == agent_id

    def offer(self, offer: Offer) -> None:
        """Ring this agent as soon as the present prompt is stopped."""
        self._inbox.put_nowait(offer)
        if self._waiting_prompt:
            self._beside(self._phones.press(self._call, ESCAPE_KEY))

    def withdraw(self, withdrawn: OfferWithdrawn) -> None:
        """Stop ringing (or do not begin to ring) this agent."""
        if self.rings(withdrawn.agent_id):
            self._withdrawn = True
            self._beside(self._phones.drop_leg(self._call))
            return
        kept = []
        while not self._inbox.empty():
            waiting = self._inbox.get_nowait()
            if waiting.agent_id != withdrawn.agent_id:
                kept.append(waiting)
        for waiting in kept:
            self._inbox.put_nowait(waiting)

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
            for task in tuple(self._aside):
                task.cancel()

    @property
    def _call(self) -> Call:
        return self._calls.get(self.call_id)

    def _now(self) -> float:
        return self._calls.now()

    def _keep_flow(self) -> None:
        call = self._call
        state = self._flow.saved()
        if dict(call.flow) != state:
            self._calls.update(replace(call, flow=state))

    async def _carry_out(self, action: Action) -> Event:
        match action:
            case Play():
                return await self._play(action)
            case Route():
                return await self._route(action)
            case Rated():
                call = self._calls.update(calls_of.rated(self._call, action.score))
                self._calls.note(call.call_id, EntryKind.RATING, {"score": action.score})
                return Done()
            case _:
                return Failed(reason=f"unknown action {type(action).__name__}")

    # ------------------------------------------------------------ prompts

    async def _play(self, action: Play) -> Event:
        keys = action.keys and ALL_KEYS  # any key ends a prompt; the flow says which ones mean something
        for prompt in action.prompts:
            key = await self._stream(prompt, keys)
            if key is not None:
                return Played(key=key)
        if action.wait_s > 0:
            return Played(key=await self._session.wait_for_digit(round(action.wait_s * 1000)))
        return Played()

    async def _stream(self, prompt: str, keys: str) -> str | None:
        try:
            return await self._session.stream_file(prompt, keys)
        except AgiFailed:
            self._calls.metrics.prompts_missing.inc()
            log.error("prompt could not be played", extra={"call_id": self.call_id, "prompt": prompt})
            return None

    # ------------------------------------------------------------ waiting and ringing

    async def _route(self, action: Route) -> Event:
        if not self._phones.queue_exists(action.queue):
            return Failed(reason=f"queue {action.queue!r} is not in the routing policy")
        if self._inbox.empty() and self._phones.in_line(self.call_id):
            self._phones.tell(
                CallLeft(call_id=self.call_id)
            )  # a ring of before is dead: same place, new chance
        greeted = False
        while True:
            self._wait(action)
            if self._inbox.empty():
                if not self._phones.in_line(self.call_id) and not self._join():
                    return Failed(reason="the router does not take the call")
                if not greeted and self._inbox.empty():
                    greeted = True
                    await self._say_waiting(action.greeting)
                await self._session.set_music(True, self._settings.music_class)
            offer = await self._next_offer()
            if offer is not None:
                if await self._ring(offer):
                    return TalkOver()
            elif self._phones.in_line(self.call_id):
                await self._session.set_music(False, self._settings.music_class)
                await self._say_waiting(self._place_prompts())

    def _wait(self, action: Route) -> None:
        """The call waits for what the flow wants, since when it first waited."""
        call = self._call
        wanted = (action.queue, dict(action.needs), action.priority)
        if call.state is not CallState.WAITING:
            self._calls.update(calls_of.queued(call, *wanted, self._now()))
        elif (call.queue, dict(call.needs), call.priority) != wanted:
            queue, needs, priority = wanted
            self._calls.update(replace(call, queue=queue, needs=needs, priority=priority))

    def _join(self) -> bool:
        """Be in line with the router, at the old place; False when it does not take the call."""
        call = self._call
        self._phones.tell(
            CallQueued(
                call_id=call.call_id,
                queue=call.queue,
                needs=call.needs,
                priority=call.priority,
                since=self._now() if call.queued is None else call.queued,
            )
        )
        return self._phones.in_line(call.call_id)

    async def _next_offer(self) -> Offer | None:
        """Wait for an agent; None when it is time to say the place in line, or the router lost the call.

        Raises AgiHangup.
        """
        loop = asyncio.get_running_loop()
        say_at = loop.time() + (self._settings.announce_every_s or math.inf)
        got = asyncio.ensure_future(self._inbox.get())
        gone = asyncio.ensure_future(self._session.hung_up.wait())
        try:
            while True:
                wait_s = max(0.0, min(LOOK_S, say_at - loop.time()))
                await asyncio.wait((got, gone), timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    raise AgiHangup("the caller hung up while waiting")
                if got.done():
                    return got.result()
                if not self._phones.in_line(self.call_id):
                    log.error("the router had lost a waiting call", extra={"call_id": self.call_id})
                    return None
                if loop.time() >= say_at:
                    return None
        finally:
            got.cancel()
            gone.cancel()

    async def _say_waiting(self, prompts: tuple[str, ...]) -> None:
        """Say something to a waiting caller; an offer that comes meanwhile ends it at once."""
        for prompt in prompts:
            if not self._inbox.empty():
                return
            self._waiting_prompt = True
            try:
                await self._stream(prompt, ESCAPE_KEY)
            finally:
                self._waiting_prompt = False

    def _place_prompts(self) -> tuple[str, ...]:
        if self.place is None:
            return ("all_busy",)
        ahead = speech.position_prompts(self.place - 1)
        if self.expected_wait_s is None:
            return ahead
        return (*ahead, *speech.wait_prompts(self.expected_wait_s))

    async def _ring(self, offer: Offer) -> bool:
        """Ring one agent; True when they talked and the agent hung up first. Raises AgiHangup."""
        began = self._now()
        if offer.ring_until - began < SHORTEST_RING_S or not self._phones.offered(
            self.call_id, offer.agent_id
        ):
            return False  # withdrawn, or about to be
        targets = self._phones.dial_targets(offer.agent_id, self._call.node)
        if not targets:
            self._missed(offer, NotReadyReason.PHONE_LOST, began)
            return False
        self._calls.update(calls_of.ringing(self._call, offer.agent_id, began))
        self._ringing, self._withdrawn = offer, False
        seconds = max(1, round(offer.ring_until - began))
        try:
            await self._session.set_variable("DIALSTATUS", "")
            await self._session.exec_app("Dial", targets, str(seconds), f"gm({self._settings.music_class})")
            status = await self._session.get_variable("DIALSTATUS") or ""
        finally:
            self._ringing = None
        call = self._call
        if status == "ANSWER":
            self._phones.talk_over(self.call_id)
            return True
        if call.with_person:  # so it seemed while AMI was away, but nobody has answered
            self._phones.tell(CallEnded(call_id=self.call_id, agent_id=offer.agent_id))
        elif self._withdrawn:
            self._calls.update(calls_of.ring_failed(call, self._now()))
        else:
            self._missed(offer, MISSED.get(status, NotReadyReason.MISSED_RING), began)
        return False

    def _missed(self, offer: Offer, reason: NotReadyReason, began: float) -> None:
        call = self._call
        if call.state is CallState.RINGING:
            self._calls.update(calls_of.ring_failed(call, self._now()))
        self._calls.note(
            self.call_id,
            EntryKind.CALL_LEG,
            {"agent_id": offer.agent_id, "result": reason.value, "ring_s": round(self._now() - began, 3)},
        )
        self._calls.metrics.rings.labels(result=reason.value).inc()
        self._phones.tell(OfferMissed(call_id=self.call_id, agent_id=offer.agent_id, reason=reason))

    # ------------------------------------------------------------ the end

    async def _finish(self, *, failed: bool) -> None:
        if failed and self._call.answered is None:
            self._calls.metrics.flows_failed.inc()
            return  # give the channel back unfinished: the dialplan queues the caller to a person
        await self._session.set_variable("HL_DONE", "1")
        await self._session.hangup()
        self._citizen_left()

    async def _channel_left(self) -> None:
        """The AGI session ended under us: the citizen hung up, or the channel was taken elsewhere."""
        if self.call_id not in self._calls:
            return
        taken = not await self._calls.is_gone(self.call_id, GONE_NEWS_S) and await self._phones.channel_alive(
            self._call
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

    def _beside(self, work: Any) -> None:
        async def guarded() -> None:
            try:
                await work
            except (AgiError, AmiError, OSError) as error:
                log.warning(
                    "telephone side refused", extra={"call_id": self.call_id, "reason": type(error).__name__}
                )

        task = asyncio.create_task(guarded(), name=f"line-aside-{self.call_id}")
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)
