"""One citizen's call: its states, and which move is legal where.

Pure: every function takes a `Call` and a time and returns the next `Call`, or raises IllegalCallMove.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cti.errors import IllegalCallMove
from cti.messages import CallState, Outcome, PartyState, TargetKind
from cti.parties import Party, SentTo

S = CallState

LEGAL: Mapping[CallState, frozenset[CallState]] = {
    S.INCOMING: frozenset(
        {S.IN_FLOW, S.WAITING, S.TALKING, S.ENDED}
    ),  # waiting, talking: found after a restart
    S.IN_FLOW: frozenset({S.WAITING, S.TALKING, S.ENDED}),  # talking: by the native queue while we were away
    S.WAITING: frozenset({S.RINGING, S.TALKING, S.IN_FLOW, S.ENDED}),
    S.RINGING: frozenset({S.TALKING, S.WAITING, S.ENDED}),
    S.TALKING: frozenset({S.HELD, S.CONSULTING, S.WAITING, S.SURVEY, S.WRAP_UP, S.ENDED}),
    S.HELD: frozenset({S.TALKING, S.CONSULTING, S.WAITING, S.SURVEY, S.WRAP_UP, S.ENDED}),
    S.CONSULTING: frozenset({S.TALKING, S.HELD, S.WAITING, S.SURVEY, S.WRAP_UP, S.ENDED}),
    S.SURVEY: frozenset({S.WRAP_UP, S.ENDED}),
    S.WRAP_UP: frozenset({S.ENDED}),  # the citizen is gone, the agent still writes
    S.ENDED: frozenset(),
}

WITH_PERSON = frozenset({S.TALKING, S.HELD, S.CONSULTING})
"""States in which citizen and agent are connected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tapped:
    """One leg that is being transcribed."""

    tap_id: str  # the AudioSocket UUID, and the unique id of the tap's channel
    uniqueid: str  # of the leg's channel
    speaker: str  # asr.messages.Speaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Everything the server knows of one call; written to the live state at every change."""

    call_id: str  # Asterisk's unique id of the citizen's channel
    node: str  # Asterisk node it came in on
    channel: str  # the citizen's channel
    caller: str  # calling number
    called: str  # number dialled
    state: CallState  # where it is
    started: float  # epoch seconds
    recording_started: float  # epoch seconds; zero of all seconds of the recording
    state_since: float  # epoch seconds of the last move
    flow: Mapping[str, Any] = field(default_factory=dict)  # the flow's saved state
    queue: str = ""  # skill queue
    needs: Mapping[str, int] = field(default_factory=dict)  # skill -> minimum level
    priority: int = 0  # in the queue
    queued: float | None = None  # began to wait; survives missed rings, transfers and restarts
    answered: float | None = None  # first person answered
    talk_ended: float | None = None  # last person hung up, or the citizen did
    ended: float | None = None  # the call is over
    agent_id: str | None = None  # who rings or talks; in wrap-up and after: who talked last
    agent_channel: str = ""  # the agent's channel while connected
    agent_uniqueid: str = ""  # its unique id, by which it is tapped
    order_id: str = ""  # its work order
    visit_id: str = ""  # of a return visit (回访): the robot called the citizen
    about_order: str = ""  # with visit_id: the order that is asked about
    satisfaction: int | None = None  # 1 to 5
    outcome: Outcome | None = None  # with ENDED
    tapped: tuple[Tapped, ...] = ()  # the audio taps of its legs
    server: str = ""  # name of the server that has the call
    parties: tuple[Party, ...] = ()  # who else is in the call or rung for it
    room: bool = False  # citizen and agent are in the dialplan's room, no longer in one another's Dial
    agent_gone: bool = False  # the agent has left and others go on
    writers: tuple[str, ...] = ()  # agents who had the call and still write it up
    sent_to: SentTo | None = None  # where it was transferred to, until somebody answers
    served: bool = False  # the flow has done what was wanted; not any more once it waits again
    kept_until: float | None = None  # the agent's telephone has vanished: the citizen is kept till then
    media: str = "voice"  # acd.messages.Media: voice, video or text
    guest_id: str = ""  # whose call it is on the citizens' page, "" for telephones
    text_only: bool = False  # the citizen asks to be contacted by text only

    @property
    def waited_s(self) -> float | None:
        """Seconds from joining the line to a person's answer; None while nobody has answered."""
        if self.answered is None:
            return None
        return max(0.0, self.answered - (self.started if self.queued is None else self.queued))

    @property
    def written(self) -> bool:
        """Whether it is a text conversation: no channel of Asterisk belongs to it."""
        return self.media == "text"

    @property
    def with_person(self) -> bool:
        """Whether citizen and agent are connected now."""
        return self.state in WITH_PERSON

    def party(self, party_id: str) -> Party | None:
        """The party of this name, or None."""
        return next((one for one in self.parties if one.party_id == party_id), None)

    @property
    def agents(self) -> frozenset[str]:
        """Everybody whose desk shows the call: who has it, who was asked in, who still writes it up."""
        asked = {party.agent_id for party in self.parties if party.agent_id}
        own = {self.agent_id} if self.agent_id and not self.agent_gone else set()
        return frozenset(own | asked | set(self.writers))


