"""What rating stands in a citizen's written reply: a digit that is meant as one, or words. Pure.

People answer "5", "5分", "5 谢谢师傅", "非常满意", and also "5天了没人来", "5 不满意". A mark is taken only
when nothing in the reply speaks against it; all else is left to a person, who reads it. Better one reply too
many for a person than a complaint that becomes five stars.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from ivr_flows.understand import satisfaction

__all__ = ["Doubt", "Reply", "read_reply"]


class Doubt(StrEnum):
    """Why a person has to read it."""

    UNCLEAR = "unclear"  # no rating in it, or several
    CONTRARY = "contrary"  # mark and words say different things
    TOO_LATE = "too_late"  # the order cannot be rated as it stands now


@dataclass(frozen=True, slots=True)
class Reply:
    """One of the two."""

    mark: int | None  # 5 … 1
    doubt: Doubt | None = None  # why there is no mark


_PRAISE = r"非常满意|很满意|满意|不错|很好|好评|好|谢谢|感谢|多谢|辛苦|赞"
_TAIL = r"(?:了|的|吧|啊|呀|哦|噢|哈|呢|吗|嘛)*"
_END = r"[\s。.!！~～,，、;；:：)）\]】'\"”’]*"
_LEAD = r"[\s(（\[【'\"“‘]*(?:我)?(?:选择|选|打|给|评价|评分|评|回复|回|满意度)?[\s:：为是]*"
_ALONE = re.compile(rf"{_LEAD}([1-5])\s*(?:分|颗?星|★|⭐)?{_TAIL}{_END}")
"""The digit and nothing else that means something."""
_LED = re.compile(
    rf"{_LEAD}([1-5])"
    r"(?:\s*(?:分(?!钟|之|公司|局|店)|颗?星(?!期|级))|[,，、;；:：。!！\s]+|[.．](?!\d)|"
    rf"(?=非常|很|比较|十分|一般|满意|不满意|{_PRAISE}))"
)
"""The digit, set apart from what follows."""
_COUNTED = re.compile(
    r"\s*(?:\d|[-~～/至到个天年月日号点次层楼栋幢单户人米里小周星期时分钟秒块元毛万千百回遍条台辆家处根盏只张间米\
件度吨斤期]|路(?=公交|车)|多)"
)
"""How a text goes on when the digit before it counts something or names a place."""
_HARMLESS = re.compile(
    r"不错|没问题|没有问题|没意见|没有意见|没毛病|不用谢|不客气|没的说|没得说|没说的|没话说|无可挑剔|不愧|不再|"
    r"差不多|没事了?|没有不满意?|无不满意?|毫无怨言"
)
_AGAINST = re.compile(
    r"不|没|未|无|差|慢|拖|推|敷衍|骗|假|投诉|举报|失望|糟|烂|垃圾|气愤|生气|坏|难|仍|还是|依然|根本|什么时候|"
    r"何时|为什么|凭什么|怎么还|催|又|但是|可是|不过|只是|就是"
)
"""What does not go with a high mark."""
_FOR = re.compile(r"满意|谢|感谢|辛苦|好评|点赞|赞|很好|不错|解决了|修好了|及时")
"""What does not go with a low one."""
_NOT_FOR = re.compile(
    r"(?:不|没有?|未|无|非)(?:太|很|怎么|是很|大|够|能|算|是|觉得|感到)*(?:满意|解决|修好|及时|好)"
)


def read_reply(text: str) -> Reply:
    """Return the mark that a reply gives, or why a person has to read it."""
    plain = unicodedata.normalize("NFKC", text).strip().replace("\ufe0f", "")
    alone = _ALONE.fullmatch(plain)
    if alone is not None:
        return Reply(int(alone[1]))
    led = _LED.match(plain)
    if led is not None:
        return _with_words(int(led[1]), plain[led.end() :])
    if re.search(r"\d", plain):
        return Reply(None, Doubt.UNCLEAR)
    mark = satisfaction(plain)
    if mark is None:
        return Reply(None, Doubt.UNCLEAR)
    return Reply(None, Doubt.CONTRARY) if _contrary(mark, plain) else Reply(mark)


def _with_words(mark: int, words: str) -> Reply:
    if _COUNTED.match(words) or re.search(r"(?<!\d)[1-5](?!\d)\s*(?:分(?!钟)|颗?星(?!期)|$)", words):
        return Reply(None, Doubt.UNCLEAR)
    said = satisfaction(words)
    if mark >= 3 and said is not None and abs(said - mark) > 1:
        return Reply(None, Doubt.CONTRARY)
    return Reply(None, Doubt.CONTRARY) if _contrary(mark, words) else Reply(mark)


def _contrary(mark: int, words: str) -> bool:
    left = _HARMLESS.sub("好", words)
    if mark >= 4:
        return _AGAINST.search(left) is not None
    if mark <= 2:
        return _FOR.search(_NOT_FOR.sub("", words)) is not None
    return False
