"""What Asterisk says against what we remember: after a start, after an AMI drop, and every few seconds.

Asterisk's own channel list decides which calls exist. Calls that it no longer has are closed; citizens whom
its native queue holds while we are able to serve are brought back to their place in our line; a citizen who
talks with an agent without our knowing is told to the router, so that the agent is offered nobody else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from acd.cluster import Mode
from acd.messages import AgentState, CallEnded, TalkRestored
from cti.ami import AmiError, AmiEvent, AmiLink
from cti.call import Call
from cti.control.calls import Calls
from cti.control.dispatch import Dispatch
from cti.control.recordings import Recordings
from cti.control.telephony import Telephony
from cti.faults import fault_site
from cti.messages import CallState, EntryKind
from cti.tasks import end

log = logging.getLogger(__name__)

LOOK_S = 5.0
YOUNG_S = 3.0
"""A call, and a state, that is younger than this is left alone: its events may still be on their way."""

AGAIN_S = 30.0
"""Who had to go back to the native queue is left there for so long, that it has time to ring somebody."""

FALLBACK_CONTEXT = "hotline-fallback"
FALLBACK_WAITS = frozenset({"Playback", "Queue", "Wait"})
"""Where a citizen without a person is in there: the notice, the queue, the pause before the next try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One line of CoreShowChannels."""

    name: str  # PJSIP/…
    uniqueid: str  # also the call id of a citizen's channel
    context: str  # dialplan context
    exten: str  # dialplan extension
    application: str  # AGI, Queue, Dial, …
    data: str  # its arguments
    bridge: str  # bridge id, "" when not bridged
    caller: str  # number

    @classmethod
    def of(cls, event: AmiEvent) -> Channel:
        """Read one CoreShowChannel event."""
        return cls(
            name=event.get("Channel"),
            uniqueid=event.get("Uniqueid"),
            context=event.get("Context"),
            exten=event.get("Exten"),
            application=event.get("Application"),
            data=event.get("ApplicationData"),
            bridge=event.get("BridgeId"),
            caller=event.get("CallerIDNum"),
        )


class Rooms(Protocol):
    """Who looks after calls of more than two (cti.control.room_recovery)."""

    async def __call__(self, link: AmiLink, channels: Mapping[str, Channel], asked: float) -> None:
        """Compare with the node's channels as they were at `asked`, by unique id. Raises AmiError."""


Listed = Callable[[str, Mapping[str, Channel], float], None]
"""Takes a node's name and its channels as they were at a time, by unique id."""

Adopt = Callable[[str], Awaitable[Call | None]]
"""Takes a call over that another server kept; None when nothing is known of it."""


