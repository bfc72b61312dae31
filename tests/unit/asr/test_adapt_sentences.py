"""Sentences of a city: phrases with its names, every name, bounded, the same each time."""

from __future__ import annotations

import random

import pytest

from asr.adapt_grammar import PhraseError, parse
from asr.adapt_sentences import MOST_MENTIONS, Words, drawn, mentions, shipped
from asr.gazetteer_file import Entry, Kind

CITY = (
    Entry(name="城东区", kind=Kind.DISTRICT),
    Entry(name="河西区", kind=Kind.DISTRICT),
    Entry(name="新华街道", kind=Kind.STREET, parents=("城东区",)),
    Entry(name="光明街道", kind=Kind.STREET, parents=("河西区",)),
    Entry(name="枫林苑", kind=Kind.ESTATE, parents=("新华街道",)),
    Entry(name="雅居", kind=Kind.ESTATE, parents=("光明街道",)),
    Entry(name="市水务局", kind=Kind.ORGANISATION),
)


def test_choices_sets_and_slots_make_a_sentence() -> None:
    phrases = parse("f", "# a comment\n@call\n(你好|您好)，{what}\n@what\n{thing}停了(吧|)\n")
    said = {phrases.draw("call", {"thing": lambda _: "水"}, random.Random(seed)) for seed in range(40)}
    assert said == {"你好，水停了", "您好，水停了", "你好，水停了吧", "您好，水停了吧"}


def test_a_heavier_phrase_comes_more_often() -> None:
    phrases = parse("f", "@call\n9|甲\n乙\n")
    chance = random.Random(1)
    said = [phrases.draw("call", {}, chance) for _ in range(300)]
    assert said.count("甲") > 4 * said.count("乙") > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [("甲", "before the first @name"), ("@a\n(甲", "not closed"), ("@a\n甲)", "not opened"),
     ("@a\n甲|乙", "outside"), ("@a\n{甲", "brace"), ("@a\n甲\n@a\n乙", "twice"),
     ("@a\n@b\n甲", "@a has no phrase")],
)  # fmt: skip
def test_a_file_of_phrases_that_is_not_well_written_is_refused(text: str, said: str) -> None:
    with pytest.raises(PhraseError, match=said):
        parse("f", text)


def test_a_phrase_that_contains_itself_or_an_unknown_name_is_refused() -> None:
    with pytest.raises(PhraseError, match="circle"):
        parse("f", "@a\n{a}").draw("a", {}, random.Random(1))
    with pytest.raises(PhraseError, match="nobody"):
        parse("f", "@a\n{nobody}").draw("a", {}, random.Random(1))


def test_the_same_seed_draws_the_same_sentences() -> None:
    first = list(drawn(shipped(), CITY, Words(), count=50, seed=3))
    assert first == list(drawn(shipped(), CITY, Words(), count=50, seed=3))
    assert first != list(drawn(shipped(), CITY, Words(), count=50, seed=4))


def test_every_set_of_the_shipped_phrases_can_be_drawn_and_no_brace_is_left() -> None:
    said = list(drawn(shipped(), CITY, Words(titles=("停水",)), count=3000))
    assert not [sentence for sentence in said if set(sentence) & set("{}()|")]


def test_names_that_are_said_together_belong_together() -> None:
    said = [sentence for sentence in drawn(shipped(), CITY, Words(), count=2000) if "枫林苑" in sentence]
    assert any("新华街道枫林苑" in sentence for sentence in said)
    assert not any("光明街道枫林苑" in sentence for sentence in said)


def test_every_name_and_word_of_the_city_is_said() -> None:
    words = Words(cues=("占道经营",), categories=("供水",), titles=("停水怎么办",), units=("区城管局",))
    said = "\n".join(mentions(CITY, words))
    for name in [*(entry.name for entry in CITY), "占道经营", "供水", "停水怎么办", "转区城管局处理"]:
        assert name in said
    assert "城东区新华街道枫林苑" in said or "新华街道枫林苑" in said


def test_a_city_without_names_still_has_sentences() -> None:
    assert list(drawn(shipped(), (), Words(), count=100))
    assert not list(mentions((), Words()))


def test_a_huge_gazetteer_is_said_name_by_name_only() -> None:
    many = tuple(Entry(name=f"小区{number}", kind=Kind.ESTATE) for number in range(MOST_MENTIONS // 3 + 1))
    assert sum(1 for _ in mentions(many, Words())) == len(many)
