"""Text conversations: a citizen who writes waits in the common line and is answered, like one who calls.

There is no channel of Asterisk behind them. A conversation is a `Call` with media "text" in the same
registry, under the same table of moves, routed with `Media.TEXT` beside the calls of the same queues. What is
written is a transcript: it fills the draft, is searched and shown like what is spoken.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from acd.messages import (
    AgentChanged,
    AgentState,
    CallEnded,
    CallLeft,
    CallQueued,
    Media,
    NotReadyReason,
    Offer,
    OfferWithdrawn,
    PlaceChanged,
    TalkRestored,
)
from cti import call as calls_of
from cti.call import Call
from cti.control.calls import Calls
from cti.control.citizen_guests import Guest
from cti.control.dispatch import Dispatch
from cti.control.text_life import Due, Presence, TextRules, due
from cti.control.text_words import TextWords
from cti.faults import fault_site
from cti.messages import CallState, EntryKind
from cti.messages_citizen import CitizenView

log = logging.getLogger(__name__)

NODE = "text"
"""Stands where Asterisk's node stands in the ids of calls."""

BEFORE_TALK = frozenset({CallState.INCOMING, CallState.IN_FLOW, CallState.WAITING, CallState.RINGING})
WELCOME = (
    "您好，这里是12345政务服务便民热线。请写下您要反映的事情、地点和联系方式，"
    "等待时写下的内容话务员接入后都能看到。"
)
AGAIN = "话务员暂时离线，正在为您转接其他话务员，您的位置不变。"
STILL_THERE = "请问您还在吗？如果没有其他问题，会话将在稍后结束。"
OVER = "会话已结束，感谢您的来访。请为本次服务评价。"
SILENT = "长时间没有收到您的消息，会话已结束。"


class Ahead(Protocol):
    """What is made of words before anybody answers (cti.control.talkahead)."""

    def invited(self, call_id: str) -> None:
        """From now on what the citizen says counts."""