class Recovery:
    """Compares the channel lists of all nodes with the registry."""

    def __init__(
        self,
        *,
        calls: Calls,
        dispatch: Dispatch,
        telephony: Telephony,
        recordings: Recordings,
        has_line: Callable[[str], bool],
        accepting: Callable[[], bool],
        server: str,
        alone: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`accepting()` tells whether this server takes AGI sessions now; `server` is its name.

        `alone`: no other server sees the same Asterisk; else each keeps to the talks of its own agents, and
        who leads the line brings citizens back into it.
        """
        self._calls = calls
        self._dispatch = dispatch
        self._telephony = telephony
        self._recordings = recordings
        self._has_line = has_line
        self._accepting = accepting
        self._server = server
        self._alone = alone
        self._now = clock
        self.rooms: Rooms = _no_rooms  # also looks at every list (cti.control.room_recovery)
        self.listed: Listed = _nobody_asks  # is told of every list, too (cti.control.taps)
        self.adopt: Adopt = _nothing_kept  # finds what another server kept of a call (cti.takeover)
        self._brought: dict[str, float] = {}  # call -> when it was brought back
        self._task: asyncio.Task[None] | None = None

    def start(self, links: Iterable[AmiLink]) -> None:
        """Begin to look every few seconds."""
        self._task = asyncio.create_task(self._keep_looking(tuple(links)), name="recovery")

    async def stop(self) -> None:
        """Stop looking."""
        await end(self._task)

    async def reconcile(self, link: AmiLink) -> None:
        """Look at one node now. Raises AmiError when it cannot be asked."""
        asked = self._now()
        calls = [call.call_id for call in self._calls]
        # before the list: a file is there, and its call not in the list: nobody writes it any more
        recorded = await asyncio.to_thread(self._recordings.unjoined, link.name)
        listed = await link.listing("CoreShowChannels", {}, deadline=10.0)
        channels = {c.uniqueid: c for c in map(Channel.of, listed) if c.uniqueid}
        for call in filter(None, map(self._calls.find, calls)):
            if call.node == link.name and call.ended is None and call.started < asked - YOUNG_S:
                self._check_known(call, channels, settled=call.state_since < asked - YOUNG_S)
        self.listed(link.name, channels, asked)
        await self.rooms(link, channels, asked)
        self._free_agents(link.name, channels, asked)
        await self._adopt_left(channels)
        self._telephony.close_written_up()
        self._brought = {one: at for one, at in self._brought.items() if one in channels}
        for call_id in sorted(recorded.difference(channels)):
            self._recordings.expect(call_id)
        for channel in channels.values():
            if channel.context == FALLBACK_CONTEXT and channel.application in FALLBACK_WAITS:
                await self._bring_back(link, channel, channels)

    def _check_known(self, call: Call, channels: dict[str, Channel], *, settled: bool) -> None:
        mine = channels.get(call.call_id)
        if mine is None:
            self._calls.metrics.recovered.labels(what="closed").inc()
            self._calls.channel_gone(call.call_id)
            self._telephony.citizen_left(call.call_id)
            return
        agent = self._agent_beside(mine, channels)
        if agent is not None and not call.with_person and call.state is not CallState.SURVEY:
            self._adopt_talk(call, agent)
        elif agent is not None and call.with_person and settled and self._untold(call):
            self._restore_talk(call.call_id, agent[0])

    def _untold(self, call: Call) -> bool:
        return self._dispatch.talking_with(call.call_id) is None

    def _free_agents(self, node: str, channels: dict[str, Channel], asked: float) -> None:
        """Set agents free who count as talking, on a call of this node, though the talk is over."""
        for agent in self._dispatch.snapshot()[0]:
            call_id = agent.call_id or ""
            if agent.state is not AgentState.TALKING or agent.since >= asked - YOUNG_S:
                continue
            if call_id.rpartition("-")[0] != node:
                continue
            call = self._calls.find(call_id)
            if call is None and not self._dispatch.cares_for(agent.agent_id):
                continue
            if call_id not in channels if call is None else not call.with_person:
                log.warning("agent set free from a call that is over", extra={"call_id": call_id})
                self._dispatch.tell(CallEnded(call_id=call_id, agent_id=agent.agent_id))

    async def _adopt_left(self, channels: dict[str, Channel]) -> None:
        """Talks whose server is gone go on here, with their words and their draft."""
        for agent in self._dispatch.snapshot()[0]:
            mine = channels.get(agent.call_id or "")
            if mine is None or not self._dispatch.nobodys(mine.uniqueid):
                continue
            beside = self._agent_beside(mine, channels)
            if beside is None or beside[0] != agent.agent_id:
                continue
            call = self._calls.find(mine.uniqueid) or await self.adopt(mine.uniqueid)
            if call is not None and not call.with_person and call.state is not CallState.SURVEY:
                self._adopt_talk(call, beside)
            else:
                self._restore_talk(mine.uniqueid, agent.agent_id)

    def _adopt_talk(self, call: Call, agent: tuple[str, Channel]) -> None:
        agent_id, channel = agent
        self._telephony.talk_found(call, agent_id, channel.name, channel.uniqueid)

    def _restore_talk(self, call_id: str, agent_id: str) -> None:
        if self._dispatch.agent(agent_id) is not None:
            self._dispatch.tell(TalkRestored(call_id=call_id, agent_id=agent_id))

    def _agent_beside(self, channel: Channel, channels: dict[str, Channel]) -> tuple[str, Channel] | None:
        if not channel.bridge:
            return None
        for other in channels.values():
            if other.bridge == channel.bridge and other.uniqueid != channel.uniqueid:
                agent_id = self._telephony.agent_of_channel(other.name)
                if agent_id is not None:
                    return agent_id, other
        return None

    async def _bring_back(self, link: AmiLink, channel: Channel, channels: dict[str, Channel]) -> None:
        """A citizen in the native queue: back into our line, or known to talk."""
        agent = self._agent_beside(channel, channels)
        call = self._calls.find(channel.uniqueid)
        if agent is not None:
            known = self._dispatch.agent(agent[0]) is not None and self._dispatch.cares_for(agent[0])
            if call is None and (self._alone or known):
                call = self._calls.add(unknown_call(link.name, channel, self._server, self._now()))
                self._adopt_talk(call, agent)
            return
        if channel.bridge or not self._accepting() or self._has_line(channel.uniqueid):
            return
        if self._dispatch.mode is Mode.FOLLOWER and not self._alone:
            return
        if call is not None and call.with_person:  # answered while we looked
            return
        if self._now() < self._brought.get(channel.uniqueid, -AGAIN_S) + AGAIN_S:
            return
        self._brought[channel.uniqueid] = self._now()
        try:
            await link.redirect(channel.name, "hotline", "resume")
        except AmiError as error:
            log.warning(
                "citizen not brought back from the native queue",
                extra={"call_id": channel.uniqueid, "reason": type(error).__name__},
            )
            return
        self._calls.metrics.recovered.labels(what="brought_back").inc()
        self._calls.note(channel.uniqueid, EntryKind.NOTE, {"kind": "brought_back", "values": {}})
        log.info("citizen brought back from the native queue", extra={"call_id": channel.uniqueid})

    async def _keep_looking(self, links: tuple[AmiLink, ...]) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for link in links:
                if link.connected:
                    try:
                        await self.reconcile(link)
                    except AmiError as error:
                        log.warning(
                            "channels not listed", extra={"node": link.name, "reason": type(error).__name__}
                        )
                    except Exception as error:
                        log.error("reconciling failed", extra={"node": link.name, "site": fault_site(error)})


async def _nothing_kept(call_id: str) -> Call | None:
    return None


def _nobody_asks(node: str, channels: Mapping[str, Channel], asked: float) -> None:
    return


async def _no_rooms(link: AmiLink, channels: Mapping[str, Channel], asked: float) -> None:
    return


def unknown_call(node: str, channel: Channel, server: str, now: float) -> Call:
    """A call that reached a person while no server was there: its beginning is in its unique id."""
    try:
        started = float(channel.uniqueid.rpartition("-")[2])
    except ValueError:
        started = now
    started = int(started)  # the fraction is a counter, not a part of a second
    return Call(
        call_id=channel.uniqueid,
        node=node,
        channel=channel.name,
        caller=channel.caller,
        called="12345",
        state=CallState.INCOMING,
        started=started,
        recording_started=started,
        state_since=now,
        server=server,
    )
