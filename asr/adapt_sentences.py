"""Sentences of a hotline in this city: the domain language model learns from them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from asr.adapt_city import City
from asr.adapt_grammar import Phrases, Slot, joined, parse
from asr.adapt_numbers import SPOKEN
from asr.gazetteer_file import Entry

FILES = ("talk.txt", "matters.txt", "people.txt")
"""The phrases that come with the product, in `data/domain/`."""
DRAWN = 60_000
"""Sentences that are drawn from the phrases."""
MOST_MENTIONS = 400_000
"""Short sentences with names, at most; of a larger list every name is still said once."""
_SPLIT = 0.25
"""Share of sentences of which every clause stands alone: a pause ends what the recogniser hears at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a city brings, beside its names."""

    cues: tuple[str, ...] = ()  # matters as people call them: 停水, 占道经营
    categories: tuple[str, ...] = ()  # names in the taxonomy
    titles: tuple[str, ...] = ()  # of knowledge articles and orders
    units: tuple[str, ...] = ()  # bodies that orders are sent to


@cache
def shipped() -> Phrases:
    """The phrases that come with the product."""
    folder = files("asr") / "data" / "domain"
    return joined([parse(name, (folder / name).read_text("utf-8")) for name in FILES])


def drawn(
    phrases: Phrases, entries: Sequence[Entry], words: Words, *, count: int = DRAWN, seed: int = 1
) -> Iterator[str]:
    """Yield `count` sentences, clauses apart by marks; the same arguments yield the same."""
    chance = random.Random(seed)  # noqa: S311  (drawing sentences, no secret)
    city = City(tuple(entries))
    slots = city.slots() | dict(SPOKEN) | _word_slots(words)
    _add_matters(phrases, slots)
    for _ in range(count):
        city.move(chance)
        yield from _clauses(phrases.draw("call", slots, chance), chance)


def mentions(entries: Sequence[Entry], words: Words, *, seed: int = 2) -> Iterator[str]:
    """Yield every name of the city in short sentences, and every other word of its alone."""
    chance = random.Random(seed)  # noqa: S311  (drawing sentences, no secret)
    said: Iterable[str] = City(tuple(entries)).mentions(shipped(), chance)
    if 3 * sum(1 + len(entry.aliases) for entry in entries) > MOST_MENTIONS:
        said = (name for entry in entries for name in (entry.name, *entry.aliases))
    yield from said
    for each in (words.cues, words.categories, words.titles, words.units):
        yield from each
    for unit in words.units:
        yield f"转{unit}处理"
        yield f"由{unit}负责"


def _word_slots(words: Words) -> dict[str, Slot]:
    def one_of(choices: Sequence[str], otherwise: Sequence[str]) -> Slot:
        chosen = tuple(choices) or tuple(otherwise)
        return lambda chance: chosen[int(chance.random() * len(chosen))]

    cues = words.cues or ("停水", "噪音", "物业", "占道经营", "违章建筑", "拖欠工资")
    return {
        "cue": one_of((*cues, *words.categories), cues),
        "category": one_of(words.categories, cues),
        "title": one_of(words.titles, cues),
    }


def _add_matters(phrases: Phrases, slots: dict[str, Slot]) -> None:
    """Add the slots {matter} and {matter_more}: clauses of one matter, the second of the same."""
    names = [name for name in phrases.rows if name.startswith("matter.")]
    current = names[0]

    def more(chance: random.Random) -> str:
        count = chance.choice((1, 1, 2))
        return "，".join(phrases.draw(current, slots, chance) for _ in range(count))

    def matter(chance: random.Random) -> str:
        nonlocal current
        current = names[int(chance.random() * len(names))]
        return more(chance)

    slots["matter"], slots["matter_more"] = matter, more


def _clauses(sentence: str, chance: random.Random) -> Iterator[str]:
    if chance.random() < _SPLIT:
        yield from sentence.replace("，", "。").split("。")
    else:
        yield sentence
