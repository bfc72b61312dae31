"""The value of a number as it is said in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DIGITS: Mapping[str, str] = MappingProxyType(
    {sign: str(value) for value, sign in enumerate("零一二三四五六七八九")}
    | {"〇": "0", "幺": "1", "两": "2"}
)
"""How each digit is said; 幺 is 1 in telephone and house numbers."""
_STEPS: Mapping[str, int] = MappingProxyType({"十": 10, "百": 100, "千": 1000})
MAX_NUMBER = 40
"""Longer ones are no numbers."""


def value_of(number: str) -> str | None:
    """Return a spoken whole number in digits (八十六 → 86, 六零三 → 603, 一万二 → 12000), else None."""
    if not 0 < len(number) <= MAX_NUMBER and not all(sign in DIGITS for sign in number):
        return None
    if number.isascii():
        return number if number.isdigit() else None
    if all(sign in DIGITS for sign in number):
        return "".join(DIGITS[sign] for sign in number)
    head, wan, tail = number.partition("万")
    if not wan:
        value = _below_ten_thousand(number)
        return None if value is None else str(value)
    high = _below_ten_thousand(head)
    if high is None or not high:
        return None
    if len(tail) == 1 and tail in DIGITS:  # 一万二: the last one counts thousands
        return str(high * 10_000 + int(DIGITS[tail]) * 1000)
    low = 0 if not tail else _below_ten_thousand(tail.removeprefix("零"))
    return None if low is None else str(high * 10_000 + low)


def _below_ten_thousand(number: str) -> int | None:
    """Return the value of what is said with 十, 百 and 千; a last digit counts the next step (三百五)."""
    total, before = 0, 10_000
    digit: int | None = None
    zero = False
    for index, sign in enumerate(number):
        if sign in _STEPS:
            step = _STEPS[sign]
            if step >= before or (digit is None and not (step == 10 and (index == 0 or before == 100))):
                return None
            total += (1 if digit is None else digit) * step
            before, digit, zero = step, None, False
        elif sign in DIGITS:
            if digit is not None:
                return None
            value = int(DIGITS[sign])
            if value == 0:
                if zero or before == 10_000:
                    return None
                zero = True
            else:
                digit = value
        else:
            return None
    if digit is not None:
        total += digit * (before // 10 if before < 10_000 and not zero and before > 10 else 1)
    elif zero:
        return None
    return total if total else None
