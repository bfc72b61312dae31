"""The course of an order (办理过程) once it is accepted: its states, its clocks, and what happens to it.

The events are in `orders.course_events`; each names who did it in `by`: a login, or "system" for a rule. What
policy decides (clocks, whether the lead waits, whether a rating counts as bad) stands in the event, so that
replaying old events gives the same order for ever, whatever the rules are by then. Times are epoch seconds.
Units are named by the id they have in the table of units.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SYSTEM = "system"
"""In `by`: a rule did it, no person."""


class CourseState(StrEnum):
    ACCEPTED = "accepted"  # 已受理: to be dispatched or answered at once
    ANSWERED = "answered"  # 已直办: answered at once, nobody else is needed
    DISPATCHED = "dispatched"  # 已派单: the lead unit has to sign for it
    SIGNED = "signed"  # 已签收
    HANDLING = "handling"  # 办理中: the citizen was spoken to, or work was noted
    RETURNED = "returned"  # 退单待裁: the lead says that it is not theirs
    DISPUTED = "disputed"  # 职责争议: nobody says that it is theirs; waits for a ruling
    FED_BACK = "fed_back"  # 已反馈: the lead's answer waits for review
    REVIEWED = "reviewed"  # 审核通过
    VISITING = "visiting"  # 回访中
    RATED = "rated"  # 已评价
    REDO = "redo"  # 差评重办: the lead has to sign for it again, with new clocks
    APPEALED = "appealed"  # 申诉中: the unit says that the rating is not its fault
    CLOSED = "closed"  # 已办结（销号）
    ARCHIVED = "archived"  # 已归档
    MERGED = "merged"  # 已并单
    WITHDRAWN = "withdrawn"  # 已撤单


class ClockKind(StrEnum):
    ACCEPT = "accept"  # 受理: until it is dispatched or answered
    DISPATCH = "dispatch"  # 派单: the same, counted from acceptance or from a return that was taken back
    SIGN = "sign"  # 签收
    CONTACT = "contact"  # 首次联系
    RESOLVE = "resolve"  # 办理: until the answer that passes review
    TRACK = "track"  # 跟踪: until the citizen has rated
    CLOSE = "close"  # 办结
    RETURN = (
        "return"  # 退单: while the lead has it, until when it may be returned; then, until when that is ruled
    )
    APPEAL = "appeal"  # 申诉裁定: until the appeal is ruled


class JointState(StrEnum):
    """Where one joint unit (协办) is."""

    DISPATCHED = "dispatched"  # 待签收
    SIGNED = "signed"  # 已签收
    ANSWERED = "answered"  # 已答复: its answer is with the lead


class JointRule(StrEnum):
    """Whether the lead's one answer waits for the joint units'."""

    FREE = "free"  # it does not wait
    UNTIL_DUE = "until_due"  # it waits for all, but not for those whose own clock is over
    ALL = "all"  # it waits for all


class Outcome(StrEnum):
    """What came of the matter, as the lead answers it."""

    DONE = "done"  # 已解决
    PARTLY = "partly"  # 部分解决
    EXPLAINED = "explained"  # 解释说明: nothing was to be done
    PLANNED = "planned"  # 列入计划: will be done by a later date
    REFUSED = "refused"  # 不予支持: law or facts do not allow it


class Supervision(StrEnum):
    """How closely the order is watched (督办), each above the one before."""

    NONE = "none"
    YELLOW = "yellow"  # 黄牌
    RED = "red"  # 红牌
    RAISED = "raised"  # 提级办理
    LEADER = "leader"  # 领导包案


class CorrectionCause(StrEnum):
    """Why what was taken down is corrected (更正原因)."""

    RECORDED = "recorded"  # 记录有误: misheard or mistyped when it was taken down
    CLASSED = "classed"  # 归类不当: type, category or urgency did not fit
    CITIZEN = "citizen"  # 市民补充更正
    CHANGED = "changed"  # 情况变化: it has become dangerous, or is not any more
    VERIFIED = "verified"  # 核实后更正: as a unit found it on the spot
    OTHER = "other"  # 其他


class Solved(StrEnum):
    """What the citizen says of the matter on a return visit (回访)."""

    YES = "yes"  # 已解决
    NO = "no"  # 未解决
    PARTLY = "partly"  # 部分解决


# ---------------------------------------------------------------- what the course holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One time limit (时限); an order has at most one for each kind and unit."""

    kind: ClockKind  # of what
    started: float  # since when it counts
    due: float  # when it is over
    near_at: float  # from when it is nearly over
    unit: str = ""  # the joint unit it belongs to, "" for the order's own
    rule: str = ""  # id of the rule that set it
    span: str = ""  # how long by that rule ("2 workdays"), "" when a person set its end
    paused_at: float | None = None  # stands since then
    paused_s: float = 0.0  # seconds it stood before
    stopped: float | None = None  # what it waited for happened then

    @property
    def running(self) -> bool:
        """Whether it can become late."""
        return self.stopped is None and self.paused_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class JointUnit:
    """One joint unit (协办) and its part."""

    unit: str  # which
    state: JointState = JointState.DISPATCHED  # where it is
    since: float = 0.0  # when that began
    answer: str = ""  # what it answered the lead


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """One return (退单)."""

    unit: str  # who returned it
    reason: str  # why
    at: float  # when
    accepted: bool | None = None  # as ruled; None: not ruled, or an old dispatch took no notice of it
    ruling: str = ""  # why it was ruled so


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """The newest dispute (职责争议)."""

    unit: str  # who raised it
    reason: str  # why
    at: float  # when
    lead: str = ""  # the unit that has to do it by ruling (裁定), "" while there is none
    ruling: str = ""  # why it was ruled so


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """The newest extension (延期) of this round."""

    days: int  # working days asked for
    reason: str  # why
    at: float  # when it was asked for
    granted: bool | None = None  # None: not ruled yet
    ruling: str = ""  # why it was ruled so


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """The one answer (反馈), the lead's or the centre's own (直办)."""

    unit: str  # whose, "" for the centre's
    text: str  # the answer
    at: float  # when
    outcome: Outcome = Outcome.DONE  # what came of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One line of the checklist by which an answer is reviewed."""

    item: str  # what was looked at
    ok: bool  # whether it is right


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The newest review (审核) of an answer."""

    passed: bool  # whether the citizen may be told
    checklist: tuple[Checked, ...]  # line by line
    at: float  # when
    reason: str = ""  # what is to be mended when it did not pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What the citizen thinks of it (评价)."""

    result: int | None  # 5 very satisfied … 1 very dissatisfied with the result, None: not answered
    service: int | None  # the same of how they were treated
    solved: Solved | None  # whether it is solved, None: not answered
    bad: bool  # 差评 by the rule of its day
    at: float  # when
    words: str = ""  # what they said
    round: int = 1  # of which round's answer
    counts: bool = True  # False: an appeal was upheld, it is not counted against the unit
    by: str = ""  # who asked: a login, or "system" for the robot and for messages; "" in older ones


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedRating:
    """What a citizen who joined thinks of it (并单市民评价), the newest of each."""

    other: str  # the joined order
    result: int | None  # as in Rating
    service: int | None  # as in Rating
    solved: Solved | None  # as in Rating
    bad: bool  # 差评 by the rule of its day
    at: float  # when
    number: str = ""  # the joined order's 工单编号
    words: str = ""  # what they said
    round: int = 1  # of which round's answer
    counts: bool = True  # False: an appeal was upheld


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """The newest appeal (申诉) against a rating."""

    unit: str  # whose
    reason: str  # why
    at: float  # when
    upheld: bool | None = None  # None: not ruled yet
    ruling: str = ""  # why it was ruled so


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Where an accepted order is; all of it comes from its events."""

    state: CourseState  # where it is
    since: float  # when that began
    touched_at: float  # when something happened last
    round: int = 1  # 1, and one more for each redo (重办)
    lead: str = ""  # the first-responsible unit (主办), "" while there is none
    joint: tuple[JointUnit, ...] = ()  # joint units (协办)
    joint_rule: JointRule = JointRule.FREE  # whether the lead's answer waits for theirs
    held_from: CourseState | None = None  # returned, appealed, merged: where it goes back to
    returns: tuple[Return, ...] = ()  # oldest first
    dispute: Dispute | None = None  # newest
    extension: Extension | None = None  # of this round
    extended: tuple[int, ...] = ()  # working days granted in this round, oldest first
    clocks: tuple[Clock, ...] = ()  # of this round; stopped ones stay
    supervision: Supervision = Supervision.NONE  # 督办
    feedback: Feedback | None = None  # newest answer
    review: Review | None = None  # of that answer
    visit_id: str = ""  # the return visit that was planned last, "" for none
    rating: Rating | None = None  # newest
    bad_ratings: int = 0  # that count, over all rounds
    joined_ratings: tuple[JoinedRating, ...] = ()  # of citizens who joined, the newest of each
    appeal: Appeal | None = None  # newest
    closed_at: float | None = None  # 办结
    merged_into: str = ""  # order id
