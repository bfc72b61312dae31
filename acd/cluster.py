"""One member of a common line: leads it, follows the one that leads, or is an island for a while.

No socket, no clock of its own, no task: events, messages and pulses go in, decisions and messages come out.
`cti.control.cluster` is the shell around it.

- *Leader*: holds the lease; its router decides for all. Its own events go straight in.
- *Follower*: sends its events to the leader, sees the line in a mirror, and carries out what concerns its
  own calls and agents.
- *Island*: Redis is out of reach; routes its own calls to its own agents until it is back.

Members are the truth: a new leader asks every living one for a census and begins when these are in, so an
event that no leader confirmed is not lost with the one that did not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from acd.cluster_lead import Lead, restored
from acd.cluster_merge import Merged, difference, merge
from acd.cluster_messages import (
    AgentClaimed,
    Bye,
    Census,
    CensusWanted,
    Down,
    Granted,
    Missed,
    State,
    Step,
    Talk,
    Told,
    Up,
)
from acd.cluster_mirror import Mirror, View
from acd.lease import Lease, Pulse
from acd.messages import (
    AgentChanged,
    AgentRecord,
    AgentSignedIn,
    CallbackReached,
    CallEnded,
    CallLeft,
    CallQueued,
    Changes,
    Decision,
    Event,
    Offer,
    OfferWithdrawn,
    QueueState,
    Staffed,
    TalkRestored,
    Tick,
    WaitingRecord,
)
from acd.policy import Policy
from acd.router import Router
from acd.staffed import staffed

log = logging.getLogger(__name__)

CENSUS_S = 0.5
"""A new leader waits no longer for the censuses of the others."""
ISLAND_S = 3.0
"""Without Redis for so long a follower begins to route its own calls; longer than a sign of life lasts."""
REAL_ISLAND_S = 0.5
"""Who has been an island for so long knows its part of the line better than anybody."""
RESEND_S = 0.6
"""What the leader has not confirmed in this time is sent again."""


def claim_of(event: Event | AgentClaimed) -> str:
    """The agent or call that this event makes its member's, "" when none."""
    match event:
        case AgentClaimed(agent_id=what) | AgentSignedIn(agent_id=what):
            return what
        case CallQueued(call_id=what) | TalkRestored(call_id=what) | CallbackReached(new_call_id=what):
            return what
    return ""


class Mode(StrEnum):
    """How a member takes part."""

    LEADER = "leader"
    FOLLOWER = "follower"
    ISLAND = "island"


@dataclass(slots=True)
class _Taking:
    """A takeover that waits for censuses."""

    waits_for: set[str]
    due: float  # monotonic
    censuses: dict[str, Census] = field(default_factory=dict)


