"""Call control's hands on Asterisk: what its events mean for calls, and what lines ask of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from acd.messages import (
    AgentState,
    CallEnded,
    CallLeft,
    CallQueued,
    ConsultEnded,
    OfferAnswered,
    TalkRestored,
)
from acd.messages import Event as RouterEvent
from asr.messages import Speaker
from cti import call as calls_of
from cti.ami import AmiError, AmiEvent, AmiLink, AmiNodes, AmiRefused
from cti.call import Call, Tapped
from cti.control.calls import Calls
from cti.control.dispatch import Dispatch
from cti.control.orderdesk import OrderDesk
from cti.control.people import People
from cti.control.phones import Phones, extension_of_channel
from cti.control.recordings import Recordings
from cti.control.taps import Taps
from cti.faults import fault_site
from cti.messages import CallState, EntryKind
from cti.tasks import end

log = logging.getLogger(__name__)

BEFORE_TALK = frozenset({CallState.INCOMING, CallState.IN_FLOW, CallState.WAITING, CallState.RINGING})
TAKEN = "HotlineTaken"
"""UserEvent with CallId and Server: that server has taken the call over from another one."""

HOLD_MOVES: dict[str, Callable[[Call, float], Call]] = {"Hold": calls_of.held, "Unhold": calls_of.resumed}


class Telephony:
    """Implements `cti.control.line.Telephony` over AMI, and takes every AMI event."""

    def __init__(
        self,
        *,
        nodes: AmiNodes,
        calls: Calls,
        dispatch: Dispatch,
        phones: Phones,
        people: People,
        taps: Taps,
        orders: OrderDesk,
        recordings: Recordings,
        phone_changed: Callable[[str], None],
        server: str,
    ) -> None:
        """`server` is this server's name among several."""
        self._nodes = nodes
        self._calls = calls
        self._dispatch = dispatch
        self._phones = phones
        self._people = people
        self._taps = taps
        taps.on_tapped = self._tapped
        self._orders = orders
        self._recordings = recordings
        self._phone_changed = phone_changed
        self._server = server
        self.on_talk: Callable[[Call], None] = lambda _: None  # told of every talk that begins
        self.on_leg_ended: Callable[[str], Awaitable[bool]] = (
            _hung_up  # did it vanish? (cti.control.rejoining)
        )
        self.answers_itself: Callable[[str, str], bool] = lambda queue, login: False  # policy
        self._legs: dict[str, dict[str, str]] = {}  # call -> ringing channel -> its unique id
        self._aside: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ what lines ask

    def tell(self, event: RouterEvent) -> None:
        """Tell the router; of a call that is queued after a transfer, also whom to avoid and to prefer."""
        if isinstance(event, CallQueued):
            event = self._transferred(event)
        self._dispatch.tell(event)

    def _transferred(self, event: CallQueued) -> CallQueued:
        call = self._calls.find(event.call_id)
        sent = call.sent_to if call is not None else None
        if sent is None:
            return event
        prefer = (*sent.prefer, *(one for one in event.prefer if one not in (*sent.prefer, *sent.avoid)))
        return replace(event, reason=sent.reason, avoid=event.avoid | frozenset(sent.avoid), prefer=prefer)

    def dial_targets(self, agent_id: str, node: str) -> str:
        """Dial string of the agent's registered telephones on the node, "" when there is none."""
        extension = self._people.extension(agent_id)
        return self._phones.targets(extension, node) if extension else ""

    async def press(self, call: Call, key: str) -> None:
        """Make Asterisk believe that the citizen pressed a key. Raises AmiError."""
        await self._link(call).play_dtmf(call.channel, key, receive=True)

    async def drop_leg(self, call: Call) -> None:
        """Hang up whatever rings for the call. Raises AmiError."""
        current = self._calls.find(call.call_id)
        if current is None or current.state is not CallState.RINGING:
            return
        for channel in tuple(self._legs.get(call.call_id, ())):
            try:
                await self._link(call).hangup(channel)
            except AmiRefused:
                continue  # gone already

    async def channel_alive(self, call: Call) -> bool:
        """Whether Asterisk still has the citizen's channel; False also when nobody can say."""
        try:
            return bool(await self._link(call).get_variable(call.channel, "CHANNEL(uniqueid)"))
        except AmiError:
            return False

    def ringing(self, call_id: str) -> tuple[str, ...]:
        """Channels of the telephones that ring for the call now."""
        return tuple(self._legs.get(call_id, ()))

    def dial_how(self, call: Call, agent_id: str) -> str:
        """Options of Dial that tell the agent's telephone to answer by itself, "" where a person does."""
        return "b(hotline-leg^auto^1)" if self.answers_itself(call.queue, agent_id) else ""

    def queue_exists(self, queue: str) -> bool:
        """Whether the routing policy has this queue."""
        return any(known.name == queue for known in self._dispatch.policy.queues)

    def talk_began(self, call: Call, agent_id: str, channel: str, uniqueid: str) -> None:
        """Citizen and agent are connected: open the draft, tap both legs. `call` is not yet TALKING."""
        answered = calls_of.answered(call, agent_id, channel, self._calls.now(), agent_uniqueid=uniqueid)
        if not answered.order_id:
            draft = self._orders.open(call.call_id, call.caller)
            answered = replace(answered, order_id=draft.order_id)
        self._calls.update(answered)
        self.on_talk(answered)
        self.beside(self._tap_both(answered), "tapping", call.call_id)

    def tap_untapped(self) -> None:
        """Captions have become available: begin with the calls that talk without them."""
        for call in self._calls:
            if call.with_person and not call.tapped and not call.written:
                self.beside(self._tap_both(call), "tapping", call.call_id)

    def talk_found(self, call: Call, agent_id: str, channel: str, uniqueid: str) -> None:
        """Citizen and agent are connected, though not by an offer of ours: the router is told, too."""
        self._calls.metrics.recovered.labels(what="talk").inc()
        self.talk_began(call, agent_id, channel, uniqueid)
        if self._dispatch.agent(agent_id) is not None:
            self.tell(TalkRestored(call_id=call.call_id, agent_id=agent_id))

        elif self.in_line(call.call_id):  # with somebody who is not signed in here
            self.tell(CallLeft(call_id=call.call_id))

    def hears(self, call: Call) -> bool:
        """Whether the call's node can tell us now what happens to it."""
        return self._link(call).connected

    def offered(self, call_id: str, agent_id: str) -> bool:
        """Whether the router offers the call to this agent now."""
        waiting = self._dispatch.waiting(call_id)
        return waiting is not None and waiting.offered_to == agent_id

    def in_line(self, call_id: str) -> bool:
        """Whether the router has the call in line or ringing; not when it has become a call-back."""
        waiting = self._dispatch.waiting(call_id)
        return waiting is not None and not waiting.callback

    async def vanished(self, call_id: str) -> bool:
        """The agent's leg ended: whether it vanished without a hang-up, and the citizen is kept for it."""
        return await self.on_leg_ended(call_id)

    def talk_over(self, call_id: str) -> None:
        """The agent hung up, the citizen is still there; also when nobody told us that they had talked."""
        call = self._calls.get(call_id)
        if call.state in (CallState.SURVEY, CallState.WRAP_UP, CallState.ENDED):
            return
        if not call.with_person:
            self.talk_began(call, call.agent_id or "", "", "")
            call = self._calls.get(call_id)
        self._calls.update(calls_of.agent_left(call, self._calls.now()))
        self.agent_left(call)
        self._consultations_over(call)
        if self.in_line(call_id):  # answered without our knowing: it waits no more
            self.tell(CallLeft(call_id=call_id))

    def citizen_left(self, call_id: str) -> None:
        """The citizen's channel is gone: tell the router, keep the outcome. Nothing for a closed call."""
        call = self._calls.find(call_id)
        if call is None or call.state is CallState.WRAP_UP:
            return
        self._legs.pop(call_id, None)
        if call.with_person or self._dispatch.talking_with(call_id) is not None:
            self.agent_left(call)
        self._consultations_over(call)
        if self.in_line(call_id):
            self.tell(CallLeft(call_id=call_id))
        call = self._calls.get(call_id)
        writing = self._writing(call)
        self._calls.update(calls_of.citizen_left(call, self._calls.now(), writing=writing))
        self._recordings.expect(call_id)

    def agent_left(self, call: Call) -> None:
        """The call's agent talks no more: tell the router."""
        self._legs.pop(call.call_id, None)
        talker = self._dispatch.talking_with(call.call_id)
        if talker is None and call.agent_gone:
            return  # told when they left; others have talked on
        agent = self._dispatch.agent(talker or call.agent_id or "")
        if agent is None:
            return
        if talker is None:
            if agent.call_id not in (None, call.call_id):
                return  # long with another citizen
            self.tell(TalkRestored(call_id=call.call_id, agent_id=agent.agent_id))
        self.tell(CallEnded(call_id=call.call_id, agent_id=agent.agent_id))

    def _consultations_over(self, call: Call) -> None:
        """Colleagues who were asked into the call are free again."""
        for party in call.parties:
            if party.agent_id and not party.supervises:
                self.tell(ConsultEnded(call_id=call.call_id, agent_id=party.agent_id))

    def close_written_up(self) -> None:
        """End calls whose citizen is gone and whose agent does not write them up any more."""
        for call in self._calls:
            if call.state is CallState.WRAP_UP and not call.written and not self._writing(call):
                self._calls.update(calls_of.wrapped_up(call, self._calls.now()))

    def _writing(self, call: Call) -> bool:
        """Whether the call's agent is in wrap-up for it."""
        agent = self._dispatch.agent(call.agent_id or "")
        return agent is not None and agent.state is AgentState.WRAP_UP and agent.call_id == call.call_id

    # ------------------------------------------------------------ what Asterisk says

    def take(self, event: AmiEvent) -> None:
        """One AMI event; calls that this server does not know are none of its business."""
        match event.name:
            case "DialBegin":
                if (call := self._calls.find(event.get("Uniqueid"))) is not None:
                    legs = self._legs.setdefault(call.call_id, {})
                    legs[event.get("DestChannel")] = event.get("DestUniqueid")
            case "DialEnd":
                self._dial_end(event)
            case "Hangup":
                self._hangup(event)
            case "Hold" | "Unhold":
                self._hold(event)
            case "UserEvent" if event.get("UserEvent") == TAKEN:
                self._taken(event)
            case "ContactStatus":
                extension = self._phones.contact_event(event)
                if extension is not None:
                    self._phone_changed(extension)
            case _:
                return

    def _nobodys_answered(self, event: AmiEvent) -> None:
        """A telephone was picked up for a call whose server is gone: who leads the line tells it."""
        call_id, agent_id = event.get("Uniqueid"), self.agent_of_channel(event.get("DestChannel"))
        if event.get("DialStatus") != "ANSWER" or agent_id is None:
            return
        if self._dispatch.nobodys(call_id) and self.offered(call_id, agent_id):
            self.tell(TalkRestored(call_id=call_id, agent_id=agent_id))

    def _dial_end(self, event: AmiEvent) -> None:
        call = self._calls.find(event.get("Uniqueid"))
        if call is None:
            self._nobodys_answered(event)
            return
        channel = event.get("DestChannel")
        uniqueid = self._legs.get(call.call_id, {}).pop(channel, "") or event.get("DestUniqueid")
        if event.get("DialStatus") != "ANSWER" or call.state not in BEFORE_TALK:
            return
        agent_id = self.agent_of_channel(channel) or call.agent_id
        if agent_id is None:
            return
        if call.state is not CallState.RINGING or call.agent_id != agent_id:
            self.talk_found(call, agent_id, channel, uniqueid)  # through the native queue
            return
        now = self._calls.now()
        self._calls.note(
            call.call_id,
            EntryKind.CALL_LEG,
            {"agent_id": agent_id, "result": "answered", "ring_s": round(now - call.state_since, 3)},
        )
        self._calls.metrics.rings.labels(result="answered").inc()
        self.talk_began(call, agent_id, channel, uniqueid)
        self.tell(OfferAnswered(call_id=call.call_id, agent_id=agent_id))

    def _hangup(self, event: AmiEvent) -> None:
        uniqueid = event.get("Uniqueid")
        call = self._calls.find(uniqueid)
        if call is None:
            return
        self._calls.channel_gone(uniqueid)
        self.beside(self._close_later(uniqueid), "closing", uniqueid)

    async def _close_later(self, call_id: str) -> None:
        """Close the call's books unless its line does so first (it knows how the flow ended)."""
        await asyncio.sleep(0.5)
        self.citizen_left(call_id)

    def _hold(self, event: AmiEvent) -> None:
        call = self._calls.find(event.get("Linkedid"))
        if call is None or event.get("Channel") != call.agent_channel or call.parties:
            return  # in a conference the others go on, and the citizen hears them
        wanted = CallState.HELD if event.name == "Hold" else CallState.TALKING
        if call.with_person and call.state is not wanted:
            self._calls.update(HOLD_MOVES[event.name](call, self._calls.now()))

    # ------------------------------------------------------------ several servers

    def announce_taken(self, call: Call) -> None:
        """Tell the other servers, through the call's node, that the call is this server's now."""
        told = {"UserEvent": TAKEN, "CallId": call.call_id, "Server": self._server}

        async def tell() -> None:
            await self._link(call).action("UserEvent", told)

        self.beside(tell(), "announcing a call taken over", call.call_id)

    def _taken(self, event: AmiEvent) -> None:
        """Another server has the call now: let go of it, unless its agent writes it up here."""
        call = self._calls.find(event.get("CallId"))
        if call is None or event.get("Server") == self._server:
            return
        if call.with_person:
            self.talk_over(call.call_id)
        if call.state not in BEFORE_TALK:
            return
        log.info("another server took the call over", extra={"call_id": call.call_id})
        if self.in_line(call.call_id):
            self.tell(CallLeft(call_id=call.call_id))
        self._legs.pop(call.call_id, None)
        self._calls.release(call.call_id)

    # ------------------------------------------------------------ helpers

    def beside(self, work: Coroutine[Any, Any, None], what: str, call_id: str) -> None:
        """Run something that must not hold the caller up; failures are logged."""

        async def guarded() -> None:
            try:
                await work
            except AmiError as error:
                log.warning(
                    "Asterisk refused",
                    extra={"what": what, "call_id": call_id, "reason": type(error).__name__},
                )
            except Exception as error:  # a background step must never end silently
                log.error(
                    "background step failed",
                    extra={"what": what, "call_id": call_id, "site": fault_site(error)},
                )

        task = asyncio.create_task(guarded(), name=f"{what}-{call_id}")
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def stop(self) -> None:
        """End everything that runs beside."""
        await end(*self._aside)

    def agent_of_channel(self, channel: str) -> str | None:
        """Login of the agent whose telephone this channel is."""
        extension = extension_of_channel(channel, self._people.extensions)
        return self._people.at_extension(extension) if extension else None

    def _link(self, call: Call) -> AmiLink:
        return self._nodes.link(call.node)

    def tap_party(self, call: Call, uniqueid: str, *, colleague: bool) -> None:
        """Somebody has joined the talk: write down what they say, a colleague's as an agent's words."""
        speaker = Speaker.AGENT if colleague else Speaker.THIRD
        self.beside(self._tap(call, speaker, uniqueid), "tapping", call.call_id)

    def untap_party(self, call: Call, uniqueid: str) -> None:
        """Somebody has left the talk, whose telephone is still up: what they say now is none of it."""
        self.beside(self._taps.end_leg(call, uniqueid), "ending a tap", call.call_id)

    async def _tap_both(self, call: Call) -> None:
        for speaker, uniqueid in ((Speaker.CITIZEN, call.call_id), (Speaker.AGENT, call.agent_uniqueid)):
            if uniqueid:
                await self._tap(call, speaker, uniqueid)

    async def _tap(self, call: Call, speaker: Speaker, uniqueid: str) -> None:
        await self._taps.tap(
            node=call.node,
            call_id=call.call_id,
            uniqueid=uniqueid,
            speaker=speaker,
            recording_started=call.recording_started,
        )

    def _tapped(self, call_id: str, tapped: tuple[Tapped, ...]) -> None:
        """Remember which legs are heard, for the server that comes after us."""
        call = self._calls.find(call_id)
        if call is not None and call.tapped != tapped:
            self._calls.update(replace(call, tapped=tapped))


async def _hung_up(_call_id: str) -> bool:
    return False
