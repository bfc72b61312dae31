"""The line in one hand: a router, whose calls and agents are whose, and what the others are told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from acd.cluster_foresight import BUSY
from acd.cluster_merge import Merged, merge
from acd.cluster_messages import AgentClaimed, Census, Down, State, Step
from acd.cluster_mirror import View
from acd.errors import RouterError
from acd.messages import (
    AgentBecameNotReady,
    AgentRecord,
    AgentSignedIn,
    AgentSkillsChanged,
    AgentState,
    CallbackReached,
    CallLeft,
    CallQueued,
    Changes,
    Decision,
    Event,
    NotReadyReason,
    Offer,
    OfferWithdrawn,
    PlaceChanged,
    QueueState,
    TalkRestored,
    Tick,
)
from acd.policy import Policy
from acd.router import Router

log = logging.getLogger(__name__)

ORPHAN_S = 20.0
"""Who comes back to another server within this time is ready again if they were ready before."""
QUEUES_S = 0.9
"""The wallboard's figures are told this often at most."""

GRANT_S = 0.4
"""A member that does not agree to a ring in this time is asked no more: the call goes to somebody else."""

AWAY = frozenset({NotReadyReason.LOST, NotReadyReason.PHONE_LOST})
"""Reasons of the system's, for which nobody asked."""


