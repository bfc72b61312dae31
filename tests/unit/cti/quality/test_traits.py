"""What a talk was like: silence, talk-over, holds, words that should not be said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.quality.traits import Said, Span, TalkTraits, traits

TALK = Span(10.0, 110.0)


def said(start: float, end: float, speaker: str = "citizen", text: str = "路灯坏了", **more: bool) -> Said:
    return Said(line_id=f"{speaker}-{start}", speaker=speaker, start=start, end=end, text=text, **more)


def of(*lines: Said, holds: tuple[Span, ...] = (), forbidden: tuple[str, ...] = ()) -> TalkTraits:
    return traits(TALK, lines, holds, forbidden=forbidden)


def test_silence_is_where_neither_speaks() -> None:
    found = of(said(10, 30), said(40, 110, "agent"))
    assert (found.silence_s, found.silence_longest_s, found.silence_at) == (10.0, 10.0, 30.0)


def test_the_share_of_silence_is_of_what_was_heard() -> None:
    found = of(said(10, 60), holds=(Span(60, 85),))
    assert found.silence_s == 25.0
    assert found.silence_share == pytest.approx(25 / 75)


def test_a_hold_is_no_silence() -> None:
    found = of(said(10, 50), said(80, 110, "agent"), holds=(Span(50, 80),))
    assert found.silence_s == 0
    assert (found.hold_s, found.hold_longest_s) == (30.0, 30.0)


def test_where_nobody_listened_is_no_silence() -> None:
    gap = said(50, 80, text="", gap=True)
    assert of(said(10, 50), gap, said(80, 110, "agent")).silence_s == 0


def test_an_interpreter_who_speaks_breaks_the_silence() -> None:
    assert of(said(10, 50), said(50, 110, "third")).silence_s == 0


def test_talk_over_is_where_both_speak() -> None:
    found = of(said(10, 60), said(55, 110, "agent"))
    assert (found.overlap_s, found.overlap_at) == (5.0, 55.0)


def test_a_short_yes_while_the_other_speaks_is_no_talk_over() -> None:
    assert of(said(10, 60), said(30, 30.5, "agent", "嗯")).overlap_s == 0


def test_two_lines_of_one_speaker_at_once_count_once() -> None:
    assert of(said(10, 60), said(40, 80)).citizen_s == 70.0


def test_what_is_said_before_the_answer_does_not_count() -> None:
    assert of(said(0, 20)).citizen_s == 10.0


def test_a_forbidden_word_of_the_agent_is_found_with_its_place() -> None:
    (hit,) = of(said(20, 25, "agent", "这不归我们管"), forbidden=("不归我们管",)).words
    assert (hit.word, hit.at) == ("不归我们管", 20)


def test_the_citizen_may_say_what_they_like() -> None:
    assert of(said(20, 25, "citizen", "你们说不归我们管"), forbidden=("不归我们管",)).words == ()


def test_a_talk_without_any_line_is_all_silence() -> None:
    found = of()
    assert (found.silence_s, found.silence_share) == (100.0, 1.0)


times = st.floats(0, 150).map(lambda one: round(one, 1))
spoken = st.builds(
    lambda a, b, who: said(min(a, b), max(a, b), who), times, times, st.sampled_from(["citizen", "agent"])
)


@given(
    st.lists(spoken, max_size=12), st.lists(st.builds(lambda a, b: Span(min(a, b), max(a, b)), times, times))
)
def test_the_parts_never_exceed_the_talk(lines: list[Said], holds: list[Span]) -> None:
    found = traits(TALK, lines, holds)
    assert found.silence_s + found.hold_s <= found.talk_s + 0.01
    assert found.silence_s <= found.heard_s + 0.01
    assert found.silence_longest_s <= found.silence_s + 0.01
    assert found.overlap_s <= min(found.agent_s, found.citizen_s) + 0.01


@given(st.lists(spoken, max_size=12))
def test_the_order_of_the_lines_does_not_matter(lines: list[Said]) -> None:
    assert traits(TALK, lines) == traits(TALK, reversed(lines))
