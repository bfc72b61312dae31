"""Figures out of facts. Pure: the same facts give the same figures, in whatever order they come.

Everything is added up in whole milliseconds and counts (`cti.figures.tally`), so that sums do not depend on
their order, parts add up to the whole, and a month is the sum of its days to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cti.figures.facts import AgentFact, CallFact, Facts, Rules, Span
from cti.figures.tally import Tally

__all__ = [
    "DAY_S",
    "INTERVAL_MAX",
    "NO_FACTS",
    "Interval",
    "agent_tallies",
    "agents",
    "by",
    "figures",
    "interval_tallies",
    "intervals",
    "rolling",
    "tally",
    "within",
]

DAY_S = 86400.0
INTERVAL_MAX = 20_000
"""Intervals of one answer: more are refused."""

Figures = Mapping[str, float | None]
RULES = Rules()
NO_FACTS = Facts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Figures of a stretch of time."""

    span: Span
    figures: Figures


def within(facts: Facts, span: Span) -> Facts:
    """Return what belongs to a span: calls and call-backs that began in it, agents' time cut to it."""
    return Facts(
        calls=tuple(call for call in facts.calls if span.holds(call.started)),
        agents=tuple(_cut(facts.agents, span)),
        callbacks=tuple(one for one in facts.callbacks if span.holds(one.first_at)),
    )


def tally(facts: Facts, *, span: Span, rules: Rules = RULES) -> Tally:
    """Add up what belongs to a span; tallies of spans that follow one another can be added again."""
    total = Tally()
    last_day = Span(since=max(span.since, span.until - DAY_S), until=span.until)
    for call in facts.calls:
        if span.holds(call.started):
            total.add_call(call, rules, lately=last_day.holds(call.started))
    for stretch in facts.agents:
        total.add_time(stretch, span)
    for one in facts.callbacks:
        if span.holds(one.first_at):
            total.add_callback(one)
    return total


def figures(facts: Facts, *, span: Span, rules: Rules = RULES) -> Figures:
    """Return every figure of `definitions.FIGURES` for a span; None where there is nothing to divide by.

    A stretch of an agent's time that lasts counts to the end of the span: end the span now, not later.
    """
    return tally(facts, span=span, rules=rules).figures()


def by(
    facts: Facts, key: Callable[[CallFact], str], *, span: Span, rules: Rules = RULES
) -> Mapping[str, Figures]:
    """Return the figures of each group of calls, sorted by the groups' names.

    Agents' time and call-backs belong to no group of calls; those figures count nothing.
    """
    groups: dict[str, list[CallFact]] = {}
    for call in facts.calls:
        if span.holds(call.started):
            groups.setdefault(key(call), []).append(call)
    return {name: figures(Facts(calls=groups[name]), span=span, rules=rules) for name in sorted(groups)}


def agents(facts: Facts, *, span: Span, rules: Rules = RULES) -> Mapping[str, Figures]:
    """Return each agent's own figures by login: what they handled, missed, how it was rated, their time."""
    found = agent_tallies(facts, span=span, rules=rules)
    return {login: one.figures() for login, one in found.items()}


def agent_tallies(facts: Facts, *, span: Span, rules: Rules = RULES) -> Mapping[str, Tally]:
    """The same before it is divided, so that days can be added."""
    tallies: dict[str, Tally] = {}
    for call in facts.calls:
        if span.holds(call.started):
            for login, own in _own(call):
                tallies.setdefault(login, Tally()).add_own(own, rules)
    for stretch in facts.agents:
        tallies.setdefault(stretch.agent_id, Tally()).add_time(stretch, span)
    return {login: one for login, one in sorted(tallies.items()) if one.anything}


def intervals(
    facts: Facts, seconds: float, *, span: Span, rules: Rules = RULES, now: float | None = None
) -> Sequence[Interval]:
    """Return the figures of each interval of a span, oldest first; the last one may be shorter.

    `now`: nothing is known of later; agents' time counts up to it.

    Raises:
        ValueError: the span has more than INTERVAL_MAX intervals, or `seconds` is not positive.
    """
    found = interval_tallies(facts, seconds, span=span, rules=rules, now=now)
    return [Interval(span=each, figures=one.figures()) for each, one in found]


def interval_tallies(
    facts: Facts, seconds: float, *, span: Span, rules: Rules = RULES, now: float | None = None
) -> Sequence[tuple[Span, Tally]]:
    """The same before it is divided. Raises as `intervals` does."""
    if seconds <= 0:
        raise ValueError(f"an interval of {seconds} s; give a positive number of seconds")
    count = int(-(-span.seconds // seconds))
    if count > INTERVAL_MAX:
        raise ValueError(f"{count} intervals; ask for at most {INTERVAL_MAX}, or for longer ones")
    known = span.until if now is None else min(now, span.until)
    spans = [
        Span(since=span.since + n * seconds, until=min(span.since + (n + 1) * seconds, span.until))
        for n in range(count)
    ]
    tallies = [Tally() for _ in spans]
    for call in facts.calls:
        if span.holds(call.started):
            tallies[_slot(call.started, span, seconds, count)].add_call(call, rules, lately=True)
    for one in facts.callbacks:
        if span.holds(one.first_at):
            tallies[_slot(one.first_at, span, seconds, count)].add_callback(one)
    for stretch in facts.agents:
        until = known if stretch.until is None else min(stretch.until, known)
        if until <= span.since or stretch.since >= span.until:
            continue
        first = _slot(max(stretch.since, span.since), span, seconds, count)
        ended = replace(stretch, until=until)
        for n in range(first, count):
            if spans[n].since >= until:
                break
            tallies[n].add_time(ended, spans[n])
    return list(zip(spans, tallies, strict=True))


def rolling(facts: Facts, at: float, *, rules: Rules = RULES, seconds: float = DAY_S) -> Figures:
    """Return the figures of the last 24 hours (or so many seconds) before a time."""
    return figures(facts, span=Span(since=at - seconds, until=at), rules=rules)


def _slot(at: float, span: Span, seconds: float, count: int) -> int:
    return min(int((at - span.since) // seconds), count - 1)


def _cut(stretches: Sequence[AgentFact], span: Span) -> list[AgentFact]:
    found = []
    for one in stretches:
        until = span.until if one.until is None else min(one.until, span.until)
        if until > span.since and one.since < span.until:
            found.append(replace(one, since=max(one.since, span.since), until=until))
    return found


def _own(call: CallFact) -> list[tuple[str, CallFact]]:
    """The call as each of its agents sees it; whose share is not known has the whole."""
    if not call.parts:
        return [] if call.agent_id is None or call.answered is None else [(call.agent_id, call)]
    return [
        (
            part.agent_id,
            replace(
                call,
                talk_s=part.talk_s,
                hold_s=part.hold_s,
                consult_s=part.consult_s,
                wrap_s=part.wrap_s,
                missed=part.missed,
                rings=part.rings,
                answered=call.answered if part.talk_s > 0 else None,
                satisfaction=call.satisfaction if part.agent_id == call.agent_id else None,
                orders=call.orders if part.agent_id == call.agent_id else 0,
                parts=(),
            ),
        )
        for part in call.parts
    ]
