"""Numbers as people say them: phones, house numbers, money, drawn by chance."""

from __future__ import annotations

import random
from collections.abc import Mapping

from asr.adapt_grammar import Slot
from asr.lm_pieces import counted

_PREFIXES = ("三", "五", "七", "八", "九")
_PLATES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤川青藏琼宁"
_DIGITS = "零一二三四五六七八九"
_SAID = "零幺二三四五六七八九"


def _digits(count: int, chance: random.Random) -> str:
    return "".join(_SAID[int(chance.random() * 10)] for _ in range(count))


def _phone(chance: random.Random) -> str:
    """A mobile number as it is said: 幺 or 一, with and without pauses."""
    number = "幺" + chance.choice(_PREFIXES) + _digits(9, chance)
    if chance.random() < 0.25:
        number = number.replace("幺", "一")
    return f"{number[:3]}，{number[3:7]}，{number[7:]}" if chance.random() < 0.3 else number


def _money(chance: random.Random) -> str:
    amount = counted(chance.choice((1, 2, 3, 5, 8, chance.randint(1, 99))) * chance.choice((1, 10, 100)))
    amount = amount.replace("二千", "两千").replace("二百", "两百") + chance.choice(("", "", "万", "多"))
    return amount + chance.choice(("块", "块钱", "元", "块钱", "元钱"))


def _floor(chance: random.Random) -> str:
    floor, door = chance.randint(1, 33), chance.randint(1, 8)
    number = f"{floor}0{door}"
    if floor < 10 and chance.random() < 0.15:
        return counted(int(number))
    said = _SAID if chance.random() < 0.4 else _DIGITS
    return "".join(said[int(digit)] for digit in number)


def _house_number(chance: random.Random) -> str:
    number = chance.choice((chance.randint(1, 20), chance.randint(1, 99), chance.randint(1, 400)))
    if number > 99 and chance.random() < 0.4:
        return "".join(_SAID[int(digit)] for digit in str(number))
    return counted(number)


def _landline(chance: random.Random) -> str:
    area = "零" + _digits(chance.choice((2, 3)), chance) if chance.random() < 0.3 else ""
    return area + chance.choice("二三四五六七八") + _digits(chance.choice((6, 7)), chance)


SPOKEN: Mapping[str, Slot] = {
    "phone": _phone,
    "landline": _landline,
    "identity": lambda chance: _digits(18, chance),
    "order_number": lambda chance: "二零二" + _digits(chance.choice((9, 11)), chance),
    "plate": lambda chance: chance.choice(_PLATES) + _digits(5, chance),
    "money": _money,
    "number": _house_number,
    "unit_no": lambda chance: counted(chance.choice((1, 2, 3, 4, chance.randint(1, 12)))),
    "room": _floor,
    "digit": lambda chance: _digits(1, chance),
    "month": lambda chance: counted(chance.randint(1, 12)),
    "day": lambda chance: counted(chance.randint(1, 31)),
    "hour": lambda chance: "两" if (hour := chance.randint(1, 12)) == 2 else counted(hour),
    "minute": lambda chance: chance.choice(("十", "二十", "三十", "四十", "五十", "十五", "四十五", "零五")),
}
"""Slots of sentences that numbers fill."""