class TextCalls:
    """Every conversation at this server."""

    def __init__(
        self,
        *,
        calls: Calls,
        dispatch: Dispatch,
        words: TextWords,
        ahead: Ahead,
        rules: TextRules,
        queue: str,
        called: str,
        server: str,
    ) -> None:
        """`queue`: where conversations wait first, `called`: the number they count as having dialled."""
        self._calls = calls
        self._dispatch = dispatch
        self.words = words
        self._ahead = ahead
        self._rules = rules
        self._queue = queue
        self._called = called
        self._server = server
        self._presence: dict[str, Presence] = {}
        self._places: dict[str, tuple[int, float | None]] = {}
        self._reasons: dict[str, str] = {}  # why a conversation ended
        self.moved: Callable[[Call], None] = lambda _: None  # its place in line is another one

    # ------------------------------------------------------------ coming and going

    def open(self, guest: Guest) -> Call:
        """A citizen begins to write: in line at once."""
        now = self._calls.now()
        call = self._calls.add(
            Call(
                call_id=f"{NODE}-{int(now)}.{secrets.randbelow(10**9):09d}", node=NODE, channel="",
                caller=guest.number, called=self._called, state=CallState.INCOMING, started=now,
                recording_started=now, state_since=now, server=self._server, media=Media.TEXT.value,
                guest_id=guest.guest_id, text_only=guest.text_only,
            )
        )  # fmt: skip
        self._presence[call.call_id] = Presence(gone=None, wrote=now)
        self._ahead.invited(call.call_id)
        self.words.system(call, WELCOME)
        return self._queue_up(call, self._queue)

    def restored(self, call: Call) -> None:
        """A conversation of before, or of another server, goes on here; its page is on the way."""
        now = self._calls.now()
        self._presence[call.call_id] = Presence(gone=now, wrote=now)
        if call.state in BEFORE_TALK:
            self._ahead.invited(call.call_id)
        self._make_known(call)

    def watch(self, call: Call) -> None:
        """Remember from now on whether the page of a spoken call is there."""
        self._presence[call.call_id] = Presence(gone=None, wrote=self._calls.now())

    def spoken_over(self, call_id: str) -> None:
        """A spoken call of a guest is over and written up."""
        self._presence.pop(call_id, None)
        self._places.pop(call_id, None)
        self.words.forget(call_id)

    def gone_s(self, call_id: str) -> float:
        """Seconds since the citizen's page was closed; 0 while it is open, or nobody knows."""
        presence = self._presence.get(call_id)
        return 0.0 if presence is None or presence.gone is None else self._calls.now() - presence.gone

    def here(self, call_id: str, *, here: bool) -> None:
        """The citizen's page has connected, or is gone."""
        presence = self._presence.get(call_id)
        if presence is not None:
            gone = None if here else presence.gone or self._calls.now()
            self._presence[call_id] = replace(presence, gone=gone)

    def let_go(self, call: Call) -> None:
        """Another server has the conversation: forget it without a word."""
        self._calls.release(call.call_id)
        self._presence.pop(call.call_id, None)
        self._places.pop(call.call_id, None)

    def takes(self, call_id: str) -> Call | None:
        """The conversation of this id at this server, or None."""
        call = self._calls.find(call_id)
        return call if call is not None and call.written else None

    def leave(self, call: Call, reason: str) -> None:
        """The citizen is gone, or counts as gone."""
        if call.state in (CallState.WRAP_UP, CallState.ENDED):
            return
        self._reasons[call.call_id] = reason
        if call.state in BEFORE_TALK and self._dispatch.waiting(call.call_id) is not None:
            self._dispatch.tell(CallLeft(call_id=call.call_id))
        writing = call.answered is not None and call.agent_id is not None and call.state not in BEFORE_TALK
        call = self._calls.update(calls_of.citizen_left(call, self._calls.now(), writing=writing))
        if call.state is CallState.ENDED:
            self._over(call)

    def end(self, call: Call, reason: str = "agent") -> None:
        """The agent ends the talk: the citizen may rate it. Afterwards: it is written up."""
        now = self._calls.now()
        if call.with_person:
            self._reasons[call.call_id] = reason
            call = self._calls.update(calls_of.agent_left(call, now))
            self.words.system(call, SILENT if reason == "silence" else OVER)
            return
        if call.state is CallState.SURVEY:
            call = self._calls.update(calls_of.citizen_left(call, now, writing=False))
        elif call.state is CallState.WRAP_UP:
            call = self._calls.update(calls_of.wrapped_up(call, now))
        if call.state is CallState.ENDED:
            self._over(call)

    def rate(self, call: Call, score: int) -> None:
        """The citizen gives a rating; a written conversation is over then. Raises IllegalCallMove."""
        call = self._calls.update(calls_of.rated(call, score))
        self._calls.note(call.call_id, EntryKind.RATING, {"score": score})
        if call.written:
            self.leave(call, "citizen")

    def _over(self, call: Call) -> None:
        if call.agent_id and self._dispatch.talking_with(call.call_id) is not None:
            self._dispatch.tell(CallEnded(call_id=call.call_id, agent_id=call.agent_id))
        self._presence.pop(call.call_id, None)
        self._places.pop(call.call_id, None)
        self._reasons.pop(call.call_id, None)
        self.words.forget(call.call_id)

    # ------------------------------------------------------------ the line

    def _queue_up(
        self,
        call: Call,
        queue: str,
        *,
        reason: str = "",
        avoid: frozenset[str] = frozenset(),
        told: bool = False,
    ) -> Call:
        policy = self._dispatch.policy
        known = {one.name: one for one in policy.queues}
        chosen = known.get(queue) or known[policy.default_queue]
        needs = dict(chosen.needs)
        if call.state is not CallState.WAITING:
            call = self._calls.update(
                calls_of.queued(call, chosen.name, needs, call.priority, self._calls.now())
            )
        if not told:
            self._dispatch.tell(
                CallQueued(
                    call_id=call.call_id, queue=chosen.name, needs=needs, media=Media.TEXT, avoid=avoid,
                    priority=call.priority, since=call.queued or self._calls.now(), reason=reason,
                )
            )  # fmt: skip
        return self._calls.get(call.call_id)

    def move(self, call: Call, queue: str, *, by: str) -> None:
        """From an agent back to the line, at the place of before. The agent's side is over at once."""
        self._free_agent(call)
        self._queue_up(call, queue, reason="transfer", avoid=frozenset({by}))

    def _free_agent(self, call: Call) -> None:
        if call.agent_id and self._dispatch.talking_with(call.call_id) is not None:
            self._dispatch.tell(CallEnded(call_id=call.call_id, agent_id=call.agent_id))

    def _make_known(self, call: Call) -> None:
        """See to it that the router has the conversation as it is."""
        if call.state in (CallState.INCOMING, CallState.WAITING):
            if self._dispatch.waiting(call.call_id) is None:
                self._queue_up(call, call.queue or self._queue)
            return
        if call.state is CallState.RINGING:
            waiting = self._dispatch.waiting(call.call_id)
            if waiting is None or waiting.offered_to != call.agent_id:
                self._queue_up(self._calls.update(calls_of.ring_failed(call, self._calls.now())), call.queue)
            return
        agent = self._dispatch.agent(call.agent_id or "")
        if agent is None or call.state is CallState.ENDED:
            return
        if call.call_id not in agent.texting and self._dispatch.talking_with(call.call_id) is None:
            self._dispatch.tell(
                CallQueued(
                    call_id=call.call_id, queue=call.queue, needs=dict(call.needs), media=Media.TEXT,
                    since=call.queued or call.started,
                )
            )  # fmt: skip
            self._dispatch.tell(TalkRestored(call_id=call.call_id, agent_id=agent.agent_id))

    # ------------------------------------------------------------ the router's decisions

    def ring(self, offer: Offer) -> None:
        """Show the agent that a citizen waits for them."""
        call = self.takes(offer.call_id)
        if call is not None and call.state is CallState.WAITING:
            self._calls.update(calls_of.ringing(call, offer.agent_id, self._calls.now()))

    def stop_ringing(self, withdrawn: OfferWithdrawn) -> None:
        """The offer is over; the router has put the citizen back at the place of before."""
        call = self.takes(withdrawn.call_id)
        if call is None or call.agent_id != withdrawn.agent_id:
            return
        if call.with_person:  # answered in that very moment
            self._make_known(call)
        elif call.state is CallState.RINGING:
            self.missed(call, NotReadyReason.MISSED_RING if withdrawn.reason == "ring_limit" else None)

    def missed(self, call: Call, reason: NotReadyReason | None) -> Call:
        """The agent did not take it; `reason` None: they could not."""
        if reason is not None:
            data = {"agent_id": call.agent_id, "result": reason.value, "ring_s": self.rung(call)}
            self._calls.note(call.call_id, EntryKind.CALL_LEG, data)
            self._calls.metrics.rings.labels(result=reason.value).inc()
        return self._calls.update(calls_of.ring_failed(call, self._calls.now()))

    def rung(self, call: Call) -> float:
        """Seconds since it began to ring."""
        return round(max(0.0, self._calls.now() - call.state_since), 3)

    def place_changed(self, place: PlaceChanged) -> None:
        """The citizen sees where they stand."""
        call = self._calls.find(place.call_id)
        if call is not None and call.guest_id:
            self._places[place.call_id] = (place.place, place.expected_wait_s if place.helps else None)
            self.moved(call)

    def agent_changed(self, changed: AgentChanged) -> None:
        """Conversations of an agent who is gone go on with others."""
        lost = changed.state is AgentState.NOT_READY and changed.reason is NotReadyReason.LOST
        if not lost and changed.state is not AgentState.OFFLINE:
            return
        for call in self._calls.texts_of(changed.agent_id):
            if call.with_person and call.agent_id == changed.agent_id:
                self.words.system(call, AGAIN)
                self.move(call, call.queue, by=changed.agent_id)

    # ------------------------------------------------------------ time

    def tick(self) -> None:
        """Do what has become due; call it once a second."""
        for call in tuple(self._calls):
            if call.written:
                try:
                    self._look_at(call)
                except Exception as error:  # one conversation must not stop the clock of the others
                    log.error(
                        "conversation not looked after",
                        extra={"call_id": call.call_id, "site": fault_site(error)},
                    )

    def _look_at(self, call: Call) -> None:
        now = self._calls.now()
        presence = self._presence.setdefault(call.call_id, Presence(gone=now, wrote=now))
        presence = replace(presence, wrote=max(presence.wrote, self.words.last_at(call.call_id)))
        match due(call, presence, self._rules, now):
            case Due.ASK:
                self._presence[call.call_id] = replace(presence, asked=now)
                self.words.system(call, STILL_THERE)
            case Due.SILENT:
                self.end(call, "silence")
            case Due.GONE | Due.RATED:
                self.leave(call, self._reasons.get(call.call_id, "silence"))
            case Due.WRITTEN_UP:
                self.end(call)
            case None:
                self._make_known(call)

    # ------------------------------------------------------------ what a citizen is shown

    def view(self, call: Call, agent: Callable[[str], str]) -> CitizenView:
        """How a call stands, for its citizen; `agent(login)` is how citizens know an agent."""
        place, wait = self._places.get(call.call_id, (None, None))
        waiting = call.state in (CallState.INCOMING, CallState.IN_FLOW, CallState.WAITING, CallState.RINGING)
        state = "waiting" if waiting else "talking" if call.with_person else call.state.value
        if call.state is CallState.RINGING:
            state = "ringing"
        elif call.state is CallState.HELD:
            state = "held"
        elif call.ended is not None:
            state = "ended"
        return CitizenView(
            call_id=call.call_id, media=call.media, state=state, place=place if waiting else None,
            expected_wait_s=wait if waiting else None, text_only=call.text_only,
            agent=agent(call.agent_id) if call.agent_id and not waiting else "",
            satisfaction=call.satisfaction,
            reason=self._reasons.get(call.call_id, "citizen") if state == "ended" else "",
        )  # fmt: skip
