"""One line out of what several members say of it, and what is different between two views of it.

Members are the truth: each knows its calls and its agents. Where they disagree about an agent who has a call,
the call's member is believed, because it is the one that rings and hears the answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from acd.cluster_foresight import BUSY, free, stopped, talking
from acd.cluster_messages import Census, Talk
from acd.cluster_mirror import View, talks_of
from acd.messages import (
    AgentChanged,
    AgentRecord,
    AgentState,
    Decision,
    Media,
    NotReadyReason,
    Offer,
    OfferWithdrawn,
    WaitingRecord,
)

S = AgentState
RING_S = 8.0
"""A ring of which only the call's member knows, and not its limit, may last so much longer."""


@dataclass(slots=True)
class Merged:
    """A line that is fit for `Router.restore`."""

    agents: dict[str, AgentRecord] = field(default_factory=dict)
    waiting: dict[str, WaitingRecord] = field(default_factory=dict)
    agent_owner: dict[str, str] = field(
        default_factory=dict
    )  # agent -> member; those of no member are left out
    call_owner: dict[str, str] = field(default_factory=dict)  # call -> member, talks included
    claims: dict[str, float] = field(default_factory=dict)  # agent or call -> its member's since when
    orphans: dict[str, AgentRecord] = field(default_factory=dict)  # agent -> as they were, of no member


def merge(
    known: View,
    censuses: Iterable[Census],
    now: float,
    *,
    keep: Merged | None = None,
    heard: float = math.inf,
    alone: bool = False,
) -> Merged:
    """Put one line together.

    Args:
        known: the line as seen last, in which those of dead members are, too.
        censuses: what living members say.
        now: epoch seconds.
        keep: a running line that the censuses join: its owners stand unless a census has claimed later.
        heard: when those who join were heard last. One that was stopped reads old news when it wakes and
            takes them for new: what the line has seen of an agent since then stands.
        alone: no other server exists; agents of before may be offered calls and calls of before wait on.
    """
    merged = keep or Merged()
    talks: list[Talk] = []
    guests: list[AgentRecord] = []
    stands: set[str] = set()
    for census in sorted(censuses, key=lambda one: one.member):
        stands |= _standing(known, census, heard)
        _take(merged, census, known.agents, stands)
        talks += [one for one in census.talks if merged.call_owner.get(one.call_id) == census.member]
        guests += census.guests
    for agent_id, agent in known.agents.items():
        if agent_id not in merged.agents and agent.state is not S.OFFLINE:
            merged.agents[agent_id] = agent if alone else held(agent, now)
            merged.orphans[agent_id] = agent
    for guest in guests:
        if guest.agent_id not in stands:
            _believe(merged, guest, now)
    for call_id, call in known.waiting.items():
        if call_id not in merged.call_owner and (alone or call.callback or _rings(known, call, now)):
            merged.waiting.setdefault(call_id, call)
    for talk in talks:
        _connect(merged, talk, now, stands)
    for agent in tuple(merged.agents.values()):
        _end_waiting(merged, agent, now, stands)
    for call in tuple(merged.waiting.values()):
        _fit_offer(merged, call, now)
    return merged


def held(agent: AgentRecord, now: float) -> AgentRecord:
    """An agent whose member is gone: offered nothing until a page of theirs is back, a talk goes on."""
    if agent.state in BUSY:
        if agent.after is S.OFFLINE:
            return agent
        return replace(agent, after=S.NOT_READY, after_reason=NotReadyReason.LOST)
    if agent.state is S.NOT_READY:
        return agent
    return stopped(agent, NotReadyReason.LOST, now)


def _standing(known: View, census: Census, heard: float) -> set[str]:
    """Agents of whom the line has seen something since this member was heard; to be lost is nothing that they
    did. An island has gone on by itself: of what both have seen, the newer is true."""
    since = {agent.agent_id: agent.since for agent in census.agents} if census.island else {}
    return {
        one
        for one, agent in known.agents.items()
        if agent.since > since.get(one, heard) and agent.reason is not NotReadyReason.LOST
    }


def _take(
    merged: Merged, census: Census, running: Mapping[str, AgentRecord], stands: AbstractSet[str]
) -> None:
    """What the census names belongs to its member, unless another one has claimed it later."""
    for agent in census.agents:
        if _claims(merged, merged.agent_owner, agent.agent_id, census):
            seen = running.get(agent.agent_id)
            stays = seen is not None and agent.agent_id in stands
            merged.agents[agent.agent_id] = _again_here(seen, agent) if seen and stays else agent
    for call in census.waiting:
        if _claims(merged, merged.call_owner, call.call_id, census):
            merged.waiting[call.call_id] = call
    for talk in census.talks:
        _claims(merged, merged.call_owner, talk.call_id, census)


def _again_here(seen: AgentRecord, agent: AgentRecord) -> AgentRecord:
    """What the line has seen of an agent whose page is here after all: what follows is theirs again."""
    if seen.after_reason is not NotReadyReason.LOST:
        return seen
    return replace(seen, after=agent.after, after_reason=agent.after_reason)


def _claims(merged: Merged, owners: dict[str, str], what: str, census: Census) -> bool:
    claimed = census.claims.get(what, 0.0)
    owner = owners.get(what)
    if owner not in (None, census.member) and merged.claims.get(what, 0.0) > claimed:
        return False
    owners[what], merged.claims[what] = census.member, claimed
    return True


