"""Learning a city's language: from names and sentences to a language half, and what it is worth. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import numpy as np

from asr.adapt_sentences import DRAWN, Words, drawn, mentions, shipped
from asr.adapt_store import Scores
from asr.gazetteer_file import Entry
from asr.lm_ngram import BEGIN, END, Trigrams, count, mix, prune
from asr.lm_pieces import Lexicon, clauses, lexicon

WEIGHT = 0.3
"""Share of the city's language in the mixture before any word is known."""
LEAST = 0.2
"""Trigrams that are worth less than this (natural logarithm) over their back-off are left out."""
MAX_TEXTS = 300_000
"""Sentences of the city's own texts that are read, the first ones."""
HELD_OUT = 20
"""Every so many-th of the city's own texts is kept out of learning, to measure with."""
ENOUGH = 100
"""With fewer sentences to measure with, others are drawn anew."""
WORSE_GENERAL = 0.4
"""Bits a character that general speech may cost more."""
WORSE_CITY = 1.05
"""How many times the active model's cost a new one may cost in the city's sentences."""
FEWER_NAMES = 0.5
"""A new model must have so large a share of the active one's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a city brings."""

    entries: tuple[Entry, ...] = ()  # its gazetteer
    words: Words = field(default_factory=Words)  # matters, categories, titles, units
    phrases: tuple[str, ...] = ()  # how citizens tell matters, from the product
    texts: tuple[str, ...] = ()  # orders and other texts of its own, one or more sentences each
    drawn: int = DRAWN  # sentences drawn from the phrases


@dataclass(frozen=True, slots=True)
class Learnt:
    """A language half for the city, and how it was measured."""

    model: Trigrams  # the mixture
    domain: Trigrams  # the city's share of it
    sentences: int  # learnt from
    skipped: int  # left out: characters that no word of the model has
    texts: int  # sentences of the city's own texts
    before: Scores  # of the general model
    after: Scores  # of the mixture
    current: Scores | None = None  # of the adapted model in use, on the same sentences


def lexicon_of(table: Sequence[str], general: Trigrams) -> Lexicon:
    """Return the words that the general model may say, each with its cost without context."""
    known = np.flatnonzero(np.isfinite(general.one))
    return lexicon(table, {int(number): -float(general.one[number]) for number in known})


def learn(
    material: Material,
    words: Lexicon,
    general: Trigrams,
    *,
    current: Trigrams | None = None,
    weight: float = WEIGHT,
) -> Learnt:
    """Return the language half for a city: its own trigrams, mixed with the general model's.

    `current`: the city's trigrams in the adapted model that is in use, to be compared with.
    """
    rows: list[tuple[int, ...]] = []
    skipped = 0

    def add(sentences: Iterable[str]) -> None:
        nonlocal skipped
        for sentence in sentences:
            row = spelled(sentence, words)
            if row is None:
                skipped += 1
            elif row:
                rows.append(row)

    phrases = shipped()
    add(drawn(phrases, material.entries, material.words, count=material.drawn))
    add(mentions(material.entries, material.words))
    add(sentence for text in material.phrases for sentence in _sentences(text))
    own = [sentence for text in material.texts[:MAX_TEXTS] for sentence in _sentences(text)][:MAX_TEXTS]
    add(sentence for index, sentence in enumerate(own) if index % HELD_OUT)
    held = own[::HELD_OUT]
    if len(held) < ENOUGH:
        held += drawn(phrases, material.entries, material.words, count=max(material.drawn // 30, 1), seed=99)
    told = [row for sentence in held if (row := spelled(sentence, words))]
    plain = [row for sentence in general_sentences() if (row := spelled(sentence, words))]

    def scores(model: Trigrams) -> Scores:
        return Scores(city=bits(model, told, words), general=bits(model, plain, words))

    used = None if current is None else scores(mix(current, general, weight))
    domain = prune(count(rows), LEAST)
    mixed = mix(domain, general, weight)
    return Learnt(
        model=mixed,
        domain=domain,
        sentences=len(rows),
        skipped=skipped,
        texts=len(own),
        before=scores(general),
        after=scores(mixed),
        current=used,
    )


def refusal(learnt: Learnt, *, names: int = 0, names_before: int = 0) -> str | None:
    """Say why a new language half must not replace what is in use, None where it may.

    `names`: how many names it learnt; `names_before`: how many the adapted model in use did, 0 without one.
    """
    before, after, used = learnt.before, learnt.after, learnt.current
    if not before.city:
        return "the model has no words to spell the city's sentences with: use a Chinese model"
    if not after.city < before.city:
        return f"the city's sentences cost {after.city:.2f} bits a character, {before.city:.2f} without it"
    if after.general > before.general + WORSE_GENERAL:
        return f"general sentences cost {after.general:.2f} bits a character, {before.general:.2f} without it"
    if names < names_before * FEWER_NAMES:
        return (
            f"it has {names} names, the model in use {names_before}: were names left out? "
            "--force replaces it all the same"
        )
    if used is not None and after.city > WORSE_CITY * used.city:
        return (
            f"the city's sentences cost {after.city:.2f} bits a character, {used.city:.2f} with the model in "
            "use: were texts left out? --force replaces it all the same"
        )
    return None


def spelled(sentence: str, words: Lexicon) -> tuple[int, ...] | None:
    """Return a sentence's pieces, its clauses in a row; None where one cannot be spelled."""
    row: list[int] = []
    for clause in clauses(sentence):
        pieces = words.spell(clause)
        if pieces is None:
            return None
        row += pieces
    return tuple(row)


def bits(model: Trigrams, rows: Sequence[Sequence[int]], words: Lexicon) -> float:
    """Return what one character costs on average, in bits; 0 where there is no row."""
    lengths = {number: len(word) for word, number in words.numbers.items()}
    before: list[int] = []
    last: list[int] = []
    word: list[int] = []
    characters = 0
    for row in rows:
        whole = (BEGIN, BEGIN, *row, END)
        before += [-1, *whole[1:-2]]
        last += whole[1:-1]
        word += whole[2:]
        characters += sum(lengths[number] for number in row)
    if not characters:
        return 0.0
    total = model.log(*(np.array(each, np.int64) for each in (before, last, word))).sum()
    return -float(total) / math.log(2) / characters


@cache
def general_sentences() -> tuple[str, ...]:
    """The sentences that come with the product and have nothing to do with a hotline."""
    text = (files("asr") / "data" / "domain" / "general.txt").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def _sentences(text: str) -> list[str]:
    """The sentences of a text, their clauses apart by marks."""
    for mark in "！？；!?;\n\r":
        text = text.replace(mark, "。")
    return [sentence for sentence in text.split("。") if sentence.strip()]
