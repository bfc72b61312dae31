"""Marks stay on what they mark while the text around and under them is rewritten."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.messages import Repair
from asr.text import NUMBER_RULES, numbers
from asr.text_marked import MarkedText


def marked(text: str, start: int, end: int) -> MarkedText:
    return MarkedText(text, (Repair(start=start, end=end, heard="?", source="digits", confidence=0.9),))


def under(text: MarkedText) -> list[str]:
    return [text.text[mark.start : mark.end] for mark in text.marks]


@pytest.mark.parametrize(
    ("text", "start", "end", "after"),
    [
        ("嗯电话一三八零零零零五二六七谢谢", 3, 14, "13800005267"),
        ("晚上十点在新华街道停水", 5, 9, "新华街道"),
        ("八栋二单元六零三", 5, 8, "603室"),
        ("新华街道八栋二单元", 0, 4, "新华街道"),
    ],
)
def test_a_mark_follows_its_words_into_digits(text: str, start: int, end: int, after: str) -> None:
    one = marked(text, start, end)
    one.apply(NUMBER_RULES)
    assert under(one) == [after]


def test_a_mark_whose_words_are_gone_goes() -> None:
    one = marked("我嗯想问", 1, 2)
    one.apply(((re.compile("嗯"), lambda _: ""),))
    assert (one.text, one.marks) == ("我想问", ())


def test_what_is_put_in_beside_a_mark_does_not_belong_to_it() -> None:
    one = marked("新华街道停水", 0, 4)
    one.change([(4, 4, "，")])
    assert (one.text, under(one)) == ("新华街道，停水", ["新华街道"])


def test_marks_do_not_overlap() -> None:
    one = marked("新华街道停水", 0, 4)
    one.mark(Repair(start=2, end=6, heard="?", source="gazetteer", confidence=0.9))
    assert under(one) == ["新华街道"]


_text = st.text(alphabet="零一二三八幺十百点号楼单元室，。嗯上午粤A块", max_size=40)


@given(text=_text, place=st.tuples(st.integers(0, 40), st.integers(0, 40)))
def test_marks_never_leave_the_text_and_the_text_is_the_same_without_them(
    text: str, place: tuple[int, int]
) -> None:
    start, end = sorted(min(each, len(text)) for each in place)
    one = marked(text, start, end) if start < end else MarkedText(text)
    one.apply(NUMBER_RULES)
    assert one.text == numbers(text)
    assert all(0 <= mark.start < mark.end <= len(one.text) for mark in one.marks)
