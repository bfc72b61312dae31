"""What a citizen means by a few words, as a recogniser writes them down. Rules, no model: each can be read.

The texts come without reliable punctuation, with blanks between words, with fillers and repetitions, and
sometimes with a wrong homophone. Negation decides everything here: 满意 stands in 不满意, 解决 in 没有解决.
What contradicts itself is not understood (None): asking again is better than a wrong answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ivr_flows.schema_talk import Intent, Meaning

MAX_TEXT = 300
"""characters that are looked at"""

_NOISE = re.compile(r"[\s，。？！、；：,.?!;:~…·“”\"'()（）—-]+")
_FILLERS = re.compile(r"[嗯呃额唔啊哦噢诶欸哎唉喂]+|那个|就是说|怎么说呢|这样子|您好|你好")
_ENDINGS = re.compile(r"[了吧呀呢嘛哈的吗么啦哟咯]+$")

_ADVERBS = (
    "是|很|太|怎么|够|大|那么|这么|完全|真正|真的|全部|全|都|给我|帮我|给|帮|替我|得到|有效|及时|彻底|根本|"
    "再|想|会|能|算|觉得|感到|感觉|非常|十分|特别|有|人|谁|去|来|把|问题|事情|什么|啥|任何|需要|愿意|用|要|必|转|接|找"
)
_NEGATION = re.compile(rf"(?:不|没有|没|未|无|别|甭|莫|勿|并非)(?:{_ADVERBS})*$")
_DOUBLE = re.compile(rf"(?:不|没有|没|未|无|别)(?:{_ADVERBS})*(?:不|没有|没|未)(?:{_ADVERBS})*$")

_DIGITS = {"幺": 1, "两": 2} | {word: value for value, word in enumerate("零一二三四五六七八九")}
_NUMBER = re.compile(
    r"(?:我|选择?|打|给|按|评|就|第)*"
    r"([0-9]{1,2}|[零一幺二两三四五六七八九]?十[一二三四五六七八九]?|[零一幺二两三四五六七八九])"
    r"(?:分|颗?星|个|号键|号|键)?"
)

_PERSON_SURELY = (
    "转人工", "转接人工", "人工服务", "接人工", "找人工", "要人工",
)  # fmt: skip
_PERSON = (
    "人工", "接线员", "话务员", "客服", "真人", "坐席", "座席", "找个人", "跟人说", "和人说",
    "找工作人员",
)  # fmt: skip
_SHORT = 12
"""in longer speech a word such as 客服 is part of the story"""
_MACHINE = (
    "提示音", "留言", "无法接通", "无人接听", "正在通话中", "暂时不方便接听", "不方便接听",
    "语音信箱", "语音助手", "智能助理", "已关机", "已停机", "您拨打的", "稍后再拨", "请不要挂机",
)  # fmt: skip

_YES = (
    "是", "是的", "对", "对的", "对对", "好", "好的", "行", "可以", "嗯", "要", "需要", "没错",
    "没问题", "同意", "确认", "正确", "当然", "有", "愿意", "中", "得", "要得", "成", "没得问题",
)  # fmt: skip
_NO = (
    "不", "不是", "不对", "不行", "不好", "不要", "不用", "不需要", "没有", "没", "否", "错",
    "错了", "不可以", "不同意", "不了", "算了", "不愿意", "不得", "没得", "不成", "莫", "不正确",
    "还没有", "还没",
)  # fmt: skip
_SOLVED = (
    "解决", "办好", "处理好", "弄好", "修好", "搞定", "办完", "办妥", "落实", "处理完", "搞好",
    "整好", "答复", "好了",
)  # fmt: skip
_UNSOLVED = (
    "老样子", "还是那样", "还那样", "跟以前一样", "没人管", "没人来", "没动静", "没消息", "没下文",
    "没见人", "没处理", "没弄", "还在漏", "推诿", "敷衍", "没反应", "拖着",
)  # fmt: skip
_VERY = r"(?:非常|很|特别|十分|相当|极其|极|超级|超|太|挺挺|最|百分之百|百分百|完全)"
_SOFTER = r"是|怎么|很|太|大|够|算|特别|非常|十分|那么|咋"
_SCALE: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"没(?:有|什么|啥)*不满意?的?(?:地方)?"), 4),
    (re.compile(rf"{_VERY}+[地的]?不(?:太|大|是很)?满意?|一点[也都]?不满意|极不满意|{_VERY}差|差劲|糟糕"), 1),
    (re.compile(rf"不(?:{_SOFTER})*满意?|不咋样|不怎么样|不行|不好|差"), 2),
    (re.compile(r"一般般?|还行|还可以|还好|凑合|马马虎虎|普通|就那样|过得去|将就|基本满意|勉强"), 3),
    (re.compile(rf"{_VERY}+[地的]?(?:满意|满足|好)|好评|好极了|没得说"), 5),
    (re.compile(r"(?:比较|还算|还|挺|蛮|算|也|都)*满意|不错|挺好|蛮好|可以|好的?"), 4),
)
"""Forms of the five words of satisfaction; at each place in the text the first that fits counts."""


def clean(text: str) -> str:
    """A recogniser's text without blanks, punctuation and fillers; at most `MAX_TEXT` characters are kept."""
    return _FILLERS.sub("", _NOISE.sub("", text[:MAX_TEXT]))


