"""One server of a common line without telephones: `python -m cti.bench.member NAME PREFIX REDIS_URL SOCKET`.

Routing, lease, messages and live state are the product's; Asterisk, browsers and everything else are played
by whoever listens at SOCKET (`cti.bench.exchange`), one JSON object a line each way.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from typing import Any

import msgspec
from redis.asyncio import Redis

from acd.cluster import Mode
from acd.cluster_redis import LineBus
from acd.messages import (
    AgentBecameReady,
    AgentChanged,
    AgentSignedIn,
    AgentState,
    CallEnded,
    CallLeft,
    CallQueued,
    NotReadyReason,
    Offer,
    OfferAnswered,
    OfferWithdrawn,
    PlaceChanged,
    SentAway,
    TalkRestored,
    WrapUpFinished,
)
from acd.policy import load_policy
from acd.router import Router
from acd.store import LiveState, StoreError
from cti import logs
from cti.control.cluster import Cluster, member_name, take_part
from cti.control.dispatch import Dispatch

QUEUE, SKILL = "general", "general"
YOUNG_S = 3.0
"""What is younger than this is left alone when Asterisk's list says otherwise."""
RETURN_S = 3.0
"""An offer for a caller who is not here waits so long, as at the switchboard."""


class HeadlessMember:
    """Implements `Hands` towards the exchange, and tells the line what the exchange says."""

    def __init__(self, name: str, prefix: str, redis_url: str, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._redis = Redis.from_url(redis_url, socket_timeout=5.0, socket_connect_timeout=2.0)
        self._live = LiveState(self._redis, prefix)
        router = Router(load_policy())
        member = take_part(member_name(name), router, self._live, alone=False)
        self._dispatch = Dispatch(router, self._live, member=member)
        self._cluster = Cluster(
            self._dispatch, LineBus(self._redis, prefix, member.name), on_mode=self._mode_changed
        )
        self._dispatch.attach(self)
        self._here: set[str] = set()  # callers whose lines are here

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Take part until the exchange hangs up."""
        try:
            self._dispatch.enter(*await self._live.load())
        except StoreError:
            self._dispatch.enter((), ())
        self._live.start()
        self._dispatch.start()
        self._cluster.start()
        while line := await reader.readline():
            told = msgspec.json.decode(line, type=dict[str, Any])
            getattr(self, "on_" + str(told.pop("do")))(**told)
        await self._dispatch.stop()
        await self._live.stop()
        await self._cluster.stop()
        await self._redis.aclose()

    # ------------------------------------------------------------ what the exchange says

    def on_call(self, call: str, since: float) -> None:
        """A caller is here, for the first time or again: in line at the old place, as a line does it."""
        self._here.add(call)
        if self._dispatch.waiting(call) is not None:
            self._dispatch.tell(CallLeft(call_id=call))
        self._dispatch.tell(CallQueued(call_id=call, queue=QUEUE, needs={SKILL: 1}, since=since))

    def on_answered(self, call: str, agent: str) -> None:
        """A telephone was picked up, as Asterisk tells every server."""
        if call in self._here:
            self._dispatch.tell(OfferAnswered(call_id=call, agent_id=agent))
            return
        waiting = self._dispatch.waiting(call)
        if waiting is not None and waiting.offered_to == agent and self._dispatch.nobodys(call):
            self._dispatch.tell(TalkRestored(call_id=call, agent_id=agent))

    def on_over(self, call: str, agent: str) -> None:
        """The agent hung up; the caller is here for what comes after the talk."""
        self._here.discard(call)
        if self._dispatch.talking_with(call) is None:
            record = self._dispatch.agent(agent)
            if record is None or record.call_id not in (None, call):
                return
            self._dispatch.tell(TalkRestored(call_id=call, agent_id=agent))
        self._dispatch.tell(CallEnded(call_id=call, agent_id=agent))

    def on_listed(self, talks: dict[str, str]) -> None:
        """Asterisk's channel list: what talks. As `cti.control.recovery` compares it with the line."""
        young = time.time() - YOUNG_S
        for agent in self._dispatch.snapshot()[0]:
            call = agent.call_id or ""
            if agent.since > young or not call:
                continue
            if agent.state is AgentState.TALKING and call not in talks:
                if self._dispatch.cares_for(agent.agent_id):
                    self._dispatch.tell(CallEnded(call_id=call, agent_id=agent.agent_id))
            elif talks.get(call) == agent.agent_id and self._dispatch.nobodys(call):
                self._dispatch.tell(TalkRestored(call_id=call, agent_id=agent.agent_id))

    def on_page(self, agent: str) -> None:
        """The agent's page is here now."""
        record = self._dispatch.agent(agent)
        lost = record is not None and NotReadyReason.LOST in (record.reason, record.after_reason)
        if record is not None and not lost:
            self._dispatch.claim(agent)
        else:
            self._dispatch.tell(AgentSignedIn(agent_id=agent, skills={SKILL: 3}))

    def on_works(self, agent: str) -> None:
        """The agent is done writing, and asks for calls when not ready, as often as the exchange says."""
        record = self._dispatch.agent(agent)
        if record is None:
            self._dispatch.tell(AgentSignedIn(agent_id=agent, skills={SKILL: 3}))
        elif record.state is AgentState.WRAP_UP:
            self._dispatch.tell(WrapUpFinished(agent_id=agent))
        elif record.state is AgentState.NOT_READY:
            self._dispatch.tell(AgentBecameReady(agent_id=agent))

    # ------------------------------------------------------------ Hands

    def ring(self, offer: Offer) -> None:
        """Ring the agent, after a last look, as a line does before it dials."""
        if offer.call_id not in self._here:
            asyncio.get_running_loop().call_later(RETURN_S, self._give_up, offer)
            return
        waiting = self._dispatch.waiting(offer.call_id)
        if waiting is None or waiting.offered_to != offer.agent_id or offer.ring_until - time.time() < 0.5:
            return
        self._say("ring", call=offer.call_id, agent=offer.agent_id, epoch=self._dispatch.member.epoch)

    def stop_ringing(self, withdrawn: OfferWithdrawn) -> None:
        """Stop the ring."""
        if withdrawn.call_id in self._here:
            self._say("stop", call=withdrawn.call_id, agent=withdrawn.agent_id)

    def agent_changed(self, changed: AgentChanged) -> None:
        """Tell the agent's page."""
        if self._dispatch.has_agent(changed.agent_id):
            self._say("agent", agent=changed.agent_id, state=changed.state.value)

    def place_changed(self, place: PlaceChanged) -> None:
        """Nobody announces it here."""

    def send_away(self, sent: SentAway) -> None:
        """The shipped policy has no other centre."""

    def _give_up(self, offer: Offer) -> None:
        waiting = self._dispatch.waiting(offer.call_id)
        if offer.call_id in self._here or waiting is None or waiting.offered_to != offer.agent_id:
            return
        self._dispatch.tell(CallLeft(call_id=offer.call_id))

    def _mode_changed(self, mode: Mode, epoch: int) -> None:
        self._say("mode", mode=mode.value, epoch=epoch)

    def _say(self, what: str, **told: object) -> None:
        self._writer.write(msgspec.json.encode({"say": what, **told}) + b"\n")


async def main(name: str, prefix: str, redis_url: str, path: str) -> None:
    """Connect to the exchange and take part."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(msgspec.json.encode({"say": "hello", "name": name}) + b"\n")
    await HeadlessMember(name, prefix, redis_url, writer).run(reader)
    writer.close()


if __name__ == "__main__":
    logs.configure(logging.WARNING)
    asyncio.run(main(*sys.argv[1:5]))
