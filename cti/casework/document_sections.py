"""What stands on the documents that go with an order (四单), section by section. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from orders.course_events import DisputeRuled, OrderDispatched, SupervisionSet
from orders.course_messages import Clock, ClockKind, Course, CourseState, Supervision
from orders.course_titles import CLOCKS, STATES, SUPERVISION
from orders.files import file_said
from orders.messages import AttachmentAdded, Channel, Draft, OrderField
from orders.records import Order, RecordedEvent
from orders.trail import FIELDS, JOINT_RULES, MARKS, OUTCOMES, SOLVED, moment, said, source_said

__all__ = [
    "CHANNELS",
    "CORRECTED",
    "FILES",
    "FREE_TEXTS",
    "Line",
    "Section",
    "close",
    "corrections",
    "dispatch",
    "files",
    "follow",
    "head",
    "matter",
    "supervise",
]

CHANNELS: Mapping[Channel, str] = MappingProxyType(
    {
        Channel.PHONE: "电话", Channel.VIDEO: "视频（手语）", Channel.TEXT: "文字会话",
        Channel.WEB: "网页表单", Channel.PORTAL: "政务门户", Channel.APP: "小程序",
        Channel.MAILBOX: "市长信箱", Channel.TRANSFER: "其他热线转办", Channel.IMPORT: "批量导入",
    }
)  # fmt: skip
_CITIZENS = (OrderField.CONTACT, OrderField.PHONE, OrderField.CONTACT_BY, OrderField.SECRECY)
_MATTERS = (
    OrderField.TITLE, OrderField.SUMMARY, OrderField.DISTRICT, OrderField.STREET, OrderField.PLACE,
    OrderField.DETAIL, OrderField.TIME, OrderField.SUBJECT,
)  # fmt: skip


FREE_TEXTS = frozenset({"交办意见", "跟进要求", "督办事由", "最近反馈", "答复内容", "评价内容", "办结理由"})
"""Titles of lines that hold what somebody wrote: names and numbers may stand in it."""
FILES = "附件"
"""Title of the section of files, whose names people choose, too."""
CORRECTED = "此后的更正"
"""Title of the section of corrections, for which people gave reasons."""
_DIGEST_SHOWN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that a document says."""

    title: str  # what it is
    text: str  # may have several lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Lines that belong together."""

    title: str  # its heading
    lines: tuple[Line, ...]  # in order; none is empty


def _lines(*pairs: tuple[str, str]) -> tuple[Line, ...]:
    return tuple(Line(title=title, text=text) for title, text in pairs if text)


def head(order: Order, draft: Draft, fields: Mapping[str, str]) -> Section:
    """What the order is."""
    return Section(
        title="工单",
        lines=_lines(
            ("工单编号", order.number),
            ("受理时间", "" if order.closed_at is None else moment(order.closed_at)),
            ("诉求渠道", CHANNELS[draft.channel]),
            *((FIELDS[name], fields.get(name, "")) for name in (OrderField.TYPE, OrderField.CATEGORY)),
            (FIELDS[OrderField.URGENCY], fields.get(OrderField.URGENCY, "")),
        ),
    )


def matter(fields: Mapping[str, str]) -> Section:
    """What the citizen wants, and who they are as far as the reader may know."""
    return Section(
        title="诉求",
        lines=_lines(*((FIELDS[name], fields.get(name, "")) for name in (*_MATTERS, *_CITIZENS))),
    )


def files(kept: Iterable[AttachmentAdded]) -> Section:
    """Which files the order had, with the beginning of each one's SHA-256, by which it is known again."""
    lines = [
        (f"附件 {place}", f"{file_said(one)}，SHA-256 {one.digest[:_DIGEST_SHOWN]}…")
        for place, one in enumerate(kept, 1)
    ]
    return Section(title=FILES, lines=_lines(*lines))


def corrections(later: Iterable[RecordedEvent]) -> Section:
    """What was corrected of the order after the document came about."""
    return Section(title=CORRECTED, lines=_lines(*((moment(one.at), said(one.event)) for one in later)))


# ---------------------------------------------------------------- what each kind says


def dispatch(recorded: RecordedEvent, before: Course, after: Course) -> Iterator[Section]:
    """To whom it is handed, why, and until when."""
    event = recorded.event
    joint = "、".join(one.unit for one in after.joint)
    source, why = "", ""
    if isinstance(event, OrderDispatched):
        source = source_said(event.source)
        why = "改派" if before.lead else ""
    elif isinstance(event, DisputeRuled):
        source = "职责争议裁定"
    else:
        source, why = "差评重办", f"第 {after.round} 轮"
    yield Section(
        title="交办",
        lines=_lines(
            ("主办单位", after.lead),
            ("协办单位", joint),
            ("协办要求", JOINT_RULES[after.joint_rule] if joint else ""),
            ("交办依据", "，".join(part for part in (source, why) if part)),
            ("交办意见", getattr(event, "reason", "")),
        ),
    )
    yield _limits(after)


