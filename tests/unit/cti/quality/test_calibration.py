"""How far apart reviewers of the same talk are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cti.quality.calibration import agreement, biases
from cti.quality.sheets import Marks, read_sheet

SHEET = read_sheet(
    "title: 评分\npassing: 80\nitems:\n- {key: manner, title: 态度, points: 10}\n"
    "- {key: words, title: 用语, points: 10}"
    "\nfatal: [{key: rude, title: 辱骂}]"
)


def marks(manner: float | None, words: float, *fatal: str) -> Marks:
    return Marks(points={"manner": manner, "words": words}, fatal=fatal)


def test_one_reviewer_agrees_with_nobody() -> None:
    assert agreement(SHEET, {"zhao": marks(5, 5)}) is None


def test_the_spread_is_between_the_largest_and_the_smallest_total() -> None:
    found = agreement(SHEET, {"zhao": marks(10, 10), "qian": marks(5, 10), "sun": marks(10, 5)})
    assert found is not None
    assert (found.spread, found.mean) == (25.0, 83.3)


def test_marks_within_a_tenth_agree() -> None:
    found = agreement(SHEET, {"zhao": marks(9, 10), "qian": marks(10, 2)})
    assert found is not None
    assert [item.agreed for item in found.items] == [1.0, 0.0]


def test_an_item_that_applies_for_some_only_is_named() -> None:
    found = agreement(SHEET, {"zhao": marks(None, 10), "qian": marks(10, 10)})
    assert found is not None
    assert [item.divided for item in found.items] == [True, False]


def test_a_fatal_item_that_only_some_hit_is_named() -> None:
    found = agreement(SHEET, {"zhao": marks(10, 10, "rude"), "qian": marks(10, 10)})
    assert found is not None
    assert found.fatal_divided == ("rude",)


def test_who_gives_more_than_the_others_is_lenient() -> None:
    mild, harsh = biases([{"zhao": 90, "qian": 70}, {"zhao": 80, "qian": 80}])
    assert (mild.reviewer, mild.bias, mild.distance) == ("zhao", 5.0, 5.0)
    assert (harsh.reviewer, harsh.bias) == ("qian", -5.0)


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.floats(0, 100), min_size=2), max_size=6))
def test_biases_weighed_by_talks_cancel_out(talks: list[dict[str, float]]) -> None:
    assert abs(sum(one.bias * one.talks for one in biases(talks))) < 0.01 * (1 + sum(map(len, talks)))
