"""What an order says, as weighted terms: words of all of it, pairs of characters of its title, place names.

Terms are hashed into a fixed number of buckets, so that the index needs no vocabulary and its memory is
bounded; what two different terms of one bucket cost is nothing beside what names and numbers decide.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
import rjieba
from numpy.typing import NDArray

__all__ = ["BUCKETS", "TEXT_MAX", "Bag", "Terms", "names_in", "telling_words", "terms_of", "words_of"]

BUCKETS = 1 << 20
TEXT_MAX = 700
"""Characters of a text that are looked at; what comes later repeats or digresses."""
TITLE_MAX = 100
HEAD = 40
"""Characters of a text that stand for its title while it has none."""

Ids = NDArray[np.int32]
Counts = NDArray[np.uint8]

_HAN = re.compile(r"[\u4e00-\u9fff\u3400-\u4dbf]+")
_SIGNS = re.compile(r"[\W_]+")
_NUMERAL = re.compile(r"[一二三四五六七八九](?=号线|号楼|期|栋|幢|单元|小学|中学)")
_NUMERALS = "零一二三四五六七八九"
_PLACE = re.compile(
    r"(?:小区|花园|家园|公寓|广场|大厦|新村|新城|社区|中学|小学|学校|学院|幼儿园|医院|市场|公司|大道|公园|车站"
    r"|商场|商城|超市|酒店|物业|项目|工地|工业园|地铁站|高架|路口|街道"
    r"|[苑园城府湾庄里邸郡居轩庭寓墅院楼厦路街巷村镇乡桥站湖山坡塘冲])"
)
_NO_NAME = re.compile(
    r"^(?:.*(?:[市县区省]|关于|请求|反映|投诉|咨询|举报|建议|希望|位于|住在|附近|对面|旁边|[的在与和到从向由至是有]))"
)
_STOP_WORDS = (
    "关于/请求/反映/投诉/咨询/举报/建议/希望/问题/领导/政府/相关/有关/部门/解决/处理/尊敬/您好/你好/谢谢/我们/他们/你们/现在"
    "/没有/已经/可以/能否/为什么/怎么/什么/这个/那个/一个/进行/情况/以及/因为/所以/但是/而且/就是/不是/还是/如果/自己/大家"
    "/居民/业主/市民/群众/百姓/严重/今天/昨天/目前/附近/直接/何时/时候/什么时候/是否/影响/小区/街道"
)
_STOP = frozenset(_STOP_WORDS.split("/"))


@dataclass(frozen=True, slots=True)
class Bag:
    """Terms and how often each occurs."""

    ids: Ids  # buckets, each once
    counts: Counts  # of each, at most 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One order as terms."""

    words: Bag  # of title and text
    title: Bag  # pairs of characters, numbers and letters of the title
    names: frozenset[str]  # what its places are called
    title_names: frozenset[str]  # those of the title, and of its known place


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


def telling_words(text: str, other: str, *, most: int) -> tuple[str, ...]:
    """Words of `other` that `text` has too, in the order of `other`: what both speak of."""
    return tuple(islice((word for word in _speaking(other[:TITLE_MAX]) if word in text), most))


@lru_cache(maxsize=8192)
def _speaking(title: str) -> tuple[str, ...]:
    """Words of a title that say something; kept, since the same orders are found again and again."""
    words = dict.fromkeys(words_of(title))
    return tuple(word for word in words if len(word) >= 2 and word not in _STOP and not word.isascii())


def terms_of(title: str, text: str, places: Iterable[str] = ()) -> Terms:
    """Return the terms of an order; `places` are names that are known to be of its place."""
    title, text = _plain(title[:TITLE_MAX]), _plain(text[:TEXT_MAX])
    head = title or text[:HEAD]
    words: dict[str, int] = {}
    for word in words_of(f"{title}。{text}"):
        if not _SIGNS.fullmatch(word):
            words[word] = words.get(word, 0) + 1
    pairs: dict[str, int] = {}
    for run in _SIGNS.split(head):
        for at in range(len(run) - 1):
            pair = "_" + run[at : at + 2]
            pairs[pair] = pairs.get(pair, 0) + 1
    title_names = names_in(title)
    for place in places:
        if place:
            title_names |= names_in(place) or {place[:2]}
    return Terms(
        words=_bag(words), title=_bag(pairs), names=title_names | names_in(text), title_names=title_names
    )


def _plain(text: str) -> str:
    """Lower case, and 一号线 as 1号线."""
    return _NUMERAL.sub(lambda found: str(_NUMERALS.index(found[0])), text.lower())


def _bag(counts: dict[str, int]) -> Bag:
    buckets: dict[int, int] = {}
    for term, count in counts.items():
        bucket = zlib.crc32(term.encode()) % BUCKETS
        buckets[bucket] = min(255, buckets.get(bucket, 0) + count)
    size = len(buckets)
    return Bag(
        np.fromiter(buckets.keys(), dtype=np.int32, count=size),
        np.fromiter(buckets.values(), dtype=np.uint8, count=size),
    )
