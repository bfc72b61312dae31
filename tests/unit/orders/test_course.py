"""The course of an accepted order, rule by rule, in the words of the field."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import get_args

import pytest

from orders import chain
from orders import course_events as happened
from orders.course import advance, begun
from orders.course_events import CourseEvent
from orders.course_messages import (
    Checked,
    ClockKind,
    CourseState,
    JointRule,
    JointState,
    Solved,
    Supervision,
)
from orders.course_table import TABLE, as_text
from orders.course_titles import EVENTS, STATES
from orders.course_units import UnitRole, tasks
from orders.errors import CourseRefused, IllegalTransition, ValueRefused
from tests.support import courses
from tests.support.courses import (
    ANSWERED,
    CHIEF,
    CLERK,
    DAY,
    LEAD,
    OFFICER,
    OTHER,
    THIRD,
    clock,
    closed,
    dispatched,
    dispute_ruled,
    disputed,
    fed_back,
    joint_answered,
    life,
    noted,
    rated,
    redo,
    return_ruled,
    returned,
    reviewed,
    signed,
)

S = CourseState
BAD = (*ANSWERED, rated(bad=True))
APPEALED = happened.AppealRaised(unit=LEAD, reason="诉求超出政策", by=OFFICER)


def refused(*events: CourseEvent) -> str:
    """What a clerk reads when the last of these events is refused."""
    course = life(*events[:-1])
    with pytest.raises(CourseRefused) as caught:
        advance(course, events[-1], course.touched_at + 60.0)
    return caught.value.shown


def lacking(*events: CourseEvent) -> str:
    """What a clerk reads when the last of these events lacks something."""
    course = life(*events[:-1])
    with pytest.raises(ValueRefused) as caught:
        advance(course, events[-1], course.touched_at + 60.0)
    return caught.value.shown


# ---------------------------------------------------------------- the table


def test_every_event_is_somewhere_in_the_table_and_has_a_chinese_name_and_a_place_in_the_chain() -> None:
    every = set(get_args(CourseEvent))
    assert {event for _, event in TABLE} == every == set(courses.EVENTS)
    assert {event.__name__ for event in every} <= set(EVENTS)
    assert every <= set(chain.KINDS.values())
    assert set(STATES) == set(CourseState)


def test_every_event_says_who_did_it() -> None:
    for event in get_args(CourseEvent):
        assert "by" in {field.name for field in fields(event)}


def test_the_table_can_be_read_as_text() -> None:
    assert "feedback" not in as_text().splitlines()[0]
    assert "fed_back + FeedbackReviewed -> reviewed or handling" in as_text().splitlines()
    assert "appealed + AppealRuled -> back" in as_text().splitlines()


def test_an_illegal_move_names_state_and_event_in_chinese() -> None:
    with pytest.raises(IllegalTransition) as caught:
        advance(life(dispatched(), signed()), rated(bad=False), 9000.0)
    assert caught.value.shown == "工单现为“已签收”，不能评价"
    assert str(caught.value) == "OrderRated is not legal for an order in state signed"


def test_nothing_happens_to_an_archived_order() -> None:
    course = life(*ANSWERED, rated(bad=False), closed(), happened.OrderArchived(by=CLERK))
    for event in (dispatched(), rated(bad=True), closed(), happened.OrderWithdrawn(reason="误", by=CLERK)):
        with pytest.raises(IllegalTransition):
            advance(course, event, 9e5)


# ---------------------------------------------------------------- 直办 派单 签收 办理


def test_zhiban_is_answered_at_once_and_closed_without_a_unit() -> None:
    course = life(happened.AnsweredDirectly(text="社保卡可在手机补办", by=CLERK), closed())
    assert (course.state, course.lead, course.closed_at) == (S.CLOSED, "", 1120.0)
    assert course.feedback is not None
    assert course.feedback.text == "社保卡可在手机补办"


def test_zhiban_that_was_rated_badly_is_dispatched_in_the_redo() -> None:
    course = life(happened.AnsweredDirectly(text="略", by=CLERK), rated(bad=True), redo(), dispatched())
    assert (course.state, course.round, course.lead) == (S.DISPATCHED, 2, LEAD)


def test_the_lead_signs_and_its_first_note_begins_the_handling() -> None:
    assert life(dispatched(), signed()).state is S.SIGNED
    assert life(dispatched(), signed(), noted()).state is S.HANDLING


def test_nobody_notes_work_before_signing() -> None:
    assert refused(dispatched(), noted()) == "请先签收"


def test_nobody_but_the_lead_signs_for_the_lead() -> None:
    assert refused(dispatched(), signed(OTHER)) == f"“{OTHER}”不是这张工单的协办单位"


def test_nobody_signs_twice() -> None:
    with pytest.raises(IllegalTransition):
        life(dispatched(), signed(), signed())


def test_gaipai_from_a_unit_that_has_it_needs_a_reason() -> None:
    assert lacking(dispatched(), signed(), dispatched(OTHER)) == "改派须写明理由"
    course = life(dispatched(), signed(), dispatched(OTHER, reason="派错单位"))
    assert (course.state, course.lead) == (S.DISPATCHED, OTHER)


@pytest.mark.parametrize("joint", [(LEAD,), (OTHER, OTHER), (" ",)])
def test_units_are_named_once(joint: tuple[str, ...]) -> None:
    with pytest.raises(ValueRefused):
        life(dispatched(LEAD, *joint))


# ---------------------------------------------------------------- 主办 协办


def test_a_joint_unit_signs_and_answers_the_lead_while_the_order_stays_where_it_is() -> None:
    course = life(dispatched(LEAD, OTHER), signed(OTHER), joint_answered())
    assert (course.state, course.joint[0].state, course.joint[0].answer) == (
        S.DISPATCHED, JointState.ANSWERED, "已修复路面",
    )  # fmt: skip


def test_a_joint_unit_signs_before_it_answers_and_only_once() -> None:
    assert refused(dispatched(LEAD, OTHER), joint_answered()) == "请先签收"
    assert "已经签收过了" in refused(dispatched(LEAD, OTHER), signed(OTHER), signed(OTHER))


def test_the_lead_alone_gives_the_one_answer() -> None:
    text = refused(dispatched(LEAD, OTHER), signed(), signed(OTHER), fed_back(OTHER))
    assert text == f"这张工单的主办单位是“{LEAD}”，其他单位不能这样操作"


def test_by_rule_the_lead_answers_without_the_joint_units() -> None:
    assert life(dispatched(LEAD, OTHER), signed(), fed_back()).state is S.FED_BACK


def test_by_rule_the_lead_waits_for_every_joint_unit() -> None:
    before = (dispatched(LEAD, OTHER, THIRD, rule=JointRule.ALL), signed(), signed(OTHER), signed(THIRD))
    text = refused(*before, joint_answered(OTHER), fed_back())
    assert text == f"协办单位尚未答复：{THIRD}"
    assert life(*before, joint_answered(OTHER), joint_answered(THIRD), fed_back()).state is S.FED_BACK


def test_by_rule_the_lead_does_not_wait_for_a_joint_unit_that_is_late() -> None:
    late = clock(ClockKind.RESOLVE, 5000.0, unit=OTHER)
    course = life(dispatched(LEAD, OTHER, rule=JointRule.UNTIL_DUE, clocks=(late,)), signed())
    with pytest.raises(CourseRefused, match="1 joint units"):
        advance(course, fed_back(), 5000.0)
    assert advance(course, fed_back(), 5001.0).state is S.FED_BACK


def test_who_stays_a_joint_unit_keeps_what_it_did() -> None:
    swapped = happened.JointSet(joint=(THIRD, OTHER), reason="增加街道", by=CLERK)
    course = life(dispatched(LEAD, OTHER), signed(OTHER), swapped)
    assert [(one.unit, one.state) for one in course.joint] == [
        (THIRD, JointState.DISPATCHED), (OTHER, JointState.SIGNED),
    ]  # fmt: skip


# ---------------------------------------------------------------- 退单 争议 裁定


def test_tuidan_waits_for_its_ruling_and_goes_back_to_where_it_was() -> None:
    course = life(dispatched(), signed(), noted(), returned())
    assert (course.state, course.held_from) == (S.RETURNED, S.HANDLING)
    assert life(dispatched(), signed(), noted(), returned(), return_ruled(False)).state is S.HANDLING


def test_tuidan_that_is_agreed_to_waits_for_a_new_dispatch() -> None:
    course = life(dispatched(LEAD, OTHER), returned(), return_ruled(True))
    assert (course.state, course.lead, course.joint) == (S.ACCEPTED, "", ())


def test_tuidan_that_is_refused_before_signing_counts_as_signed() -> None:
    assert life(dispatched(), returned(), return_ruled(False)).state is S.SIGNED


def test_tuidan_needs_a_reason() -> None:
    nothing = happened.OrderReturned(unit=LEAD, reason=" ", clock=clock(ClockKind.RETURN, DAY), by=OFFICER)
    assert lacking(dispatched(), nothing) == "内容长度应为 1 到 500 个字"


def test_a_second_tuidan_without_a_ruling_is_refused() -> None:
    text = refused(dispatched(), returned(), dispatched(OTHER), returned(OTHER))
    assert text == "这张工单此前已退单且未经裁定，不能再次退单，请提请职责争议裁定"


def test_a_second_tuidan_after_a_ruling_is_heard() -> None:
    course = life(dispatched(), returned(), return_ruled(True), dispatched(OTHER), returned(OTHER))
    assert [one.unit for one in course.returns] == [LEAD, OTHER]


def test_a_unit_whose_tuidan_was_refused_does_not_return_it_again() -> None:
    text = refused(dispatched(), signed(), returned(), return_ruled(False), returned())
    assert text == f"已裁定由“{LEAD}”办理，不能再退单"


def test_tuidan_after_its_time_is_refused() -> None:
    course = life(dispatched(clocks=(clock(ClockKind.RETURN, DAY),)), signed())
    with pytest.raises(CourseRefused, match="the time for returning it is over"):
        advance(course, returned(), DAY + 1)
    assert advance(course, returned(), DAY).state is S.RETURNED


def test_nobody_but_the_lead_returns_an_order() -> None:
    assert "主办单位" in refused(dispatched(LEAD, OTHER), returned(OTHER))


def test_zhiyi_is_ruled_and_the_named_unit_neither_returns_nor_disputes_it() -> None:
    ruled = (dispatched(), returned(), dispatched(OTHER), disputed(OTHER), dispute_ruled(OTHER))
    course = life(*ruled)
    assert (course.state, course.lead) == (S.DISPATCHED, OTHER)
    assert [one.accepted for one in course.returns] == [True]
    assert refused(*ruled, returned(OTHER)) == f"已裁定由“{OTHER}”办理，不能再退单"
    assert refused(*ruled, disputed(OTHER)) == f"职责争议已裁定由“{OTHER}”办理"


def test_the_centre_asks_for_a_ruling_only_when_nobody_has_it() -> None:
    centre = happened.DisputeRaised(reason="职责不清", by=CLERK)
    assert life(centre).state is S.DISPUTED
    assert life(dispatched(), returned(), centre).state is S.DISPUTED
    assert refused(dispatched(), centre) == "工单已在承办单位，应由主办单位提请裁定"


# ---------------------------------------------------------------- 延期

WITH_LIMIT = (dispatched(clocks=(clock(ClockKind.RESOLVE, 2 * DAY),)), signed())
ASKED = happened.ExtensionAsked(unit=LEAD, days=3, reason="需要招标", by=OFFICER)


def ruled_extension(granted: bool, due: float | None = None) -> happened.ExtensionRuled:
    return happened.ExtensionRuled(granted=granted, due=due, reason="同意" if granted else "不同意", by=CHIEF)


def test_yanqi_that_is_granted_moves_the_end_and_the_warning() -> None:
    before = life(*WITH_LIMIT).clocks[0]
    after = life(*WITH_LIMIT, ASKED, ruled_extension(True, 5 * DAY)).clocks[0]
    assert after.due == 5 * DAY
    assert after.near_at - before.near_at == pytest.approx(3 * DAY)


def test_yanqi_that_is_refused_moves_nothing() -> None:
    assert life(*WITH_LIMIT, ASKED, ruled_extension(False)).clocks == life(*WITH_LIMIT).clocks


def test_yanqi_is_asked_for_once_at_a_time_and_only_where_there_is_a_limit() -> None:
    assert refused(*WITH_LIMIT, ASKED, ASKED) == "已有延期申请待审批"
    assert refused(dispatched(), signed(), ASKED) == "这张工单没有办理时限，不需要延期"
    assert refused(*WITH_LIMIT, ruled_extension(False)) == "没有待审批的延期申请"


@pytest.mark.parametrize("due", [None, 2 * DAY, DAY])
def test_yanqi_ends_after_the_old_end(due: float | None) -> None:
    assert lacking(*WITH_LIMIT, ASKED, ruled_extension(True, due)) == "延期后的到期时间须晚于原到期时间"


def test_yanqi_that_nobody_ruled_on_falls_away_with_the_answer() -> None:
    assert life(*WITH_LIMIT, ASKED, fed_back()).extension is None


# ---------------------------------------------------------------- 反馈 审核


def test_an_answer_that_does_not_pass_goes_back_and_its_clock_goes_on() -> None:
    course = life(*WITH_LIMIT, fed_back(), reviewed(False))
    assert course.state is S.HANDLING
    assert course.clocks[0].running
    assert course.clocks[0].due == 2 * DAY


def test_the_clock_of_an_answer_that_passed_stopped_when_it_was_given() -> None:
    assert life(*WITH_LIMIT, fed_back(), reviewed()).clocks[0].stopped == 1180.0


def test_an_answer_passes_only_when_every_line_of_the_checklist_is_right() -> None:
    wrong = happened.FeedbackReviewed(passed=True, checklist=(Checked(item="已联系", ok=False),), by=CLERK)
    assert lacking(*ANSWERED[:3], wrong) == "审核清单有未通过的项目，不能审核通过"
    nothing = happened.FeedbackReviewed(passed=True, checklist=(), by=CLERK)
    assert lacking(*ANSWERED[:3], nothing) == "请逐项填写审核清单"
    silent = happened.FeedbackReviewed(passed=False, checklist=(Checked(item="已联系", ok=False),), by=CLERK)
    assert lacking(*ANSWERED[:3], silent) == "审核不通过须写明需要补正的内容"


# ---------------------------------------------------------------- 回访 评价 重办 申诉 办结


def test_a_return_visit_ends_in_a_rating_and_the_order_is_closed_and_archived() -> None:
    visit = happened.VisitPlanned(visit_id="v1-o1", by="system")
    course = life(*ANSWERED, visit, rated(bad=False), closed(), happened.OrderArchived(by="system"))
    assert (course.state, course.visit_id, course.bad_ratings) == (S.ARCHIVED, "v1-o1", 0)


def test_an_order_without_a_rating_is_closed_only_with_a_reason() -> None:
    assert lacking(*ANSWERED, closed()) == "未获满意评价的工单办结须写明理由"
    assert life(*ANSWERED, closed("三次未接通")).state is S.CLOSED


def test_chaping_is_redone_before_it_is_closed() -> None:
    assert refused(*BAD, closed("无理诉求")) == "差评工单须先重办，不能直接办结"
    assert refused(*BAD, redo(), closed("无理诉求")) == "差评重办未完成，不能办结"


def test_chongban_is_a_new_round_with_new_clocks_for_the_same_units() -> None:
    fresh = clock(ClockKind.RESOLVE, 9 * DAY)
    again = (dispatched(LEAD, OTHER, clocks=(clock(ClockKind.RESOLVE, DAY),)), *ANSWERED[1:], rated(bad=True))
    course = life(*again, redo(fresh))
    assert (course.state, course.round, course.lead, course.clocks) == (S.REDO, 2, LEAD, (fresh,))
    assert [one.state for one in course.joint] == [JointState.DISPATCHED]
    assert (course.feedback, course.review) == (None, None)
    assert advance(course, signed(), 9e4).state is S.SIGNED


def test_the_second_bad_rating_brings_supervision_and_each_further_one_lifts_it() -> None:
    again = (redo(), signed(), fed_back(), reviewed(), rated(bad=True))
    assert life(*BAD).supervision is Supervision.NONE
    assert life(*BAD, *again).supervision is Supervision.YELLOW
    assert life(*BAD, *again, *again).supervision is Supervision.RED
    assert life(*BAD, *again * 5).supervision is Supervision.RAISED


def test_bad_ratings_do_not_lower_what_a_person_set() -> None:
    taken = happened.SupervisionSet(level=Supervision.LEADER, reason="涉及多部门", by=CHIEF)
    course = life(*BAD, redo(), taken, signed(), fed_back(), reviewed(), rated(bad=True))
    assert course.supervision is Supervision.LEADER


def test_a_redone_order_with_a_bad_rating_is_closed_only_with_a_reason() -> None:
    again = (*BAD, redo(), signed(), fed_back(), reviewed(), rated(bad=True))
    assert lacking(*again, closed()) == "未获满意评价的工单办结须写明理由"
    assert life(*again, closed("诉求于法无据，已释法")).state is S.CLOSED


def test_the_newest_rating_of_a_round_counts_alone() -> None:
    assert life(*BAD, rated(bad=False)).bad_ratings == 0
    assert life(*BAD, rated(bad=True)).bad_ratings == 1


def test_a_citizen_who_rates_a_closed_order_opens_it_again() -> None:
    course = life(*ANSWERED, closed("未接通"), rated(bad=True))
    assert (course.state, course.closed_at) == (S.RATED, None)


@pytest.mark.parametrize("result", [0, 6])
def test_a_rating_is_from_1_to_5(result: int) -> None:
    odd = happened.OrderRated(result=result, service=None, solved=None, bad=False, by="system")
    assert lacking(*ANSWERED, odd) == "满意度只能是 1 到 5"


def test_a_rating_says_something() -> None:
    nothing = happened.OrderRated(result=None, service=None, solved=None, bad=False, by="system")
    assert lacking(*ANSWERED, nothing) == "请填写满意度或是否解决"
    partly = happened.OrderRated(result=None, service=None, solved=Solved.PARTLY, bad=False, by="system")
    assert life(*ANSWERED, partly).state is S.RATED


def test_shensu_that_is_upheld_takes_the_bad_rating_off_the_unit() -> None:
    upheld = happened.AppealRuled(upheld=True, reason="市民误评", by=CHIEF)
    course = life(*BAD, APPEALED, upheld)
    assert (course.state, course.bad_ratings) == (S.RATED, 0)
    assert course.rating is not None
    assert (course.rating.bad, course.rating.counts) == (True, False)
    assert advance(course, closed(), 9e4).state is S.CLOSED


def test_shensu_during_the_redo_ends_it_when_upheld_and_goes_on_when_not() -> None:
    held = (*BAD, redo(), APPEALED)
    assert life(*held, happened.AppealRuled(upheld=False, reason="评价属实", by=CHIEF)).state is S.REDO
    upheld = (*held, happened.AppealRuled(upheld=True, reason="误评", by=CHIEF))
    assert life(*upheld, closed()).state is S.CLOSED


def test_shensu_sets_no_other_limit_than_its_own() -> None:
    wrong = replace(APPEALED, clocks=(clock(ClockKind.RESOLVE, DAY),))
    assert lacking(*BAD, wrong) == "申诉裁定时限无效"


def test_shensu_is_made_once_and_against_a_bad_rating() -> None:
    ruled = happened.AppealRuled(upheld=False, reason="评价属实", by=CHIEF)
    assert refused(*BAD, APPEALED, ruled, APPEALED) == "这次评价已经申诉过了"
    assert refused(*ANSWERED, rated(bad=False), APPEALED) == "没有可以申诉的差评"


# ---------------------------------------------------------------- 撤单 收件箱


def test_chedan_stops_every_clock_and_needs_a_reason() -> None:
    withdrawn = happened.OrderWithdrawn(reason="市民撤诉", by=CLERK)
    course = life(*WITH_LIMIT, withdrawn)
    assert (course.state, course.clocks[0].stopped) == (S.WITHDRAWN, 1180.0)
    assert lacking(happened.OrderWithdrawn(reason="", by=CLERK)) == "内容长度应为 1 到 500 个字"


def test_the_inbox_shows_the_lead_its_nearest_clock_and_the_joint_unit_its_own() -> None:
    limits = (
        clock(ClockKind.SIGN, 5000.0),
        clock(ClockKind.RESOLVE, 2 * DAY),
        clock(ClockKind.RESOLVE, DAY, unit=OTHER),
        clock(ClockKind.RETURN, 2000.0),
    )
    lead, joint, third = tasks(life(dispatched(LEAD, OTHER, THIRD, clocks=limits)))
    assert (lead.unit, lead.role, lead.state, lead.due, lead.open) == (
        LEAD, UnitRole.LEAD, "dispatched", 5000.0, True,
    )  # fmt: skip
    assert (joint.unit, joint.role, joint.due) == (OTHER, UnitRole.JOINT, DAY)
    assert (third.unit, third.due) == (THIRD, 2 * DAY)


def test_who_has_answered_has_nothing_to_do() -> None:
    open_ = [task.open for task in tasks(life(dispatched(LEAD, OTHER), signed(OTHER), joint_answered()))]
    assert open_ == [True, False]
    assert not any(task.open for task in tasks(life(dispatched(LEAD, OTHER), signed(), fed_back())))


@pytest.mark.parametrize("text", ["x" * 4001, "", " ", "a\x00b", "\ud800"])
def test_an_answer_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(ValueRefused):
        life(*ANSWERED[:2], happened.FedBack(unit=LEAD, text=text, outcome=fed_back().outcome, by=OFFICER))


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ValueRefused, match="epoch seconds"):
        advance(begun(1.0), dispatched(), float("nan"))


def test_an_event_from_a_server_whose_clock_is_behind_counts_from_the_newest_one() -> None:
    course = advance(life(dispatched()), signed(), 5.0)
    assert (course.since, course.touched_at) == (1060.0, 1060.0)
