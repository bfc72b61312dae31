"""What an order says, as weighted terms: words, pairs of characters, numbers and names of places.

Terms are hashed into a fixed number of buckets, so that the index needs no vocabulary and its memory is
bounded; what two different terms of one bucket cost is nothing beside what names and numbers decide.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import rjieba
from numpy.typing import NDArray

__all__ = ["BUCKETS", "NO_TERMS", "TEXT_MAX", "Terms", "names_in", "telling_words", "terms_of", "words_of"]

BUCKETS = 1 << 20
TEXT_MAX = 700
"""Characters of a text that are looked at; what comes later repeats or digresses."""
TITLE_MAX = 100
TITLE_WEIGHT = 3.0
NAME_WEIGHT = 2.0
NUMBER_WEIGHT = 1.5
PAIR_WEIGHT = 0.7

Ids = NDArray[np.int32]
Weights = NDArray[np.float32]

_HAN = re.compile(r"[\u4e00-\u9fff\u3400-\u4dbf]+")
_NUMBER = re.compile(r"[A-Za-z0-9]+")
_PLACE = re.compile(
    r"(?:小区|花园|家园|公寓|广场|大厦|新村|新城|社区|中学|小学|学校|学院|幼儿园|医院|市场|公司|大道|公园|车站"
    r"|商场|商城|超市|酒店|物业|项目|工地|工业园|地铁站|高架|路口|街道"
    r"|[苑园城府湾庄里邸郡居轩庭寓墅院楼厦路街巷村镇乡桥站湖山坡塘冲])"
)
_NO_NAME = re.compile(
    r"^(?:.*(?:[市县区省]|关于|请求|反映|投诉|咨询|举报|建议|希望|位于|住在|附近|对面|旁边|[的在与和到从向由至是有])"
    r"|[A-Z]\d*(?=[\u4e00-\u9fff]))"
)
_STOP_WORDS = (
    "关于/请求/反映/投诉/咨询/举报/建议/希望/问题/领导/政府/相关/有关/部门/解决/处理/尊敬/您好/你好/谢谢/我们/他们/你们/现在"
    "/没有/已经/可以/能否/为什么/怎么/什么/这个/那个/一个/进行/情况/以及/因为/所以/但是/而且/就是/不是/还是/如果/自己/大家"
    "/居民/业主/市民/群众/百姓/严重/今天/昨天/目前"
)
_STOP = frozenset(_STOP_WORDS.split("/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One order as terms."""

    ids: Ids  # buckets, ascending, each once
    weights: Weights  # of each, before the rarity that the index knows
    names: frozenset[str]  # what its places are called
    title_names: frozenset[str]  # those of the title
    numbers: frozenset[str]  # numbers and letters of the title


NO_TERMS = Terms(
    ids=np.zeros(0, dtype=np.int32),
    weights=np.zeros(0, dtype=np.float32),
    names=frozenset(),
    title_names=frozenset(),
    numbers=frozenset(),
)
"""Of an empty text."""


def words_of(text: str) -> list[str]:
    """Cut a text into words; blanks and signs are words of their own."""
    return list(rjieba.cut(text))


def names_in(text: str) -> frozenset[str]:
    """What places in a text are called: the two characters before 小区, 路, 村 and the like."""
    found: set[str] = set()
    for run in _HAN.findall(text):
        for match in _PLACE.finditer(run):
            before = _NO_NAME.sub("", run[max(0, match.start() - 6) : match.start()])
            if len(before) >= 2 and before[-2:] not in _STOP:
                found.add(before[-2:])
    return frozenset(found)


def terms_of(title: str, text: str, places: Iterable[str] = ()) -> Terms:
    """Return the terms of an order; `places` are names that are known to be of its place."""
    title, text = title[:TITLE_MAX], text[:TEXT_MAX]
    counts: dict[str, float] = {}
    _count(title, TITLE_WEIGHT, counts)
    _count(text, 1.0, counts)
    title_names = names_in(title)
    names = title_names | names_in(text)
    for place in places:
        if place:
            for name in names_in(place) or {place[-4:]}:
                title_names |= {name}
    for name in names | title_names:
        counts["@" + name] = TITLE_WEIGHT if name in title_names else 1.0
    buckets: dict[int, float] = {}
    for term, count in counts.items():
        bucket = zlib.crc32(term.encode()) % BUCKETS
        buckets[bucket] = max(buckets.get(bucket, 0.0), _weight(term, count))
    order = sorted(buckets)
    return Terms(
        ids=np.array(order, dtype=np.int32),
        weights=np.array([buckets[bucket] for bucket in order], dtype=np.float32),
        names=names | title_names,
        title_names=title_names,
        numbers=frozenset(_NUMBER.findall(title)),
    )


def telling_words(text: str, other: str, *, most: int) -> tuple[str, ...]:
    """Words of `other` that `text` has too, in the order of `other`: what both speak of."""
    found: dict[str, None] = {}
    for word in words_of(other[:TITLE_MAX]):
        if len(word) >= 2 and word not in _STOP and not word.isascii() and word in text:
            found[word] = None
    return tuple(found)[:most]


def _count(text: str, weight: float, counts: dict[str, float]) -> None:
    for word in words_of(text):
        if len(word) >= 2 and word not in _STOP and not word.isspace():
            counts[word] = counts.get(word, 0.0) + weight
    for number in _NUMBER.findall(text):
        counts[number] = counts.get(number, 0.0) + weight
    for run in _HAN.findall(text):
        for at in range(len(run) - 1):
            pair = "_" + run[at : at + 2]
            counts[pair] = counts.get(pair, 0.0) + weight


def _weight(term: str, count: float) -> float:
    weight = 1.0 + math.log(count) if count > 1.0 else count
    if term[0] == "@":
        return weight * NAME_WEIGHT
    if term[0] == "_":
        return weight * PAIR_WEIGHT
    return weight * NUMBER_WEIGHT if term.isascii() else weight
