"""The work order (工单): its fields, its states, and what happens to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class OrderField(StrEnum):
    """Fields that both the machine and the agent may fill."""

    TYPE = "type"  # 诉求类型: 咨询 求助 投诉 举报 建议 表扬
    CATEGORY = "category"  # 事项分类
    DISTRICT = "district"  # 区县
    STREET = "street"  # 街道/乡镇
    PLACE = "place"  # 地点 in words: road, estate, landmark, house number
    PHONE = "phone"  # 联系电话
    CONTACT = "contact"  # 联系人
    TIME = "time"  # 发生时间
    URGENCY = "urgency"  # 紧急程度: 一般 紧急 特急
    TITLE = "title"  # 标题
    SUMMARY = "summary"  # 诉求内容


class Filler(StrEnum):
    """Who put a value there; an agent's value is never overwritten by a machine."""

    MACHINE = "machine"
    AGENT = "agent"


class OrderState(StrEnum):
    DRAFT = "draft"  # 草稿: being filled during the call
    ACCEPTED = "accepted"  # 已受理: submitted by an agent
    DISCARDED = "discarded"  # 已作废: draft given up with a reason (nuisance call, wrong number)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldValue:
    """What stands in one field now, and where it came from (provenance)."""

    value: str  # what stands there
    filler: Filler  # machine or agent
    source: str  # "agent:<login>" or the machine's rule/model
    confidence: float  # 1.0 for an agent
    audio_from: float | None = None  # seconds into the recording
    audio_to: float | None = None  # seconds into the recording
    quote: str = ""  # the words it was taken from
    at: float = 0.0  # epoch seconds
    suggestion: str | None = None  # the machine's second thought beside an agent's value


class Solved(StrEnum):
    """What the citizen says of the matter on a return visit (回访)."""

    YES = "yes"  # 已解决
    NO = "no"  # 未解决
    PARTLY = "partly"  # 部分解决


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderVisit:
    """What the citizen answered on the newest return visit (回访)."""

    visit_id: str  # which visit
    call_id: str  # the call in which it was said, "" when a person wrote it down without one
    by: str  # "robot" or "agent:<login>"
    solved: Solved | None = None  # None: not answered
    satisfaction: int | None = None  # 5 very satisfied … 1 very dissatisfied, None: not answered
    words: str = ""  # what they said, as it was understood
    audio_from: float | None = None  # where in that call's recording, seconds
    audio_to: float | None = None  # seconds
    at: float = 0.0  # epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The order while the call goes on."""

    order_id: str  # stays the same when submitted
    call_id: str  # the call it belongs to
    version: int  # grows with every change; edits name the version they saw
    state: OrderState = OrderState.DRAFT  # where it is
    fields: Mapping[str, FieldValue] = field(default_factory=dict)  # OrderField value -> what stands there
    visit: OrderVisit | None = None  # answers of the newest return visit


# ---------------------------------------------------------------- events (append-only, the truth)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOpened:
    order_id: str  # new order
    call_id: str  # its call
    caller: str  # calling number, the default for PHONE


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSuggested:
    field: str  # OrderField
    value: str  # the machine's value
    source: str  # rule, list or model
    confidence: float  # 0 to 1
    audio_from: float | None = None  # seconds into the recording
    audio_to: float | None = None  # seconds into the recording
    quote: str = ""  # the words


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEdited:
    field: str  # OrderField
    value: str  # what the agent typed; empty clears the field, and it stays the agent's
    agent: str  # login


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSubmitted:
    agent: str  # login


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDiscarded:
    agent: str  # login
    reason: str  # why


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRecorded:
    """The citizen was asked whether it was solved; of several of one visit the newest counts."""

    visit_id: str  # which visit
    call_id: str  # the call in which it was said, "" when a person wrote it down without one
    by: str  # "robot" or "agent:<login>"; what an agent recorded of a visit, the robot does not change
    solved: Solved | None = None  # None: not answered
    satisfaction: int | None = None  # 5 … 1, None: not answered
    words: str = ""  # what they said, as it was understood
    audio_from: float | None = None  # where in that call's recording, seconds
    audio_to: float | None = None  # seconds


OrderEvent = DraftOpened | FieldSuggested | FieldEdited | OrderSubmitted | OrderDiscarded | VisitRecorded
