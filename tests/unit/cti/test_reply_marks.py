"""What citizens write back: a rating is taken only where it is one, all else is left to a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.casework.reply_marks import Doubt, read_reply

RATED = {
    5: "5| 5 |５|5。|5分|5 分|5星|5颗星|5⭐|5!|“5”|选5|评价5|打5分|给5分吧|回复5|满意度:5|5了|"
    "5 非常满意|5非常满意|5,谢谢|5谢谢|"
    "5、师傅辛苦了|5分，处理得很好|5 没意见|5 挺不错|"
    "5，没问题，谢谢|5 满意|非常满意|很满意，谢谢|五分|五",
    4: "(4)|我选4|4 满意|4满意|满意",
    3: "3|3 一般|3一般|3 还行|一般",
    2: "2 不满意|2不满意|2 没有解决|2，推来推去|不满意",
    1: "1|1 路灯还是不亮|1 非常不满意|1。没人来|1分，太慢|1、没有修好|非常不满意",
}
LEFT = {
    Doubt.UNCLEAR: "5天了没人来|5 天了没人来|5个月了|3次了|1号楼还是没水|2楼漏水|5栋2单元没电|4点多来的|"
    "5分钟就来了|5星期了|"
    "5.5|4-5天|1、2号楼没水|3:30来的人|12345|55|0|6|10分|5 4|5和4|你好|？|什么时候来人|打了5次电话|等了5天|"
    "5万块没退|2025年就反映了|1人来过|5路公交没来",
    Doubt.CONTRARY: "5 不满意|5分，可是没修好|5，还是没人来|4 就是太慢|1 非常满意|1，谢谢，修好了|"
    "满意，但是太慢了|"
    "没有修好|5 投诉|5 敷衍|5 非常不满意|5 一般",
}
MARKS = [(text, mark) for mark, texts in RATED.items() for text in texts.split("|")]
DOUBTS = [(text, why) for why, texts in LEFT.items() for text in texts.split("|")]


@pytest.mark.parametrize(("text", "mark"), MARKS)
def test_a_rating_is_taken(text: str, mark: int) -> None:
    assert read_reply(text).mark == mark


@pytest.mark.parametrize(("text", "why"), DOUBTS)
def test_what_is_no_clear_rating_is_left_to_a_person(text: str, why: Doubt) -> None:
    assert (read_reply(text).mark, read_reply(text).doubt) == (None, why)


COMPLAINTS = (
    "没人来",
    "还是没水",
    "投诉你们",
    "太慢了",
    "根本没解决",
    "敷衍了事",
    "骗人",
    "推来推去",
    "不满意",
)


@given(
    st.sampled_from("45"),
    st.sampled_from(("", " ", "，", "分，", "星 ", "。", "天了", "个月了")),
    st.text(alphabet="我们小区路灯的水管师傅", max_size=8),
    st.sampled_from(COMPLAINTS),
)
def test_no_complaint_becomes_a_high_mark(digit: str, apart: str, words: str, complaint: str) -> None:
    assert read_reply(f"{digit}{apart}{words}{complaint}").mark is None


@given(st.text(max_size=60))
def test_whatever_is_written_is_a_mark_or_left_with_a_reason(text: str) -> None:
    reply = read_reply(text)
    assert (reply.mark is None) is (reply.doubt is not None)
    assert reply.mark is None or 1 <= reply.mark <= 5


@given(
    st.integers(1, 5),
    st.sampled_from(("天", "个月", "次", "楼", "号楼", "栋", "年", "点", "分钟", "小时", "万元")),
)
def test_a_number_that_counts_something_is_no_mark(number: int, counted: str) -> None:
    for apart in ("", " "):
        assert read_reply(f"{number}{apart}{counted}了").mark is None
