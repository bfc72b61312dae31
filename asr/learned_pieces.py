"""What a learned model sees of a text: pieces of characters, words, and pieces of its beginning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import rjieba

from asr.classify_cold import grams, plain

READ = 800
"""Characters of a text that count."""
HEAD = 40
"""Characters at the beginning that count once more: a title, or what is said first."""
SIZES = (1, 2, 3)
BLOCKS: Mapping[str, float] = MappingProxyType({"c": 1.0, "w": 1.0, "h": 0.6})
"""How much pieces of characters, words and their pairs, and pieces of the beginning count: fitted."""

_BLANKS = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")
_SAY_LITTLE = frozenset(
    (
        *"的了是在我你您他她它这那就都也还又很和与及或但而把被让给对从到向为以于因所其之吗呢吧啊呀着过得地个不上下中里有要会能请说去来嗯呃哦",
        "我们",
        "你们",
        "他们",
        "一个",
        "这个",
        "那个",
        "什么",
        "怎么",
        "没有",
        "可以",
    )
)


def joined(text: str) -> str:
    """Return a text without the blanks between Chinese characters that a text cut into words has."""
    return _BLANKS.sub("", text)


def pieces_of(text: str) -> dict[str, list[str]]:
    """Return the pieces of each block as often as they stand there, the block's letter before each."""
    words = plain(joined(text)[:READ])
    return {
        "c": [f"c{piece}" for piece in grams(words, SIZES)],
        "w": list(_words(words)),
        "h": [f"h{piece}" for piece in grams(words[:HEAD], SIZES)],
    }


def _words(text: str) -> Iterator[str]:
    """Yield words that say something, and each with the next one."""
    for run in text.split():
        found = [word for word in rjieba.cut(run) if word not in _SAY_LITTLE]
        for index, word in enumerate(found):
            yield f"w{word}"
            if index:
                yield f"w{found[index - 1]} {word}"