class Member:
    """See the module. `clock` is the wall clock, `mono` a monotonic one; both in seconds."""

    def __init__(
        self,
        name: str,
        router: Router,
        *,
        clock: Callable[[], float],
        mono: Callable[[], float],
        save: Callable[[Changes], None],
        lead: Callable[[int, View], None] = lambda _epoch, _view: None,
        rest: Callable[[], None] = lambda: None,
        alone: bool = True,
        lease: Lease | None = None,
    ) -> None:
        """A member that is an island, with `router`, until `enter` is called.

        `save`, `lead` and `rest` tell the store what changed, that it is ours to write (whole), and that it
        is not. `alone`: no other server exists, so nothing is ever somebody else's.
        """
        self.name = name
        self.alone = alone
        self.up: list[Up] = []  # to be sent to the leader
        self.down: list[Down] = []  # to be sent to everybody, under `lease.epoch`
        self.lease = lease or Lease()
        self.refused = 0  # messages of an older epoch
        self._policy_of = router
        self._now, self._mono = clock, mono
        self._save, self._store_lead, self._store_rest = save, lead, rest
        self._mirror = Mirror(router.policy)
        self._queues: tuple[QueueState, ...] = ()
        self._epoch = 0  # newest heard
        self._agents: dict[str, float] = {}  # ours, since when
        self._calls: dict[str, float] = {}
        self._seq = 0
        self._unconfirmed: list[tuple[float, Told]] = []
        self._expect: int | None = None  # next word of the leader; None: a State is needed
        self._island_since = mono()
        self._asked = 0.0  # when a State was asked for
        self._pending: dict[str, Offer] = {}  # our calls for which an agent's member has not agreed yet
        self._taking: _Taking | None = None
        self._seen = mono()  # when Redis was last heard, by the time of the question
        self._members: frozenset[str] = frozenset()  # who took part then
        self._leader = ""  # who held the lease then
        self._lead: Lead | None = self._hand(0, router, Merged())

    # ------------------------------------------------------------ what is known

    @property
    def mode(self) -> Mode:
        """How it takes part now."""
        if self._lead is None:
            return Mode.FOLLOWER
        return Mode.LEADER if self.lease.held(self._mono()) and self._lead.epoch else Mode.ISLAND

    @property
    def epoch(self) -> int:
        """The newest epoch that was heard; 0: none."""
        return self._epoch

    @property
    def policy(self) -> Policy:
        """The routing policy in force."""
        return (self._policy_of if self._lead is None else self._lead.router).policy

    @property
    def router(self) -> Router | None:
        """The router that decides here, if one does."""
        return self._hand_now().router if self._decides() else None

    @property
    def others(self) -> bool:
        """Whether other members take part now, as far as is known."""
        return self._lead is None or bool(self._lead.taken)

    def agent(self, agent_id: str) -> AgentRecord | None:
        """One signed-in agent, or None."""
        router = self.router
        return self._mirror.agent(agent_id) if router is None else router.agent(agent_id)

    def waiting(self, call_id: str) -> WaitingRecord | None:
        """One call in line or ringing, or None."""
        router = self.router
        return self._mirror.waiting_call(call_id) if router is None else router.waiting(call_id)

    def talking_with(self, call_id: str) -> str | None:
        """The agent who talks on this call, or None."""
        router = self.router
        return self._mirror.talking_with(call_id) if router is None else router.talking_with(call_id)

    def queue_states(self) -> tuple[QueueState, ...]:
        """Every queue; at a follower not older than about a second."""
        router = self.router
        return self._queues if router is None else router.queue_states()

    def staffed(self, needs: Mapping[str, int]) -> Staffed:
        """How many agents with these skills are there now; at a follower, as far as it has heard."""
        router = self.router
        if router is None:
            return staffed(self._mirror.view().agents.values(), needs)
        return router.staffed(needs)

    def view(self) -> View:
        """All agents and calls."""
        return self._hand_now().view() if self._decides() else self._mirror.view()

    def has_agent(self, agent_id: str) -> bool:
        """Whether the agent's page is here, as far as the line knows."""
        return agent_id in self._agents

    def cares_for(self, agent_id: str) -> bool:
        """Whether this member journals the agent and keeps the native queue for them: one does for each."""
        if self.has_agent(agent_id) or self.alone:
            return True
        return self._decides() and self._hand_now().agent_owner(agent_id) is None

    def nobodys(self, call_id: str) -> bool:
        """Whether no server has the call, so that who leads the line answers for it."""
        return not self.alone and self._decides() and self._hand_now().nobodys(call_id)

    # ------------------------------------------------------------ events

    def tell(self, event: Event | AgentClaimed) -> list[Decision]:
        """One event of this member's calls or agents; returns what is to be carried out here."""
        self._note(event)
        if self._decides():
            return self._hold(self._hand_now().handle(self.name, event))
        if not isinstance(event, Tick):
            self._seq += 1
            told = Told(member=self.name, seq=self._seq, event=event)
            self._unconfirmed.append((self._mono(), told))
            self._mirror.foresee(self._seq, event, self._now())
            self.up.append(told)
        return []

    def _note(self, event: Event | AgentClaimed) -> None:
        """Keep what is ours."""
        match event:
            case CallbackReached(call_id=gone) | CallLeft(call_id=gone) | CallEnded(call_id=gone):
                self._calls.pop(gone, None)
        if what := claim_of(event):
            ours = self._agents if isinstance(event, AgentClaimed | AgentSignedIn) else self._calls
            ours.setdefault(what, self._now())

    def _decides(self) -> bool:
        """Whether decisions are made here at this moment; finds out that a lease is over."""
        if self._lead is None:
            return False
        if self._lead.epoch and not self.lease.held(self._mono()):
            self._lease_over()
        return self._lead is not None

    def _hand_now(self) -> Lead:
        if self._lead is None:
            raise RuntimeError("a member that follows has no router")
        return self._lead

    def _lease_over(self) -> None:
        self.lease.lost()
        if self.alone and self._lead is not None:
            log.warning("line is kept from memory", extra={"mode": Mode.ISLAND.value})
            self._lead.epoch = 0
        else:
            self._follow("lease over")

    def use_policy(self, policy: Policy) -> list[Decision]:
        """Route under another policy from now on; calls, agents, rings and talks stay as they are.

        Raises RouterError when the line cannot go on under it; then the one before stays in force.
        """
        if not self._decides():
            self._policy_of = Router(policy)
            self._mirror.use_policy(policy)
            return []
        lead = self._hand_now()
        before = lead.view()
        router, merged = lead.under(policy)
        self._lead = self._hand(lead.epoch, router, merged)
        self._lead.continues(lead)
        self._lead.ask_for_new(before)
        if lead.epoch:
            self._store_lead(lead.epoch, self._lead.view())
        if self._lead.taken:
            self._lead.state()
        return self._hold(difference(before, self._lead.view(), self._lead.concerns, self._now()))

    # ------------------------------------------------------------ modes

    def enter(self, known: View) -> None:
        """Take part: follow whoever leads, or lead, as the next pulse says. `known`: what was stored."""
        self._follow("start")
        self._mirror.replace(known)
        self._seen = self._mono()

    def pulsed(self, pulse: Pulse, sent: float) -> list[Decision]:
        """Redis answered the pulse that was sent at `sent` (monotonic)."""
        self._seen = max(self._seen, sent)
        before, self._leader = self._leader, pulse.leader
        known, self._members = self._members, pulse.members
        if pulse.leader != self.name:
            if self._taking is not None or (self._lead is not None and self._lead.epoch):
                self._taking = None
                self._lease_over() if self.alone else self._follow("another leads")
            self._ask_again()
            return []
        fresh = pulse.epoch != self.lease.epoch or not self._holds()
        if pulse.epoch >= self.lease.epoch:
            self.lease.taken(pulse.epoch, sent)
        if not self.lease.held(self._mono()):
            return []  # an answer that was read too late, after a stop
        if fresh:
            others = pulse.members - {self.name, before}
            island = self._lead is not None and not self._lead.epoch
            if not self.alone and (pulse.forgot or island):
                others |= known - {self.name}  # they are back in a moment, too
            return self._took(others)
        if self._lead is None or not self._lead.epoch:
            return []
        decisions: list[Decision] = []
        for member in self._lead.taken.keys() - pulse.members:
            log.warning("member is gone", extra={"member": member})
            decisions += self._hold(self._lead.bury(member))
        strangers = pulse.members - self._lead.taken.keys() - {self.name}
        if strangers:
            self._want(tuple(sorted(strangers)))
        return decisions

    def _holds(self) -> bool:
        """Whether the lease that was just confirmed is the one under which we act."""
        return self._taking is not None or (self._lead is not None and self._lead.epoch == self.lease.epoch)

    def silent(self) -> list[Decision]:
        """Redis did not answer a pulse."""
        self._decides()
        patience = 0.0 if self.alone else ISLAND_S
        if self._lead is None and self._mono() - self._seen >= patience:
            self._taking = None
            return self._be_island()
        return []

    def tick(self) -> list[Decision]:
        """Look whether a takeover has waited long enough."""
        if self._taking is not None and self._mono() >= self._taking.due:
            return self._begin()
        return []

    @property
    def taking_over(self) -> bool:
        """Whether censuses are awaited; then `tick` should be called often."""
        return self._taking is not None

    def leave(self) -> None:
        """Stop in good order: the others need not wait for silence."""
        self.up.append(Bye(member=self.name))
        self.lease.lost()
        if self._lead is not None and self._lead.epoch:
            self._follow("stop")

    def _follow(self, why: str) -> None:
        """Decide no more; what was known goes into the mirror."""
        if self._lead is not None:
            self._mirror.replace(self._lead.view())
            self._queues = self._lead.router.queue_states()
            self._policy_of = self._lead.router
            self._lead = None
        self.down.clear()
        self._expect = None
        self._forget_pending()
        self._store_rest()
        log.info("line is followed", extra={"mode": Mode.FOLLOWER.value, "reason": why})

    def _forget_pending(self) -> None:
        """Rings that nobody has agreed to will not be: those callers wait at their place."""
        calls = [self._mirror.waiting_call(call_id) for call_id in self._pending]
        kept = tuple(replace(call, offered_to=None) for call in calls if call is not None)
        self._mirror.apply(Changes(waiting=kept))
        self._pending.clear()

    def _routed_alone(self) -> bool:
        """Whether this has been an island for a while; one that was only stopped takes itself for one, too,
        in the moment in which it wakes."""
        island = self._lead is not None and not self._lead.epoch
        return island and self._mono() - self._island_since >= REAL_ISLAND_S

    def _be_island(self) -> list[Decision]:
        self._island_since = self._mono()
        self._forget_pending()
        view = self._mirror.view()
        known = view if self.alone else self._rung_by_others(view)
        merged = merge(known, [self._census(0)], self._now(), alone=self.alone)
        log.warning("line is kept from memory", extra={"mode": Mode.ISLAND.value})
        return self._act(0, merged, view)

    def _rung_by_others(self, view: View) -> View:
        """Our agents, and the calls of others that ring for them: their members go on ringing."""
        agents = {one: agent for one, agent in view.agents.items() if one in self._agents}
        calls = {
            one: call
            for one, call in view.waiting.items()
            if one not in self._calls and call.offered_to in agents
        }
        return View(agents, calls)

    def _took(self, others: frozenset[str]) -> list[Decision]:
        """The lease is ours: ask the others what is true before anything is decided."""
        epoch = self._epoch = self.lease.epoch
        if self._lead is not None and self._lead.epoch:
            self._follow("a new lease")
        log.info("lease taken", extra={"epoch": epoch, "members": len(others)})
        if not others and self._lead is not None:  # an island whose line nobody else had a part in
            self._lead.epoch = epoch
            self._unconfirmed.clear()
            self._store_lead(epoch, self._lead.view())
            return []
        self._taking = _Taking(set(others), self._mono() + CENSUS_S)
        if not others:
            return self._begin()
        self._want(())
        return []

    def _begin(self) -> list[Decision]:
        """Lead, with everything that the censuses say."""
        taking, self._taking = self._taking, None
        if not self.lease.held(self._mono()):
            return []
        censuses = list(taking.censuses.values()) if taking is not None else []
        late = len(taking.waits_for - taking.censuses.keys()) if taking is not None else 0
        self._forget_pending()
        epoch, view = self.lease.epoch, self.view()
        merged = merge(view, [self._census(epoch), *censuses], self._now(), alone=self.alone)
        decisions = self._act(epoch, merged, view)
        lead = self._hand_now()
        lead.taken = {census.member: census.seq for census in censuses}
        self._store_lead(epoch, lead.view())
        if lead.taken:
            lead.state()
        log.info("line is led", extra={"mode": Mode.LEADER.value, "epoch": epoch, "late": late})
        return decisions

    def _act(self, epoch: int, merged: Merged, before: View) -> list[Decision]:
        """Decide from now on, with a router for the merged line."""
        router, places = restored(self.policy, merged, self._now())
        self._lead = self._hand(epoch, router, merged)
        self._unconfirmed.clear()
        self._mirror = Mirror(router.policy)
        if epoch:
            self._lead.ask_for_new(before)
        told = self._hold(difference(before, self._lead.view(), self._lead.concerns, self._now()))
        return [*told, *(one for one in places if self._lead.concerns(getattr(one, "call_id", "")))]

    def _hand(self, epoch: int, router: Router, merged: Merged) -> Lead:
        return Lead(
            self.name, epoch, router, merged,
            alone=self.alone, clock=self._now, save=self._save, post=self.down.append,
        )  # fmt: skip

    # ------------------------------------------------------------ what members say

    def take_up(self, message: Up) -> list[Decision]:
        """A word of a member to the leader; nothing happens at one that does not lead."""
        if message.member == self.name:
            return []
        if isinstance(message, Granted):
            return self._granted(message)
        if isinstance(message, Census) and self._taking is not None:
            if message.epoch == self.lease.epoch:
                self._taking.censuses[message.member] = message
            return self._begin() if self._taking.waits_for <= self._taking.censuses.keys() else []
        if not self._decides() or not (lead := self._hand_now()).epoch:
            return []
        match message:
            case Told(member=member, seq=seq, event=event):
                if lead.taken.get(member) == seq - 1:
                    decisions = self._hold(lead.handle(member, event, seq))
                    self._let_go(lead.claimed)
                    if isinstance(event, AgentClaimed) and lead.asks(event.agent_id, member):
                        lead.state()  # it may have been asked for leave before it had the agent
                    return decisions
            case Census(epoch=epoch) if epoch == lead.epoch and message.member not in lead.taken:
                return self._joined(lead, message)
            case Missed(member=member) | Census(member=member) if member in lead.taken:
                lead.state()
            case Bye(member=member) if member in lead.taken:
                return self._hold(lead.bury(member))
        return []

    def _joined(self, lead: Lead, census: Census) -> list[Decision]:
        before = lead.view()
        router, merged = lead.join(census)
        self._lead = self._hand(lead.epoch, router, merged)
        self._lead.continues(lead)
        self._lead.taken[census.member] = census.seq
        self._lead.ask_for_new(before)
        self._store_lead(lead.epoch, self._lead.view())
        self._lead.state()
        log.info("member has joined", extra={"member": census.member})
        return self._hold(difference(before, self._lead.view(), self._lead.concerns, self._now()))

    def _want(self, members: tuple[str, ...]) -> None:
        self.down.append(CensusWanted(leader=self.name, epoch=self.lease.epoch, members=members))

    # ------------------------------------------------------------ what the leader says

    def take_down(self, message: Down) -> list[Decision]:
        """A word of the leader to everybody."""
        if message.leader == self.name:
            return []
        if message.epoch < self._epoch:
            self.refused += 1
            return []
        self._epoch = message.epoch
        match message:
            case CensusWanted(epoch=epoch, members=members):
                if not members or self.name in members:
                    self._taking = None
                    census = replace(self._census(epoch), island=self._routed_alone())
                    self._follow("asked for a census")
                    self.up.append(census)
                return []
            case State() if self.name in message.taken and self._lead is None:
                return self._take_state(message)
            case Step() if self._lead is None:
                return self._take_step(message)
        return []

    def _take_state(self, state: State) -> list[Decision]:
        before = self._mirror.view()
        self._mirror.replace(View.of(state.agents, state.waiting))
        self._confirm(state.taken[self.name])
        self._let_go(one for one, owner in state.owners.items() if owner != self.name)
        self._expect, self._queues = state.seq + 1, state.queues or self._queues
        for call in state.waiting:
            if call.offered_to is not None and state.ask.get(call.call_id) == self.name:
                self._grant(call.call_id, call.offered_to)
        told = difference(before, self._mirror.view(), self._calls.__contains__, self._now())
        return self._hold(told, state.ask)

    def _take_step(self, step: Step) -> list[Decision]:
        if step.seq != self._expect:
            if self._expect is not None and step.seq > self._expect:
                self._expect = None
                self._ask_again()
            return []
        self._expect += 1
        self._mirror.apply(step.changes)
        self._queues = step.queues or self._queues
        if step.member == self.name:
            self._confirm(step.taken)
        else:
            self._let_go(step.claimed)
        for one in step.decisions:
            if isinstance(one, Offer) and step.ask.get(one.call_id) == self.name:
                self._grant(one.call_id, one.agent_id)
        told = [
            one
            for one in step.decisions
            if isinstance(one, AgentChanged) or getattr(one, "call_id", "") in self._calls
        ]
        return self._hold(told, step.ask)

    # ------------------------------------------------------------ an agent's member agrees to every ring

    def _grant(self, call_id: str, agent_id: str) -> None:
        if agent_id in self._agents:
            self.up.append(Granted(member=self.name, call_id=call_id, agent_id=agent_id))

    def _hold(self, decisions: list[Decision], ask: Mapping[str, str] | None = None) -> list[Decision]:
        """Keep back rings that an agent's member has not agreed to yet, and forget withdrawn ones."""
        if ask is None:
            ask = {} if self._lead is None else {one: at for one, (_, at) in self._lead.asked.items()}
        now = []
        for one in decisions:
            pending = self._pending.get(getattr(one, "call_id", None) or "")
            if isinstance(one, OfferWithdrawn) and pending is not None and pending.agent_id == one.agent_id:
                del self._pending[one.call_id]
            elif isinstance(one, Offer) and one.call_id in ask:
                self._pending[one.call_id] = one
            else:
                now.append(one)
        return now

    def _granted(self, granted: Granted) -> list[Decision]:
        if self._lead is not None:
            self._lead.granted(granted.call_id, granted.agent_id)
        offer = self._pending.get(granted.call_id)
        if offer is None or offer.agent_id != granted.agent_id:
            return []
        del self._pending[granted.call_id]
        return [offer]

    def _let_go(self, claimed: Iterable[str]) -> None:
        """These are another member's now; not those that we have claimed since, of which the leader has not
        heard yet."""
        ours = {what for _, told in self._unconfirmed if (what := claim_of(told.event))}
        for one in claimed:
            if one not in ours:
                self._agents.pop(one, None)
                self._calls.pop(one, None)

    def _confirm(self, seq: int) -> None:
        self._mirror.confirmed(seq)
        self._unconfirmed = [one for one in self._unconfirmed if one[1].seq > seq]

    def _ask_again(self) -> None:
        """Ask for what was missed, and say again what nobody has confirmed."""
        now = self._mono()
        if self._lead is not None or self._taking is not None or not self._leader:
            return
        if self._expect is None and now - self._asked >= RESEND_S:
            self._asked = now
            self.up.append(Missed(member=self.name))
        if self._unconfirmed and now - self._unconfirmed[0][0] >= RESEND_S:
            self._unconfirmed = [(now, told) for _, told in self._unconfirmed]
            self.up.extend(told for _, told in self._unconfirmed)

    def _census(self, epoch: int) -> Census:
        """What is true here now."""
        view = self.view()
        talks = view.talks()
        mine = [agent for one, agent in view.agents.items() if one in self._agents]
        guests = [
            agent
            for one, agent in view.agents.items()
            if one not in self._agents and (agent.call_id in self._calls or self._mirror.foreseen(one))
        ]
        return Census(
            member=self.name,
            epoch=epoch,
            seq=self._seq,
            agents=tuple(mine),
            waiting=tuple(call for one, call in view.waiting.items() if one in self._calls),
            talks=tuple(
                Talk(call_id=call_id, agent_id=agent_id, since=view.agents[agent_id].since)
                for call_id, agent_id in talks.items()
                if call_id in self._calls
            ),
            guests=tuple(guests),
            claims={**self._agents, **self._calls},
        )
