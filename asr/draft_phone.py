"""The telephone number that the citizen said, only when it is complete.

A number counts when its digits are a whole mobile number (11 digits, 13x to 19x), or a whole landline number
with its area code and the talk was of telephone numbers. Digits may be spread over sentences. Anything else
that looks like digits (a flat, an order number, a piece of a number, an identity card) is no number at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from asr.draft_lines import Said
from asr.draft_phone_digits import TALKS_OF_PHONE, WRONG, Group, groups_in, likely_digits

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"0(?:10|2[0-9])[2-8][0-9]{7}|0[3-9][0-9]{2}[2-8][0-9]{6,7}")
_SEVEN = re.compile(r"0[3-9][0-9]{2}[2-8][0-9]{6}")
"""An area code and seven digits: whole in smaller cities, one short in others."""
_INTRODUCES = re.compile("(?:[我家]?的?(?:联系)?(?:电话|手机|号码)(?:号码|号)?)(?:是|时|就是|为)")
_SAME = re.compile(
    r"(?:就|打|用|还是|我的|是)*(?:这个|现在这个|本机|来电|打(?:过来|进来|来)的?)(?:电话|号码|手机号|手机|号)"
    r"|就是这个|这个就行|就这个|就是?打(?:过来|进来|来)的?这个"
)
_YES = re.compile(r"^(?:对|是|是的|对的|嗯|可以|没错|好|行)")
_ENOUGH_OF_CALLER = 7
_MOST_GROUPS = 24
"""A number said twice, digit by digit, has no more groups; earlier ones belong to no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A telephone number the citizen gave."""

    number: str  # digits only
    source: str  # rule:phone/…, or caller_id when the citizen confirmed the calling number
    confidence: float  # 0 to 1
    said: tuple[Said, ...]  # the sentences it came from


def find_phone(lines: Sequence[Said], caller: str) -> Phone | None:
    """Return the last complete number the citizen gave, or the calling number if they confirmed it.

    Digits that were misheard in a place or two, but otherwise are the calling number, confirm it.
    """
    found: Phone | None = None
    chain: list[Group] = []
    for said in lines:
        groups = list(groups_in(said))
        for group in groups:
            if found is not None and _mends(group):
                found, chain = _replace_part(found, group), []
                continue
            chain = _chained(chain, group)
            number = _complete(chain)
            if number is not None and not _may_lack_one(number, caller):
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
    likely = likely_digits(text)
    end = match.end()
    while end < len(text) and (likely[end] or text[end] in "，、, " or any(likely[end + 1 : end + 3])):
        end += 1
    digits = sum(1 for index in range(match.end(), end) if likely[index])
    return text[: match.start()] + text[end:] if digits >= 6 else text


def gave_digits(lines: Sequence[Said]) -> bool:
    """Tell whether the citizen answered the question for the number with digits, whole or not."""
    return any(
        said.asked_phone and sum(map(bool, likely_digits(said.text))) >= _ENOUGH_OF_CALLER for said in lines
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


def _may_lack_one(phone: Phone, caller: str) -> bool:
    """Tell whether recognition may have swallowed one of a landline's eight digits.

    Seven are believed where they were heard surely, or the calling number has as many in the same area.
    """
    if _SEVEN.fullmatch(phone.number) is None or all(said.confidence >= 1.0 for said in phone.said):
        return False
    calling = re.sub("[^0-9]", "", caller)
    return _SEVEN.fullmatch(calling) is None or calling[:4] != phone.number[:4]


def _resembles(said: Said, caller: str) -> bool:
    """Tell whether a sentence about the number repeats most of the calling number, in order."""
    if not (said.asked_phone or TALKS_OF_PHONE.search(said.text)):
        return False
    heard = "".join(likely_digits(said.text))
    matcher = SequenceMatcher(None, heard, caller, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks() if block.size >= 2) >= _ENOUGH_OF_CALLER


def _confirms_caller(said: Said) -> bool:
    if WRONG.search(said.text):
        return False
    if _SAME.search(said.text) and (said.asked_phone or TALKS_OF_PHONE.search(said.text)):
        return True
    return said.asked_same_number and _YES.match(said.text) is not None


def _mends(group: Group) -> bool:
    """Tell whether the digits stand for a part of the number that was said."""
    if group.middle:
        return len(group.digits) == 4
    return (group.tail and 2 <= len(group.digits) <= 8) or (group.wrong and len(group.digits) == 4)


def _chained(chain: list[Group], group: Group) -> list[Group]:
    """Return the groups that may make one number, after a further one; a correction replaces the last."""
    if group.linked:
        return [*chain[-_MOST_GROUPS:], group]
    if group.wrong and chain and len(chain) > 1 and len(chain[-1].digits) == len(group.digits) < 7:
        return [*chain[:-1], replace(group, context=group.context or chain[-1].context)]
    return [group]


def _replace_part(phone: Phone, group: Group) -> Phone:
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


def _complete(chain: Sequence[Group]) -> Phone | None:
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


def _begins_anew(before: Sequence[Group], part: Sequence[Group]) -> bool:
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