def says(text: str, phrase: str) -> bool:
    """Whether a cleaned text says a phrase somewhere without negating it.

    A phrase that begins with a negation itself (没有解决) is only looked for.
    """
    negative = phrase.startswith(("不", "没", "未", "无", "别"))
    at = text.find(phrase)
    while at >= 0:
        if negative or not _negated(text[:at]):
            return True
        at = text.find(phrase, at + 1)
    return False


def denies(text: str, phrase: str) -> bool:
    """Whether a cleaned text says a phrase somewhere with a negation before it."""
    at = text.find(phrase)
    while at >= 0:
        if _negated(text[:at]):
            return True
        at = text.find(phrase, at + 1)
    return False


def _negated(before: str) -> bool:
    return bool(_NEGATION.search(before)) and not _DOUBLE.search(before)


def wants_person(text: str) -> bool:
    """Whether somebody asks for a person: 转人工, 我要找个人说, but not 不用转人工."""
    cleaned = clean(text)
    phrases = (*_PERSON_SURELY, *_PERSON) if len(cleaned) <= _SHORT else _PERSON_SURELY
    return any(says(cleaned, phrase) for phrase in phrases)


def is_machine(text: str) -> bool:
    """Whether an answering machine or the network speaks, and nobody listens."""
    cleaned = clean(text)
    return any(phrase in cleaned for phrase in _MACHINE)


def yes_or_no(text: str) -> bool | None:
    """True for yes, False for no, None for neither or both."""
    cleaned = clean(text)
    short = _ENDINGS.sub("", cleaned)
    if cleaned in _YES or short in _YES or _repeats(short, _YES):
        return True
    if cleaned in _NO or short in _NO or _repeats(short, _NO):
        return False
    for word in sorted((*_NO, *_YES), key=len, reverse=True):  # 是的我确认, 不是我没有申请
        if len(word) > 1 and cleaned.startswith(word):
            return None if "还是" in cleaned else word in _YES
    return None


def _repeats(text: str, words: tuple[str, ...]) -> bool:
    """Whether a text is such words one after another: 对对对, 好的好的, 是的没错."""
    rest = text
    while rest:
        found = max((word for word in words if rest.startswith(word)), key=len, default="")
        if not found:
            return False
        rest = _ENDINGS.sub("", rest[len(found) :]) if rest != found else ""
        rest = re.sub(r"^[了吧呀呢嘛的]+", "", rest)
    return bool(text)


