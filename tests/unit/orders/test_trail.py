"""What happened to an order, in words that a clerk reads and that name no citizen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orders import course_events as happened
from orders.chain import KINDS
from orders.course_events import CourseEvent
from orders.course_messages import ClockKind, JointRule
from orders.messages import FieldEdited, OrderField
from orders.trail import _SAID, FIELDS, moment, said
from tests.support.courses import EVENTS, LEAD, OTHER, clock, dispatched, fed_back, rated, reviewed


@given(st.one_of(*EVENTS.values()))
def test_every_event_of_the_course_is_a_sentence_without_names_of_code(event: CourseEvent) -> None:
    sentence = said(event)
    assert isinstance(sentence, str)
    for word in ("None", "=", "Clock(", "granted", "joint_rule"):
        assert word not in sentence


def test_no_event_and_no_field_is_without_words() -> None:
    assert set(_SAID) == set(KINDS.values())
    assert set(FIELDS) == set(OrderField)


def test_a_dispatch_says_who_and_until_when() -> None:
    limit = clock(ClockKind.SIGN, 1_800_000_000.0, started=1_799_990_000.0)
    sentence = said(dispatched(LEAD, OTHER, clocks=(limit,), rule=JointRule.ALL))
    assert sentence == (
        f"主办 {LEAD}；协办 {OTHER}（协办全部答复后才能反馈）；人工派单；时限：签收 2027-01-15 16:00 前"
    )


def test_a_rule_that_chose_the_unit_is_named() -> None:
    sent = happened.OrderDispatched(lead=LEAD, source="rule:r7", by="system")
    assert said(sent) == f"主办 {LEAD}；按派单规则 r7"


def test_an_answer_that_did_not_pass_says_which_line_was_wrong() -> None:
    assert said(reviewed(passed=False)) == "审核不通过，退回补正；不符合：答复针对诉求；请补充现场照片"


def test_answers_and_ratings_are_in_the_words_of_people() -> None:
    assert said(fed_back()) == f"{LEAD}（已解决）：已清理并回复市民"
    assert said(rated(bad=True)) == "办理结果非常不满意；服务态度满意；未解决；计为差评"


def test_an_edited_telephone_number_is_not_in_the_sentence() -> None:
    assert said(FieldEdited(field="phone", value="13800138000", agent="li")) == "联系电话"
    assert said(FieldEdited(field="category", value="市容环卫", agent="li")) == "事项分类：市容环卫"


def test_times_are_those_of_china_whatever_the_machine_has() -> None:
    assert moment(1_800_000_000.0) == "2027-01-15 16:00"
