"""Made-up facts of some days, and a report of them: for tests that need no database."""

from __future__ import annotations

import random
from collections.abc import Sequence

from acd.messages import AgentState
from cti.figures.facts import AgentFact, CallbackFact, CallFact, CallKind, Facts, Part, Rules, Span
from cti.figures.source import days, within
from cti.message_base import Outcome
from cti.reports.build import Builder
from cti.reports.pages import Page, Table
from cti.reports.specs import Spec

__all__ = ["NAMES", "column", "make", "some_facts", "table_of"]

NAMES = {"an": "安然", "bo": "薄荷"}
QUEUES = {"general": "综合", "social": "社保", "": ""}


def some_facts(seed: int, span: Span, *, calls: int) -> Facts:
    """Facts of every kind within a span, the same for the same seed."""
    luck = random.Random(seed)
    found = [_call(luck, f"c{number}", luck.uniform(span.since, span.until)) for number in range(calls)]
    stretches: list[AgentFact] = []
    for agent in ("an", "bo", "chen"):
        at = span.since - 3600.0
        while at < span.until:
            until = at + luck.uniform(60, 30_000)
            state = luck.choice(tuple(AgentState))
            stretches.append(AgentFact(agent_id=agent, state=state, since=at, until=until))
            at = until
    wishes = [
        CallbackFact(
            callback_id=f"b{number}", first_at=luck.uniform(span.since, span.until), origin="missed",
            state=luck.choice(("done", "waiting", "given_up", "withdrawn")),
        )
        for number in range(calls // 10)
    ]  # fmt: skip
    return Facts(calls=sorted(found, key=lambda call: call.started), agents=stretches, callbacks=wishes)


def _call(luck: random.Random, call_id: str, at: float) -> CallFact:
    queue, agent = luck.choice(tuple(QUEUES)), luck.choice(("an", "bo", "chen"))
    about = {
        "call_id": call_id,
        "started": at,
        "called": luck.choice(("12345", "12333")),
        "kind": luck.choices(tuple(CallKind), (8, 1, 1))[0],
        "queue": queue,
        "queue_title": QUEUES[queue],
        "category": luck.choice(("市容环境/垃圾清运", "=1+1", "")),
        "district": luck.choice(("新城区", "")),
    }
    wait = luck.expovariate(1 / 10)
    match luck.choices(("answered", "left", "flow", "waits", "failed"), (7, 2, 1, 1, 1))[0]:
        case "flow":
            return CallFact(**about, ended=at + 3, outcome=Outcome.ABANDONED_IN_FLOW)  # type: ignore[arg-type]
        case "waits":
            return CallFact(**about, queued=at)  # type: ignore[arg-type]
        case "left" | "failed" as fate:
            outcome = Outcome.FAILED if fate == "failed" else Outcome.ABANDONED_WAITING
            return CallFact(**about, queued=at, ended=at + wait, outcome=outcome)  # type: ignore[arg-type]
        case _:
            talk = luck.uniform(5, 300)
            return CallFact(
                **about,  # type: ignore[arg-type]
                queued=at, answered=at + wait, waited_s=wait, ended=at + wait + talk, talk_s=talk,
                outcome=Outcome.ANSWERED, agent_id=agent, rings=1, orders=luck.randint(0, 2),
                satisfaction=luck.choice((None, 1, 2, 3, 4, 5)),
                parts=(Part(agent_id=agent, talk_s=talk, rings=1),),
            )  # fmt: skip


def make(spec: Spec, facts: Facts, *, now: float | None = None, rules: Rules | None = None) -> Page:
    """Make a report as the room does: day by day."""
    builder = Builder(spec, rules or Rules(), now=spec.until + 3600.0 if now is None else now, names=NAMES)
    for piece in days(builder.span):
        builder.add(
            piece,
            Facts(
                calls=[call for call in facts.calls if piece.holds(call.started)],
                agents=within(facts.agents, piece),
                callbacks=[one for one in facts.callbacks if piece.holds(one.first_at)],
            ),
        )
    return builder.page(source="tables", behind_s=0.0)


def table_of(page: Page, by: str) -> Table:
    """One of a report's tables."""
    return next(table for table in page.tables if table.by == by)


def column(table: Table, figure: str) -> Sequence[float | None]:
    """A figure of all rows."""
    place = table.figures.index(figure)
    return [row.values[place] for row in table.rows]