def solved(text: str) -> bool | None:
    """Whether a matter was solved: 解决了 is, 还没有解决 and 没人管 are not; None when it is not clear."""
    cleaned = clean(text)
    asked = re.search(r"(?:没有|没)$|还是没|是不是|有没有", cleaned)
    no = any(says(cleaned, word) for word in _UNSOLVED)
    yes = False
    for word in _SOLVED:
        no = no or denies(cleaned, word) or bool(re.search(rf"{word}不了|{word}得不", cleaned))
        yes = yes or says(re.sub(rf"{word}不了", "", cleaned), word)
    if yes and no:  # 解决了一半 … 还有没解决的: a part is not the whole
        return False if re.search(r"还有|一半|部分|但|可|不过", cleaned) else None
    if yes and re.search(r"一半|部分|一点|什么时候|等着|希望|尽快|赶紧|怎么还|能不能|要求|请", cleaned):
        return None
    if yes and asked and re.search(r"[没有]$", cleaned):
        return None  # 解决了没有: they ask us
    if yes or no:
        return yes
    return yes_or_no(cleaned)


def satisfaction(text: str) -> int | None:
    """5 very satisfied (非常满意) … 1 very dissatisfied; also 四分 and 打五分. None when it is not clear.

    After a correction (不对, 说错了) only what follows counts; several different answers are none.
    """
    cleaned = clean(text)
    if (score := number(cleaned, 1, 5)) is not None:
        return score
    cleaned = re.split(r"不对|说错了?|错了|应该是|改成", cleaned)[-1]
    if (score := number(cleaned, 1, 5)) is not None:
        return score
    found: list[int] = []
    at = 0
    while at < len(cleaned):
        for form, value in _SCALE:
            if hit := form.match(cleaned, at):
                found.append(value)
                at = hit.end()
                break
        else:
            at += 1
    named = re.findall(r"([1-5一二两三四五])分", cleaned)
    if named and not found:
        found = [_digit(word) for word in named]
    return found[0] if len(set(found)) == 1 else None


def number(text: str, low: int, high: int) -> int | None:
    """A number from `low` to `high` when the words say nothing else: 三, 选3, 打五分, 第二个.

    Not in 一般, 一个问题, and the like.
    """
    cleaned = _ENDINGS.sub("", clean(text))
    found = _NUMBER.fullmatch(cleaned)
    if found is None:
        return None
    value = _spoken(found[1])
    return value if low <= value <= high else None


def _spoken(word: str) -> int:
    if word.isascii():
        return int(word)
    if "十" in word:
        tens, _, ones = word.partition("十")
        return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)
    return _DIGITS[word]


def _digit(word: str) -> int:
    return int(word) if word.isascii() else _DIGITS[word]


def choose(text: str, intents: Mapping[str, Intent]) -> tuple[str, str] | None:
    """The intent that a text means, and its value: a number, a score, or the intent's name.

    The longest phrase wins; of equally long ones the one that is said last, because people correct
    themselves. Phrases go before the meanings that need no words. None when nothing fits.
    """
    cleaned = clean(text)
    best: tuple[int, int, str] | None = None
    for name, intent in intents.items():
        for phrase in intent.phrases:
            wanted = clean(phrase) or phrase
            if says(cleaned, wanted):
                rank = (len(wanted), cleaned.rfind(wanted), name)
                best = rank if best is None or rank[:2] > best[:2] else best
    if best is not None:
        return best[2], best[2]
    for name, intent in intents.items():
        if intent.means is not None and (value := _means(cleaned, intent)) is not None:
            return name, value or name
    return None


def _means(text: str, intent: Intent) -> str | None:
    """The value ("" none of its own) when a text means what the intent's `means` says."""
    match intent.means:
        case Meaning.YES | Meaning.NO:
            return "" if yes_or_no(text) is (intent.means is Meaning.YES) else None
        case Meaning.SOLVED | Meaning.UNSOLVED:
            return "" if solved(text) is (intent.means is Meaning.SOLVED) else None
        case Meaning.MACHINE:
            return "" if is_machine(text) else None
        case Meaning.SATISFIED:
            score = satisfaction(text)
            return None if score is None else str(score)
        case _:
            value = number(text, 1, intent.most)
            return None if value is None else str(value)
