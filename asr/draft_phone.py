"""The telephone number that the citizen said, only when it is complete.

A number counts when its digits are a whole mobile number (11 digits, 13x to 19x), or a whole landline number
with its area code and the talk was of telephone numbers. Digits may be spread over sentences. Anything else
that looks like digits (a flat, an order number, a piece of a number, an identity card) is no number at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from asr.draft_lines import Said
from asr.gazetteer import sound
from asr.text import DIGITS

_DIGIT = "".join(DIGITS) + "0123456789"
_COUNTED = re.compile("([一二两三四五六七八23456789])个([零〇一幺二三四五六七八九0-9])")
_GROUP = re.compile(f"[{_DIGIT}](?:[ ]*[{_DIGIT}])*")
_BETWEEN = re.compile(r"^(?:[，、。,. \-－—()（）]|然后|后面是|后面|接着|再|再来|就是|是|对|好)*$")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"0(?:10|2[0-9])[2-8][0-9]{7}|0[3-9][0-9]{2}[2-8][0-9]{6,7}")
_OTHER_NUMBERS = re.compile(
    r"身份证|[卡单编证学户税表房流病工序]号|账号|帐号|账户|车牌|订单|工单|房产证|合同|案号|社保|执照|信用代码|编码|QQ|qq"
    r"|流水|验证码|取件码|条码|准考证|发票|金额|余额|价格|价值|银行卡|存折|快递|运单|户主号|水表|电表|燃气表|尾号|密码"
)
_NOT_OWN = re.compile(
    r"(?:物业|公司|老板|商家|店家|店主|店里|客服|骗子|对方|他们?|她们?|人家|卖家|房东|中介|师傅|驾校|商户|单位|学校|医院|政府|社区|门店"
    r"|经理|主任|司机|负责人|开发商|工头|包工头|法人|培训机构|平台|官方|热线|总部)(?:[^，。；,;0-9]{0,4})?(?:的)?(?:联系|服务|投诉|客服|值班|办公)?"
    r"(?:电话|手机|号码|热线|微信)?(?:号码|号)?[是为：:叫]*$"
    r"|(?:接到|收到|来自|一个|拨打|打了?|打过|打的|拨了?|号码为|陌生|诈骗|骚扰|官方|举报)(?:了|过|的)?(?:陌生|诈骗|骚扰|客服|这个|一个|他们的?|热线)?"
    r"(?:来电|电话|号码|短信|手机)?(?:号码|号)?(?:的)?[是为：:]*$"
)
_NOT_OWN_AFTER = re.compile(
    r"^(?:这个|那个)?(?:的)?(?:号码?|电话)?(?:一直)?(?:打来|打给我|打电话给我|给我打|给我发|发来|发的|骚扰|没人接|打不通|无人接听|是空号|停机|的客服)"
)
_AMOUNT_AFTER = re.compile(r"^\s*(?:元|块|万|亿|平|米|公里|人|年|户|吨|度|号(?:订|工|运)?单|股)")
_MIDDLE = re.compile("中间(?:四位|几位)?(?:应该)?(?:是)?")
_TALKS_OF_PHONE = re.compile(r"电话|手机|号码|联系|打我|打给我|座机")
_INTRODUCES = re.compile("(?:[我家]?的?(?:联系)?(?:电话|手机|号码)(?:号码|号)?)(?:是|时|就是|为)")
_WRONG = re.compile(r"不对|错了|说错|不是|更正|改成|应该是|口误|记错|重新说|重来")
_FOUR = re.compile("(?<=[后面末])四(?=位)")
_TAIL = re.compile(
    "(?:后几位|后面几位|尾号|最后[几两]位|末几位|最后|末尾|后面|尾数)(?:应该)?(?:是)$|(?:后几位|尾号|最后几位|最后)(?:应该)?(?:是)?$"
)
_SAME = re.compile(
    r"(?:就|打|用|还是|我的|是)*(?:这个|现在这个|本机|来电|打过来的|打来的)(?:电话|号码|手机号|手机|号)"
    r"|就是这个|这个就行|就这个"
)
_YES = re.compile(r"^(?:对|是|是的|对的|嗯|可以|没错|好|行)")
_CERTAIN = "灵要"
"""Characters that stand for 零 and 幺 so often that they count as heard."""
_ENOUGH_DIGITS = 5
_ENOUGH_OF_CALLER = 7
_SOUNDS = {
    "lin": "0", "yao": "1", "yi": "1", "er": "2", "san": "3", "si": "4",
    "wu": "5", "liu": "6", "qi": "7", "ba": "8", "jiu": "9",
}  # fmt: skip
"""Merged syllables (see `asr.gazetteer.sound`) of the digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A telephone number the citizen gave."""

    number: str  # digits only
    source: str  # rule:phone/…, or caller_id when the citizen confirmed the calling number
    confidence: float  # 0 to 1
    said: tuple[Said, ...]  # the sentences it came from


@dataclass(frozen=True, slots=True)
class _Group:
    digits: str
    said: Said
    exact: bool  # all characters were digits, none was mended by its sound
    linked: bool  # nothing but a pause between this group and the one before
    context: bool  # the talk was of telephone numbers
    tail: bool  # introduced as the last four digits
    wrong: bool  # introduced as a correction
    middle: bool  # introduced as the middle four digits


def find_phone(lines: Sequence[Said], caller: str) -> Phone | None:
    """Return the last complete number the citizen gave, or the calling number if they confirmed it.

    Digits that were misheard in a place or two, but otherwise are the calling number, confirm it.
    """
    found: Phone | None = None
    chain: list[_Group] = []
    for said in lines:
        groups = list(_groups(said))
        for group in groups:
            if found is not None and _mends(group):
                found, chain = _replace_part(found, group), []
                continue
            chain = _chained(chain, group)
            number = _complete(chain)
            if number is not None:
                found = _or_caller(number, caller)
        if caller and _confirms_caller(said):
            found, chain = Phone(number=caller, source="caller_id", confidence=0.95, said=(said,)), []
        elif found is None and caller and _resembles(said, caller):
            found = Phone(number=caller, source="caller_id+said", confidence=0.85, said=(said,))
        elif not groups and len(said.text) > 6:
            chain = []
    return found


def without_number(text: str) -> str:
    """Return the text without a number that follows 电话, 手机 or 号码, also when it was misheard in part."""
    match = _INTRODUCES.search(text)
    if match is None:
        return text
    likely = _likely_digits(text)
    end = match.end()
    while end < len(text) and (likely[end] or text[end] in "，、, " or any(likely[end + 1 : end + 3])):
        end += 1
    digits = sum(1 for index in range(match.end(), end) if likely[index])
    return text[: match.start()] + text[end:] if digits >= 6 else text


def gave_digits(lines: Sequence[Said]) -> bool:
    """Tell whether the citizen answered the question for the number with digits, whole or not."""
    return any(
        said.asked_phone and sum(map(bool, _likely_digits(said.text))) >= _ENOUGH_OF_CALLER for said in lines
    )


def _or_caller(phone: Phone, caller: str) -> Phone:
    """Prefer the calling number to a number mended by sound that differs from it in one or two digits."""
    if "+sound" not in phone.source or len(phone.number) != len(caller):
        return phone
    wrong = sum(a != b for a, b in zip(phone.number, caller, strict=True))
    if wrong > 2:
        return phone
    return Phone(
        number=caller,
        source="caller_id+said",
        confidence=0.95 if wrong == 0 else 0.85,
        said=phone.said,
    )


def _resembles(said: Said, caller: str) -> bool:
    """Tell whether a sentence about the number repeats most of the calling number, in order."""
    if not (said.asked_phone or _TALKS_OF_PHONE.search(said.text)):
        return False
    heard = "".join(_likely_digits(said.text))
    matcher = SequenceMatcher(None, heard, caller, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks() if block.size >= 2) >= _ENOUGH_OF_CALLER


def _confirms_caller(said: Said) -> bool:
    if _WRONG.search(said.text):
        return False
    if _SAME.search(said.text) and (said.asked_phone or _TALKS_OF_PHONE.search(said.text)):
        return True
    return said.asked_same_number and _YES.match(said.text) is not None


def _mends(group: _Group) -> bool:
    """Tell whether the digits stand for a part of the number that was said."""
    if group.middle:
        return len(group.digits) == 4
    return (group.tail and 2 <= len(group.digits) <= 8) or (group.wrong and len(group.digits) == 4)


def _chained(chain: list[_Group], group: _Group) -> list[_Group]:
    """Return the groups that may make one number, after a further one; a correction replaces the last."""
    if group.linked:
        return [*chain, group]
    if group.wrong and chain and len(chain) > 1 and len(chain[-1].digits) == len(group.digits) < 7:
        return [*chain[:-1], replace(group, context=group.context or chain[-1].context)]
    return [group]


def _replace_part(phone: Phone, group: _Group) -> Phone:
    digits = group.digits
    if group.middle:
        number = phone.number[:3] + digits + phone.number[7:]
    else:
        number = phone.number[: -len(digits)] + digits
    return Phone(
        number=number,
        source=phone.source,
        confidence=min(phone.confidence, 0.85),
        said=(*phone.said, group.said),
    )


def _complete(chain: Sequence[_Group]) -> Phone | None:
    """Return the number that the last groups of the chain make, the whole chain before any part of it."""
    for first in range(len(chain)):
        part = chain[first:]
        if first and not _begins_anew(chain[:first], part):
            continue
        context = any(group.context for group in part)
        number = _number([group.digits for group in part], context)
        if number is None:
            continue
        exact = all(group.exact for group in part)
        if not exact and not context:
            return None
        confidence = min(group.said.confidence for group in part) * (1.0 if exact else 0.7)
        kind = "mobile" if _MOBILE.fullmatch(number) else "landline"
        return Phone(
            number=number,
            source=f"rule:phone/{kind}" + ("" if exact else "+sound"),
            confidence=round(confidence * (0.97 if context else 0.85), 3),
            said=tuple(dict.fromkeys(group.said for group in part)),
        )
    return None


def _begins_anew(before: Sequence[_Group], part: Sequence[_Group]) -> bool:
    """Tell whether a number begins after these groups; digits right after others (an ID's) are none."""
    said_before = "".join(group.digits for group in before)
    number = "".join(group.digits for group in part)
    if _MOBILE.fullmatch(said_before[-11:]) or number.startswith(before[-1].digits):
        return True
    return part[0].said is not before[-1].said and len(number) >= 11


def _number(groups: Sequence[str], context: bool) -> str | None:
    whole = "".join(groups)
    half = len(whole) // 2
    if len(whole) == 22 and whole[:half] == whole[half:]:  # said twice
        whole = whole[:half]
    if _MOBILE.fullmatch(whole):
        return whole
    return whole if context and _LANDLINE.fullmatch(whole) else None


def _groups(said: Said) -> Iterator[_Group]:
    """Yield the runs of digits in a sentence; in talk of telephones, also digits misheard as other words."""
    text = _COUNTED.sub(lambda match: _digit(match[2]) * int(_digit(match[1])), _FOUR.sub("几", said.text))
    talks = said.asked_phone or _TALKS_OF_PHONE.search(text) is not None
    if _OTHER_NUMBERS.search(said.question) and not said.asked_phone:
        return
    spans = [(match.start(), match.end(), match.group(), True) for match in _GROUP.finditer(text)]
    if talks:
        spans = _mended(text, spans)
    position = 0
    for start, end, characters, exact in spans:
        before = text[position:start]
        if _is_other(text, position, start, end):
            position = end
            continue
        position = end
        yield _Group(
            digits="".join(_digit(character) for character in characters if character != " "),
            said=said,
            exact=exact,
            linked=_BETWEEN.match(before) is not None and _WRONG.search(before) is None,
            context=talks,
            tail=_TAIL.search(before) is not None,
            wrong=_WRONG.search(before) is not None,
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
    phone = [label.end() for label in _TALKS_OF_PHONE.finditer(before)]
    if other and (not phone or phone[-1] < other[-1]):
        return True
    clause = re.split("[，。；！？,;!?]", before)[-1]
    own = re.search("我的?(?:联系)?(?:电话|手机|号码)|本人", clause)
    return not own and (_NOT_OWN.search(clause) is not None or _NOT_OWN_AFTER.match(after) is not None)


def _digit(character: str) -> str:
    return character if character.isascii() else DIGITS[character]


def _likely_digits(text: str) -> list[str]:
    """Return for every character the digit it is or sounds like, "" for others."""
    return [
        _digit(character) if character in _DIGIT else _SOUNDS.get(syllable, "")
        for character, syllable in zip(text, sound(text), strict=True)
    ]


def _mended(text: str, spans: list[tuple[int, int, str, bool]]) -> list[tuple[int, int, str, bool]]:
    """Widen runs of digits over neighbours that sound like digits (要 → 1, 就 → 9) to make a mobile number.

    The passage must begin where a number begins, have just its length, and hold enough true digits, so that
    a sentence cannot turn into a number.
    """
    likely = _likely_digits(text)
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
