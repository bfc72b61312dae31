"""A common line without Redis and without a clock: members, messages that wait to be read, and telephones.

Everything happens when the test says so: who reads how much, who is killed, stopped or cut off, and how much
time passes. The telephones are the truth: what rings where and who talks with whom is not any member's word.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from acd.cluster import Member, Mode
from acd.cluster_codec import decode_down, decode_up, encode
from acd.cluster_messages import AgentClaimed
from acd.cluster_mirror import View
from acd.lease import TTL_S, Pulse
from acd.messages import (
    AgentBecameReady,
    AgentSignedIn,
    AgentState,
    CallEnded,
    CallLeft,
    CallQueued,
    Decision,
    Event,
    NotReadyReason,
    Offer,
    OfferAnswered,
    OfferMissed,
    OfferWithdrawn,
    Tick,
    WrapUpFinished,
)
from acd.policy import Policy, load_policy
from acd.router import Router

ALIVE_S = 2.0
STEP_S = 0.2


@dataclass(slots=True)
class Citizen:
    """One caller."""

    call_id: str
    since: float  # when they began to wait
    at: str | None  # member whose line they are in; None: on the way to another one
    rings: str | None = None  # whose telephone rings for them
    talks: str | None = None  # with whom
    served: bool = False  # they have talked with somebody


@dataclass(slots=True)
class Seat:
    """One server process."""

    name: str
    member: Member
    alive: bool = True  # False: killed
    runs: bool = True  # False: stopped with SIGSTOP
    online: bool = True  # False: Redis is out of reach
    read_up: int = 0  # messages read so far
    read_down: int = 0
    next_pulse: float = 0.0
    pending: list[Event | AgentClaimed] = field(default_factory=list)  # what it finds when it runs again


@dataclass(slots=True)
class Line:
    """See the module."""

    policy: Policy = field(default_factory=load_policy)
    now: float = 1_000.0
    seats: dict[str, Seat] = field(default_factory=dict)
    up: list[bytes] = field(default_factory=list)
    down: list[bytes] = field(default_factory=list)
    citizens: dict[str, Citizen] = field(default_factory=dict)
    phones: dict[str, str | None] = field(default_factory=dict)  # agent -> call that rings or talks there
    pages: dict[str, str] = field(default_factory=dict)  # agent -> member that has the page
    faults: list[str] = field(default_factory=list)  # what must never happen, and did
    order: list[str] = field(default_factory=list)  # calls in the order in which somebody answered them
    leases: list[tuple[int, str]] = field(default_factory=list)  # every epoch given, and to whom
    token: tuple[str, int, float] | None = None  # member, epoch, until
    beats: dict[str, float] = field(default_factory=dict)
    patience: bool = True  # agents answer when the test says so; False: at once
    _made: int = 0
    _runs: int = 0

    # ------------------------------------------------------------ servers

    def start(self, *names: str) -> None:
        """Start servers of these names (again)."""
        for name in names:
            self._runs += 1
            member = Member(
                f"{name}#{self._runs}",
                Router(self.policy),
                clock=lambda: self.now,
                mono=lambda: self.now,
                save=lambda _: None,
                alone=False,
            )
            seat = Seat(name, member, read_up=len(self.up), read_down=len(self.down))
            member.enter(View())
            self.seats[name] = seat

    def kill(self, name: str) -> None:
        """End a process; Asterisk takes its callers elsewhere as soon as it notices, a talk goes on."""
        self.seats[name].alive = False
        for citizen in self.citizens.values():
            if citizen.at == name:
                citizen.at = None
                if citizen.rings is not None:
                    self.phones[citizen.rings] = None
                    citizen.rings = None

    def leader(self) -> Seat | None:
        """Who leads now, if anybody does."""
        leading = [seat for seat in self.running() if seat.member.mode is Mode.LEADER]
        return leading[0] if leading else None

    def running(self) -> list[Seat]:
        """Everybody who is neither dead nor stopped."""
        return [seat for seat in self.seats.values() if seat.alive and seat.runs]

    # ------------------------------------------------------------ time and messages

    def passes(self, seconds: float, *, deaf: frozenset[str] = frozenset()) -> None:
        """Let time pass; everybody does what they do, but the deaf read nothing."""
        for _ in range(max(1, round(seconds / STEP_S))):
            self.now += STEP_S
            for seat in self.running():
                found, seat.pending = seat.pending, []
                for event in (*found, Tick()):
                    self._take(seat, seat.member.tell(event))
                if self.now >= seat.next_pulse:
                    seat.next_pulse = self.now + 0.4
                    self.pulse(seat)
                self._take(seat, seat.member.tick())
            self.exchange(deaf=deaf)

    def exchange(self, *, deaf: frozenset[str] = frozenset(), rounds: int = 3) -> None:
        """Carry messages to and fro until there are none left."""
        for _ in range(rounds):
            for seat in self.running():
                self.send(seat)
            for seat in self.running():
                if seat.name not in deaf:
                    self.read(seat)

    def pulse(self, seat: Seat) -> None:
        """One sign of life, as the script in `acd.cluster_redis` does it."""
        if not seat.online:
            self._take(seat, seat.member.silent())
            return
        me = seat.member.name
        self.beats[me] = self.now
        self.beats = {
            one: at
            for one, at in self.beats.items()
            if at > self.now - ALIVE_S and (one == me or one.partition("#")[0] != seat.name)
        }
        token = self.token if self.token and self.token[2] > self.now else None
        if token is not None and token[0] == me:
            token = (me, token[1], self.now + TTL_S)
        elif token is None or token[0].partition("#")[0] == seat.name:
            epoch = max(seat.member.epoch, *(one for one, _ in self.leases), 0) + 1
            self.leases.append((epoch, me))
            token = (me, epoch, self.now + TTL_S)
        self.token = token
        found = Pulse(
            leader=token[0], epoch=token[1], left_s=token[2] - self.now, members=frozenset(self.beats)
        )
        self._take(seat, seat.member.pulsed(found, self.now))

    def send(self, seat: Seat) -> None:
        """What the member has to say goes out, if the lease still is its own."""
        said, seat.member.down[:] = seat.member.down[:], []
        told, seat.member.up[:] = seat.member.up[:], []
        if not seat.online:
            return
        for message in said:
            held = self.token is not None and self.token[2] > self.now
            if held and self.token and self.token[:2] == (seat.member.name, message.epoch):
                self.down.append(encode(message))
        self.up += [encode(one) for one in told]

    def read(self, seat: Seat, limit: int | None = None) -> None:
        """The member reads what has come since, or some of it."""
        if not seat.online:
            return
        for raw in self.down[seat.read_down :][:limit]:
            seat.read_down += 1
            self._take(seat, seat.member.take_down(decode_down(raw)))
        for raw in self.up[seat.read_up :][:limit]:
            seat.read_up += 1
            self._take(seat, seat.member.take_up(decode_up(raw)))

    # ------------------------------------------------------------ people

    def agent(self, agent_id: str, name: str, *, ready: bool = True) -> None:
        """An agent opens the page at this server."""
        self.phones.setdefault(agent_id, None)
        self.pages[agent_id] = name
        seat = self.seats[name]
        known = seat.member.agent(agent_id)
        away = known is not None and NotReadyReason.LOST in (known.reason, known.after_reason)
        if known is not None and not away:
            self.tell(seat, AgentClaimed(agent_id=agent_id))
            return
        self.tell(seat, AgentSignedIn(agent_id=agent_id, skills={"general": 3}))
        if ready and known is None:
            self.tell(seat, AgentBecameReady(agent_id=agent_id))

    def calls(self, name: str) -> str:
        """A citizen calls and is put in line at this server; returns the call's id."""
        self._made += 1
        call_id = f"c{self._made}"
        self.citizens[call_id] = Citizen(call_id, self.now, name)
        self._queue(call_id)
        return call_id

    def returns(self, call_id: str, name: str) -> None:
        """Asterisk hands a caller whose server is gone to another one: the old place in line."""
        self.citizens[call_id].at = name
        seat = self.seats[name]
        if seat.member.waiting(call_id) is not None:
            self.tell(seat, CallLeft(call_id=call_id))
        self._queue(call_id)

    def hangs_up(self, call_id: str) -> None:
        """A citizen who has not talked yet gives up."""
        citizen = self.citizens.pop(call_id)
        if citizen.rings is not None:
            self.phones[citizen.rings] = None
        if citizen.at is not None:
            self.tell(self.seats[citizen.at], CallLeft(call_id=call_id))

    def answers(self, agent_id: str) -> None:
        """The agent picks up what rings."""
        citizen = self.citizens[self.phones[agent_id] or ""]
        citizen.rings, citizen.talks, citizen.served = None, agent_id, True
        self.order.append(citizen.call_id)
        if citizen.at is not None:
            self.tell(self.seats[citizen.at], OfferAnswered(call_id=citizen.call_id, agent_id=agent_id))

    def misses(self, agent_id: str) -> None:
        """Nobody picks up what rings."""
        citizen = self.citizens[self.phones[agent_id] or ""]
        self.phones[agent_id] = citizen.rings = None
        if citizen.at is not None:
            self.tell(self.seats[citizen.at], OfferMissed(call_id=citizen.call_id, agent_id=agent_id))

    def ends(self, agent_id: str) -> None:
        """The talk is over; whichever server Asterisk asks next says so."""
        citizen = self.citizens.pop(self.phones[agent_id] or "")
        self.phones[agent_id] = None
        seat = self.seats.get(citizen.at or "")
        if seat is None or not seat.alive:
            seat = self.running()[0]
        self.tell(seat, CallEnded(call_id=citizen.call_id, agent_id=agent_id))

    def writes_up(self, agent_id: str) -> None:
        """The agent is done with the order."""
        seat = self.seats[self.pages[agent_id]]
        agent = seat.member.agent(agent_id)
        if agent is not None and agent.state is AgentState.WRAP_UP:
            self.tell(seat, WrapUpFinished(agent_id=agent_id))

    def asks_for_calls(self, agent_id: str) -> None:
        """The agent presses 示闲, if that means something now."""
        seat = self.seats[self.pages[agent_id]]
        agent = seat.member.agent(agent_id)
        if agent is not None and agent.state is AgentState.NOT_READY:
            self.tell(seat, AgentBecameReady(agent_id=agent_id))

    def looks(self) -> None:
        """Lines make sure that they are in line, as they do every five seconds."""
        for citizen in self.citizens.values():
            seat = self.seats.get(citizen.at or "")
            if seat is None or not (seat.alive and seat.runs) or citizen.talks or citizen.rings:
                continue
            if seat.member.waiting(citizen.call_id) is None:
                self._queue(citizen.call_id)

    def tell(self, seat: Seat, event: Event | AgentClaimed) -> None:
        """One event at one server; one that is stopped finds it when it runs again."""
        if seat.alive and not seat.runs:
            seat.pending.append(event)
        elif seat.alive:
            self._take(seat, seat.member.tell(event))

    def _queue(self, call_id: str) -> None:
        citizen = self.citizens[call_id]
        event = CallQueued(call_id=call_id, queue="general", needs={"general": 1}, since=citizen.since)
        self.tell(self.seats[citizen.at or ""], event)

    # ------------------------------------------------------------ telephones

    def _take(self, seat: Seat, decisions: list[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Offer):
                self._ring(seat, decision)
            elif isinstance(decision, OfferWithdrawn):
                self._stop_ringing(seat, decision)

    def _ring(self, seat: Seat, offer: Offer) -> None:
        citizen = self.citizens.get(offer.call_id)
        waiting = seat.member.waiting(offer.call_id)
        if citizen is None or citizen.at != seat.name or citizen.talks is not None:
            return
        if offer.ring_until - self.now < 0.5 or waiting is None or waiting.offered_to != offer.agent_id:
            return  # as the line looks before it dials
        busy = self.phones.get(offer.agent_id)
        if busy is not None and busy != offer.call_id:
            self.faults.append(f"{offer.agent_id} has {busy} and is rung for {offer.call_id}")
        if citizen.rings not in (None, offer.agent_id):
            self.faults.append(f"{offer.call_id} rings {citizen.rings} and {offer.agent_id}")
        self.phones[offer.agent_id], citizen.rings = offer.call_id, offer.agent_id
        if not self.patience:
            self.answers(offer.agent_id)

    def _stop_ringing(self, seat: Seat, withdrawn: OfferWithdrawn) -> None:
        citizen = self.citizens.get(withdrawn.call_id)
        if citizen is not None and citizen.at == seat.name and citizen.rings == withdrawn.agent_id:
            self.phones[withdrawn.agent_id] = citizen.rings = None
