"""Call-backs: the life of one, from the wish to the talk. Pure: values and a time in, the next value out.

A call-back is a place in line without anybody on the line. When its turn comes an agent is reserved, then
the citizen is dialled, and only when the citizen answers does the agent's telephone ring. One number has at
most one open call-back; whatever else is wished for it joins that one (see `merged`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from acd.callback_policy import CallbackPolicy
from acd.errors import RouterError
from acd.phone_numbers import PhoneNumber

__all__ = [
    "OPEN",
    "Callback",
    "CallbackState",
    "IllegalCallbackMove",
    "Origin",
    "Result",
    "Wish",
    "by_person",
    "dialled",
    "done",
    "expired",
    "given_up",
    "merged",
    "reached",
    "released",
    "reserved",
    "unreached",
    "unreserved",
    "wanted",
    "withdrawn",
]

CALLS_KEPT = 20
"""Ids of earlier calls that one call-back remembers."""


class IllegalCallbackMove(RouterError):
    """An event reached a call-back in a state in which it cannot happen."""

    def __init__(self, callback_id: str, state: str, event: str) -> None:
        self.state = state
        self.event = event
        super().__init__(f"call-back {callback_id}: {event!r} is not legal in state {state!r}")


class CallbackState(StrEnum):
    """Where a call-back is."""

    WAITING = "waiting"  # at its place in line, or until `not_before`
    RESERVED = "reserved"  # an agent is kept free for it
    DIALLING = "dialling"  # the citizen's telephone is being called
    REACHED = "reached"  # the citizen is on the line and waits for the agent
    BY_HAND = "by_hand"  # no machine may dial this number: work for a person
    DONE = "done"  # citizen and person have talked
    GIVEN_UP = "given_up"  # `reason` says why
    WITHDRAWN = "withdrawn"  # not needed any more: the citizen called again


class Origin(StrEnum):
    """Why somebody is to be called back, the strongest reason first."""

    CITIZEN = "citizen"  # asked for it while waiting
    PERSON = "person"  # an agent or supervisor wants it
    MESSAGE = "message"  # left a voice message (留言)
    MISSED = "missed"  # called when nobody could answer: night, or our own failure
    ABANDONED = "abandoned"  # hung up while waiting (漏接)


class Result(StrEnum):
    """What came of dialling the citizen."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    INVALID = "invalid"  # the network says that there is no such number
    FAILED = "failed"  # our side or the network: no try of the citizen's patience
    LOST = "lost"  # answered, and hung up before a person was there


S = CallbackState

LEGAL: Mapping[str, frozenset[CallbackState]] = {
    "merged": frozenset({S.WAITING, S.RESERVED, S.DIALLING, S.REACHED, S.BY_HAND}),
    # dialling: after a restart the router reserves somebody anew while the citizen's telephone rings
    "reserved": frozenset({S.WAITING, S.RESERVED, S.DIALLING}),
    "unreserved": frozenset({S.RESERVED, S.DIALLING}),
    "released": frozenset({S.RESERVED, S.DIALLING}),
    "dialled": frozenset({S.RESERVED}),
    # waiting, reserved: the citizen answers a call of which a restarted server did not know
    "reached": frozenset({S.WAITING, S.RESERVED, S.DIALLING}),
    "unreached": frozenset({S.DIALLING, S.REACHED}),
    "done": frozenset({S.REACHED}),
    "by_person": frozenset({S.BY_HAND, S.WAITING}),
    "given_up": frozenset({S.WAITING, S.RESERVED, S.BY_HAND}),
    "expired": frozenset({S.WAITING, S.BY_HAND}),
    "withdrawn": frozenset({S.WAITING, S.RESERVED, S.DIALLING, S.BY_HAND}),
}
"""Event -> states in which it may happen; everything else raises."""

OPEN = frozenset({S.WAITING, S.RESERVED, S.DIALLING, S.REACHED, S.BY_HAND})
"""States in which there is still something to do."""