class Lead:
    """Decides for the whole line (or, on an island, for one member's part of it)."""

    def __init__(
        self,
        name: str,
        epoch: int,
        router: Router,
        merged: Merged,
        *,
        alone: bool,
        clock: Callable[[], float],
        save: Callable[[Changes], None],
        post: Callable[[Down], None],
    ) -> None:
        """`save` keeps changes in the store, `post` tells the others."""
        self.router = router
        self.epoch = epoch
        self.taken: dict[str, int] = {}  # joined member -> its last event that was handled
        self.claimed: list[str] = []  # agents and calls that the last event made its member's
        self.asked: dict[str, tuple[str, str]] = {}  # offered call -> agent, member that has to grant them
        self._name = name
        self._alone = alone
        self._now = clock
        self._save = save
        self._post = post
        self._seq = 0
        self._queues: tuple[QueueState, ...] = ()
        self._queues_told = 0.0
        self._asked_at: dict[str, float] = {}  # offered call -> since when its agent's member is asked
        self._began = clock()
        self._unheard: dict[str, float] = {}  # buried member -> since when
        self._agent_owner = merged.agent_owner
        self._call_owner = merged.call_owner
        self._claims = merged.claims
        ready_until = clock() + ORPHAN_S
        self._orphans = {one: (agent, ready_until) for one, agent in merged.orphans.items()}

    # ------------------------------------------------------------ whose is what

    def concerns(self, call_id: str) -> bool:
        """Whether the leader's own hands ring for this call: it is theirs, or nobody's."""
        return self._call_owner.get(call_id, self._name) == self._name

    def agent_owner(self, agent_id: str) -> str | None:
        """The member that has the agent's page, or None."""
        return self._agent_owner.get(agent_id)

    def nobodys(self, call_id: str) -> bool:
        """Whether the call's member is gone."""
        return call_id not in self._call_owner

    def view(self) -> View:
        """Everything as it is now."""
        return View.of(*self.router.snapshot())

    # ------------------------------------------------------------ events

    def handle(self, member: str, event: Event | AgentClaimed, seq: int = 0) -> list[Decision]:
        """Take one event of a member; returns what the leader's own hands carry out."""
        self.claimed = []
        decisions = self._run(self._admitted(member, event), event, member, seq)
        if isinstance(event, Tick):
            for call_id in [one for one, at in self._asked_at.items() if self._now() - at > GRANT_S]:
                decisions += self._run(self._again(call_id), Tick(), self._name, 0)
        return decisions

    def _run(self, events: list[Event], cause: Event | AgentClaimed, member: str, seq: int) -> list[Decision]:
        decisions: list[Decision] = []
        for one in events:
            self._route(one, decisions)
        changes = self.router.take_changes()
        if changes:
            self._save(changes)
        self._tidy(cause, changes)
        if seq:
            self.taken[member] = seq
        for offer in decisions:
            if isinstance(offer, Offer):
                self._ask(offer.call_id, offer.agent_id)
        self._tell_step(member, seq, changes, decisions, tick=isinstance(cause, Tick))
        return [one for one in decisions if self._ours(one)]

    # ------------------------------------------------------------ grants

    def _ask(self, call_id: str, agent_id: str) -> None:
        """Note whose leave is needed before this agent is rung: their own member's, unless it is the one
        that rings, or this one."""
        owner = self._agent_owner.get(agent_id)
        self._unask(call_id)
        if owner not in (None, self._name, self._call_owner.get(call_id, self._name)):
            self.asked[call_id] = (agent_id, owner or "")
            self._asked_at[call_id] = self._now()

    def ask_for_new(self, before: View) -> None:
        """The same for every ring that was not there `before`."""
        for call_id, call in self.view().waiting.items():
            was = before.waiting.get(call_id)
            if call.offered_to is not None and (was is None or was.offered_to != call.offered_to):
                self._ask(call_id, call.offered_to)

    def asks(self, agent_id: str, member: str) -> bool:
        """Whether this member's leave is awaited for a ring at the agent."""
        return (agent_id, member) in self.asked.values()

    def granted(self, call_id: str, agent_id: str) -> None:
        """The agent's member has agreed."""
        if self.asked.get(call_id, ("", ""))[0] == agent_id:
            self._unask(call_id)

    def _unask(self, call_id: str) -> None:
        self.asked.pop(call_id, None)
        self._asked_at.pop(call_id, None)

    def _again(self, call_id: str) -> list[Event]:
        """Offer this call to somebody else: who was chosen cannot be asked."""
        self._unask(call_id)
        call = self.router.waiting(call_id)
        if call is None or call.offered_to is None:
            return []
        queue = next((one for one in self.router.policy.queues if one.name == call.queue), None)
        return [
            CallLeft(call_id=call_id),
            CallQueued(
                call_id=call_id, queue=call.queue, needs=call.needs, also=call.also, media=call.media,
                priority=call.priority - (queue.priority if queue else 0), urgent=call.urgent,
                since=call.since, avoid=call.avoid | {call.offered_to}, prefer=call.prefer,
                callback=call.callback, reason=call.reason,
            ),
        ]  # fmt: skip

    def _ours(self, decision: Decision) -> bool:
        call_id = getattr(decision, "call_id", None)
        return hasattr(decision, "state") or call_id is None or self.concerns(call_id)

    def _route(self, event: Event, decisions: list[Decision]) -> None:
        try:
            found = self.router.handle(event, self._now())
        except RouterError as error:
            log.error(
                "router refused an event", extra={"event_kind": type(event).__name__, "reason": str(error)}
            )
            return
        decisions += found
        for one in found:  # the ring of a dead member's call is over: its caller comes back as a new event
            if isinstance(one, OfferWithdrawn) and not self._alone and one.call_id not in self._call_owner:
                waiting = self.router.waiting(one.call_id)
                if waiting is not None and not waiting.callback:
                    self._route(CallLeft(call_id=one.call_id), decisions)

    def _admitted(self, member: str, event: Event | AgentClaimed) -> list[Event]:
        """What the router is told, in view of whose the agent or the call is."""
        match event:
            case AgentClaimed(agent_id=agent_id):
                self._own(self._agent_owner, agent_id, member)
                asked = [one for one, (agent, at) in self.asked.items() if agent == agent_id and at != member]
                return [*self._back(agent_id), *(event for one in asked for event in self._again(one))]
            case AgentSignedIn(agent_id=agent_id):
                self._own(self._agent_owner, agent_id, member)
                return self._signed_in(event)
            case AgentBecameNotReady(agent_id=agent_id, reason=reason) if reason in AWAY:
                return [event] if self._agent_owner.get(agent_id, member) == member else []
            case CallQueued(call_id=call_id):
                owner = self._call_owner.get(call_id, member)
                moved = owner != member
                if moved and owner == self._name and self.router.waiting(call_id) is not None:
                    # our own words take no way over Redis: a server's older ones may come after them. Had the
                    # caller left us for that server, it makes sure within seconds that it is in line
                    return []
                self._own(self._call_owner, call_id, member)
                if moved and self.router.waiting(call_id) is not None:
                    return [CallLeft(call_id=call_id), event]
            case TalkRestored(call_id=call_id) | CallbackReached(new_call_id=call_id):
                self._own(self._call_owner, call_id, member)
            case CallLeft(call_id=call_id):
                return [event] if self._call_owner.get(call_id, member) == member else []
        return [event]

    def _own(self, owners: dict[str, str], what: str, member: str) -> None:
        if owners.get(what) != member:
            owners[what], self._claims[what] = member, self._now()
            self.claimed.append(what)

    def _signed_in(self, event: AgentSignedIn) -> list[Event]:
        agent = self.router.agent(event.agent_id)
        if self._name == "" or agent is None or _away(agent):
            orphan = self._orphan(event.agent_id)
            return [replace(event, auto_ready=event.auto_ready or _wanted_calls(orphan))]
        seat = (event.skills, event.team, event.place, event.texts)
        if (agent.skills, agent.team, agent.place, agent.texts) == seat:
            return []
        return [
            AgentSkillsChanged(
                agent_id=event.agent_id, skills=event.skills, team=event.team, place=event.place,
                texts=event.texts,
            )
        ]  # fmt: skip

    def _back(self, agent_id: str) -> list[Event]:
        """A page of an agent whose member is gone: everything is again as they left it."""
        orphan, agent = self._orphan(agent_id), self.router.agent(agent_id)
        if agent is None or not _away(agent) or orphan is None:
            return []
        return [
            AgentSignedIn(
                agent_id=agent_id, skills=agent.skills, team=agent.team, place=agent.place,
                texts=agent.texts, auto_ready=_wanted_calls(orphan),
            )
        ]  # fmt: skip

    def _orphan(self, agent_id: str) -> AgentRecord | None:
        record, until = self._orphans.pop(agent_id, (None, 0.0))
        return record if self._now() <= until else None

    def _tidy(self, event: Event | AgentClaimed, changes: Changes) -> None:
        """Forget whose those were that are no more."""
        told = getattr(event, "call_id", None)
        for call_id in (*changes.gone_calls, *([told] if told else [])):
            if self.router.waiting(call_id) is None and self.router.talking_with(call_id) is None:
                self._call_owner.pop(call_id, None)
                self._claims.pop(call_id, None)
        for agent_id in changes.gone_agents:
            self._agent_owner.pop(agent_id, None)
            self._claims.pop(agent_id, None)

    # ------------------------------------------------------------ members

    def bury(self, member: str) -> list[Decision]:
        """The member is dead or out of reach: its callers come back through the dialplan, its agents by
        their pages; what rings or talks goes on in Asterisk."""
        self.taken.pop(member, None)
        self._unheard[member] = self._now()
        decisions: list[Decision] = []
        unheard = [one for one, (_, at) in self.asked.items() if at == member]
        until = self._now() + ORPHAN_S
        for agent_id in [one for one, owner in self._agent_owner.items() if owner == member]:
            del self._agent_owner[agent_id]
            agent = self.router.agent(agent_id)
            if agent is not None and agent.state is not AgentState.NOT_READY:
                self._orphans[agent_id] = (agent, until)
                decisions += self.handle(
                    self._name, AgentBecameNotReady(agent_id=agent_id, reason=NotReadyReason.LOST)
                )
        for call_id in [one for one, owner in self._call_owner.items() if owner == member]:
            del self._call_owner[call_id]
            call = self.router.waiting(call_id)
            if call is not None and call.offered_to is None and not call.callback:
                decisions += self.handle(self._name, CallLeft(call_id=call_id))
        for call_id in unheard:
            decisions += self._run(self._again(call_id), Tick(), self._name, 0)
        return decisions

    def join(self, census: Census) -> tuple[Router, Merged]:
        """The line with a member that has come (back): a router and what it stands for."""
        heard = self._unheard.pop(census.member, self._began)
        merged = merge(self.view(), [census], self._now(), keep=self._merged(), heard=heard)
        for agent in census.agents:
            merged.orphans.pop(agent.agent_id, None)
        return restored(self.router.policy, merged, self._now())[0], merged

    def under(self, policy: Policy) -> tuple[Router, Merged]:
        """The same line under another policy. Raises RouterError when it cannot be."""
        router, _ = self.router.under(policy, self._now())
        router.take_changes()
        return router, self._merged()

    def _merged(self) -> Merged:
        view = self.view()
        return Merged(
            agents=dict(view.agents),
            waiting=dict(view.waiting),
            agent_owner=dict(self._agent_owner),
            call_owner=dict(self._call_owner),
            claims=dict(self._claims),
            orphans={one: agent for one, (agent, _) in self._orphans.items()},
        )

    # ------------------------------------------------------------ what the others are told

    def state(self) -> None:
        """Tell everybody the whole line."""
        agents, waiting = self.router.snapshot()
        self._queues = self.router.queue_states()
        self._seq += 1
        self._post(
            State(
                leader=self._name, epoch=self.epoch, seq=self._seq, agents=agents, waiting=waiting,
                queues=self._queues, taken=dict(self.taken), owners=self._agent_owner | self._call_owner,
                ask=self._open_questions(),
            )
        )  # fmt: skip

    def continues(self, before: Lead) -> None:
        """Go on counting where another hand of the same epoch stopped."""
        self._seq, self.taken, self.asked = before._seq, before.taken, before.asked
        self._began, self._unheard, self._asked_at = before._began, before._unheard, before._asked_at

    def _open_questions(self) -> dict[str, str]:
        """Offered call -> member that has to agree; forgets those that are not offered (so) any more."""
        for call_id, (agent_id, _) in tuple(self.asked.items()):
            call = self.router.waiting(call_id)
            if call is None or call.offered_to != agent_id:
                self._unask(call_id)
        return {call_id: member for call_id, (_, member) in self.asked.items()}

    def _tell_step(
        self, member: str, seq: int, changes: Changes, decisions: list[Decision], *, tick: bool
    ) -> None:
        if not self.taken:
            return
        queues: tuple[QueueState, ...] = ()
        if tick and self._now() - self._queues_told >= QUEUES_S:
            self._queues_told = self._now()
            queues = self.router.queue_states()
            queues, self._queues = (() if queues == self._queues else queues), queues
        if not (seq or changes or decisions or queues or self.claimed):
            return
        self._seq += 1
        asked = self._open_questions()
        offered = [one.call_id for one in decisions if isinstance(one, Offer)]
        self._post(
            Step(
                leader=self._name, epoch=self.epoch, seq=self._seq, member=member, taken=seq,
                claimed=tuple(self.claimed), changes=changes,
                decisions=tuple(decisions), queues=queues,
                ask={call_id: asked[call_id] for call_id in offered if call_id in asked},
            )
        )  # fmt: skip


def restored(policy: Policy, merged: Merged, now: float) -> tuple[Router, list[Decision]]:
    """A router for the merged line, and the places that it told."""
    fresh = Router(policy)
    try:
        told = fresh.restore(merged.agents.values(), merged.waiting.values(), now)
    except RouterError as error:  # lines and pages tell everything again within seconds
        log.error("line could not be taken over, it begins empty", extra={"reason": str(error)})
        return Router(policy), []
    fresh.take_changes()  # the whole is stored
    return fresh, [one for one in told if isinstance(one, PlaceChanged)]


def _away(agent: AgentRecord) -> bool:
    """Whether the agent is away, or will be after the present call."""
    busy = agent.state in BUSY
    if busy and agent.after is AgentState.OFFLINE:
        return True
    return (agent.after_reason if busy else agent.reason) in AWAY


def _wanted_calls(orphan: AgentRecord | None) -> bool:
    if orphan is None:
        return False
    return orphan.after is AgentState.READY if orphan.state in BUSY else orphan.state is AgentState.READY
