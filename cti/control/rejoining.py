"""Keeps a talk whose agent's telephone has vanished, and rings that telephone again for it.

What follows from what is the table in `cti.control.rejoin`; this is its shell.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from cti import call as calls_of
from cti.ami import AmiDown, AmiError, AmiEvent, AmiLink
from cti.call import Call
from cti.control.calls import Calls
from cti.control.people import People
from cti.control.phones import DESK_SUFFIX, REACHABLE, Phones, extension_of_channel
from cti.control.rejoin import Act, Happened, Step, flows, step
from cti.control.room_events import RoomEvents
from cti.control.rooms import HELPER, Rooms
from cti.control.telephony import Telephony
from cti.messages import CallState, EntryKind, Notice, PageMessage, PartyState, Rejoin
from cti.parties import Party
from cti.ports import CommandRefused, Pages, Person

log = logging.getLogger(__name__)

LOOK_S = 0.25
"""Between two counts of a leg's packets; a telephone sends some twelve in that time."""

LOOKS = 2
"""So many times nothing may come before the citizen hears music."""

AGAIN_S = 1.0
"""A telephone that is there and did not take the call is rung again after this long."""

DESK_AFTER_S = 5.0
"""A desk phone beside the browser's is rung, too, when the browser has not come back by then."""

SOONER_S = 0.5
"""We give up a little before the dialplan does, so that nobody answers for a citizen who is on the way."""

LEG_NEWS_S = 0.5
"""How long Asterisk's word on why a leg ended may lag behind the end of its Dial."""

NO_RTP = "44"
"""Hangup cause of a leg that Asterisk ended because no sound came from it. Source: rtp_timeout in Asterisk's
res_pjsip_sdp_rtp, which sets AST_CAUSE_REQUESTED_CHAN_UNAVAIL."""


@dataclass(slots=True)
class _Talk:
    """One talk of which something was told."""

    step: Step = Step.TALKING
    ring: str = ""  # id of the ring that is under way
    since: float = 0.0  # kept since, epoch seconds


