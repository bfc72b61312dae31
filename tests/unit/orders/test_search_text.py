"""What an order is searched by: texts cut into grams; a word's grams are in every text that has it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orders.search_text import grams_of, is_number, joined, words_of

TEXTS = st.text("水电停A1234567890 \n%𠮷😀é", max_size=20).map(str.lower)


@given(before=TEXTS, word=TEXTS.filter(lambda text: not any(map(str.isspace, text))), after=TEXTS)
def test_a_text_that_has_a_word_has_all_its_grams(before: str, word: str, after: str) -> None:
    assert set(grams_of(word)) <= set(grams_of(before + word + after))


def test_chinese_is_cut_into_single_characters_and_pairs() -> None:
    assert len(grams_of("停水了")) == 3 + 2
    assert len(grams_of("停水了", singles=False)) == 2


def test_digits_are_cut_into_fours() -> None:
    assert len(grams_of("13812345")) == 5
    assert all(map(is_number, grams_of("13812345")))
    assert grams_of("138") == ()


def test_digits_beside_a_character_make_a_pair_with_it() -> None:
    pairs = [gram for gram in grams_of("3栋2单元", singles=False) if not is_number(gram)]
    assert len(pairs) == 4


def test_no_gram_reaches_over_a_blank_or_from_one_value_into_the_next() -> None:
    assert set(grams_of("停 水", singles=False)) == set()
    assert set(grams_of(joined("停", "水"), singles=False)) == set()


def test_characters_beyond_the_first_plane_have_grams_in_32_bits() -> None:
    assert all(-(1 << 31) <= gram < 1 << 31 for gram in grams_of("𠮷野家😀"))
    assert len(grams_of("傅𠮷", singles=False)) == 1


def test_words_are_told_once_each_small_letters_and_capitals_alike() -> None:
    assert words_of(" KTV 噪声 ktv\t噪声 ") == ("ktv", "噪声")
