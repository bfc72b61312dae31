"""One spelling for every citizen's number, and which of them a machine may dial."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.phone_numbers import NumberKind, masked, read_number, spellings


@pytest.mark.parametrize(
    "text",
    ["13800000001", "+8613800000001", "008613800000001", "8613800000001", "013800000001", "138 0000-0001"],
)
def test_a_mobile_number_is_the_same_however_the_network_writes_it(text: str) -> None:
    found = read_number(text)
    assert (found.number, found.kind) == ("13800000001", NumberKind.DIALLABLE)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("01066668888", "01066668888"),
        ("+861066668888", "01066668888"),
        ("057188887777", "057188887777"),
        ("+8657188887777", "057188887777"),
        ("03127654321", "03127654321"),
    ],
)
def test_a_fixed_line_keeps_its_area_code(text: str, number: str) -> None:
    assert read_number(text).number == number
    assert read_number(text).diallable


def test_a_local_number_is_diallable_only_where_the_area_is_known() -> None:
    assert read_number("66668888").kind is NumberKind.INVALID
    assert read_number("66668888", area_code="010").number == "01066668888"


@pytest.mark.parametrize("text", ["", "anonymous", "Unknown", "restricted", "  "])
def test_a_withheld_number_is_anonymous(text: str) -> None:
    assert read_number(text).kind is NumberKind.ANONYMOUS
    assert read_number(text).number == ""


@pytest.mark.parametrize("text", ["110", "12345", "10086", "8001", "+4915112345678", "sip:evil", "1" * 40])
def test_what_is_no_line_of_a_citizen_is_not_dialled_by_a_machine(text: str) -> None:
    assert read_number(text).kind is NumberKind.INVALID


@given(st.text(max_size=60), st.sampled_from(["", "010", "0571"]))
def test_reading_a_number_again_changes_nothing(text: str, area_code: str) -> None:
    once = read_number(text, area_code=area_code)
    assert read_number(once.number, area_code=area_code) == once or once.kind is NumberKind.INVALID
    assert read_number(once.number, area_code=area_code).number == once.number


@pytest.mark.parametrize("number", ["13800000001", "01066668888", "057188887777"])
def test_every_spelling_of_a_number_is_read_as_that_number(number: str) -> None:
    written = spellings(number)
    assert number in written
    assert {read_number(one).number for one in written} == {number}


@pytest.mark.parametrize(
    ("number", "shown"),
    [("13800000001", "138****0001"), ("66668888", "666*8888"), ("12345", "12*45"), ("110", "***"), ("", "")],
)
def test_a_masked_number_hides_its_middle(number: str, shown: str) -> None:
    assert masked(number) == shown
