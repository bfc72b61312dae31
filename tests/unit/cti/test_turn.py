"""One turn of listening: when somebody has begun to speak, and when they have said it."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from asr.messages import Speaker, TranscriptFinal, TranscriptPartial
from cti.control.turn import LAG_S, LONG_PAUSE_S, MOST_TEXT, SHORT_PAUSE_S, STALLED_S, Turn
from ivr_flows.messages import Heard


def partial(text: str, segment: int = 0) -> TranscriptPartial:
    return TranscriptPartial(
        call_id="c", speaker=Speaker.CITIZEN, segment=segment, tap_id="t", text=text, start=1.0, end=2.0
    )


def final(text: str, segment: int = 0, confidence: float = 0.9) -> TranscriptFinal:
    return TranscriptFinal(
        call_id="c", speaker=Speaker.CITIZEN, segment=segment, tap_id="t", text=text, verbatim=text,
        start=1.0, end=2.0, confidence=confidence,
    )  # fmt: skip


def asked(*, wait_s: float = 6.0, most_s: float = 20.0) -> Turn:
    turn = Turn(wait_s=wait_s, most_s=most_s)
    turn.asked(0.0)
    return turn


def test_two_characters_interrupt_the_question_and_one_does_not() -> None:
    turn = Turn(wait_s=6, most_s=20)
    turn.take(partial("嗯"), 1.0)
    assert not turn.speaks
    turn.take(partial("解决"), 1.2)
    assert turn.speaks
    assert turn.due() == math.inf  # the prompt is not over yet


def test_silence_ends_after_the_wait() -> None:
    assert asked().due() == 6.0 + LAG_S
    assert asked().heard() == Heard()


def test_a_short_answer_is_taken_at_once_and_a_long_one_may_go_on() -> None:
    short, long = asked(), asked()
    short.take(final("解决了。"), 2.0)
    long.take(final("我要反映暖气的问题。"), 2.0)
    assert short.due() == 2.0 + SHORT_PAUSE_S
    assert long.due() == 2.0 + LONG_PAUSE_S


def test_who_goes_on_speaking_is_waited_for() -> None:
    turn = asked()
    turn.take(final("没有"), 2.0)
    turn.take(partial("因为", 1), 2.1)
    assert turn.due() == 2.1 + STALLED_S
    turn.take(final("因为没人来", 1), 3.0)
    assert turn.heard().text == "没有因为没人来"


def test_an_answer_given_during_the_question_counts() -> None:
    turn = Turn(wait_s=6, most_s=20)
    turn.take(final("是"), 1.0)
    assert not turn.speaks
    turn.asked(4.0)
    assert turn.due() == 4.0 + SHORT_PAUSE_S
    assert turn.heard().text == "是"


def test_a_cough_is_no_answer() -> None:
    turn = asked()
    turn.take(partial("嗯"), 1.0)
    turn.take(partial(""), 1.5)
    assert turn.due() == 6.0 + LAG_S
    assert turn.heard() == Heard()


def test_a_sentence_that_is_cut_off_counts_half() -> None:
    turn = asked(most_s=3.0)
    turn.take(final("甲乙", confidence=1.0), 1.0)
    turn.take(partial("丙丁", 1), 2.9)
    assert turn.due() == 3.0
    assert turn.heard() == Heard(text="甲乙丙丁", confidence=0.75)


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.booleans(), st.text("甲乙，", max_size=300), st.floats(0, 1)),
        max_size=30,
    )
)
def test_a_turn_always_ends_and_stays_within_bounds(told: list[tuple[int, bool, str, float]]) -> None:
    turn, now = asked(wait_s=5.0, most_s=12.0), 0.0
    for segment, is_final, text, confidence in told:
        now += 0.3
        turn.take(final(text, segment, confidence) if is_final else partial(text, segment), now)
    assert turn.due() <= 12.0
    heard = turn.heard()
    assert len(heard.text) <= MOST_TEXT
    assert 0.0 <= heard.confidence <= 1.0
