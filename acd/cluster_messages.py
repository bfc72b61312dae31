"""What the members of one common line say to each other.

A member is one running server. One of them leads; all others send it the events of their calls and agents,
and it tells everybody what it decided. What the leader says carries its epoch, which grows with every change
of leader; whoever has heard a newer epoch refuses an older one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.messages import (
    AgentRecord,
    Changes,
    Decision,
    Event,
    QueueState,
    WaitingRecord,
)

# ---------------------------------------------------------------- member -> leader


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentClaimed:
    """The agent's page is at this member now; what they do stays as it is."""

    agent_id: str  # who


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event; sent again until the leader has confirmed it, taken once."""

    member: str  # whose call or agent it is about
    seq: int  # counts the member's events from 1, without gaps
    event: Event | AgentClaimed  # what happened


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """Citizen and agent are connected."""

    call_id: str  # which call
    agent_id: str  # with whom
    since: float  # epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Everything that is true at a member now, its unconfirmed events included; answers `CensusWanted`."""

    member: str  # who answers
    epoch: int  # of the leader that asked
    seq: int  # the member's last event; that and all before are in here
    agents: tuple[AgentRecord, ...] = ()  # whose pages are here
    waiting: tuple[WaitingRecord, ...] = ()  # calls in line or ringing whose lines are here
    talks: tuple[Talk, ...] = ()  # of calls that are here
    guests: tuple[AgentRecord, ...] = ()  # agents of others with a call of this one, or an event told here
    claims: Mapping[str, float] = field(default_factory=dict)  # agent or call -> here since (epoch seconds)
    island: bool = False  # its word is its own: it has just routed its part of the line by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The agent's own member agrees that they are rung for another member's call; nobody rings before."""

    member: str  # that has the agent
    call_id: str  # for which call
    agent_id: str  # who


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """The member has missed something that the leader said; answered with a `State`."""

    member: str  # who asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Bye:
    """The member stops in good order."""

    member: str  # who leaves


# ---------------------------------------------------------------- leader -> everybody


@dataclass(frozen=True, slots=True, kw_only=True)
class CensusWanted:
    """A new leader asks for the truth, or asks a member that has come (back)."""

    leader: str  # who asks
    epoch: int  # its epoch
    members: tuple[str, ...] = ()  # who shall answer; empty: everybody


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The whole line as it is now; replaces what a member knew."""

    leader: str  # who decides
    epoch: int  # its epoch
    seq: int  # counts what this leader says, from 1, without gaps
    agents: tuple[AgentRecord, ...]  # all agents
    waiting: tuple[WaitingRecord, ...]  # all calls in line or ringing
    queues: tuple[QueueState, ...]  # for the wallboard
    taken: Mapping[str, int]  # member -> its last event that is in here; who is not named has not joined
    owners: Mapping[str, str]  # agent or call -> member
    ask: Mapping[str, str] = field(default_factory=dict)  # offered call -> member that has to grant the agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One event was handled."""

    leader: str  # who decided
    epoch: int  # its epoch
    seq: int  # as in `State`
    member: str = ""  # whose event
    taken: int = 0  # that event's number; 0 for the leader's own
    claimed: tuple[str, ...] = ()  # agents and calls that are that member's from now on
    changes: Changes = field(default_factory=Changes)  # what became different
    decisions: tuple[Decision, ...] = ()  # each is carried out by the member that it concerns
    ask: Mapping[str, str] = field(default_factory=dict)  # as in `State`, for offers among the decisions
    queues: tuple[QueueState, ...] = ()  # for the wallboard, now and then


Up = Told | Census | Granted | Missed | Bye
Down = CensusWanted | State | Step
