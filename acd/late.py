"""Events that come too late because the world outside moved at the same moment, and why each is no mistake.

Telephone side, router and desk each have their own clock and queue; where two of them act at once, one is
late. What is not in these tables raises.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from acd.messages import (
    AgentBecameReady,
    AgentState,
    CallbackFailed,
    CallbackReached,
    CallEnded,
    CallLeft,
    ConsultAnswered,
    ConsultEnded,
    Event,
    OfferAnswered,
    OfferMissed,
    WrapUpExtended,
    WrapUpFinished,
)
from acd.moves import READY, RESERVED, RINGING, TALKING

CALLER_GONE, RING_LIMIT, AGENT_LEFT = "caller_gone", "ring_limit", "agent_left"
MISSED, ENDED, LEFT = "missed", "ended", "left"

LATE_ON_CALL: Mapping[tuple[type[Event], str], str] = {
    (OfferAnswered, CALLER_GONE): "the citizen hung up while the agent picked up: stop that phone again",
    (OfferAnswered, RING_LIMIT): "the agent picked up as the ring limit passed: stop that phone again",
    (OfferAnswered, AGENT_LEFT): "the agent signed out in one page and picked up in another",
    (OfferAnswered, MISSED): "picked up as the telephone side reported the ring as missed",
    (OfferMissed, CALLER_GONE): "the ring ended because the citizen hung up",
    (OfferMissed, RING_LIMIT): "the telephone side's own limit passed just after the router's",
    (OfferMissed, AGENT_LEFT): "the ring ended because the router withdrew it",
    (OfferMissed, MISSED): "refusal and end of the ring are reported one after the other",
    (CallbackReached, CALLER_GONE): "the call-back was given up as the citizen answered: hang up again",
    (CallbackFailed, CALLER_GONE): "the call-back was given up while the citizen was dialled",
    (CallbackFailed, RING_LIMIT): "the dialling took as long as the reservation",
    (CallbackFailed, AGENT_LEFT): "the dialling ended because the reserved agent left",
    (CallbackFailed, MISSED): "the dialling ended because the reserved agent refused",
    (ConsultAnswered, RING_LIMIT): "the colleague picked up as the ring limit passed: stop that phone again",
    (ConsultAnswered, AGENT_LEFT): "the colleague signed out in one page and picked up in another",
    (ConsultAnswered, ENDED): "the colleague picked up as the consultation was called off",
    (ConsultAnswered, MISSED): "picked up as the telephone side reported the ring as missed",
    (ConsultEnded, RING_LIMIT): "the telephone side's own limit passed just after the router's",
    (ConsultEnded, AGENT_LEFT): "the ring ended because the router withdrew it",
    (ConsultEnded, MISSED): "refusal and end of the ring are reported one after the other",
    (ConsultEnded, ENDED): "both legs report their end",
    (CallEnded, ENDED): "both legs report their end",
    (CallLeft, LEFT): "the channel's end and the flow's end are both reported",
    (CallLeft, ENDED): "the citizen's channel ends after the talk was reported as over",
}
"""(event, how that offer, talk or call ended before) -> why it is no mistake.

A late `OfferAnswered`, `ConsultAnswered` or `CallbackReached` is answered with `OfferWithdrawn`, the others
with nothing. Where citizen and agent are in fact connected, the telephone side says `TalkRestored`, which
always holds.
"""

LATE_BY_AGENT: Mapping[tuple[type[Event], AgentState], str] = {
    (AgentBecameReady, READY): "pressed twice, or pressed as the wrap-up ended",
    (WrapUpFinished, READY): "submitted as the wrap-up ended",
    (WrapUpFinished, RINGING): "submitted as the wrap-up ended and the next call came",
    (WrapUpFinished, RESERVED): "submitted as the wrap-up ended and a call-back came",
    (WrapUpFinished, TALKING): "submitted during the talk, or as the next call was answered",
    (WrapUpFinished, AgentState.NOT_READY): "submitted as the wrap-up ended before a break",
    (WrapUpExtended, READY): "asked for as the wrap-up ended",
    (WrapUpExtended, RINGING): "asked for as the wrap-up ended and the next call came",
    (WrapUpExtended, RESERVED): "asked for as the wrap-up ended and a call-back came",
    (WrapUpExtended, TALKING): "asked for as the next call was answered",
    (WrapUpExtended, AgentState.NOT_READY): "asked for as the wrap-up ended before a break",
}
"""(event, agent's state) -> why it is no mistake. Answered with the agent's state as it is."""

REMEMBERED = 8192
"""As many endings are remembered; far more than can be on their way at once."""


class Endings:
    """How the last offers, talks and calls ended, so that late events can be told from wrong ones."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str], str] = OrderedDict()

    def note(self, call_id: str, agent_id: str, how: str) -> None:
        """An offer to or a talk with this agent ended; agent "" for the call as a whole."""
        self._last[call_id, agent_id] = how
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)

    def forget(self, call_id: str, agent_id: str) -> None:
        """The pair is together again: earlier endings say nothing any more."""
        self._last.pop((call_id, agent_id), None)

    def take_over(self, other: Endings) -> None:
        """Begin with what another one remembers."""
        self._last.update(other._last)

    def of(self, call_id: str, agent_id: str = "") -> str | None:
        """How it ended, or None."""
        return self._last.get((call_id, agent_id))
