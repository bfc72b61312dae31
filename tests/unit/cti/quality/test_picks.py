"""Which talks are reviewed: by rule and by chance."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.quality.errors import RulesError
from cti.quality.picks import SHIPPED, PickRules, Talk, read_rules, reasons, sample
from cti.quality.traits import TalkTraits, WordHit

RULES = PickRules(
    sample_per_agent_a_day=2,
    found_per_agent_a_day=5,
    least_talk_s=20,
    silence_longest_s=25,
    silence_share=0.5,
    overlap_s=8,
    hold_longest_s=120,
    satisfaction_most=2,
    mos_least=2.5,
    forbidden=("不归我们管",),
)
QUIET = TalkTraits(
    talk_s=100,
    heard_s=100,
    silence_s=5,
    silence_longest_s=3,
    silence_at=40.0,
    overlap_s=0,
    overlap_at=None,
    agent_s=45,
    citizen_s=50,
    hold_s=0,
    hold_longest_s=0,
)


def talk(call_id: str = "c1", agent_id: str = "li", **more: object) -> Talk:
    return msgspec.structs.replace(
        Talk(call_id=call_id, agent_id=agent_id, talk_s=100, satisfaction=5, mos=4.2, traits=QUIET), **more
    )


def rules_of(one: Talk) -> list[str]:
    return [reason.rule for reason in reasons(RULES, one)]


def like(**more: object) -> Talk:
    return talk(traits=msgspec.structs.replace(QUIET, **more))


def test_an_ordinary_talk_is_found_by_no_rule() -> None:
    assert reasons(RULES, talk()) == ()


@pytest.mark.parametrize(
    ("found", "rule"),
    [
        (like(silence_longest_s=25.0), "silence_longest_s"),
        (like(silence_s=50.0), "silence_share"),
        (like(overlap_s=8.0), "overlap_s"),
        (like(hold_longest_s=120.0), "hold_longest_s"),
        (like(words=(WordHit(word="不归我们管", line_id="l", at=3.0),)), "forbidden"),
        (talk(satisfaction=2), "satisfaction_most"),
        (talk(mos=2.4), "mos_least"),
    ],
)
def test_a_talk_at_the_bound_is_found_by_its_rule(found: Talk, rule: str) -> None:
    assert rules_of(found) == [rule]


@pytest.mark.parametrize(
    "ordinary", [like(silence_longest_s=24.9), like(overlap_s=7.9), talk(satisfaction=3), talk(mos=2.5)]
)
def test_a_talk_within_the_bound_is_not(ordinary: Talk) -> None:
    assert reasons(RULES, ordinary) == ()


def test_a_rule_that_is_switched_off_finds_nothing() -> None:
    off = msgspec.structs.replace(RULES, overlap_s=None)
    assert reasons(off, like(overlap_s=99.0)) == ()


def test_a_talk_that_nobody_rated_is_not_rated_badly() -> None:
    assert reasons(RULES, talk(satisfaction=None)) == ()


def test_a_reason_says_where_to_listen() -> None:
    (reason,) = reasons(RULES, like(silence_longest_s=31.0))
    assert (reason.text, reason.at) == ("最长静默 31 秒", 40.0)


def test_every_agent_is_drawn_the_same_number_of_talks() -> None:
    talks = [talk(f"{agent}{n}", agent) for agent in ("li", "wang") for n in range(9)]
    drawn = sample(RULES, "2026-11-22", talks)
    assert sorted(call_id[:-1] for call_id in drawn) == ["li", "li", "wang", "wang"]


def test_short_talks_are_not_drawn() -> None:
    assert sample(RULES, "2026-11-22", [talk(talk_s=19.0)]) == ()


def test_what_was_drawn_before_counts() -> None:
    talks = [talk(f"c{n}") for n in range(9)]
    first = sample(RULES, "2026-11-22", talks)
    assert sample(RULES, "2026-11-22", talks, taken=first) == ()


def test_another_day_draws_other_lots() -> None:
    talks = [talk(f"c{n}") for n in range(40)]
    assert len({sample(RULES, f"2026-11-{day:02}", talks) for day in range(1, 20)}) > 10


@given(st.permutations([f"c{n}" for n in range(12)]))
def test_the_order_of_the_talks_does_not_matter(order: list[str]) -> None:
    drawn = sample(RULES, "2026-11-22", [talk(call_id) for call_id in order])
    assert drawn == sample(RULES, "2026-11-22", [talk(f"c{n}") for n in range(12)])


def test_the_shipped_rules_can_be_read() -> None:
    assert read_rules(SHIPPED.read_text(encoding="utf-8")).sample_per_agent_a_day == 1


def test_an_unknown_rule_is_refused_by_name() -> None:
    with pytest.raises(RulesError, match="silense"):
        read_rules(SHIPPED.read_text(encoding="utf-8") + "\nsilense: 3\n")
