"""A landline with seven digits after its area code may be one of eight that was not heard whole."""

from __future__ import annotations

from asr.draft_lines import citizen_lines
from asr.draft_phone import find_phone
from asr.messages import Line, Speaker


def _number(text: str, *, confidence: float, caller: str = "13955550110") -> str | None:
    lines = [
        Line(speaker=Speaker.AGENT, text="请留一个电话。", start=0.0, end=1.0),
        Line(speaker=Speaker.CITIZEN, text=text, start=1.0, end=4.0, confidence=confidence),
    ]
    found = find_phone(citizen_lines(lines), caller)
    return None if found is None else found.number


def test_seven_digits_that_were_heard_with_doubt_are_nobodys_number() -> None:
    assert _number("座机是05165782034", confidence=0.97) is None


def test_seven_digits_that_were_written_are_a_number() -> None:
    assert _number("座机是05165782034", confidence=1.0) == "05165782034"


def test_seven_digits_are_believed_where_the_calling_number_has_as_many() -> None:
    assert _number("座机是05165782034", confidence=0.97, caller="0516-5550106") == "05165782034"


def test_eight_digits_that_were_heard_are_a_number() -> None:
    assert _number("座机是055165782034", confidence=0.9) == "055165782034"
