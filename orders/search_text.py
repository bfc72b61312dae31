"""What an order is searched by, and the parts of words (grams) that an index finds it by. Pure.

Chinese has no blanks between words, and people search for any two characters in a row. So the index
holds pairs of neighbours, not words. Runs of digits (telephone numbers, 工单编号) are cut into fours: there
are only a hundred pairs of digits, and half of them stand in every order. A gram only points to where a
word may be; whoever asks compares the text itself afterwards, so grams that share a number do no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from orders.lifecycle import value_of
from orders.messages import OrderField
from orders.records import Order

__all__ = ["SEARCHED", "folded", "grams_of", "is_number", "joined", "text_of", "words_of"]

SEARCHED = (
    OrderField.PHONE,
    OrderField.CONTACT,
    OrderField.TITLE,
    OrderField.SUMMARY,
    OrderField.PLACE,
    OrderField.STREET,
    OrderField.DISTRICT,
)
"""Fields that are searched, beside number and calling number."""
DIGITS = 4
"""Digits that make one gram."""
_FOURS = 1 << 16
"""Grams of digits begin here: a pair that begins with the control character U+0001 is never stored."""


def folded(text: str) -> str:
    """Return the text as it is compared: small and capital letters are the same, each character by itself."""
    return text.casefold()


def joined(*values: str) -> str:
    """Return values as one text in which no word reaches from one value into the next."""
    return folded("\n".join(values))


def text_of(order: Order) -> str:
    """Return everything of an order that is searched, one value a line."""
    return joined(order.number, order.caller, *(value_of(order.draft, field) for field in SEARCHED))


def words_of(text: str) -> tuple[str, ...]:
    """Return the words that must all occur, as they are compared."""
    return tuple(dict.fromkeys(folded(text).split()))


def grams_of(text: str, *, singles: bool = True) -> tuple[int, ...]:
    """Return the grams of a folded text, ascending, each a signed 32-bit number.

    Of a word they are what every text with this word has, too; () when nothing in it is indexed (one letter,
    three digits). Without `singles`, single characters are left out: their pairs say more.
    """
    found: set[int] = set()
    for one in text:
        if singles and one > "\x7f":
            found.add(_low(one))
    for left, right in pairwise(text):
        if not (left.isspace() or right.isspace()) and not (_is_digit(left) and _is_digit(right)):
            found.add(_low(left) << 16 | _low(right))
    for run in _runs(text):
        found.update(_FOURS + int(run[at : at + DIGITS]) for at in range(len(run) - DIGITS + 1))
    return tuple(sorted(one - (1 << 32) if one >> 31 else one for one in found))


def is_number(gram: int) -> bool:
    """Tell whether a gram is of digits."""
    return gram >> 16 == _FOURS >> 16


def _is_digit(one: str) -> bool:
    return "0" <= one <= "9"


def _low(one: str) -> int:
    return ord(one) & 0xFFFF


def _runs(text: str) -> Iterator[str]:
    run = ""
    for one in text:
        if _is_digit(one):
            run += one
            continue
        if len(run) >= DIGITS:
            yield run
        run = ""
    if len(run) >= DIGITS:
        yield run
