"""Counts and sums that figures are divided from. Whole numbers only: they can be added in any order."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from acd.messages import AgentState
from cti.figures.facts import AgentFact, CallbackFact, CallFact, CallKind, Rules, Span
from cti.message_base import Outcome

__all__ = ["Tally", "milliseconds"]

_LEFT = frozenset({Outcome.ABANDONED_WAITING, Outcome.ABANDONED_IN_FLOW})
_OPEN = frozenset({"waiting", "reserved", "dialling", "reached", "by_hand"})
"""acd.callbacks.OPEN as the values that facts hold."""


def milliseconds(seconds: float) -> int:
    """Return a time as it is added up."""
    return round(seconds * 1000)


@dataclass(slots=True)
class Tally:
    """What was counted so far. Times are whole milliseconds."""

    calls_in: int = 0
    left_in_flow: int = 0
    in_line: int = 0
    answered: int = 0
    abandoned: int = 0
    abandoned_short: int = 0
    abandoned_in_time: int = 0  # within the seconds in which a call should be answered
    served_otherwise: int = 0
    failed: int = 0
    native: int = 0
    answered_in_time: int = 0
    lately_offered: int = 0  # of the last 24 hours of the span
    lately_answered: int = 0
    answer_ms: int = 0  # waits of answered calls
    abandon_ms: int = 0  # waits of abandoned calls
    waits: int = 0  # calls with a wait that is over
    wait_ms: int = 0
    longest_ms: int = 0
    handled: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    consult_ms: int = 0
    wrap_ms: int = 0
    transferred: int = 0
    rings: int = 0
    missed: int = 0
    orders: int = 0
    rated: int = 0
    satisfied: int = 0
    scores: int = 0
    repeats_known: int = 0
    repeats: int = 0
    callbacks: int = 0
    callbacks_done: int = 0
    callbacks_open: int = 0
    callbacks_given_up: int = 0
    callbacks_withdrawn: int = 0
    time_ms: dict[AgentState, int] = field(default_factory=dict)
    who: set[str] = field(default_factory=set)  # signed in at some time

    @property
    def offered(self) -> int:
        """Calls that asked for a person, and it is known what became of them."""
        return self.answered + self.abandoned + self.served_otherwise + self.failed

    @property
    def anything(self) -> bool:
        """Whether anything was counted at all."""
        return self != Tally()

    # ------------------------------------------------------------ adding

    def add_call(self, call: CallFact, rules: Rules, *, lately: bool) -> None:
        """Count one call; `lately`: it belongs to the last 24 hours."""
        if call.kind is CallKind.INBOUND:
            self.calls_in += 1
            if call.offered:
                self._add_offered(call, rules, lately=lately)
            elif call.ended is not None:
                self.left_in_flow += 1
        self.add_own(call, rules)

    def _add_offered(self, call: CallFact, rules: Rules, *, lately: bool) -> None:
        if not call.decided:
            self.in_line += 1
            return
        wait_s = call.wait_s
        wait = 0 if wait_s is None else milliseconds(wait_s)
        if wait_s is not None:
            self.waits += 1
            self.wait_ms += wait
            self.longest_ms = max(self.longest_ms, wait)
        in_time = wait <= milliseconds(rules.answer_s)
        self.lately_offered += lately
        if call.answered is not None:
            self.answered += 1
            self.lately_answered += lately
            self.answer_ms += wait
            self.answered_in_time += in_time
            self.native += call.native
            if call.repeat is not None:
                self.repeats_known += 1
                self.repeats += call.repeat
        elif call.outcome in _LEFT:
            self.abandoned += 1
            self.abandon_ms += wait
            self.abandoned_in_time += in_time
            self.abandoned_short += wait < milliseconds(rules.short_s)
        elif call.outcome is Outcome.SERVED:
            self.served_otherwise += 1
        else:
            self.failed += 1

    def add_own(self, call: CallFact, rules: Rules) -> None:
        """Count what agents did for a call, and nothing of how it came to them."""
        self.rings += call.rings
        self.missed += call.missed
        if call.answered is None:
            return
        self.handled += 1
        self.talk_ms += milliseconds(call.talk_s or 0.0)
        self.hold_ms += milliseconds(call.hold_s or 0.0)
        self.consult_ms += milliseconds(call.consult_s or 0.0)
        self.wrap_ms += milliseconds(call.wrap_s or 0.0)
        self.transferred += call.transfers > 0
        self.orders += call.orders
        if call.satisfaction is not None:
            self.rated += 1
            self.scores += call.satisfaction
            self.satisfied += call.satisfaction >= rules.satisfied_from

    def add_time(self, stretch: AgentFact, span: Span) -> None:
        """Count a stretch of an agent's time, as far as it lies in the span; one that lasts, to its end."""
        since = max(stretch.since, span.since)
        until = span.until if stretch.until is None else min(stretch.until, span.until)
        # both ends rounded, not their difference: stretches cut at midnight add up to the whole
        length = milliseconds(until) - milliseconds(since)
        if length <= 0 or stretch.state is AgentState.OFFLINE:
            return
        self.who.add(stretch.agent_id)
        self.time_ms[stretch.state] = self.time_ms.get(stretch.state, 0) + length

    def add_callback(self, one: CallbackFact) -> None:
        """Count one call-back."""
        self.callbacks += 1
        self.callbacks_done += one.state == "done"
        self.callbacks_open += one.state in _OPEN
        self.callbacks_given_up += one.state == "given_up"
        self.callbacks_withdrawn += one.state == "withdrawn"

    def add(self, other: Tally) -> None:
        """Count what another tally has counted, of the time just before or after.

        The 24 hours up to the end are those of the later one: give `other` with `lately` of its own.
        """
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.longest_ms = max(self.longest_ms, other.longest_ms)
        self.lately_offered, self.lately_answered = other.lately_offered, other.lately_answered
        for state, length in other.time_ms.items():
            self.time_ms[state] = self.time_ms.get(state, 0) + length
        self.who |= other.who

    # ------------------------------------------------------------ dividing

    def figures(self) -> dict[str, float | None]:
        """Return every figure by its key (`definitions.FIGURES`); shares and times rounded nowhere."""
        offered = self.offered
        ready = self._time(AgentState.READY)
        ringing = self._time(AgentState.RINGING) + self._time(AgentState.RESERVED)
        talking, wrap_up = self._time(AgentState.TALKING), self._time(AgentState.WRAP_UP)
        away = self._time(AgentState.NOT_READY)
        signed_in = ready + ringing + talking + wrap_up + away
        resolved = self.repeats_known - self.repeats
        return {
            "calls_in": float(self.calls_in),
            "left_in_flow": float(self.left_in_flow),
            "offered": float(offered),
            "in_line": float(self.in_line),
            "answered": float(self.answered),
            "abandoned": float(self.abandoned),
            "abandoned_short": float(self.abandoned_short),
            "served_otherwise": float(self.served_otherwise),
            "failed": float(self.failed),
            "native": float(self.native),
            "answer_rate": _share(self.answered, offered),
            "connection_rate": _share(self.lately_answered, self.lately_offered),
            "answer_rate_without_short": _share(self.answered, offered - self.abandoned_short),
            "answered_in_time": float(self.answered_in_time),
            "service_level": _share(self.answered_in_time, offered),
            "service_level_perf": _share(self.answered_in_time, self.answered),
            "service_level_perf2": _share(
                self.answered_in_time + self.abandoned_in_time, self.answered + self.abandoned
            ),
            "abandon_rate": _share(self.abandoned, offered),
            "rule_breaks": float(offered - self.answered_in_time),
            "speed_of_answer": _seconds(self.answer_ms, self.answered),
            "average_wait": _seconds(self.wait_ms, self.waits),
            "longest_wait": self.longest_ms / 1000 if self.waits else None,
            "average_abandon": _seconds(self.abandon_ms, self.abandoned),
            "handled": float(self.handled),
            "average_talk": _seconds(self.talk_ms, self.handled),
            "average_hold": _seconds(self.hold_ms, self.handled),
            "average_consult": _seconds(self.consult_ms, self.handled),
            "average_wrap_up": _seconds(self.wrap_ms, self.handled),
            "handling_time": _seconds(self.talk_ms + self.wrap_ms, self.handled),
            "transferred": float(self.transferred),
            "transfer_rate": _share(self.transferred, self.handled),
            "rings": float(self.rings),
            "missed_rings": float(self.missed),
            "missed_rate": _share(self.missed, self.rings),
            "orders": float(self.orders),
            "rated": float(self.rated),
            "rated_share": _share(self.rated, self.handled),
            "satisfaction_rate": _share(self.satisfied, self.rated),
            "satisfaction_average": _share(self.scores, self.rated),
            "repeat_calls": float(self.repeats),
            "first_call_resolution": _share(resolved, self.repeats_known),
            "agents": float(len(self.who)),
            "signed_in_s": signed_in / 1000,
            "ready_s": ready / 1000,
            "ringing_s": ringing / 1000,
            "talking_s": talking / 1000,
            "wrap_up_s": wrap_up / 1000,
            "not_ready_s": away / 1000,
            "occupancy": _share(ringing + talking + wrap_up, ready + ringing + talking + wrap_up),
            "utilisation": _share(talking + wrap_up, signed_in),
            "callbacks_wanted": float(self.callbacks),
            "callbacks_done": float(self.callbacks_done),
            "callbacks_open": float(self.callbacks_open),
            "callbacks_given_up": float(self.callbacks_given_up),
            "callbacks_withdrawn": float(self.callbacks_withdrawn),
        }

    def _time(self, state: AgentState) -> int:
        return self.time_ms.get(state, 0)


_NOT_SUMS = frozenset({"longest_ms", "lately_offered", "lately_answered", "time_ms", "who"})
_SUMS = tuple(each.name for each in fields(Tally) if each.name not in _NOT_SUMS)


def _share(above: int, below: int) -> float | None:
    return above / below if below else None


def _seconds(milliseconds_: int, count: int) -> float | None:
    return milliseconds_ / count / 1000 if count else None
