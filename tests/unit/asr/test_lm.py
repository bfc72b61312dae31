"""The language half of an adapted model: spelling, counting, mixing, OpenFst's text form."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.lm_fst import GrammarError, read, write
from asr.lm_ngram import BEGIN, END, Trigrams, count, mix, prune
from asr.lm_pieces import Lexicon, clauses, counted, lexicon, spoken_number

_PIECES = ("我", "住", "住在", "在", "城", "东区", "东", "区", "三", "八", "三八", "香")
WORDS = {word: number for number, word in enumerate(_PIECES, 1)}
COSTS = dict.fromkeys(WORDS.values(), 8.0) | {
    WORDS["住在"]: 5.0,
    WORDS["东区"]: 6.0,
    WORDS["三八"]: 2.0,
}
LEXICON = Lexicon(numbers=WORDS, costs={word: COSTS[number] for word, number in WORDS.items()})

SENTENCES = st.lists(st.lists(st.integers(1, 9), max_size=7), min_size=1, max_size=25)


def said(pieces: tuple[int, ...] | None) -> list[str]:
    assert pieces is not None
    names = {number: word for word, number in WORDS.items()}
    return [names[piece] for piece in pieces]


def total(model: Trigrams, before: int, last: int) -> float:
    words = np.flatnonzero(np.isfinite(model.one))
    rows = np.full_like(words, before), np.full_like(words, last)
    return float(np.exp(model.log(*rows, words)).sum())


def test_a_name_outside_the_lexicon_is_spelled_by_few_and_frequent_pieces() -> None:
    assert said(LEXICON.spell("我住在城东区")) == ["我", "住在", "城", "东区"]


def test_digits_of_a_number_are_spelled_one_by_one_whatever_words_they_make() -> None:
    assert said(LEXICON.spell("三八三")) == ["三", "八", "三"]
    assert said(LEXICON.spell("三八")) == ["三八"]


def test_a_rare_character_is_spelled_by_a_frequent_one_of_its_sound() -> None:
    assert said(LEXICON.spell("骧")) == ["香"]


@pytest.mark.parametrize("text", ["我K", "龘", "我Ａ"])
def test_what_no_piece_sounds_like_cannot_be_spelled(text: str) -> None:
    assert LEXICON.spell(text) is None


@given(st.text(alphabet="我住在城东区三八香", min_size=1, max_size=30))
def test_the_pieces_of_a_spelled_text_are_the_text(text: str) -> None:
    assert "".join(said(LEXICON.spell(text))) == text


def test_marks_and_sentence_ends_of_the_symbol_table_are_no_words() -> None:
    table = ["<eps> 0", "!SIL 1", "[unk] 2", "#0 3", "</s> 4", "城 5", "没有 6"]
    assert lexicon(table, {1: 1.0, 2: 1.0, 4: 1.0, 5: 1.0}).numbers == {"城": 5}


@pytest.mark.parametrize(
    ("digits", "spoken"),
    [("603", "六百零三"), ("12", "十二"), ("110", "一百一十"), ("2026", "二零二六"), ("1001", "一千零一"),
     ("13800005267", "幺三八零零零零五二六七"), ("07", "零七"), ("3.5", "三点五"), ("30%", "百分之三十")],
)  # fmt: skip
def test_digits_are_written_as_they_are_said(digits: str, spoken: str) -> None:
    assert spoken_number(digits) == spoken


@given(st.integers(0, 9999))
def test_no_two_numbers_are_counted_alike(number: int) -> None:
    assert counted(number) != counted((number + 1) % 10_000)


def test_a_text_falls_into_clauses_at_its_marks() -> None:
    assert [clause for clause in clauses("（急）你好，住8栋。") if clause] == ["急", "你好", "住八栋"]


@settings(deadline=None)
@given(SENTENCES)
def test_probabilities_sum_to_one_after_any_words(sentences: list[list[int]]) -> None:
    model = count(sentences)
    for before, last in [(-1, BEGIN), (-1, 1), (BEGIN, 1), (1, 2), (9, 9)]:
        if last == BEGIN or np.isfinite(model.one[last]):
            assert total(model, before, last) == pytest.approx(1.0, abs=1e-9)


@settings(deadline=None)
@given(SENTENCES, SENTENCES, st.floats(0.1, 0.9))
def test_a_mixture_still_sums_to_one_wherever_it_has_a_context(
    left: list[list[int]], right: list[list[int]], weight: float
) -> None:
    everything = [[1, 2, 3, 4, 5, 6, 7, 8, 9]] * 3  # so that no context is full
    model = mix(prune(count(left + everything), 0.2), count(right + everything), weight)
    for before, last in [(-1, BEGIN), (-1, 1), (BEGIN, 1), (1, 2), (9, 9)]:
        assert total(model, before, last) == pytest.approx(1.0, abs=0.01)


def test_what_a_domain_says_becomes_likelier_in_the_mixture_and_the_general_stays() -> None:
    general = count([[1, 2, 3], [4, 5, 6], [1, 5, 3], [7, 8, 9]] * 5)
    mixed = mix(count([[1, 9, 3]] * 20), general, 0.3)
    after = np.array([BEGIN]), np.array([1])
    assert mixed.log(*after, np.array([9])) > general.log(*after, np.array([9])) + 1
    elsewhere = np.array([4]), np.array([5]), np.array([6])
    assert mixed.log(*elsewhere) > general.log(*elsewhere) - 0.5


def test_pruning_leaves_out_trigrams_that_say_what_their_backoff_says() -> None:
    model = count([[1, 2, 3], [4, 2, 3], [5, 2, 3], [6, 7, 8], [9, 7, 1]] * 3)
    less = prune(model, 0.3)
    assert 0 < len(less.three) < len(model.three)
    assert total(less, 1, 2) == pytest.approx(1.0, abs=0.01)


def test_no_sentence_is_no_model() -> None:
    with pytest.raises(ValueError, match="no sentence"):
        count([])


@settings(deadline=None)
@given(SENTENCES)
def test_a_language_half_is_read_as_it_was_written(sentences: list[list[int]]) -> None:
    model = count([*sentences, [1, 2, 3]])
    text = io.StringIO()
    write(model, text)
    again = read(text.getvalue().splitlines())
    assert again.two.tolist() == model.two.tolist()
    assert again.three.tolist() == model.three.tolist()
    np.testing.assert_allclose(again.three_log, model.three_log, atol=1e-4)
    np.testing.assert_allclose(again.two_back, model.two_back, atol=1e-4)
    np.testing.assert_allclose(np.exp(again.one), np.exp(model.one), atol=1e-4)


def test_the_begin_of_a_sentence_is_the_first_state_and_ends_are_final_states() -> None:
    text = io.StringIO()
    write(count([[1, 2]]), text)
    lines = text.getvalue().splitlines()
    source, _, label, output, _ = lines[0].split()
    assert (label, output) == ("1", "1")
    finals = [line for line in lines if len(line.split()) == 2]
    assert finals
    assert all(line.split()[0] != source for line in finals)
    assert str(END) not in text.getvalue()


@pytest.mark.parametrize(
    "text", ["", "0 1 5 5 1.0\n1 0.5", "1 0 0 0 1\n0 2 5 5 1\n2 3 6 6 1\n3 4 7 7 1\n4 0 0 0 1"]
)
def test_what_is_no_backoff_trigram_is_refused(text: str) -> None:
    with pytest.raises(GrammarError):
        read(text.splitlines())