def _believe(merged: Merged, guest: AgentRecord, now: float) -> None:
    """An agent as the member of their call sees them."""
    own = merged.agents.get(guest.agent_id)
    if own is None:
        merged.agents[guest.agent_id] = held(guest, now)
        merged.orphans[guest.agent_id] = guest
    elif (own.call_id is not None and own.call_id == guest.call_id) or (
        own.state is S.READY and guest.state in (S.RINGING, S.TALKING)
    ):
        merged.agents[guest.agent_id] = replace(
            guest,
            skills=own.skills, team=own.team, place=own.place, texts=own.texts,
            after=own.after, after_reason=own.after_reason,
        )  # fmt: skip


def _rings(known: View, call: WaitingRecord, now: float) -> bool:
    """Whether a call of a dead member still rings: Asterisk goes on dialling by itself."""
    agent = known.agents.get(call.offered_to or "")
    if agent is None or agent.state is not S.RINGING or agent.call_id != call.call_id:
        return False
    return agent.until is not None and now < agent.until


def _connect(merged: Merged, talk: Talk, now: float, stands: AbstractSet[str]) -> None:
    """A member has this talk; who has done something else since it was heard is in it no more."""
    agent = merged.agents.get(talk.agent_id)
    if agent is None or talk.call_id in talks_of(agent):
        merged.waiting.pop(talk.call_id, None)
    elif talk.agent_id not in stands:
        merged.waiting.pop(talk.call_id, None)
        merged.agents[talk.agent_id] = replace(talking(agent, talk.call_id, now), since=talk.since)
    elif talk.call_id not in merged.waiting:
        merged.call_owner.pop(talk.call_id, None)
        merged.claims.pop(talk.call_id, None)


def _end_waiting(merged: Merged, agent: AgentRecord, now: float, stands: AbstractSet[str]) -> None:
    """Nobody waits and talks: what was seen last is true."""
    for call_id in talks_of(agent):
        if call_id not in merged.waiting:
            continue
        seen = agent.agent_id in stands or call_id in agent.texting
        if seen or merged.claims.get(call_id, 0.0) <= agent.since:
            del merged.waiting[call_id]
        elif (after := free(agent, now)) is not None:  # the citizen was put in line again after that talk
            merged.agents[agent.agent_id] = after
        else:
            del merged.agents[agent.agent_id]


def _fit_offer(merged: Merged, call: WaitingRecord, now: float) -> None:
    """A ring stands when the agent has nothing else; otherwise the call waits at its place."""
    if call.offered_to is None:
        return
    agent = merged.agents.get(call.offered_to)
    if agent is not None and call.call_id in agent.texting:
        return
    if agent is not None and agent.call_id == call.call_id and agent.state in (S.RINGING, S.RESERVED):
        return
    if agent is not None and agent.state is S.READY and call.media is not Media.TEXT:
        merged.agents[agent.agent_id] = replace(
            agent, state=S.RESERVED if call.callback else S.RINGING, since=now, until=now + RING_S,
            call_id=call.call_id, queue=call.queue,
        )  # fmt: skip
        return
    merged.waiting[call.call_id] = replace(call, offered_to=None)


# ---------------------------------------------------------------- from one view to the next


def difference(old: View, new: View, concerns: Callable[[str], bool], now: float) -> list[Decision]:
    """What has to be carried out so that telephones and pages are as `new` says.

    `concerns(call)`: only rings of these calls; agents are told whole.
    """
    talks = new.talks()
    told: list[Decision] = []
    for call_id, call in old.waiting.items():
        agent_id, after = call.offered_to, new.waiting.get(call_id)
        if agent_id is None or not concerns(call_id) or talks.get(call_id) == agent_id:
            continue
        if after is None or after.offered_to != agent_id:
            told.append(OfferWithdrawn(call_id=call_id, agent_id=agent_id, reason="caller_gone"))
    for agent_id, agent in new.agents.items():
        before = old.agents.get(agent_id)
        if before is None or _shown(before) != _shown(agent):
            told.append(changed(agent))
    gone = old.agents.keys() - new.agents.keys()
    told += [AgentChanged(agent_id=agent_id, state=S.OFFLINE, since=now) for agent_id in sorted(gone)]
    for call_id, call in new.waiting.items():
        before_call = old.waiting.get(call_id)
        fresh = before_call is None or before_call.offered_to != call.offered_to
        if call.offered_to is not None and fresh and concerns(call_id):
            told.append(_offer(call, new.agents, now))
    return told


def changed(agent: AgentRecord) -> AgentChanged:
    """The agent's state as a decision."""
    return AgentChanged(
        agent_id=agent.agent_id,
        state=agent.state,
        reason=agent.reason,
        call_id=agent.call_id,
        since=agent.since,
        until=agent.until,
    )


def _shown(agent: AgentRecord) -> tuple[object, ...]:
    return (agent.state, agent.reason, agent.call_id, agent.since, agent.until, agent.after)


def _offer(call: WaitingRecord, agents: Mapping[str, AgentRecord], now: float) -> Offer:
    agent_id = call.offered_to or ""
    agent = agents.get(agent_id)
    until = call.ring_until or (agent.until if agent is not None else None) or now + RING_S
    return Offer(
        call_id=call.call_id, agent_id=agent_id, ring_until=until, callback=call.callback, step=call.step
    )