STRENGTH = {origin: rank for rank, origin in enumerate(reversed(Origin))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Somebody is to be called back."""

    origin: Origin  # who or what wants it
    number: PhoneNumber  # whom
    queue: str  # in which line
    needs: Mapping[str, int] = field(default_factory=dict)  # skill -> minimum level
    priority: int = 0  # as in the queue
    urgent: bool = False  # before everybody who is not, and at any hour
    since: float  # began to wait, epoch seconds
    call_id: str = ""  # the call it came from, "" none
    note: str = ""  # what a person wrote about it
    by: str = ""  # login of that person


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """Everything known of one call-back. Times are epoch seconds."""

    callback_id: str  # also its id in the router's line
    number: str  # normalised; "" when the caller withheld it
    diallable: bool  # a machine may dial it
    state: CallbackState
    state_since: float  # last move
    origin: Origin  # the strongest reason so far
    queue: str  # in which line
    needs: Mapping[str, int] = field(default_factory=dict)  # skill -> minimum level
    priority: int = 0  # in the line
    urgent: bool = False  # before everybody who is not
    since: float  # the citizen began to wait: the earliest that was wished
    first_at: float  # first wish
    last_at: float  # newest wish
    asked_at: float | None = None  # the citizen asked for it last
    wishes: int = 1  # how often it was wished or the citizen hung up
    calls: tuple[str, ...] = ()  # the citizen's calls, newest last
    tries: int = 0  # times the citizen was dialled
    failures: int = 0  # of those, how often our side or the network failed
    not_before: float | None = None  # next try
    last_result: Result | None = None  # of the last try
    agent_id: str | None = None  # who is reserved, or talked
    call_id: str = ""  # the call that dials or reached the citizen
    note: str = ""  # what a person wrote
    by: str = ""  # who created or closed it
    reason: str = ""  # with GIVEN_UP and WITHDRAWN

    @property
    def open(self) -> bool:
        """Whether there is still something to do."""
        return self.state in OPEN

    @property
    def automatic(self) -> bool:
        """Whether nobody asked for it: it stands behind those who did, and behind citizens on the line."""
        return self.origin in (Origin.MISSED, Origin.ABANDONED) and not self.urgent


def _move(callback: Callback, event: str, now: float, to: CallbackState | None, **changes: Any) -> Callback:
    if callback.state not in LEGAL[event]:
        raise IllegalCallbackMove(callback.callback_id, callback.state.value, event)
    if to is not None:
        changes |= {"state": to, "state_since": now}
    return replace(callback, **changes)


def wanted(callback_id: str, wish: Wish, now: float) -> Callback:
    """A new call-back: in line, or work for a person where no machine may dial."""
    return Callback(
        callback_id=callback_id,
        number=wish.number.number,
        diallable=wish.number.diallable,
        state=S.WAITING if wish.number.diallable else S.BY_HAND,
        state_since=now,
        origin=wish.origin,
        queue=wish.queue,
        needs=dict(wish.needs),
        priority=wish.priority,
        urgent=wish.urgent,
        since=min(wish.since, now),
        first_at=now,
        last_at=now,
        asked_at=now if wish.origin is Origin.CITIZEN else None,
        calls=(wish.call_id,) if wish.call_id else (),
        note=wish.note,
        by=wish.by,
    )


def merged(callback: Callback, wish: Wish, now: float) -> Callback:
    """The same number again: the earliest place stays, the strongest reason and the highest urgency count.

    A citizen who asks again while a retry is waited for may be called at once.
    """
    asks = wish.origin is Origin.CITIZEN
    stronger = STRENGTH[wish.origin] > STRENGTH[callback.origin]
    calls = callback.calls
    if wish.call_id and wish.call_id not in calls:
        calls = (*calls, wish.call_id)[-CALLS_KEPT:]
    return _move(
        callback,
        "merged",
        now,
        None,
        origin=wish.origin if stronger else callback.origin,
        queue=wish.queue if asks else callback.queue,
        needs=dict(wish.needs) if asks else callback.needs,
        priority=max(callback.priority, wish.priority),
        urgent=callback.urgent or wish.urgent,
        since=min(callback.since, wish.since),
        last_at=max(callback.last_at, now),
        asked_at=now if asks else callback.asked_at,
        wishes=callback.wishes + 1,
        calls=calls,
        not_before=None if asks else callback.not_before,
        note=wish.note or callback.note,
    )


def reserved(callback: Callback, agent_id: str, now: float) -> Callback:
    """An agent is kept free for it; a telephone that rings already goes on ringing."""
    to = None if callback.state is S.DIALLING else S.RESERVED
    return _move(callback, "reserved", now, to, agent_id=agent_id)


def unreserved(callback: Callback, now: float) -> Callback:
    """The agent is gone; a telephone that rings already goes on ringing, for whoever is reserved next."""
    to = None if callback.state is S.DIALLING else S.WAITING
    return _move(callback, "unreserved", now, to, agent_id=None)


def released(callback: Callback, now: float) -> Callback:
    """It was not dialled after all, or nobody knows what became of that: back to the place, without a try."""
    tries = callback.tries - (callback.state is S.DIALLING)
    return _move(callback, "released", now, S.WAITING, agent_id=None, call_id="", tries=max(0, tries))


def dialled(callback: Callback, call_id: str, now: float) -> Callback:
    """The citizen's telephone is called; `call_id` is the id of that channel."""
    tries = callback.tries + 1
    return _move(callback, "dialled", now, S.DIALLING, call_id=call_id, tries=tries, not_before=None)


def reached(callback: Callback, call_id: str, now: float) -> Callback:
    """The citizen answered."""
    return _move(callback, "reached", now, S.REACHED, call_id=call_id, not_before=None)


def unreached(callback: Callback, result: Result, policy: CallbackPolicy, now: float) -> Callback:
    """Not reached, or gone before a person was there: again after a while, or given up by policy."""
    failures = callback.failures + (result is Result.FAILED)
    heard = {"last_result": result, "agent_id": None, "call_id": "", "failures": failures}
    tries = callback.tries - failures
    if result is Result.INVALID or tries >= policy.tries or failures >= policy.failures:
        reason = result.value if result is Result.INVALID else "tries"
        return _move(callback, "unreached", now, S.GIVEN_UP, reason=reason, not_before=None, **heard)
    again = policy.again_at(now, tries, failed=result is Result.FAILED)
    if not callback.urgent:
        again = policy.next_hours(again)
    return _move(callback, "unreached", now, S.WAITING, not_before=again, **heard)


def done(callback: Callback, agent_id: str | None, now: float) -> Callback:
    """Citizen and person talk."""
    return _move(callback, "done", now, S.DONE, agent_id=agent_id)


def by_person(callback: Callback, agent_id: str, now: float) -> Callback:
    """A person took care of it without this machine."""
    return _move(callback, "by_person", now, S.DONE, agent_id=agent_id, by=agent_id, reason="by_person")


def given_up(callback: Callback, reason: str, by: str, now: float) -> Callback:
    """A person gave it up, or policy forbids it (`by` is "system" then)."""
    return _move(callback, "given_up", now, S.GIVEN_UP, reason=reason, by=by, agent_id=None, not_before=None)


def expired(callback: Callback, now: float) -> Callback:
    """Too old to be of use to anybody."""
    return _move(callback, "expired", now, S.GIVEN_UP, reason="expired", not_before=None)


def withdrawn(callback: Callback, reason: str, now: float) -> Callback:
    """Not needed any more: the citizen has reached a person in another way, or does not want it."""
    return _move(callback, "withdrawn", now, S.WITHDRAWN, reason=reason, agent_id=None, not_before=None)
