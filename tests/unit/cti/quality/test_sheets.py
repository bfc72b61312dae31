"""评分表: what a talk is scored by, and what marks amount to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.quality.errors import MarksError, SheetError
from cti.quality.sheets import SHIPPED, Marks, ScoreSheet, check_marks, read_sheet, total

SHEET = read_sheet(
    """
title: 评分
passing: 80
items:
  - {key: greeting, title: 问候, points: 10}
  - {key: listening, title: 倾听, points: 30}
  - {key: wording, title: 描述, points: 60}
fatal:
  - {key: rude, title: 辱骂市民}
"""
)
FULL = Marks(points={"greeting": 10, "listening": 30, "wording": 60})


def marks(**points: float | None) -> Marks:
    return Marks(points={**FULL.points, **points})


def test_full_marks_are_a_hundred() -> None:
    assert total(SHEET, FULL) == 100.0


def test_the_total_is_the_share_of_what_could_be_given() -> None:
    assert total(SHEET, marks(wording=30)) == 70.0


def test_what_does_not_apply_counts_on_neither_side() -> None:
    assert total(SHEET, marks(wording=None, greeting=0)) == 75.0


def test_one_fatal_item_takes_everything() -> None:
    assert total(SHEET, Marks(points=FULL.points, fatal=("rude",))) == 0.0


def test_an_item_left_out_is_refused_by_its_name() -> None:
    with pytest.raises(MarksError, match="“倾听”还没有打分"):
        check_marks(SHEET, Marks(points={"greeting": 10, "wording": 60}))


def test_more_than_there_is_is_refused() -> None:
    with pytest.raises(MarksError, match="最多 10 分，给了 11 分"):
        check_marks(SHEET, marks(greeting=11))


def test_an_item_that_is_not_on_the_sheet_is_refused() -> None:
    with pytest.raises(MarksError, match="没有“smile”"):
        check_marks(SHEET, marks(smile=1))


def test_a_fatal_item_takes_no_points() -> None:
    with pytest.raises(MarksError, match="只勾选"):
        check_marks(SHEET, marks(rude=1))


def test_a_sheet_on_which_nothing_applies_is_refused() -> None:
    with pytest.raises(MarksError, match="至少有一项适用"):
        check_marks(SHEET, marks(greeting=None, listening=None, wording=None))


def test_a_key_said_twice_is_refused() -> None:
    with pytest.raises(SheetError, match="greeting 重复"):
        read_sheet(
            "title: 评分\npassing: 80\nitems: [{key: greeting, title: 甲, points: 1}, "
            "{key: greeting, title: 乙, points: 1}]"
        )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title: [", "第 1 行"),
        ("title: 评分\npassing: 80\nitems: []", "length >= 1"),
        ("title: 评分\npassing: 180\nitems: [{key: a, title: 甲, points: 1}]", "passing"),
        ("title: 评分\npassing: 80\nmore: 1\nitems: [{key: a, title: 甲, points: 1}]", "more"),
        ("- 1\n" * 40_000, "64 KB"),
    ],
)
def test_a_sheet_that_is_none_is_refused_with_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(SheetError, match=told):
        read_sheet(text)


def test_the_shipped_sheet_gives_a_hundred_points() -> None:
    sheet = read_sheet(SHIPPED.read_text(encoding="utf-8"))
    assert sum(item.points for item in sheet.items) == 100
    assert sheet.fatal


def given_marks(sheet: ScoreSheet) -> st.SearchStrategy[Marks]:
    points = {item.key: st.none() | st.floats(0, item.points) for item in sheet.items}
    return (
        st.fixed_dictionaries(points)
        .filter(lambda one: set(one.values()) != {None})
        .map(lambda one: Marks(points=one))
    )


@given(given_marks(SHEET))
def test_a_total_lies_between_nothing_and_a_hundred(given: Marks) -> None:
    assert 0.0 <= total(SHEET, given) <= 100.0


@given(given_marks(SHEET), st.sampled_from(["greeting", "listening", "wording"]))
def test_a_better_mark_never_lowers_the_total(given: Marks, key: str) -> None:
    if given.points[key] is None:
        return
    most = next(item.points for item in SHEET.items if item.key == key)
    assert total(SHEET, Marks(points={**given.points, key: most})) >= total(SHEET, given)
