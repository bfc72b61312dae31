"""Every figure is defined once, computed, and told in docs/figures.md as it is defined."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from acd.callbacks import CallbackState
from acd.messages import AgentState
from cti.figures import engine
from cti.figures.__main__ import MARK, TARGET, text
from cti.figures.board import BOARD
from cti.figures.causes import CAUSES, Cause, causes_shown
from cti.figures.definitions import FIGURES, GROUP_TITLES, Group, filled, shown
from cti.figures.facts import Rules, Span
from orders.visits import VisitState

MEANINGS = Path(__file__).parents[3] / "agent_desktop" / "src" / "wall" / "meanings.ts"
SPAN = Span(since=0.0, until=86400.0)


def test_the_engine_computes_exactly_the_figures_that_are_defined() -> None:
    assert list(engine.figures(engine.NO_FACTS, span=SPAN)) == list(FIGURES)


def test_no_two_figures_have_the_same_title() -> None:
    titles = [one.title for one in FIGURES.values()]
    assert len(set(titles)) == len(titles)


def test_every_group_has_a_title_and_figures() -> None:
    assert set(GROUP_TITLES) == set(Group) == {one.group for one in FIGURES.values()}


@pytest.mark.parametrize("key", FIGURES)
def test_a_formula_names_the_settings_that_are_in_force(key: str) -> None:
    rules = Rules(answer_s=20.0, connected=0.9, short_s=3.0, repeat_days=14, satisfied_from=5)
    told = filled(key, rules)
    assert "{" not in told.formula + told.note
    for name, words in (("answer_s", "20"), ("connected", "90%"), ("short_s", "3"), ("repeat_days", "14")):
        if f"{{{name}}}" in FIGURES[key].formula:
            assert words in told.formula


def test_both_service_levels_of_asterisk_are_named_with_their_source() -> None:
    for key, name in (
        ("service_level_perf", "ServicelevelPerf"),
        ("service_level_perf2", "ServicelevelPerf2"),
    ):
        assert name in FIGURES[key].title
        assert "app_queue.c" in FIGURES[key].source


def test_figures_are_shown_in_the_order_of_their_groups() -> None:
    groups = [one.group for one in shown(Rules())]
    assert groups == sorted(groups, key=list(Group).index)


def test_every_cause_has_a_title_and_says_when_it_is_the_cause() -> None:
    assert set(CAUSES) == set(Cause)
    for told in causes_shown(Rules()):
        assert told["title"] and told["rule"] and not re.search(r"[{}]", told["rule"])


def test_nothing_counted_gives_zeros_and_no_shares() -> None:
    figures = engine.figures(engine.NO_FACTS, span=SPAN)
    for key, value in figures.items():
        assert value in (0.0, None), key
    assert figures["answer_rate"] is None and figures["offered"] == 0.0


def test_the_handbook_says_what_the_code_does() -> None:
    assert TARGET.read_text(encoding="utf-8").partition(MARK)[2] == text(), "run python -m cti.figures"


def test_every_figure_that_the_wall_explains_is_defined_here_or_for_reports() -> None:
    told = MEANINGS.read_text(encoding="utf-8")
    named = re.findall(r"key: '((?:live|board)\.\w+|[a-z]+_\w+|offered|answered|abandoned)'", told)
    assert len(named) > 30
    assert set(named) <= BOARD.keys() | FIGURES.keys()


def test_everything_that_only_the_wall_shows_is_explained_on_it() -> None:
    told = MEANINGS.read_text(encoding="utf-8")
    states = {f"board.callbacks.{one}" for one in CallbackState}
    states |= {f"board.visits.{one}" for one in VisitState}
    states |= {f"live.agents_{one}" for one in AgentState if one is not AgentState.OFFLINE}
    assert states <= BOARD.keys()
    asked_elsewhere = {  # by alert rules only
        "live.callbacks_open", "live.visits_waiting", "live.topics_high", "live.broken",
    }  # fmt: skip
    for key in BOARD.keys() - asked_elsewhere:
        assert f"'{key}'" in told or f"'{key.rpartition('.')[2]}'" in told, key


def test_what_only_the_wall_shows_has_a_formula_and_no_title_of_a_figure_of_reports() -> None:
    assert all(one.title and one.formula for one in BOARD.values())
    titles = [one.title for one in BOARD.values()] + [one.title for one in FIGURES.values()]
    assert len(set(titles)) == len(titles)
