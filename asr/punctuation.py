"""Marks for recognised speech, by pauses and words: ，。？ where a person who writes down puts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import rjieba

from asr.recogniser import HeardWord
from asr.second_look_rules import number_open
from asr.text_yaml import read_table

COMMA, STOP, QUESTION = "，", "。", "？"
TABLE = Path(__file__).parent / "data" / "punctuation.yaml"

SHORT_S, COMMA_S, STOP_S = 0.025, 0.055, 0.5
"""Pauses: the first is enough before a word of the table, the second for any comma, the third for a stop."""
DRAWN_OUT = 1.5
"""A word's last syllables count as a pause by what they take longer than so many usual ones."""
SHORTEST_SENTENCE = 6
"""Characters; a pause after fewer is a comma."""
LONG_CLAUSE = 14
"""Characters; after so many a word of the table gets its comma even without a pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The table of words, see data/punctuation.yaml."""

    before_always: frozenset[str]
    before_pause: frozenset[str]
    goes_on: frozenset[str]
    unfinished: frozenset[str]
    ends_question: tuple[str, ...]
    asks: tuple[str, ...]
    tells: tuple[str, ...]
    greetings: frozenset[str]
    hesitations: frozenset[str]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word and the silence after it."""

    text: str
    pause: float = 0.0  # seconds


@cache
def marks() -> Marks:
    """Return the shipped table. Raises TextTableError when it cannot be read."""
    return read_table(TABLE, Marks)


def spoken(words: Sequence[HeardWord]) -> list[Spoken]:
    """Return recognised words with the pause after each: the silence, and what the word was drawn out."""
    syllables = sum(len(word.text) for word in words)
    usual = sum(word.end - word.start for word in words) / max(syllables, 1)
    told = []
    for index, word in enumerate(words):
        silence = words[index + 1].start - word.end if index + 1 < len(words) else STOP_S
        drawn = (word.end - word.start) / max(len(word.text), 1) - DRAWN_OUT * usual
        told.append(Spoken(word.text, max(silence, 0.0) + max(drawn, 0.0)))
    return told


def is_question(clause: str) -> bool:
    """Tell whether a sentence without its mark asks something."""
    table = marks()
    if clause.endswith(table.ends_question):
        return True
    return any(word in clause for word in table.asks) and not any(word in clause for word in table.tells)


def punctuated(words: Sequence[Spoken], *, finished: bool = True) -> list[str]:
    """Return the mark after each word, mostly "".

    With `finished` the last one gets its mark, too: the speaker fell silent.
    """
    told = [""] * len(words)
    clause = sentence = ""
    for index, word in enumerate(words):
        clause += word.text
        sentence += word.text
        if index + 1 == len(words):
            if finished and sentence:
                told[index] = _last(word.text, sentence)
            break
        mark = _between(word, words[index + 1].text, clause, sentence)
        told[index] = mark
        if mark:
            clause = ""
        if mark in (STOP, QUESTION):
            sentence = ""
    return told


def _between(word: Spoken, following: str, clause: str, sentence: str) -> str:
    table = marks()
    if word.pause >= STOP_S and len(sentence) >= SHORTEST_SENTENCE and word.text not in table.goes_on:
        return QUESTION if is_question(sentence) else STOP
    if clause in table.greetings and clause == sentence and (word.pause >= SHORT_S or len(clause) > 1):
        return COMMA
    if clause in table.hesitations and word.pause >= COMMA_S:
        return COMMA
    if word.text == "吗" and len(clause) > 2:
        return QUESTION
    if len(clause) < 3:
        return COMMA if word.pause >= STOP_S else ""
    if following in table.before_always:
        return COMMA
    if word.pause >= COMMA_S and (word.text not in table.goes_on or word.pause >= STOP_S):
        return COMMA
    due = word.pause >= SHORT_S or len(clause) >= LONG_CLAUSE
    return COMMA if due and following in table.before_pause and word.text not in table.goes_on else ""


def _last(word: str, sentence: str) -> str:
    if word in marks().unfinished or number_open(sentence):
        return COMMA
    return QUESTION if is_question(sentence) else STOP


def punctuate(text: str) -> str:
    """Return a text that has no marks with marks put by its words alone."""
    words = [Spoken(word) for word in rjieba.cut(text)]
    return "".join(word.text + mark for word, mark in zip(words, punctuated(words), strict=True))
