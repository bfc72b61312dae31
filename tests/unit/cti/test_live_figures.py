"""Figures of this moment: what is counted, and which names alert rules may use."""

from __future__ import annotations

import pytest

from acd.messages import AgentRecord, AgentState
from cti.alert_store import shipped_rules
from cti.control.live_figures import LIVE, known_figure, live_values, parts
from cti.messages import HealthView, QueueView

WELL = HealthView(redis=True, database=True, asterisk={"hl1": True})


def line(queue: str, waiting: int, longest: float) -> QueueView:
    return QueueView(
        queue=queue, title=queue, waiting=waiting, longest_wait_s=longest, agents_ready=1, agents_busy=0
    )


def agent(login: str, state: AgentState) -> AgentRecord:
    return AgentRecord(agent_id=login, state=state, since=0.0)


def test_lines_are_added_up_and_the_longest_wait_is_that_of_all() -> None:
    found = live_values([line("a", 2, 30.0), line("b", 1, 50.0)], [], WELL, captions=False)

    assert (found["live.waiting"], found["live.waiting:a"]) == (3, 2)
    assert (found["live.longest_wait_s"], found["live.longest_wait_s:a"]) == (50.0, 30.0)


def test_who_is_offline_is_not_signed_in() -> None:
    people = [agent("a", AgentState.TALKING), agent("b", AgentState.OFFLINE), agent("c", AgentState.READY)]

    found = live_values([], people, WELL, captions=False)

    assert (found["live.agents_signed_in"], found["live.agents_talking"]) == (2, 1)
    assert found["live.longest_wait_s"] == 0.0


def test_captions_count_only_where_they_are_switched_on() -> None:
    assert live_values([], [], WELL, captions=False)["live.broken"] == 0
    assert live_values([], [], WELL, captions=True)["live.broken"] == 1
    assert "captions" not in parts(WELL, captions=False)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("live.waiting", True),
        ("live.waiting:general", True),
        ("live.waiting:nobody", False),
        ("live.bursts:general", False),
        ("live.visits_waiting", True),
        ("live.callbacks_open", True),
        ("live.topics_high", True),
        ("live.urgent_open", True),
        ("live.urgent_open:城东区", True),
        ("live.callbacks_open:城东区", False),
        ("today.answer_rate", True),
        ("today.answer_rate:general", True),
        ("rolling.connection_rate", True),
        ("rolling.connection_rate:general", False),
        ("yesterday.answer_rate", False),
        ("today.nothing", False),
    ],
)
def test_rules_may_look_at_figures_that_there_are(name: str, known: bool) -> None:
    assert known_figure(name, ("general",)) is known


def test_the_shipped_rules_work_and_every_live_figure_says_what_it_is() -> None:
    for rule in shipped_rules():
        rule.check()
        assert known_figure(rule.figure, ())
    assert all(one.title and one.formula for one in LIVE.values())
