"""One agent's state machine: what they may do next, and what they do after the talk.

The whole table is `acd.moves.MOVES`. A request to stop (or to sign out) while the phone rings or a citizen
talks is kept in `after` and takes effect when the wrap-up is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from acd.errors import IllegalAgentMove
from acd.messages import AgentChanged, AgentRecord, AgentState, NotReadyReason
from acd.moves import BUSY, MOVES, NOT_READY, OFFLINE, READY, RESERVED, RINGING, TALKING, WRAP_UP, Move

if TYPE_CHECKING:
    from acd.lines import Line


_AWAY = frozenset({NotReadyReason.LOST, NotReadyReason.PHONE_LOST})


class Agent:
    """One signed-in agent. Times are epoch seconds; every method raises `IllegalAgentMove` where the
    table forbids the move, and has then changed nothing."""

    __slots__ = (
        "after",
        "after_reason",
        "agent_id",
        "busy_s",
        "call_id",
        "consulting",
        "counted",
        "idle_since",
        "lines",
        "place",
        "plain",
        "queue",
        "reason",
        "scarce",
        "serving",
        "shift_since",
        "since",
        "skills",
        "stamp",
        "state",
        "talk_since",
        "team",
        "texting",
        "texts",
        "until",
    )

    def __init__(
        self, agent_id: str, skills: Mapping[str, int], *, team: str = "", place: str = "", texts: int = 0
    ) -> None:
        self.agent_id = agent_id
        self.skills: dict[str, int] = dict(skills)
        self.team = team
        self.place = place
        self.texts = texts
        self.texting: tuple[str, ...] = ()  # offered ones included
        self.state = OFFLINE
        self.since = 0.0
        self.reason: NotReadyReason | None = None
        self.call_id: str | None = None
        self.consulting = False
        self.queue: str | None = None
        self.until: float | None = None
        self.idle_since: float | None = None
        self.shift_since: float | None = None
        self.busy_s = 0.0
        self.after = READY
        self.after_reason: NotReadyReason | None = None
        # kept by the router's index
        self.lines: list[Line] = []  # lines whose calls this agent may take
        self.stamp = 0  # of the entries in ready lists that count; 0: none
        self.scarce: tuple[str, ...] = ()  # skills that some queue reserves
        self.plain = True  # neither scarce skills nor texts: takes whatever the lines hold
        self.counted = False  # as a ready seat with those scarce skills
        self.serving = False  # counted in those lines as somebody who takes calls
        self.talk_since: float | None = None  # start of the present talk, for handling times

    @classmethod
    def of(cls, record: AgentRecord) -> Agent:
        """The agent as `record` says."""
        agent = cls(record.agent_id, record.skills, team=record.team, place=record.place, texts=record.texts)
        agent.texting, agent.consulting = record.texting, record.consulting
        agent.shift_since, agent.busy_s = record.shift_since, record.busy_s
        agent.state, agent.since, agent.reason = record.state, record.since, record.reason
        agent.call_id, agent.queue, agent.until = record.call_id, record.queue, record.until
        agent.after, agent.after_reason = record.after, record.after_reason
        agent.idle_since = record.idle_since
        if agent.idle_since is None and agent.state in (READY, RESERVED, RINGING):
            agent.idle_since = agent.since
        if agent.until is None and agent.state in (RESERVED, RINGING, WRAP_UP):
            agent.until = agent.since
        if agent.state is TALKING and not agent.consulting:
            agent.talk_since = agent.since
        return agent

    def record(self) -> AgentRecord:
        """The state to be stored."""
        return AgentRecord(
            agent_id=self.agent_id,
            state=self.state,
            since=self.since,
            skills=dict(self.skills),
            reason=self.reason,
            team=self.team,
            place=self.place,
            texts=self.texts,
            texting=self.texting,
            consulting=self.consulting,
            call_id=self.call_id,
            queue=self.queue,
            until=self.until,
            idle_since=self.idle_since,
            shift_since=self.shift_since,
            busy_s=self.busy_s,
            after=self.after,
            after_reason=self.after_reason,
        )

    def changed(self) -> AgentChanged:
        """The present state as a decision."""
        return AgentChanged(
            agent_id=self.agent_id,
            state=self.state,
            reason=self.reason,
            call_id=self.call_id,
            since=self.since,
            until=self.until,
        )

    def takes_calls(self) -> bool:
        """True for those who take calls now or will after the present one."""
        return self.state is READY or (self.after is READY and self.state in BUSY)

    def occupancy(self) -> float:
        """Share of the shift spent in talk and wrap-up, as it was when the agent became ready (0 to 1)."""
        if self.idle_since is None or self.shift_since is None:
            return 0.0
        return self.busy_s / max(1.0, self.idle_since - self.shift_since)

    # ------------------------------------------------------------ moves

    def sign_in(self, now: float, *, auto_ready: bool) -> None:
        """Arrive, or come back after the connection was lost or after signing out while talking."""
        away = self.state is OFFLINE or self.reason in _AWAY
        leaving = self.after is OFFLINE or self.after_reason in _AWAY
        busy = self.state in BUSY
        if not (leaving if busy else away):
            raise IllegalAgentMove(self.agent_id, self.state, Move.SIGN_IN)
        if busy:
            self._check(Move.SIGN_IN, self.state)
            self._set_after(READY if auto_ready else NOT_READY, NotReadyReason.SIGNED_IN)
        elif auto_ready:
            self._enter(Move.SIGN_IN, READY, now)
        else:
            self._enter(Move.SIGN_IN, NOT_READY, now, NotReadyReason.SIGNED_IN)

    def sign_out(self, now: float) -> None:
        """Leave: at once, or after the talk."""
        if self.state is TALKING:
            self._check(Move.SIGN_OUT, TALKING)
            self._set_after(OFFLINE, None)
        else:
            self._enter(Move.SIGN_OUT, OFFLINE, now)

    def ready(self, now: float) -> None:
        """Ask for calls; ends a wrap-up."""
        if self.state in (RESERVED, RINGING, TALKING):
            self._check(Move.READY, self.state)
            self._set_after(READY, None)
        else:
            self._enter(Move.READY, READY, now)

    def not_ready(self, reason: NotReadyReason, now: float) -> None:
        """Ask for no more calls: at once, or after the wrap-up."""
        if self.state in BUSY:
            self._check(Move.NOT_READY, self.state)
            if self.after is not OFFLINE:  # who signed out while talking stays on the way out
                self._set_after(NOT_READY, reason)
        else:
            self._enter(Move.NOT_READY, NOT_READY, now, reason)

    def ring(self, call_id: str, queue: str, until: float, now: float, *, consulting: bool = False) -> None:
        """A call is offered, or a colleague asks for advice on one."""
        self._enter(Move.RING, RINGING, now)
        self.call_id, self.queue, self.until, self.consulting = call_id, queue, until, consulting
        self._set_after(READY, None)

    def reserve(self, call_id: str, queue: str, until: float, now: float) -> None:
        """A citizen is dialled on this agent's behalf."""
        self._enter(Move.RESERVE, RESERVED, now)
        self.call_id, self.queue, self.until = call_id, queue, until
        self._set_after(READY, None)

    def reach(self, call_id: str, until: float, now: float) -> None:
        """The dialled citizen answered; the phone rings for the citizen's call."""
        queue = self.queue
        self._enter(Move.REACH, RINGING, now)
        self.call_id, self.queue, self.until = call_id, queue, until

    def answer(self, now: float) -> None:
        """The offered call is answered."""
        self._check(Move.ANSWER, TALKING)
        call_id, queue, consulting = self.call_id, self.queue, self.consulting
        self._enter(Move.ANSWER, TALKING, now)
        self.call_id, self.queue, self.consulting = call_id, queue, consulting
        self.talk_since = None if consulting else now

    def take_over(self, queue: str, now: float) -> None:
        """The consulted colleague has the call from now on."""
        self._check(Move.TAKE_OVER, TALKING)
        self.consulting, self.queue, self.talk_since = False, queue, now

    def miss(self, reason: NotReadyReason, now: float) -> None:
        """The offered call was not taken."""
        self._enter(Move.MISS, NOT_READY, now, reason)

    def withdraw(self, now: float) -> None:
        """The offered call is gone; the time spent idle still counts."""
        idle_since = self.idle_since
        self._enter(Move.WITHDRAW, self.after, now, self.after_reason)
        if self.state is READY:
            self.idle_since = idle_since

    def end(self, wrap_up_s: float, now: float) -> None:
        """The talk is over: wrap-up, or with `wrap_up_s` 0 straight on. Who signed out is gone."""
        if wrap_up_s > 0 and self.after is not OFFLINE:
            self._check(Move.END, WRAP_UP)
            call_id, queue = self.call_id, self.queue
            self._enter(Move.END, WRAP_UP, now)
            self.call_id, self.queue, self.until = call_id, queue, now + wrap_up_s
        else:
            self._enter(Move.END, self.after, now, self.after_reason)

    def finish(self, now: float) -> None:
        """The wrap-up is over."""
        self._enter(Move.FINISH, self.after, now, self.after_reason)

    def extend(self, seconds: float, latest: float) -> None:
        """Make the wrap-up longer, but not beyond the time `latest`."""
        self._check(Move.EXTEND, WRAP_UP)
        if self.until is not None:
            self.until = max(self.until, min(self.until + seconds, latest))

    def restore(self, call_id: str, queue: str, now: float) -> None:
        """Found talking."""
        after, reason = self.after, self.after_reason
        if self.state is OFFLINE:
            after = OFFLINE
        elif self.state is NOT_READY:
            after, reason = NOT_READY, self.reason
        self._enter(Move.RESTORE, TALKING, now)
        self.call_id, self.queue, self.talk_since = call_id, queue, now
        self._set_after(after, reason)

    # ------------------------------------------------------------ inside

    def _check(self, move: Move, target: AgentState) -> None:
        if target not in MOVES[self.state].get(move, ()):
            raise IllegalAgentMove(self.agent_id, self.state, move)

    def _enter(
        self, move: Move, target: AgentState, now: float, reason: NotReadyReason | None = None
    ) -> None:
        if target not in MOVES[self.state].get(move, ()):
            raise IllegalAgentMove(self.agent_id, self.state, move)
        if self.state in (TALKING, WRAP_UP):
            self.busy_s += max(0.0, now - self.since)
        elif self.state is OFFLINE:
            self.shift_since = now
        if target is READY:
            self.idle_since = now
        elif target is not RINGING and target is not RESERVED:
            self.idle_since = None
        if target in (READY, NOT_READY, OFFLINE):
            self._set_after(READY, None)
            self.talk_since = None
        self.state, self.since = target, now
        self.reason = reason if target is NOT_READY else None
        self.call_id = self.queue = self.until = None
        self.consulting = False

    def _set_after(self, state: AgentState, reason: NotReadyReason | None) -> None:
        self.after = state
        self.after_reason = reason if state is NOT_READY else None
