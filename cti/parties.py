"""Who is in a call beside citizen and agent, and where a call was sent. Pure data, kept with the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cti.messages import PartyState, TargetKind

__all__ = ["SUPERVISOR", "Party", "SentTo"]

SUPERVISOR = "supervisor-"
"""Names of supervisors who are in a call begin so, also those that Asterisk's channels carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody who was asked into the call: a colleague, a unit, a service, any number."""

    party_id: str  # unique; also begins the unique ids of the channels that ring for them
    kind: TargetKind  # what they are
    title: str  # Chinese name, or the number
    number: str = ""  # digits dialled; "" with a colleague
    agent_id: str = ""  # login; "" with everybody but a colleague
    state: PartyState  # what they do
    since: float  # epoch seconds: when that began
    channel: str = ""  # their channel, once they have answered
    uniqueid: str = ""  # its unique id
    asked: bool = (
        False  # rung beside the talk (AddParty); False: rung by the agent's or the citizen's channel
    )

    @property
    def supervises(self) -> bool:
        """Whether this is a supervisor who came in by themselves: no consultation of the router's."""
        return self.party_id.startswith(SUPERVISOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTo:
    """Where a call goes that is in line again after a talk, until somebody answers."""

    queue: str  # skill queue, "" for the one that the flow asks for
    needs: Mapping[str, int] = field(default_factory=dict)  # with queue: skill -> minimum level
    reason: str  # "transfer" or "returned"
    avoid: tuple[str, ...] = ()  # who sent it
    prefer: tuple[str, ...] = ()  # whom it was sent to
