"""The citizen's number, whole or not at all; never somebody else's, nor a number of something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.draft_contact import find_contact
from asr.draft_lines import citizen_lines
from asr.draft_phone import find_phone
from asr.messages import Line, Speaker

NUMBER = "15922334456"
SPOKEN = "幺五九二二三三四四五六"


def lines(*spoken: str) -> list[Line]:
    return [
        Line(
            speaker=Speaker.AGENT if text.startswith("坐席：") else Speaker.CITIZEN,
            text=text.removeprefix("坐席："),
            start=float(number),
            end=number + 0.9,
        )
        for number, text in enumerate(spoken)
    ]


def number(*spoken: str) -> str | None:
    found = find_phone(citizen_lines(lines(*spoken)), "")
    return None if found is None else found.number


@pytest.mark.parametrize(
    "spoken",
    [
        ("手机号159-2233-4456",),
        (f"订单号是八八二三零零一二，我的电话是{SPOKEN}",),
        (f"身份证430102198001011234，联系电话{NUMBER}",),
        (f"物业电话13855667788没人接，我的电话是{NUMBER}",),
        ("坐席：您的电话", "一五九", "二二三三", "四四五五", "不对", "不对，最后是四四五六"),
        ("坐席：您的电话", "一五九二二三三四四五五", "不对，最后两位是五六"),
        ("坐席：您的电话", "一五九七七七七四四五六", "不对，中间是二二三三"),
        ("坐席：您的电话", "一五九，七七七七，不对，二二三三，四四五六"),
        ("坐席：您的电话", "要五九二二散三四四五留"),
    ],
)
def test_a_whole_number_is_found_beside_others_and_after_corrections(spoken: tuple[str, ...]) -> None:
    assert number(*spoken) == NUMBER


@pytest.mark.parametrize(
    "spoken",
    [
        f"订单号{NUMBER}",
        f"快递单号{NUMBER}一直不更新",
        f"我的身份证号{SPOKEN}",
        f"水表号{NUMBER}",
        f"物业的电话是{NUMBER}，一直打不通",
        f"接到{NUMBER}打来的诈骗电话",
        f"他们公司电话{NUMBER}",
        f"合同金额{NUMBER}元",
        f"编号{NUMBER}的路灯坏了",
        f"设备A{NUMBER}",
        "43010219800101，19801234123",
        "打了4008001234一直占线",
        "拨打95588没有用，打12345也没有用",
    ],
)
def test_a_number_of_something_or_somebody_else_is_none(spoken: str) -> None:
    assert number(spoken) is None


@given(st.text(alphabet="零一二三四五六七八九幺0123456789，。 号元是不对", max_size=60))
def test_whatever_is_found_is_a_whole_number(text: str) -> None:
    found = number(f"电话{text}")
    assert found is None or (found.isdigit() and len(found) in (10, 11, 12))


@pytest.mark.parametrize(
    ("spoken", "name"),
    [
        ("联系人：王女士，电话保密", "王女士"),
        ("联系人：王建国，电话保密", "王建国"),
        ("我是李建国，想反映一件事", "李建国"),
        ("市民张先生反映", "张先生"),
        ("陈女士，电话保密", "陈女士"),
        ("找王师傅。", "王师傅"),
        ("老板姓罗", None),
        ("我是高新区，", None),
        ("我姓什么不重要", None),
        ("李先生说不归他管", None),
    ],
)
def test_the_name_is_the_citizens_own(spoken: str, name: str | None) -> None:
    found = find_contact(citizen_lines(lines(spoken)), ())
    assert (None if found is None else found.name) == name
