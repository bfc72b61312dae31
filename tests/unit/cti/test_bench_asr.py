"""`hotline bench asr`: the calls that are fed, when words count as shown, how the limit is looked for."""

from __future__ import annotations

from itertools import pairwise

import pytest

from asr.messages import Speaker
from asr.text import readable
from cti.bench.asr import Search
from cti.bench.asr_audio import FRAME, FRAME_S, RATE, Clip, load_clips, plan_call
from cti.bench.asr_score import Sentence, TimedWord, delays, edits, error_rate
from cti.bench.asr_trial import Trial

CLIPS = tuple(
    Clip(name=f"{side.value}_{n}.wav", speaker=side, text="一", pcm=b"\x01\x10" * round(RATE * (1.5 + n)))
    for side in (Speaker.CITIZEN, Speaker.AGENT)
    for n in range(4)
)


def test_two_legs_of_a_call_take_turns_and_end_whole() -> None:
    for number in range(20):
        said = sorted(
            (one.at, one.clip.seconds) for leg in plan_call(number, 40.0, CLIPS) for one in leg.said
        )
        assert len(said) > 4
        assert all(at + seconds <= after + 0.011 for (at, seconds), (after, _) in pairwise(said))
        assert said[-1][0] + said[-1][1] <= 40.0


def test_the_same_call_is_made_every_time() -> None:
    assert plan_call(3, 30.0, CLIPS) == plan_call(3, 30.0, CLIPS)
    assert plan_call(3, 30.0, CLIPS) != plan_call(4, 30.0, CLIPS)


def test_some_legs_send_nothing_while_they_are_silent_unless_they_have_to() -> None:
    legs = [leg for number in range(6) for leg in plan_call(number, 20.0, CLIPS)]
    quiet = [leg for leg in legs if None in leg.frames(20.0)]
    assert len(quiet) == len(legs) // 3
    assert all(None not in leg.frames(20.0, always=True) for leg in legs)


def test_a_leg_holds_its_clips_at_their_places() -> None:
    leg, _ = plan_call(1, 20.0, CLIPS)
    pcm = b"".join(frame or bytes(FRAME) for frame in leg.frames(20.0))
    for said in leg.said:
        begin = round(said.at / FRAME_S) * FRAME
        assert pcm[begin : begin + len(said.clip.pcm)] == said.clip.pcm


def test_the_demos_sentences_have_both_sides() -> None:
    assert {clip.speaker for clip in load_clips()} == {Speaker.CITIZEN, Speaker.AGENT}


def words(*texts: str, due: float = 0.0) -> list[TimedWord]:
    return [TimedWord(text, due + number) for number, text in enumerate(texts)]


def test_a_word_is_shown_by_the_first_partial_that_has_it() -> None:
    sentence = Sentence([(1.5, "我要"), (2.4, "我要投诉")], ("我", "要", "投诉", "他"), 9.0)
    found = delays([(words("我", "要", "投诉", "他"), [sentence])], str)
    assert found.partial_s == pytest.approx((1.5, 0.5, 0.4, 6.0))
    assert found.final_s == pytest.approx((9.0, 8.0, 7.0, 6.0))
    assert found.sentence_s == pytest.approx((6.0,))
    assert (found.found, found.revised) == (1.0, 1)


def test_numbers_count_as_shown_in_the_form_in_which_people_read_them() -> None:
    heard = ("八", "栋", "二", "单元", "六", "零", "三")
    assert readable("".join(heard)) != "".join(heard)
    sentence = Sentence([(7.0, readable("八栋二单元六零三"))], heard, 20.0)
    found = delays([(words(*heard), [sentence])], readable)
    assert max(found.partial_s) == 7.0
    assert found.revised == 0


def test_a_word_that_a_partial_had_otherwise_is_not_shown_by_it() -> None:
    sentence = Sentence([(1.0, "我要投书"), (3.0, "我要投诉噪声")], ("我", "要", "投诉", "噪声"), 9.0)
    found = delays([(words("我", "要", "投诉", "噪声"), [sentence])], str)
    assert found.partial_s == pytest.approx((1.0, 0.0, 1.0, 0.0))


def test_a_partial_that_the_final_contradicts_still_shows_what_both_have() -> None:
    sentence = Sentence([(1.0, "喂我要")], ("我", "要"), 9.0)
    assert delays([(words("我", "要"), [sentence])], str).partial_s == pytest.approx((1.0, 0.0))


def test_words_that_were_heard_otherwise_have_no_delay_and_lower_the_share() -> None:
    found = delays([(words("停水", "了"), [Sentence([], ("停学", "了"), 5.0)])], str)
    assert found.partial_s == (4.0,)
    assert found.found == 0.5


def test_a_sentence_without_a_final_is_not_found() -> None:
    assert delays([(words("停水"), [Sentence([(1.0, "停水")])])], str).found == 0.0


def test_errors_are_characters_inserted_left_out_or_changed() -> None:
    assert edits("停水了", "停税了啊") == 2
    assert error_rate([("停水，了。", "停水了"), ("十号", "四号")]) == pytest.approx(1 / 5)


def trial(calls: int, *, holds: bool) -> Trial:
    return Trial(
        calls=calls, holds=holds, partial_ms={}, final_ms={}, sentence_ms={}, words_found=1.0,
        shown_only_final=0, dropped_s=0.0, unfinished=0, cores=1.0, cpu_ms_per_call_s=1.0, memory_mb=1.0,
        processes={}, feeder_late_ms=0.0, load=0.0, texts={},
    )  # fmt: skip


@pytest.mark.parametrize("limit", [1, 3, 17, 24, 25, 61])
def test_the_search_ends_close_below_the_limit(limit: int) -> None:
    search = Search(24)
    while search.number and len(search.trials) < 20:
        search.after(trial(search.number, holds=search.number <= limit))
    best = search.best
    assert best is not None
    assert limit - max(1, 0.05 * limit) <= best.calls <= limit


def test_nothing_that_holds_is_no_answer() -> None:
    search = Search(4)
    while search.number:
        search.after(trial(search.number, holds=False))
    assert search.best is None


def test_a_lucky_trial_above_one_that_failed_does_not_count() -> None:
    search = Search(4, trials=[trial(4, holds=True), trial(6, holds=False), trial(7, holds=True)])
    best = search.best
    assert best is not None
    assert best.calls == 4