class Rejoining:
    """Takes AMI events before `RoomEvents` does; carries out `Rejoin`."""

    def __init__(
        self,
        *,
        calls: Calls,
        telephony: Telephony,
        rooms: Rooms,
        events: RoomEvents,
        phones: Phones,
        people: People,
        pages: Pages,
        link: Callable[[str], AmiLink],
        limit_s: float,
        new_id: Callable[[], str] = lambda: f"rejoin-{uuid.uuid4().hex[:16]}",
    ) -> None:
        """`limit_s`: the citizen is kept so long for the agent (the dialplan has the same figure)."""
        self._calls = calls
        self._telephony = telephony
        self._rooms = rooms
        self._events = events
        self._phones = phones
        self._people = people
        self._pages = pages
        self._link = link
        self._limit_s = limit_s
        self._new_id = new_id
        self._talks: dict[str, _Talk] = {}
        self._rings: dict[str, str] = {}  # unique id of what dials the agent -> call id
        self._ended = asyncio.Condition()  # told of every agent's leg that ended
        self._causes: dict[str, str] = {}  # unique id of an agent's leg -> why it ended; the newest few

    def start(self) -> None:
        """Go on with what a former server kept; after the calls have been restored."""
        for call in self._calls:
            if call.kept_until is not None and call.with_person:
                self._talks[call.call_id] = _Talk(step=Step.KEPT, since=self._calls.now())
                self._telephony.beside(self._await_phone(call.call_id), "awaiting a telephone", call.call_id)

    # ------------------------------------------------------------ what is told

    def take(self, event: AmiEvent) -> None:
        """One AMI event."""
        match event.name:
            case "ContactStatus":
                self._contact(event)
            case "DialEnd" if event.get("Uniqueid") in self._rings:
                if event.get("DialStatus") == "ANSWER":
                    call_id = self._rings.pop(event.get("Uniqueid"))
                    self._back(call_id, event.get("DestChannel"), event.get("DestUniqueid"))
            case "Hangup":
                self._hangup(event)
            case _:
                return

    async def asked(self, person: Person, message: PageMessage) -> None:
        """`Rejoin`: the page's softphone has no leg of the call. Raises CommandRefused."""
        if not isinstance(message, Rejoin):
            raise CommandRefused("不支持的操作")
        call = self._calls.find(message.call_id)
        if call is None or call.agent_id != person.login or call.agent_gone or not call.with_person:
            raise CommandRefused("这通电话已不在您手中")
        if not _by_browser(call):
            return  # they talk by their desk phone
        self._tell(call.call_id, Happened.ASKED)
        if self._phone_here(call):
            self._tell(call.call_id, Happened.HERE)

    async def vanished(self, call_id: str) -> bool:
        """The agent's leg ended: whether that was no hang-up, and the citizen is being kept for them."""
        call = self._calls.find(call_id)
        if call is None:
            return False
        leg = call.agent_uniqueid
        try:
            async with asyncio.timeout(LEG_NEWS_S if leg else 0):
                async with self._ended:
                    await self._ended.wait_for(lambda: leg in self._causes)
        except TimeoutError:
            log.info("no word on why a leg ended", extra={"call_id": call_id})
        call = self._calls.find(call_id)
        return call is not None and call.kept_until is not None

    def _contact(self, event: AmiEvent) -> None:
        endpoint = event.get("EndpointName") or event.get("AOR")
        login = self._people.at_extension(endpoint.removesuffix(DESK_SUFFIX))
        if login is None:
            return
        here = event.get("ContactStatus") in REACHABLE
        for call in self._of(login):
            if not _by_browser(call):
                continue
            self._tell(call.call_id, Happened.DOUBT)
            if here and self._phone_here(call):
                self._tell(call.call_id, Happened.HERE)

    def _hangup(self, event: AmiEvent) -> None:
        uniqueid = event.get("Uniqueid")
        if (call_id := self._rings.pop(uniqueid, None)) is not None:
            self._tell(call_id, Happened.UNANSWERED)
            return
        if (talk := self._talks.get(uniqueid)) is not None:  # the citizen
            self._tell(uniqueid, Happened.CITIZEN_GONE)
            if talk.step is Step.OVER:
                self._talks.pop(uniqueid, None)
            return
        if extension_of_channel(event.get("Channel"), self._people.extensions) is None:
            return
        for call in self._calls:
            if call.agent_uniqueid == uniqueid and call.with_person and not call.agent_gone:
                if event.get("Cause") == NO_RTP:
                    self._tell(call.call_id, Happened.LOST)
                elif call.call_id in self._talks:
                    self._over(call.call_id)  # hung up by a person
        while len(self._causes) > 1000:
            del self._causes[next(iter(self._causes))]
        self._causes[uniqueid] = event.get("Cause")
        self._telephony.beside(self._news(), "telling of a leg", uniqueid)

    async def _news(self) -> None:
        async with self._ended:
            self._ended.notify_all()

    def _of(self, login: str) -> list[Call]:
        """The talks that this agent has now."""
        return [
            call
            for call in self._calls
            if call.agent_id == login and call.with_person and not call.agent_gone and not call.written
        ]

    # ------------------------------------------------------------ what follows

    def _tell(self, call_id: str, event: Happened) -> None:
        talk = self._talks.setdefault(call_id, _Talk())
        if talk.step is Step.OVER or (event is Happened.UNANSWERED and talk.step is Step.TALKING):
            return
        talk.step, acts = step(talk.step, event)
        for act in acts:
            self._act(call_id, talk, act)
        if talk.step in (Step.TALKING, Step.OVER):
            self._talks.pop(call_id, None)

    def _act(self, call_id: str, talk: _Talk, act: Act) -> None:
        call = self._calls.find(call_id)
        if call is None or not call.with_person:
            talk.step = Step.OVER
            return
        match act:
            case Act.LOOK:
                self._telephony.beside(self._look(call), "looking at a leg", call_id)
            case Act.KEEP:
                talk.since = self._calls.now()
                self._keep(call)
            case Act.RING:
                talk.ring = self._new_id()
                self._rings[f"{talk.ring}{HELPER}"] = call_id
                self._telephony.beside(self._ring(call, talk), "ringing a telephone again", call_id)
            case Act.STOP:
                self._rings.pop(f"{talk.ring}{HELPER}", None)
                work = self._rooms.put_down(call, f"{talk.ring}{HELPER}")
                self._telephony.beside(work, "ending a ring", call_id)
            case Act.JOIN:
                return  # `_back` has done it
            case Act.GIVE_UP:
                self._give_up(call)

    def _over(self, call_id: str) -> None:
        """A person ended it: nobody is awaited."""
        talk = self._talks.pop(call_id, None)
        if talk is not None and talk.step is Step.RINGING:
            self._rings.pop(f"{talk.ring}{HELPER}", None)

    async def _look(self, call: Call) -> None:
        """Count what comes from the leg; twice nothing is silence. Raises AmiDown."""
        before = await self._packets(call)
        for _ in range(LOOKS):
            await asyncio.sleep(LOOK_S)
            after = await self._packets(call)
            if flows(before, after):
                self._tell(call.call_id, Happened.FLOWING)
                return
            before = after
        self._tell(call.call_id, Happened.SILENT)

    async def _packets(self, call: Call) -> int | None:
        try:
            said = await self._link(call.node).get_variable(call.agent_channel, "CHANNEL(rtcp,rxcount)")
        except AmiDown:
            raise
        except AmiError:  # no such channel
            return None
        return int(said) if said.isdecimal() else None

    # ------------------------------------------------------------ keeping

    def _keep(self, call: Call) -> None:
        now = self._calls.now()
        consulted = next((one for one in call.parties if one.state is PartyState.CONSULTING), None)
        others = consulted is not None or any(_talks(party) for party in call.parties)
        kept = replace(
            call, kept_until=now + self._limit_s, room=True, agent_channel="", agent_uniqueid="",
        )  # fmt: skip
        if not others and call.state is not CallState.HELD:
            kept = calls_of.held(calls_of.together(kept, now), now)
        self._calls.update(kept)
        self._events.watch(kept)
        self._calls.metrics.rejoins.labels(result="kept").inc()
        self._note(call, "vanished")
        log.info("an agent's telephone vanished in a talk", extra={"call_id": call.call_id})
        self._say(kept, "warning", "您的话机断开了，市民正在等候，恢复后自动接回通话")
        work = self._move(call, consulted, others=others)
        self._telephony.beside(work, "keeping a citizen", call.call_id)

    async def _move(self, call: Call, consulted: Party | None, *, others: bool) -> None:
        if consulted is not None:
            await self._rooms.without_agent(call, consulted)
        elif not others:
            await self._rooms.keep(call)
        await self._rooms.put_down(call, call.agent_channel)
        await self._await_phone(call.call_id)

    async def _await_phone(self, call_id: str) -> None:
        """Ring as soon as there is a telephone, again and again, until the time is up."""
        while (talk := self._talks.get(call_id)) is not None and talk.step is not Step.OVER:
            call = self._calls.find(call_id)
            if call is None or call.kept_until is None or not call.with_person:
                self._tell(call_id, Happened.CITIZEN_GONE)
                return
            if self._calls.now() >= call.kept_until - SOONER_S:
                self._tell(call_id, Happened.TIME_UP)
                return
            if talk.step is Step.KEPT and self._phone_here(call):
                self._tell(call_id, Happened.HERE)
            await asyncio.sleep(min(AGAIN_S, max(0.05, call.kept_until - SOONER_S - self._calls.now())))

    def _phone_here(self, call: Call) -> bool:
        return bool(self._targets(call))

    def _targets(self, call: Call) -> str:
        """The browser's softphone; when it has been away for a while, the desk phone, too."""
        extension = self._people.extension(call.agent_id or "")
        there = self._phones.registered_endpoints(extension, call.node) if extension else ()
        talk = self._talks.get(call.call_id)
        late = talk is not None and talk.since and self._calls.now() - talk.since >= DESK_AFTER_S
        return "&".join(f"PJSIP/{one}" for one in there if late or not one.endswith(DESK_SUFFIX))

    async def _ring(self, call: Call, talk: _Talk) -> None:
        seconds = max(1, round((call.kept_until or 0.0) - SOONER_S - self._calls.now()))
        try:
            await self._rooms.ring_back(call, talk.ring, self._targets(call), seconds)
        except AmiError:
            if self._rings.pop(f"{talk.ring}{HELPER}", None) is not None:
                self._tell(call.call_id, Happened.UNANSWERED)
            raise

    # ------------------------------------------------------------ the end of it

    def _back(self, call_id: str, channel: str, uniqueid: str) -> None:
        talk, call = self._talks.get(call_id), self._calls.find(call_id)
        if talk is None or call is None or not call.with_person:
            return
        since = talk.since
        self._tell(call_id, Happened.ANSWERED)
        self.joined(call, channel, uniqueid, since)

    def joined(self, call: Call, channel: str, uniqueid: str, since: float = 0.0) -> Call:
        """The agent is with the citizen again, by this leg; also found so after a restart."""
        self._talks.pop(call.call_id, None)
        call = self._calls.update(
            replace(call, kept_until=None, agent_channel=channel, agent_uniqueid=uniqueid, room=True)
        )
        self._events.watch(call)
        away = self._calls.now() - since if since else 0.0
        self._calls.metrics.rejoins.labels(result="back").inc()
        self._calls.metrics.rejoin_s.observe(away)
        self._note(call, "rejoined", away_s=round(away, 3))
        self._telephony.tap_party(call, uniqueid, colleague=True)
        self._telephony.beside(self._rooms.meet(call), "bringing together", call.call_id)
        return call

    def _give_up(self, call: Call) -> None:
        self._calls.metrics.rejoins.labels(result="given_up").inc()
        self._note(call, "not_back")
        self._say(call, "warning", "话机没有恢复，市民已回到队列最前")
        call = self._calls.update(replace(call, kept_until=None))
        self._events.agent_gone(call)

    def _note(self, call: Call, result: str, **more: object) -> None:
        data = {"agent_id": call.agent_id or "", "result": result, **more}
        self._calls.note(call.call_id, EntryKind.CALL_LEG, data)

    def _say(self, call: Call, level: str, text: str) -> None:
        if call.agent_id:
            self._pages.send((call.agent_id,), Notice(level=level, text=text))


def _by_browser(call: Call) -> bool:
    """Whether the agent talks (or talked) by the page's softphone."""
    endpoint = call.agent_channel.removeprefix("PJSIP/").rpartition("-")[0]
    return not endpoint.endswith(DESK_SUFFIX)


def _talks(party: Party) -> bool:
    """Whether the citizen has somebody in this party, beside the agent."""
    return party.state is PartyState.TALKING and not party.supervises
