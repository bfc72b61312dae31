"""One row of a table of orders, as people write it, checked and made into events. Pure.

Every row that cannot be taken says in which column, what stands there, and what to write instead.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from orders.course_events import (
    AnsweredDirectly,
    FedBack,
    FeedbackReviewed,
    OrderClosed,
    OrderDispatched,
    OrderSigned,
)
from orders.course_messages import Checked, Outcome
from orders.errors import OrderError
from orders.fields import REQUIRED, TITLES, check
from orders.lifecycle import MAX_CALLER
from orders.messages import Channel, DraftOpened, FieldEdited, OrderEvent, OrderField, OrderSubmitted
from orders.unit_known import UnitNames

__all__ = [
    "CHANNELS",
    "COLUMNS",
    "EXTERNAL",
    "EXTRA",
    "ImportRow",
    "RowError",
    "content_of",
    "order_key",
    "read_row",
    "steps_of",
]

EXTRA = "多余的单元格"
"""What stands right of the last heading."""
EXTERNAL, CHANNEL, CALLER = "外部编号", "渠道", "来电号码"
ACCEPTED, LEAD, ANSWER, CLOSED = "受理时间", "主办单位", "答复内容", "办结时间"
MAX_EXTERNAL = 100
MAX_ANSWER = 4000
CHANNELS: Mapping[str, Channel] = MappingProxyType(
    {
        "电话": Channel.PHONE, "视频": Channel.VIDEO, "文字": Channel.TEXT, "网页": Channel.WEB,
        "政务门户": Channel.PORTAL, "小程序": Channel.APP, "市长信箱": Channel.MAILBOX,
        "转办": Channel.TRANSFER, "批量导入": Channel.IMPORT,
    }
)  # fmt: skip
_FIELDS = {title: name for name, title in TITLES.items()}
COLUMNS: tuple[str, ...] = (EXTERNAL, CHANNEL, CALLER, ACCEPTED, *_FIELDS, LEAD, ANSWER, CLOSED)
"""Headings that are taken; 外部编号, 诉求类型, 事项分类, 诉求内容 and 受理时间 must be filled in each row."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """Why a row cannot be taken."""

    row: int  # line of the file, 1 for the first
    column: str  # its heading, "" for the row as a whole
    value: str  # what stands there, at most 40 characters
    remedy: str  # Chinese: what is wrong, and what to do


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """One order as it is brought."""

    external: str  # its number where it comes from
    channel: Channel  # the way by which it came
    caller: str  # the number that called, "" for none
    accepted_at: float  # epoch seconds
    fields: Mapping[OrderField, str] = field(default_factory=dict)
    lead: str = ""  # first-responsible unit, "" for not dispatched
    answer: str = ""  # what the citizen was told
    closed_at: float | None = None  # 办结


def order_key(external: str) -> str:
    """Return what stands for the order of this external number: the same each time it is brought."""
    return hashlib.sha256(f"import\n{external}".encode()).hexdigest()[:31]


def content_of(values: Mapping[str, str]) -> str:
    """Return what tells two rows of one external number apart."""
    whole = hashlib.sha256()
    for name in COLUMNS:
        data = plain(values.get(name, "")).encode("utf-8", "surrogatepass")
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()


def plain(text: str) -> str:
    """Return what a cell means: without blanks around it, nor the mark that keeps it from being a formula."""
    text = text.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def read_row(
    row: int, values: Mapping[str, str], *, zone: datetime.tzinfo, now: float, units: UnitNames
) -> ImportRow | tuple[RowError, ...]:
    """Return the order that a row says, or all that is wrong with it; `units` are those that exist."""
    cells = {name: plain(values.get(name, "")) for name in COLUMNS}
    wrong: list[RowError] = []

    def refuse(column: str, remedy: str) -> None:
        wrong.append(RowError(row=row, column=column, value=cells.get(column, "")[:40], remedy=remedy))

    def moment(column: str) -> float | None:
        if not cells[column]:
            return None
        for form in _FORMS:
            try:
                at = datetime.datetime.strptime(cells[column], form).replace(tzinfo=zone).timestamp()
            except ValueError:
                continue
            if at > now:
                refuse(column, "时间在将来，请核对")
            return at
        refuse(column, "时间请写成 2026-11-22 09:30")
        return None

    if values.get(EXTRA):
        more = values[EXTRA][:40]
        wrong.append(RowError(row=row, column=EXTRA, value=more, remedy="单元格比列名多，请检查逗号和引号"))
    if not 1 <= len(cells[EXTERNAL]) <= MAX_EXTERNAL:
        refuse(EXTERNAL, f"每行须有外部编号，最多 {MAX_EXTERNAL} 个字符")
    channel = CHANNELS.get(cells[CHANNEL] or "批量导入")
    if channel is None:
        refuse(CHANNEL, f"渠道只能是：{'、'.join(CHANNELS)}")
    if len(cells[CALLER]) > MAX_CALLER:
        refuse(CALLER, f"号码最多 {MAX_CALLER} 个字符")
    fields: dict[OrderField, str] = {}
    for title, name in _FIELDS.items():
        try:
            check(name, cells[title])
        except OrderError as error:
            refuse(title, error.shown)
        if cells[title]:
            fields[name] = cells[title]
        elif name in REQUIRED:
            refuse(title, f"“{title}”不能为空")
    accepted_at, closed_at = moment(ACCEPTED), moment(CLOSED)
    if not cells[ACCEPTED]:
        refuse(ACCEPTED, "请填写受理时间，例如 2026-11-22 09:30")
    if accepted_at is not None and closed_at is not None and closed_at < accepted_at:
        refuse(CLOSED, "办结时间早于受理时间")
    if cells[LEAD] and not units.knows(cells[LEAD]):
        refuse(LEAD, "没有这个承办单位，请先导入单位或改正名称")
    if len(cells[ANSWER]) > MAX_ANSWER:
        refuse(ANSWER, f"答复内容有 {len(cells[ANSWER])} 个字，最多 {MAX_ANSWER} 个字，请缩短")
    if cells[CLOSED] and not cells[ANSWER]:
        refuse(ANSWER, "已办结的工单须有答复内容")
    if wrong or channel is None or accepted_at is None:
        return tuple(wrong)
    return ImportRow(
        external=cells[EXTERNAL], channel=channel, caller=cells[CALLER], accepted_at=accepted_at,
        fields=fields, lead=cells[LEAD], answer=cells[ANSWER], closed_at=closed_at,
    )  # fmt: skip


def steps_of(
    order_id: str, row: ImportRow, *, by: str, checklist: Sequence[str]
) -> tuple[tuple[OrderEvent, float], ...]:
    """Return the events that make the order, with their times; `checklist` is that of reviews."""
    at = row.accepted_at
    steps: list[tuple[OrderEvent, float]] = [
        (DraftOpened(order_id=order_id, call_id="", caller=row.caller, channel=row.channel), at),
        *((FieldEdited(field=name, value=value, agent=by), at) for name, value in row.fields.items()),
        (OrderSubmitted(agent=by), at),
    ]
    if row.lead:
        steps.append((OrderDispatched(lead=row.lead, source="clerk", by=by), at))
    if row.closed_at is None:
        return tuple(steps)
    end = row.closed_at
    if row.lead:
        marks = tuple(Checked(item=line, ok=True) for line in checklist) or (Checked(item="已核对", ok=True),)
        steps += [
            (OrderSigned(unit=row.lead, by=by), end),
            (FedBack(unit=row.lead, text=row.answer, outcome=Outcome.DONE, by=by), end),
            (FeedbackReviewed(passed=True, checklist=marks, by=by), end),
        ]
    else:
        steps.append((AnsweredDirectly(text=row.answer, by=by), end))
    steps.append((OrderClosed(by=by, reason="批量导入，原系统已办结"), end))
    return tuple(steps)