def _move(call: Call, to: CallState, event: str, now: float, **changes: Any) -> Call:
    if to not in LEGAL[call.state]:
        raise IllegalCallMove(call.call_id, call.state.value, event)
    kept = call.kept_until if to in WITH_PERSON else None
    return replace(call, state=to, state_since=now, **{"kept_until": kept, **changes})


def entered_flow(call: Call, now: float) -> Call:
    """The flow has the call: at the beginning, or back from a queue that failed."""
    return _move(call, S.IN_FLOW, "entered_flow", now, sent_to=None)


def queued(call: Call, queue: str, needs: Mapping[str, int], priority: int, now: float) -> Call:
    """The call joins (or comes back to) a queue; the time it began to wait is kept."""
    return _move(
        call, S.WAITING, "queued", now, queue=queue, needs=dict(needs), priority=priority,
        queued=now if call.queued is None else call.queued, agent_id=None, agent_channel="",
        agent_uniqueid="", parties=(), room=False, agent_gone=False, writers=_written_by(call), served=False,
    )  # fmt: skip


def ringing(call: Call, agent_id: str, now: float) -> Call:
    """An agent's phone rings for it."""
    return _move(call, S.RINGING, "ringing", now, agent_id=agent_id)


def ring_failed(call: Call, now: float) -> Call:
    """Nobody answered; back to the same place in line."""
    return _move(call, S.WAITING, "ring_failed", now, agent_id=None, agent_channel="")


def answered(call: Call, agent_id: str, agent_channel: str, now: float, *, agent_uniqueid: str = "") -> Call:
    """A person answered."""
    return _move(
        call, S.TALKING, "answered", now, agent_id=agent_id, agent_channel=agent_channel,
        agent_uniqueid=agent_uniqueid, answered=now if call.answered is None else call.answered,
        parties=(), room=False, agent_gone=False, sent_to=None,
        writers=tuple(one for one in call.writers if one != agent_id),
    )  # fmt: skip


def held(call: Call, now: float) -> Call:
    """The agent put the citizen on hold."""
    return _move(call, S.HELD, "held", now)


def resumed(call: Call, now: float) -> Call:
    """Off hold, or back from a consultation."""
    return _move(call, S.TALKING, "resumed", now)


def agent_left(call: Call, now: float) -> Call:
    """The agent hung up and the citizen is still there: survey."""
    return _move(
        call, S.SURVEY, "agent_left", now, talk_ended=now, agent_channel="", agent_uniqueid="", parties=(),
        room=False,
    )  # fmt: skip


# ---------------------------------------------------------------- more than two


def consulting(call: Call, party: Party, now: float) -> Call:
    """The agent rings somebody to talk with them alone; the citizen hears music."""
    return _move(call, S.CONSULTING, "consulting", now, parties=(*call.parties, party), room=True)


def together(call: Call, now: float) -> Call:
    """Everybody in the call hears one another: citizen and agent again, or a conference."""
    if call.state is S.TALKING:
        return call
    return _move(call, S.TALKING, "together", now)


