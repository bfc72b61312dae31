"""Runs of digits in what was said, and whether they may belong to the citizen's telephone number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from asr.draft_lines import Said
from asr.gazetteer import sound
from asr.text import DIGITS

_DIGIT = "".join(DIGITS) + "0123456789"
_COUNTED = re.compile("([一二两三四五六七八23456789])个([零〇一幺二三四五六七八九0-9])")
_GROUP = re.compile(
    f"0[{_DIGIT}]{{2,3}}[)）]?[-－—][ ]*[{_DIGIT}]{{7,8}}(?![{_DIGIT}])|[{_DIGIT}](?:[ ]*[{_DIGIT}])*"
)
"""A landline with its area code is one run: what is said of it (物业电话：0731-…) holds for all of it."""
_BETWEEN = re.compile(r"^(?:[，、。,. \-－—()（）]|然后|后面是|后面|接着|再|再来|就是|是|对|好)*$")
_OTHER_NUMBERS = re.compile(
    r"身份证|[卡单编证学户税表房流病工序]号|账号|帐号|账户|车牌|订单|工单|房产证|合同|案号|社保|执照|信用代码|编码|QQ|qq"
    r"|流水|验证码|取件码|条码|准考证|发票|金额|余额|价格|价值|银行卡|存折|快递|运单|户主号|水表|电表|燃气表|尾号|密码"
)
_OWNERS = ("物业", "老板", "房东", "中介", "客服", "司机", "商家", "公司")
_NOT_OWN = re.compile(
    r"(?:物业|公司|老板|商家|店家|店主|店里|客服|骗子|对方|他们?|她们?|人家|卖家|房东|中介|师傅|驾校|商户|单位|学校|医院|政府|社区|门店"
    r"|经理|主任|司机|负责人|开发商|工头|包工头|法人|培训机构|平台|官方|热线|总部)(?:[^，。；,;0-9]{0,4})?(?:的)?(?:联系|服务|投诉|客服|值班|办公)?"
    r"(?:电话|手机|号码|热线|微信)?(?:号码|号)?[是为：:叫]*$"
    r"|(?:接到|收到|来自|一个|拨打|打了?|打过|打的|拨了?|号码为|陌生|诈骗|骚扰|官方|举报)(?:了|过|的)?(?:陌生|诈骗|骚扰|客服|这个|一个|他们的?|热线)?"
    r"(?:来电|电话|号码|短信|手机)?(?:号码|号)?(?:的)?[是为：:]*$"
)
_ASKS_OTHERS = re.compile(
    "(?:老板|商家|店家|店主|物业|公司|对方|他们?|她们?|房东|中介|负责人|经理|单位|学校|司机|店里?|工头)(?:那边)?的?"
    "(?:联系)?(?:电话|手机|号码|联系方式)"
)
_NOT_OWN_AFTER = re.compile(
    r"^(?:这个|那个)?(?:的)?(?:号码?|电话)?(?:一直)?(?:打来|打给我|打电话给我|给我打|给我发|发来|发的|骚扰|没人接|打不通|无人接听|是空号|停机|的客服)"
)
_AMOUNT_AFTER = re.compile(r"^\s*(?:元|块|万|亿|平|米|公里|人|年|户|吨|度|号(?:订|工|运)?单|股)")
_MIDDLE = re.compile("中间(?:四位|几位)?(?:应该)?(?:是)?")
TALKS_OF_PHONE = re.compile(r"电话|手机|号码|联系|打我|打给我|座机")
WRONG = re.compile(r"不对|错了|说错|不是|更正|改成|应该是|口误|记错|重新说|重来")
_NO_DIGIT = re.compile("一(?=下|点|会儿?|样|直|些|起|般)")
"""等一下 between two parts of a number is none of it."""
_FOUR = re.compile("(?<=[后面末间])[两二三四五六](?=位)")
_TAIL = re.compile(
    "(?:后几位|后面几位|尾号|最后[几两]位|末几位|最后|末尾|后面|尾数)(?:应该)?(?:是)$|(?:后几位|尾号|最后几位|最后)(?:应该)?(?:是)?$"
)
_CERTAIN = "灵要"
"""Characters that stand for 零 and 幺 so often that they count as heard."""
_ENOUGH_DIGITS = 5
_SOUNDS = {
    "lin": "0", "yao": "1", "yi": "1", "er": "2", "san": "3", "si": "4",
    "wu": "5", "liu": "6", "qi": "7", "ba": "8", "jiu": "9",
}  # fmt: skip
"""Merged syllables (see `asr.gazetteer.sound`) of the digits."""

_MOBILE = re.compile(r"1[3-9][0-9]{9}")


@dataclass(frozen=True, slots=True)
class Group:
    digits: str
    said: Said
    exact: bool  # all characters were digits, none was mended by its sound
    linked: bool  # nothing but a pause between this group and the one before
    context: bool  # the talk was of telephone numbers
    tail: bool  # introduced as the last four digits
    wrong: bool  # introduced as a correction
    middle: bool  # introduced as the middle four digits


def groups_in(said: Said) -> Iterator[Group]:
    """Yield the runs of digits in a sentence; in talk of telephones, also digits misheard as other words."""
    text = _COUNTED.sub(lambda match: _digit(match[2]) * int(_digit(match[1])), _FOUR.sub("几", said.text))
    text = _NO_DIGIT.sub("□", text)
    talks = said.asked_phone or TALKS_OF_PHONE.search(text) is not None
    if _OTHER_NUMBERS.search(said.question) and not said.asked_phone:
        return
    if _ASKS_OTHERS.search(said.question) and "您" not in said.question:
        return
    spans = [(match.start(), match.end(), match.group(), True) for match in _GROUP.finditer(text)]
    if talks:
        spans = _only_digits(text) or _last_digits(text) or _mended(text, spans)
    position = 0
    for start, end, characters, exact in spans:
        before = text[position:start]
        if _is_other(text, position, start, end):
            position = end
            continue
        position = end
        yield Group(
            digits="".join(_digit(character) for character in characters if character in _DIGIT),
            said=said,
            exact=exact,
            linked=_BETWEEN.match(before) is not None and WRONG.search(before) is None,
            context=talks,
            tail=_TAIL.search(before) is not None,
            wrong=WRONG.search(before) is not None,
            middle=_MIDDLE.search(before) is not None,
        )


def _is_other(text: str, since: int, start: int, end: int) -> bool:
    """Tell whether digits are a number of something else, or the telephone of somebody else."""
    before = text[max(since, start - 20) : start]
    after = text[end : end + 10]
    if text[start - 1 : start].isascii() and (
        text[start - 1 : start].isalpha() or text[start - 1 : start] in ("_", "#")
    ):
        return True
    if end + 1 < len(text) and text[end] == "." and text[end + 1].isdigit():
        return True
    if _AMOUNT_AFTER.match(after):
        return True
    if end - start < _ENOUGH_DIGITS:
        return False
    other = [label.end() for label in _OTHER_NUMBERS.finditer(before)]
    phone = [label.end() for label in TALKS_OF_PHONE.finditer(before)]
    if other and (not phone or phone[-1] < other[-1]):
        return True
    clause = _owner_spelled(re.split("[，。；！？,;!?]", before)[-1])
    own = re.search("我(?:自己)?的?(?:联系)?(?:电话|手机|号码)|本人", clause)
    return not own and (_NOT_OWN.search(clause) is not None or _NOT_OWN_AFTER.match(after) is not None)


def _owner_spelled(clause: str) -> str:
    """Return the clause with whose telephone it is spelled right (舞业的电话: 物业的电话)."""
    sounds = sound(clause)
    for owner in _OWNERS:
        sought = sound(owner)
        for index in range(len(sounds) - len(sought) + 1):
            if sounds[index : index + len(sought)] == sought:
                clause = clause[:index] + owner + clause[index + len(sought) :]
    return clause


def _digit(character: str) -> str:
    return character if character.isascii() else DIGITS[character]


def likely_digits(text: str) -> list[str]:
    """Return for every character the digit it is or sounds like, "" for others."""
    return [
        _digit(character) if character in _DIGIT else _SOUNDS.get(syllable, "")
        for character, syllable in zip(text, sound(text), strict=True)
    ]


_Span = tuple[int, int, str, bool]
_PART_IS = re.compile(
    "(?:最后|后面|尾号|末尾|中间|后)[两二三四五六几]?[位为魏个]?(?:数字|数)?(?:应该)?(?:是|试|事|式|使)"
)
_LEAST, _MOST = 2, 12
"""Digits of a sentence that is nothing but a part of a number."""


def _only_digits(text: str) -> list[_Span]:
    """Return a sentence that is nothing but characters that are or sound like digits (柳九, 八要三)."""
    bare = text.strip("，。、,. ")
    likely = likely_digits(bare)
    if not _LEAST <= len(bare) <= _MOST or not all(likely) or all(sign in _DIGIT for sign in bare):
        return []
    start = text.index(bare)
    return [(start, start + len(bare), "".join(likely), False)]


def _last_digits(text: str) -> list[_Span]:
    """Return misheard digits that are said to be a part of the number (最后四位是二而六八)."""
    part = _PART_IS.search(text)
    if part is None:
        return []
    words = text[part.end() :].strip("，。、,. ")
    likely = likely_digits(words)
    true = sum(sign in _DIGIT for sign in words)
    if not _LEAST <= len(words) <= 4 or not all(likely) or true == len(words) or true * 2 < len(words):
        return []
    start = text.index(words, part.end())
    return [(start, start + len(words), "".join(likely), False)]


def _mended(text: str, spans: list[tuple[int, int, str, bool]]) -> list[tuple[int, int, str, bool]]:
    """Widen runs of digits over neighbours that sound like digits (要 → 1, 就 → 9) to make a mobile number.

    The passage must begin where a number begins, have just its length, and hold enough true digits, so that
    a sentence cannot turn into a number.
    """
    likely = likely_digits(text)
    result: list[tuple[int, int, str, bool]] = []
    start = 0
    while start < len(text):
        if not likely[start]:
            start += 1
            continue
        end = start
        while end < len(text) and (likely[end] or text[end] in "，、, "):
            end += 1
        inside = [index for index in range(start, end) if likely[index]]
        mended = _mobile_inside(text, inside, likely)
        result += [span for span in spans if start <= span[0] < end] if mended is None else [mended]
        start = end
    return result


def _mobile_inside(
    text: str, inside: Sequence[int], likely: Sequence[str]
) -> tuple[int, int, str, bool] | None:
    for first in range(len(inside) - 10):
        part = inside[first : first + 11]
        if first and text[inside[first] - 1] not in "是时，、, ":
            continue
        number = "".join(likely[index] for index in part)
        heard = sum(text[index] in _DIGIT or text[index] in _CERTAIN for index in part)
        after = inside[first + 11 :]
        outside = any(text[index] in _DIGIT for index in (*inside[:first], *after))
        if _MOBILE.fullmatch(number) and heard >= _ENOUGH_DIGITS and not outside and len(after) <= 2:
            exact = all(text[index] in _DIGIT for index in part)
            return part[0], part[-1] + 1, number, exact
    return None