def follow(recorded: RecordedEvent, before: Course, after: Course) -> Iterator[Section]:
    """What is urged."""
    yield Section(
        title="跟进",
        lines=_lines(
            ("承办单位", after.lead),
            ("协办单位", "、".join(one.unit for one in after.joint)),
            ("办理状态", STATES[after.state]),
            ("跟进要求", getattr(recorded.event, "reason", "")),
        ),
    )
    yield _limits(after)


def supervise(recorded: RecordedEvent, before: Course, after: Course) -> Iterator[Section]:
    """How closely it is watched from now on, and why."""
    event = recorded.event
    reason = event.reason if isinstance(event, SupervisionSet) else f"第 {after.bad_ratings} 次差评"
    yield Section(
        title="督办",
        lines=_lines(
            ("督办级别", SUPERVISION[after.supervision]),
            ("原级别", "" if before.supervision is Supervision.NONE else SUPERVISION[before.supervision]),
            ("督办事由", reason),
            ("责任单位", after.lead),
            ("协办单位", "、".join(one.unit for one in after.joint)),
            ("办理状态", STATES[after.state]),
            ("退单次数", str(len(after.returns)) if after.returns else ""),
            ("差评次数", str(after.bad_ratings) if after.bad_ratings else ""),
            ("最近反馈", "" if after.feedback is None else after.feedback.text),
        ),
    )
    yield _limits(after)


def close(recorded: RecordedEvent, before: Course, after: Course) -> Iterator[Section]:
    """What came of it."""
    answer, rating = before.feedback, before.rating
    yield Section(
        title="办理结果",
        lines=_lines(
            ("主办单位", after.lead or "市民热线（直办）"),
            ("协办单位", "、".join(one.unit for one in after.joint)),
            ("办理结论", "" if answer is None else OUTCOMES[answer.outcome]),
            ("答复内容", "" if answer is None else answer.text),
            ("反馈时间", "" if answer is None else moment(answer.at)),
            ("审核", "" if before.review is None or not before.review.passed else _passed(before)),
            ("办理轮次", f"{after.round} 轮（重办 {after.round - 1} 次）" if after.round > 1 else ""),
        ),
    )
    if rating is not None:
        yield Section(
            title="评价",
            lines=_lines(
                ("办理结果", MARKS.get(rating.result or 0, "")),
                ("服务态度", MARKS.get(rating.service or 0, "")),
                ("是否解决", "" if rating.solved is None else SOLVED[rating.solved]),
                ("评价内容", rating.words),
                ("评价时间", moment(rating.at)),
            ),
        )
    yield Section(
        title="销号",
        lines=_lines(
            ("办结时间", moment(recorded.at)),
            ("办理时限", _kept(before)),
            ("办结理由", getattr(recorded.event, "reason", "")),
        ),
    )


def _passed(course: Course) -> str:
    review = course.review
    return "" if review is None else f"{moment(review.at)} 审核通过（{len(review.checklist)} 项）"


def _kept(course: Course) -> str:
    """Whether the resolve clock was kept."""
    clock = next((one for one in course.clocks if one.kind is ClockKind.RESOLVE and not one.unit), None)
    if clock is None:
        return ""
    late = clock.stopped is not None and clock.stopped > clock.due
    return f"{moment(clock.due)} 前，{'超期' if late else '按期'}"


def _limits(course: Course) -> Section:
    """Time limits that count from now on, the first to be over first."""
    counting = sorted((one for one in course.clocks if _counts(one, course)), key=lambda one: one.due)
    return Section(title="时限", lines=_lines(*((_limit_title(one), _limit(one)) for one in counting)))


def _counts(clock: Clock, course: Course) -> bool:
    if clock.stopped is not None:
        return False
    return clock.kind is not ClockKind.RETURN or course.state in (
        CourseState.DISPATCHED,
        CourseState.SIGNED,
        CourseState.HANDLING,
        CourseState.RETURNED,
        CourseState.DISPUTED,
    )


def _limit_title(clock: Clock) -> str:
    return f"{clock.unit} 协办答复" if clock.unit else CLOCKS[clock.kind]


def _limit(clock: Clock) -> str:
    standing = "（已中止）" if clock.paused_at is not None else ""
    return f"{moment(clock.due)} 前{standing}"
