"""Citizens' telephone numbers: one spelling for each, and which of them a machine may dial. Pure.

Forms: the Chinese numbering plan (mobile numbers of 11 digits beginning with 13 to 19; fixed numbers of
seven or eight digits after an area code of three or four that begins with 0).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["NumberKind", "PhoneNumber", "masked", "read_number", "spellings"]

LONGEST = 40
"""Characters of a number that are looked at, as the dialplan bounds it."""

MOBILE = re.compile(r"1[3-9]\d{9}")
FIXED = re.compile(r"(?:010|02\d)\d{8}|0[3-9]\d{2}\d{7,8}")
LOCAL = re.compile(r"[2-8]\d{6,7}")
NOISE = re.compile(r"[\s().-]")
NAMELESS = frozenset({"", "anonymous", "unknown", "restricted", "unavailable", "private", "withheld", "0"})
"""What networks send where a number is withheld or unknown."""


class NumberKind(StrEnum):
    """What a machine may do with a number."""

    DIALLABLE = "diallable"  # a mobile or fixed line of this country
    ANONYMOUS = "anonymous"  # withheld by the caller or the network
    INVALID = "invalid"  # service numbers, extensions, foreign numbers, nonsense: a person looks at it


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """One number as it is compared and dialled."""

    number: str  # normalised; "" when anonymous
    kind: NumberKind  # whether a machine may dial it

    @property
    def diallable(self) -> bool:
        """Whether a machine may dial it."""
        return self.kind is NumberKind.DIALLABLE


def read_number(text: str, *, area_code: str = "") -> PhoneNumber:
    """Return a caller's number in its one spelling: without +86, 0086, trunk zero of mobiles and separators.

    `area_code` (with its 0, e.g. "010") is put before local numbers; without it they cannot be dialled from
    everywhere and count as invalid. Whatever is read twice stays the same.
    """
    raw = NOISE.sub("", text[:LONGEST])
    if raw.lower() in NAMELESS:
        return PhoneNumber("", NumberKind.ANONYMOUS)
    if not re.fullmatch(r"\+?[0-9]+", raw):
        return PhoneNumber(raw, NumberKind.INVALID)
    for number in _spellings(raw):
        if MOBILE.fullmatch(number) or FIXED.fullmatch(number):
            return PhoneNumber(number, NumberKind.DIALLABLE)
    if area_code and LOCAL.fullmatch(raw) and FIXED.fullmatch(area_code + raw):
        return PhoneNumber(area_code + raw, NumberKind.DIALLABLE)
    return PhoneNumber(raw, NumberKind.INVALID)


def _spellings(raw: str) -> tuple[str, ...]:
    """The number as it stands, and as it would be without what networks put before it."""
    bare = raw
    for prefix in ("+86", "0086", "86"):
        if raw.startswith(prefix):
            bare = raw.removeprefix(prefix)
            break
    return raw, bare, bare.removeprefix("0"), f"0{bare}" if bare is not raw else raw


def spellings(number: str) -> tuple[str, ...]:
    """Every way in which networks write a normalised number: to find it where it was stored as it came."""
    bare = number.removeprefix("0")
    trunk = (f"0{number}",) if MOBILE.fullmatch(number) else ()
    return (number, *trunk, f"+86{bare}", f"86{bare}", f"0086{bare}")


def masked(number: str) -> str:
    """The number for people who need not know it: its middle is hidden."""
    if len(number) <= 4:
        return "*" * len(number)
    if len(number) <= 7:
        return number[:2] + "*" * (len(number) - 4) + number[-2:]
    return number[:3] + "*" * (len(number) - 7) + number[-4:]