def in_room(call: Call) -> Call:
    """Citizen and agent are in the dialplan's room from now on. Raises IllegalCallMove without a talk."""
    if not call.with_person:
        raise IllegalCallMove(call.call_id, call.state.value, "in_room")
    return replace(call, room=True)


def with_party(call: Call, party: Party) -> Call:
    """Somebody is rung for a talk, or what they do has changed. Raises IllegalCallMove without a talk."""
    if not call.with_person:
        raise IllegalCallMove(call.call_id, call.state.value, "with_party")
    known = call.party(party.party_id)
    others = (
        (*call.parties, party)
        if known is None
        else tuple(party if one is known else one for one in call.parties)
    )
    return replace(call, parties=others)


def party_left(call: Call, party_id: str) -> Call:
    """Somebody hung up, or did not come."""
    return replace(call, parties=tuple(one for one in call.parties if one.party_id != party_id))


def agent_stepped_out(call: Call, now: float) -> Call:
    """The agent leaves, citizen and others go on; the agent writes up."""
    return replace(
        together(call, now), agent_gone=True, agent_channel="", agent_uniqueid="", room=True, kept_until=None,
        writers=_written_by(call),
    )  # fmt: skip


def talk_moved(call: Call, party: Party, now: float) -> Call:
    """A colleague who was asked in has the call now; the agent of before writes up."""
    writers = tuple(one for one in _written_by(call) if one != party.agent_id)
    return replace(
        party_left(together(call, now), party.party_id), agent_id=party.agent_id, agent_gone=False,
        agent_channel=party.channel, agent_uniqueid=party.uniqueid, writers=writers, room=True,
        kept_until=None,
    )  # fmt: skip


def wrote_up(call: Call, agent_id: str) -> Call:
    """An agent who had left the call has written it up, or gone on."""
    return replace(call, writers=tuple(one for one in call.writers if one != agent_id))


def _written_by(call: Call) -> tuple[str, ...]:
    """Who writes the call up when its agent is no longer in it."""
    if not call.with_person or call.agent_id is None or call.agent_id in call.writers:
        return call.writers
    return (*call.writers, call.agent_id)


def _staying(call: Call) -> tuple[Party, ...]:
    """Who goes on talking with the agent when the citizen has hung up: 110 may still have questions."""
    if call.agent_gone:
        return ()
    return tuple(
        one
        for one in call.parties
        if one.kind is not TargetKind.AGENT and one.state is not PartyState.RINGING
    )


def rated(call: Call, score: int) -> Call:
    """The citizen pressed a rating; legal only after the talk. Raises IllegalCallMove."""
    if call.state is not S.SURVEY:
        raise IllegalCallMove(call.call_id, call.state.value, "rated")
    return replace(call, satisfaction=score)


def served(call: Call) -> Call:
    """Another number answered, a message was left, a call-back agreed: a hang-up abandons nothing now."""
    return replace(call, served=True)


def citizen_left(call: Call, now: float, *, writing: bool, failed: bool = False) -> Call:
    """The citizen is gone. `writing`: the agent is still in wrap-up. `failed`: it was our fault."""
    if call.state is S.ENDED or call.state is S.WRAP_UP:
        raise IllegalCallMove(call.call_id, call.state.value, "citizen_left")
    talk_ended = now if call.with_person else call.talk_ended
    if call.answered is not None:
        outcome = Outcome.ANSWERED
    elif call.served:
        outcome = Outcome.SERVED
    elif failed:
        outcome = Outcome.FAILED
    else:
        outcome = Outcome.ABANDONED_IN_FLOW if call.queued is None else Outcome.ABANDONED_WAITING
    to = S.WRAP_UP if writing and call.answered is not None else S.ENDED
    staying = _staying(call) if to is S.WRAP_UP else ()
    return _move(
        call, to, "citizen_left", now, ended=now, talk_ended=talk_ended, outcome=outcome,
        agent_channel=call.agent_channel if staying else "", parties=staying,
    )  # fmt: skip


def wrapped_up(call: Call, now: float) -> Call:
    """The agent finished writing, the citizen having gone before."""
    return _move(call, S.ENDED, "wrapped_up", now)
