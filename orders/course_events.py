"""What can happen to an accepted order; events are append-only and the truth (see `orders.course_messages`).

`reason` stands wherever a person decides about others; where it has no default it must not be empty.
"""

from __future__ import annotations

from dataclasses import dataclass

from orders.course_messages import (
    Checked,
    Clock,
    ClockKind,
    CorrectionCause,
    JointRule,
    Outcome,
    Solved,
    Supervision,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredDirectly:
    """直办: the centre's own answer, nobody is dispatched to."""

    text: str  # what the citizen was told
    by: str  # login or "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDispatched:
    """派单: to a lead and joint units; (改派) again after a return, or with a reason from who has it."""

    lead: str  # first-responsible unit
    source: str  # "clerk", "rule:<id>", "learned": where the choice came from
    by: str  # login or "system"
    joint: tuple[str, ...] = ()  # joint units
    joint_rule: JointRule = JointRule.FREE  # whether the lead's answer waits for theirs
    clocks: tuple[Clock, ...] = ()  # new ones; other resolve, track and close clocks go on
    reason: str = ""  # needed when a unit already had it
    rules_return: bool = False  # it rules on a return that nobody ruled on; policy says so, old ones do not


@dataclass(frozen=True, slots=True, kw_only=True)
class JointSet:
    """协办调整: these are the joint units from now on; who stays keeps what it did."""

    joint: tuple[str, ...]  # all of them
    reason: str  # why
    by: str  # login
    joint_rule: JointRule = JointRule.FREE  # as in OrderDispatched
    clocks: tuple[Clock, ...] = ()  # theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSigned:
    """签收: by the lead or a joint unit."""

    unit: str  # who
    by: str  # login


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactMade:
    """首次联系: the lead spoke with the citizen."""

    unit: str  # who
    by: str  # login
    text: str = ""  # what was said


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkNoted:
    """办理记录: by the lead or a joint unit."""

    unit: str  # who
    text: str  # what was done
    by: str  # login


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionAsked:
    """申请延期."""

    unit: str  # the lead
    days: int  # working days, 1 to 365
    reason: str  # why
    by: str  # login


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionRuled:
    """延期审批."""

    granted: bool  # whether
    reason: str  # why
    by: str  # login
    due: float | None = None  # granted: the resolve clock's new end, after the old one
    near_at: float | None = None  # granted: from when it is nearly over; None: as long before as it was


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReturned:
    """退单: the lead says that it is not theirs; not twice without a ruling."""

    unit: str  # the lead
    reason: str  # why
    by: str  # login
    clock: Clock | None = None  # kind return: until when it has to be ruled; the rules put it there


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRuled:
    """退单审核: taken back by the centre, or the unit has to do it."""

    accepted: bool  # True: to be dispatched anew; False: the unit goes on
    reason: str  # why
    by: str  # login
    clocks: tuple[Clock, ...] = ()  # accepted: the new dispatch clock


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeRaised:
    """提请职责争议裁定: the lead, or the centre when nobody has it."""

    reason: str  # why
    by: str  # login
    unit: str = ""  # who raises it: the lead, "" for the centre
    clocks: tuple[Clock, ...] = ()  # kind return: until when it has to be ruled


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeRuled:
    """裁定: this unit has to do it, and neither returns nor disputes it any more."""

    lead: str  # who
    reason: str  # why
    by: str  # login
    joint: tuple[str, ...] = ()  # joint units
    joint_rule: JointRule = JointRule.FREE  # as in OrderDispatched
    clocks: tuple[Clock, ...] = ()  # as in OrderDispatched


@dataclass(frozen=True, slots=True, kw_only=True)
class JointAnswered:
    """协办答复: to the lead, who gives the one answer; a later one replaces it."""

    unit: str  # the joint unit
    text: str  # its answer
    by: str  # login


@dataclass(frozen=True, slots=True, kw_only=True)
class FedBack:
    """反馈: the lead's one answer."""

    unit: str  # the lead
    text: str  # the answer
    outcome: Outcome  # what came of it
    by: str  # login


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackReviewed:
    """审核: by checklist; not passed, it goes back to the lead and its clock goes on."""

    passed: bool  # only when every line is right
    checklist: tuple[Checked, ...]  # at least one line
    by: str  # login
    reason: str = ""  # needed when it did not pass


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPlanned:
    """安排回访; another one replaces it."""

    visit_id: str  # which (`orders.visits`), or any name for a visit by a person
    by: str  # login or "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRated:
    """评价: at least one of result, service and solved is answered."""

    result: int | None  # 5 … 1
    service: int | None  # 5 … 1
    solved: Solved | None  # whether it is solved
    bad: bool  # 差评 by the rule in force: it is redone, the second one is supervised
    by: str  # who asked: a login, or "system" for the robot and for messages
    words: str = ""  # what they said


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedRated:
    """并单市民评价: a citizen who joined rates the one answer; policy makes a bad one the order's rating."""

    other: str  # the joined order whose citizen it is
    result: int | None  # 5 … 1
    service: int | None  # 5 … 1
    solved: Solved | None  # whether it is solved
    bad: bool  # 差评 by the rule in force
    by: str  # who asked: a login, or "system" for the page and for messages
    number: str = ""  # the joined order's 工单编号
    words: str = ""  # what they said


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenReplied:
    """市民回复: words in which no rating is found, or none that can count; a person reads them."""

    words: str  # what they wrote
    by: str  # "system": it came by message
    other: str = ""  # the joined order whose citizen wrote, "" for the order's own
    number: str = ""  # the joined order's 工单编号


@dataclass(frozen=True, slots=True, kw_only=True)
class RedoOrdered:
    """差评重办: a new round, with new clocks."""

    reason: str  # why
    clocks: tuple[Clock, ...]  # all clocks of the new round
    by: str  # login or "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealRaised:
    """申诉: against the newest rating, once."""

    unit: str  # the lead
    reason: str  # why
    by: str  # login
    clocks: tuple[Clock, ...] = ()  # kind appeal: until when it has to be ruled


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealRuled:
    """申诉审核."""

    upheld: bool  # True: the rating does not count
    reason: str  # why
    by: str  # login


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedUp:
    """跟进: the centre, or a rule, urges who has it; nothing changes, and it counts against nobody."""

    reason: str  # what is wanted, and why
    by: str  # login or "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionSet:
    """督办: by hand or by rule, up or down."""

    level: Supervision  # from now on
    reason: str  # why
    by: str  # login or "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClocksSet:
    """时限设定: these replace those of the same kind and unit."""

    clocks: tuple[Clock, ...]  # at least one
    reason: str  # why
    by: str  # login or "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockPaused:
    """时限中止."""

    kind: ClockKind  # which
    reason: str  # why
    by: str  # login or "system"
    unit: str = ""  # of a joint unit


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockResumed:
    """时限恢复: it ends later now; the calendar says when."""

    kind: ClockKind  # which
    due: float  # new end, not before the old one
    near_at: float  # from when it is nearly over
    reason: str  # why
    by: str  # login or "system"
    unit: str = ""  # of a joint unit


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClosed:
    """办结销号."""

    by: str  # login or "system"
    reason: str = ""  # needed when the citizen has not rated it, or is dissatisfied still


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderArchived:
    """归档."""

    by: str  # login or "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWithdrawn:
    """撤单: the citizen does not want it any more, or it should never have been."""

    reason: str  # why
    by: str  # login


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseMerged:
    """并单: another order's answer serves this citizen, too; `MergeUndone` takes it back."""

    into: str  # order id
    reason: str  # why
    by: str  # login
    number: str = ""  # the other's 工单编号


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field of an order as it was and as it is from then on."""

    field: str  # orders.messages.OrderField
    value: str  # from then on, "" clears it
    was: str = ""  # what stood there; the rules look it up (orders.course_policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCorrected:
    """更正: what was taken down is not right, or not any more."""

    changes: tuple[FieldChange, ...]  # each field once
    cause: CorrectionCause  # why, out of a list
    reason: str  # why, in words
    by: str  # login
    clocks: tuple[Clock, ...] = ()  # limits that end otherwise by the rules for what it is now


CourseEvent = (
    AnsweredDirectly
    | OrderDispatched
    | JointSet
    | OrderSigned
    | ContactMade
    | WorkNoted
    | ExtensionAsked
    | ExtensionRuled
    | OrderReturned
    | ReturnRuled
    | DisputeRaised
    | DisputeRuled
    | JointAnswered
    | FedBack
    | FeedbackReviewed
    | VisitPlanned
    | OrderRated
    | JoinedRated
    | CitizenReplied
    | RedoOrdered
    | AppealRaised
    | AppealRuled
    | FollowedUp
    | SupervisionSet
    | ClocksSet
    | ClockPaused
    | ClockResumed
    | OrderClosed
    | OrderArchived
    | OrderWithdrawn
    | CourseMerged
    | OrderCorrected
)
