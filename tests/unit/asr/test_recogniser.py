"""Words joined, confidence weighted, recognisers kept within bounds."""

from __future__ import annotations

import time

import pytest

from asr.recogniser import RETIRE_S, Heard, HeardWord, VoskRecogniser, VoskRecognisers, join_words


class FakeEngine:
    """Takes the place of a Kaldi recogniser."""

    def __init__(self, model: object, rate: int) -> None:
        self.rate = rate

    def SetWords(self, wanted: bool) -> None:
        self.words = wanted

    def AcceptWaveform(self, pcm: bytes) -> int:
        return 0

    def PartialResult(self) -> str:
        return '{"partial": "我 要 投诉"}'

    def FinalResult(self) -> str:
        return (
            '{"text": "你好", "result": [{"word": "你好", "start": 11.0, "end": 11.5, "conf": 0.9}]}'
            if self.rate == 8000
            else '{"text": ""}'
        )


@pytest.fixture(autouse=True)
def fake_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vosk.KaldiRecognizer", FakeEngine)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["我", "要", "投诉"], "我要投诉"),
        (["上", "wi", "fi", "信号"], "上wi fi信号"),
        (["<unk>", "停水", "[noise]"], "停水"),
        ([], ""),
    ],
)
def test_words_are_joined_without_spaces_between_chinese_ones(words: list[str], text: str) -> None:
    assert join_words(words) == text


def test_confidence_is_weighted_by_the_length_of_words() -> None:
    heard = Heard((HeardWord("停水", 0.0, 0.9, 1.0), HeardWord("了", 0.9, 1.0, 0.5)))
    assert heard.confidence == pytest.approx(0.95)


def test_nothing_heard_has_no_confidence() -> None:
    assert Heard(()).confidence == 0.0


def test_times_count_from_the_speech_although_the_engine_counts_from_its_making() -> None:
    used = VoskRecogniser(object(), 8000)
    used.accept(bytes(2 * 8000 * 10))
    used.finish()
    (word,) = used.finish().words
    assert (word.start, word.end) == (1.0, 1.5)


def test_a_partial_result_has_no_spaces() -> None:
    assert VoskRecogniser(object(), 8000).partial() == "我要投诉"


def test_nothing_understood_is_no_words() -> None:
    assert VoskRecogniser(object(), 16000).finish() == Heard(())


def test_the_recogniser_used_last_is_used_first() -> None:
    pool = VoskRecognisers(object(), composed=False)
    first, second = pool.take(8000), pool.take(8000)
    pool.give_back(second)
    pool.give_back(first)
    assert pool.take(8000) is first
    assert pool.take(8000) is second


def test_rates_are_not_mixed() -> None:
    pool = VoskRecognisers(object(), composed=False)
    wide = pool.take(16000)
    pool.give_back(wide)
    assert pool.take(8000) is not wide
    assert pool.take(16000) is wide


def test_idle_recognisers_are_bounded() -> None:
    pool = VoskRecognisers(object(), composed=False, spare=2)
    taken = [pool.take(8000) for _ in range(5)]
    for each in taken:
        pool.give_back(each)
    again = [pool.take(8000) for _ in range(5)]
    assert sum(each in taken for each in again) == 2


def test_a_recogniser_that_heard_much_is_thrown_away_with_its_memory() -> None:
    pool = VoskRecognisers(object(), composed=False)
    old = pool.take(8000)
    old.accept(bytes(round(2 * 8000 * (RETIRE_S + 1))))
    pool.give_back(old)
    assert pool.take(8000) is not old


def test_with_a_composed_graph_none_is_kept() -> None:
    pool = VoskRecognisers(object(), composed=True)
    used = pool.take(8000)
    pool.give_back(used)
    assert pool.take(8000) is not used


def test_one_more_is_kept_ready_than_is_used_and_it_has_heard_speech() -> None:
    pool = VoskRecognisers(object(), composed=False, spare=2)
    pool.keep_warm(bytes(2 * 8000), 8000)
    first = ready(pool)
    second = ready(pool)
    assert (first.fed_s, second.fed_s) == (1.0, 1.0)
    assert pool.take(8000).fed_s == 0  # beyond the spares it is made when it is needed
    pool.give_back(first)
    assert pool.take(8000) is first


def test_recognisers_prepared_before_the_first_leg_have_heard_speech() -> None:
    pool = VoskRecognisers(object(), composed=False, spare=4)
    pool.prepare(2, bytes(2 * 8000), 8000)
    assert [pool.take(8000).fed_s for _ in range(3)] == [1.0, 1.0, 0.0]


def test_a_composed_graph_needs_no_preparation() -> None:
    pool = VoskRecognisers(object(), composed=True)
    pool.prepare(2, bytes(2 * 8000), 8000)
    assert pool.idle == 0


def test_what_failed_is_replaced() -> None:
    pool = VoskRecognisers(object(), composed=False, spare=1)
    pool.keep_warm(bytes(2 * 8000), 8000)
    ready(pool)
    pool.forget()
    assert ready(pool).fed_s == 1.0


def ready(pool: VoskRecognisers) -> VoskRecogniser:
    """Take a recogniser once one is idle."""
    deadline = time.monotonic() + 20
    while not pool.idle:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return pool.take(8000)
